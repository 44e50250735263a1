//! A notebook as slices of its text: what stands around the cells, and each cell with its kind, id and source. Format
//! 4 only, of any minor version; the older formats keep their cells elsewhere and are refused by name. A notebook is
//! taken as Jupyter takes it: what no rule of a merge needs is not looked at, so a cell with something odd in it is
//! carried as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::json::{self, Bad, Frame, Member};
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

    /// A cell of a checked object.
    pub fn read(raw: &'a str) -> Result<Self, String> {
        let (frame, members) = json::members(raw).ok_or("it is no object")?;
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
        let (start, end) = json::check(&text[mark..]).map_err(|bad| match bad {
            Bad::Deep => Refused::TooDeep,
            Bad::At(at) => Refused::Broken { line: line(bytes, mark + at) },
            Bad::Short => Refused::Broken { line: line(bytes, bytes.len()) },
        })?;
        let root = &text[mark + start..mark + end];
        let odd = |why: &str| Refused::NoNotebook { why: why.to_owned() };
        let (frame, members) = json::members(root).ok_or_else(|| odd("it is no object"))?;
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
        let cells = value("cells").ok_or_else(|| odd("it has no cells"))?;
        let (cells_frame, raw) = json::items(cells).ok_or_else(|| odd("its cells are no list"))?;
        let read = |(at, raw)| {
            Cell::read(raw).map_err(|why| Refused::NoNotebook { why: format!("cell {}: {why}", at + 1) })
        };
        let cells = raw.into_iter().enumerate().map(read).collect::<Result<Vec<Cell>, _>>()?;
        let escaped = |cell: &Cell| cell.source.iter().any(|byte| *byte > 127) && cell.raw.is_ascii();
        Ok(Document {
            root,
            around: (&text[..mark + start], &text[mark + end..]),
            frame,
            cells_frame,
            minor,
            style: Style::of(root),
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
