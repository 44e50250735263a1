//! What strace saw, and the points to kill at. A point is the state of the disks between two calls that change them;
//! it is reached by killing at the second of them, or at any other call between the two. strace counts the calls
//! of each name for each thread by itself, so "the 7th `write`" strikes in the thread that gets there first: for each
//! point a call is chosen that strikes where it should, following all threads or the main one only.

use std::collections::{BTreeMap, HashMap, HashSet};

/// Calls that change a disk, whatever their arguments, where these name a file of the test.
const CHANGES: [&str; 26] = [
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "fsync",
    "fdatasync",
    "syncfs",
    "sync_file_range",
    "ftruncate",
    "fallocate",
    "copy_file_range",
    "sendfile",
    "utimensat",
    "fchmod",
    "fchmodat",
    "link",
    "linkat",
    "symlink",
];

/// Calls that change one by what their arguments say.
const MAY_CHANGE: [(&str, &[&str]); 4] = [
    ("open", &["O_CREAT", "O_TRUNC"]),
    ("openat", &["O_CREAT", "O_TRUNC"]),
    ("creat", &[""]),
    ("ioctl", &["FICLONE"]),
];

/// How often these are called depends on the weather.
const UNSTEADY: [&str; 14] = [
    "futex",
    "sched_yield",
    "brk",
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "rt_sigprocmask",
    "sigaltstack",
    "clone",
    "clone3",
    "exit",
    "exit_group",
];

/// What to give strace to see every call that changes a disk.
pub fn changing() -> String {
    let all = CHANGES.iter().copied().chain(MAY_CHANGE.map(|(name, _)| name));
    all.collect::<Vec<_>>().join(",")
}

/// A call as it stands in the log.
struct Call<'l> {
    thread: &'l str,
    name: &'l str,
    changes: bool,
    /// It has come back.
    done: bool,
    line: &'l str,
}

/// A place to kill at.
#[derive(Debug)]
pub struct Point {
    /// How many calls that change a disk come before, in all threads.
    pub index: usize,
    /// How many of them in the main thread.
    pub in_main: usize,
    /// Kill at the so many-th call of this name,
    pub call: String,
    /// counted from 1,
    pub nth: usize,
    /// in whichever thread gets there first, or in the main thread only.
    pub follow: bool,
    /// The call that is never made.
    #[allow(dead_code, reason = "shown when the point fails")]
    pub spared: String,
}

/// All points of one run.
pub struct Points {
    /// Those that can be struck.
    pub points: Vec<Point>,
    /// How many calls change a disk.
    pub calls: usize,
}

/// The calls in a log, in their order. `root` is in the arguments of those that count.
fn calls<'l>(log: &'l str, root: &str) -> Vec<Call<'l>> {
    let mut calls: Vec<Call<'l>> = Vec::new();
    let mut open: HashMap<&str, usize> = HashMap::new();
    for line in log.lines() {
        let start = line.find(|c: char| !c.is_ascii_digit() && c != ' ').unwrap_or(0);
        let (thread, rest) = (line[..start].trim(), &line[start..]);
        if rest.starts_with("<... ") {
            if let Some(at) = open.remove(thread) {
                calls[at].done = !rest.ends_with("= ?");
            }
            continue;
        }
        let Some((name, arguments)) = rest.split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            continue;
        }
        let by_words = MAY_CHANGE.iter().find(|(may, _)| *may == name);
        let changes = match by_words {
            Some((_, words)) => words.iter().any(|word| arguments.contains(word)),
            None => CHANGES.contains(&name) && arguments.contains(root),
        };
        let unfinished = rest.ends_with("<unfinished ...>");
        if unfinished {
            open.insert(thread, calls.len());
        }
        let done = !unfinished && !rest.ends_with("= ?");
        calls.push(Call { thread, name, changes, done, line: rest });
    }
    calls
}

/// The points of a whole run, followed through all its threads.
pub fn points(log: &str, root: &str) -> Points {
    let calls = calls(log, root);
    let main = calls.first().map(|call| call.thread).unwrap_or_default();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let (mut taken, mut found) = (HashSet::new(), Vec::new());
    let (mut index, mut in_main) = (0, 0);
    // a call since the last change that strikes where it should
    let mut strikes: Option<(String, usize, bool)> = None;
    for call in &calls {
        let nth = counts.entry((call.thread, call.name)).or_default();
        *nth += 1;
        let first = taken.insert((call.name, *nth));
        if !UNSTEADY.contains(&call.name) && (first || call.thread == main) {
            let striking = (call.name.to_owned(), *nth, first);
            // the nearest is best, and the call itself before all others
            strikes = Some(striking);
        }
        if call.changes {
            if let Some((name, nth, follow)) = strikes.take() {
                let spared = call.line.chars().take(300).collect();
                found.push(Point { index, in_main, call: name, nth, follow, spared });
            }
            index += 1;
            in_main += usize::from(call.thread == main);
        }
    }
    Points { points: found, calls: index }
}

/// How many calls that change a disk were made before the end.
pub fn made(log: &str, root: &str) -> usize {
    calls(log, root).iter().filter(|call| call.changes && call.done).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"7 execve("/bin/kitbag", ["kitbag"], 0x7ffd /* 1 var */) = 0
7 openat(AT_FDCWD</>, "/etc/passwd", O_RDONLY) = 3</etc/passwd>
7 write(1</dev/null>, "", 3) = 3
7 openat(AT_FDCWD</>, "/r/a", O_WRONLY|O_CREAT) = 3</r/a>
7 write(3</r/a>, "", 3) = 3
7 futex(0x1, FUTEX_WAIT <unfinished ...>
8 mkdir("/r/d", 0777) = 0
8 write(4</r/b>, "", 3 <unfinished ...>
7 <... futex resumed>) = 0
8 <... write resumed>) = 3
8 write(4</r/b>, "", 3) = 3
8 write(4</r/b>, "", 3) = 3
7 mkdir("/r/e", 0777 <unfinished ...>
7 +++ killed by SIGKILL +++
"#;

    #[test]
    fn points_are_struck_where_they_should() {
        let Points { points, calls } = points(LOG, "/r/");
        assert_eq!(calls, 7);
        let told: Vec<_> =
            points.iter().map(|p| (p.index, p.in_main, p.call.as_str(), p.nth, p.follow)).collect();
        // the first two writes of thread 8 cannot be told from those of the main thread
        assert_eq!(
            told,
            [
                (0, 0, "openat", 2, true),
                (1, 1, "write", 2, true),
                (2, 2, "mkdir", 1, true),
                (5, 2, "write", 3, true),
                (6, 2, "mkdir", 1, false)
            ]
        );
    }

    #[test]
    fn a_call_that_never_came_back_was_not_made() {
        assert_eq!(made(LOG, "/r/"), 6);
    }
}
