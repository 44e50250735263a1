//! Conflicts as a person sees them, and their answers. An answer is published and both folders follow in the same
//! sync; on every other machine it settles the question too.

use kitbag_core::conflict::{self, ConflictKind};
use kitbag_core::id::{ContentId, IdPrefix, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::plan;
use kitbag_core::version::{Content, Kind, Label, Record};
use kitbag_store::ledger::{Change, Held, PathRow, Place, Verb};
use serde::Serialize;

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
    /// The sides, this machine's first.
    pub sides: Vec<Side>,
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
        rows.into_iter().map(|row| self.conflict(&row.path, &row.open, row.memory.base)).collect()
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
            let Some((record, label)) = self.ws.ledger.record(*id)? else { continue };
            let outside = record.kind == Kind::Outside;
            let Label { machine, time, .. } = label.unwrap_or_else(|| Label::new("", ""));
            sides.push(Side {
                id: id.to_string(),
                machine: Some(machine).filter(|machine| !machine.is_empty() && !outside),
                when: Some(time).filter(|time| !time.is_empty()),
                size: record.content.id().map(|_| record.content.size()),
                this: base.is_some_and(|base| history.real(base) == *id),
            });
        }
        sides.sort_by_key(|side| !side.this);
        Ok(Conflict { path: path.as_str().to_owned(), kind, sides })
    }

    /// Publish the person's answer; the sync that follows carries it out.
    ///
    /// # Errors
    /// Nothing is open there, or the answer names no side.
    pub fn answer(&mut self, path: &WorkPath, keep: &Keep) -> Result<Answered, EngineError> {
        let row = self.ws.ledger.path(path)?.filter(|row| !row.open.is_empty());
        let row = row.ok_or_else(|| EngineError::NoConflict(path.to_string()))?;
        let history = self.history(path)?;
        let heads = history.heads();
        let conflict = self.conflict(path, &heads, row.memory.base)?;
        let mut beside = Vec::new();
        let mut records = Vec::new();
        let mut bytes = None;
        let content = match keep {
            Keep::Both => {
                let both = conflict::both_texts(path, &history, &heads, &self.batch_contents());
                match both
                    .map_err(|e| answer(e.to_string(), "Wait until the cloud folder has delivered it."))?
                {
                    Some(both) => {
                        let content = Content::file(ContentId::of(&both), both.len() as u64);
                        let mut sides = heads.iter().filter_map(|head| history.content(*head));
                        bytes = Some(both);
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
        let mut publisher = self.publisher();
        if matches!(keep, Keep::Merged) && content.id().is_some() {
            let folder = self.folder(Place::Working);
            let file = folder.of_row(&row);
            let mut open = folder.open(&file).map_err(EngineError::io("cannot read", &file))?;
            if Some(publisher.content(&mut open)?.0) != content.id() {
                return Err(answer("the file changed just now", "Save it and answer again."));
            }
        }
        if let Some(bytes) = bytes {
            publisher.content(&mut bytes.as_slice())?;
        }
        for record in &records {
            publisher.record(record)?;
        }
        let published = publisher.finish()?;
        let answered = records.last().map(Record::id);
        let operation = self.ws.ledger.batch(|ledger| {
            published.note(ledger)?;
            let time = self.ws.doors.clock.rfc3339();
            let operation = ledger.begin_operation(Verb::Resolve, self.now(), &time, None)?;
            if let Some(after) = answered {
                let change = Change { path: path.clone(), before: row.memory.base, after };
                ledger.log_change(operation, &change)?;
            }
            if matches!(keep, Keep::Merged)
                && let Some(mut row) = ledger.path(path)?
            {
                row.memory.base = answered;
                ledger.put_path(&row)?;
            }
            Ok::<_, EngineError>(operation)
        })?;
        Ok(Answered { path: path.as_str().to_owned(), beside, operation })
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
            [] => Err(answer("no side goes by that name", format!("The sides are: {}.", names.join(", ")))),
            _ => Err(answer(
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
                .map_err(|e| answer(format!("no name is free beside it: {e}"), "Keep one side instead."))?;
            others.push((free, content));
        }
        Ok((stays.unwrap_or(Content::Deleted), others))
    }
}

fn answer(what: impl Into<String>, remedy: impl Into<String>) -> EngineError {
    EngineError::Answer { what: what.into(), remedy: remedy.into() }
}
