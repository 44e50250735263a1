//! Everything that can go wrong between kitbag and a plugin: the plugin answered with a fault, is not a plugin,
//! wants more than its manifest says, broke, or took too long. Each can be told to a person as a [`Fault`].

use crate::fault::{Fault, FaultCode};

/// Why a plugin could not be loaded or a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// The plugin answered, and this is its answer.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// `plugin.toml` cannot be used. The text names the key.
    #[error("plugin.toml: {0}")]
    Manifest(String),
    /// Over 64 MiB.
    #[error("the plugin's program is too big: {0} bytes")]
    TooBig(usize),
    /// The bytes are not a component this kitbag can run. The text is for the plugin's author.
    #[error("not a plugin for this kitbag: {0}")]
    NotAPlugin(String),
    /// It uses a part of the interface its manifest or its world does not list.
    #[error("the plugin uses \"{0}\", which it did not ask for")]
    NotDeclared(String),
    /// Compiling it took longer than allowed.
    #[error("the plugin could not be made ready in time")]
    CompileTimeout,
    /// It stopped in the middle of a call: a mistake of the plugin, or a limit it ran into.
    #[error("the plugin broke: {0}")]
    Broken(String),
    /// The deadline of the call passed.
    #[error("the plugin took too long")]
    TimedOut,
    /// The person gave up.
    #[error("cancelled")]
    Cancelled,
    /// The answer was of another kind than the question, or broke the interface's rules.
    #[error("the plugin gave an answer that makes no sense: {0}")]
    Nonsense(String),
    /// A limit or fault on our side.
    #[error("the plugin host failed: {0}")]
    Host(String),
}

impl PluginError {
    /// Whether its program is none, whoever tries.
    pub fn not_a_plugin(&self) -> bool {
        matches!(self, Self::NotAPlugin(_) | Self::TooBig(_))
    }

    /// The same for a person, with what can be done.
    pub fn fault(&self) -> Fault {
        let again = "Try again. If it happens again, tell the people who made the plugin.";
        let fault = |code, message: &str| Fault::new(code, message).detail(self.to_string());
        match self {
            Self::Fault(fault) => fault.clone(),
            Self::Manifest(_) | Self::NotAPlugin(_) | Self::TooBig(_) | Self::NotDeclared(_) => {
                fault(FaultCode::InvalidConfig, "This plugin cannot be used.")
                    .remedy("Get it again, or ask the people who made it for a version for this kitbag.")
            }
            Self::CompileTimeout => {
                fault(FaultCode::Timeout, "Making the plugin ready took too long.").remedy(again)
            }
            Self::Broken(_) | Self::Nonsense(_) => {
                fault(FaultCode::Internal, "The plugin broke.").remedy(again)
            }
            Self::TimedOut => fault(FaultCode::Timeout, "This took too long and was ended.").remedy(again),
            Self::Cancelled => Fault::new(FaultCode::Cancelled, "Cancelled."),
            Self::Host(_) => fault(FaultCode::Internal, "kitbag could not run the plugin.").remedy(again),
        }
    }
}
