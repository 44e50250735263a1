//! Swap and inspect, or rewrite and inspect. A file is written under a temporary name, exchanged with what stands at its place, and what came
//! out is hashed. If that is not what the plan expected, somebody wrote in between: in the working folder the
//! exchange is undone, in the mirror the bytes are set aside to become a version. What came out stays until the
//! next cycle, since a program that still has it open may go on writing. Where the provider knows files by number the
//! mirror is written in place: compared before, emptied and written, compared after.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kitbag_core::entry::{Fingerprint, Seen};
use kitbag_core::history::{same, same_bytes};
use kitbag_core::id::ContentId;
use kitbag_core::path::WorkPath;
use kitbag_core::plan::Put;
use kitbag_core::unit::Manifest;
use kitbag_core::version::Content;
use kitbag_platform::disk::{Disk, ItemKind};
use kitbag_store::ledger::Place;

use super::look::hash;
use super::tree;

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The place shows what it should.
    Done {
        /// The file as it is now; none for a deletion.
        print: Option<Fingerprint>,
        /// Whether what came out lies under the temporary name.
        left: bool,
    },
    /// Somebody else changed the place meanwhile; the next cycle looks again.
    Changed {
        /// Whether bytes lie under the temporary name that must be looked at.
        left: bool,
    },
    /// It could not be done.
    Failed {
        /// Why.
        error: io::ErrorKind,
        /// In words.
        reason: String,
    },
}

impl Outcome {
    /// It could not be done for this reason.
    pub fn failed(error: io::Error) -> Self {
        Outcome::Failed { error: error.kind(), reason: error.to_string() }
    }
}

/// How a write is done.
#[derive(PartialEq, Eq)]
enum Way {
    /// Away under the temporary name.
    Remove,
    /// Only who may run it changes.
    Bit,
    /// In its place, this content of so many bytes.
    Rewrite(ContentId, u64),
    /// Written aside, then exchanged or given the free name.
    Swap,
}

/// One of the two places files are written to.
pub struct Projector<'a> {
    /// The disk.
    pub disk: &'a dyn Disk,
    /// The folder.
    pub root: &'a Path,
    /// Which it is.
    pub place: Place,
    /// Folders that stay even when they are empty.
    pub required: &'a BTreeSet<WorkPath>,
    /// It keeps who may run a file.
    pub bits: bool,
    /// What stands there already is written anew and not swapped.
    pub in_place: bool,
}

