//! Who wrote a version of a cell, and the sentence that says what happened to it. The mark names the version that was
//! merged, which can be a merge itself: then the writer is looked for among those it was made of. It can be an answer
//! too, and then who wrote what was kept is told, not who kept it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kitbag_core::id::RecordId;
use kitbag_core::merge::notebook::{self, By, CellConflict, CellKind, OtherVersion};
use kitbag_core::path::shown;
use kitbag_core::reconcile::Contents;
use kitbag_core::version::{Content, Kind};

use super::{CellQuestion, OtherCell, version};
use crate::error::EngineError;
use crate::sync::Cycle;

/// A writer is looked for through so many merges and answers.
const MOST_MERGES: usize = 16;

/// Looks for writers; what was read once is remembered.
pub struct Writers<'a, 'c> {
    cycle: &'a Cycle<'c>,
    /// The sources of versions that merges were made of.
    sources: BTreeMap<RecordId, Vec<u8>>,
    /// The versions of cells that waited for an answer in a version of the notebook, and whose they are.
    waited: BTreeMap<RecordId, Vec<(String, By)>>,
}

/// Who it was, and where that was in words.
struct Writer {
    by: By,
    place: String,
}

impl<'a, 'c> Writers<'a, 'c> {
    /// For the questions of one notebook.
    pub fn new(cycle: &'a Cycle<'c>) -> Self {
        Writers { cycle, sources: BTreeMap::new(), waited: BTreeMap::new() }
    }

    /// A question with the machines' names.
    ///
    /// # Errors
    /// The ledger fails.
    pub fn told(&mut self, open: CellConflict) -> Result<CellQuestion, EngineError> {
        let CellConflict { cell, number, kind, source, mut by, against, others, deleted_by } = open;
        if by.version.is_none()
            && let Some(source) = &source
        {
            // several merges asked about it: one of the versions they saw has this text
            for one in against {
                if let Some(id) = version(&one)
                    && self.holds(id, source)?
                {
                    by = one;
                    break;
                }
            }
        }
        let this = self.writer(&by, source.as_deref())?;
        let mut places = vec![this.place];
        let mut versions = Vec::with_capacity(others.len());
        for OtherVersion { cell, by, kind, source } in others {
            let Writer { by, place } = self.writer(&by, Some(&source))?;
            places.push(place);
            versions.push(OtherCell { cell, kind, source, by });
        }
        let deleted_by = deleted_by.map(|by| self.writer(&by, None)).transpose()?;
        let what = match (&deleted_by, &source) {
            (Some(Writer { place, .. }), _) => {
                format!("Cell {number} was deleted {place} and edited elsewhere, so it was kept.")
            }
            (None, None) => {
                let left = listed(&places[1..]);
                format!("Cell {number} itself is gone; the version written {left} is left.")
            }
            (None, Some(_)) => changed(number, kind, &places),
        };
        let deleted_by = deleted_by.map(|writer| writer.by);
        Ok(CellQuestion { cell, number, kind, what, source, by: this.by, others: versions, deleted_by })
    }

    fn writer(&mut self, by: &By, source: Option<&str>) -> Result<Writer, EngineError> {
        let ledger = &self.cycle.ws.ledger;
        let mut by = by.clone();
        let mut place = match &by.machine {
            Some(machine) => format!("on {}", shown(machine)),
            None => "on another machine".to_owned(),
        };
        for _ in 0..MOST_MERGES {
            let Some(id) = version(&by) else { break };
            let Some((record, label)) = ledger.record(id)? else { break };
            if record.kind != Kind::Merge {
                if let Some(source) = source
                    && record.kind == Kind::Edit
                    && let Some(wrote) = self.kept(&record.parents, source)?
                {
                    by = wrote;
                    continue;
                }
                by.machine = None;
                if record.kind == Kind::Outside {
                    "in the cloud folder".clone_into(&mut place);
                } else if let Some(label) = label.filter(|label| !label.machine.is_empty()) {
                    place = format!("on {}", shown(&label.machine));
                    by.machine = Some(label.machine);
                }
                break;
            }
            let Some(source) = source else { break };
            let mut wrote = None;
            for parent in record.parents {
                if wrote.is_none() && self.holds(parent, source)? {
                    wrote = Some(parent);
                }
            }
            match wrote {
                Some(parent) => by.version = Some(parent.to_string()),
                None => break,
            }
        }
        Ok(Writer { by, place })
    }

