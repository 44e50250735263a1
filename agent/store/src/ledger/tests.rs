//! Records, packs and admission together: what counts, when, and what happens when things go away again.

use kitbag_core::id::{ContentId, PackId, PieceId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind, Record};
use proptest::prelude::*;

use super::*;
use crate::pack::tests::{edit, label};
use crate::pack::{Builder, Pack, PieceAt, compress, read};

pub(crate) fn path(text: &str) -> WorkPath {
    WorkPath::parse(text).unwrap()
}

pub(crate) fn add(ledger: &Ledger, record: &Record) -> bool {
    ledger.add_record(record.id(), record, &record.canonical(), None, None).unwrap()
}

pub(crate) fn pack_of(records: &[&Record], contents: &[&[u8]]) -> (PackId, Pack) {
    let mut builder = Builder::new();
    for record in records {
        builder.record(&record.canonical(), Some(&label())).unwrap();
    }
    for bytes in contents {
        builder.piece(compress(bytes)).unwrap();
    }
    let packed = builder.finish();
    (packed.id, read(packed.id, &packed.bytes).unwrap())
}

pub(crate) fn give(ledger: &Ledger, (id, pack): &(PackId, Pack)) -> u64 {
    ledger.add_pack(*id, pack, 1000, false).unwrap()
}

#[test]
fn a_record_is_kept_as_it_came() {
    let ledger = Ledger::in_memory().unwrap();
    let record = edit("a", b"a", &[]);
    // A field of a later version is part of the name.
    let raw = String::from_utf8(record.canonical()).unwrap().replace("\"kind\"", "\"colour\":1,\"kind\"");
    let id = RecordId::of(raw.as_bytes());
    assert!(ledger.add_record(id, &record, raw.as_bytes(), None, None).unwrap());
    assert!(!ledger.add_record(id, &record, raw.as_bytes(), Some(&label()), None).unwrap());
    assert_eq!(ledger.raw(id).unwrap().unwrap(), raw.as_bytes());
    assert_eq!(ledger.record(id).unwrap(), Some((record.clone(), Some(label()))));
    let other = kitbag_core::version::Label { machine: "OTHER".into(), ..label() };
    ledger.add_record(id, &record, raw.as_bytes(), Some(&other), None).unwrap();
    assert_eq!(ledger.label(id).unwrap(), Some(label()), "the least label stays");
    let least = kitbag_core::version::Label::new("LATE", "2024-09-01T00:00:00Z");
    ledger.add_record(id, &record, raw.as_bytes(), Some(&least), None).unwrap();
    assert_eq!(ledger.label(id).unwrap(), Some(least), "whatever came first");
    let unknown = RecordId::of(b"?");
    assert_eq!((ledger.record(unknown).unwrap(), ledger.raw(unknown).unwrap()), (None, None));
    assert_eq!(ledger.label(unknown).unwrap(), None);
    let wrong = ledger.add_record(unknown, &record, raw.as_bytes(), None, None);
    assert!(matches!(wrong, Err(StoreError::WrongName(_))));
}

