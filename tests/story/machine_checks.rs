//! The first checks of a machine with the real program: `doctor` before there is anything, small drives each told by
//! name, a Docker that is not there, and a course that needs more than this computer has: told by `setup`, refused by
//! `up`, and nothing is downloaded or started. The network is only ever tried when asked for. First tier.
#![cfg(unix)]

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::course::setup_with;
#[cfg(target_os = "linux")]
use crate::disk::Mounted;
use crate::machine::{Machine, Ran, pair, room, tree, write};

#[track_caller]
fn check(ran: &Ran, name: &str) -> Value {
    let document = ran.json();
    let checks = document["checks"].as_array().unwrap();
    checks
        .iter()
        .find(|check| check["check"] == name)
        .unwrap_or_else(|| panic!("no {name}: {document:#}"))
        .clone()
}

/// A course with a database alone, and these needs.
fn course(room: &Path, needs: &str) -> PathBuf {
    let folder = room.join("course");
    let manifest = format!(
        "id = \"tiny\"\ntitle = \"Tiny course\"\nversion = \"1\"\n{needs}\n[[service]]\nname = \"x\"\ntitle = \"A \
         database\"\nkind = \"sqlite\"\n[service.sqlite]\nschema = \"schema.sql\"\n[backend.local]\n"
    );
    write(&folder.join("course.toml"), manifest);
    write(&folder.join("schema.sql"), "CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT);\n");
    folder
}

/// Shows that `doctor` looks the computer over before there is a workspace, says what it saw, and writes nothing: its
/// Docker is nowhere, which no course needs yet.
#[test]
fn before_setup_the_computer_is_looked_over() {
    let room = room();
    let mut a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    a.variables.insert("DOCKER_HOST".into(), format!("unix://{}/nowhere.sock", room.path().display()));
    let ran = a.run(&["--json", "doctor"]).exits(&[0, 1]);
    assert_eq!(ran.json()["workspace"], Value::Null);
    for name in [
        "memory",
        "processor and system",
        "Docker",
        "virtual machines",
        "free space",
        "clock",
        "cloud program",
    ] {
        let checked = check(&ran, name);
        for finding in checked["findings"].as_array().unwrap() {
            assert!(!finding["remedy"].as_str().unwrap().is_empty(), "{finding:#}");
        }
    }
    assert!(check(&ran, "memory")["seen"].as_str().unwrap().contains("free now"));
    let docker = check(&ran, "Docker");
    assert_eq!(docker["state"], "note", "{docker:#}");
    let said = docker["findings"][0]["what"].as_str().unwrap();
    assert!(said.contains("not started") || said.contains("not installed"), "{docker:#}");
    assert!(docker["findings"][0]["why"].as_str().unwrap().contains("nowhere.sock"), "{docker:#}");
    let told = a.run(&["doctor"]).exits(&[0, 1]);
    assert!(told.stdout.contains("This is the computer alone"), "{told:#?}");
    assert!(!a.home.exists(), "looking makes nothing");
    // a workspace that was named has to be there
    a.run(&["doctor", "--workspace", "other"]).exits(&[1]).explains(&["other"]);
    a.run(&["doctor", "--dry-run"]).exits(&[2]);
}

/// Shows that each drive is told by its own name: the one of the state root is full, that of the working folder is small.
#[cfg(target_os = "linux")]
#[test]
fn small_drives_are_told_by_name() {
    let room = room();
    let a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    let (Some(state), Some(work)) = (Mounted::new(&a.home, "150m"), Mounted::new(&a.work, "600m")) else {
        return;
    };
    a.setup().exits(&[0]);
    let filler = state.fill(20 << 20);
    let ran = a.run(&["--json", "doctor"]).exits(&[1]);
    let space = check(&ran, "free space");
    assert_eq!(space["state"], "bad");
    let said = |drive: &Path| {
        let findings = space["findings"].as_array().unwrap();
        let name = drive.to_str().unwrap();
        let found = findings.iter().find(|finding| finding["what"].as_str().unwrap().ends_with(name));
        found.unwrap_or_else(|| panic!("no {name}: {space:#}"))["state"].clone()
    };
    assert_eq!((said(&a.home), said(&a.work)), ("bad".into(), "note".into()));
    drop((filler, work));
}

