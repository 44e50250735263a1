//! Going back. `list` shows the versions there are and what kitbag did here, `find` turns the id a person types into a
//! version, `restore` brings one version back and `undo` takes a whole operation back; `compare` puts a
//! version beside what the working folder has. Nothing in the history is ever
//! rewritten: what comes back is a new version on top of the newest, so every other machine gets it too, and it can be
//! taken back in turn. Before anything is replaced, a sync records what the working folder holds.

mod bring;
mod compare;
mod find;
mod kept;
mod list;
mod restore;
mod undo;
mod words;

pub use compare::compare;
pub use list::{ChangeView, HistoryView, OperationView, VersionView, history, operations};
pub use restore::{Restored, restore};
pub use undo::{Undone, UndoneFile, Wanted, undo};
