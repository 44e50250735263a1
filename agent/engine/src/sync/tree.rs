//! A unit's folder on the disk: looked at, read, written and removed whole. Its fingerprint is that of everything in
//! it, so that a folder nobody touched is not read again. What systems drop beside files is not part of it; a link,
//! or anything else that is no plain file, makes the whole folder unsure, since half of it is not a unit.

use std::io::{self, Write};
use std::path::Path;
use std::sync::LazyLock;

use kitbag_core::entry::{Fingerprint, Seen};
use kitbag_core::id::ContentId;
use kitbag_core::ignore::Ignore;
use kitbag_core::path::{TEMPORARY_PREFIX, WorkPath};
use kitbag_core::unit::{BadManifest, MOST_FILES, Manifest, Part};
use kitbag_core::version::Content;
use kitbag_platform::disk::{Disk, ItemKind};

use super::look::{Looked, hash, modified, settled};

/// Deeper than any unit; a bound for hostile folders.
const DEEPEST: usize = 64;

/// Why a folder is no unit that can be judged now.
#[derive(Debug, thiserror::Error)]
pub enum NotWhole {
    /// The disk.
    #[error("{0}")]
    Disk(#[from] io::Error),
    /// A link, pipe or the like.
    #[error("{0} in it is no plain file, so the folder is not kept")]
    NotPlain(String),
    /// Some of it is online only.
    #[error("{0} in it is not on this computer; make the folder available offline")]
    NotHere(String),
    /// It holds too much, or a name that cannot be kept.
    #[error("{0}")]
    Bad(String),
    /// It changed meanwhile.
    #[error("it changed while it was read")]
    Moving,
}

impl From<BadManifest> for NotWhole {
    fn from(bad: BadManifest) -> Self {
        NotWhole::Bad(bad.to_string())
    }
}

/// A file met in a unit: where, how it looks, whether it may be run.
type MetFile = (WorkPath, Fingerprint, bool);

/// What is never part of a unit: the droppings of systems and programs. A course's own rules do not reach inside,
/// because what a rule hid would be lost when the folder is exchanged.
static DROPPINGS: LazyLock<Ignore> = LazyLock::new(Ignore::default);

fn files(disk: &dyn Disk, folder: &Path) -> Result<Vec<MetFile>, NotWhole> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((at, above, depth)) = folders.pop() {
        for item in disk.list(&at)? {
            let name = item.name.to_string_lossy();
            let text = if above.is_empty() { name.to_string() } else { format!("{above}/{name}") };
            if name.starts_with(TEMPORARY_PREFIX)
                || DROPPINGS.is_ignored_here(&text, item.kind == ItemKind::Folder)
            {
                continue;
            }
            let bad =
                |reason: String| NotWhole::Bad(format!("{}: {reason}", kitbag_core::path::shown(&text)));
            if item.name.to_str().is_none() {
                return Err(bad("the name is not valid text (UTF-8)".into()));
            }
            let path = WorkPath::parse(&text).map_err(|e| bad(e.to_string()))?;
            match item.kind {
                ItemKind::Folder if depth < DEEPEST => folders.push((at.join(&item.name), text, depth + 1)),
                ItemKind::File => {
                    let stat = disk.stat(&at.join(&item.name))?;
                    if stat.placeholder {
                        return Err(NotWhole::NotHere(path.to_string()));
                    }
                    found.push((path, stat.fingerprint, stat.executable));
                }
                _ => return Err(NotWhole::NotPlain(path.to_string())),
            }
            if found.len() > MOST_FILES {
                return Err(BadManifest::TooMany(found.len()).into());
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// The folder's fingerprint: that of all its files together.
///
/// # Errors
/// It cannot be judged now.
pub fn print(disk: &dyn Disk, folder: &Path) -> Result<Fingerprint, NotWhole> {
    Ok(together(&files(disk, folder)?))
}

fn together(files: &[MetFile]) -> Fingerprint {
    let mut all = Fingerprint { size: 0, modified: 0, changed: 0, file: 0 };
    let mut hasher = blake3::Hasher::new();
    for (path, print, executable) in files {
        all.size = all.size.saturating_add(print.size);
        all.modified = all.modified.max(print.modified);
        all.changed = all.changed.max(print.changed);
        hasher.update(path.as_str().as_bytes());
        hasher.update(&[0, u8::from(*executable)]);
        for number in [print.size, print.modified as u64, print.changed as u64, print.file] {
            hasher.update(&number.to_le_bytes());
        }
    }
    let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
    // the ledger's numbers are signed
    all.file = u64::from_le_bytes([a, b, c, d, e, f, g, h]) >> 1;
    all
}

/// Read all of a unit; its files, and how the folder looked meanwhile.
///
/// # Errors
/// It cannot be judged now.
pub fn read(disk: &dyn Disk, folder: &Path) -> Result<(Manifest, Fingerprint), NotWhole> {
    let before = files(disk, folder)?;
    let mut manifest = Manifest::default();
    for (path, _, executable) in &before {
        let content = hash(disk, &folder.join(path.as_str()))?;
        let (id, size) = (content.id().ok_or(NotWhole::Moving)?, content.size());
        manifest.files.insert(path.clone(), Part { executable: *executable, id, size });
    }
    if files(disk, folder)? != before {
        return Err(NotWhole::Moving);
    }
    manifest.check()?;
    Ok((manifest, together(&before)))
}

/// One careful look at a unit; its manifest is among the bytes.
pub fn look(disk: &dyn Disk, folder: &Path, now_millis: i64) -> Looked {
    let looked = read(disk, folder).and_then(|(manifest, print)| {
        let (seen, bytes) = (Seen::Content(manifest.content()?), manifest.canonical());
        let modified = modified(&print);
        let print = settled(print, now_millis).then_some(print);
        Ok(Looked { seen, print, touched: None, modified, bytes: Some(bytes.into()), reason: None })
    });
    looked.unwrap_or_else(|reason| match reason {
        NotWhole::Disk(error) if error.kind() == io::ErrorKind::NotFound => Looked::absent(),
        reason => Looked::unsure(reason.to_string()),
    })
}

/// The unit that stands at a folder, as a record would say it.
///
/// # Errors
/// It cannot be read.
pub fn content(disk: &dyn Disk, folder: &Path) -> io::Result<Content> {
    let (manifest, _) = read(disk, folder).map_err(into_io)?;
    manifest.content().map_err(io::Error::other)
}

/// As one of the disk's own errors.
pub fn into_io(reason: NotWhole) -> io::Error {
    match reason {
        NotWhole::Disk(error) => error,
        NotWhole::Moving => io::ErrorKind::Interrupted.into(),
        other => io::Error::other(other.to_string()),
    }
}

/// Write a unit into a new folder.
///
/// # Errors
/// The name is taken, the disk fails, or a content cannot be brought.
pub fn write(
    disk: &dyn Disk,
    folder: &Path,
    manifest: &Manifest,
    modified: i64,
    bring: &dyn Fn(ContentId, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    disk.create_dir(folder)?;
    for (path, part) in &manifest.files {
        if let Some(above) = path.parent() {
            disk.create_dirs(&folder.join(above.as_str()))?;
        }
        let file = folder.join(path.as_str());
        let mut to = disk.create(&file)?;
        bring(part.id, &mut to)?;
        to.set_executable(part.executable)?;
        to.finish(false)?;
        disk.set_modified(&file, modified)?;
    }
    Ok(())
}

/// Remove what stands at a path, a file or a folder with all in it. For what lies under a temporary name of ours.
///
/// # Errors
/// Something in it cannot be removed.
pub fn remove(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.stat(path) {
        Ok(stat) if stat.kind == ItemKind::Folder => {
            for item in disk.list(path)? {
                remove(disk, &path.join(item.name))?;
            }
            disk.remove_dir(path)
        }
        _ => disk.remove(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kitbag_platform::clock::SimulatedClock;
    use kitbag_platform::disk::SimulatedDisk;

    fn put(disk: &SimulatedDisk, path: &str, text: &str) {
        disk.create_dirs(Path::new(path).parent().unwrap()).unwrap();
        let mut to = disk.create(Path::new(path)).unwrap();
        to.write_all(text.as_bytes()).unwrap();
        to.finish(false).unwrap();
    }

    fn disk() -> SimulatedDisk {
        let disk = SimulatedDisk::new(SimulatedClock::new(1_700_000_000_000));
        put(&disk, "/w/p/metadata.json", "{}");
        put(&disk, "/w/p/data/rows", "1\n2\n");
        put(&disk, "/w/p/.DS_Store", "junk");
        disk
    }

    #[test]
    fn a_folder_is_written_as_it_was_read() {
        let disk = disk();
        let (manifest, print) = read(&disk, Path::new("/w/p")).unwrap();
        assert_eq!(
            manifest.files.keys().map(WorkPath::as_str).collect::<Vec<_>>(),
            ["data/rows", "metadata.json"]
        );
        assert_eq!((print.size, super::print(&disk, Path::new("/w/p")).unwrap()), (6, print));
        let bring = |id: ContentId, to: &mut dyn Write| {
            let texts = ["{}", "1\n2\n"];
            to.write_all(
                texts.into_iter().find(|text| ContentId::of(text.as_bytes()) == id).unwrap().as_bytes(),
            )
        };
        write(&disk, Path::new("/w/q"), &manifest, 7, &bring).unwrap();
        assert_eq!(read(&disk, Path::new("/w/q")).unwrap().0, manifest);
        assert_eq!(content(&disk, Path::new("/w/q")).unwrap(), manifest.content().unwrap());
        remove(&disk, Path::new("/w/p")).unwrap();
        assert_eq!(disk.stat(Path::new("/w/p")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn any_change_shows_in_the_fingerprint() {
        let disk = disk();
        let folder = Path::new("/w/p");
        let first = print(&disk, folder).unwrap();
        put(&disk, "/w/p/data/more", "");
        let second = print(&disk, folder).unwrap();
        disk.remove(Path::new("/w/p/data/rows")).unwrap();
        let third = print(&disk, folder).unwrap();
        put(&disk, "/w/p/data/rows", "1\n3\n");
        let fourth = print(&disk, folder).unwrap();
        assert!(first != second && second != third && third != fourth && second != fourth);
    }

    #[test]
    fn what_is_not_whole_is_unsure_and_never_absent() {
        let disk = disk();
        disk.set_placeholder(Path::new("/w/p/data/rows"), true).unwrap();
        let looked = look(&disk, Path::new("/w/p"), 0);
        assert_eq!(looked.seen, Seen::Unsure);
        assert!(looked.reason.unwrap().contains("offline"));
        assert_eq!(look(&disk, Path::new("/w/none"), 0).seen, Seen::Absent);
    }
}
