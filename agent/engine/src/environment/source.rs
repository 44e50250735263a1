//! What a backend is told to run: the course's block for it, with what kitbag adds: the services; for one that has
//! images built the course's version, so that a changed folder is built again; and the text of a compose file, since a
//! plugin reads no files.

use std::collections::BTreeSet;

use kitbag_core::course::{Service, ServiceKind};
use kitbag_core::finding::Finding;
use kitbag_core::path::{WorkPath, shown};
use serde_json::{Map, Value, json};

use super::consent::wants_engine;
use super::python::Ready;
use crate::course::CourseHere;
use crate::doors::Doors;
use crate::error::EngineError;

/// The setting that names a compose file of the package, and the one its text is handed over in.
const FILE: &str = "compose_file";
const TEXT: &str = "compose";
/// Bytes of the longest one.
const LONGEST: usize = 1024 * 1024;

/// The block for a backend. Services of other backends, and those whose program is left out, are not in it.
///
/// # Errors
/// [`EngineError::Failed`] when a file the block names cannot be used.
pub(super) fn source(
    here: &CourseHere,
    doors: &Doors,
    backend: &str,
    left_out: &BTreeSet<String>,
    python: &Ready,
) -> Result<Value, EngineError> {
    let course = &here.course;
    let mut source = match course.backends.get(backend) {
        Some(Value::Object(block)) => block.clone(),
        _ => Map::new(),
    };
    let starts = |service: &Service| match &service.kind {
        ServiceKind::Program(of) => !left_out.contains(&of.program),
        _ => true,
    };
    // a page goes with what it lies under
    let services = course.services_with(backend).filter(|service| {
        starts(service) && service.under().and_then(|above| course.service(above)).is_none_or(starts)
    });
    let services = services.map(Service::told_to_backend).collect();
    source.insert("services".to_owned(), Value::Array(services));
    // programs that run with another environment than today's have to be started again
    if course.requirements(backend).is_some() {
        source.insert("python".to_owned(), json!({ "environment": python.name }));
    }
    if wants_engine(backend) {
        source.insert("course_version".to_owned(), course.version.clone().into());
    }
    if let Some(Value::String(name)) = source.remove(FILE) {
        source.insert(TEXT.to_owned(), text(here, doors, &name)?.into());
    }
    Ok(Value::Object(source))
}

fn text(here: &CourseHere, doors: &Doors, name: &str) -> Result<String, EngineError> {
    let failed = |why: &str| {
        EngineError::Failed(Finding::new(
            format!("the course's file {} cannot be used", shown(name)),
            why,
            "Tell the course team; `kitbag course check` shows it to them.",
        ))
    };
    let path =
        WorkPath::parse(name.strip_prefix("./").unwrap_or(name)).map_err(|bad| failed(&format!("{bad}.")))?;
    let bytes = here.files(doors).bytes(&path).ok_or_else(|| failed("It is not in the course file."))?;
    if bytes.len() > LONGEST {
        return Err(failed("It is longer than 1 MiB."));
    }
    String::from_utf8(bytes).map_err(|_| failed("It is not text."))
}
