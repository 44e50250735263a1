//! Somebody changes the files in the cloud folder itself: a phone, the provider's web page, a machine without kitbag.
//! What such bytes add arrives by itself, what they take away is asked, and nothing is lost either way.

use std::fs;

use serde_json::Value;

use crate::machine::{Machine, noise, pair, room, write};

fn assert_settled(a: &Machine, b: &Machine) {
    for machine in [a, b, a, b] {
        machine.sync();
    }
    assert_eq!(a.files(), b.files());
    assert_eq!(a.mirror(), a.files());
}

/// Shows line 4 of the design: added lines and new files in the cloud folder arrive without a question, also beside
/// changes the working folder made meanwhile. First tier.
#[test]
fn what_a_phone_adds_arrives() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n2\n3\n"), ("fig.png", &noise(900, 1))]);
    write(&a.share.join("notes.txt"), "1\n2\nfrom the phone\n3\n");
    write(&a.share.join("photos/new picture.jpg"), noise(70_000, 2));
    a.write("notes.txt", "1 by A\n2\n3\n");
    a.sync();
    assert_eq!(a.text("notes.txt"), "1 by A\n2\nfrom the phone\n3\n");
    assert_eq!(a.read("photos/new picture.jpg").unwrap(), noise(70_000, 2));
    assert_settled(&a, &b);
}

/// Shows line 4 (`phone_change_line`): a line changed in the cloud folder is one question, with the version before it
/// as the other side, whether or not the working folder changed it too. First tier.
#[test]
fn what_a_phone_takes_away_is_asked() {
    for at_a in ["1\n2\n3\n", "1\nA\n3\n"] {
        let room = room();
        let (a, b) = pair(room.path(), &[("notes.txt", b"1\n2\n3\n"), ("other.txt", b"o")]);
        a.write("notes.txt", at_a);
        write(&a.share.join("notes.txt"), "1\nphone\n3\n");
        a.run(&["sync"]).exits(&[3]);
        assert_eq!(a.text("notes.txt"), at_a, "what the person has open stays");
        let open = a.conflicts();
        let sides = open["conflicts"][0]["sides"].as_array().unwrap();
        assert_eq!(sides.len(), 2, "{open:#}");
        assert_eq!(sides[1]["machine"], Value::Null, "nobody is known to have made it: {open:#}");
        b.run(&["sync"]).exits(&[3]);
        b.run(&["resolve", "notes.txt", "--keep", "both"]).exits(&[0]);
        assert_settled(&a, &b);
        let both = a.text("notes.txt");
        for line in at_a.lines().chain(["phone"]) {
            assert_eq!(both.lines().filter(|other| *other == line).count(), 1, "{both}");
        }
    }
}

/// The same for files without lines: both are offered, both can be kept. First tier.
#[test]
fn a_picture_changed_in_the_cloud_folder_is_asked() {
    let room = room();
    let (a, b) = pair(room.path(), &[("fig.png", &noise(900, 1))]);
    write(&a.share.join("fig.png"), noise(800, 2));
    a.run(&["sync"]).exits(&[3]);
    assert_eq!(a.read("fig.png").unwrap(), noise(900, 1));
    a.run(&["resolve", "fig.png", "--keep", "both"]).exits(&[0]);
    assert_settled(&a, &b);
    let files = b.files().0;
    assert_eq!(files.len(), 2);
    assert!(files.values().any(|bytes| *bytes == noise(800, 2)), "the one from the cloud folder is gone");
    assert_eq!(files["fig.png"], noise(900, 1));
}

/// Shows F3 (other engines' conflict copies are folded back in): a copy's added lines arrive, its changed lines are
/// asked about, and the copy is gone either way. First tier.
#[test]
fn conflict_copies_are_folded_in() {
    let copy = "deep/notes (Ada's conflicted copy 2026-02-03).txt";
    let room = room();
    let (a, b) = pair(room.path(), &[("deep/notes.txt", b"1\n2\n3\n"), ("other.txt", b"o")]);
    write(&a.share.join(copy), "1\n2\nby Ada\n3\n");
    a.sync();
    assert_eq!(a.text("deep/notes.txt"), "1\n2\nby Ada\n3\n");
    assert!(!a.share.join(copy).exists(), "the copy is folded in");
    assert_settled(&a, &b);
    assert_eq!(b.files().0.len(), 2, "the copy came back: {:?}", b.files());

    write(&b.share.join(copy), "1\n2 by Ada\nby Ada\n3\n");
    b.run(&["sync"]).exits(&[3]);
    assert!(!b.share.join(copy).exists());
    assert_eq!(b.text("deep/notes.txt"), "1\n2\nby Ada\n3\n");
    b.run(&["resolve", "deep/notes.txt", "--keep", "other"]).exits(&[0]);
    assert_settled(&a, &b);
    assert_eq!(a.text("deep/notes.txt"), "1\n2 by Ada\nby Ada\n3\n");

    // a copy of what is there already teaches nothing, and goes
    write(&b.share.join(copy), "1\n2\n3\n");
    b.sync();
    assert!(!b.share.join(copy).exists());
    assert_settled(&a, &b);
    // in the working folder it is a file like any other: a person put it there
    a.write(copy, "mine");
    assert_settled(&a, &b);
    assert_eq!(b.text(copy), "mine");
}

/// Names people use too: `Part 2.ipynb`, `x (1).csv`, `name-OLD.ipynb`.
const WEAK: [(&str, &str); 3] =
    [("Part.ipynb", "Part 2.ipynb"), ("data/x.csv", "data/x (1).csv"), ("name.ipynb", "name-OLD.ipynb")];

