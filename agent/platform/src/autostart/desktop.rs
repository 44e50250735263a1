//! Entries of a Linux desktop: one that starts the agent at log-in (Desktop Application Autostart Specification), one in
//! the menu. How `Exec` is read: Desktop Entry Specification, "The Exec key". An argument stands in double quotes with
//! `"`, `` ` ``, `$` and `\` escaped by a backslash; before that every `%` is doubled, after it every backslash, as in all
//! values. A program's path may have no `=`, so a shell starts such a one.

use std::ffi::OsString;

use super::{Entry, THROUGH_SHELL, Unfit, text, words};

/// The entry by which the agent starts at log-in.
///
/// # Errors
/// A name that no line can hold.
pub fn at_log_in(entry: &Entry) -> Result<String, Unfit> {
    written(entry, &entry.stay, "Keeps your coursework in step", "Terminal=false\nNoDisplay=true\n")
}

/// The entry in the menu, which shows the page. Its icon is a name that themes may have.
///
/// # Errors
/// A name that no line can hold.
pub fn menu(entry: &Entry) -> Result<String, Unfit> {
    let comment = "Your coursework, the same on every computer you use";
    written(entry, &entry.page, comment, "Icon=kitbag\nTerminal=false\nCategories=Education;\n")
}

fn written(entry: &Entry, arguments: &[OsString], comment: &str, more: &str) -> Result<String, Unfit> {
    let command = command(&words(&entry.program, arguments)?);
    let program = value(text(entry.program.as_os_str())?);
    Ok(format!(
        "# Written by `kitbag agent install`. `kitbag agent uninstall` takes it away, unless it was changed.
[Desktop Entry]
Type=Application
Name=kitbag
Comment={comment}
Exec={command}
TryExec={program}
{more}"
    ))
}

fn command(words: &[&str]) -> String {
    let through: &[&str] = if words[0].contains('=') { &THROUGH_SHELL } else { &[] };
    let command: Vec<String> = through.iter().chain(words).map(|word| argument(word)).collect();
    value(&command.join(" "))
}

fn argument(word: &str) -> String {
    let mut out = String::from("\"");
    for c in word.chars() {
        match c {
            '%' => out.push('%'),
            '"' | '`' | '$' | '\\' => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// A text as the value of a key.
fn value(text: &str) -> String {
    text.replace('\\', r"\\")
}
