//! What other machines put into the share comes into the ledger: packs that arrived whole, events, further ids of the
//! workspace. A file that does not match its name has not arrived and is looked at again when it has changed; one that
//! has not matched for longer than a delivery takes is damaged: what stood in it is written anew from what is here.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use kitbag_core::entry::Millis;
use kitbag_core::id::{PackId, PieceId};
use kitbag_store::ledger::{PackLook, Waiting};
use kitbag_store::{BadPack, LARGEST, Ledger, Pack, read};

use crate::error::EngineError;
use crate::share::Share;

use super::contents::Kept;
use super::report::{Problem, WaitingFor};
use super::units;

const HISTORY_ONLINE_ONLY: &str =
    "a part of the history is online only: make the whole cloud folder available on this device";

/// What an import found.
#[derive(Default)]
pub struct Imported {
    /// Announced and not whole yet.
    pub waiting: Vec<WaitingFor>,
    /// Refused, and why.
    pub problems: Vec<Problem>,
    /// Packs that were taken in and are damaged now, with the pieces they held. The ledger has forgotten them.
    pub damaged: BTreeMap<PackId, Vec<PieceId>>,
    looks: BTreeMap<PackId, PackLook>,
    /// Whole, and not taken in yet.
    arrived: Vec<Arrived>,
}

/// So many packs are made durable together: a compromise between memory and waits for the disk.
const AT_ONCE: usize = 16;

/// A pack that is here whole.
struct Arrived {
    id: PackId,
    pack: Pack,
    size: u64,
    known: bool,
    look: PackLook,
}

/// Read what is new in the sidecar. `delivery` is how long a file may be on its way, in milliseconds.
///
/// # Errors
/// The share cannot be listed, was written by a newer kitbag, or the ledger fails.
pub fn import(
    share: &Share,
    ledger: &Ledger,
    kept: &Kept,
    now: Millis,
    delivery: Millis,
) -> Result<Imported, EngineError> {
    let mut imported = Imported::default();
    let (there, known, before) = (share.packs()?, ledger.packs()?, ledger.pack_looks()?);
    for &id in &there {
        let before = before.get(&id).cloned();
        imported.look_at(share, id, before, known.contains(&id), (now, delivery), ledger)?;
        if imported.arrived.len() >= AT_ONCE {
            imported.take_in(share, ledger)?;
        }
    }
    imported.take_in(share, ledger)?;
    let known_events: BTreeSet<String> = ledger.events()?.into_iter().map(|(id, _)| id).collect();
    let events = share.notes("events", &known_events)?;
    let left = share.note_names("events")?;
    ledger.batch(|ledger| {
        for (id, text) in &events {
            ledger.add_event(id, text)?;
        }
        // its machine has said the same in a later one, or somebody cleaned the folder and it will be said again
        for id in known_events.difference(&left) {
            ledger.forget_event(id)?;
        }
        for &id in known.difference(&there).chain(imported.damaged.keys()) {
            ledger.forget_pack(id)?;
        }
        for id in before.keys().filter(|id| !there.contains(id)) {
            ledger.forget_pack_look(*id)?;
        }
        for (id, look) in &imported.looks {
            ledger.set_pack_look(*id, look)?;
        }
        ledger.admit()?;
        Ok::<_, EngineError>(())
    })?;
    imported.problems.extend(units::read_lists(share, ledger, kept)?);
    imported.waiting.extend(announced(ledger)?);
    Ok(imported)
}

/// The versions that were announced and do not count yet, each with what it waits for.
///
/// # Errors
/// The ledger fails.
pub fn announced(ledger: &Ledger) -> Result<Vec<WaitingFor>, EngineError> {
    let one = |waiting: Waiting| {
        let what = if waiting.missing_parents { "an earlier version of it" } else { "its content" };
        WaitingFor { path: Some(waiting.path.to_string()), what: what.into() }
    };
    Ok(ledger.waiting()?.into_iter().map(one).collect())
}

impl Imported {
    /// The ledger learns of what arrived. A provider, or a sync of this machine that was killed, need not have made it
    /// durable; and the ledger must not count on a pack that a power cut can take away.
    fn take_in(&mut self, share: &Share, ledger: &Ledger) -> Result<(), EngineError> {
        if self.arrived.is_empty() {
            return Ok(());
        }
        share.make_durable()?;
        ledger.batch(|ledger| {
            for Arrived { id, pack, size, known, look } in self.arrived.drain(..) {
                let mine = known && ledger.my_packs()?.contains(&id);
                if known && !believes(ledger, id, &pack)? {
                    ledger.forget_pack(id)?;
                }
                ledger.add_pack(id, &pack, size, mine)?;
                ledger.set_pack_look(id, &look)?;
            }
            Ok(())
        })
    }

