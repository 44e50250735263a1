//! From merged cells to a notebook: what stands around the cells is merged name by name, the cells are set apart as
//! they were, and the format is the higher one of both.

use std::borrow::Cow;

use super::cell::{Context, Made};
use super::document::Document;
use super::style::{Object, Style};
use super::values;

/// The text of the notebook.
pub fn assemble<'a>(
    base: Option<&Document<'a>>,
    sides: [&Document<'a>; 2],
    cells: &[Made],
    context: &Context,
) -> String {
    let [lead, other] = sides;
    let style = context.style;
    let minor = lead.minor.max(other.minor).max(base.map_or(0, |base| base.minor)).to_string();
    let mut root = Object::framed(lead.frame, 0);
    let mut members: Vec<_> = lead.members.iter().collect();
    members.extend(other.members.iter().filter(|member| lead.get(&member.key).is_none()));
    if lead.members.is_sorted_by(|a, b| a.key <= b.key) {
        members.sort_by(|a, b| a.key.cmp(&b.key));
    }
    for member in members {
        let key = &*member.key;
        let by = if key == "metadata" { values::By::Notebook } else { values::By::Name };
        let value = match key {
            "cells" => {
                root.push_pieces(member.key.clone(), Cow::Borrowed(member.front), list(sides, cells, style));
                continue;
            }
            "nbformat_minor" => Some(Cow::Owned(minor.clone())),
            _ => values::merge(
                base.and_then(|base| base.get(key)),
                lead.get(key),
                other.get(key),
                by,
                1,
                style,
            ),
        };
        if let Some(value) = value {
            root.push(member.key.clone(), Cow::Borrowed(member.front), value);
        }
    }
    let changed = |part: fn((&'a str, &'a str)) -> &'a str| {
        let [lead, other] = sides.map(|side| part(side.around));
        if base.is_some_and(|base| part(base.around) == lead) { other } else { lead }
    };
    let mut pieces = vec![Cow::Borrowed(changed(|(before, _)| before))];
    pieces.extend(root.pieces(style));
    pieces.push(Cow::Borrowed(changed(|(_, after)| after)));
    pieces.concat()
}

/// What the list of cells is put together from, set apart as they were.
fn list<'c>(sides: [&Document<'c>; 2], cells: &'c [Made], style: &Style) -> Vec<Cow<'c, str>> {
    let texts = cells.iter().map(|cell| Cow::Borrowed(&*cell.text));
    let framed = sides.iter().find(|side| !side.cells.is_empty());
    let Some(frame) = framed.map(|side| side.cells_frame).filter(|_| !cells.is_empty()) else {
        return vec![Cow::Owned(style.array(&texts.collect::<Vec<_>>(), 2))];
    };
    let between = sides.iter().find_map(|side| side.cells_frame.between);
    let between = between.map_or_else(|| Cow::Owned(format!(",{}", frame.open)), Cow::Borrowed);
    let mut pieces = vec![Cow::Borrowed("["), Cow::Borrowed(frame.open)];
    for (at, text) in texts.enumerate() {
        if at > 0 {
            pieces.push(between.clone());
        }
        pieces.push(text);
    }
    pieces.extend([Cow::Borrowed(frame.close), Cow::Borrowed("]")]);
    pieces
}
