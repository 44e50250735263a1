//! What a cell shows, for a page that draws it without trusting it: text, the cells of tables, and pictures of two kinds,
//! all of a size somebody would look at. What is anything else (a program, a form, a drawing made of markup) is said by
//! a word. Nothing here is markup any more; names and texts are still somebody else's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::conflict::name;
use super::document::{Cell, Document};
use super::picture::{self, Picture, picture};
use super::table::{self, Table};
use super::{Refused, json, marks};

/// Outputs of a cell that are given out.
const MOST_OUTPUTS: usize = 12;
/// Attachments of a cell that are given out.
const MOST_ATTACHED: usize = 8;
/// Bytes of a text that are given out.
const LONGEST: usize = 16 * 1024;
/// Bytes of a text in a notebook that are unpacked: an escape makes at most six of one.
const PACKED: usize = LONGEST * 8;
/// Bytes of pictures that are given out, in base64, of all cells together.
const MOST_PICTURES: usize = 16 * 1024 * 1024;

/// What one cell shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ShownCell {
    /// What came out of it.
    pub outputs: Vec<Shown>,
    /// How many outputs are not among them.
    pub more: usize,
    /// Are they those of another source than the cell has now?
    pub stale: bool,
    /// Pictures that a person put into it, by name.
    pub attached: BTreeMap<String, Shown>,
}

/// One thing that is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Shown {
    /// A text.
    Text {
        /// It, without terminal escapes.
        text: String,
        /// Is there more of it?
        cut: bool,
    },
    /// What a program said when it failed.
    Error {
        /// It, without terminal escapes.
        text: String,
        /// Is there more of it?
        cut: bool,
    },
    /// A table.
    Table(Table),
    /// A picture.
    Picture(Picture),
    /// A picture that is not drawn: of another kind, too large, or damaged.
    Undrawn,
    /// Something to be used, not looked at.
    Interactive,
    /// Anything else.
    Other,
}

/// What these cells show, by the names answers have for them.
///
/// # Errors
/// It is no notebook.
pub fn shown(bytes: &[u8], wanted: &BTreeSet<String>) -> Result<BTreeMap<String, ShownCell>, Refused> {
    let document = Document::read(bytes)?;
    let mut budget = MOST_PICTURES;
    let mut all = BTreeMap::new();
    for (place, cell) in document.cells.iter().enumerate() {
        let name = name(cell, place);
        if wanted.contains(&name) && !all.contains_key(&name) {
            all.insert(name, of_cell(cell, &mut budget));
        }
    }
    Ok(all)
}

fn of_cell(cell: &Cell, budget: &mut usize) -> ShownCell {
    let raw = cell.get("outputs").unwrap_or("[]");
    let items = json::items(raw).map(|(_, items)| items).unwrap_or_default();
    let count = cell.get("execution_count").unwrap_or("null");
    let metadata = cell.get("metadata").unwrap_or("{}");
    let attached = cell.get("attachments").and_then(json::members).map(|(_, all)| all).unwrap_or_default();
    ShownCell {
        outputs: items.iter().take(MOST_OUTPUTS).map(|item| output(item, budget)).collect(),
        more: items.len().saturating_sub(MOST_OUTPUTS),
        stale: !items.is_empty() && marks::is_stale(metadata, raw, count),
        attached: attached
            .into_iter()
            .take(MOST_ATTACHED)
            .map(|one| (one.key.into_owned(), drawn(one.value, budget).unwrap_or(Shown::Undrawn)))
            .collect(),
    }
}

fn output(value: &str, budget: &mut usize) -> Shown {
    let field = |name: &str| json::get(value, name).and_then(|value| joined(value, PACKED));
    match &*json::get(value, "output_type").and_then(json::text).unwrap_or_default() {
        "stream" => {
            let (text, cut) = plain(&field("text").unwrap_or_default());
            Shown::Text { text, cut }
        }
        "error" => {
            let (text, cut) = plain(&failure(value));
            Shown::Error { text, cut }
        }
        _ => bundle(json::get(value, "data").unwrap_or_default(), budget),
    }
}

/// What stands last in a traceback says what went wrong; the lines before it say where.
fn failure(value: &str) -> String {
    let word = |name: &str| json::get(value, name).and_then(json::text).unwrap_or_default();
    let said = format!("{}: {}", word("ename"), word("evalue"));
    let items =
        json::get(value, "traceback").and_then(json::items).map(|(_, items)| items).unwrap_or_default();
    let lines: Vec<Cow<str>> = items.into_iter().take(100).filter_map(json::text).collect();
    if lines.is_empty() { said } else { lines.join("\n") }
}

