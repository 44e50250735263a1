//! What every disk must do, run against the real one in a temporary folder and against the simulated one.
//! Each case gets a disk, an empty folder on it, and a way to make what kitbag itself never makes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Disk, ItemKind, RealDisk, SimulatedDisk, Stat};
use crate::clock::SimulatedClock;

/// A disk under test.
struct Bench {
    disk: Box<dyn Disk>,
    root: PathBuf,
    simulated: Option<SimulatedDisk>,
    _folder: Option<tempfile::TempDir>,
}

impl Bench {
    fn real() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = RealDisk.canonical(folder.path()).unwrap();
        Bench { disk: Box::new(RealDisk), root, simulated: None, _folder: Some(folder) }
    }

    fn simulated() -> Self {
        let disk = SimulatedDisk::new(SimulatedClock::new(1_700_000_000_000));
        disk.create_dir(Path::new("/w")).unwrap();
        Bench { disk: Box::new(disk.clone()), root: "/w".into(), simulated: Some(disk), _folder: None }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Stat {
        let mut file = self.disk.create(&self.at(name)).unwrap();
        file.write_all(bytes).unwrap();
        file.finish(false).unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.disk.open(&self.at(name)).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn names(&self) -> Vec<OsString> {
        self.disk.list(&self.root).unwrap().into_iter().map(|item| item.name).collect()
    }

    /// Another program that has the file open to write to, until it is dropped.
    fn hold(&self, name: &str) -> Box<dyn std::any::Any> {
        match &self.simulated {
            Some(disk) => Box::new(disk.hold(&self.at(name)).unwrap()),
            None => Box::new(std::fs::File::options().append(true).open(self.at(name)).unwrap()),
        }
    }

    #[cfg(unix)]
    fn link(&self, name: &str, target: &str) {
        match &self.simulated {
            Some(disk) => disk.place_link(&self.at(name), Path::new(target)).unwrap(),
            None => std::os::unix::fs::symlink(target, self.at(name)).unwrap(),
        }
    }

    #[cfg(unix)]
    fn pipe(&self, name: &str) {
        match &self.simulated {
            Some(disk) => disk.place_other(&self.at(name)).unwrap(),
            None => {
                let made = std::process::Command::new("mkfifo").arg(self.at(name)).status().unwrap();
                assert!(made.success());
            }
        }
    }
}

fn kind_of_error<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().map(|error| error.kind()).unwrap()
}

macro_rules! on_both {
    ($($(#[$meta:meta])* fn $name:ident($bench:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;
            fn case($bench: &Bench) $body
            #[test]
            fn real() {
                case(&Bench::real());
            }
            #[test]
            fn simulated() {
                case(&Bench::simulated());
            }
        }
    )*};
}

