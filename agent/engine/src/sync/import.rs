//! What other machines put into the share comes into the ledger: packs that arrived whole, events, further ids of the
//! workspace. A file that does not match its name has not arrived and is looked at again next time.

use std::collections::BTreeSet;

use kitbag_core::id::PackId;
use kitbag_store::{BadPack, LARGEST, Ledger, read};

use crate::error::EngineError;
use crate::share::Share;

use super::report::{Problem, WaitingFor};

/// What an import found.
#[derive(Default)]
pub struct Imported {
    /// Announced and not whole yet.
    pub waiting: Vec<WaitingFor>,
    /// Refused, and why.
    pub problems: Vec<Problem>,
    /// Packs that were here and are gone from the share.
    pub gone: BTreeSet<PackId>,
}

/// Read what is new in the sidecar.
///
/// # Errors
/// The share cannot be listed, was written by a newer kitbag, or the ledger fails.
pub fn import(share: &Share, ledger: &Ledger) -> Result<Imported, EngineError> {
    let mut imported = Imported::default();
    let (there, known) = (share.packs()?, ledger.packs()?);
    for &id in there.difference(&known) {
        let arrived = share.read_pack(id).map_err(|_| BadPack::NotArrived).and_then(|bytes| {
            let size = bytes.len() as u64;
            if bytes.len() > LARGEST {
                return Err(BadPack::Damaged("it is longer than any pack".into()));
            }
            let mut pack = read(id, &bytes)?;
            // another machine's word for its pieces is checked before anything is left out because of it
            pack.prove(&bytes);
            Ok((pack, size))
        });
        match arrived {
            Ok((pack, size)) => {
                for reason in &pack.refused {
                    imported.problems.push(Problem::told("history", reason.clone()));
                }
                ledger.batch(|ledger| ledger.add_pack(id, &pack, size, false).map_err(EngineError::from))?;
            }
            Err(BadPack::NotArrived) => {
                imported
                    .waiting
                    .push(WaitingFor { path: None, what: "a part of the history is on its way".into() });
            }
            Err(BadPack::Newer(_)) => return Err(EngineError::ShareNewer(share.root().to_owned())),
            Err(BadPack::Damaged(reason)) => {
                imported.problems.push(Problem::told("history", format!("a part was refused: {reason}")));
            }
        }
    }
    imported.gone = known.difference(&there).copied().collect();
    let known: BTreeSet<String> = ledger.events()?.into_iter().map(|(id, _)| id).collect();
    let events = share.notes("events", &known)?;
    ledger.batch(|ledger| {
        for (id, text) in &events {
            ledger.add_event(id, text)?;
        }
        for &id in &imported.gone {
            ledger.forget_pack(id)?;
        }
        ledger.admit()?;
        Ok::<_, EngineError>(())
    })?;
    for waiting in ledger.waiting()? {
        let what = if waiting.missing_parents { "an earlier version of it" } else { "its content" };
        imported.waiting.push(WaitingFor { path: Some(waiting.path.to_string()), what: what.into() });
    }
    Ok(imported)
}
