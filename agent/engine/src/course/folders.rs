//! The folders a course needs, made before every start: a program that finds its folder missing fails in ways nobody
//! understands.

use kitbag_core::course::Course;
use kitbag_core::finding::Finding;

use super::package::below;
use crate::error::EngineError;
use crate::workspace::Workspace;

/// Make what is missing of the course's folders in the working folder; how many were.
///
/// # Errors
/// A file stands where a folder has to be, or the folder cannot be made.
pub fn make_required(ws: &Workspace, course: &Course) -> Result<usize, EngineError> {
    let disk = &ws.doors.disk;
    let mut made = 0;
    for path in &course.folders {
        let Some(folder) = below(&ws.settings.work, path) else { continue };
        if disk.list(&folder).is_ok() {
            continue;
        }
        if disk.stat(&folder).is_ok() {
            return Err(EngineError::Failed(Finding::new(
                format!("the course needs a folder {path}, and a file of that name stands there"),
                "Its programs look for their files in that folder.",
                "Rename the file, then try again.",
            )));
        }
        disk.create_dirs(&folder).map_err(EngineError::io("cannot make", &folder))?;
        made += 1;
    }
    Ok(made)
}
