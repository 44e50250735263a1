//! Everything taken away and started where there is no kitbag: on an engine of its own that has never seen the course,
//! by the very lines of the README, and by the script. The course is small and its image is made here; with KITBAG_FULL
//! the real one is taken.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use crate::course::{database, setup_with};
use crate::docker::lab::{Docked, course_image, data_course, engine, small_image, turn, until};
use crate::engine::Engine;
use crate::http::http;
use crate::machine::{room, tree, write};

const MANIFEST: &str = r#"
id = "taken"
title = "Taken 'away' & back"
version = "1"
folders = ["notebooks"]
[[seed]]
from = "notebooks"
to = "notebooks"
[[service]]
name = "page"
title = "A page"
kind = "web"
[service.web]
path = "/hello"
port = true
[[service]]
name = "rows"
title = "The rows"
kind = "database"
[service.database]
server = "lines"
inside = "page"
dump = ["cat", "/srv/rows/data"]
restore = ["sh", "-c", "cat >/srv/rows/new && mv /srv/rows/new /srv/rows/data"]
ready = ["test", "-e", "/srv/rows/data"]
[backend.docker]
image = "IMAGE"
mounts = [".:/work", "rows:/srv/rows"]
ports = { page = 8080 }
command = ["sh", "-c", "[ -e /srv/rows/data ] || echo first >/srv/rows/data; mkdir -p /tmp/www; echo \"token $TOKEN\" >/tmp/www/hello; httpd -p 8080 -h /tmp/www; trap 'exit 0' TERM; while :; do sleep 1; done"]
[backend.docker.environment]
TOKEN = "{token}"
ODD = "it's $5 & \"more\"; 100 %"
"#;

/// Unpacked by a program that knows nothing of kitbag: the folder in it.
#[track_caller]
fn unpacked(archive: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    let mut unzip = Command::new("unzip");
    let ran = unzip.env("LC_ALL", "C.UTF-8").arg("-q").arg(archive).arg("-d").arg(to).output();
    let ran = ran.unwrap_or_else(|error| panic!("this test needs unzip: {error}"));
    assert!(ran.status.success(), "{ran:?}");
    fs::read_dir(to).unwrap().next().unwrap().unwrap().path()
}

/// The commands of a chapter of the README: what stands four spaces in.
#[track_caller]
fn commands(readme: &str, chapter: &str) -> Vec<String> {
    let (_, after) =
        readme.split_once(&format!("\n{chapter}\n---")).unwrap_or_else(|| panic!("{chapter}: {readme}"));
    let chapter = after.split_once("\n---").map_or(after, |(chapter, _)| chapter);
    let lines: Vec<String> =
        chapter.lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "{readme}");
    lines
}

fn sh(folder: &Path, engine: &Engine, script: &str) -> Output {
    let mut sh = Command::new("sh");
    sh.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder);
    sh.env("DOCKER_HOST", engine.address()).current_dir(folder).args(["-e", "-c", script]).output().unwrap()
}

