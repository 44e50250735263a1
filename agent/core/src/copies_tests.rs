//! Names of conflict copies: every pattern with examples and counterexamples, and names from chance.

use super::*;

#[test]
fn copies_are_recognised() {
    let cases = [
        ("notes (Ada's conflicted copy 2026-02-03).txt", "notes.txt", "dropbox"),
        ("notes (Ada’s conflicted copy 2026-02-03).txt", "notes.txt", "dropbox"),
        ("notes (host.local's conflicted copy 2026-02-03)", "notes", "dropbox"),
        ("notes (Ada (work)'s conflicted copy 2026-02-03).txt", "notes.txt", "dropbox"),
        ("notes (Ada's conflicted copy 2026-02-03) (1).txt", "notes.txt", "dropbox"),
        ("notes (Ada's conflicted copy 2026-02-03) (12)", "notes", "dropbox"),
        ("notes (conflicted copy).txt", "notes.txt", "dropbox"),
        ("notes (conflicted copy 2026-02-03).txt", "notes.txt", "dropbox"),
        ("Aufgabe 1 (In Konflikt stehende Kopie von PC-7 2026-02-03).ipynb", "Aufgabe 1.ipynb", "dropbox"),
        ("Aufgabe (Adas in Konflikt stehende Kopie 2026-02-03).ipynb", "Aufgabe.ipynb", "dropbox"),
        ("a (Copie en conflit de Ada Lovelace 2026-02-03).csv", "a.csv", "dropbox"),
        ("a (Copia in conflitto di PC 2026-02-03).csv", "a.csv", "dropbox"),
        ("a (Copia conflictiva de PC 2026-02-03).csv", "a.csv", "dropbox"),
        ("a (平川 の競合コピー 2023-10-29).hpp", "a.hpp", "dropbox"),
        ("a (平川 の競合コヒ\u{309a}ー 2023-10-29).hpp", "a.hpp", "dropbox"),
        ("a (PC 上の問題のあるコピー).csv", "a.csv", "dropbox"),
        ("notes (conflicted copy 2026-02-03 101112).txt", "notes.txt", "nextcloud"),
        ("notes (conflicted copy ada.l 2026-02-03 101112).txt", "notes.txt", "nextcloud"),
        (".bashrc (conflicted copy 2026-02-03 101112)", ".bashrc", "nextcloud"),
        ("notes_conflict-ada-20260203-101112.txt", "notes.txt", "nextcloud"),
        ("notes_conflict-ada.l-20260203-101112.txt", "notes.txt", "nextcloud"),
        ("notes_conflict-ada.l-20260203-101112", "notes", "nextcloud"),
        ("notes_conflict-20260203-101112.txt", "notes.txt", "nextcloud"),
        ("a.b.sync-conflict-20260203-101112-ABCDE27.txt", "a.b.txt", "syncthing"),
        ("Makefile.sync-conflict-20260203-101112-ABCDE27", "Makefile", "syncthing"),
        ("a.sync-conflict-20260203-101112-.txt", "a.txt", "syncthing"),
        ("a.sync-conflict-20260203-101112.txt", "a.txt", "syncthing"),
        (".gitignore.sync-conflict-20260203-101112-ABCDE27", ".gitignore", "syncthing"),
        ("notes (Ada's conflicting copy 2026-02-03).txt", "notes.txt", "dropbox"),
        ("notes (conflicting copy).txt", "notes.txt", "dropbox"),
        ("notes (conflicting copy 2).txt", "notes.txt", "dropbox"),
        ("Daily (Conflicted copy my phone 202602031011).md", "Daily.md", "obsidian"),
        ("a (SFConflict ada@example.org 2026-02-03-10-11-12).txt", "a.txt", "seafile"),
        ("a (SFConflict 2026-02-03-10-11-12).txt", "a.txt", "seafile"),
        ("notes.txt.conflicted", "notes.txt", "pcloud"),
        ("data.v2.csv (Ada's conflicted copy 2026-02-03)", "data.v2.csv", "dropbox"),
        ("data.v2 (Ada's conflicted copy 2026-02-03).csv", "data.v2.csv", "dropbox"),
        ("data (Ada's conflicted copy 2026-02-03).tar.gz", "data.tar.gz", "dropbox"),
        ("Part (2) (Ada's conflicted copy 2026-02-03).ipynb", "Part (2).ipynb", "dropbox"),
        ("日本 (Ada's conflicted copy 2026-02-03).txt", "日本.txt", "dropbox"),
    ];
    for (name, base, provider) in cases {
        let expected = Copy { base: base.to_owned(), provider };
        assert_eq!(base_of(name), Some(expected), "{name}");
    }
}

