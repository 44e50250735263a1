//! `clean`: what lies on this machine's disk and in the share and is needed by nobody, told first and freed when a person
//! says so. Never work: a file that was swapped out goes only when the history has its bytes, and a database that was
//! put aside because it could not be recorded goes only when it was asked for by name.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use kitbag_core::id::ContentId;
use kitbag_core::path::{SIDECAR, TEMPORARY_PREFIX};
use kitbag_core::version::Content;
use kitbag_platform::disk::{Disk, ItemKind};
use serde::Serialize;

use super::{When, merge, old, tidy};
use crate::course::unpack;
use crate::error::EngineError;
use crate::events;
use crate::share::Share;
use crate::sync::hash;
use crate::workspace::Workspace;

/// Files and their sizes in bytes.
type Files = Vec<(PathBuf, u64)>;

/// One kind of thing that can be freed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freeable {
    /// `unfinished`, `left-over`, `kept`, `old-courses`, `plugin-cache`, `databases` or `history`.
    pub kind: &'static str,
    /// The same in words.
    pub what: &'static str,
    /// How many files; packs of the history.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What a look around found.
#[derive(Debug, Default)]
pub struct Found {
    /// What can be freed, kind by kind.
    pub free: Vec<Freeable>,
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    history: bool,
}

impl Found {
    /// Bytes of it all.
    pub fn bytes(&self) -> u64 {
        self.free.iter().map(|one| one.bytes).sum()
    }

    fn add(&mut self, kind: &'static str, what: &'static str, files: Files) {
        if files.is_empty() {
            return;
        }
        let bytes = files.iter().map(|(_, size)| size).sum();
        self.free.push(Freeable { kind, what, files: files.len() as u64, bytes });
        self.files.extend(files.into_iter().map(|(file, _)| file));
    }
}

/// Look around. `home` is the state root. With `databases`, those that were put aside are among what can be freed.
///
/// # Errors
/// The share is not there, or the ledger fails.
pub fn look(ws: &Workspace, home: &Path, databases: bool) -> Result<Found, EngineError> {
    let share = ws.share();
    share.is_empty()?;
    let (disk, mut found) = (ws.doors.disk.as_ref(), Found::default());

    let unfinished = below(disk, &share.sidecar(), &|name| is_ours(name));
    let kept_folder = ws.kept_folder();
    let unfinished = unfinished.into_iter().chain(below(disk, &kept_folder, &|name| is_ours(name)));
    let unfinished = unfinished.filter(|(file, _)| is_old(ws, file)).collect();
    found.add("unfinished", "files kitbag began to write and never finished", unfinished);

    let left = left_over(ws, &share)?;
    found.add("left-over", "files that were replaced; the history has them", left);

    let needed: BTreeSet<String> =
        ws.ledger.all_kept()?.into_iter().map(|(content, _)| content.to_string()).collect();
    let is_kept = |name: &OsStr| {
        name.to_str().is_some_and(|name| name.parse::<ContentId>().is_ok() && !needed.contains(name))
    };
    found.add("kept", "copies the history holds by now", below(disk, &kept_folder, &is_kept));

    let courses = old_courses(ws)?;
    found.add("old-courses", "earlier versions of the course", courses.0);
    found.folders = courses.1;

    let cache = below(disk, &home.join("plugins").join("cache"), &|_| true);
    found.add("plugin-cache", "plugins made ready; the next start makes them again", cache);

    if databases {
        let aside = below(disk, &ws.environment_folder(), &|name| is_aside(name));
        found.add("databases", "databases put aside because they could not be recorded", aside);
    }
    history(ws, &mut found)?;
    Ok(found)
}

/// Free what was found; how many bytes that made in the end.
///
/// # Errors
/// Something cannot be removed.
pub fn free(ws: &Workspace, found: &Found) -> Result<u64, EngineError> {
    let (disk, share) = (&ws.doors.disk, ws.share());
    let mut freed = 0;
    for file in &found.files {
        let size = disk.stat(file).map_or(0, |stat| stat.fingerprint.size);
        match disk.remove(file) {
            Ok(()) => freed += size,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(EngineError::io("cannot remove", file)(error)),
        }
    }
    for folder in &found.folders {
        unpack::remove_folder(disk.as_ref(), folder).map_err(EngineError::io("cannot remove", folder))?;
    }
    if found.history {
        let before = ws.ledger.packs_size()?;
        tidy(ws, &share, When::Now)?;
        events::acknowledge(ws, &share)?;
        freed += before.saturating_sub(ws.ledger.packs_size()?);
    }
    Ok(freed)
}

