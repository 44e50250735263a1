//! Every temporary name stands in the ledger before it is used. At the start of a cycle each is looked at: bytes a
//! version already holds go; bytes nobody knows become a version, whatever crash or late save left them there.

use std::io::{self, Write};
use std::path::Path;

use kitbag_core::entry::Observed;
use kitbag_core::history::History;
use kitbag_core::id::ContentId;
use kitbag_core::unit::Manifest;
use kitbag_core::version::{Content, Kind, Record};
use kitbag_platform::disk::ItemKind;
use kitbag_store::ledger::{Intent, IntentState, PathRow, Place};

use super::Cycle;
use super::look::{hash, still_saved_into};
use super::project::second_name;
use super::publish::Publisher;
use super::report::Problem;
use super::tree;
use super::units::list;
use crate::error::EngineError;

impl Cycle<'_> {
    /// Look at what earlier cycles left.
    ///
    /// # Errors
    /// Bytes that must be saved cannot be.
    pub(super) fn recover(&mut self) -> Result<(), EngineError> {
        for intent in self.ws.ledger.intents()? {
            let root = self.root(intent.place).to_owned();
            let target = root.join(intent.path.as_str());
            let aside = target.with_file_name(&intent.temporary);
            let out = second_name(&aside);
            let looked = self
                .put_back(&out, &target)
                .and_then(|()| self.look_at_left(&intent, &target, &out))
                .and_then(|settled| Ok(self.look_at_left(&intent, &target, &aside)? && settled));
            let settled = match looked {
                Err(EngineError::Io { source, .. }) if unwritable(&source) => {
                    // a folder that cannot be written to now: what can be read there still is
                    self.report.problems.push(Problem::failed(&intent.path, source.to_string()));
                    continue;
                }
                other => other?,
            };
            if !settled {
                continue;
            }
            if intent.put.is_none() {
                // what rested there was the last thing in it
                self.projection().remove_empty_folders(intent.place, &intent.path);
            }
            self.ws.ledger.remove_intent(intent.id)?;
        }
        Ok(())
    }

    /// A swap in steps was cut short between the two: the old file goes back where it was.
    fn put_back(&self, out: &Path, target: &Path) -> Result<(), EngineError> {
        let disk = &self.ws.doors.disk;
        match disk.rename_new(out, target) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists || is_gone(&e) => Ok(()),
            other => other.map_err(EngineError::io("cannot put back", target)),
        }
    }

    /// False when what lies there cannot be judged yet.
    fn look_at_left(&mut self, intent: &Intent, target: &Path, file: &Path) -> Result<bool, EngineError> {
        let disk = self.ws.doors.disk.clone();
        let content = match self.found(intent, file) {
            Ok(found) => found,
            Err(error) if is_gone(&error) => return Ok(true),
            Err(error) => return Err(EngineError::io("cannot read", file)(error)),
        };
        let (Some(id), size) = (content.id(), content.size()) else { return Ok(true) };
        // what the plan expected was in a record before it was taken out; of a conflict copy, in its file's history
        let known = self.history(&intent.path)?.knows(content)
            || Some(id) == intent.put
            || Some(id) == intent.expect
            || (intent.state == IntentState::Planned && self.is_our_beginning(intent, target, file, size)?);
        let exchanged = intent.state == IntentState::Planned && Some(id) == intent.expect;
        if exchanged && intent.place == Place::Working {
            self.note_shown(intent)?;
        }
        if !known {
            if intent.place == Place::Working
                && still_saved_into(disk.as_ref(), file, &intent.path, self.now())
            {
                // half a notebook is no version; the rest of it is about to be written
                return Ok(false);
            }
            match intent.place {
                Place::Working => self.save_as_edit(intent, file, content)?,
                Place::Mirror => self.save_as_observed(intent, file, content)?,
            }
        }
        tree::remove(disk.as_ref(), file).map_err(EngineError::io("cannot remove", file))?;
        Ok(true)
    }

    /// What lies there: a file, or a unit.
    fn found(&self, intent: &Intent, file: &Path) -> io::Result<Content> {
        let disk = self.ws.doors.disk.as_ref();
        match disk.stat(file)?.kind {
            ItemKind::Folder if self.units.contains(&intent.path) => tree::content(disk, file),
            _ => hash(disk, file),
        }
    }

    /// The exchange was done and the ledger did not hear of it: the folder showed the new version, and what the person
    /// did since was done to that.
    fn note_shown(&mut self, intent: &Intent) -> Result<(), EngineError> {
        let (Some(base), Some(shown)) = (intent.parent, intent.version) else { return Ok(()) };
        let history = self.history(&intent.path)?;
        if history.get(shown).is_none() || !history.descends(shown, base) {
            return Ok(());
        }
        let ws = self.ws;
        ws.ledger.batch(|ledger| {
            if let Some(mut row) = ledger.path(&intent.path)?
                && row.memory.base == Some(base)
            {
                self.log_shown(ledger, &intent.path, row.memory.base, shown)?;
                row.memory.base = Some(shown);
                row.dirty = true;
                ledger.put_path(&row)?;
            }
            Ok(())
        })
    }

    /// Our own writing was cut short: the exchange had not happened, and the bytes are the first part of what was to
    /// be written.
    fn is_our_beginning(
        &self,
        intent: &Intent,
        target: &Path,
        file: &Path,
        size: u64,
    ) -> Result<bool, EngineError> {
        let Some(put) = intent.put else { return Ok(false) };
        if self.found(intent, target).is_ok_and(|found| found.id() == Some(put)) {
            return Ok(false);
        }
        let disk = self.ws.doors.disk.as_ref();
        if disk.stat(file).is_ok_and(|stat| stat.kind == ItemKind::Folder) {
            let Ok(list) = list(&self.batch_contents(), put) else { return Ok(false) };
            let begins = |file: &Path, id, size| self.begins(file, id, size).map_err(io::Error::other);
            return tree::is_beginning_of(disk, file, &list, &begins)
                .map_err(EngineError::io("cannot read", file));
        }
        self.begins(file, put, size)
    }

    /// Whether a file of so many bytes is the first part of a content.
    fn begins(&self, file: &Path, put: ContentId, size: u64) -> Result<bool, EngineError> {
        let open = self.ws.doors.disk.open(file).map_err(EngineError::io("cannot read", file))?;
        let mut compare = Beginning { left: Box::new(open), size, differs: false };
        let whole = self.batch_contents().copy_to(put, &mut compare);
        Ok(!compare.differs && (compare.size == 0 || whole.is_ok()))
    }

    fn read_unit(&self, folder: &Path) -> Result<Manifest, EngineError> {
        let read = tree::read(self.ws.doors.disk.as_ref(), folder).map_err(tree::into_io);
        Ok(read.map_err(EngineError::io("cannot read", folder))?.0)
    }

    fn save_as_edit(&mut self, intent: &Intent, file: &Path, content: Content) -> Result<(), EngineError> {
        let content = match self.ability.executable {
            true => content,
            false => self.history(&intent.path)?.with_recorded_bit(intent.parent, content),
        };
        let record = Record::new(intent.path.clone(), content, Kind::Edit, intent.parent);
        let (ws, share) = (self.ws, self.share.clone());
        let mut publisher = Publisher::new(&ws.ledger, &share, self.label());
        let moving = || EngineError::io("is still being written:", file)(io::ErrorKind::Interrupted.into());
        if let Content::Unit { .. } = content {
            let list = self.read_unit(file)?;
            self.publish_tree(&mut publisher, file, &list).map_err(|_| moving())?;
        } else {
            let mut open = self.ws.doors.disk.open(file).map_err(EngineError::io("cannot read", file))?;
            if Some(publisher.content(&mut open)?.0) != content.id() {
                return Err(moving());
            }
        }
        publisher.record(&record)?;
        let published = publisher.finish()?;
        self.report.bytes_published += self.ws.ledger.batch(|ledger| published.note(ledger))?;
        self.report.published += 1;
        Ok(())
    }

    fn save_as_observed(
        &mut self,
        intent: &Intent,
        file: &Path,
        content: Content,
    ) -> Result<(), EngineError> {
        let (Some(id), size) = (content.id(), content.size()) else { return Ok(()) };
        let content = content.with_bit(false);
        let stored = match content {
            Content::Unit { .. } => self.keep_tree(file, &self.read_unit(file)?)?,
            _ => self.kept.store(id, file)?.then(|| vec![(id, size)]),
        };
        let Some(stored) = stored else {
            return Err(EngineError::io("is still being written:", file)(io::ErrorKind::Interrupted.into()));
        };
        let now = self.now();
        self.ws.ledger.batch(|ledger| {
            let row = ledger.path(&intent.path)?;
            let mut row = row.unwrap_or_else(|| PathRow::new(intent.path.clone()));
            row.memory.observed.push(Observed { content, since: now, copy: None });
            row.dirty = true;
            for (id, size) in stored {
                ledger.keep(id, size)?;
            }
            Ok(ledger.put_path(&row)?)
        })
    }

    /// A path's admitted records.
    ///
    /// # Errors
    /// The ledger fails.
    pub(crate) fn history(&self, path: &kitbag_core::path::WorkPath) -> Result<History, EngineError> {
        Ok(History::new(self.ws.ledger.admitted(path)?))
    }
}

/// Not there, nor the folder it was in.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unwritable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

/// Compares what is written to it with a file, as far as the file goes.
struct Beginning {
    left: Box<dyn io::Read>,
    size: u64,
    differs: bool,
}

impl Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(usize::try_from(self.size).unwrap_or(usize::MAX));
        let mut mine = vec![0; n];
        self.left.read_exact(&mut mine)?;
        self.differs |= mine != bytes[..n];
        self.size -= n as u64;
        if self.differs || self.size == 0 {
            // no need to see the rest
            return Err(io::ErrorKind::Other.into());
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
