//! Conflict copies under names that people use too. Made by a provider for a version that is known, such a file goes; made
//! by a person, or holding anything else, it is a file and stays one.

use kitbag_core::finding::Exit;
use kitbag_platform::disk::Disk;

use crate::machine::{Machine, World};

const NAMES: [(&str, &str); 7] = [
    ("Part.ipynb", "Part 2.ipynb"),
    ("x.csv", "x (1).csv"),
    ("name.ipynb", "name-OLD.ipynb"),
    ("deep/notes.txt", "deep/notes-LAPTOP-2.txt"),
    ("notes", "notes 2"),
    ("fig.png", "fig [Conflict].png"),
    ("a-b.txt", "a-b-c.txt"),
];

/// Longer than a copy that a person may have made is left to stand.
const LONG: i64 = 5 * 30 + 1;

fn content(of: &str) -> Vec<u8> {
    if of.ends_with(".ipynb") {
        return format!(
            "{{\"cells\": [], \"metadata\": {{\"name\": \"{of}\"}}, \"nbformat\": 4, \"nbformat_minor\": 5}}"
        )
        .into_bytes();
    }
    format!("the first of {of}\nand more\n").into_bytes()
}

fn begin<'w>(world: &'w World, name: &'static str) -> Machine<'w> {
    let a = world.machine(name, &[]);
    for (base, _) in NAMES {
        a.save(base, &content(base));
    }
    world.wait(5);
    assert_eq!(a.sync().exit(), Exit::Done);
    a
}

fn cloud(name: &str) -> String {
    format!("/cloud/share/{name}")
}

/// A provider's copy of a known version, also of an old one, is folded in once nothing else can come of it; never at
/// once.
#[test]
fn a_providers_copy_of_a_known_version_goes() {
    let world = World::new(1);
    let a = begin(&world, "HOME");
    a.save("x.csv", b"the second\n");
    world.wait(5);
    a.sync();
    for (base, copy) in NAMES {
        world.write(&cloud(copy), &content(base));
    }
    for _ in 0..3 {
        world.wait(10);
        assert_eq!(a.sync().exit(), Exit::Waiting);
        for (_, copy) in NAMES {
            assert!(world.exists(&cloud(copy)) && a.shows(copy).is_none(), "{copy}");
        }
    }
    world.wait(LONG);
    let report = a.sync();
    a.sync();
    assert_eq!(a.sync().exit(), Exit::Done, "{report:#?}");
    for (base, copy) in NAMES {
        assert!(!world.exists(&cloud(copy)) && a.shows(copy).is_none(), "{copy} stays");
        assert_eq!(a.versions(copy), 0, "{copy}");
        assert!(a.shows(base).is_some(), "{base}");
    }
    assert_eq!(a.shows("x.csv").unwrap(), b"the second\n");
}

/// What a person makes in the working folder is a file of its own on every machine, with any bytes, for good.
#[test]
fn a_persons_file_stays() {
    for same in [true, false] {
        let world = World::new(2);
        let a = begin(&world, "HOME");
        let b = world.machine("WORK", &[]);
        b.sync();
        let bytes = |base: &str| if same { content(base) } else { content("something else") };
        for (base, copy) in NAMES {
            a.save(copy, &bytes(base));
        }
        for _ in 0..3 {
            world.wait(LONG);
            assert_eq!(a.sync().exit(), Exit::Done);
            assert_eq!(b.sync().exit(), Exit::Done);
        }
        for (base, copy) in NAMES {
            for shown in [a.shows(copy), b.shows(copy), world.read(&cloud(copy))] {
                assert_eq!(shown, Some(bytes(base)), "{copy}");
            }
        }
        // changed back to the other's bytes it stays one too
        for (base, copy) in NAMES {
            world.write(&cloud(copy), &content(base));
        }
        world.wait(LONG);
        a.sync();
        world.wait(LONG);
        a.sync();
        assert!(NAMES.iter().all(|(_, copy)| a.shows(copy).is_some()));
    }
}

