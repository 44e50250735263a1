//! Nextcloud, ownCloud and what else uses their client.
//!
//! Conflict names and the client's own files: nextcloud/desktop, `src/common/utility.cpp` and `csync_exclude.cpp`.
//! Conflict files are not uploaded unless the person asks for it. `(case clash from …)` (from memory) holds another
//! file and is no copy. The settings file and its `localPath`: from memory. Stubs are of the mode the client calls
//! "virtual files with suffix", one byte each (from memory). Not tried with the real client.

use super::name::Form::{Between, Exactly};
use super::row::{Base, Clue, Mark, Registry, Row, Stub};
use crate::copies::Pattern;
use crate::copies::Place::{After, Brackets};

const COPIES: &[Pattern] = &[
    Pattern(Brackets, "conflicted copy ####-##-## ######"),
    Pattern(Brackets, "conflicted copy * ####-##-## ######"),
    Pattern(After("_conflict-"), "*-########-######"),
    Pattern(After("_conflict-"), "########-######"),
];

pub(super) const NEXTCLOUD: Row = Row {
    key: "nextcloud",
    name: "Nextcloud",
    folders: &[Exactly("Nextcloud")],
    marks: &[
        Mark::file(Exactly(".nextcloudsync.log")),
        Mark::file(Between(".sync_", ".db")),
        Mark::file(Between("._sync_", ".db")),
    ],
    mounted: &[Between("Nextcloud", "")],
    clues: &[
        Clue::Setting(Base::Home, ".config/Nextcloud/nextcloud.cfg", "localPath"),
        Clue::Setting(Base::Home, "Library/Preferences/Nextcloud/nextcloud.cfg", "localPath"),
        Clue::Setting(Base::Roaming, "Nextcloud/nextcloud.cfg", "localPath"),
        Registry::sync_root("Nextcloud!"),
    ],
    copies: COPIES,
    skips: &[Between(".~lock.", ""), Between("~$", "")],
    stubs: &[Stub { front: "", end: ".nextcloud", most_bytes: 1 }],
    keep_here: Some("Make always available locally"),
    programs: &["nextcloud", "nextcloudcmd"],
    ..Row::NOTHING
};

pub(super) const OWNCLOUD: Row = Row {
    key: "owncloud",
    name: "ownCloud",
    folders: &[Exactly("ownCloud")],
    marks: &[Mark::file(Exactly(".owncloudsync.log")), Mark::file(Between(".csync_journal", ".db"))],
    mounted: &[Between("ownCloud", "")],
    clues: &[
        Clue::Setting(Base::Home, ".config/ownCloud/owncloud.cfg", "localPath"),
        Clue::Setting(Base::Home, "Library/Preferences/ownCloud/owncloud.cfg", "localPath"),
        Clue::Setting(Base::Roaming, "ownCloud/owncloud.cfg", "localPath"),
        Registry::sync_root("ownCloud!"),
    ],
    // the same client under another name: the names of its copies are Nextcloud's
    stubs: &[Stub { front: "", end: ".owncloud", most_bytes: 1 }],
    keep_here: Some("Make always available locally"),
    programs: &["owncloud", "owncloudcmd"],
    ..Row::NOTHING
};
