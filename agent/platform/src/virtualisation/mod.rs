//! Whether virtual machines can run here, asked before one is downloaded: does the processor offer it, is it switched on,
//! and may this person use it. Nothing is started to find out.

#[cfg(any(windows, test))]
mod hypervisor;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
use serde::{Deserialize, Serialize};
#[cfg(windows)]
use windows as system;

/// What there is of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Virtual machines can run.
    Ready,
    /// They could, but this person may not start them.
    NotAllowed,
    /// The processor offers it, and it is switched off, or what uses it is not loaded.
    Off,
    /// The processor offers none, or the firmware hides it.
    NotOffered,
    /// The system does not tell.
    Unknown,
}

/// Virtualisation on this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Virtualisation {
    /// What there is of it.
    pub state: State,
    /// Whether this computer is a virtual machine itself; none when nobody knows.
    pub inside: Option<bool>,
    /// Windows' own hypervisor runs and has taken it, so other programs' machines run through that one, if at all; none
    /// when nobody knows.
    #[serde(default)]
    pub hyper_v: Option<bool>,
}

impl Virtualisation {
    /// Nothing is known.
    pub const UNKNOWN: Self = Virtualisation { state: State::Unknown, inside: None, hyper_v: None };

    /// Whether virtual machines can run; none when nobody knows.
    pub fn usable(self) -> Option<bool> {
        match self.state {
            State::Ready => Some(true),
            State::NotAllowed | State::Off | State::NotOffered => Some(false),
            State::Unknown => None,
        }
    }
}

/// Look.
#[cfg(any(target_os = "linux", target_os = "macos", windows))]
pub(crate) fn look() -> Virtualisation {
    system::look()
}

/// Look: this system is not known.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
pub(crate) fn look() -> Virtualisation {
    Virtualisation::UNKNOWN
}
