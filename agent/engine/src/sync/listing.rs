//! The names in one folder as the workspace has them: each as it was meant and not as it had to be written, in the order
//! of the meant names. Two folders on the disk can be one of the workspace's, when a twin of something in it had to be
//! kept apart; two files that stand for one path are told apart here, and what to do about it is for others.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::vec::IntoIter;

use kitbag_core::names::Names;
use kitbag_core::path::{TEMPORARY_PREFIX, WorkPath};
use kitbag_core::provider::Stub;
use kitbag_platform::disk::{Disk, Item, ItemKind};

/// One name of a folder.
pub struct Entry {
    /// As it is meant.
    pub name: String,
    /// What it stands for.
    pub kind: ItemKind,
    /// Set where something about it is not as usual.
    pub odd: Option<Box<Odd>>,
}

/// What can be unusual about a name.
#[derive(Default)]
pub struct Odd {
    /// Where it lies, from the top, when that is not its path as it is meant.
    pub at: Option<String>,
    /// For a folder: further folders on the disk that are the same one.
    pub also: Vec<String>,
    /// Another file stands for the same path.
    pub second: bool,
    /// It is no text.
    pub no_text: bool,
    /// It stands for a file whose bytes are not here.
    pub stub: bool,
}

impl Entry {
    fn at(&self) -> Option<&str> {
        self.odd.as_ref()?.at.as_deref()
    }

    fn odd(&mut self) -> &mut Odd {
        self.odd.get_or_insert_default()
    }
}

/// A path's text from its folder's and its name.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The names in a folder of the workspace, `folder` as it is meant, which lies at these places below `top`.
///
/// # Errors
/// One of them cannot be listed.
pub fn list(
    disk: &dyn Disk,
    top: &Path,
    names: Names,
    stubs: &[Stub],
    folder: &str,
    at: &[&str],
) -> io::Result<IntoIter<Entry>> {
    let (mut entries, mut reordered) = (Vec::new(), false);
    for place in at {
        let here = if place.is_empty() { top.to_owned() } else { top.join(place) };
        let items = disk.list(&here)?;
        let whole = stand_ins(disk, &here, stubs, &items);
        reordered |= !whole.is_empty();
        entries.reserve(items.len());
        for (number, item) in items.into_iter().enumerate() {
            let mut entry = match item.name.into_string() {
                Ok(name) => Entry { name, kind: item.kind, odd: None },
                Err(name) => {
                    let odd = Some(Box::new(Odd { no_text: true, ..Odd::default() }));
                    Entry { name: name.to_string_lossy().into_owned(), kind: item.kind, odd }
                }
            };
            if let Some(whole) = whole.get(&number) {
                entry.name.clone_from(whole);
                entry.kind = ItemKind::File;
                entry.odd().stub = true;
            }
            let meant = meant(names, folder, &entry);
            if meant.is_some() || *place != folder {
                entry.odd().at = Some(join(place, &entry.name));
            }
            if let Some(meant) = meant {
                entry.name = meant;
            }
            entries.push(entry);
        }
    }
    if reordered || entries.iter().any(|entry| entry.at().is_some()) {
        // a file before the folder of its name: what is in that comes after both
        entries.sort_by(|a, b| {
            let folder = |entry: &Entry| entry.kind == ItemKind::Folder;
            (&a.name, folder(a), a.at()).cmp(&(&b.name, folder(b), b.at()))
        });
        entries = joined(folder, entries);
    }
    Ok(entries.into_iter())
}

/// Files that stand for others whose bytes are not here: which of the items, and the name of the other.
fn stand_ins(disk: &dyn Disk, folder: &Path, stubs: &[Stub], items: &[Item]) -> BTreeMap<usize, String> {
    let stands_for = |item: &Item| {
        let name = item.name.to_str().filter(|_| item.kind == ItemKind::File)?;
        let (stub, whole) = stubs.iter().find_map(|stub| Some((stub, stub.stands_for(name)?)))?;
        let size = disk.stat(&folder.join(name)).ok()?.fingerprint.size;
        let free = || !items.iter().any(|other| *other.name == *whole);
        (size <= stub.most_bytes && free()).then(|| whole.to_owned())
    };
    if stubs.is_empty() {
        return BTreeMap::new();
    }
    items.iter().enumerate().filter_map(|(at, item)| Some((at, stands_for(item)?))).collect()
}

