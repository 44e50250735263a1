//! What stays open and how it is answered. An answer is an ordinary edit whose parents are exactly the heads it
//! answers, so two machines that give the same answer have written the same record, and two different answers
//! are again two heads of just this file.

use std::sync::Arc;

use crate::history::History;
use crate::id::RecordId;
use crate::merge::text;
use crate::merge::way::Way;
use crate::path::{BadPath, WorkPath};
use crate::reconcile::{Contents, Unreadable};
use crate::version::{Content, Kind, Record};

/// What kind of file waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConflictKind {
    /// Lines were changed on both sides.
    Text,
    /// A notebook.
    Notebook,
    /// A folder that only makes sense whole.
    Unit,
    /// A backup of a database.
    Database,
    /// Any other file.
    File,
    /// Changed on one side, deleted on the other.
    Deleted,
}

/// What kind of conflict these heads are.
///
/// # Errors
/// A side cannot be read.
pub fn kind(
    path: &WorkPath,
    history: &History,
    heads: &[RecordId],
    contents: &dyn Contents,
) -> Result<ConflictKind, Unreadable> {
    let records = || heads.iter().filter_map(|id| history.get(*id));
    Ok(if records().any(|record| record.content == Content::Deleted) {
        ConflictKind::Deleted
    } else if records().any(|record| matches!(record.content, Content::Unit { .. })) {
        ConflictKind::Unit
    } else if records().any(|record| record.backup.is_some()) {
        ConflictKind::Database
    } else if path.extension() == "ipynb" {
        ConflictKind::Notebook
    } else if both_texts(path, history, heads, contents)?.is_some() {
        ConflictKind::Text
    } else {
        ConflictKind::File
    })
}

/// The record that answers these heads with this content.
pub fn answer(path: &WorkPath, history: &History, heads: &[RecordId], content: Content) -> Record {
    let mut record = Record::new(path.clone(), content, Kind::Edit, heads.iter().copied());
    record.backup = heads.iter().filter_map(|id| history.get(*id)?.backup.clone()).next();
    record
}

/// All lines of all sides in one text, or none where a side is not text or gone.
///
/// # Errors
/// A side cannot be read.
pub fn both_texts(
    path: &WorkPath,
    history: &History,
    heads: &[RecordId],
    contents: &dyn Contents,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut sides: Vec<Arc<[u8]>> = Vec::new();
    for head in heads {
        match history.content(*head) {
            Some(Content::File { id, size, .. })
                if Way::of(path) == Way::Lines && size <= text::LARGEST as u64 =>
            {
                let Some(bytes) = contents.read(id)? else { return Ok(None) };
                if !text::is_text(&bytes) {
                    return Ok(None);
                }
                sides.push(bytes);
            }
            Some(Content::Deleted) => {}
            _ => return Ok(None),
        }
    }
    sides.sort();
    Ok(sides.into_iter().map(|side| side.to_vec()).reduce(|all, side| text::union(&all, &side)))
}

/// Where another side's file goes when both are kept whole: `NAME (MACHINE).EXT` beside it.
///
/// # Errors
/// The name would be too long.
pub fn beside(path: &WorkPath, machine: &str) -> Result<WorkPath, BadPath> {
    let machine: String = machine
        .chars()
        .map(|c| if c.is_alphanumeric() || "-_ ".contains(c) { c } else { '-' })
        .take(40)
        .collect();
    let name = path.file_name();
    let name = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem} ({machine}).{ending}"),
        _ => format!("{name} ({machine})"),
    };
    path.parent().map_or_else(|| WorkPath::parse(&name), |folder| folder.join(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_gets_a_name_of_its_own() {
        let beside = |path| beside(&WorkPath::parse(path).unwrap(), "WORK/PC").unwrap().as_str().to_owned();
        assert_eq!(beside("a/plot.png"), "a/plot (WORK-PC).png");
        assert_eq!(beside(".hidden"), ".hidden (WORK-PC)");
        assert_eq!(beside("Makefile"), "Makefile (WORK-PC)");
    }
}
