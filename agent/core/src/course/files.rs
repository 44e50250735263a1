//! The package a manifest describes, lent for reading: the names of its files and a way to the bytes of the
//! few that have to be looked into. It may be a folder, an archive or packs; here it makes no difference.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::path::WorkPath;

type Reader<'a> = Box<dyn Fn(&WorkPath) -> Option<Vec<u8>> + 'a>;

/// A course package's files: sorted checked names and a reader.
pub struct PackageFiles<'a> {
    names: BTreeSet<WorkPath>,
    refused: Vec<String>,
    read: Reader<'a>,
}

impl<'a> PackageFiles<'a> {
    /// File names (not folders) relative to the package's top with `/` between them, from anywhere, and a
    /// reader that returns nothing for a file it cannot read. Names that would leave the package are set
    /// aside and become problems when the manifest is read.
    pub fn new<N: AsRef<str>>(
        names: impl IntoIterator<Item = N>,
        read: impl Fn(&WorkPath) -> Option<Vec<u8>> + 'a,
    ) -> Self {
        let mut files = PackageFiles { names: BTreeSet::new(), refused: Vec::new(), read: Box::new(read) };
        for name in names {
            match WorkPath::parse(name.as_ref()) {
                Ok(path) => _ = files.names.insert(path),
                Err(_) => files.refused.push(name.as_ref().to_owned()),
            }
        }
        files
    }

    /// Whether the package has this file.
    pub fn contains(&self, path: &WorkPath) -> bool {
        self.names.contains(path)
    }

    /// The bytes of one of its files; nothing where it is not there or cannot be read.
    pub fn bytes(&self, path: &WorkPath) -> Option<Vec<u8>> {
        if self.contains(path) { (self.read)(path) } else { None }
    }

    /// All files below a folder and what follows the folder's name in each, sorted.
    pub(super) fn below<'s>(&'s self, folder: &'s WorkPath) -> impl Iterator<Item = (&'s WorkPath, &'s str)> {
        let inside = |path: &'s WorkPath| {
            Some((path, path.as_str().strip_prefix(folder.as_str())?.strip_prefix('/')?))
        };
        // Names are ordered one by one, so what lies below a folder stands together, right behind it.
        self.names.range((Bound::Excluded(folder), Bound::Unbounded)).map_while(inside)
    }

    /// The file or folder name nearest to a mistyped one.
    pub(super) fn nearest(&self, path: &WorkPath) -> Option<&str> {
        super::name::nearest(path.as_str(), self.names.iter().map(WorkPath::as_str))
    }

    /// Names that are not places in a package.
    pub(super) fn refused(&self) -> &[String] {
        &self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_what_lies_below_it_and_nothing_else() {
        let names = ["a.txt", "a/b", "a/c/d", "a b/x", "a-b", "aa/x", "../out", "a//b", "/abs"];
        let files = PackageFiles::new(names, |path| Some(path.as_str().into()));
        let folder = WorkPath::parse("a").unwrap();
        let below: Vec<_> = files.below(&folder).map(|(path, rest)| (path.as_str(), rest)).collect();
        assert_eq!(below, [("a/b", "b"), ("a/c/d", "c/d")]);
        assert_eq!(files.refused(), ["../out", "a//b", "/abs"]);
        assert_eq!(files.bytes(&folder), None);
        assert_eq!(files.bytes(&WorkPath::parse("a/b").unwrap()), Some(b"a/b".to_vec()));
    }
}
