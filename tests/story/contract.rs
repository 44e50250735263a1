//! The documents other programs read: each has at least the fields of the contract, and what is not known is null,
//! never left out.

use serde_json::Value;

use crate::machine::{noise, pair, room, write};

#[track_caller]
fn has(document: &Value, fields: &[&str]) {
    for field in fields {
        assert!(document.get(field).is_some(), "{field} is missing in {document:#}");
    }
}

/// Shows the command line's stable contract: `status`, `sync`, `conflicts`, `where` and `setup` with `--json`, at rest,
/// with a question open and with a file held. First tier.
#[test]
fn documents_have_their_fields() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n"), ("fig.png", &noise(500, 1)), ("x.txt", b"x")]);
    for (machine, text) in [(&a, "A\n"), (&b, "B\n")] {
        machine.write("notes.txt", text);
        machine.run(&["sync"]).exits(&[0, 3]);
    }
    let sync = a.run(&["--json", "sync"]).exits(&[3]).json();
    has(&sync, &["published", "received", "merged", "conflicts", "bytes_published", "waiting_for"]);
    assert_eq!(sync["conflicts"], 1);
    assert!(sync["waiting_for"].is_array());
    std::fs::remove_file(a.share.join("x.txt")).unwrap();
    let held = a.run(&["--json", "sync"]).exits(&[1]).json();
    assert_eq!(held["held"][0]["path"], "x.txt", "{held}");

    let status = a.run(&["--json", "status"]).exits(&[1]).json();
    has(&status, &["workspace", "machine", "state", "share", "files", "pending", "missing", "conflicts"]);
    has(&status, &["environment", "machines", "last_checkpoint", "waiting_for", "agent"]);
    has(&status["share"], &["path", "provider", "reachable"]);
    has(&status["environment"], &["backend", "state", "services"]);
    has(&status["conflicts"][0], &["path", "kind", "sides"]);
    has(&status["conflicts"][0]["sides"][1], &["id", "machine", "when", "size"]);
    for machine in status["machines"].as_array().unwrap() {
        has(machine, &["name", "last_seen", "session_open", "has_my_latest"]);
    }
    assert_eq!((&status["machine"], &status["state"]), (&"HOME-PC".into(), &"needs-you".into()));
    assert_eq!((&status["files"], &status["share"]["reachable"]), (&3.into(), &true.into()));
    assert_eq!(status["share"]["provider"], Value::Null);
    assert_eq!(status["environment"]["backend"], Value::Null);

    let conflicts = a.run(&["--json", "conflicts"]).exits(&[1]).json();
    has(&conflicts, &["conflicts", "held"]);
    assert_eq!(conflicts["conflicts"], status["conflicts"]);
    has(&conflicts["held"][0], &["path", "reason"]);
    let only = a.run(&["--json", "conflicts", "notes.txt"]).exits(&[3]).json();
    assert_eq!((only["conflicts"].as_array().unwrap().len(), &only["held"]), (1, &Value::Array(vec![])));

    let places = a.run(&["--json", "where"]).exits(&[0]).json();
    for (field, path) in [("work", &a.work), ("share", &a.share)] {
        assert_eq!(places[field], path.to_str().unwrap());
    }
    has(&places, &["workspace", "machine", "state"]);
    assert_eq!(
        a.run(&["--json"]).exits(&[1]).json()["workspace"],
        status["workspace"],
        "bare kitbag is status"
    );
}

/// Shows the five states and the exit codes that go with them. First tier.
#[test]
fn states_have_their_words() {
    let room = room();
    let (mut a, b) = pair(room.path(), &[("notes.txt", b"1\n"), ("two.txt", b"2\n")]);
    let state = |machine: &crate::machine::Machine, exit| {
        machine.run(&["--json", "status"]).exits(&[exit]).json()["state"].as_str().unwrap().to_owned()
    };
    a.sync();
    assert_eq!(state(&a, 0), "up-to-date");
    a.write("notes.txt", "1\n2\n");
    assert_eq!(state(&a, 0), "working");
    a.sync();
    // bytes nobody recorded, and no time yet to wait for their record
    a.set("sync.outside_settle_seconds", 600);
    write(&a.share.join("phone.txt"), "from a phone\n");
    let report = a.run(&["--json", "sync"]).exits(&[4]).json();
    assert_eq!(report["pending"], 1, "{report}");
    a.set("sync.outside_settle_seconds", 0);
    a.sync();
    assert_eq!(a.text("phone.txt"), "from a phone\n");
    b.sync();
    let seen = a.run(&["--json", "sync"]).exits(&[0]);
    drop(seen);
    let status = a.run(&["--json", "status"]).json();
    let work_pc = status["machines"].as_array().unwrap().iter().find(|m| m["name"] == "WORK-PC").unwrap();
    assert_eq!(work_pc["has_my_latest"], true, "{status:#}");
    std::fs::rename(&a.share, room.path().join("away")).unwrap();
    assert_eq!(state(&a, 1), "stopped");
}

/// Shows the exit code for wrong usage, and that words of other tools are answered with the right verb. First tier.
#[test]
fn wrong_usage_is_exit_2() {
    let room = room();
    let (a, _) = pair(room.path(), &[("notes.txt", b"1\n")]);
    for args in
        [&["frobnicate"][..], &["resolve"], &["sync", "--config", "sync.nonsense=1"], &["resolve", "x"]]
    {
        let ran = a.run(args).exits(&[2]);
        assert!(!ran.stderr.is_empty() && ran.stdout.is_empty(), "{ran:#?}");
    }
    for (word, verb) in [("halt", "kitbag done"), ("destroy", "kitbag reset"), ("ssh", "kitbag exec")] {
        assert!(a.run(&[word]).exits(&[2]).stderr.contains(verb), "{word}");
    }
    assert!(a.run(&["--version"]).exits(&[0]).stdout.starts_with("kitbag "));
    let outside = a.run(&["resolve", "/etc/passwd", "--keep", "this"]).exits(&[1]);
    outside.explains(&["/etc/passwd is no file of the working folder"]);
}
