//! Notebooks people wrote, with their outputs and pictures, edited at random on two sides and merged. They come from some
//! packages of Debian and PyPI: `KITBAG_NOTEBOOKS=$(tests/notebooks/fetch)`. Without them nothing is tested, which is said,
//! and in CI is a failure. Ten thousand merges in the first tier, a million with KITBAG_FULL in the second; a failure names
//! its seed, and `NOTEBOOK_SEED=N` replays it and leaves the four notebooks in the temporary folder.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "../../agent/core/tests/notebooks/editor.rs"]
#[allow(dead_code, reason = "the notebooks are there already")]
mod editor;
#[path = "../page/browser/lab.rs"]
mod lab;
#[path = "../../agent/core/tests/notebooks/lost.rs"]
mod lost;
mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use editor::{Chance, Hand};
use kitbag_core::merge::notebook::{self, By, Side};
use raw::Raw;
use serde_json::Value;

/// So many there have to be at least.
const LEAST: usize = 100;
/// Of so many merges the official schema is asked too.
const SAMPLE: u64 = 100;

fn side<'a>(bytes: &'a str, name: &str) -> Side<'a> {
    let by = By { machine: Some(name.to_uppercase()), version: Some(name.repeat(4)) };
    Side { bytes: bytes.as_bytes(), by, ..Side::default() }
}

/// All of them that are of format 4 and can be read by any reader of JSON, and how many are not.
fn corpus(folder: &Path) -> (Vec<(String, String)>, usize) {
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path()).collect();
    names.sort();
    names.retain(|file| file.extension().is_some_and(|end| end == "ipynb"));
    let all = names.len();
    let mut good = Vec::new();
    for file in names {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let Ok(notebook) = serde_json::from_str::<Value>(&text) else { continue };
        let whole = |cell: &Value| cell["source"].is_array() || cell["source"].is_string();
        let cells = notebook["cells"].as_array();
        if notebook["nbformat"] == 4 && cells.is_some_and(|cells| cells.iter().all(whole)) {
            assert!(notebook::lines(text.as_bytes()).is_some(), "{file:?} cannot be read");
            good.push((file.file_name().unwrap().to_str().unwrap().to_owned(), text));
        }
    }
    let others = all - good.len();
    (good, others)
}

fn minor(notebook: &Value) -> u64 {
    notebook["nbformat_minor"].as_u64().unwrap_or(0)
}

/// Ids that stand twice, or are none.
fn bad_ids(notebook: &Value) -> usize {
    let mut seen = BTreeSet::new();
    let good = |id: &str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let cells = notebook["cells"].as_array().unwrap().iter();
    cells.filter(|cell| !cell["id"].as_str().is_some_and(|id| good(id) && seen.insert(id.to_owned()))).count()
}

/// What the schema asks of a notebook, as far as it asked it of what was merged.
fn valid(from: [&Value; 3], out: &Value) {
    assert_eq!(out["nbformat"], 4);
    assert_eq!(Some(minor(out)), from.into_iter().map(minor).max());
    let cells = |notebook: &Value| notebook["cells"].as_array().unwrap().clone();
    // what is no code may have attachments, whatever it was before
    let names = |cell: &Value| -> BTreeSet<String> {
        let names = cell.as_object().unwrap().keys();
        names.filter(|name| *name != "attachments" || cell["cell_type"] == "code").cloned().collect()
    };
    let mut known: BTreeMap<String, BTreeSet<BTreeSet<String>>> = BTreeMap::new();
    for cell in from.into_iter().flat_map(cells) {
        known.entry(cell["cell_type"].as_str().unwrap().to_owned()).or_default().insert(names(&cell));
    }
    for cell in cells(out) {
        let kind = cell["cell_type"].as_str().unwrap();
        assert!(cell["metadata"].is_object() && (cell["source"].is_array() || cell["source"].is_string()));
        let mark = &cell["metadata"]["kitbag"]["conflict"];
        let mut own = names(&cell);
        if mark.is_object() {
            // code that stands as raw text
            assert!(kind != "code" && !own.contains("outputs"), "{cell}");
            own.remove("id");
            assert_eq!(own.len(), 3, "{cell}");
        } else {
            assert!(known[kind].contains(&own), "no {kind} cell had just {own:?}: {cell}");
        }
    }
    if minor(out) >= 5 && from.iter().all(|notebook| bad_ids(notebook) == 0) {
        assert_eq!(bad_ids(out), 0);
    }
}

/// Cells that stand once, and equal to the byte, in all three stand so in the result. Without ids nobody can tell which
/// of two cells that say the same was edited.
fn untouched(values: [&Value; 3], texts: [&str; 3], out: &str) {
    fn counted(all: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        all.into_iter().for_each(|one| *counts.entry(one).or_default() += 1);
        counts
    }
    let cells = |text: &str| Raw::cut(text).cells.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let sources =
        |notebook: &Value| notebook["cells"].as_array().unwrap().iter().map(editor::text).collect::<Vec<_>>();
    let said = values.map(|notebook| counted(sources(notebook)));
    let stand = texts.map(|text| counted(cells(text)));
    let out = counted(cells(out));
    let ids = minor(values[0]) >= 5;
    for (cell, source) in cells(texts[0]).iter().zip(&sources(values[0])) {
        let once = stand.iter().all(|counts| counts.get(cell) == Some(&1));
        if once && (ids || said.iter().all(|said| said.get(source) == Some(&1))) {
            assert!(out.contains_key(cell), "an untouched cell changed: {cell}");
        }
    }
}

