//! Notebooks edited at random on several sides and merged: whichever side is named first the bytes are the same, the
//! result is a notebook, no line goes that nobody took out, and what nobody touched stays to the byte. A failure names
//! its seed; `SEED` below replays it.
#![allow(clippy::unwrap_used)]

#[path = "notebooks/editor.rs"]
mod editor;
#[path = "notebooks/lost.rs"]
mod lost;

use std::collections::BTreeSet;

use editor::{Chance, Hand, write, written};
use kitbag_core::merge::notebook::{self, Answer, By, Merged, Side};
use lost::nothing_lost;
use serde_json::Value;

/// Replays one seed where it is set.
const SEED: Option<u64> = None;
const RUNS: u64 = 2000;
/// Bytes that mean something in a notebook, and some that must not stand there.
const DAMAGE: &[u8] = b"{}[]\",:\\0e-tn\0\xff\n ";

fn side<'a>(bytes: &'a [u8], name: &str) -> Side<'a> {
    Side {
        bytes,
        by: By { machine: Some(name.to_uppercase()), version: Some(name.repeat(4)) },
        ..Side::default()
    }
}

fn merge(base: Option<&[u8]>, left: (&[u8], &str), right: (&[u8], &str)) -> Merged {
    let (left, right) = (side(left.0, left.1), side(right.0, right.1));
    let one = notebook::merge(base, &left, &right).unwrap();
    let two = notebook::merge(base, &right, &left).unwrap();
    assert_eq!(String::from_utf8_lossy(&one.bytes), String::from_utf8_lossy(&two.bytes), "not symmetric");
    valid(&one.bytes);
    one
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// What the schema of nbformat asks for.
fn valid(bytes: &[u8]) {
    let notebook = read(bytes);
    assert_eq!(notebook["nbformat"], 4);
    let ids = notebook["nbformat_minor"].as_u64().unwrap() >= 5;
    let mut seen = BTreeSet::new();
    for cell in notebook["cells"].as_array().unwrap() {
        let names: BTreeSet<_> = cell.as_object().unwrap().keys().map(String::as_str).collect();
        let mut wanted = BTreeSet::from(["cell_type", "metadata", "source"]);
        if cell["cell_type"] == "code" {
            wanted.extend(["outputs", "execution_count"]);
        }
        if ids {
            wanted.insert("id");
            let id = cell["id"].as_str().unwrap();
            assert!(
                id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
                "{id}"
            );
            assert!(seen.insert(id.to_owned()), "twice the same id {id}");
        }
        assert_eq!(names, wanted, "{cell}");
    }
}

/// The texts of all cells, cut by hand.
fn cells(bytes: &[u8]) -> BTreeSet<String> {
    let text = std::str::from_utf8(bytes).unwrap();
    let list = text.split_once("\"cells\": [\n").map_or("", |(_, rest)| rest);
    let list = list.split_once("\n ],").map_or("", |(list, _)| list);
    list.split("\n  },\n").map(|cell| cell.trim_end_matches("\n  }").to_owned()).collect()
}

fn untouched(base: &[u8], left: &[u8], right: &[u8], out: &[u8]) {
    let [base, left, right, out] = [base, left, right, out].map(cells);
    // without ids nobody can tell which of two equal cells is meant; another version goes when its cell says the same
    let told = |cell: &&String| cell.contains("\n   \"id\": ") && !cell.contains("\"conflict\": ");
    for cell in base.intersection(&left).filter(|cell| right.contains(*cell)).filter(told) {
        assert!(out.contains(cell), "an untouched cell changed: {cell}");
    }
}

struct Three {
    base: Vec<u8>,
    sides: [Vec<u8>; 3],
}

fn edited(chance: &mut Chance, start: &Value, names: [&'static str; 3]) -> Three {
    let mut side = |name| {
        let mut notebook = start.clone();
        let edits = 1 + chance.below(4);
        let mut hand = Hand { chance, name, written: 0 };
        (0..edits).for_each(|_| hand.edit(&mut notebook));
        write(&notebook)
    };
    let sides = names.map(&mut side);
    Three { base: write(start), sides }
}

fn run(seed: u64) {
    let chance = &mut Chance::new(seed);
    let minor = if chance.in_ten(7) { 5 } else { 4 };
    let start = Hand { chance, name: "b", written: 0 }.notebook(6, minor);
    let Three { base, sides: [x, y, z] } = edited(chance, &start, ["l", "r", "z"]);
    let first = merge(Some(&base), (&x, "x"), (&y, "y"));
    nothing_lost(&base, &x, &y, &first.bytes);
    untouched(&base, &x, &y, &first.bytes);
    assert_eq!(merge(Some(&base), (&x, "x"), (&base, "b")).bytes, x);
    assert_eq!(merge(Some(&base), (&x, "x"), (&x, "y")).bytes, x);
    // without a base nothing of either goes
    let none = merge(None, (&x, "x"), (&y, "y"));
    nothing_lost(&write(&serde_json::json!({"cells": []})), &x, &y, &none.bytes);
    // the same two sides are merged elsewhere with a third one, and both merges meet
    let second = merge(Some(&base), (&y, "y"), (&z, "z"));
    let third = merge(Some(&y), (&first.bytes, "m"), (&second.bytes, "n"));
    nothing_lost(&y, &first.bytes, &second.bytes, &third.bytes);
    // the one who only touched the notebook's own metadata changes no cell of the other
    let mut touched = start.clone();
    touched["metadata"]["title"] = Value::from("A title");
    let quiet = merge(Some(&base), (&x, "x"), (&write(&touched), "y"));
    assert_eq!(cells(&quiet.bytes), cells(&x));
    // another program writes otherwise, which changes nothing of what is said
    let wide = merge(Some(&base), (&x, "x"), (&written(&read(&y), "    ", true), "y"));
    assert_eq!(read(&wide.bytes), read(&first.bytes));
    assert!(x == base || y == base || wide.bytes.starts_with(b"{\n    \""));
    // or gives new ids to all cells, and loses none
    let mut numbered = read(&y);
    for (at, cell) in numbered["cells"].as_array_mut().unwrap().iter_mut().enumerate().filter(|_| minor >= 5)
    {
        cell["id"] = Value::from(format!("new-{at}"));
    }
    let numbered = write(&numbered);
    nothing_lost(&base, &x, &numbered, &merge(Some(&base), (&x, "x"), (&numbered, "y")).bytes);
    // what came out is edited and answered on two sides again
    let Three { base, sides: [x, y, _] } = edited(chance, &read(&third.bytes), ["p", "q", "s"]);
    let last = merge(Some(&base), (&x, "x"), (&y, "y"));
    nothing_lost(&base, &x, &y, &last.bytes);
    untouched(&base, &x, &y, &last.bytes);
    // and can be answered until nothing is open
    let mut open = last.bytes;
    for _ in 0..50 {
        let Some(conflict) = notebook::conflicts(&open).unwrap().into_iter().next() else { break };
        let keep = [Answer::This, Answer::Both][chance.below(2)].clone();
        open = notebook::answer(&open, Some(&conflict.cell), &keep).unwrap();
        valid(&open);
    }
    assert_eq!(notebook::conflicts(&open).unwrap(), []);
}

/// Bytes taken out, put in and changed at random in what is a notebook else: a refusal or a merge, and nothing is
/// lost of what still reads.
fn damaged(seed: u64) {
    let chance = &mut Chance::new(seed);
    let minor = if chance.in_ten(7) { 5 } else { 4 };
    let start = Hand { chance, name: "b", written: 0 }.notebook(3, minor);
    let Three { mut base, mut sides } = edited(chance, &start, ["l", "r", "z"]);
    for _ in 0..chance.below(4) {
        let bytes = if chance.in_ten(2) { &mut base } else { &mut sides[chance.below(2)] };
        let (at, from) = (chance.below(bytes.len()), chance.below(bytes.len()));
        let piece = bytes[from..(from + chance.below(40)).min(bytes.len())].to_vec();
        match chance.below(4) {
            0 => drop(bytes.remove(at)),
            1 => bytes[at] = DAMAGE[chance.below(DAMAGE.len())],
            2 => drop(bytes.splice(at..at, piece)),
            _ => drop(bytes.splice(at..(at + piece.len()).min(bytes.len()), [])),
        }
    }
    let [x, y, _] = &sides;
    let merged = notebook::merge(Some(&base), &side(x, "x"), &side(y, "y"));
    assert_eq!(merged.is_ok(), notebook::merge(Some(&base), &side(y, "y"), &side(x, "x")).is_ok());
    if let Ok(merged) = &merged {
        assert_eq!(Some(merged), notebook::merge(Some(&base), &side(y, "y"), &side(x, "x")).ok().as_ref());
        let open = notebook::conflicts(&merged.bytes).unwrap_or_default();
        for one in open {
            if let Ok(answered) = notebook::answer(&merged.bytes, Some(&one.cell), &Answer::Both) {
                assert!(notebook::conflicts(&answered).is_ok());
            }
        }
    }
    let _ = notebook::merge_base(Some(&base), x, y);
    let _ = notebook::removed(x, y);
}

#[test]
fn damaged_notebooks_are_merged_or_refused() {
    all(damaged);
}

#[test]
fn merges_of_random_edits_hold() {
    all(run);
}

fn all(run: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let seeds: Vec<u64> = SEED.map_or_else(|| (0..RUNS).collect(), |seed| vec![seed]);
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            let why = panic.downcast_ref::<String>().map_or("", String::as_str);
            panic!("seed {seed}: {why}");
        }
    }
}
