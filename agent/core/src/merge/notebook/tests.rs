//! What is too small for a notebook of its own: slices of JSON, strings and back, and what changed.

use super::*;

fn checked(text: &str) -> Option<&str> {
    json::check(text).ok().map(|(start, end)| &text[start..end])
}

#[test]
fn what_is_json_is_found_with_blanks_around() {
    for text in [
        "{}",
        "[]",
        " 1\n",
        "-0.5e+3",
        "\"\\u00e9\"",
        "[NaN, Infinity,-Infinity ]",
        "{\"a\" : [ { } , [ ] ]\r\n}",
        "true",
    ] {
        assert_eq!(checked(text), Some(text.trim()), "{text}");
    }
    for text in [
        "",
        " ",
        "{",
        "[1",
        "{\"a\"}",
        "{\"a\":1,}",
        "[,]",
        "nul",
        "+1",
        ".5",
        "1.e3",
        "0x1",
        "'a'",
        "\"\t\"",
        "1 2",
    ] {
        assert_eq!(checked(text), None, "{text}");
    }
}

#[test]
fn half_a_notebook_is_not_whole() {
    let whole = "\u{feff}{\"cells\": [NaN, \"\\ud83d\"]}\n";
    assert!(is_whole(whole.as_bytes()) && is_whole(b"3"));
    for cut in 0..whole.len() - 2 {
        assert!(!is_whole(&whole.as_bytes()[..cut]), "{cut}");
    }
}

#[test]
fn marked_cells_are_counted_however_the_marks_are_spelled() {
    let book = |kitbag: &str, mark: &str| {
        format!(
            "{{\"cells\": [{{\"cell_type\": \"raw\", \"id\": \"a\", \"metadata\": {{\"{kitbag}\": {mark}}}, \"source\": \"x\"}}], \
             \"metadata\": {{}}, \"nbformat\": 4, \"nbformat_minor\": 5}}"
        )
    };
    for kitbag in ["kitbag", "k\\u0069tbag", "ki\\u0074bag"] {
        let counted = |mark: &str| {
            let Marked { questions, kept } = marked(book(kitbag, mark).as_bytes());
            (questions, kept)
        };
        assert_eq!(counted("{\"conflict\": {\"of\": \"b\"}}"), (1, 0), "{kitbag}");
        assert_eq!(counted("{\"deleted\": {}}"), (0, 1), "told, not asked");
    }
    assert_eq!(marked(book("other", "{\"conflict\": {\"of\": \"b\"}}").as_bytes()), Marked::default());
    assert_eq!(marked(b"kitbag"), Marked::default());
}

#[test]
fn strings_of_any_length_end_where_they_end() {
    for length in 0..40 {
        for odd in ["", "\\\"", "\\\\", "é", "\\u0041"] {
            let string = format!("\"{}{odd}{}\"", "a".repeat(length), "b".repeat(40 - length));
            let list = format!("[{string},{string}]");
            assert_eq!(checked(&list), Some(&*list));
            assert_eq!(json::items(&list).unwrap().1, [&*string, &*string]);
            assert_eq!(checked(&string[..string.len() - 1]), None);
            let control = string.replace('b', "\u{1}");
            assert!(length == 40 || checked(&control).is_none());
        }
    }
}

#[test]
fn plain_bytes_are_those_that_mean_nothing() {
    let odd = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            for before in [0, 3, 6, 7] {
                let mut bytes = [b'a'; 20];
                (bytes[before], bytes[before + 1]) = (first, second);
                let wanted = bytes.iter().position(odd).unwrap_or(bytes.len());
                assert_eq!(strings::plain(&bytes, 0), wanted, "{first} {second} {before}");
            }
        }
    }
    for length in 0..20 {
        let mut bytes = vec![0xff; length];
        assert_eq!(strings::plain(&bytes, 0), length);
        for at in 0..length {
            bytes[at] = b'"';
            assert_eq!((strings::plain(&bytes, 0), strings::plain(&bytes, at + 1)), (at, length));
            bytes[at] = b'!';
        }
    }
}

#[test]
fn strings_there_and_back() {
    for text in ["", "plain", "\u{0}\u{1f}\u{7f}", "\"\\/\n\r\t\u{8}\u{c}", "é ß 😀 \u{ffff}"] {
        for ascii in [false, true] {
            let string = json::encode(text.as_bytes(), ascii);
            assert!(checked(&string).is_some() && (!ascii || string.is_ascii()));
            assert_eq!(json::decode(&string), text.as_bytes());
        }
    }
    let lone = "\"a\\ud83d\\n\\ude00\"";
    assert_eq!(json::encode(&json::decode(lone), false), lone);
    assert_eq!(json::decode("\"\\ud83d\\ude00\""), "😀".as_bytes());
}

