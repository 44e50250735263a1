//! Conflicts as a person sees them, and their answers. An answer is published and both folders follow in the same
//! sync; on every other machine it settles the question too.

use kitbag_core::conflict::{self, ConflictKind};
use kitbag_core::id::{ContentId, IdPrefix, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::plan;
use kitbag_core::version::{Content, Kind, Label, Record};
use kitbag_store::ledger::{Change, Held, PathRow, Place, Verb};
use serde::Serialize;

use super::cells::CellQuestion;
use super::report::{HeldFile, held_word};
use super::{Cycle, Request, Rules, Silent};
use crate::error::EngineError;
use crate::workspace::Workspace;

/// An open question about one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The file.
    pub path: String,
    /// What kind.
    pub kind: ConflictKind,
    /// The sides, this machine's first. Of a notebook whose cells wait: the versions they come from.
    pub sides: Vec<Side>,
    /// The cells that stand in several versions in the one notebook there is; empty for all else.
    pub cells: Vec<CellQuestion>,
}

impl Conflict {
    /// Whether it waits for an answer: a deleted cell that was kept is only told.
    pub fn waits(&self) -> bool {
        self.cells.is_empty() || self.cells.iter().any(CellQuestion::waits)
    }
}

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its id.
    pub id: String,
    /// The machine that made it; none for a change made in the cloud folder itself.
    pub machine: Option<String>,
    /// When, by that machine's clock.
    pub when: Option<String>,
    /// Bytes; none where the file was deleted.
    pub size: Option<u64>,
    /// Whether this is the side the working folder shows.
    pub this: bool,
}

/// Which side a person keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// The one the working folder shows.
    This,
    /// The other one, where there are two.
    Other,
    /// All of them.
    Both,
    /// What the working folder holds now.
    Merged,
    /// The one of this machine, or with this id.
    Named(String),
}

/// What an answer did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// The file.
    pub path: String,
    /// Other sides put beside it under names of their own.
    pub beside: Vec<String>,
    /// The answer's number in the log of operations.
    #[serde(skip)]
    pub operation: i64,
}

impl<'a> Cycle<'a> {
    /// For answering only: nothing is scanned.
    ///
    /// # Errors
    /// The ledger fails.
    pub fn for_answers(ws: &'a Workspace, rules: &Rules) -> Result<Self, EngineError> {
        Cycle::new(ws, rules, Request::default(), &Silent)
    }

