//! Each format's text is taken apart again by a reader written from the format's own document, not from the renderer, and
//! by the system's own tools where they are here: systemd-analyze, and Python's reader of property lists.

use super::*;

/// Names that mean something to one format or another.
const WORDS: [&str; 16] = [
    "plain",
    "with a space",
    "",
    "100%",
    "%h %% %n",
    "$HOME",
    "${HOME} $$",
    "it's",
    "say \"hi\"",
    "back\\slash",
    "ends in \\",
    "\\\"",
    "; ",
    "Übung~ñ日本",
    "`id` $(id) <b>&amp; *?#|",
    "--home=x",
];

fn entry(program: &str) -> Entry {
    let words = |last: &[&str]| -> Vec<OsString> { WORDS.iter().chain(last).map(Into::into).collect() };
    Entry {
        name: "kitbag-0a1b2c3d".into(),
        program: program.into(),
        home: "/home/ä da/100%/it's \"her\" \\".into(),
        stay: words(&["agent", "run", "--stay"]),
        start: words(&["agent", "start"]),
        page: words(&["page"]),
        path: Some("/usr/bin:/opt/a b%h:/x\"y\\z:$HOME/bin".into()),
    }
}

const PROGRAMS: [&str; 6] = [
    "/usr/bin/kitbag",
    "/home/ä da/my programs/100% %h/kitbag",
    "/home/o'brien/kitbag",
    "/home/$USER \"x\"/kit\\bag",
    "/home/a=b/kitbag",
    "/home/~;#&/kitbag",
];

/// The value of a key, in a file of lines.
#[track_caller]
fn line<'t>(text: &'t str, key: &str) -> &'t str {
    let mut found = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let value = found.next().unwrap_or_else(|| panic!("no {key} in {text}"));
    assert_eq!(found.next(), None, "{key} twice");
    value
}

/// What a program is started with once a shell in between is done.
fn seen(words: Vec<String>) -> Vec<String> {
    if words[0] == THROUGH_SHELL[0] {
        assert_eq!(words[..3], THROUGH_SHELL.map(str::to_owned));
        return words[3..].to_vec();
    }
    words
}

fn expected(program: &str, arguments: &[OsString]) -> Vec<String> {
    words(Path::new(program), arguments).unwrap().into_iter().map(str::to_owned).collect()
}

/// systemd.syntax(7) and systemd.unit(5): words in quotes with C escapes, then specifiers, then variables (not in the
/// first). An unquoted word ends at a space.
fn as_systemd_reads(value: &str, variables: bool) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ' ' {
            continue;
        }
        let mut word = String::new();
        if c == '"' {
            loop {
                match chars.next().expect("the quote ends") {
                    '"' => break,
                    '\\' => match chars.next().expect("something is escaped") {
                        c @ ('\\' | '"') => word.push(c),
                        other => panic!("\\{other}"),
                    },
                    c => word.push(c),
                }
            }
            assert!(chars.peek().is_none_or(|next| *next == ' '), "a space after a quoted word");
        } else {
            word.push(c);
            while let Some(c) = chars.next_if(|c| *c != ' ') {
                word.push(c);
            }
        }
        let twice = |word: String, sign: char| -> String {
            let mut out = String::new();
            let mut chars = word.chars();
            while let Some(c) = chars.next() {
                assert!(c != sign || chars.next() == Some(sign), "{sign} stands for something in {word:?}");
                out.push(c);
            }
            out
        };
        word = twice(word, '%');
        if variables && !words.is_empty() {
            word = twice(word, '$');
        }
        words.push(word);
    }
    words
}

#[test]
fn a_unit_says_what_was_meant() {
    for program in PROGRAMS {
        let entry = entry(program);
        let text = unit(&entry).unwrap();
        let words = as_systemd_reads(line(&text, "ExecStart"), true);
        assert!(!words[0].contains(['"', '\'', '\\', '$']), "systemd refuses {:?}", words[0]);
        assert_eq!(seen(words), expected(program, &entry.stay), "{text}");
        let path = as_systemd_reads(line(&text, "Environment"), false);
        assert_eq!(path, [format!("PATH={}", entry.path.as_ref().unwrap().to_str().unwrap())]);
        let home = line(&text, "ConditionPathIsDirectory");
        assert_eq!(home.replace("%%", "%"), format!("{}/", entry.home.to_str().unwrap()));
        assert_eq!(line(&text, "Restart"), "on-failure");
        assert!(text.lines().all(|line| !line.ends_with('\\')), "{text}");
    }
}

