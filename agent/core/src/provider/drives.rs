//! Box, MEGA, Proton Drive, pCloud; Obsidian Sync, which has no folder of its own but whose copies turn up in others';
//! a folder that macOS or Windows says is some provider's, whichever; and a plain folder, such as one on a stick.
//!
//! pCloud's conflict names: its help. Obsidian's: obsidian-help 1056. Box: the folders from Box's help; how it names
//! copies was not found. All else here is from memory; nothing was tried with the real programs.

use super::name::Form::{Between, Exactly};
use super::row::{Base, Clue, Mark, Refuses, Registry, Row};
use crate::copies::Pattern;
use crate::copies::Place::{Brackets, End};

pub(super) const BOX: Row = Row {
    key: "box",
    name: "Box",
    // too ordinary a word to mean anything elsewhere than at the usual place
    mounted: &[Between("Box-", "")],
    clues: &[
        Clue::Folder(Base::Home, "Box"),
        Clue::Folder(Base::Home, "Box Sync"),
        Registry::sync_root("Box!"),
    ],
    refuses: Refuses { characters: "\\", edge_blanks: true, ..Refuses::NOTHING },
    keep_here: Some("Make Available Offline"),
    programs: &["box", "box.desktop.updateservice", "box sync"],
    ..Row::NOTHING
};

pub(super) const MEGA: Row = Row {
    key: "mega",
    name: "MEGA",
    folders: &[Exactly("MEGAsync")],
    marks: &[Mark::folder(Exactly(".debris"))],
    clues: &[Clue::Folder(Base::Home, "MEGA")],
    skips: &[Between(".", ".mega"), Exactly(".megaignore")],
    leave_out: Some("MEGA leaves out what stands in .megaignore"),
    programs: &["megasync", "mega-cmd-server"],
    ..Row::NOTHING
};

pub(super) const PROTON: Row = Row {
    key: "proton",
    name: "Proton Drive",
    folders: &[Exactly("Proton Drive"), Exactly("ProtonDrive")],
    mounted: &[Between("ProtonDrive", "")],
    clues: &[Registry::sync_root("ProtonDrive")],
    keep_here: Some("Keep on this device"),
    programs: &["protondrive", "proton drive"],
    ..Row::NOTHING
};

pub(super) const PCLOUD: Row = Row {
    key: "pcloud",
    name: "pCloud",
    folders: &[Exactly("pCloudDrive"), Exactly("pCloud Drive")],
    copies: &[Pattern(End(".conflicted"), "")],
    programs: &["pcloud"],
    ..Row::NOTHING
};

pub(super) const OBSIDIAN: Row = Row {
    key: "obsidian",
    name: "Obsidian Sync",
    copies: &[Pattern(Brackets, "Conflicted copy * ############")],
    ..Row::NOTHING
};

/// Some provider that the system knows and this table does not.
pub(super) const OTHER: Row =
    Row { key: "other", name: "a cloud provider", clues: &[Registry::sync_root("")], ..Row::NOTHING };

/// A folder nobody carries but the person: a stick, a network drive.
pub(super) const PLAIN: Row = Row { key: "folder", name: "a plain folder", ..Row::NOTHING };

/// Tools that sync a folder and are no providers: the folder they are used on is theirs.
pub(super) const TOOLS: &[Tool] = &[
    Tool { name: "Unison", marks: &[Mark::file(Between(".unison.", ".unison.tmp"))] },
    Tool { name: "rclone bisync", marks: &[Mark::file(Exactly("RCLONE_TEST"))] },
    Tool {
        name: "FreeFileSync",
        marks: &[Mark::file(Exactly("sync.ffs_db")), Mark::file(Exactly(".sync.ffs_db"))],
    },
];

/// A sync tool that is no provider.
#[derive(Debug)]
pub struct Tool {
    /// What people call it.
    pub name: &'static str,
    /// What it leaves at the top of a folder it is used on.
    pub marks: &'static [Mark],
}
