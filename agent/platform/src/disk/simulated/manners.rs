//! How the simulated file system treats names, links and the executable bit: as Linux, Windows, macOS or a FAT stick
//! has it. Which names are one is decided here and nowhere else.

use std::ffi::{OsStr, OsString};

use kitbag_core::names::Naming;
use unicode_normalization::UnicodeNormalization;

/// Which names a file system takes for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Folding {
    /// Equal bytes only, as on Linux.
    #[default]
    None,
    /// Also those that differ in case, as on Windows. The name is kept as it was given.
    Case,
    /// Also those that differ in how accents are written, as on APFS. The name is kept as it was given.
    CaseAndAccents,
    /// As before, and every name is stored with its accents apart, as on HFS+.
    Decomposed,
}

/// What the file system can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// It remembers who may run a file.
    pub executable: bool,
    /// Links can be made.
    pub links: bool,
    /// Which names are one.
    pub folding: Folding,
    /// Names that Windows does not allow are refused.
    pub windows_names: bool,
}

impl Default for Manners {
    /// As on Linux.
    fn default() -> Self {
        Manners { executable: true, links: true, folding: Folding::None, windows_names: false }
    }
}

impl Manners {
    /// Equal for names that are one; none where only equal bytes are.
    pub(super) fn key(&self, name: &OsStr) -> Option<String> {
        let name = name.to_str()?;
        match self.folding {
            Folding::None => None,
            Folding::Case => Some(name.to_lowercase()),
            Folding::CaseAndAccents | Folding::Decomposed => Some(kitbag_core::path::folded(name)),
        }
    }

    /// The name as it is stored.
    pub(super) fn stored(&self, name: &OsStr) -> OsString {
        match (self.folding, name.to_str()) {
            (Folding::Decomposed, Some(name)) => name.nfd().collect::<String>().into(),
            _ => name.to_owned(),
        }
    }

    /// Whether a file may have this name.
    pub(super) fn allows(&self, name: &OsStr) -> bool {
        !self.windows_names || name.to_str().is_some_and(|name| Naming::Windows.allows(name))
    }
}
