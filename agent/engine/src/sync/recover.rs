//! Every temporary name stands in the ledger before it is used. At the start of a cycle each is looked at: bytes a
//! version already holds go; bytes nobody knows become a version, whatever crash or late save left them there.

use std::io::{self, Write};
use std::path::Path;

use kitbag_core::entry::Observed;
use kitbag_core::history::History;
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
use crate::error::EngineError;

impl Cycle<'_> {
    /// Look at what earlier cycles left.
    ///
    /// # Errors
    /// Bytes that must be saved cannot be.
    pub(super) fn recover(&mut self) -> Result<(), EngineError> {
        let intents = self.ws.ledger.intents()?;
        // what a killed sync wrote may not be durable, and is about to be believed
        let cut_short = intents.iter().filter(|intent| intent.state != IntentState::Swapped);
        self.make_durable(cut_short.map(|intent| intent.place))?;
        let mut looked_at = Vec::new();
        for intent in intents {
            let root = self.root(intent.place).to_owned();
            let target = root.join(&intent.at);
            let aside = target.with_file_name(&intent.temporary);
            let out = second_name(&aside);
            let looked = self.mend_torn(&intent, &target).and_then(|mended| {
                self.put_back(&out, &target)?;
                let out = self.look_at_left(&intent, &target, &out)?;
                Ok(self.look_at_left(&intent, &target, &aside)? && out && mended)
            });
            let settled = match looked {
                Err(EngineError::Io { source, .. }) if not_now(&source) => {
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
                self.remove_empty_folders(intent.place, &intent.path, &intent.at)?;
            }
            looked_at.push(intent);
        }
        if looked_at.is_empty() {
            return Ok(());
        }
        // what was taken away is gone for good before its name is forgotten: after a power cut nobody would know it
        self.make_durable(looked_at.iter().map(|intent| intent.place))?;
        self.ws.ledger.batch(|ledger| {
            looked_at.iter().try_for_each(|intent| Ok::<_, EngineError>(ledger.remove_intent(intent.id)?))
        })
    }

    /// Writing in place was cut short: what stands there is the beginning of what was to be written, perhaps filled up
    /// with zeros by a power cut. It is no version; it is written again, whole. Anything else there is
    /// somebody's. False when it cannot be done now.
    fn mend_torn(&mut self, intent: &Intent, target: &Path) -> Result<bool, EngineError> {
        let (IntentState::Rewriting, Some(put)) = (intent.state, intent.put) else { return Ok(true) };
        let disk = self.ws.doors.disk.clone();
        let disk = disk.as_ref();
        let fail = || EngineError::io("cannot write", target);
        let stands = match hash(disk, target) {
            Err(error) if is_gone(&error) => return Ok(true),
            other => other.map_err(EngineError::io("cannot read", target))?,
        };
        let known = self.history(&intent.path)?.knows(stands);
        let (Some(id), size) = (stands.id(), stands.size()) else { return Ok(true) };
        if known || Some(id) == intent.expect || id == put {
            return Ok(true);
        }
        let mut left = disk.open(target).map_err(EngineError::io("cannot read", target))?;
        let mut torn = Beginning { left: Box::new(&mut left), size, differs: false };
        let whole = self.batch_contents().copy_to(put, &mut torn);
        if torn.differs || (torn.size > 0 && whole.is_ok()) {
            return Ok(true);
        }
        if torn.size > 0 {
            // what it should have become is not to be had now; the intent stands until it is
            self.report.problems.push(Problem::failed(&intent.path, "its content cannot be read now"));
            return Ok(false);
        }
        tracing::debug!(path = intent.path.as_str(), "a write cut short is done again");
        let mut to = disk.rewrite(target).map_err(fail())?;
        self.batch_contents().copy_to(put, &mut to).map_err(fail())?;
        to.finish(true).map_err(fail())?;
        Ok(true)
    }

    /// A swap in steps was cut short between the two: the old file goes back where it was.
    fn put_back(&self, out: &Path, target: &Path) -> Result<(), EngineError> {
        let disk = &self.ws.doors.disk;
        match disk.rename_new(out, target) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists || is_gone(&e) => Ok(()),
            other => other.map_err(EngineError::io("cannot put back", target)),
        }
    }

    /// A folder of the person's was taken for the file it stood in the place of.
    fn put_folder_back(&self, folder: &Path, target: &Path) -> Result<(), EngineError> {
        let disk = &self.ws.doors.disk;
        match disk.rename_new(folder, target) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => disk.exchange(target, folder),
            other => other,
        }
        .map_err(EngineError::io("cannot put back", target))
    }

    /// False when what lies there cannot be judged yet.
    fn look_at_left(&mut self, intent: &Intent, target: &Path, file: &Path) -> Result<bool, EngineError> {
        let disk = self.ws.doors.disk.clone();
        if intent.state == IntentState::Planned {
            // our own writing, cut short: nothing was exchanged yet
            return match tree::remove(disk.as_ref(), file) {
                Err(error) if !is_gone(&error) => Err(EngineError::io("cannot remove", file)(error)),
                _ => Ok(true),
            };
        }
        let is_unit = self.units.contains(&intent.path);
        if !is_unit && disk.stat(file).is_ok_and(|stat| stat.kind == ItemKind::Folder) {
            self.put_folder_back(file, target)?;
        }
        // asked before it is read: nobody opens it anew under this name
        let written_to = intent.place == Place::Working && self.is_written_to(file);
        let content = match self.found(intent, file) {
            Ok(found) => found,
            Err(error) if is_gone(&error) => return Ok(true),
            Err(error) => return Err(EngineError::io("cannot read", file)(error)),
        };
        let Some(id) = content.id() else { return Ok(true) };
        let lately = intent.state == IntentState::Swapped && !self.first;
        if written_to && lately {
            return Ok(false);
        }
        // swapped out a moment ago: a program may still be writing into it where nobody can tell
        let rests = intent.place == Place::Working && (written_to || lately);
        // what the plan expected was in a record before it was taken out; of a conflict copy, in its file's history
        let known =
            self.history(&intent.path)?.knows(content) || Some(id) == intent.put || Some(id) == intent.expect;
        let exchanged = intent.state == IntentState::Ready && Some(id) == intent.expect;
        // a rename cut short by the power may leave the old file under both names
        let shows_old = || self.found(intent, target).is_ok_and(|shown| shown.id() == intent.expect);
        if exchanged && intent.place == Place::Working && !shows_old() {
            self.note_shown(intent, target)?;
        }
        if !known {
            if intent.place == Place::Working
                && still_saved_into(disk.as_ref(), file, &intent.path, self.now())
            {
                // half a notebook is no version; the rest of it is about to be written
                return Ok(false);
            }
            match intent.place {
                Place::Working => self.save_as_edit(intent, file, content, rests)?,
                Place::Mirror => self.save_as_observed(intent, file, content)?,
            }
        }
        if rests {
            if intent.state != IntentState::Swapped {
                self.ws.ledger.set_intent_state(intent.id, IntentState::Swapped)?;
            }
            return Ok(false);
        }
        if matches!(content, Content::Unit { .. }) {
            // half of it gone, it would look like a version of its own
            self.ws.ledger.set_intent_state(intent.id, IntentState::Planned)?;
        }
        tree::remove(disk.as_ref(), file).map_err(EngineError::io("cannot remove", file))?;
        Ok(true)
    }

    /// Another program has it open and may go on writing to it.
    fn is_written_to(&self, file: &Path) -> bool {
        // what cannot be asked of is looked at like any other, and told then
        self.ws.doors.disk.is_written_to(file).is_ok_and(|told| told == Some(true))
    }

    /// What lies there: a file, or a unit.
    fn found(&self, intent: &Intent, file: &Path) -> io::Result<Content> {
        let disk = self.ws.doors.disk.as_ref();
        match disk.stat(file)?.kind {
            ItemKind::Folder if self.units.contains(&intent.path) => tree::content(disk, file),
            _ => self.folder(intent.place).content(file),
        }
    }

    /// The exchange was done and the ledger did not hear of it: the folder showed the new version, and what the person
    /// did since was done to that.
    fn note_shown(&mut self, intent: &Intent, target: &Path) -> Result<(), EngineError> {
        let (Some(base), Some(shown)) = (intent.parent, intent.version) else { return Ok(()) };
        let history = self.history(&intent.path)?;
        // that it comes from the base is not asked: a guess may have turned out to be somebody else's version
        if history.get(shown).is_none() {
            return Ok(());
        }
        let ws = self.ws;
        let is_folder = || ws.doors.disk.stat(target).is_ok_and(|stat| stat.kind == ItemKind::Folder);
        if history.content(shown) == Some(Content::Folder) && !is_folder() {
            // the file is out and the folder not made yet
            return Ok(());
        }
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

    fn read_unit(&self, folder: &Path) -> Result<Manifest, EngineError> {
        let read = tree::read(self.ws.doors.disk.as_ref(), folder).map_err(tree::into_io);
        Ok(read.map_err(EngineError::io("cannot read", folder))?.0)
    }

    /// With `rests` it stays where it is, and what is written to it later is an edit of this one.
    fn save_as_edit(
        &mut self,
        intent: &Intent,
        file: &Path,
        content: Content,
        rests: bool,
    ) -> Result<(), EngineError> {
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
            let open = self.folder(intent.place).open(file);
            let mut open = open.map_err(EngineError::io("cannot read", file))?;
            if Some(publisher.content(&mut open)?.0) != content.id() {
                return Err(moving());
            }
        }
        publisher.record(&record)?;
        let published = publisher.finish()?;
        self.report.bytes_published += self.ws.ledger.batch(|ledger| {
            if rests {
                ledger.set_intent_parent(intent.id, content.id(), record.id())?;
            }
            published.note(ledger)
        })?;
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

    /// The view of all admitted records from a path.
    ///
    /// # Errors
    /// The ledger fails.
    pub(crate) fn history(&self, path: &kitbag_core::path::WorkPath) -> Result<History, EngineError> {
        Ok(History::new(path, self.ws.ledger.lineage(path, None)?))
    }
}

/// Not there, nor the folder it was in.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Cannot be written to, or is online only.
fn not_now(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, WouldBlock};
    matches!(error.kind(), ReadOnlyFilesystem | PermissionDenied | WouldBlock)
}

/// Compares what is written to it with a file, as far as the file goes. From some byte on the file may hold zeros.
struct Beginning<'f> {
    left: Box<dyn io::Read + 'f>,
    size: u64,
    differs: bool,
}

impl Beginning<'_> {
    /// Zeros from here to the end of the file.
    fn zeros_from(&mut self, mine: &[u8]) -> bool {
        let mut buffer = [0; 8192];
        let mut zero = mine.iter().all(|byte| *byte == 0);
        while zero {
            match self.left.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => zero = buffer[..n].iter().all(|byte| *byte == 0),
                Err(_) => zero = false,
            }
        }
        zero
    }
}

impl Write for Beginning<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(usize::try_from(self.size).unwrap_or(usize::MAX));
        let mut mine = vec![0; n];
        self.left.read_exact(&mut mine)?;
        let same = mine.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        if same == n {
            self.size -= n as u64;
        } else if self.zeros_from(&mine[same..]) {
            self.size = 0;
        } else {
            self.differs = true;
        }
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