#[test]
fn a_child_waits_for_its_parent_and_both_for_their_content() {
    let ledger = Ledger::in_memory().unwrap();
    let parent = edit("a", b"1", &[]);
    let child = edit("a", b"2", &[parent.id()]);
    let gone = Record::new(path("b"), Content::Deleted, Kind::Edit, [child.id()]);
    add(&ledger, &gone);
    add(&ledger, &child);
    ledger.keep(ContentId::of(b"2"), 1).unwrap();
    assert_eq!(ledger.admit().unwrap(), []);
    let waiting = ledger.waiting().unwrap();
    let lacks_parents: Vec<_> = waiting.iter().map(|w| (w.path.as_str(), w.missing_parents)).collect();
    assert_eq!(lacks_parents, [("a", true), ("b", true)]);
    add(&ledger, &parent);
    assert_eq!(ledger.admit().unwrap(), []);
    let content_only = ledger.waiting().unwrap().into_iter().find(|w| w.record == parent.id()).unwrap();
    assert_eq!((content_only.missing_parents, content_only.content), (false, Some(ContentId::of(b"1"))));
    ledger.keep(ContentId::of(b"1"), 1).unwrap();
    assert_eq!(ledger.admit().unwrap(), [path("a"), path("b")]);
    assert_eq!((ledger.waiting_count().unwrap(), ledger.admit().unwrap()), (0, vec![]));
    let mut expected = vec![(parent.id(), parent), (child.id(), child)];
    expected.sort_by_key(|(id, _)| *id);
    assert_eq!(ledger.admitted(&path("a")).unwrap(), expected);
    let dirty: Vec<_> = ledger.dirty_after(None, 10).unwrap().into_iter().map(|row| row.path).collect();
    assert_eq!(dirty, [path("a"), path("b")]);
}

#[test]
fn a_record_waits_for_what_it_is_near_to() {
    let ledger = Ledger::in_memory().unwrap();
    let seen = edit("a", b"1", &[]);
    let outside = Record { near: Some(seen.id()), kind: Kind::Outside, ..edit("a", b"2", &[]) };
    ledger.keep(ContentId::of(b"2"), 1).unwrap();
    add(&ledger, &outside);
    assert_eq!(ledger.admit().unwrap(), []);
    assert!(ledger.waiting().unwrap()[0].missing_parents);
    give(&ledger, &pack_of(&[&seen], &[b"1"]));
    assert_eq!(ledger.admit().unwrap(), [path("a")]);
    assert!(ledger.is_admitted(outside.id()).unwrap());
}

#[test]
fn a_content_of_many_pieces_is_here_with_the_last_of_them() {
    let ledger = Ledger::in_memory().unwrap();
    let record = edit("a", b"onetwo", &[]);
    add(&ledger, &record);
    let mut list = Builder::new();
    let pieces = [PieceId::of(b"one"), PieceId::of(b"two")];
    list.content(ContentId::of(b"onetwo"), 6, &pieces).unwrap();
    let list = list.finish();
    give(&ledger, &(list.id, read(list.id, &list.bytes).unwrap()));
    give(&ledger, &pack_of(&[], &[b"one"]));
    assert_eq!(ledger.admit().unwrap(), []);
    assert_eq!(ledger.pieces(ContentId::of(b"onetwo")).unwrap(), None);
    let last = pack_of(&[], &[b"two"]);
    give(&ledger, &last);
    assert_eq!(ledger.admit().unwrap(), [path("a")]);
    let located = ledger.pieces(ContentId::of(b"onetwo")).unwrap().unwrap();
    assert_eq!(located.iter().map(|place| place.piece.id).collect::<Vec<_>>(), pieces);
    assert_eq!((located[1].pack, located[1].piece), (last.0, last.1.pieces[0]));
    let alone = ledger.pieces(ContentId::of(b"two")).unwrap().unwrap();
    assert_eq!(alone, located[1..]);
}

#[test]
fn a_unit_waits_for_its_parts() {
    let ledger = Ledger::in_memory().unwrap();
    let (manifest, parts) = (ContentId::of(b"manifest"), [ContentId::of(b"1"), ContentId::of(b"2")]);
    let content = Content::Unit { id: manifest, size: 2 };
    add(&ledger, &Record::new(path("project"), content, Kind::Edit, []));
    assert_eq!(ledger.unread_units().unwrap(), []);
    give(&ledger, &pack_of(&[], &[b"manifest", b"1"]));
    assert_eq!((ledger.admit().unwrap(), ledger.unread_units().unwrap()), (vec![], vec![manifest]));
    ledger.add_unit(manifest, &parts).unwrap();
    assert_eq!((ledger.admit().unwrap(), ledger.unread_units().unwrap()), (vec![], vec![]));
    assert!(!ledger.waiting().unwrap()[0].missing_parents);
    let last = pack_of(&[], &[b"2"]);
    give(&ledger, &last);
    assert_eq!(ledger.admit().unwrap(), [path("project")]);
    ledger.forget_pack(last.0).unwrap();
    assert_eq!(ledger.lost_contents().unwrap().into_iter().collect::<Vec<_>>(), [parts[1]]);
}

