//! The sides of one open question with what stands in them, for a person who looks at both before the answer. Only text
//! of a readable size is given out; of everything else it is said why there is none.

use kitbag_core::conflict::ConflictKind;
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::reconcile::Contents;
use kitbag_core::version::Content;
use serde::Serialize;

use super::Cycle;
use super::answers::Side;
use crate::error::EngineError;

/// Longer texts are not shown; bytes.
const LONGEST: u64 = 256 * 1024;

/// One open question with its sides' texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sides {
    /// The file.
    pub path: String,
    /// What kind.
    pub kind: ConflictKind,
    /// The sides, this machine's first.
    pub sides: Vec<SideText>,
}

/// One side with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideText {
    /// Who, when, how large.
    #[serde(flatten)]
    pub side: Side,
    /// What stands in it; none where it cannot be shown.
    pub text: Option<String>,
    /// Why it cannot be shown; a sentence.
    pub why_no_text: Option<&'static str>,
}

impl Cycle<'_> {
    /// The open question one of whose sides has this id; none when there is none.
    ///
    /// # Errors
    /// The ledger fails.
    pub fn sides(&self, id: &str) -> Result<Option<Sides>, EngineError> {
        let all = self.conflicts()?;
        let one = all.into_iter().find(|conflict| conflict.sides.iter().any(|side| side.id == id));
        let Some(conflict) = one else { return Ok(None) };
        let mut sides = Vec::with_capacity(conflict.sides.len());
        for side in conflict.sides {
            let content = match side.id.parse::<RecordId>() {
                Ok(id) => self.ws.ledger.record(id)?.map(|(record, _)| record.content),
                Err(_) => None,
            };
            let (text, why_no_text) = match self.readable(content) {
                Ok(text) => (Some(text), None),
                Err(why) => (None, Some(why)),
            };
            sides.push(SideText { side, text, why_no_text });
        }
        Ok(Some(Sides { path: conflict.path, kind: conflict.kind, sides }))
    }

    fn readable(&self, content: Option<Content>) -> Result<String, &'static str> {
        let content = content.ok_or("This version is not here yet.")?;
        if matches!(content, Content::Unit { .. }) {
            return Err("It is a folder that is kept as one thing.");
        }
        let id: ContentId = content.id().ok_or("The file was deleted on this side.")?;
        if content.size() > LONGEST {
            return Err("It is too long to be shown here.");
        }
        let bytes = self.batch_contents().read(id);
        let bytes =
            bytes.map_err(|_| "Its content is not here yet.")?.ok_or("Its content is no longer kept.")?;
        match std::str::from_utf8(&bytes) {
            Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
            _ => Err("It is no text."),
        }
    }
}
