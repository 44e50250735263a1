//! What Python, pip and uv say when they fail, in words a student can act on. All of what they said is in the log.

use std::path::Path;

use kitbag_core::finding::Finding;
use kitbag_core::path::shown;

use crate::error::{EngineError, show};

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Making an empty environment.
    Environment,
    /// Installing packages.
    Packages,
}

/// Why an environment was not made.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A program failed, and said this.
    Tool {
        /// At what.
        stage: Stage,
        /// Its last words.
        said: String,
    },
    /// Not the program's fault.
    Kitbag(EngineError),
}

/// How pip and uv say that a network cannot be reached.
const NETWORK: &[&str] = &[
    "Failed to establish a new connection",
    "NewConnectionError",
    "NameResolutionError",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Connection refused",
    "Network is unreachable",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "Read timed out",
    "ProxyError",
    "SSLError",
    "certificate verify failed",
    "dns error",
    "error sending request",
    "client error (Connect)",
    "Failed to fetch",
];
const FULL: &[&str] =
    &["No space left on device", "os error 28", "not enough space on the disk", "Disk quota exceeded"];
const NO_VENV: &[&str] = &["ensurepip is not available", "No module named venv", "No module named ensurepip"];
const NOT_FOUND: &[&str] = &[
    "No matching distribution found",
    "Could not find a version that satisfies",
    "was not found in the package registry",
    "was not found in the provided package locations",
    "No solution found",
    "there is no version of",
    "there are no versions of",
];
const OTHER_PYTHON: &[&str] =
    &["require a different python version", "requires a different Python", "does not satisfy Python"];
const BUILD: &[&str] = &["Failed building wheel", "Failed to build", "metadata-generation-failed"];
const AGAIN: &str = "Then run `kitbag up` again.";

impl Trouble {
    /// Whether another program might make the environment.
    pub(super) fn other_tool_may_help(&self) -> bool {
        match self {
            Trouble::Tool { stage, said } => *stage == Stage::Environment && !has(said, FULL),
            Trouble::Kitbag(_) => true,
        }
    }

    /// For a person.
    pub(super) fn told(self) -> EngineError {
        let (stage, said) = match self {
            Trouble::Kitbag(error) => return error,
            Trouble::Tool { stage, said } => (stage, said),
        };
        if has(&said, FULL) {
            return EngineError::Missing(Finding::new(
                "the disk is too full for the course's Python packages",
                "They lie in a folder of kitbag's own on this computer.",
                format!("Make room; `kitbag clean` shows what kitbag could give back. {AGAIN}"),
            ));
        }
        match stage {
            Stage::Environment => environment(&said),
            Stage::Packages => packages(&said),
        }
    }
}

fn environment(said: &str) -> EngineError {
    // the sentence is broken into lines
    if has(&said.split_whitespace().collect::<Vec<_>>().join(" "), NO_VENV) {
        let package = debian_package(said);
        return EngineError::Missing(Finding::new(
            "the Python of this computer cannot make an environment for the course",
            format!("A part of Python that Debian and Ubuntu ship apart is not installed: {package}."),
            format!(
                "Run `sudo apt install {package}`, or ask whoever looks after this computer to do it; without them, \
                 install uv (https://docs.astral.sh/uv), which needs no administrator. {AGAIN}"
            ),
        ));
    }
    if said.contains("No interpreter found") {
        return no_python();
    }
    if has(said, NETWORK) {
        return EngineError::Missing(Finding::new(
            "there is no Python on this computer, and none can be fetched",
            said_of(said, NETWORK),
            "Check the connection to the internet, then run `kitbag up` again. Your files are in step.",
        ));
    }
    EngineError::Missing(Finding::new(
        "the Python of this computer does not work",
        said_last(said),
        format!(
            "Install Python again (https://www.python.org), or uv (https://docs.astral.sh/uv), which brings one of its \
             own. {AGAIN} `kitbag logs python` has all it said."
        ),
    ))
}

fn packages(said: &str) -> EngineError {
    if has(said, OTHER_PYTHON) {
        return EngineError::Missing(Finding::new(
            "the course's Python packages do not go with the Python of this computer",
            said_of(said, OTHER_PYTHON),
            format!(
                "Install a newer Python (https://www.python.org), or uv (https://docs.astral.sh/uv), which brings a \
                 fitting one. {AGAIN}"
            ),
        ));
    }
    let (what, why, remedy) = if has(said, NETWORK) {
        (
            "the course's Python packages cannot be fetched",
            said_of(said, NETWORK),
            "Check the connection to the internet, then run `kitbag up` again. Your files are in step.",
        )
    } else if has(said, NOT_FOUND) {
        (
            "a Python package of the course cannot be found",
            said_of(said, NOT_FOUND),
            "Tell the course team what stands here; `kitbag logs python` has all of it. Your files are in step.",
        )
    } else if has(said, BUILD) {
        (
            "a Python package of the course cannot be built here",
            said_of(said, BUILD),
            "There is none made for this computer's Python. Another version of Python may have it; show your tutor what \
             `kitbag logs python` says. Your files are in step.",
        )
    } else {
        (
            "the course's Python packages cannot be installed",
            said_last(said),
            "Try `kitbag up` again; if it stays, show your tutor what `kitbag logs python` says. Your files are in step.",
        )
    };
    EngineError::Failed(Finding::new(what, why, remedy))
}

/// There is no program to make one.
pub(super) fn no_python() -> EngineError {
    EngineError::Missing(Finding::new(
        "Python is not installed on this computer",
        "The course's notebooks need it where there is no Docker.",
        if cfg!(target_os = "linux") {
            "Install it (`sudo apt install python3 python3-venv` on Debian and Ubuntu), or uv \
             (https://docs.astral.sh/uv), which needs no administrator. Then run `kitbag up` again."
        } else {
            "Install it from https://www.python.org, or uv (https://docs.astral.sh/uv). Neither needs an \
             administrator. Then run `kitbag up` again."
        },
    ))
}

