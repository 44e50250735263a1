//! What is known of cloud providers, as data in one place: one row each, one file for each or for a few of a kind.
//! Who looks for folders, reads names or writes files asks the rows, so nothing about a provider is decided by its
//! name elsewhere. Where a fact is from memory or was never tried, the row's file says so.

mod drives;
mod dropbox;
mod google_drive;
mod icloud;
mod name;
mod nextcloud;
mod one_drive;
mod peers;
mod row;

pub use drives::Tool;
pub use google_drive::MY_DRIVE;
pub use name::{Form, NotCarried};
pub use row::{Base, Clue, Mark, MarkKind, Refuses, Registry, Row, Stub};

/// All rows. Where several fit, the first is meant: [`OTHER`] fits what no other does.
pub static TABLE: &[Row] = &[
    dropbox::ROW,
    one_drive::ROW,
    google_drive::ROW,
    icloud::ROW,
    drives::BOX,
    nextcloud::NEXTCLOUD,
    nextcloud::OWNCLOUD,
    peers::SYNCTHING,
    peers::SEAFILE,
    peers::RESILIO,
    drives::MEGA,
    drives::PROTON,
    drives::PCLOUD,
    peers::SYNOLOGY,
    drives::OBSIDIAN,
    drives::OTHER,
    drives::PLAIN,
];

/// Some provider that the system knows and no other row does.
pub static OTHER: Row = drives::OTHER;

/// Sync tools that are no providers.
pub static TOOLS: &[Tool] = drives::TOOLS;

/// The row with this key.
pub fn row(key: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.key == key)
}

#[cfg(test)]
mod tests;
