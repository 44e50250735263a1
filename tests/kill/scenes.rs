//! What happens while it is killed: work that is put into the share, work that is brought from it, what is cleared away
//! after that, a workspace that is made, and a machine that joins. Each scene says how it begins and how it must end.

use crate::machine::{Files, Machine, noise};

/// What the person adds after a crash.
pub const EDIT: &str = "added after the crash\n";

/// From two machines with nothing to the moment before.
type Prepare = Box<dyn Fn(&Machine, &Machine) + Sync>;

pub struct Scene {
    pub name: &'static str,
    pub prepare: Prepare,
    /// Who is killed.
    pub victim_is_second: bool,
    /// Killed in `setup`, else in `sync`.
    pub in_setup: bool,
    /// The other machine comes only when all is done.
    pub other_joins_after: bool,
    /// A file the person goes on with.
    pub edited: Option<&'static str>,
    /// What both show in the end.
    pub after: Files,
    /// Fewer calls that change a disk than that, and the scene shows nothing.
    pub least_calls: usize,
    /// So many of a hundred of them strace can tell apart, at the least.
    pub least_apart: usize,
}

/// The words of `setup`.
pub fn setup(machine: &Machine) -> Vec<&str> {
    let (share, work) = (machine.share.to_str().unwrap(), machine.work.to_str().unwrap());
    vec!["setup", "--share", share, "--work", work, "--machine", &machine.name]
}

impl Scene {
    /// What is killed.
    pub fn args<'m>(&self, victim: &'m Machine) -> Vec<&'m str> {
        if self.in_setup { setup(victim) } else { vec!["sync"] }
    }
}

pub fn plus(text: &[u8], line: &str) -> Vec<u8> {
    [text, line.as_bytes()].concat()
}

fn text(n: usize) -> Vec<u8> {
    (0..12).flat_map(|line| format!("line {line} of file {n}\n").into_bytes()).collect()
}

fn path(kind: &str, n: usize) -> String {
    format!("{kind}/part {}/file {n}.txt", n % 10)
}

fn some(kind: &str, count: usize) -> Vec<(String, Vec<u8>)> {
    (0..count).map(|n| (path(kind, n), text(n))).collect()
}

fn save(machine: &Machine, files: &[(String, Vec<u8>)]) {
    for (path, bytes) in files {
        machine.write(path, bytes);
    }
}

fn files(all: impl IntoIterator<Item = (String, Vec<u8>)>) -> Files {
    Files(all.into_iter().collect())
}

/// A file of several pieces, and an empty one.
fn odd() -> Vec<(String, Vec<u8>)> {
    vec![("odd/large.bin".into(), noise(1_500_000, 7)), ("odd/empty.txt".into(), Vec::new())]
}

/// 200 new files, some of them odd, one edit.
pub fn publishing() -> Scene {
    let new: Vec<_> = some("new", 197).into_iter().chain(odd()).collect();
    let old = some("old", 1);
    let changed = (old[0].0.clone(), plus(&old[0].1, "more\n"));
    let after = files(new.iter().cloned().chain([changed.clone()]));
    let prepare = move |a: &Machine, b: &Machine| {
        save(a, &old);
        a.setup().exits(&[0]);
        b.setup().exits(&[0]);
        a.sync();
        save(a, &new);
        save(a, std::slice::from_ref(&changed));
    };
    Scene {
        name: "200 files are published",
        prepare: Box::new(prepare),
        victim_is_second: false,
        in_setup: false,
        other_joins_after: false,
        edited: Some("old/part 0/file 0.txt"),
        after,
        least_calls: 800,
        least_apart: 98,
    }
}

/// One machine published 200 new files, 20 removals and 25 edits; on the other, 5 of these were edited too.
fn prepare_receiving(a: &Machine, b: &Machine) {
    save(a, &[some("gone", 20), some("changed", 20), some("merged", 5), some("stays", 60)].concat());
    a.setup().exits(&[0]);
    b.setup().exits(&[0]);
    a.sync();
    save(a, &some("new", 198));
    save(a, &odd());
    for n in 0..20 {
        a.remove(&path("gone", n));
        a.write(&path("changed", n), [b"a new first line\n".as_slice(), &text(n)].concat());
    }
    for n in 0..5 {
        a.write(&path("merged", n), [b"at the top, by A\n".as_slice(), &text(n)].concat());
        b.write(&path("merged", n), plus(&text(n), "at the end, by B\n"));
    }
    a.sync();
}

fn received() -> Files {
    let top = |line: &str, n: usize| [line.as_bytes(), &text(n)].concat();
    let changed = (0..20).map(|n| (path("changed", n), top("a new first line\n", n)));
    let merged =
        (0..5).map(|n| (path("merged", n), plus(&top("at the top, by A\n", n), "at the end, by B\n")));
    let rest = some("new", 198).into_iter().chain(odd()).chain(some("stays", 60));
    files(rest.chain(changed).chain(merged))
}

/// All of that comes.
pub fn receiving() -> Scene {
    Scene {
        name: "200 files are received",
        prepare: Box::new(prepare_receiving),
        victim_is_second: true,
        in_setup: false,
        other_joins_after: false,
        edited: Some("changed/part 3/file 3.txt"),
        after: received(),
        least_calls: 1_000,
        least_apart: 98,
    }
}

/// All of that has come.
pub fn clearing() -> Scene {
    let prepare = |a: &Machine, b: &Machine| {
        prepare_receiving(a, b);
        b.sync();
    };
    Scene {
        name: "what was swapped out is cleared",
        prepare: Box::new(prepare),
        least_calls: 100,
        ..receiving()
    }
}

/// A workspace is made out of a folder with work in it.
pub fn making() -> Scene {
    let work: Vec<_> = some("work", 10).into_iter().chain(odd()).collect();
    let after = files(work.clone());
    Scene {
        name: "a workspace is made",
        prepare: Box::new(move |a: &Machine, _: &Machine| save(a, &work)),
        victim_is_second: false,
        in_setup: true,
        other_joins_after: true,
        edited: Some("work/part 3/file 3.txt"),
        after,
        least_calls: 200,
        least_apart: 85,
    }
}

/// Another machine joins it, with work of its own.
pub fn joining() -> Scene {
    let (theirs, ours) = (some("work", 20), some("mine", 5));
    let after = files(theirs.iter().chain(&ours).cloned());
    let prepare = move |a: &Machine, b: &Machine| {
        save(a, &theirs);
        save(b, &ours);
        a.setup().exits(&[0]);
    };
    Scene {
        name: "a machine joins",
        prepare: Box::new(prepare),
        victim_is_second: true,
        in_setup: true,
        other_joins_after: false,
        edited: Some("mine/part 3/file 3.txt"),
        after,
        least_calls: 200,
        least_apart: 85,
    }
}
