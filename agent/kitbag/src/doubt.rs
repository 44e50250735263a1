//! What could be lost, or is tight, is told before it happens, and the person asked whether to go on.

use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_engine::environment::Doubt;
use serde_json::json;

use crate::context::Context;
use crate::question::{Kind, Question};

/// Whether to go on. `--yes` goes on; where nobody can be asked, only if nothing is known to be lost.
pub fn go_on(context: &Context, doubt: &Doubt) -> bool {
    let question = question(doubt);
    if context.yes {
        context.tell(&question);
        return true;
    }
    let unasked = match doubt {
        Doubt::Notebooks(at_work) => at_work.running.is_empty(),
        Doubt::Unsaved(_) => false,
        // nothing is lost by it
        Doubt::Tight(_) => true,
    };
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
        Doubt::Tight(tight) => {
            let short = |short: &Finding| format!("{} {} {}", short.what, short.why, short.remedy);
            let others = tight.alternatives.iter().map(|other| format!("  {other}"));
            (
                tight.short.iter().map(short).chain(others).map(|line| shown(&line)).collect(),
                "Start the course here all the same?",
                json!({ "about": "machine", "backend": tight.backend, "short": tight.short, "alternatives": tight.alternatives }),
            )
        }
    };
    Question { kind: Kind::GoOn, told, text: text.to_owned(), detail }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use kitbag_core::notebook::AtWork;
    use kitbag_engine::environment::Tight;

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

        let short = vec![Finding::new("Little.", "8 GB, 4 GB.", "Buy.")];
        let tight = Tight { backend: "local".into(), short, alternatives: vec!["Go \u{1b}home.".into()] };
        let asked = question(&Doubt::Tight(tight));
        assert_eq!(asked.told, ["Little. 8 GB, 4 GB. Buy.", "  Go \\u{1b}home."]);
        assert_eq!(
            (&asked.detail["about"], &asked.detail["short"][0]["what"]),
            (&json!("machine"), &json!("Little."))
        );
    }
}
