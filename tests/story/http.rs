//! Plain questions to a server of this computer, as a program asks them that has the access token.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Ask with a body of JSON; the address may be of any host name that stands for 127.0.0.1.
pub fn http(method: &str, url: &str, token: Option<&str>, body: &str) -> io::Result<Answer> {
    ask(method, url, token, "application/json", body)
}

/// Send a form, as a page does.
pub fn form(url: &str, token: Option<&str>, fields: &[(&str, &str)]) -> io::Result<Answer> {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    ask("POST", url, token, "application/x-www-form-urlencoded", &fields.join("&"))
}

/// The status of a plain GET; none while nobody answers.
pub fn get(url: &str, token: Option<&str>) -> Option<u16> {
    http("GET", url, token, "").ok().map(|answer| answer.status)
}

fn ask(method: &str, url: &str, token: Option<&str>, kind: &str, body: &str) -> io::Result<Answer> {
    let rest = url.strip_prefix("http://").expect("an address of this computer");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(300)))?;
    let token = token.map(|token| format!("Authorization: token {token}\r\n")).unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.0\r\nHost: {host}\r\n{token}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no answer of a server: {head:?}")))?;
    Ok(Answer { status, body: body.to_owned() })
}

/// Every byte but letters, digits and a few more as `%XX`.
fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}
