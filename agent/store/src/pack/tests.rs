//! Packs there and back, and every way we could think of in which one might lie.

use std::collections::BTreeMap;

use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind};
use proptest::prelude::*;

use super::*;
use crate::{Contents, Ledger, MemoryLoose, MemoryShelf};

/// Bytes that do not compress, the same each time.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(len)
    .collect()
}

/// A record of a file with these bytes.
pub(crate) fn edit(path: &str, bytes: &[u8], parents: &[RecordId]) -> Record {
    let content = Content::file(ContentId::of(bytes), bytes.len() as u64);
    Record::new(WorkPath::parse(path).unwrap(), content, Kind::Edit, parents.iter().copied())
}

pub(crate) fn label() -> Label {
    Label { modified: Some(1_727_791_320_000), ..Label::new("HOME-PC", "2024-10-01T14:02:00Z") }
}

const SHORT: &[u8] = b"hello\n";

fn long() -> Vec<u8> {
    b"a line of a notebook, and ".repeat(12)
}

// One record of each kind of content, a package, three pieces, one content of two of them.
fn sample() -> Packed {
    let mut builder = Builder::new();
    assert!(builder.is_empty());
    let first = edit("a.txt", SHORT, &[]);
    builder.record(&first.canonical(), Some(&label())).unwrap();
    let both = [&long()[..], SHORT].concat();
    builder.record(&edit("b/c.ipynb", &both, &[first.id()]).canonical(), None).unwrap();
    let file = PackageFile { id: ContentId::of(SHORT), path: first.path, size: 6 };
    let (course, version, title) = ("tm351".into(), "24.1".into(), "Data".into());
    builder.package(&Package { course, version, title, files: vec![file] }).unwrap();
    let pieces = [compress(&long()), compress(SHORT)];
    builder.content(ContentId::of(&both), both.len() as u64, &[pieces[0].id, pieces[1].id]).unwrap();
    for piece in pieces {
        builder.piece(piece).unwrap();
    }
    let len = builder.len();
    let packed = builder.finish();
    assert_eq!(packed.bytes.len(), len);
    packed
}

fn frame(statements: &[u8], pieces: &[u8], index: &[u8]) -> Vec<u8> {
    let lengths = [statements, pieces, index].map(|section| (section.len() as u64).to_le_bytes());
    [MAGIC, &VERSION.to_le_bytes()[..], statements, pieces, index, &lengths.concat(), MAGIC].concat()
}

fn read_any(bytes: &[u8]) -> Result<Pack, BadPack> {
    read(PackId::of(bytes), bytes)
}

const EMPTY: &[u8] = b"{\"pieces\":[],\"contents\":[]}";

#[test]
fn there_and_back() {
    let packed = sample();
    let pack = read(packed.id, &packed.bytes).unwrap();
    assert_eq!(pack.refused, Vec::<String>::new());
    let [first, second] = &pack.records[..] else { panic!("{:?}", pack.records) };
    assert_eq!((first.label.as_ref(), second.label.as_ref()), (Some(&label()), None));
    assert_eq!(first.record, edit("a.txt", SHORT, &[]));
    assert_eq!((first.id, &first.raw), (first.record.id(), &first.record.canonical()));
    assert_eq!(second.record.parents.iter().collect::<Vec<_>>(), [&first.id]);
    assert_eq!(pack.packages[0].id, pack.packages[0].package.id());
    for (piece, bytes) in pack.pieces.iter().zip([&long()[..], SHORT]) {
        let at = piece.at as usize;
        assert_eq!(piece.open(&packed.bytes[at..at + piece.stored as usize]).unwrap(), bytes);
    }
    let mut proven = pack.clone();
    proven.prove(&packed.bytes);
    assert_eq!((proven.pieces, proven.refused), (pack.pieces, pack.refused));
    assert_eq!(sample(), packed);
    assert_eq!(place(packed.id), format!("packs/{}/{}", &packed.id.to_string()[..2], packed.id));
}

#[test]
fn what_is_gone_is_said_once() {
    let mut builder = Builder::new();
    let gone = [ContentId::of(b"x"), ContentId::of(b"y")];
    for id in [gone[0], gone[1], gone[0]] {
        builder.gone(id).unwrap();
    }
    assert!(!builder.is_empty());
    let (len, packed) = (builder.len(), builder.finish());
    assert_eq!(packed.bytes.len(), len);
    let pack = read(packed.id, &packed.bytes).unwrap();
    assert_eq!((pack.gone, pack.refused), (gone.into(), vec![]));
    let text = String::from_utf8_lossy(&packed.bytes).into_owned();
    assert_eq!(text.matches(&format!("{{\"gone\":{{\"content\":\"{}\"}}}}\n", gone[0])).count(), 1);
    let bad = [
        "{\"gone\":{\"content\":\"x\"}}".to_owned(),
        "{\"gone\":[]}".to_owned(),
        format!("{{\"gone\":{{\"content\":\"{}\",\"more\":\"{}\"}}}}", gone[0], "x".repeat(2000)),
    ];
    let pack = read_any(&frame(bad.join("\n").as_bytes(), b"", EMPTY)).unwrap();
    assert_eq!((pack.gone.len(), pack.refused.len()), (0, 3));
}