#[test]
fn values_are_the_same_by_meaning() {
    let pairs = [
        ("{\"a\":1,\"b\":[2]}", "{ \"b\": [ 2 ], \"a\": 1 }", true),
        ("\"\\u00e9\"", "\"é\"", true),
        ("1.0", "1", false),
        ("[1,2]", "[2,1]", false),
        ("{\"a\":1}", "{\"a\":1,\"b\":1}", false),
        ("\"1\"", "1", false),
        ("{}", "{ }", true),
        ("[]", "[ ]", true),
        ("[]", "{}", false),
        ("[]", "[[]]", false),
        ("[1]", "[1,1]", false),
        ("[NaN]", "[ NaN ]", true),
        ("[NaN]", "[Infinity]", false),
        ("[\"\\ud83d\"]", "[\"\\uD83D\"]", true),
        ("[\"\\ud83d\"]", "[\"\\ud83e\"]", false),
        // of doubled names each counts, in its order
        ("{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}", false),
        ("{\"a\":1,\"b\":0,\"a\":2}", "{\"b\":0,\"\\u0061\":1,\"a\":2}", true),
        ("{\"a\":1,\"b\":0,\"a\":2}", "{\"b\":0,\"a\":2,\"a\":1}", false),
        ("{\"a\":1,\"b\":0,\"a\":2}", "{\"a\":1,\"a\":2,\"b\":0}", true),
        ("{\"a\":1,\"a\":1}", "{\"a\":1}", false),
        ("{\"c\":[{\"a\":1,\"b\":2}],\"d\":3}", "{\"d\":3,\"c\":[ {\"b\":2,\"a\":1} ]}", true),
        ("{\"c\":[{\"a\":1,\"b\":2}],\"d\":3}", "{\"d\":3,\"c\":[ {\"b\":2,\"a\":0} ]}", false),
    ];
    for (one, other, same) in pairs {
        assert_eq!(json::same(one, other), same, "{one} {other}");
        assert_eq!(json::same(other, one), same, "{other} {one}");
        assert_eq!(json::digest(&[one]) == json::digest(&[other]), same, "{one} {other}");
    }
}

fn style_of(text: &str) -> Style {
    let (frame, members) = json::members(text).unwrap();
    Style::of(&frame, &members)
}

#[test]
fn a_style_is_recognised_and_applied() {
    let value = "{\"a\":[1,{\"b\":[]}],\"c\":{},\"d\":\"x, y: {\"}";
    let wide = "{\r\n    \"a\": [\r\n        1,\r\n        {\r\n            \"b\": []\r\n        }\r\n    ],\r\n    \"c\": {},\r\n    \"d\": \"x, y: {\"\r\n}";
    assert_eq!(style_of(wide).apply(value), wide);
    assert_eq!(style_of(value).apply(wide), value);
    assert_eq!(style_of(wide).apply(wide), wide);
}

