//! A connection to an engine, whatever it is made of. Closing it for writing leaves it open for reading, which is how
//! a program in a container learns that its input has ended.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Trouble;
use super::place::{Address, Place};

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Longest wait for a connection.
const WAIT: Duration = Duration::from_secs(10);

/// HTTP/1.0, so that the answer ends with the connection.
const PING: &[u8] = b"GET /_ping HTTP/1.0\r\nHost: docker\r\nUser-Agent: kitbag\r\n\r\n";
/// Longest answer to it that is read.
const LONGEST: usize = 4096;

/// Connect.
///
/// # Errors
/// Nothing is there, it may not be opened, or nobody answers.
pub async fn connect(place: &Place) -> Result<Box<dyn Stream>, Trouble> {
    match tokio::time::timeout(WAIT, open(&place.address)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(trouble(place, &error)),
        Err(_) => Err(Trouble::NoAnswer { place: place.to_string(), why: "it takes too long".to_owned() }),
    }
}

/// Connect, ask whether somebody is there, and hear the beginning of an answer. An engine with certificates lets in, or
/// does not, only then.
///
/// # Errors
/// As [`connect`]; or what answers wants to be spoken to by TLS.
pub async fn ping(place: &Place) -> Result<(), Trouble> {
    // a yes is clear from its beginning; anything else may say why
    let yes = |heard: &[u8]| heard.starts_with(b"HTTP/1.0 200") || heard.starts_with(b"HTTP/1.1 200");
    hear(place, PING, LONGEST, yes).await.map(drop)
}

/// Connect, ask, and hear the answer: to its end, to so many bytes, or until it is `enough`. What is heard begins as HTTP
/// does.
///
/// # Errors
/// As [`ping`].
pub(super) async fn hear(
    place: &Place,
    question: &[u8],
    longest: usize,
    enough: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, Trouble> {
    let mut stream = connect(place).await?;
    let answer = async {
        stream.write_all(question).await?;
        let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
        while !enough(&heard) && heard.len() < longest {
            match stream.read(&mut piece).await? {
                0 => break,
                read => heard.extend_from_slice(&piece[..read]),
            }
        }
        Ok(heard)
    };
    let heard: io::Result<Vec<u8>> = tokio::time::timeout(WAIT, answer)
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "it takes too long")));
    let heard = heard.map_err(|error| trouble(place, &error))?;
    // what Go's server answers to one that does not speak TLS
    if String::from_utf8_lossy(&heard).contains("to an HTTPS server") {
        return Err(Trouble::Settings(format!(
            "Docker at {place} is spoken to by TLS only, and no certificate for it is set (DOCKER_TLS_VERIFY, \
             DOCKER_CERT_PATH)"
        )));
    }
    match heard.starts_with(b"HTTP/1.") {
        true => Ok(heard),
        false => {
            Err(Trouble::NoAnswer { place: place.to_string(), why: "what answers is no Docker".to_owned() })
        }
    }
}

fn trouble(place: &Place, error: &io::Error) -> Trouble {
    #[cfg(feature = "tls")]
    if let Some(super::tls::Certificate(why)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return Trouble::Certificate { place: place.to_string(), why: why.clone() };
    }
    match (error.kind(), &place.address) {
        (io::ErrorKind::NotFound, _) => Trouble::Absent(place.to_string()),
        (io::ErrorKind::PermissionDenied, _) => Trouble::NotAllowed(place.to_string()),
        // A port nobody listens on is as good as none; a socket in the file system was put there by somebody.
        (io::ErrorKind::ConnectionRefused, Address::Port { .. }) => Trouble::Absent(place.to_string()),
        _ => Trouble::NoAnswer { place: place.to_string(), why: error.to_string() },
    }
}

async fn open(address: &Address) -> io::Result<Box<dyn Stream>> {
    match address {
        #[cfg(unix)]
        Address::Socket(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(windows)]
        Address::Pipe(name) => Ok(Box::new(super::pipe::open(name).await?)),
        Address::Port { host, port, tls } => {
            let stream = tokio::net::TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            match tls {
                None => Ok(Box::new(stream)),
                #[cfg(feature = "tls")]
                Some(tls) => Ok(Box::new(super::tls::wrap(stream, host, tls).await?)),
                #[cfg(not(feature = "tls"))]
                Some(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "made without TLS")),
            }
        }
        #[cfg(not(all(unix, windows)))]
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "this system has nothing of that kind")),
    }
}
