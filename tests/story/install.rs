//! `kitbag agent install`: from then on it starts when the person logs in. What is written says what was meant, whatever the
//! folders are called; nothing of the person's is overwritten or removed; and what no longer fits is found and mended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::background::{NoneLeft, kill_agents, until};
use crate::machine::{Machine, Ran, copy_program, room, tree, write};

/// A computer with a workspace, in folders whose names mean something to systemd, desktops and shells.
fn odd(room: &Path) -> (Machine, NoneLeft) {
    let own = room.join("Ada's 100% \"best\" $HOME; ü");
    let machine = Machine::new(&own, "HOME-PC", &own.join("share"));
    machine.setup().exits(&[0]);
    let none_left = NoneLeft(machine.home.clone());
    (machine, none_left)
}

fn runs(machine: &Machine) -> bool {
    let Ok(file) = fs::File::open(machine.home.join("agent/lock")) else { return false };
    let free = file.try_lock_shared().is_ok();
    if free {
        file.unlock().unwrap();
    }
    !free
}

fn install(machine: &Machine) -> Ran {
    machine.run(&["--json", "agent", "install"])
}

/// The files that were written, and what became of each.
fn registered(document: &Value) -> Vec<(PathBuf, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = document["registered"].as_array().unwrap();
    list.iter().map(|one| (text(&one["place"]).into(), text(&one["kind"]), text(&one["became"]))).collect()
}

/// A computer of this test has no systemd to ask, so the desktop's own entry is written; one where systemd was started has
/// a unit.
fn starts_by(document: &Value) -> PathBuf {
    let kinds = ["autostart", "unit"];
    registered(document).into_iter().find(|(_, kind, _)| kinds.contains(&kind.as_str())).unwrap().0
}

