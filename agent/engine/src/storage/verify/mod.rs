//! `verify`: everything that is stored, read from end to end and compared with the names and promises it stands under.
//! The share's sidecar, file by file; then whether every version known has its content somewhere; then this machine's
//! own database and kept contents. Both folders are only read. What is found damaged is noted in the ledger, so that
//! the next sync looks at it again and heals what can be rebuilt from here.

mod coverage;
mod local;
mod sidecar;

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::finding::Exit;
use kitbag_core::id::{ContentId, PackId, PieceId, RecordId};
use serde::Serialize;

use super::mend;
use crate::error::EngineError;
use crate::share::Share;
use crate::sync::Progress;
use crate::workspace::Workspace;

/// How things stand, in one word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Everything is whole.
    #[default]
    Well,
    /// Something has not arrived yet, and nothing is damaged.
    Waiting,
    /// Something is damaged or lost.
    Damaged,
}

/// Who can put right what is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Healer {
    /// This machine: the next sync does.
    Here,
    /// One of the machines named, when it syncs next.
    Elsewhere,
    /// Nobody as far as is known here.
    Nobody,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What it is about: a file below the cloud folder's `.kitbag`, a file of the work, a part of machine state. Safe
    /// to show.
    pub place: String,
    /// What is wrong with it, in words that follow the place.
    pub what: String,
    /// Who can put it right.
    pub healer: Healer,
    /// Machines that have or made what is damaged, by the names people gave them.
    pub machines: Vec<String>,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Packs read.
    pub packs: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Compressed pieces opened.
    pub pieces: u64,
    /// Versions.
    pub versions: u64,
    /// Session events and workspace ids.
    pub notes: u64,
    /// Contents kept on this machine only.
    pub kept: u64,
    /// Files of the working folder compared, where that was asked for.
    pub files: u64,
}

/// What a look at everything found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// In one word.
    pub state: State,
    /// How much was looked at.
    pub checked: Checked,
    /// What is damaged or lost.
    pub damaged: Vec<Fault>,
    /// What is still on its way.
    pub waiting: Vec<Fault>,
    /// What is odd and harms nothing.
    pub remarks: Vec<String>,
}

impl Verified {
    /// How the command ends.
    pub fn exit(&self) -> Exit {
        match self.state {
            State::Well => Exit::Done,
            State::Waiting => Exit::Waiting,
            State::Damaged => Exit::Failed,
        }
    }
}

/// A version as some pack states it.
struct Version {
    comes_from: Vec<RecordId>,
    content: Option<ContentId>,
    path: String,
    machine: Option<String>,
}

/// One look at everything: what was found and what stands where.
struct Look<'a> {
    ws: &'a Workspace,
    share: Share,
    found: Verified,
    /// Packs that are whole, by name.
    packs: BTreeSet<PackId>,
    /// Packs that are there and are not whole, or cannot be read now.
    unusable: BTreeSet<PackId>,
    /// Of these, the ones the next sync is to read again.
    doubted: BTreeSet<PackId>,
    pieces: BTreeSet<PieceId>,
    layouts: BTreeMap<ContentId, Vec<Vec<PieceId>>>,
    versions: BTreeMap<RecordId, Version>,
    gone: BTreeSet<ContentId>,
    small_damaged: bool,
}

/// Look at everything. With `files`, the unchanged files of the working folder are read too.
///
/// # Errors
/// The share is not there, or the ledger cannot be asked at all.
pub fn verify(ws: &Workspace, files: bool, progress: &dyn Progress) -> Result<Verified, EngineError> {
    let share = ws.share();
    share.is_empty()?;
    let mut look = Look {
        ws,
        share,
        found: Verified::default(),
        packs: BTreeSet::new(),
        unusable: BTreeSet::new(),
        doubted: BTreeSet::new(),
        pieces: BTreeSet::new(),
        layouts: BTreeMap::new(),
        versions: BTreeMap::new(),
        gone: BTreeSet::new(),
        small_damaged: false,
    };
    if !look.database()? {
        // nothing it says can be relied on
        look.sidecar(progress, &BTreeSet::new())?;
        return Ok(look.finish());
    }
    let known = ws.ledger.packs()?;
    look.sidecar(progress, &known)?;
    look.missing_packs(&known);
    look.coverage()?;
    look.kept()?;
    if files {
        look.files(progress)?;
    }
    look.tell_the_ledger()?;
    Ok(look.finish())
}

impl Look<'_> {
    fn damaged(
        &mut self,
        place: impl Into<String>,
        what: impl Into<String>,
        healer: Healer,
        machines: Vec<String>,
    ) {
        let fault = Fault { place: place.into(), what: what.into(), healer, machines };
        self.found.damaged.push(fault);
    }

    fn waiting(&mut self, place: impl Into<String>, what: impl Into<String>) {
        let fault =
            Fault { place: place.into(), what: what.into(), healer: Healer::Elsewhere, machines: Vec::new() };
        self.found.waiting.push(fault);
    }

    fn remark(&mut self, text: impl Into<String>) {
        self.found.remarks.push(text.into());
    }

    /// The next sync reads again what is damaged, also where the file looks as it did.
    fn tell_the_ledger(&self) -> Result<(), EngineError> {
        let looks = self.ws.ledger.pack_looks()?;
        self.ws.ledger.batch(|ledger| {
            for pack in &self.doubted {
                let before = looks.get(pack).cloned().unwrap_or_default();
                let look = kitbag_store::ledger::PackLook { print: None, ..before };
                ledger.set_pack_look(*pack, &look)?;
            }
            if self.small_damaged {
                mend::want(self.ws)?;
            }
            Ok(())
        })
    }

    fn finish(mut self) -> Verified {
        self.found.damaged.sort_by(|a, b| (&a.place, &a.what).cmp(&(&b.place, &b.what)));
        self.found.state = match (self.found.damaged.is_empty(), self.found.waiting.is_empty()) {
            (false, _) => State::Damaged,
            (true, false) => State::Waiting,
            (true, true) => State::Well,
        };
        self.found
    }
}