fn is_ours(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(TEMPORARY_PREFIX)
}

fn is_aside(name: &OsStr) -> bool {
    name.to_string_lossy().contains(".put-aside-")
}

/// Nobody can be writing it any more.
fn is_old(ws: &Workspace, file: &Path) -> bool {
    let now = ws.doors.clock.now_millis();
    ws.doors.disk.stat(file).is_ok_and(|stat| {
        let age = now.saturating_sub(stat.fingerprint.modified / 1_000_000) / 1_000;
        u64::try_from(age).is_ok_and(|seconds| seconds >= ws.config.delivery_seconds)
    })
}

/// Plain files below a folder whose name fits, with their sizes. What cannot be listed is left alone.
fn below(disk: &dyn Disk, folder: &Path, fits: &dyn Fn(&OsStr) -> bool) -> Files {
    let mut files = Vec::new();
    for item in disk.list(folder).unwrap_or_default() {
        let path = folder.join(&item.name);
        match item.kind {
            ItemKind::Folder => files.extend(below(disk, &path, fits)),
            ItemKind::File if fits(&item.name) => {
                let size = disk.stat(&path).map_or(0, |stat| stat.fingerprint.size);
                files.push((path, size));
            }
            _ => {}
        }
    }
    files
}

/// Files under our temporary names that no intent speaks of, where the history has their bytes.
fn left_over(ws: &Workspace, share: &Share) -> Result<Files, EngineError> {
    let disk = ws.doors.disk.as_ref();
    let spoken_of: BTreeSet<String> =
        ws.ledger.intents()?.into_iter().map(|intent| intent.temporary).collect();
    let fits = |name: &OsStr| {
        // a second name is made from the first one
        let name = name.to_string_lossy();
        is_ours(OsStr::new(name.as_ref()))
            && !spoken_of.iter().any(|temporary| name.starts_with(temporary.trim_end_matches(".tmp")))
    };
    let mut left = Vec::new();
    for root in [&ws.settings.work, share.root()] {
        let inside = root.join(SIDECAR);
        for (file, size) in below(disk, root, &fits) {
            if file.starts_with(&inside) || !is_old(ws, &file) {
                continue;
            }
            if let Ok(Content::File { id, .. }) = hash(disk, &file)
                && ws.ledger.stays_packed(id)?
            {
                left.push((file, size));
            }
        }
    }
    Ok(left)
}

/// Unpacked courses that are not the one in use; none while a session is open, which may have begun with an earlier one.
fn old_courses(ws: &Workspace) -> Result<(Files, Vec<PathBuf>), EngineError> {
    let (disk, courses) = (ws.doors.disk.as_ref(), ws.state.join("course"));
    let Some(current) = unpack::unpacked(ws)? else { return Ok(Default::default()) };
    if events::session_open(&ws.ledger)? {
        return Ok(Default::default());
    }
    let name = current.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for item in disk.list(&courses).unwrap_or_default() {
        let (path, found) = (courses.join(&item.name), item.name.to_string_lossy().into_owned());
        if found == name || found == format!("{name}.complete") {
            continue;
        }
        match item.kind {
            ItemKind::Folder => {
                files.extend(below(disk, &path, &|_| true));
                folders.push(path);
            }
            // without its marker a folder is no course: the marker goes first
            ItemKind::File => files.insert(0, (path, 0)),
            _ => {}
        }
    }
    Ok((files, folders))
}

/// Old contents, and packs that could be fewer. What replaced packs free comes once the other machines have the new ones.
fn history(ws: &Workspace, found: &mut Found) -> Result<(), EngineError> {
    let now = super::age::count_on(ws)?;
    let others = super::others(ws, now)?;
    let standing = merge::standing(ws, &old::find(ws, &others, now)?)?;
    let groups = kitbag_core::tidy::groups(&standing, &When::Now.bounds());
    let chosen: BTreeSet<_> = groups.into_iter().flatten().collect();
    if chosen.is_empty() {
        return Ok(());
    }
    let bytes = standing.iter().filter(|one| chosen.contains(&one.pack)).map(|one| one.waste).sum();
    let what = "old versions and small parts of the history; freed when the other computers have synced";
    found.free.push(Freeable { kind: "history", what, files: chosen.len() as u64, bytes });
    found.history = true;
    Ok(())
}
