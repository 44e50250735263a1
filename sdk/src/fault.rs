//! Faults that say what to do. The message is one plain sentence for a student, the remedies are what they can
//! do next; what a tool printed goes into the detail, which is hidden until somebody asks for it.

use crate::{Fault, FaultCode, Remedy};

impl Fault {
    /// A fault without detail or remedy.
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, remedies: Vec::new() }
    }

    /// Something to do about it, in words.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedies.push(Remedy { text: text.into(), command: Vec::new() });
        self
    }

    /// Something to do about it, with a command. It is shown, never run by itself.
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

impl From<std::io::Error> for Fault {
    /// The fault a stream carried, if it came from one, else `internal`.
    fn from(error: std::io::Error) -> Self {
        let text = error.to_string();
        match error.into_inner().map(|inner| inner.downcast::<Self>()) {
            Some(Ok(fault)) => *fault,
            _ => Self::new(FaultCode::Internal, "Bytes could not be moved.").detail(text),
        }
    }
}
