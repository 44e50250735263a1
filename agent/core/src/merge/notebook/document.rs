//! A notebook as slices of its text: what stands around the cells, and each cell with its kind, id and source. Format
//! 4 only, of any minor version; the older formats keep their cells elsewhere and are refused by name. A notebook is
//! taken as Jupyter takes it: what no rule of a merge needs is not looked at, so a cell with something odd in it is
//! carried as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::json::{self, Bad, Frame, Member, Object, Walk, Within};
use super::marks::Tag;
use super::style::Style;
use super::{LARGEST, Refused};

/// Members of a cell or of the notebook; the format knows eight.
const MOST_MEMBERS: usize = 64;
/// Attachments of a cell.
const MOST_ATTACHED: usize = 1000;

/// What kind of cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// It runs.
    Code,
    /// Formatted text.
    Markdown,
    /// Neither.
    Raw,
}

impl CellKind {
    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "code" => Some(CellKind::Code),
            "markdown" => Some(CellKind::Markdown),
            "raw" => Some(CellKind::Raw),
            _ => None,
        }
    }

    /// Its name in a notebook.
    pub fn name(self) -> &'static str {
        match self {
            CellKind::Code => "code",
            CellKind::Markdown => "markdown",
            CellKind::Raw => "raw",
        }
    }
}

/// One cell.
#[derive(Debug)]
pub struct Cell<'a> {
    /// All of it.
    pub raw: &'a str,
    /// How its members are set apart.
    pub frame: Frame<'a>,
    /// Its members.
    pub members: Vec<Member<'a>>,
    /// Its kind.
    pub kind: CellKind,
    /// Its id, where it is one.
    pub id: Option<Cow<'a, str>>,
    /// Its source: UTF-8, apart from lone surrogates.
    pub source: Cow<'a, [u8]>,
    /// Set where it is the other version of a cell: see [`Tag`].
    pub tag: Option<Tag>,
}

impl<'a> Cell<'a> {
    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.members.iter().find(|member| member.key == key).map(|member| member.value)
    }

    /// Nothing stands in it.
    pub fn is_blank(&self) -> bool {
        self.source.iter().all(u8::is_ascii_whitespace)
    }

    /// Do both mean the same, as [`json::same`] has it?
    pub fn same(&self, other: &Cell) -> bool {
        let there =
            |member: &Member| other.get(&member.key).is_some_and(|value| json::same(member.value, value));
        // no name stands in a cell twice
        self.raw == other.raw || self.members.len() == other.members.len() && self.members.iter().all(there)
    }

    /// A cell of a checked value.
    pub fn read(raw: &'a str) -> Result<Self, String> {
        Cell::cut(raw, json::members(raw))
    }

    /// A cell of a value whose members are known; none where it is no object.
    fn cut(raw: &'a str, object: Option<Object<'a>>) -> Result<Self, String> {
        let (frame, members) = object.ok_or("it is no object")?;
        if json::doubled(&members) {
            return Err("a name stands in it twice".to_owned());
        }
        if members.len() > MOST_MEMBERS {
            return Err("it has too many members".to_owned());
        }
        let value = |key: &str| members.iter().find(|member| member.key == key).map(|member| member.value);
        let kind = value("cell_type").and_then(json::text).ok_or("its kind is not said")?;
        let kind = CellKind::parse(&kind).ok_or("it is of an unknown kind")?;
        let source = source(value("source").ok_or("it has no source")?).ok_or("its source is no text")?;
        if value("metadata").is_some_and(|metadata| !metadata.starts_with('{')) {
            return Err("its metadata is no object".to_owned());
        }
        let attached = value("attachments").and_then(json::members);
        if attached.is_some_and(|(_, all)| all.len() > MOST_ATTACHED) {
            return Err("it has too many attachments".to_owned());
        }
        let id = value("id").and_then(json::text).filter(|id| !id.is_empty());
        let tag = value("metadata").and_then(Tag::read);
        Ok(Cell { raw, frame, kind, id, source, tag, members })
    }
}

/// A source: a string or an array of strings put together.
fn source(value: &str) -> Option<Cow<'_, [u8]>> {
    if value.starts_with('"') {
        return Some(json::decode(value));
    }
    let (_, items) = json::items(value)?;
    if let [only] = items[..] {
        return only.starts_with('"').then(|| json::decode(only));
    }
    let mut whole = Vec::with_capacity(value.len());
    for item in items {
        if !item.starts_with('"') {
            return None;
        }
        whole.extend_from_slice(&json::decode(item));
    }
    Some(Cow::Owned(whole))
}

/// What is cut out of a notebook in the one walk over it.
struct Parts<'a> {
    /// Where the outermost value begins and ends.
    place: (usize, usize),
    /// Its members, where it is an object.
    root: Option<Object<'a>>,
    /// How the cells are set apart, where they are a list.
    cells_frame: Option<Frame<'a>>,
    /// The cells, or what is wrong with the first one that is none: then nothing is kept of those after it.
    cells: Result<Vec<Cell<'a>>, String>,
}

impl<'a> Parts<'a> {
    fn cut(text: &'a str) -> Result<Self, Bad> {
        let mut walk = Walk::over(text);
        let mut parts = Parts { place: (walk.at(), 0), root: None, cells_frame: None, cells: Ok(Vec::new()) };
        match walk.enter(b'{') {
            Some(root) => parts.root = Some(parts.root(&mut walk, root)?),
            None => {
                walk.value()?;
            }
        }
        parts.place.1 = walk.at();
        walk.end().map(|()| parts)
    }

