//! A WebSocket to a server of this computer (RFC 6455), as much of it as the stories need: one connection, text both
//! ways. The browser's DevTools are spoken to by it, and the kernels of a notebook server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// One connection.
pub struct Socket {
    stream: TcpStream,
}

impl Socket {
    /// Connect to `ws://127.0.0.1:PORT/PATH`, with an access token where one is needed.
    #[track_caller]
    pub fn open(url: &str, token: Option<&str>) -> Self {
        let rest = url.strip_prefix("ws://").expect("an address of this computer");
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let token = token.map(|token| format!("Authorization: token {token}\r\n")).unwrap_or_default();
        // the key is an example of the RFC; nothing is secret here
        write!(
            stream,
            "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{token}\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Socket { stream }
    }

    /// One text, in one frame. A client's frames are masked; a mask of zeros changes nothing.
    pub fn send(&mut self, text: &str) {
        let mut frame = vec![0x81];
        match text.len() {
            len @ 0..126 => frame.push(0x80 | u8::try_from(len).unwrap()),
            len @ 126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(len).unwrap().to_be_bytes());
            }
            len => {
                frame.push(0x80 | 127);
                frame.extend((len as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).unwrap();
    }

    /// The next text, of one frame or several.
    #[track_caller]
    pub fn receive(&mut self) -> String {
        let mut text = Vec::new();
        loop {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).expect("the server answers");
            let len = match head[1] & 0x7f {
                126 => {
                    let mut len = [0; 2];
                    self.stream.read_exact(&mut len).unwrap();
                    u64::from(u16::from_be_bytes(len))
                }
                127 => {
                    let mut len = [0; 8];
                    self.stream.read_exact(&mut len).unwrap();
                    u64::from_be_bytes(len)
                }
                len => u64::from(len),
            };
            let mut piece = vec![0; usize::try_from(len).unwrap()];
            self.stream.read_exact(&mut piece).unwrap();
            assert_ne!(head[0] & 0x0f, 8, "the server ended the connection");
            if head[0] & 0x0f <= 2 {
                text.extend(piece);
                if head[0] & 0x80 != 0 {
                    return String::from_utf8(text).unwrap();
                }
            }
        }
    }
}