fn run(seed: u64, corpus: &[(String, String)], sample: Option<&Path>) {
    let chance = &mut Chance::new(seed);
    // large ones in their turn, but not as often
    let mut at = chance.below(corpus.len());
    if corpus[at].1.len() > 200_000 && !chance.in_ten(1) {
        at = chance.below(corpus.len());
    }
    let (name, base) = &corpus[at];
    let start: Value = serde_json::from_str(base).unwrap();
    let raw = Raw::cut(base);
    let mut edited = |name| {
        let mut notebook = start.clone();
        let edits = 1 + chance.below(5);
        let mut hand = Hand { chance, name, written: 0 };
        (0..edits).for_each(|_| hand.edit(&mut notebook));
        raw.with(&start, &notebook)
    };
    let (x, y) = (edited("l"), edited("r"));
    let merge = |left: &Side, right: &Side| {
        let merged = notebook::merge(Some(base.as_bytes()), left, right);
        merged.unwrap_or_else(|error| panic!("{name}: {:?} {error}", error.side))
    };
    let (left, right) = (side(&x, "x"), side(&y, "y"));
    assert!(merge(&left, &side(base, "b")).bytes == x.as_bytes(), "{name}: merge(b, x, b) is not x");
    assert!(merge(&left, &side(&x, "y")).bytes == x.as_bytes(), "{name}: merge(b, x, x) is not x");
    let merged = merge(&left, &right);
    assert!(merged == merge(&right, &left), "{name}: not symmetric");
    let out = std::str::from_utf8(&merged.bytes).unwrap();
    if let Some(folder) = sample {
        for (part, text) in [("base", base.as_str()), ("left", &x), ("right", &y), ("merged", out)] {
            std::fs::write(folder.join(format!("{seed}-{part}.ipynb")), text).unwrap();
        }
    }
    let [left, right, whole] = [&x, &y, out].map(|text| serde_json::from_str::<Value>(text).unwrap());
    valid([&start, &left, &right], &whole);
    lost::nothing_lost(base.as_bytes(), x.as_bytes(), y.as_bytes(), &merged.bytes);
    // a cell whose id is none, or stands twice, gets one
    if minor(&start) < 5 || bad_ids(&start) == 0 {
        untouched([&start, &left, &right], [base, &x, &y], out);
    }
}

/// The official schema of what was merged, wherever it held for the three before.
fn official(folder: &Path, programs: &Path) {
    let script = r#"
import glob, json, sys, warnings, nbformat
warnings.simplefilter("ignore")
def good(file):
    with open(file, encoding="utf-8") as text:
        notebook = json.load(text)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        return str(error)
    return None
looked = 0
for merged in glob.glob(sys.argv[1] + "/*-merged.ipynb"):
    if any(good(merged.replace("-merged.", f"-{part}.")) for part in ("base", "left", "right")):
        continue
    looked += 1
    bad = good(merged)
    if bad:
        sys.exit(f"{merged}: {bad}")
print(looked)
"#;
    let ran = Command::new(programs.join("python")).args(["-c", script]).arg(folder).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let looked: u64 = String::from_utf8(ran.stdout).unwrap().trim().parse().unwrap();
    eprintln!("nbformat holds {looked} of them for valid notebooks, as those they came of");
    assert!(looked >= SAMPLE / 2, "{looked}");
}

#[test]
fn merges_of_real_notebooks_hold() {
    let Some(folder) = std::env::var_os("KITBAG_NOTEBOOKS").map(PathBuf::from) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "KITBAG_NOTEBOOKS is not set: tests/notebooks/fetch fetches them"
        );
        eprintln!("NOT TESTED: no real notebooks; KITBAG_NOTEBOOKS=$(tests/notebooks/fetch) fetches them");
        return;
    };
    let (corpus, others) = corpus(&folder);
    assert!(corpus.len() >= LEAST, "only {} notebooks in {folder:?}", corpus.len());
    if let Some(seed) = std::env::var_os("NOTEBOOK_SEED") {
        return run(seed.to_str().unwrap().parse().unwrap(), &corpus, Some(&std::env::temp_dir()));
    }
    // the long tier has seeds of its own
    let full = std::env::var_os("KITBAG_FULL").is_some();
    let (first, runs) = if full { (10_000, 1_000_000) } else { (0, 10_000) };
    let sample = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("real-merges-{}", std::process::id()));
    std::fs::create_dir_all(&sample).unwrap();
    let workers = std::thread::available_parallelism().map_or(2, |cores| cores.get() as u64).min(8);
    eprintln!(
        "{} notebooks ({others} more are of no use), seeds {first} to {}",
        corpus.len(),
        first + runs - 1
    );
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (corpus, sample) = (&corpus, &sample);
            scope.spawn(move || {
                for seed in (first..first + runs).filter(|seed| seed % workers == worker) {
                    let sample = (seed % (runs / SAMPLE) == 0).then_some(sample.as_path());
                    let done = std::panic::catch_unwind(|| run(seed, corpus, sample));
                    assert!(done.is_ok(), "NOTEBOOK_SEED={seed} replays what is told above");
                }
            });
        }
    });
    if let Some(programs) = lab::jupyter() {
        official(&sample, &programs);
    }
    std::fs::remove_dir_all(&sample).unwrap();
}
