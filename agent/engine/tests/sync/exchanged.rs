//! A sync that ended right after an exchange in the working folder, before the ledger heard of it: the folder showed the
//! new version, so what is found there is that one and nobody's edit.

use std::path::Path;

use kitbag_core::id::ContentId;
use kitbag_core::path::WorkPath;
use kitbag_store::ledger::{Intent, IntentState, Place};

use crate::machine::World;

/// Also when the version does not come from the one that was shown before: a side of a conflict, or a guess that turned
/// out to be somebody else's version.
#[test]
fn a_version_of_another_line_was_shown() {
    let world = World::new(1);
    let (a, b) = (world.machine("HOME", &[]), world.machine("WORK", &[]));
    a.save("notes.txt", b"of a\n");
    a.sync();
    b.save("notes.txt", b"of b\n");
    b.sync();
    a.sync();
    let path = WorkPath::parse("notes.txt").unwrap();
    let (mine, theirs) = (ContentId::of(b"of a\n"), ContentId::of(b"of b\n"));
    let (ws, temporary) = (a.open(), ".~kitbag-0011223344556677.tmp");
    let base = ws.ledger.path(&path).unwrap().unwrap().memory.base;
    let versions = ws.ledger.admitted(&path).unwrap();
    let other = versions.iter().find(|(_, record)| record.content.id() == Some(theirs)).map(|(id, _)| *id);
    assert!(base.is_some() && other.is_some() && base != other && versions.len() == 2);
    let intent = Intent {
        id: 0,
        path: path.clone(),
        place: Place::Working,
        at: path.as_str().to_owned(),
        temporary: temporary.to_owned(),
        expect: Some(mine),
        put: Some(theirs),
        parent: base,
        version: other,
        state: IntentState::Ready,
    };
    ws.ledger.add_intent(&intent).unwrap();
    drop(ws);
    a.save(temporary, b"of a\n");
    a.save("notes.txt", b"of b\n");
    world.wait(5);
    a.sync();
    assert_eq!(a.versions("notes.txt"), 2, "an edit was recorded that nobody made");
    assert_eq!(a.open().ledger.path(&path).unwrap().unwrap().memory.base, other);
    assert_eq!(a.shows("notes.txt").as_deref(), Some(&b"of b\n"[..]));
    assert!(!world.exists(Path::new(&a.work(temporary)).to_str().unwrap()));
}
