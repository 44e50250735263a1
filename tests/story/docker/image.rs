//! The container engine of this computer, asked past kitbag, and the smallest image that can do something. Where no engine
//! answers that is said, and where KITBAG_REQUIRE_DOCKER is set it is a failure.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Whether an engine answers; it has to where one is required.
pub fn engine() -> bool {
    let answers = Command::new("docker")
        .args(["version", "-f", "{{.Server.Version}}"])
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    let required = std::env::var_os("KITBAG_REQUIRE_DOCKER").is_some();
    assert!(answers || !required, "KITBAG_REQUIRE_DOCKER is set and no Docker engine answers");
    if !answers {
        eprintln!("NOT TESTED: no Docker engine answers");
    }
    answers
}

/// What the docker program prints; what it complains of when it fails.
pub fn docker(host: Option<&str>, args: &[&str]) -> Result<String, String> {
    // one that never answers is one of the stories
    let mut command = Command::new("timeout");
    command.args(["120", "docker"]);
    if let Some(host) = host {
        command.arg("-H").arg(host);
    }
    let output = command.args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// An image with a static busybox, its tools found by name, and nothing else; made once, without any registry.
pub fn small_image(host: Option<&str>) -> String {
    const TOOLS: [&str; 12] =
        ["sh", "cat", "echo", "httpd", "sleep", "test", "mkdir", "mv", "rm", "ls", "env", "true"];
    static MAKING: Mutex<()> = Mutex::new(());
    let _one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    // another number for another recipe: one that is there is not made again
    let image = "kitbag-story-busybox:2".to_owned();
    if docker(host, &["image", "inspect", &image]).is_err() {
        let room = crate::machine::room();
        let at = |name: &str| room.path().join(name);
        let program = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        for folder in ["bin", "tmp", "srv", "work", "etc"] {
            fs::create_dir(at(folder)).unwrap();
        }
        fs::copy(program.expect("install busybox-static"), at("bin/busybox")).unwrap();
        for tool in TOOLS {
            std::os::unix::fs::symlink("busybox", at(&format!("bin/{tool}"))).unwrap();
        }
        let tar = room.path().with_extension("tar");
        let made = Command::new("tar").arg("-C").arg(room.path()).arg("-cf").arg(&tar).arg(".").status();
        assert!(made.unwrap().success());
        docker(host, &["import", "--change", "ENV PATH=/bin", tar.to_str().unwrap(), &image]).unwrap();
        fs::remove_file(tar).unwrap();
    }
    image
}
