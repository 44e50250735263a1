//! The first checks of a machine, before there is a workspace, on computers that are only described: an old laptop, a
//! full drive, no virtualisation, Docker absent, stopped, not allowed or too old. Each finding says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use kitbag_core::finding::Exit;
use kitbag_engine::doctor::{Checked, Machine, State, examine, exit};
use kitbag_engine::doors::Doors;
use kitbag_engine::environment::{Backends, Bundled, Engine};
use kitbag_platform::autostart::SimulatedAutostart;
use kitbag_platform::clock::SimulatedClock;
use kitbag_platform::disk::{Disk, SimulatedDisk};
use kitbag_platform::outbound::SimulatedOutbound;
use kitbag_platform::places::SimulatedPlaces;
use kitbag_platform::process::SimulatedPorts;
use kitbag_platform::provider::SimulatedPrograms;
use kitbag_platform::specs::SimulatedHost;
use kitbag_platform::virtualisation::{State as Virtual, Virtualisation};
use kitbag_plugin_host::{Backend, BoxFuture, Fault, FaultCode, PluginError};

pub fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A Docker that is only described.
#[derive(Clone, Default)]
pub struct FakeEngine {
    pub absent: Option<Fault>,
    pub engine: Option<Engine>,
}

impl Backends for FakeEngine {
    fn load<'a>(
        &'a self,
        id: &'a str,
        folder: &'a Path,
        key: [u8; 32],
    ) -> BoxFuture<'a, Result<Arc<dyn Backend>, PluginError>> {
        Bundled.load(id, folder, key)
    }

    fn needs_met<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async { self.absent.clone().map_or(Ok(()), Err) })
    }

    fn engine<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<Engine>> {
        Box::pin(async { self.engine.clone() })
    }
}

/// A computer, its Docker, and what is in its home folder.
struct Computer {
    host: SimulatedHost,
    engine: FakeEngine,
    runs: Vec<&'static str>,
    cloud: bool,
}

impl Computer {
    fn good() -> Self {
        let mut host = SimulatedHost::new(8 << 30, 4, 200 << 30);
        host.virtualisation =
            Virtualisation { state: Virtual::Ready, inside: Some(false), hyper_v: Some(false) };
        let engine = Engine {
            version: "27.1".into(),
            arch: "x86_64".into(),
            memory: 8 << 30,
            cores: 4,
            folder: Some("/docker".into()),
        };
        let engine = FakeEngine { absent: None, engine: Some(engine) };
        Computer { host, engine, runs: vec!["dropbox"], cloud: true }
    }

    fn look(&self) -> Vec<Checked> {
        let clock = SimulatedClock::new(1_800_000_000_000);
        let disk = SimulatedDisk::new(clock.clone());
        disk.create_dirs(Path::new("/home/ada/kitbag-state")).unwrap();
        if self.cloud {
            disk.create_dirs(Path::new("/home/ada/Dropbox")).unwrap();
        }
        let before = disk.list(Path::new("/home/ada")).unwrap();
        let doors = Doors {
            disk: Arc::new(disk.clone()),
            clock: Arc::new(clock),
            host: Arc::new(self.host.clone()),
            backends: Arc::new(self.engine.clone()),
            ..Doors::real()
        };
        let names: BTreeSet<String> = self.runs.iter().map(|name| (*name).to_owned()).collect();
        let machine = Machine {
            home: Path::new("/home/ada/kitbag-state"),
            doors: &doors,
            places: &SimulatedPlaces::new(Path::new("/home/ada")),
            programs: &SimulatedPrograms(Some(names)),
            ports: &SimulatedPorts::default(),
            autostart: &SimulatedAutostart::new(Path::new("/home/ada/.config")),
            outbound: Some(&SimulatedOutbound(BTreeMap::new())),
        };
        let checked = block(examine(&machine, None, false));
        assert_eq!(disk.list(Path::new("/home/ada")).unwrap(), before, "looking changes nothing");
        for finding in checked.iter().flat_map(|checked| &checked.findings) {
            assert!(!finding.finding.remedy.is_empty(), "{finding:#?}");
        }
        checked
    }
}

#[track_caller]
fn one<'c>(checked: &'c [Checked], name: &str) -> &'c Checked {
    checked.iter().find(|checked| checked.check == name).unwrap_or_else(|| panic!("no {name}: {checked:#?}"))
}

#[test]
fn a_good_computer_is_good_and_says_what_it_is() {
    let checked = Computer::good().look();
    for checked in &checked {
        assert_eq!((checked.state, checked.findings.len()), (State::Good, 0), "{checked:#?}");
    }
    assert_eq!(exit(&checked), Exit::Done);
    let seen = |name: &str| one(&checked, name).seen.as_deref().unwrap_or_default().to_owned();
    assert_eq!(seen("memory"), "8 GB, 4 GB of it free now");
    assert_eq!(seen("processor and system"), "4 cores, x86_64, linux");
    assert_eq!(seen("free space"), "200 GB on /");
    assert_eq!(seen("Docker"), "version 27.1, started");
    assert_eq!(seen("cloud program"), "Dropbox in /home/ada/Dropbox");
}

