//! Swap and inspect, or rewrite and inspect. A file is written under a temporary name, exchanged with what stands at its
//! place, and what came out is hashed. If that is not what the plan expected, somebody wrote in between: in the working
//! folder the exchange is undone, in the mirror the bytes are set aside to become a version. What came out stays until
//! the next cycle, since a program that still has it open may go on writing. Where the provider knows files by number
//! the mirror is written in place: compared before, emptied and written, compared after.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use kitbag_core::entry::{Fingerprint, Seen};
use kitbag_core::history::{same, same_bytes};
use kitbag_core::id::ContentId;
use kitbag_core::link;
use kitbag_core::path::WorkPath;
use kitbag_core::plan::Put;
use kitbag_core::unit::Manifest;
use kitbag_core::version::Content;
use kitbag_platform::disk::ItemKind;
use kitbag_store::ledger::Place;

use super::spot::Folder;
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
    /// It cannot be had in this place, today or ever. Nothing was changed.
    Cannot {
        /// Why, in words.
        reason: String,
    },
    /// It could not be done.
    Failed {
        /// Why.
        error: ErrorKind,
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
    /// An empty folder goes.
    RemoveFolder,
    /// A folder is made.
    MakeFolder,
    /// Only who may run it changes.
    Bit,
    /// In its place, this content of so many bytes.
    Rewrite(ContentId, u64),
    /// Written aside, then exchanged or given the free name.
    Swap,
}

/// What came of getting ready.
pub enum Prepared {
    /// It can be done.
    Ready,
    /// It cannot be had in this place; why, in words.
    Cannot(String),
}

/// One of the two places files are written to.
pub struct Projector<'a> {
    /// The folder.
    pub folder: Folder<'a>,
    /// Folders that stay even when they are empty.
    pub required: &'a BTreeSet<WorkPath>,
    /// It keeps who may run a file.
    pub bits: bool,
    /// What stands there already is written anew and not swapped.
    pub in_place: bool,
}

/// One write, with all that is needed to do it.
pub struct Job<'a> {
    /// The path.
    pub path: &'a WorkPath,
    /// Where it lies in this place.
    pub at: &'a str,
    /// What is to be done.
    pub put: &'a Put,
    /// A free name beside the target.
    pub temporary: &'a str,
    /// The time the file shall bear, old enough that any later write changes it; nanoseconds since 1970.
    pub modified: i64,
}

/// Brings the bytes of a content.
pub type Bring<'a> = &'a dyn Fn(ContentId, &mut dyn Write) -> io::Result<()>;

const CHANGED: Outcome = Outcome::Changed { left: false };

fn done(print: Option<Fingerprint>, left: bool) -> io::Result<Outcome> {
    Ok(Outcome::Done { print, left })
}

