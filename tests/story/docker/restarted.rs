//! The engine itself fails: ended in the middle, killed, started again, its disk full. For this there is an engine of
//! the test's own, in a network of its own, with its own files on a small disk; only root can have that.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::lab::{Docked, docker, engine, small_course, small_image, turn, until};
use crate::course::{environment, service, setup_with};
use crate::machine::room;

/// An engine of the test's own.
struct Own {
    folder: PathBuf,
    dockerd: Option<Child>,
}

impl Own {
    /// None where it cannot be had: said aloud.
    fn new(room: &Path) -> Option<Self> {
        let here = |program: &str| Command::new(program).arg("--version").output().is_ok();
        let root = fs::metadata("/proc/self").unwrap().uid() == 0;
        if !engine() || !root || !here("dockerd") || !here("unshare") {
            eprintln!("NOT TESTED: an engine of its own needs root, dockerd and unshare");
            return None;
        }
        // short: the names of sockets are
        let folder = room.join("d");
        fs::create_dir(&folder).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=96m", "tmpfs"]).arg(&folder).status();
        assert!(mounted.unwrap().success());
        let mut own = Own { folder, dockerd: None };
        own.start();
        Some(own)
    }

    fn host(&self) -> String {
        format!("unix://{}/s", self.folder.display())
    }

    fn start(&mut self) {
        let folder = self.folder.display();
        let line = format!(
            "/bin/busybox ip link set lo up; exec dockerd -H {} --data-root {folder}/data --exec-root {folder}/exec \
             --pidfile {folder}/pid >> {folder}/log 2>&1",
            self.host()
        );
        // of one that was killed: a process that has ended and that nobody collected yet looks alive to the next one
        for file in ["pid", "exec/containerd/containerd.pid"] {
            fs::remove_file(self.folder.join(file)).ok();
        }
        // a process group of its own would not be told of a Ctrl-C; the drop ends it
        let child =
            Command::new("unshare").args(["-n", "sh", "-c", &line]).stdin(Stdio::null()).spawn().unwrap();
        self.dockerd = Some(child);
        let host = self.host();
        until("dockerd answers", Duration::from_secs(60), || docker(Some(&host), &["version"]).is_ok());
    }

    /// Ask it to end, or kill it.
    fn stop(&mut self, signal: &str) {
        let Some(mut child) = self.dockerd.take() else { return };
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.stop("-TERM");
        // what a killed engine left behind
        let mine = self.folder.display().to_string();
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            if let (true, Some(pid)) = (line.contains(&mine), process.file_name().to_str()) {
                Command::new("kill").args(["-9", pid]).status().ok();
            }
        }
        let below = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let mut mounts: Vec<&str> = below
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .filter(|at| at.starts_with(&mine))
            .collect();
        mounts.reverse();
        for mount in mounts {
            Command::new("umount").args(["-l", mount]).status().ok();
        }
    }
}

const UP: &[&str] = &["--yes", "up", "--no-open"];

/// Shows "dockerd restarted, engine gone in the middle, volume full": the files go on without the engine, the next `up`
/// goes on from what it left, its volumes with what was in them, and a full disk is a sentence. First tier.
#[test]
fn an_engine_that_ends_and_comes_back() {
    let _turn = turn();
    let room = room();
    let Some(mut own) = Own::new(room.path()) else { return };
    let host = own.host();
    let image = small_image(Some(&host));
    let course = room.path().join("course");
    small_course(&course, &image);
    let mut a = Docked::new(room.path(), "HOME-PC", &room.path().join("share"));
    a.variables.insert("DOCKER_HOST".into(), host.clone());
    setup_with(&a, &course).exits(&[0]);

    // full before anything is made
    let filler = own.folder.join("data/filler");
    Command::new("dd")
        .args(["if=/dev/zero", "bs=4096"])
        .arg(format!("of={}", filler.display()))
        .output()
        .unwrap();
    a.run(UP).exits(&[5]).explains(&["full"]);
    fs::remove_file(filler).unwrap();
    a.run(UP).exits(&[0]);
    let things = a.things();
    assert_eq!(things.running.len(), 2, "{things:?}");
    let starts = |a: &Docked| -> usize {
        let keeper = a.things().containers.into_iter().find(|name| name.ends_with("-keeper")).unwrap();
        a.docker(&["exec", &keeper, "/bin/busybox", "cat", "/rows/starts"]).lines().count()
    };
    assert_eq!(starts(&a), 1);

    for signal in ["-TERM", "-KILL"] {
        own.stop(signal);
        assert_eq!(environment(&a)["state"], "unknown");
        a.write(&format!("notes/{signal}.md"), "without Docker\n");
        a.sync();
        a.run(UP).exits(&[5]).explains(&["Docker"]);
        a.run(&["done"]).exits(&[5]).explains(&["Docker"]);
        assert!(a.mirror().0.contains_key(&format!("notes/{signal}.md")));
        own.start();
        let before = environment(&a)["state"].clone();
        a.run(UP).exits(&[0]);
        assert_eq!(service(&a, "page")["state"], "running", "after {signal}, when it was {before}");
        assert_eq!(a.things(), things, "after {signal}");
        assert!(starts(&a) >= 1, "what was in the volume is there");
    }

    // gone in the middle of `up`, at three moments
    a.run(&["done"]).exits(&[0]);
    let began = std::time::Instant::now();
    a.run(UP).exits(&[0]);
    let whole = began.elapsed();
    a.run(&["done"]).exits(&[0]);
    let before = starts_in_volume(&a, &image);
    for part in [0.3, 0.6, 0.9] {
        let mut running = a.start(UP);
        std::thread::sleep(whole.mul_f64(part));
        own.stop("-KILL");
        let code = running.wait().unwrap().code();
        assert!(matches!(code, Some(0 | 1 | 5)), "at {part}: {code:?}");
        own.start();
        a.run(UP).exits(&[0]);
        assert_eq!(a.things(), things, "at {part}");
        a.run(&["done"]).exits(&[0]);
    }
    assert!(starts_in_volume(&a, &image) > before, "one volume all the time");
    assert_eq!(a.mirror(), a.files());
}

/// Lines in the volume, read by a container of the test's own.
fn starts_in_volume(machine: &Docked, image: &str) -> usize {
    let volume = machine.things().volumes.into_iter().find(|name| name.ends_with("-rows")).unwrap();
    let mount = format!("{volume}:/rows");
    machine
        .docker(&["run", "--rm", "-v", &mount, image, "/bin/busybox", "cat", "/rows/starts"])
        .lines()
        .count()
}
