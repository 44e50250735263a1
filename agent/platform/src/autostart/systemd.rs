//! A service of the person's own systemd. How its lines are read: systemd.syntax(7) "Quoting", systemd.service(5) "Command
//! lines" and systemd.unit(5) "Specifiers". Words stand in double quotes with `\` and `"` escaped; `%` and, in a command
//! line, `$` are doubled. A program whose name has a quote, a backslash or a `$` cannot stand first: systemd refuses the
//! first two and replaces no `$$` there, so a shell starts it.

use super::{Entry, THROUGH_SHELL, Unfit, text, words};

/// The unit's text.
///
/// # Errors
/// A name that no line can hold.
pub fn unit(entry: &Entry) -> Result<String, Unfit> {
    let words = words(&entry.program, &entry.stay)?;
    let plain = !words[0].contains(['"', '\'', '\\', '$']);
    let command = if plain {
        std::iter::once(quoted(words[0])).chain(words[1..].iter().map(|word| argument(word))).collect()
    } else {
        let [shell, how, script] = THROUGH_SHELL;
        let through = [shell.to_owned(), how.to_owned(), argument(script)];
        through.into_iter().chain(words.iter().map(|word| argument(word))).collect::<Vec<_>>()
    };
    let command = command.join(" ");
    // the slash at its end does no harm and lets no backslash stand last, which would go on in the next line
    let home = format!("{}/", text(entry.home.as_os_str())?.replace('%', "%%"));
    let path = match &entry.path {
        Some(path) => format!("Environment={}\n", quoted(&format!("PATH={}", text(path)?))),
        None => String::new(),
    };
    Ok(format!(
        "# Written by `kitbag agent install`. `kitbag agent uninstall` takes it away, unless it was changed.
[Unit]
Description=kitbag keeps your coursework in step
ConditionPathIsDirectory={home}
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
ExecStart={command}
{path}Restart=on-failure
RestartSec=10
TimeoutStopSec=300
# what a course runs goes on without it
KillMode=process

[Install]
WantedBy=default.target
"
    ))
}

/// A word in quotes, to be taken as it is.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%"))
}

/// The same for an argument, in which variables are looked for.
fn argument(word: &str) -> String {
    quoted(word).replace('$', "$$")
}
