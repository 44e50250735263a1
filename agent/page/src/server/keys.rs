//! What lets a browser in. A one-time token is handed to the person in the address they open; the page swaps it for a key
//! that lives as long as its tab. Of both only hashes lie on this computer, in files nobody else may read, so that an agent
//! that was killed and started again knows the pages that are open. A key counts for one port: where another program may
//! have sat at the old one meanwhile, the open pages ask anew.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kitbag_engine::doors::Doors;
use kitbag_platform::private;
use kitbag_platform::process::{ProcessId, Processes, RealProcesses, identity};
use serde::{Deserialize, Serialize};

/// Bytes of a token and of a key: 256 bits.
const BYTES: usize = 32;
/// How long a token may be used; milliseconds.
const TOKEN_LIVES: i64 = 10 * 60 * 1_000;
/// How long after its last use a key is known; milliseconds.
const KEY_LIVES: i64 = 7 * 24 * 3_600 * 1_000;
/// How exactly its last use is noted; milliseconds.
const NOTED: i64 = 3_600 * 1_000;
/// A time that lies further ahead than this was not written by this clock; milliseconds.
const AHEAD: i64 = 60 * 1_000;
/// Keys and tokens that are known at the same time.
const MOST: usize = 32;
/// Longest file that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// `STATE/agent/page.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// Where the page is, or was.
    port: u16,
    /// Who serves it there.
    serving: Option<ProcessId>,
    keys: Vec<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    /// blake3 of the key, as hexadecimal.
    hash: String,
    /// When it was used last, to the hour; milliseconds since 1970.
    used: i64,
}

impl Key {
    /// A clock that was set back locks nobody out.
    fn lives(&self, now: i64) -> bool {
        now.saturating_sub(self.used) < KEY_LIVES
    }
}

fn file(home: &Path) -> PathBuf {
    home.join("agent").join("page.json")
}

fn read(home: &Path) -> Kept {
    let text = private::read(&file(home), LONGEST).ok().flatten().unwrap_or_default();
    // a damaged file costs one more `kitbag page`
    serde_json::from_str(&text).unwrap_or_default()
}

/// Where the page of a state root is served right now; none when it is not. Only of a process that is still there: at an
/// old port another program may sit.
pub fn served_at(home: &Path) -> Option<u16> {
    let kept = read(home);
    let serving = kept.serving?;
    (kept.port != 0 && RealProcesses::new().alive(&serving)).then_some(kept.port)
}

/// The port the page had before.
pub(super) fn last_port(home: &Path) -> u16 {
    read(home).port
}

/// The keys of one state root's page.
pub(super) struct Keys {
    home: PathBuf,
    doors: Doors,
    kept: Mutex<Kept>,
}

impl Keys {
    /// Those of the page that is served by this process at this port from now on.
    ///
    /// # Errors
    /// They cannot be written down.
    pub(super) fn begin(home: &Path, doors: &Doors, port: u16) -> io::Result<Self> {
        let mut kept = read(home);
        if kept.port != port {
            kept.keys.clear();
        }
        (kept.port, kept.serving) = (port, identity(std::process::id()));
        let keys = Keys { home: home.to_owned(), doors: doors.clone(), kept: Mutex::new(kept) };
        keys.write(&keys.lock())?;
        Ok(keys)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        private::write(&file(&self.home), &serde_json::to_string(kept)?)
    }

    /// A key for a token; none for one that is unknown, used or too old.
    ///
    /// # Errors
    /// It cannot be made or written down.
    pub(super) fn swap(&self, token: &str) -> io::Result<Option<String>> {
        let mut kept = self.lock();
        if !redeem(&self.home, &self.doors, token) {
            return Ok(None);
        }
        let (key, now) = (self.doors.chance.token(BYTES)?, self.doors.clock.now_millis());
        kept.keys.retain(|key| key.lives(now));
        kept.keys.sort_by_key(|key| std::cmp::Reverse(key.used));
        kept.keys.truncate(MOST - 1);
        kept.keys.push(Key { hash: hash(&key), used: now });
        self.write(&kept)?;
        Ok(Some(key))
    }

