//! iCloud Drive.
//!
//! The loser of a conflict is shown as `NAME 2.EXT` (Apple TN2336 and reports). Skipped names: eclecticlight and
//! iphone-ticker. Stubs `.NAME.icloud` were left by older macOS where a file's bytes were taken away; they are small
//! property lists (their size from memory). macOS shows Desktop and Documents inside when it carries those of the home
//! folder. The folder on Windows: from memory. Not tried with the real client.

use super::name::Form::{AnyCase, Between, Exactly, Holds};
use super::row::{Base, Clue, Registry, Row, Stub};
use crate::copies::Weak;

pub(super) const ROW: Row = Row {
    key: "icloud",
    name: "iCloud Drive",
    folders: &[Exactly("iCloud Drive"), Exactly("iCloudDrive"), Exactly("com~apple~CloudDocs")],
    clues: &[
        Clue::FolderIf(Base::Home, "Desktop", "Library/Mobile Documents/com~apple~CloudDocs/Desktop"),
        Clue::FolderIf(Base::Home, "Documents", "Library/Mobile Documents/com~apple~CloudDocs/Documents"),
        Clue::Folder(Base::Home, "Library/Mobile Documents/com~apple~CloudDocs"),
        Registry::sync_root("iCloudDrive!"),
    ],
    weak: &[Weak::Number],
    skips: &[
        Between("", ".tmp"),
        Between("~$", ""),
        Holds(".nosync"),
        Exactly(".DS_Store"),
        AnyCase("desktop.ini"),
        Holds(".weakpkg"),
        Exactly("Dropbox"),
        Exactly("OneDrive"),
    ],
    keep_here: Some("Keep Downloaded"),
    stubs: &[Stub { front: ".", end: ".icloud", most_bytes: 4096 }],
    leave_out: Some("iCloud leaves out a folder whose name ends with .nosync"),
    // on macOS `bird` does it
    programs: &["bird", "iclouddrive", "icloudservices"],
    ..Row::NOTHING
};
