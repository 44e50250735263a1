//! A stranger writes into the cloud folder: packs made by hand after FORMAT.md, with records that want out of the
//! folder, false sizes, false hashes, rubbish under good names. The honest parts are taken, the rest is said, and
//! nothing outside the folders is touched.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use kitbag_core::id::{ContentId, PackId};
use kitbag_core::version::MERGE_VERSION;
use serde_json::{Value, json};

use crate::machine::{Machine, noise, pair, room, tree, write};

/// A pack in the making: statements, pieces, index, as FORMAT.md has it.
#[derive(Default)]
pub struct ByHand {
    statements: Vec<u8>,
    pieces: Vec<u8>,
    /// What the index says of the pieces.
    pub listed: Vec<Value>,
    contents: Vec<Value>,
}

impl ByHand {
    /// A file at a path, content and all.
    pub fn file(mut self, path: &str, bytes: &[u8]) -> Self {
        let id = self.piece(bytes);
        let content = json!({ "file": { "id": id, "size": bytes.len() } });
        self.record(json!({ "content": content, "kind": "edit", "parents": [], "path": path }))
    }

    pub fn record(self, record: Value) -> Self {
        // keys come out sorted
        self.line(&format!("{{\"record\":{record}}}"))
    }

    pub fn line(mut self, line: &str) -> Self {
        self.statements.extend_from_slice(line.as_bytes());
        self.statements.push(b'\n');
        self
    }

    pub fn piece(&mut self, bytes: &[u8]) -> String {
        let id = ContentId::of(bytes).to_string();
        let (at, stored) = (self.pieces.len(), bytes.len());
        self.listed.push(json!({ "id": id, "at": at, "stored": stored, "size": stored, "raw": true }));
        self.pieces.extend_from_slice(bytes);
        id
    }

    fn finish(self) -> Vec<u8> {
        let index = json!({ "pieces": self.listed, "contents": self.contents }).to_string();
        frame(&self.statements, &self.pieces, index.as_bytes(), None)
    }

    pub fn put(self, share: &Path) -> PathBuf {
        put(share, &self.finish())
    }
}

fn frame(statements: &[u8], pieces: &[u8], index: &[u8], claimed: Option<[u64; 3]>) -> Vec<u8> {
    let lengths = claimed.unwrap_or([statements, pieces, index].map(|section| section.len() as u64));
    let lengths = lengths.map(u64::to_le_bytes).concat();
    [b"KITBAGPK", &1_u32.to_le_bytes()[..], statements, pieces, index, &lengths, b"KITBAGPK"].concat()
}

/// Put bytes where a pack of that name lies.
fn put(share: &Path, bytes: &[u8]) -> PathBuf {
    let name = PackId::of(bytes).to_string();
    let file = share.join(".kitbag/packs").join(&name[..2]).join(name);
    write(&file, bytes);
    file
}

/// Every name below a folder that is not in one of the machines' own places.
fn outside(root: &Path) -> BTreeSet<String> {
    let mut names: BTreeSet<_> = tree(root).0.into_keys().collect();
    names.retain(|name| ["share/", "HOME-PC/", "WORK-PC/"].iter().all(|own| !name.starts_with(own)));
    names
}

/// The honest work goes on in spite of it, and nothing outside is touched.
#[track_caller]
fn goes_on(root: &Path, a: &Machine, b: &Machine, exits: &[i32]) {
    let before = outside(root);
    a.write("notes.txt", "1\nby A\n");
    for machine in [a, b, a, b] {
        machine.run(&["sync"]).exits(exits);
        machine.run(&["status"]).exits(&[0, 1, 3, 4]);
    }
    assert_eq!(b.text("notes.txt"), "1\nby A\n");
    assert_eq!(a.files(), b.files());
    assert_eq!(outside(root), before);
    // and comes to rest
    assert_eq!(a.run(&["--json", "sync"]).exits(exits).json()["bytes_published"], 0);
}

/// Shows that the packs made here are right where they are meant to be: an honest one is taken. First tier.
#[test]
fn an_honest_pack_by_hand_is_taken() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    ByHand::default().file("deep/by hand.txt", b"made by hand\n").put(&a.share);
    goes_on(room.path(), &a, &b, &[0]);
    assert_eq!(a.text("deep/by hand.txt"), "made by hand\n");
}

