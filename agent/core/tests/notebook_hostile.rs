//! Notebooks nobody should have written, and what a merge says to them: a clear refusal, or a merge that loses nothing
//! and ends soon. Speed is not asserted: what grows with the square of the size would not end.
#![allow(clippy::unwrap_used)]

use kitbag_core::merge::notebook::{
    self, Answer, By, LARGEST, Merged, NoAnswer, NotMergeable, Note, Refused, Side, Which, conflicts,
    merge_base, removed,
};

fn side<'a>(bytes: &'a [u8], version: &str) -> Side<'a> {
    let by = By { machine: Some(version.to_uppercase()), version: Some(version.to_owned()) };
    Side { bytes, by, ..Side::default() }
}

fn merge(base: &str, left: &str, right: &str) -> Result<Merged, NotMergeable> {
    let (one, other) = (side(left.as_bytes(), "left"), side(right.as_bytes(), "right"));
    let merged = notebook::merge(Some(base.as_bytes()), &one, &other);
    let turned = notebook::merge(Some(base.as_bytes()), &other, &one);
    assert_eq!(merged.as_ref().ok(), turned.as_ref().ok());
    merged
}

fn text(merged: &Merged) -> &str {
    std::str::from_utf8(&merged.bytes).unwrap()
}

fn notebook(cells: &[String]) -> String {
    format!("{{\"cells\":[{}],\"metadata\":{{}},\"nbformat\":4,\"nbformat_minor\":5}}", cells.join(","))
}

fn code(id: &str, source: &str) -> String {
    with(id, source, "[]")
}

fn with(id: &str, source: &str, outputs: &str) -> String {
    format!(
        "{{\"cell_type\":\"code\",\"execution_count\":null,\"id\":\"{id}\",\"metadata\":{{}},\"outputs\":{outputs},\"source\":\"{source}\"}}"
    )
}

fn refused(text: &str) -> Refused {
    let good = notebook(&[code("a", "x")]);
    let base = notebook(&[]);
    let left = merge(&base, text, &good).unwrap_err();
    let right = merge(&base, &good, text).unwrap_err();
    assert_eq!((left.side, right.side), (Which::Left, Which::Right));
    assert_eq!(left.why, right.why);
    left.why
}

#[test]
fn what_is_no_notebook_is_refused_by_name() {
    assert_eq!(refused(""), Refused::Broken { line: 1 });
    assert_eq!(refused("{\n\"cells\": [\n"), Refused::Broken { line: 3 });
    assert_eq!(refused("{\n \"a\": tru\n}"), Refused::Broken { line: 2 });
    for broken in [
        "{}x",
        "{\"a\" 1}",
        "[1,]",
        "{\"a\":1,}",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "01",
        "1.",
        "-",
        "{\"a\":}",
    ] {
        assert_eq!(refused(broken), Refused::Broken { line: 1 }, "{broken}");
    }
    assert_eq!(refused("\"a\u{1}\""), Refused::Broken { line: 1 }, "a raw control character");
    for odd in [
        "[]",
        "{}",
        "null",
        "{\"nbformat\":4}",
        "{\"nbformat\":\"4\",\"cells\":[]}",
        "{\"nbformat\":4.5,\"cells\":[]}",
        "{\"nbformat\":4,\"cells\":{}}",
        "{\"nbformat\":4,\"cells\":[1]}",
        "{\"nbformat\":4,\"cells\":[{}]}",
        "{\"nbformat\":4,\"cells\":[],\"cells\":[]}",
        "{\"nbformat\":4,\"nbformat_minor\":-1,\"cells\":[]}",
        "{\"nbformat\":4,\"cells\":[],\"metadata\":[]}",
        "{\"nbformat\":4,\"cells\":[{\"cell_type\":\"heading\",\"source\":\"\"}]}",
        "{\"nbformat\":4,\"cells\":[{\"cell_type\":\"code\",\"source\":[1]}]}",
        "{\"nbformat\":4,\"cells\":[{\"cell_type\":\"code\",\"source\":\"\",\"source\":\"x\"}]}",
    ] {
        assert!(matches!(refused(odd), Refused::NoNotebook { .. }), "{odd}");
    }
    assert_eq!(refused("{\"nbformat\":3,\"worksheets\":[{\"cells\":[]}]}"), Refused::Older { major: 3 });
    assert_eq!(refused("{\"nbformat\":5,\"cells\":[]}"), Refused::Newer { major: 5 });
    assert!(Refused::Older { major: 3 }.to_string().contains("open and save it in Jupyter once"));
    let bytes = [&notebook(&[]).into_bytes()[..], b"\xff"].concat();
    let good = notebook(&[code("a", "x")]);
    let error = notebook::merge(None, &side(&bytes, "left"), &side(good.as_bytes(), "right")).unwrap_err();
    assert_eq!(error, NotMergeable { side: Which::Left, why: Refused::Broken { line: 1 } });
}

