//! Disks that spoil what they store: `verify` finds it and says who can help, `sync` puts right what can be rebuilt from
//! this machine, and what cannot be stays as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::machine::{Chance, Machine, noise, pair, room, tree, write};

/// Files of every kind: small, of several pieces, changed, removed, on both machines.
fn lived_in(root: &Path) -> (Machine, Machine) {
    let (a, b) = pair(root, &[("notes.txt", b"1\n"), ("old.txt", b"old\n")]);
    a.write("big.bin", noise(3 << 20, 7));
    a.write("notes.txt", "1\n2\n");
    a.remove("old.txt");
    a.sync();
    b.sync();
    b.write("notes.txt", "1\n2\n3\n");
    b.write("deep/er/list.txt", "list\n");
    b.sync();
    a.sync();
    b.sync();
    (a, b)
}

fn sidecar(share: &Path) -> Vec<PathBuf> {
    let inside = share.join(".kitbag");
    tree(&inside).0.into_keys().map(|path| inside.join(path)).collect()
}

fn packs(share: &Path) -> Vec<PathBuf> {
    sidecar(share).into_iter().filter(|file| file.to_str().unwrap().contains("/packs/")).collect()
}

fn places(report: &Value) -> Vec<&str> {
    report["damaged"].as_array().unwrap().iter().map(|fault| fault["place"].as_str().unwrap()).collect()
}

/// Nothing in the folders is changed by a look.
#[track_caller]
fn verify(at: &Machine, exits: &[i32]) -> Value {
    let before = (tree(&at.work), tree(&at.share));
    let report = at.run(&["--json", "verify", "--files"]).exits(exits).json();
    assert_eq!((tree(&at.work), tree(&at.share)), before, "verify only reads");
    report
}

/// Shows that what is whole is called so, with figures. First tier.
#[test]
fn a_sound_workspace_is_well() {
    let room = room();
    let (a, b) = lived_in(room.path());
    for machine in [&a, &b] {
        let report = verify(machine, &[0]);
        assert_eq!(
            (&report["state"], &report["damaged"]),
            (&"well".into(), &Value::Array(vec![])),
            "{report:#}"
        );
        assert_eq!(report["checked"]["packs"], packs(&a.share).len(), "{report:#}");
        assert!(report["checked"]["versions"].as_u64().unwrap() >= 6, "{report:#}");
        assert_eq!(report["checked"]["files"], machine.files().0.len(), "{report:#}");
        assert!(machine.run(&["verify"]).exits(&[0]).stdout.contains("Everything is whole."));
    }
}

/// Shows that no flipped bit of any file of `.kitbag` goes unseen: a hundred places, drawn by the seed (STORY_SEED),
/// every file at least once. First tier.
#[test]
fn every_flipped_bit_is_found() {
    let room = room();
    let (a, b) = lived_in(room.path());
    let (seed, files) = (crate::gone::seed(), sidecar(&a.share));
    let mut chance = Chance::new(seed);
    for turn in 0..files.len().max(100) {
        let file = if turn < files.len() { &files[turn] } else { &files[chance.below(files.len())] };
        let good = fs::read(file).unwrap();
        let mut bad = good.clone();
        let (at, bit) = (chance.below(good.len()), chance.below(8));
        bad[at] ^= 1 << bit;
        fs::write(file, &bad).unwrap();
        let report = verify(if chance.percent(50) { &a } else { &b }, &[1]);
        let place = file.strip_prefix(a.share.join(".kitbag")).unwrap().to_str().unwrap().to_owned();
        assert!(
            places(&report).contains(&place.as_str()),
            "seed {seed}: bit {bit} of byte {at} of {place}: {report:#}"
        );
        fs::write(file, &good).unwrap();
    }
}

