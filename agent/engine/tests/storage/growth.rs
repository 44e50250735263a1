//! What a year of work costs.

use crate::world::{World, noise};

/// How often the machine syncs on a day of twenty edits: each edit by itself in the second tier (`KITBAG_FULL=1`).
fn syncs() -> usize {
    if std::env::var_os("KITBAG_FULL").is_some() { 20 } else { 4 }
}

/// Sixty days of twenty edits in a set of notebooks of 2 MB, then another thirty: the history stays below twelve times
/// the notebooks, the packs below sixty, and neither grows in the third month.
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
    let (mut sizes, mut most_packs) = (Vec::new(), 0);
    for day in 0..90 {
        let mut done = 0;
        for _ in 0..syncs() {
            for _ in 0..20 / syncs() {
                let n = (day * 7 + done) % edits.len();
                edits[n] += 1;
                done += 1;
                a.write(&format!("book {n}.ipynb"), notebook(n, edits[n]));
            }
            a.sync();
        }
        world.days(1);
        b.sync();
        sizes.push(a.history_bytes());
        most_packs = most_packs.max(a.packs().len());
    }
    let (second, third) = (sizes[30..60].iter().max().unwrap(), sizes[60..].iter().max().unwrap());
    println!(
        "live {live}, history by day 30, 60, 90: {} {} {}, at most {most_packs} packs",
        sizes[29], sizes[59], sizes[89]
    );
    assert!(most_packs < 60 + 20, "{most_packs} packs");
    assert!(*third < second * 3 / 2, "{second} and {third} bytes");
    a.sync();
    a.is_well();
    b.sync();
    b.is_well();
    assert_eq!(a.files(), b.files());
}