/// It was made, and still does not start.
pub(super) fn does_not_run(folder: &Path) -> EngineError {
    EngineError::Missing(Finding::new(
        "the Python made for the course does not start",
        format!(
            "It lies in {}. The disk may not let programs run, or a program against viruses holds it.",
            show(folder)
        ),
        "Run `kitbag up` again; if it stays, show this to your tutor.",
    ))
}

fn has(said: &str, words: &[&str]) -> bool {
    words.iter().any(|word| said.contains(word))
}

/// The last line that has one of these words.
fn said_of(said: &str, words: &[&str]) -> String {
    told(said.lines().rev().find(|line| has(line, words)).unwrap_or_default())
}

fn said_last(said: &str) -> String {
    let lines = || said.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    told(
        lines()
            .find(|line| line.to_ascii_lowercase().starts_with("error"))
            .or(lines().next())
            .unwrap_or_default(),
    )
}

fn told(line: &str) -> String {
    let line: String = shown(line.trim()).chars().take(300).collect();
    if line.is_empty() { "It said nothing.".to_owned() } else { format!("It said: {line}") }
}

/// The package Debian's Python asks for, by name.
fn debian_package(said: &str) -> &str {
    let fits = |word: &&str| {
        let version = word.strip_prefix("python3").and_then(|rest| rest.strip_suffix("-venv"));
        version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
    };
    // the sentence names the part in general, the command after it names the package
    said.split_whitespace().rfind(fits).unwrap_or("python3-venv")
}

#[cfg(test)]
mod tests {
    use kitbag_core::finding::Exit;

    use super::*;

    fn tell(stage: Stage, said: &str) -> (String, Finding, Exit) {
        let error = Trouble::Tool { stage, said: said.to_owned() }.told();
        (error.to_string(), error.finding(), error.exit())
    }

    /// What the programs really printed (Debian 12's Python without python3-venv, pip 23 to 26, uv 0.13).
    #[test]
    fn each_kind_of_failure_has_its_own_words() {
        use Stage::{Environment, Packages};
        let debian = "The virtual environment was not created successfully because ensurepip is not\navailable.  On \
                      Debian/Ubuntu systems, you need to install the python3-venv\npackage using the following command.\n\n    \
                      apt install python3.11-venv\n\nYou may need to use sudo with that command.";
        for (stage, said, what, remedy, exit) in [
            (Environment, debian, "cannot make an environment", "sudo apt install python3", Exit::Missing),
            (
                Environment,
                "/usr/bin/python3: No module named venv",
                "cannot make",
                "python3-venv",
                Exit::Missing,
            ),
            (
                Environment,
                "error: Request failed after 3 retries in 6.5s\n  cause: Failed to download `https://…`\n  cause: dns error\n  \
                 cause: failed to lookup address information: Name or service not known",
                "none can be fetched",
                "Check the connection",
                Exit::Missing,
            ),
            (
                Environment,
                "error: No interpreter found in managed installations or search path",
                "Python is not installed",
                "Install it",
                Exit::Missing,
            ),
            (
                Environment,
                "Fatal Python error: init_import_site",
                "does not work",
                "python.org",
                Exit::Missing,
            ),
            (
                Packages,
                "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError('<pip…>: Failed to \
                 establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/x/\nERROR: No \
                 matching distribution found for x",
                "cannot be fetched",
                "Check the connection",
                Exit::Failed,
            ),
            (
                Packages,
                "ERROR: Could not find a version that satisfies the requirement nope==9 (from versions: none)\nERROR: No \
                 matching distribution found for nope==9",
                "cannot be found",
                "course team",
                Exit::Failed,
            ),
            (
                Packages,
                "error: No solution found when resolving dependencies\n  cause: Because nope was not found in the package \
                 registry and you require nope==3, we can conclude that your requirements are unsatisfiable.",
                "cannot be found",
                "course team",
                Exit::Failed,
            ),
            (
                Packages,
                "ERROR: Ignored the following versions that require a different python version: 4.6 Requires-Python \
                 >=3.12\nERROR: No matching distribution found for x==4.6",
                "do not go with the Python",
                "newer Python",
                Exit::Missing,
            ),
            (Packages, "ERROR: Failed building wheel for x", "cannot be built", "tutor", Exit::Failed),
            (Packages, "OSError: [Errno 28] No space left on device", "too full", "Make room", Exit::Missing),
            (
                Environment,
                "failed: No space left on device (os error 28)",
                "too full",
                "Make room",
                Exit::Missing,
            ),
            (Packages, "Traceback\nKeyError: \u{1b}[31m", "cannot be installed", "try", Exit::Failed),
            (Packages, "", "cannot be installed", "again", Exit::Failed),
        ] {
            let (told, finding, ended) = tell(stage, said);
            assert!(told.contains(what), "{said}: {told}");
            assert!(finding.remedy.to_lowercase().contains(&remedy.to_lowercase()), "{said}: {finding:?}");
            assert!(!finding.why.is_empty() && !finding.why.contains('\u{1b}'), "{finding:?}");
            assert_eq!(ended, exit, "{said}");
        }
    }

    #[test]
    fn the_package_debian_names_is_the_one_to_install() {
        assert_eq!(debian_package("apt install python3.11-venv"), "python3.11-venv");
        assert_eq!(debian_package("apt install python3.11-venv;rm -venv python3x-venv"), "python3-venv");
    }
}