impl Projector<'_> {
    /// Where a file of the workspace lies here. The folders above it are made as far as they are missing; a link or
    /// file in their place stops it, so nothing is ever written outside the root.
    ///
    /// # Errors
    /// A folder cannot be made, or is not a folder.
    fn folders(&self, path: &WorkPath) -> io::Result<PathBuf> {
        let mut at = self.root.to_owned();
        let names: Vec<_> = path.names().collect();
        for name in &names[..names.len().saturating_sub(1)] {
            at.push(name);
            match self.disk.stat(&at) {
                Ok(stat) if stat.kind == ItemKind::Folder => {}
                Ok(_) => {
                    let reason = format!("{name:?} is in the way: it is not a folder");
                    return Err(io::Error::new(io::ErrorKind::NotADirectory, reason));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => match self.disk.create_dir(&at) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                },
                Err(error) => return Err(error),
            }
        }
        at.push(path.file_name());
        Ok(at)
    }

    /// Get ready for one write. What goes in lies beside the target under `temporary`, a free name, and must be durable
    /// before [`Projector::place`]: a name that lasts longer than its bytes would show an empty file after a power cut.
    /// `bring` brings the bytes of a content; `modified` is the time the file shall bear, old enough that any
    /// later write changes it.
    ///
    /// # Errors
    /// It cannot be written there; nothing is left then.
    pub fn prepare(
        &self,
        path: &WorkPath,
        put: &Put,
        temporary: &str,
        modified: i64,
        bring: &dyn Fn(ContentId, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let target = self.folders(path)?;
        if self.way(put) != Way::Swap {
            return Ok(());
        }
        let aside = target.with_file_name(temporary);
        let written = self.write(&aside, put.content, modified, bring);
        if written.is_err() {
            tree::remove(self.disk, &aside).ok();
        }
        written
    }

    /// Carry out one write that is prepared.
    pub fn place(
        &self,
        path: &WorkPath,
        put: &Put,
        temporary: &str,
        modified: i64,
        bring: &dyn Fn(ContentId, &mut dyn Write) -> io::Result<()>,
    ) -> Outcome {
        let target = self.root.join(path.as_str());
        let aside = target.with_file_name(temporary);
        let done = match (self.way(put), put.expect) {
            (Way::Remove, expect) => self.remove(path, &target, &aside, expect),
            (Way::Bit, _) => self.set_bit(&target, put.content),
            (Way::Rewrite(id, size), expect) => self.rewrite(&target, expect, (id, size), modified, bring),
            (Way::Swap, Seen::Content(_)) => self.replace(&target, &aside, put.expect),
            (Way::Swap, _) => self.create(&target, &aside),
        };
        done.unwrap_or_else(Outcome::failed)
    }

    fn way(&self, put: &Put) -> Way {
        match (put.content, put.expect) {
            (Content::Deleted, _) => Way::Remove,
            (content, Seen::Content(shown)) if self.bits && same_bytes(content, shown) => Way::Bit,
            // a unit's folder has no number of its own: it is swapped everywhere
            (Content::File { id, size, .. }, Seen::Content(Content::File { .. })) if self.in_place => {
                Way::Rewrite(id, size)
            }
            _ => Way::Swap,
        }
    }

    fn write(
        &self,
        aside: &Path,
        content: Content,
        modified: i64,
        bring: &dyn Fn(ContentId, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(id) = content.id() else { return Ok(()) };
        if let Content::Unit { .. } = content {
            let mut list = Vec::new();
            bring(id, &mut list)?;
            let list = Manifest::parse(&list).map_err(io::Error::other)?;
            return tree::write(self.disk, aside, &list, modified, bring);
        }
        let mut to = self.disk.create(aside)?;
        bring(id, &mut to)?;
        if self.bits && content.is_executable() {
            to.set_executable(true)?;
        }
        to.finish(false)?;
        self.disk.set_modified(aside, modified)
    }

    /// Only who may run it changes: nothing is swapped. A save in between is seen by its bytes.
    fn set_bit(&self, target: &Path, content: Content) -> io::Result<Outcome> {
        match self.disk.set_executable(target, content.is_executable()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Outcome::Changed { left: false });
            }
            other => other?,
        }
        let print = self.disk.stat(target)?.fingerprint;
        let stands = same(hash(self.disk, target)?, content) && self.disk.stat(target)?.fingerprint == print;
        Ok(match stands {
            true => Outcome::Done { print: Some(print), left: false },
            false => Outcome::Changed { left: false },
        })
    }

    /// Whether what came out is what was expected, as far as this place tells.
    fn is_expected(&self, aside: &Path, expect: Seen) -> io::Result<bool> {
        let found = match expect {
            Seen::Content(Content::Unit { .. }) if self.disk.stat(aside)?.kind == ItemKind::Folder => {
                tree::content(self.disk, aside)?
            }
            _ => hash(self.disk, aside)?,
        };
        Ok(match expect {
            Seen::Content(expected) if self.bits => same(found, expected),
            Seen::Content(expected) => same_bytes(found, expected),
            _ => false,
        })
    }

    /// How what stands there looks.
    fn print(&self, target: &Path) -> io::Result<Fingerprint> {
        let stat = self.disk.stat(target)?;
        match stat.kind {
            ItemKind::Folder => tree::print(self.disk, target).map_err(tree::into_io),
            _ => Ok(stat.fingerprint),
        }
    }

    /// How what was put there looks; without times, so that it is read again, when somebody has touched it since it lay
    /// aside.
    fn print_of(&self, target: &Path, before: Fingerprint) -> io::Result<Option<Fingerprint>> {
        // a rename changes the time the entry was changed, and nothing else
        let now = self.print(target)?;
        let untouched = Fingerprint { changed: now.changed, ..before } == now;
        Ok(Some(if untouched { now } else { Fingerprint { modified: 0, changed: 0, ..now } }))
    }

    fn create(&self, target: &Path, aside: &Path) -> io::Result<Outcome> {
        let before = self.print(aside)?;
        match self.disk.rename_new(aside, target) {
            Ok(()) => Ok(Outcome::Done { print: self.print_of(target, before)?, left: false }),
            Err(error) => {
                tree::remove(self.disk, aside)?;
                if error.kind() == io::ErrorKind::AlreadyExists {
                    return Ok(Outcome::Changed { left: false });
                }
                Err(error)
            }
        }
    }

    fn replace(&self, target: &Path, aside: &Path, expect: Seen) -> io::Result<Outcome> {
        let before = self.print(aside)?;
        if let Err(error) = self.swap(target, aside) {
            // nothing was exchanged: our own new bytes lie aside
            tree::remove(self.disk, aside).ok();
            if error.kind() == io::ErrorKind::NotFound {
                return Ok(Outcome::Changed { left: false });
            }
            return Err(error);
        }
        if self.is_expected(aside, expect)? {
            return Ok(Outcome::Done { print: self.print_of(target, before)?, left: true });
        }
        if self.place == Place::Working {
            // a save came between: show it again. What comes out now is ours, or a still later save.
            self.swap(target, aside)?;
        }
        Ok(Outcome::Changed { left: true })
    }

    /// Write a file anew in its place. Between the look before and the emptying another program's write could come and
    /// would be lost from here: the price of keeping the file's number, paid only where the provider asks for it. From
    /// the emptying on the file may be torn; the intent in the ledger says that this was us.
    fn rewrite(
        &self,
        target: &Path,
        expect: Seen,
        (id, size): (ContentId, u64),
        modified: i64,
        bring: &dyn Fn(ContentId, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<Outcome> {
        let before = match self.disk.stat(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Outcome::Changed { left: false });
            }
            other => other?.fingerprint,
        };
        // a full disk is found out while the old bytes still stand
        if self.disk.free_space(target)?.saturating_add(before.size) < size {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if !self.is_expected(target, expect)? || self.disk.stat(target)?.fingerprint != before {
            return Ok(Outcome::Changed { left: false });
        }
        let mut to = self.disk.rewrite(target)?;
        bring(id, &mut to)?;
        to.finish(true)?;
        self.disk.set_modified(target, modified)?;
        let print = self.disk.stat(target)?.fingerprint;
        if hash(self.disk, target)?.id() != Some(id) || self.disk.stat(target)?.fingerprint != print {
            return Ok(Outcome::Changed { left: false });
        }
        Ok(Outcome::Done { print: Some(print), left: false })
    }

    /// Exchange, in one step where the system can; else away and into the free place.
    fn swap(&self, target: &Path, aside: &Path) -> io::Result<()> {
        match self.disk.exchange(target, aside) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                let out = second_name(aside);
                self.disk.rename_new(target, &out)?;
                if let Err(error) = self.disk.rename_new(aside, target) {
                    // the old file goes back where it was, if the place is still free
                    self.disk.rename_new(&out, target)?;
                    return Err(error);
                }
                self.disk.rename_new(&out, aside)
            }
            other => other,
        }
    }

    fn remove(&self, path: &WorkPath, target: &Path, aside: &Path, expect: Seen) -> io::Result<Outcome> {
        match self.disk.rename_new(target, aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Outcome::Changed { left: false });
            }
            other => other?,
        }
        if self.is_expected(aside, expect)? {
            return Ok(Outcome::Done { print: None, left: true });
        }
        let back = self.place == Place::Working && self.disk.rename_new(aside, target).is_ok();
        tracing::debug!(path = path.as_str(), back, "changed while it was to be removed");
        Ok(Outcome::Changed { left: !back })
    }

    /// Folders that became empty go, from the inside out; required ones stay.
    pub fn remove_empty_folders(&self, path: &WorkPath) {
        let mut folder = path.parent();
        while let Some(empty) = folder {
            if self.required.contains(&empty)
                || self.disk.remove_dir(&self.root.join(empty.as_str())).is_err()
            {
                return;
            }
            folder = empty.parent();
        }
    }
}

/// Where the old file rests for a moment on systems that cannot exchange.
pub fn second_name(aside: &Path) -> PathBuf {
    let mut name = aside.file_name().unwrap_or_default().to_owned();
    name.push(".out");
    aside.with_file_name(name)
}

#[cfg(test)]
#[path = "project_tests.rs"]
mod tests;
