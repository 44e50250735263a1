//! What only the simulated disk can do: fail, fill up, refuse, and lose what was not made durable.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use proptest::prelude::*;

use super::super::{Disk, ItemKind};
use super::{Failure, SimulatedDisk};
use crate::clock::{Clock, SimulatedClock};

fn disk() -> SimulatedDisk {
    SimulatedDisk::new(SimulatedClock::new(1_700_000_000_000))
}

fn write(disk: &SimulatedDisk, path: &str, bytes: &[u8], durable: bool) -> std::io::Result<()> {
    let mut file = disk.create(Path::new(path))?;
    file.write_all(bytes)?;
    file.finish(durable)?;
    Ok(())
}

fn read(disk: &SimulatedDisk, path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    disk.open(Path::new(path)).ok()?.read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

fn names(disk: &SimulatedDisk, dir: &str) -> BTreeSet<String> {
    disk.list(Path::new(dir)).unwrap().into_iter().map(|item| item.name.into_string().unwrap()).collect()
}

#[test]
fn every_change_is_counted_and_no_look() {
    let disk = disk();
    write(&disk, "/a", b"1", true).unwrap();
    assert_eq!(disk.mutations(), 3, "create, write, sync");
    disk.create_dirs(Path::new("/x/y")).unwrap();
    assert_eq!(disk.mutations(), 5);
    read(&disk, "/a").unwrap();
    disk.stat(Path::new("/a")).unwrap();
    disk.list(Path::new("/")).unwrap();
    disk.canonical(Path::new("/x/y")).unwrap();
    disk.free_space(Path::new("/")).unwrap();
    assert_eq!(disk.mutations(), 5);
}

#[test]
fn an_ordered_error_hits_one_call() {
    let disk = disk();
    disk.fail_at(2, Failure::Error(ErrorKind::PermissionDenied));
    assert_eq!(write(&disk, "/a", b"1", false).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(read(&disk, "/a"), Some(vec![]));
    write(&disk, "/b", b"2", false).unwrap();
    assert_eq!(read(&disk, "/b"), Some(b"2".to_vec()));
}

#[test]
fn any_call_can_be_told_to_fail() {
    let disk = disk();
    write(&disk, "/a", b"1", true).unwrap();
    let calls = disk.calls();
    disk.stat(Path::new("/a")).unwrap();
    assert_eq!((disk.calls(), disk.mutations()), (calls + 1, 3));
    disk.fail_call(2, Failure::Error(ErrorKind::PermissionDenied));
    disk.list(Path::new("/")).unwrap();
    assert_eq!(disk.stat(Path::new("/a")).unwrap_err().kind(), ErrorKind::PermissionDenied);
    disk.stat(Path::new("/a")).unwrap();
    disk.fail_call(1, Failure::Crash);
    assert!(disk.stat(Path::new("/a")).is_err() && disk.stat(Path::new("/a")).is_err());
    disk.restart();
    disk.stat(Path::new("/a")).unwrap();
}

#[test]
fn others_work_between_two_calls() {
    let disk = disk();
    write(&disk, "/a", b"1", false).unwrap();
    let mutations = disk.mutations();
    let mut saved = false;
    disk.watch(Some(Box::new(move |disk, call| {
        if call.mutates && !saved {
            saved = true;
            disk.place_file(Path::new("/x/b"), b"from elsewhere").unwrap();
            disk.overwrite(Path::new("/a"), b"saved").unwrap();
        }
    })));
    assert_eq!(read(&disk, "/x/b"), None);
    disk.create_dir(Path::new("/mine")).unwrap();
    disk.watch(None);
    assert_eq!(disk.mutations(), mutations + 1, "only what the program did counts");
    assert_eq!(disk.peek(Path::new("/a")).unwrap().as_slice(), b"saved");
    let copy = disk.copy(SimulatedClock::new(0));
    disk.take_away(Path::new("/x/b")).unwrap();
    assert!(!disk.is_durable());
    for seed in 0..8 {
        let found = copy.copy(SimulatedClock::new(0));
        found.power_cut(seed);
        assert!(found.is_durable());
        assert_eq!(read(&found, "/x/b"), Some(b"from elsewhere".to_vec()), "others' work is durable");
        assert_eq!(found.peek_files(Path::new("/")).len(), 2);
    }
    assert_eq!(read(&disk, "/x/b"), None, "a copy is a disk of its own");
}

#[test]
fn what_others_place_is_not_undone_with_what_was_renamed_there_before() {
    for seed in 0..16 {
        let disk = disk();
        write(&disk, "/old", b"old", true).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        disk.rename_new(Path::new("/old"), Path::new("/name")).unwrap();
        disk.place_file(Path::new("/name"), b"new").unwrap();
        disk.power_cut(seed);
        assert_eq!(read(&disk, "/name"), Some(b"new".to_vec()));
    }
}

#[test]
fn a_crash_ends_everything_until_a_restart() {
    let disk = disk();
    let mut held = disk.create(Path::new("/held")).unwrap();
    disk.fail_at(2, Failure::Crash);
    assert!(write(&disk, "/a", b"1234", false).is_err());
    assert!(disk.stat(Path::new("/a")).is_err() && disk.list(Path::new("/")).is_err());
    assert!(held.write(b"x").is_err());
    disk.restart();
    assert_eq!(read(&disk, "/a"), Some(b"12".to_vec()), "half of the bytes");
    assert!(held.write(b"x").is_err(), "a handle of the dead program");
    drop(held);
    write(&disk, "/b", b"2", false).unwrap();
}

#[test]
fn a_full_disk_takes_what_fits() {
    let disk = disk();
    disk.set_capacity(Some(10));
    write(&disk, "/a", b"123456", false).unwrap();
    assert_eq!(disk.free_space(Path::new("/")).unwrap(), 4);
    assert_eq!(write(&disk, "/b", b"123456", false).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(read(&disk, "/b"), Some(b"1234".to_vec()));
    disk.remove(Path::new("/b")).unwrap();
    assert_eq!(
        disk.clone_or_copy(Path::new("/a"), Path::new("/c")).unwrap_err().kind(),
        ErrorKind::StorageFull
    );
    assert_eq!(names(&disk, "/"), BTreeSet::from(["a".to_owned()]));
    write(&disk, "/d", b"1234", false).unwrap();
}

#[test]
fn a_read_only_disk_can_be_looked_at() {
    let disk = disk();
    write(&disk, "/a", b"1", false).unwrap();
    disk.create_dir(Path::new("/x")).unwrap();
    disk.set_read_only(true);
    let (a, b, x) = (Path::new("/a"), Path::new("/b"), Path::new("/x"));
    for refused in [
        disk.create(b).map(drop),
        disk.rewrite(a).map(drop),
        disk.rename_new(a, b),
        disk.exchange(a, x),
        disk.rename_over(a, b),
        disk.remove(a),
        disk.remove_dir(x),
        disk.create_dir(b),
        disk.create_dirs(b),
        disk.clone_or_copy(a, b).map(drop),
        disk.set_modified(a, 0),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    }
    assert_eq!(read(&disk, "/a"), Some(b"1".to_vec()));
    disk.set_read_only(false);
    disk.remove(a).unwrap();
}

#[test]
fn exchange_can_be_missing() {
    let disk = disk();
    write(&disk, "/a", b"a", false).unwrap();
    write(&disk, "/b", b"b", false).unwrap();
    disk.set_exchange(false);
    let refused = disk.exchange(Path::new("/a"), Path::new("/b")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert_eq!(read(&disk, "/a"), Some(b"a".to_vec()));
}

#[test]
fn a_placeholder_is_there_and_not_opened() {
    let disk = disk();
    let path = Path::new("/a");
    write(&disk, "/a", b"in the cloud", false).unwrap();
    disk.set_placeholder(path, true).unwrap();
    let stat = disk.stat(path).unwrap();
    assert_eq!((stat.kind, stat.placeholder, stat.fingerprint.size), (ItemKind::File, true, 12));
    assert_eq!(disk.open(path).map(drop).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(disk.rewrite(path).map(drop).unwrap_err().kind(), ErrorKind::WouldBlock);
    disk.set_placeholder(path, false).unwrap();
    assert!(disk.open(path).is_ok());
}

#[test]
fn times_follow_the_clock_and_never_repeat() {
    let clock = SimulatedClock::new(5_000);
    let disk = SimulatedDisk::new(clock.clone());
    write(&disk, "/a", b"1", false).unwrap();
    let first = disk.stat(Path::new("/a")).unwrap().fingerprint.modified;
    disk.rewrite(Path::new("/a")).unwrap().write_all(b"2").unwrap();
    let second = disk.stat(Path::new("/a")).unwrap().fingerprint.modified;
    assert!(first < second && second < 5_001_000_000);
    clock.sleep(60_000);
    disk.rewrite(Path::new("/a")).unwrap().write_all(b"3").unwrap();
    assert!(disk.stat(Path::new("/a")).unwrap().fingerprint.modified >= 65_000_000_000);
}

#[test]
fn long_use_does_not_fill_the_memory() {
    let disk = disk();
    for _ in 0..5_000 {
        write(&disk, "/t", &[7; 100], false).unwrap();
        disk.rename_over(Path::new("/t"), Path::new("/a")).unwrap();
        disk.sync_volume(Path::new("/")).unwrap();
    }
    assert!(disk.state().tree.nodes.len() < 3_000);
}

/// What may be found after a cut, over many seeds.
fn found<T: Ord>(
    seeds: u64,
    story: impl Fn(&SimulatedDisk),
    look: impl Fn(&SimulatedDisk) -> T,
) -> BTreeSet<T> {
    (0..seeds)
        .map(|seed| {
            let disk = disk();
            story(&disk);
            disk.power_cut(seed);
            look(&disk)
        })
        .collect()
}

#[test]
fn what_was_made_durable_survives_every_power_cut() {
    let story = |disk: &SimulatedDisk| {
        disk.create_dirs(Path::new("/x/y")).unwrap();
        write(disk, "/x/y/t", b"kept", true).unwrap();
        disk.rename_new(Path::new("/x/y/t"), Path::new("/x/y/a")).unwrap();
        for dir in ["/x/y", "/x", "/"] {
            disk.sync_dir(Path::new(dir)).unwrap();
        }
    };
    let seen = found(200, story, |disk| (read(disk, "/x/y/a"), names(disk, "/x/y")));
    assert_eq!(seen, BTreeSet::from([(Some(b"kept".to_vec()), BTreeSet::from(["a".to_owned()]))]));
}

#[test]
fn a_volume_sync_keeps_everything_at_once() {
    let story = |disk: &SimulatedDisk| {
        disk.create_dirs(Path::new("/x/y")).unwrap();
        write(disk, "/x/y/a", b"kept", false).unwrap();
        disk.sync_volume(Path::new("/x")).unwrap();
    };
    assert_eq!(found(200, story, |disk| read(disk, "/x/y/a")), BTreeSet::from([Some(b"kept".to_vec())]));
}

#[test]
fn unsynced_bytes_and_names_may_go_in_every_way() {
    let story = |disk: &SimulatedDisk| {
        write(disk, "/t", b"12345678", false).unwrap();
        disk.rename_new(Path::new("/t"), Path::new("/a")).unwrap();
    };
    let seen = found(300, story, |disk| names(disk, "/"));
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(seen, BTreeSet::from([set(&[]), set(&["t"]), set(&["a"]), set(&["a", "t"])]));
    let bytes = found(300, story, |disk| read(disk, "/a"));
    assert!(bytes.contains(&None) && bytes.contains(&Some(vec![])));
    assert!(bytes.contains(&Some(b"12345678".to_vec())) && bytes.contains(&Some(b"1234".to_vec())));
    assert!(bytes.contains(&Some(b"1234\0\0\0\0".to_vec())));
}

#[test]
fn a_durable_file_without_a_durable_name_may_be_gone() {
    let story = |disk: &SimulatedDisk| write(disk, "/a", b"x", true).unwrap();
    assert_eq!(found(50, story, |disk| read(disk, "/a")), BTreeSet::from([None, Some(b"x".to_vec())]));
}

#[test]
fn an_unsynced_swap_is_done_or_not_done() {
    let story = |disk: &SimulatedDisk| {
        write(disk, "/a", b"old", true).unwrap();
        write(disk, "/t", b"new", true).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        disk.exchange(Path::new("/a"), Path::new("/t")).unwrap();
    };
    let seen = found(100, story, |disk| (read(disk, "/a").unwrap(), read(disk, "/t").unwrap()));
    let pair = |a: &str, t: &str| (a.as_bytes().to_vec(), t.as_bytes().to_vec());
    assert_eq!(seen, BTreeSet::from([pair("old", "new"), pair("new", "old")]));
}

#[test]
fn rewriting_in_place_may_tear() {
    let story = |disk: &SimulatedDisk| {
        write(disk, "/a", b"old", true).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        disk.rewrite(Path::new("/a")).unwrap().write_all(b"new text").unwrap();
    };
    let seen = found(200, story, |disk| read(disk, "/a").unwrap());
    for possible in ["old", "new text", "new", ""] {
        assert!(seen.contains(possible.as_bytes()), "{possible}");
    }
}

#[test]
fn one_seed_loses_the_same() {
    let story = |disk: &SimulatedDisk| {
        for n in 0..20 {
            write(disk, &format!("/{n}"), b"12345678", n % 3 == 0).unwrap();
        }
    };
    for seed in 0..20 {
        let look = |disk: &SimulatedDisk| {
            names(disk, "/").into_iter().map(|n| read(disk, &format!("/{n}"))).collect::<Vec<_>>()
        };
        let cut = || {
            let disk = disk();
            story(&disk);
            disk.power_cut(seed);
            (names(&disk, "/"), look(&disk))
        };
        assert_eq!(cut(), cut());
    }
}

proptest! {
    /// A swap made the safe way leaves the old or the new bytes under some name, wherever the power goes.
    #[test]
    fn record_then_swap_never_loses(stop in 1u64..14, seed: u64) {
        let disk = disk();
        write(&disk, "/a", b"old", true).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        disk.fail_at(stop, Failure::Crash);
        let swap = || -> std::io::Result<()> {
            write(&disk, "/t", b"new", true)?;
            disk.sync_dir(Path::new("/"))?;
            disk.exchange(Path::new("/t"), Path::new("/a"))?;
            disk.sync_dir(Path::new("/"))?;
            disk.remove(Path::new("/t"))
        };
        let done = swap().is_ok();
        disk.power_cut(seed);
        let shown = read(&disk, "/a").unwrap();
        prop_assert!(shown == b"old" || shown == b"new");
        prop_assert!(!done || shown == b"new");
    }
}
