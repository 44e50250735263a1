//! Whether the bytes of an old version are still to be had, of a folder carried whole all of its files.

use kitbag_core::version::Content;

use crate::error::EngineError;
use crate::workspace::Workspace;

/// True also for what has no bytes.
pub(super) fn kept(ws: &Workspace, content: Content) -> Result<bool, EngineError> {
    let Some(id) = content.id() else { return Ok(true) };
    if !ws.ledger.has_content(id)? {
        return Ok(false);
    }
    if matches!(content, Content::Unit { .. }) {
        for part in ws.ledger.unit_parts(id)?.unwrap_or_default() {
            if !ws.ledger.has_content(part)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
