//! A small disk: a file system in memory, mounted by the test as root, that fills up, becomes read-only or larger. Where
//! mounting is not allowed that is said, and in CI, where it must be, it is a failure.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own at a folder; gone when dropped.
pub struct Mounted(PathBuf);

impl Mounted {
    /// None, with a word about it, where this system does not let us mount.
    pub fn new(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let options = format!("size={size},mode=700");
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "kitbag-test"]).arg(at).output();
        if done.as_ref().is_ok_and(|done| done.status.success()) {
            return Some(Mounted(at.to_owned()));
        }
        eprintln!("NOT TESTED: mounting a small disk is not allowed here: {done:?}");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "CI must allow mounting: {done:?}");
        None
    }

    pub fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }

    /// Fill it until nothing more goes on it, less so many bytes. The file that does it goes when this is dropped.
    pub fn fill(&self, leave: u64) -> Filler {
        // something may have been mounted over it, such as what an engine mounts on itself: never fill the computer's disk
        let device = |path: &Path| fs::metadata(path).unwrap().dev();
        let parent = self.0.parent().unwrap();
        assert_ne!(device(&self.0), device(parent), "{} no longer shows the small disk", self.0.display());
        let file = self.0.join("filler");
        let mut filler = File::create(&file).unwrap();
        let block = [1; 4096];
        let mut size = 0;
        while filler.write_all(&block).is_ok() {
            size += block.len() as u64;
        }
        filler.set_len(size.saturating_sub(leave)).unwrap();
        Filler(file)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        if !mounts.lines().any(|line| line.split(' ').nth(1) == self.0.to_str()) {
            // an engine that ends takes along what is mounted below its files
            return;
        }
        // lazily: a failing test may still have files open there
        let done = Command::new("umount").arg("-l").arg(&self.0).status();
        if !done.as_ref().is_ok_and(std::process::ExitStatus::success) {
            eprintln!("{} is still mounted: {done:?}", self.0.display());
        }
    }
}

/// What takes all the room of a disk.
pub struct Filler(PathBuf);

impl Drop for Filler {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}
