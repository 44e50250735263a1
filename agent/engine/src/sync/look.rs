//! One careful look at a file: its bytes are read once and hashed, and only count when the file stood still while
//! they were read. A notebook that is being saved in place shows half a document for a moment; it waits.

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};

use kitbag_core::entry::{Fingerprint, Seen};
use kitbag_core::link;
use kitbag_core::merge::notebook;
use kitbag_core::merge::way::Way;
use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;
use kitbag_platform::disk::{Disk, ItemKind};
use kitbag_store::ledger::{Look, PathRow};

use super::spot::{Folder, link_content};
use super::tree;

/// What a look found.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The content, or why not.
    pub seen: Seen,
    /// The file as it was while it was read; none when it was touched so lately that a later change could look
    /// the same.
    pub print: Option<Fingerprint>,
    /// Its size and number without times: equal to no later look, and enough to know the file by when it is renamed.
    pub touched: Option<Fingerprint>,
    /// When it was last changed, in milliseconds since 1970; of files only.
    pub modified: Option<i64>,
    /// Its bytes, when they are few.
    pub bytes: Option<Arc<[u8]>>,
    /// Why it cannot be judged.
    pub reason: Option<String>,
}

impl Looked {
    /// Nothing there.
    pub fn absent() -> Self {
        Looked { seen: Seen::Absent, print: None, modified: None, touched: None, bytes: None, reason: None }
    }

    /// A folder, empty or filled.
    pub fn folder(seen: Seen) -> Self {
        Looked {
            seen,
            print: Some(Fingerprint::FOLDER),
            modified: None,
            touched: None,
            bytes: None,
            reason: None,
        }
    }

    /// There, but not to be judged.
    pub fn unsure(reason: impl Into<String>) -> Self {
        Looked {
            seen: Seen::Unsure,
            print: None,
            modified: None,
            touched: None,
            bytes: None,
            reason: Some(reason.into()),
        }
    }

    /// Known from before, not read again.
    pub fn known(content: Content, print: Fingerprint) -> Self {
        Looked {
            modified: modified(&print),
            seen: Seen::Content(content),
            print: Some(print),
            touched: None,
            bytes: None,
            reason: None,
        }
    }
}

/// Files up to this many bytes are held in memory for the batch.
pub const HELD_BYTES: u64 = kitbag_core::merge::text::LARGEST as u64;

/// How many bytes of memory a candidate's place will take. A large notebook is not held, but its merge is.
pub fn held_size(path: &WorkPath, look: &Look) -> u64 {
    match look {
        Look::File(print) if print.size <= Way::of(path).largest().max(HELD_BYTES) => print.size,
        _ => 0,
    }
}

/// What the ledger says of a place.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// What it showed.
    pub content: Option<Content>,
    /// How that looked.
    pub print: Option<Fingerprint>,
    /// A folder there is one thing.
    pub unit: bool,
}

/// Look at what a scan met. What looks as it did is not read again.
pub fn look_again(folder: Folder<'_>, row: &PathRow, met: &Look, before: Before, now_millis: i64) -> Looked {
    let (file, path) = (folder.of_row(row), &row.path);
    match met {
        Look::Absent if before.content == Some(Content::Folder) => match folder.disk.stat(&file) {
            // all the scan knows of a folder is what is in it; that can be what is never carried
            Ok(stat) if stat.kind == ItemKind::Folder => Looked::folder(Seen::Filled),
            _ => Looked::absent(),
        },
        Look::Absent => Looked::absent(),
        Look::Folder => Looked::folder(Seen::Content(Content::Folder)),
        Look::Filled => Looked::folder(Seen::Filled),
        Look::Unsure => Looked::unsure("it cannot be read now"),
        Look::File(print) => match before.content {
            Some(content @ (Content::File { .. } | Content::Unit { .. })) if before.print == Some(*print) => {
                Looked::known(content, *print)
            }
            _ if before.unit && folder.is_folder(&file) => tree::look(folder.disk, &file, now_millis),
            _ => look(folder.disk, &file, path, now_millis),
        },
        Look::Link(print) => match before.content {
            Some(content @ Content::Link { .. }) if before.print == Some(*print) => {
                Looked::known(content, *print)
            }
            _ => match folder.link(&file).map(|text| (link::check(path, &text), text)) {
                Ok((Ok(()), text)) => {
                    let bytes = Some(Arc::from(text.as_bytes()));
                    Looked { bytes, ..Looked::known(link_content(&text), *print) }
                }
                Ok((Err(bad), _)) => Looked::unsure(bad.to_string()),
                Err(error) => Looked::unsure(error.to_string()),
            },
        },
    }
}

