//! A course on a computer without Docker brings its own Python: made once in machine state, kept when it cannot be
//! replaced, made again when it is broken, and never half. Most stories install a tiny package the test builds itself,
//! with Python's own means and no network; one installs a real Jupyter server from the index pip is set up for, and
//! runs a notebook in it.
#![cfg(unix)]

mod notebook;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::course::{environment, service, setup_with};
use crate::http::http;
use crate::machine::{Machine, Ran, room, tree, write};

/// A course with one page; `program`, `args` and the list of packages are the test's.
fn course(room: &Path, version: &str, program: &str, args: &str, packages: &str) -> PathBuf {
    let folder = room.join(format!("course-{version}"));
    let manifest = format!(
        "id = \"own-python\"\ntitle = \"Own Python\"\nversion = \"{version}\"\n\
         [[seed]]\nfrom = \"notes\"\nto = \"notes\"\n\
         [[service]]\nname = \"page\"\ntitle = \"A page\"\nkind = \"program\"\n\
         [service.program]\nprogram = \"{program}\"\nargs = [{args}]\nport = true\nopen = true\n\
         path = \"/api/contents\"\nready = {{ timeout_seconds = 60 }}\n\
         [service.program.env]\nJUPYTER_TOKEN = \"{{token}}\"\n\
         [backend.local]\npython = {{ requirements = \"binder/list.txt\" }}\n"
    );
    write(&folder.join("course.toml"), manifest);
    write(&folder.join("notes/week1.md"), "# Week 1\n");
    write(&folder.join("binder/list.txt"), packages);
    folder
}

fn tiny_course(room: &Path, version: &str) -> PathBuf {
    course(room, version, "tinypage", "\"{port}\"", &format!("tinypage=={version}\n"))
}

/// A machine whose programs end with the test, however it ends.
struct Ends(Machine);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.command(&["done"]).output().ok();
    }
}

fn machine(room: &Path, course: &Path) -> Ends {
    let mut machine = Machine::new(room, "HOME-PC", &room.join("share"));
    // what one test fetched the next need not
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pip-cache");
    machine.variables.insert("PIP_CACHE_DIR".into(), cache.to_str().unwrap().into());
    setup_with(&machine, course).exits(&[0]);
    Ends(machine)
}

/// Whether python3 is here with all its parts. In CI it has to be.
fn python_is_here() -> bool {
    let here = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    let here = here.is_ok_and(|ran| ran.status.success());
    assert!(here || std::env::var_os("CI").is_none(), "python3 or its venv is not here");
    if !here {
        eprintln!("python3 or its venv is not here; nothing tried");
    }
    here
}

