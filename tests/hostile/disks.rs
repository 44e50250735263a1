//! Full and read-only disks. Where none can be mounted the tests say so, and fail in CI, where it must be.

use std::path::Path;

use crate::disk::Mounted;
use crate::machine::{Machine, noise, room, tree};

fn machines(root: &Path) -> (Machine, Machine) {
    let share = root.join("share");
    (Machine::new(root, "HOME-PC", &share), Machine::new(root, "WORK-PC", &share))
}

fn temporaries(root: &Path) -> Vec<String> {
    tree(root).0.into_keys().filter(|path| path.contains(".~kitbag-")).collect()
}

/// Shows "full disk": the share is full. Said with exit 5, nothing torn, nothing lost; with room again all follows. The
/// other machine still gets what is there. First tier.
#[test]
fn a_full_share() {
    let room = room();
    let (a, b) = machines(room.path());
    let Some(disk) = Mounted::new(&a.share, "3m") else { return };
    a.write("notes.txt", "1\n");
    a.setup().exits(&[0]);
    b.setup().exits(&[0]);
    a.write("notes.txt", "1\n2\n");
    a.sync();
    a.write("large.bin", noise(8 << 20, 1));
    a.write("z.txt", "z\n");
    let before = a.files();
    for _ in 0..3 {
        a.run(&["sync"]).exits(&[5]).explains(&["disk is full", "Free some space"]);
        assert_eq!(a.files(), before);
        assert_eq!(temporaries(&a.share), Vec::<String>::new());
    }
    b.run(&["sync"]).exits(&[0, 4, 5]);
    assert_eq!(b.text("notes.txt"), "1\n2\n");
    a.run(&["status"]).exits(&[0, 4]);
    disk.remount("size=64m");
    a.sync();
    b.sync();
    assert_eq!((b.files(), a.mirror()), (before.clone(), before));
    a.sync();
    assert_eq!(temporaries(&a.share), Vec::<String>::new());
}

/// Shows "full disk": the working folder is full while a large file is brought. The others are there, it is not there
/// by half. First tier.
#[test]
fn a_full_working_folder() {
    let room = room();
    let (a, b) = machines(room.path());
    let Some(disk) = Mounted::new(&b.work, "3m") else { return };
    a.write("notes.txt", "1\n");
    a.setup().exits(&[0]);
    b.setup().exits(&[0]);
    a.write("large.bin", noise(8 << 20, 1));
    a.write("notes.txt", "1\n2\n");
    for n in 0..20 {
        a.write(&format!("many/{n}"), noise(300_000, n));
    }
    a.sync();
    b.write("mine.txt", "by B\n");
    for _ in 0..3 {
        b.run(&["sync"]).exits(&[5]).explains(&["disk is full"]);
        assert_eq!(b.read("large.bin"), None);
        for (path, bytes) in b.files().0 {
            assert!(
                path == "mine.txt"
                    || a.read(&path).is_some_and(|whole| whole == bytes || path == "notes.txt"),
                "{path}"
            );
        }
    }
    // what the full machine wrote itself still gets out
    a.sync();
    assert_eq!(a.text("mine.txt"), "by B\n");
    disk.remount("size=64m");
    b.sync();
    assert_eq!(b.files(), a.files());
    b.sync();
    assert_eq!(temporaries(&b.work), Vec::<String>::new());
}

/// The same for one large file alone, which goes there piece by piece. First tier.
#[test]
fn a_large_file_for_a_full_working_folder() {
    let room = room();
    let (a, b) = machines(room.path());
    let Some(disk) = Mounted::new(&b.work, "3m") else { return };
    a.write("notes.txt", "1\n");
    a.setup().exits(&[0]);
    b.setup().exits(&[0]);
    a.write("large.bin", noise(24 << 20, 1));
    a.sync();
    for _ in 0..2 {
        b.run(&["sync"]).exits(&[5]).explains(&["disk is full", "Free some space"]);
        assert_eq!(b.read("large.bin"), None);
    }
    disk.remount("size=64m");
    b.sync();
    assert_eq!(b.files(), a.files());
}

/// Shows "full disk": no room for this machine's own state. Nothing is overwritten that is not recorded; with room again
/// all follows. First tier.
#[test]
fn a_full_state_folder() {
    let room = room();
    let (a, b) = machines(room.path());
    let Some(disk) = Mounted::new(&b.home, "1m") else { return };
    a.write("notes.txt", "1\n");
    a.setup().exits(&[0]);
    b.setup().exits(&[0]);
    for n in 0..3_000 {
        a.write(&format!("many/a file with a rather long name, number {n}"), format!("{n}\n"));
    }
    a.sync();
    b.write("notes.txt", "1\nby B\n");
    for _ in 0..2 {
        b.run(&["sync"]).exits(&[5]).explains(&["disk is full", "Free some space"]);
        assert_eq!(b.text("notes.txt"), "1\nby B\n");
    }
    disk.remount("size=64m");
    b.sync();
    a.sync();
    assert_eq!(a.files(), b.files());
    assert_eq!(a.text("notes.txt"), "1\nby B\n");
}

/// Shows "read-only share": what is there is still brought, what cannot be put there is said and waits. First tier.
#[test]
fn a_read_only_share() {
    let room = room();
    let (a, b) = machines(room.path());
    let Some(disk) = Mounted::new(&a.share, "16m") else { return };
    a.write("notes.txt", "1\n");
    a.setup().exits(&[0]);
    b.setup().exits(&[0]);
    a.write("notes.txt", "1\n2\n");
    a.sync();
    disk.remount("ro");
    let before = tree(&a.share);
    a.write("new.txt", "n\n");
    for _ in 0..2 {
        a.run(&["sync"]).exits(&[1]).explains(&["Read-only", "cannot be written by you"]);
        b.run(&["sync"]).exits(&[0, 1, 4]);
        assert_eq!(b.text("notes.txt"), "1\n2\n");
    }
    assert_eq!(a.text("new.txt"), "n\n");
    for verb in ["status", "conflicts", "where"] {
        a.run(&[verb]).exits(&[0, 4]);
    }
    assert_eq!(tree(&a.share), before);
    disk.remount("rw");
    a.sync();
    b.sync();
    assert_eq!(b.files(), a.files());
    disk.remount("ro");
    // with nothing to write, nothing is in the way
    b.sync();
    a.run(&["sync"]).exits(&[0, 1]);
}

/// A working folder that cannot be written to: this machine's work still gets out, what comes is said to wait. First tier.
#[test]
fn a_read_only_working_folder() {
    let room = room();
    let (a, b) = machines(room.path());
    let Some(disk) = Mounted::new(&b.work, "16m") else { return };
    a.write("notes.txt", "1\n");
    a.setup().exits(&[0]);
    b.setup().exits(&[0]);
    b.write("mine.txt", "by B\n");
    a.write("notes.txt", "1\n2\n");
    a.sync();
    disk.remount("ro");
    for _ in 0..2 {
        b.run(&["sync"]).exits(&[1]).explains(&["cannot be written by you"]);
    }
    a.sync();
    assert_eq!((a.text("mine.txt"), b.text("notes.txt")), ("by B\n".into(), "1\n".into()));
    disk.remount("rw");
    b.sync();
    assert_eq!(b.files(), a.files());
}