#[track_caller]
fn runs(folder: &Path, engine: &Engine, script: &str) -> String {
    let ran = sh(folder, engine, script);
    assert!(
        ran.status.success(),
        "{script}\n{}\n{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap()
}

/// What a page says, asked for until it answers.
#[track_caller]
fn page(port: u16, path: &str) -> String {
    let mut said = String::new();
    until("the page answers", Duration::from_secs(60), || {
        let answer = http("GET", &format!("http://127.0.0.1:{port}{path}"), None, "");
        answer.is_ok_and(|answer| {
            said = answer.body;
            answer.status == 200
        })
    });
    said
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Shows "take away any environment and any data": files, rows and the course's programs, on an engine that has never
/// seen them, without kitbag and without an account, by the README's own lines. The token of this machine stays here.
/// First tier.
#[test]
fn started_by_the_readme_on_an_engine_of_its_own() {
    let _turn = turn();
    if !engine() {
        return;
    }
    let image = small_image(None);
    let room = room();
    let course = room.path().join("course");
    write(&course.join("course.toml"), MANIFEST.replace("IMAGE", &image));
    write(&course.join("notebooks/week1.md"), "# Week 1\n");
    let a = &Docked::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(a, &course).exits(&[0]);
    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    a.write("notebooks/mine.md", "mine\n");
    a.run(&["exec", "page", "--", "sh", "-c", "echo second >>/srv/rows/data"]).exits(&[0]);
    let archive = a.user.join("taken away.zip");
    let told = a.run(&["--json", "takeaway", archive.to_str().unwrap()]).exits(&[0]).json();
    assert_eq!(told["databases"], serde_json::json!(["rows"]), "{told:#}");
    assert_eq!((told["image"].as_str(), &told["notes"]), (Some("images.tar.gz"), &serde_json::json!([])));
    // the course goes on meanwhile
    a.run(&["exec", "page", "--", "test", "-e", "/srv/rows/data"]).exits(&[0]);

    without_the_engine(a, room.path());
    let top = unpacked(&archive, &room.path().join("another, computer's folder"));
    assert_eq!(tree(&top.join("work")), a.files());
    assert_eq!(fs::read_to_string(top.join("work/backups/rows/rows.dump")).unwrap(), "first\nsecond\n");
    let token = tree(&a.home).0.into_iter().find(|(path, _)| path.ends_with("environment/token"));
    let token = String::from_utf8(token.expect("the token lies in a file here").1).unwrap();
    for (path, bytes) in tree(&top).0 {
        assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()), "the token is in {path}");
    }
    let whole = Command::new("gzip").args(["-dc"]).arg(top.join("images.tar.gz")).output().unwrap();
    assert!(
        whole.status.success() && !whole.stdout.windows(token.len()).any(|part| part == token.as_bytes())
    );

    let Some(engine) = Engine::start(room.path()) else { return };
    assert!(!engine.has(&image), "it has seen the image before");
    let readme = fs::read_to_string(top.join("README.txt")).unwrap();
    let port = free_port();
    let by_hand: Vec<String> = commands(&readme, "By hand")
        .into_iter()
        .map(|line| if line.starts_with("PORT_PAGE=") { format!("PORT_PAGE={port}") } else { line })
        .collect();
    runs(&top, &engine, &by_hand.join("\n"));
    assert!(page(port, "/hello").ends_with("token choose-a-long-word\n"));
    let inside =
        |script: &str| runs(&top, &engine, &format!("docker exec taken-takeaway-course sh -c '{script}'"));
    assert_eq!(
        inside("cat /srv/rows/data /work/notebooks/week1.md /work/notebooks/mine.md; echo \"$ODD\""),
        "first\nsecond\n# Week 1\nmine\nit's $5 & \"more\"; 100 %\n"
    );
    // out again by the README's line, and off that computer
    inside("echo third >>/srv/rows/data");
    let save = commands(&readme, "The databases");
    runs(&top, &engine, &save[0]);
    assert_eq!(
        fs::read_to_string(top.join("work/backups/rows/rows.dump")).unwrap(),
        "first\nsecond\nthird\n"
    );
    runs(&top, &engine, &commands(&readme, "Take it off this computer").join("\n"));
    assert_eq!(runs(&top, &engine, "docker ps -aq; docker volume ls -q"), "");

    let elsewhere = room.path().join("a \"quoted\" place");
    fs::rename(top.parent().unwrap(), &elsewhere).unwrap();
    by_script(&elsewhere.join("taken"), &engine);
}

/// With Docker not there the rest is taken all the same, and why the images are not in it is said to the person, and to
/// whoever opens it.
#[track_caller]
fn without_the_engine(a: &Docked, room: &Path) {
    let archive = a.user.join("without.zip");
    let mut command = a.command(&["--json", "takeaway", archive.to_str().unwrap()]);
    let ran = command.env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert!(
        told["image"].is_null() && told["notes"].to_string().contains("images are not in here"),
        "{told:#}"
    );
    let top = unpacked(&archive, &room.join("without"));
    let readme = fs::read_to_string(top.join("README.txt")).unwrap();
    assert!(readme.contains("The images are not in here") && !readme.contains("docker load"), "{readme}");
    assert!(fs::read_to_string(top.join("start.sh")).unwrap().contains("docker run -d"));
    assert!(top.join("work/notebooks/week1.md").is_file() && top.join("course/course.toml").is_file());
}

/// The script: a token of its own, the dump once and never again, stopped and started.
#[track_caller]
fn by_script(top: &Path, engine: &Engine) {
    let port = free_port();
    let start = format!("PORT_PAGE={port} sh start.sh");
    let said = runs(top, engine, &start);
    let setting = fs::read_to_string(top.join(".env")).unwrap();
    let token = setting.trim().strip_prefix("KITBAG_TOKEN=").unwrap();
    assert!(
        token.len() == 48 && said.contains(&format!("http://127.0.0.1:{port}/hello?token={token}")),
        "{said}"
    );
    assert!(page(port, "/hello").ends_with(&format!("token {token}\n")));
    let rows = "docker exec taken-takeaway-course cat /srv/rows/data";
    assert_eq!(runs(top, engine, rows), "first\nsecond\nthird\n");
    runs(top, engine, "docker exec taken-takeaway-course sh -c 'echo fourth >>/srv/rows/data'");
    runs(top, engine, "sh stop.sh");
    assert_eq!(runs(top, engine, "docker ps -q"), "");
    runs(top, engine, &start);
    assert_eq!(runs(top, engine, rows), "first\nsecond\nthird\nfourth\n", "later work was undone");
    assert_eq!(fs::read_to_string(top.join(".env")).unwrap(), setting);
}

