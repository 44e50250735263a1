//! Which backends may run a course on this machine, in order: the one asked for; else the one its environment was made
//! with here, since its databases lie there; else the course's own that this kitbag has. One it does not have is said
//! with what can be done instead.

use kitbag_core::course::{Course, LOCAL};
use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_plugin_host::bundled;

use crate::error::EngineError;

/// The backends to try for a course, the first one first; never none.
///
/// # Errors
/// [`EngineError::Missing`] when none is here, [`EngineError::Failed`] when the course does not go with the one asked
/// for.
pub(super) fn choose(
    course: &Course,
    asked: Option<&str>,
    made: Option<&str>,
) -> Result<Vec<String>, EngineError> {
    let have = |name: &str| bundled().iter().any(|(id, _)| *id == name);
    let known: Vec<&str> = bundled().iter().map(|(id, _)| *id).collect();
    let told: Vec<&str> = course.backends.keys().map(String::as_str).collect();
    let fits = |name: &str| if told.is_empty() { name == LOCAL } else { told.contains(&name) };
    let missing = |what: String| {
        EngineError::Missing(Finding::new(
            what,
            format!("This kitbag can run courses with: {}.", known.join(", ")),
            "Use `kitbag up --backend NAME` with one of them if the course has it, or ask the course team.",
        ))
    };
    match (asked, made.filter(|name| have(name) && fits(name))) {
        (Some(name), _) if !have(name) => {
            Err(missing(format!("there is no backend called {} here", shown(name))))
        }
        (Some(name), _) if !told.is_empty() && !told.contains(&name) => {
            Err(EngineError::Failed(Finding::new(
                format!("the course cannot run with the backend {name}"),
                format!("It says how to run with: {}.", told.join(", ")),
                "Leave `--backend` out, or name one of these.",
            )))
        }
        (Some(name), _) | (None, Some(name)) => Ok(vec![name.to_owned()]),
        (None, None) if told.is_empty() => Ok(vec![LOCAL.to_owned()]),
        (None, None) => {
            let here: Vec<_> = told.iter().filter(|name| have(name)).map(|&name| name.to_owned()).collect();
            if here.is_empty() {
                let told = told.join(" or ");
                return Err(missing(format!("the course needs the backend {told}, which is not here")));
            }
            Ok(here)
        }
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
    fn those_that_are_here_are_tried_in_the_courses_order() {
        assert_eq!(choose(&course(&["cloud", "local"]), None, None).unwrap(), ["local"]);
        assert_eq!(choose(&course(&["cloud", "docker", "local"]), None, None).unwrap(), ["docker", "local"]);
        assert_eq!(choose(&course(&[]), None, None).unwrap(), ["local"]);
        assert_eq!(choose(&course(&["docker", "local"]), Some("local"), None).unwrap(), ["local"]);
    }

    /// No silent change to another backend while there is an environment; a wish counts more, and a course that no
    /// longer goes with it too.
    #[test]
    fn an_environment_stays_with_what_made_it() {
        let both = course(&["docker", "local"]);
        assert_eq!(choose(&both, None, Some("local")).unwrap(), ["local"]);
        assert_eq!(choose(&both, None, Some("docker")).unwrap(), ["docker"]);
        assert_eq!(choose(&both, Some("docker"), Some("local")).unwrap(), ["docker"]);
        assert_eq!(choose(&both, None, Some("cloud")).unwrap(), ["docker", "local"]);
        assert_eq!(choose(&course(&["docker"]), None, Some("local")).unwrap(), ["docker"]);
    }

    #[test]
    fn what_is_not_here_is_said_with_a_remedy() {
        for (backends, asked) in
            [(&["cloud"][..], None), (&["local"], Some("cloud")), (&["cloud"], Some("cloud"))]
        {
            let error = choose(&course(backends), asked, None).unwrap_err();
            assert!(matches!(error, EngineError::Missing(_)), "{error}");
            assert!(error.to_string().contains("cloud") && error.finding().why.contains("local"));
        }
        let error = choose(&course(&["docker"]), Some("local"), None).unwrap_err();
        assert!(matches!(error, EngineError::Failed(_)), "{error}");
    }
}
