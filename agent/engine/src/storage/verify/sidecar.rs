//! Every file below `.kitbag`, each by its own rule: a pack is hashed, taken apart, and each piece opened; an event or
//! id must match its name; the format's line and the README must be texts kitbag writes. A file that does not match
//! and was never taken in may be on its way; one that was taken in once, or is as long as it says, is damaged.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use kitbag_core::id::{ContentId, PackId};
use kitbag_core::path::{TEMPORARY_PREFIX, shown};
use kitbag_core::session::Event;
use kitbag_platform::disk::{ItemKind, Stat};
use kitbag_store::pack::looks_complete;
use kitbag_store::{BadPack, LARGEST, Pack, read};

use super::super::mend::is_no_format;
use super::{Healer, Look, Version};
use crate::error::{EngineError, count};
use crate::events;
use crate::folders::IDENTITIES;
use crate::share::{FORMAT, READMES};
use crate::sync::Progress;

/// `packs/ab/HASH` is the deepest there is; who nests deeper has other things in there.
const DEEPEST: usize = 3;

impl Look<'_> {
    /// Look at every file of the sidecar. `known` are the packs that were taken in.
    pub(super) fn sidecar(
        &mut self,
        progress: &dyn Progress,
        known: &BTreeSet<PackId>,
    ) -> Result<(), EngineError> {
        let (mut files, mut strays, mut left) = (Vec::new(), 0, 0);
        let root = self.share.sidecar();
        self.list(&root, &mut Vec::new(), &mut files)?;
        let total = files.len() as u64;
        for (done, names) in files.iter().enumerate() {
            progress.at("parts of the history", done as u64, total);
            let place = names.join("/");
            match names.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [.., last] if last.starts_with(TEMPORARY_PREFIX) => left += 1,
                ["README.txt"] => self.readme(&place)?,
                ["format"] => self.format(&place)?,
                ["workspace", name] => self.note(&place, name, "workspace")?,
                ["events", name] => self.note(&place, name, "events")?,
                ["packs", folder, name] => match name.parse::<PackId>() {
                    Ok(id) if name.starts_with(folder) => self.pack(&place, id, known.contains(&id))?,
                    _ => strays += 1,
                },
                _ => strays += 1,
            }
        }
        for name in ["README.txt", "format"] {
            if !files.iter().any(|names| names.as_slice() == [name]) {
                self.small_damaged = true;
                self.damaged(name, "is gone from the cloud folder", Healer::Here, Vec::new());
            }
        }
        if strays > 0 {
            self.remark(format!("{} in .kitbag that kitbag did not write", count(strays, "file")));
        }
        if left > 0 {
            self.remark(format!("{} in .kitbag that was never finished", count(left, "file")));
        }
        Ok(())
    }

    fn list(
        &mut self,
        folder: &Path,
        names: &mut Vec<String>,
        files: &mut Vec<Vec<String>>,
    ) -> Result<(), EngineError> {
        let items = match self.ws.doors.disk.list(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(EngineError::io("cannot read", folder))?,
        };
        for item in items {
            // a name that is no text, or has more than a hash's digits, belongs to somebody else
            names.push(item.name.to_string_lossy().into_owned());
            if item.kind == ItemKind::Folder && names.len() < DEEPEST {
                self.list(&folder.join(&item.name), names, files)?;
            } else {
                files.push(names.clone());
            }
            names.pop();
        }
        Ok(())
    }

    /// A small file's bytes; none when they cannot be had now, which has been said then.
    fn small(&mut self, place: &str) -> Result<Option<Vec<u8>>, EngineError> {
        self.found.checked.notes += 1;
        match self.share.read_note(&self.share.sidecar().join(place)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) => {
                self.unreadable(place, &error);
                Ok(None)
            }
        }
    }

    fn unreadable(&mut self, place: &str, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock => {
                self.waiting(shown(place), "lies in the cloud only and was not read")
            }
            io::ErrorKind::NotFound => self.waiting(shown(place), "was taken away while it was looked at"),
            io::ErrorKind::InvalidInput => self.remark(format!("{} is no plain file", shown(place))),
            _ => {
                let what = format!("cannot be read: {error}");
                self.damaged(shown(place), what, Healer::Nobody, Vec::new());
            }
        }
    }

    fn readme(&mut self, place: &str) -> Result<(), EngineError> {
        let Some(bytes) = self.small(place)? else { return Ok(()) };
        if !READMES.iter().any(|text| text.as_bytes() == bytes) {
            self.damaged(place, "is not the text kitbag writes; a sync writes it anew", Healer::Here, vec![]);
        }
        Ok(())
    }

    fn format(&mut self, place: &str) -> Result<(), EngineError> {
        let Some(bytes) = self.small(place)? else { return Ok(()) };
        if bytes == FORMAT.as_bytes() {
            return Ok(());
        }
        if is_no_format(&bytes) {
            self.small_damaged = true;
            self.damaged(place, "does not say which format this is", Healer::Here, vec![]);
        } else if bytes.ends_with(b"\n") {
            let what = "is damaged, or names the format of a newer kitbag";
            self.damaged(place, what, Healer::Nobody, vec![]);
        } else {
            self.waiting(place, "has not arrived completely");
        }
        Ok(())
    }

    fn note(&mut self, place: &str, name: &str, folder: &str) -> Result<(), EngineError> {
        let Ok(id) = name.parse::<ContentId>() else {
            self.remark(format!("{} is none of kitbag's", shown(place)));
            return Ok(());
        };
        let Some(bytes) = self.small(place)? else { return Ok(()) };
        if ContentId::of(&bytes) == id {
            if folder == "events" && serde_json::from_slice::<Event>(&bytes).is_err() {
                self.remark(format!("{place} says nothing kitbag understands"));
            }
            return Ok(());
        }
        let known = self.knows_note(name, folder)?;
        if known || matches!((bytes.first(), bytes.last()), (Some(b'{'), Some(b'}'))) || self.is_old(place) {
            self.small_damaged |= known;
            let healer = if known { Healer::Here } else { Healer::Nobody };
            self.damaged(place, "is damaged: its bytes do not match its name", healer, vec![]);
        } else {
            self.waiting(place, "has not arrived completely");
        }
        Ok(())
    }

    fn knows_note(&self, name: &str, folder: &str) -> Result<bool, EngineError> {
        if folder == "events" {
            return Ok(self.ws.ledger.has_event(name)?);
        }
        let ids = self.ws.ledger.get(IDENTITIES)?.unwrap_or_default();
        Ok(ids.lines().any(|id| self.share.identity_name(id) == name))
    }

    /// Whether a file has stood as it is for longer than a delivery takes.
    fn is_old(&self, place: &str) -> bool {
        let Ok(Stat { fingerprint, .. }) = self.ws.doors.disk.stat(&self.share.sidecar().join(place)) else {
            return false;
        };
        let age = self.ws.doors.clock.now_millis().saturating_sub(fingerprint.modified / 1_000_000);
        u64::try_from(age / 1_000).is_ok_and(|seconds| seconds >= self.ws.config.delivery_seconds)
    }

    fn pack(&mut self, place: &str, id: PackId, known: bool) -> Result<(), EngineError> {
        self.found.checked.packs += 1;
        let bytes = match self.share.read_pack(id) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.unusable.insert(id);
                self.unreadable(place, &error);
                return Ok(());
            }
        };
        self.found.checked.bytes += bytes.len() as u64;
        let taken = if bytes.len() > LARGEST && PackId::of(&bytes) != id {
            Err(BadPack::NotArrived)
        } else {
            read(id, &bytes)
        };
        match taken {
            Ok(mut pack) => {
                self.found.checked.pieces += pack.pieces.len() as u64;
                pack.prove(&bytes);
                for reason in &pack.refused {
                    self.remark(format!("{place}: {reason}"));
                }
                if known {
                    self.compare(place, id, &pack)?;
                }
                self.take(id, pack);
            }
            Err(BadPack::NotArrived) => {
                self.unusable.insert(id);
                if known || looks_complete(&bytes) || bytes.len() > LARGEST || self.is_old(place) {
                    self.doubted.insert(id);
                    let machines = self.seen_by(id)?;
                    let healer = if known {
                        Healer::Here
                    } else if machines.is_empty() {
                        Healer::Nobody
                    } else {
                        Healer::Elsewhere
                    };
                    self.damaged(place, "is damaged: its bytes do not match its name", healer, machines);
                } else {
                    self.waiting(place, "has not arrived completely");
                }
            }
            Err(BadPack::Newer(version)) => {
                self.unusable.insert(id);
                let what = format!("was written by a newer kitbag (format {version})");
                self.damaged(place, what, Healer::Nobody, Vec::new());
            }
            // it is what its writer wrote, and was never of use
            Err(BadPack::Damaged(reason)) => self.remark(format!("{place} is passed over: {reason}")),
        }
        Ok(())
    }

    /// What the ledger believes of the pack against what is in it.
    fn compare(&mut self, place: &str, id: PackId, pack: &Pack) -> Result<(), EngineError> {
        let same = crate::sync::believes(&self.ws.ledger, id, pack)?;
        if !same {
            let what = format!("of this machine has other words for {place} than stand in it");
            self.doubted.insert(id);
            self.damaged("database", what, Healer::Here, Vec::new());
        }
        Ok(())
    }

    fn take(&mut self, id: PackId, pack: Pack) {
        self.packs.insert(id);
        self.pieces.extend(pack.pieces.iter().map(|piece| piece.id));
        for (content, _, pieces) in pack.contents {
            self.layouts.entry(content).or_default().push(pieces);
        }
        self.gone.extend(pack.gone);
        for record in pack.records {
            let machine = record.label.map(|label| label.machine);
            let statement = record.record;
            let version = Version {
                comes_from: statement.parents.iter().chain(&statement.near).copied().collect(),
                content: statement.content.id(),
                path: statement.path.to_string(),
                machine,
            };
            self.versions.entry(record.id).or_insert(version);
        }
    }

    /// Other machines that have said they took this pack in, by name.
    pub(super) fn seen_by(&self, pack: PackId) -> Result<Vec<String>, EngineError> {
        let all = events::all(&self.ws.ledger)?;
        let others = all.iter().filter(|event| event.machine != self.ws.settings.machine_id);
        let names = others.filter(|event| event.packs.contains(&pack)).map(|event| shown(&event.name));
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }
}
