//! Questions about cells of a notebook on a terminal of 80 columns: what happened to each cell, its versions one below
//! the other, and the command that answers. What stands in cells was written elsewhere: control characters are shown
//! and not carried out, and what is left out of a long cell is said.

use kitbag_core::path::shown;
use kitbag_engine::error::count;
use kitbag_engine::sync::{CellQuestion, Conflict};

use super::conflicts::quoted;

/// Columns.
const WIDTH: usize = 80;
/// A version is shown with so many lines at the most.
const LINES: usize = 16;
/// So many lines around a difference are shown, though they are the same.
const AROUND: usize = 2;
/// So many cells are shown at the most.
const CELLS: usize = 20;

/// In a list of many files: a sentence a cell, and what to type.
pub fn in_short(conflict: &Conflict) -> Vec<String> {
    let mut lines = vec![head(conflict)];
    for cell in conflict.cells.iter().take(CELLS) {
        lines.extend(wrapped(&cell.what, "  "));
    }
    lines.extend(more(conflict));
    let path = quoted(&conflict.path);
    if conflict.waits() {
        lines.push(format!("  kitbag conflicts {path}   shows both versions"));
        lines.push(format!("  kitbag resolve {path} --keep this|other|both"));
    } else {
        lines.push(format!("  kitbag conflicts {path}   shows what stands there"));
        lines.push(format!("  kitbag resolve {path} --keep this|other   keeps it, or lets it go"));
    }
    lines
}

/// One file: every cell with its versions.
pub fn in_full(conflict: &Conflict) -> Vec<String> {
    let mut lines = vec![head(conflict)];
    for cell in conflict.cells.iter().take(CELLS) {
        lines.push(String::new());
        lines.extend(wrapped(&cell.what, ""));
        lines.extend(versions(cell));
        let keep = if cell.others.len() > 1 { "this|both|MACHINE" } else { "this|other|both" };
        let (path, cell) = (quoted(&conflict.path), quoted(&cell.cell));
        lines.push(format!("  kitbag resolve {path} --cell {cell} --keep {keep}"));
    }
    lines.extend(more(conflict));
    if conflict.cells.len() > 1 {
        lines.push(String::new());
        lines.push("All of them at once:".into());
        lines.push(format!("  kitbag resolve {} --keep this|other|both|MACHINE", quoted(&conflict.path)));
    }
    lines
}

fn head(conflict: &Conflict) -> String {
    let waiting = conflict.cells.iter().filter(|cell| cell.waits()).count();
    let waits = match waiting {
        0 => "no cell waits for an answer.".to_owned(),
        1 => "1 cell waits for an answer.".to_owned(),
        n => format!("{n} cells wait for an answer."),
    };
    format!("{}: {waits}", shown(&conflict.path))
}

fn more(conflict: &Conflict) -> Option<String> {
    let left = conflict.cells.len().checked_sub(CELLS).filter(|left| *left > 0)?;
    Some(format!("  … and {}; `--json` tells all of them", count(left, "more cell")))
}

/// The versions of a cell, each under the word that keeps it.
fn versions(cell: &CellQuestion) -> Vec<String> {
    let mut all: Vec<(String, &str)> = Vec::new();
    let who = |by: &kitbag_core::merge::notebook::By| {
        by.machine.as_ref().map(|machine| format!(" ({})", shown(machine))).unwrap_or_default()
    };
    if let Some(source) = &cell.source {
        let runs = if cell.others.is_empty() { "kept" } else { "this" };
        all.push((format!("{runs}{}:", who(&cell.by)), source));
    }
    for other in &cell.others {
        all.push((format!("other{}:", who(&other.by)), &other.source));
    }
    let texts: Vec<Vec<&str>> = all.iter().map(|(_, text)| text.lines().collect()).collect();
    let (first, last) = if texts.len() > 1 { alike(&texts) } else { (0, 0) };
    let mut lines = Vec::new();
    for ((label, _), text) in all.iter().zip(&texts) {
        lines.push(format!("  {label}"));
        lines.extend(part(text, first, last).into_iter().map(|line| format!("    {line}")));
    }
    lines
}

/// How many lines all versions begin with alike, and end with, beyond those that are shown around the difference.
fn alike(texts: &[Vec<&str>]) -> (usize, usize) {
    let shortest = texts.iter().map(Vec::len).min().unwrap_or(0);
    let same =
        |at: &dyn Fn(&Vec<&str>) -> Option<String>| texts.windows(2).all(|pair| at(&pair[0]) == at(&pair[1]));
    let own = |line: Option<&&str>| line.map(|line| (*line).to_owned());
    let first = (0..shortest).take_while(|n| same(&|text| own(text.get(*n)))).count();
    let last = (0..shortest - first).take_while(|n| same(&|text| own(text.get(text.len() - 1 - n)))).count();
    (first.saturating_sub(AROUND), last.saturating_sub(AROUND))
}

