//! One kitbag at a time for each state root. The system itself holds the lock and lets go of it when the
//! program ends, however it ends, so a lock is never left over. Who holds it is written into the file, for
//! the message only.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(25);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another kitbag works here.
    #[error("another kitbag is at work here{}", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Held {
        /// Its process id where it can be known. Windows does not let others read a locked file.
        pid: Option<u32>,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot lock {path}: {source}")]
    Failed {
        /// The lock file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Held until it is dropped or the program ends.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Take the lock file at `path`, made when it is missing; wait for it as long as `wait`.
    ///
    /// # Errors
    /// [`LockError::Held`] when another holds it to the end of the wait.
    pub fn acquire(path: &Path, wait: Duration) -> Result<Self, LockError> {
        let failed = |source| LockError::Failed { path: path.display().to_string(), source };
        // Never removed: whoever waits for it must wait for the same file.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < wait => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(LockError::Held { pid: holder(&mut file) }),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let lock = Lock(file);
        lock.sign().map_err(failed)?;
        Ok(lock)
    }

    /// Whether somebody holds the lock file at `path` right now, without waiting and without taking it. A file that is
    /// not there is held by nobody. Whoever takes it at this very moment without any wait may be refused.
    ///
    /// # Errors
    /// What the system says.
    pub fn is_held(path: &Path) -> io::Result<bool> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        match file.try_lock_shared() {
            Ok(()) => file.unlock().map(|()| false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn sign(&self) -> io::Result<()> {
        self.0.set_len(0)?;
        (&self.0).write_all(format!("{}\n", std::process::id()).as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Best effort: closing the file frees the lock in any case, and a stale number only words a message.
        let _ = self.0.set_len(0);
        let _ = self.0.unlock();
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_and_told_who_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::acquire(&path, Duration::ZERO).unwrap();
        let refused = Lock::acquire(&path, Duration::from_millis(60)).unwrap_err();
        let ours = Some(std::process::id());
        let known = |pid: Option<u32>| pid == ours || (cfg!(windows) && pid.is_none());
        assert!(matches!(refused, LockError::Held { pid } if known(pid)), "{refused:?}");
        drop(first);
        drop(Lock::acquire(&path, Duration::ZERO).unwrap());
        Lock::acquire(&path, Duration::ZERO).unwrap();
    }

    #[test]
    fn a_look_tells_whether_it_is_held_and_takes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(!Lock::is_held(&path).unwrap() && !path.exists(), "nothing is made");
        let held = Lock::acquire(&path, Duration::ZERO).unwrap();
        assert!(Lock::is_held(&path).unwrap());
        drop(held);
        assert!(!Lock::is_held(&path).unwrap());
        Lock::acquire(&path, Duration::ZERO).unwrap();
    }

    #[test]
    fn who_waits_gets_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::acquire(&path, Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| Lock::acquire(&path, Duration::from_secs(20)).map(drop));
            std::thread::sleep(Duration::from_millis(50));
            drop(first);
            second.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_place_that_is_not_there_is_no_held_lock() {
        let dir = tempfile::tempdir().unwrap();
        let refused = Lock::acquire(&dir.path().join("no/lock"), Duration::ZERO).unwrap_err();
        assert!(matches!(refused, LockError::Failed { .. }));
    }

    /// The holder is another process (the `flock` program) and is killed: the lock is free at once.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_dead_holder_holds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        std::fs::write(&path, "4242\n").unwrap();
        let mut holder = std::process::Command::new("flock")
            .args(["--no-fork", "--exclusive"])
            .arg(&path)
            .args(["sleep", "60"])
            .spawn()
            .unwrap();
        let mut refused = None;
        for _ in 0..200 {
            match Lock::acquire(&path, Duration::ZERO) {
                Err(held) => {
                    refused = Some(held);
                    break;
                }
                Ok(lock) => {
                    drop(lock);
                    std::fs::write(&path, "4242\n").unwrap();
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(matches!(refused, Some(LockError::Held { pid: Some(4242) })), "{refused:?}");
        holder.kill().unwrap();
        holder.wait().unwrap();
        Lock::acquire(&path, Duration::from_secs(5)).unwrap();
    }
}
