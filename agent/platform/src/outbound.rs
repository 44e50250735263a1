//! The door outwards: can a place in the network be reached at all. Its name is looked up, a connection is made and closed
//! again; nothing is sent. Only places that a course names are ever tried, and only when a person asks for it.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Why a place cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// Nobody knows its name, or nobody could be asked for it.
    #[error("its name is not found")]
    NoName,
    /// It is there and takes no calls at this port.
    #[error("it takes no calls at this port")]
    Refused,
    /// No answer came in time: often something on the way that lets nothing through.
    #[error("no answer comes")]
    Silent,
    /// The system sees no way there.
    #[error("there is no way there: {0}")]
    NoWay(String),
}

/// Reaches places.
pub trait Outbound: Send + Sync {
    /// Look the name up and connect, in so much time at most.
    ///
    /// # Errors
    /// Why that did not go.
    fn reach(&self, host: &str, port: u16, within: Duration) -> Result<(), Unreached>;
}

/// The network of this computer.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealOutbound;

impl Outbound for RealOutbound {
    fn reach(&self, host: &str, port: u16, within: Duration) -> Result<(), Unreached> {
        let end = Instant::now() + within;
        let left = || end.saturating_duration_since(Instant::now());
        let mut last = Unreached::NoName;
        for address in look_up(host, port, within)? {
            if left().is_zero() {
                return Err(Unreached::Silent);
            }
            match TcpStream::connect_timeout(&address, left()) {
                Ok(_) => return Ok(()),
                Err(error) => last = why(&error),
            }
        }
        Err(last)
    }
}

fn why(error: &io::Error) -> Unreached {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Unreached::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Unreached::Silent,
        _ => Unreached::NoWay(error.to_string()),
    }
}

/// The system's own question for a name has no limit in time: it is asked beside us, and left alone when it takes too
/// long.
fn look_up(host: &str, port: u16, within: Duration) -> Result<Vec<SocketAddr>, Unreached> {
    let (tell, told) = mpsc::channel();
    let host = host.to_owned();
    thread::spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // nobody waits any more
        let _ = tell.send(found);
    });
    match told.recv_timeout(within) {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(_)) => Err(Unreached::NoName),
        Err(_) => Err(Unreached::Silent),
    }
}

/// A network as a test wants it: places that are not named here have no name there either.
#[derive(Debug, Clone, Default)]
pub struct SimulatedOutbound(pub BTreeMap<String, Result<(), Unreached>>);

impl Outbound for SimulatedOutbound {
    fn reach(&self, host: &str, port: u16, _: Duration) -> Result<(), Unreached> {
        self.0.get(&format!("{host}:{port}")).cloned().unwrap_or(Err(Unreached::NoName))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// It connects, says nothing and goes.
    #[test]
    fn nothing_is_sent_to_what_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = thread::spawn(move || {
            let mut heard = Vec::new();
            listener.accept().unwrap().0.read_to_end(&mut heard).unwrap();
            heard
        });
        RealOutbound.reach("127.0.0.1", port, LONG).unwrap();
        assert_eq!(heard.join().unwrap(), b"");
        assert_eq!(RealOutbound.reach("127.0.0.1", port, LONG), Err(Unreached::Refused));
    }

    /// `.invalid` is never given to anybody (RFC 2606).
    #[test]
    fn a_name_nobody_has_is_not_found() {
        let told = RealOutbound.reach("kitbag-test.invalid", 443, LONG);
        assert!(matches!(told, Err(Unreached::NoName | Unreached::Silent)), "{told:?}");
        assert_eq!(RealOutbound.reach("127.0.0.1", 9, Duration::ZERO), Err(Unreached::Silent));
    }
}
