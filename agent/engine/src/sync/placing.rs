//! Where each file lies in each of the two folders. Most lie under their own names. A file whose name a folder needs, or
//! another file has there, lies under a twin of its name; when what stands around it changes, it is given the other
//! name. Only names change: what is in the file stays as it is, and its history knows nothing of it.

use std::collections::BTreeMap;
use std::io;

use kitbag_core::entry::{Seen, Stands};
use kitbag_core::names::{Around, LONGEST_CLOUD_PATH, too_long};
use kitbag_core::path::{WorkPath, folded};
use kitbag_core::plan::Put;
use kitbag_core::version::Content;
use kitbag_store::Ledger;
use kitbag_store::ledger::Place;

use super::Cycle;
use super::batch::Item;
use super::report::Problem;
use super::spot::Folder;
use crate::error::EngineError;

/// A file is given another name.
pub(super) struct Renaming {
    /// Which item it belongs to.
    pub(super) item: usize,
    /// In which folder.
    pub(super) place: Place,
    /// Where it lies.
    pub(super) from: String,
    /// Where it shall lie.
    pub(super) to: String,
}

/// What a place holds of a path when a plan is done, as far as names go.
fn holds(seen: Seen, put: Option<&Put>) -> Option<Content> {
    match (put, seen) {
        (Some(put), _) => Some(put.content),
        (None, Seen::Content(content)) => Some(content),
        (None, _) => None,
    }
}

fn has_name_to_itself(content: Content) -> bool {
    matches!(content, Content::File { .. } | Content::Link { .. })
}

