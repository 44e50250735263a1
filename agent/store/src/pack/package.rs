//! A course package as the sidecar carries it: which files it is made of, each stored as a content like any
//! other. So the second machine finds the course in the share and needs nothing else. Packages are named by
//! the hash of their statement's bytes, and those bytes are kept as they came.

use kitbag_core::id::ContentId;
use kitbag_core::path::WorkPath;
use serde::{Deserialize, Serialize};

const LONGEST_TEXT: usize = 256;

/// One version of one course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The course's id.
    pub course: String,
    /// The package's version.
    pub version: String,
    /// What people call the course; empty where the author gave no title.
    #[serde(default)]
    pub title: String,
    /// All its files.
    pub files: Vec<PackageFile>,
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFile {
    /// Its content.
    pub id: ContentId,
    /// Where it lies in the package.
    pub path: WorkPath,
    /// How many bytes.
    pub size: u64,
}

/// A line that is not a course package we can take.
#[derive(Debug, thiserror::Error)]
pub enum BadPackage {
    /// Not our JSON, or a path that leaves the package.
    #[error("not a course package: {0}")]
    NotJson(#[from] serde_json::Error),
    /// A course, version or title over 256 bytes, or no course or version at all.
    #[error("not a course package: its {0} is empty or too long")]
    Text(&'static str),
}

impl Package {
    /// The bytes its name is the hash of.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Its name, when it is written anew.
    pub fn id(&self) -> ContentId {
        ContentId::of(&self.canonical())
    }

    /// Read a package and name it by these very bytes.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<(ContentId, Self), BadPackage> {
        let package: Self = serde_json::from_slice(bytes)?;
        let bad = |text: &str| text.is_empty() || text.len() > LONGEST_TEXT;
        if bad(&package.course) {
            return Err(BadPackage::Text("course"));
        }
        if bad(&package.version) {
            return Err(BadPackage::Text("version"));
        }
        if package.title.len() > LONGEST_TEXT {
            return Err(BadPackage::Text("title"));
        }
        Ok((ContentId::of(bytes), package))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Package {
        let path = WorkPath::parse("seeds/intro.ipynb").unwrap();
        let files = vec![PackageFile { id: ContentId::of(b"x"), path, size: 1 }];
        Package { course: "tm351".into(), version: "24.1".into(), title: "Data".into(), files }
    }

    #[test]
    fn there_and_back() {
        let package = sample();
        assert_eq!(Package::parse(&package.canonical()).unwrap(), (package.id(), package));
    }

    #[test]
    fn odd_packages_are_refused() {
        let text = String::from_utf8(sample().canonical()).unwrap();
        for (from, to) in [("tm351", ""), ("24.1", ""), ("seeds/", "../"), ("\"size\":1", "\"size\":-1")] {
            assert!(Package::parse(text.replace(from, to).as_bytes()).is_err(), "{to}");
        }
        let long = Package { title: "t".repeat(LONGEST_TEXT + 1), ..sample() };
        assert!(matches!(Package::parse(&long.canonical()), Err(BadPackage::Text("title"))));
    }
}
