//! The doctor in simulated surroundings: each check with something to find and without, one that cannot look, and treatments
//! that are told before they are done.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use kitbag_core::finding::Exit;
use kitbag_engine::doctor::{self, Checked, State, exit};
use kitbag_engine::doors::Doors;
use kitbag_platform::autostart::SimulatedAutostart;
use kitbag_platform::disk::Disk;
use kitbag_platform::places::SimulatedPlaces;
use kitbag_platform::process::SimulatedPorts;
use kitbag_platform::provider::SimulatedPrograms;
use kitbag_platform::specs::SimulatedHost;
use kitbag_platform::virtualisation::{State as Virtual, Virtualisation};

use crate::first_checks::FakeEngine;
use crate::machine::{Machine, World};

struct Around {
    free: u64,
    programs: Option<Vec<&'static str>>,
}

const FINE: Around = Around { free: 1 << 40, programs: Some(Vec::new()) };

fn doctor(machine: &Machine<'_>, around: &Around, fix: bool) -> Vec<Checked> {
    let names = around
        .programs
        .as_ref()
        .map(|names| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    let mut host = SimulatedHost::new(8 << 30, 4, around.free);
    host.virtualisation = Virtualisation { state: Virtual::Ready, inside: Some(false), hyper_v: Some(false) };
    let doors = Doors { host: Arc::new(host), backends: Arc::new(FakeEngine::default()), ..machine.doors() };
    let ws = machine.open();
    let looked = doctor::Machine {
        home: &machine.home,
        doors: &doors,
        places: &SimulatedPlaces::new(Path::new("/home/ada")),
        programs: &SimulatedPrograms(names),
        ports: &SimulatedPorts::default(),
        autostart: &SimulatedAutostart::new(Path::new("/home/ada/.config")),
        outbound: None,
    };
    crate::first_checks::block(doctor::examine(&looked, Some(&ws), fix))
}

#[track_caller]
fn one<'c>(checked: &'c [Checked], name: &str) -> &'c Checked {
    checked.iter().find(|checked| checked.check == name).unwrap_or_else(|| panic!("no {name}"))
}

#[track_caller]
fn what(checked: &[Checked], name: &str) -> String {
    let findings: Vec<_> =
        one(checked, name).findings.iter().map(|found| found.finding.what.as_str()).collect();
    findings.join("\n")
}

fn begin(world: &World) -> Machine<'_> {
    let a = world.machine("HOME", &["share.provider=onedrive"]);
    a.save("notes.txt", b"1\n");
    world.wait(5);
    assert_eq!(a.sync().exit(), Exit::Done);
    a
}

#[test]
fn a_good_workspace_is_good() {
    let world = World::new(1);
    let a = begin(&world);
    let before = world.names("/");
    let checked = doctor(&a, &Around { programs: Some(vec!["onedrive"]), ..FINE }, false);
    for checked in &checked {
        assert_eq!((checked.state, checked.findings.len()), (State::Good, 0), "{checked:#?}");
    }
    assert_eq!((exit(&checked), world.names("/")), (Exit::Done, before));
}

#[test]
fn a_client_that_does_not_run_is_told_and_one_that_cannot_be_seen_too() {
    let world = World::new(2);
    let a = begin(&world);
    let checked = doctor(&a, &FINE, false);
    assert_eq!(what(&checked, "cloud program"), "OneDrive does not seem to run");
    assert_eq!(exit(&checked), Exit::Failed);
    let checked = doctor(&a, &Around { programs: None, ..FINE }, false);
    assert_eq!(one(&checked, "cloud program").state, State::NotChecked);
    assert_eq!(exit(&checked), Exit::Done);
}

#[test]
fn little_room_is_told() {
    let world = World::new(3);
    let a = begin(&world);
    for (free, state, findings) in
        [(2 << 30, State::Good, 0), (500 << 20, State::Note, 1), (5 << 20, State::Bad, 1)]
    {
        let checked = doctor(&a, &Around { free, ..FINE }, false);
        let space = one(&checked, "free space");
        assert_eq!((space.state, space.findings.len()), (state, findings), "{space:#?}");
    }
}

