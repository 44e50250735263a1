//! The rules of the line merge, one named case each, every case in both orders of its sides. Lines of a case
//! are separated by blanks ("a b" is "a\nb\n"), so that a table can be read at a glance; texts where the line
//! ends matter are written out.

use super::*;

/// One word a line; `_` is an empty line.
fn text(words: &str) -> Vec<u8> {
    words
        .split_whitespace()
        .map(|word| if word == "_" { "\n".to_owned() } else { format!("{word}\n") })
        .collect::<String>()
        .into()
}

fn asks<'a>(left: &'a str, right: &'a str) -> Asks<'a> {
    let lines = |words: &'a str| words.split_whitespace().map(str::as_bytes).collect();
    Asks { left: lines(left), right: lines(right) }
}

fn show(merged: &Merged) -> String {
    match merged {
        Merged::Clean(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Merged::Conflict => "CONFLICT".to_owned(),
    }
}

/// Merges in both orders, which must agree.
fn merge_both_ways(name: &str, base: Option<&[u8]>, left: &[u8], right: &[u8], asks: &Asks) -> Merged {
    let turned = Asks { left: asks.right.clone(), right: asks.left.clone() };
    let merged = merge(base, left, right, asks);
    assert_eq!(
        show(&merged),
        show(&merge(base, right, left, &turned)),
        "{name}: the order of the sides matters"
    );
    merged
}

const CONFLICT: Option<&str> = None;

/// Name, base, left, right, result; none is a conflict.
type Case = (&'static str, &'static str, &'static str, &'static str, Option<&'static str>);

#[test]
fn over_a_base() {
    let cases: &[Case] = &[
        ("all equal", "a b", "a b", "a b", Some("a b")),
        ("all empty", "", "", "", Some("")),
        ("one side changed", "a b c", "a B c", "a b c", Some("a B c")),
        ("one side inserted at the start", "a b", "x a b", "a b", Some("x a b")),
        ("one side inserted at the end", "a b", "a b x", "a b", Some("a b x")),
        ("one side deleted", "a b c", "a c", "a b c", Some("a c")),
        ("one side emptied", "a b c", "", "a b c", Some("")),
        ("one side filled an empty file", "", "a b", "", Some("a b")),
        ("both changed the same", "a b c", "a B c", "a B c x", Some("a B c x")),
        ("both deleted the same", "a b c d", "a c d", "a c d x", Some("a c d x")),
        ("both inserted the same", "a b", "a x b", "a x b y", Some("a x b y")),
        ("changes apart", "a b c d e", "A b c d e", "a b c d E", Some("A b c d E")),
        ("one kept line between is enough", "a b c", "A b c", "a b C", Some("A b C")),
        ("change and insertion apart", "a b c", "A b c", "a b x c", Some("A b x c")),
        ("delete and insertion apart", "a b c d", "b c d", "a b c x d", Some("b c x d")),
        ("both inserted at one place", "a b", "a x b", "a y b", Some("a x y b")),
        ("both inserted at the start", "a", "y a", "x a", Some("x y a")),
        ("both appended", "a", "a x1 x2", "a y", Some("a x1 x2 y")),
        ("both filled an empty file", "", "x", "y", Some("x y")),
        ("both inserted, partly the same", "a", "a x y", "a x z", Some("a x y x z")),
        ("both changed one line", "a b c", "a X c", "a Y c", CONFLICT),
        ("both changed the only line", "a", "x", "y", CONFLICT),
        ("edit against delete", "a b c", "a B c", "a c", CONFLICT),
        ("edit against all deleted", "a b c", "a B c", "", CONFLICT),
        ("adjacent edits", "a b c d", "a B c d", "a b C d", CONFLICT),
        ("edit next to delete", "a b c d", "a B c d", "a b d", CONFLICT),
        ("adjacent deletes", "a b c d", "a c d", "a b d", CONFLICT),
        ("a long delete over an edit", "a b c d e", "a e", "a b C d e", CONFLICT),
        ("insertion before a changed line", "a b c", "a x b c", "a B c", Some("a x B c")),
        ("insertion after a changed line", "a b c", "a b x c", "a B c", Some("a B x c")),
        ("insertions around a changed line", "a b c", "a x b y c", "a B c", Some("a x B y c")),
        ("insertions around, the changed side second", "a b c", "a x b y c", "a z c", Some("a x z y c")),
        ("insertions inside a changed stretch", "a b c d", "a x b y c z d", "a B d", Some("a x B y z d")),
        ("insertion beside a deleted line", "a b c", "a x b c", "a c", Some("a x c")),
        ("insertion inside a deleted stretch", "a b c d", "a b x c d", "a d", Some("a x d")),
        ("insertion into a file emptied", "a b", "a x b", "", Some("x")),
        ("append against change of the last line", "a b", "a b x", "a B", Some("a B x")),
        ("one more of a line on each side", "a x b c d", "a x x b c d", "a x b c d x", Some("a x x b c d x")),
        ("one of two equal lines deleted", "x a x", "x a", "x a x y", Some("x a y")),
        ("one of two equal lines deleted, apart", "x a x b", "x a b", "x a x b y", Some("x a b y")),
        ("empty lines are lines", "a _ b", "a _ _ b", "a _ b _", Some("a _ _ b _")),
        ("moved by both alike", "x a b c", "a b x c", "a b x c d", Some("a b x c d")),
        // Each side keeps the x the other drops: every region is clean, and no x would be left.
        ("criss_cross_move", "x a b c x", "x a b c", "a b c x", CONFLICT),
        // The same line put last by both is one line, and the first side took the other away.
        ("moved there, copied here", "x a b", "a b x", "x a b x", CONFLICT),
        ("copied there, moved here", "a x y", "a x y a", "x y a", CONFLICT),
        ("moved apart by both", "x a b c d", "a b x c d", "a b c d x", Some("a b x c d x")),
        ("moved here, changed there", "a b c d e", "b c a d e", "A b c d e", CONFLICT),
    ];
    for (name, base, left, right, expected) in cases {
        let merged = merge_both_ways(name, Some(&text(base)), &text(left), &text(right), &Asks::default());
        let expected = expected.map_or(Merged::Conflict, |words| Merged::Clean(text(words)));
        assert_eq!(show(&merged), show(&expected), "{name}");
    }
}

#[test]
fn without_a_base() {
    let cases: &[(&str, &str, &str, Option<&str>)] = &[
        ("equal", "a b", "a b", Some("a b")),
        ("one empty", "a b", "", Some("a b")),
        ("one has more at the end", "a b", "a b c", Some("a b c")),
        ("one has more inside", "a b", "a x b", Some("a x b")),
        ("each has more, apart", "x a b", "a b y", Some("x a b y")),
        ("each has more at one place", "a x b", "a y b", CONFLICT),
        ("a line differs", "a b c", "a B c", CONFLICT),
        ("nothing in common", "a", "b", CONFLICT),
        ("one more of a line", "a x b", "a x x b", Some("a x x b")),
    ];
    for (name, left, right, expected) in cases {
        let merged = merge_both_ways(name, None, &text(left), &text(right), &Asks::default());
        let expected = expected.map_or(Merged::Conflict, |words| Merged::Clean(text(words)));
        assert_eq!(show(&merged), show(&expected), "{name}");
    }
}

#[test]
fn removals_that_ask() {
    type Asking = (&'static str, [&'static str; 3], [&'static str; 2], Option<&'static str>);
    let cases: &[Asking] = &[
        ("nothing is asked", ["a b c", "a c", "a b c x"], ["", ""], Some("a c x")),
        ("the other side is unchanged", ["a b c", "a c", "a b c"], ["b", ""], CONFLICT),
        ("the other side changed elsewhere", ["a b c d", "a c d", "a b c d x"], ["b", ""], CONFLICT),
        ("a change drops the old line too", ["a b c", "a B c", "a b c"], ["b", ""], CONFLICT),
        ("another line is dropped", ["a b c", "a c", "a b c"], ["c", ""], Some("a c")),
        ("the other side's removal does not ask", ["a b c", "a c", "a b c"], ["", "b"], Some("a c")),
        ("moved counts as dropped where it was", ["a b c d", "a c b d", "a b c d"], ["b c", ""], CONFLICT),
        ("additions never ask", ["a b", "a x b", "a b"], ["a b x", ""], Some("a x b")),
        ("duplicate_line_removal", ["x a x b", "x a b", "x a x b"], ["x", ""], CONFLICT),
        ("duplicates side by side", ["a x x b", "a x b", "a x x b"], ["x", ""], CONFLICT),
        ("a line of no text", ["a b", "a", "a b"], ["z", ""], Some("a")),
    ];
    for (name, [base, left, right], [ask_left, ask_right], expected) in cases {
        let asks = asks(ask_left, ask_right);
        let merged = merge_both_ways(name, Some(&text(base)), &text(left), &text(right), &asks);
        let expected = expected.map_or(Merged::Conflict, |words| Merged::Clean(text(words)));
        assert_eq!(show(&merged), show(&expected), "{name}");
    }
}

#[test]
fn asks_come_from_what_was_removed() {
    let (near, outside, other) = (text("x a x b"), text("x a b"), text("x a x b c"));
    let asks = Asks { left: removed(&near, &outside).into_keys().collect(), right: BTreeSet::new() };
    assert_eq!(asks.left, BTreeSet::from([&b"x"[..]]));
    assert_eq!(merge(Some(&near), &outside, &other, &asks), Merged::Conflict);
    assert_eq!(merge(Some(&near), &outside, &other, &Asks::default()), Merged::Clean(text("x a b c")));
}

#[test]
fn asks_with_their_line_end_are_the_same() {
    let asks = Asks { left: BTreeSet::from([&b"b\n"[..]]), right: BTreeSet::new() };
    assert_eq!(merge(Some(b"a\nb"), b"a\n", b"a\nb", &asks), Merged::Conflict);
}

#[test]
fn ends_of_lines() {
    type Ends = (&'static str, Option<&'static str>, [&'static str; 2], Option<&'static str>);
    let cases: &[Ends] = &[
        ("appended to an unended line", Some("a\nb"), ["a\nb\nc", "A\nb"], Some("A\nb\nc")),
        ("both appended to an unended line", Some("a"), ["a\nb", "a\nc"], Some("a\nb\nc")),
        ("unended stays unended", Some("a\nb\nc"), ["A\nb\nc", "a\nb\nC"], Some("A\nb\nC")),
        ("one side ends it", Some("a\nb"), ["a\nb\n", "A\nb"], Some("A\nb\n")),
        ("one side takes the end away", Some("a\nb\n"), ["a\nb", "A\nb\n"], Some("A\nb")),
        ("only the end differs, no base", None, ["a", "a\n"], Some("a\n")),
        ("an emptied side has no opinion", Some("a"), ["", "a\nb"], Some("b")),
        (
            "carriage returns stay",
            Some("a\r\nb\r\n"),
            ["a\r\nb\r\nc\r\n", "A\r\nb\r\n"],
            Some("A\r\nb\r\nc\r\n"),
        ),
        ("all line ends changed against an edit", Some("a\r\nb\r\n"), ["a\nb\n", "a\r\nB\r\n"], CONFLICT),
        ("all line ends changed, else nothing", Some("a\r\nb\r\n"), ["a\nb\n", "a\r\nb\r\n"], Some("a\nb\n")),
        ("an empty last line stays", Some("a\nb"), ["a\n\n", "a\nb"], Some("a\n\n")),
        ("an empty last line under an unended side", Some("a\nb\n"), ["a\nb\n\n", "a\nb"], Some("a\nb\n\n")),
    ];
    for (name, base, [left, right], expected) in cases {
        let base = base.map(str::as_bytes);
        let merged = merge_both_ways(name, base, left.as_bytes(), right.as_bytes(), &Asks::default());
        assert_eq!(show(&merged), expected.unwrap_or("CONFLICT"), "{name}");
    }
}

#[test]
fn bases_of_crossed_histories() {
    let cases = [
        ("clean as ever", Some("a b c"), "A b c", "a b C", "A b C"),
        ("a conflict leaves nothing", Some("a b c"), "a X c", "a Y c", "a c"),
        ("without base too", None, "a x b", "a y b", "a b"),
        ("nothing in common", None, "a", "b", ""),
        ("no guard", Some("x a b c x"), "x a b c", "a b c x", "a b c"),
    ];
    for (name, base, left, right, expected) in cases {
        let base = base.map(text);
        let (left, right) = (text(left), text(right));
        assert_eq!(merge_base(base.as_deref(), &left, &right), text(expected), "{name}");
        assert_eq!(merge_base(base.as_deref(), &right, &left), text(expected), "{name}, turned");
    }
}

#[test]
fn unions() {
    let cases = [
        ("equal", "a b", "a b", "a b"),
        ("one empty", "a", "", "a"),
        ("apart", "x a b", "a b y", "x a b y"),
        ("a changed line stands twice", "a X c", "a Y c", "a X Y c"),
        ("nothing in common", "a", "b", "a b"),
        ("repeated lines", "x x a", "x a x", "x x a x"),
    ];
    for (name, left, right, expected) in cases {
        let (left, right) = (text(left), text(right));
        assert_eq!(union(&left, &right), text(expected), "{name}");
        assert_eq!(union(&right, &left), text(expected), "{name}, turned");
    }
    assert_eq!(union(b"a", b"a\nb"), b"a\nb");
    assert_eq!(union(b"a\n", b"a\nb"), b"a\nb\n");
}

#[test]
fn distances() {
    let cases = [
        ("", "", 0, 0),
        ("a", "", 1, 0),
        ("a b c", "a x c", 2, 2),
        ("a b", "b a", 2, 1),
        ("a a a", "a", 2, 1),
    ];
    for (a, b, far, same) in cases {
        let (a, b) = (text(a), text(b));
        assert_eq!((distance(&a, &b), distance(&b, &a), common(&a, &b)), (far, far, same));
    }
    assert_eq!(distance(b"a\nb", b"a\nb\n"), 0);
}

#[test]
fn subsequences() {
    for (part, whole, expected) in [
        ("", "", true),
        ("", "a", true),
        ("a", "", false),
        ("a c", "a b c", true),
        ("c a", "a b c", false),
        ("a a", "a", false),
    ] {
        assert_eq!(is_subsequence(&text(part), &text(whole)), expected, "{part:?} in {whole:?}");
    }
    assert!(is_subsequence(b"a\nb", b"a\nb\nc"));
}

#[test]
fn removed_lines() {
    assert_eq!(removed(b"x\ny\nx\nx", b"x\nz\n"), BTreeMap::from([(&b"x"[..], 2), (b"y", 1)]));
    assert_eq!(removed(b"a\nb", b"b\na\n"), BTreeMap::new());
}

#[test]
fn partial_files() {
    let cases: &[(&[u8], &[u8], bool)] = &[
        (b"", b"", false),
        (b"abc", b"abc", false),
        (b"", b"abc", true),
        (b"ab", b"abc", true),
        (b"ab\0", b"abc", true),
        (b"\0\0\0", b"abc", true),
        (b"ab\0\0", b"abc", false),
        (b"aXc", b"abc", false),
        (b"a\0c", b"abc", false),
        (b"abcd", b"abc", false),
        (b"a\0\0\0", b"a\0bc", true),
        (b"bc", b"abc", false),
    ];
    for (part, whole, expected) in cases {
        assert_eq!(is_partial(part, whole), *expected, "{part:?} of {whole:?}");
    }
}

#[test]
fn what_is_text() {
    assert!(is_text(b""));
    assert!(is_text("Übung\r\n日本\n".as_bytes()));
    assert!(!is_text(b"a\0b"));
    assert!(!is_text(b"\xff\xfea"));
    assert!(is_text(&vec![b'a'; LARGEST]));
    assert!(!is_text(&vec![b'a'; LARGEST + 1]));
}
