//! Asking a running course which notebooks are open. The server is a fake that answers as Jupyter does, started by the
//! course like any program; the token it wants is the one kitbag made.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kitbag_core::notebook::Notebooks;
use kitbag_engine::environment::open_notebooks;
use kitbag_engine::sync::{self, Keep, Request, Rules, Silent};

use crate::world::{Machine, World, block};

/// A fake notebook server: `GET /me/api/sessions` with the right token gives what stands in `sessions.env`; `slow.env`
/// makes it take long.
const FAKE: &str = r#"
import http.server, os, sys, time
class Fake(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if os.path.exists('slow.env'):
            time.sleep(5)
        good = self.headers.get('Authorization') == 'token ' + os.environ['ACCESS']
        if self.path != '/me/api/sessions':
            self.send_error(404)
        elif not good:
            self.send_error(403)
        else:
            body = open('sessions.env', 'rb').read()
            self.send_response(200)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
    def log_message(self, *of):
        pass
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Fake).serve_forever()
"#;

fn course(world: &World) {
    world.write_course("fake.py", FAKE);
    let manifest = r#"id = "mini"
title = "Mini"
version = "1"
ignore = ["*.env"]

[[seed]]
from = "fake.py"
to = "fake.py"

[[service]]
name = "jupyter"
kind = "program"
[service.program]
program = "python3"
args = ["fake.py", "{port}"]
port = true
path = "/me/lab"
ready = { port = true }
[service.program.env]
ACCESS = "{token}"

[backend.local]
"#;
    world.write_course("course.toml", manifest);
}

fn asked(machine: &Machine) -> Notebooks {
    block(open_notebooks(&machine.open(), &machine.home))
}

