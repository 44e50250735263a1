//! What goes wrong around a course on Docker, each with a sentence, a remedy and exit code 5, before anything is made
//! or downloaded: no Docker, one that is not started, not allowed, too old or silent; an image that cannot be had. The
//! engines that are too old or silent are fakes: a socket with one answer, or none.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::lab::{Docked, engine, small_course, small_image, turn};
use crate::course::{environment, setup_with};
use crate::machine::{Ran, copy_program, room, write};

/// A course that can also run with the programs of the computer.
const BOTH: &str = r#"
id = "both"
title = "Two ways"
version = "1"
[[service]]
name = "worker"
kind = "program"
[service.program]
program = "sh"
args = ["-c", "exec sleep 300"]
[backend.docker]
image = "kitbag-story-nowhere:1"
[backend.local]
"#;

/// A machine with the small course, or one with both ways.
fn machine(room: &Path, both: bool) -> Docked {
    let course = room.join("course");
    if both {
        write(&course.join("course.toml"), BOTH);
    } else {
        small_course(&course, "kitbag-story-nowhere:1");
    }
    let machine = Docked::new(room, "HOME-PC", &room.join("share"));
    setup_with(&machine, &course).exits(&[0]);
    machine
}

#[track_caller]
fn up(machine: &Docked) -> Ran {
    machine.run(&["--yes", "up", "--no-open"])
}

/// Nothing was made, and the files go on.
#[track_caller]
fn untouched(machine: &Docked) {
    assert_eq!(environment(machine)["backend"], serde_json::Value::Null);
    machine.write("notes/mine.md", "mine\n");
    machine.sync();
    machine.run(&["done"]).exits(&[0]);
    assert!(machine.mirror().0.contains_key("notes/mine.md"));
}

/// Shows that a missing Docker is said before anything is asked or made: not started, not installed. First tier.
#[test]
fn without_docker_there_is_a_sentence() {
    let room = room();
    let mut a = machine(room.path(), false);
    a.variables.insert("DOCKER_HOST".into(), "unix:///nowhere/docker.sock".into());
    // no program called docker on the path
    let empty = room.path().join("empty");
    fs::create_dir(&empty).unwrap();
    a.variables.insert("PATH".into(), empty.to_str().unwrap().into());
    let ran = up(&a).exits(&[5]);
    ran.explains(&["Docker is not installed", "Install Docker"]);
    // without a yes too: nobody is asked about what is not there
    a.run(&["up", "--no-open"]).exits(&[5]).explains(&["Docker is not installed"]);
    let program = empty.join("docker");
    write(&program, "#!/bin/sh\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", empty.display(), std::env::var("PATH").unwrap());
    a.variables.insert("PATH".into(), path);
    up(&a).exits(&[5]).explains(&["Docker is not started", "Start Docker"]);
    a.run(&["--yes", "up", "--no-open", "--backend", "docker"]).exits(&[5]).explains(&["not started"]);
    untouched(&a);
}

/// Shows that a course with two ways takes the one that is there and says what it is without; asked for Docker, it
/// insists. First tier.
#[test]
fn without_docker_the_other_way_is_taken() {
    let room = room();
    let mut a = machine(room.path(), true);
    a.variables.insert("DOCKER_HOST".into(), "unix:///nowhere/docker.sock".into());
    a.run(&["--yes", "up", "--no-open", "--backend", "docker"]).exits(&[5]).explains(&["Docker"]);
    let said = a.run(&["--json", "--yes", "up", "--no-open"]).exits(&[0]).json();
    let notes = said["notes"].to_string();
    for words in ["This computer", "Docker is not started", "kitbag up --backend docker"] {
        assert!(notes.contains(words), "{words:?} is missing: {notes}");
    }
    let seen = environment(&a);
    assert_eq!((&seen["backend"], &seen["state"]), (&"local".into(), &"running".into()), "{seen:#}");
    // it stays, and is not said every day
    let again = a.run(&["--json", "--yes", "up", "--no-open"]).exits(&[0]).json();
    assert!(!again["notes"].to_string().contains("--backend docker"), "{again}");
    a.run(&["done"]).exits(&[0]);
}

/// Shows that one without rights is told so. Only where the test runs as root, which can be anybody. First tier.
#[test]
fn not_allowed_is_said() {
    const WHO: u32 = 4_243;
    if !engine() || fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("NOT TESTED: only root can be another user");
        return;
    }
    let room = room();
    let mut a = machine(room.path(), false);
    let program = room.path().join("kitbag");
    copy_program(&program);
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for path in tree_of(room.path()) {
        chown(path, Some(WHO), Some(WHO)).unwrap();
    }
    a.acts_as(&program, WHO, WHO);
    up(&a).exits(&[5]).explains(&["You may not use Docker", "group docker"]);
    untouched(&a);
}

/// A folder and all in it.
fn tree_of(folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![folder.to_owned()];
    for item in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match item.file_type().unwrap().is_dir() {
            true => all.extend(tree_of(&item.path())),
            false => all.push(item.path()),
        }
    }
    all
}

/// A fake: a socket whose one answer is this; none: it takes the question and says nothing.
fn fake_engine(socket: &Path, answer: Option<&'static str>) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let Some(answer) = answer else {
                silent.push(stream);
                continue;
            };
            if !stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                continue;
            }
            let length = answer.len();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}").ok();
        }
    });
}

/// Shows that an engine that is too old, or that never answers, is said and not waited for without end. First tier.
#[test]
fn an_engine_too_old_or_silent_is_said() {
    let old =
        r#"{"Version":"18.09.1","ApiVersion":"1.39","MinAPIVersion":"1.12","Os":"linux","Arch":"amd64"}"#;
    for (answer, words) in [(Some(old), "too old"), (None, "Docker")] {
        let room = room();
        let mut a = machine(room.path(), false);
        let socket = room.path().join("fake.sock");
        fake_engine(&socket, answer);
        a.variables.insert("DOCKER_HOST".into(), format!("unix://{}", socket.display()));
        up(&a).exits(&[5]).explains(&[words]);
        untouched(&a);
        a.variables.clear();
    }
}

/// Shows that an image that is nowhere to be had is named, nothing is left of the try, and the course starts as soon as
/// it is there. First tier.
#[test]
fn an_image_that_is_missing_is_named() {
    if !engine() {
        return;
    }
    let _turn = turn();
    let room = room();
    let a = machine(room.path(), false);
    for _ in 0..2 {
        up(&a).exits(&[5]).explains(&["kitbag-story-nowhere:1"]);
        let things = a.things();
        assert!(things.containers.is_empty() && things.volumes.is_empty(), "{things:?}");
    }
    a.docker(&["tag", &small_image(None), "kitbag-story-nowhere:1"]);
    let ran = up(&a);
    a.docker(&["rmi", "kitbag-story-nowhere:1"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(a.things().running.len(), 2);
    a.run(&["done"]).exits(&[0]);
}