#[test]
fn a_copy_of_a_copy_leads_to_the_copy() {
    let cases = [
        (
            "a (Ada's conflicted copy 2026-02-03) (Bob's conflicted copy 2026-02-04).txt",
            "a (Ada's conflicted copy 2026-02-03).txt",
        ),
        (
            "a.sync-conflict-20260203-101112-ABCDE27.sync-conflict-20260204-101112-ABCDE27.txt",
            "a.sync-conflict-20260203-101112-ABCDE27.txt",
        ),
    ];
    for (name, base) in cases {
        assert_eq!(base_of(name).unwrap().base, base);
        assert_eq!(base_of(base).unwrap().base, "a.txt");
    }
}

#[test]
fn ordinary_names_are_left_alone() {
    let names = [
        "",
        ".",
        "a",
        "notes.txt",
        ".hidden",
        ".conflicted",
        "Part 2.ipynb",
        "x (1).csv",
        "a-OLD.ipynb",
        "a-LAPTOP-2.ipynb",
        "notes (Conflict of interest).txt",
        "notes (conflict).txt",
        "notes (Case Conflict).txt",
        "notes conflicted copy.txt",
        "notes (conflicted copy) final.txt",
        "notes (conflicted copy). final.txt",
        "notes (conflicted copy).",
        "notes(conflicted copy).txt",
        "(conflicted copy).txt",
        " (conflicted copy).txt",
        "notes (Ada's conflicted copy).txt",
        "notes (Ada's conflicted copy 2026-2-3).txt",
        "notes ('s conflicted copy 2026-02-03).txt",
        "notes (Ada's conflicted copy 2026-02-03) (a).txt",
        "notes (conflicted copy 2026-02-03 101112) (1).txt",
        "Ada's conflicted copy 2026-02-03.txt",
        "notes (conflicted copy 2026-02-03",
        "notes conflicted copy 2026-02-03).txt",
        "theory_conflict-resolution.txt",
        "theory_conflict-20260203.txt",
        "_conflict-20260203-101112.txt",
        "a.sync-conflict-2026-ABCDE27.txt",
        "a.sync-conflict-20260203-101112-ABCDE89.txt",
        ".sync-conflict-20260203-101112-ABCDE27",
        "how sync-conflict-20260203-101112 began.txt",
        "conflicted.txt",
        "a.conflicted.txt",
        "(1)",
        "((((",
        "))))",
        "日本語 (コピー).txt",
    ];
    for name in names {
        assert_eq!(base_of(name), None, "{name}");
    }
}

#[test]
fn name_clashes_are_other_files() {
    for name in [
        "notes (Case Conflict).txt",
        "notes (Case Conflict 1).txt",
        "notes (Unicode Encoding Conflict).txt",
        "notes (White Space Conflict).txt",
        "notes (Selective Sync Conflict)",
        "notes (shared folder conflict)",
        "notes (case clash from ada 2026-02-03).txt",
    ] {
        assert_eq!(base_of(name), None, "{name}");
        assert!(
            may_be_of(name).iter().all(|maybe| !maybe.base.starts_with("notes.") && maybe.base != "notes"),
            "{name}"
        );
    }
}

fn maybe(name: &str) -> Vec<(String, Option<String>)> {
    may_be_of(name).into_iter().map(|maybe| (maybe.base, maybe.device)).collect()
}

