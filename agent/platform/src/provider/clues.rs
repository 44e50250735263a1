//! Follows the clues of the provider table: settings files, the registry, fixed places. Settings are other programs'
//! files and taken with care: a bounded part is read, and only full paths count. A path told need not exist any more.

use std::io::Read;
use std::path::{Path, PathBuf};

use kitbag_core::provider::{Base, Clue, TABLE};

use super::{Provider, known};
use crate::disk::{Disk, ItemKind};
use crate::places::{Places, System};

/// Most bytes read of a settings file.
const LONGEST_SETTINGS: u64 = 256 * 1024;

/// Folders that their provider or the system says are a cloud folder. In the order of the table.
pub(super) fn told(places: &dyn Places, disk: &dyn Disk) -> Vec<Provider> {
    let mut found = Vec::new();
    for row in TABLE {
        for clue in row.clues {
            let roots = follow(clue, places, disk).into_iter().filter(|root| root.has_root());
            found.extend(roots.map(|root| Provider { row, root }));
        }
    }
    if let (System::MacOs, Some(home)) = (places.system(), places.home()) {
        found.extend(mounted(&home, disk));
    }
    found
}

fn base(base: Base, places: &dyn Places) -> Option<PathBuf> {
    match base {
        Base::Home => places.home(),
        Base::Local => places.local_data(),
        Base::Roaming => places.roaming_data(),
    }
}

fn follow(clue: &Clue, places: &dyn Places, disk: &dyn Disk) -> Vec<PathBuf> {
    let at = |place: Base, path: &str| base(place, places).map(|base| base.join(path));
    let read =
        |place: Base, path: &str| at(place, path).and_then(|file| settings(&file, disk)).unwrap_or_default();
    match *clue {
        Clue::Accounts(place, file) => accounts(&read(place, file)),
        Clue::Setting(place, file, key) => {
            let values = values(&read(place, file), key);
            values.into_iter().filter_map(|value| in_home(&value, places)).collect()
        }
        Clue::Attribute(place, file, element, attribute) => {
            let values = attributes(&read(place, file), element, attribute);
            values.into_iter().filter_map(|value| in_home(&value, places)).collect()
        }
        Clue::Registry(place) => {
            places.registry(&place).into_iter().map(|(_, text)| PathBuf::from(text)).collect()
        }
        Clue::Environment(name) => places.folder_variable(name).into_iter().collect(),
        Clue::Folder(place, path) => {
            at(place, path).filter(|folder| is_folder(folder, disk)).into_iter().collect()
        }
        Clue::FolderIf(place, path, when) => {
            let there = at(place, when).is_some_and(|when| disk.stat(&when).is_ok());
            at(place, path).filter(|_| there).into_iter().collect()
        }
        Clue::Top(name) => {
            let tops = places.drives().into_iter().map(|top| top.join(name));
            tops.filter(|folder| is_folder(folder, disk)).collect()
        }
    }
}

fn is_folder(path: &Path, disk: &dyn Disk) -> bool {
    disk.stat(path).is_ok_and(|stat| stat.kind == ItemKind::Folder)
}

fn settings(file: &Path, disk: &dyn Disk) -> Option<String> {
    let mut bytes = Vec::new();
    disk.open(file).ok()?.take(LONGEST_SETTINGS).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// `~/x` as people and programs write it.
fn in_home(text: &str, places: &dyn Places) -> Option<PathBuf> {
    match text.strip_prefix("~/").or_else(|| text.strip_prefix("~\\")) {
        Some(rest) => Some(places.home()?.join(rest)),
        None => Some(PathBuf::from(text)),
    }
}

fn accounts(text: &str) -> Vec<PathBuf> {
    let Ok(serde_json::Value::Object(accounts)) = serde_json::from_str(text) else { return Vec::new() };
    accounts.values().filter_map(|account| account.get("path")?.as_str()).map(PathBuf::from).collect()
}

fn values(text: &str, key: &str) -> Vec<String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let ours = pairs.filter(|(name, _)| name.trim().rsplit(['\\', '/']).next() == Some(key));
    let value =
        |(_, value): (&str, &str)| value.trim().trim_matches('"').trim_end_matches(['/', '\\']).to_owned();
    ours.map(value).filter(|value| !value.is_empty()).collect()
}

/// Only what such settings hold: attributes in double quotes, the five entities of XML.
fn attributes(text: &str, element: &str, attribute: &str) -> Vec<String> {
    let open = format!("<{element} ");
    let tags = text.split(&open).skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    let lead = format!("{attribute}=\"");
    let value = |tag: &str| {
        let (before, rest) = tag.split_once(&lead)?;
        let whole = before.is_empty() || before.ends_with(char::is_whitespace);
        rest.split_once('"').filter(|_| whole).map(|(value, _)| value.to_owned())
    };
    tags.filter_map(value).map(|value| plain(&value)).collect()
}

fn plain(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&apos;", "'"), ("&#39;", "'")];
    let text = entities.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter));
    text.replace("&amp;", "&")
}

/// What macOS keeps: one folder for each provider.
fn mounted(home: &Path, disk: &dyn Disk) -> Vec<Provider> {
    let storage = home.join("Library/CloudStorage");
    let folders = disk.list(&storage).unwrap_or_default().into_iter();
    folders
        .filter(|item| item.kind == ItemKind::Folder)
        .map(|item| {
            let text = item.name.to_string_lossy();
            let row = TABLE.iter().find(|row| row.mounted.iter().any(|form| form.fits(&text)));
            Provider { row: row.unwrap_or_else(|| known("other")), root: storage.join(&item.name) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_care() {
        let text = "[General]\nx = 1\n0\\Folders\\1\\localPath=/home/ada/Nextcloud/\n\
                    sync_dir = \"~/My Files\"\nnot_sync_dir = \"/no\"\nlocalPath\n=\nlocalPath=\n";
        assert_eq!(values(text, "localPath"), ["/home/ada/Nextcloud"]);
        assert_eq!(values(text, "sync_dir"), ["~/My Files"]);
        let text = r#"<configuration><folder id="a" path="/data/a &amp; b" type="x"/><folder fullpath="/no" id="b">
            <folderx path="/no"/><folder path="~/Sync"></folder><folder path="cut"#;
        assert_eq!(attributes(text, "folder", "path"), ["/data/a & b", "~/Sync"]);
        for odd in ["", "<folder ", "<folder path=\"", "<folder path=>", "====", "=\"", "\"="] {
            assert_eq!(attributes(odd, "folder", "path"), [""; 0], "{odd}");
            assert_eq!(values(odd, "path"), [""; 0], "{odd}");
        }
    }
}
