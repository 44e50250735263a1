//! A stand-in for the page's server: it gives out the real files of the page and answers the addresses below /api from
//! recorded documents, one scene at a time, so that views that are hard to reach can be looked at. It asks for the token
//! and the key as the real one does, keeps what it was asked to change, and can go away and come back. Nothing is
//! carried, started or changed by it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// The policy the real server sends: a page that needs more than this must fail here too.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const KEY: &str = "the-key-of-the-stand-in";
/// The token of the link; long as a real one.
pub const TOKEN: &str = "the-token-of-the-stand-in-0123456789abcdef0123456789abcdef";

/// One scene: what the page shows, and what a person does to see it.
#[derive(Clone)]
pub struct Scene {
    pub name: String,
    /// The view's address.
    pub route: String,
    /// `GET /api/state`.
    pub state: Value,
    /// What the other addresses answer.
    pub answers: Map<String, Value>,
    /// The texts of the buttons that are pressed, by their keys.
    pub acts: Vec<String>,
}

/// All recorded scenes.
pub fn scenes() -> Vec<Scene> {
    let base: Value = serde_json::from_str(include_str!("recorded/base.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(include_str!("recorded/scenes.json")).unwrap();
    all.iter().map(|scene| over(&base, scene)).collect()
}

/// The scene of this name.
pub fn scene(name: &str) -> Scene {
    scenes().into_iter().find(|scene| scene.name == name).unwrap_or_else(|| panic!("no scene {name}"))
}

fn over(base: &Value, scene: &Value) -> Scene {
    let mut state = base["state"].clone();
    lay(&mut state["workspaces"][0], &scene["workspace"]);
    lay(&mut state, &scene["state"]);
    for operation in state["operations"].as_array_mut().unwrap() {
        // what was begun long ago is no news
        operation["started"] = now().into();
    }
    let mut answers = base["answers"].clone();
    lay(&mut answers, &scene["answers"]);
    let Value::Object(answers) = answers else { panic!("answers are by address") };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Scene {
        name: text(&scene["name"]),
        route: text(&scene["route"]),
        state,
        answers,
        acts: scene["acts"].as_array().into_iter().flatten().map(text).collect(),
    }
}

/// The moment, as kitbag writes it.
fn now() -> String {
    let ran = std::process::Command::new("date").args(["-u", "+%FT%TZ"]).output().unwrap();
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

fn lay(under: &mut Value, over: &Value) {
    for (key, value) in over.as_object().into_iter().flatten() {
        under[key] = value.clone();
    }
}

/// What the page asked to be changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub address: String,
    pub body: Value,
}

struct Inside {
    scene: Mutex<Scene>,
    asked: Mutex<Vec<Asked>>,
    streams: Mutex<Vec<TcpStream>>,
    token: Mutex<Option<&'static str>>,
    over: AtomicBool,
    /// The next answer for this address breaks off.
    breaks: Mutex<Option<String>>,
}

/// It runs until it is dropped or sent away.
pub struct StandIn {
    pub port: u16,
    inside: Arc<Inside>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    pub fn start(scene: Scene) -> Self {
        Self::at(scene, 0)
    }

    fn at(scene: Scene, port: u16) -> Self {
        let deadline = Instant::now() + Duration::from_secs(20);
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", port)) {
                Ok(listener) => break listener,
                Err(error) => assert!(Instant::now() < deadline, "{port}: {error}"),
            }
            sleep(Duration::from_millis(50));
        };
        let port = listener.local_addr().unwrap().port();
        let inside = Arc::new(Inside {
            scene: Mutex::new(scene),
            asked: Mutex::default(),
            streams: Mutex::default(),
            token: Mutex::new(Some(TOKEN)),
            over: AtomicBool::new(false),
            breaks: Mutex::default(),
        });
        let own = Arc::clone(&inside);
        let thread = spawn(move || {
            for stream in listener.incoming() {
                if own.over.load(Ordering::SeqCst) {
                    return;
                }
                let own = Arc::clone(&own);
                spawn(move || stream.map(|stream| own.answer(stream)));
            }
        });
        StandIn { port, inside, thread: Some(thread) }
    }

    /// The link kitbag would open.
    pub fn link(&self) -> String {
        format!("http://127.0.0.1:{}/#{TOKEN}", self.port)
    }

    /// Show another scene to whoever looks.
    pub fn show(&self, scene: Scene) {
        let state = scene.state.clone();
        *self.inside.scene.lock().unwrap() = scene;
        self.tell("state", &state);
    }

    /// One event to everybody who follows.
    pub fn tell(&self, event: &str, data: &Value) {
        let text = format!("event: {event}\ndata: {data}\n\n");
        self.inside.streams.lock().unwrap().retain_mut(|stream| stream.write_all(text.as_bytes()).is_ok());
    }

    /// Break the next answer for this address off.
    pub fn breaks_off(&self, address: &str) {
        *self.inside.breaks.lock().unwrap() = Some(address.to_owned());
    }

    /// What is still to be broken off.
    pub fn left_to_break_off(&self) -> Option<String> {
        self.inside.breaks.lock().unwrap().clone()
    }

    /// What was asked to be changed so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.inside.asked.lock().unwrap().clone()
    }

    /// Wait until something of this kind was asked, and give it.
    #[track_caller]
    pub fn wait_for(&self, address: &str) -> Asked {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(asked) = self.asked().into_iter().rfind(|asked| asked.address == address) {
                return asked;
            }
            assert!(Instant::now() < deadline, "nobody asked for {address}: {:?}", self.asked());
            sleep(Duration::from_millis(30));
        }
    }

    /// Go away, as an agent that was ended; it can come back at the same port.
    pub fn leave(mut self) -> u16 {
        self.end();
        self.port
    }

    /// Come back.
    pub fn back(scene: Scene, port: u16) -> Self {
        Self::at(scene, port)
    }

    fn end(&mut self) {
        self.inside.over.store(true, Ordering::SeqCst);
        for stream in self.inside.streams.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
        TcpStream::connect(("127.0.0.1", self.port)).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.end();
    }
}

