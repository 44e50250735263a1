//! A container engine of a test's own, which has never seen anything: its own images, containers, network and process.
//! It can be ended, killed and started again, and its files can lie on a small disk. Where it cannot be had this is said,
//! and with KITBAG_REQUIRE_DOCKER it is a failure.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::disk::Mounted;
use crate::docker::lab;

fn missing(what: &str) {
    assert!(std::env::var_os("KITBAG_REQUIRE_DOCKER").is_none(), "KITBAG_REQUIRE_DOCKER is set, and {what}");
    eprintln!("NOT TESTED: {what}");
}

fn ip(args: &[&str]) -> bool {
    Command::new("ip").args(args).output().is_ok_and(|ran| ran.status.success())
}

/// An engine of its own: its own images, containers, network and process. What it leaves goes when it is dropped.
pub struct Engine {
    folder: PathBuf,
    network: Network,
    /// What is small of its files.
    pub disk: Option<Mounted>,
    process: Option<Child>,
}

/// Two engines on one network give out the same addresses.
enum Network {
    /// A bridge of its own beside the computer's: its ports are the computer's. An engine that is started a second time
    /// with a bridge of its own takes `docker0` away, which is another's: such a one is not.
    Bridge { name: String, net: String },
    /// A network of its own that nothing outside reaches.
    Apart,
}

impl Engine {
    /// One whose ports are the computer's. None, with a word about it, where this system lets nobody start one.
    pub fn start(room: &Path) -> Option<Self> {
        let number = Self::number();
        let (name, net) =
            (format!("kbt{number}"), format!("10.{}.{}", 200 + number / 200 % 50, number % 200));
        let made = ip(&["link", "add", "name", &name, "type", "bridge"])
            && ip(&["addr", "add", &format!("{net}.1/25"), "dev", &name])
            && ip(&["link", "set", &name, "up"]);
        if !made {
            missing("no bridge can be made for an engine of the test's own (ip link add)");
            return None;
        }
        Self::new(room, Network::Bridge { name, net }, |_| Some(None))
    }

    /// One that can be started again, with all its files on a disk of this size.
    pub fn on_a_disk_of(room: &Path, size: &str) -> Option<Self> {
        Self::new(room, Network::Apart, |folder| Mounted::new(&folder.join("data"), size).map(Some))
    }

    /// One that can be started again, with its volumes alone on a disk of this size.
    pub fn with_volumes_of(room: &Path, size: &str) -> Option<Self> {
        Self::new(room, Network::Apart, |folder| {
            // an engine mounts its files over themselves where they are no mount yet, and hides what is mounted in them
            let data = folder.join("data");
            fs::create_dir(&data).unwrap();
            Command::new("mount").arg("--bind").args([&data, &data]).status().ok()?;
            Mounted::new(&data.join("volumes"), size).map(Some)
        })
    }

    fn number() -> u32 {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        (std::process::id() + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000
    }

    fn new(
        room: &Path,
        network: Network,
        disk: impl FnOnce(&Path) -> Option<Option<Mounted>>,
    ) -> Option<Self> {
        // short: the names of sockets are
        let folder = room.join(format!("d{}", Self::number()));
        let mut engine = Self { folder, network, disk: None, process: None };
        if !lab::engine() {
            return None;
        }
        fs::create_dir_all(&engine.folder).unwrap();
        engine.disk = disk(&engine.folder)?;
        if !engine.launch() {
            missing("an engine of the test's own needs dockerd and unshare");
            return None;
        }
        engine.wait();
        Some(engine)
    }

    /// Whether its program could be started.
    fn launch(&mut self) -> bool {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        // of one that was killed: a process that has ended and that nobody collected yet looks alive to the next one
        for file in ["pid", "exec/containerd/containerd.pid"] {
            fs::remove_file(self.folder.join(file)).ok();
        }
        let at = |name: &str| self.folder.join(name).display().to_string();
        let mut command = match &self.network {
            Network::Bridge { name, net } => {
                let mut command = Command::new("dockerd");
                let pool = format!("base={net}.128/25,size=27");
                command.args(["--bridge", name, "--default-address-pool", &pool]);
                command
            }
            Network::Apart => {
                let mut command = Command::new("unshare");
                command.args(["-n", "sh", "-c", "ip link set lo up; exec dockerd \"$@\"", "dockerd"]);
                command
            }
        };
        let process = command
            .args(["--data-root", &at("data"), "--exec-root", &at("exec"), "-p", &at("pid")])
            .args(["-H", &self.address(), "--iptables=false", "--ip-masq=false"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.process = process.ok();
        self.process.is_some()
    }

    fn answers(&self) -> bool {
        self.docker(&["info"]).status.success()
    }

    #[track_caller]
    fn wait(&mut self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.answers() {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().unwrap());
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(ended.is_none() && Instant::now() < until, "an engine of its own: {ended:?}\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Start it again.
    #[track_caller]
    pub fn again(&mut self) {
        assert!(matches!(self.network, Network::Apart) && self.process.is_none() && self.launch());
        self.wait();
    }

    /// Ask it to end, or kill it: `-TERM`, `-KILL`. Its containers outlive a kill.
    pub fn stop(&mut self, signal: &str) {
        let Some(mut process) = self.process.take() else { return };
        Command::new("kill").args([signal, &process.id().to_string()]).status().ok();
        let until = Instant::now() + Duration::from_secs(30);
        while matches!(process.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        process.kill().ok();
        process.wait().ok();
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
        // containers outlive an engine that was killed, and only an engine can end them
        let apart = matches!(self.network, Network::Apart);
        if apart && self.process.is_none() && self.folder.join("log").exists() && self.launch() {
            let until = Instant::now() + Duration::from_secs(30);
            while !self.answers() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        let all = String::from_utf8_lossy(&self.docker(&["ps", "-aq"]).stdout).into_owned();
        if !all.trim().is_empty() {
            let all: Vec<&str> = all.split_whitespace().collect();
            self.docker(&[&["rm", "-f", "-v"][..], &all].concat());
        }
        self.stop("-TERM");
        let mine = format!("{}/", self.folder.display());
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            if let (true, Some(pid)) = (line.contains(&mine), process.file_name().to_str()) {
                Command::new("kill").args(["-9", pid]).status().ok();
            }
        }
        // with all that is mounted below it
        drop(self.disk.take());
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let mounts =
            mounts.lines().filter_map(|line| line.split(' ').nth(1)).filter(|at| at.starts_with(&mine));
        for mount in mounts.collect::<Vec<_>>().into_iter().rev() {
            Command::new("umount").args(["-l", mount]).status().ok();
        }
        if let Network::Bridge { name, .. } = &self.network {
            ip(&["link", "del", name]);
        }
    }
}
