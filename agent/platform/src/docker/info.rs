//! What an engine says of itself: its version, the part of the computer it may use, and the folder it keeps images in.
//! One question that changes nothing, on a connection of its own. An answer that is not understood is no answer.

use std::path::PathBuf;

use serde::Deserialize;

use super::Trouble;
use super::connect::hear;
use super::place::Place;

/// HTTP/1.0, so that the answer ends with the connection and comes in one piece.
const QUESTION: &[u8] = b"GET /info HTTP/1.0\r\nHost: docker\r\nUser-Agent: kitbag\r\n\r\n";
/// Longest answer that is read.
const LONGEST: usize = 1024 * 1024;

/// An engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    /// Its version, such as `20.10.24`. What it says, so not safe to show.
    pub version: String,
    /// The system it runs on, such as `Docker Desktop`. Not safe to show.
    pub system: String,
    /// The kind of its processor, as this computer calls it: `x86_64`, `aarch64`.
    pub arch: String,
    /// Bytes of memory it may use; 0 when it does not say.
    pub memory: u64,
    /// Processor cores it may use; 0 when it does not say.
    pub cores: u64,
    /// Where it keeps images and volumes, on its own computer.
    pub root: PathBuf,
}

impl Info {
    /// Whether it runs in a virtual machine of this computer, which has a disk of its own.
    pub fn apart(&self) -> bool {
        self.system.contains("Docker Desktop")
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Answer {
    server_version: String,
    operating_system: String,
    architecture: String,
    mem_total: u64,
    #[serde(rename = "NCPU")]
    ncpu: u64,
    docker_root_dir: PathBuf,
}

/// Ask it.
///
/// # Errors
/// As [`super::ping`]; or what answers is no Docker.
pub async fn info(place: &Place) -> Result<Info, Trouble> {
    let heard = hear(place, QUESTION, LONGEST, |_| false).await?;
    read(&heard).ok_or_else(|| Trouble::NoAnswer {
        place: place.to_string(),
        why: "what answers is not what Docker says of itself".to_owned(),
    })
}

fn read(heard: &[u8]) -> Option<Info> {
    let at = heard.windows(4).position(|window| window == b"\r\n\r\n")?;
    let status = std::str::from_utf8(&heard[..at]).ok()?.split(' ').nth(1)?;
    if status != "200" {
        return None;
    }
    let body = heard[at + 4..].trim_ascii_start();
    if !body.starts_with(b"{") {
        return None;
    }
    let Answer { server_version, operating_system, architecture, mem_total, ncpu, docker_root_dir } =
        serde_json::from_slice(body).ok()?;
    let arch = match architecture.as_str() {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    Some(Info {
        version: server_version,
        system: operating_system,
        arch: arch.to_owned(),
        memory: mem_total,
        cores: ncpu,
        root: docker_root_dir,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_says_of_itself() {
        let body = r#"{"ID":"x","ServerVersion":"20.10.24","OperatingSystem":"Debian","Architecture":"x86_64",
            "MemTotal":8000000000,"NCPU":4,"DockerRootDir":"/var/lib/docker","Warnings":null}"#;
        let heard = |head: &str, body: &str| [head, "\r\nX: y\r\n\r\n", body].concat().into_bytes();
        let info = read(&heard("HTTP/1.0 200 OK", body)).unwrap();
        assert_eq!((info.version.as_str(), info.arch.as_str(), info.apart()), ("20.10.24", "x86_64", false));
        assert_eq!((info.memory, info.cores, info.root), (8_000_000_000, 4, "/var/lib/docker".into()));
        let desktop =
            read(&heard("HTTP/1.1 200 OK", r#"{"OperatingSystem":"Docker Desktop","Architecture":"arm64"}"#));
        let desktop = desktop.unwrap();
        assert_eq!((desktop.apart(), desktop.arch.as_str(), desktop.memory), (true, "aarch64", 0));
        for (head, body) in
            [("HTTP/1.0 500 x", body), ("HTTP/1.0 200 OK", "<html>"), ("HTTP/1.0 200 OK", "[]")]
        {
            assert_eq!(read(&heard(head, body)), None, "{head} {body}");
        }
        assert_eq!(read(b"HTTP/1.0 200 OK\r\n"), None);
    }
}
