//! A small client of a real engine over its unix socket, for these tests only. It does what kitbag's host does for
//! the component: puts real folders and secrets where tokens stand, sends what lies in the package, upgrades an
//! exec to a raw stream. It filters nothing.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use kitbag_sdk::engine::{Body, Engine, EngineError, Request, Response};
use serde_json::Value;

const SOCKET: &str = "/var/run/docker.sock";

/// The engine of this computer.
#[derive(Default)]
pub struct Socket {
    /// Granted folders by name.
    pub folders: BTreeMap<String, PathBuf>,
    /// Secrets by name.
    pub secrets: BTreeMap<String, String>,
}

impl Socket {
    /// Whether an engine answers. Where one is required, none is a failure.
    pub fn there() -> bool {
        let answers =
            Socket::default().call(Request::new("GET", "/_ping")).is_ok_and(|answer| answer.status == 200);
        assert!(
            answers || std::env::var_os("KITBAG_REQUIRE_DOCKER").is_none(),
            "KITBAG_REQUIRE_DOCKER is set and no engine answers at {SOCKET}"
        );
        answers
    }

    /// Ask for JSON, as somebody else who uses the engine.
    pub fn ask(&self, method: &'static str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = Request::new(method, path);
        if let Some(body) = body {
            request = request.json(body.to_string());
        }
        let answer = self.call(request).unwrap();
        let status = answer.status;
        let bytes = answer.bytes(64 << 20).unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    fn filled(&self, text: &str) -> String {
        let Ok(mut value) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
        for mount in value["HostConfig"]["Mounts"].as_array_mut().into_iter().flatten() {
            let Some(source) = mount["Source"].as_str().filter(|source| source.starts_with('{')) else {
                continue;
            };
            let (name, below) = source[1..].split_once('}').unwrap();
            let folder = self.folders[name].join(below.trim_start_matches('/'));
            mount["Source"] = folder.to_str().unwrap().into();
        }
        for variable in value["Env"].as_array_mut().into_iter().flatten() {
            let mut text = variable.as_str().unwrap().to_owned();
            for (name, secret) in &self.secrets {
                text = text.replace(&format!("{{{name}}}"), secret);
            }
            *variable = text.into();
        }
        value.to_string()
    }

    fn carried(&self, what: &str) -> Vec<u8> {
        let (kind, path) = what.split_once(':').unwrap();
        let (folder, below) = path.split_once('/').unwrap_or((path, ""));
        let path = self.folders[folder].join(below);
        if kind == "file" {
            return std::fs::read(path).unwrap();
        }
        let mut tar = tar::Builder::new(Vec::new());
        tar.append_dir_all(".", path).unwrap();
        tar.into_inner().unwrap()
    }
}

impl Engine for Socket {
    fn call<'a>(&self, request: Request<'a>) -> Result<Response<'a>, EngineError> {
        let away = |error: io::Error| EngineError::Unreachable(error.to_string());
        let broke = |error: io::Error| EngineError::Broken(error.to_string());
        let mut stream = UnixStream::connect(SOCKET).map_err(away)?;
        let mut head = format!("{} {} HTTP/1.1\r\nHost: docker\r\n", request.method, request.path);
        let mut known = None;
        let mut source = None;
        if let Some(start) = &request.start {
            head.push_str("Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\n");
            known = Some(start.clone().into_bytes());
            if let Body::Stream(from) = request.body {
                source = Some(from);
            }
        } else {
            head.push_str("Connection: close\r\n");
            match request.body {
                Body::Empty => known = request.carry.as_ref().map(|what| self.carried(what)),
                Body::Json(text) => {
                    head.push_str("Content-Type: application/json\r\n");
                    known = Some(self.filled(&text).into_bytes());
                }
                Body::Stream(from) => source = Some(from),
            }
            if known.is_none() && source.is_some() {
                head.push_str("Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n");
            }
        }
        if request.carry.is_some() {
            head.push_str("Content-Type: application/x-tar\r\n");
        }
        if let Some(body) = &known {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        } else if source.is_none() && request.method == "POST" {
            head.push_str("Content-Length: 0\r\n");
        }
        head.push_str("\r\n");
        // An engine that says no before it has read everything closes its side; its answer is still there.
        let _ = send(&mut stream, &head, known, source.as_mut().filter(|_| request.start.is_none()));
        let mut reader = BufReader::new(stream.try_clone().map_err(broke)?);
        let mut line = String::new();
        reader.read_line(&mut line).map_err(broke)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status: u16 = status.ok_or_else(|| EngineError::Broken(format!("not HTTP: {line:?}")))?;
        let (mut length, mut chunked) = (None, false);
        loop {
            line.clear();
            reader.read_line(&mut line).map_err(broke)?;
            let field = line.trim_end().to_ascii_lowercase();
            match field.split_once(": ") {
                Some(("content-length", number)) => length = number.parse::<u64>().ok(),
                Some(("transfer-encoding", "chunked")) => chunked = true,
                _ if field.is_empty() => break,
                _ => {}
            }
        }
        let body: Box<dyn Read + 'a> = match status {
            101 => {
                stream.set_nonblocking(true).map_err(broke)?;
                let early = reader.buffer().to_vec();
                Box::new(Raw { stream, early, source: source.take(), piece: Vec::new() })
            }
            204 | 304 => Box::new(io::empty()),
            _ if chunked => Box::new(Chunked { reader, left: 0, ended: false }),
            _ => match length {
                Some(length) => Box::new(reader.take(length)),
                None => Box::new(reader),
            },
        };
        Ok(Response { status: if status == 101 { 200 } else { status }, body })
    }
}

