//! Questions about cells of a notebook: both versions of a cell stand in the one notebook there is, marked. They are
//! counted where a version arrives, so nobody reads every notebook to learn that something waits, and told with the
//! machines' names when somebody asks. An answer is an ordinary edit, which settles the question everywhere.

mod answer;
mod sheet;
mod writer;

use std::sync::Arc;

use kitbag_core::conflict::ConflictKind;
use kitbag_core::id::RecordId;
use kitbag_core::merge::notebook::{self, By, CellKind};
use kitbag_core::merge::way::Way;
use kitbag_core::reconcile::Contents;
use kitbag_core::version::Content;
use kitbag_store::ledger::{Asked, PathRow};
use serde::Serialize;

use super::Cycle;
use super::answers::{Conflict, Side, wrong};
use super::batch::Item;
use super::contents::BatchContents;
use crate::error::EngineError;
pub use sheet::{CellSheet, SheetCell, SheetVersion};
use writer::Writers;

/// A question about one cell. Its texts are as somebody wrote them: whoever shows them makes them safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellQuestion {
    /// The cell's id, or its number as `#3` where it has none; answers name it so.
    pub cell: String,
    /// Its number in the notebook, from 1.
    pub number: usize,
    /// Its kind.
    pub kind: CellKind,
    /// What happened: a plain sentence that is safe to show.
    pub what: String,
    /// The cell as it stands; null where only another version of it is left.
    pub source: Option<String>,
    /// Whose that is.
    pub by: By,
    /// The other versions. None: one side deleted the cell and the other edited it.
    pub others: Vec<OtherCell>,
    /// Who deleted it. Such a cell stays, and need not be answered.
    pub deleted_by: Option<By>,
}

/// Another version of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherCell {
    /// The id of the cell that holds it, or its number as `#3`; answers may name it.
    pub cell: String,
    /// Its kind.
    pub kind: CellKind,
    /// What stands in it.
    pub source: String,
    /// Whose it is.
    pub by: By,
}

/// A version of a notebook with its bytes.
type Notebook = (RecordId, Arc<[u8]>);

impl CellQuestion {
    /// Whether it waits for an answer, or only tells.
    pub fn waits(&self) -> bool {
        self.deleted_by.is_none()
    }
}

impl Cycle<'_> {
    /// Look into the notebooks whose newest version was not looked into yet.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn look_for_questions(
        &self,
        items: &mut [Item],
        contents: &BatchContents<'_>,
    ) -> Result<(), EngineError> {
        for item in items.iter_mut().filter(|item| !item.dropped) {
            item.row.asked = self.asked(item, contents)?;
        }
        Ok(())
    }

    /// What waits in the only version of a notebook. One that cannot be read is looked at again the next time.
    fn asked(&self, item: &Item, contents: &BatchContents<'_>) -> Result<Option<Asked>, EngineError> {
        let [version] = item.plan.heads[..] else { return Ok(None) };
        if Way::of(&item.row.path) != Way::Cells {
            return Ok(None);
        }
        if item.row.asked.is_some_and(|asked| asked.version == version && asked.kept.is_some()) {
            return Ok(item.row.asked);
        }
        let made = item.plan.records.iter().find(|made| made.id == version);
        let content = match made {
            Some(made) => Some(made.record.content),
            None => self.ws.ledger.record(version)?.map(|(record, _)| record.content),
        };
        let marked = match content {
            Some(Content::File { id, size, .. }) if size <= notebook::LARGEST as u64 => {
                match (made.and_then(|made| made.bytes.as_deref()), contents.read(id)) {
                    (Some(bytes), _) => notebook::marked(bytes),
                    (None, Ok(Some(bytes))) => notebook::marked(&bytes),
                    (None, _) => return Ok(None),
                }
            }
            _ => notebook::Marked::default(),
        };
        Ok(Some(Asked { version, cells: marked.questions as u64, kept: Some(marked.kept as u64) }))
    }

    /// The questions about cells of a notebook that has one version; those that only tell, too.
    ///
    /// # Errors
    /// The ledger or the version cannot be read.
    pub(super) fn about_cells(&self, row: &PathRow) -> Result<Option<Conflict>, EngineError> {
        let Some((head, bytes)) = self.one_notebook(row)? else { return Ok(None) };
        let open = notebook::conflicts(&bytes).unwrap_or_default();
        if open.is_empty() {
            return Ok(None);
        }
        drop(bytes);
        let mut writers = Writers::new(self);
        let cells = open.into_iter().map(|open| writers.told(open)).collect::<Result<Vec<_>, _>>()?;
        let sides = self.sides_of_cells(&cells, head)?;
        Ok(Some(Conflict { path: row.path.as_str().to_owned(), kind: ConflictKind::Notebook, sides, cells }))
    }

    /// The only version of a notebook, with its bytes.
    fn one_notebook(&self, row: &PathRow) -> Result<Option<Notebook>, EngineError> {
        if Way::of(&row.path) != Way::Cells || !row.open.is_empty() {
            return Ok(None);
        }
        let history = self.history(&row.path)?;
        let [head] = history.heads()[..] else { return Ok(None) };
        match history.content(head) {
            Some(Content::File { id, size, .. }) if size <= notebook::LARGEST as u64 => {
                let bytes = self.batch_contents().read(id).map_err(|error| {
                    wrong(error.to_string(), "Wait until the cloud folder has delivered it.")
                })?;
                Ok(bytes.map(|bytes| (head, bytes)))
            }
            _ => Ok(None),
        }
    }

    /// The versions the questions name: first the one whose cells stand in the notebook.
    fn sides_of_cells(&self, cells: &[CellQuestion], head: RecordId) -> Result<Vec<Side>, EngineError> {
        let this = cells.iter().find_map(|cell| version(&cell.by));
        let all = cells.iter().flat_map(|cell| {
            let others = cell.others.iter().map(|other| &other.by);
            [&cell.by].into_iter().chain(others).chain(&cell.deleted_by)
        });
        let mut named: Vec<RecordId> = Vec::new();
        for id in this.into_iter().chain(all.filter_map(version)) {
            if id != head && !named.contains(&id) {
                named.push(id);
            }
        }
        let mut sides = Vec::with_capacity(named.len());
        for id in named {
            sides.extend(self.side(id, this == Some(id))?);
        }
        Ok(sides)
    }
}

fn version(by: &By) -> Option<RecordId> {
    by.version.as_ref()?.parse().ok()
}
