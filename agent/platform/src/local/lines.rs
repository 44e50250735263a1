//! Lines of limited length over a stream of bytes. A line counts when its end has arrived: whatever breaks off in the
//! middle is no line. One that does not end in time, or is no text, is an error, and the stream is good for nothing more.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest line in bytes, with its end.
pub const LONGEST: usize = 64 * 1024;
/// How much is read at once.
const PIECE: usize = 4096;

/// Both ends of a conversation in lines.
#[derive(Debug)]
pub struct Lines<S> {
    stream: S,
    /// What has arrived and was not handed out.
    arrived: Vec<u8>,
    /// So much of it holds no end of a line.
    seen: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lines<S> {
    /// Over this stream.
    pub fn new(stream: S) -> Self {
        Lines { stream, arrived: Vec::new(), seen: 0 }
    }

    /// The next line without its end; none when the other side has closed. Giving up the wait loses nothing.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`]: too long, or no text. Else what the system says.
    pub async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(at) = self.arrived[self.seen..].iter().position(|byte| *byte == b'\n') {
                let rest = self.arrived.split_off(self.seen + at + 1);
                let mut line = std::mem::replace(&mut self.arrived, rest);
                self.seen = 0;
                line.pop();
                return String::from_utf8(line).map(Some).map_err(|_| no_line("it is no text"));
            }
            self.seen = self.arrived.len();
            if self.seen >= LONGEST {
                return Err(no_line("it is too long"));
            }
            let mut piece = [0; PIECE];
            let room = PIECE.min(LONGEST - self.seen);
            match self.stream.read(&mut piece[..room]).await? {
                0 => return Ok(None),
                read => self.arrived.extend_from_slice(&piece[..read]),
            }
        }
    }

    /// Say a line; no end of one may be in it.
    ///
    /// # Errors
    /// What the system says.
    pub async fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(format!("{line}\n").as_bytes()).await?;
        self.stream.flush().await
    }
}

fn no_line(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test]
    async fn lines_come_whole_however_they_arrive() {
        let (mut far, near) = duplex(1 << 20);
        let mut lines = Lines::new(near);
        let long = "y".repeat(LONGEST - 1);
        let text = format!("one\n\ntwo é\n{long}\nlast\nhalf");
        for piece in text.as_bytes().chunks(7) {
            far.write_all(piece).await.unwrap();
        }
        lines.say("back").await.unwrap();
        drop(far.shutdown().await);
        for expected in ["one", "", "two é", &long, "last"] {
            assert_eq!(lines.next().await.unwrap().as_deref(), Some(expected));
        }
        assert_eq!(lines.next().await.unwrap(), None, "half a line is none");
        let mut back = [0; 5];
        far.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"back\n");
    }

    #[tokio::test]
    async fn too_long_and_no_text_are_errors() {
        for bytes in [vec![b'x'; LONGEST], vec![b'x'; LONGEST * 3], b"\xff\xfe\n".to_vec()] {
            let (mut far, near) = duplex(1 << 20);
            far.write_all(&bytes).await.unwrap();
            let refused = Lines::new(near).next().await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[tokio::test]
    async fn giving_up_a_wait_loses_nothing() {
        let (mut far, near) = duplex(64);
        let mut lines = Lines::new(near);
        far.write_all(b"ha").await.unwrap();
        let wait = std::time::Duration::from_millis(5);
        assert!(tokio::time::timeout(wait, lines.next()).await.is_err());
        far.write_all(b"lf\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap().as_deref(), Some("half"));
    }
}
