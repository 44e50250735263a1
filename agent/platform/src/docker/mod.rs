//! The door to a container engine that speaks Docker's API: where it is looked for ([`find`]), a connection to it
//! ([`connect`]), and what a folder of this computer is called there ([`bind_source`]). Looked for as the `docker`
//! program does it, and then where the programs that bring an engine put their sockets. Nothing is said on the
//! connection here but a [`ping`], and the question what it is ([`info`]).

#[cfg(feature = "tls")]
mod admitted;
mod connect;
mod context;
mod info;
#[cfg(windows)]
mod pipe;
mod place;
mod source;
#[cfg(feature = "tls")]
mod tls;

#[cfg(test)]
mod tests;

pub use connect::{Stream, connect, ping};
pub use info::{Info, info};
pub use place::{Address, Place, RealSurroundings, Surroundings, Tls, find};
pub use source::{SourceTrouble, bind_source};

/// Why an engine cannot be reached. Each says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nothing is there to connect to.
    #[error("there is no Docker at {0}")]
    Absent(String),
    /// Something is there, and this person may not open it.
    #[error("{0} may not be opened")]
    NotAllowed(String),
    /// Something is there and nobody answers.
    #[error("nobody answers at {place}: {why}")]
    NoAnswer {
        /// Where.
        place: String,
        /// What the system says.
        why: String,
    },
    /// One of the two sides is not who the other one wants.
    #[error("{place}: {why}")]
    Certificate {
        /// Where.
        place: String,
        /// Which certificate, and what is wrong with it.
        why: String,
    },
    /// The settings of the `docker` program cannot be followed.
    #[error("{0}")]
    Settings(String),
}
