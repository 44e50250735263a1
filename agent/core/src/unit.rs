//! A unit: a folder that only makes sense whole, such as an OpenRefine project. Its version is a manifest, a
//! content like any other, that names every file in it; the record names the manifest. So a unit is shown, kept,
//! merged or not merged, and brought back as one thing. Providers know nothing of units and deliver them file by
//! file: what stands in the cloud folder meanwhile is a mix of known versions, and a mix is no version.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::id::{ContentId, RecordId};
use crate::merge::text;
use crate::path::WorkPath;
use crate::reconcile::{Contents, Unreadable};
use crate::version::Content;

/// Most files in one unit.
pub const MOST_FILES: usize = 20_000;
/// Longest manifest, in bytes.
pub const LONGEST_MANIFEST: usize = text::LARGEST;

/// One file of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Whether it may be run as a program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
    /// Its bytes.
    pub id: ContentId,
    /// How many.
    pub size: u64,
}

/// What a unit is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its files by their place in the folder. Folders without files are not kept.
    pub files: BTreeMap<WorkPath, Part>,
}

/// Bytes that are no manifest we can take.
#[derive(Debug, thiserror::Error)]
pub enum BadManifest {
    /// Over [`LONGEST_MANIFEST`] or [`MOST_FILES`].
    #[error("a folder of {0} files is more than kitbag keeps as one")]
    TooMany(usize),
    /// Not our JSON, or a path that leaves the folder.
    #[error("not the list of a folder: {0}")]
    NotJson(#[from] serde_json::Error),
    /// A name that is both a file and a folder.
    #[error("{0} is both a file and a folder")]
    Twofold(WorkPath),
    /// Sizes that no disk has.
    #[error("its sizes cannot be")]
    Sizes,
}

impl Manifest {
    /// The bytes its name is the hash of: JSON without spaces, keys sorted.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Read canonical bytes from anywhere.
    ///
    /// # Errors
    /// Too large, not JSON, a path that is not a place in a folder, a file below another file.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadManifest> {
        if bytes.len() > LONGEST_MANIFEST {
            return Err(BadManifest::TooMany(bytes.len() / 100));
        }
        let manifest: Manifest = serde_json::from_slice(bytes)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Whether it can be a unit's.
    ///
    /// # Errors
    /// As [`Manifest::parse`].
    pub fn check(&self) -> Result<(), BadManifest> {
        if self.files.len() > MOST_FILES {
            return Err(BadManifest::TooMany(self.files.len()));
        }
        for path in self.files.keys() {
            let mut above = path.parent();
            while let Some(folder) = above {
                if self.files.contains_key(&folder) {
                    return Err(BadManifest::Twofold(folder));
                }
                above = folder.parent();
            }
        }
        self.size().map(|_| ())
    }

    /// Bytes of all its files.
    ///
    /// # Errors
    /// They add up to more than can be.
    pub fn size(&self) -> Result<u64, BadManifest> {
        let sum = self.files.values().try_fold(0u64, |sum, part| sum.checked_add(part.size));
        sum.filter(|sum| i64::try_from(*sum).is_ok()).ok_or(BadManifest::Sizes)
    }

    /// What a record says of it.
    ///
    /// # Errors
    /// As [`Manifest::check`].
    pub fn content(&self) -> Result<Content, BadManifest> {
        self.check()?;
        Ok(Content::Unit { id: ContentId::of(&self.canonical()), size: self.size()? })
    }

    /// The contents of its files, each once.
    pub fn parts(&self) -> BTreeSet<ContentId> {
        self.files.values().map(|part| part.id).collect()
    }

    /// Whether every file of it stands at its place in one of these: nothing in it is new.
    pub fn is_mix_of<'a>(&self, known: impl IntoIterator<Item = &'a Manifest> + Clone) -> bool {
        let stands = |path: &WorkPath, part: &Part| {
            known.clone().into_iter().any(|other| other.files.get(path).is_some_and(|p| p.id == part.id))
        };
        self.files.iter().all(|(path, part)| stands(path, part))
    }
}

