//! The door to the keychain of the person's own session: Windows' Credential Manager, the macOS keychain, and the
//! Secret Service of a Linux desktop. A secret is one short text under a name; it never stands in arguments. Where
//! there is no keychain, on a server or in a container, that is said at once and somebody else keeps the secret.

#[cfg(target_os = "macos")]
#[path = "real_macos.rs"]
mod system;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "real_tool.rs"]
mod system;
#[cfg(windows)]
#[path = "real_windows.rs"]
mod system;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Whose secrets they are, where a person looks into the keychain.
const SERVICE: &str = "kitbag";

/// Why a keychain does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// There is none that this session could use.
    #[error("there is no keychain here")]
    Absent,
    /// There is one, and it refuses: it may be locked.
    #[error("the keychain cannot be used: {0}")]
    Refused(String),
}

/// The person's keychain.
pub trait Secrets: Send + Sync {
    /// The secret of this name; none when it was never set.
    ///
    /// # Errors
    /// See [`SecretsError`].
    fn get(&self, name: &str) -> Result<Option<String>, SecretsError>;

    /// Keep a secret under a name, in place of the one before. No NUL, a kilobyte at most.
    ///
    /// # Errors
    /// See [`SecretsError`].
    fn set(&self, name: &str, secret: &str) -> Result<(), SecretsError>;
}

/// The keychain of this session.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealSecrets;

impl Secrets for RealSecrets {
    fn get(&self, name: &str) -> Result<Option<String>, SecretsError> {
        system::get(name)
    }

    fn set(&self, name: &str, secret: &str) -> Result<(), SecretsError> {
        system::set(name, secret)
    }
}

/// A keychain in memory that a test can lock or take away.
#[derive(Debug, Default)]
pub struct SimulatedSecrets {
    kept: Mutex<BTreeMap<String, String>>,
    trouble: Mutex<Option<SecretsError>>,
}

impl SimulatedSecrets {
    /// As on a computer without one.
    pub fn absent() -> Self {
        let simulated = Self::default();
        simulated.answer_with(Some(SecretsError::Absent));
        simulated
    }

    /// From now on every call ends so; none: it works again.
    pub fn answer_with(&self, trouble: Option<SecretsError>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn open(&self) -> Result<std::sync::MutexGuard<'_, BTreeMap<String, String>>, SecretsError> {
        match &*self.trouble.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(trouble) => Err(trouble.clone()),
            None => Ok(self.kept.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

impl Secrets for SimulatedSecrets {
    fn get(&self, name: &str) -> Result<Option<String>, SecretsError> {
        Ok(self.open()?.get(name).cloned())
    }

    fn set(&self, name: &str, secret: &str) -> Result<(), SecretsError> {
        self.open()?.insert(name.to_owned(), secret.to_owned());
        Ok(())
    }
}
