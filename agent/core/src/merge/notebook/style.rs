//! How a notebook is written: its indentation, line ends, what stands around a colon, whether what is not ASCII is
//! escaped. New parts of a notebook are written as the rest of it is; where one side was saved by a program that
//! writes otherwise, it is rewritten to the style that wins before anything is merged, so a merge never mixes two.

use std::borrow::Cow;

use super::json::{self, Frame, Member};

/// The style of one notebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// One step of indentation; none where all stands on one line.
    indent: Option<String>,
    newline: &'static str,
    colon: String,
    /// Between two parts on one line.
    comma: String,
}

impl Style {
    /// The style of an object with these members.
    pub fn of(frame: &Frame, members: &[Member]) -> Style {
        let indent = frame.open.rsplit_once('\n').map(|(_, indent)| indent.to_owned());
        let newline = if frame.open.contains("\r\n") { "\r\n" } else { "\n" };
        let colon = members
            .first()
            .map_or(": ", |member| member.front.rfind('"').map_or(": ", |quote| &member.front[quote + 1..]));
        let comma = frame.between.filter(|_| indent.is_none()).unwrap_or(", ");
        Style { indent, newline, colon: colon.to_owned(), comma: comma.to_owned() }
    }

    /// What stands before a part this deep.
    fn line(&self, depth: usize) -> String {
        match &self.indent {
            Some(indent) => format!("{}{}", self.newline, indent.repeat(depth)),
            None => String::new(),
        }
    }

    /// What stands between two parts this deep.
    fn between(&self, depth: usize) -> String {
        if self.indent.is_some() { format!(",{}", self.line(depth)) } else { self.comma.clone() }
    }

    /// A name with its colon.
    pub fn front(&self, key: &str) -> String {
        format!("{}{}", json::encode(key.as_bytes(), false), self.colon)
    }

    /// An array of these items, its own items this deep.
    pub fn array(&self, items: &[Cow<'_, str>], depth: usize) -> String {
        if items.is_empty() {
            return "[]".to_owned();
        }
        let items = items.join(self.between(depth).as_str());
        format!("[{}{items}{}]", self.line(depth), self.line(depth - 1))
    }

    /// The text in this style, its scalars as they were.
    pub fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + text.len() / 4);
        self.write(&mut out, text, 0);
        out
    }

    fn write(&self, out: &mut String, value: &str, depth: usize) {
        let mut sep = self.line(depth + 1);
        if let Some((_, members)) = json::members(value) {
            out.push('{');
            for member in &members {
                out.push_str(&sep);
                let name = member.front.rfind('"').map_or(member.front, |quote| &member.front[..=quote]);
                out.push_str(name);
                out.push_str(&self.colon);
                self.write(out, member.value, depth + 1);
                sep = self.between(depth + 1);
            }
            if !members.is_empty() {
                out.push_str(&self.line(depth));
            }
            out.push('}');
        } else if let Some((_, items)) = json::items(value) {
            out.push('[');
            for item in &items {
                out.push_str(&sep);
                self.write(out, item, depth + 1);
                sep = self.between(depth + 1);
            }
            if !items.is_empty() {
                out.push_str(&self.line(depth));
            }
            out.push(']');
        } else {
            out.push_str(value);
        }
    }
}

/// An object that is being put together from the parts of others.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    frame: Frame<'a>,
    /// Its members, in order.
    members: Vec<Part<'a>>,
    /// How deep it stands.
    depth: usize,
}

/// A member of such an object.
#[derive(Debug, Clone)]
struct Part<'a> {
    name: Cow<'a, str>,
    /// Name, colon and blanks as they are written.
    front: Cow<'a, str>,
    /// What its value is put together from.
    value: Vec<Cow<'a, str>>,
}

impl<'a> Part<'a> {
    fn new(name: Cow<'a, str>, front: Cow<'a, str>, value: Cow<'a, str>) -> Self {
        Part { name, front, value: vec![value] }
    }
}

impl<'a> Object<'a> {
    /// The object of this checked text, an empty one where it is none; it stands this deep.
    pub fn read(value: &'a str, depth: usize) -> Self {
        let (frame, members) = json::members(value).unwrap_or_default();
        let part = |member: Member<'a>| {
            Part::new(member.key, Cow::Borrowed(member.front), Cow::Borrowed(member.value))
        };
        Object { frame, members: members.into_iter().map(part).collect(), depth }
    }

    /// An empty one framed like this.
    pub fn framed(frame: Frame<'a>, depth: usize) -> Self {
        Object { frame, members: Vec::new(), depth }
    }

    /// Add a member at the end.
    pub fn push(&mut self, key: Cow<'a, str>, front: Cow<'a, str>, value: Cow<'a, str>) {
        self.members.push(Part::new(key, front, value));
    }

    /// The same with a value in pieces: nothing so large need be copied twice.
    pub fn push_pieces(&mut self, key: Cow<'a, str>, front: Cow<'a, str>, value: Vec<Cow<'a, str>>) {
        self.members.push(Part { name: key, front, value });
    }

    /// Give this name this value, where it stood or where it belongs; without a value it goes.
    pub fn set(&mut self, key: &str, value: Option<Cow<'a, str>>, style: &Style) {
        let place = self.members.iter().position(|part| part.name == key);
        match (place, value) {
            (Some(place), Some(value)) => self.members[place].value = vec![value],
            (Some(place), None) => {
                self.members.remove(place);
            }
            (None, Some(value)) => {
                let sorted = self.members.is_sorted_by(|a, b| a.name <= b.name);
                let end = self.members.len();
                let place = if sorted { self.members.partition_point(|part| *part.name < *key) } else { end };
                let name = Cow::Owned(key.to_owned());
                self.members.insert(place, Part::new(name, Cow::Owned(style.front(key)), value));
            }
            (None, None) => {}
        }
    }

    /// Has it no members?
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Its text.
    pub fn text(&self, style: &Style) -> String {
        self.pieces(style).concat()
    }

    /// What its text is put together from.
    pub fn pieces(&self, style: &Style) -> Vec<Cow<'_, str>> {
        if self.members.is_empty() {
            return vec![Cow::Borrowed("{}")];
        }
        let new = self.frame.open.is_empty() && self.frame.between.is_none() && self.frame.close.is_empty();
        let (open, close) = if new {
            (Cow::Owned(style.line(self.depth + 1)), Cow::Owned(style.line(self.depth)))
        } else {
            (Cow::Borrowed(self.frame.open), Cow::Borrowed(self.frame.close))
        };
        let between = match self.frame.between {
            Some(between) => Cow::Borrowed(between),
            None => Cow::Owned(style.between(self.depth + 1)),
        };
        let mut pieces = vec![Cow::Borrowed("{"), open];
        for (at, Part { front, value, .. }) in self.members.iter().enumerate() {
            if at > 0 {
                pieces.push(between.clone());
            }
            pieces.push(Cow::Borrowed(front));
            pieces.extend(value.iter().map(|piece| Cow::Borrowed(&**piece)));
        }
        pieces.extend([close, Cow::Borrowed("}")]);
        pieces
    }
}
