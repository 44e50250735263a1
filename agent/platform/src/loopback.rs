//! One short question to a program of this computer over HTTP, on 127.0.0.1 and nowhere else: no names are looked up,
//! no redirection is followed, no proxy is used, and the answer has a limit in time and size. What comes back is
//! hostile until it is understood.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What a program answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Longest answer that is read, headers and all, in bytes.
const LONGEST: u64 = 4 * 1024 * 1024;

/// `GET path` from the program that listens on a port of 127.0.0.1, with a header `Authorization: token TOKEN`.
///
/// # Errors
/// Nobody listens, the answer takes longer than `within`, is too long, or is no HTTP.
pub fn get(port: u16, path: &str, token: &str, within: Duration) -> io::Result<Answer> {
    ask("GET", port, path, token, within)
}

/// The same with `DELETE`.
///
/// # Errors
/// As [`get`].
pub fn delete(port: u16, path: &str, token: &str, within: Duration) -> io::Result<Answer> {
    ask("DELETE", port, path, token, within)
}

fn ask(method: &str, port: u16, path: &str, token: &str, within: Duration) -> io::Result<Answer> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !path.starts_with('/') || !plain(path) || !plain(token) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no such address"));
    }
    let end = Instant::now() + within;
    let left = || {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok(left) }
    };
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), left()?)?;
    stream.set_write_timeout(Some(left()?))?;
    // 1.0: the answer ends with the connection and comes in one piece
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAuthorization: token {token}\r\nAccept: application/json\r\n\
         Connection: close\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        // one slow byte after another must not keep anybody waiting
        stream.set_read_timeout(Some(left()?))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if bytes.len() as u64 > LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the answer is too long"));
        }
        if let Some(answer) = whole(&bytes) {
            return Ok(answer);
        }
    }
    parse(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP"))
}

/// The answer, once as many bytes are here as it says it has: some servers keep the connection open.
fn whole(bytes: &[u8]) -> Option<Answer> {
    let (headers, body) = split(bytes)?;
    let length = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    if body.len() < length {
        return None;
    }
    Some(Answer { status: status(headers)?, body: body[..length].to_vec() })
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let (headers, body) = split(bytes)?;
    Some(Answer { status: status(headers)?, body: body.to_vec() })
}

fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let at = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&bytes[..at]).ok()?, &bytes[at + 4..]))
}

fn status(headers: &str) -> Option<u16> {
    let first = headers.lines().next()?.strip_prefix("HTTP/1.")?;
    first.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A fake program: answers one question with these pieces, a pause between them, and gives back what it was asked.
    fn fake(pieces: Vec<Vec<u8>>, pause: Duration, close: bool) -> (u16, thread::JoinHandle<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 1024];
            while !asked.ends_with(b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(n) => asked.extend_from_slice(&buffer[..n]),
                }
            }
            for piece in pieces {
                if stream.write_all(&piece).is_err() {
                    break;
                }
                thread::sleep(pause);
            }
            if !close {
                // until the other side has had enough
                io::copy(&mut stream, &mut io::sink()).ok();
            }
            String::from_utf8(asked).unwrap()
        });
        (port, answering)
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn an_answer_comes_back_with_its_status() {
        let pieces = [&b"HTTP/1.1 200 OK\r\nContent-"[..], b"Length: 4\r\n\r\n[1", b"]\n extra"];
        let (port, asked) = fake(pieces.map(<[u8]>::to_vec).into(), Duration::from_millis(5), false);
        let answer = get(port, "/api/sessions", "secret", LONG).unwrap();
        assert_eq!(answer, Answer { status: 200, body: b"[1]\n".to_vec() });
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("GET /api/sessions HTTP/1.0\r\n"), "{asked}");
        assert!(asked.contains("\r\nAuthorization: token secret\r\n"), "{asked}");

        let (port, asked) = fake(vec![b"HTTP/1.0 403 Forbidden\r\n\r\nno".to_vec()], Duration::ZERO, true);
        assert_eq!(get(port, "/", "x", LONG).unwrap(), Answer { status: 403, body: b"no".to_vec() });
        asked.join().unwrap();

        let (port, asked) = fake(vec![b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()], Duration::ZERO, true);
        assert_eq!(delete(port, "/api/kernels/1", "x", LONG).unwrap(), Answer { status: 204, body: vec![] });
        assert!(asked.join().unwrap().starts_with("DELETE /api/kernels/1 HTTP/1.0\r\n"));
    }

    #[test]
    fn what_is_no_answer_is_an_error_in_time() {
        let slow = vec![b"H".to_vec(); 10_000];
        for (pieces, pause) in [
            (vec![b"SSH-2.0-x\r\n\r\n".to_vec()], Duration::ZERO),
            (vec![], Duration::ZERO),
            (slow, Duration::from_millis(5)),
            (vec![b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; LONGEST as usize]], Duration::ZERO),
        ] {
            let (port, asked) = fake(pieces, pause, true);
            assert!(get(port, "/", "x", Duration::from_millis(500)).is_err());
            drop(asked);
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        assert!(get(free, "/", "x", LONG).is_err());
        for (path, token) in [("no", "x"), ("/a b", "x"), ("/\r\nX: y", "x"), ("/", "x\r\nX: y")] {
            assert_eq!(get(1, path, token, LONG).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
