//! Writing in place on a simulated disk: only over what was expected, and a write that came between is noticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kitbag_core::id::RecordId;
use kitbag_core::names::{Names, Naming};
use kitbag_platform::clock::SimulatedClock;
use kitbag_platform::disk::{Call, Disk, SimulatedDisk};

use super::*;

fn place(disk: &SimulatedDisk, bytes: &[u8]) {
    let file = Path::new("/a.txt");
    let mut to = if disk.stat(file).is_ok() { disk.rewrite(file) } else { disk.create(file) }.unwrap();
    to.write_all(bytes).unwrap();
    to.finish(true).unwrap();
}

fn stands(disk: &SimulatedDisk) -> Vec<u8> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut disk.open(Path::new("/a.txt")).unwrap(), &mut bytes).unwrap();
    bytes
}

/// Write `new` in place of what should be `old`; `meanwhile` happens in the middle of it.
fn rewrite(disk: &SimulatedDisk, meanwhile: impl Fn()) -> Outcome {
    let none = BTreeSet::new();
    let folder = Folder { disk, top: Path::new("/"), place: Place::Mirror, names: Names::CLOUD };
    let projector = Projector { folder, required: &none, bits: false, in_place: true };
    let content = |bytes: &[u8]| Content::file(ContentId::of(bytes), bytes.len() as u64);
    let version = RecordId::of(b"version");
    let put = Put { expect: Seen::Content(content(b"old")), content: content(b"new bytes"), version };
    let path = WorkPath::parse("a.txt").unwrap();
    let bring = |_, to: &mut dyn Write| {
        to.write_all(b"new bytes")?;
        meanwhile();
        Ok(())
    };
    let job = Job { path: &path, at: "a.txt", put: &put, temporary: ".~kitbag-x.tmp", modified: 7 };
    projector.place(&job, projector.prepare(&job, &bring), &bring)
}

#[test]
fn in_place_only_what_was_expected_is_written_over() {
    let disk = SimulatedDisk::new(SimulatedClock::new(0));
    assert_eq!(rewrite(&disk, || {}), Outcome::Changed { left: false }, "nothing there");
    place(&disk, b"by phone");
    assert_eq!(rewrite(&disk, || {}), Outcome::Changed { left: false });
    assert_eq!(stands(&disk), b"by phone");
    place(&disk, b"old");
    let number = disk.stat(Path::new("/a.txt")).unwrap().fingerprint.file;
    let Outcome::Done { print: Some(print), left: false } = rewrite(&disk, || {}) else { panic!("not done") };
    assert_eq!((stands(&disk), print.file, print.modified), (b"new bytes".to_vec(), number, 7));
    assert_eq!(disk.list(Path::new("/")).unwrap().len(), 1);
}

/// Swap the file while somebody adds to it before the call of this number. Whether it came to that.
fn swap_and_save_at(nth: u64, exchange: bool, stood: bool) -> bool {
    let (none, root, file) = (BTreeSet::new(), Path::new("/"), Path::new("/a.txt"));
    let content = |bytes: &[u8]| Content::file(ContentId::of(bytes), bytes.len() as u64);
    let bring = |_, to: &mut dyn Write| to.write_all(b"new bytes");
    let disk = SimulatedDisk::new(SimulatedClock::new(1_700_000_000_000));
    disk.set_exchange(exchange);
    let mut expect = Seen::Absent;
    if stood {
        place(&disk, b"old");
        expect = Seen::Content(content(b"old"));
    }
    let names = Names { naming: Naming::Natural, folds: false };
    let folder = Folder { disk: &disk, top: root, place: Place::Working, names };
    let projector = Projector { folder, required: &none, bits: true, in_place: false };
    let put = Put { expect, content: content(b"new bytes"), version: RecordId::of(b"version") };
    let path = WorkPath::parse("a.txt").unwrap();
    let job = Job { path: &path, at: "a.txt", put: &put, temporary: ".~kitbag-x.tmp", modified: 7 };
    let prepared = projector.prepare(&job, &bring);
    let (start, came) = (disk.calls(), Arc::new(AtomicBool::new(false)));
    let note = came.clone();
    disk.watch(Some(Box::new(move |disk: &SimulatedDisk, call: Call| {
        if call.before - start + 1 == nth
            && let Ok(open) = disk.hold(file)
        {
            open.append(b" and more").unwrap();
            note.store(true, Ordering::SeqCst);
        }
    })));
    let outcome = projector.place(&job, prepared, &bring);
    disk.watch(None);
    if let Outcome::Done { print: Some(print), .. } = outcome
        && stands(&disk) != b"new bytes"
    {
        assert_ne!(print, disk.stat(file).unwrap().fingerprint, "a save before call {nth} is hidden");
    }
    let saved = |name: &str| disk.peek(&root.join(name)).is_some_and(|bytes| bytes.ends_with(b" and more"));
    let came = came.load(Ordering::SeqCst);
    assert_eq!(came, saved("a.txt") || saved(".~kitbag-x.tmp"), "a save before call {nth}");
    came
}

#[test]
fn a_save_at_any_call_of_a_swap_is_found_again() {
    for (exchange, stood) in [(true, true), (false, true), (true, false)] {
        let came = (1..30).filter(|nth| swap_and_save_at(*nth, exchange, stood)).count();
        assert!(came > if stood { 4 } else { 0 }, "{came}");
    }
}

#[test]
fn in_place_a_write_that_came_between_is_noticed() {
    let disk = SimulatedDisk::new(SimulatedClock::new(0));
    place(&disk, b"old");
    let came = AtomicBool::new(false);
    let outcome = rewrite(&disk, || {
        place(&disk, b"by phone");
        came.store(true, Ordering::SeqCst);
    });
    assert!(came.load(Ordering::SeqCst));
    assert_eq!((outcome, stands(&disk)), (Outcome::Changed { left: false }, b"by phone".to_vec()));
}