#[test]
fn a_share_that_cannot_be_written_is_told() {
    let world = World::new(4);
    let a = begin(&world);
    world.disk.set_read_only(true);
    assert!(what(&doctor(&a, &FINE, false), "cloud folder").contains("cannot be written to"));
    world.disk.set_read_only(false);
    world.disk.rename_new(Path::new("/cloud/share"), Path::new("/cloud/away")).unwrap();
    let checked = doctor(&a, &FINE, false);
    assert!(what(&checked, "cloud folder").contains("is not there"));
    assert_eq!(one(&checked, "files on this device").state, State::NotChecked);
}

#[test]
fn files_online_only_are_counted_and_none_is_opened() {
    let world = World::new(5);
    let a = begin(&world);
    world.disk.set_placeholder(Path::new("/cloud/share/notes.txt"), true).unwrap();
    let checked = doctor(&a, &FINE, false);
    let online = one(&checked, "files on this device");
    assert_eq!(
        (online.state, what(&checked, online.check).as_str()),
        (State::Note, "1 file online only, such as notes.txt")
    );
    assert!(online.findings[0].finding.remedy.contains("Always keep on this device"));
    let packs = world.names("/cloud/share/.kitbag/packs");
    let pack = Path::new("/cloud/share/.kitbag/packs").join(&packs[0]);
    world.disk.set_placeholder(&pack, true).unwrap();
    assert_eq!(one(&doctor(&a, &FINE, false), "files on this device").state, State::Bad);
}

#[test]
fn a_clock_behind_the_others_is_told() {
    let world = World::new(6);
    let a = begin(&world);
    let b = world.machine("WORK \u{1b}[2J", &[]);
    b.sync();
    a.sync();
    assert_eq!(one(&doctor(&a, &FINE, false), "clock").state, State::Good);
    world.wait(-3 * 3600);
    let told = what(&doctor(&a, &FINE, false), "clock");
    assert!(
        told.starts_with("WORK ") && told.contains("later than now") && !told.contains('\u{1b}'),
        "{told}"
    );
    world.clock.set(1_000);
    assert_eq!(one(&doctor(&a, &FINE, false), "clock").state, State::Bad);
}

/// A folder taken over by a cloud program after setup, and a second tool in it.
#[test]
fn what_came_after_setup_is_told() {
    let world = World::new(7);
    let a = begin(&world);
    world.write("/home/ada/kitbag/.dropbox", b"");
    world.disk.create_dir(&a.work(".stfolder")).unwrap();
    let checked = doctor(&a, &FINE, false);
    assert!(what(&checked, "folders apart").contains("lies in"), "{checked:#?}");
    assert!(
        what(&checked, "other sync tools").contains("Syncthing also syncs the working folder"),
        "{checked:#?}"
    );
}

/// A treatment is told, then done, then nothing is left to find; one that fails says so.
#[test]
fn treatments_are_told_before_they_are_done() {
    let world = World::new(8);
    let a = begin(&world);
    world.write("/cloud/share/.~kitbag-x.tmp", b"nobody's bytes");
    let seen = doctor(&a, &FINE, false);
    let told = one(&seen, "temporary files").findings[0].treatment.clone().unwrap();
    assert!(!told.done && told.failed.is_none() && world.exists("/cloud/share/.~kitbag-x.tmp"));
    world.disk.set_read_only(true);
    let failed = doctor(&a, &FINE, true);
    let failed = one(&failed, "temporary files");
    assert_eq!(failed.state, State::Note);
    assert!(failed.findings[0].treatment.as_ref().unwrap().failed.is_some(), "{failed:#?}");
    world.disk.set_read_only(false);
    let mended = doctor(&a, &FINE, true);
    assert!(one(&mended, "temporary files").findings[0].treatment.as_ref().unwrap().done);
    assert_eq!(one(&doctor(&a, &FINE, false), "temporary files").findings, []);
    world.wait(60);
    a.sync();
    let rescued =
        world.names("/home/ada/kitbag/HOME").into_iter().find(|name| name.starts_with("rescued-")).unwrap();
    assert_eq!(a.shows(&rescued).unwrap(), b"nobody's bytes");
}
