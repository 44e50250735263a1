//! Answers to questions about cells: which version of a cell an answer means, and the notebook with the answered cells
//! in it. What is published is an ordinary edit of the one version there is; where the working folder holds a newer
//! save, and the person says that is the answer, the save is recorded first.

use std::io::Read;

use kitbag_core::conflict;
use kitbag_core::id::{ContentId, IdPrefix, RecordId};
use kitbag_core::merge::notebook::{self, Answer, By};
use kitbag_core::path::shown;
use kitbag_core::version::{Content, Record};
use kitbag_store::ledger::{PathRow, Place};

use super::{CellQuestion, version};
use crate::error::EngineError;
use crate::sync::Cycle;
use crate::sync::answers::{Answered, Keep, wrong};

impl Cycle<'_> {
    /// Publish an answer about cells of a notebook that has one version; the sync that follows carries it out.
    ///
    /// # Errors
    /// Nothing is open there, or no cell has a version of that name.
    pub(in crate::sync) fn answer_about_cells(
        &mut self,
        row: &PathRow,
        keep: &Keep,
        cell: Option<&str>,
    ) -> Result<Answered, EngineError> {
        let nothing = || EngineError::NoConflict(row.path.to_string());
        let questions = self.about_cells(row)?.ok_or_else(nothing)?.cells;
        let (head, bytes) = self.one_notebook(row)?.ok_or_else(nothing)?;
        let (records, contents) = match keep {
            Keep::Merged if cell.is_none() => self.as_it_is_here(row, head, &bytes)?,
            keep => {
                let answered = answered(&bytes, &questions, keep, cell)?;
                (vec![self.edit_of(row, head, &answered)?], vec![answered])
            }
        };
        // a notebook that is open here shows an older version, which has nothing of the other sides
        let operation = self.publish_answer(row, Some(head), &records, &contents, false)?;
        Ok(Answered { path: row.path.as_str().to_owned(), beside: Vec::new(), operation })
    }

    /// What the working folder holds is the answer to all: its cells as they are, without the marks.
    fn as_it_is_here(
        &self,
        row: &PathRow,
        head: RecordId,
        bytes: &[u8],
    ) -> Result<(Vec<Record>, Vec<Vec<u8>>), EngineError> {
        let folder = self.folder(Place::Working);
        let file = folder.of_row(row);
        let mut here = Vec::new();
        folder
            .open(&file)
            .and_then(|open| open.take(notebook::LARGEST as u64 + 1).read_to_end(&mut here))
            .map_err(EngineError::io("cannot read", &file))?;
        let history = self.history(&row.path)?;
        if row.memory.base.map(|base| history.real(base)) != Some(head) {
            return Err(wrong(
                "the notebook with both versions is not in the working folder yet",
                "Close it where it is open, run `kitbag sync`, and look at it there.",
            ));
        }
        if here.len() > notebook::LARGEST || !notebook::is_whole(&here) {
            return Err(wrong(
                "the notebook in the working folder is damaged or being saved",
                "Save it and answer again.",
            ));
        }
        let plain = |bytes: &[u8]| notebook::answer(bytes, None, &Answer::Both).ok();
        if here == bytes {
            let answered = plain(&here).ok_or_else(|| EngineError::NoConflict(row.path.to_string()))?;
            return Ok((vec![self.edit_of(row, head, &answered)?], vec![answered]));
        }
        let saved = self.edit_of(row, head, &here)?;
        let id = saved.id();
        match plain(&here) {
            Some(answered) => Ok((vec![saved, self.edit_of(row, id, &answered)?], vec![here, answered])),
            // the marks are gone already: the save is the answer
            None => Ok((vec![saved], vec![here])),
        }
    }

    /// An edit of this version, which the working folder shows or is about to.
    fn edit_of(&self, row: &PathRow, of: RecordId, bytes: &[u8]) -> Result<Record, EngineError> {
        let history = self.history(&row.path)?;
        let bit = history.heads().iter().filter_map(|head| history.content(*head)).any(|c| c.is_executable());
        let content = Content::file(ContentId::of(bytes), bytes.len() as u64).with_bit(bit);
        Ok(conflict::answer(&row.path, &history, &[of], content))
    }
}

