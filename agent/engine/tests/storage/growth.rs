//! What a year of work costs.

use crate::world::{World, noise};

/// How often the machine syncs on a day of twenty edits: each edit by itself in the second tier (`KITBAG_FULL=1`).
fn syncs() -> usize {
    if std::env::var_os("KITBAG_FULL").is_some() { 20 } else { 2 }
}

/// Sixty days of twenty edits in a set of notebooks of 2 MB, and ten more: the history never costs more than half as much
/// again as the files and what was published within the days that are kept, and it does not grow any more then; the packs
/// stay below sixty.
#[test]
fn a_year_of_notebooks_is_bounded() {
    let world = World::new();
    let (a, b) = (world.machine("a", "share"), world.machine("b", "share"));
    let notebook = |n: usize, edits: usize| {
        // outputs that hardly compress, and cells that do
        let output: String = noise(66_000, n as u64).iter().map(|byte| format!("{byte:02x}")).collect();
        let cells: String =
            (0..400 + edits).map(|cell| format!("\"source of cell {cell} in {n}\",\n")).collect();
        format!("{{\"cells\": [{cells}\"\"], \"output\": \"{output}\", \"edits\": {edits}}}\n")
    };
    let mut edits = [0_usize; 14];
    for (n, count) in edits.iter().enumerate() {
        a.write(&format!("book {n}.ipynb"), notebook(n, *count));
    }
    a.sync();
    b.sync();
    let live: usize = a.files().values().map(Vec::len).sum();
    assert!((1_900_000..2_300_000).contains(&live), "{live}");
    let (mut sizes, mut published, mut most_packs) = (Vec::new(), Vec::new(), 0);
    for day in 0..70 {
        let (mut done, mut bytes) = (0, 0);
        for _ in 0..syncs() {
            for _ in 0..20 / syncs() {
                let n = (day * 7 + done) % edits.len();
                edits[n] += 1;
                done += 1;
                a.write(&format!("book {n}.ipynb"), notebook(n, edits[n]));
            }
            bytes += a.sync().bytes_published;
        }
        world.days(1);
        b.sync();
        sizes.push(a.history_bytes());
        published.push(usize::try_from(bytes).unwrap());
        most_packs = most_packs.max(a.packs().len());
        // kept days, and the one or two until somebody looks
        let kept: usize = published.iter().rev().take(62).sum();
        let most = (kept + live) * 3 / 2;
        assert!(sizes[day] <= most, "day {day}: {} bytes, {most} at most", sizes[day]);
    }
    let (then, last) = (sizes[60], sizes[69]);
    println!(
        "files {live}, published a day {}, history by day 30, 60, 70: {} {then} {last}, {most_packs} packs at most",
        published[30], sizes[29]
    );
    assert!(most_packs < 60, "{most_packs} packs");
    assert!(last < then * 11 / 10, "{then} and {last} bytes");
    a.sync();
    a.is_well();
    b.sync();
    b.is_well();
    assert_eq!(a.files(), b.files());
}
