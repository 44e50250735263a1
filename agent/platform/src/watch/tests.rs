//! The real watcher on real folders: each kind of change is hinted at, looking is none, and what cannot be told any more is
//! said as lost.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

/// Waits for a hint about this folder.
fn heard(watcher: &dyn Watcher, root: &Path) -> Option<Hint> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if let Some(hint) = watcher.take().remove(root) {
            return Some(hint);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// Lets what was already happening be heard, and passes it over.
fn quiet(watcher: &dyn Watcher) {
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        if !watcher.take().is_empty() {
            since = Instant::now();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_change_is_hinted_at_and_a_look_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(dir.path()).unwrap();
    let watcher = RealWatcher::new();
    watcher.watch(&root).unwrap();
    let changes: [(&str, &dyn Fn()); 7] = [
        ("a file is made", &|| fs::write(root.join("a"), "1").unwrap()),
        ("it is written to", &|| fs::write(root.join("a"), "12").unwrap()),
        ("it is renamed", &|| fs::rename(root.join("a"), root.join("b")).unwrap()),
        ("a folder is made", &|| fs::create_dir(root.join("new")).unwrap()),
        ("a file in it", &|| fs::write(root.join("new/c"), "1").unwrap()),
        ("the folder is renamed", &|| fs::rename(root.join("new"), root.join("old")).unwrap()),
        ("a file is removed", &|| fs::remove_file(root.join("old/c")).unwrap()),
    ];
    for (what, change) in changes {
        quiet(&watcher);
        change();
        assert_eq!(heard(&watcher, &root), Some(Hint::Changed), "{what}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        quiet(&watcher);
        fs::set_permissions(root.join("b"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(heard(&watcher, &root), Some(Hint::Changed), "who may run it");
    }
    quiet(&watcher);
    fs::read(root.join("b")).unwrap();
    fs::read_dir(&root).unwrap().for_each(drop);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(watcher.take(), BTreeMap::new(), "a look");
    watcher.unwatch(&root);
    fs::write(root.join("d"), "1").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(watcher.take(), BTreeMap::new(), "not watched any more");
}

#[test]
fn a_folder_that_goes_is_lost_and_another_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let top = fs::canonicalize(dir.path()).unwrap();
    let (one, two, away) = (top.join("one"), top.join("two"), top.join("away"));
    for folder in [&one, &two] {
        fs::create_dir(folder).unwrap();
    }
    let watcher = RealWatcher::new();
    watcher.watch(&one).unwrap();
    watcher.watch(&two).unwrap();
    if cfg!(target_os = "linux") {
        fs::rename(&one, &away).unwrap();
        assert_eq!(heard(&watcher, &one), Some(Hint::Lost));
        fs::write(away.join("a"), "1").unwrap();
        fs::rename(&away, &one).unwrap();
        assert_eq!(watcher.take().remove(&one), None, "it is not watched any more");
    }
    fs::write(two.join("a"), "1").unwrap();
    assert_eq!(heard(&watcher, &two), Some(Hint::Changed));
    watcher.watch(&one).unwrap();
    fs::write(one.join("b"), "1").unwrap();
    assert_eq!(heard(&watcher, &one), Some(Hint::Changed));
    assert!(watcher.watch(&top.join("none")).is_err());
}

#[test]
fn however_much_happens_one_hint_a_folder_is_kept_and_the_worse_one() {
    let board = Board::default();
    let (one, two) = (Path::new("/one"), Path::new("/two"));
    for _ in 0..10_000 {
        board.pin(one, Hint::Changed);
    }
    board.pin(one, Hint::Lost);
    board.pin(one, Hint::Changed);
    board.pin(two, Hint::Changed);
    let taken = board.take();
    assert_eq!(taken.into_values().collect::<Vec<_>>(), [Hint::Lost, Hint::Changed]);
    assert_eq!(board.take(), BTreeMap::new());
}

/// The queue of the system overflows (`fs.inotify.max_queued_events`): that is said.
#[cfg(target_os = "linux")]
#[test]
fn what_was_missed_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let event = notify::Event::new(notify::EventKind::Other).set_flag(notify::event::Flag::Rescan);
    assert_eq!(real::hint(dir.path(), &Ok(event)), Some(Hint::Lost));
    assert_eq!(real::hint(dir.path(), &Err(notify::Error::generic("broken"))), Some(Hint::Lost));
    let read = notify::Event::new(notify::EventKind::Access(notify::event::AccessKind::Read));
    assert_eq!(real::hint(dir.path(), &Ok(read)), None);
}
