//! The three-way merge of notebooks. An input is up to three texts, parted by a line that holds `--`: the base and both
//! sides, or both sides only. After a `+` they are short words for cells, from which notebooks are made, so that what is
//! behind the reader is reached. Whatever they are: both orders say the same, what comes out is a notebook, its questions
//! can be answered, and no line is lost that nobody took out.

use std::collections::BTreeMap;

use kitbag_core::merge::notebook::{
    self, Answer, By, CellConflict, Side, changes, conflicts, is_whole, lines, merge, merge_base, merge_told,
    removed,
};

/// Between two texts.
const BETWEEN: &[u8] = b"\n--\n";
/// So many lines are looked at of a notebook in words: more cells show nothing new and take their time.
const MOST: usize = 24;
/// What a cell printed, by a letter.
const OUTPUTS: [&str; 4] = [
    "[]",
    "[{\"name\":\"stdout\",\"output_type\":\"stream\",\"text\":[\"1\\n\"]}]",
    "[{\"data\":{\"image/png\":\"iVBOR\"},\"metadata\":{},\"output_type\":\"display_data\"}]",
    "[{\"ename\":\"E\",\"evalue\":\"\",\"output_type\":\"error\",\"traceback\":[]}]",
];
/// What stands in a cell's metadata, by a letter.
const METADATA: [&str; 5] = [
    "{}",
    "{\"tags\":[\"a\"]}",
    "{\"kitbag\":{\"deleted\":{\"machine\":\"M\"}}}",
    "{\"kitbag\":{\"conflict\":{\"cell_type\":\"code\",\"machine\":\"M\",\"of\":\"a\"}}}",
    "{\"kitbag\":{\"conflict\":{\"against_machine\":\"N\",\"machine\":\"M\"}}}",
];

/// One run.
pub fn notebook(input: &[u8]) {
    let texts = parts(input.strip_prefix(b"+").unwrap_or(input));
    let texts: Vec<Vec<u8>> =
        if input.starts_with(b"+") { texts.into_iter().map(made).collect() } else { owned(texts) };
    match &texts[..] {
        [one] => {
            let _ = (is_whole(one), conflicts(one), lines(one), removed(one, one));
        }
        [left, right] => three(None, left, right),
        [base, left, right, ..] => three(Some(base), left, right),
        [] => {}
    }
}

fn owned(texts: Vec<&[u8]>) -> Vec<Vec<u8>> {
    texts.into_iter().map(<[u8]>::to_vec).collect()
}

fn parts(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while parts.len() < 2
        && let Some(at) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN)
    {
        parts.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    parts.push(rest);
    parts
}

/// A notebook of a line a cell: its kind, its id, its outputs and its metadata by a letter each, then its source, with a
/// `|` at each line's end. A line of one letter says of the notebook that its cells have no ids, or how it is indented.
fn made(text: &[u8]) -> Vec<u8> {
    let (mut cells, mut ids, mut indent) = (Vec::new(), true, "");
    for line in text.split(|byte| *byte == b'\n').take(MOST) {
        match line {
            [b'n'] => ids = false,
            [b'i'] => indent = "\n ",
            [kind, id, output, metadata, source @ ..] => {
                let name = ["code", "markdown", "raw"][usize::from(*kind) % 3];
                let id = if ids { format!("\"id\":\"{}\",", *id as char) } else { String::new() };
                let pick = |from: &[&'static str], at: &u8| from[usize::from(*at) % from.len()];
                let run = if name == "code" {
                    format!("\"execution_count\":null,\"outputs\":{},", pick(&OUTPUTS, output))
                } else {
                    String::new()
                };
                let source = String::from_utf8_lossy(source).replace('|', "\n");
                let pieces: Vec<_> = source.split_inclusive('\n').map(quoted).collect();
                let (metadata, source) = (pick(&METADATA, metadata), pieces.join(","));
                cells.push(format!(
                    "{indent}{{\"cell_type\":\"{name}\",{id}{run}\"metadata\":{metadata},\"source\":[{source}]}}"
                ));
            }
            _ => {}
        }
    }
    let (cells, minor) = (cells.join(","), if ids { 5 } else { 4 });
    format!("{{\"cells\":[{cells}],\"metadata\":{{}},\"nbformat\":4,\"nbformat_minor\":{minor}}}")
        .into_bytes()
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn side<'a>(bytes: &'a [u8], name: &str) -> Side<'a> {
    Side { bytes, by: By { machine: None, version: Some(name.to_owned()) }, ..Side::default() }
}