    /// All open questions.
    ///
    /// # Errors
    /// The ledger or a stored version cannot be read.
    pub fn conflicts(&self) -> Result<Vec<Conflict>, EngineError> {
        let rows = self.ws.ledger.open_conflicts()?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            match row.asks_about_cells() {
                true => all.extend(self.about_cells(&row)?),
                false => all.push(self.conflict(&row.path, &row.open, row.memory.base)?),
            }
        }
        Ok(all)
    }

    /// Notebooks in which nothing waits and cells were kept although somebody deleted them, as questions that need no
    /// answer.
    ///
    /// # Errors
    /// The ledger or a stored version cannot be read.
    pub fn notes(&self) -> Result<Vec<Conflict>, EngineError> {
        let mut all = Vec::new();
        for row in self.ws.ledger.kept_cells()? {
            all.extend(self.about_cells(&row)?);
        }
        Ok(all)
    }

    /// What there is to tell about one file: its open question, or cells of a notebook that were kept though somebody
    /// deleted them.
    ///
    /// # Errors
    /// The ledger or a stored version cannot be read.
    pub fn conflict_at(&self, path: &WorkPath) -> Result<Option<Conflict>, EngineError> {
        match self.ws.ledger.path(path)? {
            Some(row) if row.open.is_empty() => self.about_cells(&row),
            Some(row) => self.conflict(path, &row.open, row.memory.base).map(Some),
            None => Ok(None),
        }
    }

    /// All absences that wait for an answer.
    ///
    /// # Errors
    /// The ledger fails.
    pub fn held(&self) -> Result<Vec<HeldFile>, EngineError> {
        let word = |reason| match reason {
            Held::RemovedHere => held_word(plan::Held::RemovedHere),
            Held::MissingInShare => held_word(plan::Held::MissingInShare),
        };
        let held = self.ws.ledger.held()?.into_iter();
        Ok(held
            .map(|held| HeldFile { path: held.path.as_str().to_owned(), reason: word(held.reason) })
            .collect())
    }

    fn conflict(
        &self,
        path: &WorkPath,
        open: &[RecordId],
        base: Option<RecordId>,
    ) -> Result<Conflict, EngineError> {
        let history = self.history(path)?;
        let contents = self.batch_contents();
        let kind = conflict::kind(path, &history, open, &contents).unwrap_or(ConflictKind::File);
        let mut sides = Vec::new();
        for id in open {
            sides.extend(self.side(*id, base.is_some_and(|base| history.real(base) == *id))?);
        }
        sides.sort_by_key(|side| !side.this);
        Ok(Conflict { path: path.as_str().to_owned(), kind, sides, cells: Vec::new() })
    }

    /// A version as a side; none where it is not known here.
    pub(super) fn side(&self, id: RecordId, this: bool) -> Result<Option<Side>, EngineError> {
        let Some((record, label)) = self.ws.ledger.record(id)? else { return Ok(None) };
        let outside = record.kind == Kind::Outside;
        let Label { machine, time, .. } = label.unwrap_or_else(|| Label::new("", ""));
        Ok(Some(Side {
            id: id.to_string(),
            machine: Some(machine).filter(|machine| !machine.is_empty() && !outside),
            when: Some(time).filter(|time| !time.is_empty()),
            size: record.content.id().map(|_| record.content.size()),
            this,
        }))
    }

    /// Publish the person's answer, to the question about one cell of a notebook or to all that is open about the
    /// file; the sync that follows carries it out.
    ///
    /// # Errors
    /// Nothing is open there, or the answer names no side.
    pub fn answer(
        &mut self,
        path: &WorkPath,
        keep: &Keep,
        cell: Option<&str>,
    ) -> Result<Answered, EngineError> {
        let row = self.ws.ledger.path(path)?;
        let row = row.ok_or_else(|| EngineError::NoConflict(path.to_string()))?;
        if row.open.is_empty() {
            return self.answer_about_cells(&row, keep, cell);
        }
        if cell.is_some() {
            return Err(wrong(
                "the question is about the whole file, not about one cell",
                "Leave `--cell` out.",
            ));
        }
        let history = self.history(path)?;
        let heads = history.heads();
        let conflict = self.conflict(path, &heads, row.memory.base)?;
        let mut beside = Vec::new();
        let mut records = Vec::new();
        let mut contents = Vec::new();
        let content = match keep {
            Keep::Both => {
                let both = conflict::both_texts(path, &history, &heads, &self.batch_contents());
                match both
                    .map_err(|e| wrong(e.to_string(), "Wait until the cloud folder has delivered it."))?
                {
                    Some(both) => {
                        let content = Content::file(ContentId::of(&both), both.len() as u64);
                        let mut sides = heads.iter().filter_map(|head| history.content(*head));
                        contents.push(both);
                        content.with_bit(sides.any(|side| side.is_executable()))
                    }
                    None => {
                        let (content, others) = self.whole_beside(path, &conflict)?;
                        for (path, content) in others {
                            beside.push(path.to_string());
                            records.push(Record::new(path, content, Kind::Edit, []));
                        }
                        content
                    }
                }
            }
            Keep::Merged => self.working_content(path)?,
            named => self.side_content(&conflict, named)?,
        };
        records.push(conflict::answer(path, &history, &heads, content));
        let shown = matches!(keep, Keep::Merged);
        let operation = self.publish_answer(&row, row.memory.base, &records, &contents, shown)?;
        Ok(Answered { path: path.as_str().to_owned(), beside, operation })
    }

    /// Publish the records of an answer, of which the last one is of the file itself, and log them as one operation;
    /// its number. `before`: what taking the answer back brings. `shown`: the working folder holds the answer already.
    ///
    /// # Errors
    /// The working file changed meanwhile, or the share or the ledger fails.
    pub(super) fn publish_answer(
        &mut self,
        row: &PathRow,
        before: Option<RecordId>,
        records: &[Record],
        contents: &[Vec<u8>],
        shown: bool,
    ) -> Result<i64, EngineError> {
        let mut publisher = self.publisher();
        if shown && let Some(id) = records.last().and_then(|record| record.content.id()) {
            let folder = self.folder(Place::Working);
            let file = folder.of_row(row);
            let mut open = folder.open(&file).map_err(EngineError::io("cannot read", &file))?;
            if publisher.content(&mut open)?.0 != id {
                return Err(wrong("the file changed just now", "Save it and answer again."));
            }
        }
        for bytes in contents {
            publisher.content(&mut bytes.as_slice())?;
        }
        for record in records {
            publisher.record(record)?;
        }
        let published = publisher.finish()?;
        let answered = records.last().map(Record::id);
        self.ws.ledger.batch(|ledger| {
            published.note(ledger)?;
            let time = self.ws.doors.clock.rfc3339();
            let operation = ledger.begin_operation(Verb::Resolve, self.now(), &time, None)?;
            if let Some(after) = answered {
                let change = Change { path: row.path.clone(), before, after };
                ledger.log_change(operation, &change)?;
            }
            if shown && let Some(mut row) = ledger.path(&row.path)? {
                row.memory.base = answered;
                ledger.put_path(&row)?;
            }
            Ok::<_, EngineError>(operation)
        })
    }

    /// What the working folder holds at a path now, read afresh.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn working_content(&self, path: &WorkPath) -> Result<Content, EngineError> {
        let folder = self.folder(Place::Working);
        let row = self.ws.ledger.path(path)?.unwrap_or_else(|| PathRow::new(path.clone()));
        let file = folder.of_row(&row);
        match folder.content(&file) {
            Ok(content) if self.ability.executable => Ok(content),
            Ok(content) => Ok(self.history(path)?.with_recorded_bit(row.memory.base, content)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Content::Deleted),
            Err(error) => Err(EngineError::io("cannot read", &file)(error)),
        }
    }

    fn side_content(&self, conflict: &Conflict, keep: &Keep) -> Result<Content, EngineError> {
        let matches = |side: &&Side| match keep {
            Keep::This => side.this,
            Keep::Other => !side.this,
            Keep::Named(name) => {
                let begins = |prefix: IdPrefix| side.id.parse().is_ok_and(|id| prefix.fits(id));
                side.machine.as_deref() == Some(name) || name.parse().is_ok_and(begins)
            }
            Keep::Both | Keep::Merged => false,
        };
        let found: Vec<_> = conflict.sides.iter().filter(matches).collect();
        let names: Vec<_> = conflict
            .sides
            .iter()
            .map(|s| s.machine.clone().unwrap_or_else(|| s.id[..8].to_owned()))
            .collect();
        match found.as_slice() {
            [one] => {
                let id = one.id.parse().map_err(|_| EngineError::NoConflict(conflict.path.clone()))?;
                let record = self.ws.ledger.record(id)?;
                record
                    .map(|(record, _)| record.content)
                    .ok_or_else(|| EngineError::NoConflict(conflict.path.clone()))
            }
            [] => Err(wrong("no side goes by that name", format!("The sides are: {}.", names.join(", ")))),
            _ => Err(wrong(
                "several sides go by that name",
                format!(
                    "Name one by its id: {}.",
                    found.iter().map(|s| &s.id[..12]).collect::<Vec<_>>().join(", ")
                ),
            )),
        }
    }

    /// What is no text is kept whole: this side stays, each other one goes beside it.
    fn whole_beside(
        &self,
        path: &WorkPath,
        conflict: &Conflict,
    ) -> Result<(Content, Vec<(WorkPath, Content)>), EngineError> {
        let mut stays = None;
        let mut others = Vec::new();
        for side in &conflict.sides {
            let content = self.side_content(conflict, &Keep::Named(side.id.clone()))?;
            if content == Content::Deleted {
                continue;
            }
            if stays.is_none() {
                stays = Some(content);
                continue;
            }
            let name = side.machine.clone().unwrap_or_else(|| format!("cloud folder {}", &side.id[..6]));
            let free = conflict::beside(path, &name)
                .map_err(|e| wrong(format!("no name is free beside it: {e}"), "Keep one side instead."))?;
            others.push((free, content));
        }
        Ok((stays.unwrap_or(Content::Deleted), others))
    }
}

/// An answer that is none.
pub(super) fn wrong(what: impl Into<String>, remedy: impl Into<String>) -> EngineError {
    EngineError::Answer { what: what.into(), remedy: remedy.into() }
}
