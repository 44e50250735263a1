//! What the history costs, in figures: the packs in the share against the files that are there now.

use serde::Serialize;

use crate::error::EngineError;
use crate::workspace::Workspace;

/// The figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Growth {
    /// Bytes of all packs in the share.
    pub history_bytes: u64,
    /// Bytes of the files as they are now; they stand beside the history in plain form.
    pub live_bytes: u64,
    /// How many packs.
    pub packs: u64,
    /// How many of them were replaced by others and go once every machine has those.
    pub leaving: u64,
    /// Bytes of these.
    pub leaving_bytes: u64,
}

/// Read the figures.
///
/// # Errors
/// The ledger fails.
pub fn growth(ws: &Workspace) -> Result<Growth, EngineError> {
    let (history_bytes, live_bytes) = (ws.ledger.packs_size()?, ws.ledger.counts()?.bytes);
    let (all, staying) = (ws.ledger.packs()?.len() as u64, ws.ledger.staying()?);
    let stays: u64 = staying.iter().map(|(_, size)| size).sum();
    Ok(Growth {
        history_bytes,
        live_bytes,
        packs: all,
        leaving: all - staying.len() as u64,
        leaving_bytes: history_bytes - stays,
    })
}
