//! The reference course as a student lives through it on a machine with Docker: JupyterLab with its database and
//! OpenRefine on the student's files, logged in with the token and closed without it; a second machine on the same
//! engine; what breaks is started again, and a broken environment is made afresh with the same work.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::lab::{Docked, course_image, data_course, docker, turn, until};
use crate::course::{environment, service, setup_with};
use crate::http::{get, http};
use crate::machine::{copy_program, room, write};

/// Shows the reference course on Docker, from `setup` to a second machine on the same engine: services answer with the
/// token and refuse without it, what Jupyter saves is the student's file, containers of two machines never mix, what
/// was killed is started again, a taken port is another one, `reset` makes it afresh, and `done` leaves nothing
/// running. The folders have spaces, quotes and letters of other languages in their names. First tier.
#[test]
fn the_real_course_from_start_to_end() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let room = room();
    let odd = room.path().join("Zoë's \"own\" ключ, 50 %");
    let share = odd.join("Cloud Drive");
    let mut a = Docked::new(&odd, "HOME-PC", &share);
    setup_with(&a, &data_course()).exits(&[0]);
    a.up();

    let seen = environment(&a);
    assert_eq!((&seen["backend"], &seen["state"]), (&"docker".into(), &"running".into()), "{seen:#}");
    for name in ["notebooks", "openrefine"] {
        let one = service(&a, name);
        assert_eq!(one["state"], "running", "{one}");
        assert!(one["url"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{one}");
    }
    let (url, token) = a.opened("notebooks");
    assert!(token.len() >= 32, "{url}");
    let base = a.jupyter().base;
    assert_eq!(get(&format!("{base}/api/status"), Some(&token)), Some(200));
    assert_eq!(get(&format!("{base}/api/status"), None), Some(403));
    assert_eq!(get(&format!("{base}/api/status"), Some("guessed")), Some(403));
    assert_eq!(get(&url, None), Some(200), "`open` lands logged in");
    assert_eq!(get(&format!("{base}/lab"), None), Some(302), "else there is a log-in");
    let (refine, _) = a.opened("openrefine");
    assert!(refine.starts_with(&base), "behind the same log-in: {refine}");
    assert_eq!(get(a.url("openrefine").as_str(), None), Some(302));
    let page = http("GET", &a.url("openrefine"), Some(&token), "").unwrap();
    assert!(page.status == 200 && page.body.contains("OpenRefine"), "{page:?}");
    assert_eq!(a.sql("SELECT count(*) FROM city.counts"), "240217");

    a.jupyter().save_text("notebooks/mine.md", "saved by Jupyter\n");
    assert_eq!(a.text("notebooks/mine.md"), "saved by Jupyter\n");
    let of = |path: &str| fs::metadata(a.work.join(path)).unwrap().uid();
    assert_eq!(of("notebooks/mine.md"), of("notebooks"), "the owner of the folder");

    // the second machine, while the first is at work
    let b = Docked::new(&odd, "WORK PC", &share);
    a.sync();
    b.setup().exits(&[0]);
    b.up();
    assert_eq!(b.text("notebooks/mine.md"), "saved by Jupyter\n");
    let (of_a, of_b) = (a.things(), b.things());
    assert!(!of_a.running.is_empty() && !of_b.running.is_empty() && !of_b.volumes.is_empty());
    assert!(of_a.containers.is_disjoint(&of_b.containers) && of_a.volumes.is_disjoint(&of_b.volumes));
    let (_, token_b) = b.opened("notebooks");
    assert_ne!(a.jupyter().base, b.jupyter().base);
    assert_eq!(
        get(&format!("{}/api/status", b.jupyter().base), Some(&token)),
        Some(403),
        "each has a token of its own"
    );
    assert_eq!(get(&format!("{}/api/status", b.jupyter().base), Some(&token_b)), Some(200));
    b.jupyter().save_text("notebooks/mine.md", "saved by Jupyter\nand at work\n");
    b.run(&["done"]).exits(&[0]);
    assert!(b.things().running.is_empty(), "`done` leaves nothing running: {:?}", b.things());
    assert_eq!(a.things(), of_a, "and touches nobody else's");
    assert_eq!(get(&format!("{base}/api/status"), Some(&token)), Some(200));
    // made afresh: the same work, one environment, nothing of the old one
    b.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
    let again = b.things();
    assert_eq!((again.containers, again.volumes), (of_b.containers, of_b.volumes), "one environment");
    assert_eq!(b.text("notebooks/mine.md"), "saved by Jupyter\nand at work\n");
    b.run(&["done"]).exits(&[0]);
    a.sync();
    assert_eq!(a.text("notebooks/mine.md"), "saved by Jupyter\nand at work\n");

    // ended by force, outside kitbag
    for container in &a.things().running {
        a.docker(&["kill", container]);
    }
    assert_ne!(service(&a, "notebooks")["state"], "running");
    a.up();
    assert_eq!(get(&format!("{}/api/status", a.jupyter().base), Some(&token)), Some(200));
    a.run(&["done"]).exits(&[0]);
    assert!(a.things().running.is_empty());
    assert_eq!(get(&format!("{base}/api"), None), None, "its port is closed");

    // another program has the port meanwhile
    let port = base.rsplit(':').next().unwrap();
    let taken = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    a.up();
    assert_ne!(a.jupyter().base, base);
    assert_eq!(get(&format!("{}/api/status", a.jupyter().base), Some(&token)), Some(200));
    drop(taken);

    // without its engine the files go on
    a.variables.insert("DOCKER_HOST".into(), "unix:///nowhere/docker.sock".into());
    a.write("notebooks/later.md", "later\n");
    assert_eq!(environment(&a)["state"], "unknown");
    let report = a.run(&["--json", "sync"]).exits(&[1]).json();
    assert_eq!(report["published"], 1, "{report}");
    let problem = &report["problems"][0];
    assert_eq!(problem["path"], "backups/postgres/postgres.dump", "{report}");
    assert!(problem["reason"].as_str().unwrap().contains("Docker"), "{report}");
    a.run(&["--yes", "up", "--no-open"]).exits(&[5]).explains(&["Docker"]);
    a.run(&["done"]).exits(&[5]).explains(&["Docker"]);
    b.sync();
    assert_eq!(b.text("notebooks/later.md"), "later\n");
    a.variables.clear();
    a.run(&["done"]).exits(&[0]);
    assert!(a.things().running.is_empty());
}

/// The engine's socket's group: who is in it may use Docker.
fn group_of_docker() -> u32 {
    fs::metadata("/var/run/docker.sock").unwrap().gid()
}

/// Shows that an ordinary user's files stay that user's: kitbag runs as one, and what Jupyter saves belongs to the same.
/// Only where the test runs as root, which can be anybody. First tier.
#[test]
fn files_belong_to_who_works() {
    const WHO: u32 = 4_242;
    if !course_image() {
        return;
    }
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("NOT TESTED: only root can be another user");
        return;
    }
    let _turn = turn();
    let room = room();
    let share = room.path().join("share");
    let mut a = Docked::new(room.path(), "HOME-PC", &share);
    // the program may lie where only root can go
    let program = room.path().join("kitbag");
    copy_program(&program);
    let course = room.path().join("course");
    let copied = Command::new("cp").arg("-r").arg(data_course()).arg(&course).status().unwrap();
    assert!(copied.success());
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for own in [room.path(), &room.path().join("HOME-PC"), &a.user.clone()] {
        chown(own, Some(WHO), Some(WHO)).unwrap();
    }
    a.acts_as(&program, WHO, group_of_docker());
    setup_with(&a, &course).exits(&[0]);
    a.up();
    a.jupyter().save_text("notebooks/mine.md", "mine\n");
    let file = fs::metadata(a.work.join("notebooks/mine.md")).unwrap();
    assert_eq!((file.uid(), file.gid()), (WHO, WHO));
    for (path, _) in a.files().0 {
        assert_eq!(fs::symlink_metadata(a.work.join(&path)).unwrap().uid(), WHO, "{path}");
    }
    a.run(&["done"]).exits(&[0]);
    assert!(a.things().running.is_empty());
}

