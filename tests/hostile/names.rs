//! Names and things in folders that nobody expects: they are carried as they are, or left out and said so, and the rest
//! goes on. No name ever paints on a terminal (each call of the program is checked for raw control characters).

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::machine::{Files, Machine, empty, noise, pair, room, tree, write};

const ODD: [&str; 14] = [
    "new\nline.txt",
    "tab\tand bell\u{7}.txt",
    "quote'\"`$(touch evil)`;rm -rf ~.txt",
    "🎓 Übung 日本語.txt",
    "\u{1b}[2J\u{1b}[31mred.txt",
    "\u{202e}txt.exe",
    "-rf",
    "--help",
    " leading and trailing ",
    "back\\slash.txt",
    "...",
    "con.txt",
    "*?<>|:.txt",
    "e\u{301} decomposed.txt",
];

/// Shows "hostile names": all that is text travels exactly as it is; in the cloud folder it is spelled out where other
/// systems cannot have it. First tier.
#[test]
fn odd_names_travel() {
    let room = room();
    let long = format!("{}.bin", "é".repeat(125));
    assert_eq!(long.len(), 254);
    let mut names: Vec<String> = ODD.iter().map(|name| (*name).to_owned()).collect();
    names.extend([long.clone(), "y".repeat(255), "deep/".repeat(40) + "end"]);
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    let (a, b) = pair(room.path(), &files);
    assert_eq!(b.files().0.len(), names.len());
    assert_eq!(b.files(), a.files());
    let bytes = |files: Files| files.0.into_values().collect::<BTreeSet<_>>();
    assert_eq!(bytes(a.mirror()), bytes(a.files()));
    for written in a.mirror().0.keys().flat_map(|path| path.split('/')) {
        let refused = |c: char| c.is_control() || "\"*:<>?\\|".contains(c);
        let ends = written.starts_with(' ') || written.ends_with([' ', '.']);
        assert!(!written.contains(refused) && !ends && !written.starts_with("con."), "{written:?}");
    }
    // the same names in questions and answers
    for name in &names {
        a.write(name, [b"\0A".as_slice(), name.as_bytes()].concat());
        b.write(name, [b"\0B".as_slice(), name.as_bytes()].concat());
    }
    a.sync();
    for machine in [&b, &a] {
        machine.run(&["sync"]).exits(&[3]);
        machine.run(&["conflicts"]).exits(&[3]);
        machine.run(&["status"]).exits(&[3]);
        assert_eq!(machine.conflicts()["conflicts"].as_array().unwrap().len(), names.len());
    }
    a.run(&["sync", "--dry-run"]).exits(&[3]);
    for name in &names {
        let answered = a.run(&["resolve", "--keep", "both", "--", name]);
        if name.len() > 240 {
            answered.exits(&[1]).explains(&["no name is free beside it", "Keep one side"]);
            a.run(&["resolve", "--keep", "this", "--", name]).exits(&[0, 3]);
        } else {
            answered.exits(&[0, 3]);
        }
    }
    for machine in [&b, &a] {
        machine.sync();
    }
    assert_eq!(a.files(), b.files());
    assert!(!tree(room.path()).0.keys().any(|path| path.ends_with("evil")), "a name was run");
    for written in a.mirror().0.keys() {
        fs::remove_file(a.share.join(written)).unwrap();
    }
    a.run(&["sync"]).exits(&[1]);
    a.run(&["conflicts"]).exits(&[1]);
    a.run(&["resolve", "--absent", "restore"]).exits(&[0]);
}

/// Shows "hostile names": one that is no text is reported and left out, in both places, and nothing else waits. First tier.
#[test]
fn names_that_are_no_text() {
    let room = room();
    let (a, b) = pair(room.path(), &[("good.txt", b"g\n")]);
    let bad = OsStr::from_bytes(b"caf\xe9 \x1b[2J.txt");
    fs::write(a.work.join(bad), "old disk").unwrap();
    fs::create_dir(a.work.join(OsStr::from_bytes(b"folder \xff"))).unwrap();
    fs::write(a.work.join(OsStr::from_bytes(b"folder \xff/inside.txt")), "i").unwrap();
    fs::write(a.share.join(OsStr::from_bytes(b"cloud \xfe")), "c").unwrap();
    a.write("good.txt", "g\nand more\n");
    let report = a.sync();
    let problems = report["problems"].to_string();
    for part in ["caf", "folder", "cloud folder: cloud", "not valid text"] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    assert_eq!(report["published"], 1);
    assert!(a.run(&["sync"]).exits(&[0]).stderr.contains("not valid text"));
    b.sync();
    assert_eq!(b.text("good.txt"), "g\nand more\n");
    assert_eq!(fs::read(a.work.join(bad)).unwrap(), b"old disk");
    assert_eq!(b.files().0.len(), 1);
}

