//! `kitbag doctor`: what could be wrong around the work, said with what, why and what to do; and `--fix`, which mends
//! what it can and loses nothing.

use std::fs;

use serde_json::Value;

use crate::machine::{Machine, Ran, pair, room, write};

/// The findings of one check.
#[track_caller]
fn check<'d>(document: &'d Value, name: &str) -> &'d Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name}: {document:#}"))
}

#[track_caller]
fn state(ran: &Ran, name: &str) -> String {
    check(&ran.json(), name)["state"].as_str().unwrap().to_owned()
}

/// Shows the document's form, that nothing is wrong with a good workspace, and that looking changes nothing. First tier.
#[test]
fn nothing_stands_in_the_way() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let before = (a.files(), crate::machine::tree(&a.share));
    let ran = a.run(&["--json", "doctor"]).exits(&[0]);
    let document = ran.json();
    for checked in document["checks"].as_array().unwrap() {
        assert!(checked["findings"].is_array(), "{checked:#}");
        let name = checked["check"].as_str().unwrap();
        // in a test's temporary folder nobody carries the share, and what this computer is nobody knows
        let computer = ["memory", "free space", "virtual machines", "Docker"];
        if name != "cloud program" && !computer.contains(&name) {
            assert_eq!(checked["state"], "good", "{checked:#}");
        }
    }
    for finding in check(&document, "cloud program")["findings"].as_array().unwrap() {
        for field in ["state", "what", "why", "remedy", "treatment"] {
            assert!(finding.get(field).is_some(), "{field}: {finding:#}");
        }
    }
    a.run(&["doctor"]).exits(&[0]);
    a.run(&["doctor", "--fix"]).exits(&[0]);
    assert_eq!((a.files(), crate::machine::tree(&a.share)), before);
    b.sync();
    // without its folder there is much to say, and nothing breaks
    fs::rename(&a.share, room.path().join("away")).unwrap();
    let ran = a.run(&["--json", "doctor"]).exits(&[1]);
    assert_eq!(
        (state(&ran, "cloud folder"), state(&ran, "files on this device")),
        ("bad".into(), "not-checked".into())
    );
    a.run(&["doctor"]).exits(&[1]);
}

/// Shows that a second sync tool on one of the folders is told by `sync` and by `doctor`. First tier.
#[test]
fn a_second_tool_is_told() {
    let room = room();
    let (a, _b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    fs::create_dir(a.work.join(".sync")).unwrap();
    write(&a.share.join(".sync.ffs_db"), "");
    let told = a.run(&["--json", "sync"]).json()["problems"].to_string();
    assert!(told.contains("Resilio Sync also syncs the working folder"), "{told}");
    assert!(told.contains("FreeFileSync also syncs the cloud folder"), "{told}");
    let ran = a.run(&["--json", "doctor"]).exits(&[1]);
    assert_eq!(state(&ran, "other sync tools"), "bad");
}

/// Shows that left over temporary files are tidied and their bytes are not lost: what is kept elsewhere goes, what is not
/// becomes a file. First tier.
#[test]
fn leftovers_are_tidied_and_nothing_is_lost() {
    let room = room();
    let (a, b) = pair(room.path(), &[("deep/notes.txt", b"1\n")]);
    for machine in [&a, &b] {
        machine.sync();
    }
    write(&a.work.join("deep/.~kitbag-1.tmp"), "nobody knows this\n");
    write(&a.share.join("deep/.~kitbag-2.tmp"), "1\n");
    write(&a.share.join(".kitbag/packs/.~kitbag-3.tmp"), "half a pack");
    let ran = a.run(&["--json", "doctor"]).exits(&[0]);
    assert_eq!(state(&ran, "temporary files"), "note");
    let treatment = check(&ran.json(), "temporary files")["findings"][0]["treatment"].clone();
    assert_eq!((&treatment["done"], &treatment["failed"]), (&Value::Bool(false), &Value::Null));
    assert!(a.work.join("deep/.~kitbag-1.tmp").exists(), "looking changes nothing");

    let ran = a.run(&["--json", "doctor", "--fix"]).exits(&[0]);
    assert_eq!(state(&ran, "temporary files"), "good");
    let all = crate::machine::tree(room.path());
    assert!(all.0.keys().all(|path| !path.contains(".~kitbag-")), "{:?}", all.0.keys());
    a.sync();
    b.sync();
    let rescued: Vec<_> =
        b.files().0.into_iter().filter(|(_, bytes)| bytes == b"nobody knows this\n").collect();
    assert_eq!(rescued.len(), 1);
    assert_eq!(b.text("deep/notes.txt"), "1\n");
}

/// Shows that a share that turns out to be Google Drive's is from then on written in place. First tier.
#[test]
fn a_provider_found_late_is_remembered() {
    let room = room();
    let (a, _b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    fs::create_dir(a.share.join(".tmp.driveupload")).unwrap();
    let ran = a.run(&["--json", "doctor"]).exits(&[1]);
    assert_eq!(state(&ran, "writing in place"), "bad");
    let ran = a.run(&["--json", "doctor", "--fix"]);
    assert_eq!(state(&ran, "writing in place"), "good");
    assert_eq!(state(&a.run(&["--json", "doctor"]), "writing in place"), "good");
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let number = |machine: &Machine| fs::metadata(machine.share.join("notes.txt")).unwrap().ino();
        let before = number(&a);
        a.write("notes.txt", "1\n2\n");
        a.sync();
        assert_eq!((number(&a), fs::read(a.share.join("notes.txt")).unwrap()), (before, b"1\n2\n".to_vec()));
    }
}

/// Shows that names the provider leaves behind are told, and that the setting for the provider is checked. First tier.
#[test]
fn names_a_provider_does_not_carry_are_told() {
    let room = room();
    let long = format!("{0}/{0}/{0}/deep.txt", "a folder of many words ".repeat(6).trim_end());
    let (mut a, _b) = pair(room.path(), &[("notes.txt", b"1\n"), ("what?.txt", b"w"), (&long, b"d")]);
    a.settings.push("share.provider=onedrive".into());
    let ran = a.run(&["--json", "doctor"]);
    let names = check(&ran.json(), "names").clone();
    assert_eq!(names["state"], "note");
    // the question mark is spelled out there: that name is carried
    let told = names["findings"][0]["what"].as_str().unwrap();
    assert!(told.starts_with("1 file ") && told.contains("deep.txt"), "{names:#}");
    a.settings.pop();
    a.run(&["--config", "share.provider=nonsense", "sync"]).exits(&[2]);
}
