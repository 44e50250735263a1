//! Asking a running course which notebooks are open. The server is a fake that answers as Jupyter does, started by the
//! course like any program; the token it wants is the one kitbag made.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use kitbag_core::notebook::Notebooks;
use kitbag_engine::environment::open_notebooks;

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
