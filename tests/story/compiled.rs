//! What runs a course is made ready when the course comes, by a process of its own, so that no `up` waits for a compiler
//! or holds its memory; that process may be fed anything and be killed at any moment.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Instant, SystemTime};

use kitbag_engine::environment::bundled;

use crate::course::setup_with;
use crate::machine::{Machine, room, write};

const MANIFEST: &str =
    "id = \"tiny\"\ntitle = \"Tiny course\"\nversion = \"1\"\n[[seed]]\nfrom = \"notes\"\nto = \"notes\"\n";

/// The compiled plugins of a state root, and when each was written.
fn compiled(home: &Path) -> BTreeMap<String, SystemTime> {
    let entries = fs::read_dir(home.join("plugins/cache")).into_iter().flatten().map(Result::unwrap);
    let named = entries.map(|entry| {
        let written = entry.metadata().unwrap().modified().unwrap();
        (entry.file_name().into_string().unwrap(), written)
    });
    named.filter(|(name, _)| name.ends_with(".compiled")).collect()
}

/// Shows that a course is ready to start when `setup` has ended, and on a machine that joined before the course was
/// there when the sync that brought it has: `up` compiles nothing. First tier.
#[test]
fn a_course_is_ready_when_it_has_come() {
    let room = room();
    let (course, share) = (room.path().join("course"), room.path().join("share"));
    write(&course.join("course.toml"), MANIFEST);
    write(&course.join("notes/week1.md"), "# Week 1\n");
    let (a, b) = (Machine::new(room.path(), "HOME-PC", &share), Machine::new(room.path(), "WORK-PC", &share));
    b.setup().exits(&[0]);
    assert!(compiled(&b.home).is_empty(), "nothing is made ready for no course");
    setup_with(&a, &course).exits(&[0]);
    b.sync();
    for machine in [&a, &b] {
        let ready = compiled(&machine.home);
        assert_eq!(ready.len(), 1, "{}: {ready:?}", machine.name);
        machine.run(&["up", "--no-open"]).exits(&[0]);
        assert_eq!(compiled(&machine.home), ready, "{}: `up` compiled", machine.name);
        machine.run(&["done"]).exits(&[0]);
    }
    // a new version of it brings nothing new to compile
    let ready = compiled(&a.home);
    write(&course.join("course.toml"), MANIFEST.replace("version = \"1\"", "version = \"2\""));
    setup_with(&a, &course).exits(&[0]);
    assert_eq!(compiled(&a.home), ready);
}

/// The process that compiles, with its input.
fn compiling(machine: &Machine, folder: &Path, input: &[u8]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kitbag"));
    command.arg("--home").arg(folder).arg("compile-plugin").env("HOME", &machine.user);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // one that is killed reads no further
    std::thread::spawn(move || stdin.write_all(&input).ok());
    child
}

/// Shows that what is no plugin is refused in a sentence and leaves nothing, and that the process killed at any moment
/// leaves a cache that the next one goes on with. First tier.
#[test]
fn the_process_that_compiles_may_be_fed_anything_and_killed() {
    let room = room();
    let machine = Machine::new(room.path(), "HOME-PC", &room.path().join("share"));
    let cache = room.path().join("state/plugins/cache");
    let (_, plugin) = bundled().iter().find(|(id, _)| *id == "local").unwrap();
    let whole = [&[7; 32][..], plugin.component].concat();
    let ended = |input: &[u8]| compiling(&machine, &cache, input).wait_with_output().unwrap();
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();

    for no_plugin in [&b"not wasm"[..], &plugin.component[..plugin.component.len() / 2], b""] {
        let refused = ended(&[&[7; 32][..], no_plugin].concat());
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert!(said(&refused).contains("not a plugin"), "{}", said(&refused));
    }
    let nothing = ended(b"no key");
    assert_eq!(nothing.status.code(), Some(5), "{}", said(&nothing));
    let home = room.path().join("state");
    assert!(compiled(&home).is_empty());

    let began = Instant::now();
    assert!(ended(&whole).status.success());
    let takes = began.elapsed();
    let (name, _) = compiled(&home).pop_first().unwrap();
    let good = fs::read(cache.join(&name)).unwrap();
    for part in 1..=8 {
        fs::remove_file(cache.join(&name)).ok();
        let mut child = compiling(&machine, &cache, &whole);
        std::thread::sleep(takes.mul_f64(f64::from(part) / 8.0));
        child.kill().unwrap();
        child.wait().unwrap();
        // either nothing or all of it
        assert!(fs::read(cache.join(&name)).map_or(true, |bytes| bytes == good), "at {part} of 8");
    }
    fs::remove_file(cache.join(&name)).ok();
    assert!(ended(&whole).status.success());
    assert_eq!(fs::read(cache.join(&name)).unwrap(), good, "the same program, key and compiler");
}
