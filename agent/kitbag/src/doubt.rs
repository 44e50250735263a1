//! What could be lost is told before it is, and the person asked whether to go on.

use kitbag_core::path::shown;
use kitbag_engine::environment::Doubt;
use serde_json::json;

use crate::context::Context;
use crate::question::{Kind, Question};

/// Whether to go on. `--yes` goes on; where nobody can be asked, only if nothing is known to run.
pub fn go_on(context: &Context, doubt: &Doubt) -> bool {
    let question = question(doubt);
    if context.yes {
        context.tell(&question);
        return true;
    }
    let unasked = matches!(doubt, Doubt::Notebooks(at_work) if at_work.running.is_empty());
    context.agrees(&question).unwrap_or(unasked)
}

fn question(doubt: &Doubt) -> Question {
    let (told, text, detail) = match doubt {
        Doubt::Notebooks(at_work) => {
            let running = at_work.running.iter().map(|name| format!("Still running: {}", shown(name)));
            let unsaved = at_work.unsaved.iter().map(|name| format!("Perhaps not saved: {}", shown(name)));
            (
                running.chain(unsaved).collect(),
                "Stop all the same? What runs ends, what is not saved is lost.",
                json!({ "about": "notebooks", "running": at_work.running, "unsaved": at_work.unsaved }),
            )
        }
        Doubt::Unsaved(databases) => {
            let line = |(service, why): (&String, &String)| {
                format!("The database {} cannot be saved: {}", shown(service), shown(why))
            };
            let last = "What was changed since its last backup would be lost.".to_owned();
            let one = |(service, why)| json!({ "service": service, "why": why });
            let list: Vec<_> = databases.iter().map(one).collect();
            (
                databases.iter().map(line).chain([last]).collect(),
                "Go on all the same?",
                json!({ "about": "databases", "databases": list }),
            )
        }
    };
    Question { kind: Kind::GoOn, told, text: text.to_owned(), detail }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use kitbag_core::notebook::AtWork;

    use super::*;

    #[test]
    fn a_doubt_names_what_could_be_lost_safely_in_words_and_whole_in_detail() {
        let hostile = "\u{1b}[2J\u{202e}gpj.ipynb";
        let at_work =
            AtWork { running: BTreeSet::from([hostile.to_owned()]), unsaved: BTreeSet::from(["b".into()]) };
        let asked = question(&Doubt::Notebooks(at_work));
        assert_eq!(asked.kind, Kind::GoOn);
        assert!(!asked.told.concat().contains(['\u{1b}', '\u{202e}']), "{asked:?}");
        assert_eq!(asked.told[1], "Perhaps not saved: b");
        assert_eq!(asked.detail, json!({ "about": "notebooks", "running": [hostile], "unsaved": ["b"] }));

        let asked = question(&Doubt::Unsaved(BTreeMap::from([("db".into(), "it is full".into())])));
        assert_eq!(asked.told[0], "The database db cannot be saved: it is full");
        let databases = json!([{ "service": "db", "why": "it is full" }]);
        assert_eq!(asked.detail, json!({ "about": "databases", "databases": databases }));
    }
}
