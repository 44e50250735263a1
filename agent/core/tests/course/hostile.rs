//! Manifests that are too large, too deep or plain noise.

use kitbag_core::course::{LONGEST_MANIFEST, MOST_SEEDS, PackageFiles, check, read};
use kitbag_core::path::WorkPath;
use proptest::prelude::*;

use super::{GOOD, good_files, look};

#[test]
fn sizes_are_capped() {
    let large = format!("{GOOD}#{}", "x".repeat(LONGEST_MANIFEST));
    let problems = look(&large, &good_files()).problems;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("1 MiB"));

    let bare = "id = \"a\"\ntitle = \"A\"\nversion = \"1\"\n";
    let names: Vec<String> = (0..=MOST_SEEDS).map(|at| format!("many/{at}.txt")).collect();
    let folder = format!("{bare}[[seed]]\nfrom = \"many\"\n");
    let count = |names: &[String]| check(&folder, &PackageFiles::new(names, |_| None)).problems;
    assert_eq!(count(&names[1..]), []);
    let problems = count(&names);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("more than 10000 files"), "{problems:?}");

    let blocks = format!("{bare}{}", "[[seed]]\nfrom = \"a\"\n".repeat(MOST_SEEDS + 1));
    let problems = look(&blocks, &[]).problems;
    assert!(problems[0].message.contains("more than 10000 [[seed]]"), "{problems:?}");

    let flood = format!("{bare}{}", (0..20_000).map(|at| format!("k{at} = 1\n")).collect::<String>());
    let problems = look(&flood, &[]).problems;
    assert!(problems.len() <= 201);
    assert_eq!(problems.last().unwrap().message, "There are 19800 more problems.");
}

#[test]
fn deep_nesting_neither_hangs_nor_overflows() {
    let dotted = "a.".repeat(100_000);
    let many = vec!["k"; 79].join(".");
    let mixed = format!("[backend.{many}]\n{} 1 {}", format!("{many} = {{").repeat(79), "}".repeat(79));
    // As deep as is allowed: 15 names in a header, then 15 tables in one another under keys of 16 names.
    let names = vec!["k"; 16].join(".");
    let deepest = format!(
        "[backend.{}]\n{names} = {{ {} x = 1 {}",
        vec!["k"; 14].join("."),
        format!("{names} = {{").repeat(14),
        "}".repeat(15)
    );
    assert!(look(&deepest, &[]).problems.iter().all(|problem| problem.message.contains("is missing")));
    for manifest in [
        format!("x = {}", "[".repeat(400_000)),
        format!("x = {}{}", "[".repeat(200_000), "]".repeat(200_000)),
        format!("x = {}", "{a=".repeat(200_000)),
        format!("{dotted}a = 1"),
        format!("[{dotted}a]"),
        format!("[[{dotted}a]]"),
        format!("[backend.{dotted}a]"),
        mixed,
    ] {
        assert!(look(&manifest, &[]).course.is_none());
    }
}

fn token() -> impl Strategy<Value = String> {
    let words = [
        "\"",
        "'",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ",",
        "\n",
        "#",
        ".",
        "\"\"\"",
        "\\",
        "\\u0000",
        "\0",
        "\u{feff}",
        "\r",
        "../",
        "true",
        "-1",
        "1e400",
        "nan",
        "9223372036854775808",
        "2026-01-01",
        "{port}",
        "[service.program]\n",
        "[[service]]\n",
        "csv = [{}]\n",
        "é",
        "\u{202e}",
        "**",
        "*",
    ];
    prop_oneof![4 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Bytes cut out, put in and moved: the reader always answers, and every answer keeps its promises.
    #[test]
    fn mutated_manifests_are_answered(edits in proptest::collection::vec((0..GOOD.len(), 0usize..40, token()), 1..6)) {
        let mut manifest = GOOD.to_owned();
        for (at, cut, put) in edits {
            let at = (0..=at.min(manifest.len())).rev().find(|&at| manifest.is_char_boundary(at)).unwrap();
            let end = (at + cut).min(manifest.len());
            let end = (end..=manifest.len()).find(|&end| manifest.is_char_boundary(end)).unwrap();
            manifest.replace_range(at..end, &put);
        }
        let lines = 1 + manifest.matches('\n').count();
        let checked = look(&manifest, &good_files());
        prop_assert_eq!(checked.course.is_some(), checked.problems.is_empty());
        for problem in checked.problems.iter().chain(&checked.warnings) {
            prop_assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
            prop_assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{} of {lines}", problem);
            let painted = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            prop_assert!(!problem.to_string().contains(painted), "{:?}", problem);
        }
        if let Some(course) = &checked.course {
            let files = good_files();
            for seed in course.seeds(&PackageFiles::new(files.iter().map(|(name, _)| *name), |_| None)) {
                prop_assert!(WorkPath::parse(seed.to.as_str()).is_ok());
            }
            prop_assert!(serde_json::to_string(course).is_ok());
        }
    }

    /// Any text at all.
    #[test]
    fn any_text_is_answered(manifest in proptest::collection::vec(token(), 0..60)) {
        let manifest = manifest.concat();
        let problems = read(&manifest, &PackageFiles::new(["a"], |_| None)).unwrap_err();
        prop_assert!(!problems.is_empty());
    }
}