#[test]
fn what_is_too_deep_or_too_large_is_refused() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(refused(&deep(300_000)), Refused::TooDeep);
    assert!(matches!(refused(&deep(256)), Refused::NoNotebook { .. }));
    let large = " ".repeat(LARGEST + 1);
    assert_eq!(refused(&large), Refused::TooLarge);
}

#[test]
fn how_deep_a_value_may_be_does_not_depend_on_where_it_stands() {
    let deep = |depth: usize| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
    // the whole, its cells, the cell, its outputs
    let cell = |depth: usize| notebook(&[with("a", "x", &deep(depth - 3))]);
    let member = |depth: usize| {
        notebook(&[]).replace("\"metadata\"", &format!("\"x\":{},\"metadata\"", deep(depth - 1)))
    };
    for at in [&cell as &dyn Fn(usize) -> String, &member] {
        let merged = merge(&notebook(&[]), &notebook(&[code("b", "y")]), &at(256)).unwrap();
        assert!(text(&merged).contains(&"[".repeat(252)));
        assert_eq!(refused(&at(257)), Refused::TooDeep);
    }
}

#[test]
fn of_several_faults_the_first_to_be_mended_is_told() {
    let bad = |cells: &str, rest: &str| refused(&format!("{{\"cells\":[{cells}]{rest}"));
    let odd = |why: &str| Refused::NoNotebook { why: why.to_owned() };
    let good = code("a", "x");
    let whole = ",\"metadata\":{},\"nbformat\":4}";
    assert_eq!(bad(&format!("{good},1,{{}}"), whole), odd("cell 2: it is no object"));
    assert_eq!(bad(&format!("{good},{{}},1"), whole), odd("cell 2: its kind is not said"));
    assert_eq!(bad(&format!("{}{good}", "0,".repeat(1 << 20)), whole), odd("cell 1: it is no object"));
    // first all of it has to be JSON, then the notebook's own members have to be right
    assert_eq!(bad("1,\n[", whole), Refused::Broken { line: 2 });
    assert_eq!(bad("1", ",\"metadata\":{}}"), odd("it does not say its format"));
    assert_eq!(bad("1", ",\"cells\":2,\"nbformat\":4}"), odd("a name stands in it twice"));
    assert_eq!(bad("1", ",\"nbformat\":3}"), Refused::Older { major: 3 });
}

#[test]
fn a_broken_base_is_none() {
    let (left, right) = (notebook(&[code("a", "x")]), notebook(&[code("b", "y")]));
    let merged = merge("<<<<<<<", &left, &right).unwrap();
    assert!(text(&merged).contains("\"x\"") && text(&merged).contains("\"y\""));
}

#[test]
fn large_outputs_are_carried_as_they_are() {
    let output = format!(
        "[{{\"name\":\"stdout\",\"output_type\":\"stream\",\"text\":\"{}\"}}]",
        "A\\n".repeat(6 << 20)
    );
    let base = notebook(&[with("a", "x", &output), code("b", "y")]);
    let left = notebook(&[with("a", "x = 1", &output), code("b", "y")]);
    let right = notebook(&[with("a", "x", &output), code("b", "z")]);
    let merged = merge(&base, &left, &right).unwrap();
    assert_eq!(text(&merged), notebook(&[with("a", "x = 1", &output), code("b", "z")]));
}

