//! The log file of a program that nobody watches. It never grows beyond a limit: a full one becomes the old one, in place
//! of the one before, and a new one is begun. So there are two files at the most. Each write is one line or more, never
//! part of one; several programs may add to the same file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A log file of limited size.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    limit: u64,
    file: File,
    size: u64,
}

impl LogFile {
    /// Go on with the log at `path`, made when it is missing; its folder must exist. `limit` in bytes, for each of the two
    /// files.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let (file, size) = append(path)?;
        Ok(LogFile { path: path.to_owned(), limit, file, size })
    }

    /// Where the old one lies.
    pub fn old(path: &Path) -> PathBuf {
        path.with_extension("old")
    }

    fn turn(&mut self) -> io::Result<()> {
        std::fs::rename(&self.path, Self::old(&self.path))?;
        (self.file, self.size) = append(&self.path)?;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

impl Write for LogFile {
    /// Where no new file can be begun the line is lost: the disk is not filled for it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let full = self.size.saturating_add(bytes.len() as u64) > self.limit;
        if full && self.size > 0 && self.turn().is_err() {
            return Ok(bytes.len());
        }
        let written = self.file.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_and_no_more_with_the_latest_lines_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.log");
        let mut log = LogFile::open(&path, 100).unwrap();
        for n in 0..50 {
            log.write_all(format!("line {n:03}\n").as_bytes()).unwrap();
            if n == 25 {
                log = LogFile::open(&path, 100).unwrap();
            }
        }
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let (old, new) = (read(&LogFile::old(&path)), read(&path));
        assert!(old.len() <= 100 && new.len() <= 100, "{} {}", old.len(), new.len());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        let both = format!("{old}{new}");
        let first = 50 - both.lines().count();
        let expected: String = (first..50).map(|n| format!("line {n:03}\n")).collect();
        assert_eq!(both, expected);
        assert!(first < 40, "one whole file of lines is kept: from {first}");
        // a line longer than all is written all the same, alone
        log.write_all(format!("{}\n", "x".repeat(300)).as_bytes()).unwrap();
        assert_eq!(read(&path).len(), 301);
    }

    #[test]
    fn what_cannot_be_turned_over_does_not_grow() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.log");
        let mut log = LogFile::open(&path, 20).unwrap();
        std::fs::create_dir_all(LogFile::old(&path).join("in the way")).unwrap();
        for _ in 0..9 {
            log.write_all(b"0123456789\n").unwrap();
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 11);
    }
}
