//! The script of examples/recover with the two Python packages it needs, in an environment made once for all tests of
//! one build. Where there is no Python, or no package index, there is nothing to try, and in CI that is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Run the script; none where it cannot be run on this machine.
pub fn recover(share: &Path, out: &Path) -> Option<Output> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let made = environment();
        assert!(made.is_some() || std::env::var_os("CI").is_none(), "python3 or its packages are not here");
        made
    });
    let Some(python) = python else {
        eprintln!("python3 or its packages are not here; nothing tried");
        return None;
    };
    Some(Command::new(python).arg("-I").arg(script("recover.py")).arg(share).arg(out).output().unwrap())
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/recover").join(name)
}

fn environment() -> Option<PathBuf> {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(concat!("recover-env-", env!("CARGO_CRATE_NAME")));
    let python = folder.join("bin/python");
    let runs = |command: &mut Command| command.output().is_ok_and(|ran| ran.status.success());
    if runs(Command::new(&python).args(["-I", "-c", "import blake3, zstandard"])) {
        return Some(python);
    }
    // two test programs may run at once, so each has its own; the next run finds it
    let made = runs(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        && runs(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(script("requirements.txt")),
        );
    made.then_some(python)
}
