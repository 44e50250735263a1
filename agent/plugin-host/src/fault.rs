//! What went wrong, for a person: a kind, one plain sentence, what can be done. Plugins give faults, doors give
//! faults, and everything that can go wrong with a plugin itself can be told as one.

use serde::{Deserialize, Serialize};

/// What kind of thing went wrong. The words are those of the plugin interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultCode {
    /// What was named does not exist.
    NotFound,
    /// What was to be made is there.
    AlreadyExists,
    /// Later, perhaps.
    NotReady,
    /// This backend cannot.
    Unsupported,
    /// The course's or the person's settings are wrong.
    InvalidConfig,
    /// Nobody allowed it.
    NotGranted,
    /// A program is not on this machine.
    MissingTool,
    /// A program ran and failed.
    ToolFailed,
    /// The network.
    Network,
    /// Made from something else, or changed meanwhile.
    Conflict,
    /// A limit.
    Quota,
    /// It took too long.
    Timeout,
    /// The person gave up.
    Cancelled,
    /// A mistake of the plugin or of kitbag.
    Internal,
    /// Somebody else has a port that was given.
    PortTaken,
}

/// What the person can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// In words.
    pub text: String,
    /// A command to show, program first; never run by itself. Empty: none.
    #[serde(default)]
    pub command: Vec<String>,
}

/// One thing that went wrong. All text is safe to show on a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Its kind.
    pub code: FaultCode,
    /// One plain sentence.
    pub message: String,
    /// What a tool said; several lines; hidden until asked for.
    #[serde(default)]
    pub detail: Option<String>,
    /// What can be done.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
}

impl Fault {
    /// Without detail or remedy.
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, remedies: Vec::new() }
    }

    /// Something to do about it, in words.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedies.push(Remedy { text: text.into(), command: Vec::new() });
        self
    }

    /// Something to do about it, with a command to show.
    #[must_use]
    pub fn remedy_command(mut self, text: impl Into<String>, command: &[&str]) -> Self {
        self.remedies.push(Remedy {
            text: text.into(),
            command: command.iter().map(|&word| word.to_owned()).collect(),
        });
        self
    }

    /// What a tool said.
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail = Some(text.into());
        self
    }
}
