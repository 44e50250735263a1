//! The good manifest with one change at a time, out of a table, and what is said about it.

use kitbag_core::course::{MANIFEST, Problem};

use super::{GOOD, good_files, line_of, look};

struct Mistake {
    find: String,
    replace: String,
    place: &'static str,
    message: &'static str,
    remedy: &'static str,
}

fn mistakes() -> Vec<Mistake> {
    let lines = include_str!("mistakes.txt").lines().filter(|line| !line.starts_with('#'));
    let read = |line: &'static str| {
        let mut parts = line.split(" | ").chain(std::iter::repeat(""));
        let mut next = || parts.next().unwrap().trim_end_matches(" |");
        let (find, replace) = (next().replace("\\n", "\n"), next().replace("\\n", "\n"));
        Mistake { find, replace, place: next(), message: next(), remedy: next() }
    };
    lines.map(read).collect()
}

impl Mistake {
    fn manifest(&self) -> String {
        assert!(GOOD.contains(&self.find), "{:?} is not in the good manifest", self.find);
        GOOD.replacen(&self.find, &self.replace, 1)
    }
}

#[test]
fn each_is_named_on_its_line_with_a_remedy() {
    let mistakes = mistakes();
    assert!(mistakes.len() > 130);
    for mistake in mistakes {
        let Mistake { find, replace, place, message, remedy } = &mistake;
        let manifest = mistake.manifest();
        let problems = look(&manifest, &good_files()).problems;
        if message.is_empty() {
            assert_eq!(problems, [], "{find:?} → {replace:?}");
            continue;
        }
        let fits = |problem: &Problem| problem.message.contains(message) && problem.remedy.contains(remedy);
        let problem = problems.iter().find(|problem| fits(problem));
        let problem = problem.unwrap_or_else(|| panic!("{find:?} → {replace:?} gave {problems:#?}"));
        assert_eq!(problem.file, MANIFEST);
        if !place.is_empty() {
            let place = place.replace("\\n", "\n");
            assert_eq!(problem.line, line_of(&manifest, &place), "{find:?} → {replace:?}: {problem}");
        }
    }
}

#[test]
fn each_is_said_once() {
    // These changes rightly break two things; all others are one problem, without echoes.
    let two = ["[service.sqlit]", "[service.x]", "[service.databse]", "Notebooks/x.csv"];
    for mistake in mistakes() {
        let breaks_two = two.iter().any(|part| mistake.replace.contains(part));
        if mistake.message.is_empty() || breaks_two || mistake.message.contains("Nothing makes") {
            continue;
        }
        let problems = look(&mistake.manifest(), &good_files()).problems;
        assert_eq!(problems.len(), 1, "{:?} → {:?} gave {problems:#?}", mistake.find, mistake.replace);
    }
}