const LINKED: &str = r#"
services:
  page:
    image: IMAGE
    ports: ["8080"]
    depends_on: {store: {condition: service_healthy}}
    environment: {TOKEN: "${KITBAG_TOKEN}"}
    volumes: ["./notebooks:/notebooks:ro"]
    command: [sh, -c, "mkdir -p /tmp/www; echo \"token $$TOKEN\" >/tmp/www/hello; httpd -p 8080 -h /tmp/www; trap 'exit 0' TERM; while :; do sleep 1; done"]
  store:
    image: IMAGE
    volumes: ["rows:/srv/rows"]
    command: [sh, -c, "[ -e /srv/rows/data ] || echo first >/srv/rows/data; trap 'exit 0' TERM; while :; do sleep 1; done"]
    healthcheck: {test: [CMD, test, -e, /srv/rows/data], interval: 1s}
volumes:
  rows:
"#;

/// The same for a course of linked containers: each waits for those it needs, finds them by name, and the dump goes to
/// the one that keeps the rows. First tier.
#[test]
fn linked_containers_are_started_in_their_order() {
    let _turn = turn();
    if !engine() {
        return;
    }
    let image = small_image(None);
    let room = room();
    let course = room.path().join("course");
    let (services, _) = MANIFEST.split_once("[backend.docker]").unwrap();
    let manifest =
        services.replace("inside = \"page\"", "inside = \"store\"").replace("\"taken\"", "\"linked\"");
    write(&course.join("course.toml"), manifest + "[backend.docker]\ncompose_file = \"compose.yaml\"\n");
    write(&course.join("compose.yaml"), LINKED.replace("IMAGE", &image));
    write(&course.join("notebooks/week1.md"), "# Week 1\n");
    let a = &Docked::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(a, &course).exits(&[0]);
    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    a.run(&["exec", "rows", "--", "sh", "-c", "echo second >>/srv/rows/data"]).exits(&[0]);
    let archive = a.user.join("all.zip");
    a.run(&["takeaway", archive.to_str().unwrap()]).exits(&[0]);
    a.run(&["done"]).exits(&[0]);
    let top = unpacked(&archive, &room.path().join("out"));
    let Some(engine) = Engine::start(room.path()) else { return };
    let port = free_port();
    for _ in 0..2 {
        runs(&top, &engine, &format!("PORT_PAGE={port} sh start.sh"));
        let setting = fs::read_to_string(top.join(".env")).unwrap();
        let token = setting.trim().strip_prefix("KITBAG_TOKEN=").unwrap();
        assert!(page(port, "/hello").ends_with(&format!("token {token}\n")));
        let inside = |script: &str| runs(&top, &engine, &format!("docker exec linked-takeaway-{script}"));
        assert_eq!(inside("store cat /srv/rows/data"), "first\nsecond\n");
        assert_eq!(inside("page cat /notebooks/week1.md"), "# Week 1\n");
        // by its name; whether packets get through is up to the other engine's firewall on this computer
        assert!(inside("page /bin/busybox nslookup store").contains("store"));
        runs(&top, &engine, "sh stop.sh");
    }
    let readme = fs::read_to_string(top.join("README.txt")).unwrap();
    runs(&top, &engine, &commands(&readme, "Take it off this computer").join("\n"));
    assert_eq!(
        runs(&top, &engine, "docker ps -aq; docker volume ls -q; docker network ls -q --filter name=linked"),
        ""
    );
}