/// Of several forms of one thing the one that says most and can be shown.
fn bundle(data: &str, budget: &mut usize) -> Shown {
    let forms = json::members(data).map(|(_, all)| all).unwrap_or_default();
    let has = |kind: &str| forms.iter().any(|form| form.key.starts_with(kind));
    let interactive = has("application/vnd.") || has("application/javascript");
    let picture = drawn(data, budget);
    if let Some(drawn @ Shown::Picture(_)) = picture {
        return drawn;
    }
    let form = |kind: &str, most| json::get(data, kind).and_then(|value| joined(value, most));
    if let Some(table) = form("text/html", table::LOOKED_AT).as_deref().and_then(table::first) {
        return Shown::Table(table);
    }
    if let Some(undrawn) = picture {
        return undrawn;
    }
    if interactive {
        return Shown::Interactive;
    }
    for kind in ["text/markdown", "text/latex", "text/plain"] {
        if let Some(text) = form(kind, PACKED) {
            let (text, cut) = plain(&text);
            return Shown::Text { text, cut };
        }
    }
    Shown::Other
}

/// The picture among these forms; none where there is none at all.
fn drawn(data: &str, budget: &mut usize) -> Option<Shown> {
    for kind in picture::KINDS {
        let text = json::get(data, kind).and_then(|value| joined(value, picture::LARGEST * 2));
        if let Some(found) = text.and_then(|text| picture(kind, &text))
            && found.data.len() <= *budget
        {
            *budget -= found.data.len();
            return Some(Shown::Picture(found));
        }
    }
    let (_, forms) = json::members(data)?;
    forms.iter().any(|form| form.key.starts_with("image/")).then_some(Shown::Undrawn)
}

/// A text that may stand as a list of lines, up to about so many bytes of it.
fn joined(value: &str, most: usize) -> Option<String> {
    if value.starts_with('"') {
        return Some(head(value, most));
    }
    let (_, items) = json::items(value)?;
    let mut all = String::new();
    for item in items {
        if all.len() > most {
            break;
        }
        if !item.starts_with('"') {
            return None;
        }
        all.push_str(&head(item, most));
    }
    Some(all)
}

/// The beginning of a string: what is left of a very long one is not even unpacked.
fn head(value: &str, most: usize) -> String {
    if value.len() <= most {
        return json::text(value).unwrap_or_default().into_owned();
    }
    let bytes = value.as_bytes();
    let mut end = 1;
    while end < most {
        end += match bytes[end..] {
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] => 2,
            _ => 1,
        };
    }
    let part = format!("{}\"", &value[..value.floor_char_boundary(end.min(value.len() - 1))]);
    json::text(&part).unwrap_or_default().into_owned()
}

