use super::*;
use crate::layout::Mount;

const COURSE: &str = r#"
version: "3.8"
services:
  jupyter:
    build: {context: ./jupyter, args: {BASE: "debian:12"}}
    ports: ["127.0.0.1:35188:8888"]
    volumes:
      - ./notebooks:/home/student/notebooks
      - "./data:/home/student/data:ro"
    environment:
      JUPYTER_TOKEN: ${KITBAG_TOKEN}
      PRICE: 3$$
    depends_on:
      db: {condition: service_healthy}
      refine:
        condition: service_started
    command: jupyter lab --ip=0.0.0.0 --notebook-dir='/home/student'
    working_dir: /home/student
    user: "1000:100"
  refine:
    image: kitbag/openrefine:3.8
    ports: [3333]
    depends_on: [db]
  db:
    image: postgres:16
    environment: [POSTGRES_USER=student, "POSTGRES_PASSWORD=${KITBAG_TOKEN}"]
    volumes: ["db:/var/lib/postgresql/data"]
    healthcheck:
      test: ["CMD", "pg_isready", "-U", "student"]
      interval: 2s
      timeout: 1m
      retries: 10
      start_period: 500ms
volumes:
  db:
"#;

#[test]
fn a_course_of_three_services() {
    let all = read(COURSE).unwrap();
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["db", "refine", "jupyter"]);
    let (db, jupyter) = (&all[0], &all[2]);
    assert_eq!(db.env["POSTGRES_PASSWORD"], "{token}");
    let health = db.health.as_ref().unwrap();
    assert_eq!((health.interval_ms, health.timeout_ms, health.retries), (Some(2000), Some(60_000), Some(10)));
    assert_eq!(health.test, ["CMD", "pg_isready", "-U", "student"]);
    assert_eq!(db.mounts[0].from, From::Volume("db".into()));
    assert_eq!(jupyter.needs["db"], Condition::Healthy);
    assert_eq!(jupyter.needs["refine"], Condition::Started);
    assert_eq!(jupyter.env["JUPYTER_TOKEN"], "{token}");
    assert_eq!(jupyter.env["PRICE"], "3$");
    assert_eq!(jupyter.ports[0].inside, 8888);
    assert_eq!(jupyter.command.as_ref().unwrap()[3], "--notebook-dir=/home/student");
    let notebooks = From::Folder { token: "work".into(), path: "notebooks".into() };
    assert_eq!(
        jupyter.mounts[0],
        Mount { from: notebooks, target: "/home/student/notebooks".into(), read_only: false }
    );
    assert!(jupyter.mounts[1].read_only);
    let build = jupyter.image.build.as_ref().unwrap();
    assert_eq!((build.context.as_str(), build.args["BASE"].as_str()), ("jupyter", "debian:12"));
}

