//! From the first digits of an id, as a person types them, to the version they name.

use std::collections::BTreeSet;

use kitbag_core::finding::Finding;
use kitbag_core::id::{IdPrefix, RecordId};
use kitbag_core::path::{WorkPath, shown};
use kitbag_core::version::{Label, Record};
use kitbag_store::Ledger;

use super::list::lineage;
use crate::error::EngineError;
use crate::workspace::Workspace;

/// A version that was found.
pub(super) struct Found {
    pub(super) id: RecordId,
    pub(super) record: Record,
    pub(super) label: Option<Label>,
}

/// So many ids are looked through and named at the most.
const FEW: usize = 1_000;

/// The version of a file with this id; of a folder, the version of a file in it.
///
/// # Errors
/// It is no id, no version has it, several have, or it belongs to another file.
pub(super) fn version(ws: &Workspace, path: &WorkPath, id: &str) -> Result<Found, EngineError> {
    let no_id = |_| {
        let why = "An id has 8 to 64 of the signs 0-9 and a-f.".to_owned();
        fail(path, format!("{} is not the id of a version", shown(id)), why)
    };
    let prefix: IdPrefix = id.parse().map_err(no_id)?;
    let mut all = lineage(ws, path)?;
    if all.is_empty() {
        all = ws.ledger.versions(Some(path), usize::MAX)?.into_iter().map(|version| version.id).collect();
    }
    if all.is_empty() {
        let what = format!("{path} has no versions");
        let remedy = "`kitbag history` shows the latest versions of everything.";
        return Err(EngineError::Failed(Finding::new(
            what,
            "No file of that name was ever carried.",
            remedy,
        )));
    }
    pick(&ws.ledger, path, &all, &prefix)
}

/// The one of a file's versions that begins so.
fn pick(
    ledger: &Ledger,
    path: &WorkPath,
    all: &BTreeSet<RecordId>,
    prefix: &IdPrefix,
) -> Result<Found, EngineError> {
    let named = ledger.records_named(prefix, FEW)?;
    let mine: Vec<_> = named.iter().copied().filter(|id| all.contains(id)).collect();
    match mine.as_slice() {
        [one] => {
            let found = ledger.record(*one)?;
            let missing = || fail(path, format!("no version of {path} has the id {prefix}"), String::new());
            let (record, label) = found.ok_or_else(missing)?;
            Ok(Found { id: *one, record, label })
        }
        [] => {
            let other = named.first().map(|id| ledger.record(*id)).transpose()?.flatten();
            let why = other.map_or_else(
                || {
                    "No version known here begins so. One made on another computer arrives with the next sync."
                        .to_owned()
                },
                |(record, _)| format!("That id is a version of {}.", record.path),
            );
            Err(fail(path, format!("no version of {path} has the id {prefix}"), why))
        }
        several => {
            let mut shorts = Vec::new();
            for id in several.iter().take(5) {
                shorts.push(ledger.short_id(*id)?);
            }
            let what = format!("several versions of {path} begin with {prefix}");
            Err(fail(path, what, format!("They are {}.", shorts.join(", "))))
        }
    }
}

fn fail(path: &WorkPath, what: String, why: String) -> EngineError {
    let remedy = format!("`kitbag history {path}` shows the versions and their ids.");
    EngineError::Failed(Finding::new(what, why, remedy))
}

#[cfg(test)]
mod tests {
    use kitbag_core::id::ContentId;
    use kitbag_core::version::{Content, Kind};

    use super::*;

    #[test]
    fn an_id_that_several_versions_have_is_asked_for_more_digits() {
        let ledger = Ledger::in_memory().unwrap();
        let mut all = BTreeSet::new();
        let (path, other) = (WorkPath::parse("a").unwrap(), WorkPath::parse("b").unwrap());
        let add = |path: &WorkPath, text: String| {
            let content = Content::file(ContentId::of(text.as_bytes()), 1);
            let record = Record::new(path.clone(), content, Kind::Edit, []);
            ledger.add_record(record.id(), &record, &record.canonical(), None, None).unwrap();
            record.id()
        };
        // so many that two begin with the same four digits
        let mut alike = None;
        for n in 0_u32.. {
            let id = add(&path, n.to_string());
            let begins = |other: &RecordId| other.to_string()[..4] == id.to_string()[..4];
            alike = all.iter().copied().find(begins).map(|other| (other, id));
            all.insert(id);
            if alike.is_some() {
                break;
            }
        }
        let (one, two) = alike.unwrap();
        let pick = |text: &str| pick(&ledger, &path, &all, &text.parse().unwrap());
        let Err(several) = pick(&one.to_string()[..4]) else { panic!("two begin so") };
        let finding = several.finding();
        assert!(finding.what.contains("several versions of a"), "{finding:?}");
        for id in [one, two] {
            assert!(finding.why.contains(&ledger.short_id(id).unwrap()), "{finding:?}");
            assert_eq!(pick(&ledger.short_id(id).unwrap()).unwrap().id, id);
        }
        let elsewhere = add(&other, "elsewhere".to_owned());
        let Err(wrong) = pick(&elsewhere.to_string()) else { panic!("it is b's") };
        assert!(wrong.finding().why.contains("a version of b"), "{wrong}");
    }
}