on_both! {
    fn written_bytes_are_read(bench) {
        let stat = bench.write("a.txt", b"hello");
        assert_eq!((stat.kind, stat.fingerprint.size), (ItemKind::File, 5));
        assert!(!stat.executable && !stat.placeholder);
        assert_eq!(bench.disk.stat(&bench.at("a.txt")).unwrap(), stat);
        let mut file = bench.disk.open(&bench.at("a.txt")).unwrap();
        assert_eq!(file.stat().unwrap(), stat);
        file.seek(SeekFrom::End(-2)).unwrap();
        let mut end = String::new();
        file.read_to_string(&mut end).unwrap();
        assert_eq!(end, "lo");
        bench.write("empty", b"");
        assert_eq!(bench.read("empty"), b"");
    }

    fn create_refuses_a_taken_name(bench) {
        bench.write("a", b"1");
        assert_eq!(kind_of_error(bench.disk.create(&bench.at("a"))), ErrorKind::AlreadyExists);
        assert_eq!(bench.read("a"), b"1");
        assert_eq!(kind_of_error(bench.disk.create(&bench.at("no/a"))), ErrorKind::NotFound);
    }

    fn a_new_version_has_a_new_fingerprint(bench) {
        let first = bench.write("a", b"1").fingerprint;
        bench.write("b", b"2");
        bench.disk.exchange(&bench.at("a"), &bench.at("b")).unwrap();
        let second = bench.disk.stat(&bench.at("a")).unwrap().fingerprint;
        assert_ne!(first.file, second.file);
    }

    fn rewriting_keeps_the_number(bench) {
        let old = bench.write("a", b"a long text").fingerprint;
        let mut file = bench.disk.rewrite(&bench.at("a")).unwrap();
        file.write_all(b"short").unwrap();
        let new = file.finish(true).unwrap().fingerprint;
        assert_eq!((new.file, new.size), (old.file, 5));
        assert_eq!(bench.read("a"), b"short");
        assert_eq!(kind_of_error(bench.disk.rewrite(&bench.at("none"))), ErrorKind::NotFound);
        assert!(bench.disk.rewrite(&bench.root).is_err());
    }

    fn rename_new_refuses_to_replace(bench) {
        bench.write("a", b"a");
        bench.write("b", b"b");
        bench.disk.create_dir(&bench.at("empty")).unwrap();
        for taken in ["b", "empty", "a"] {
            assert_eq!(kind_of_error(bench.disk.rename_new(&bench.at("a"), &bench.at(taken))), ErrorKind::AlreadyExists);
        }
        assert_eq!((bench.read("a"), bench.read("b")), (b"a".to_vec(), b"b".to_vec()));
        assert_eq!(kind_of_error(bench.disk.rename_new(&bench.at("none"), &bench.at("c"))), ErrorKind::NotFound);
        assert_eq!(kind_of_error(bench.disk.rename_new(&bench.at("a"), &bench.at("no/c"))), ErrorKind::NotFound);
        bench.disk.rename_new(&bench.at("a"), &bench.at("empty/c")).unwrap();
        assert_eq!(bench.read("empty/c"), b"a");
        bench.disk.rename_new(&bench.at("empty"), &bench.at("full")).unwrap();
        assert_eq!(bench.read("full/c"), b"a");
        assert_eq!(bench.names(), ["b", "full"]);
    }

    fn exchange_swaps_two_files(bench) {
        bench.write("a", b"a");
        bench.write("b", b"b");
        bench.disk.exchange(&bench.at("a"), &bench.at("b")).unwrap();
        assert_eq!((bench.read("a"), bench.read("b")), (b"b".to_vec(), b"a".to_vec()));
        assert_eq!(kind_of_error(bench.disk.exchange(&bench.at("a"), &bench.at("c"))), ErrorKind::NotFound);
        assert_eq!(kind_of_error(bench.disk.exchange(&bench.at("c"), &bench.at("a"))), ErrorKind::NotFound);
        assert_eq!(bench.names(), ["a", "b"]);
        assert_eq!((bench.read("a"), bench.read("b")), (b"b".to_vec(), b"a".to_vec()));
    }

    #[cfg(unix)]
    fn exchange_swaps_folders_too(bench) {
        bench.disk.create_dirs(&bench.at("a/x")).unwrap();
        bench.disk.create_dirs(&bench.at("b/y")).unwrap();
        bench.disk.exchange(&bench.at("a"), &bench.at("b")).unwrap();
        assert!(bench.disk.stat(&bench.at("a/y")).is_ok() && bench.disk.stat(&bench.at("b/x")).is_ok());
        assert!(bench.disk.exchange(&bench.at("a"), &bench.at("a/y")).is_err());
    }

    fn rename_over_replaces(bench) {
        bench.write("a", b"a");
        bench.write("b", b"b");
        bench.disk.create_dirs(&bench.at("full/x")).unwrap();
        bench.disk.rename_over(&bench.at("a"), &bench.at("b")).unwrap();
        assert_eq!(bench.read("b"), b"a");
        bench.disk.rename_over(&bench.at("b"), &bench.at("b")).unwrap();
        assert!(bench.disk.rename_over(&bench.at("b"), &bench.at("full")).is_err());
        if cfg!(unix) || bench.simulated.is_some() {
            assert!(bench.disk.rename_over(&bench.at("full"), &bench.at("b")).is_err());
        }
        bench.disk.rename_over(&bench.at("b"), &bench.at("c")).unwrap();
        assert_eq!(bench.names(), ["c", "full"]);
    }

    fn files_and_folders_are_removed_by_their_own_call(bench) {
        bench.write("a", b"a");
        bench.disk.create_dirs(&bench.at("full/x")).unwrap();
        assert!(bench.disk.remove(&bench.at("full")).is_err());
        assert!(bench.disk.remove_dir(&bench.at("a")).is_err());
        assert_eq!(kind_of_error(bench.disk.remove_dir(&bench.at("full"))), ErrorKind::DirectoryNotEmpty);
        assert_eq!(kind_of_error(bench.disk.remove(&bench.at("none"))), ErrorKind::NotFound);
        assert_eq!(kind_of_error(bench.disk.remove_dir(&bench.at("none"))), ErrorKind::NotFound);
        bench.disk.remove(&bench.at("a")).unwrap();
        bench.disk.remove_dir(&bench.at("full/x")).unwrap();
        bench.disk.remove_dir(&bench.at("full")).unwrap();
        assert!(bench.names().is_empty());
    }

    fn folders_are_made_once(bench) {
        bench.disk.create_dirs(&bench.at("a/b/c")).unwrap();
        bench.disk.create_dirs(&bench.at("a/b/c")).unwrap();
        assert_eq!(bench.disk.stat(&bench.at("a/b/c")).unwrap().kind, ItemKind::Folder);
        assert_eq!(kind_of_error(bench.disk.create_dir(&bench.at("a"))), ErrorKind::AlreadyExists);
        assert_eq!(kind_of_error(bench.disk.create_dir(&bench.at("no/a"))), ErrorKind::NotFound);
        bench.write("file", b"");
        assert!(bench.disk.create_dirs(&bench.at("file/a")).is_err());
        assert!(bench.disk.create_dirs(&bench.at("file")).is_err());
    }

    fn a_folder_cannot_go_into_itself(bench) {
        bench.disk.create_dirs(&bench.at("a/b")).unwrap();
        assert!(bench.disk.rename_new(&bench.at("a"), &bench.at("a/b/c")).is_err());
        assert!(bench.disk.rename_over(&bench.at("a"), &bench.at("a/b/c")).is_err());
        assert!(bench.disk.stat(&bench.at("a/b")).is_ok());
    }

    fn lists_are_sorted_by_bytes(bench) {
        for name in ["b", "a", "Z", "a.b", "é", "a-b", "10", "9"] {
            bench.write(name, b"");
        }
        bench.disk.create_dir(&bench.at("folder")).unwrap();
        assert_eq!(bench.names(), ["10", "9", "Z", "a", "a-b", "a.b", "b", "folder", "é"]);
        let kinds: BTreeSet<_> = bench.disk.list(&bench.root).unwrap().iter().map(|item| item.kind).collect();
        assert_eq!(kinds, BTreeSet::from([ItemKind::File, ItemKind::Folder]));
        assert!(bench.disk.list(&bench.at("a")).is_err());
        assert_eq!(kind_of_error(bench.disk.list(&bench.at("none"))), ErrorKind::NotFound);
    }

    fn odd_names_are_kept(bench) {
        let longest = "x".repeat(255);
        let mut names = vec!["🎓.csv", "quote'`$(x)", " space", "Ünï", &longest];
        if cfg!(unix) || bench.simulated.is_some() {
            names.extend(["new\nline", "tab\t", "dot."]);
        }
        if cfg!(unix) {
            names.push("back\\slash");
        }
        for name in &names {
            bench.write(name, name.as_bytes());
            assert_eq!(bench.read(name), name.as_bytes());
        }
        let listed: BTreeSet<OsString> = bench.names().into_iter().collect();
        // macOS may give a name back in another Unicode form; it is the same count of names then.
        assert_eq!(listed.len(), names.len());
        assert!(listed.contains(&OsString::from("🎓.csv")));
        assert!(bench.disk.create(&bench.at(&"x".repeat(256))).is_err());
    }

    #[cfg(unix)]
    fn names_need_not_be_text(bench) {
        use std::os::unix::ffi::OsStringExt;
        let name = OsString::from_vec(vec![b'a', 0xff, b'b']);
        match bench.disk.create(&bench.root.join(&name)) {
            Ok(file) => {
                file.finish(false).unwrap();
                assert_eq!(bench.names(), [name]);
            }
            // Only macOS refuses such names.
            Err(refused) => assert!(cfg!(target_os = "macos") && bench.simulated.is_none(), "{refused}"),
        }
    }

    #[cfg(unix)]
    fn links_are_seen_and_not_followed(bench) {
        bench.write("a", b"secret");
        bench.disk.create_dir(&bench.at("folder")).unwrap();
        bench.write("folder/in", b"in");
        bench.link("to-file", "a");
        bench.link("to-folder", "folder");
        bench.link("broken", "none");
        bench.link("loop", "loop");
        for name in ["to-file", "to-folder", "broken", "loop"] {
            let path = bench.at(name);
            assert_eq!(bench.disk.stat(&path).unwrap().kind, ItemKind::Link, "{name}");
            assert_eq!(kind_of_error(bench.disk.open(&path)), ErrorKind::InvalidInput, "{name}");
            assert_eq!(kind_of_error(bench.disk.rewrite(&path)), ErrorKind::InvalidInput, "{name}");
            assert_eq!(kind_of_error(bench.disk.create(&path)), ErrorKind::AlreadyExists, "{name}");
            assert_eq!(
                kind_of_error(bench.disk.clone_or_copy(&path, &bench.at("copy"))), ErrorKind::InvalidInput, "{name}"
            );
            assert_eq!(
                kind_of_error(bench.disk.rename_new(&bench.at("a"), &path)), ErrorKind::AlreadyExists, "{name}"
            );
        }
        assert_eq!(bench.read("to-folder/in"), b"in");
        assert_eq!(bench.disk.canonical(&bench.at("to-folder/in")).unwrap(), bench.at("folder/in"));
        assert_eq!(bench.disk.canonical(&bench.at("folder/../to-file")).unwrap(), bench.at("a"));
        assert_eq!(kind_of_error(bench.disk.canonical(&bench.at("broken"))), ErrorKind::NotFound);
        assert!(bench.disk.canonical(&bench.at("loop")).is_err());
        let kinds: Vec<_> = bench.disk.list(&bench.root).unwrap().into_iter().filter(|i| i.kind == ItemKind::Link).collect();
        assert_eq!(kinds.len(), 4);
        bench.disk.remove(&bench.at("to-folder")).unwrap();
        assert_eq!(bench.read("folder/in"), b"in");
        assert_eq!(bench.read("a"), b"secret");
    }

    #[cfg(unix)]
    fn pipes_are_refused_and_do_not_block(bench) {
        bench.pipe("pipe");
        assert_eq!(bench.disk.stat(&bench.at("pipe")).unwrap().kind, ItemKind::Other);
        assert_eq!(bench.disk.list(&bench.root).unwrap()[0].kind, ItemKind::Other);
        assert_eq!(kind_of_error(bench.disk.open(&bench.at("pipe"))), ErrorKind::InvalidInput);
        assert_eq!(kind_of_error(bench.disk.rewrite(&bench.at("pipe"))), ErrorKind::InvalidInput);
        assert_eq!(kind_of_error(bench.disk.open(&bench.root)), ErrorKind::InvalidInput);
    }

    #[cfg(unix)]
    fn a_file_can_be_made_to_run(bench) {
        let mut file = bench.disk.create(&bench.at("run.sh")).unwrap();
        file.set_executable(true).unwrap();
        assert!(file.finish(false).unwrap().executable);
        let mut file = bench.disk.rewrite(&bench.at("run.sh")).unwrap();
        file.set_executable(false).unwrap();
        file.finish(false).unwrap();
        assert!(!bench.disk.stat(&bench.at("run.sh")).unwrap().executable);
    }

    fn copies_are_whole_and_new(bench) {
        let bytes: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        bench.write("a", &bytes);
        assert_eq!(bench.disk.clone_or_copy(&bench.at("a"), &bench.at("b")).unwrap(), bytes.len() as u64);
        assert_eq!(bench.read("b"), bytes);
        assert_eq!(kind_of_error(bench.disk.clone_or_copy(&bench.at("a"), &bench.at("b"))), ErrorKind::AlreadyExists);
        assert_eq!(kind_of_error(bench.disk.clone_or_copy(&bench.at("none"), &bench.at("c"))), ErrorKind::NotFound);
        let mut file = bench.disk.rewrite(&bench.at("a")).unwrap();
        file.write_all(b"other").unwrap();
        file.finish(false).unwrap();
        assert_eq!(bench.read("b"), bytes);
        assert_eq!(bench.names(), ["a", "b"]);
    }

    fn an_open_file_outlives_its_name(bench) {
        bench.write("a", b"old");
        let mut old = bench.disk.open(&bench.at("a")).unwrap();
        bench.write("b", b"new");
        bench.disk.exchange(&bench.at("a"), &bench.at("b")).unwrap();
        bench.disk.remove(&bench.at("b")).unwrap();
        let mut text = String::new();
        old.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), bench.read("a")), ("old", b"new".to_vec()));
    }

    #[cfg(any(windows, all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    fn who_writes_to_a_file_is_seen_whatever_its_name(bench) {
        bench.write("a", b"old");
        assert_eq!(bench.disk.is_written_to(&bench.at("a")).unwrap(), Some(false));
        let holder = bench.hold("a");
        assert_eq!(bench.disk.is_written_to(&bench.at("a")).unwrap(), Some(true));
        #[cfg(unix)]
        {
            bench.disk.rename_new(&bench.at("a"), &bench.at("b")).unwrap();
            assert_eq!(bench.disk.is_written_to(&bench.at("b")).unwrap(), Some(true));
            bench.disk.rename_new(&bench.at("b"), &bench.at("a")).unwrap();
        }
        drop(holder);
        let reader = bench.disk.open(&bench.at("a")).unwrap();
        assert_eq!(bench.disk.is_written_to(&bench.at("a")).unwrap(), Some(false), "reading is no writing");
        drop(reader);
        assert_eq!(kind_of_error(bench.disk.is_written_to(&bench.at("none"))), ErrorKind::NotFound);
    }

    fn times_can_be_set(bench) {
        bench.write("a", b"a");
        for nanos in [1_600_000_000_123_456_700, 1_000_000_000] {
            bench.disk.set_modified(&bench.at("a"), nanos).unwrap();
            assert_eq!(bench.disk.stat(&bench.at("a")).unwrap().fingerprint.modified, nanos);
        }
        assert_eq!(kind_of_error(bench.disk.set_modified(&bench.at("none"), 0)), ErrorKind::NotFound);
    }

    fn everything_can_be_synced(bench) {
        bench.write("a", b"a");
        bench.disk.sync_dir(&bench.root).unwrap();
        bench.disk.sync_volume(&bench.at("a")).unwrap();
        bench.disk.sync_volume(&bench.root).unwrap();
        assert!(bench.disk.sync_dir(&bench.at("none")).is_err());
        assert!(bench.disk.sync_volume(&bench.at("none")).is_err());
        assert!(bench.disk.free_space(&bench.root).unwrap() > 0);
    }

    fn many_files_of_many_threads(bench) {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for file in 0..50 {
                        let name = format!(".~kitbag-{thread}-{file}.tmp");
                        bench.write(&name, name.as_bytes());
                        bench.disk.rename_new(&bench.at(&name), &bench.at(&format!("{thread}-{file}"))).unwrap();
                    }
                });
            }
        });
        assert_eq!(bench.names().len(), 200);
        assert_eq!(bench.read("3-49"), b".~kitbag-3-49.tmp");
    }

    fn only_one_thread_gets_a_name(bench) {
        let won: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|thread| scope.spawn(move || {
                bench.write(&format!("t{thread}"), b"");
                usize::from(bench.disk.rename_new(&bench.at(&format!("t{thread}")), &bench.at("one")).is_ok())
            })).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((won, bench.names().len()), (1, 8));
    }
}
