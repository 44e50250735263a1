//! One place to try points in, one after the other: two machines and their share in memory, taken back to the same
//! beginning each time, killed, and brought to rest again. The folders themselves stay, since a ledger is
//! bound to the very folder it was made with; only what is in them is put back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::machine::{Files, Machine, read, tree};
use crate::points::{self, Point, Points};
use crate::scenes::{EDIT, Scene, plus, setup};

/// A folder's content: folders, and files with their bytes and times.
type Snapshot = BTreeMap<PathBuf, Option<(Vec<u8>, SystemTime)>>;

pub struct Slot<'s> {
    scene: &'s Scene,
    root: tempfile::TempDir,
    /// The one that is killed, and the other.
    victim: Machine,
    other: Machine,
    before: Vec<(PathBuf, Snapshot)>,
    /// What may stand at a path at any moment.
    allowed: BTreeMap<String, Vec<Vec<u8>>>,
}

impl<'s> Slot<'s> {
    /// Two machines at the scene's beginning.
    pub fn new(scene: &'s Scene) -> Self {
        // in memory, where the system has such a place
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let root = tempfile::Builder::new().prefix("kitbag-kill-").tempdir_in(place).unwrap();
        let share = root.path().join("share");
        let machine = |name| {
            let machine = Machine::new(root.path(), name, &share).with("sync.threads", 1);
            machine.with("sync.outside_settle_seconds", 0)
        };
        let (a, b) = (machine("HOME-PC"), machine("WORK-PC"));
        let mut allowed: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        let mut also = |files: Files| {
            for (path, bytes) in files.0 {
                allowed.entry(path).or_default().push(bytes);
            }
        };
        (scene.prepare)(&a, &b);
        let (victim, other) = if scene.victim_is_second { (b, a) } else { (a, b) };
        [victim.files(), other.files(), victim.mirror(), scene.after.clone()].into_iter().for_each(&mut also);
        let folders = [&victim.home, &victim.work, &other.home, &other.work, &share];
        let before = folders.map(|folder| (folder.clone(), snapshot(folder))).into();
        Slot { scene, root, victim, other, before, allowed }
    }

    fn root(&self) -> String {
        format!("{}/", self.root.path().display())
    }

    fn restore(&self) {
        for (folder, snapshot) in &self.before {
            restore(folder, snapshot);
        }
    }

    fn strace(&self, options: &[String]) -> (Option<i32>, String) {
        let log = self.root.path().join("strace.log");
        let program = self.victim.command(&self.scene.args(&self.victim));
        let mut strace = Command::new("strace");
        strace.args(["-y", "-s", "0", "-o"]).arg(&log).args(options);
        strace.arg(program.get_program()).args(program.get_args()).current_dir(&self.victim.user);
        strace.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let status =
            strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        (status.signal(), String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned())
    }

    /// Watch the whole of it.
    pub fn watch(&self) -> Points {
        self.restore();
        let (killed, log) = self.strace(&["-f".into()]);
        assert_eq!(killed, None, "{}", self.scene.name);
        self.judge_while(&Files::default()).unwrap();
        self.come_to_rest(self.scene.after.clone()).unwrap();
        points::points(&log, &self.root())
    }

    /// Kill it at a point and bring both machines to rest. The index of the point that was really hit; none when it
    /// came to its end.
    pub fn kill_and_recover(&self, point: &Point) -> Result<Option<usize>, String> {
        self.restore();
        let shown = self.victim.files();
        let Point { call, nth, follow, .. } = point;
        let mut options = vec![
            "-e".into(),
            format!("trace={},{call}", points::changing()),
            "-e".into(),
            format!("inject={call}:signal=SIGKILL:when={nth}"),
        ];
        if *follow {
            // no --seccomp-bpf: with it, strace 6.1 gives the signal away
            options.push("-f".into());
        }
        let (killed, log) = self.strace(&options);
        self.judge_while(&shown)?;
        // the person does not know of the crash and goes on working
        let mut after = self.scene.after.clone();
        if let Some(path) = self.scene.edited
            && point.index % 2 == 1
        {
            let text = self.victim.read(path).ok_or("the file to edit is gone")?;
            self.victim.write(path, plus(&text, EDIT));
            after.0.insert(path.to_owned(), plus(&after.0[path], EDIT));
        }
        self.come_to_rest(after)?;
        if killed != Some(9) {
            return Ok(None);
        }
        let made = points::made(&log, &self.root());
        Ok(match follow {
            true => Some(made),
            // the other threads were not seen
            false => (made == point.in_main).then_some(point.index),
        })
    }

