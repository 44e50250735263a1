//! What holds of every merge, tried on random texts of few different lines, so that repeated and moved lines
//! are the rule; and on texts of a size at which a careless diff would take for ever.

use proptest::prelude::*;

use super::*;

/// Few letters, last line ended or not.
fn some_text() -> impl Strategy<Value = Vec<u8>> {
    (prop::collection::vec("[abcd]|", 0..9), any::<bool>()).prop_map(|(lines, ended)| {
        let mut bytes = lines.join("\n").into_bytes();
        if ended && !lines.is_empty() {
            bytes.push(b'\n');
        }
        bytes
    })
}

/// A text and two others that came from it by a few edits, or from nowhere.
fn family() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, Vec<u8>)> {
    let edits = || prop::collection::vec((0_usize..9, prop::option::of("[abcdxy]"), any::<bool>()), 0..4);
    let edited = (some_text(), edits(), edits()).prop_map(|(base, left, right)| {
        let (left, right) = (edit(&base, &left), edit(&base, &right));
        (base, left, right)
    });
    prop_oneof![4 => edited, 1 => (some_text(), some_text(), some_text())]
}

/// Change, insert or delete lines at places.
fn edit(base: &[u8], edits: &[(usize, Option<String>, bool)]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = base.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for (place, line, insert) in edits {
        let place = place % (lines.len() + 1);
        if place < lines.len() && !insert {
            lines.remove(place);
        }
        if let Some(line) = line {
            if let Some(before) = place.checked_sub(1).and_then(|before| lines.get_mut(before))
                && !before.ends_with(b"\n")
            {
                before.push(b'\n');
            }
            lines.insert(place, format!("{line}\n").into_bytes());
        }
    }
    lines.concat()
}

fn some_asks() -> impl Strategy<Value = Vec<&'static [u8]>> {
    prop::sample::subsequence(vec![&b"a"[..], b"b", b"c", b"d", b""], 0..3)
}