/// A package with a program that serves a page and says its version; built by the test, from nowhere else.
fn wheel(to: &Path, version: &str) {
    fs::create_dir_all(to).unwrap();
    let script = r#"
import sys, zipfile
to, version = sys.argv[1:]
info = f"tinypage-{version}.dist-info"
code = f'''
import http.server, os, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(("version {version} in " + sys.prefix).encode())
def main():
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
'''
with zipfile.ZipFile(f"{to}/tinypage-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr("tinypage.py", code)
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tinypage\nVersion: {version}\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\ntinypage = tinypage:main\n")
    wheel.writestr(f"{info}/RECORD", "")
"#;
    let ran = Command::new("python3").args(["-c", script]).arg(to).arg(version).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

/// No network, and these packages.
fn offline(machine: &mut Machine, wheels: &Path) {
    machine.variables.insert("PIP_NO_INDEX".into(), "1".into());
    machine.variables.insert("PIP_FIND_LINKS".into(), wheels.to_str().unwrap().into());
}

fn up(machine: &Machine) -> Ran {
    machine.run(&["--yes", "up", "--no-open"])
}

/// What a page answers: the status and the rest.
fn get(at: &str, path: &str, token: Option<&str>) -> (u16, String) {
    let said = http("GET", &format!("http://{at}{path}"), token, "").unwrap();
    (said.status, said.body)
}

/// Where the page is.
fn page(machine: &Machine) -> String {
    let url = service(machine, "page")["url"].as_str().unwrap().to_owned();
    url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned()
}

/// The environments that lie in machine state.
fn environments(machine: &Machine) -> Vec<PathBuf> {
    let at = machine.home.join("workspaces");
    let mut found = Vec::new();
    for workspace in fs::read_dir(at).unwrap().map(Result::unwrap) {
        let python = workspace.path().join("environment/python");
        found.extend(fs::read_dir(python).into_iter().flatten().map(|item| item.unwrap().path()));
    }
    found
}

/// Nothing of the environment in the share, the working folder or the person's own Jupyter.
fn nothing_elsewhere(machine: &Machine) {
    for (path, _) in tree(&machine.share).0.into_iter().chain(machine.files().0) {
        assert!(!path.contains("site-packages") && !path.contains("pyvenv"), "{path}");
    }
    for own in [".jupyter", ".ipython", ".local/share/jupyter", ".local/lib"] {
        assert!(!machine.user.join(own).exists(), "the person's own {own} was made");
    }
}

/// Shows a whole life without a network: asked in plain words, made once, used again, made beside the old one when the
/// course's list changed, kept when the new one cannot be had, made afresh when it is broken. First tier.
#[test]
fn it_is_made_once_and_goes_on_when_a_new_one_cannot_be_had() {
    if !python_is_here() {
        return;
    }
    let room = room();
    let wheels = room.path().join("wheels");
    wheel(&wheels, "1");
    let mut a = machine(room.path(), &tiny_course(room.path(), "1"));
    offline(&mut a.0, &wheels);
    let refused = a.0.run(&["up", "--no-open"]).exits(&[5]);
    for words in
        ["installs Python packages into a folder of its own", "  tinypage and what they need", "python3 (/"]
    {
        assert!(refused.stderr.contains(words), "{words:?} is missing: {refused:#?}");
    }
    assert!(environments(&a.0).is_empty(), "nothing is installed without a yes");

    up(&a.0).exits(&[0]);
    let first = environments(&a.0);
    assert_eq!(first.len(), 1);
    let (status, said) = get(&page(&a.0), "/", None);
    assert_eq!(status, 200);
    assert!(said.ends_with(&format!("version 1 in {}", first[0].display())), "{said}");
    let listed = a.0.run(&["--json", "plugin", "list"]).exits(&[0]).json();
    let grants =
        listed["plugins"].as_array().unwrap().iter().find(|one| one["id"] == "local").unwrap()["grants"]
            .clone();
    assert_eq!(grants, serde_json::json!(["program tinypage", "python packages"]));
    let log = a.0.run(&["logs", "python"]).exits(&[0]).stdout;
    assert!(log.contains("Successfully installed tinypage-1"), "{log}");
    // a command of the person's finds it too
    let ran = a.0.command(&["exec", "--", "python", "-c", "import sys; print(sys.prefix)"]).output().unwrap();
    assert_eq!(String::from_utf8(ran.stdout).unwrap().trim_end(), first[0].to_str().unwrap());
    nothing_elsewhere(&a.0);

    // used again as it is, and nothing is asked
    a.0.run(&["done"]).exits(&[0]);
    a.0.run(&["up", "--no-open"]).exits(&[0]);
    assert_eq!(environments(&a.0), first);
    assert_eq!(a.0.run(&["logs", "python"]).exits(&[0]).stdout, log, "nothing was installed");

    // another list, and its packages cannot be had: the page goes on with the old ones
    setup_with(&a.0, &tiny_course(room.path(), "2")).exits(&[0]);
    let kept = up(&a.0).exits(&[0]);
    assert!(
        kept.stdout.contains("The Python packages of before are used: a Python package of the course"),
        "{kept:#?}"
    );
    assert!(kept.stdout.contains("tinypage==2"), "{kept:#?}");
    assert!(get(&page(&a.0), "/", None).1.contains("version 1 in"));
    assert_eq!(environments(&a.0), first);

    // now they can be had: what runs is started again with them, and the old ones are gone
    wheel(&wheels, "2");
    up(&a.0).exits(&[0]);
    assert!(get(&page(&a.0), "/", None).1.contains("version 2 in"));
    let second = environments(&a.0);
    assert!(second.len() == 1 && second != first);

    // broken: a package is gone, the Python is gone
    a.0.run(&["done"]).exits(&[0]);
    let packages =
        fs::read_dir(second[0].join("lib")).unwrap().next().unwrap().unwrap().path().join("site-packages");
    fs::remove_dir_all(packages.join("tinypage-2.dist-info")).unwrap();
    up(&a.0).exits(&[0]);
    let third = environments(&a.0);
    assert!(third.len() == 1 && third != second);
    a.0.run(&["done"]).exits(&[0]);
    fs::remove_file(third[0].join("bin/python")).unwrap();
    up(&a.0).exits(&[0]);
    let fourth = environments(&a.0);
    assert!(fourth.len() == 1 && fourth != third);

    // a start over makes it afresh, or keeps it
    a.0.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
    let fifth = environments(&a.0);
    assert!(fifth.len() == 1 && fifth != fourth);
    fs::remove_dir_all(&wheels).unwrap();
    let kept = a.0.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
    assert!(kept.stdout.contains("The Python packages of before are used"), "{kept:#?}");
    assert!(get(&page(&a.0), "/", None).1.contains("version 2 in"));
    a.0.run(&["done"]).exits(&[0]);
    nothing_elsewhere(&a.0);
}

/// Shows that what this computer lacks is said with what to do, the files are in step all the same, and the next `up`
/// goes on: no Python, Debian's Python without its part for environments, a package that is nowhere. First tier.
#[test]
fn what_is_missing_is_said_and_the_files_are_in_step() {
    if !python_is_here() {
        return;
    }
    let room = room();
    let (empty, wheels) = (room.path().join("empty"), room.path().join("wheels"));
    fs::create_dir_all(&empty).unwrap();
    let mut a = machine(room.path(), &tiny_course(room.path(), "1"));
    offline(&mut a.0, &wheels);
    let own = std::env::var("PATH").unwrap();
    a.0.variables.insert("PATH".into(), empty.to_str().unwrap().into());
    a.0.write("own.txt", "own\n");
    up(&a.0).exits(&[5]).explains(&["Python is not installed on this computer", "uv"]);
    assert_eq!(a.0.mirror().0.get("own.txt").map(Vec::as_slice), Some(&b"own\n"[..]));
    assert_ne!(service(&a.0, "page")["state"], "running");

    // a fake python3 that says what Debian's says without python3-venv
    let fake = empty.join("python3");
    let said = "The virtual environment was not created successfully because ensurepip is not\navailable.  On \
                Debian/Ubuntu systems, you need to install the python3-venv\npackage using the following command.\n\n    \
                apt install python3.11-venv\n";
    write(&fake, format!("#!/bin/sh\ncat <<'END'\n{said}END\nexit 1\n"));
    let mut mode = fs::metadata(&fake).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    fs::set_permissions(&fake, mode).unwrap();
    let both = format!("{}:/usr/bin:/bin", empty.display());
    a.0.variables.insert("PATH".into(), both);
    up(&a.0).exits(&[5]).explains(&[
        "cannot make an environment",
        "`sudo apt install python3.11-venv`",
        "uv",
    ]);
    assert!(environments(&a.0).is_empty());

    a.0.variables.insert("PATH".into(), own);
    up(&a.0).exits(&[1]).explains(&[
        "a Python package of the course cannot be found",
        "tinypage==1",
        "course team",
    ]);
    assert!(a.0.run(&["logs", "python"]).exits(&[0]).stdout.contains("tinypage==1"));
    assert_eq!(environment(&a.0)["services"][0]["url"], serde_json::Value::Null);

    wheel(&wheels, "1");
    up(&a.0).exits(&[0]);
    assert_eq!(environments(&a.0).len(), 1, "what was half made is gone");
    assert!(get(&page(&a.0), "/", None).1.contains("version 1 in"));
}

/// Shows that a computer where nobody can install Python goes on with a course that can do without it. First tier.
#[test]
fn a_course_that_can_do_without_goes_on() {
    let room = room();
    let folder = tiny_course(room.path(), "1");
    let manifest = fs::read_to_string(folder.join("course.toml")).unwrap();
    write(&folder.join("course.toml"), manifest.replace("port = true", "port = true\noptional = true"));
    let mut a = machine(room.path(), &folder);
    a.0.variables.insert("PATH".into(), room.path().to_str().unwrap().into());
    let ran = up(&a.0).exits(&[0]);
    assert!(ran.stdout.contains("The course goes on without Python: Python is not installed"), "{ran:#?}");
    assert!(
        ran.stdout.contains("A page is left out: The program \"tinypage\" is not on this computer."),
        "{ran:#?}"
    );
    assert_eq!(service(&a.0, "page")["state"], "not-available");
}

/// Shows that kitbag interrupted or killed in the middle of an installation leaves nothing that the next `up` does not put right: what
/// it had started is ended, what was half made is gone, and the page runs. First tier.
#[test]
fn killed_in_the_middle_the_next_up_goes_on() {
    if !python_is_here() {
        return;
    }
    let room = room();
    let wheels = room.path().join("wheels");
    let mut a = machine(room.path(), &tiny_course(room.path(), "1"));
    // an index that takes the question and never answers
    let index = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/simple", index.local_addr().unwrap());
    a.0.variables.insert("PIP_INDEX_URL".into(), address);
    a.0.variables.insert("PIP_DEFAULT_TIMEOUT".into(), "120".into());
    let half = |mut kitbag: std::process::Child, end: &str| {
        let asked = index.accept().unwrap();
        let half = environments(&a.0);
        assert_eq!(half.len(), 1);
        let runs = || {
            let ps = Command::new("ps").args(["-eo", "args"]).output().unwrap();
            String::from_utf8_lossy(&ps.stdout).contains(half[0].to_str().unwrap())
        };
        assert!(runs(), "pip waits for its answer");
        let ended = Command::new("kill").args([end, &kitbag.id().to_string()]).status().unwrap();
        assert!(ended.success() && !kitbag.wait().unwrap().success());
        // elsewhere pip ends when it has something to say, or the next `up` ends it
        let deadline = Instant::now() + Duration::from_secs(10);
        while cfg!(target_os = "linux") && runs() {
            assert!(Instant::now() < deadline, "pip goes on after kitbag was ended by {end}");
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(asked);
        half
    };
    let interrupted = half(a.0.start(&["--yes", "up", "--no-open"]), "-INT");
    let half = half(a.0.start(&["--yes", "up", "--no-open"]), "-KILL");
    assert_ne!(half, interrupted, "what an interrupted one left is not gone on with");

    wheel(&wheels, "1");
    a.0.variables.remove("PIP_INDEX_URL");
    offline(&mut a.0, &wheels);
    up(&a.0).exits(&[0]);
    let whole = environments(&a.0);
    assert!(whole.len() == 1 && whole != half);
    assert!(get(&page(&a.0), "/", None).1.contains("version 1 in"));
}

/// Shows that uv is used where the person has it: a fake uv that hands its two commands on to python3's own. First tier.
#[test]
fn uv_is_used_where_it_is_here() {
    if !python_is_here() {
        return;
    }
    let room = room();
    let (bin, wheels) = (room.path().join("bin"), room.path().join("wheels"));
    wheel(&wheels, "1");
    let fake = bin.join("uv");
    let script = "#!/bin/sh\necho \"fake uv: $*\"\ncase \"$1 $2 $3\" in\n\
                  'venv --seed --no-project') exec python3 -m venv \"$4\" ;;\n\
                  'pip install --python') python=$4; shift 4; exec \"$python\" -m pip install \"$@\" ;;\nesac\nexit 2\n";
    write(&fake, script);
    fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut a = machine(room.path(), &tiny_course(room.path(), "1"));
    offline(&mut a.0, &wheels);
    a.0.variables.insert("PATH".into(), format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    let asked = a.0.run(&["up", "--no-open"]).exits(&[5]).stderr;
    assert!(asked.contains(&format!("with uv ({})", fake.display())), "{asked}");
    up(&a.0).exits(&[0]);
    let log = a.0.run(&["logs", "python"]).exits(&[0]).stdout;
    assert!(log.contains("fake uv: venv") && log.contains("fake uv: pip install"), "{log}");
    assert!(get(&page(&a.0), "/", None).1.contains("version 1 in"));

    // one that does not work is no reason to give up
    write(&fake, "#!/bin/sh\necho 'fake uv: error: no'\nexit 2\n");
    a.0.run(&["--yes", "reset", "--no-open"]).exits(&[0]);
    assert!(get(&page(&a.0), "/", None).1.contains("version 1 in"));
    assert_eq!(environments(&a.0).len(), 1);
}
