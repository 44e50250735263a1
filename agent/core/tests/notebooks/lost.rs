//! No line of a notebook is missing that nobody took out.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::editor::text;

/// How often each line stands in cells, and how often in other versions of cells.
fn lines(bytes: &[u8]) -> [BTreeMap<String, usize>; 2] {
    let mut counts: [BTreeMap<String, usize>; 2] = Default::default();
    let notebook: Value = serde_json::from_slice(bytes).unwrap();
    for cell in notebook["cells"].as_array().unwrap() {
        let version = usize::from(cell["metadata"]["kitbag"]["conflict"].is_object());
        for line in text(cell).split('\n').filter(|line| !line.trim().is_empty()) {
            *counts[version].entry(line.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// Every line of a side that the other side did not take out is there; one that stands in another version of a cell
/// may stand in the cell itself.
pub fn nothing_lost(base: &[u8], left: &[u8], right: &[u8], out: &[u8]) {
    let all = [base, left, right, out].map(lines);
    let merged: Value = serde_json::from_slice(out).unwrap();
    let ids = merged["nbformat_minor"].as_u64().unwrap() >= 5;
    let count = |at: usize, version: usize, line: &str| all[at][version].get(line).copied().unwrap_or(0);
    let whole = |at: usize, line: &str| count(at, 0, line) + count(at, 1, line);
    for (one, other) in [(1, 2), (2, 1)] {
        for line in all[one][0].keys().chain(all[one][1].keys()) {
            if whole(other, line) >= whole(0, line) && count(other, 0, line) >= count(0, 0, line) {
                // without ids equal cells cannot be told apart, and a version that says what its cell says goes
                let wanted = if ids { count(one, 0, line).max(1) } else { 1 };
                let found = whole(3, line);
                assert!(found >= wanted, "the line {line:?} is there {found} times, wanted {wanted}");
            }
        }
    }
}