fn as_asks<'a>(left: &[&'a [u8]], right: &[&'a [u8]]) -> Asks<'a> {
    Asks { left: left.iter().copied().collect(), right: right.iter().copied().collect() }
}

/// Counted here by hand, not by the code under test.
fn count(bytes: &[u8], line: &[u8]) -> i64 {
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines.into_iter().filter(|other| *other == line).count() as i64
}

const LINES: [&[u8]; 7] = [b"a", b"b", b"c", b"d", b"x", b"y", b""];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_sides_does_not_matter(
        (base, left, right) in family(), known in any::<bool>(), ask_left in some_asks(), ask_right in some_asks(),
    ) {
        let base = known.then_some(base.as_slice());
        prop_assert_eq!(
            merge(base, &left, &right, &as_asks(&ask_left, &ask_right)),
            merge(base, &right, &left, &as_asks(&ask_right, &ask_left))
        );
        prop_assert_eq!(merge_base(base, &left, &right), merge_base(base, &right, &left));
        prop_assert_eq!(union(&left, &right), union(&right, &left));
        prop_assert_eq!(distance(&left, &right), distance(&right, &left));
    }

    #[test]
    fn an_unchanged_side_gives_way((base, left, _) in family()) {
        prop_assert_eq!(merge(Some(&base), &left, &base, &Asks::default()), Merged::Clean(left.clone()));
        prop_assert_eq!(merge_base(Some(&base), &left, &base), left);
    }

    #[test]
    fn equal_sides_are_the_result((base, left, _) in family(), known in any::<bool>(), ask in some_asks()) {
        let base = known.then_some(base.as_slice());
        prop_assert_eq!(merge(base, &left, &left, &as_asks(&ask, &[])), Merged::Clean(left.clone()));
        prop_assert_eq!(merge_base(base, &left, &left), left.clone());
        prop_assert_eq!(union(&left, &left), left);
    }

    #[test]
    fn what_no_side_removed_is_there((base, left, right) in family()) {
        if let Merged::Clean(merged) = merge(Some(&base), &left, &right, &Asks::default()) {
            for line in LINES {
                let (b, x, y, out) = (count(&base, line), count(&left, line), count(&right, line), count(&merged, line));
                let least = x.min(y).max(x + (y - b).min(0)).max(y + (x - b).min(0));
                prop_assert!(out >= least, "{:?}: {} < {}", line, out, least);
                prop_assert!(x < b || y < b || out >= x.max(y), "{:?}: neither side removed it", line);
            }
        }
    }

    #[test]
    fn without_a_base_nothing_is_removed((_, left, right) in family()) {
        if let Merged::Clean(merged) = merge(None, &left, &right, &Asks::default()) {
            prop_assert!(is_subsequence(&left, &merged) && is_subsequence(&right, &merged));
        }
    }

    #[test]
    fn a_removal_that_asks_is_never_carried_out((base, left, right) in family(), ask in some_asks()) {
        // The right side kept every line of the base, so what goes missing went by the left side.
        let asks = as_asks(&ask, &[]);
        if right != left && let Merged::Clean(merged) = merge(Some(&base), &left, &right, &asks) {
            for line in ask {
                let kept = count(&right, line) >= count(&base, line);
                prop_assert!(!kept || count(&merged, line) >= count(&base, line), "{:?}", line);
            }
        }
    }

    #[test]
    fn asks_only_ever_turn_a_result_into_a_conflict((base, left, right) in family(), ask in some_asks()) {
        let asked = merge(Some(&base), &left, &right, &as_asks(&ask, &ask));
        let plain = merge(Some(&base), &left, &right, &Asks::default());
        prop_assert!(asked == Merged::Conflict || asked == plain);
    }

    #[test]
    fn changes_on_either_side_of_a_kept_line_merge(
        [first, first_new] in prop::array::uniform2("([ab]\n){0,5}"),
        [second, second_new] in prop::array::uniform2("([cd]\n){0,5}"),
    ) {
        let join = |first: &str, second: &str| format!("{first}-\n{second}").into_bytes();
        let (base, left, right) = (join(&first, &second), join(&first_new, &second), join(&first, &second_new));
        let expected = Merged::Clean(join(&first_new, &second_new));
        prop_assert_eq!(merge(Some(&base), &left, &right, &Asks::default()), expected);
    }

    #[test]
    fn a_union_keeps_both((_, left, right) in family()) {
        let union = union(&left, &right);
        prop_assert!(is_subsequence(&left, &union) && is_subsequence(&right, &union));
        for line in LINES {
            prop_assert!(count(&union, line) >= count(&left, line).max(count(&right, line)));
        }
    }

    #[test]
    fn lines_in_common_are_a_common_subsequence((_, left, right) in family()) {
        let longest = longest_common(&left, &right);
        prop_assert_eq!(common(&left, &right), longest);
        prop_assert_eq!(is_subsequence(&left, &right), longest == split(&left).count());
    }

    #[test]
    fn any_bytes_at_all(
        base in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
        left in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..40),
        right in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..40),
    ) {
        let merged = merge(base.as_deref(), &left, &right, &Asks::default());
        prop_assert_eq!(merged, merge(base.as_deref(), &right, &left, &Asks::default()));
        merge_base(base.as_deref(), &left, &right);
        prop_assert!(is_subsequence(&left, &union(&left, &right)));
    }
}

/// The textbook table, for small texts.
fn longest_common(a: &[u8], b: &[u8]) -> usize {
    let (a, b): (Vec<_>, Vec<_>) = (split(a).collect(), split(b).collect());
    let mut row = vec![0; b.len() + 1];
    for line in a {
        let above = row.clone();
        for place in 0..b.len() {
            row[place + 1] =
                if line == b[place] { above[place] + 1 } else { above[place + 1].max(row[place]) };
        }
    }
    row[b.len()]
}

/// Numbers that look random and are the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

