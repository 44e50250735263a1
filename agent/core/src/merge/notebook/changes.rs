//! What changed between two notebooks, cell by cell, for people: sources whole, outputs by what they are and how much
//! of it there is. Cells are paired as in a merge, so a cell that was moved or edited is the same cell.

use std::collections::BTreeMap;

use super::document::{Cell, CellKind, Document};
use super::json::{self, Member};
use super::pair::{pair, rising};
use super::{NotMergeable, Which};

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changes {
    /// The cells that changed, in the order of the newer notebook; one that is gone stands where it stood.
    pub cells: Vec<CellChange>,
    /// Names in the notebook's metadata whose values changed.
    pub metadata: Vec<String>,
}

/// One cell that changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CellChange {
    /// Its id, or its number from 1 as `#3` where it has none.
    pub cell: String,
    /// Its kind, the newer one.
    pub kind: CellKind,
    /// Its number in the older notebook, from 1; none where it is new.
    pub before: Option<usize>,
    /// Its number in the newer one; none where it is gone.
    pub after: Option<usize>,
    /// Does it stand elsewhere among the others?
    pub moved: bool,
    /// The older and the newer source where they differ; empty for a cell that is not there.
    pub source: Option<[String; 2]>,
    /// The older and the newer outputs where they differ.
    pub outputs: Option<[Vec<Output>; 2]>,
    /// Names in its metadata whose values changed, and other members that did.
    pub other: Vec<String>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Output {
    /// Text.
    Text {
        /// Its lines.
        lines: usize,
    },
    /// A table.
    Table {
        /// Its rows, without the head.
        rows: usize,
    },
    /// A picture or plot.
    Picture,
    /// An error.
    Error {
        /// Its name, as the program gave it: not to be trusted as text for a terminal.
        name: String,
    },
    /// Something else.
    Other,
}

/// What changed from one notebook to the other.
///
/// # Errors
/// One of them cannot be read.
pub fn changes(before: &[u8], after: &[u8]) -> Result<Changes, NotMergeable> {
    let old = Document::read(before).map_err(|why| NotMergeable { side: Which::Left, why })?;
    let new = Document::read(after).map_err(|why| NotMergeable { side: Which::Right, why })?;
    Ok(between(&old, &new))
}

/// The same of notebooks that were read.
pub(super) fn between(old: &Document, new: &Document) -> Changes {
    let pairs = pair(old, new);
    let kept: Vec<_> = pairs.iter().enumerate().filter_map(|(from, to)| Some((from, (*to)?))).collect();
    let places: Vec<_> = kept.iter().map(|(_, to)| *to).collect();
    let mut moved = vec![true; new.cells.len()];
    rising(&places).into_iter().for_each(|at| moved[places[at]] = false);
    let mut from = vec![None; new.cells.len()];
    kept.iter().for_each(|(before, after)| from[*after] = Some(*before));
    // a cell that is gone stands after the one it stood after
    let mut gone: Vec<(usize, usize)> = Vec::new();
    let mut after = 0;
    for (at, to) in pairs.iter().enumerate() {
        match to {
            Some(to) if !moved[*to] => after = to + 1,
            Some(_) => {}
            None => gone.push((after, at)),
        }
    }
    let mut gone = gone.into_iter().peekable();
    let mut cells = Vec::new();
    for at in 0..=new.cells.len() {
        while let Some((_, before)) = gone.next_if(|(place, _)| *place == at) {
            cells.extend(change((old, Some(before)), (new, None), false));
        }
        if at < new.cells.len() {
            cells.extend(change((old, from[at]), (new, Some(at)), moved[at] && from[at].is_some()));
        }
    }
    Changes { cells, metadata: metadata(old.get("metadata"), new.get("metadata")) }
}

fn change(
    old: (&Document, Option<usize>),
    new: (&Document, Option<usize>),
    moved: bool,
) -> Option<CellChange> {
    let before = old.1.and_then(|at| old.0.cells.get(at));
    let after = new.1.and_then(|at| new.0.cells.get(at));
    let shown = after.or(before)?;
    if let (Some(before), Some(after)) = (before, after)
        && !moved
        && before.same(after)
    {
        return None;
    }
    let text =
        |cell: Option<&Cell>| cell.map_or(String::new(), |c| String::from_utf8_lossy(&c.source).into_owned());
    let source = (before.map(|cell| &cell.source) != after.map(|cell| &cell.source))
        .then(|| [text(before), text(after)]);
    let [was, is] = [before, after].map(|cell| cell.and_then(|cell| cell.get("outputs")).unwrap_or_default());
    let same = was == is || !was.is_empty() && !is.is_empty() && json::same(was, is);
    let outputs = (!same).then(|| [outputs(was), outputs(is)]);
    let other = match (before, after) {
        (Some(before), Some(after)) => others(before, after),
        _ => Vec::new(),
    };
    let number = old.1.filter(|_| after.is_none()).or(new.1).unwrap_or_default();
    Some(CellChange {
        cell: shown.id.as_deref().map_or_else(|| format!("#{}", number + 1), str::to_owned),
        kind: shown.kind,
        before: old.1.map(|at| at + 1),
        after: new.1.map(|at| at + 1),
        moved,
        source,
        outputs,
        other,
    })
}

