//! A history that does not grow without end: many parts become few on both machines, a big file that changes a little
//! costs a little, `status` says what it all costs, and `clean` frees what nobody needs.

use std::fs;

use crate::machine::{Machine, noise, pair, room, tree};

/// How many parts the history in a share has.
fn parts(at: &Machine) -> usize {
    tree(&at.share.join(".kitbag/packs")).0.len()
}

/// Shows the two phases with the real program: thirty syncs of two people leave a few parts, the other machine writes
/// nothing back, everything is whole, and a third machine gets it all. First tier.
#[test]
fn thirty_small_parts_become_few() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"0\n")]);
    for n in 0..30 {
        let at = if n % 3 == 0 { &b } else { &a };
        at.write("notes.txt", format!("{}{n}\n", at.text("notes.txt")));
        at.sync();
        a.sync();
        b.sync();
    }
    for machine in [&a, &b, &a, &b] {
        machine.sync();
    }
    assert!(parts(&a) <= 18, "{} parts", parts(&a));
    for machine in [&a, &b] {
        assert_eq!(machine.sync()["bytes_published"], 0);
        machine.run(&["verify"]).exits(&[0]);
    }
    assert_eq!(a.text("notes.txt").lines().count(), 31);
    assert_eq!(a.files(), b.files());
    let status = a.run(&["--json", "status"]).exits(&[0]).json();
    assert_eq!(status["storage"]["packs"], parts(&a), "{status:#}");
    assert_eq!(status["storage"]["live_bytes"], a.text("notes.txt").len(), "{status:#}");
    let bytes: usize = tree(&a.share.join(".kitbag/packs")).0.values().map(Vec::len).sum();
    assert_eq!(status["storage"]["history_bytes"], bytes, "{status:#}");
    let said = a.run(&["status"]).exits(&[0]).stdout;
    assert!(said.contains("history in the cloud folder: ") && said.contains(" parts"), "{said}");
    for machine in status["machines"].as_array().unwrap() {
        assert_ne!(machine["has_my_latest"], false, "{status:#}");
    }
    let c = Machine::new(room.path(), "LAPTOP", &a.share);
    c.setup().exits(&[0]);
    assert_eq!(c.files(), a.files());
}

/// How big a big file is, in MiB: a gigabyte in the second tier (`KITBAG_FULL=1`).
fn big() -> usize {
    if std::env::var_os("KITBAG_FULL").is_some() { 1024 } else { 128 }
}

/// Shows "1 MiB changed in 1 GiB publishes at most 4 MiB" with the real program: changed in place, inserted, and the whole
/// file shifted by a few bytes. First tier with 128 MiB, where the same bytes change; second with the gigabyte.
#[test]
fn a_little_change_in_a_big_file_costs_a_little() {
    let room = room();
    let a = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    let mut bytes = noise(big() << 20, 1);
    a.write("big.bin", &bytes);
    a.setup().exits(&[0]);
    let half = bytes.len() / 2;
    let mut published = Vec::new();
    let mut step = |bytes: &[u8]| {
        a.write("big.bin", bytes);
        let report = a.run(&["--json", "sync"]).exits(&[0]).json();
        assert_eq!(report["published"], 1);
        published.push(report["bytes_published"].as_u64().unwrap());
    };
    bytes[half..half + (1 << 20)].copy_from_slice(&noise(1 << 20, 2));
    step(&bytes);
    bytes.splice(half / 2..half / 2, noise(1 << 20, 3));
    step(&bytes);
    bytes.splice(..0, *b"shifted");
    step(&bytes);
    bytes.drain(half..half + 5);
    step(&bytes);
    eprintln!(
        "{} MiB: 1 MiB changed, 1 MiB inserted, shifted, 5 bytes cut: {published:?} bytes published",
        big()
    );
    assert!(published.iter().all(|published| *published <= 4 << 20), "{published:?}");
    assert!(fs::read(a.share.join("big.bin")).unwrap() == bytes);
    a.run(&["verify"]).exits(&[0]);
}

/// Shows that `clean` frees what nobody needs and never work: it says so first, does nothing unasked, leaves bytes the
/// history does not have, and everything is as whole afterwards as before. First tier.
#[test]
fn clean_frees_what_nobody_needs() {
    let room = room();
    let (mut a, b) = pair(room.path(), &[("notes.txt", b"0\n"), ("data.bin", &noise(400_000, 1))]);
    for n in 2..5 {
        a.write("data.bin", noise(400_000, n));
        for machine in [&a, &b, &a] {
            machine.sync();
        }
    }
    let rests = |name: &str, bytes: &[u8]| {
        fs::write(a.work.join(name), bytes).unwrap();
        a.work.join(name)
    };
    let known = rests(".~kitbag-0123.tmp", b"0\n");
    let unknown = rests(".~kitbag-4567.tmp", b"somebody's work\n");
    let torn = a.share.join(".kitbag/packs/.~kitbag-89.tmp");
    fs::write(&torn, "half").unwrap();
    let state = a.home.join("workspaces").join("share");
    fs::create_dir_all(state.join("kept")).unwrap();
    let kept = state.join("kept").join(kitbag_core::id::ContentId::of(b"x").to_string());
    fs::write(&kept, "x").unwrap();
    let aside = state.join("environment").join("db.put-aside-0a.sqlite");
    fs::create_dir_all(aside.parent().unwrap()).unwrap();
    fs::write(&aside, "the only copy").unwrap();
    a.set("history.delivery_seconds", 0);
    a.set("history.keep_days", 0);
    let files = a.files();
    let before = tree(room.path());
    let found = a.run(&["--json", "clean", "--dry-run"]).exits(&[0]).json();
    let kinds: Vec<_> =
        found["free"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["unfinished", "left-over", "kept", "history"], "{found:#}");
    assert!(found["bytes"].as_u64().unwrap() > 1_000_000 && found["freed"].is_null(), "{found:#}");
    let said = a.run(&["clean"]).exits(&[1]).stdout;
    assert!(said.contains("Nothing was freed"), "{said}");
    let unchanged = |path: &String| !path.contains("ledger.sqlite") && !path.ends_with("/lock");
    let after = tree(room.path());
    assert!(
        before
            .0
            .iter()
            .filter(|(path, _)| unchanged(path))
            .all(|(path, bytes)| after.0.get(path) == Some(bytes))
    );

    let done = a.run(&["--json", "clean", "--yes"]).exits(&[0]).json();
    assert!(done["freed"].is_u64(), "{done:#}");
    assert!(!known.exists() && !torn.exists() && !kept.exists());
    assert!(unknown.exists() && aside.exists(), "that is work");
    for machine in [&b, &a, &b, &a] {
        machine.sync();
    }
    let bytes: usize = tree(&a.share.join(".kitbag/packs")).0.values().map(Vec::len).sum();
    assert!(bytes < 600_000, "{bytes} bytes of history");
    for machine in [&a, &b] {
        machine.run(&["verify"]).exits(&[0]);
        assert_eq!(machine.files(), files);
    }
    assert_eq!(a.run(&["--json", "clean"]).exits(&[0]).json()["free"], serde_json::json!([]));
    a.run(&["--yes", "clean", "--databases"]).exits(&[0]);
    assert!(!aside.exists());
}
