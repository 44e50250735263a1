//! A place in the workspace, checked once. Names come from other machines, packages and plugins and are
//! hostile until they have been through [`WorkPath::parse`]: never outside the folder, never our own files.
//! The exact name is kept; [`WorkPath::folded`] only tells which names some system would take for the same.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The sidecar's folder in the share.
pub const SIDECAR: &str = ".kitbag";
/// How every temporary file of ours begins. Dropbox, OneDrive and iCloud skip `.~NAME.tmp`.
pub const TEMPORARY_PREFIX: &str = ".~kitbag-";
/// The file in a working folder that says which ledger it belongs to.
pub const FOLDER_MARKER: &str = ".kitbag-folder";

const LONGEST_NAME: usize = 255;
const LONGEST_PATH: usize = 4096;

/// Why a name from elsewhere is not a place in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// Nothing, or a name between slashes that is nothing.
    #[error("an empty name")]
    Empty,
    /// `.` or `..`.
    #[error("a step to another folder (`.` or `..`)")]
    Step,
    /// A NUL character.
    #[error("a NUL character in a name")]
    Nul,
    /// A name over 255 bytes or a path over 4096.
    #[error("a name that is too long")]
    TooLong,
    /// A name kitbag keeps for itself.
    #[error("a name kitbag keeps for itself")]
    Reserved,
}

/// A relative path of checked names joined by `/`, exactly as the person wrote it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct WorkPath(String);

impl WorkPath {
    /// Check a path from anywhere.
    ///
    /// # Errors
    /// Says which rule the name breaks.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        if text.len() > LONGEST_PATH {
            return Err(BadPath::TooLong);
        }
        for (depth, name) in text.split('/').enumerate() {
            check_name(name)?;
            if depth == 0 && (name.eq_ignore_ascii_case(SIDECAR) || name == FOLDER_MARKER) {
                return Err(BadPath::Reserved);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path below this one.
    ///
    /// # Errors
    /// As [`WorkPath::parse`].
    pub fn join(&self, name: &str) -> Result<Self, BadPath> {
        Self::parse(&format!("{}/{name}", self.0))
    }

    /// The exact text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its names from the outermost in.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder it lies in, none at the top.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(folder, _)| Self(folder.to_owned()))
    }

    /// The ending after the last dot, lower case, or nothing.
    pub fn extension(&self) -> String {
        match self.file_name().rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() => ending.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// The bytes it is ordered by: as a walk of sorted folders meets it, names compared one by one.
    pub fn key(&self) -> Vec<u8> {
        self.0.bytes().map(|byte| if byte == b'/' { 0 } else { byte }).collect()
    }

    /// From [`WorkPath::key`].
    ///
    /// # Errors
    /// As [`WorkPath::parse`]; also for bytes that are not UTF-8 (reported as [`BadPath::Empty`]).
    pub fn from_key(key: &[u8]) -> Result<Self, BadPath> {
        let text: Vec<u8> = key.iter().map(|&byte| if byte == 0 { b'/' } else { byte }).collect();
        Self::parse(std::str::from_utf8(&text).map_err(|_| BadPath::Empty)?)
    }

    /// Equal for names that a case-insensitive or normalising file system takes for one.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

/// Equal for texts that a case-insensitive or normalising file system takes for one.
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// The text with each accent in one with its letter (Unicode NFC): equal for names that differ only in how a file
/// system writes accents.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

fn check_name(name: &str) -> Result<(), BadPath> {
    match name {
        "" => Err(BadPath::Empty),
        "." | ".." => Err(BadPath::Step),
        _ if name.contains('\0') => Err(BadPath::Nul),
        _ if name.len() > LONGEST_NAME => Err(BadPath::TooLong),
        _ if name.starts_with(TEMPORARY_PREFIX) => Err(BadPath::Reserved),
        _ => Ok(()),
    }
}

impl Ord for WorkPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.names().cmp(other.names())
    }
}

impl PartialOrd for WorkPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for WorkPath {
    type Err = BadPath;
    fn from_str(text: &str) -> Result<Self, BadPath> {
        Self::parse(text)
    }
}

impl fmt::Display for WorkPath {
    /// For people: control characters and direction marks escaped, so a name cannot paint on a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl fmt::Debug for WorkPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl<'de> Deserialize<'de> for WorkPath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Any text from elsewhere made safe to show: control characters, escapes and direction overrides become
/// visible escapes.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if hidden { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_paths_are_refused() {
        let long = "x".repeat(256);
        for text in [
            "",
            "/",
            "a//b",
            "/etc/passwd",
            "a/",
            "..",
            "../a",
            "a/../b",
            ".",
            "a/.",
            "a\0b",
            ".kitbag/packs/x",
            ".KITBAG/x",
            "a/.~kitbag-1.tmp",
            ".kitbag-folder",
            &long,
        ] {
            assert!(WorkPath::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn odd_but_honest_names_are_kept() {
        for text in [
            "a",
            "Part 1/01 Intro.ipynb",
            "new\nline",
            "quote'\"`$(x)",
            "🎓.csv",
            &"é".repeat(127),
            "a/.kitbag",
            "...",
        ] {
            let path = WorkPath::parse(text).unwrap();
            assert_eq!(path.as_str(), text);
            assert_eq!(WorkPath::from_key(&path.key()), Ok(path));
        }
    }

    #[test]
    fn order_is_that_of_sorted_folders() {
        let mut paths: Vec<_> =
            ["a.txt", "a/b", "a/b.c", "a/b/c", "b", "a b/c"].map(|p| WorkPath::parse(p).unwrap()).into();
        paths.sort();
        let mut by_key = paths.clone();
        by_key.sort_by_key(WorkPath::key);
        assert_eq!(paths, by_key);
        assert_eq!(paths[0].as_str(), "a/b");
    }

    #[test]
    fn names_cannot_paint_on_a_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
    }

    #[test]
    fn folding_finds_twins() {
        let fold = |text| WorkPath::parse(text).unwrap().folded();
        assert_eq!(fold("Caf\u{e9}.TXT"), fold("cafe\u{301}.txt"));
        assert_ne!(fold("a"), fold("b"));
    }
}