/// Everything that would give a container more than a course may have, and everything that is only not read.
#[test]
fn anything_else_is_refused_by_name_and_line() {
    let keys = [
        "privileged: true",
        "cap_add: [ALL]",
        "devices: [/dev/kvm]",
        "network_mode: host",
        "pid: host",
        "ipc: host",
        "userns_mode: host",
        "security_opt: [seccomp=unconfined]",
        "volumes_from: [x]",
        "sysctls: {a: b}",
        "extends: {service: x}",
        "env_file: .env",
        "secrets: [a]",
        "configs: [a]",
        "networks: [a]",
        "links: [a]",
        "restart: always",
        "container_name: x",
        "labels: {a: b}",
        "deploy: {}",
        "init: true",
        "tty: true",
        "stdin_open: true",
        "hostname: x",
        "dns: 1.1.1.1",
        "extra_hosts: [a]",
        "tmpfs: /run",
        "ulimits: {}",
        "logging: {}",
        "expose: [1]",
        "gpus: all",
        "cgroup_parent: x",
        "runtime: x",
        "shm_size: 1g",
        "profiles: [x]",
        "<<: {a: b}",
        "x-anything: 1",
        "platform: linux/amd64",
        "pull_policy: always",
    ];
    for line in keys {
        let key = line.split(':').next().unwrap();
        let fault = read(&format!("services:\n  a:\n    image: x\n    {line}\n")).unwrap_err();
        assert!(fault.message.contains("Line 4"), "{line}: {}", fault.message);
        assert!(fault.message.contains(&format!("\"{key}\"")), "{line}: {}", fault.message);
        assert!(!fault.remedies.is_empty());
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    let service = |text: &str| format!("services:\n  a:\n    image: x\n{text}");
    for (text, line, word) in [
        ("services: {}\n".to_owned(), 1, "no services"),
        ("volumes: {a: {}}\n".to_owned(), 1, "no services"),
        ("networks: {}\nservices: {a: {image: x}}\n".to_owned(), 1, "\"networks\""),
        ("services:\n  A: {image: x}\n".to_owned(), 2, "name of a service"),
        ("services:\n  a: {}\n".to_owned(), 2, "neither image nor build"),
        ("services:\n  a: x\n".to_owned(), 2, "block of settings"),
        (service("    ports:\n      - 0.0.0.0:80:80\n"), 5, "to others"),
        (service("    ports: {a: b}\n"), 4, "list"),
        (service("    volumes:\n      - /:/host\n"), 5, "cannot be mounted"),
        (service("    volumes:\n      - {type: bind, source: /}\n"), 5, "text"),
        (service("    volumes: [\"v:/x\"]\n"), 2, "no list of volumes"),
        (service("    environment:\n      HOME:\n"), 5, "no value"),
        (service("    environment: [HOME]\n"), 4, "no value"),
        (service("    environment: {KITBAG_X: 1}\n"), 4, "kitbag's own"),
        (service("    environment: {A: \"$HOME\"}\n"), 4, "not filled in"),
        (service("    environment: {A: \"${HOME:-x}\"}\n"), 4, "not filled in"),
        (service("    depends_on: {b: {condition: service_completed_successfully}}\n"), 4, "condition"),
        (service("    healthcheck: {interval: 5s}\n"), 4, "no test"),
        (service("    healthcheck: {test: [curl]}\n"), 4, "CMD"),
        (service("    healthcheck: {test: x, interval: soon}\n"), 4, "not a time"),
        (service("    build: ../..\n"), 4, "plain path"),
        (service("    build: {context: ., network: host}\n"), 4, "\"network\""),
        (service("    command: \"a 'b\"\n"), 4, "not closed"),
        (service("    user: \"a b\"\n"), 4, "not a user"),
        (service("volumes:\n  v: {driver_opts: {device: /}}\n"), 5, "Options of the volume"),
    ] {
        let fault = read(&text).unwrap_err();
        assert!(fault.message.contains(word), "{text}: {}", fault.message);
        assert!(fault.message.contains(&format!("Line {line} ")), "{text}: {}", fault.message);
    }
}

#[test]
fn a_check_may_be_switched_off() {
    let all = read("services:\n  a:\n    image: x\n    healthcheck: {disable: true}\n").unwrap();
    assert_eq!(all[0].health.as_ref().unwrap().test, ["NONE"]);
}

/// What a course can never have, whatever its file says.
fn honest(containers: &[Container]) {
    for one in containers {
        assert!(is_name(&one.name));
        for mount in &one.mounts {
            assert!(mount.target.starts_with('/') && !mount.target.contains("/.."), "{mount:?}");
            if let From::Folder { token, path } = &mount.from {
                assert!(token == "work" || token == "data", "{mount:?}");
                assert!(!path.starts_with('/') && path.split('/').all(|part| part != ".."), "{mount:?}");
            }
        }
        assert!(one.ports.iter().all(|port| port.inside > 0));
        assert!(one.env.keys().all(|name| !name.starts_with("KITBAG_")));
    }
}

proptest::proptest! {
    /// Pieces of the file are cut out, doubled and overwritten; it is read or refused, and what is read is honest.
    #[test]
    fn damaged_files_are_read_or_refused(
        edits in proptest::collection::vec((0_usize..2000, 0_usize..60, "[-a-z{}\\[\\]:,&*!|>'\"$#./\n ]{0,12}"), 1..6),
    ) {
        let mut text = COURSE.to_owned();
        for (at, length, new) in edits {
            let at = at % (text.len() + 1);
            let end = (at + length).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, &new);
            }
        }
        match read(&text) {
            Ok(containers) => honest(&containers),
            Err(fault) => proptest::prop_assert!(!fault.remedies.is_empty() && fault.message.len() < 400, "{fault:?}"),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        if let Ok(containers) = read(&text) {
            honest(&containers);
        }
    }

    #[test]
    fn any_mount_stays_inside(source in "[-./~a-zA-Z{}:\\\\ ]{0,20}", target in "[-./a-z: ]{0,12}") {
        if let Ok(mount) = rules::mount(&format!("{source}:{target}"))
            && let From::Folder { path, .. } = &mount.from
        {
            proptest::prop_assert!(path.is_empty() || path.split('/').all(|part| !["", ".", ".."].contains(&part)));
            let odd = path.contains(['\\', ':', '{']);
            proptest::prop_assert!(!odd);
        }
    }
}
