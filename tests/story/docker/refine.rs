//! OpenRefine by its own HTTP API, behind the log-in of the notebook server: what a person's browser asks it when a
//! project is looked at or changed.

use serde_json::{Value, json};

use super::lab::Docked;
use crate::http::{form, get, http};

/// The number of the project the course brings; its folder is called so.
pub const PROJECT: &str = "2025000000001";
/// That folder, below the work.
pub const FOLDER: &str = "openrefine_projects/2025000000001.project";

/// OpenRefine as one machine reaches it.
pub struct Refine {
    base: String,
    token: String,
}

impl Refine {
    /// The one of this machine; nobody gets there without its token.
    #[track_caller]
    pub fn of(machine: &Docked) -> Self {
        let refine = Refine { base: machine.url("openrefine"), token: machine.jupyter().token };
        assert_eq!(get(&refine.at("get-version"), None), Some(302), "it is open to everybody");
        refine
    }

    fn at(&self, command: &str) -> String {
        format!("{}command/core/{command}", self.base)
    }

    /// What it answers to a question about the project.
    #[track_caller]
    fn ask(&self, command: &str, query: &str) -> Value {
        let url = self.at(&format!("{command}?project={PROJECT}{query}"));
        let answer = http("GET", &url, Some(&self.token), "").unwrap();
        assert_eq!(answer.status, 200, "{command}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{command}: {error}: {answer:?}"))
    }

    /// Change all values of a column by an expression, as a person does by its menu.
    #[track_caller]
    pub fn transform(&self, column: &str, expression: &str) {
        let step = json!([{
            "op": "core/text-transform", "engineConfig": { "facets": [], "mode": "row-based" }, "columnName": column,
            "expression": expression, "onError": "keep-original", "repeat": false, "repeatCount": 10,
        }]);
        let csrf = self.ask("get-csrf-token", "")["token"].as_str().unwrap().to_owned();
        let url = self.at(&format!("apply-operations?project={PROJECT}&csrf_token={csrf}"));
        let said = form(&url, Some(&self.token), &[("operations", &step.to_string())]).unwrap();
        let answer: Value = serde_json::from_str(&said.body).unwrap_or_default();
        assert_eq!((said.status, &answer["code"]), (200, &"ok".into()), "{said:?}");
    }

    /// The first values of a column, as its page shows them.
    #[track_caller]
    pub fn column(&self, name: &str) -> Vec<String> {
        let model = self.ask("get-models", "");
        let columns = model["columnModel"]["columns"].as_array().unwrap();
        let column = columns.iter().find(|column| column["name"] == name).unwrap();
        let place = column["cellIndex"].as_u64().unwrap() as usize;
        let rows = self.ask("get-rows", "&start=0&limit=50");
        let rows = rows["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 50);
        rows.iter().map(|row| row["cells"][place]["v"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What was done in the project so far.
    #[track_caller]
    pub fn steps(&self) -> Vec<String> {
        let history = self.ask("get-history", "");
        let past = history["past"].as_array().unwrap();
        past.iter().map(|step| step["description"].as_str().unwrap().to_owned()).collect()
    }
}