/// Read and hash a file.
pub fn look(disk: &dyn Disk, file: &Path, path: &WorkPath, now_millis: i64) -> Looked {
    match read(disk, file) {
        Ok(Some((content, print, bytes))) => {
            if unfinished_notebook(disk, file, path, &print, bytes.as_deref(), now_millis) {
                return Looked::unsure("the notebook is being saved");
            }
            let seen = Seen::Content(content);
            let touched = Some(Fingerprint { modified: 0, changed: 0, ..print });
            let modified = modified(&print);
            let print = settled(print, now_millis).then_some(print);
            Looked { seen, print, touched, modified, bytes, reason: None }
        }
        Ok(None) => Looked::unsure("it changed while it was read"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Looked::absent(),
        Err(error) => Looked::unsure(error.to_string()),
    }
}

type Stood = Option<(Content, Fingerprint, Option<Arc<[u8]>>)>;

fn read(disk: &dyn Disk, file: &Path) -> std::io::Result<Stood> {
    let mut open = disk.open(file)?;
    let before = open.stat()?.fingerprint;
    let mut hasher = blake3::Hasher::new();
    let bytes = if before.size <= HELD_BYTES {
        let mut bytes = Vec::with_capacity(before.size as usize);
        (&mut open).take(HELD_BYTES + 1).read_to_end(&mut bytes)?;
        hasher.update(&bytes);
        Some(bytes)
    } else {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match open.read(&mut buffer)? {
                0 => break None,
                n => hasher.update(&buffer[..n]),
            };
        }
    };
    let stat = open.stat()?;
    let after = stat.fingerprint;
    let whole = bytes.as_ref().is_none_or(|bytes| bytes.len() as u64 == before.size);
    let content = || Content::file(hasher.finalize().into(), after.size).with_bit(stat.executable);
    Ok((before == after && whole).then(|| (content(), after, bytes.map(Arc::from))))
}

/// Whether a notebook that was swapped out is still being saved into by a program that has it open.
pub fn still_saved_into(disk: &dyn Disk, file: &Path, path: &WorkPath, now: i64) -> bool {
    if path.extension() != "ipynb" {
        return false;
    }
    match read(disk, file) {
        Ok(Some((_, print, bytes))) => unfinished_notebook(disk, file, path, &print, bytes.as_deref(), now),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Only a hash: what a plain file holds, and the bit as this disk shows it.
///
/// # Errors
/// It cannot be read.
pub fn hash(disk: &dyn Disk, file: &Path) -> std::io::Result<Content> {
    let mut open = disk.open(file)?;
    let mut hasher = blake3::Hasher::new();
    let size = std::io::copy(&mut open, &mut hasher)?;
    let bit = open.stat()?.executable;
    Ok(Content::file(hasher.finalize().into(), size).with_bit(bit))
}

/// In milliseconds since 1970.
pub(super) fn modified(print: &Fingerprint) -> Option<i64> {
    Some(print.modified.div_euclid(1_000_000))
}

/// Whether a write after the look would show in the times. File systems count time in ticks: up to some
/// hundredths of a second, and two seconds where they keep no fractions.
pub(super) fn settled(print: Fingerprint, now_millis: i64) -> bool {
    let fractions = print.modified % 1_000_000_000 != 0;
    let age = now_millis.saturating_sub(print.modified / 1_000_000);
    age >= if fractions { 50 } else { 2_500 }
}

/// How long a notebook may be half written before it is taken as it is, in milliseconds.
const NOTEBOOK_PATIENCE: i64 = 60_000;

/// Jupyter saves in place: the old file is copied to `.~NAME`, then the notebook is emptied and written.
fn unfinished_notebook(
    disk: &dyn Disk,
    file: &Path,
    path: &WorkPath,
    print: &Fingerprint,
    bytes: Option<&[u8]>,
    now: i64,
) -> bool {
    if path.extension() != "ipynb" || now.saturating_sub(print.modified / 1_000_000) > NOTEBOOK_PATIENCE {
        return false;
    }
    // beside the file, also when it lies under a temporary name of ours for the moment
    let saving = disk.stat(&file.with_file_name(format!(".~{}", path.file_name()))).is_ok();
    saving
        || match bytes {
            Some(bytes) => !notebook::is_whole(bytes),
            None => !large_is_whole(disk, file, print.size),
        }
}

/// Whether a notebook that is too large to be held is all there; one at a time is read for that. What is larger than
/// any notebook that is merged is taken as it is.
fn large_is_whole(disk: &dyn Disk, file: &Path, size: u64) -> bool {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    if size > notebook::LARGEST as u64 {
        return true;
    }
    let _one = ONE_AT_A_TIME.lock();
    let mut bytes = Vec::with_capacity(size as usize);
    let read = disk.open(file).and_then(|open| open.take(size).read_to_end(&mut bytes));
    read.is_ok() && notebook::is_whole(&bytes)
}