/// Pipes, sockets and links are left out and said so; nothing is read or written through a link; a pipe holds nobody
/// up. First tier.
#[test]
fn things_that_are_no_files() {
    let room = room();
    let (a, b) = pair(room.path(), &[("good.txt", b"g\n"), ("was file.txt", b"f\n")]);
    let outside = room.path().join("outside");
    write(&outside.join("secret.txt"), "secret");
    assert!(Command::new("mkfifo").arg(a.work.join("pipe")).status().unwrap().success());
    assert!(Command::new("mkfifo").arg(a.share.join("cloud pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(a.work.join("socket")).unwrap();
    symlink(outside.join("secret.txt"), a.work.join("link to file")).unwrap();
    symlink(&outside, a.work.join("link to folder")).unwrap();
    symlink(&outside, a.share.join("link in the cloud")).unwrap();
    symlink("loop", a.work.join("loop")).unwrap();
    symlink("/nowhere", a.work.join("dead link")).unwrap();
    // a file became a link, and a pipe: no removal
    a.remove("was file.txt");
    symlink(outside.join("secret.txt"), a.work.join("was file.txt")).unwrap();
    a.write("good.txt", "g\nmore\n");
    let report = a.run(&["--json", "sync"]).exits(&[0, 4]).json();
    for name in ["pipe", "socket", "link to file", "link to folder", "loop", "dead link", "was file.txt"] {
        let said = report["problems"].as_array().unwrap().iter().any(|problem| problem["path"] == name);
        assert!(said, "{name}: {report:#}");
    }
    b.run(&["sync"]).exits(&[0, 4]);
    assert_eq!((b.text("good.txt"), b.text("was file.txt")), ("g\nmore\n".into(), "f\n".into()));
    assert!(!tree(&b.work).0.values().any(|bytes| bytes == b"secret"), "read through a link");
    assert_eq!(tree(&outside).0.len(), 1);
}

/// Nothing is ever written or removed through a link that stands where a folder was, in the working folder or in the
/// cloud folder. First tier.
#[test]
fn nothing_is_written_through_a_link() {
    for in_share in [false, true] {
        let room = room();
        let (a, b) =
            pair(room.path(), &[("good.txt", b"g\n"), ("d/e/x.txt", b"x\n"), ("d/gone.txt", b"x\n")]);
        let outside = room.path().join("outside");
        write(&outside.join("gone.txt"), "x\n");
        write(&outside.join("e/x.txt"), "x\n");
        let before = tree(&outside);
        let root = if in_share { &b.share } else { &b.work };
        fs::remove_dir_all(root.join("d")).unwrap();
        symlink(&outside, root.join("d")).unwrap();
        a.write("good.txt", "g\nmore\n");
        a.write("d/e/x.txt", "x\nby A\n");
        a.write("d/new.txt", "new\n");
        a.remove("d/gone.txt");
        for machine in [&a, &b, &a, &b] {
            machine.run(&["sync"]).exits(&[0, 1, 4]);
        }
        assert_eq!(tree(&outside), before, "in share: {in_share}");
        assert_eq!(b.text("good.txt"), "g\nmore\n");
        assert_eq!(a.text("d/e/x.txt"), "x\nby A\n");
        // the link goes, the folder comes back
        fs::remove_file(root.join("d")).unwrap();
        for machine in [&b, &a, &b, &a] {
            machine.run(&["sync"]).exits(&[0, 1, 4]);
            machine.run(&["resolve", "--absent", "restore"]).exits(&[0, 4]);
        }
        assert_eq!(b.files(), a.files());
        assert_eq!(a.text("d/e/x.txt"), "x\nby A\n");
    }
}

/// A file on one machine and a folder of the same name on the other: the folder has the name, both are everywhere, and
/// the file goes where a person puts it. First tier.
#[test]
fn a_file_where_the_other_has_a_folder() {
    let room = room();
    let (a, b) = pair(room.path(), &[("good.txt", b"g\n")]);
    a.write("thing/inside.txt", "i\n");
    b.write("thing", "a file\n");
    a.write("good.txt", "g\nby A\n");
    for machine in [&a, &b, &a, &b] {
        machine.run(&["sync"]).exits(&[0, 1, 4]);
    }
    assert_eq!(b.text("good.txt"), "g\nby A\n");
    for machine in [&a, &b] {
        assert_eq!(machine.text("thing/inside.txt"), "i\n");
        assert_eq!(machine.text("%{74}hing"), "a file\n");
    }
    fs::rename(b.work.join("%{74}hing"), b.work.join("other thing")).unwrap();
    for machine in [&b, &a, &b, &a] {
        machine.sync();
    }
    assert_eq!((a.text("other thing"), a.files()), ("a file\n".into(), b.files()));
    assert_eq!(a.files().0.len(), 3);
}

/// A file that becomes a folder, and a folder that becomes a file, on one machine: follows to the other. First tier.
#[test]
fn a_file_becomes_a_folder() {
    let room = room();
    let (a, b) = pair(room.path(), &[("thing", b"file\n"), ("box/inside.txt", b"i\n"), ("other", b"o")]);
    a.remove("thing");
    a.write("thing/inside.txt", "now a folder\n");
    fs::remove_dir_all(a.work.join("box")).unwrap();
    a.write("box", "now a file\n");
    for machine in [&a, &b, &a, &b, &a, &b] {
        machine.run(&["sync"]).exits(&[0, 1, 4]);
    }
    assert_eq!((b.files(), a.mirror()), (a.files(), a.files()));
    assert_eq!((b.text("thing/inside.txt"), b.text("box")), ("now a folder\n".into(), "now a file\n".into()));
    for machine in [&a, &b] {
        machine.sync();
    }
}

/// A machine's own name comes from a person too. First tier.
#[test]
fn machine_names_cannot_paint() {
    let room = room();
    let share = room.path().join("share");
    let mut a = Machine::new(room.path(), "A", &share);
    a.name = "\u{1b}[31mHOME\u{202e}-PC\n".into();
    let b = Machine::new(room.path(), "B", &share);
    a.write("fig.png", noise(300, 1));
    a.setup().exits(&[0]);
    b.setup().exits(&[0]);
    a.write("fig.png", noise(300, 2));
    b.write("fig.png", noise(300, 3));
    for machine in [&a, &b, &a] {
        machine.run(&["sync"]).exits(&[0, 3]);
    }
    for machine in [&a, &b] {
        let told = [machine.run(&["conflicts"]).exits(&[3]), machine.run(&["status"]).exits(&[3])];
        assert!(told.iter().all(|ran| !ran.stdout.contains('\u{202e}')), "{told:#?}");
    }
    b.run(&["resolve", "fig.png", "--keep", "both"]).exits(&[0]);
    a.sync();
    assert_eq!(a.files(), b.files());
    empty(&a.user);
}

/// Names that some cloud program might have made, and a person did: each stays a file of its own, beside the one it looks
/// like a copy of, also when both hold the same at first and change later. First tier.
#[test]
fn names_that_only_look_like_copies() {
    let room = room();
    let notebook =
        |text: &str| format!("{{\"cells\":[],\"metadata\":{{\"t\":\"{text}\"}},\"nbformat\":4}}\n");
    let (a, b) = pair(
        room.path(),
        &[
            ("Part.ipynb", notebook("1").as_bytes()),
            ("x.csv", b"a,b\n1,2\n"),
            ("name.ipynb", notebook("n").as_bytes()),
        ],
    );
    let copies = [("Part 2.ipynb", "Part.ipynb"), ("x (1).csv", "x.csv"), ("name-OLD.ipynb", "name.ipynb")];
    for (copy, of) in copies {
        a.write(copy, a.read(of).unwrap());
    }
    for machine in [&a, &b, &a] {
        machine.sync();
    }
    assert_eq!(b.files().0.len(), 6, "{:?}", b.files());
    for (n, (copy, of)) in copies.into_iter().enumerate() {
        b.write(
            copy,
            if copy.ends_with("csv") { format!("a,b\n3,{n}\n") } else { notebook("the next part") },
        );
        a.write(of, if of.ends_with("csv") { "a,b\n1,2\n5,6\n".into() } else { notebook("the first part") });
    }
    for machine in [&a, &b, &a, &b] {
        machine.sync();
    }
    assert_eq!((a.files(), a.mirror()), (b.files(), b.files()));
    assert_eq!(a.files().0.len(), 6);
    assert_eq!((a.text("x (1).csv").as_str(), a.text("x.csv").as_str()), ("a,b\n3,1\n", "a,b\n1,2\n5,6\n"));
    assert_eq!(a.text("Part 2.ipynb"), notebook("the next part"));
    assert_eq!(b.text("name.ipynb"), notebook("the first part"));
}