#[test]
fn an_old_laptop_is_told_of_its_memory() {
    let checked = Computer { host: SimulatedHost::new(1 << 30, 1, 200 << 30), ..Computer::good() }.look();
    let memory = one(&checked, "memory");
    assert_eq!((memory.state, memory.findings.len()), (State::Note, 1));
    assert!(memory.findings[0].finding.what.contains("1 GB"), "{memory:#?}");
    // its system does not tell; that is no "good"
    assert_eq!(one(&checked, "virtual machines").state, State::NotChecked);
    assert_eq!(exit(&checked), Exit::Done);
}

/// Only the drive that Docker keeps its images on is full.
#[test]
fn each_drive_is_named() {
    let mut computer = Computer::good();
    computer.host = computer.host.with_volume("/docker", 50 << 20);
    let checked = computer.look();
    let space = one(&checked, "free space");
    assert_eq!((space.state, space.seen.as_deref()), (State::Bad, Some("200 GB on /")));
    let [finding] = &space.findings[..] else { panic!("{space:#?}") };
    assert_eq!(finding.finding.what, "50 MB free on the drive /docker");
    assert!(finding.finding.why.contains("Docker"), "{finding:#?}");
    assert_eq!(exit(&checked), Exit::Failed);
}

#[test]
fn virtualisation_is_said_with_its_remedy() {
    for (state, inside, words) in [
        (Virtual::Off, Some(false), ["switched off", "BIOS"]),
        (Virtual::NotAllowed, Some(false), ["may not start", "kvm"]),
        (Virtual::NotOffered, Some(true), ["is a virtual machine itself", "nested"]),
        (Virtual::NotOffered, Some(false), ["firmware hides it", "BIOS"]),
    ] {
        let mut computer = Computer::good();
        computer.host.virtualisation = Virtualisation { state, inside, hyper_v: Some(false) };
        let checked = computer.look();
        let found = one(&checked, "virtual machines");
        // no course needs one yet
        assert_eq!(found.state, State::Note);
        let text = format!("{:?}", found.findings[0].finding);
        assert!(words.iter().all(|word| text.contains(word)), "{state:?}: {text}");
        assert_eq!(exit(&checked), Exit::Done);
    }
}

/// Windows has it for itself: worth a word to whoever wonders why VirtualBox is slow, and nothing is wrong.
#[test]
fn hyper_v_is_named_where_it_runs() {
    let mut computer = Computer::good();
    computer.host.specs.os = "windows".to_owned();
    computer.host.virtualisation.hyper_v = Some(true);
    let checked = computer.look();
    let found = one(&checked, "virtual machines");
    assert_eq!(found.state, State::Good);
    assert!(found.seen.as_deref().is_some_and(|seen| seen.contains("Hyper-V")), "{found:#?}");
    // and the way to the switch is that of the system
    computer.host.virtualisation.state = Virtual::Off;
    let checked = computer.look();
    let finding = &one(&checked, "virtual machines").findings[0].finding;
    assert!(finding.remedy.contains("Shift"), "{finding:#?}");
}

/// In the words of those who use it, and no reason to stop while no course needs it.
#[test]
fn a_docker_that_is_not_there_is_worth_knowing() {
    for (code, message, remedy) in [
        (FaultCode::MissingTool, "Docker is not installed here.", "Install Docker."),
        (FaultCode::NotReady, "Docker is not started.", "Start Docker."),
        (FaultCode::NotGranted, "You may not use Docker on this computer.", "Ask whoever looks after it."),
    ] {
        let absent = Some(Fault::new(code, message).remedy(remedy));
        let computer = Computer { engine: FakeEngine { absent, engine: None }, ..Computer::good() };
        let checked = computer.look();
        let docker = one(&checked, "Docker");
        assert_eq!(docker.state, State::Note);
        let finding = &docker.findings[0].finding;
        assert_eq!((finding.what.as_str(), finding.remedy.as_str()), (message, remedy));
        assert_eq!(exit(&checked), Exit::Done);
    }
}

#[test]
fn cloud_folders_are_found_before_setup() {
    let checked = Computer { runs: vec!["bash"], ..Computer::good() }.look();
    let cloud = one(&checked, "cloud program");
    assert_eq!(cloud.state, State::Note);
    assert_eq!(cloud.findings[0].finding.what, "Dropbox does not seem to run");
    let checked = Computer { cloud: false, ..Computer::good() }.look();
    assert!(one(&checked, "cloud program").findings[0].finding.what.starts_with("no cloud folder"));
}