/// The real course, with the big image. In `.ci/full`, on a machine that has the image.
#[test]
fn the_real_course_taken_away() {
    if std::env::var_os("KITBAG_FULL").is_none() {
        return;
    }
    let _turn = turn();
    if !course_image() {
        return;
    }
    let room = room();
    let a = &Docked::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(a, &data_course()).exits(&[0]);
    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    let psql = |sql: &str| {
        ["runuser", "-u", "student", "--", "psql", "-X", "-A", "-t", "-c", sql].map(str::to_owned)
    };
    let mut exec = vec!["exec".to_owned(), "notebooks".to_owned(), "--".to_owned()];
    exec.extend(psql("CREATE TABLE mine AS SELECT 42 AS answer"));
    a.run(&exec.iter().map(String::as_str).collect::<Vec<_>>()).exits(&[0]);
    a.write("notebooks/mine.md", "mine\n");
    let archive = a.user.join("all.zip");
    let told = a.run(&["--json", "takeaway", archive.to_str().unwrap()]).exits(&[0]).json();
    assert_eq!(told["image"], "images.tar.gz", "{told:#}");
    a.run(&["done"]).exits(&[0]);
    let top = unpacked(&archive, &room.path().join("out"));
    fs::remove_file(&archive).unwrap();
    let Some(engine) = Engine::start(room.path()) else { return };
    let port = free_port();
    let said = runs(&top, &engine, &format!("PORT_NOTEBOOKS={port} sh start.sh"));
    let setting = fs::read_to_string(top.join(".env")).unwrap();
    let token = setting.trim().strip_prefix("KITBAG_TOKEN=").unwrap();
    assert!(said.contains(&format!("http://127.0.0.1:{port}/lab?token={token}")), "{said}");
    assert!(page(port, &format!("/api/contents/notebooks?token={token}")).contains("mine.md"));
    let inside = |sql: &str| {
        runs(
            &top,
            &engine,
            &format!(
                "docker exec data-course-takeaway-course runuser -u student -- psql -X -A -t -c '{sql}'"
            ),
        )
    };
    assert_eq!(inside("SELECT answer FROM mine"), "42\n");
    assert!(inside("SELECT count(*) FROM city.counts").trim().parse::<u64>().unwrap() > 100_000);
}

/// A course that runs with programs of the computer: files, what its database held, the course, and how both are used
/// without kitbag. First tier.
#[test]
fn a_course_of_this_computers_programs() {
    let room = room();
    let course = room.path().join("course");
    write(
        &course.join("course.toml"),
        "id = \"plain\"\ntitle = \"Plain\"\nversion = \"1\"\n[[service]]\nname = \"marks\"\ntitle = \"Marks\"\n\
         kind = \"sqlite\"\n[service.sqlite]\nschema = \"schema.sql\"\n[[service]]\nname = \"worker\"\ntitle = \"A worker\"\n\
         kind = \"program\"\n[service.program]\nprogram = \"sleep\"\nargs = [\"300\"]\n[backend.local]\n\
         python = { requirements = \"binder/requirements.txt\" }\n",
    );
    write(&course.join("schema.sql"), "CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT);\n");
    // one that every environment has, so that nothing has to be fetched
    write(&course.join("binder/requirements.txt"), "pip\n");
    let a = &Docked::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(a, &course).exits(&[0]);
    a.write("notes.md", "n\n");
    // before anything was started there are the files and the course
    let archive = a.user.join("before.zip");
    let told = a.run(&["--json", "takeaway", archive.to_str().unwrap()]).exits(&[0]).json();
    assert!(told["notes"].to_string().contains("No environment was made"), "{told:#}");
    let top = unpacked(&archive, &room.path().join("before"));
    assert!(top.join("work/notes.md").is_file() && top.join("course/schema.sql").is_file());

    a.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    database(a, "marks").execute("INSERT INTO marks(mark) VALUES ('it''s 1')", []).unwrap();
    let archive = a.user.join("all.zip");
    let told = a.run(&["--json", "takeaway", archive.to_str().unwrap()]).exits(&[0]).json();
    assert_eq!(
        (&told["databases"], &told["image"]),
        (&serde_json::json!(["marks"]), &serde_json::Value::Null)
    );
    a.run(&["done"]).exits(&[0]);
    let top = unpacked(&archive, &room.path().join("out"));
    let readme = fs::read_to_string(top.join("README.txt")).unwrap();
    assert_eq!(
        commands(&readme, "Start it"),
        [
            "python3 -m venv env",
            "env/bin/pip install -r course/binder/requirements.txt",
            "(cd work && PATH=\"$PWD/../env/bin:$PATH\" sleep 300)"
        ]
    );
    assert!(top.join("course/binder/requirements.txt").is_file());
    let [make, find] = &commands(&readme, "The SQLite databases")[..] else { panic!("{readme}") };
    // the sqlite3 program's part is played by the library it is made of
    assert_eq!(make, "sqlite3 marks.sqlite <work/backups/marks/marks.dump");
    assert_eq!(find, "export KITBAG_MARKS_URL=\"sqlite:$PWD/marks.sqlite\"");
    let dump = fs::read_to_string(top.join("work/backups/marks/marks.dump")).unwrap();
    let made = rusqlite::Connection::open(top.join("marks.sqlite")).unwrap();
    made.execute_batch(&dump).unwrap();
    let mark: String = made.query_row("SELECT mark FROM marks", [], |row| row.get(0)).unwrap();
    assert_eq!(mark, "it's 1");
}
