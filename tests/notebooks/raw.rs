//! A notebook as somebody's program wrote it, cut at its cells: what nobody edited goes into an edited notebook as it
//! stood, with its order of keys, numbers and escapes.

use serde_json::Value;

/// The text around the cells, and each of them.
pub struct Raw<'a> {
    before: &'a str,
    pub cells: Vec<&'a str>,
    between: &'a str,
    after: &'a str,
}

impl<'a> Raw<'a> {
    /// Cut it. It is a notebook.
    pub fn cut(text: &'a str) -> Self {
        let (mut depth, mut at, bytes) = (0, 0, text.as_bytes());
        // where the list and each of its cells begins and ends
        let (mut list, mut start, mut places) = (None, 0, Vec::new());
        let mut key = "";
        let end = loop {
            match bytes[at] {
                b'"' => {
                    let from = at;
                    at += 1;
                    while bytes[at] != b'"' {
                        at += 1 + usize::from(bytes[at] == b'\\');
                    }
                    if depth == 1 && list.is_none() {
                        key = &text[from..=at];
                    }
                }
                b'{' | b'[' => {
                    depth += 1;
                    if depth == 2 && bytes[at] == b'[' && key == "\"cells\"" && list.is_none() {
                        list = Some(at + 1);
                    }
                    if depth == 3 && list.is_some() {
                        start = at;
                    }
                }
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 2 && list.is_some() {
                        places.push((start, at + 1));
                    }
                    if depth == 1 && list.is_some() {
                        break at;
                    }
                    if depth == 1 {
                        key = "";
                    }
                }
                _ => {}
            }
            at += 1;
        };
        let list = list.unwrap_or(end);
        let (first, last) =
            (places.first().map_or(list, |place| place.0), places.last().map_or(list, |place| place.1));
        let between = match places[..] {
            [one, two, ..] => &text[one.1..two.0],
            _ => ",\n  ",
        };
        let cells = places.iter().map(|(from, to)| &text[*from..*to]).collect();
        Raw { before: &text[..first], cells, between, after: &text[last..] }
    }

    /// The text of an edited notebook: cells that are as they were as they stood, the others as Jupyter writes them. What
    /// stands outside of the cells is not changed.
    pub fn with(&self, start: &Value, edited: &Value) -> String {
        let old = start["cells"].as_array().unwrap();
        let wide = self.between.contains('\n');
        let cells = edited["cells"].as_array().unwrap().iter().map(|cell| {
            let same = old.iter().position(|old| old == cell);
            same.map_or_else(|| written(cell, wide), |at| self.cells[at].to_owned())
        });
        [self.before, &cells.collect::<Vec<_>>().join(self.between), self.after].concat()
    }
}

fn written(cell: &Value, wide: bool) -> String {
    if !wide {
        return cell.to_string();
    }
    let mut bytes = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, indent);
    serde::Serialize::serialize(cell, &mut writer).unwrap();
    String::from_utf8(bytes).unwrap().replace('\n', "\n  ")
}
