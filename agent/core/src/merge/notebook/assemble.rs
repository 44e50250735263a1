//! From merged cells to a notebook: what stands around the cells is merged name by name, the cells are set apart as
//! they were, and the format is the higher one of both.

use std::borrow::Cow;

use super::cell::{Context, Made};
use super::document::Document;
use super::style::{Object, Style};
use super::values;

/// The text of the notebook.
pub fn assemble(base: Option<&Document>, sides: [&Document; 2], cells: &[Made], context: &Context) -> String {
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
            "cells" => Some(Cow::Owned(list(sides, cells, style))),
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
    let changed = |of: fn(&Document) -> String| {
        let (lead, other) = (of(lead), of(other));
        if base.is_some_and(|base| of(base) == lead) { other } else { lead }
    };
    let before = changed(|document| document.around.0.to_owned());
    let after = changed(|document| document.around.1.to_owned());
    [before, root.text(style), after].concat()
}

/// The list of cells, set apart as they were.
fn list(sides: [&Document; 2], cells: &[Made], style: &Style) -> String {
    let framed = sides.iter().find(|side| !side.cells.is_empty());
    let texts: Vec<Cow<str>> = cells.iter().map(|cell| Cow::Borrowed(&*cell.text)).collect();
    let Some(frame) = framed.map(|side| side.cells_frame).filter(|_| !cells.is_empty()) else {
        return style.array(&texts, 2);
    };
    let between = sides.iter().find_map(|side| side.cells_frame.between);
    let between = between.map_or_else(|| format!(",{}", frame.open), str::to_owned);
    format!("[{}{}{}]", frame.open, texts.join(between.as_str()), frame.close)
}