    /// No file by halves, and none gone that stays.
    fn judge_while(&self, shown: &Files) -> Result<(), String> {
        for (place, files) in
            [("working folder", self.victim.files()), ("cloud folder", self.victim.mirror())]
        {
            for (path, bytes) in files.0 {
                if !self.allowed.get(&path).is_some_and(|allowed| allowed.contains(&bytes)) {
                    return Err(format!("{place}: {path} holds {:?}", String::from_utf8_lossy(&bytes)));
                }
            }
        }
        for path in shown.0.keys().filter(|path| self.scene.after.0.contains_key(*path)) {
            if read(&self.victim.work.join(path)).is_none() {
                return Err(format!("{path} is gone"));
            }
        }
        Ok(())
    }

    fn come_to_rest(&self, expected: Files) -> Result<(), String> {
        let run = |at: &Machine, args: &[&str]| {
            let ran = at.run(args);
            if ran.status == 0 { Ok(ran) } else { Err(format!("{}: {ran:#?}", at.name)) }
        };
        if self.scene.in_setup {
            // the same once more; if it was killed late there is nothing left to set up
            let ran = self.victim.run(&setup(&self.victim));
            if ran.status != 0 && !ran.stderr.contains("is set up here already") {
                return Err(format!("{}: {ran:#?}", self.victim.name));
            }
        }
        run(&self.victim, &["sync"])?;
        if self.scene.other_joins_after {
            run(&self.other, &setup(&self.other))?;
        }
        for machine in [&self.victim, &self.other, &self.victim] {
            run(machine, &["sync"])?;
        }
        for machine in [&self.other, &self.victim] {
            let report = run(machine, &["--json", "sync"])?.json();
            if report["bytes_published"] != 0 || report["pending"] != 0 || report["received"] != 0 {
                return Err(format!("{} does not come to rest: {report:#}", machine.name));
            }
        }
        let all = [self.victim.files(), self.other.files(), self.victim.mirror()];
        if let Some(wrong) = all.iter().find(|files| **files != expected) {
            return Err(format!("wrong in the end: {}", difference(wrong, &expected)));
        }
        let places = [&self.victim.home, &self.victim.work, &self.other.work, &self.victim.share];
        let left: Vec<_> = places
            .into_iter()
            .flat_map(|place| tree(place).0.into_keys())
            .filter(|path| path.contains(".~kitbag-"))
            .collect();
        if left.is_empty() { Ok(()) } else { Err(format!("left lying about: {left:?}")) }
    }
}

fn difference(there: &Files, expected: &Files) -> String {
    let paths = there.0.keys().chain(expected.0.keys());
    let mut differ: Vec<_> = paths.filter(|path| there.0.get(*path) != expected.0.get(*path)).collect();
    differ.dedup();
    let text = |files: &Files, path: &str| {
        files.0.get(path).map(|bytes| String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned())
    };
    let some = differ
        .iter()
        .take(3)
        .map(|path| format!("{path}: {:?} in place of {:?}", text(there, path), text(expected, path)));
    format!("{} files, such as {}", differ.len(), some.collect::<Vec<_>>().join("; "))
}

fn snapshot(root: &Path) -> Snapshot {
    fn walk(root: &Path, below: &Path, found: &mut Snapshot) {
        let Ok(items) = fs::read_dir(root.join(below)) else { return };
        for item in items.map(Result::unwrap) {
            let path = below.join(item.file_name());
            if item.file_type().unwrap().is_dir() {
                found.insert(path.clone(), None);
                walk(root, &path, found);
            } else {
                let time = item.metadata().unwrap().modified().unwrap();
                found.insert(path.clone(), Some((fs::read(root.join(&path)).unwrap(), time)));
            }
        }
    }
    let mut found = Snapshot::new();
    walk(root, Path::new(""), &mut found);
    found
}

/// Put a folder's content back; the folder itself stays the one it is.
fn restore(root: &Path, snapshot: &Snapshot) {
    if root.is_dir() {
        crate::machine::empty(root);
    }
    if snapshot.is_empty() {
        // a folder that was not there yet is made by whoever needs it
        return;
    }
    for (path, file) in snapshot {
        let path = root.join(path);
        match file {
            None => fs::create_dir(&path).unwrap(),
            Some((bytes, time)) => {
                fs::write(&path, bytes).unwrap();
                File::options().write(true).open(&path).unwrap().set_modified(*time).unwrap();
            }
        }
    }
}
