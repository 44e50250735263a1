//! Two versions of a file put beside each other: two files of anybody's, or an older version of a workspace and what the
//! working folder has. What differs is core's to say; here they are read.

use std::path::Path;

use kitbag_core::id::ContentId;
use kitbag_core::merge::difference::{Difference, difference};
use kitbag_core::merge::notebook::LARGEST;
use serde::Serialize;

use crate::doors::Doors;
use crate::error::EngineError;
use crate::given::{self, Given, is_nothing};

/// `diff --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The older version.
    pub before: Compare,
    /// The newer one.
    pub after: Compare,
    /// `same`, `notebook` with `cells` and `metadata`, `text` with `lines`, or `binary`, which is also all that is more
    /// than 128 MiB.
    #[serde(flatten)]
    pub difference: Difference,
}

/// One of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Compare {
    /// The file.
    pub path: String,
    /// The version's id; null for a file as it is now.
    pub version: Option<String>,
    /// As many digits of it as name no other version.
    pub short: Option<String>,
    /// The machine that made the version; null for a change made in the cloud folder.
    pub machine: Option<String>,
    /// When, by that machine's clock.
    pub when: Option<String>,
    /// Bytes; null where there is no such file, or the version is a removal.
    pub bytes: Option<u64>,
}

/// Compare two files.
///
/// # Errors
/// One cannot be read.
pub fn compare_files(doors: &Doors, before: &Path, after: &Path) -> Result<Compared, EngineError> {
    let read = |file: &Path| {
        let given = if is_nothing(file) { None } else { Some(given::read(doors, file, LARGEST)?) };
        let path = file.to_string_lossy().into_owned();
        Ok::<_, EngineError>((Compare { path, ..Compare::default() }, given))
    };
    Ok(compared(read(before)?, read(after)?))
}

/// What differs between what was read; nothing for a file that is not there.
pub(crate) fn compared(before: (Compare, Option<Given>), after: (Compare, Option<Given>)) -> Compared {
    let sized = |(side, given): (Compare, Option<Given>)| {
        let bytes = given.as_ref().map(|given| match given {
            Given::Whole(bytes) => bytes.len() as u64,
            Given::Larger(bytes, _) => *bytes,
        });
        (Compare { bytes, ..side }, given)
    };
    let ((before, old), (after, new)) = (sized(before), sized(after));
    let difference = match (&old, &new) {
        (None, None) => Difference::Same,
        (Some(Given::Larger(_, one)), Some(Given::Larger(_, other))) if one == other => Difference::Same,
        (Some(Given::Larger(..)), _) | (_, Some(Given::Larger(..))) => Difference::Binary,
        _ => {
            fn bytes(given: &Option<Given>) -> &[u8] {
                if let Some(Given::Whole(bytes)) = given { bytes } else { &[] }
            }
            difference(bytes(&old), bytes(&new))
        }
    };
    Compared { before, after, difference }
}

/// What it is, whatever its size.
pub(crate) fn content(given: &Given) -> ContentId {
    match given {
        Given::Whole(bytes) => ContentId::of(bytes),
        Given::Larger(_, id) => *id,
    }
}
