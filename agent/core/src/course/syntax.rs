//! From text to TOML tables, in two looks. The first walks over the events of the parser: broken lines are
//! said, and what nests too deeply is refused before any table is built, because tables within tables by the
//! thousand (dotted keys inside inline tables) would overflow the stack when they are dropped. The second
//! builds the tables and finds names given twice.

use toml::Spanned;
use toml::de::DeTable;
use toml_parser::parser::{Event, EventKind, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{Expected, ParseError, Source};

use super::problem::Notes;
use crate::path::shown;

/// Most names in one dotted key, and most brackets within brackets.
const DEEPEST: usize = 16;

const REMEDY: &str = "Look at this line and the one above for a missing quote, bracket or `=`.";

/// The tables of a manifest; nothing, with the problems noted, when it is not TOML.
pub(super) fn parsed<'t>(text: &'t str, notes: &mut Notes) -> Option<Spanned<DeTable<'t>>> {
    let (events, errors) = events(text);
    if let Some(at) = too_deep(&events) {
        let line = notes.line(&(at..at));
        notes.problem(line, "Tables or lists nest too deeply in each other.", "Use at most 16 levels.");
        return None;
    }
    for error in &errors {
        let at = error.unexpected().or(error.context()).map_or(0, |span| span.start());
        let line = notes.line(&(at..at));
        notes.problem(line, format!("This is not TOML: {}.", shown(&words(error))), REMEDY);
    }
    if !errors.is_empty() {
        return None;
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = error.span().map_or(1, |span| notes.line(&span));
        let remedy = match error.message() {
            "duplicate key" => "Remove one of the two; a list of blocks begins each with [[…]].",
            _ => REMEDY,
        };
        notes.problem(line, format!("This is not TOML: {}.", shown(error.message())), remedy);
    }
    errors.is_empty().then_some(document)
}

fn events(text: &str) -> (Vec<Event>, Vec<ParseError>) {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let (mut events, mut errors) = (Vec::with_capacity(tokens.len()), Vec::new());
    let mut receiver = ValidateWhitespace::new(&mut events, source);
    let mut receiver = RecursionGuard::new(&mut receiver, DEEPEST as u32);
    parse_document(&tokens, &mut receiver, &mut errors);
    (events, errors)
}

/// Where the manifest first nests too deeply, in bytes.
fn too_deep(events: &[Event]) -> Option<usize> {
    let (mut open, mut names) = (0usize, 0);
    let deep = events.iter().find(|event| {
        match event.kind() {
            EventKind::InlineTableOpen | EventKind::ArrayOpen => open += 1,
            EventKind::InlineTableClose | EventKind::ArrayClose => open = open.saturating_sub(1),
            _ => {}
        }
        match event.kind() {
            EventKind::SimpleKey => names += 1,
            EventKind::KeySep | EventKind::Whitespace => {}
            _ => names = 0,
        }
        open > DEEPEST || names > DEEPEST
    });
    deep.map(|event| event.span().start())
}

fn words(error: &ParseError) -> String {
    let mut text = error.description().to_owned();
    for (at, expected) in error.expected().unwrap_or_default().iter().enumerate() {
        text.push_str(if at == 0 { ", expected " } else { " or " });
        match expected {
            Expected::Literal("\n") => text.push_str("the end of the line"),
            Expected::Literal(literal) => text.extend(["`", literal, "`"]),
            Expected::Description(words) => text.push_str(words),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(Option<usize>, String)> {
        let mut notes = Notes::new(text);
        let read = parsed(text, &mut notes).is_some();
        let (problems, _) = notes.into_sorted();
        assert_eq!(read, problems.is_empty());
        problems.into_iter().map(|problem| (problem.line, problem.message)).collect()
    }

    #[test]
    fn broken_lines_are_named() {
        assert_eq!(problems("a = 1\nb = [1, 2]\n[c]\n\"d\".e = { f = '' }\n"), []);
        let not_toml = |text: &str| format!("This is not TOML: {text}.");
        assert_eq!(problems("a = 1\n[b\nc = 1\n"), [(Some(2), not_toml("unclosed table, expected `]`"))]);
        assert_eq!(problems("a = 1\na = 2\n"), [(Some(2), not_toml("duplicate key"))]);
        assert_eq!(problems("a = 1\n\nb = x\nc = \"\n").len(), 2);
        assert!(!problems("a = 1 \u{1}\n").is_empty());
    }

    #[test]
    fn depth_has_an_end() {
        let lists = |depth| format!("\na = {}{}", "[".repeat(depth), "]".repeat(depth));
        let names = |count| format!("a = 1\n[{}]", vec!["k"; count].join(" . "));
        assert_eq!(problems(&lists(16)), []);
        assert_eq!(problems(&names(16)), []);
        for text in [
            lists(17),
            names(17),
            "\na = ".to_owned() + &"{a=".repeat(17),
            "\na = ".to_owned() + &"[".repeat(99),
        ] {
            let expected = "Tables or lists nest too deeply in each other.".to_owned();
            assert_eq!(problems(&text), [(Some(2), expected)], "{text}");
        }
    }
}
