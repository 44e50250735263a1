//! Which backend runs a course on this machine: the one asked for, else the first of the course's own that this
//! kitbag has. One it does not have is said with what can be done instead.

use kitbag_core::course::{Course, LOCAL};
use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_plugin_host::bundled;

use crate::error::EngineError;

/// Choose the backend of a course.
///
/// # Errors
/// [`EngineError::Missing`] when it is not here, [`EngineError::Failed`] when the course does not go with it.
pub fn choose(course: &Course, asked: Option<&str>) -> Result<String, EngineError> {
    let have = |name: &str| bundled().iter().any(|(id, _)| *id == name);
    let known: Vec<&str> = bundled().iter().map(|(id, _)| *id).collect();
    let told: Vec<&str> = course.backends.keys().map(String::as_str).collect();
    let missing = |what: String| {
        EngineError::Missing(Finding::new(
            what,
            format!("This kitbag can run courses with: {}.", known.join(", ")),
            "Use `kitbag up --backend NAME` with one of them if the course has it, or ask the course team.",
        ))
    };
    match asked {
        Some(name) if !have(name) => Err(missing(format!("there is no backend called {} here", shown(name)))),
        Some(name) if !told.is_empty() && !told.contains(&name) => Err(EngineError::Failed(Finding::new(
            format!("the course cannot run with the backend {name}"),
            format!("It says how to run with: {}.", told.join(", ")),
            "Leave `--backend` out, or name one of these.",
        ))),
        Some(name) => Ok(name.to_owned()),
        // there is nothing to run then
        None if told.is_empty() => Ok(LOCAL.to_owned()),
        None => match told.iter().find(|name| have(name)) {
            Some(name) => Ok((*name).to_owned()),
            None => {
                Err(missing(format!("the course needs the backend {}, which is not here", told.join(" or "))))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(backends: &[&str]) -> Course {
        let backends = backends.iter().map(|name| ((*name).to_owned(), serde_json::json!({}))).collect();
        Course { backends, ..Course::default() }
    }

    #[test]
    fn the_first_that_is_here_is_chosen() {
        assert_eq!(choose(&course(&["cloud", "local"]), None).unwrap(), "local");
        assert_eq!(choose(&course(&["docker", "local"]), None).unwrap(), "docker");
        assert_eq!(choose(&course(&[]), None).unwrap(), "local");
        assert_eq!(choose(&course(&["local"]), Some("local")).unwrap(), "local");
    }

    #[test]
    fn what_is_not_here_is_said_with_a_remedy() {
        for (backends, asked) in
            [(&["cloud"][..], None), (&["local"], Some("cloud")), (&["cloud"], Some("cloud"))]
        {
            let error = choose(&course(backends), asked).unwrap_err();
            assert!(matches!(error, EngineError::Missing(_)), "{error}");
            assert!(error.to_string().contains("cloud") && error.finding().why.contains("local"));
        }
        let error = choose(&course(&["docker"]), Some("local")).unwrap_err();
        assert!(matches!(error, EngineError::Failed(_)), "{error}");
    }
}
