//! The script that rebuilds the work without kitbag, given packs a stranger made: it believes no more than kitbag does.

use serde_json::json;

use crate::machine::{pair, room, tree};
use crate::packs::ByHand;
use crate::python::recover;

/// Paths that want out of the folder, false hashes, a bomb, lists that lie and nonsense in every place: the honest files
/// come, nothing is made outside the new folder, no version has other bytes than its name says. First tier.
#[test]
fn a_strangers_packs_without_kitbag() {
    let room = room();
    let (a, _b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let evil = room.path().join("evil.txt");
    let mut pack = ByHand::default().file("good.txt", b"good\n");
    for path in [
        "../evil.txt",
        "a/../../evil.txt",
        evil.to_str().unwrap(),
        "",
        ".",
        "a//b",
        ".kitbag/x",
        "nul\0",
        "a/./b",
    ] {
        pack = pack.file(path, b"evil");
    }
    pack = pack.file("good.txt/below", b"a file and a folder").file("\u{1b}[2J\u{202e}.txt", b"painted\n");
    let bad = "0".repeat(64);
    pack.listed.push(json!({ "id": bad, "at": 0, "stored": 5, "size": 5, "raw": true }));
    pack.listed.push(json!({ "id": bad, "at": -1, "stored": u64::MAX, "size": 5, "raw": true }));
    pack.listed.push(json!({ "id": "../../evil.txt", "at": 0, "stored": 5, "size": 5, "raw": true }));
    let record = json!({ "content": { "file": { "id": bad, "size": 5 } }, "kind": "edit", "parents": [], "path": "false" });
    let out_of = json!({ "content": { "file": { "id": "../../evil.txt", "size": 5 } }, "kind": "edit", "parents": [], "path": "x" });
    pack.record(record)
        .record(out_of)
        .line("{\"record\":{\"content\":[],\"kind\":7,\"parents\":[[]],\"path\":[]}}")
        .line("{\"record\":[[[[\n{\"label\":7}\n{\"gone\":[]}\nnonsense")
        .put(&a.share);
    let out = room.path().join("out");
    let before = tree(room.path()).0;
    let Some(ran) = recover(&a.share, &out) else { return };
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(!said.contains("Traceback") && !said.contains(['\u{1b}', '\u{202e}']), "{said}");
    let after = tree(room.path()).0;
    let new = |path: &String| !before.contains_key(path);
    assert!(after.keys().filter(|path| new(path)).all(|path| path.starts_with("out/")), "{:?}", after.keys());
    let files = tree(&out.join("files")).0;
    // the folder keeps the name, the file is spelled otherwise
    assert_eq!(files["%{67}ood.txt"], b"good\n");
    assert_eq!(files["good.txt/below"], b"a file and a folder");
    assert_eq!(files["notes.txt"], b"1\n");
    assert_eq!(files.len(), 4, "{:?}", files.keys());
    for (name, bytes) in tree(&out.join("versions")).0 {
        assert_eq!(name, kitbag_core::id::ContentId::of(&bytes).to_string());
    }
}

/// A folder that is kept as one comes back as its files, those that may be run can be; a list whose names want out, and a
/// list that is none, are said. First tier.
#[test]
fn units_without_kitbag() {
    use std::os::unix::fs::PermissionsExt;
    let room = room();
    let (a, _b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let id = |bytes: &[u8]| kitbag_core::id::ContentId::of(bytes).to_string();
    let mut pack = ByHand::default();
    let (run, data) = (pack.piece(b"#!/bin/sh\n"), pack.piece(b"data\n"));
    let list = json!({ "files": {
        "../../evil.txt": { "id": data, "size": 5 },
        "deep/data.txt": { "id": data, "size": 5 },
        "run.sh": { "executable": true, "id": run, "size": 10 },
    } })
    .to_string();
    pack.piece(list.as_bytes());
    pack.piece(b"no list");
    for (path, list) in [("project", id(list.as_bytes())), ("none", id(b"no list"))] {
        let content = json!({ "unit": { "id": list, "size": 15 } });
        pack = pack.record(json!({ "content": content, "kind": "edit", "parents": [], "path": path }));
    }
    pack.put(&a.share);
    let out = room.path().join("out");
    let Some(ran) = recover(&a.share, &out) else { return };
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("evil.txt") && said.contains("not to be had: none"), "{said}");
    let files = tree(&out.join("files")).0;
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["notes.txt", "project/deep/data.txt", "project/run.sh"],
        "{said}"
    );
    let mode = std::fs::metadata(out.join("files/project/run.sh")).unwrap().permissions().mode();
    assert_ne!(mode & 0o100, 0);
    assert!(!room.path().join("evil.txt").exists() && !out.join("evil.txt").exists());
}
