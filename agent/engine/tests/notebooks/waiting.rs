//! A notebook that is open in a kernel, and a newer version of it: that waits and is told, what is saved meanwhile is put
//! together with it, and it comes in when nobody has the notebook open any more.

use super::*;

/// Both have the notebook; B's newer version is in the share.
fn newer_version() -> (World, Machine, Machine) {
    let world = World::new();
    let (a, b) = (world.machine("a"), world.machine("b"));
    a.write(&notebook("one"));
    world.pass(600_000);
    a.sync();
    b.sync();
    b.write(&notebook("two"));
    world.pass(600_000);
    b.sync();
    (world, a, b)
}

fn open(names: &[&str]) -> Notebooks {
    Notebooks::Open(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn a_newer_version_waits_while_a_kernel_has_the_notebook_open() {
    let (world, a, _b) = newer_version();
    for round in 0..3 {
        let report = a.try_sync(open(&["one.ipynb"]));
        let pending = &report.pending_notebooks;
        assert_eq!((pending.len(), report.exit()), (1, Exit::Waiting), "round {round}");
        assert_eq!((pending[0].path.as_str(), pending[0].why), (NAME, InUse::Open));
        assert_eq!(pending[0].machine.as_deref(), Some("B"));
        assert_eq!(sync::pending_notebooks(&a.ws).unwrap(), *pending, "status tells the same");
        assert_eq!((a.shows().unwrap(), a.mirror().unwrap()), (notebook("one"), notebook("two")));
        world.pass(600_000);
    }
    let dry = Request { dry_run: true, notebooks: open(&[NAME]), ..Request::default() };
    let planned = sync::run(&a.ws, &Rules::default(), dry, &Silent).unwrap().planned;
    assert!(planned[0].step.contains("wait until the notebook is closed"), "{planned:?}");
    // other notebooks are open: this one comes in
    let report = a.try_sync(open(&["two.ipynb"]));
    assert_eq!((report.pending_notebooks.len(), report.exit()), (0, Exit::Done));
    assert_eq!(a.shows().unwrap(), notebook("two"));
    assert_eq!(sync::pending_notebooks(&a.ws).unwrap(), []);
}

/// `kernel_pending`: the folder shows version 1 while 2 waits; an autosave is an edit of 1, so nothing of 2 is undone.
#[test]
fn an_autosave_while_a_version_waits_is_an_edit_of_what_was_shown() {
    let (world, a, b) = newer_version();
    let shown = a.base().unwrap();
    a.try_sync(open(&[NAME]));
    assert_eq!(a.base(), Some(shown), "the base is what the folder shows");
    let mut save = Save::new(&a, &notebook("one, saved again"), 30);
    while save.step() {
        a.try_sync(open(&[NAME]));
        world.pass(100);
    }
    a.try_sync(open(&[NAME]));
    let saved = a.base().unwrap();
    let (record, _) = a.ws.ledger.record(saved).unwrap().unwrap();
    assert_eq!(record.parents, BTreeSet::from([shown]));
    assert_eq!(record.content.id(), Some(ContentId::of(&notebook("one, saved again"))));
    assert_eq!(a.ws.ledger.open_conflicts().unwrap().len(), 1, "both versions of the cell stay");
    assert_eq!(
        a.shows().unwrap(),
        notebook("one, saved again"),
        "nothing is written under the program's hands"
    );
    assert_eq!(
        sync::pending_notebooks(&a.ws).unwrap().len(),
        1,
        "the notebook with both waits until it is closed"
    );
    b.sync();
    let both = b.shows().unwrap();
    assert_eq!(notebook::conflicts(&both).unwrap()[0].others.len(), 1);
    world.pass(200_000);
    a.try_sync(open(&[]));
    assert_eq!(a.shows().unwrap(), both, "closed");
    assert_eq!(sync::pending_notebooks(&a.ws).unwrap(), []);
}

#[test]
fn without_a_server_to_ask_a_saved_notebook_waits_two_minutes_of_a_session() {
    let (world, a, b) = newer_version();
    a.sync();
    assert_eq!(a.shows().unwrap(), notebook("two"), "no session is open");
    a.session(EventKind::Opened);
    a.write(&notebook("three"));
    world.pass(1_000);
    a.sync();
    b.sync();
    b.write(&notebook("four"));
    world.pass(1_000);
    b.sync();
    let report = a.sync();
    assert_eq!(report.pending_notebooks[0].why, InUse::JustSaved);
    assert_eq!(a.shows().unwrap(), notebook("three"));
    // nothing else changes any more, and it comes in all the same once it has been quiet
    world.pass(120_000);
    assert_eq!(a.sync().pending_notebooks, []);
    assert_eq!(a.shows().unwrap(), notebook("four"));
}

#[test]
fn done_brings_in_what_waited() {
    let (_world, a, _b) = newer_version();
    a.session(EventKind::Opened);
    a.try_sync(open(&[NAME]));
    let request = Request { ending: true, ..Request::default() };
    let report = sync::run(&a.ws, &Rules::default(), request, &Silent).unwrap();
    assert_eq!((report.pending_notebooks.len(), report.received), (0, 1));
    assert_eq!(a.shows().unwrap(), notebook("two"));
}

#[test]
fn a_notebook_that_is_new_here_comes_in_during_a_session() {
    let (world, a, b) = newer_version();
    a.sync();
    a.session(EventKind::Opened);
    let other = b.work.join("new.ipynb");
    let mut to = b.ws.doors.disk.create(&other).unwrap();
    to.write_all(&notebook("new")).unwrap();
    to.finish(true).unwrap();
    world.pass(1_000);
    b.sync();
    let report = a.sync();
    assert_eq!((report.received, report.pending_notebooks.len()), (1, 0), "{report:?}");
    assert_eq!(a.read_at(a.work.join("new.ipynb")).unwrap(), notebook("new"));
}

#[test]
fn a_removal_waits_too() {
    let (world, a, b) = newer_version();
    a.sync();
    b.ws.doors.disk.remove(&b.file()).unwrap();
    world.pass(1_000);
    // the only file there was: it may go
    b.sync();
    let report = a.try_sync(open(&[NAME]));
    assert_eq!(report.pending_notebooks.len(), 1, "{report:?}");
    assert_eq!(a.shows().unwrap(), notebook("two"));
    a.try_sync(open(&[]));
    assert_eq!(a.shows(), None);
    let (record, _) = a.ws.ledger.record(a.base().unwrap()).unwrap().unwrap();
    assert_eq!(record.content, Content::Deleted);
}