#[test]
fn a_hundred_thousand_cells_are_paired() {
    let cells = |change: &dyn Fn(usize) -> String| {
        let cell =
            |at| format!("{{\"cell_type\":\"markdown\",\"metadata\":{{}},\"source\":\"{}\"}}", change(at));
        notebook(&(0..100_000).map(cell).collect::<Vec<_>>()).replace("_minor\":5", "_minor\":4")
    };
    let base = cells(&|at| format!("the cell {at}\\nplt.show()"));
    let left = cells(&|at| {
        if at % 3 == 0 {
            format!("the cell {at}\\nleft\\nplt.show()")
        } else {
            format!("the cell {at}\\nplt.show()")
        }
    });
    let right =
        cells(&|at| format!("the cell {}\\nplt.show()", if at < 50_000 { at + 50_000 } else { at - 50_000 }));
    let merged = merge(&base, &left, &right).unwrap();
    assert_eq!(merged.conflicts, []);
    let place = |line: &str| text(&merged).find(line).unwrap();
    assert_eq!(text(&merged).matches("left\\n").count(), 33_334);
    assert!(place("cell 99999\\n") < place("cell 0\\n"), "the halves changed places");
    // all alike, and all different
    let same = cells(&|_| "plt.show()".to_owned());
    let new = cells(&|at| format!("{}", at * 7_654_321));
    assert!(merge(&same, &new, &left).is_ok() && merge(&base, &same, &new).is_ok());
}

#[test]
fn names_without_number_are_merged_or_refused() {
    let names = |from: usize, count: usize| -> String {
        (from..from + count).map(|at| format!("\"n{at}\":{at}")).collect::<Vec<_>>().join(",")
    };
    let cell = |member: &str, from: usize| {
        let cell =
            code("a", "x").replace("\"metadata\":{}", &format!("\"metadata\":{{{}}}", names(from, 50_000)));
        notebook(&[
            cell.replace("\"source\"", &format!("\"{member}\":{{{}}},\"source\"", names(from, 50_000)))
        ])
        .replace("\"metadata\":{},\"nb", &format!("\"metadata\":{{{}}},\"nb", names(from, 50_000)))
    };
    let merged = merge(&cell("odd", 0), &cell("odd", 10_000), &cell("odd", 20_000)).unwrap();
    assert_eq!(text(&merged).matches("\"n20000\":").count(), 3);
    assert_eq!(text(&merged).matches("\"n60000\":").count(), 3, "new on both sides");
    assert!(matches!(refused(&cell("attachments", 0)), Refused::NoNotebook { .. }));
    let many = notebook(&[]).replace("\"nbformat\"", &format!("{},\"nbformat\"", names(0, 100)));
    assert!(matches!(refused(&many), Refused::NoNotebook { .. }));
    assert!(matches!(
        refused(&notebook(&[code("a", "x").replace("\"id\"", &format!("{},\"id\"", names(0, 100)))])),
        Refused::NoNotebook { .. }
    ));
}

#[test]
fn ids_that_stand_twice_or_are_numbers_become_ids() {
    let many = |word: &str| {
        notebook(
            &(0..500)
                .map(|at| code("aaaa", &format!("compute_the_value({at}, of={word})")))
                .collect::<Vec<_>>(),
        )
    };
    let merged = merge(&many("base"), &many("left"), &many("right")).unwrap();
    let mut ids: Vec<_> =
        text(&merged).split("\"id\":\"").skip(1).map(|rest| &rest[..8.min(rest.len())]).collect();
    assert_eq!(ids.len(), 1000);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1000);
    assert_eq!(merged.conflicts.len(), 500, "each cell has its own other version");
    assert!(merged.conflicts.iter().all(|one| one.others.len() == 1));
    let number = |source: &str| notebook(&[code("a", source).replace("\"a\"", "7")]);
    let merged = merge(
        &number("x"),
        &number("x = 1"),
        &notebook(&[code("a", "x").replace("\"a\"", "7"), code("b", "y")]),
    );
    assert!(!text(&merged.unwrap()).contains("\"id\":7"));
}

