//! Every name comes back, every written name is allowed where it was written for, and no two names meet.

use proptest::prelude::*;

use super::*;
use crate::path::folded;

const ALL: [Naming; 3] = [Naming::Natural, Naming::Windows, Naming::Portable];

fn path(text: &str) -> WorkPath {
    WorkPath::parse(text).unwrap()
}

#[test]
fn what_is_allowed_stays_as_it_is() {
    for text in [
        "a",
        "Part 1/01 Intro.ipynb",
        "größe.csv",
        "100%.txt",
        "%{}",
        "%{3a}",
        "%{1234567}",
        "a.tmpl",
        "console.txt",
    ] {
        for naming in ALL {
            assert_eq!(naming.encode(&path(text)), text, "{naming:?}");
        }
    }
}

#[test]
fn what_is_not_allowed_is_escaped_where_it_stands() {
    let cases = [
        ("a:b.txt", "a%{3A}b.txt", "a%{3A}b.txt"),
        (
            "what?*<>|\".txt",
            "what%{3F}%{2A}%{3C}%{3E}%{7C}%{22}.txt",
            "what%{3F}%{2A}%{3C}%{3E}%{7C}%{22}.txt",
        ),
        ("back\\slash", "back%{5C}slash", "back%{5C}slash"),
        ("new\nline", "new%{0A}line", "new%{0A}line"),
        ("dot.", "dot%{2E}", "dot%{2E}"),
        ("dots../x", "dots.%{2E}/x", "dots.%{2E}/x"),
        ("...", "..%{2E}", "..%{2E}"),
        ("CON", "%{43}ON", "%{43}ON"),
        ("com1.tar.gz", "%{63}om1.tar.gz", "%{63}om1.tar.gz"),
        ("aux .c", "%{61}ux .c", "%{61}ux .c"),
        (" both ", " both%{20}", "%{20}both%{20}"),
        ("a%{3A}b", "a%{25}{3A}b", "a%{25}{3A}b"),
        ("x.TMP", "x.TMP", "x%{2E}TMP"),
        ("a_vti_b", "a_vti_b", "a%{5F}vti_b"),
        ("d/.Lock", "d/.Lock", "d/%{2E}Lock"),
        ("Forms/a", "Forms/a", "%{46}orms/a"),
        ("a/forms", "a/forms", "a/forms"),
        ("~$x.docx", "~$x.docx", "%{7E}$x.docx"),
    ];
    for (text, windows, portable) in cases {
        assert_eq!(Naming::Natural.encode(&path(text)), text);
        assert_eq!(Naming::Windows.encode(&path(text)), windows);
        assert_eq!(Naming::Portable.encode(&path(text)), portable);
    }
}

#[test]
fn twins_are_told_apart() {
    let cases = [
        ("notes.txt", "%{6E}otes.txt"),
        ("Notes.txt", "%{4E}otes.txt"),
        ("noteS.txt", "%{6E}ote%{53}.txt"),
        ("Part A/x", "%{50}art %{41}/%{78}"),
        ("caf\u{e9}.txt", "%{63}af%{E9}.txt"),
        (":", "%{00003A}"),
    ];
    for (text, twin) in cases {
        assert_eq!(Naming::Portable.twin(&path(text)), twin);
    }
    assert_eq!(Naming::Natural.twin(&path(":")), "%{3A}");
}

#[test]
fn a_written_name_never_becomes_a_way_out() {
    for name in ["a%{2F}b", "%{00}", "..%{2F}..%{2F}x"] {
        assert_eq!(decode(name), name);
    }
    // these are for the check of every name to refuse
    assert_eq!(decode("%{2E}%{2E}"), "..");
    assert!(WorkPath::parse(&decode("%{2E}kitbag")).is_err());
}

#[test]
fn ordinary_names_are_passed_over_quickly() {
    for text in ["01 Intro.ipynb", "data_set_v2.final.csv", "größe.txt", "a", "Makefile", "contents.txt"] {
        assert!(is_plain(Naming::Portable, text, true), "{text}");
    }
}

