//! Which cloud folder a path lies in, and which there are on this computer. What is known of providers is
//! data: where each one says its folder is, the files it leaves in it, and the name it gives it by default.
//! Paths that do not exist yet are judged by the nearest folder that does, with links seen through, so that
//! a link into Dropbox is Dropbox.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::disk::{Disk, Item, ItemKind};
use crate::places::{Places, System};

/// One cloud folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provider {
    /// What people call the provider, such as `Dropbox`.
    pub name: &'static str,
    /// Its folder on this computer.
    pub root: PathBuf,
}

impl Provider {
    /// The provider knows a file by its number, so that one replaced by a swap or a rename is a new file to
    /// it, without history: files in its folder are written in place.
    pub fn wants_writing_in_place(&self) -> bool {
        self.name == GOOGLE_DRIVE
    }
}

const BOX: &str = "Box";
const DROPBOX: &str = "Dropbox";
const GOOGLE_DRIVE: &str = "Google Drive";
const ICLOUD: &str = "iCloud Drive";
const NEXTCLOUD: &str = "Nextcloud";
const ONE_DRIVE: &str = "OneDrive";
const OWNCLOUD: &str = "ownCloud";
const PCLOUD: &str = "pCloud";
const SYNCTHING: &str = "Syncthing";
const SYNOLOGY: &str = "Synology Drive";
/// One that macOS keeps among its cloud folders and this table does not know.
const OTHER: &str = "a cloud provider";

