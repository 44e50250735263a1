//! How the bytes of a file are merged and compared, told by its path alone: by lines, a notebook by its cells, a backup
//! not at all, since half of one and half of another is neither. Reconciling and guessing know files only through this.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{notebook, text};
use crate::id::RecordId;
use crate::path::WorkPath;

/// Lines without their ends.
pub type Lines = BTreeSet<Vec<u8>>;

/// How a file is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Line by line.
    Lines,
    /// A notebook, cell by cell.
    Cells,
    /// One side stays whole.
    Whole,
}

/// One side of a merge.
#[derive(Debug)]
pub struct Side<'a> {
    /// The version.
    pub id: RecordId,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// How many versions it comes from, itself among them.
    pub depth: usize,
    /// Lines it lacks and must not drop without a person's answer.
    pub asks: &'a Lines,
}

impl Way {
    /// That of a path.
    pub fn of(path: &WorkPath) -> Self {
        if path.names().next() == Some("backups") {
            Way::Whole
        } else if path.extension() == "ipynb" {
            Way::Cells
        } else {
            Way::Lines
        }
    }

    /// Larger files are not looked into; bytes.
    pub fn largest(self) -> u64 {
        match self {
            Way::Cells => notebook::LARGEST as u64,
            Way::Lines | Way::Whole => text::LARGEST as u64,
        }
    }

    /// What a person wrote in it, as a text whose lines can be compared; none where it has no lines.
    pub fn lines(self, bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Way::Lines => text::is_text(bytes).then_some(Cow::Borrowed(bytes)),
            Way::Cells => notebook::lines(bytes).map(Cow::Owned),
            Way::Whole => None,
        }
    }

    /// Whether it is worth while to look for what two versions come from.
    pub fn can_merge(self, bytes: &[u8]) -> bool {
        match self {
            Way::Lines => text::is_text(bytes),
            Way::Cells => true,
            Way::Whole => false,
        }
    }

    /// Both sides in one, or none: then both stay. Which is named first makes no difference.
    pub fn merge(self, base: Option<&[u8]>, [a, b]: [Side<'_>; 2]) -> Option<Vec<u8>> {
        match self {
            Way::Lines => {
                let asks = text::Asks { left: borrowed(a.asks), right: borrowed(b.asks) };
                match text::merge(base, a.bytes, b.bytes, &asks) {
                    text::Merged::Conflict => None,
                    text::Merged::Clean(bytes) => Some(bytes),
                }
            }
            Way::Cells => {
                let [a, b] = [a, b].map(|side| notebook::Side {
                    bytes: side.bytes,
                    // no machine: two machines that merge the same versions write the same
                    by: notebook::By { machine: None, version: Some(side.id.to_string()) },
                    depth: side.depth as u64,
                    asks: side.asks.clone(),
                });
                notebook::merge(base, &a, &b).ok().map(|merged| merged.bytes)
            }
            Way::Whole => None,
        }
    }

    /// Two ancestors in one, as a base only. None: there is no such base.
    pub fn merge_base(self, base: Option<&[u8]>, left: &[u8], right: &[u8]) -> Option<Vec<u8>> {
        match self {
            Way::Lines => Some(text::merge_base(base, left, right)),
            Way::Cells => notebook::merge_base(base, left, right),
            Way::Whole => None,
        }
    }

    /// The lines `to` holds less often than `from`; none where that cannot be told.
    pub fn removed(self, from: &[u8], to: &[u8]) -> Option<Lines> {
        match self {
            Way::Lines => Some(text::removed(from, to).into_keys().map(<[u8]>::to_vec).collect()),
            Way::Cells => notebook::removed(from, to),
            Way::Whole => None,
        }
    }
}

fn borrowed(owned: &Lines) -> BTreeSet<&[u8]> {
    owned.iter().map(Vec::as_slice).collect()
}