#[test]
fn content_that_went_away_again_is_waited_for() {
    let ledger = Ledger::in_memory().unwrap();
    let record = edit("a", b"1", &[]);
    let pack = pack_of(&[&record], &[b"1"]);
    give(&ledger, &pack);
    ledger.forget_pack(pack.0).unwrap();
    assert_eq!(ledger.admit().unwrap(), []);
    assert_eq!(ledger.waiting_count().unwrap(), 1);
    give(&ledger, &pack);
    assert_eq!(ledger.admit().unwrap(), [path("a")]);
    ledger.forget_pack(pack.0).unwrap();
    assert!(ledger.is_admitted(record.id()).unwrap(), "what counted goes on counting");
    assert_eq!(ledger.lost_contents().unwrap().into_iter().collect::<Vec<_>>(), [ContentId::of(b"1")]);
    ledger.keep(ContentId::of(b"1"), 1).unwrap();
    assert!(ledger.lost_contents().unwrap().is_empty());
}

#[test]
fn records_that_left_the_share_are_to_be_written_back() {
    let ledger = Ledger::in_memory().unwrap();
    let (both, one, none) = (edit("both", b"1", &[]), edit("one", b"1", &[]), edit("none", b"1", &[]));
    add(&ledger, &none);
    let (first, second) = (pack_of(&[&both, &one], &[b"1"]), pack_of(&[&both], &[b"1"]));
    assert_eq!((give(&ledger, &first), give(&ledger, &second), give(&ledger, &first)), (2, 0, 0));
    let names = |ledger: &Ledger| {
        let unpacked = ledger.records_without_pack(10).unwrap();
        assert!(unpacked.iter().all(|unpacked| unpacked.raw == unpacked.record.canonical()));
        unpacked.into_iter().map(|unpacked| unpacked.record.path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&ledger), ["none"]);
    ledger.forget_pack(first.0).unwrap();
    assert_eq!(names(&ledger), ["none", "one"]);
    assert_eq!(ledger.records_without_pack(1).unwrap().len(), 1);
    assert_eq!(ledger.label(one.id()).unwrap(), Some(label()));
    assert!(ledger.has_content(ContentId::of(b"1")).unwrap(), "the other pack has it");
    ledger.set_pack(one.id(), second.0).unwrap();
    ledger.forget_pack(PackId::of(b"unknown")).unwrap();
    assert_eq!(names(&ledger), ["none"]);
    ledger.forget_pack(second.0).unwrap();
    assert_eq!(names(&ledger), ["none", "both", "one"]);
    assert!(!ledger.has_content(ContentId::of(b"1")).unwrap());
    assert!(matches!(ledger.set_pack(one.id(), second.0), Err(StoreError::UnknownPack(_))));
    give(&ledger, &first);
    let stranger = ledger.set_pack(RecordId::of(b"?"), first.0);
    assert!(matches!(stranger, Err(StoreError::UnknownRecord(_))));
}