/// A text as a terminal would show it at the end: colours are nothing to read, and a line that was written over (the bar
/// of a download) is what stood there last. Whether it was cut comes with it.
fn plain(text: &str) -> (String, bool) {
    let looked = &text[..text.floor_char_boundary(LONGEST + LONGEST / 4)];
    let mut all = String::with_capacity(looked.len().min(LONGEST));
    for (at, line) in looked.split('\n').enumerate() {
        if at > 0 {
            all.push('\n');
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        all.push_str(&without_escapes(line.rsplit('\r').next().unwrap_or(line)));
        if all.len() > LONGEST {
            break;
        }
    }
    let end = all.floor_char_boundary(LONGEST);
    let cut = end < all.len() || looked.len() < text.len();
    all.truncate(end);
    all.truncate(all.trim_end().len());
    (all, cut)
}

/// Without the sequences that begin with escape and an opening bracket.
fn without_escapes(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let mut all = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\u{1b}[") {
        all.push_str(&rest[..at]);
        let behind = &rest[at + 2..];
        let end = behind.find(|c: char| !matches!(c, ' '..='?'));
        rest = match end {
            Some(end) if behind[end..].starts_with(|c: char| matches!(c, '@'..='~')) => &behind[end + 1..],
            Some(end) => &behind[end..],
            None => "",
        };
    }
    all.push_str(rest);
    Cow::Owned(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOT: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    /// What a code cell with these outputs shows.
    fn cell(outputs: &str) -> ShownCell {
        let cell = format!(
            r#"{{"cell_type":"code","id":"a","metadata":{{}},"execution_count":1,"source":"x","outputs":[{outputs}]}}"#
        );
        let bytes = format!(r#"{{"cells":[{cell}],"metadata":{{}},"nbformat":4,"nbformat_minor":5}}"#);
        shown(bytes.as_bytes(), &["a".to_owned()].into()).unwrap().remove("a").unwrap()
    }

    fn data(forms: &str) -> Shown {
        cell(&format!(r#"{{"output_type":"display_data","metadata":{{}},"data":{{{forms}}}}}"#))
            .outputs
            .remove(0)
    }

    fn text(text: &str) -> Shown {
        Shown::Text { text: text.to_owned(), cut: false }
    }

    #[test]
    fn of_several_forms_the_one_that_says_most_is_shown() {
        let table = r#""text/html":["<table><tr><td>1</td>","</tr></table>"]"#;
        let plain = r#""text/plain":["a\n","b"]"#;
        assert_eq!(data(plain), text("a\nb"));
        let Shown::Table(found) = data(&format!("{plain},{table}")) else { panic!("no table") };
        assert_eq!(found.rows[0].cells, ["1"]);
        let picture = format!(r#""image/png":"{DOT}\n""#);
        let Shown::Picture(found) = data(&format!("{plain},{table},{picture}")) else { panic!("no picture") };
        assert_eq!((found.width, found.height, &*found.data), (1, 1, DOT));
        assert_eq!(data(&format!(r#""image/svg+xml":"<svg/>",{plain}"#)), Shown::Undrawn);
        assert_eq!(data(r#""image/png":"no picture""#), Shown::Undrawn);
        assert_eq!(data(&format!(r#""application/vnd.plotly.v1+json":{{}},{plain}"#)), Shown::Interactive);
        assert_eq!(data(r#""text/html":"<b>x</b>","text/plain":"x""#), text("x"));
        assert_eq!(data(r#""text/html":"<script>x</script>""#), Shown::Other);
        assert_eq!(data(""), Shown::Other);
    }

    #[test]
    fn what_a_program_said_is_text_without_escapes() {
        let stream = |json: &str| {
            cell(&format!(r#"{{"output_type":"stream","name":"stdout","text":{json}}}"#)).outputs.remove(0)
        };
        assert_eq!(stream(r#"["a\n","b\n"]"#), text("a\nb"));
        assert_eq!(stream(r#""10 %\r50 %\r100 %\r\nend""#), text("100 %\nend"));
        assert_eq!(stream(r#""\u001b[31mred\u001b[0m \u001b[1;2Hx\u001b[?25l\u001b[""#), text("red x"));
        assert_eq!(stream("7"), text(""));
        let error = cell(
            r#"{"output_type":"error","ename":"E","evalue":"v","traceback":["\u001b[0;31m---\u001b[0m","E: v"]}"#,
        );
        assert_eq!(error.outputs, [Shown::Error { text: "---\nE: v".into(), cut: false }]);
        let error = cell(r#"{"output_type":"error","ename":"E","evalue":"v"}"#);
        assert_eq!(error.outputs, [Shown::Error { text: "E: v".into(), cut: false }]);
    }

    #[test]
    fn what_is_huge_is_bounded() {
        let of = |json: String| data(&format!(r#""text/plain":{json}"#));
        let long = |shown: Shown| match shown {
            Shown::Text { text, cut: true } => text.len(),
            other => panic!("{:.200}", format!("{other:?}")),
        };
        for piece in ["x", "é", "\\n.", "\\\\", "\\u00e9", "\\ud83d\\ude00", "\\u001b[1mx", "\\\"", "\\ud800"]
        {
            for before in ["", "x", "xy", "xyz", "xyzxy", "xyzxyz"] {
                let length = long(of(format!("\"{before}{}\"", piece.repeat(200_000))));
                assert!((LONGEST / 4..=LONGEST).contains(&length), "{piece}: {length}");
            }
        }
        assert!(long(of(format!("[{}\"\"]", "\"line\\n\",".repeat(200_000)))) <= LONGEST);
        let one = r#"{"output_type":"stream","name":"stdout","text":"x"}"#;
        let many = cell(&[one; 1000].join(","));
        assert_eq!((many.outputs.len(), many.more), (MOST_OUTPUTS, 1000 - MOST_OUTPUTS));
    }

    #[test]
    fn pictures_of_all_cells_together_are_bounded() {
        let mut budget = DOT.len() * 2;
        let forms = format!(r#"{{"image/png":"{DOT}"}}"#);
        let all: Vec<_> = (0..3).filter_map(|_| drawn(&forms, &mut budget)).collect();
        assert!(matches!(all[..], [Shown::Picture(_), Shown::Picture(_), Shown::Undrawn]), "{all:?}");
    }

    #[test]
    fn attached_pictures_go_by_name_and_only_wanted_cells_are_told() {
        let cell = |id: &str| {
            format!(
                r#"{{"cell_type":"markdown","id":"{id}","metadata":{{}},"source":"x","attachments":{{"a b.png":{{"image/png":"{DOT}"}},"c":{{}}}}}}"#
            )
        };
        let bytes = format!(
            r#"{{"cells":[{},{},{}],"metadata":{{}},"nbformat":4,"nbformat_minor":5}}"#,
            cell("a"),
            cell("b"),
            cell("a")
        );
        let all = shown(bytes.as_bytes(), &["a".to_owned(), "z".to_owned()].into()).unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["a"]);
        assert!(matches!(all["a"].attached["a b.png"], Shown::Picture(_)));
        assert_eq!(all["a"].attached.get("c"), Some(&Shown::Undrawn));
        assert!(shown(b"{}", &BTreeSet::new()).is_err());
    }

    #[test]
    fn outputs_of_another_source_say_so() {
        let raw = r#"[{"output_type":"stream","name":"stdout","text":"x"}]"#;
        let of = |mark: &str| {
            let cell = format!(
                r#"{{"cell_type":"code","id":"a","metadata":{{"kitbag":{{"stale":"{mark}"}}}},"execution_count":1,"source":"x","outputs":{raw}}}"#
            );
            let bytes = format!(r#"{{"cells":[{cell}],"metadata":{{}},"nbformat":4,"nbformat_minor":5}}"#);
            shown(bytes.as_bytes(), &["a".to_owned()].into()).unwrap()["a"].stale
        };
        assert!(of(&marks::stale_for(raw, "1")));
        assert!(!of(&marks::stale_for(raw, "2")));
    }
}
