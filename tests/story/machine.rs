//! One machine as a person has it: a state root, a working folder, a home of its own, and a share that may be
//! another machine's too. Everything is done with the real program and plain file calls; nothing of kitbag's insides
//! is used. Each call of the program is checked for the house rules of output: no crash, no escape characters, and
//! with `--json` exactly one document.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// All files below a folder: path with `/`, bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl fmt::Debug for Files {
    /// Short: large files are named by their size.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |bytes: &Vec<u8>| match std::str::from_utf8(bytes) {
            Ok(text) if text.len() < 400 => format!("{text:?}"),
            _ => format!("{} bytes beginning {:?}", bytes.len(), &bytes[..bytes.len().min(8)]),
        };
        f.debug_map().entries(self.0.iter().map(|(path, bytes)| (path, short(bytes)))).finish()
    }
}

/// What one call of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub args: Vec<String>,
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The exit code is one of these.
    #[track_caller]
    pub fn exits(self, allowed: &[i32]) -> Self {
        assert!(allowed.contains(&self.status), "{:?}: expected exit {allowed:?}: {self:#?}", self.args);
        self
    }

    /// The document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("no single document ({e}): {self:#?}"))
    }

    /// Bad news has three parts; these words stand in it.
    #[track_caller]
    pub fn explains(&self, words: &[&str]) {
        // what was done before may have been told: lines that end in an ellipsis
        let news = self.stderr.lines().find(|line| !line.ends_with(" …")).unwrap_or_default();
        assert!(news.starts_with("kitbag: "), "says what: {self:#?}");
        assert!(self.stderr.contains("  To do: "), "says what to do: {self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing: {self:#?}");
        }
    }
}

/// One installation.
pub struct Machine {
    pub name: String,
    pub home: PathBuf,
    pub user: PathBuf,
    pub work: PathBuf,
    pub share: PathBuf,
    pub settings: Vec<String>,
    /// Variables of its surroundings, beside HOME and PATH or in their place.
    pub variables: BTreeMap<String, String>,
    /// The program, where it is another file or another user's: what is run, and its first words.
    acts: Option<Vec<std::ffi::OsString>>,
}

impl Machine {
    /// A machine below `root` with everything of its own; nothing is set up yet.
    pub fn new(root: &Path, name: &str, share: &Path) -> Self {
        let own = root.join(name);
        let user = own.join("user");
        fs::create_dir_all(&user).unwrap();
        Machine {
            name: name.into(),
            home: own.join("state"),
            user,
            work: own.join("work"),
            share: share.to_owned(),
            // tests write into nobody's keychain
            settings: [
                "sync.absence_wait_seconds=0",
                "sync.outside_settle_seconds=1",
                "secrets.keychain=false",
                // and leave nothing running
                "agent.start=false",
            ]
            .map(Into::into)
            .into(),
            variables: BTreeMap::new(),
            acts: None,
        }
    }

    /// Run this copy of the program as another user, with one more group. Only root can.
    #[cfg(target_os = "linux")]
    pub fn acts_as(&mut self, program: &Path, user: u32, group: u32) {
        let words = [
            "setpriv".into(),
            format!("--reuid={user}"),
            format!("--regid={user}"),
            format!("--groups={group}"),
        ];
        let words = words.into_iter().map(Into::into).chain([program.as_os_str().to_owned()]);
        self.acts = Some(words.collect());
    }

    /// Run this copy of the program.
    pub fn uses(&mut self, program: &Path) {
        self.acts = Some(vec![program.as_os_str().to_owned()]);
    }