/// The name that was meant, when it was written otherwise and is one.
fn meant(names: Names, folder: &str, entry: &Entry) -> Option<String> {
    let no_text = entry.odd.as_ref().is_some_and(|odd| odd.no_text);
    if no_text || entry.name.starts_with(TEMPORARY_PREFIX) {
        return None;
    }
    let meant = names.naming.decode(&entry.name);
    (meant != entry.name && WorkPath::parse(&join(folder, &meant)).is_ok()).then(|| meant.into_owned())
}

/// Folders of one name as one; files after the first of one name marked.
fn joined(folder: &str, entries: Vec<Entry>) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let same = all.last_mut().filter(|last| {
            let no_text = last.odd.as_ref().is_some_and(|odd| odd.no_text);
            last.name == entry.name && !no_text && entry.odd.as_ref().is_none_or(|odd| !odd.no_text)
        });
        match same {
            Some(last) if (last.kind, entry.kind) == (ItemKind::Folder, ItemKind::Folder) => {
                let at = entry.at().map_or_else(|| join(folder, &entry.name), str::to_owned);
                last.odd().also.push(at);
                continue;
            }
            Some(last) if last.kind != ItemKind::Folder && entry.kind != ItemKind::Folder => {
                entry.odd().second = true;
            }
            _ => {}
        }
        all.push(entry);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use kitbag_platform::clock::SimulatedClock;
    use kitbag_platform::disk::SimulatedDisk;

    use super::*;

    fn disk(paths: &[&str]) -> SimulatedDisk {
        let disk = SimulatedDisk::new(SimulatedClock::new(0));
        for path in paths {
            let path = Path::new("/w").join(path);
            disk.create_dirs(path.parent().unwrap()).unwrap();
            disk.create(&path).unwrap().write_all(b"x").unwrap();
        }
        disk
    }

    const STUBS: &[Stub] = &[Stub { front: ".", end: ".icloud", most_bytes: 10 }];

    /// Name, kind, place, further places, second.
    fn listed(disk: &SimulatedDisk, folder: &str, at: &[&str]) -> Vec<String> {
        let entries = list(disk, Path::new("/w"), Names::CLOUD, STUBS, folder, at).unwrap();
        let shown = |entry: Entry| {
            let odd = entry.odd.unwrap_or_default();
            let mut text = entry.name;
            text.extend(odd.at.map(|at| format!(" at {at}")));
            text.extend(odd.also.into_iter().map(|at| format!(" and {at}")));
            text.extend(odd.stub.then_some(" online"));
            text + if odd.second { " second" } else { "" }
                + if entry.kind == ItemKind::Folder { "/" } else { "" }
        };
        entries.map(shown).collect()
    }

    #[test]
    fn names_are_as_they_were_meant_in_their_own_order() {
        let disk = disk(&["a%{3A}b", "a0", "b%{2F}c", "%{2E}%{2E}", "%{2E}kitbag", "%{25}{41}", "z%{41"]);
        assert_eq!(
            listed(&disk, "", &[""]),
            ["%{2E}%{2E}", "%{2E}kitbag", "%{41} at %{25}{41}", "a0", "a:b at a%{3A}b", "b%{2F}c", "z%{41"]
        );
    }

    #[test]
    fn a_file_that_stands_for_another_has_its_name() {
        let disk = disk(&[".b.icloud", ".a%{3A}b.icloud", ".c.icloud", "c"]);
        assert_eq!(listed(&disk, "", &[""]), [".c.icloud", "a:b at a%{3A}b online", "b online", "c"]);
    }

    #[test]
    fn a_file_comes_before_the_folder_of_its_name() {
        let disk = disk(&["%{61}", "a/x", "a.txt"]);
        assert_eq!(listed(&disk, "", &[""]), ["a at %{61}", "a/", "a.txt"]);
    }

    #[test]
    fn two_folders_can_be_one_and_two_files_never() {
        let disk = disk(&["Data/a", "%{44}ata/%{61}", "%{44}ata/b", "n", "%{6E}"]);
        assert_eq!(listed(&disk, "", &[""]), ["Data and %{44}ata/", "n", "n at %{6E} second"]);
        assert_eq!(
            listed(&disk, "Data", &["Data", "%{44}ata"]),
            ["a", "a at %{44}ata/%{61} second", "b at %{44}ata/b"]
        );
    }
}