#[test]
fn packs_and_packages_are_listed() {
    let ledger = Ledger::in_memory().unwrap();
    let package = crate::pack::Package {
        course: "tm351".into(),
        version: "24.1".into(),
        title: String::new(),
        files: Vec::new(),
    };
    let mut builder = Builder::new();
    builder.package(&package).unwrap();
    let packed = builder.finish();
    let pack = read(packed.id, &packed.bytes).unwrap();
    ledger.add_pack(packed.id, &pack, 400, true).unwrap();
    let other = pack_of(&[], &[b"x"]);
    give(&ledger, &other);
    assert_eq!(ledger.packs().unwrap(), [packed.id, other.0].into());
    assert_eq!((ledger.my_packs().unwrap(), ledger.packs_size().unwrap()), ([packed.id].into(), 1400));
    assert_eq!(ledger.packages().unwrap(), std::slice::from_ref(&package));
    assert!(ledger.packages_without_pack().unwrap().is_empty());
    ledger.forget_pack(packed.id).unwrap();
    assert_eq!(ledger.packages().unwrap(), std::slice::from_ref(&package));
    assert_eq!(ledger.packages_without_pack().unwrap(), [package.canonical()]);
    assert!(ledger.my_packs().unwrap().is_empty());
}

#[test]
fn kept_contents_are_here_until_they_are_let_go() {
    let ledger = Ledger::in_memory().unwrap();
    let id = ContentId::of(b"x");
    ledger.keep(id, u64::MAX).unwrap();
    assert!(ledger.kept(id).unwrap() && ledger.has_content(id).unwrap() && !ledger.is_packed(id).unwrap());
    assert_eq!(ledger.all_kept().unwrap(), [(id, u64::MAX)]);
    ledger.unkeep(id).unwrap();
    assert!(!ledger.kept(id).unwrap() && !ledger.has_content(id).unwrap());
}

#[test]
fn a_failed_batch_leaves_nothing_behind() {
    let ledger = Ledger::in_memory().unwrap();
    ledger.set("before", "1").unwrap();
    let failed = ledger.batch(|ledger| {
        ledger.set("before", "2")?;
        ledger.batch(|ledger| ledger.set("inner", "1"))?;
        add(ledger, &edit("a", b"a", &[]));
        Err::<(), _>(StoreError::Full)
    });
    assert!(matches!(failed, Err(StoreError::Full)));
    assert_eq!(ledger.get("before").unwrap().as_deref(), Some("1"));
    assert_eq!((ledger.get("inner").unwrap(), ledger.waiting_count().unwrap()), (None, 0));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        ledger.batch(|ledger| -> Result<(), StoreError> {
            ledger.set("before", "3")?;
            panic!("as a bug would")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(ledger.get("before").unwrap().as_deref(), Some("1"));
    ledger.batch(|ledger| ledger.set("after", "1")).unwrap();
    assert_eq!(ledger.get("after").unwrap().as_deref(), Some("1"));
}

#[test]
fn a_full_disk_is_told_as_one_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
    let pages: i64 = ledger.db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let most = |pages: i64| {
        ledger
            .db
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    most(pages + 4);
    let fill = || {
        ledger.batch(|ledger| {
            (0..2_000).try_for_each(|n| ledger.set(&format!("key {n}"), &"long ".repeat(20)))?;
            Ok::<_, StoreError>(())
        })
    };
    assert!(matches!(fill(), Err(StoreError::Full)));
    assert_eq!(ledger.get("key 0").unwrap(), None);
    most(pages + 10_000);
    fill().unwrap();
    assert!(ledger.get("key 1999").unwrap().is_some());
}

#[test]
fn no_room_for_the_index_of_the_log_is_a_full_disk() {
    let told = |code| StoreError::from(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None));
    assert!(matches!(told(rusqlite::ffi::SQLITE_IOERR_SHMSIZE), StoreError::Full));
    assert!(matches!(told(rusqlite::ffi::SQLITE_FULL), StoreError::Full));
    assert!(matches!(told(rusqlite::ffi::SQLITE_IOERR_READ), StoreError::Database(_)));
}

#[test]
fn a_batch_outlives_the_process_and_is_seen_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let (one, other) = (Ledger::open(&file).unwrap(), Ledger::open(&file).unwrap());
    one.batch(|one| {
        one.set("a", "1")?;
        assert_eq!(other.get("a")?, None, "not before it is committed");
        Ok::<_, StoreError>(())
    })
    .unwrap();
    assert_eq!(other.get("a").unwrap().as_deref(), Some("1"));
    drop((one, other));
    assert_eq!(Ledger::open(&file).unwrap().get("a").unwrap().as_deref(), Some("1"));
}