/// Whether a unit holds nothing but files of the versions its path is known to have had, each at its place. With
/// `except`, that one does not count.
///
/// # Errors
/// A manifest cannot be read now.
pub fn is_mix(
    history: &History,
    id: ContentId,
    except: Option<RecordId>,
    contents: &dyn Contents,
) -> Result<bool, Unreadable> {
    let read = |id| Ok(contents.read(id)?.and_then(|bytes| Manifest::parse(&bytes).ok()));
    let Some(mix) = read(id)? else { return Ok(false) };
    let mut known = Vec::new();
    for (record, content) in history.live().map(|(id, record)| (id, record.content)) {
        if let Content::Unit { id, .. } = content
            && Some(record) != except
        {
            known.extend(read(id)?);
        }
    }
    Ok(mix.is_mix_of(&known))
}

/// Which folders of a workspace are units, by the course's patterns.
#[derive(Debug, Clone, Default)]
pub struct Units {
    patterns: GlobSet,
}

impl Units {
    /// From a course's checked patterns; one that cannot be read matches nothing.
    pub fn new(patterns: &[String]) -> Self {
        let mut builder = GlobSetBuilder::new();
        for text in patterns {
            let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
            glob.into_iter().for_each(|glob| _ = builder.add(glob));
        }
        Units { patterns: builder.build().unwrap_or_default() }
    }

    /// Whether the course says nothing of units.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether the folder with this path, `/` between its names, is a unit.
    pub fn is_unit(&self, folder: &str) -> bool {
        !self.patterns.is_empty() && self.patterns.is_match(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(files: &[(&str, &str)]) -> Manifest {
        let part = |text: &str| Part {
            executable: false,
            id: ContentId::of(text.as_bytes()),
            size: text.len() as u64,
        };
        Manifest {
            files: files.iter().map(|(path, text)| (WorkPath::parse(path).unwrap(), part(text))).collect(),
        }
    }

    #[test]
    fn there_and_back() {
        let m = manifest(&[("metadata.json", "{}"), ("data/rows", "1\n2\n")]);
        let bytes = m.canonical();
        assert_eq!(Manifest::parse(&bytes).unwrap(), m);
        assert_eq!(m.content().unwrap(), Content::Unit { id: ContentId::of(&bytes), size: 6 });
        let twice = manifest(&[("data/rows", "1\n2\n"), ("metadata.json", "{}")]);
        assert_eq!(twice.canonical(), bytes);
    }

    #[test]
    fn hostile_manifests_are_refused() {
        let id = ContentId::of(b"x");
        for (path, size) in [("../x", "1"), ("/etc/passwd", "1"), ("a//b", "1"), ("ok", "-1")] {
            let text = format!("{{\"files\":{{\"{path}\":{{\"id\":\"{id}\",\"size\":{size}}}}}}}");
            assert!(Manifest::parse(text.as_bytes()).is_err(), "{path} {size}");
        }
        assert!(Manifest::parse(b"").is_err());
        assert!(Manifest::parse(&vec![b' '; LONGEST_MANIFEST + 1]).is_err());
        let below_a_file = manifest(&[("a", "1"), ("a/b", "2")]);
        assert!(matches!(Manifest::parse(&below_a_file.canonical()), Err(BadManifest::Twofold(_))));
        let mut huge = manifest(&[("a", "1"), ("b", "2")]);
        huge.files.values_mut().for_each(|part| part.size = u64::MAX / 2 + 1);
        assert!(matches!(Manifest::parse(&huge.canonical()), Err(BadManifest::Sizes)));
    }

    #[test]
    fn a_folder_half_delivered_is_a_mix() {
        let (old, new) = (manifest(&[("a", "1"), ("b", "1")]), manifest(&[("a", "2"), ("b", "2")]));
        let known = [&old, &new];
        assert!(manifest(&[("a", "2"), ("b", "1")]).is_mix_of(known));
        assert!(manifest(&[("a", "2")]).is_mix_of(known));
        assert!(manifest(&[]).is_mix_of(known));
        assert!(!manifest(&[("a", "2"), ("b", "3")]).is_mix_of(known));
        assert!(!manifest(&[("a", "2"), ("c", "1")]).is_mix_of(known), "a known file at a new place is new");
    }

    #[test]
    fn patterns_name_folders_whole() {
        let units = Units::new(&["refine/*.project".into(), "dump".into(), "[".into()]);
        assert!(units.is_unit("refine/12.project") && units.is_unit("dump"));
        assert!(!units.is_unit("refine") && !units.is_unit("refine/a/12.project"));
        assert!(!units.is_unit("dump/sub"));
        assert!(Units::new(&[]).is_empty());
    }
}
