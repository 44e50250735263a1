//! YAML, as much as a compose file of a course needs: maps, lists and texts, each with its line. What makes YAML
//! hard to check by eye is refused: anchors and aliases (which can also blow a short text up to any size), tags,
//! several documents, a key twice, deep nesting. Every scalar stays the text it was written as.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// The longest text that is read, in bytes.
const LONGEST: usize = 256 << 10;
/// The deepest nesting.
const DEEPEST: usize = 12;

/// What is wrong, and in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// From 1.
    pub line: usize,
    /// One sentence.
    pub what: String,
}

/// A value and the line it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// From 1.
    pub line: usize,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing: an empty value, `~` or `null` without quotes.
    Nothing,
    /// A text, a number, a truth value: as written.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in its order; no key twice.
    Map(Vec<(Key, Node)>),
}

/// A key of a map and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// From 1.
    pub line: usize,
    /// As written.
    pub name: String,
}

impl Node {
    /// What a person would call it.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Nothing => "nothing",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a block of settings",
        }
    }
}

fn wrong<T>(line: usize, what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { line, what: what.into() })
}

/// Read one document.
///
/// # Errors
/// What is wrong, with its line.
pub fn read(text: &str) -> Result<Node, Wrong> {
    if text.len() > LONGEST {
        return wrong(1, "The file is too long.");
    }
    let mut reader = Reader { events: Parser::new_from_str(text) };
    let mut document = None;
    loop {
        let (event, line) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) if document.is_some() => {
                return wrong(line, "The file holds more than one document.");
            }
            Event::DocumentStart(_) => {
                let (first, line) = reader.next()?;
                document = Some(reader.node(first, line, 0)?);
            }
            Event::StreamEnd => break,
            _ => return wrong(line, "The file cannot be read."),
        }
    }
    document.map_or_else(|| wrong(1, "The file is empty."), Ok)
}

struct Reader<'t> {
    events: Parser<'t, saphyr_parser::StrInput<'t>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, usize), Wrong> {
        match self.events.next() {
            None => Ok((Event::StreamEnd, 1)),
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => wrong(
                error.marker().line(),
                format!("This is not YAML: {}.", error.info().trim_end_matches('.')),
            ),
        }
    }

    fn node(&mut self, event: Event<'t>, line: usize, depth: usize) -> Result<Node, Wrong> {
        if depth > DEEPEST {
            return wrong(line, "The file is nested too deeply.");
        }
        let value = match event {
            Event::Alias(_) => {
                return wrong(line, "Anchors and aliases (& and *) are not read here; write it out.");
            }
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                return wrong(line, "Anchors and aliases (& and *) are not read here; write it out.");
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return wrong(line, "Tags (with !) are not read here.");
            }
            Event::Scalar(text, style, _, None) => {
                let plain = style == ScalarStyle::Plain;
                if plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                    Value::Nothing
                } else {
                    Value::Text(text.into_owned())
                }
            }
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, line) => list.push(self.node(event, line, depth + 1)?),
                    }
                }
                Value::List(list)
            }
            Event::MappingStart(..) => Value::Map(self.map(depth)?),
            _ => return wrong(line, "The file cannot be read."),
        };
        Ok(Node { line, value })
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, Wrong> {
        let mut map: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(map);
            }
            let name = match self.node(event, line, depth + 1)?.value {
                Value::Text(name) => name,
                _ => return wrong(line, "Only a text can be a key."),
            };
            if map.iter().any(|(other, _)| other.name == name) {
                return wrong(line, format!("{} stands here twice.", crate::layout::shown(&name)));
            }
            let (event, of) = self.next()?;
            let node = self.node(event, of, depth + 1)?;
            map.push((Key { line, name }, node));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(of: &str) -> Value {
        Value::Text(of.to_owned())
    }

    #[test]
    fn maps_lists_and_lines() {
        let node = read("a:\n  - x\n  - \"1\"\nb: {c: 'null', d: ~}\n").unwrap();
        let Value::Map(top) = node.value else { panic!("no map") };
        assert_eq!((top[0].0.line, top[1].0.line), (1, 4));
        let Value::List(list) = &top[0].1.value else { panic!("no list") };
        assert_eq!((list[0].line, &list[0].value), (2, &text("x")));
        assert_eq!((list[1].line, &list[1].value), (3, &text("1")));
        let Value::Map(inner) = &top[1].1.value else { panic!("no map") };
        assert_eq!((&inner[0].1.value, &inner[1].1.value), (&text("null"), &Value::Nothing));
    }

    #[test]
    fn what_is_hard_to_check_is_refused_with_its_line() {
        let deep = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
        let long = "a: b\n#".to_owned() + &"x".repeat(300 << 10);
        for (source, line, word) in [
            ("a: &x 1\nb: *x\n", 1, "Anchors"),
            ("a:\n  b: !!int 3\n", 2, "Tags"),
            ("a: 1\n---\nb: 1\n", 2, "more than one"),
            ("a: 1\nb: 2\na: 3\n", 3, "twice"),
            ("a: [1\n", 2, "not YAML"),
            ("? [a]\n: 1\n", 1, "key"),
            ("", 1, "empty"),
            (&deep, 1, "deep"),
            (&long, 1, "too long"),
        ] {
            let wrong = read(source).unwrap_err();
            assert!(wrong.what.contains(word), "{source:.40}: {wrong:?}");
            assert_eq!(wrong.line, line, "{source:.40}: {wrong:?}");
        }
    }

    #[test]
    fn an_alias_bomb_is_refused_at_its_first_anchor() {
        let mut bomb = "a: &a [x, x]\n".to_owned();
        for level in 0..30 {
            bomb.push_str(&format!("b{level}: &b{level} [*a, *a]\n"));
        }
        assert_eq!(read(&bomb).unwrap_err().line, 1);
    }
}