#[test]
fn a_hundred_thousand_records_are_admitted_in_one_go() {
    let ledger = Ledger::in_memory().unwrap();
    let (paths, versions) = (1000, 100);
    let content = ContentId::of(b"x");
    ledger
        .batch(|ledger| {
            for number in 0..paths {
                let mut chain = Vec::<Record>::new();
                for version in 0..versions {
                    let mut record = edit(&format!("folder {}/{number}", number % 7), b"x", &[]);
                    record.parents.extend(chain.last().map(Record::id));
                    record.origin = Some(kitbag_core::version::Origin {
                        course: "c".into(),
                        version: version.to_string(),
                    });
                    chain.push(record);
                }
                // The worst order: every child before its parent.
                for record in chain.iter().rev() {
                    ledger.add_record(record.id(), record, &record.canonical(), None, None)?;
                }
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(ledger.admit().unwrap(), []);
    assert_eq!(ledger.waiting_count().unwrap(), paths * versions);
    ledger.keep(content, 1).unwrap();
    let admitted = ledger.admit().unwrap();
    assert_eq!((admitted.len() as u64, ledger.waiting_count().unwrap()), (paths, 0));
    assert!(admitted.is_sorted());
}

#[test]
fn a_piece_may_lie_in_several_packs() {
    let ledger = Ledger::in_memory().unwrap();
    let piece = PieceAt { id: PieceId::of(b"x"), at: 12, stored: 1, size: 1, raw: true };
    for name in [b"one", b"two"] {
        let pack = Pack { pieces: vec![piece], ..Pack::default() };
        ledger.add_pack(PackId::of(name), &pack, 1, false).unwrap();
    }
    assert_eq!(ledger.places(piece.id).unwrap().len(), 2);
    ledger.forget_pack(PackId::of(b"one")).unwrap();
    assert!(ledger.has_piece(piece.id).unwrap());
    ledger.forget_pack(PackId::of(b"two")).unwrap();
    assert!(!ledger.has_piece(piece.id).unwrap());
}

proptest! {
    // Whatever order records, contents and admissions come in, the end is the same: what has all its
    // ancestors and contents counts, nothing else does.
    #[test]
    fn order_of_arrival_does_not_matter(
        parents in prop::collection::vec(any::<u16>(), 1..12),
        missing in prop::collection::vec(any::<bool>(), 12),
        order in Just((0..24usize).collect::<Vec<_>>()).prop_shuffle(),
        admit_between in any::<u32>(),
    ) {
        let ledger = Ledger::in_memory().unwrap();
        let mut records: Vec<Record> = Vec::new();
        let mut counts: Vec<bool> = Vec::new();
        for (number, mask) in parents.iter().enumerate() {
            let from = |n: &usize| mask & (1 << n) != 0 && mask & (1 << (n + 3)) != 0;
            let chosen: Vec<usize> = (0..number).filter(from).collect();
            let ids: Vec<_> = chosen.iter().map(|&n| records[n].id()).collect();
            records.push(edit(&format!("{}", number % 3), &[number as u8], &ids));
            counts.push(!missing[number] && chosen.iter().all(|&n| counts[n]));
        }
        for (step, &what) in order.iter().enumerate() {
            let number = what / 2;
            if number >= records.len() { continue }
            if what % 2 == 0 {
                add(&ledger, &records[number]);
            } else if !missing[number] {
                ledger.keep(ContentId::of(&[number as u8]), 1).unwrap();
            }
            if admit_between & (1 << step) != 0 {
                ledger.admit().unwrap();
            }
        }
        ledger.admit().unwrap();
        for (record, counts) in records.iter().zip(&counts) {
            prop_assert_eq!(ledger.is_admitted(record.id()).unwrap(), *counts);
        }
    }
}