#[test]
fn an_empty_pack_is_a_pack() {
    let packed = Builder::new().finish();
    let pack = read(packed.id, &packed.bytes).unwrap();
    assert!(pack.records.is_empty() && pack.pieces.is_empty() && pack.refused.is_empty());
}

#[test]
fn a_half_copied_pack_has_not_arrived() {
    let Packed { id, bytes } = sample();
    for len in 0..bytes.len() {
        assert_eq!(read(id, &bytes[..len]).unwrap_err(), BadPack::NotArrived, "{len}");
        // And one that was published like that is refused as well.
        assert!(matches!(read_any(&bytes[..len]), Err(BadPack::Damaged(_))), "{len}");
    }
}

#[test]
fn no_flipped_byte_makes_wrong_data() {
    let Packed { id, bytes } = sample();
    let whole = read(id, &bytes).unwrap();
    let both = [&long()[..], SHORT].concat();
    let mut still_read = 0;
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bad = bytes.clone();
            bad[at] ^= flip;
            assert_eq!(read(id, &bad).unwrap_err(), BadPack::NotArrived);
            // Somebody who wants to do harm names it anew.
            let Ok(pack) = read_any(&bad) else { continue };
            let (ledger, shelf, loose) =
                (Ledger::in_memory().unwrap(), MemoryShelf::new(), MemoryLoose::new());
            shelf.put(PackId::of(&bad), bad.clone());
            ledger.add_pack(PackId::of(&bad), &pack, bad.len() as u64, false).unwrap();
            let contents = Contents::new(&ledger, &shelf, &loose);
            for (name, good) in [(ContentId::of(SHORT), SHORT), (ContentId::of(&both), &both)] {
                if let Ok(read) = contents.read(name, 1 << 20) {
                    assert_eq!(read, good, "byte {at}");
                    still_read += 1;
                }
            }
            for record in &pack.records {
                assert_eq!(RecordId::of(&record.raw), record.id);
                let known = whole.records.iter().find(|other| other.id == record.id);
                assert!(known.is_none_or(|other| other.record == record.record));
            }
        }
    }
    assert!(still_read > 0, "the test reads nothing at all");
}

#[test]
fn a_later_format_is_left_alone() {
    let mut bytes = sample().bytes;
    bytes[8] = 2;
    assert_eq!(read_any(&bytes).unwrap_err(), BadPack::Newer(2));
    bytes[8] = 0;
    assert!(matches!(read_any(&bytes), Err(BadPack::Damaged(_))));
}

#[test]
fn lengths_that_lie_are_refused() {
    let good = frame(b"", b"", EMPTY);
    assert!(read_any(&good).is_ok());
    for field in 0..3 {
        for lie in [1, 26, 28, 1 << 31, u64::MAX, u64::MAX - 26, 1 << 63] {
            let mut bad = good.clone();
            let at = bad.len() - FOOTER + field * 8;
            bad[at..at + 8].copy_from_slice(&u64::to_le_bytes(lie));
            assert!(matches!(read_any(&bad), Err(BadPack::Damaged(_))), "{field} {lie}");
        }
    }
    assert!(matches!(read_any(&vec![b'K'; LARGEST + 1]), Err(BadPack::Damaged(_))));
}

#[test]
fn one_bad_line_does_not_cost_the_others() {
    let good = String::from_utf8(edit("a.txt", SHORT, &[]).canonical()).unwrap();
    let deep = format!("{{\"record\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let lines = [
        format!("{{\"record\":{}}}", good.replace("a.txt", "../a.txt")),
        format!("{{\"record\":{}}}", good.replace("a.txt", ".kitbag/packs/x")),
        format!("{{\"record\":{}}}", good.replace("a.txt", &"x".repeat(70_000))),
        format!("{{\"record\":{}}}", good.replace("\"edit\"", "\"\u{1b}[2J\"")),
        deep,
        format!("{{\"record\":{}}}", good.replace("\"edit\"", &format!("\"{}\"", "x".repeat(60_000)))),
        "{\"record\":}".to_owned(),
        "{\"record\":{}".to_owned(),
        "{\"label\":{\"record\":\"x\"}}".to_owned(),
        format!("{{\"label\":\"{}\"}}", "x".repeat(2000)),
        "{\"package\":{\"course\":\"c\",\"version\":\"1\",\"files\":[{\"path\":\"../x\"}]}}".to_owned(),
        "rubbish".to_owned(),
        "{\"of-a-later-kitbag\":[1,2,3]}".to_owned(),
        String::new(),
        format!("{{\"record\":{good}}}"),
        format!("{{\"record\":{good}}}"),
    ];
    let pack = read_any(&frame(lines.join("\n").as_bytes(), b"", EMPTY)).unwrap();
    assert_eq!(pack.records.len(), 1);
    assert_eq!(pack.records[0].record, edit("a.txt", SHORT, &[]));
    assert_eq!(pack.refused.len(), 12, "{:#?}", pack.refused);
    assert!(pack.refused.iter().all(|note| note.len() < 1000 && !note.contains('\u{1b}')));
}

