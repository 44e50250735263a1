//! A real Chromium, spoken to by its own DevTools: a page is opened, waited for, clicked and typed into as a person
//! does.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::socket::Socket;

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// One page of a browser that ends with the test.
pub struct Browser {
    child: Child,
    socket: Socket,
    asked: u64,
}

/// The browser of this computer. It has to be here where one is required.
fn program() -> Option<&'static str> {
    let runs =
        |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|ran| ran.status.success());
    let found = NAMES.iter().find(runs).copied();
    let required = std::env::var_os("KITBAG_REQUIRE_BROWSER").is_some();
    assert!(found.is_some() || !required, "KITBAG_REQUIRE_BROWSER is set and there is no Chromium");
    if found.is_none() {
        eprintln!("NOT TESTED: there is no Chromium");
    }
    found
}

impl Browser {
    /// Start it with nothing remembered; none where there is none.
    pub fn start(profile: &Path) -> Option<Self> {
        let mut command = Command::new(program()?);
        command.args([
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-port=0",
        ]);
        // root, who runs the tests in CI, has no sandbox; no proxy, whatever the computer is set to
        command.args(["--no-sandbox", "--no-proxy-server", "--no-first-run", "--window-size=1400,1000"]);
        command.arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let file = profile.join("DevToolsActivePort");
        let port = wait("the browser's port", 60, || {
            let text = fs::read_to_string(&file).ok()?;
            text.lines().next()?.parse::<u16>().ok()
        });
        let page = wait("the browser's page", 30, || {
            let pages: Value = serde_json::from_str(&plain(port, "/json/list")?).ok()?;
            let page = pages.as_array()?.iter().find(|one| one["type"] == "page")?;
            Some(page["webSocketDebuggerUrl"].as_str()?.to_owned())
        });
        Some(Browser { child, socket: Socket::open(&page, None), asked: 0 })
    }

    /// One command of the DevTools, to its answer.
    #[track_caller]
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.ask_in(None, method, params)
    }

    /// The same of another page of this browser, by its session.
    #[track_caller]
    fn ask_in(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.asked += 1;
        let asked = self.asked;
        let mut message = json!({ "id": asked, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.socket.send(&message.to_string());
        loop {
            let answer: Value = serde_json::from_str(&self.socket.receive()).unwrap();
            if answer["id"] == asked {
                assert!(answer["error"].is_null(), "{method}: {answer:#}");
                return answer["result"].clone();
            }
        }
    }

    /// Open an address.
    #[track_caller]
    pub fn open(&mut self, url: &str) {
        self.ask("Page.navigate", json!({ "url": url }));
    }

    /// The value of an expression in the page; null where it fails, as it may while a page loads.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let result = self.ask("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        result["result"]["value"].clone()
    }

    /// Wait until another page was opened whose address is as wanted and in which an expression is true; it is closed
    /// then. The address it came to.
    #[track_caller]
    pub fn opened_beside(&mut self, seconds: u64, wanted: impl Fn(&str) -> bool, expression: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let mut session: Option<(String, String)> = None;
        loop {
            let targets = self.ask("Target.getTargets", json!({}))["targetInfos"].clone();
            let found = targets.as_array().unwrap().iter().find_map(|one| {
                let url = one["url"].as_str()?;
                wanted(url).then(|| (one["targetId"].as_str().unwrap().to_owned(), url.to_owned()))
            });
            if let Some((target, url)) = &found {
                if session.as_ref().is_none_or(|(of, _)| of != target) {
                    let said =
                        self.ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
                    session = Some((target.clone(), said["sessionId"].as_str().unwrap().to_owned()));
                }
                let asked = json!({ "expression": expression, "returnByValue": true });
                let session = session.as_ref().map(|(_, session)| session.as_str());
                let said = self.ask_in(session, "Runtime.evaluate", asked);
                if said["result"]["value"] == true {
                    self.ask("Target.closeTarget", json!({ "targetId": target }));
                    return url.clone();
                }
            }
            assert!(Instant::now() < deadline, "no such page beside this one in {seconds} s: {targets:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Wait until an expression is true in the page.
    #[track_caller]
    pub fn until(&mut self, seconds: u64, expression: &str) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while self.value(expression) != true {
            if Instant::now() > deadline {
                let seen = self
                    .value("location.pathname + ' | ' + document.title + ' | ' + document.body.innerText");
                panic!("not in {seconds} s: {expression}; the page shows {seen}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Click into the middle of what a selector finds.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const box = document.querySelector({selector:?}).getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let place =
                json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", place);
        }
    }

    /// Type a text.
    #[track_caller]
    pub fn type_text(&mut self, text: &str) {
        self.ask("Input.insertText", json!({ "text": text }));
    }

    /// A key with Shift (8) or Control (2) held.
    #[track_caller]
    pub fn key(&mut self, held: u8, key: &str, code: &str, number: u8) {
        for kind in ["keyDown", "keyUp"] {
            let key = json!({ "type": kind, "modifiers": held, "key": key, "code": code, "windowsVirtualKeyCode": number });
            self.ask("Input.dispatchKeyEvent", key);
        }
    }

    /// Forget every log-in.
    #[track_caller]
    pub fn forget(&mut self) {
        self.ask("Network.clearBrowserCookies", json!({}));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[track_caller]
fn wait<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come in {seconds} s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn plain(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    // it keeps the connection open, so the body is as long as it says
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let n = stream.read(&mut piece).ok().filter(|n| *n > 0)?;
        said.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&said);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(usize::MAX) {
            return Some(body.to_owned());
        }
    }
}