/// The words of a desktop entry's command, as its specification has them.
fn words(entry: &str) -> Vec<String> {
    let line = entry.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap();
    let line = line.replace(r"\\", r"\");
    let (mut words, mut chars) = (Vec::new(), line.chars());
    while let Some(quote) = chars.next() {
        assert_eq!(quote, '"', "{line}");
        let mut word = String::new();
        loop {
            match chars.next().unwrap() {
                '"' => break,
                '\\' => word.push(chars.next().unwrap()),
                '%' => word.push(chars.next().filter(|c| *c == '%').unwrap()),
                c => word.push(c),
            }
        }
        words.push(word);
        assert!(chars.next().is_none_or(|c| c == ' '), "{line}");
    }
    words
}

/// Shows that install writes where it says, starts the agent, changes nothing the second time, and that uninstall takes
/// just that away; that the state root and settings given then are those of the agent. First tier.
#[test]
fn there_and_away() {
    let room = room();
    let (a, _none) = odd(room.path());
    let before = tree(&a.user);
    let document = install(&a).exits(&[0]).json();
    assert_eq!(
        (&document["installed"], &document["changed"], &document["running"]),
        (&true.into(), &true.into(), &true.into())
    );
    until("it lives", || runs(&a));
    let files = registered(&document);
    assert!(
        files.iter().all(|(file, _, became)| file.starts_with(&a.user) && became == "written"),
        "{files:?}"
    );
    let menu = files.iter().find(|(_, kind, _)| kind == "menu").unwrap();
    let menu = fs::read_to_string(&menu.0).unwrap();
    assert!(menu.contains("\nIcon=kitbag\n") && menu.contains("\"page\""), "{menu}");

    let process = fs::read(a.home.join("agent/process.json")).unwrap();
    let again = install(&a).exits(&[0]).json();
    assert_eq!((&again["changed"], &again["running"]), (&false.into(), &true.into()));
    assert_eq!(fs::read(a.home.join("agent/process.json")).unwrap(), process, "the same agent");
    // for people
    let told = a.run(&["agent", "install"]).exits(&[0]);
    assert!(
        told.stdout.contains("starts when you log in") && told.stdout.contains("runs already"),
        "{told:#?}"
    );

    // what the desktop would do at the next log-in
    let entry = fs::read_to_string(starts_by(&document)).unwrap();
    if entry.contains("Exec=") {
        kill_agents(&a.home);
        until("killed", || !runs(&a));
        let words = words(&entry);
        for setting in &a.settings {
            assert!(words.contains(setting), "{setting} in {words:?}");
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().env("HOME", &a.user).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        until("started by what was written", || runs(&a));
        a.write("notes.txt", "1\n");
        until("and it is this state root's", || a.share.join("notes.txt").exists());
        a.run(&["agent", "stop"]).exits(&[0]);
        child.wait().unwrap();
    }
    install(&a).exits(&[0]);
    let away = a.run(&["--json", "agent", "uninstall"]).exits(&[0]).json();
    assert_eq!(
        (&away["installed"], &away["changed"], &away["running"]),
        (&false.into(), &true.into(), &false.into())
    );
    assert!(!runs(&a));
    let mut left = tree(&a.user);
    left.0.retain(|path, _| !before.0.contains_key(path));
    assert_eq!(left.0.len(), 0, "{left:?}");
    let nothing = a.run(&["--json", "agent", "uninstall"]).exits(&[0]).json();
    assert_eq!((&nothing["changed"], &nothing["registered"]), (&false.into(), &Value::Array(vec![])));
}

/// Shows that a file a person changed is neither overwritten nor removed, and that this is said. First tier.
#[test]
fn what_a_person_changed_stays() {
    let room = room();
    let (a, _none) = odd(room.path());
    let file = starts_by(&install(&a).exits(&[0]).json());
    let mine = format!("{}X-Mine=yes\n", fs::read_to_string(&file).unwrap());
    write(&file, &mine);
    let document = install(&a).exits(&[1]).json();
    assert!(registered(&document).contains(&(
        file.clone(),
        registered(&document)[0].1.clone(),
        "yours".into()
    )));
    let told = a.run(&["agent", "uninstall"]).exits(&[1]);
    assert!(told.stdout.contains("left as it is"), "{told:#?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), mine);
    assert!(!runs(&a));
    // a stranger's file of that name is no other case
    let told = a.run(&["agent", "install"]).exits(&[1]);
    assert!(told.stdout.contains("changed by somebody else"), "{told:#?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), mine);
}

/// Shows that a program called by a link is written down by the link, which the next version is put behind. First tier.
#[test]
fn a_link_to_the_program_is_kept() {
    let room = room();
    let (mut a, _none) = odd(room.path());
    let (real, link) = (room.path().join("kitbag-1.0"), room.path().join("bin/kitbag"));
    copy_program(&real);
    fs::create_dir(room.path().join("bin")).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    a.uses(&link);
    let document = install(&a).exits(&[0]).json();
    assert_eq!(document["program"], link.to_str().unwrap());
    let entry = fs::read_to_string(starts_by(&document)).unwrap();
    assert!(entry.contains("/bin/kitbag\"") && !entry.contains("kitbag-1.0"), "{entry}");
    a.run(&["agent", "uninstall"]).exits(&[0]);
}

#[track_caller]
fn at_log_in(machine: &Machine, args: &[&str]) -> Value {
    let document = machine.run(args).json();
    let checks = document["checks"].as_array().unwrap();
    checks
        .iter()
        .find(|check| check["check"] == "start at log-in")
        .unwrap_or_else(|| panic!("{document:#}"))
        .clone()
}

/// Shows that doctor finds a program that is gone, a state root that was moved and a file that is missing, mends each, and
/// that what is not installed is no finding. First tier.
#[test]
fn what_does_not_fit_any_more_is_found_and_mended() {
    let room = room();
    let (mut a, _none) = odd(room.path());
    let look = ["--json", "doctor"];
    assert_eq!(at_log_in(&a, &look)["state"], "good");
    let program = room.path().join("kitbag");
    copy_program(&program);
    a.uses(&program);
    let document = install(&a).exits(&[0]).json();
    a.run(&["agent", "stop"]).exits(&[0]);
    assert_eq!(at_log_in(&a, &look)["state"], "good");
    let moved = room.path().join("elsewhere");
    fs::rename(&program, &moved).unwrap();
    a.uses(&moved);
    let fixed = |a: &Machine, words: &str| {
        let bad = at_log_in(a, &look);
        assert_eq!(bad["state"], "bad", "{bad:#}");
        assert!(bad["findings"][0]["what"].as_str().unwrap().contains(words), "{bad:#}");
        assert_eq!(bad["findings"][0]["treatment"]["done"], false);
        let good = at_log_in(a, &["--json", "doctor", "--fix"]);
        assert_eq!(
            (&good["state"], &good["findings"][0]["treatment"]["done"]),
            (&"good".into(), &true.into()),
            "{good:#}"
        );
        assert_eq!(at_log_in(a, &look)["state"], "good");
    };
    fixed(&a, "is not there");
    let entry = starts_by(&document);
    assert!(fs::read_to_string(&entry).unwrap().contains("/elsewhere\""));
    fs::remove_file(&entry).unwrap();
    fixed(&a, "does not start");
    assert!(entry.exists());
    let home = room.path().join("moved state");
    let _none = NoneLeft(home.clone());
    fs::rename(&a.home, &home).unwrap();
    a.home = home;
    fixed(&a, "was moved");
    assert!(!entry.exists(), "the old one is gone");
    let away = a.run(&["--json", "agent", "uninstall"]).exits(&[0]).json();
    assert!(registered(&away).iter().all(|(_, _, became)| became == "removed"), "{away:#}");
}

/// Shows that the log never grows beyond its two files, whatever an agent says. First tier.
#[test]
fn the_log_has_an_end() {
    const LIMIT: u64 = 1 << 20;
    let room = room();
    let (mut a, _none) = odd(room.path());
    a.variables.insert("KITBAG_LOG".into(), "trace".into());
    let log = a.home.join("agent/agent.log");
    write(&log, "x".repeat(usize::try_from(LIMIT).unwrap() - 40));
    install(&a).exits(&[0]);
    let size = |file: &Path| fs::metadata(file).map_or(0, |meta| meta.len());
    let old = log.with_extension("old");
    until("the full one is put aside", || size(&old) > 0);
    for n in 0..20 {
        a.write(&format!("{n}.txt"), "1\n");
        a.run(&["sync"]).exits(&[0, 4]);
    }
    assert!(size(&log) <= LIMIT && size(&old) <= LIMIT, "{} {}", size(&log), size(&old));
    let logs = tree(&a.home.join("agent")).0.into_keys().filter(|name| name.starts_with("agent.")).count();
    assert_eq!(logs, 2);
    a.run(&["agent", "uninstall"]).exits(&[0]);
    // what a command notes has no colours where it is read by a program
    assert!(a.run(&["sync"]).exits(&[0, 4]).stderr.contains("no agent answers"));
}