/// Shows that an image kitbag did not build runs unmodified from a manifest of ten lines: notebooks and OpenRefine's
/// projects mounted where it wants them, the token handed in by its variable. First tier.
#[test]
fn somebody_elses_image_runs_unmodified() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let room = room();
    let image = format!("kitbag-story-elsewhere:{}", std::process::id());
    // as another team made theirs: everything at the top, another port, run as root, no check, no course inside
    let dockerfile = "FROM data-course:2026.10\nHEALTHCHECK NONE\nENTRYPOINT [\"jupyter\", \"lab\", \"--allow-root\", \
                      \"--ip=0.0.0.0\", \"--port=8351\", \"--no-browser\", \"--ServerApp.root_dir=/\", \"--config=/none\"]\n";
    write(&room.path().join("image/Dockerfile"), dockerfile);
    docker(None, &["build", "-q", "-t", &image, room.path().join("image").to_str().unwrap()]).unwrap();
    let manifest = format!(
        r#"id = "elsewhere"
title = "Somebody's image"
version = "1"
folders = ["notebooks", "openrefine_projects"]
service = [{{ name = "notebooks", kind = "web" }}]
[backend.docker]
image = "{image}"
mounts = ["./notebooks:/notebooks", "./openrefine_projects:/openrefine_projects"]
ports = {{ notebooks = 8351 }}
environment = {{ JUPYTER_TOKEN = "{{token}}" }}
"#
    );
    assert_eq!(manifest.lines().count(), 10);
    let course = room.path().join("course");
    write(&course.join("course.toml"), manifest);
    let a = Docked::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(&a, &course).exits(&[0]);
    a.up();
    let (_, token) = a.opened("notebooks");
    let base = a.url("notebooks");
    let base = base.trim_end_matches('/');
    let body = json!({ "type": "file", "format": "text", "content": "mine\n" }).to_string();
    for folder in ["notebooks", "openrefine_projects"] {
        let url = format!("{base}/api/contents/{folder}/mine.txt");
        assert_eq!(http("PUT", &url, None, &body).unwrap().status, 403);
        assert_eq!(http("PUT", &url, Some(&token), &body).unwrap().status, 201, "{folder}");
        assert_eq!(a.text(&format!("{folder}/mine.txt")), "mine\n");
    }
    a.run(&["done"]).exits(&[0]);
    assert!(a.things().running.is_empty());
    until("the image is no longer in use", Duration::from_secs(10), || {
        drop_all(&a);
        docker(None, &["rmi", &image]).is_ok()
    });
}

fn drop_all(machine: &Docked) {
    for container in machine.things().containers {
        machine.docker(&["rm", "-fv", &container]);
    }
}