#[test]
fn what_changed_is_told_cell_by_cell() {
    let cell = |id: &str, source: &str, outputs: &str| {
        format!(
            "{{\"cell_type\":\"code\",\"execution_count\":1,\"id\":\"{id}\",\"metadata\":{{}},\"outputs\":[{outputs}],\"source\":\"{source}\"}}"
        )
    };
    let notebook = |cells: &[String], version: u8| {
        format!(
            "{{\"cells\":[{}],\"metadata\":{{\"v\":{version}}},\"nbformat\":4,\"nbformat_minor\":5}}",
            cells.join(",")
        )
    };
    let table = |rows: usize| {
        format!(
            "{{\"data\":{{\"text/html\":[\"<table><tr><tbody>\",\"{}\"]}},\"output_type\":\"execute_result\"}}",
            "<tr>".repeat(rows)
        )
    };
    let plot = |at: u8| {
        format!(
            "{{\"data\":{{\"image/png\":\"{at}\",\"text/plain\":\"F\"}},\"output_type\":\"display_data\"}}"
        )
    };
    let text = "{\"output_type\":\"stream\",\"text\":[\"a\\n\",\"b\"]}";
    let error = "{\"output_type\":\"error\",\"ename\":\"KeyError\"}";
    let big = "{\"data\":{\"text/html\":\"<table></table><p>120 rows × 3 columns</p>\"}}";
    let before = [
        cell("a", "x", &table(12)),
        cell("b", "y", &plot(1)),
        cell("c", "gone", ""),
        cell("d", "z", text),
        cell("e", "e", ""),
    ];
    let after = [
        cell("e", "e", ""),
        cell("a", "x", &table(40)),
        cell("b", "y = 1", &plot(2)),
        cell("n", "new", big),
        cell("d", "z", error),
    ];
    let told = changes(notebook(&before, 1).as_bytes(), notebook(&after, 2).as_bytes()).unwrap();
    assert_eq!(told.metadata, ["v"]);
    let short: Vec<_> = told.cells.iter().map(|one| (&*one.cell, one.before, one.after, one.moved)).collect();
    let wanted = [
        ("e", Some(5), Some(1), true),
        ("a", Some(1), Some(2), false),
        ("b", Some(2), Some(3), false),
        ("c", Some(3), None, false),
        ("n", None, Some(4), false),
        ("d", Some(4), Some(5), false),
    ];
    assert_eq!(short, wanted);
    assert_eq!(
        told.cells[1].outputs,
        Some([vec![Output::Table { rows: 12 }], vec![Output::Table { rows: 40 }]])
    );
    assert_eq!(told.cells[2].outputs, Some([vec![Output::Picture], vec![Output::Picture]]));
    assert_eq!(told.cells[2].source, Some(["y".to_owned(), "y = 1".to_owned()]));
    assert_eq!(told.cells[4].outputs, Some([vec![], vec![Output::Table { rows: 120 }]]));
    let run = [vec![Output::Text { lines: 2 }], vec![Output::Error { name: "KeyError".to_owned() }]];
    assert_eq!((told.cells[5].outputs.clone(), told.cells[5].source.clone()), (Some(run), None));
    let same = notebook(&before, 1);
    assert_eq!(changes(same.as_bytes(), same.as_bytes()).unwrap(), Changes::default());
    assert_eq!(changes(b"{", same.as_bytes()).unwrap_err().side, Which::Left);
}

#[test]
fn a_line_that_stands_twice_and_of_which_each_side_took_one_stays() {
    let book = |cells: &[(&str, &str)]| {
        let cell = |(id, source): &(&str, &str)| {
            format!(
                "{{\"cell_type\": \"markdown\", \"id\": \"{id}\", \"metadata\": {{}}, \"source\": \"{source}\"}}"
            )
        };
        let cells: Vec<_> = cells.iter().map(cell).collect();
        format!(
            "{{\"cells\": [{}], \"metadata\": {{}}, \"nbformat\": 4, \"nbformat_minor\": 5}}",
            cells.join(", ")
        )
    };
    let (twice, other, first) = (("a", "rule"), ("b", "rule"), ("c", "first"));
    let base = book(&[twice, first, other]);
    let within = |first: &str, second: &str| book(&[("a", first), ("b", second)]);
    for [base, left, right] in [
        [base, book(&[first, other]), book(&[twice, first])],
        [within("x\\nrule", "y\\nrule"), within("x", "y\\nrule"), within("x\\nrule", "y")],
    ] {
        let side = |bytes| Side { bytes, ..Side::default() };
        let merge = merge(Some(base.as_bytes()), &side(left.as_bytes()), &side(right.as_bytes())).unwrap();
        let lines = lines(&merge.bytes).unwrap();
        assert!(lines.split(|byte| *byte == b'\n').any(|line| line == b"rule"), "{}", lines.escape_ascii());
    }
}

#[test]
fn a_line_on_both_sides_stays_where_one_took_it_out_of_a_cell_and_the_other_its_other_version() {
    let book = |cells: &[(&str, &str)]| {
        let cell = |(id, source): &(&str, &str)| {
            let tag = if *id == "v" {
                r#"{"kitbag": {"conflict": {"cell_type": "markdown", "of": "a"}}}"#
            } else {
                "{}"
            };
            format!(r#"{{"cell_type": "markdown", "id": "{id}", "metadata": {tag}, "source": "{source}"}}"#)
        };
        let cells: Vec<_> = cells.iter().map(cell).collect();
        format!(
            r#"{{"cells": [{}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}"#,
            cells.join(", ")
        )
    };
    let base = book(&[("a", "first"), ("v", "rule"), ("b", "rule\\ny\\nz")]);
    let edited = book(&[("a", "first"), ("v", "rule"), ("b", "x\\ny\\nz")]);
    let answered = book(&[("a", "first"), ("b", "rule\\ny\\nz")]);
    let side = |bytes| Side { bytes, ..Side::default() };
    let merge = merge(Some(base.as_bytes()), &side(edited.as_bytes()), &side(answered.as_bytes())).unwrap();
    let lines = lines(&merge.bytes).unwrap();
    let stands = |wanted: &[u8]| lines.split(|byte| *byte == b'\n').any(|line| line == wanted);
    assert!(stands(b"rule") && stands(b"x"), "{}", lines.escape_ascii());
}
