//! Files a person named on the command line, of a workspace or not: read up to a limit, and put in place whole.
//! What stands for "no file" (`/dev/null`, as git names it) reads as empty. A result is written beside its place and
//! renamed, so that what was there stays until all of it is written.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use kitbag_core::finding::Finding;
use kitbag_core::id::ContentId;
use kitbag_core::path::TEMPORARY_PREFIX;
use kitbag_platform::disk::{ItemKind, Reading};

use crate::doors::Doors;
use crate::error::{EngineError, show, size};

/// Read at once, in bytes.
const PIECE: usize = 256 * 1024;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// All of it.
    Whole(Vec<u8>),
    /// It has more bytes than were wanted: so many, and this is what they are.
    Larger(u64, ContentId),
}

/// Read it where it is no larger than `most` bytes.
///
/// # Errors
/// It is not there, is no plain file, or cannot be read.
pub(crate) fn read(doors: &Doors, file: &Path, most: usize) -> Result<Given, EngineError> {
    if is_nothing(file) {
        return Ok(Given::Whole(Vec::new()));
    }
    let cannot = || EngineError::io("cannot read", file);
    let there = doors.disk.canonical(file).map_err(|error| absent(file, error))?;
    let open = doors.disk.open(&there).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => EngineError::Failed(Finding::new(
            format!("{} is no file", show(file)),
            "It is a folder, a pipe or a device.",
            "Name a file.",
        )),
        _ => cannot()(error),
    })?;
    let bytes = open.stat().map_err(cannot())?.fingerprint.size;
    if bytes > most as u64 {
        return larger(open).map_err(cannot());
    }
    let mut all = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    let mut some = open.take(most as u64 + 1);
    some.read_to_end(&mut all).map_err(cannot())?;
    // it grew while it was read
    if all.len() > most { read(doors, file, most) } else { Ok(Given::Whole(all)) }
}

fn larger(mut open: Box<dyn Reading>) -> io::Result<Given> {
    let (mut hasher, mut piece, mut bytes) = (blake3::Hasher::new(), vec![0; PIECE], 0);
    loop {
        let n = open.read(&mut piece)?;
        if n == 0 {
            return Ok(Given::Larger(bytes, ContentId::from(hasher.finalize())));
        }
        hasher.update(&piece[..n]);
        bytes += n as u64;
    }
}

/// The same of a file that is only of use whole.
///
/// # Errors
/// As [`read`]; or it is too large.
pub(crate) fn whole(doors: &Doors, file: &Path, most: usize) -> Result<Vec<u8>, EngineError> {
    match read(doors, file, most)? {
        Given::Whole(bytes) => Ok(bytes),
        Given::Larger(bytes, _) => Err(EngineError::Failed(Finding::new(
            format!("{} is too large", show(file)),
            format!("It has {}, and at most {} MiB are merged.", size(bytes), most >> 20),
            "Clear the outputs of its largest cells in Jupyter, then try again.",
        ))),
    }
}

/// Put these bytes in a file's place, in one step.
///
/// # Errors
/// The place is a folder, or cannot be written; what was there is as it was.
pub(crate) fn replace(doors: &Doors, file: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let disk = &doors.disk;
    // a link goes on leading where it leads
    let file = disk.canonical(file).unwrap_or_else(|_| file.to_owned());
    if disk.stat(&file).is_ok_and(|stat| stat.kind != ItemKind::File) {
        return Err(EngineError::Failed(Finding::new(
            format!("{} cannot be written", show(&file)),
            "It is no plain file.",
            "Name a file, with --out.",
        )));
    }
    let written = (|| {
        let beside: PathBuf =
            file.with_file_name(format!("{TEMPORARY_PREFIX}{}.tmp", doors.chance.token(8)?));
        let mut open = disk.create(&beside)?;
        let done = open
            .write_all(bytes)
            .and_then(|()| open.finish(true).map(|_| ()))
            .and_then(|()| disk.rename_over(&beside, &file));
        if done.is_err() {
            // what is left is a name of ours; the first error says more
            disk.remove(&beside).ok();
        }
        done
    })();
    written.map_err(EngineError::io("cannot write", &file))
}

/// What stands for no file at all.
pub(crate) fn is_nothing(file: &Path) -> bool {
    file == Path::new("/dev/null") || cfg!(windows) && file.as_os_str().eq_ignore_ascii_case("nul")
}

fn absent(file: &Path, error: io::Error) -> EngineError {
    if error.kind() != io::ErrorKind::NotFound {
        return EngineError::io("cannot read", file)(error);
    }
    EngineError::Failed(Finding::new(
        format!("{} is not there", show(file)),
        "No file has that name.",
        "Check the name and the folder you are in.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_stays_when_the_new_one_cannot_be_written() {
        use kitbag_platform::chance::SimulatedChance;
        use kitbag_platform::clock::SimulatedClock;
        use kitbag_platform::disk::{Disk, Failure, SimulatedDisk};
        use std::sync::Arc;

        let (mut failed, mut done) = (0, 0);
        for nth in 1..20 {
            let clock = SimulatedClock::new(0);
            let disk = SimulatedDisk::new(clock.clone());
            let doors = Doors {
                disk: Arc::new(disk.clone()),
                clock: Arc::new(clock),
                chance: Arc::new(SimulatedChance::new(nth)),
                ..Doors::real()
            };
            let file = Path::new("/f");
            let mut open = disk.create(file).unwrap();
            open.write_all(b"old").unwrap();
            open.finish(true).unwrap();
            disk.fail_at(nth, Failure::Error(io::ErrorKind::StorageFull));
            let replaced = replace(&doors, file, b"new");
            let names: Vec<_> =
                disk.list(Path::new("/")).unwrap().into_iter().map(|item| item.name).collect();
            assert_eq!(names, ["f"], "in call {nth}");
            let wanted: &[u8] = if replaced.is_ok() { b"new" } else { b"old" };
            assert_eq!(whole(&doors, file, 10).unwrap(), wanted, "in call {nth}");
            if replaced.is_ok() { done += 1 } else { failed += 1 }
        }
        assert!(failed >= 3 && done > 3, "{failed} {done}");
    }

    #[test]
    fn a_file_is_read_up_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let one = folder.path().join("one");
        std::fs::write(&one, "12345").unwrap();
        let doors = Doors::real();
        assert_eq!(read(&doors, &one, 4).unwrap(), Given::Larger(5, ContentId::of(b"12345")));
        assert_eq!(whole(&doors, &one, 5).unwrap(), b"12345");
        assert!(whole(&doors, &one, 4).unwrap_err().finding().what.contains("too large"));
        assert_eq!(whole(&doors, Path::new("/dev/null"), 1).unwrap(), b"");
        for (file, word) in [(folder.path().join("none"), "not there"), (folder.path().into(), "no file")] {
            let finding = read(&doors, &file, 1).unwrap_err().finding();
            assert!(finding.what.contains(word), "{finding:?}");
        }
    }
}
