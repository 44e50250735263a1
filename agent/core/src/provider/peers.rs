//! Programs that carry a folder between a person's own machines or to a server of their own: Syncthing, Resilio Sync,
//! Seafile, Synology Drive. They know files by name, so a swap is an ordinary change to them, and they keep all bytes
//! on the disk.
//!
//! Syncthing: its documentation (conflict names, `.stfolder`; SyncTrayzor PR 181 for copies without a device) and, for
//! where its settings lie, from memory. Resilio, Seafile, Synology: from memory. Not tried with the real programs.

use super::name::Form::{Between, Exactly};
use super::row::{Base, Clue, Mark, MarkKind, Registry, Row};
use crate::copies::Place::{After, Brackets};
use crate::copies::{Pattern, Weak};

pub(super) const SYNCTHING: Row = Row {
    key: "syncthing",
    name: "Syncthing",
    marks: &[Mark { form: Exactly(".stfolder"), kind: None, covers_below: true }],
    clues: &[
        Clue::Attribute(Base::Home, ".local/state/syncthing/config.xml", "folder", "path"),
        Clue::Attribute(Base::Home, ".config/syncthing/config.xml", "folder", "path"),
        Clue::Attribute(Base::Home, "Library/Application Support/Syncthing/config.xml", "folder", "path"),
        Clue::Attribute(Base::Local, "Syncthing/config.xml", "folder", "path"),
    ],
    copies: &[
        Pattern(After(".sync-conflict-"), "########-######-???????"),
        Pattern(After(".sync-conflict-"), "########-######-"),
        Pattern(After(".sync-conflict-"), "########-######"),
    ],
    skips: &[Between(".syncthing.", ".tmp"), Between("~syncthing~", ".tmp")],
    leave_out: Some("Syncthing leaves out what stands in the file .stignore"),
    programs: &["syncthing"],
    ..Row::NOTHING
};

pub(super) const RESILIO: Row = Row {
    key: "resilio",
    name: "Resilio Sync",
    folders: &[Exactly("Resilio Sync"), Exactly("BitTorrent Sync")],
    // a program in the home folder keeps its own settings under the same name
    marks: &[Mark { form: Exactly(".sync"), kind: Some(MarkKind::Folder), covers_below: false }],
    weak: &[Weak::Marked(".Conflict")],
    skips: &[Between("", ".!sync"), Between("", ".bts")],
    leave_out: Some("Resilio leaves out what stands in .sync/IgnoreList"),
    programs: &["rslsync", "resilio sync", "resilio-sync"],
    ..Row::NOTHING
};

pub(super) const SEAFILE: Row = Row {
    key: "seafile",
    name: "Seafile",
    folders: &[Exactly("Seafile"), Exactly("seadrive_root"), Exactly("SeaDrive")],
    copies: &[
        Pattern(Brackets, "SFConflict * ####-##-##-##-##-##"),
        Pattern(Brackets, "SFConflict ####-##-##-##-##-##"),
    ],
    clues: &[Registry::sync_root("SeaDrive")],
    leave_out: Some("Seafile leaves out what stands in seafile-ignore.txt"),
    programs: &["seaf-daemon", "seafile-applet", "seadrive"],
    ..Row::NOTHING
};

pub(super) const SYNOLOGY: Row = Row {
    key: "synology",
    name: "Synology Drive",
    folders: &[Exactly("SynologyDrive")],
    mounted: &[Between("SynologyDrive", "")],
    clues: &[Registry::sync_root("SynologyDrive")],
    programs: &["cloud-drive-ui", "synology drive client", "cloud-drive-daemon"],
    ..Row::NOTHING
};