impl Projector<'_> {
    /// Where a file lies here. The folders above it are made as far as they are missing; a link or file in their
    /// place stops it, so nothing is ever written outside the top.
    ///
    /// # Errors
    /// A folder cannot be made, or is not a folder ([`ErrorKind::NotADirectory`]).
    pub fn folders(&self, at: &str) -> io::Result<PathBuf> {
        let disk = self.folder.disk;
        let mut reached = self.folder.top.to_owned();
        let names: Vec<_> = at.split('/').collect();
        for name in &names[..names.len().saturating_sub(1)] {
            reached.push(name);
            match disk.stat(&reached) {
                Ok(stat) if stat.kind == ItemKind::Folder => {}
                Ok(_) => {
                    let reason = format!("{name:?} is in the way: it is not a folder");
                    return Err(io::Error::new(ErrorKind::NotADirectory, reason));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => match disk.create_dir(&reached) {
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                },
                Err(error) => return Err(error),
            }
        }
        reached.push(names.last().unwrap_or(&""));
        Ok(reached)
    }

    /// Get ready for one write. What goes in lies beside the target under the temporary name and must be durable before
    /// [`Projector::place`]: a name that lasts longer than its bytes would show an empty file after a power cut.
    ///
    /// # Errors
    /// It cannot be written there; nothing is left then.
    pub fn prepare(&self, job: &Job<'_>, bring: Bring<'_>) -> io::Result<Prepared> {
        let target = self.folders(job.at)?;
        let (content, aside) = (job.put.content, target.with_file_name(job.temporary));
        let (Way::Swap, Some(id)) = (self.way(job.put), content.id()) else { return Ok(Prepared::Ready) };
        let written = match content {
            Content::Link { .. } => self.write_link(job.path, &aside, id, bring),
            Content::Unit { .. } => self.write_unit(&aside, id, job.modified, bring),
            _ => self.write_file(&aside, content, id, job.modified, bring),
        };
        if written.is_err() {
            tree::remove(self.folder.disk, &aside).ok();
        }
        written
    }

    /// Carry out one write that is prepared.
    pub fn place(&self, job: &Job<'_>, prepared: io::Result<Prepared>, bring: Bring<'_>) -> Outcome {
        match prepared {
            Ok(Prepared::Ready) => self.carry_out(job, bring).unwrap_or_else(Outcome::failed),
            Ok(Prepared::Cannot(reason)) => Outcome::Cannot { reason },
            Err(error) => Outcome::failed(error),
        }
    }

    fn carry_out(&self, job: &Job<'_>, bring: Bring<'_>) -> io::Result<Outcome> {
        let Put { expect, content, .. } = *job.put;
        let target = self.folder.file(job.at);
        let aside = target.with_file_name(job.temporary);
        match (self.way(job.put), expect) {
            (Way::Remove, expect) => self.remove(&target, &aside, expect),
            (Way::RemoveFolder, _) => self.remove_folder(job.path, &target),
            (Way::MakeFolder, expect) => self.make_folder(&target, &aside, expect),
            (Way::Bit, _) => self.set_bit(&target, content),
            (Way::Rewrite(id, size), expect) => {
                self.rewrite(&target, expect, (id, size), job.modified, bring)
            }
            (Way::Swap, Seen::Content(Content::Folder)) => match self.remove_folder(job.path, &target)? {
                Outcome::Done { .. } => self.create(&target, &aside),
                other => tree::remove(self.folder.disk, &aside).map(|()| other),
            },
            (Way::Swap, Seen::Content(_)) => self.replace(&target, &aside, expect),
            (Way::Swap, _) => self.create(&target, &aside),
        }
    }

    fn way(&self, put: &Put) -> Way {
        match (put.content, put.expect) {
            (Content::Deleted, Seen::Content(Content::Folder)) => Way::RemoveFolder,
            (Content::Deleted, _) => Way::Remove,
            (Content::Folder, _) => Way::MakeFolder,
            (content, Seen::Content(shown)) if self.bits && same_bytes(content, shown) => Way::Bit,
            // a unit's folder has no number of its own: it is swapped everywhere
            (Content::File { id, size, .. }, Seen::Content(Content::File { .. })) if self.in_place => {
                Way::Rewrite(id, size)
            }
            _ => Way::Swap,
        }
    }

    fn write_file(
        &self,
        aside: &Path,
        content: Content,
        id: ContentId,
        modified: i64,
        bring: Bring<'_>,
    ) -> io::Result<Prepared> {
        let mut to = self.folder.disk.create(aside)?;
        bring(id, &mut to)?;
        if self.bits && content.is_executable() {
            to.set_executable(true)?;
        }
        to.finish(false)?;
        self.folder.disk.set_modified(aside, modified)?;
        Ok(Prepared::Ready)
    }

    fn write_unit(
        &self,
        aside: &Path,
        id: ContentId,
        modified: i64,
        bring: Bring<'_>,
    ) -> io::Result<Prepared> {
        let mut list = Vec::new();
        bring(id, &mut list)?;
        let list = Manifest::parse(&list).map_err(io::Error::other)?;
        tree::write(self.folder.disk, aside, &list, modified, bring)?;
        Ok(Prepared::Ready)
    }

    /// A link as another machine recorded it: it may say anything.
    fn write_link(
        &self,
        path: &WorkPath,
        aside: &Path,
        id: ContentId,
        bring: Bring<'_>,
    ) -> io::Result<Prepared> {
        let mut text = Vec::new();
        bring(id, &mut text)?;
        let Ok(text) = String::from_utf8(text) else {
            return Ok(Prepared::Cannot(link::BadLink::Nowhere.to_string()));
        };
        if let Err(bad) = link::check(path, &text) {
            return Ok(Prepared::Cannot(bad.to_string()));
        }
        match self.folder.disk.create_link(aside, &link::written(self.folder.names.naming, &text)) {
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
                Ok(Prepared::Cannot("it is a link, and links cannot be made here".into()))
            }
            other => other.map(|()| Prepared::Ready),
        }
    }

    /// Only who may run it changes: nothing is swapped. A save in between is seen by its bytes.
    fn set_bit(&self, target: &Path, content: Content) -> io::Result<Outcome> {
        let disk = self.folder.disk;
        match disk.set_executable(target, content.is_executable()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(CHANGED),
            other => other?,
        }
        let print = disk.stat(target)?.fingerprint;
        let stands = same(self.folder.content(target)?, content) && disk.stat(target)?.fingerprint == print;
        if stands { done(Some(print), false) } else { Ok(CHANGED) }
    }

    /// A folder comes to be, where nothing is or where a file of the workspace was.
    fn make_folder(&self, target: &Path, aside: &Path, expect: Seen) -> io::Result<Outcome> {
        let mut left = false;
        if let Seen::Content(_) = expect {
            match self.remove(target, aside, expect)? {
                Outcome::Done { left: rests, .. } => left = rests,
                other => return Ok(other),
            }
        }
        match self.folder.disk.create_dir(target) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        match self.folder.disk.stat(target)?.kind {
            ItemKind::Folder => done(Some(Fingerprint::FOLDER), left),
            _ => Ok(Outcome::Changed { left }),
        }
    }

    /// A folder goes if nothing is in it.
    fn remove_folder(&self, path: &WorkPath, target: &Path) -> io::Result<Outcome> {
        if self.required.contains(path) {
            return done(None, false);
        }
        match self.folder.disk.remove_dir(target) {
            Ok(()) => done(None, false),
            Err(error) => match error.kind() {
                ErrorKind::NotFound => done(None, false),
                ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory => Ok(CHANGED),
                _ => Err(error),
            },
        }
    }

    /// How what stands there looks.
    fn print(&self, target: &Path) -> io::Result<Fingerprint> {
        let stat = self.folder.disk.stat(target)?;
        match stat.kind {
            ItemKind::Folder => tree::print(self.folder.disk, target).map_err(tree::into_io),
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
        match self.folder.disk.rename_new(aside, target) {
            Ok(()) => done(self.print_of(target, before)?, false),
            Err(error) => {
                tree::remove(self.folder.disk, aside)?;
                if error.kind() == ErrorKind::AlreadyExists { Ok(CHANGED) } else { Err(error) }
            }
        }
    }

    fn replace(&self, target: &Path, aside: &Path, expect: Seen) -> io::Result<Outcome> {
        let before = self.print(aside)?;
        if let Err(error) = self.swap(target, aside) {
            // nothing was exchanged: our own new bytes lie aside
            tree::remove(self.folder.disk, aside).ok();
            return if error.kind() == ErrorKind::NotFound { Ok(CHANGED) } else { Err(error) };
        }
        match self.came_out(aside, expect)? {
            CameOut::Expected => done(self.print_of(target, before)?, true),
            CameOut::Bytes if self.folder.place == Place::Mirror => Ok(Outcome::Changed { left: true }),
            _ => {
                // a save came between: show it again. What comes out now is ours, or a still later save.
                self.swap(target, aside)?;
                Ok(Outcome::Changed { left: true })
            }
        }
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
        bring: Bring<'_>,
    ) -> io::Result<Outcome> {
        let disk = self.folder.disk;
        let before = match disk.stat(target) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(CHANGED),
            other => other?.fingerprint,
        };
        // a full disk is found out while the old bytes still stand
        if disk.free_space(target)?.saturating_add(before.size) < size {
            return Err(ErrorKind::StorageFull.into());
        }
        if self.came_out(target, expect)? != CameOut::Expected || disk.stat(target)?.fingerprint != before {
            return Ok(CHANGED);
        }
        let mut to = disk.rewrite(target)?;
        bring(id, &mut to)?;
        to.finish(true)?;
        disk.set_modified(target, modified)?;
        let print = disk.stat(target)?.fingerprint;
        if self.folder.content(target)?.id() != Some(id) || disk.stat(target)?.fingerprint != print {
            return Ok(CHANGED);
        }
        done(Some(print), false)
    }

    /// Exchange, in one step where the system can; else away and into the free place.
    fn swap(&self, target: &Path, aside: &Path) -> io::Result<()> {
        let disk = self.folder.disk;
        match disk.exchange(target, aside) {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let out = second_name(aside);
                disk.rename_new(target, &out)?;
                if let Err(error) = disk.rename_new(aside, target) {
                    // the old file goes back where it was, if the place is still free
                    disk.rename_new(&out, target)?;
                    return Err(error);
                }
                disk.rename_new(&out, aside)
            }
            other => other,
        }
    }

    fn remove(&self, target: &Path, aside: &Path, expect: Seen) -> io::Result<Outcome> {
        let disk = self.folder.disk;
        match disk.rename_new(target, aside) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(CHANGED),
            other => other?,
        }
        let came_out = self.came_out(aside, expect)?;
        if came_out == CameOut::Expected {
            return done(None, true);
        }
        let goes_back = self.folder.place == Place::Working || came_out == CameOut::NoFile;
        let back = goes_back && disk.rename_new(aside, target).is_ok();
        tracing::debug!(target = %target.display(), back, "changed while it was to be removed");
        Ok(Outcome::Changed { left: !back })
    }

    /// What came out, as far as this place tells.
    fn came_out(&self, aside: &Path, expect: Seen) -> io::Result<CameOut> {
        let unit = matches!(expect, Seen::Content(Content::Unit { .. }));
        let found = match self.folder.is_folder(aside) {
            true if unit => tree::content(self.folder.disk, aside)?,
            true => return Ok(CameOut::NoFile),
            false => match self.folder.content(aside) {
                Err(error) if error.kind() == ErrorKind::InvalidInput => return Ok(CameOut::NoFile),
                found => found?,
            },
        };
        let expected = match expect {
            Seen::Content(expected) if self.bits => same(found, expected),
            Seen::Content(expected) => same_bytes(found, expected),
            _ => false,
        };
        Ok(if expected { CameOut::Expected } else { CameOut::Bytes })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CameOut {
    /// What the plan expected.
    Expected,
    /// Other bytes.
    Bytes,
    /// A folder, or something else without bytes.
    NoFile,
}

/// Where the old file rests for a moment on systems that cannot exchange.
pub fn second_name(aside: &Path) -> PathBuf {
    let mut name = aside.file_name().unwrap_or_default().to_owned();
    name.push(".out");
    aside.with_file_name(name)
}

#[cfg(test)]
#[path = "project_tests.rs"]
mod in_place_tests;
#[cfg(test)]
mod tests;