#[test]
fn depth_costs_no_stack() {
    // In a field of a later version it is passed over and stays part of the name.
    let good = String::from_utf8(edit("a.txt", SHORT, &[]).canonical()).unwrap();
    let deep = format!("\"p\":{}1{},\"path\"", "[".repeat(30_000), "]".repeat(30_000));
    let line = format!("{{\"record\":{}}}\n", good.replace("\"path\"", &deep));
    let pack = read_any(&frame(line.as_bytes(), b"", EMPTY)).unwrap();
    assert_eq!((pack.records.len(), pack.refused.len()), (1, 0));
    assert_ne!(pack.records[0].id, pack.records[0].record.id());
}

#[test]
fn rubbish_without_end_gets_a_hundred_notes() {
    let pack = read_any(&frame(&b"x\n".repeat(500_000), b"", EMPTY)).unwrap();
    assert_eq!(pack.refused.len(), 101);
    assert_eq!(pack.refused[100], "and 499900 more");
}

#[test]
fn an_index_that_lies_is_not_believed() {
    let id = PieceId::of(SHORT);
    let entry = |at: u64, stored: u64, size: u64, raw: bool| {
        format!("{{\"id\":\"{id}\",\"at\":{at},\"stored\":{stored},\"size\":{size},\"raw\":{raw}}}")
    };
    let index = |entries: &[String]| format!("{{\"pieces\":[{}],\"contents\":[]}}", entries.join(","));
    let good = entry(0, 6, 6, true);
    for bad in [
        entry(1, 6, 6, true),
        entry(u64::MAX, 6, 6, true),
        entry(u64::MAX - 12, 6, 6, true),
        entry(0, 7, 7, true),
        entry(0, 6, 7, true),
        entry(0, 6, LARGEST_PIECE as u64 + 1, false),
        entry(0, 6, u32::MAX.into(), false),
    ] {
        let pack =
            read_any(&frame(b"", SHORT, index(&[bad, good.clone(), good.clone()]).as_bytes())).unwrap();
        assert_eq!(pack.pieces, [PieceAt { id, at: 12, stored: 6, size: 6, raw: true }]);
        assert_eq!(pack.refused.len(), 2, "{:?}", pack.refused);
    }
    for bad in
        ["", "[]", "{}", "{\"pieces\":1}", &index(&[entry(0, u64::MAX, 6, true)]), &"[".repeat(1 << 20)]
    {
        assert!(
            matches!(read_any(&frame(b"", SHORT, bad.as_bytes())), Err(BadPack::Damaged(_))),
            "{bad:.40}"
        );
    }
    let many: Vec<_> = (0..=MOST_PIECES).map(|_| good.clone()).collect();
    assert!(matches!(read_any(&frame(b"", SHORT, index(&many).as_bytes())), Err(BadPack::Damaged(_))));
}

#[test]
fn a_claimed_piece_that_is_another_does_not_pass_the_proof() {
    let (id, other) = (PieceId::of(b"other!"), PieceId::of(SHORT));
    let index = format!(
        "{{\"pieces\":[{{\"id\":\"{id}\",\"at\":0,\"stored\":6,\"size\":6,\"raw\":true}},\
         {{\"id\":\"{other}\",\"at\":0,\"stored\":6,\"size\":6,\"raw\":true}}],\"contents\":[]}}"
    );
    let bytes = frame(b"", SHORT, index.as_bytes());
    let mut pack = read_any(&bytes).unwrap();
    pack.prove(&bytes);
    assert_eq!(pack.pieces.iter().map(|piece| piece.id).collect::<Vec<_>>(), [other]);
    assert_eq!(pack.refused.len(), 1);
}