#[test]
fn surrogates_escapes_and_nan_come_back_as_they_were() {
    let source = "a\\ud83d\\n\\ude00b\\n\\u0000\\u001b[31m\\n\\/\\u00e9\\n";
    let output = "[{\"data\":{\"application/json\":[NaN,-Infinity,1e5,1.0,123456789012345678901234567890]}}]";
    let base = notebook(&[with("a", &format!("{source}end"), output)]);
    let left = notebook(&[with("a", &format!("left\\n{source}end"), output)]);
    let right = notebook(&[with("a", &format!("{source}end\\nright"), output)]);
    let merged = merge(&base, &left, &right).unwrap();
    let (text, wanted) =
        (text(&merged), "left\\na\\ud83d\\n\\ude00b\\n\\u0000\\u001b[31m\\n/\\u00e9\\nend\\nright");
    assert!(text.contains(output) && text.contains(wanted), "{text}");
}

#[test]
fn a_mark_somebody_made_up_is_only_a_mark() {
    let tagged = |mark: &str| {
        notebook(&[
            code("a", "x"),
            code("b", "y").replace("\"metadata\":{}", &format!("\"metadata\":{{\"kitbag\":{mark}}}")),
        ])
    };
    let marks = [
        "1",
        "[]",
        "{\"conflict\":1}",
        "{\"conflict\":{}}",
        "{\"conflict\":{\"of\":\"b\"}}",
        "{\"conflict\":{\"of\":\"zzz\",\"cell_type\":\"x\"}}",
        "{\"conflict\":{\"of\":7},\"stale\":{},\"deleted\":[]}",
        "{\"deleted\":\"\",\"stale\":\"\"}",
        "{\"kitbag\":{\"kitbag\":{}}}",
    ];
    for mark in marks {
        let base = tagged(mark);
        let (left, right) = (base.replace("\"x\"", "\"x\\nleft\""), base.replace("\"y\"", "\"y\\nright\""));
        let merged = merge(&base, &left, &right).unwrap();
        assert!(text(&merged).contains("left") && text(&merged).contains("right"), "{mark}");
        for open in conflicts(&merged.bytes).unwrap() {
            for keep in [Answer::This, Answer::Other, Answer::Both, Answer::Named("b".to_owned())] {
                if let Ok(answered) = notebook::answer(&merged.bytes, Some(&open.cell), &keep) {
                    assert_eq!(conflicts(&answered).unwrap(), [], "{mark} {keep:?}");
                }
            }
        }
    }
}

#[test]
fn what_an_outside_version_took_out_is_asked() {
    let base = notebook(&[code("a", "one\\ntwo\\nthree"), code("b", "gone?")]);
    let outside = notebook(&[code("a", "one\\nthree")]);
    let right = notebook(&[code("a", "one\\ntwo\\nthree"), code("b", "gone?"), code("c", "new")]);
    let plain = merge(&base, &outside, &right).unwrap();
    assert_eq!(plain.conflicts, []);
    let asks = removed(base.as_bytes(), outside.as_bytes()).unwrap();
    assert_eq!(asks, [b"gone?".to_vec(), b"two".to_vec()].into());
    let left = Side { asks, ..side(outside.as_bytes(), "left") };
    let merged = notebook::merge(Some(base.as_bytes()), &left, &side(right.as_bytes(), "right")).unwrap();
    assert_eq!(merged.conflicts.len(), 1, "the line that went");
    assert_eq!(merged.conflicts[0].others.len(), 1);
    assert!(merged.notes.iter().any(|note| matches!(note, Note::KeptDeleted { cell, .. } if cell == "b")));
    // also where the other side changed nothing at all
    let alone = notebook::merge(Some(base.as_bytes()), &left, &side(base.as_bytes(), "right")).unwrap();
    assert_eq!((alone.conflicts.len(), alone.notes.len()), (1, 2));
}