struct Request {
    method: String,
    address: String,
    key: Option<String>,
    body: Value,
}

impl Inside {
    fn answer(&self, mut stream: TcpStream) {
        // one request a connection: nothing here is fast, and nothing has to be
        let Some(request) = read(&stream) else { return };
        let path = request.address.split('?').next().unwrap().to_owned();
        if self.breaks.lock().unwrap().take_if(|broken| *broken == path).is_some() {
            // the head is there, so that no browser asks again by itself
            stream.write_all(b"HTTP/1.1 200 As recorded\r\nContent-Length: 100000\r\n\r\n").ok();
            return;
        }
        if request.method == "GET" && !path.starts_with("/api/") {
            return file(&mut stream, &path);
        }
        if path == "/api/session" {
            let matches =
                self.token.lock().unwrap().take_if(|token| request.body["token"] == **token).is_some();
            let (status, said) = if matches {
                (200, json!({ "key": KEY }))
            } else {
                (401, refused("this link was used already"))
            };
            return document(&mut stream, status, &said);
        }
        if request.key.as_deref() != Some(KEY) {
            return document(&mut stream, 401, &refused("this page has no key"));
        }
        if path == "/api/events" {
            return self.follow(stream);
        }
        let scene = self.scene.lock().unwrap().clone();
        if request.method == "POST" {
            self.asked.lock().unwrap().push(Asked { address: path, body: request.body });
            return document(&mut stream, 200, &json!({ "id": "1" }));
        }
        let known = if path == "/api/state" { Some(&scene.state) } else { scene.answers.get(&path) };
        match known {
            Some(said) => document(&mut stream, 200, said),
            None => document(&mut stream, 404, &refused(&format!("nothing was recorded for {path}"))),
        }
    }

    fn follow(&self, mut stream: TcpStream) {
        let state = self.scene.lock().unwrap().state.clone();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{}\r\n", headers());
        // cut in two within a character's reach: the page has to put pieces together
        let text = format!("event: state\ndata: {state}\n\n");
        let (first, second) = text.as_bytes().split_at(text.len() / 2);
        let begun = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(first))
            .and_then(|()| stream.flush());
        sleep(Duration::from_millis(5));
        if begun.and_then(|()| stream.write_all(second)).is_ok() {
            self.streams.lock().unwrap().push(stream);
        }
    }
}

fn refused(what: &str) -> Value {
    json!({ "error": { "what": what, "why": "", "remedy": "This is the stand-in of a test." } })
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, address) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Request { method, address, key: headers.remove("x-kitbag-key"), body })
}

fn headers() -> String {
    format!(
        "Content-Security-Policy: {POLICY}\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n"
    )
}

fn send(stream: &mut TcpStream, status: u16, kind: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status} As recorded\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{}\r\n",
        body.len(),
        headers()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).ok();
}

fn document(stream: &mut TcpStream, status: u16, said: &Value) {
    send(stream, status, "application/json", said.to_string().as_bytes());
}

/// The folder of the page's own files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../page/src/static")
}

fn file(stream: &mut TcpStream, path: &str) {
    let name = if path == "/" { "index.html" } else { &path[1..] };
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => return document(stream, 404, &refused("there is no such file")),
    };
    match std::fs::read(folder().join(name)) {
        Ok(bytes) if !name.contains('/') => send(stream, 200, kind, &bytes),
        _ => document(stream, 404, &refused("there is no such file")),
    }
}