#[test]
fn weak_names_tell_what_they_may_be_of() {
    for (name, base) in [
        ("x (1).csv", "x.csv"),
        ("x (12).csv", "x.csv"),
        ("Part 2.ipynb", "Part.ipynb"),
        ("Makefile 2", "Makefile"),
        ("data.tar (1).gz", "data.tar.gz"),
        ("Part (2) (1).ipynb", "Part (2).ipynb"),
        ("notes [Conflict].txt", "notes.txt"),
        ("notes.Conflict.txt", "notes.txt"),
        ("日本 2.txt", "日本.txt"),
    ] {
        assert!(maybe(name).contains(&(base.into(), None)), "{name}: {:?}", maybe(name));
    }
    for (name, base, device) in [
        ("a-OLD.ipynb", "a.ipynb", "OLD"),
        ("notes-LAPTOP.txt", "notes.txt", "LAPTOP"),
        ("notes-LAPTOP-2.txt", "notes.txt", "LAPTOP"),
        ("notes-HOME-PC.txt", "notes.txt", "HOME-PC"),
        ("notes-HOME-PC-3.txt", "notes.txt", "HOME-PC"),
        ("notes-LAPTOP-LAPTOP.txt", "notes.txt", "LAPTOP"),
        ("my-notes-ada's Mac.txt", "my-notes.txt", "ada's Mac"),
        ("notes-host-safeBackup-0001.txt", "notes.txt", "host"),
        ("Makefile-LAPTOP", "Makefile", "LAPTOP"),
    ] {
        assert!(maybe(name).contains(&(base.into(), Some(device.into()))), "{name}: {:?}", maybe(name));
    }
    for name in [
        "x.csv",
        "x (0).csv",
        "x (01).csv",
        "x (1234).csv",
        "x (a).csv",
        "x(1).csv",
        "(1).csv",
        " (1).csv",
        "2.ipynb",
        " 2.ipynb",
        "Part 02.ipynb",
        "Part 2b.ipynb",
        "-LAPTOP.txt",
        "notes-.txt",
        "[Conflict].txt",
        "",
        ".",
        "..",
        "-",
        "notes (Ada's conflicted copy 2026-02-03).txt",
    ] {
        let found: Vec<_> = maybe(name).into_iter().filter(|(base, _)| base.trim() == base).collect();
        assert_eq!(found, [], "{name}");
    }
}

/// Names put together from what marks are made of: nothing panics, and whatever is told is a good name, shorter than the
/// one it was read from.
#[test]
fn names_from_chance_lead_to_good_names() {
    const BITS: &[&str] = &[
        "a",
        "notes",
        ".",
        "..",
        "/",
        "\\",
        " ",
        "(",
        ")",
        "((",
        "))",
        "-",
        "--",
        "_conflict-",
        ".sync-conflict-",
        "'s conflicted copy ",
        "conflicted copy",
        "20260203",
        "-101112",
        "2026-02-03",
        " (1)",
        " 2",
        ".txt",
        ".ipynb",
        ".conflicted",
        "\0",
        "\u{1b}[2J",
        "é",
        "e\u{301}",
        "日本",
        "🎓",
        "コヒ\u{309a}ー",
        "-safeBackup-0001",
        "[Conflict]",
        ".Conflict",
        ".kitbag",
        ".~kitbag-",
        "\u{202e}",
        "ABCDE27",
        "SFConflict ",
    ];
    #[allow(clippy::disallowed_methods, reason = "a test replays from a seed")]
    let seed =
        std::env::var("KITBAG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x6b69_7462_6167_u64);
    let mut state = seed;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut told = 0;
    for round in 0..200_000 {
        let name: String = (0..1 + draw(9)).map(|_| BITS[draw(BITS.len())]).collect();
        let bases = base_of(&name).map(|copy| copy.base).into_iter();
        for base in bases.chain(may_be_of(&name).into_iter().map(|maybe| maybe.base)) {
            told += 1;
            assert!(WorkPath::parse(&base).is_ok(), "seed {seed}, round {round}: {name:?} leads to {base:?}");
            assert!(
                !base.contains('/') && base.len() < name.len(),
                "seed {seed}, round {round}: {name:?} to {base:?}"
            );
        }
    }
    assert!(told > 10_000, "hardly any name was a copy: {told}");
}

#[test]
fn a_machine_named_has_a_name() {
    for name in ["a--", "a--.txt", "a---", "a--2.txt", "notes-a--"] {
        let named = may_be_of(name).into_iter().filter_map(|maybe| maybe.device).collect::<Vec<_>>();
        assert!(!named.contains(&String::new()), "{name}: {named:?}");
    }
    let named = |name| may_be_of(name).into_iter().filter_map(|maybe| maybe.device).collect::<Vec<_>>();
    assert!(named("notes-LAPTOP.txt").contains(&"LAPTOP".into()));
}