/// A name in a folder, or all names of one form.
enum Form {
    Exactly(&'static str),
    /// Begins so and ends so.
    Between(&'static str, &'static str),
}

use Form::{Between, Exactly};

impl Form {
    fn fits(&self, name: &str) -> bool {
        match self {
            Exactly(text) => name == *text,
            Between(front, end) => {
                name.len() >= front.len() + end.len() && name.starts_with(front) && name.ends_with(end)
            }
        }
    }
}

/// How providers call their folder when nobody chose another name.
const NAMES: [(Form, &str); 17] = [
    (Exactly("Dropbox"), DROPBOX),
    (Between("Dropbox (", ")"), DROPBOX),
    (Exactly("OneDrive"), ONE_DRIVE),
    (Between("OneDrive - ", ""), ONE_DRIVE),
    (Exactly("Google Drive"), GOOGLE_DRIVE),
    (Between("Google Drive (", ")"), GOOGLE_DRIVE),
    (Exactly("GoogleDrive"), GOOGLE_DRIVE),
    (Between("GoogleDrive-", ""), GOOGLE_DRIVE),
    (Exactly("My Drive"), GOOGLE_DRIVE),
    (Exactly("iCloud Drive"), ICLOUD),
    (Exactly("iCloudDrive"), ICLOUD),
    (Exactly("com~apple~CloudDocs"), ICLOUD),
    (Exactly("Nextcloud"), NEXTCLOUD),
    (Exactly("ownCloud"), OWNCLOUD),
    (Exactly("pCloudDrive"), PCLOUD),
    (Exactly("pCloud Drive"), PCLOUD),
    (Exactly("SynologyDrive"), SYNOLOGY),
];

/// What clients leave at the top of their folder. `~/.dropbox` is a folder and no mark: hence the kinds.
const MARKS: [(Form, Option<ItemKind>, &str); 10] = [
    (Exactly(".dropbox"), Some(ItemKind::File), DROPBOX),
    (Exactly(".dropbox.cache"), Some(ItemKind::Folder), DROPBOX),
    (Exactly(".stfolder"), None, SYNCTHING),
    (Exactly(".nextcloudsync.log"), Some(ItemKind::File), NEXTCLOUD),
    (Exactly(".owncloudsync.log"), Some(ItemKind::File), OWNCLOUD),
    (Between(".sync_", ".db"), Some(ItemKind::File), NEXTCLOUD),
    (Between("._sync_", ".db"), Some(ItemKind::File), NEXTCLOUD),
    (Between(".csync_journal", ".db"), Some(ItemKind::File), OWNCLOUD),
    (Exactly(".tmp.drivedownload"), Some(ItemKind::Folder), GOOGLE_DRIVE),
    (Exactly(".tmp.driveupload"), Some(ItemKind::Folder), GOOGLE_DRIVE),
];

/// How macOS calls the folders of providers it mounts in `~/Library/CloudStorage`.
const MOUNTED: [(Form, &str); 6] = [
    (Between("Dropbox", ""), DROPBOX),
    (Between("GoogleDrive", ""), GOOGLE_DRIVE),
    (Between("OneDrive", ""), ONE_DRIVE),
    (Between("Box-", ""), BOX),
    (Between("Nextcloud", ""), NEXTCLOUD),
    (Between("SynologyDrive", ""), SYNOLOGY),
];

/// Most bytes read of a provider's settings.
const LONGEST_SETTINGS: u64 = 64 * 1024;

/// The cloud folder this path lies in or is. The path need not exist.
pub fn holding(path: &Path, places: &dyn Places, disk: &dyn Disk) -> Option<Provider> {
    let place = real_place(path, disk);
    let said = known(places, disk).into_iter().filter_map(|provider| {
        let root = real_place(&provider.root, disk);
        place.starts_with(&root).then_some(Provider { root, ..provider })
    });
    if let Some(deepest) = said.max_by_key(|provider| provider.root.components().count()) {
        return Some(deepest);
    }
    place.ancestors().find_map(|root| {
        let by_name = root.file_name().and_then(|name| named(name.to_str()?));
        let name = by_name.or_else(|| marked(&disk.list(root).ok()?))?;
        Some(Provider { name, root: root.to_owned() })
    })
}

/// The cloud folders found on this computer, each once, sorted.
pub fn cloud_folders(places: &dyn Places, disk: &dyn Disk) -> Vec<Provider> {
    let mut found = known(places, disk);
    // Not the homes of others, and no look into each folder: macOS would ask the person for each.
    if let Some(home) = places.home() {
        for item in disk.list(&home).unwrap_or_default() {
            let root = home.join(&item.name);
            match item.name.to_str() {
                Some("Sync") => {
                    let name = disk.list(&root).ok().and_then(|items| marked(&items));
                    found.extend(name.map(|name| Provider { name, root }));
                }
                Some(text) => found.extend(named(text).map(|name| Provider { name, root })),
                None => {}
            }
        }
    }
    for top in places.drives() {
        found.push(Provider { name: GOOGLE_DRIVE, root: top.join("My Drive") });
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
    folders.sort();
    folders
}

/// Google's top folder takes no files; what a person keeps is one deeper.
fn inner(provider: &Provider, disk: &dyn Disk) -> PathBuf {
    let inner = provider.root.join("My Drive");
    if provider.name == GOOGLE_DRIVE && disk.stat(&inner).is_ok() { inner } else { provider.root.clone() }
}

/// Folders whose provider itself says where they are.
fn known(places: &dyn Places, disk: &dyn Disk) -> Vec<Provider> {
    let mut found = dropbox(places, disk);
    found.extend(places.one_drive().into_iter().map(|root| Provider { name: ONE_DRIVE, root }));
    if let (System::MacOs, Some(home)) = (places.system(), places.home()) {
        found.extend(mounted(&home, disk));
    }
    found
}

/// Dropbox writes a small file that names its folders.
fn dropbox(places: &dyn Places, disk: &dyn Disk) -> Vec<Provider> {
    let settings = match places.system() {
        System::Windows => {
            [places.roaming_data(), places.local_data()].map(|data| Some(data?.join("Dropbox")))
        }
        _ => [places.home().map(|home| home.join(".dropbox")), None],
    };
    let mut found = Vec::new();
    for file in settings.into_iter().flatten() {
        let mut text = Vec::new();
        let Ok(open) = disk.open(&file.join("info.json")) else { continue };
        if open.take(LONGEST_SETTINGS).read_to_end(&mut text).is_err() {
            continue;
        }
        let Ok(serde_json::Value::Object(accounts)) = serde_json::from_slice(&text) else { continue };
        let paths = accounts.values().filter_map(|account| account.get("path")?.as_str());
        found.extend(
            paths
                .map(PathBuf::from)
                .filter(|root| root.has_root())
                .map(|root| Provider { name: DROPBOX, root }),
        );
    }
    found
}

/// What macOS keeps: one folder for each provider, and iCloud.
fn mounted(home: &Path, disk: &dyn Disk) -> Vec<Provider> {
    let storage = home.join("Library/CloudStorage");
    let mut found = Vec::new();
    for item in disk.list(&storage).unwrap_or_default() {
        if item.kind != ItemKind::Folder {
            continue;
        }
        let text = item.name.to_string_lossy();
        let name = MOUNTED.iter().find(|(form, _)| form.fits(&text)).map_or(OTHER, |row| row.1);
        found.push(Provider { name, root: storage.join(&item.name) });
    }
    let icloud = home.join("Library/Mobile Documents/com~apple~CloudDocs");
    for folder in ["Desktop", "Documents"] {
        // iCloud shows them inside when it carries the ones in the home folder.
        if disk.stat(&icloud.join(folder)).is_ok() {
            found.push(Provider { name: ICLOUD, root: home.join(folder) });
        }
    }
    found.push(Provider { name: ICLOUD, root: icloud });
    found
}

fn named(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(form, _)| form.fits(name)).map(|row| row.1)
}

fn marked(items: &[Item]) -> Option<&'static str> {
    let fits = |item: &Item, form: &Form, kind: &Option<ItemKind>| {
        kind.is_none_or(|kind| kind == item.kind) && item.name.to_str().is_some_and(|name| form.fits(name))
    };
    MARKS.iter().find(|(form, kind, _)| items.iter().any(|item| fits(item, form, kind))).map(|row| row.2)
}

/// The path with the links of what exists of it resolved.
fn real_place(path: &Path, disk: &dyn Disk) -> PathBuf {
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

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
