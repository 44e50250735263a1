//! Three notebooks of anybody's made one, without a workspace: the merge is core's, the same as in a sync. The left one
//! leads, as the side that is being merged into does for git. The result is put in place whole, or nothing is written;
//! what both sides wrote into one cell stays in it, both marked with the names the sides were given.

use std::path::PathBuf;

use kitbag_core::finding::Finding;
use kitbag_core::merge::notebook::{
    self, By, CellConflict, Changes, LARGEST, Merged, NotMergeable, Note, Side, Told, Which,
};
use serde::Serialize;

use crate::doors::Doors;
use crate::error::{EngineError, show};
use crate::given::{replace, whole};

/// What is to be merged.
#[derive(Debug, Clone)]
pub struct Order {
    /// What both come from; empty or `/dev/null` where there is nothing.
    pub base: PathBuf,
    /// One side: the one that leads.
    pub left: PathBuf,
    /// The other.
    pub right: PathBuf,
    /// Where the result goes; may be one of the three.
    pub out: PathBuf,
    /// What the two sides are called in the result.
    pub names: [String; 2],
}

/// `merge --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergedFile {
    /// The file that was written.
    pub out: String,
    /// Whether nothing waits for an answer.
    pub clean: bool,
    /// Whether there was a notebook both come from. Without one nothing counts as deleted.
    pub base: bool,
    /// What each side did since, the left one first; empty without a base.
    pub sides: Vec<SideChanges>,
    /// The cells that stand in several versions.
    pub conflicts: Vec<CellConflict>,
    /// Cells one side deleted and the other changed: they stay.
    pub kept: Vec<CellConflict>,
    /// Cells whose outputs are older than their source.
    pub stale: Vec<StaleCell>,
    /// New names of attachments, where both sides attached something else under one name.
    pub attachments: Vec<String>,
}

/// What one side did, in cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideChanges {
    /// Its name.
    pub name: String,
    /// New ones.
    pub new: usize,
    /// Those that are gone.
    pub deleted: usize,
    /// Those with another source.
    pub edited: usize,
    /// Those with other outputs only.
    pub run: usize,
    /// Those that stand elsewhere and changed in nothing else.
    pub moved: usize,
}

/// A cell whose outputs are older than its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StaleCell {
    /// Its id, or its number as `#3`.
    pub cell: String,
    /// Its number, from 1.
    pub number: usize,
}

/// Merge them.
///
/// # Errors
/// One cannot be read or is no notebook that can be merged, or the result cannot be written. What stood in the result's
/// place is as it was.
pub fn merge_files(doors: &Doors, order: &Order) -> Result<MergedFile, EngineError> {
    let base = whole(doors, &order.base, LARGEST)?;
    let left = whole(doors, &order.left, LARGEST)?;
    let right = whole(doors, &order.right, LARGEST)?;
    let (merged, told) =
        merge(&base, [&left, &right], &order.names).map_err(|error| refused(order, error))?;
    replace(doors, &order.out, &merged.bytes)?;
    let Told { sides, kept, stale } = told;
    let did = sides.iter().flatten().zip(&order.names).map(|(changes, name)| SideChanges::of(name, changes));
    let attached = |note: Note| match note {
        Note::Attachment { name } => Some(name),
        _ => None,
    };
    Ok(MergedFile {
        out: order.out.to_string_lossy().into_owned(),
        clean: merged.conflicts.is_empty(),
        base: sides.is_some(),
        sides: did.collect(),
        conflicts: merged.conflicts,
        kept,
        stale: stale.into_iter().map(|(cell, number)| StaleCell { cell, number }).collect(),
        attachments: merged.notes.into_iter().filter_map(attached).collect(),
    })
}

fn merge(base: &[u8], sides: [&[u8]; 2], names: &[String; 2]) -> Result<(Merged, Told), NotMergeable> {
    let side = |at: usize| Side {
        bytes: sides[at],
        by: By { machine: Some(names[at].clone()), version: None },
        // the left one leads
        depth: 1 - at as u64,
        ..Side::default()
    };
    notebook::merge_told(Some(base).filter(|base| !base.is_empty()), &side(0), &side(1))
}

impl SideChanges {
    fn of(name: &str, changes: &Changes) -> Self {
        let mut side = SideChanges { name: name.to_owned(), new: 0, deleted: 0, edited: 0, run: 0, moved: 0 };
        for cell in &changes.cells {
            let counted = match cell {
                one if one.before.is_none() => &mut side.new,
                one if one.after.is_none() => &mut side.deleted,
                one if one.source.is_some() || !one.other.is_empty() => &mut side.edited,
                one if one.outputs.is_some() => &mut side.run,
                one if one.moved => &mut side.moved,
                _ => continue,
            };
            *counted += 1;
        }
        side
    }
}

fn refused(order: &Order, NotMergeable { side, why }: NotMergeable) -> EngineError {
    let file = match side {
        Which::Left => Some(&order.left),
        Which::Right => Some(&order.right),
        Which::Both => None,
    };
    let what = file.map_or_else(
        || "these notebooks cannot be merged".to_owned(),
        |file| format!("{} cannot be merged", show(file)),
    );
    let why = kitbag_core::path::shown(&why.to_string());
    let remedy = format!(
        "Nothing was written. Mend that notebook, or keep one of the two: copy it to {}.",
        show(&order.out)
    );
    EngineError::Failed(Finding::new(what, format!("{}{}.", why[..1].to_uppercase(), &why[1..]), remedy))
}
