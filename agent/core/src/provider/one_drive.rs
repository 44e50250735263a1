//! OneDrive: personal, for work or school, and SharePoint libraries, which the same client carries; and its two clients
//! for Linux, abraunegg's and skilion's.
//!
//! Conflict names are weak all through (`NAME-DEVICE.EXT`; the client's own behaviour as told in
//! JeffSteinbok/obsidian-onedrive 128, abraunegg 207 and 66, skilion 265 and 338; `-safeBackup-NNNN`, and the numbers a
//! web upload gives, from memory). Registry: files-community/Files 3095 and 13680, ODSyncUtil 14. Refused and skipped
//! names, and the longest path: Microsoft's page on restrictions. `sync_dir` and its default: abraunegg's
//! documentation, from memory. Names of programs: from memory. Not tried with the real client.

use super::name::Form::{AnyCase, Between, Device, Exactly, Holds};
use super::row::{Base, Clue, Refuses, Registry, Row};
use crate::copies::Weak;

pub(super) const ROW: Row = Row {
    key: "onedrive",
    name: "OneDrive",
    folders: &[Exactly("OneDrive"), Between("OneDrive - ", "")],
    mounted: &[Between("OneDrive", "")],
    clues: &[
        Clue::Registry(Registry {
            machine: false,
            key: r"Software\Microsoft\OneDrive\Accounts",
            each: "",
            below: "",
            value: "UserFolder",
        }),
        // covers SharePoint libraries
        Clue::Registry(Registry {
            machine: false,
            key: r"Software\SyncEngines\Providers\OneDrive",
            each: "",
            below: "",
            value: "MountPoint",
        }),
        Registry::sync_root("OneDrive!"),
        Clue::Environment("OneDrive"),
        Clue::Environment("OneDriveConsumer"),
        Clue::Environment("OneDriveCommercial"),
        Clue::Setting(Base::Home, ".config/onedrive/config", "sync_dir"),
    ],
    weak: &[Weak::Device, Weak::BracketNumber, Weak::Number],
    skips: &[Between("~$", ""), Between("", ".tmp"), AnyCase("desktop.ini"), Between("", ".TMP")],
    refuses: Refuses {
        characters: "\"*:<>?\\|",
        names: &[
            AnyCase(".lock"),
            AnyCase("CON"),
            AnyCase("PRN"),
            AnyCase("AUX"),
            AnyCase("NUL"),
            Device("COM"),
            Device("LPT"),
            Holds("_vti_"),
        ],
        edge_blanks: true,
        last_dot: true,
        longest_path: Some(400),
    },
    keep_here: Some("Always keep on this device"),
    programs: &["onedrive", "onedrive.sync.service"],
    ..Row::NOTHING
};
