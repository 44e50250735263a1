//! Google Drive, with Insync and the other clients that Linux has for it.
//!
//! A file there is its number: replaced by a rename it becomes a new one, the old goes to the bin with its history, and
//! two files of one name can stand side by side (keepass2android 2276, keepassxc 1874, ocamlfuse 494, 611 and 659,
//! owncloud/core 25827). So files are written in place. Conflict names: none that can be relied on; the second of two
//! files of one name is shown as `NAME (1).EXT` (owncloud/core 25827, cryptomator 359); ` [Conflict]` of the old client
//! from memory. The folder: Google's help for macOS; on Windows a drive letter that holds a folder of the name "My
//! Drive" in the person's language (names from memory). The client's own database also knows, but its form is nobody's
//! promise, so it is not read. What its client skips is not known, so our temporary files may travel; they are
//! removed within two syncs. Not tried with the real client.

use super::name::Form::{Between, Exactly};
use super::row::{Base, Clue, Mark, Registry, Row};
use crate::copies::Weak;

/// "My Drive" in the languages known here; the folder that takes files.
pub const MY_DRIVE: [&str; 10] = [
    "My Drive",
    "Meine Ablage",
    "Mon Drive",
    "Mi unidad",
    "Il mio Drive",
    "Meu Drive",
    "O meu disco",
    "Mijn Drive",
    "Mój dysk",
    "マイドライブ",
];

pub(super) const ROW: Row = Row {
    key: "google-drive",
    name: "Google Drive",
    folders: &[
        Exactly("Google Drive"),
        Between("Google Drive (", ")"),
        Exactly("GoogleDrive"),
        Between("GoogleDrive-", ""),
        Exactly("My Drive"),
    ],
    marks: &[Mark::folder(Exactly(".tmp.drivedownload")), Mark::folder(Exactly(".tmp.driveupload"))],
    mounted: &[Between("GoogleDrive", "")],
    clues: &[
        Clue::Top(MY_DRIVE[0]),
        Clue::Top(MY_DRIVE[1]),
        Clue::Top(MY_DRIVE[2]),
        Clue::Top(MY_DRIVE[3]),
        Clue::Top(MY_DRIVE[4]),
        Clue::Top(MY_DRIVE[5]),
        Clue::Top(MY_DRIVE[6]),
        Clue::Top(MY_DRIVE[7]),
        Clue::Top(MY_DRIVE[8]),
        Clue::Top(MY_DRIVE[9]),
        Registry::sync_root("GoogleDrive"),
        Clue::Folder(Base::Home, "Insync"),
    ],
    weak: &[Weak::BracketNumber, Weak::Marked(" [Conflict]")],
    in_place: true,
    keep_here: Some("Available offline"),
    programs: &["googledrivefs", "google drive", "insync"],
    ..Row::NOTHING
};
