//! Taking everything away among hostile names, files that change while they are read, full disks and ends by force: the
//! archive is whole or is not there, and other programs than kitbag read it. Needs unzip, and python3 for a second
//! opinion.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::disk::Mounted;
use crate::machine::{Machine, noise, room, tree, write};

fn machine(root: &Path) -> Machine {
    let machine = Machine::new(root, "HOME-PC", &root.join("share"));
    machine.setup().exits(&[0]);
    machine
}

/// Unpacked by a program that knows nothing of kitbag: the folder in it.
#[track_caller]
pub fn unpacked(archive: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    let mut unzip = Command::new("unzip");
    unzip.env("LC_ALL", "C.UTF-8").arg("-q").arg(archive).arg("-d").arg(to);
    let ran = unzip.output().unwrap_or_else(|error| panic!("these tests need unzip: {error}"));
    assert!(ran.status.success(), "{ran:?}");
    let script = "import sys, zipfile\nassert zipfile.ZipFile(sys.argv[1]).testzip() is None";
    let second = Command::new("python3").args(["-I", "-c", script]).arg(archive).output().unwrap();
    assert!(second.status.success(), "{second:?}");
    let all: Vec<_> = fs::read_dir(to).unwrap().map(|item| item.unwrap().path()).collect();
    let [top] = &all[..] else { panic!("one folder: {all:?}") };
    top.clone()
}

fn named(machine: &Machine) -> PathBuf {
    machine.user.join("all.zip")
}

fn partial(archive: &Path) -> PathBuf {
    archive.with_file_name("all.zip.kitbag-new")
}

