//! The container engine of the computer, through the host's filter. A plugin writes its logic against the trait
//! [`Engine`], so that it can be tested against a real engine or a fake without a component; as a component it takes
//! [`HostEngine`]. Everything made gets the host's labels, objects of others are answered with 404, and a request
//! that could reach further is [`EngineError::Refused`]. Names of granted folders (`{work}`, `{work}/notes`) stand in
//! bind mounts of `POST /containers/create`, names of granted secrets (`{token}`) in values of its variables.

mod wire;

use std::fmt;
use std::io::Read;

pub use crate::bindings::backend::kitbag::plugin::engine::{Found, look};
pub use wire::HostEngine;

use crate::{Fault, FaultCode};

/// What a request carries.
pub enum Body<'a> {
    /// Nothing.
    Empty,
    /// A JSON document.
    Json(String),
    /// Bytes, read while they are sent: an archive, an image, what a program reads. While the source keeps one waiting
    /// the answer waits too: for a dump or a file that is nothing, for a conversation typed by a person it shows.
    Stream(Box<dyn Read + 'a>),
}

/// One request to the engine.
pub struct Request<'a> {
    /// `GET`, `HEAD`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Path and query as in the Docker Engine API, percent-encoded, with or without `/v1.NN`.
    pub path: String,
    /// `POST /exec/ID/start` only: the JSON document Docker wants as its body, since the body is what the program
    /// reads. Compact, ASCII.
    pub start: Option<String>,
    /// `POST /images/load` and `POST /build` only: what the host sends as the body instead of the plugin, since it
    /// lies in a folder the plugin does not read: `file:FOLDER/PATH` the bytes of a file, `tar:FOLDER/PATH` a folder
    /// as a tar stream. FOLDER is the name of a granted folder.
    pub carry: Option<String>,
    /// What it carries.
    pub body: Body<'a>,
}

impl<'a> Request<'a> {
    /// With an empty body.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), start: None, carry: None, body: Body::Empty }
    }

    /// With a JSON document.
    #[must_use]
    pub fn json(mut self, text: impl Into<String>) -> Self {
        self.body = Body::Json(text.into());
        self
    }

    /// With bytes that are read while they are sent.
    #[must_use]
    pub fn stream(mut self, from: impl Read + 'a) -> Self {
        self.body = Body::Stream(Box::new(from));
        self
    }

    /// With what Docker wants as the body of `POST /exec/ID/start`.
    #[must_use]
    pub fn start(mut self, text: impl Into<String>) -> Self {
        self.start = Some(text.into());
        self
    }

    /// With a body the host takes from a granted folder.
    #[must_use]
    pub fn carry(mut self, what: impl Into<String>) -> Self {
        self.carry = Some(what.into());
        self
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// What the engine answered.
pub struct Response<'a> {
    /// The status of HTTP.
    pub status: u16,
    /// The body. Reading it also sends what is left of the request's stream, so read it to its end.
    pub body: Box<dyn Read + 'a>,
}

impl Response<'_> {
    /// The whole body, if it has at most `most` bytes.
    ///
    /// # Errors
    /// A body that breaks off or is longer.
    pub fn bytes(self, most: usize) -> Result<Vec<u8>, EngineError> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        self.body
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| EngineError::Broken(error.to_string()))?;
        if bytes.len() > most {
            return Err(EngineError::Broken(format!("an answer of more than {most} bytes")));
        }
        Ok(bytes)
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no answer of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineError {
    /// The host's filter let it not through. Why stands in the log, and in the detail of the fault the call ends with.
    Refused,
    /// Nobody can be reached. [`look`] says more.
    Unreachable(String),
    /// The connection broke, the call's time was over, or the person gave up.
    Broken(String),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("kitbag refused the request"),
            Self::Unreachable(why) => write!(f, "the engine cannot be reached: {why}"),
            Self::Broken(why) => write!(f, "the engine's answer broke off: {why}"),
        }
    }
}

impl std::error::Error for EngineError {}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::Refused => {
                Self::new(FaultCode::NotGranted, "Docker was asked for something kitbag does not allow.")
                    .remedy("Tell the people who made the course or the plugin.")
                    .detail(detail)
            }
            EngineError::Unreachable(_) => Self::new(FaultCode::NotReady, "Docker does not answer.")
                .remedy("Start Docker, wait until it is ready, then try again.")
                .detail(detail),
            EngineError::Broken(_) => Self::new(FaultCode::ToolFailed, "Docker stopped answering.")
                .remedy("Try again; if it happens again, restart Docker.")
                .detail(detail),
        }
    }
}

/// Whoever answers requests of the Docker Engine API.
pub trait Engine {
    /// Send a request and wait for the head of the answer.
    ///
    /// # Errors
    /// No answer; a status that tells of a failure is none.
    fn call<'a>(&self, request: Request<'a>) -> Result<Response<'a>, EngineError>;
}
