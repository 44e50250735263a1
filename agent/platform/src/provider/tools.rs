//! Other tools that sync a folder: what they leave in it, and the lists rclone keeps of what it syncs. Two engines on
//! one folder undo each other's work, so setup refuses such a folder and doctor tells of it.

use std::path::Path;

use kitbag_core::provider::{TABLE, TOOLS};

use super::{real_place, stands};
use crate::disk::Disk;
use crate::places::{Places, System};

/// The tools that sync this very folder by themselves, named for people: those of [`marks_on`], and rclone by its lists.
pub fn tools_on(folder: &Path, places: &dyn Places, disk: &dyn Disk) -> Vec<&'static str> {
    let mut found = marks_on(folder, disk);
    if !found.contains(&BISYNC) && bisync_lists(&real_place(folder, disk), places, disk) {
        found.push(BISYNC);
    }
    found
}

/// Providers whose mark stands in this very folder, and tools that are no providers and have left theirs.
pub fn marks_on(folder: &Path, disk: &dyn Disk) -> Vec<&'static str> {
    let items = disk.list(folder).unwrap_or_default();
    let providers = TABLE.iter().filter(|row| row.marks.iter().any(|mark| stands(mark, &items, true)));
    let tools = TOOLS.iter().filter(|tool| tool.marks.iter().any(|mark| stands(mark, &items, true)));
    providers.map(|row| row.name).chain(tools.map(|tool| tool.name)).collect()
}

const BISYNC: &str = "rclone bisync";

/// Bisync remembers both its folders in the name of a list: `PATH1..PATH2.path1.lst`, separators and blanks as `_`.
/// (The folder: rclone's manual; the form of the name from memory.)
fn bisync_lists(folder: &Path, places: &dyn Places, disk: &dyn Disk) -> bool {
    let lists = match places.system() {
        System::Windows => places.local_data().map(|data| data.join("rclone/bisync")),
        System::MacOs => places.home().map(|home| home.join("Library/Caches/rclone/bisync")),
        System::Linux => places.home().map(|home| home.join(".cache/rclone/bisync")),
    };
    let odd = |c: char| c.is_whitespace() || matches!(c, '\\' | '/' | ':' | '?' | '*');
    let text = folder.to_string_lossy();
    let ours: String = text.trim_matches(['/', '\\']).chars().map(|c| if odd(c) { '_' } else { c }).collect();
    let Some(lists) = lists.filter(|_| !ours.is_empty()) else { return false };
    disk.list(&lists).unwrap_or_default().iter().any(|item| {
        let Some(session) = item.name.to_str().and_then(|name| name.strip_suffix(".path1.lst")) else {
            return false;
        };
        session.strip_prefix(&ours).is_some_and(|rest| rest.starts_with(".."))
            || session.strip_suffix(&ours).is_some_and(|rest| rest.ends_with(".."))
    })
}