/// What systemd itself says of it: not a word. Where it is installed, as on the machine of every landing.
#[cfg(target_os = "linux")]
#[test]
fn systemd_takes_the_unit() {
    use std::os::unix::fs::PermissionsExt;
    let search = std::env::var_os("PATH").unwrap_or_default();
    let Some(analyze) = crate::process::find_program("systemd-analyze", &search) else {
        assert!(std::env::var_os("CI").is_none(), "systemd-analyze is not here");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    for program in PROGRAMS {
        // it wants programs that are there
        let program = format!("{}{program}", dir.path().to_str().unwrap());
        std::fs::create_dir_all(Path::new(&program).parent().unwrap()).unwrap();
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let file = dir.path().join("kitbag-0a1b2c3d.service");
        let verify = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let mut command = std::process::Command::new(&analyze);
            command.args(["--user", "--man=no", "verify"]).arg(&file);
            command.env("XDG_RUNTIME_DIR", dir.path());
            let said = crate::process::brief(&mut command, None, std::time::Duration::from_secs(60)).unwrap();
            // units of this computer are none of ours
            let ours = |line: &&str| line.contains("kitbag-0a1b2c3d");
            (said.worked, said.errors.lines().filter(ours).collect::<Vec<_>>().join("\n"))
        };
        let text = unit(&entry(&program)).unwrap();
        assert_eq!(verify(&text), (true, String::new()), "{text}");
        // and it would say something
        let broken = text.replace("Restart=on-failure", "Restart=perhaps");
        assert!(verify(&broken).1.contains("perhaps"), "{:?}", verify(&broken));
    }
}

/// Desktop Entry Specification: the escapes of a value, then quoted arguments, then field codes.
fn as_a_desktop_reads(value: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            assert_eq!(chars.next(), Some('\\'), "an escape nobody meant in {value}");
        }
        plain.push(c);
    }
    let mut words = Vec::new();
    let mut chars = plain.chars();
    loop {
        assert_eq!(chars.next(), Some('"'), "every word is quoted: {plain}");
        let mut word = String::new();
        loop {
            match chars.next().expect("the quote ends") {
                '"' => break,
                '\\' => match chars.next().expect("something is escaped") {
                    c @ ('"' | '`' | '$' | '\\') => word.push(c),
                    other => panic!("\\{other}"),
                },
                '`' | '$' => panic!("not escaped: {plain}"),
                '%' => {
                    assert_eq!(chars.next(), Some('%'), "a field code: {plain}");
                    word.push('%');
                }
                c => word.push(c),
            }
        }
        words.push(word);
        match chars.next() {
            None => return words,
            Some(' ') => {}
            Some(other) => panic!("{other:?} after a word"),
        }
    }
}

