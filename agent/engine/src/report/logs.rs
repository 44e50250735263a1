//! The agent's two log files, and the last things in them that went wrong.

use std::io::Read;
use std::path::Path;

use kitbag_platform::log::LogFile;

use crate::agent;
use crate::doors::Doors;

/// Read of each file, in bytes; a log is no longer than half of this.
const LONGEST: u64 = 2 << 20;

/// A log as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// What it is called in the report.
    pub name: &'static str,
    /// Its lines; not for anybody's eyes yet.
    pub text: String,
}

/// What there is of them, the older one first.
pub fn logs(home: &Path, doors: &Doors) -> Vec<Log> {
    let now = agent::log(home);
    let files = [("agent.old.log", LogFile::old(&now)), ("agent.log", now)];
    let read = |file: &Path| -> std::io::Result<String> {
        let mut bytes = Vec::new();
        doors.disk.open(file)?.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    files.into_iter().filter_map(|(name, file)| Some(Log { name, text: read(&file).ok()? })).collect()
}

/// The last lines that tell of something gone wrong, oldest first.
pub fn last_errors(logs: &[Log], most: usize) -> Vec<String> {
    let bad =
        |line: &&str| line.split_whitespace().nth(1).is_some_and(|level| ["WARN", "ERROR"].contains(&level));
    let mut lines: Vec<String> = logs
        .iter()
        .rev()
        .flat_map(|log| log.text.lines().rev())
        .filter(bad)
        .take(most)
        .map(str::to_owned)
        .collect();
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read_and_the_last_errors_found() {
        let dir = tempfile::tempdir().unwrap();
        let doors = Doors::real();
        assert_eq!(logs(dir.path(), &doors), []);
        let log = agent::log(dir.path());
        std::fs::create_dir_all(log.parent().unwrap()).unwrap();
        std::fs::write(LogFile::old(&log), "2026 WARN a: one\n2026 INFO a: fine\n2026 ERROR a: two\n")
            .unwrap();
        std::fs::write(&log, b"2026 INFO a: WARN\n2026 WARN a: three \xff\nbroken").unwrap();
        let logs = logs(dir.path(), &doors);
        assert_eq!(logs.iter().map(|log| log.name).collect::<Vec<_>>(), ["agent.old.log", "agent.log"]);
        let last = last_errors(&logs, 2);
        assert_eq!(last, ["2026 ERROR a: two", "2026 WARN a: three \u{fffd}"]);
        assert_eq!(last_errors(&logs, 9).len(), 3);
    }
}