    /// Who wrote what an edit of these versions kept of the versions that waited in them; none where it is the edit's
    /// own.
    fn kept(&mut self, of: &BTreeSet<RecordId>, source: &str) -> Result<Option<By>, EngineError> {
        for id in of {
            if !self.waited.contains_key(id) {
                let open = self.bytes(*id)?.and_then(|bytes| notebook::conflicts(&bytes).ok());
                let versions =
                    open.into_iter().flatten().flat_map(|CellConflict { source, by, others, .. }| {
                        let others = others.into_iter().map(|other| (other.source, other.by));
                        source.map(|source| (source, by)).into_iter().chain(others)
                    });
                self.waited.insert(*id, versions.filter(|(_, by)| by.version.is_some()).collect());
            }
            let all = self.waited.get(id).map(Vec::as_slice).unwrap_or_default();
            let same = |text: &str| text.trim_end_matches('\n') == source.trim_end_matches('\n');
            if let Some((_, by)) = all.iter().find(|(text, _)| same(text)) {
                return Ok(Some(by.clone()));
            }
        }
        Ok(None)
    }

    /// The bytes of a version of a notebook; none where they are not here, or too many.
    fn bytes(&self, id: RecordId) -> Result<Option<Arc<[u8]>>, EngineError> {
        let content = self.cycle.ws.ledger.record(id)?.map(|(record, _)| record.content);
        Ok(match content {
            Some(Content::File { id, size, .. }) if size <= notebook::LARGEST as u64 => {
                self.cycle.batch_contents().read(id).ok().flatten()
            }
            _ => None,
        })
    }

    /// Whether a version has a cell with this source. One that is not here has none.
    fn holds(&mut self, id: RecordId, source: &str) -> Result<bool, EngineError> {
        if !self.sources.contains_key(&id) {
            let sources = self.bytes(id)?.and_then(|bytes| notebook::lines(&bytes));
            self.sources.insert(id, [b"\n".to_vec(), sources.unwrap_or_default()].concat());
        }
        let source = format!("\n{}\n", source.trim_end_matches('\n'));
        let all = self.sources.get(&id).map(Vec::as_slice).unwrap_or_default();
        Ok(String::from_utf8_lossy(all).contains(&source))
    }
}

fn changed(number: usize, kind: CellKind, places: &[String]) -> String {
    let (all, runs) = match (places.len(), kind) {
        (2, CellKind::Code) => ("Both versions are", "; only the first one runs"),
        (2, _) => ("Both versions are", ""),
        (_, CellKind::Code) => ("All versions are", "; only the first one runs"),
        (_, _) => ("All versions are", ""),
    };
    format!("Cell {number} was changed {}. {all} in the notebook{runs}.", listed(places))
}

/// `on A, on B and on C`, each once.
fn listed(places: &[String]) -> String {
    let mut each: Vec<&str> = Vec::new();
    for place in places {
        if !each.contains(&place.as_str()) {
            each.push(place);
        }
    }
    match each.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_each_place_once() {
        let place = |name: &str| format!("on {name}");
        let two = [place("HOME"), place("WORK")];
        assert_eq!(
            changed(3, CellKind::Code, &two),
            "Cell 3 was changed on HOME and on WORK. Both versions are in the notebook; only the first one runs."
        );
        assert_eq!(
            changed(1, CellKind::Markdown, &[place("A"), place("B"), place("C")]),
            "Cell 1 was changed on A, on B and on C. All versions are in the notebook."
        );
        assert_eq!(listed(&[place("A"), place("A")]), "on A");
    }
}
