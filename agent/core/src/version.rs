//! The version record: at this path this content, coming from those parents. It never changes; its name is
//! the hash of its canonical bytes, which hold no machine, no time and no chance, so equal statements made on
//! two machines are one record. Who made it when is a [`Label`] beside it, for people only.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{ContentId, RecordId};
use crate::path::WorkPath;

/// The merge this build makes; a record says which one made it, and a lower version leaves a higher one's merges
/// alone. 1 merged texts only, 2 merges notebooks too.
pub const MERGE_VERSION: u32 = 2;

/// Longest canonical record we read, in bytes.
pub const LONGEST_RECORD: usize = 64 * 1024;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Nothing any more.
    Deleted,
    /// A plain file.
    File {
        /// Its owner may run it. Systems without such a bit keep what was recorded.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        executable: bool,
        /// The bytes.
        id: ContentId,
        /// How many bytes.
        size: u64,
    },
    /// A folder that only makes sense whole; the id names its manifest.
    Unit {
        /// The manifest's bytes.
        id: ContentId,
        /// Bytes of all its files.
        size: u64,
    },
    /// A link to another place of the workspace; its bytes are what it says, see [`crate::link`].
    Link {
        /// The bytes.
        id: ContentId,
        /// How many bytes.
        size: u64,
    },
    /// A folder with nothing in it. One with files in it needs no version of its own.
    Folder,
}

impl Content {
    /// A plain file that nobody runs.
    pub fn file(id: ContentId, size: u64) -> Self {
        Content::File { executable: false, id, size }
    }

    /// Whether it is a file its owner may run.
    pub fn is_executable(&self) -> bool {
        matches!(self, Content::File { executable: true, .. })
    }

    /// The same, to be run or not; only a file can be.
    #[must_use]
    pub fn with_bit(self, bit: bool) -> Self {
        match self {
            Content::File { id, size, .. } => Content::File { executable: bit, id, size },
            other => other,
        }
    }

    /// The name of its bytes; none for a deletion and for a folder, which have none.
    pub fn id(&self) -> Option<ContentId> {
        match *self {
            Content::Deleted | Content::Folder => None,
            Content::File { id, .. } | Content::Unit { id, .. } | Content::Link { id, .. } => Some(id),
        }
    }

    /// Bytes, 0 for a deletion and for a folder.
    pub fn size(&self) -> u64 {
        match *self {
            Content::Deleted | Content::Folder => 0,
            Content::File { size, .. } | Content::Unit { size, .. } | Content::Link { size, .. } => size,
        }
    }
}

/// How a version came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A person or program changed the working folder, or a person answered a conflict.
    Edit,
    /// Computed from its parents.
    Merge,
    /// Bytes found in the mirror that no machine had recorded.
    Outside,
    /// The file's life goes on here with the content of its parent, which stands at another path and ends there.
    Move,
    /// Placed by a course package.
    Seed,
}

/// Which course package placed a seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The course's id.
    pub course: String,
    /// The package's version.
    pub version: String,
}

/// What a backup was dumped from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The service's kind, such as `sqlite`.
    pub kind: String,
    /// The version of the format or server that made it.
    pub version: String,
}

/// One immutable statement. Fields stand in the order of their canonical JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Set on backups of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// What stands at the path.
    pub content: Content,
    /// On moves that carry a late edit to where its file is now: the person's move that is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<RecordId>,
    /// How it came to be.
    pub kind: Kind,
    /// On merges: [`MERGE_VERSION`] of the build that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<u32>,
    /// On outside records without parent: the record these bytes look nearest to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near: Option<RecordId>,
    /// On seeds: the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The versions it supersedes, sorted.
    pub parents: BTreeSet<RecordId>,
    /// Where.
    pub path: WorkPath,
}

/// A line that is not a version record we can take.
#[derive(Debug, thiserror::Error)]
pub enum BadRecord {
    /// Over [`LONGEST_RECORD`].
    #[error("a record of {0} bytes, more than kitbag reads")]
    TooLong(usize),
    /// Not our JSON, or a path that leaves the folder.
    #[error("not a version record: {0}")]
    NotJson(#[from] serde_json::Error),
}

impl Record {
    /// A record with nothing optional set.
    pub fn new(
        path: WorkPath,
        content: Content,
        kind: Kind,
        parents: impl IntoIterator<Item = RecordId>,
    ) -> Self {
        Record {
            backup: None,
            content,
            follows: None,
            kind,
            merge: (kind == Kind::Merge).then_some(MERGE_VERSION),
            near: None,
            origin: None,
            parents: parents.into_iter().collect(),
            path,
        }
    }

    /// The bytes its name is the hash of: JSON without spaces, keys sorted, absent fields left out.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Its name.
    pub fn id(&self) -> RecordId {
        RecordId::of(&self.canonical())
    }

    /// Read canonical bytes. The record's name is the hash of these very bytes, so fields a later version
    /// adds do not change it.
    ///
    /// # Errors
    /// Too long, not JSON, an unknown kind, or a path that is not a place in a workspace.
    pub fn parse(bytes: &[u8]) -> Result<(RecordId, Self), BadRecord> {
        if bytes.len() > LONGEST_RECORD {
            return Err(BadRecord::TooLong(bytes.len()));
        }
        Ok((RecordId::of(bytes), serde_json::from_slice(bytes)?))
    }
}

/// Who made a record and when: shown to people, part of no decision. Of several labels of one record, the least in
/// this order is the one that counts, so that all machines show the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label {
    /// RFC 3339, UTC, by that machine's clock.
    pub time: String,
    /// The machine's name.
    pub machine: String,
    /// When the file was last changed, in milliseconds since 1970 by that machine's clock, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
}

impl Label {
    /// Without a time of the file's own.
    pub fn new(machine: impl Into<String>, time: impl Into<String>) -> Self {
        Label { time: time.into(), machine: machine.into(), modified: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Record {
        let content = Content::file(ContentId::of(b"x"), 1);
        Record::new(
            WorkPath::parse("a/b.txt").unwrap(),
            content,
            Kind::Edit,
            [RecordId::of(b"2"), RecordId::of(b"1")],
        )
    }

    #[test]
    fn canonical_bytes_are_stable() {
        let text = String::from_utf8(sample().canonical()).unwrap();
        let content = ContentId::of(b"x");
        let mut parents = [RecordId::of(b"1"), RecordId::of(b"2")];
        parents.sort();
        let [p, q] = parents;
        assert_eq!(
            text,
            format!(
                "{{\"content\":{{\"file\":{{\"id\":\"{content}\",\"size\":1}}}},\"kind\":\"edit\",\
                 \"parents\":[\"{p}\",\"{q}\"],\"path\":\"a/b.txt\"}}"
            )
        );
    }

    #[test]
    fn there_and_back() {
        let record = sample();
        let (id, back) = Record::parse(&record.canonical()).unwrap();
        assert_eq!((id, back), (record.id(), record));
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_refused() {
        let text = String::from_utf8(sample().canonical()).unwrap().replace("a/b.txt", "../b.txt");
        assert!(Record::parse(text.as_bytes()).is_err());
    }

    #[test]
    fn fields_of_a_later_version_keep_the_name() {
        let text =
            String::from_utf8(sample().canonical()).unwrap().replace("\"kind\"", "\"colour\":1,\"kind\"");
        let (id, record) = Record::parse(text.as_bytes()).unwrap();
        assert_eq!(id, RecordId::of(text.as_bytes()));
        assert_eq!(record, sample());
    }
}