#[test]
fn desktop_entries_say_what_was_meant() {
    for program in PROGRAMS {
        let entry = entry(program);
        for (text, arguments) in [(at_log_in(&entry), &entry.stay), (menu(&entry), &entry.page)] {
            let text = text.unwrap();
            let words = as_a_desktop_reads(line(&text, "Exec"));
            assert!(!words[0].contains('='), "{words:?}");
            assert_eq!(seen(words), expected(program, arguments), "{text}");
            assert_eq!(line(&text, "TryExec").replace(r"\\", r"\"), program);
            assert_eq!((line(&text, "Type"), line(&text, "Terminal")), ("Application", "false"));
        }
        assert_eq!(line(&menu(&entry).unwrap(), "Icon"), "kitbag");
    }
}

#[test]
fn a_property_list_says_what_was_meant() {
    let entry = entry(PROGRAMS[3]);
    let text = launch_agent(&entry).unwrap();
    let strings: Vec<String> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("<string>")?.strip_suffix("</string>"))
        .map(|xml| {
            assert!(!xml.contains(['<', '>']), "{xml}");
            xml.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        })
        .collect();
    assert_eq!(strings[0], "io.kitbag-0a1b2c3d.agent");
    let words = expected(PROGRAMS[3], &entry.stay);
    assert_eq!(strings[1..=words.len()], words);
    // and as a reader of the format has it
    let search = std::env::var_os("PATH").unwrap_or_default();
    let Some(python) = crate::process::find_program("python3", &search) else {
        assert!(std::env::var_os("CI").is_none(), "python3 is not here");
        return;
    };
    let script = "import json,plistlib,sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
    let mut command = std::process::Command::new(python);
    let said =
        crate::process::brief(command.args(["-c", script]), Some(&text), std::time::Duration::from_secs(60));
    let said = said.unwrap();
    assert!(said.worked, "{}", said.errors);
    let read: serde_json::Value = serde_json::from_slice(&said.output).unwrap();
    assert_eq!(read["ProgramArguments"], serde_json::json!(words));
    assert_eq!(read["KeepAlive"]["SuccessfulExit"], false);
    assert_eq!(read["EnvironmentVariables"]["PATH"], entry.path.unwrap().to_str().unwrap());
}

/// Microsoft's rules: 2n backslashes and a quote are n backslashes and the end; 2n+1 and a quote are n and a quote.
fn as_windows_reads(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let (mut quoted, mut backslashes) = (false, 0);
    for c in line.chars() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        if backslashes > 0 {
            let count = if c == '"' { backslashes / 2 } else { backslashes };
            word.get_or_insert_default().push_str(&"\\".repeat(count));
        }
        match c {
            '"' if backslashes % 2 == 1 => word.get_or_insert_default().push('"'),
            '"' => {
                word.get_or_insert_default();
                quoted = !quoted;
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
        backslashes = 0;
    }
    assert!(!quoted && backslashes == 0, "{line}");
    words.extend(word);
    words
}

#[test]
fn a_windows_command_says_what_was_meant() {
    let program = r"C:\Programme für alle\100% da\kitbag.exe";
    for some in WORDS.chunks(4) {
        let arguments: Vec<OsString> = some.iter().map(Into::into).collect();
        let line = command_line(Path::new(program), &arguments).unwrap();
        assert!(line.starts_with(&format!("\"{program}\" ")), "{line}");
        assert_eq!(as_windows_reads(&line), expected(program, &arguments), "{line}");
    }
    let long = ["x".repeat(LONGEST).into()];
    assert!(matches!(command_line(Path::new(program), &long), Err(Unfit::TooLong(n)) if n > LONGEST));
}

#[test]
fn what_no_line_can_hold_is_refused() {
    for bad in ["a\nExecStart=/bin/false", "a\rb", "a\0b", "a\u{1b}[2Jb", "a\u{85}b", "a\u{ffff}b"] {
        let program = format!("/{bad}");
        let whole = Entry { program: program.clone().into(), ..entry("/x") };
        let argument = Entry { stay: vec![bad.into()], page: vec![bad.into()], ..entry("/x") };
        for entry in [&whole, &argument] {
            for text in [unit(entry), at_log_in(entry), menu(entry), launch_agent(entry)] {
                assert!(matches!(text, Err(Unfit::NotText(_))), "{bad:?}: {text:?}");
            }
        }
        assert!(command_line(Path::new(&program), &[]).is_err());
        assert!(unit(&Entry { home: program.into(), ..entry("/x") }).is_err());
        assert!(unit(&Entry { path: Some(bad.into()), ..entry("/x") }).is_err());
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod doors {
    //! The real files, in folders of the test's own; systemd is a fake that notes what it was told.
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    struct Computer {
        dir: tempfile::TempDir,
        autostart: RealAutostart,
    }

    impl Computer {
        fn new(systemd: bool) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let at = |name: &str| dir.path().join(name);
            if systemd {
                std::fs::create_dir(at("booted")).unwrap();
            }
            let fake = at("bin/systemctl");
            std::fs::create_dir(at("bin")).unwrap();
            let told = at("told");
            let script = format!("#!/bin/sh\necho \"$@\" >> '{}'\n! test -e '{0}.refuses'\n", told.display());
            std::fs::write(&fake, script).unwrap();
            std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
            let autostart =
                RealAutostart::elsewhere(at("config"), at("data"), at("booted"), at("bin").into());
            Computer { dir, autostart }
        }

        fn told(&self) -> String {
            std::fs::read_to_string(self.dir.path().join("told")).unwrap_or_default()
        }

        fn places(&self) -> Vec<String> {
            let pieces = self.autostart.wanted(&entry("/usr/bin/kitbag")).unwrap();
            let root = self.dir.path().to_string_lossy().into_owned();
            pieces.iter().map(|piece| piece.place.to_string().replace(&root, "")).collect()
        }
    }

    #[test]
    fn where_systemd_runs_the_session_it_is_a_unit_and_its_link() {
        let computer = Computer::new(true);
        let expected = [
            "/config/systemd/user/kitbag-0a1b2c3d.service",
            "/config/systemd/user/default.target.wants/kitbag-0a1b2c3d.service",
            "/data/applications/kitbag-0a1b2c3d.desktop",
        ];
        assert_eq!(computer.places(), expected);
        assert!(computer.autostart.start("kitbag"));
        computer.autostart.stop("kitbag");
        computer.autostart.forget();
        let told = "--user daemon-reload\n--user start kitbag.service\n--user stop kitbag.service\n\
                    --user daemon-reload\n";
        assert_eq!(computer.told(), told);
        std::fs::write(computer.dir.path().join("told.refuses"), "").unwrap();
        assert!(!computer.autostart.start("kitbag"), "nobody answers");
    }

    #[test]
    fn elsewhere_it_is_the_desktops_own() {
        let computer = Computer::new(false);
        let expected =
            ["/config/autostart/kitbag-0a1b2c3d.desktop", "/data/applications/kitbag-0a1b2c3d.desktop"];
        assert_eq!(computer.places(), expected);
        assert!(!computer.autostart.start("kitbag"));
        assert_eq!(computer.told(), "", "there is no systemd to tell");
    }

    #[test]
    fn texts_and_links_are_written_read_and_removed() {
        let computer = Computer::new(true);
        let (autostart, entry) = (&computer.autostart, entry("/usr/bin/kitbag"));
        let pieces = autostart.wanted(&entry).unwrap();
        for round in 0..2 {
            for Piece { place, text, .. } in &pieces {
                let before = autostart.read(place).unwrap();
                assert_eq!(before.as_ref(), (round > 0).then_some(text));
                autostart.write(place, text).unwrap();
                assert_eq!(autostart.read(place).unwrap().as_ref(), Some(text));
            }
        }
        // the link leads to the unit
        let link =
            computer.dir.path().join("config/systemd/user/default.target.wants/kitbag-0a1b2c3d.service");
        assert_eq!(std::fs::read_to_string(link).unwrap(), pieces[0].text);
        for Piece { place, .. } in &pieces {
            autostart.remove(place).unwrap();
            autostart.remove(place).unwrap();
            assert_eq!(autostart.read(place).unwrap(), None);
        }
        let left = walk(computer.dir.path());
        assert!(left.iter().all(|file| !file.contains("kitbag")), "{left:?}");
        // what stands in the way is told as something else than ours
        let Place::Link(link) = &pieces[1].place else { panic!("{pieces:?}") };
        std::fs::write(link, "mine").unwrap();
        assert_eq!(autostart.read(&pieces[1].place).unwrap().as_deref(), Some(""));
    }

    fn walk(folder: &Path) -> Vec<String> {
        let items = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        items
            .flat_map(|item| match item.file_type().unwrap().is_dir() {
                true => walk(&item.path()),
                false => vec![item.file_name().to_string_lossy().into_owned()],
            })
            .collect()
    }
}