    /// The same with a setting in place of what it had.
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.set(key, value);
        self
    }

    pub fn set(&mut self, key: &str, value: impl fmt::Display) {
        self.settings.retain(|setting| !setting.starts_with(&format!("{key}=")));
        self.settings.push(format!("{key}={value}"));
    }

    /// The program with this machine's surroundings, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let usual = [env!("CARGO_BIN_EXE_kitbag").into()];
        let words = self.acts.as_deref().unwrap_or(&usual);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command.env_clear().env("HOME", &self.user).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(&self.variables);
        command.env("RUST_BACKTRACE", "1").current_dir(&self.user).arg("--home").arg(&self.home);
        for setting in &self.settings {
            command.arg("--config").arg(setting);
        }
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Run the program to its end.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Ran {
        self.ended(args, self.command(args).output().unwrap())
    }

    /// Start the program with what it says kept, for [`Machine::ended`].
    pub fn begin(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// What a run came to.
    #[track_caller]
    pub fn ended(&self, args: &[&str], output: Output) -> Ran {
        let ran = Ran {
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!((0..=5).contains(&ran.status), "{}: no exit of the contract: {ran:#?}", self.name);
        let escape = |c: char| c.is_control() && c != '\n';
        assert!(!ran.stdout.contains(escape) && !ran.stderr.contains(escape), "raw controls: {ran:#?}");
        if args.contains(&"--json") && ran.status != 1 && ran.status != 5 {
            ran.json();
        }
        ran
    }

    /// Start the program and leave it to itself.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// `setup` with what `self` says.
    #[track_caller]
    pub fn setup(&self) -> Ran {
        let (share, work) = (self.share.to_str().unwrap(), self.work.to_str().unwrap());
        self.run(&["--json", "setup", "--share", share, "--work", work, "--machine", &self.name])
    }

    /// One sync with nothing open afterwards; its report.
    #[track_caller]
    pub fn sync(&self) -> Value {
        self.run(&["--json", "sync"]).exits(&[0]).json()
    }

    /// The open questions, whatever the exit code.
    #[track_caller]
    pub fn conflicts(&self) -> Value {
        self.run(&["--json", "conflicts"]).exits(&[0, 1, 3]).json()
    }

    /// Save a file in the working folder, as an editor does.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        write(&self.work.join(path), bytes);
    }

    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        read(&self.work.join(path))
    }

    #[track_caller]
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path).unwrap_or_else(|| panic!("{} has no {path}", self.name))).unwrap()
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.work.join(path)).unwrap();
    }

    /// The person's files in the working folder. What was swapped out rests under a temporary name until the next
    /// sync and is no file of theirs.
    pub fn files(&self) -> Files {
        let mut files = tree(&self.work);
        files.0.retain(|path, _| path != ".kitbag-folder" && !path.contains(".~kitbag-"));
        files
    }

    /// The plain files in the share.
    pub fn mirror(&self) -> Files {
        let mut files = tree(&self.share);
        files.0.retain(|path, _| !path.starts_with(".kitbag/") && !path.contains(".~kitbag-"));
        files
    }
}

/// Two machines set up with one share; the first begins with these files.
pub fn pair(root: &Path, files: &[(&str, &[u8])]) -> (Machine, Machine) {
    let share = root.join("share");
    let (a, b) = (Machine::new(root, "HOME-PC", &share), Machine::new(root, "WORK-PC", &share));
    for (path, bytes) in files {
        a.write(path, bytes);
    }
    a.setup().exits(&[0]);
    b.setup().exits(&[0]);
    assert_eq!(a.files(), b.files());
    (a, b)
}

/// An empty folder of its own, gone when dropped.
pub fn room() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("kitbag-test-").tempdir().unwrap()
}

pub fn write(file: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

pub fn read(file: &Path) -> Option<Vec<u8>> {
    match fs::read(file) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => panic!("{}: {error}", file.display()),
    }
}

/// A copy of the program, to be run from there. A process of its own writes it: what this one has open for writing goes
/// over to every program another test starts just then, and a file that is open for writing cannot be run.
pub fn copy_program(to: &Path) {
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_kitbag")).arg(to).status().unwrap();
    assert!(copied.success());
}

/// Copy what is below one folder to another, over what is there.
pub fn copy(from: &Path, to: &Path) {
    for (path, bytes) in tree(from).0 {
        write(&to.join(path), bytes);
    }
}

/// All plain files below a folder. Names that are no text are left out, links are not followed.
pub fn tree(root: &Path) -> Files {
    fn walk(folder: &Path, above: &str, files: &mut Files) {
        let Ok(items) = fs::read_dir(folder) else { return };
        for item in items.map(Result::unwrap) {
            let Ok(name) = item.file_name().into_string() else { continue };
            let path = format!("{above}{name}");
            let kind = item.file_type().unwrap();
            if kind.is_dir() {
                walk(&item.path(), &format!("{path}/"), files);
            } else if kind.is_file() {
                files.0.extend(read(&item.path()).map(|bytes| (path, bytes)));
            }
        }
    }
    let mut files = Files::default();
    walk(root, "", &mut files);
    files
}

/// Empty a folder, hidden files too; the folder itself stays.
pub fn empty(folder: &Path) {
    for item in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if item.file_type().unwrap().is_dir() {
            fs::remove_dir_all(item.path()).unwrap();
        } else {
            fs::remove_file(item.path()).unwrap();
        }
    }
}

/// Bytes that do not compress, the same each time.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&chance.next().to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Reproducible chance: SplitMix64 (Steele, Lea, Flood 2014).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678_9ABC_DEF0)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// True `percent` times in a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}