    fn look_at(
        &mut self,
        share: &Share,
        id: PackId,
        before: Option<PackLook>,
        known: bool,
        (now, delivery): (Millis, Millis),
        ledger: &Ledger,
    ) -> Result<(), EngineError> {
        // what cannot be looked at now says nothing about what it was
        let Ok(stat) = share.look_at_pack(id) else {
            self.on_its_way(known);
            return Ok(());
        };
        if stat.placeholder {
            // it arrives when the person wants it here
            if !known {
                self.waiting.push(WaitingFor { path: None, what: HISTORY_ONLINE_ONLY.into() });
            }
            return Ok(());
        }
        let print = Some(stat.fingerprint);
        let look = PackLook { print, ..PackLook::default() };
        let arrived = match before {
            // one of this machine's own, or of a time when nobody looked: as good as when it was taken in
            None if known => {
                self.looks.insert(id, look);
                return Ok(());
            }
            Some(before) if before.print == print => match (before.bad_since, before.refused) {
                (None, None) if known => return Ok(()),
                (Some(since), _) => Err(Reading::Bad(BadPack::NotArrived, since)),
                (_, Some(reason)) => Err(Reading::Bad(BadPack::Damaged(reason), now)),
                (None, None) => fetch(share, id, now),
            },
            Some(before) => fetch(share, id, before.bad_since.unwrap_or(now)),
            None => fetch(share, id, now),
        };
        match arrived {
            Ok((pack, size)) => {
                for reason in &pack.refused {
                    self.problems.push(Problem::told("history", reason.clone()));
                }
                self.arrived.push(Arrived { id, pack, size, known, look });
            }
            Err(Reading::Not) => self.on_its_way(known),
            Err(Reading::Bad(BadPack::NotArrived, since)) => {
                // a clock that was put back starts the wait again
                let since = since.min(now);
                self.looks.insert(id, PackLook { bad_since: Some(since), ..look });
                if now - since < delivery {
                    self.on_its_way(false);
                } else if known {
                    let pieces = ledger.pieces_in(id)?.into_iter().map(|piece| piece.id).collect();
                    self.damaged.insert(id, pieces);
                } else {
                    let reason = "a part in the cloud folder is damaged; `kitbag verify` tells more";
                    self.problems.push(Problem::told("history", reason));
                }
            }
            Err(Reading::Bad(BadPack::Newer(_), _)) => {
                // What it holds may mean anything to an older kitbag, and the plain files beside it are the newer
                // one's: taken for changes made by hand, they would raise questions that stay in the history.
                return Err(EngineError::ShareNewer(share.root().to_owned()));
            }
            Err(Reading::Bad(BadPack::Damaged(reason), _)) => {
                self.problems.push(Problem::told("history", format!("a part was refused: {reason}")));
                self.looks.insert(id, PackLook { refused: Some(reason), ..look });
            }
        }
        Ok(())
    }

    fn on_its_way(&mut self, known: bool) {
        if !known {
            self.waiting.push(WaitingFor { path: None, what: "a part of the history is on its way".into() });
        }
    }
}

/// Whether the ledger has the same words for a pack's pieces as stand in it.
pub(crate) fn believes(ledger: &Ledger, id: PackId, pack: &Pack) -> Result<bool, EngineError> {
    let (believed, mut there) = (ledger.pieces_in(id)?, pack.pieces.clone());
    there.sort_by_key(|piece| piece.id);
    Ok(believed == there)
}

/// Why there is no pack.
enum Reading {
    /// It cannot be read at this moment; nothing is known of it.
    Not,
    /// It is none, and since when that is so.
    Bad(BadPack, Millis),
}

fn fetch(share: &Share, id: PackId, since: Millis) -> Result<(Pack, u64), Reading> {
    let bytes = match share.read_pack(id) {
        Ok(bytes) => bytes,
        // a folder, a link or a pipe will never be one
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            return Err(Reading::Bad(BadPack::NotArrived, since));
        }
        Err(_) => return Err(Reading::Not),
    };
    if bytes.len() > LARGEST {
        return Err(Reading::Bad(BadPack::Damaged("it is longer than any pack".into()), since));
    }
    let mut pack = read(id, &bytes).map_err(|bad| Reading::Bad(bad, since))?;
    // another machine's word for its pieces is checked before anything is left out because of it
    pack.prove(&bytes);
    Ok((pack, bytes.len() as u64))
}