impl Cycle<'_> {
    /// Note what stands at the paths of a batch. Paths elsewhere whose names that may change are looked at again in
    /// this same sync.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn note_standing(&mut self, ledger: &Ledger, items: &mut [Item]) -> Result<(), EngineError> {
        let here: BTreeMap<WorkPath, usize> =
            items.iter().enumerate().map(|(at, item)| (item.row.path.clone(), at)).collect();
        let mut makes_room = Vec::new();
        let mut files_above: BTreeMap<WorkPath, Vec<WorkPath>> = BTreeMap::new();
        for item in items.iter().filter(|item| !item.dropped) {
            let path = &item.row.path;
            if !ledger.set_standing(path, item.plan.stands)? {
                continue;
            }
            let mut touched = file_paths(ledger, path)?;
            touched.retain(|other| other != path);
            let mut above = path.parent();
            while let Some(folder) = above {
                if !files_above.contains_key(&folder) {
                    files_above.insert(folder.clone(), file_paths(ledger, &folder)?);
                }
                touched.extend(files_above.get(&folder).into_iter().flatten().cloned());
                above = folder.parent();
            }
            for other in touched {
                match here.get(&other) {
                    // its turn is still to come, but what gives it room is not gone then
                    Some(at) if item.plan.stands == Stands::Nothing => makes_room.push(*at),
                    Some(_) => {}
                    None => {
                        ledger.mark_dirty(&other)?;
                        self.again = true;
                    }
                }
            }
        }
        self.again |= !makes_room.is_empty();
        makes_room.into_iter().for_each(|at| items[at].again = true);
        Ok(())
    }

    /// Where an item's files shall lie; what has to be renamed for it. `row` says afterwards where they may be found.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn find_places(
        &mut self,
        ledger: &Ledger,
        number: usize,
        item: &mut Item,
    ) -> Result<Vec<Renaming>, EngineError> {
        let mut renamings = Vec::new();
        let mut around = None;
        let left = self.respelled(item)?;
        if left.is_some() && item.plan.mirror.take().is_some() {
            // the cloud program must see the old spelling go before it sees the new one
            (item.again, item.row.dirty, self.again) = (true, true, true);
        }
        for place in [Place::Working, Place::Mirror] {
            let (seen, put) = match place {
                Place::Working => (item.working.seen, item.plan.working.as_ref()),
                Place::Mirror => (item.mirror.seen, item.plan.mirror.as_ref()),
            };
            let Some(content) = holds(seen, put) else {
                if matches!(seen, Seen::Absent | Seen::Filled) {
                    item.row.set_at(place, None);
                }
                continue;
            };
            let brings = put.is_some();
            if !has_name_to_itself(content) {
                continue;
            }
            if around.is_none() {
                around = Some(ledger.around(&item.row.path)?);
            }
            let Some(around) = &mut around else { continue };
            around.like.retain(|(other, _)| Some(other) != left.as_ref());
            let folder = self.folder(place);
            let plain = folder.names.place(&item.row.path, false).into_owned();
            let from = item.row.at(place).unwrap_or(&plain).to_owned();
            let to = self.place_for(item, folder, around, seen, &from);
            if too_long(&to) {
                self.leave_out(item, place, &to);
                continue;
            }
            if place == Place::Mirror && brings && to.chars().count() > LONGEST_CLOUD_PATH {
                let reason = format!(
                    "its path is longer than {LONGEST_CLOUD_PATH} characters, and some cloud programs do not carry it; \
                     kitbag does, in the history. Shorter names of folders help"
                );
                self.report.problems.push(Problem::told(self.told(item, place), reason));
            }
            let stands = matches!(seen, Seen::Content(seen) if seen != Content::Folder);
            // bytes of unknown origin keep their name until they are a version
            let known = place == Place::Working || item.plan.memory.observed.is_empty();
            if stands && from != to && known {
                // a crash leaves it under either name: the plain one is always known, so the other one is noted
                item.row.set_at(place, [&to, &from].into_iter().find(|at| **at != plain).cloned());
                item.targets[place as usize] = Some(to.clone());
                renamings.push(Renaming { item: number, place, from, to });
            } else if !stands {
                item.row.set_at(place, (to != plain).then_some(to));
            }
        }
        Ok(renamings)
    }

    /// The path whose file was just given this path's name, when the two are one to whoever folds names: it has left, and
    /// takes no name from this one.
    fn respelled(&self, item: &Item) -> Result<Option<WorkPath>, EngineError> {
        let left = self.left_behind(item)?.map(|left| left.path);
        Ok(left.filter(|left| folded(left.as_str()) == folded(item.row.path.as_str())))
    }

    fn place_for(&self, item: &Item, folder: Folder<'_>, around: &Around, seen: Seen, from: &str) -> String {
        let path = &item.row.path;
        // what fills a folder in the way may be nothing that is carried
        let twin = folder.names.is_twin(path, around) || seen == Seen::Filled;
        let to = folder.names.place(path, twin);
        let stays = match seen {
            Seen::Content(_) if folder.names.folds && folded(from) == folded(&to) => true,
            Seen::Content(_) => from != to && folder.disk.stat(&folder.file(&to)).is_ok() && !twin,
            _ => false,
        };
        if stays { from.to_owned() } else { to.into_owned() }
    }

    /// A name no file system has room for in the form it takes there.
    fn leave_out(&mut self, item: &mut Item, place: Place, to: &str) {
        let left_out = match place {
            Place::Working => item.plan.working.take(),
            Place::Mirror => item.plan.mirror.take(),
        };
        if left_out.is_some() {
            let letters = to.chars().count();
            let reason = format!(
                "its name is too long to be written there ({letters} letters, since some have to be spelled out); it is \
                 kept in the history and on the computers that can have it. A shorter name helps"
            );
            self.report.problems.push(Problem::told(self.told(item, place), reason));
        }
    }

    fn told(&self, item: &Item, place: Place) -> String {
        let cloud = if place == Place::Mirror { "cloud folder: " } else { "" };
        format!("{cloud}{}", item.row.path)
    }

    /// Give files their names, before anything else is written. Those that could not be renamed.
    pub(super) fn rename(&mut self, items: &mut [Item], renamings: Vec<Renaming>) -> Vec<(usize, Place)> {
        let mut failed = Vec::new();
        for Renaming { item, place, from, to } in renamings {
            let of = &mut items[item];
            let [working, mirror] = self.projectors();
            let projector = if place == Place::Working { working } else { mirror };
            let renamed = projector.folders(&to).and_then(|target| {
                let folder = projector.folder;
                folder.disk.rename_new(&folder.file(&from), &target)?;
                Ok(folder.disk.stat(&target)?.fingerprint)
            });
            match renamed {
                Ok(print) => {
                    let plain = projector.folder.names.place(&of.row.path, false);
                    of.row.set_at(place, (to != plain).then_some(to));
                    let old = match place {
                        Place::Working => &mut of.row.working,
                        Place::Mirror => &mut of.row.mirror_print,
                    };
                    // only its name changed, as far as can be seen
                    *old = old.filter(|old| {
                        (old.size, old.modified, old.file) == (print.size, print.modified, print.file)
                    });
                    *old = old.map(|_| print);
                    of.renamed = true;
                }
                Err(error) => {
                    if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) {
                        let reason =
                            format!("it cannot be given the name {}: {error}", kitbag_core::path::shown(&to));
                        let problem = Problem { path: self.told(of, place), reason, fails: true };
                        self.report.problems.push(problem);
                    }
                    self.again = true;
                    (of.again, of.renamed) = (true, true);
                    of.row.dirty = true;
                    failed.push((item, place));
                }
            }
        }
        failed
    }
}

/// The files that stand at paths of equal folded name.
fn file_paths(ledger: &Ledger, path: &WorkPath) -> Result<Vec<WorkPath>, EngineError> {
    let like = ledger.standing_like(path)?.into_iter();
    Ok(like.filter(|(_, stands)| *stands == Stands::File).map(|(other, _)| other).collect())
}
