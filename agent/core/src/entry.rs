//! What one look at a path found, and what the ledger remembers of it. Observations are persisted, work to do
//! is not: a plan is made afresh from these each time.

use crate::id::{ContentId, RecordId};
use crate::version::Content;

/// Milliseconds since some fixed moment. Time only ever delays a step; it never chooses between versions.
pub type Millis = i64;

/// What a place shows right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// No such file.
    Absent,
    /// These bytes, or a folder with nothing in it.
    Content(Content),
    /// A folder with something in it: other paths, or what is not carried. No file of this name.
    Filled,
    /// There, but not to be judged now: unreadable, still being written, or not on this disk. Never the same
    /// as absent.
    Unsure,
}

impl Seen {
    /// A plain file.
    pub fn file(id: ContentId, size: u64) -> Self {
        Seen::Content(Content::file(id, size))
    }

    /// The same, as a place shows it that tells nothing of who may run a file.
    #[must_use]
    pub fn without_bit(self) -> Self {
        match self {
            Seen::Content(content) => Seen::Content(content.with_bit(false)),
            other => other,
        }
    }

    /// The content's name where there is one.
    pub fn id(&self) -> Option<ContentId> {
        match self {
            Seen::Content(content) => content.id(),
            _ => None,
        }
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// Nothing, or nothing any more.
    Nothing,
    /// A file or a link: what has a name to itself.
    File,
    /// A folder or a unit.
    Folder,
}

impl Stands {
    /// By these versions of it.
    pub fn of(contents: impl Iterator<Item = Content>) -> Self {
        contents.fold(Stands::Nothing, |so_far, content| match (so_far, content) {
            (_, Content::Deleted) => so_far,
            (Stands::Nothing | Stands::Folder, Content::Folder | Content::Unit { .. }) => Stands::Folder,
            _ => Stands::File,
        })
    }
}

/// Tells without reading whether a file is the one looked at before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
    /// Nanoseconds since 1970 of the last change of the entry itself; 0 where the system has none.
    pub changed: i64,
    /// The file's number on its volume; 0 where the system has none.
    pub file: u64,
}

impl Fingerprint {
    /// Of every folder: what it holds changes its times, and is looked at by itself.
    pub const FOLDER: Fingerprint = Fingerprint { size: 0, modified: i64::MIN, changed: 0, file: 0 };
}

/// Bytes found in the mirror that no record explains yet. They are stored on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What was found.
    pub content: Content,
    /// When it was first seen.
    pub since: Millis,
    /// The name of the conflict copy it stood in, none for the file itself.
    pub copy: Option<String>,
}

/// What the ledger remembers of one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The version the working folder really shows, nothing else.
    pub base: Option<RecordId>,
    /// What the mirror was last seen or left with; none when it never had the file or its absence is explained.
    pub mirror: Option<ContentId>,
    /// Since when the mirror lacks what it had.
    pub absent_since: Option<Millis>,
    /// How often in a row a known old version in the mirror was written over.
    pub stale_writes: u32,
    /// Unexplained bytes, oldest first.
    pub observed: Vec<Observed>,
}
