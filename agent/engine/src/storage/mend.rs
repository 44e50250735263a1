//! The small files of the sidecar put right: events, the ids of the workspace, the format's line. The ledger has the
//! text of each, so one whose bytes no longer match its name is simply written again. Looked at when `verify` found
//! one, since reading them all takes longer than a sync in which nothing happened.

use std::io;

use crate::error::EngineError;
use crate::folders::IDENTITIES;
use crate::share::{FORMAT, Share};
use crate::workspace::Workspace;

/// Where the ledger remembers that something small was found damaged.
const WANTED: &str = "storage.mend";

/// Have the small files put right by the next sync.
///
/// # Errors
/// The ledger fails.
pub(super) fn want(ws: &Workspace) -> Result<(), EngineError> {
    Ok(ws.ledger.set(WANTED, "yes")?)
}

/// Put right what was found damaged, where that was found.
///
/// # Errors
/// The ledger fails, or the share cannot be written.
pub(crate) fn mend(ws: &Workspace, share: &Share) -> Result<(), EngineError> {
    if ws.ledger.get(WANTED)?.is_none() {
        return Ok(());
    }
    for (_, text) in ws.ledger.events()? {
        share.mend_note("events", &text)?;
    }
    for identity in ws.ledger.get(IDENTITIES)?.unwrap_or_default().lines() {
        share.mend_identity(identity)?;
    }
    share.mend_format()?;
    Ok(ws.ledger.unset(WANTED)?)
}

impl Share {
    /// The format's line, when it is neither ours nor a later one's, nor the beginning of one.
    fn mend_format(&self) -> Result<(), EngineError> {
        let file = self.sidecar().join("format");
        match self.read_note(&file) {
            Ok(found) if is_no_format(&found) => self.write_anew(&file, FORMAT.as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.make_sidecar(),
            _ => Ok(()),
        }
    }
}

/// Whether these bytes can be no format's line, of whatever version, arrived or arriving.
pub(super) fn is_no_format(bytes: &[u8]) -> bool {
    let (word, rest) = bytes.split_at(bytes.len().min(7));
    if word != &b"kitbag "[..word.len()] {
        // a provider may fill up with zeros what has not come
        return bytes.iter().any(|byte| *byte != 0);
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, end) = rest.split_at(digits);
    number.first() == Some(&b'0') || !matches!(end, [] | [b'\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_some_version_or_its_beginning_is_left_alone() {
        for line in ["kitbag 1\n", "kitbag 12\n", "", "kit", "kitbag ", "kitbag 1", "\0\0\0"] {
            assert!(!is_no_format(line.as_bytes()), "{line:?}");
        }
        for line in ["kitbag 0\n", "kitbaf 1\n", "kitbag !\n", "kitbag 1\u{b}", "kitbag 1\nx", "x", "\0k"] {
            assert!(is_no_format(line.as_bytes()), "{line:?}");
        }
    }
}