/// A kitbag to come merges otherwise than this one: its merge is left alone, also beside an edit that did not know of it.
/// It is said and waited for, never asked, and nobody goes round in circles. First tier.
#[test]
fn a_merge_of_a_later_kitbag_is_waited_for() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let sides = ["1\nleft\n", "1\nright\n"];
    let mut pack = ByHand::default();
    let mut parents = Vec::new();
    for side in sides {
        let id = pack.piece(side.as_bytes());
        let content = json!({ "file": { "id": id, "size": side.len() } });
        let record = json!({ "content": content, "kind": "edit", "parents": [], "path": "plan.txt" });
        parents.push(ContentId::of(record.to_string().as_bytes()).to_string());
        pack = pack.record(record);
    }
    let first = parents[0].clone();
    parents.sort();
    let merged = b"1\nleft and right\n";
    let content = json!({ "file": { "id": pack.piece(merged), "size": merged.len() } });
    let merge = json!({ "content": content, "kind": "merge", "merge": MERGE_VERSION + 1, "parents": parents, "path": "plan.txt" });
    pack.record(merge).put(&a.share);
    for machine in [&a, &b, &a] {
        machine.sync();
        assert_eq!(machine.text("plan.txt"), "1\nleft and right\n");
    }
    let late = b"0\n1\nleft\n";
    let mut pack = ByHand::default();
    let content = json!({ "file": { "id": pack.piece(late), "size": late.len() } });
    let edit = json!({ "content": content, "kind": "edit", "parents": [first], "path": "plan.txt" });
    pack.record(edit).put(&a.share);
    for machine in [&a, &b, &a, &b] {
        let report = machine.run(&["--json", "sync"]).exits(&[4]).json();
        assert_eq!((&report["conflicts"], &report["bytes_published"]), (&0.into(), &0.into()), "{report:#}");
        assert!(report["problems"].to_string().contains("a newer kitbag merged this file"), "{report:#}");
        assert_eq!(machine.text("plan.txt"), "1\nleft and right\n");
        assert_eq!(machine.conflicts()["conflicts"], json!([]));
    }
    // everything else goes on, and what the person does to the file is recorded
    a.write("notes.txt", "2\n");
    a.write("plan.txt", "1\nleft and right\nby A\n");
    for machine in [&a, &b] {
        machine.run(&["sync"]).exits(&[4]);
        assert_eq!(
            (machine.text("notes.txt"), machine.text("plan.txt")),
            ("2\n".into(), "1\nleft and right\nby A\n".into())
        );
    }
}

/// Shows "nothing outside the folders is touched": records with paths that leave the folder, name kitbag's own files or
/// no file at all are refused one by one; the others of the same pack count. First tier.
#[test]
fn records_that_want_out() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let evil = room.path().join("evil.txt");
    let absolute = evil.to_str().unwrap();
    let long = "x".repeat(256);
    let bad = [
        "../evil.txt",
        "../../evil.txt",
        "a/../../evil.txt",
        "a/./b",
        "a//b",
        "a/",
        "",
        ".",
        absolute,
        ".kitbag/packs/evil",
        ".kitbag/format",
        ".KitBag/format",
        ".kitbag-folder",
        ".~kitbag-evil.tmp",
        "a/.~kitbag-x",
        "nul\0.txt",
        &long,
    ];
    let marker = a.read(".kitbag-folder");
    let mut pack = ByHand::default().file("good.txt", b"good\n");
    for path in bad {
        pack = pack.file(path, b"evil");
    }
    // renamed into the name of a record that is there: equal length, as somebody would patch a pack
    let honest = ByHand::default().file("a/b.txt", b"evil").finish();
    let at = honest.windows(7).position(|seven| seven == b"a/b.txt").unwrap();
    let patched = [&honest[..at], b"../b.tx", &honest[at + 7..]].concat();
    put(&a.share, &patched);
    pack.file("last.txt", b"last\n").put(&a.share);
    let report = a.run(&["--json", "sync"]).exits(&[0]).json();
    let refused = report["problems"].to_string().matches("not a version record").count();
    assert!(refused >= 1, "{report:#}");
    goes_on(room.path(), &a, &b, &[0]);
    assert_eq!((a.text("good.txt"), b.text("last.txt")), ("good\n".into(), "last\n".into()));
    assert_eq!(a.files().0.len(), 3, "{:?}", a.files());
    assert_eq!(a.read(".kitbag-folder"), marker);
    assert!(!tree(room.path()).0.values().any(|bytes| bytes == b"evil"), "an evil record was carried out");
}

/// The same by way of a link that stands in the working folder or the cloud folder. First tier.
#[test]
fn records_through_a_link() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let victim = room.path().join("victim");
    write(&victim.join("file.txt"), "untouched");
    symlink(&victim, a.work.join("link")).unwrap();
    symlink(&victim, a.share.join("cloud-link")).unwrap();
    symlink(victim.join("file.txt"), a.work.join("file-link.txt")).unwrap();
    ByHand::default()
        .file("link/file.txt", b"evil")
        .file("link/new.txt", b"evil")
        .file("cloud-link/file.txt", b"evil")
        .file("cloud-link/sub/new.txt", b"evil")
        .file("file-link.txt", b"evil")
        .file("good.txt", b"good\n")
        .put(&a.share);
    for machine in [&a, &b, &a] {
        machine.run(&["sync"]).exits(&[0, 1, 4]);
    }
    assert_eq!(tree(&victim).0.into_iter().collect::<Vec<_>>(), [("file.txt".into(), b"untouched".to_vec())]);
    assert_eq!((a.text("good.txt"), b.text("good.txt")), ("good\n".into(), "good\n".into()));
}

