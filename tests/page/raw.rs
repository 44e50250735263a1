//! HTTP byte by byte: what is sent is what stands here, and what comes back is taken apart no further than needed.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What came back on one connection.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status of the first answer; none: it was hung up on without one.
    pub status: Option<u16>,
    /// Its headers, in small letters.
    pub head: String,
    /// All that followed.
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no document ({error}): {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Send these bytes and read until the other side hangs up.
pub fn send(port: u16, bytes: &[u8]) -> Answer {
    exchange(port, bytes, false)
}

/// The same, with nothing more to come after these bytes.
pub fn send_and_end(port: u16, bytes: &[u8]) -> Answer {
    exchange(port, bytes, true)
}

fn exchange(port: u16, bytes: &[u8], end: bool) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // one that hangs up early loses the rest, which is an answer too
    let _ = stream.write_all(bytes);
    if end {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let mut buffer = [0; 64 * 1024];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..n]);
    }
    parse(&answer)
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// A request as it is made: a first line, headers, a body.
#[derive(Clone)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn get(port: u16, path: &str) -> Self {
        Request {
            line: format!("GET {path} HTTP/1.1"),
            headers: vec![
                ("Host".into(), format!("127.0.0.1:{port}")),
                ("Connection".into(), "close".into()),
            ],
            body: String::new(),
        }
    }

    pub fn post(port: u16, path: &str, body: &str) -> Self {
        let mut request = Request::get(port, path);
        request.line = format!("POST {path} HTTP/1.1");
        request.body = body.to_owned();
        request.with("Content-Type", "application/json").with("Content-Length", &body.len().to_string())
    }

    pub fn line(mut self, line: &str) -> Self {
        self.line = line.to_owned();
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(held, _)| !held.eq_ignore_ascii_case(name));
        self
    }

    pub fn instead(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    pub fn key(self, key: &str) -> Self {
        self.with("X-Kitbag-Key", key)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{}\r\n{headers}\r\n{}", self.line, self.body).into_bytes()
    }

    pub fn send(&self, port: u16) -> Answer {
        send(port, &self.bytes())
    }
}