/// The other machine sees the person's file in the cloud folder long before it hears who made it. It waits; even if it
/// waits in vain, the file is back when the word arrives.
#[test]
fn a_persons_file_whose_word_is_late_comes_back() {
    for late in [60, 2 * LONG] {
        let world = World::new(3);
        let a = begin(&world, "HOME");
        let b = world.machine("WORK", &[]);
        b.sync();
        let before = world.names("/cloud/share/.kitbag/packs");
        for (base, copy) in NAMES {
            a.save(copy, &content(base));
        }
        world.wait(5);
        a.sync();
        let new: Vec<_> = world.names("/cloud/share/.kitbag/packs");
        let new: Vec<_> = new.into_iter().filter(|name| !before.contains(name)).collect();
        let packs: Vec<_> = new.iter().map(|name| format!("/cloud/share/.kitbag/packs/{name}")).collect();
        let held: Vec<_> = packs.iter().map(|pack| world.read(pack).unwrap()).collect();
        packs.iter().for_each(|pack| world.disk.remove(pack.as_ref()).unwrap());
        assert!(!packs.is_empty());
        b.sync();
        world.wait(late);
        b.sync();
        assert!(NAMES.iter().all(|(_, copy)| b.shows(copy).is_none() && b.versions(copy) == 0));
        packs.iter().zip(&held).for_each(|(pack, bytes)| world.write(pack, bytes));
        for _ in 0..3 {
            b.sync();
            world.wait(5);
            a.sync();
        }
        for (base, copy) in NAMES {
            for shown in [a.shows(copy), b.shows(copy), world.read(&cloud(copy))] {
                assert_eq!(shown, Some(content(base)), "{copy}, {late} s late");
            }
        }
    }
}

/// Bytes nobody knows under such a name are a new file, and so is a name whose file does not exist.
#[test]
fn anything_else_is_a_file() {
    let world = World::new(4);
    let a = begin(&world, "HOME");
    for (_, copy) in NAMES {
        world.write(&cloud(copy), b"made by phone\n");
    }
    world.write("/cloud/share/alone (1).csv", &content("x.csv"));
    world.write("/cloud/share/x (2).csv", b"");
    world.wait(LONG);
    a.sync();
    world.wait(LONG);
    a.sync();
    for (base, copy) in NAMES {
        // a half saved notebook is not taken at once
        let expected = (!copy.ends_with(".ipynb")).then(|| b"made by phone\n".to_vec());
        assert!(a.shows(copy) == expected || a.shows(copy).as_deref() == Some(b"made by phone\n"), "{copy}");
        assert_eq!(a.shows(base), Some(content(base)));
    }
    assert_eq!(a.shows("alone (1).csv"), Some(content("x.csv")));
    assert_eq!(a.shows("x (2).csv"), Some(Vec::new()));
}

/// A name with one of our machines in it is a provider's: what it holds is folded in, its new lines too.
#[test]
fn a_machine_of_ours_is_evidence() {
    let world = World::new(5);
    let a = begin(&world, "HOME-PC");
    let added = [content("deep/notes.txt"), b"from the other side\n".to_vec()].concat();
    world.write("/cloud/share/deep/notes-home-pc.txt", &added);
    world.write("/cloud/share/deep/notes-ELSEWHERE.txt", &added);
    for _ in 0..3 {
        world.wait(LONG);
        a.sync();
    }
    assert_eq!(a.shows("deep/notes.txt"), Some(added.clone()));
    assert!(!world.exists("/cloud/share/deep/notes-home-pc.txt"));
    assert_eq!(a.shows("deep/notes-ELSEWHERE.txt"), Some(added));
    assert_eq!(a.sync().exit(), Exit::Done);
}

/// A person's file that the cloud program brought at the same moment is left alone from the first look on: nothing of it
/// is taken away and written again.
#[test]
fn a_file_that_is_in_the_working_folder_is_not_touched_in_the_cloud_folder() {
    let world = World::new(6);
    let mut a = begin(&world, "HOME");
    a.config.outside_settle_seconds = 0;
    for (base, copy) in NAMES {
        a.save(copy, &content(base));
        world.write(&cloud(copy), &content(base));
    }
    world.wait(5);
    let number = |copy: &str| world.disk.stat(cloud(copy).as_ref()).unwrap().fingerprint.file;
    let before = NAMES.map(|(_, copy)| number(copy));
    assert_eq!(a.sync().exit(), Exit::Done);
    assert_eq!(NAMES.map(|(_, copy)| number(copy)), before);
}

/// Once recorded as a file of its own it stays one, even after it was removed and made again with the other's bytes.
#[test]
fn once_a_file_always_a_file() {
    let world = World::new(7);
    let a = begin(&world, "HOME");
    for (_, copy) in NAMES {
        a.save(copy, &content("something else"));
    }
    world.wait(5);
    assert_eq!(a.sync().exit(), Exit::Done);
    // one at a time, or it would be asked whether so many were meant
    let (base, copy) = NAMES[1];
    world.disk.remove(&a.work(copy)).unwrap();
    assert_eq!(a.sync().exit(), Exit::Done);
    assert!(!world.exists(&cloud(copy)));
    world.write(&cloud(copy), &content(base));
    for _ in 0..2 {
        world.wait(LONG);
        a.sync();
    }
    assert_eq!((a.shows(copy), world.read(&cloud(copy))), (Some(content(base)), Some(content(base))));
}
