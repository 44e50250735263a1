//! Which files of the mirror are conflict copies that a provider made. A full pattern is taken at its word. A name that
//! people give as well needs evidence: nobody put the file into the working folder, it is no file of the workspace, and
//! its bytes are those of a version of the file it is named after, or it names a machine of this workspace. Everything
//! else is an ordinary file, and stays one once it was recorded.

use std::collections::BTreeSet;

use kitbag_core::copies;
use kitbag_core::entry::{Millis, Seen};
use kitbag_core::history::History;
use kitbag_core::path::WorkPath;
use kitbag_store::Ledger;

use super::look::look;
use super::spot::Folder;
use crate::error::EngineError;

/// What a file of the mirror is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// A file of its own.
    Ordinary,
    /// A provider's copy of this one.
    CopyOf(WorkPath),
    /// Its bytes cannot be judged now.
    NotNow,
}

/// What the question is asked of.
pub(super) struct Copies<'a> {
    /// What is known of each path.
    pub(super) ledger: &'a Ledger,
    /// The working folder.
    pub(super) work: Folder<'a>,
    /// The mirror.
    pub(super) mirror: Folder<'a>,
    /// Names of the machines of this workspace.
    pub(super) machines: &'a [String],
    /// Paths whose record is on its way.
    pub(super) delivering: &'a BTreeSet<WorkPath>,
    /// Now.
    pub(super) now: Millis,
}

impl Copies<'_> {
    /// Judge a file that lies there in the mirror.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn judge(&self, path: &WorkPath, at: &str) -> Result<Told, EngineError> {
        let name = path.file_name();
        if let Some(copy) = copies::base_of(name) {
            let base = self.known_beside(path, &copy.base)?;
            let own = self.ledger.path(path)?.is_some();
            return Ok(base.filter(|_| !own).map_or(Told::Ordinary, Told::CopyOf));
        }
        let maybe = copies::may_be_of(name);
        if maybe.is_empty() || self.delivering.contains(path) || self.ledger.path(path)?.is_some() {
            return Ok(Told::Ordinary);
        }
        let mut seen = None;
        for maybe in maybe {
            let Some(base) = self.known_beside(path, &maybe.base)? else { continue };
            let beside = self.work.file(&self.work.names.place(path, false));
            if self.work.disk.stat(&beside).is_ok() {
                return Ok(Told::Ordinary);
            }
            if maybe.device.is_some_and(|device| self.is_machine(&device)) {
                return Ok(Told::CopyOf(base));
            }
            let seen = seen
                .get_or_insert_with(|| look(self.mirror.disk, &self.mirror.file(at), path, self.now).seen);
            match seen {
                // nothing at all is the beginning of everything
                Seen::Content(content) if content.size() == 0 => {}
                Seen::Content(content) => {
                    if History::new(&base, self.ledger.lineage(&base, None)?).knows(*content) {
                        return Ok(Told::CopyOf(base));
                    }
                }
                Seen::Absent | Seen::Filled | Seen::Unsure => return Ok(Told::NotNow),
            }
        }
        Ok(Told::Ordinary)
    }

    /// The path of a file beside this one, when it is one of the workspace.
    fn known_beside(&self, path: &WorkPath, name: &str) -> Result<Option<WorkPath>, EngineError> {
        let base = path.parent().map_or_else(|| WorkPath::parse(name), |folder| folder.join(name));
        let Ok(base) = base else { return Ok(None) };
        Ok(self.ledger.path(&base)?.map(|_| base))
    }

    /// A name of one letter or of digits only is no evidence.
    fn is_machine(&self, device: &str) -> bool {
        let telling = device.chars().count() > 1 && !device.bytes().all(|byte| byte.is_ascii_digit());
        telling && self.machines.iter().any(|machine| machine.eq_ignore_ascii_case(device))
    }
}