/// What else of a cell changed: its metadata by name, all other members as a whole.
fn others<'c, 'a>(before: &'c Cell<'a>, after: &'c Cell<'a>) -> Vec<String> {
    let mut names = metadata(before.get("metadata"), after.get("metadata"));
    let told = ["metadata", "source", "outputs", "execution_count", "id"];
    let rest = |cell: &'c Cell<'a>| cell.members.iter().filter(|member| !told.contains(&&*member.key));
    names.extend(differing(rest(before), rest(after)));
    names
}

/// The names whose values differ in what stands as metadata.
fn metadata(before: Option<&str>, after: Option<&str>) -> Vec<String> {
    let [before, after] = [before, after].map(|value| value.and_then(json::members).unwrap_or_default().1);
    differing(&before, &after)
}

/// The names whose values differ.
fn differing<'m, 'a: 'm>(
    before: impl IntoIterator<Item = &'m Member<'a>>,
    after: impl IntoIterator<Item = &'m Member<'a>>,
) -> Vec<String> {
    let mut values: BTreeMap<&str, [Option<&str>; 2]> = BTreeMap::new();
    before.into_iter().for_each(|member| values.entry(&member.key).or_default()[0] = Some(member.value));
    after.into_iter().for_each(|member| values.entry(&member.key).or_default()[1] = Some(member.value));
    let differ = |values: &[Option<&str>; 2]| match values {
        [Some(before), Some(after)] => !json::same(before, after),
        _ => true,
    };
    values.into_iter().filter(|(_, values)| differ(values)).map(|(name, _)| name.to_owned()).collect()
}

fn outputs(list: &str) -> Vec<Output> {
    json::items(list).map(|(_, items)| items.into_iter().map(output).collect()).unwrap_or_default()
}

/// What one output is; of several forms the richest one a page would show.
fn output(value: &str) -> Output {
    let output = Forms::of(value);
    let kind = output.get("output_type").and_then(json::text).unwrap_or_default();
    match &*kind {
        "stream" => lines(output.get("text")),
        "error" => {
            let name = output.get("ename").and_then(json::text).unwrap_or_default();
            Output::Error { name: name.into_owned() }
        }
        _ => {
            let data = Forms::of(output.get("data").unwrap_or_default());
            if data.0.iter().any(|form| form.key.starts_with("image/")) {
                return Output::Picture;
            }
            match data.get("text/html").and_then(joined) {
                Some(html) if html.contains("<table") => Output::Table { rows: rows(&html) },
                _ => lines(data.get("text/plain")),
            }
        }
    }
}

fn lines(text: Option<&str>) -> Output {
    text.and_then(joined).map_or(Output::Other, |text| Output::Text { lines: text.lines().count() })
}

/// The members of an output or of its data.
struct Forms<'a>(Vec<Member<'a>>);

impl<'a> Forms<'a> {
    fn of(value: &'a str) -> Self {
        Forms(json::members(value).unwrap_or_default().1)
    }

    /// As [`json::get`].
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|member| member.key == name).map(|member| member.value)
    }
}

/// A text that may stand as a list of lines.
fn joined(value: &str) -> Option<String> {
    if let Some(text) = json::text(value) {
        return Some(text.into_owned());
    }
    let (_, items) = json::items(value)?;
    items.into_iter().map(json::text).collect()
}

/// The rows of a table: as pandas says below it, which shows only the first and last of many, else counted.
fn rows(html: &str) -> usize {
    let said = html.rsplit_once(" rows ").and_then(|(before, _)| {
        let digits = before.len() - before.bytes().rev().take_while(u8::is_ascii_digit).count();
        before[digits..].parse().ok()
    });
    said.unwrap_or_else(|| {
        let body = html.split_once("<tbody").map_or(html, |(_, body)| body);
        body.matches("<tr").count()
    })
}