/// Shows "take away any data": every file of the working folder comes out with the same bytes, what may be run can be
/// run, links that stay inside are links, and names that no other system can have are spelled out. What is left out is
/// said, and nothing is read through a link. First tier.
#[test]
fn every_file_comes_out_as_it_was() {
    let room = room();
    let a = machine(room.path());
    let plain: BTreeMap<&str, Vec<u8>> = [
        ("notes.txt", b"1\n".to_vec()),
        ("empty", vec![]),
        ("deep/er/still/x.bin", noise(3 << 20, 7)),
        ("ünïcode/ß 🎓.csv", b"a,b\n".to_vec()),
        ("quote's/$(touch evil) `x`", b"q".to_vec()),
        (".hidden/.env", b"SECRET=mine".to_vec()),
        // left out of the cloud folder by the rules, and a person's all the same
        ("notebooks/.ipynb_checkpoints/x.ipynb", b"{}".to_vec()),
    ]
    .into();
    for (path, bytes) in &plain {
        a.write(path, bytes);
    }
    let odd = [
        ("12:30.txt", "12%{3A}30.txt"),
        ("back\\slash", "back%{5C}slash"),
        ("..\\..\\out", "..%{5C}..%{5C}out"),
        ("con.txt", "%{63}on.txt"),
        ("line\nend", "line%{0A}end"),
        ("\u{1b}[2Jred", "%{1B}[2Jred"),
        ("dot.", "dot%{2E}"),
        ("\"quoted\"", "%{22}quoted%{22}"),
    ];
    for (name, _) in odd {
        a.write(name, name);
    }
    a.write("Twin.txt", "capital");
    a.write("twin.txt", "small");
    fs::create_dir_all(a.work.join("nothing in it")).unwrap();
    a.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(a.work.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let secret = room.path().join("outside/secret.txt");
    write(&secret, "secret of the computer");
    symlink("../notes.txt", a.work.join("deep/link")).unwrap();
    symlink(&secret, a.work.join("link out")).unwrap();
    symlink("../../../etc/passwd", a.work.join("deep/climbing")).unwrap();
    symlink(secret.parent().unwrap(), a.work.join("folder out")).unwrap();
    assert!(Command::new("mkfifo").arg(a.work.join("pipe")).status().unwrap().success());
    fs::write(a.work.join(std::ffi::OsStr::new("old")), "o").unwrap();

    let archive = named(&a);
    let ran = a.run(&["--json", "takeaway", archive.to_str().unwrap()]).exits(&[0, 4]);
    let told = ran.json();
    assert_eq!(told["bytes"].as_u64(), Some(fs::metadata(&archive).unwrap().len()));
    assert_eq!((told["file"].as_str(), &told["image"]), (archive.to_str(), &serde_json::Value::Null));
    let top = unpacked(&archive, &room.path().join("out"));
    for (path, bytes) in &plain {
        assert_eq!(&fs::read(top.join("work").join(path)).unwrap(), bytes, "{path}");
    }
    for (name, written) in odd {
        assert_eq!(fs::read_to_string(top.join("work").join(written)).unwrap(), name);
    }
    let all = tree(&top.join("work"));
    assert!(!all.0.keys().any(|path| path.contains('\\') || path.starts_with(".kitbag")), "{all:?}");
    let twins =
        ["capital", "small"].map(|text| all.0.iter().find(|(_, bytes)| *bytes == text.as_bytes()).unwrap().0);
    assert_ne!(twins[0].to_lowercase(), twins[1].to_lowercase());
    assert_eq!(told["files"].as_u64(), Some(all.0.len() as u64));
    assert!(top.join("work/nothing in it").is_dir());
    let bits = |name: &str| fs::metadata(top.join("work").join(name)).unwrap().permissions().mode() & 0o111;
    assert!(bits("run.sh") != 0 && bits("notes.txt") == 0);
    let time = |file: PathBuf| {
        fs::metadata(file)
            .unwrap()
            .modified()
            .unwrap()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    assert_eq!(time(top.join("work/notes.txt")), time(a.work.join("notes.txt")));
    assert_eq!(fs::read_link(top.join("work/deep/link")).unwrap(), Path::new("../notes.txt"));
    let bytes = fs::read(&archive).unwrap();
    assert!(!bytes.windows(22).any(|part| part == b"secret of the computer"));
    let readme = fs::read_to_string(top.join("README.txt")).unwrap();
    assert!(!readme.contains('\u{1b}'), "{readme}");
    for name in ["link out", "deep/climbing", "folder out", "pipe", "12:30.txt"] {
        assert!(!top.join("work").join(name).exists());
        assert!(readme.contains(name) && told["notes"].to_string().contains(name), "{name}: {readme}");
    }
    assert!(!top.join("evil").exists() && !partial(&archive).exists());
}

/// Shows that a takeaway harms nobody's file and puts nothing where it would be carried or hold itself. First tier.
#[test]
fn no_place_that_would_do_harm() {
    let room = room();
    let a = machine(room.path());
    a.write("notes.txt", "1\n");
    a.sync();
    let there = a.user.join("there.zip");
    fs::write(&there, "mine").unwrap();
    symlink(&a.work, a.user.join("way in")).unwrap();
    symlink(a.user.join("nowhere"), a.user.join("dangling.zip")).unwrap();
    fs::create_dir(a.user.join("folder.zip")).unwrap();
    let before = tree(room.path());
    for (place, words) in [
        (there.clone(), &["is there already"][..]),
        (a.user.join("dangling.zip"), &["is there already"]),
        (a.user.join("folder.zip"), &["is there already"]),
        (a.work.join("x.zip"), &["working folder"]),
        (a.work.join("deep/../x.zip"), &[]),
        (a.user.join("way in/x.zip"), &["working folder"]),
        (a.share.join("x.zip"), &["cloud folder"]),
        (a.share.join(".kitbag/x.zip"), &["cloud folder"]),
        (a.home.join("x.zip"), &["own state"]),
        (a.user.join("no/folder/x.zip"), &["is no folder"]),
        (a.user.join("x.tar.gz"), &["ends in .zip"]),
        (a.user.join("x"), &["ends in .zip"]),
    ] {
        a.run(&["takeaway", place.to_str().unwrap()]).exits(&[1]).explains(words);
    }
    let after = tree(room.path());
    for (path, bytes) in &before.0 {
        assert!(
            path.contains("/state/") || path.contains(".kitbag/") || after.0.get(path) == Some(bytes),
            "{path}"
        );
    }
    assert!(!after.0.keys().any(|path| path.ends_with(".kitbag-new")));
}

/// A file that is written to while it is read is read again; one that never rests is in the archive, and said. The
/// archive is whole and a file that comes after it too. First tier.
#[test]
fn files_that_change_while_they_are_read() {
    let room = room();
    let a = machine(room.path());
    a.write("a calm one.bin", noise(1 << 20, 1));
    a.write("growing.bin", noise(24 << 20, 2));
    a.write("z after it.bin", noise(1 << 20, 3));
    let (stop, archive) = (AtomicBool::new(false), named(&a));
    std::thread::scope(|scope| {
        let file = a.work.join("growing.bin");
        let stop = &stop;
        scope.spawn(move || {
            let mut open = fs::File::options().append(true).open(file).unwrap();
            let until = Instant::now() + Duration::from_secs(120);
            while !stop.load(Ordering::Relaxed) && Instant::now() < until {
                open.write_all(b"more\n").unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let ran = a.run(&["--json", "takeaway", archive.to_str().unwrap()]);
        stop.store(true, Ordering::Relaxed);
        let told = ran.exits(&[0, 1, 4]).json();
        assert!(told["notes"].to_string().contains("growing.bin: it was being written to"), "{told:#}");
    });
    let top = unpacked(&archive, &room.path().join("out"));
    for name in ["a calm one.bin", "z after it.bin"] {
        assert_eq!(fs::read(top.join("work").join(name)).ok(), a.read(name), "{name}");
    }
    let got = fs::read(top.join("work/growing.bin")).unwrap();
    assert!(got.len() >= 24 << 20 && a.read("growing.bin").unwrap().starts_with(&got));
}

/// Shows "full disk": asked about before anything is written; where room runs out all the same, nothing is left. First
/// tier.
#[test]
fn no_room_for_it() {
    let room = room();
    let a = machine(room.path());
    a.write("large.bin", noise(40 << 20, 1));
    a.sync();
    let stick = room.path().join("stick");
    let Some(disk) = Mounted::new(&stick, "8m") else { return };
    let archive = stick.join("all.zip");
    a.run(&["takeaway", archive.to_str().unwrap()]).exits(&[5]).explains(&[
        "not enough room",
        "58 MB",
        "another drive",
    ]);
    assert_eq!(fs::read_dir(&stick).unwrap().count(), 0);
    // a drive that takes no large file, as FAT32 does; the size is said by the system while it is written
    disk.remount("size=200m");
    let mut limited = Command::new("sh");
    let command = a.command(&["takeaway", archive.to_str().unwrap()]);
    limited.env_clear().envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    limited.args(["-c", "trap '' XFSZ; ulimit -f 20000; exec \"$@\"", "sh"]).arg(command.get_program());
    let ran = limited.args(command.get_args()).current_dir(&a.user).output().unwrap();
    assert_eq!(ran.status.code(), Some(5), "{ran:?}");
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("too large for that drive") && said.contains("exFAT"), "{said}");
    assert_eq!(fs::read_dir(&stick).unwrap().count(), 0);
    a.run(&["takeaway", archive.to_str().unwrap()]).exits(&[0]);
    let top = unpacked(&archive, &room.path().join("out"));
    assert_eq!(fs::read(top.join("work/large.bin")).ok(), a.read("large.bin"));
}

/// Ended by force in the middle: no file of the name that was asked for; what is left is taken away by the next one.
/// Ctrl-C leaves nothing at all. First tier.
#[test]
fn ended_in_the_middle() {
    let room = room();
    let a = machine(room.path());
    for n in 0..4 {
        a.write(&format!("large {n}.bin"), noise(48 << 20, n));
    }
    a.sync();
    let archive = named(&a);
    for signal in ["INT", "KILL"] {
        let mut running = a.start(&["takeaway", archive.to_str().unwrap()]);
        let until = Instant::now() + Duration::from_secs(60);
        while !fs::metadata(partial(&archive)).is_ok_and(|there| there.len() > 1 << 20) {
            assert!(Instant::now() < until && running.try_wait().unwrap().is_none(), "it was never begun");
            std::thread::sleep(Duration::from_millis(1));
        }
        let pid = running.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        let ended = running.wait().unwrap();
        assert!(!archive.exists(), "{signal}: half a file has its name");
        assert_eq!(partial(&archive).exists(), signal == "KILL");
        assert_eq!(ended.code(), (signal == "INT").then_some(1));
    }
    a.run(&["takeaway", archive.to_str().unwrap()]).exits(&[0]);
    assert!(!partial(&archive).exists());
    let top = unpacked(&archive, &room.path().join("out"));
    assert_eq!(tree(&top.join("work")), a.files());
}

/// Shows that nobody needs a cloud folder to take their work away: with one that is gone, read-only or another's the
/// archive is made all the same, and what may be old is said. First tier.
#[test]
fn a_cloud_folder_that_cannot_be_used() {
    let room = room();
    let a = machine(room.path());
    a.write("notes.txt", "1\n");
    a.sync();
    a.write("notes.txt", "1\n2\n");
    let aside = room.path().join("aside");
    fs::rename(&a.share, &aside).unwrap();
    for (n, harm) in ["gone", "empty"].into_iter().enumerate() {
        if harm == "empty" {
            fs::create_dir(&a.share).unwrap();
        }
        let archive = a.user.join(format!("{harm}.zip"));
        let told = a.run(&["--json", "takeaway", archive.to_str().unwrap()]).exits(&[1]);
        let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
        assert!(told["notes"].to_string().contains("could not be saved in the cloud folder"), "{told:#}");
        let top = unpacked(&archive, &room.path().join(format!("out {n}")));
        assert_eq!(fs::read_to_string(top.join("work/notes.txt")).unwrap(), "1\n2\n");
    }
    fs::remove_dir(&a.share).unwrap();
    fs::rename(&aside, &a.share).unwrap();
    a.sync();
}