/// The lines of one version without what all begin and end with.
fn part(text: &[&str], first: usize, last: usize) -> Vec<String> {
    if text.is_empty() {
        return vec!["(empty)".into()];
    }
    let said = |lines: usize, what: &str| (lines > 0).then(|| format!("[{}{what}]", count(lines, "line")));
    let middle = &text[first..text.len() - last];
    let mut lines: Vec<String> = said(first, " alike").into_iter().collect();
    lines.extend(middle.iter().take(LINES).map(|line| cut(line)));
    lines.extend(said(middle.len().saturating_sub(LINES), " more"));
    lines.extend(said(last, " alike"));
    lines
}

/// One line of a cell, safe and no longer than the terminal is wide.
fn cut(line: &str) -> String {
    let safe = format!("| {}", shown(&line.replace('\t', "    ")));
    let room = WIDTH - 4;
    if columns(&safe) <= room {
        return safe;
    }
    let left = |taken: usize| format!(" [{} more]", count(safe.chars().count() - taken, "character"));
    let (mut out, mut used, mut taken) = (String::new(), 0, 0);
    for c in safe.chars() {
        if used + column(c) + left(taken).len() > room {
            break;
        }
        out.push(c);
        used += column(c);
        taken += 1;
    }
    out + &left(taken)
}

/// A sentence in lines of the terminal's width.
fn wrapped(sentence: &str, indent: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split(' ') {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines
}

fn columns(text: &str) -> usize {
    text.chars().map(column).sum()
}

/// Columns a character takes: two for those of East Asian scripts and pictures.
fn column(c: char) -> usize {
    let wide = matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}');
    if wide { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use kitbag_core::conflict::ConflictKind;
    use kitbag_core::merge::notebook::{By, CellKind};
    use kitbag_engine::sync::OtherCell;

    use super::*;

    fn by(machine: &str) -> By {
        By { machine: Some(machine.into()), version: None }
    }

    fn question(this: &str, others: &[(&str, &str)]) -> Conflict {
        let other = |(machine, source): &(&str, &str)| OtherCell {
            cell: "x".into(),
            kind: CellKind::Code,
            source: (*source).to_owned(),
            by: by(machine),
        };
        let cell = CellQuestion {
            cell: "-a b".into(),
            number: 3,
            kind: CellKind::Code,
            what:
                "Cell 3 was changed on HOME-PC and on WORK-PC. Both versions are in the notebook; only the \
                   first one runs."
                    .into(),
            source: Some(this.into()),
            by: by("HOME-PC"),
            others: others.iter().map(other).collect(),
            deleted_by: None,
        };
        Conflict {
            path: "a b/w.ipynb".into(),
            kind: ConflictKind::Notebook,
            sides: vec![],
            cells: vec![cell],
        }
    }

    #[test]
    fn both_versions_and_the_command_are_shown() {
        let lines = in_full(&question("x = 1\n\ty", &[("WORK-PC", "x = 2\n")]));
        let expected = "a b/w.ipynb: 1 cell waits for an answer.\n\n\
            Cell 3 was changed on HOME-PC and on WORK-PC. Both versions are in the notebook;\n\
            only the first one runs.\n  this (HOME-PC):\n    | x = 1\n    |     y\n  other (WORK-PC):\n    | x = 2\n  \
            kitbag resolve 'a b/w.ipynb' --cell '-a b' --keep this|other|both";
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_none_is_carried_out() {
        let evil = "\u{1b}[2J\u{7}\u{9b}31m\u{202e}".to_owned() + &"漢字".repeat(500) + "\r\u{8}";
        let long = format!("{}\n{evil}\n{}", "a\n".repeat(40), "z\n".repeat(500));
        let short = format!("{}b\nz\n", "a\n".repeat(40));
        let mut all = String::new();
        // with an empty version nothing is alike, and the beginning is shown
        for others in [&[("WORK\u{1b}[0m", &*short)][..], &[("WORK\u{1b}[0m", &*short), ("THIRD", "")]] {
            let question = question(&long, others);
            for line in in_full(&question).iter().chain(&in_short(&question)) {
                assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
                assert!(columns(line) <= WIDTH, "{} columns: {line}", columns(line));
                all.push_str(line);
            }
        }
        for said in ["characters more]", "lines more]", "lines alike]", "(empty)", "\\u{1b}[2J", "\\u{202e}"]
        {
            assert!(all.contains(said), "{said}: {all}");
        }
    }

    #[test]
    fn what_is_alike_is_left_out_and_said() {
        let same: String = (0..50).map(|n| format!("line {n}\n")).collect();
        let texts = [format!("{same}mine\n{same}"), format!("{same}yours\n{same}")];
        let all = in_full(&question(&texts[0], &[("WORK-PC", &texts[1])])).join("\n");
        assert_eq!(all.matches("[48 lines alike]").count(), 4, "{all}");
        assert!(all.contains("| mine") && all.contains("| yours") && all.contains("| line 49"), "{all}");
        assert!(!all.contains("more]"), "{all}");
    }
}
