//! The cells that wait in one notebook, with what each shows, for a page that draws them: so many cells, versions and
//! letters as a person goes through before the first answers are given.

use kitbag_core::merge::notebook::{self, By, CellKind, ShownCell};
use kitbag_core::path::WorkPath;
use serde::Serialize;

use super::{CellQuestion, OtherCell};
use crate::error::EngineError;
use crate::sync::Cycle;
use crate::sync::answers::Side;

/// Most cells; the others come when some of these are answered.
const MOST_CELLS: usize = 30;
/// Most other versions of a cell.
const MOST_VERSIONS: usize = 8;
/// Longest source, in bytes.
const LONGEST: usize = 64 * 1024;

/// The cells of one notebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellSheet {
    /// The notebook.
    pub path: String,
    /// The versions the cells come from.
    pub sides: Vec<Side>,
    /// The first cells that wait, and those that only tell.
    pub cells: Vec<SheetCell>,
    /// How many more there are.
    pub more_cells: usize,
}

/// One cell, with what it shows. Names and texts are as somebody wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SheetCell {
    /// What answers call it.
    pub cell: String,
    /// Its number in the notebook, from 1.
    pub number: usize,
    /// Its kind.
    pub kind: CellKind,
    /// What happened.
    pub what: String,
    /// Its source; none where only another version is left.
    pub source: Option<String>,
    /// Is there more of it?
    pub cut: bool,
    /// Whose that is.
    pub by: By,
    /// The other versions.
    pub others: Vec<SheetVersion>,
    /// How many more there are.
    pub more_others: usize,
    /// Who deleted it.
    pub deleted_by: Option<By>,
    /// What came out of it, and what is attached.
    #[serde(flatten)]
    pub shown: ShownCell,
}

/// Another version of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SheetVersion {
    /// What answers call it.
    pub cell: String,
    /// Its kind.
    pub kind: CellKind,
    /// Its source.
    pub source: String,
    /// Is there more of it?
    pub cut: bool,
    /// Whose it is.
    pub by: By,
    /// What is attached to it.
    #[serde(flatten)]
    pub shown: ShownCell,
}

impl Cycle<'_> {
    /// The cells of a notebook that wait, and those that only tell; none where there are none.
    ///
    /// # Errors
    /// The ledger or the notebook cannot be read.
    pub fn cell_sheet(&self, path: &WorkPath) -> Result<Option<CellSheet>, EngineError> {
        let Some(row) = self.ws.ledger.path(path)? else { return Ok(None) };
        let Some(conflict) = self.about_cells(&row)? else { return Ok(None) };
        let Some((_, bytes)) = self.one_notebook(&row)? else { return Ok(None) };
        let more_cells = conflict.cells.len().saturating_sub(MOST_CELLS);
        let cells: Vec<_> = conflict.cells.into_iter().take(MOST_CELLS).collect();
        let versions = |cell: &CellQuestion| {
            let others = cell.others.iter().take(MOST_VERSIONS).map(|other| other.cell.clone());
            [cell.cell.clone()].into_iter().chain(others).collect::<Vec<_>>()
        };
        let wanted = cells.iter().flat_map(versions).collect();
        let mut shown = notebook::shown(&bytes, &wanted).unwrap_or_default();
        let mut shown = |cell: &str| shown.remove(cell).unwrap_or_default();
        let cells = cells.into_iter().map(|cell| sheet(cell, &mut shown)).collect();
        Ok(Some(CellSheet { path: conflict.path, sides: conflict.sides, cells, more_cells }))
    }
}

fn sheet(question: CellQuestion, shown: &mut impl FnMut(&str) -> ShownCell) -> SheetCell {
    let CellQuestion { cell, number, kind, what, mut source, by, others, deleted_by } = question;
    let more_others = others.len().saturating_sub(MOST_VERSIONS);
    let own = if source.is_some() { shown(&cell) } else { ShownCell::default() };
    let version = |OtherCell { cell, kind, mut source, by }: OtherCell| {
        let cut = cut(&mut source);
        SheetVersion { shown: shown(&cell), cell, kind, source, cut, by }
    };
    SheetCell {
        others: others.into_iter().take(MOST_VERSIONS).map(version).collect(),
        cut: source.as_mut().is_some_and(cut),
        shown: own,
        cell,
        number,
        kind,
        what,
        source,
        by,
        more_others,
        deleted_by,
    }
}

/// Cut a text to what is shown of it, at the end of a line where one is near. Whether there was more.
fn cut(text: &mut String) -> bool {
    if text.len() <= LONGEST {
        return false;
    }
    text.truncate(text.floor_char_boundary(LONGEST));
    if let Some(end) = text.rfind('\n').filter(|end| *end > LONGEST / 2) {
        text.truncate(end);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_with_a_whole_line_or_letter() {
        let cut_of = |text: &str| {
            let mut text = text.to_owned();
            (cut(&mut text), text)
        };
        assert_eq!(cut_of("a\nb"), (false, "a\nb".to_owned()));
        let (was, text) = cut_of(&"é".repeat(LONGEST));
        assert!(was && text.len() == LONGEST && text.ends_with('é'));
        let (was, text) = cut_of(&"x = 1\n".repeat(LONGEST));
        assert!(was && text.ends_with("x = 1"));
        let (was, text) = cut_of(&format!("a\n{}", "x".repeat(LONGEST)));
        assert!(was && text.len() == LONGEST);
    }

    #[test]
    fn so_many_cells_and_versions_are_drawn_as_a_person_looks_at() {
        let by = By::default();
        let other = |at: usize| OtherCell {
            cell: format!("o{at}"),
            kind: CellKind::Code,
            source: "x".repeat(LONGEST + 1),
            by: By::default(),
        };
        let question = CellQuestion {
            cell: "a".into(),
            number: 1,
            kind: CellKind::Code,
            what: String::new(),
            source: None,
            by,
            others: (0..20).map(other).collect(),
            deleted_by: None,
        };
        let mut asked = Vec::new();
        let made = sheet(question, &mut |cell| {
            asked.push(cell.to_owned());
            ShownCell::default()
        });
        assert_eq!((made.others.len(), made.more_others, made.cut), (MOST_VERSIONS, 12, false));
        assert!(made.others.iter().all(|other| other.cut && other.source.len() == LONGEST));
        assert_eq!(asked.len(), MOST_VERSIONS, "a cell that is gone shows nothing");
    }
}
