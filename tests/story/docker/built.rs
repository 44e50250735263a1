//! A course that brings no image but the folder it is built from: asked about, built with its steps told and only once,
//! on each machine from what the cloud folder brought, built again when a new version of the course brings another
//! folder; and what keeps it from being built is said, with nothing left of the try.

use std::path::{Path, PathBuf};

use super::lab::{Docked, engine, small_image, turn};
use crate::course::setup_with;
use crate::http::http;
use crate::machine::{room, write};

const MANIFEST: &str = r#"
id = "built"
title = "Built here"
version = "VERSION"
[[seed]]
from = "notes"
to = "notes"
[[service]]
name = "page"
kind = "web"
[service.web]
path = "/page"
[backend.docker]
build = "image folder"
mounts = ["./notes:/notes"]
ports = { page = 8080 }
"#;

/// `serve` is a program where the course is written; in a course package it has no such mark any more.
const RECIPE: &str = r#"FROM IMAGE
ARG KITBAG_COURSE_VERSION=none
COPY serve /bin/serve
RUN ["/bin/busybox", "chmod", "755", "/bin/serve"]
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox mkdir /www && /bin/busybox echo built as $KITBAG_COURSE_VERSION > /www/page; LAST"]
CMD ["/bin/serve"]
"#;

const SERVE: &str = "#!/bin/busybox sh\ntrap 'exit 0' TERM\n/bin/busybox httpd -f -p 8080 -h /www & wait\n";

/// A version of the course; `last` is what is done last when its image is built.
fn course(room: &Path, version: &str, last: &str) -> PathBuf {
    let course = room.join(format!("course {version}"));
    write(&course.join("course.toml"), MANIFEST.replace("VERSION", version));
    write(&course.join("notes/week1.md"), "# Week 1\n");
    let recipe = RECIPE.replace("IMAGE", &small_image(None)).replace("LAST", last);
    write(&course.join("image folder/Dockerfile"), recipe);
    write(&course.join("image folder/serve"), SERVE);
    course
}

/// What the course's page says.
#[track_caller]
fn page(machine: &Docked) -> String {
    http("GET", &machine.url("page"), None, "").unwrap().body
}

/// Shows that a course whose image is nowhere is built from the folder it brings, with a grant that is asked for and shown
/// and with its steps told; once, and again for a new version; on a second machine from what came by the cloud folder. A
/// folder that cannot be built says what it said last, and the files go on. First tier.
#[test]
fn an_image_is_built_from_the_courses_own_folder() {
    if !engine() {
        return;
    }
    let _turn = turn();
    let room = room();
    let share = room.path().join("share");
    let (a, b) = (Docked::new(room.path(), "HOME-PC", &share), Docked::new(room.path(), "WORK-PC", &share));
    // longer than a person waits without a word; its words are new, since an engine does nothing twice
    let slow = format!("/bin/busybox sleep 6; : {}", room.path().display());
    setup_with(&a, &course(room.path(), "1", &slow)).exits(&[0]);
    let asked = a.run(&["up", "--no-open"]).exits(&[5]);
    assert!(asked.stderr.contains("It may also: build images; "), "{asked:#?}");
    assert!(a.things().containers.is_empty(), "nothing is built without a yes");

    let ran = a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    assert!(ran.stderr.contains("Build the image of image folder: step "), "no step is told: {ran:#?}");
    assert_eq!(page(&a), "built as 1\n");
    let listed = a.run(&["--json", "plugin", "list"]).exits(&[0]).json();
    let docker = listed["plugins"].as_array().unwrap().iter().find(|one| one["id"] == "docker").unwrap();
    assert!(docker["grants"].to_string().contains("build"), "{docker:#}");
    let first = a.built();
    assert_eq!(first.len(), 1, "{first:?}");
    a.done();
    let ran = a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    assert!(!ran.stderr.contains("Build"), "it is there: {ran:#?}");
    a.done();

    b.setup().exits(&[0]);
    b.up();
    assert_eq!(page(&b), "built as 1\n");
    assert_eq!(b.built().len(), 1);
    b.done();

    setup_with(&a, &course(room.path(), "2", "true")).exits(&[0]);
    a.up();
    assert_eq!(page(&a), "built as 2\n");
    a.done();

    setup_with(&a, &course(room.path(), "3", "echo the reason; false")).exits(&[0]);
    let things = a.things();
    let ran = a.run(&["--yes", "up", "--no-open"]).exits(&[1, 5]);
    ran.explains(&["could not be built", "the reason"]);
    assert_eq!(
        (a.things(), a.built().len()),
        (things, 2),
        "what was there stays, and nothing is left of the try"
    );
    a.write("notes/mine.md", "mine\n");
    a.sync();
    assert!(a.mirror().0.contains_key("notes/mine.md"));
}
