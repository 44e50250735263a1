//! Where in an environment something happens: `SERVICE:PATH` in the container of a service, `PATH` in the main one,
//! a granted name such as `work` where that folder is mounted. Looks the container up by its labels.

use kitbag_sdk::{EnvRef, Fault, FaultCode};

use crate::api::Api;
use crate::layout::{is_name, shown};
use crate::look::{self, Found};
use crate::plan::missing;

/// A container, and a path in it.
#[derive(Debug)]
pub struct Place {
    /// Which container.
    pub container: Found,
    /// An absolute path; none: where its program starts.
    pub path: Option<String>,
}

/// Find a place.
///
/// # Errors
/// `not-found` for an absent environment or service, `invalid-config` for a path that is none.
pub fn find(api: &Api<'_>, id: &EnvRef, text: Option<&str>) -> Result<Place, Fault> {
    let all = look::containers(api, id)?;
    if all.is_empty() {
        return Err(missing());
    }
    let text = text.unwrap_or_default();
    let (service, path) = match text.split_once(':') {
        Some((service, path)) if is_name(service) => (Some(service), path),
        _ => (None, text),
    };
    let container = match service {
        Some(service) => of_service(all, service)?,
        None => {
            let mounts =
                |one: &Found| one.about.as_ref().is_some_and(|about| about.folders.contains_key(path));
            let main = |one: &Found| one.about.as_ref().is_some_and(|about| about.main);
            let at =
                all.iter().position(|one| main(one) && mounts(one)).or_else(|| all.iter().position(mounts));
            let at = at.or_else(|| all.iter().position(main)).unwrap_or_default();
            all.into_iter().nth(at).ok_or_else(missing)?
        }
    };
    let folder = container.about.as_ref().and_then(|about| about.folders.get(path)).cloned();
    let path = match (path, folder) {
        (_, Some(folder)) => Some(folder),
        // A granted folder that is mounted nowhere as a whole: the program starts where it always does.
        ("" | "work" | "data", None) => None,
        (path, None) if path.starts_with('/') && !path.contains('\0') => Some(path.to_owned()),
        (path, None) => {
            return Err(Fault::new(
                FaultCode::InvalidConfig,
                format!("{} is not a path inside the environment.", shown(path)),
            )
            .remedy("Write SERVICE:/FOLDER or /FOLDER."));
        }
    };
    Ok(Place { container, path })
}

/// The container in which a service runs.
///
/// # Errors
/// `not-found` when there is none.
pub fn of_service(all: Vec<Found>, service: &str) -> Result<Found, Fault> {
    let of = |one: &Found| {
        let services = one.about.iter().flat_map(|about| &about.services);
        services.map(|(_, of)| of).find(|of| of.name == service && of.container.is_some()).cloned()
    };
    let named = all.iter().position(|one| one.part == service);
    let told = all.iter().position(|one| of(one).is_some());
    // A page under another service is in a container of its own all the same; a database is where it is inside.
    let page = told.is_some_and(|at| of(&all[at]).is_some_and(|of| of.page));
    let at = if page { named.or(told) } else { told.or(named) };
    at.and_then(|at| all.into_iter().nth(at)).ok_or_else(|| {
        Fault::new(
            FaultCode::NotFound,
            format!("There is no service {} in this environment.", shown(service)),
        )
        .remedy_command("See what there is.", &["kitbag", "status"])
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{names, source};

    /// OpenRefine has a container of its own and its page under the notebooks; two databases are inside others.
    #[test]
    fn the_container_of_a_service() {
        let layout = source::read(
            r#"{"compose":"services: {web: {image: x, ports: ['80']}, refine: {image: y}, db: {image: z}}","services":[
                {"name":"web","kind":"program"},{"name":"refine","kind":"web","path":"/r","under":"web"},
                {"name":"diff","kind":"web","path":"/d","under":"web"},{"name":"pg","kind":"database","inside":"db"},
                {"name":"db","kind":"database","inside":"web"},{"name":"file","kind":"sqlite"}]}"#,
        )
        .unwrap();
        let all: Vec<Found> = layout
            .containers
            .iter()
            .map(|one| {
                let about = serde_json::to_string(&layout.about(one)).unwrap();
                look::container(&json!({ "Labels": { (names::PART): one.name, (names::ABOUT): about } }))
            })
            .collect();
        let at = |service: &str| of_service(all.clone(), service).map(|found| found.part);
        for (service, part) in
            [("web", "web"), ("refine", "refine"), ("diff", "web"), ("pg", "db"), ("db", "web")]
        {
            assert_eq!(at(service).unwrap(), part, "{service}");
        }
        for none in ["file", "nobody"] {
            assert_eq!(at(none).unwrap_err().code, FaultCode::NotFound, "{none}");
        }
    }
}
