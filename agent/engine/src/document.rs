//! One small JSON document of machine state: read whole or not at all, and written so that a crash leaves the old one or
//! the new one.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::doors::Doors;
use crate::error::EngineError;

/// None is longer, in bytes.
const LONGEST: u64 = 1 << 20;

/// What it says; none when there is none.
///
/// # Errors
/// It cannot be read, or not be understood.
pub(crate) fn read<T: DeserializeOwned>(file: &Path, doors: &Doors) -> Result<Option<T>, EngineError> {
    let open = match doors.disk.open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(EngineError::io("cannot read", file))?,
    };
    let mut text = String::new();
    open.take(LONGEST).read_to_string(&mut text).map_err(EngineError::io("cannot read", file))?;
    let state =
        |error: serde_json::Error| EngineError::State { path: file.to_owned(), reason: error.to_string() };
    serde_json::from_str(&text).map(Some).map_err(state)
}

/// Put this in its place. Its folder must exist.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(file: &Path, document: &impl Serialize, doors: &Doors) -> Result<(), EngineError> {
    let state =
        |error: serde_json::Error| EngineError::State { path: file.to_owned(), reason: error.to_string() };
    let text = serde_json::to_string_pretty(document).map_err(state)?;
    let new = file.with_extension("json.new");
    let written = (|| {
        match doors.disk.remove(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut open = doors.disk.create(&new)?;
        open.write_all(text.as_bytes())?;
        open.finish(true)?;
        doors.disk.rename_over(&new, file)
    })();
    written.map_err(EngineError::io("cannot write", file))
}