fn three(base: Option<&[u8]>, left: &[u8], right: &[u8]) {
    let (one, other) = (side(left, "1111"), side(right, "2222"));
    let merged = merge(base, &one, &other);
    let turned = merge(base, &other, &one);
    assert_eq!(merged.as_ref().ok(), turned.as_ref().ok(), "not symmetric");
    assert_eq!(changes(left, right).is_ok(), lines(left).is_some() && lines(right).is_some());
    let _ = merge_base(base, left, right);
    let _ = (removed(left, right), base.map(|base| removed(base, right)));
    let Ok(merged) = merged else { return };
    let out = &merged.bytes;
    // what only one side changed is taken as it is
    let (Some(_), Some(_), Ok(open)) = (lines(left), lines(right), conflicts(out)) else {
        assert!(left == right || base == Some(left) || base == Some(right));
        return;
    };
    assert!(is_whole(out));
    assert_eq!(merge_told(base, &one, &other).map(|(told, _)| told).as_ref(), Ok(&merged));
    nothing_lost(base, left, right, out);
    let names = open.iter().map(|one| one.cell.clone()).collect();
    let shown = notebook::shown(out, &names).expect("it is a notebook");
    assert!(shown.keys().eq(&names), "what every cell shows that waits");
    let again = merge(Some(left), &side(out, "3333"), &one).map(|again| again.bytes);
    assert_eq!(again.as_deref(), Ok(&out[..]), "merged over the left side");
    for question in open.iter().take(1) {
        for keep in [Answer::This, Answer::Both, Answer::Other] {
            let Ok(answered) = notebook::answer(out, Some(&question.cell), &keep) else { continue };
            // an answer takes marks away; those that made no sense may be about another cell then
            let left = conflicts(&answered).map(|left| marks(&left));
            assert!(left.as_ref().is_ok_and(|left| *left < marks(&open)), "{keep:?}: {left:?}");
        }
    }
}

fn marks(open: &[CellConflict]) -> usize {
    open.iter().map(|one| one.others.len() + usize::from(one.deleted_by.is_some())).sum()
}

type Counts = BTreeMap<Vec<u8>, usize>;

/// How often each piece stands in the sources of a notebook.
fn counted(bytes: &[u8], ends: fn(&u8) -> bool) -> Counts {
    let mut counts = Counts::new();
    for piece in lines(bytes).unwrap_or_default().split(ends) {
        if !piece.trim_ascii().is_empty() {
            *counts.entry(piece.to_vec()).or_default() += 1;
        }
    }
    counts
}

/// Every line of one side that the other did not take out is there; of text that is merged word by word every word. An
/// answer by hand takes lines out in ways of its own, so only where none was open.
fn nothing_lost(base: Option<&[u8]>, left: &[u8], right: &[u8], out: &[u8]) {
    let asked = |bytes: &[u8]| conflicts(bytes).is_ok_and(|open| !open.is_empty());
    if base.is_some_and(asked) || asked(left) || asked(right) {
        return;
    }
    let all = [base.unwrap_or_default(), left, right, out];
    let prose = |bytes: &[u8]| bytes.windows(8).any(|eight| eight == b"markdown");
    let ends = if all.into_iter().any(prose) { u8::is_ascii_whitespace } else { |byte: &u8| *byte == b'\n' };
    let [base, left, right, out] = all.map(|bytes| counted(bytes, ends));
    let count = |counts: &Counts, piece: &Vec<u8>| counts.get(piece).copied().unwrap_or(0);
    for (one, other) in [(&left, &right), (&right, &left)] {
        for piece in one.keys().filter(|piece| count(other, piece) >= count(&base, piece)) {
            assert!(out.contains_key(piece), "lost {:?}", String::from_utf8_lossy(piece));
        }
    }
}
