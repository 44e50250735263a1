//! What a person takes away of a course that runs here: which programs are started, with what. They are this computer's
//! own and stay; ports are those of this computer, secrets and folders are names.

use kitbag_sdk::Spec;
use serde_json::{Value, json};

use crate::source::{Kind, Source};

/// Describe it.
pub fn describe(source: &Source, what: &Spec) -> String {
    let port = |name: &str| what.ports.iter().find(|port| port.service == name).map(|port| port.number);
    let programs: Vec<Value> = source
        .services
        .iter()
        .filter(|one| one.kind == Kind::Program)
        .filter_map(|one| {
            let program = one.program.as_ref()?;
            Some(json!({
                "service": one.name, "program": program, "args": one.args, "env": one.env,
                "port": port(&one.name), "path": one.path.as_deref().unwrap_or_default(),
            }))
        })
        .collect();
    json!({ "programs": programs }).to_string()
}

#[cfg(test)]
mod tests {
    use kitbag_sdk::{EnvRef, Port};

    use super::*;

    #[test]
    fn programs_are_told_with_this_computers_ports_and_no_secret() {
        let source = json!({ "services": [
            { "name": "notebooks", "kind": "program", "program": "jupyter", "args": ["lab", "--port={port}"],
              "env": { "JUPYTER_TOKEN": "{token}" }, "port": 35188, "path": "/lab" },
            { "name": "rows", "kind": "sqlite" },
        ] });
        let id = EnvRef { workspace: "w".into(), machine: "m".into(), name: "course".into() };
        let ports = vec![Port { service: "notebooks".into(), number: 40_000 }];
        let what = Spec { id, source: source.to_string(), ports, env: vec![] };
        let told: Value =
            serde_json::from_str(&describe(&Source::read(&what.source).unwrap(), &what)).unwrap();
        let expected = json!({ "programs": [{
            "service": "notebooks", "program": "jupyter", "args": ["lab", "--port={port}"],
            "env": { "JUPYTER_TOKEN": "{token}" }, "port": 40_000, "path": "/lab",
        }] });
        assert_eq!(told, expected);
    }
}
