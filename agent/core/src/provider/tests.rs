//! The table against itself and against examples: keys, names each provider takes and does not, our temporary names.

use super::*;
use crate::path::TEMPORARY_PREFIX;

fn of(key: &str) -> &'static Row {
    row(key).unwrap()
}

#[test]
fn keys_are_words_of_their_own() {
    for (at, row) in TABLE.iter().enumerate() {
        assert!(!row.name.is_empty());
        assert!(
            !row.key.is_empty() && row.key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
            "{}",
            row.key
        );
        assert!(
            TABLE[..at].iter().all(|other| other.key != row.key && other.name != row.name),
            "{}",
            row.key
        );
        assert!(row.programs.iter().all(|program| *program == program.to_lowercase()), "{}", row.key);
        assert_eq!(super::row(row.key).map(|found| found.name), Some(row.name));
    }
    assert!(row("nonsense").is_none());
}

/// Dropbox, OneDrive and iCloud are known to leave our temporary files alone. Of the others it is not known; a new fact
/// about one of them belongs into its row and here.
#[test]
fn our_temporary_names_are_skipped_where_that_is_known() {
    let name = format!("{TEMPORARY_PREFIX}0123456789abcdef.tmp");
    let skipping: Vec<_> = TABLE.iter().filter(|row| row.skips(&name)).map(|row| row.key).collect();
    assert_eq!(skipping, ["dropbox", "onedrive", "icloud"]);
    for row in TABLE {
        for name in ["notes.txt", "Part 2.ipynb", "data/weeks 1-3/results (1).csv", ".gitignore", "日本.txt"]
        {
            assert_eq!(row.carries(name), Ok(()), "{}: {name}", row.key);
        }
        // the sidecar's own names
        let hash = "0f".repeat(32);
        for name in
            [".kitbag/format".into(), format!(".kitbag/packs/0f/{hash}"), format!(".kitbag/events/{hash}")]
        {
            assert_eq!(row.carries(&name), Ok(()), "{}: {name}", row.key);
        }
    }
}

#[test]
fn names_a_provider_does_not_carry() {
    for (key, names) in [
        (
            "onedrive",
            &[
                "a:b.txt",
                "what?.txt",
                "a|b",
                "x/CON",
                "x/nul",
                "com3",
                "LPT9.txt",
                ".lock",
                "a_vti_b",
                "~$x.docx",
                "x.tmp",
                "desktop.ini",
                " a.txt",
                "a.txt ",
                "folder /x",
                "end.",
            ][..],
        ),
        (
            "dropbox",
            &["Thumbs.db", ".DS_Store", "~$x.docx", ".~lock.x#", "~x.tmp", "x/.dropbox.cache/y", "a\\b"],
        ),
        ("icloud", &["x.tmp", "x.nosync/y", "a.weakpkg", "Dropbox/x", ".DS_Store"]),
        ("box", &["a\\b", " a", "a "]),
        ("syncthing", &[".syncthing.notes.txt.tmp", "~syncthing~notes.txt.tmp"]),
    ] {
        for name in names {
            assert!(of(key).carries(name).is_err(), "{key}: {name:?}");
        }
    }
    let long = format!("{}x", "folder/".repeat(57));
    assert_eq!(long.len(), 400);
    assert_eq!(of("onedrive").carries(&long), Ok(()));
    assert_eq!(of("onedrive").carries(&format!("{long}y")), Err(NotCarried::TooLong(400)));
    for fine in ["CONSOLE", "com", "company.txt", "com10", "a.lock", "a tmp", "nul2"] {
        assert_eq!(of("onedrive").carries(fine), Ok(()), "{fine}");
    }
    assert_eq!(of("onedrive").carries("a:b"), Err(NotCarried::Character(':')));
}

#[test]
fn only_google_drive_is_written_in_place() {
    let in_place: Vec<_> = TABLE.iter().filter(|row| row.in_place).map(|row| row.key).collect();
    assert_eq!(in_place, ["google-drive"]);
}

#[test]
fn stubs_stand_for_others() {
    let stub = |key: &str, name: &'static str| of(key).stubs.iter().find_map(|stub| stub.stands_for(name));
    assert_eq!(stub("icloud", ".notes.txt.icloud"), Some("notes.txt"));
    assert_eq!(stub("icloud", "notes.txt.icloud"), None);
    assert_eq!(stub("icloud", "..icloud"), None);
    assert_eq!(stub("nextcloud", "notes.txt.nextcloud"), Some("notes.txt"));
    assert_eq!(stub("nextcloud", ".nextcloud"), None);
    assert_eq!(stub("dropbox", ".notes.txt.icloud"), None);
}
