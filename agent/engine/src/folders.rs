//! The two folders before anything is done in them. A ledger is bound to the working folder it was made with: a marker
//! in the folder and the folder's own number say which that is. In another folder its bases mean nothing and are
//! dropped, so nothing there is ever taken for a removal or an old version.

use std::io::{self, Read, Write};
use std::path::Path;

use kitbag_core::path::FOLDER_MARKER;
use kitbag_platform::disk::{Ability, ItemKind, probe};

use crate::error::EngineError;
use crate::share::Share;
use crate::sync::foresee;
use crate::workspace::Workspace;

/// Where the ledger remembers the marker and the folder's number.
const MARKER: &str = "folder.marker";
const NUMBER: &str = "folder.number";
/// Where it remembers what the folder's file system can do.
const ABILITY: &str = "folder.ability";

/// Where the ledger remembers the ids of the workspace, one a line.
pub const IDENTITIES: &str = "workspace.identities";

/// The working folder is there and is the one the ledger knows; else its bases are dropped.
///
/// # Errors
/// It is not there, or cannot be read or marked.
pub fn check_working(ws: &Workspace) -> Result<(), EngineError> {
    let work = &ws.settings.work;
    let stat = match ws.doors.disk.stat(work) {
        Ok(stat) if stat.kind == ItemKind::Folder => stat,
        Ok(_) => return Err(EngineError::WorkMissing(work.clone())),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(EngineError::WorkMissing(work.clone()));
        }
        Err(error) => return Err(EngineError::io("cannot read", work)(error)),
    };
    let number = stat.fingerprint.file.to_string();
    let marker = read_marker(ws, work)?;
    let (known_marker, known_number) = (ws.ledger.get(MARKER)?, ws.ledger.get(NUMBER)?);
    let same_number = known_number.as_ref() == Some(&number);
    let same = match &marker {
        // wiped along with everything else: the folder is the same, so what is gone is asked about
        None => same_number,
        Some(marker) => known_marker.as_ref() == Some(marker) && same_number,
    };
    if !same || ws.ledger.get(ABILITY)?.is_none() {
        remember_ability(ws)?;
    }
    if same && marker.is_some() {
        return Ok(());
    }
    ws.ledger.batch(|ledger| {
        if !same && known_number.is_some() {
            tracing::warn!("the working folder is another one than before; it is compared afresh");
            ledger.drop_bases()?;
            foresee::forget(ledger)?;
        }
        let token = ws.doors.chance.token(16).map_err(EngineError::io("cannot mark", work))?;
        write_marker(ws, work, &token)?;
        ledger.set(MARKER, &token)?;
        ledger.set(NUMBER, &number)?;
        Ok(())
    })
}

/// What the working folder's file system can do, as far as it was found out; else what is usual on this system.
///
/// # Errors
/// The ledger fails.
pub fn ability(ws: &Workspace) -> Result<Ability, EngineError> {
    let known = ws.ledger.get(ABILITY)?.and_then(|text| serde_json::from_str(&text).ok());
    Ok(known.unwrap_or(Ability {
        executable: cfg!(unix),
        links: cfg!(unix),
        folds: cfg!(any(windows, target_os = "macos")),
        windows_names: cfg!(windows),
    }))
}

fn remember_ability(ws: &Workspace) -> Result<(), EngineError> {
    let work = &ws.settings.work;
    let token = ws.doors.chance.token(8).map_err(EngineError::io("cannot try out", work))?;
    match probe(ws.doors.disk.as_ref(), work, &token) {
        Ok(found) => {
            // what was tried is gone for good before nobody tries again and comes by
            ws.doors.disk.sync_volume(work).map_err(EngineError::io("cannot write", work))?;
            let text = serde_json::to_string(&found).unwrap_or_default();
            Ok(ws.ledger.set(ABILITY, &text)?)
        }
        // it cannot be written to now; another time
        Err(_) => Ok(ws.ledger.unset(ABILITY)?),
    }
}

/// The working folder is still the one [`check_working`] found.
///
/// # Errors
/// It is gone, or another one stands in its place.
pub fn check_same_working(ws: &Workspace) -> Result<(), EngineError> {
    let work = &ws.settings.work;
    let now = ws.doors.disk.stat(work).ok().map(|stat| stat.fingerprint.file.to_string());
    if now.is_some() && now == ws.ledger.get(NUMBER)? {
        return Ok(());
    }
    Err(EngineError::WorkMissing(work.clone()))
}

fn read_marker(ws: &Workspace, work: &Path) -> Result<Option<String>, EngineError> {
    let file = work.join(FOLDER_MARKER);
    let mut text = String::new();
    match ws.doors.disk.open(&file) {
        Ok(open) => {
            open.take(256).read_to_string(&mut text).map_err(EngineError::io("cannot read", &file))?;
            Ok(Some(text.trim().to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EngineError::io("cannot read", &file)(error)),
    }
}

fn write_marker(ws: &Workspace, work: &Path, token: &str) -> Result<(), EngineError> {
    let file = work.join(FOLDER_MARKER);
    let disk = &ws.doors.disk;
    let written = (|| {
        match disk.remove(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut to = disk.create(&file)?;
        writeln!(to, "{token}")?;
        to.finish(true).map(|_| ())
    })();
    written.map_err(EngineError::io("cannot mark", &file))
}

impl Share {
    /// The share is there, holds this workspace, and can be read. What is missing of the sidecar is made again.
    ///
    /// # Errors
    /// The folder is missing, emptied, another workspace's, or was written by a newer kitbag.
    pub fn check(&self, ws: &Workspace, refill: bool) -> Result<(), EngineError> {
        let empty = self.is_empty()?;
        let known: std::collections::BTreeSet<String> =
            ws.ledger.get(IDENTITIES)?.unwrap_or_default().lines().map(str::to_owned).collect();
        if !self.has_sidecar() && empty && !refill && !ws.ledger.packs()?.is_empty() {
            return Err(EngineError::ShareEmptied(self.root().to_owned()));
        }
        self.make_sidecar()?;
        self.check_format()?;
        let there = self.identities()?;
        if !there.is_empty() && !known.is_empty() && there.is_disjoint(&known) {
            return Err(EngineError::ShareOfAnother(self.root().to_owned()));
        }
        if !there.is_subset(&known) {
            let all: Vec<_> = there.union(&known).cloned().collect();
            ws.ledger.set(IDENTITIES, &all.join("\n"))?;
        }
        for missing in known.difference(&there) {
            self.add_identity(missing)?;
        }
        Ok(())
    }
}
