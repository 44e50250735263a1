//! A real JupyterLab for the courses of a test: installed once from the package index that pip is set up for, kept beside
//! what cargo builds, used by all computers of a story.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tested with this one.
const PACKAGE: &str = "jupyterlab==4.6.6";

/// The folder with its programs. None where no index is reached; in CI it has to be.
pub fn jupyter() -> Option<PathBuf> {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = kept.join(PACKAGE.replace("==", "-"));
    let programs = folder.join("bin");
    let lock = fs::File::create(kept.join("jupyterlab.lock")).unwrap();
    lock.lock().unwrap();
    let whole = folder.join("whole");
    if whole.exists() {
        return Some(programs);
    }
    fs::remove_dir_all(&folder).ok();
    let pip = programs.join("pip");
    let venv = || Command::new("python3").args(["-m", "venv"]).arg(&folder).output();
    let install = || {
        let mut install = Command::new(pip);
        install.args(["install", "--quiet", "--disable-pip-version-check", PACKAGE]);
        install.env("PIP_CACHE_DIR", kept.join("pip-cache")).output()
    };
    let made = venv().and_then(|made| if made.status.success() { install() } else { Ok(made) });
    if made.as_ref().is_ok_and(|made| made.status.success()) {
        fs::write(whole, "").unwrap();
        return Some(programs);
    }
    assert!(std::env::var_os("CI").is_none(), "{PACKAGE} cannot be installed: {made:?}");
    eprintln!("NOT TESTED: {PACKAGE} cannot be installed: {made:?}");
    None
}