/// Shows that a course that asks for more than any computer has is told by `setup`, which goes on, and refused by `up`
/// with 5 before anything is made; who knows better starts it all the same.
#[test]
fn a_course_that_cannot_run_is_told_then_refused() {
    let room = room();
    let folder = course(room.path(), "[needs]\nmemory = \"900 TB\"\ncores = 1\n");
    let mut a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    let told = setup_with(&a, &folder).exits(&[0]);
    for words in ["needs, and what this computer has", "too little", "921600 GB", "kitbag setup"] {
        assert!(told.stderr.contains(words), "{words:?} is missing: {told:#?}");
    }
    let refused = a.run(&["--yes", "up", "--no-open"]).exits(&[5]);
    refused.explains(&["too little memory", "The course needs", "check_needs=false"]);
    let doctor = a.run(&["--json", "doctor"]).exits(&[1]);
    assert_eq!(check(&doctor, "what the course needs")["state"], "bad");
    assert!(check(&doctor, "what the course needs")["seen"].as_str().unwrap().contains("cores 1"));

    // the other computer learns it from the cloud folder
    let b = Machine::new(room.path(), "WORK-PC", &a.share);
    let document = b.setup().exits(&[0]).json();
    let needs = document["needs"]["needs"].as_array().unwrap();
    assert_eq!(
        (&needs[0]["what"], &needs[0]["verdict"]),
        (&"memory".into(), &"cannot".into()),
        "{document:#}"
    );
    assert!(!document["needs"]["alternatives"].as_array().unwrap().is_empty());

    a.set("environment.check_needs", false);
    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    a.run(&["done"]).exits(&[0]);
    a.set("environment.check_needs", true);
    // it ran, so it can
    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    a.run(&["done"]).exits(&[0]);
}

/// Shows that room is looked at on the very drive, before anything is written there: what does not fit is refused with
/// the figures, what just fits goes on where nobody can be asked, and with more room nothing is said.
#[cfg(target_os = "linux")]
#[test]
fn room_is_needed_on_the_drive_of_the_environment() {
    let room = room();
    let folder = course(room.path(), "[needs]\ndisk = \"200 MB\"\n");
    let a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    let Some(disk) = Mounted::new(&a.home, "150m") else { return };
    let told = setup_with(&a, &folder).exits(&[0]);
    assert!(told.stderr.contains("too little room on the drive"), "{told:#?}");
    let refused = a.run(&["--yes", "up", "--no-open"]).exits(&[5]);
    refused.explains(&["too little room", a.home.to_str().unwrap(), "200 MB", "Free at least"]);
    disk.remount("size=330m");
    let tight = a.run(&["up", "--no-open"]).exits(&[0]);
    assert!(tight.stderr.contains("just enough room"), "{tight:#?}");
    a.run(&["done"]).exits(&[0]);
}

/// Shows that no connection is made unless it is asked for, then only to what the course names, and nothing is sent.
#[test]
fn the_network_is_tried_only_when_asked() {
    let room = room();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // a port nobody has used for decades
    let closed = 1;
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            tell.send(bytes).unwrap();
        }
    });
    let needs = format!("[needs]\nnetwork = [\"127.0.0.1:{port}\", \"127.0.0.1:{closed}\"]\n");
    let a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(&a, &course(room.path(), &needs)).exits(&[0]);
    a.run(&["up", "--no-open"]).exits(&[0]);
    a.run(&["done"]).exits(&[0]);
    let ran = a.run(&["--json", "doctor"]);
    assert_eq!(check(&ran, "network")["state"], "not-asked");
    assert!(check(&ran, "network")["findings"][0]["what"].as_str().unwrap().contains(&port.to_string()));
    assert!(heard.try_recv().is_err(), "nobody asked for a connection");
    let ran = a.run(&["--json", "doctor", "--network"]).exits(&[1]);
    let network = check(&ran, "network");
    assert_eq!((&network["state"], network["findings"].as_array().unwrap().len()), (&"bad".into(), 1));
    assert_eq!(network["findings"][0]["what"], "127.0.0.1:1 cannot be reached", "{network:#}");
    assert_eq!(heard.recv_timeout(Duration::from_secs(20)).unwrap(), b"");
}

/// Shows that `--fix --dry-run` says what would be done and does nothing.
#[test]
fn a_dry_run_mends_nothing() {
    let room = room();
    let (a, _b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    write(&a.work.join(".~kitbag-1.tmp"), "nobody knows this\n");
    let before = (tree(&a.work), tree(&a.share));
    let ran = a.run(&["doctor", "--fix", "--dry-run"]).exits(&[0]);
    assert!(ran.stdout.contains("Would be mended"), "{ran:#?}");
    assert_eq!((tree(&a.work), tree(&a.share)), before);
    let ran = a.run(&["--json", "doctor", "--fix", "--dry-run"]).exits(&[0]);
    assert_eq!(check(&ran, "temporary files")["findings"][0]["treatment"]["done"], false);
    let ran = a.run(&["--json", "doctor", "--fix"]).exits(&[0]);
    assert_eq!(check(&ran, "temporary files")["findings"][0]["treatment"]["done"], true);
}