fn numbered(name: &str, lines: usize) -> Vec<String> {
    (0..lines).map(|line| format!("{name} {line}\n")).collect()
}

#[test]
fn a_hundred_thousand_lines_and_a_thousand_edits() {
    let mut dice = Dice(100_000);
    let base = numbered("line", 100_000);
    let (mut left, mut right) = (base.clone(), base.clone());
    // Each edit in a hundred lines of its own, the sides in turn, so that the result is known.
    let mut expected = base.clone();
    for block in 0..1000 {
        let place = block * 100 + 1 + dice.below(98);
        let line = if dice.below(2) == 0 {
            format!("edit {block}\n")
        } else {
            format!("{}more {block}\n", base[place])
        };
        let side = if block % 2 == 0 { &mut left } else { &mut right };
        side[place].clone_from(&line);
        expected[place] = line;
    }
    let (base, left, right) = (base.concat(), left.concat(), right.concat());
    let merged = merge(Some(base.as_bytes()), left.as_bytes(), right.as_bytes(), &Asks::default());
    assert!(merged == Merged::Clean(expected.concat().into_bytes()));
}

#[test]
fn nothing_in_common_at_fifty_thousand_lines() {
    let (left, right) = (numbered("left", 50_000).concat(), numbered("right", 50_000).concat());
    assert_eq!(distance(left.as_bytes(), right.as_bytes()), 100_000);
    assert!(merge(Some(b"base\n"), left.as_bytes(), right.as_bytes(), &Asks::default()) == Merged::Conflict);
}

#[test]
fn the_same_lines_in_another_order_at_fifty_thousand_lines() {
    let mut dice = Dice(50_000);
    let lines = numbered("line", 50_000);
    let mut shuffled = lines.clone();
    (1..shuffled.len()).for_each(|place| shuffled.swap(place, dice.below(place + 1)));
    let (left, right) = (lines.concat(), shuffled.concat());
    let union = union(left.as_bytes(), right.as_bytes());
    assert!(is_subsequence(left.as_bytes(), &union) && is_subsequence(right.as_bytes(), &union));
}

#[test]
fn few_different_lines_at_fifty_thousand_lines() {
    let mut dice = Dice(2);
    let mut noise = || (0..50_000).map(|_| ["a\n", "b\n", "c\n"][dice.below(3)]).collect::<String>();
    let (left, right) = (noise(), noise());
    let union = union(left.as_bytes(), right.as_bytes());
    assert!(is_subsequence(left.as_bytes(), &union) && is_subsequence(right.as_bytes(), &union));
}

#[test]
fn the_shortest_edit_is_found_in_texts_of_common_size() {
    let mut dice = Dice(5);
    let mut noise = || (0..1500).map(|_| format!("{}\n", dice.below(40))).collect::<String>();
    let (left, right) = (noise(), noise());
    assert_eq!(common(left.as_bytes(), right.as_bytes()), longest_common(left.as_bytes(), right.as_bytes()));
}

#[test]
fn the_largest_text_of_the_shortest_lines() {
    let mut dice = Dice(3);
    let mut noise = || (0..LARGEST / 2).map(|_| ["a\n", "b\n"][dice.below(2)]).collect::<String>();
    let (left, right) = (noise(), noise());
    let union = union(left.as_bytes(), right.as_bytes());
    assert!(is_subsequence(left.as_bytes(), &union) && is_subsequence(right.as_bytes(), &union));
}

#[test]
fn lines_added_all_over_a_large_text_are_only_added() {
    let mut dice = Dice(4);
    let mut line = || format!("{}\n", dice.below(50));
    let base: Vec<_> = (0..5000).map(|_| line()).collect();
    let more: Vec<_> = base.iter().map(|kept| [kept.clone(), line(), line(), line()].concat()).collect();
    let (base, more) = (base.concat(), more.concat());
    assert_eq!(common(base.as_bytes(), more.as_bytes()), 5000);
    assert!(is_subsequence(base.as_bytes(), more.as_bytes()));
}
