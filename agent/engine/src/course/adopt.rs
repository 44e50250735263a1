//! A course comes into a workspace: its package and the content of each of its files are published, so that the next
//! machine finds it in the share and needs nothing else, and a copy is unpacked here. What is published already is
//! not stored again.

use std::path::Path;

use kitbag_core::course::Problem;
use kitbag_core::finding::Finding;
use kitbag_core::path::shown;

use super::package::{ReadPackage, read_folder};
use super::{CourseHere, unpack};
use crate::error::EngineError;
use crate::share::Share;
use crate::sync::store_package;
use crate::workspace::Workspace;

/// What bringing a course in did.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// The course.
    pub here: CourseHere,
    /// What its author should know but may leave.
    pub warnings: Vec<Problem>,
    /// Whether it is the one the workspace uses now; not when a newer one is there.
    pub current: bool,
    /// Whether the workspace did not have it before.
    pub new: bool,
}

/// Bring the course of a folder into the workspace.
///
/// # Errors
/// The course has something to mend, the workspace holds another course, or something cannot be read or written.
pub fn adopt(ws: &Workspace, share: &Share, folder: &Path) -> Result<Adopted, EngineError> {
    share.check(ws, false)?;
    let ReadPackage { package, warnings, .. } = read_folder(folder, &ws.doors)?;
    let known = ws.ledger.packages()?;
    if let Some(other) = known.iter().find(|other| other.course != package.course) {
        return Err(EngineError::Failed(Finding::new(
            format!("this workspace holds another course, {}", shown(&other.course)),
            format!("The folder {} holds the course {}.", crate::error::show(folder), package.course),
            "Run `kitbag setup` with a cloud folder of its own for this course.",
        )));
    }
    let id = package.id();
    let new = !known.iter().any(|known| known.id() == id);
    store_package(ws, share, &package, folder)?;
    let here = unpack::unpack(ws, share, &package)?;
    let current = unpack::newest_first(ws)?.first().is_some_and(|newest| newest.id() == id);
    Ok(Adopted { here, warnings, current, new })
}
