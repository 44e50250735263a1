//! Dropbox, and Maestral, another client of it.
//!
//! Conflict names: string hits in many public scripts and Dropbox's help pages; Spanish and the second Japanese form
//! from one source each; the trailing number from memory. Name clashes (`(Case Conflict)`, `(Unicode Encoding
//! Conflict)`, `(White Space Conflict)`, `(Selective Sync Conflict)`) hold another file, so they are no copies.
//! Skipped names: Maestral's wiki and Dropbox's help. `info.json`: several public programs. Registration with Windows
//! and the names of the programs: from memory. Not tried with the real client.

use super::name::Form::{AnyCase, Between, Exactly};
use super::row::{Base, Clue, Mark, Refuses, Registry, Row};
use crate::copies::Pattern;
use crate::copies::Place::{Brackets, NumberedBrackets};

pub(super) const ROW: Row = Row {
    key: "dropbox",
    name: "Dropbox",
    folders: &[Exactly("Dropbox"), Between("Dropbox (", ")")],
    // `~/.dropbox` is a folder of settings and no mark
    marks: &[Mark::file(Exactly(".dropbox")), Mark::folder(Exactly(".dropbox.cache"))],
    mounted: &[Between("Dropbox", "")],
    clues: &[
        Clue::Accounts(Base::Roaming, "Dropbox/info.json"),
        Clue::Accounts(Base::Local, "Dropbox/info.json"),
        Clue::Accounts(Base::Home, ".dropbox/info.json"),
        Registry::sync_root("Dropbox!"),
    ],
    copies: &[
        Pattern(NumberedBrackets, "*'s conflicted copy ####-##-##"),
        Pattern(NumberedBrackets, "*’s conflicted copy ####-##-##"),
        Pattern(NumberedBrackets, "conflicted copy ####-##-##"),
        Pattern(NumberedBrackets, "conflicted copy"),
        Pattern(NumberedBrackets, "In Konflikt stehende Kopie von * ####-##-##"),
        Pattern(NumberedBrackets, "* in Konflikt stehende Kopie ####-##-##"),
        Pattern(NumberedBrackets, "Copie en conflit de * ####-##-##"),
        Pattern(NumberedBrackets, "Copia in conflitto di * ####-##-##"),
        Pattern(NumberedBrackets, "Copia conflictiva de * ####-##-##"),
        Pattern(NumberedBrackets, "* の競合コピー ####-##-##"),
        Pattern(NumberedBrackets, "* 上の問題のあるコピー"),
        Pattern(NumberedBrackets, "* 上の問題のあるコピー ####-##-##"),
        // Maestral, issues 861 and 862
        Pattern(Brackets, "*'s conflicting copy ####-##-##"),
        Pattern(Brackets, "conflicting copy"),
        Pattern(Brackets, "conflicting copy #"),
    ],
    skips: &[
        AnyCase("desktop.ini"),
        AnyCase("thumbs.db"),
        Exactly(".DS_Store"),
        Exactly("Icon\r"),
        Exactly(".dropbox"),
        Exactly(".dropbox.attr"),
        Exactly(".dropbox.cache"),
        Between("~$", ""),
        Between(".~", ""),
        Between("~", ".tmp"),
    ],
    refuses: Refuses { characters: "\\", ..Refuses::NOTHING },
    keep_here: Some("Make available offline"),
    leave_out: Some("Dropbox leaves out a folder that has its mark com.dropbox.ignored (see Dropbox's help)"),
    programs: &["dropbox", "maestral"],
    ..Row::NOTHING
};