/// Rubbish under good names, good bytes under wrong names, and things that are no files in the place of packs: each is
/// said or waited for, none stops the rest. First tier.
#[test]
fn packs_that_are_none() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let statements = b"{\"record\":[[[[[[\n{\"label\":7}\nno statement\n{\"record\":{}}\n";
    let deep = format!("{{\"record\":{}}}\n", "[".repeat(60_000));
    let many = format!(
        "{{\"record\":{{\"content\":\"deleted\",\"kind\":\"edit\",\"parents\":[{}\"\"],\"path\":\"a\"}}}}\n",
        format!("\"{}\",", "0".repeat(64)).repeat(5_000)
    );
    let rubbish = [
        noise(1_000, 1),
        Vec::new(),
        b"KITBAGPK".to_vec(),
        noise(17 << 20, 2),
        frame(statements, b"", b"{}", None),
        frame(statements, b"", b"{\"pieces\":[],\"contents\":[]}", None),
        frame(deep.as_bytes(), b"", b"{\"pieces\":[],\"contents\":[]}", None),
        frame(many.as_bytes(), b"", b"{\"pieces\":[],\"contents\":[]}", None),
        frame(b"", b"", "[".repeat(100_000).as_bytes(), None),
        frame(b"", b"x", b"{\"pieces\":[],\"contents\":[]}", Some([u64::MAX, 1, u64::MAX])),
        frame(b"", b"x", b"{\"pieces\":[],\"contents\":[]}", Some([0, u64::MAX - 10, 30])),
    ];
    for bytes in &rubbish {
        put(&a.share, bytes);
    }
    for events in ["events", "workspace"] {
        for bytes in [noise(100, 3), b"[[[[".to_vec(), b"{}".to_vec(), noise(1 << 20, 4)] {
            write(&a.share.join(".kitbag").join(events).join(ContentId::of(&bytes).to_string()), bytes);
        }
    }
    let ran = a.run(&["sync"]).exits(&[0]);
    assert!(ran.stderr.contains("a part was refused"), "{ran:#?}");
    goes_on(room.path(), &a, &b, &[0]);

    // what does not match its name may still be on its way: waiting, exit 4
    let name = PackId::of(b"another").to_string();
    let packs = a.share.join(".kitbag/packs");
    write(&packs.join(&name[..2]).join(&name), noise(1_000, 5));
    write(&packs.join("zz/not a name"), "x");
    write(&packs.join("file in the place of a folder"), "x");
    let named = |text: &[u8]| {
        let name = PackId::of(text).to_string();
        fs::create_dir_all(packs.join(&name[..2])).unwrap();
        packs.join(&name[..2]).join(name)
    };
    fs::create_dir(named(b"folder")).unwrap();
    symlink("/etc/passwd", named(b"link")).unwrap();
    symlink("/dev/zero", named(b"device")).unwrap();
    assert!(Command::new("mkfifo").arg(named(b"pipe")).status().unwrap().success());
    goes_on(room.path(), &a, &b, &[4]);
}