#[test]
fn the_folder_keeps_its_name_and_so_does_the_first_of_several_files() {
    let plain = Names { naming: Naming::Natural, folds: false };
    let (upper, lower) = (path("Notes.txt"), path("notes.txt"));
    let like = vec![(upper.clone(), Stands::File), (lower.clone(), Stands::File)];
    let around = Around { like, ..Around::default() };
    assert!(!Names::CLOUD.is_twin(&upper, &around) && Names::CLOUD.is_twin(&lower, &around));
    assert!(!plain.is_twin(&lower, &around));
    let around = Around { like: vec![(lower.clone(), Stands::Folder)], ..Around::default() };
    assert!(Names::CLOUD.is_twin(&upper, &around) && !Names::CLOUD.is_twin(&lower, &around));
    let around = Around { below_folded: true, ..Around::default() };
    assert!(Names::CLOUD.is_twin(&upper, &around) && !plain.is_twin(&upper, &around));
    let around = Around { below: true, below_folded: true, ..Around::default() };
    assert!(plain.is_twin(&upper, &around));
}

/// Names made of what is special somewhere.
fn nasty() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a", "A", "e\u{301}", "\u{e9}", "\u{c9}", ":", "%", "%{", "{3A}", "%{3A}", "%{25}", "}", ".", " ",
        "~", "$", "con", "COM1", "com¹", "_vti_", ".tmp", ".nosync", ".lock", "\u{1}", "\u{7f}", "\\", "Σ",
        "ς", "日", "ﬁ", "İ", "x", "000041",
    ]);
    prop::collection::vec(part, 1..7).prop_map(|parts| parts.concat())
}

fn nasty_path() -> impl Strategy<Value = WorkPath> {
    let text = prop::collection::vec(nasty(), 1..3).prop_map(|names| names.join("/"));
    text.prop_filter_map("a name kitbag keeps for itself", |text| WorkPath::parse(&text).ok())
}

fn back(naming: Naming, text: &str) -> String {
    text.split('/')
        .map(|name| if naming == Naming::Natural { name.into() } else { naming.decode(name) })
        .collect::<Vec<_>>()
        .join("/")
}

fn decoded(text: &str) -> String {
    text.split('/').map(decode).collect::<Vec<_>>().join("/")
}

proptest! {
    #[test]
    fn every_name_comes_back(path in nasty_path()) {
        for naming in ALL {
            prop_assert_eq!(back(naming, &naming.encode(&path)), path.as_str());
            prop_assert_eq!(decoded(&naming.twin(&path)), path.as_str());
            prop_assert_ne!(naming.twin(&path), naming.encode(&path).into_owned());
        }
    }

    #[test]
    fn what_is_passed_over_has_nothing_to_escape(path in nasty_path()) {
        for naming in [Naming::Windows, Naming::Portable] {
            for (depth, name) in path.names().enumerate() {
                if is_plain(naming, name, depth == 0) {
                    prop_assert!(!naming.escapes(name, depth == 0).contains(&true), "{name:?}");
                }
            }
        }
    }

    #[test]
    fn every_written_name_is_allowed(path in nasty_path()) {
        for naming in ALL {
            for written in [naming.encode(&path).into_owned(), naming.twin(&path)] {
                for (depth, name) in written.split('/').enumerate() {
                    prop_assert!(naming == Naming::Natural || !forbidden(naming, name, depth == 0).contains(&true), "{written:?}");
                    prop_assert!(!name.is_empty());
                }
            }
        }
    }

    #[test]
    fn no_two_names_meet(a in nasty_path(), b in nasty_path()) {
        prop_assume!(a != b);
        for naming in [Naming::Windows, Naming::Portable] {
            prop_assert_ne!(naming.encode(&a), naming.encode(&b));
            prop_assert_ne!(folded(&naming.twin(&a)), folded(&naming.twin(&b)));
            prop_assert_ne!(folded(&naming.twin(&a)), folded(&naming.encode(&b)));
        }
    }

    #[test]
    fn equal_but_for_case_or_accents(path in nasty_path()) {
        let other = WorkPath::parse(&folded(path.as_str())).unwrap();
        if other == path {
            return Ok(());
        }
        for naming in ALL {
            prop_assert_ne!(folded(&naming.twin(&path)), folded(&naming.twin(&other)));
        }
    }
}
