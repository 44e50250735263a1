//! The real git with kitbag for its notebooks, set up as `kitbag merge --help` says. Where no git is that is said, and in
//! CI it is a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{BASE, notebook, sources};
use crate::machine::room;

/// A repository of its own with a person who works in it.
struct Repository {
    room: tempfile::TempDir,
}

const FILE: &str = "report one.ipynb";

impl Repository {
    /// With kitbag in git's settings, and its driver for notebooks where `driver`. None where there is no git.
    fn new(driver: bool) -> Option<Self> {
        let there = Command::new("git").arg("--version").output().is_ok_and(|ran| ran.status.success());
        assert!(there || std::env::var_os("CI").is_none(), "git is not here");
        if !there {
            eprintln!("NOT TESTED: git is not here");
            return None;
        }
        let repository = Repository { room: room() };
        fs::create_dir(repository.folder()).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        // the help's own words, as a person would copy them
        let help = Command::new(env!("CARGO_BIN_EXE_kitbag")).args(["merge", "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let lines: Vec<_> = help.lines().filter(|line| line.contains("git config --global")).collect();
        assert_eq!(lines.len(), 3, "{help}");
        let script = lines.join("\n");
        assert!(repository.command("sh").args(["-ec", &script]).status().unwrap().success(), "{script}");
        let attributes = help.lines().find(|line| line.contains("merge=kitbag")).unwrap().trim();
        if driver {
            fs::write(repository.folder().join(".gitattributes"), format!("{attributes}\n")).unwrap();
        }
        Some(repository)
    }

    fn folder(&self) -> PathBuf {
        self.room.path().join("work")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let kitbag = Path::new(env!("CARGO_BIN_EXE_kitbag")).parent().unwrap();
        let mut path = vec![kitbag.to_owned()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        command.current_dir(self.folder()).env_clear().env("PATH", std::env::join_paths(path).unwrap());
        command.env("HOME", self.room.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.org");
        }
        command
    }

    fn try_git(&self, words: &[&str]) -> Output {
        self.command("git").args(words).output().unwrap()
    }

    #[track_caller]
    fn git(&self, words: &[&str]) -> String {
        let ran = self.try_git(words);
        assert!(ran.status.success(), "{words:?}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    }

    fn read(&self) -> Vec<u8> {
        fs::read(self.folder().join(FILE)).unwrap()
    }

    #[track_caller]
    fn save(&self, bytes: &str) {
        fs::write(self.folder().join(FILE), bytes).unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=saved"]);
    }

    /// A base, if there is one, and what two branches made of it; on the first of them.
    #[track_caller]
    fn branches(&self, base: Option<&str>, ours: &str, theirs: &str) {
        self.git(&["commit", "--quiet", "--allow-empty", "--message=begun"]);
        if let Some(base) = base {
            self.save(base);
        }
        self.git(&["branch", "theirs"]);
        self.save(ours);
        self.git(&["checkout", "--quiet", "theirs"]);
        self.save(theirs);
        self.git(&["checkout", "--quiet", "main"]);
    }

    /// What git thinks of the file, in its two letters.
    fn state(&self) -> String {
        self.git(&["status", "--porcelain", FILE]).chars().take(2).collect()
    }
}

fn kinds(bytes: &[u8]) -> Vec<String> {
    sources(bytes).into_iter().map(|(kind, _)| kind).collect()
}

const RUN: &[(&str, &str, &str)] = &[("aaaa", "x = 1\nprint(x)\n", "one"), BASE[1]];
const OURS: &[(&str, &str, &str)] = &[("aaaa", "x = 10\nprint(x)\n", "10"), BASE[1]];
const THEIRS: &[(&str, &str, &str)] = &[("aaaa", "x = 20\nprint(x)\n", "20"), BASE[1]];
const ADDED: &[(&str, &str, &str)] = &[BASE[0], BASE[1], ("cccc", "z = 3\n", "")];

/// Its merge driver: a clean merge is committed by git itself, outputs of both sides do not hinder it; a conflict is
/// left to the person, in a notebook that opens; two files of one name made apart, and a damaged side.
#[test]
fn git_merges_notebooks_by_the_driver() {
    let Some(clean) = Repository::new(true) else { return };
    clean.branches(Some(&notebook(BASE)), &notebook(OURS), &notebook(ADDED));
    let said = clean.git(&["merge", "--quiet", "theirs"]);
    assert!(said.contains("1 cell edited") && said.contains("1 cell new"), "{said}");
    assert_eq!(clean.read(), notebook(&[OURS[0], BASE[1], ADDED[2]]).as_bytes());
    assert_eq!((clean.git(&["status", "--porcelain"]), clean.state()), (String::new(), String::new()));

    let runs = Repository::new(true).unwrap();
    runs.branches(Some(&notebook(BASE)), &notebook(RUN), &notebook(OURS));
    runs.git(&["merge", "--quiet", "theirs"]);
    assert_eq!(runs.state(), "");

    let open = Repository::new(true).unwrap();
    open.branches(Some(&notebook(BASE)), &notebook(OURS), &notebook(THEIRS));
    let ran = open.try_git(&["merge", "theirs"]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert_eq!(
        (open.state(), kinds(&open.read())),
        ("UU".into(), vec!["code".into(), "raw".into(), "code".into()])
    );
    assert!(String::from_utf8(ran.stdout).unwrap().contains("left: x = 10"));

    let apart = Repository::new(true).unwrap();
    apart.branches(None, &notebook(OURS), &notebook(ADDED));
    let ran = apart.try_git(&["merge", "theirs"]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert_eq!((apart.state(), kinds(&apart.read()).len()), ("AA".into(), 4));

    let damaged = Repository::new(true).unwrap();
    damaged.branches(Some(&notebook(BASE)), &notebook(OURS), &notebook(THEIRS)[..200]);
    let ran = damaged.try_git(&["merge", "theirs"]);
    assert_eq!((ran.status.code(), damaged.state()), (Some(1), "UU".into()), "{ran:?}");
    assert_eq!(damaged.read(), notebook(OURS).as_bytes(), "what was there stays");
    assert!(String::from_utf8(ran.stderr).unwrap().contains("damaged in line"));
}

/// Its merge tool: after git's own merge has put its markers into the notebook. What is clean is settled; what is not
/// stays open and is a notebook again.
#[test]
fn git_merges_notebooks_by_the_tool() {
    let Some(clean) = Repository::new(false) else { return };
    clean.branches(Some(&notebook(BASE)), &notebook(RUN), &notebook(OURS));
    assert_eq!(clean.try_git(&["merge", "--quiet", "theirs"]).status.code(), Some(1));
    assert!(clean.read().windows(7).any(|seven| seven == b"<<<<<<<"), "git's own merge cannot do it");
    clean.git(&["mergetool", "--no-prompt", "--tool=kitbag"]);
    assert_eq!((clean.state(), clean.read()), ("M ".into(), notebook(OURS).into_bytes()));

    let open = Repository::new(false).unwrap();
    open.branches(Some(&notebook(BASE)), &notebook(OURS), &notebook(THEIRS));
    assert_eq!(open.try_git(&["merge", "--quiet", "theirs"]).status.code(), Some(1));
    // nobody says whether to go on
    let ran = open.try_git(&["mergetool", "--no-prompt", "--tool=kitbag"]);
    assert!(!ran.status.success(), "{ran:?}");
    assert_eq!(open.state(), "UU");

    let apart = Repository::new(false).unwrap();
    apart.branches(None, &notebook(BASE), &notebook(ADDED));
    assert_eq!(apart.try_git(&["merge", "--quiet", "theirs"]).status.code(), Some(1));
    apart.git(&["mergetool", "--no-prompt", "--tool=kitbag"]);
    assert_eq!((apart.state(), sources(&apart.read()).len()), ("M ".into(), 3));
}