    /// Whether this is a key that is known. Every key is compared, each in constant time.
    pub(super) fn knows(&self, key: &str) -> bool {
        if !fits(key) {
            return false;
        }
        let (given, now) = (blake3::hash(key.as_bytes()), self.doors.clock.now_millis());
        let mut kept = self.lock();
        let mut found = None;
        for (at, key) in kept.keys.iter().enumerate() {
            let same = blake3::Hash::from_hex(&key.hash).is_ok_and(|hash| hash == given);
            if same && key.lives(now) {
                found = Some(at);
            }
        }
        let Some(at) = found else { return false };
        if !lives(kept.keys[at].used, now, NOTED) {
            kept.keys[at].used = now;
            if let Err(error) = self.write(&kept) {
                tracing::warn!(%error, "the page's keys cannot be written");
            }
        }
        true
    }
}

fn lives(since: i64, now: i64, long: i64) -> bool {
    (-AHEAD..long).contains(&now.saturating_sub(since))
}

fn fits(text: &str) -> bool {
    text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

fn tokens(home: &Path) -> PathBuf {
    home.join("agent").join("page-tokens")
}

/// A new token for the page of this state root: it lets one browser in, once, within ten minutes. Each lies in a file of
/// its own, named by its hash and holding the time it was made, so that whoever may write machine state can make one and
/// removing the file is using it.
///
/// # Errors
/// It cannot be made or written.
pub fn issue(home: &Path, doors: &Doors) -> io::Result<String> {
    let folder = tokens(home);
    private::folder(&folder)?;
    let now = doors.clock.now_millis();
    let old: Vec<_> = doors.disk.list(&folder)?.into_iter().map(|item| folder.join(item.name)).collect();
    let mut fresh = Vec::new();
    for file in old {
        match made(&file) {
            Some(made) if lives(made, now, TOKEN_LIVES) => fresh.push((made, file)),
            // one somebody uses just now is gone already
            _ => drop(doors.disk.remove(&file)),
        }
    }
    fresh.sort();
    let many = fresh.len().saturating_sub(MOST - 1);
    for (_, file) in &fresh[..many] {
        drop(doors.disk.remove(file));
    }
    let token = doors.chance.token(BYTES)?;
    private::write(&folder.join(hash(&token)), &now.to_string())?;
    Ok(token)
}

fn made(file: &Path) -> Option<i64> {
    private::read(file, 32).ok()??.parse().ok()
}

/// Use a token up. Two that try at once leave one who has it: the system removes a file once.
fn redeem(home: &Path, doors: &Doors, token: &str) -> bool {
    if !fits(token) {
        return false;
    }
    let file = tokens(home).join(hash(token));
    let Some(made) = made(&file) else { return false };
    let now = doors.clock.now_millis();
    doors.disk.remove(&file).is_ok() && lives(made, now, TOKEN_LIVES)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kitbag_platform::clock::{Clock, SimulatedClock};

    use super::*;

    fn room() -> (tempfile::TempDir, SimulatedClock, Doors) {
        let room = tempfile::tempdir().unwrap();
        std::fs::create_dir(room.path().join("agent")).unwrap();
        let clock = SimulatedClock::new(1_763_847_965_123);
        let doors = Doors { clock: Arc::new(clock.clone()), ..Doors::real() };
        (room, clock, doors)
    }

    #[test]
    fn a_token_is_good_once_and_for_ten_minutes() {
        let (room, clock, doors) = room();
        let home = room.path();
        let keys = Keys::begin(home, &doors, 40_000).unwrap();
        let token = issue(home, &doors).unwrap();
        assert!(fits(&token));
        let key = keys.swap(&token).unwrap().unwrap();
        assert!(keys.knows(&key) && key != token);
        assert_eq!(keys.swap(&token).unwrap(), None, "used");
        assert!(!keys.knows(&token), "a token is no key");
        let late = issue(home, &doors).unwrap();
        clock.sleep(TOKEN_LIVES.unsigned_abs());
        assert_eq!(keys.swap(&late).unwrap(), None, "too old");
        let early = issue(home, &doors).unwrap();
        clock.set(clock.now_millis() - 3_600_000);
        assert_eq!(keys.swap(&early).unwrap(), None, "made in the future");
        for wrong in ["", "x", "../page.json", &"g".repeat(64), &token.to_uppercase(), &"0".repeat(64)] {
            assert_eq!(keys.swap(wrong).unwrap(), None, "{wrong}");
            assert!(!keys.knows(wrong), "{wrong}");
        }
    }

    #[test]
    fn keys_outlive_the_agent_but_not_the_port() {
        let (room, clock, doors) = room();
        let home = room.path();
        let keys = Keys::begin(home, &doors, 40_000).unwrap();
        let key = keys.swap(&issue(home, &doors).unwrap()).unwrap().unwrap();
        let text = std::fs::read_to_string(file(home)).unwrap();
        assert!(!text.contains(&key), "only its hash is kept");
        drop(keys);
        assert_eq!((last_port(home), served_at(home)), (40_000, Some(40_000)));
        let keys = Keys::begin(home, &doors, 40_000).unwrap();
        assert!(keys.knows(&key), "after a restart");
        clock.sleep(KEY_LIVES.unsigned_abs() - 1);
        assert!(keys.knows(&key), "used until now");
        clock.sleep(KEY_LIVES.unsigned_abs() - 1);
        assert!(keys.knows(&key), "and again");
        clock.sleep(KEY_LIVES.unsigned_abs());
        assert!(!keys.knows(&key), "not used for a week");
        clock.set(clock.now_millis() - 24 * 3_600_000);
        assert!(keys.knows(&key), "a clock set back locks nobody out");
        clock.set(clock.now_millis() + 9 * 24 * 3_600_000);
        let key = keys.swap(&issue(home, &doors).unwrap()).unwrap().unwrap();
        let moved = Keys::begin(home, &doors, 40_001).unwrap();
        assert!(!moved.knows(&key), "another port");
        std::fs::write(file(home), "{").unwrap();
        assert!(!Keys::begin(home, &doors, 40_001).unwrap().knows(&key), "a damaged file lets nobody in");
    }

    #[test]
    fn there_are_never_many() {
        let (room, clock, doors) = room();
        let home = room.path();
        let keys = Keys::begin(home, &doors, 40_000).unwrap();
        let first = keys.swap(&issue(home, &doors).unwrap()).unwrap().unwrap();
        for _ in 0..2 * MOST {
            clock.sleep(1);
            issue(home, &doors).unwrap();
        }
        assert_eq!(std::fs::read_dir(tokens(home)).unwrap().count(), MOST);
        for _ in 0..MOST {
            clock.sleep(1);
            keys.swap(&issue(home, &doors).unwrap()).unwrap().unwrap();
        }
        assert_eq!(read(home).keys.len(), MOST);
        assert!(!keys.knows(&first), "the one not used for longest goes first");
    }

    #[test]
    fn a_page_nobody_serves_is_nowhere() {
        let (room, _, doors) = room();
        assert_eq!(served_at(room.path()), None);
        drop(Keys::begin(room.path(), &doors, 40_000).unwrap());
        let mut kept = read(room.path());
        kept.serving = Some(ProcessId { pid: std::process::id(), started: "another".to_owned() });
        std::fs::write(file(room.path()), serde_json::to_string(&kept).unwrap()).unwrap();
        assert_eq!(served_at(room.path()), None, "the port may be somebody else's by now");
    }
}