/// The notebook with its questions answered, or the one about this cell.
fn answered(
    bytes: &[u8],
    questions: &[CellQuestion],
    keep: &Keep,
    cell: Option<&str>,
) -> Result<Vec<u8>, EngineError> {
    let about: Vec<_> =
        questions.iter().filter(|question| cell.is_none_or(|cell| is_about(question, cell))).collect();
    if about.is_empty() {
        let open: Vec<_> = questions.iter().map(|question| shown(&question.cell)).collect();
        let open = format!("Questions are open about these cells: {}.", open.join(", "));
        return Err(wrong("no question is open about that cell", open));
    }
    let of_many = cell.is_none() && about.iter().any(|question| question.waits());
    let mut new: Option<Vec<u8>> = None;
    let mut refused = None;
    // from the last one: cells without ids go by their number
    for question in about.into_iter().rev() {
        let answer = match chosen(question, keep, of_many) {
            Ok(Some(answer)) => answer,
            Ok(None) => continue,
            // it answers others, perhaps
            Err(error) => {
                refused = Some(error);
                continue;
            }
        };
        let before = new.as_deref().unwrap_or(bytes);
        let after = notebook::answer(before, Some(&question.cell), &answer);
        new =
            Some(after.map_err(|error| wrong(error.to_string(), "`kitbag conflicts` shows what is open."))?);
    }
    match (new, refused) {
        (Some(new), _) => Ok(new),
        (None, Some(error)) => Err(error),
        (None, None) => Err(wrong("that answers nothing", "`kitbag conflicts PATH` shows what is open.")),
    }
}

fn is_about(question: &CellQuestion, cell: &str) -> bool {
    question.cell == cell || question.others.iter().any(|other| other.cell == cell)
}

/// The answer to one question; none where this answer leaves it. `of_many`: it is given for all that wait, and a cell
/// that only tells stays as it is unless the answer names who deleted it.
fn chosen(question: &CellQuestion, keep: &Keep, of_many: bool) -> Result<Option<Answer>, EngineError> {
    let only_tells = of_many && !question.waits();
    let name = match keep {
        Keep::Both | Keep::Merged => return Ok(Some(Answer::Both)),
        Keep::This | Keep::Other if only_tells => return Ok(None),
        Keep::This => return Ok(Some(Answer::This)),
        Keep::Other if question.others.len() > 1 => {
            let names = format!("Name one: {}.", names(question));
            return Err(wrong("there are several other versions of a cell", names));
        }
        Keep::Other => return Ok(Some(Answer::Other)),
        Keep::Named(name) => name,
    };
    let goes_by = |by: &By| {
        let begins = |id: RecordId| name.parse().is_ok_and(|prefix: IdPrefix| prefix.fits(id));
        by.machine.as_ref() == Some(name) || version(by).is_some_and(begins)
    };
    if question.deleted_by.as_ref().is_some_and(goes_by) {
        return Ok(Some(Answer::Other));
    }
    let stands = question.source.is_some() && (goes_by(&question.by) || question.cell == *name);
    let fits = question.others.iter().filter(|other| goes_by(&other.by) || other.cell == *name);
    let fits: Vec<_> =
        stands.then_some(&question.cell).into_iter().chain(fits.map(|other| &other.cell)).collect();
    match fits[..] {
        [one] => Ok(Some(Answer::Named(one.clone()))),
        [] if only_tells => Ok(None),
        [] => {
            let names = format!("There are: {}.", names(question));
            Err(wrong("no version of a cell goes by that name", names))
        }
        _ => {
            let cells: Vec<_> = fits.iter().map(|cell| shown(cell)).collect();
            let cells = format!("Name one by its cell: {}.", cells.join(", "));
            Err(wrong("several versions of a cell go by that name", cells))
        }
    }
}

/// The names by which the versions of a cell can be kept, safe to show.
fn names(question: &CellQuestion) -> String {
    let others = question.others.iter().map(|other| (&other.cell, &other.by));
    let this = question.source.iter().map(|_| (&question.cell, &question.by));
    let name = |(cell, by): (&String, &By)| shown(by.machine.as_ref().unwrap_or(cell));
    this.chain(others).map(name).collect::<Vec<_>>().join(", ")
}
