//! Real programs: the shell of every Unix system.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

struct Bench {
    processes: RealProcesses,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Bench { processes: RealProcesses::new(), dir: tempfile::tempdir().unwrap() }
    }

    fn launch(&self, script: &str) -> Launch {
        Launch {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("PATH".into(), "/usr/bin:/bin".into()), ("KITBAG_TEST".into(), "a b".into())],
            folder: self.dir.path().to_owned(),
            log: self.dir.path().join("log"),
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

fn soon(what: &str, check: impl Fn() -> bool) {
    let start = Instant::now();
    while !check() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn output_goes_to_the_log_and_the_environment_is_what_was_given() {
    let bench = Bench::new();
    let script = "env; pwd; echo oops >&2; cat";
    let id = bench.processes.spawn(&bench.launch(script)).unwrap();
    soon("it ends, for nothing is on its input", || !bench.processes.alive(&id));
    let log = bench.log();
    assert!(log.contains("KITBAG_TEST=a b\n") && log.contains("oops\n"), "{log}");
    assert!(!log.contains("CARGO"), "nothing of ours: {log}");
    assert!(log.contains(bench.dir.path().file_name().unwrap().to_str().unwrap()));
    let again = bench.processes.spawn(&bench.launch("echo second")).unwrap();
    soon("it ends", || !bench.processes.alive(&again));
    assert!(bench.log().starts_with(&log) && bench.log().ends_with("second\n"), "added, not replaced");
}

#[test]
fn asked_to_end_it_ends_with_those_it_started() {
    let bench = Bench::new();
    let script = "sleep 60 & echo $! > child; trap 'echo bye; exit 0' TERM; wait";
    let id = bench.processes.spawn(&bench.launch(script)).unwrap();
    let child = bench.dir.path().join("child");
    soon("it has a child", || std::fs::read_to_string(&child).is_ok_and(|text| text.ends_with('\n')));
    let child: u32 = std::fs::read_to_string(&child).unwrap().trim().parse().unwrap();
    let child = ProcessId { pid: child, started: system::started(child).unwrap() };
    assert!(bench.processes.alive(&id) && bench.processes.alive(&child));
    // Before the trap is set it ends without a word, which is as good.
    bench.processes.end(&id).unwrap();
    soon("both end", || !bench.processes.alive(&id) && !bench.processes.alive(&child));
    bench.processes.end(&id).unwrap();
    bench.processes.kill(&id).unwrap();
}

#[test]
fn one_that_does_not_listen_is_killed() {
    let bench = Bench::new();
    let script = "trap '' TERM; echo ready; while true; do sleep 1; done";
    let id = bench.processes.spawn(&bench.launch(script)).unwrap();
    soon("it is ready", || bench.log().contains("ready"));
    bench.processes.end(&id).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(bench.processes.alive(&id));
    bench.processes.kill(&id).unwrap();
    soon("it is gone", || !bench.processes.alive(&id));
}

#[cfg(target_os = "linux")]
#[test]
fn what_it_left_running_is_ended_too() {
    let bench = Bench::new();
    let id = bench.processes.spawn(&bench.launch("sleep 60 & echo $!")).unwrap();
    soon("it ends", || !bench.processes.alive(&id));
    let left: u32 = bench.log().trim().parse().unwrap();
    let left = ProcessId { pid: left, started: system::started(left).unwrap() };
    assert!(bench.processes.alive(&left));
    let before_boot = ProcessId { started: "another-boot:1".into(), ..id.clone() };
    bench.processes.kill(&before_boot).unwrap();
    assert!(bench.processes.alive(&left));
    bench.processes.kill(&id).unwrap();
    soon("what it left is gone", || !bench.processes.alive(&left));
}

#[test]
fn a_zombie_is_dead() {
    let mut child = std::process::Command::new("/bin/sh").args(["-c", "exit 0"]).spawn().unwrap();
    let id = ProcessId { pid: child.id(), started: system::started(child.id()).unwrap() };
    // Nobody asks for its end, so it stays in the table.
    soon("it is not alive", || !RealProcesses::new().alive(&id));
    assert_eq!(system::started(id.pid), Some(id.started));
    child.wait().unwrap();
}

#[test]
fn another_of_the_same_number_is_not_taken_for_it() {
    let bench = Bench::new();
    let id = bench.processes.spawn(&bench.launch("sleep 60")).unwrap();
    let other = ProcessId { started: format!("{}0", id.started), ..id.clone() };
    assert!(bench.processes.alive(&id) && !bench.processes.alive(&other));
    bench.processes.kill(&other).unwrap();
    bench.processes.end(&other).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert!(bench.processes.alive(&id), "a stranger is left alone");
    bench.processes.kill(&id).unwrap();
    soon("it is gone", || !bench.processes.alive(&id));
}

#[test]
fn it_is_found_again_by_another_kitbag() {
    let bench = Bench::new();
    let id = bench.processes.spawn(&bench.launch("sleep 60")).unwrap();
    let text = serde_json::to_string(&id).unwrap();
    let kept: ProcessId = serde_json::from_str(&text).unwrap();
    let later = RealProcesses::new();
    assert!(later.alive(&kept));
    later.kill(&kept).unwrap();
    soon("it is gone", || !bench.processes.alive(&id) && !later.alive(&kept));
}

/// A launcher that ends at once, as a kitbag does, leaves its program running.
#[test]
fn it_leads_its_own_session() {
    let bench = Bench::new();
    let id = bench.processes.spawn(&bench.launch("sleep 60")).unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(id.pid).unwrap()).unwrap();
    assert_eq!(rustix::process::getsid(Some(pid)).unwrap(), pid);
    assert_eq!(rustix::process::getpgid(Some(pid)).unwrap(), pid);
    bench.processes.kill(&id).unwrap();
}

#[test]
fn what_cannot_start_says_why() {
    let bench = Bench::new();
    let kind = |launch: Launch| bench.processes.spawn(&launch).unwrap_err().kind();
    let launch = || bench.launch("true");
    assert_eq!(kind(Launch { program: "/no/such/program".into(), ..launch() }), io::ErrorKind::NotFound);
    assert_eq!(kind(Launch { program: "sh".into(), ..launch() }), io::ErrorKind::InvalidInput);
    assert_eq!(kind(Launch { folder: "/no/such/folder".into(), ..launch() }), io::ErrorKind::NotFound);
    assert_eq!(kind(Launch { log: Path::new("/no/such/log").into(), ..launch() }), io::ErrorKind::NotFound);
    let file = bench.dir.path().join("plain");
    std::fs::write(&file, "x").unwrap();
    assert_eq!(kind(Launch { program: file, ..launch() }), io::ErrorKind::PermissionDenied);
}