    fn root(&mut self, walk: &mut Walk<'a>, mut root: Within<'a>) -> Result<Object<'a>, Bad> {
        let mut members = Vec::new();
        while walk.part(&mut root)? {
            let (key, front) = walk.name()?;
            let from = walk.at();
            if key == "cells" {
                self.cells(walk)?;
            } else {
                walk.value()?;
            }
            members.push(Member { key, front, value: walk.since(from) });
        }
        Ok((root.frame, members))
    }

    fn cells(&mut self, walk: &mut Walk<'a>) -> Result<(), Bad> {
        let Some(mut list) = walk.enter(b'[') else { return walk.value().map(|_| ()) };
        while walk.part(&mut list)? {
            let from = walk.at();
            let object = if self.cells.is_ok() { json::object(walk)? } else { None };
            if object.is_none() {
                walk.value()?;
            }
            let Ok(all) = &mut self.cells else { continue };
            match Cell::cut(walk.since(from), object) {
                Ok(cell) => all.push(cell),
                Err(why) => self.cells = Err(format!("cell {}: {why}", all.len() + 1)),
            }
        }
        self.cells_frame = Some(list.frame);
        Ok(())
    }
}

/// One notebook.
#[derive(Debug)]
pub struct Document<'a> {
    /// Before the first bracket and after the last.
    pub around: (&'a str, &'a str),
    /// All of it, without what stands around.
    pub root: &'a str,
    /// How the members are set apart.
    pub frame: Frame<'a>,
    /// All members, `cells` among them.
    pub members: Vec<Member<'a>>,
    /// How the cells are set apart.
    pub cells_frame: Frame<'a>,
    /// The cells.
    pub cells: Vec<Cell<'a>>,
    /// The minor version of the format.
    pub minor: u32,
    /// How it is written.
    pub style: Style,
    /// Is what is not ASCII escaped in it?
    pub ascii: bool,
}

impl<'a> Document<'a> {
    /// Read a notebook.
    ///
    /// # Errors
    /// It is none that can be merged, and why.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refused> {
        if bytes.len() > LARGEST {
            return Err(Refused::TooLarge);
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Refused::Broken { line: line(bytes, error.valid_up_to()) })?;
        let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let parts = Parts::cut(&text[mark..]).map_err(|bad| match bad {
            Bad::Deep => Refused::TooDeep,
            Bad::At(at) => Refused::Broken { line: line(bytes, mark + at) },
            Bad::Short => Refused::Broken { line: line(bytes, bytes.len()) },
        })?;
        let (start, end) = (mark + parts.place.0, mark + parts.place.1);
        let root = &text[start..end];
        let odd = |why: &str| Refused::NoNotebook { why: why.to_owned() };
        let (frame, members) = parts.root.ok_or_else(|| odd("it is no object"))?;
        if json::doubled(&members) {
            return Err(odd("a name stands in it twice"));
        }
        if members.len() > MOST_MEMBERS {
            return Err(odd("it has too many members"));
        }
        let value = |key: &str| members.iter().find(|member| member.key == key).map(|member| member.value);
        let major = value("nbformat").ok_or_else(|| odd("it does not say its format"))?;
        match major.parse::<u32>() {
            Ok(4) => {}
            Ok(major @ 0..4) => return Err(Refused::Older { major }),
            Ok(major) => return Err(Refused::Newer { major }),
            Err(_) => return Err(odd("its format is no number")),
        }
        let minor = value("nbformat_minor").unwrap_or("0");
        let minor = minor.parse().map_err(|_| odd("its minor format is no number"))?;
        if value("metadata").is_some_and(|metadata| !metadata.starts_with('{')) {
            return Err(odd("its metadata is no object"));
        }
        if value("cells").is_none() {
            return Err(odd("it has no cells"));
        }
        let cells_frame = parts.cells_frame.ok_or_else(|| odd("its cells are no list"))?;
        let cells = parts.cells.map_err(|why| Refused::NoNotebook { why })?;
        let escaped = |cell: &Cell| cell.source.iter().any(|byte| *byte > 127) && cell.raw.is_ascii();
        Ok(Document {
            root,
            around: (&text[..start], &text[end..]),
            frame,
            cells_frame,
            minor,
            style: Style::of(&frame, &members),
            ascii: text.is_ascii() && cells.iter().any(escaped),
            cells,
            members,
        })
    }

    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.members.iter().find(|member| member.key == key).map(|member| member.value)
    }

    /// The place of each id that stands here once.
    pub fn unique_ids(&self) -> BTreeMap<&str, usize> {
        let mut places = BTreeMap::new();
        for (place, cell) in self.cells.iter().enumerate() {
            if let Some(id) = &cell.id {
                places.entry(&**id).and_modify(|place| *place = usize::MAX).or_insert(place);
            }
        }
        places.retain(|_, place| *place != usize::MAX);
        places
    }

    /// For each cell that is another version: the place of the cell it is the other version of. That is the cell its
    /// tag names, else the nearest one before it that is no other version itself.
    pub fn versions_of(&self) -> BTreeMap<usize, usize> {
        let ids = self.unique_ids();
        let mut before = None;
        let mut all = BTreeMap::new();
        for (place, cell) in self.cells.iter().enumerate() {
            match &cell.tag {
                None => before = Some(place),
                Some(tag) => {
                    let named = tag.of.as_deref().map(|of| ids.get(of).copied());
                    // a named cell that is gone was answered away, and no other one takes its place
                    let of = if self.minor >= 5 { named.unwrap_or(before) } else { before };
                    if let Some(of) = of.filter(|of| self.cells[*of].tag.is_none()) {
                        all.insert(place, of);
                    }
                }
            }
        }
        all
    }
}

fn line(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count()
}
