//! Which data an environment keeps. Data lies in volumes; one that was removed and made again has the same name and
//! another moment of making, which stands in its label. A course without volumes keeps its data in the containers
//! themselves. kitbag remembers the stamp beside what it brought into a database, and believes nothing of a database
//! with another one. Snapshots are no part of it.

use kitbag_sdk::{EnvRef, Fault};

use crate::api::Api;
use crate::{look, names};

/// The same as long as the data are; none where there are none.
///
/// # Errors
/// The engine's.
pub fn stamp(api: &Api<'_>, id: &EnvRef) -> Result<Option<String>, Fault> {
    let current = look::volumes(api, id)?.current;
    let mut parts: Vec<String> =
        current.into_values().map(|one| format!("{} {}", one.name, one.made)).collect();
    let kind = if parts.is_empty() { "containers" } else { "volumes" };
    if parts.is_empty() {
        parts = look::containers(api, id)?.into_iter().map(|one| one.id).collect();
    }
    if parts.is_empty() {
        return Ok(None);
    }
    parts.sort();
    Ok(Some(format!("{kind}-{}", names::hash(&parts.join("\n")))))
}