#[test]
fn lists_of_contents_are_plausible_or_skipped() {
    let id = ContentId::of(SHORT);
    let list = |size: u64, pieces: usize| {
        let pieces = vec![format!("\"{id}\""); pieces].join(",");
        format!("{{\"pieces\":[],\"contents\":[{{\"id\":\"{id}\",\"size\":{size},\"pieces\":[{pieces}]}}]}}")
    };
    let read = |index: String| read_any(&frame(b"", b"", index.as_bytes())).unwrap();
    assert_eq!(read(list(2, 2)).contents.len(), 1);
    for (size, pieces) in [(0, 0), (6, 1), (1, 2), (u64::MAX, 2)] {
        let pack = read(list(size, pieces));
        assert_eq!((pack.contents.len(), pack.refused.len()), (0, 1), "{size} {pieces}");
    }
}

#[test]
fn what_no_reader_takes_is_not_written() {
    let mut builder = Builder::new();
    assert_eq!(builder.record(&vec![b'x'; 64 * 1024 + 1], None), Err(Unfit::Unreadable));
    assert_eq!(builder.record(b"{\n}", None), Err(Unfit::Unreadable));
    assert_eq!(builder.package_bytes(b"{}"), Err(Unfit::Unreadable));
    assert_eq!(builder.piece(compress(&vec![0; LARGEST_PIECE + 1])), Err(Unfit::Unreadable));
    assert_eq!(builder.content(ContentId::of(b"x"), 1, &[PieceId::of(b"y")]), Err(Unfit::Unreadable));
    assert_eq!(builder.content(ContentId::of(b"x"), 1, &[PieceId::of(b"x")]), Ok(()));
    assert!(builder.is_empty());
}

#[test]
fn a_pack_never_grows_too_long() {
    let mut builder = Builder::new();
    let mut pieces = 0;
    let full = loop {
        match builder.piece(compress(&noise(3_000_000, pieces))) {
            Ok(()) => pieces += 1,
            Err(full) => break full,
        }
        assert_eq!(builder.is_full(), pieces >= 3);
    };
    assert_eq!((full, pieces), (Unfit::NoRoom, 5));
    let many: Vec<_> = (0..40_000u32).map(|n| PieceId::of(&n.to_le_bytes())).collect();
    assert_eq!(builder.content(ContentId::of(b"x"), 40_000, &many), Err(Unfit::NoRoom));
    let mut path = 0;
    while builder.record(&edit(&format!("{path}-{}", "x".repeat(240)), SHORT, &[]).canonical(), None).is_ok()
    {
        path += 1;
    }
    let packed = builder.finish();
    assert!(packed.bytes.len() <= LARGEST && packed.bytes.len() > LARGEST - 1000);
    let pack = read(packed.id, &packed.bytes).unwrap();
    assert_eq!((pack.records.len(), pack.pieces.len(), pack.refused.len()), (path, 5, 0));
}

proptest! {
    #[test]
    fn any_index_comes_back(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40),
        lists in prop::collection::vec(prop::collection::vec(any::<[u8; 32]>(), 2..20), 0..10),
    ) {
        let mut builder = Builder::new();
        let mut expected = BTreeMap::new();
        for bytes in &pieces {
            builder.piece(compress(bytes)).unwrap();
            expected.insert(PieceId::of(bytes), bytes.clone());
        }
        let mut contents = BTreeMap::new();
        for list in &lists {
            let ids: Vec<_> = list.iter().copied().map(PieceId::from_bytes).collect();
            let (id, size) = (ContentId::from_bytes(list[0]), 20 + list.len() as u64);
            builder.content(id, size, &ids).unwrap();
            contents.entry(id).or_insert((size, ids));
        }
        let len = builder.len();
        let packed = builder.finish();
        prop_assert_eq!(packed.bytes.len(), len);
        let pack = read(packed.id, &packed.bytes).unwrap();
        prop_assert!(pack.refused.is_empty());
        let mut found = BTreeMap::new();
        for piece in &pack.pieces {
            let stored = &packed.bytes[piece.at as usize..][..piece.stored as usize];
            found.insert(piece.id, piece.open(stored).unwrap());
        }
        prop_assert_eq!(found, expected);
        let listed: BTreeMap<_, _> = pack.contents.into_iter().map(|(id, size, ids)| (id, (size, ids))).collect();
        prop_assert_eq!(listed, contents);
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(
        statements in prop::collection::vec(any::<u8>(), 0..200),
        line in "\\{\"(record|label|package|gone)\":.{0,80}\\}\n",
        index in prop_oneof![Just(EMPTY.to_vec()), prop::collection::vec(any::<u8>(), 0..200)],
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = frame(&[&statements, line.as_bytes()].concat(), &statements, &index);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(pack) = read_any(&bytes) {
            prop_assert!(pack.records.iter().all(|record| RecordId::of(&record.raw) == record.id));
        }
    }
}
