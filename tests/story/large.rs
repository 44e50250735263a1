//! A folder of very many small files: what it costs in memory. Promise: at most 60 MiB at 100,000 files, for the
//! first sync and for one that finds nothing to do.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::Duration;

use crate::machine::{Machine, room};

pub const MOST_MIB: u64 = 60;

/// 100,000 files in the second tier, 20,000 in the first.
fn how_many() -> usize {
    if std::env::var_os("KITBAG_FULL").is_some() { 100_000 } else { 20_000 }
}

/// Files of 1.5 to 2.5 KiB that do not compress, in a hundredth as many folders.
fn fill(work: &Path, files: usize) {
    let mut state = 351_u64;
    let mut chance = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for n in 0..files {
        let part = n % (files / 100);
        let folder = work.join(format!("block{:02}/part{part:03}", part % 25));
        fs::create_dir_all(&folder).unwrap();
        let words = 192 + chance() as usize % 128;
        let bytes: Vec<u8> = (0..words).flat_map(|_| chance().to_le_bytes()).collect();
        fs::write(folder.join(format!("note{n:06}.txt")), bytes).unwrap();
    }
}

/// Wait for the program to end well; the most memory it ever held, in MiB.
pub fn most_memory(mut child: Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        // the mark only rises, and is gone with the program
        let lines = fs::File::open(&status).map(BufReader::new).unwrap().lines().map_while(Result::ok);
        let mark =
            lines.filter_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = mark.last().unwrap_or(most);
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{ended}");
            assert!(most > 0, "it ended before anybody looked");
            return most / 1024;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Tier: `.ci/run` with 20,000 files, `.ci/full` with 100,000 (`KITBAG_FULL=1`).
#[test]
fn many_small_files_need_little_memory() {
    let room = room();
    let share = room.path().join("share");
    let machine = Machine::new(room.path(), "HOME-PC", &share);
    let files = how_many();
    fill(&machine.work, files);
    let (to, work) = (share.to_str().unwrap(), machine.work.to_str().unwrap());
    let first = most_memory(machine.start(&["setup", "--share", to, "--work", work, "--machine", "HOME-PC"]));
    let again = most_memory(machine.start(&["sync"]));
    eprintln!("{files} files: first sync {first} MiB, sync without a change {again} MiB");
    assert!(first <= MOST_MIB && again <= MOST_MIB, "{first} MiB and {again} MiB at {files} files");
    let there = machine.mirror();
    assert_eq!(there.0.len(), files);
    assert!(there == machine.files(), "the cloud folder differs");
}