/// A pack whose numbers lie: pieces of terabytes, contents of exabytes, a compressed bomb, sizes and hashes that do not
/// fit. What is not so is not believed; files that need it wait, all others follow. First tier.
#[test]
fn packs_that_claim_too_much() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let id = |text: &str| ContentId::of(text.as_bytes()).to_string();
    let edit = |path: &str, id: String, size: u64| json!({ "content": { "file": { "id": id, "size": size } }, "kind": "edit", "parents": [], "path": path });
    let mut pack = ByHand::default().file("good.txt", b"good\n");
    let huge = u64::from(u32::MAX);
    pack.listed.push(json!({ "id": id("terabyte"), "at": 0, "stored": huge, "size": huge, "raw": true }));
    pack.listed.push(json!({ "id": id("far"), "at": u64::MAX - 1, "stored": 5, "size": 5, "raw": true }));
    pack.listed.push(json!({ "id": id("false"), "at": 0, "stored": 5, "size": 5, "raw": true }));
    let bomb = bomb();
    pack.listed.push(json!({ "id": id("bomb"), "at": pack.pieces.len(), "stored": bomb.len(), "size": 4 << 20, "raw": false }));
    pack.pieces.extend_from_slice(&bomb);
    let good = id("good\n");
    pack.contents
        .push(json!({ "id": id("exabyte"), "size": 1_u64 << 60, "pieces": vec![good.clone(); 60_000] }));
    pack.contents.push(json!({ "id": id("mixed"), "size": 10, "pieces": [good, id("nowhere")] }));
    for (path, size) in
        [("terabyte", huge), ("far", 5), ("false", 5), ("bomb", 4 << 20), ("exabyte", 1 << 60), ("mixed", 10)]
    {
        pack = pack.record(edit(&format!("lies/{path}"), id(path), size));
    }
    // the content is there, its size is not as said
    pack = pack.record(edit("lies/longer", id("good\n"), 4_000_000));
    pack = pack.record(edit("lies/shorter", id("good\n"), 0));
    pack = pack.record(json!({ "content": { "unit": { "id": id("good\n"), "size": 5 } }, "kind": "edit", "parents": [], "path": "unit" }));
    pack.put(&a.share);
    a.write("notes.txt", "1\nby A\n");
    for machine in [&a, &b, &a, &b] {
        machine.run(&["sync"]).exits(&[0, 1, 4]);
    }
    assert_eq!((b.text("notes.txt"), b.text("good.txt")), ("1\nby A\n".into(), "good\n".into()));
    for path in ["terabyte", "far", "false", "bomb", "exabyte", "mixed"] {
        assert_eq!(a.read(&format!("lies/{path}")), None, "{path}");
    }
    // no endless rewriting of what can never fit its word
    assert_eq!(a.run(&["--json", "sync"]).exits(&[0, 1, 4]).json()["bytes_published"], 0);
    for path in ["longer", "shorter"] {
        assert!(a.read(&format!("lies/{path}")).is_none_or(|bytes| bytes == b"good\n"), "{path}");
    }
}

/// A zstd frame of some ten kilobytes that says a gigabyte: blocks of one repeated byte.
fn bomb() -> Vec<u8> {
    const LONGEST: u32 = 128 * 1024;
    // magic; no sizes given; a window of 8 MiB
    let mut bytes = vec![0x28, 0xB5, 0x2F, 0xFD, 0x00, 13 << 3];
    for block in 0..8_192_u32 {
        let last = u32::from(block == 8_191);
        // header of three bytes: last, type 1 (repeat), how often; then the byte
        bytes.extend_from_slice(&(last | 1 << 1 | LONGEST << 3).to_le_bytes()[..3]);
        bytes.push(b'a');
    }
    bytes
}

/// A pack of a later format stops the sync with a clear word: an older kitbag must not guess. First tier.
#[test]
fn a_later_format_is_said() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    let mut later = ByHand::default().file("new.txt", b"n").finish();
    later[8] = 2;
    let file = put(&a.share, &later);
    a.run(&["sync"]).exits(&[1]).explains(&["newer kitbag", "Install"]);
    assert_eq!(a.text("notes.txt"), "1\n");
    fs::remove_file(file).unwrap();
    goes_on(room.path(), &a, &b, &[0]);
}

/// Labels and events are for people: what they say is shown without control characters, and at a length one can read.
/// First tier.
#[test]
fn labels_and_events_cannot_paint() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n"), ("fig.png", b"\0start")]);
    let paint = "\u{1b}[2J\u{1b}]0;evil\u{7}\u{9b}31m\r\u{202e}";
    let id = ContentId::of(b"\0evil").to_string();
    let record = json!({ "content": { "file": { "id": id, "size": 5 } }, "kind": "edit", "parents": [], "path": "fig.png" });
    let name = kitbag_core::id::RecordId::of(record.to_string().as_bytes()).to_string();
    let mut pack = ByHand::default();
    pack.piece(b"\0evil");
    let label = json!({ "label": { "record": name, "machine": paint, "time": paint } }).to_string();
    pack.record(record).line(&label).file(&format!("{paint}.txt"), b"painted\n").put(&a.share);
    let event = json!({ "event": "opened", "machine": "0".repeat(32), "name": paint, "packs": [], "sequence": 1, "time": paint });
    let event = event.to_string();
    write(&a.share.join(".kitbag/events").join(ContentId::of(event.as_bytes()).to_string()), &event);
    for machine in [&a, &b] {
        machine.run(&["sync"]).exits(&[3]);
        for args in [&["status"][..], &["conflicts"], &["--json", "status"], &["--json", "conflicts"]] {
            let ran = machine.run(args).exits(&[3]);
            assert!(!ran.stdout.contains('\u{202e}'), "{ran:#?}");
        }
    }
    assert!(a.run(&["conflicts"]).stdout.contains("\\u{1b}[2J"), "the name is not shown at all");
    a.run(&["resolve", "fig.png", "--keep", "both"]).exits(&[0]);
    assert_eq!(a.read(&format!("{paint}.txt")).unwrap(), b"painted\n");
    b.run(&["sync"]).exits(&[0]);
    assert_eq!(a.files(), b.files());
}
