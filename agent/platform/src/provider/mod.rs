//! Which cloud folder a path lies in, and which there are on this computer. What is known of providers is data in core's
//! table; here it is looked for. Paths that do not exist yet are judged by the nearest folder that does, with links seen
//! through, so that a link into Dropbox is Dropbox.

mod client;
mod clues;
mod tools;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use kitbag_core::provider::{MY_DRIVE, Mark, MarkKind, Row, TABLE, row};

use crate::disk::{Disk, Item, ItemKind};
use crate::places::Places;

pub use client::{Programs, RealPrograms, SimulatedPrograms};
pub use tools::{marks_on, tools_on};

/// One cloud folder.
#[derive(Debug, Clone)]
pub struct Provider {
    /// What is known of whoever carries it.
    pub row: &'static Row,
    /// The folder on this computer.
    pub root: PathBuf,
}

impl Provider {
    /// What people call the provider.
    pub fn name(&self) -> &'static str {
        self.row.name
    }
}

impl PartialEq for Provider {
    fn eq(&self, other: &Self) -> bool {
        (self.row.key, &self.root) == (other.row.key, &other.root)
    }
}

/// The cloud folder this path lies in or is, the innermost where there are several. The path need not exist.
pub fn holding(path: &Path, places: &dyn Places, disk: &dyn Disk) -> Option<Provider> {
    holders(path, places, disk).into_iter().next()
}

/// All cloud folders this path lies in or is, from the inside out, each provider once. More than one means that two
/// programs carry the same files. A folder that is only called like a provider's counts where no other holds it.
pub fn holders(path: &Path, places: &dyn Places, disk: &dyn Disk) -> Vec<Provider> {
    let place = real_place(path, disk);
    let mut found: Vec<Provider> = clues::told(places, disk)
        .into_iter()
        .map(|provider| Provider { root: real_place(&provider.root, disk), ..provider })
        .filter(|provider| place.starts_with(&provider.root))
        .collect();
    for (depth, root) in place.ancestors().enumerate() {
        let items = disk.list(root).unwrap_or_default();
        let rows = TABLE.iter().filter(|row| row.marks.iter().any(|mark| stands(mark, &items, depth == 0)));
        found.extend(rows.map(|row| Provider { row, root: root.to_owned() }));
    }
    // stable, so of two that name one folder the table's first is meant
    found.sort_by_key(|provider| std::cmp::Reverse(provider.root.components().count()));
    let mut seen = BTreeSet::new();
    found.retain(|provider| {
        let unknown = provider.row.key == kitbag_core::provider::OTHER.key;
        (!unknown || seen.is_empty()) && seen.insert(provider.row.key)
    });
    if found.is_empty() {
        let named = place.ancestors().find_map(|root| {
            let row = root.file_name().and_then(|name| named(name.to_str()?))?;
            Some(Provider { row, root: root.to_owned() })
        });
        found.extend(named);
    }
    found
}

/// The cloud folders found on this computer, each once, sorted by provider and place.
pub fn cloud_folders(places: &dyn Places, disk: &dyn Disk) -> Vec<Provider> {
    let mut found = clues::told(places, disk);
    // Not the homes of others, and no look into each folder: macOS would ask the person for each.
    if let Some(home) = places.home() {
        for item in disk.list(&home).unwrap_or_default() {
            let root = home.join(&item.name);
            match item.name.to_str() {
                // Syncthing's usual name, and an ordinary word
                Some("Sync") => found.extend(marked(&root, disk).map(|row| Provider { row, root })),
                Some(text) => found.extend(named(text).map(|row| Provider { row, root })),
                None => {}
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut folders: Vec<Provider> = found
        .into_iter()
        .filter_map(|provider| {
            let root = disk.canonical(&inner(&provider, disk)).ok()?;
            let folder = disk.stat(&root).is_ok_and(|stat| stat.kind == ItemKind::Folder);
            (folder && seen.insert(root.clone())).then_some(Provider { root, ..provider })
        })
        .collect();
    folders.sort_by(|a, b| (a.name(), &a.root).cmp(&(b.name(), &b.root)));
    folders
}

/// Google's top folder takes no files; what a person keeps is one deeper.
fn inner(provider: &Provider, disk: &dyn Disk) -> PathBuf {
    let mine = MY_DRIVE.iter().map(|name| provider.root.join(name)).find(|inner| disk.stat(inner).is_ok());
    mine.filter(|_| provider.row.in_place).unwrap_or_else(|| provider.root.clone())
}

fn named(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.folders.iter().any(|form| form.fits(name)))
}

/// The provider whose client has left its mark in this folder.
pub fn marked(root: &Path, disk: &dyn Disk) -> Option<&'static Row> {
    let items = disk.list(root).ok()?;
    TABLE.iter().find(|row| row.marks.iter().any(|mark| stands(mark, &items, true)))
}

/// Whether a mark stands among the names of a folder; `here`: the folder itself is asked about, not one inside.
fn stands(mark: &Mark, items: &[Item], here: bool) -> bool {
    let kind = |item: &Item| match mark.kind {
        None => true,
        Some(MarkKind::File) => item.kind == ItemKind::File,
        Some(MarkKind::Folder) => item.kind == ItemKind::Folder,
    };
    let fits = |item: &Item| kind(item) && item.name.to_str().is_some_and(|name| mark.form.fits(name));
    (here || mark.covers_below) && items.iter().any(fits)
}

/// The path with the links of what exists of it resolved.
pub(crate) fn real_place(path: &Path, disk: &dyn Disk) -> PathBuf {
    for existing in path.ancestors() {
        let Ok(mut place) = disk.canonical(existing) else { continue };
        let mut back = false;
        for step in path.strip_prefix(existing).unwrap_or(path).components() {
            match step {
                Component::Normal(name) => place.push(name),
                Component::ParentDir => back = place.pop(),
                _ => {}
            }
        }
        // Going back may have left what does not exist for what does.
        return if back { real_place(&place, disk) } else { place };
    }
    path.to_owned()
}

/// A row that is surely there.
fn known(key: &str) -> &'static Row {
    row(key).unwrap_or(&kitbag_core::provider::OTHER)
}

#[cfg(test)]
mod tests;
