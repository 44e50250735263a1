//! A connection to an engine, whatever it is made of. Closing it for writing leaves it open for reading, which is how
//! a program in a container learns that its input has ended.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Trouble;
use super::place::{Address, Place};

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Longest wait for a connection.
const WAIT: Duration = Duration::from_secs(10);

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

fn trouble(place: &Place, error: &io::Error) -> Trouble {
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