fn open(names: &[&str]) -> Notebooks {
    Notebooks::Open(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn the_running_course_says_which_notebooks_are_open() {
    let world = World::new();
    course(&world);
    let a = world.machine("a", "share");
    assert_eq!(asked(&a), Notebooks::Unknown, "nothing was ever started");
    a.adopt(&world.course());
    a.write("sessions.env", "[]");
    a.up();
    assert_eq!(asked(&a), Notebooks::Open(BTreeSet::new()));
    let session =
        |path: &str| format!(r#"{{"id":"1","path":"{path}","type":"notebook","kernel":{{"id":"k"}}}}"#);
    a.write("sessions.env", &format!("[{}, {}]", session("one.ipynb"), session("part/two.ipynb")));
    assert_eq!(asked(&a), open(&["one.ipynb", "part/two.ipynb"]));

    // the whole way: what is open is not replaced, and comes in once it is closed
    let b = world.machine("b", "share");
    a.write("part/two.ipynb", "{\"cells\": [1]}");
    a.sync();
    b.sync();
    b.write("part/two.ipynb", "{\"cells\": [1, 2]}");
    std::thread::sleep(Duration::from_millis(60));
    b.sync();
    let up = a.up();
    assert_eq!(up.report.pending_notebooks.len(), 1, "a second up asks too");
    assert_eq!(a.read("part/two.ipynb"), "{\"cells\": [1]}");

    a.write("sessions.env", "<html>no such answer</html>");
    assert_eq!(asked(&a), Notebooks::Unknown);
    a.write("sessions.env", "[]");
    a.write("slow.env", "");
    let before = Instant::now();
    assert_eq!(asked(&a), Notebooks::Unknown);
    assert!(before.elapsed() < Duration::from_secs(5), "it is not waited for");
    fs::remove_file(a.work.join("slow.env")).unwrap();
    a.done();
    assert_eq!(asked(&a), Notebooks::Unknown);
    assert_eq!(a.read("part/two.ipynb"), "{\"cells\": [1, 2]}", "done brings it in");
}

/// Another program that took the port of a course that does not run is never told the token.
#[test]
fn the_token_is_told_to_nobody_else() {
    let world = World::new();
    course(&world);
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.write("sessions.env", "[]");
    let up = a.up();
    let url = up.services[0].url.clone().unwrap();
    let port: u16 = url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    a.done();
    let stranger = TcpListener::bind(("127.0.0.1", port)).unwrap();
    stranger.set_nonblocking(true).unwrap();
    assert_eq!(asked(&a), Notebooks::Unknown);
    let mut heard = Vec::new();
    while let Ok((mut stream, _)) = stranger.accept() {
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        stream.read_to_end(&mut heard).ok();
    }
    assert_eq!(String::from_utf8_lossy(&heard), "", "only whether somebody listens was tried");
}

/// Saves a notebook and opens or closes its kernel as the browser does.
const BROWSER: &str = r#"
import json, sys, urllib.request
base, token, what = sys.argv[1:4]
def ask(method, path, data=None):
    request = urllib.request.Request(base + path, method=method, data=data and json.dumps(data).encode(),
        headers={'Authorization': 'token ' + token, 'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
        return json.loads(text) if text else None
path = 'part/two.ipynb'
if what == 'open':
    ask('POST', '/api/sessions', {'path': path, 'name': '', 'type': 'notebook', 'kernel': {'name': 'python3'}})
elif what == 'save':
    notebook = ask('GET', '/api/contents/' + path)['content']
    notebook['cells'][0]['source'] = 'saved in the browser'
    ask('PUT', '/api/contents/' + path, {'type': 'notebook', 'format': 'json', 'content': notebook})
else:
    for session in ask('GET', '/api/sessions'):
        ask('DELETE', '/api/sessions/' + session['id'])
"#;

fn run(program: &Path, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
}

/// With a real Jupyter server from PyPI and a real kernel. Tier: `.ci/full` (`KITBAG_FULL=1`), about a minute.
#[test]
fn a_real_jupyter_server_says_which_notebooks_are_open() {
    if std::env::var_os("KITBAG_FULL").is_none() {
        return;
    }
    let world = World::new();
    let environment = world.folder.path().join("jupyter");
    run(Path::new("python3"), &["-m", "venv", environment.to_str().unwrap()]);
    let python = environment.join("bin/python");
    run(&python, &["-m", "pip", "install", "-q", "jupyter_server==2.21.1", "ipykernel==7.4.0"]);
    let notebook = |text: &str| {
        format!(
            r#"{{"cells": [{{"cell_type": "code", "execution_count": null, "id": "a1", "metadata": {{}},
              "outputs": [], "source": "{text}"}}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}"#
        )
    };
    let command = format!(
        "exec {} -m jupyter_server --ServerApp.ip=127.0.0.1 --ServerApp.port={{port}} --ServerApp.port_retries=0 \
         --ServerApp.open_browser=False --allow-root",
        python.display()
    );
    let manifest = format!(
        r#"id = "mini"
title = "Mini"
version = "1"

[[service]]
name = "jupyter"
kind = "program"
[service.program]
program = "sh"
args = ["-c", "{command}"]
port = true
path = "/lab"
ready = {{ port = true }}
[service.program.env]
JUPYTER_TOKEN = "{{token}}"

[backend.local]
"#
    );
    world.write_course("course.toml", &manifest);
    let (a, b) = (world.machine("a", "share"), world.machine("b", "share"));
    a.adopt(&world.course());
    a.write("part/two.ipynb", &notebook("first"));
    let up = a.up();
    let url = up.services[0].url.clone().unwrap();
    let token = fs::read_to_string(a.home.join("workspaces/mini/environment/token")).unwrap();
    let browser = |what| {
        run(&python, &["-c", BROWSER, url.trim_end_matches("/lab"), &token, what]);
    };
    assert_eq!(asked(&a), Notebooks::Open(BTreeSet::new()));
    browser("open");
    assert_eq!(asked(&a), open(&["part/two.ipynb"]));
    b.sync();
    b.write("part/two.ipynb", &notebook("by B"));
    std::thread::sleep(Duration::from_millis(60));
    b.sync();
    let sync = |machine: &Machine| {
        let ws = machine.open();
        let notebooks = block(open_notebooks(&ws, &machine.home));
        let request = Request { notebooks, ..Request::default() };
        sync::run(&ws, &Rules::default(), request, &Silent).unwrap()
    };
    assert_eq!(sync(&a).pending_notebooks.len(), 1);
    assert!(a.read("part/two.ipynb").contains("first"));
    browser("save");
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(sync(&a).conflicts, 1, "the save is an edit of what was shown");
    assert!(a.read("part/two.ipynb").contains("saved in the browser"));
    a.answer("part/two.ipynb", &Keep::Other);
    assert_eq!(sync(&a).pending_notebooks.len(), 1, "still open");
    browser("close");
    assert_eq!(asked(&a), Notebooks::Open(BTreeSet::new()));
    std::thread::sleep(Duration::from_secs(11));
    assert_eq!(sync(&a).pending_notebooks, []);
    assert!(a.read("part/two.ipynb").contains("by B"));
}