fn weak_base(path: &str) -> Vec<u8> {
    if path.ends_with(".csv") {
        return b"a,b\n1,2\n".to_vec();
    }
    format!("{{\"cells\": [], \"metadata\": {{\"of\": \"{path}\"}}, \"nbformat\": 4, \"nbformat_minor\": 5}}")
        .into_bytes()
}

/// Shows F3 without its false side: files of such names that a person makes in the working folder stay files on both
/// machines, with the bytes of the other file or with their own. First tier.
#[test]
fn what_a_person_names_so_stays() {
    for same in [true, false] {
        let room = room();
        let bases = WEAK.map(|(base, _)| (base, weak_base(base)));
        let (mut a, mut b) = pair(room.path(), &bases.each_ref().map(|(path, bytes)| (*path, &bytes[..])));
        for machine in [&mut a, &mut b] {
            machine.set("sync.outside_settle_seconds", 0);
        }
        let bytes = |base: &str| if same { weak_base(base) } else { weak_base(&format!("another {base}")) };
        for (base, copy) in WEAK {
            a.write(copy, bytes(base));
        }
        assert_settled(&a, &b);
        for (base, copy) in WEAK {
            assert_eq!((a.read(copy), b.read(copy)), (Some(bytes(base)), Some(bytes(base))), "{copy}");
        }
        // once a file of its own, what happens to it in the cloud folder is about it
        for (base, copy) in WEAK {
            write(&a.share.join(copy), weak_base(base));
        }
        for machine in [&a, &b] {
            machine.run(&["sync"]).exits(&[0, 3]);
        }
        assert!(WEAK.iter().all(|(_, copy)| a.read(copy).is_some() && b.read(copy).is_some()));
    }
}

/// Shows F3: the same names made by a provider in the cloud folder for a version that is known are folded in, after they
/// have stood for a while; with bytes that nobody knows they are new files. First tier.
#[test]
fn what_a_provider_names_so_is_folded_in() {
    let room = room();
    let bases = WEAK.map(|(base, _)| (base, weak_base(base)));
    let (mut a, b) = pair(room.path(), &bases.each_ref().map(|(path, bytes)| (*path, &bytes[..])));
    for (base, copy) in WEAK {
        write(&a.share.join(copy), weak_base(base));
    }
    a.run(&["sync"]).exits(&[4]);
    assert!(
        WEAK.iter().all(|(_, copy)| a.share.join(copy).exists() && a.read(copy).is_none()),
        "not at once"
    );
    a.set("sync.outside_settle_seconds", 0);
    a.sync();
    for (base, copy) in WEAK {
        assert!(!a.share.join(copy).exists() && a.read(copy).is_none(), "{copy} is still there");
        assert_eq!(a.read(base), Some(weak_base(base)));
    }
    assert_settled(&a, &b);
    for (_, copy) in WEAK {
        write(&a.share.join(copy), weak_base("made by phone"));
    }
    a.sync();
    assert_settled(&a, &b);
    assert!(WEAK.iter().all(|(_, copy)| b.read(copy) == Some(weak_base("made by phone"))));
}

/// Shows line 6 (`absence_blip`, `phone_delete`): a file deleted in the cloud folder is asked about, restored or
/// deleted everywhere on answer only; one that comes back by itself was never gone. First tier.
#[test]
fn a_file_deleted_by_phone_is_asked() {
    for answer in ["restore", "accept"] {
        let room = room();
        let (a, b) = pair(room.path(), &[("notes.txt", b"1\n"), ("other.txt", b"o")]);
        fs::remove_file(a.share.join("notes.txt")).unwrap();
        for machine in [&a, &b, &a] {
            let report = machine.run(&["--json", "sync"]).exits(&[1]).json();
            assert_eq!(report["held"][0]["path"], "notes.txt");
            assert_eq!(machine.text("notes.txt"), "1\n");
        }
        a.run(&["resolve", "notes.txt", "--absent", answer]).exits(&[0]);
        let expected = (answer == "restore").then(|| b"1\n".to_vec());
        assert_settled(&a, &b);
        assert_eq!((a.read("notes.txt"), b.read("notes.txt")), (expected.clone(), expected));
    }
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n"), ("other.txt", b"o")]);
    fs::rename(a.share.join("notes.txt"), room.path().join("elsewhere")).unwrap();
    a.run(&["sync"]).exits(&[1]);
    fs::rename(room.path().join("elsewhere"), a.share.join("notes.txt")).unwrap();
    assert_settled(&a, &b);
    assert_eq!(a.text("notes.txt"), "1\n");
}

/// Setup on a folder that holds files already adopts them, on both sides, and asks where they differ. First tier.
#[test]
fn a_cloud_folder_with_files_in_it_is_adopted() {
    let room = room();
    let share = room.path().join("share");
    let a = Machine::new(room.path(), "HOME-PC", &share);
    for (path, at_share, at_work) in
        [("same.txt", "s\n", "s\n"), ("cloud.txt", "c\n", ""), ("notes.txt", "1\nx\n", "1\ny\n")]
    {
        write(&share.join(path), at_share);
        if !at_work.is_empty() {
            a.write(path, at_work);
        }
    }
    a.write("work.txt", "w\n");
    a.setup().exits(&[3]);
    assert_eq!((a.text("cloud.txt"), a.text("notes.txt")), ("c\n".into(), "1\ny\n".into()));
    assert_eq!(a.conflicts()["conflicts"].as_array().unwrap().len(), 1);
    a.run(&["resolve", "notes.txt", "--keep", "both"]).exits(&[0]);
    let b = Machine::new(room.path(), "WORK-PC", &share);
    b.setup().exits(&[0]);
    assert_settled(&a, &b);
    assert_eq!(b.text("notes.txt"), "1\nx\ny\n");
}