#[test]
fn answers_settle_and_name_every_side() {
    let base = notebook(&[code("a", "x"), code("z", "end")]);
    let (one, two) =
        (notebook(&[code("a", "one"), code("z", "end")]), notebook(&[code("a", "two"), code("z", "end")]));
    let three = notebook(&[code("a", "three"), code("z", "end")]);
    let first =
        notebook::merge(Some(base.as_bytes()), &side(one.as_bytes(), "one"), &side(two.as_bytes(), "two"))
            .unwrap();
    let whole =
        notebook::merge(Some(base.as_bytes()), &side(&first.bytes, "zzz"), &side(three.as_bytes(), "three"))
            .unwrap();
    let [open] = &whole.conflicts[..] else { panic!("{:?}", whole.conflicts) };
    let mut told: Vec<_> = open.others.iter().map(|other| other.source.as_str()).collect();
    told.push(open.source.as_deref().unwrap());
    told.sort_unstable();
    assert_eq!((told, open.cell.as_str(), open.number), (vec!["one", "three", "two"], "a", 1));
    let keep = |answer: &Answer| notebook::answer(&whole.bytes, Some("a"), answer);
    for (machine, source) in [("ONE", "one"), ("THREE", "three")] {
        let kept = keep(&Answer::Named(machine.to_owned())).unwrap();
        assert_eq!(String::from_utf8(kept).unwrap(), notebook(&[code("a", source), code("z", "end")]));
    }
    assert_eq!(keep(&Answer::This).unwrap(), two.as_bytes());
    assert!(matches!(keep(&Answer::Other), Err(NoAnswer::Several(_))));
    assert!(matches!(keep(&Answer::Named("FOUR".to_owned())), Err(NoAnswer::NoSuchVersion(_))));
    assert_eq!(
        notebook::answer(&whole.bytes, Some("z"), &Answer::This),
        Err(NoAnswer::NoConflict("z".to_owned()))
    );
    let both = keep(&Answer::Both).unwrap();
    assert_eq!((conflicts(&both).unwrap(), both.iter().filter(|byte| **byte == b'{').count()), (vec![], 10));
    // other answers on two machines: a question about this one cell again, and the same answer none
    let this = keep(&Answer::This).unwrap();
    let that = keep(&Answer::Named("ONE".to_owned())).unwrap();
    let again = notebook::merge(Some(&whole.bytes), &side(&this, "m"), &side(&that, "n")).unwrap();
    assert_eq!((again.conflicts.len(), again.conflicts[0].others.len()), (1, 1));
    let agreed = notebook::merge(Some(&whole.bytes), &side(&this, "m"), &side(&this, "n")).unwrap();
    assert_eq!(agreed.bytes, this);
}

#[test]
fn a_deleted_cell_is_answered_too() {
    let base = notebook(&[code("a", "x"), code("b", "y")]);
    let (left, right) = (notebook(&[code("b", "y")]), notebook(&[code("a", "x = 1"), code("b", "y")]));
    let merged = merge(&base, &left, &right).unwrap();
    assert_eq!(merged.conflicts, [], "it is no question, it is said");
    let [open] = &conflicts(&merged.bytes).unwrap()[..] else { panic!() };
    assert_eq!(open.deleted_by.as_ref().unwrap().machine.as_deref(), Some("LEFT"));
    let keep = |answer| notebook::answer(&merged.bytes, Some("a"), &answer).unwrap();
    assert_eq!(keep(Answer::This), right.as_bytes());
    assert_eq!(
        (keep(Answer::Other), keep(Answer::Named("LEFT".to_owned()))),
        (left.clone().into_bytes(), left.into_bytes())
    );
}

#[test]
fn crossed_histories_get_a_base_without_their_conflicts() {
    let base = notebook(&[code("a", "one\\ntwo\\nthree"), code("b", "y")]);
    let left = notebook(&[code("a", "one\\nleft\\nthree"), code("b", "y"), code("c", "new")]);
    let right = notebook(&[code("a", "one\\nright\\nthree"), code("b", "y = 1")]);
    let made = merge_base(Some(base.as_bytes()), left.as_bytes(), right.as_bytes()).unwrap();
    let wanted = notebook(&[code("a", "one\\nthree"), code("b", "y = 1"), code("c", "new")]);
    assert_eq!(String::from_utf8_lossy(&made), wanted);
    assert_eq!(merge_base(Some(base.as_bytes()), right.as_bytes(), left.as_bytes()), Some(made));
    assert_eq!(merge_base(None, b"{", right.as_bytes()), None);
}