fn send(
    stream: &mut UnixStream,
    head: &str,
    known: Option<Vec<u8>>,
    source: Option<&mut Box<dyn Read + '_>>,
) -> io::Result<()> {
    stream.write_all(head.as_bytes())?;
    if let Some(body) = known {
        stream.write_all(&body)?;
    }
    if let Some(source) = source {
        let mut piece = vec![0; 64 << 10];
        loop {
            let count = source.read(&mut piece)?;
            stream.write_all(format!("{count:x}\r\n").as_bytes())?;
            stream.write_all(&piece[..count])?;
            stream.write_all(b"\r\n")?;
            if count == 0 {
                break;
            }
        }
    }
    Ok(())
}

struct Chunked {
    reader: BufReader<UnixStream>,
    left: u64,
    ended: bool,
}

impl Read for Chunked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                line.clear();
                self.reader.read_line(&mut line)?;
            }
            self.left = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            if self.left == 0 {
                self.ended = true;
                return Ok(0);
            }
        }
        let most = into.len().min(usize::try_from(self.left).unwrap());
        let count = self.reader.read(&mut into[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// An upgraded connection: reading it also sends what the program is to read.
struct Raw<'a> {
    stream: UnixStream,
    early: Vec<u8>,
    source: Option<Box<dyn Read + 'a>>,
    piece: Vec<u8>,
}

impl Read for Raw<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.early.is_empty() {
            let count = self.early.len().min(into.len());
            into[..count].copy_from_slice(&self.early[..count]);
            self.early.drain(..count);
            return Ok(count);
        }
        loop {
            match self.stream.read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            if self.piece.is_empty()
                && let Some(source) = &mut self.source
            {
                self.piece.resize(64 << 10, 0);
                let count = source.read(&mut self.piece)?;
                self.piece.truncate(count);
                if count == 0 {
                    self.source = None;
                    self.stream.shutdown(Shutdown::Write)?;
                }
            }
            match self.stream.write(&self.piece) {
                Ok(count) if count > 0 => drop(self.piece.drain(..count)),
                _ => std::thread::sleep(std::time::Duration::from_millis(1)),
            }
        }
    }
}