/// A damaged pack of which all can be found on this machine is written anew once a delivery would be over; the other
/// machine has it all too. What nobody can rebuild is said, with the file it belongs to. First tier.
#[test]
fn a_damaged_pack_is_healed() {
    let room = room();
    let (mut a, mut b) = lived_in(room.path());
    for machine in [&mut a, &mut b] {
        machine.set("history.delivery_seconds", 0);
    }
    let before = a.files();
    for file in packs(&a.share) {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(&file, bytes).unwrap();
    }
    let report = verify(&a, &[1]);
    assert!(report["damaged"].as_array().unwrap().iter().any(|f| f["healer"] == "here"));
    // old versions were nowhere else: their texts are lost, and said to be
    let lost: Vec<_> = places(&report).into_iter().filter(|place| !place.starts_with("packs/")).collect();
    assert!(lost.contains(&"notes.txt") && lost.contains(&"old.txt"), "{report:#}");
    a.sync();
    let report = verify(&a, &[0, 1]);
    assert!(places(&report).iter().all(|place| place.starts_with("packs/")), "{report:#}");
    b.sync();
    a.sync();
    assert_eq!((a.files(), b.files()), (before.clone(), before.clone()));
    // and a third machine finds everything that can still be had
    let c = Machine::new(room.path(), "LAPTOP", &a.share).with("history.delivery_seconds", 0);
    c.setup().exits(&[0]);
    assert_eq!(c.files(), before);
    assert_eq!(c.run(&["--json", "sync"]).exits(&[0]).json()["bytes_published"], 0);
}

/// The same where the other packs still hold everything: the damaged one goes, and all is well again. First tier.
#[test]
fn a_damaged_pack_whose_content_stands_elsewhere_goes() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n"), ("fig.bin", &noise(50_000, 3))]);
    let (a, b) = (a.with("history.delivery_seconds", 0), b.with("history.delivery_seconds", 0));
    let file = packs(&a.share).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[40] ^= 1;
    fs::write(&file, bytes).unwrap();
    for machine in [&a, &b, &a, &b] {
        machine.sync();
    }
    for machine in [&a, &b] {
        assert_eq!(verify(machine, &[0])["state"], "well");
        assert_eq!(machine.sync()["bytes_published"], 0);
    }
}

/// A pack that stands half copied is waited for; half a pack under a name nobody knows is waited for as long as a
/// delivery takes, and passed over then: no exit 4 for ever. First tier.
#[test]
fn half_a_pack_is_waited_for_and_passed_over_in_the_end() {
    let room = room();
    let (mut a, b) = lived_in(room.path());
    b.write("more.txt", "more\n");
    b.sync();
    let new: BTreeMap<_, _> =
        packs(&a.share).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect();
    let name = kitbag_core::id::PackId::of(b"never").to_string();
    let never = a.share.join(".kitbag/packs").join(&name[..2]).join(&name);
    write(&never, noise(1_000, 1));
    let report = a.run(&["--json", "sync"]).exits(&[4]).json();
    assert_eq!(report["waiting_for"].as_array().unwrap().len(), 1);
    assert_eq!(a.text("more.txt"), "more\n");
    let report = verify(&a, &[4]);
    assert_eq!(report["waiting"][0]["place"], format!("packs/{}/{name}", &name[..2]));
    a.set("history.delivery_seconds", 0);
    let report = a.run(&["--json", "sync"]).exits(&[0]).json();
    assert!(report["problems"].to_string().contains("damaged"), "{report:#}");
    assert_eq!(a.run(&["--json", "sync"]).exits(&[0]).json()["bytes_published"], 0);
    for (file, bytes) in new {
        assert_eq!(fs::read(file).unwrap(), bytes, "nothing else was touched");
    }
    assert!(never.exists(), "and it was left for the provider");
}

/// Small files of the history that were spoilt are written again: the ids, the events, the format, the README.
/// First tier.
#[test]
fn small_files_are_put_right() {
    let room = room();
    let (a, _b) = lived_in(room.path());
    let small: Vec<_> =
        sidecar(&a.share).into_iter().filter(|file| !file.to_str().unwrap().contains("/packs/")).collect();
    assert!(small.len() >= 5, "{small:?}");
    let good = tree(&a.share);
    for file in &small {
        let mut bytes = fs::read(file).unwrap();
        bytes[0] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    assert_eq!(verify(&a, &[1])["damaged"].as_array().unwrap().len(), small.len());
    a.sync();
    assert_eq!(verify(&a, &[0])["state"], "well");
    assert_eq!(tree(&a.share), good);
}

/// A deleted pack is said to be gone, and the next sync writes back what stood in it. First tier.
#[test]
fn a_deleted_pack_is_written_back() {
    let room = room();
    let (a, _b) = pair(room.path(), &[("notes.txt", b"1\n"), ("fig.bin", &noise(50_000, 3))]);
    a.sync();
    let file = packs(&a.share).remove(0);
    fs::remove_file(&file).unwrap();
    let report = verify(&a, &[1]);
    assert!(places(&report).iter().any(|place| place.starts_with("packs/")), "{report:#}");
    a.sync();
    assert_eq!(verify(&a, &[0])["state"], "well");
}
