//! Ports of this computer's own address, 127.0.0.1. Between finding a free one and using it another program
//! may take it; who uses it sees that and asks again.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Longest wait for an answer. On one computer it comes at once or never.
const PATIENCE: Duration = Duration::from_millis(500);

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// `preferred` when it is free on 127.0.0.1, else a free one. 0 prefers none.
///
/// # Errors
/// When the system has no free port.
pub fn free_port(preferred: u16) -> io::Result<u16> {
    // Some systems let us bind 127.0.0.1 beside a program that listens on all addresses: hence the call.
    if preferred != 0 && !port_answers(preferred) && TcpListener::bind(local(preferred)).is_ok() {
        return Ok(preferred);
    }
    Ok(TcpListener::bind(local(0))?.local_addr()?.port())
}

/// Whether a program takes calls at this port of 127.0.0.1.
pub fn port_answers(port: u16) -> bool {
    port != 0 && TcpStream::connect_timeout(&local(port), PATIENCE).is_ok()
}

/// How a port of 127.0.0.1 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortState {
    /// A program can have it.
    Free,
    /// A program has it.
    Taken,
    /// The system keeps it for itself, though no program has it.
    Kept,
}

/// Looks at ports.
pub trait Ports: Send + Sync {
    /// How it is now. Who has it is not asked.
    fn state(&self, port: u16) -> PortState;
}

/// The ports of this computer.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealPorts;

impl Ports for RealPorts {
    fn state(&self, port: u16) -> PortState {
        if port_answers(port) {
            return PortState::Taken;
        }
        match TcpListener::bind(local(port)) {
            Ok(_) => PortState::Free,
            // ranges that Windows gives to its virtual machines; ports below 1024
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => PortState::Kept,
            Err(_) => PortState::Taken,
        }
    }
}

/// Ports as a test wants them: these, and all others are free.
#[derive(Debug, Clone, Default)]
pub struct SimulatedPorts(pub BTreeMap<u16, PortState>);

impl Ports for SimulatedPorts {
    fn state(&self, port: u16) -> PortState {
        self.0.get(&port).copied().unwrap_or(PortState::Free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over() {
        let listener = TcpListener::bind(local(0)).unwrap();
        let taken = listener.local_addr().unwrap().port();
        assert!(port_answers(taken));
        assert_eq!(RealPorts.state(taken), PortState::Taken);
        let other = free_port(taken).unwrap();
        assert!(other != taken && other != 0);
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let taken = everywhere.local_addr().unwrap().port();
        assert_ne!(free_port(taken).unwrap(), taken);
        assert!(!port_answers(0));
    }

    #[test]
    fn a_free_port_is_given_as_preferred() {
        // Another test may take the port in between; not three times in a row.
        let given = (0..3).any(|_| {
            let free = free_port(0).unwrap();
            RealPorts.state(free) == PortState::Free
                && free_port(free).unwrap() == free
                && !port_answers(free)
        });
        assert!(given);
    }
}
