//! A container engine of a test's own, which has never seen anything, and a small image whose tools are found by name.
//! Where it cannot be had this is said, and with KITBAG_REQUIRE_DOCKER it is a failure.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::docker::lab::{docker, engine};

fn missing(what: &str) {
    assert!(std::env::var_os("KITBAG_REQUIRE_DOCKER").is_none(), "KITBAG_REQUIRE_DOCKER is set, and {what}");
    eprintln!("NOT TESTED: {what}");
}

/// An image of one static program, made without any registry, on this computer's engine.
pub fn tiny_image() -> Option<String> {
    const NAME: &str = "kitbag-test/taken:1";
    const TOOLS: [&str; 12] =
        ["sh", "cat", "echo", "httpd", "sleep", "test", "mkdir", "mv", "rm", "ls", "env", "true"];
    if !engine() {
        return None;
    }
    // another number for another recipe: one that is there is not made again
    if docker(None, &["image", "inspect", NAME]).is_ok() {
        return Some(NAME.to_owned());
    }
    let Some(busybox) =
        ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|file| Path::new(file).is_file())
    else {
        missing("busybox-static is not installed");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["bin", "tmp", "srv", "work", "etc"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::copy(busybox, at("bin/busybox")).unwrap();
    for tool in TOOLS {
        std::os::unix::fs::symlink("busybox", at(&format!("bin/{tool}"))).unwrap();
    }
    let tar = folder.path().with_extension("tar");
    let packed = Command::new("tar").arg("-C").arg(folder.path()).arg("-cf").arg(&tar).arg(".").status();
    assert!(packed.unwrap().success());
    docker(None, &["import", "--change", "ENV PATH=/bin", tar.to_str().unwrap(), NAME]).unwrap();
    fs::remove_file(tar).unwrap();
    Some(NAME.to_owned())
}

/// An engine of its own: its own images, containers, network and process.
pub struct Engine {
    folder: PathBuf,
    bridge: String,
    process: Child,
}

impl Engine {
    /// None, with a word about it, where this system lets nobody start one.
    pub fn start(room: &Path) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = (std::process::id() + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        let folder = room.join("engine");
        fs::create_dir_all(&folder).unwrap();
        // not on this computer's own bridge: two engines give out the same addresses there
        let bridge = format!("kbt{number}");
        let net = format!("10.{}.{}", 200 + number / 200 % 50, number % 200);
        let (address, pool) = (format!("{net}.1/25"), format!("base={net}.128/25,size=27"));
        let ip = |args: &[&str]| Command::new("ip").args(args).output().is_ok_and(|ran| ran.status.success());
        let made = ip(&["link", "add", "name", &bridge, "type", "bridge"])
            && ip(&["addr", "add", &address, "dev", &bridge])
            && ip(&["link", "set", &bridge, "up"]);
        if !made {
            missing("no bridge can be made for an engine of the test's own (ip link add)");
            return None;
        }
        let log = File::create(folder.join("log")).unwrap();
        let at = |name: &str| folder.join(name).display().to_string();
        let socket = format!("unix://{}", at("sock"));
        let process = Command::new("dockerd")
            .args(["--data-root", &at("data"), "--exec-root", &at("exec"), "-p", &at("pid"), "-H", &socket])
            .args([
                "--bridge",
                &bridge,
                "--iptables=false",
                "--ip-masq=false",
                "--default-address-pool",
                &pool,
            ])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let Ok(process) = process else {
            missing("dockerd is not installed");
            return None;
        };
        let mut engine = Self { folder, bridge, process };
        let until = Instant::now() + Duration::from_secs(60);
        while !engine.docker(&["info"]).status.success() {
            let ended = engine.process.try_wait().unwrap();
            let log = || fs::read_to_string(engine.folder.join("log")).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < until, "an engine of its own: {ended:?}\n{}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
        Some(engine)
    }

    /// For DOCKER_HOST.
    pub fn address(&self) -> String {
        format!("unix://{}", self.folder.join("sock").display())
    }

    /// Ask it.
    pub fn docker(&self, args: &[&str]) -> Output {
        Command::new("docker").env("DOCKER_HOST", self.address()).args(args).output().unwrap()
    }

    /// Whether it has an image.
    pub fn has(&self, image: &str) -> bool {
        self.docker(&["image", "inspect", image]).status.success()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let all = String::from_utf8_lossy(&self.docker(&["ps", "-aq"]).stdout).into_owned();
        if !all.trim().is_empty() {
            let all: Vec<&str> = all.split_whitespace().collect();
            self.docker(&[&["rm", "-f", "-v"][..], &all].concat());
        }
        let pid = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().ok();
        let until = Instant::now() + Duration::from_secs(30);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        self.process.kill().ok();
        self.process.wait().ok();
        Command::new("ip").args(["link", "del", &self.bridge]).output().ok();
    }
}
