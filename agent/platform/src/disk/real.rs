//! The disk of this computer. What is the same everywhere goes straight to the standard library; what
//! differs (flags of opening, renames that refuse to replace, swaps, flushing) is in the file for each kind
//! of system, behind a few functions of equal names.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Disk, Item, ItemKind, Reading, Stat, Writing, system};

/// The disk of this computer.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

struct OpenFile(File);

impl Read for OpenFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Seek for OpenFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Reading for OpenFile {
    fn stat(&self) -> io::Result<Stat> {
        system::stat_open(&self.0)
    }
}

impl Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Writing for OpenFile {
    fn set_executable(&mut self, executable: bool) -> io::Result<()> {
        system::set_executable(&self.0, executable)
    }

    fn finish(self: Box<Self>, durable: bool) -> io::Result<Stat> {
        if durable || !system::VOLUME_FLUSH {
            system::flush(&self.0)?;
        }
        system::stat_open(&self.0)
    }
}

fn kind_of(file_type: fs::FileType) -> ItemKind {
    if file_type.is_file() {
        ItemKind::File
    } else if file_type.is_dir() {
        ItemKind::Folder
    } else if file_type.is_symlink() {
        ItemKind::Link
    } else {
        ItemKind::Other
    }
}

impl Disk for RealDisk {
    fn list(&self, dir: &Path) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            items.push(Item { kind: kind_of(entry.file_type()?), name: entry.file_name() });
        }
        items.sort_unstable_by(|a, b| a.name.as_encoded_bytes().cmp(b.name.as_encoded_bytes()));
        Ok(items)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        system::stat(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Reading>> {
        Ok(Box::new(OpenFile(system::open_plain(path, false)?)))
    }

    fn is_written_to(&self, path: &Path) -> io::Result<Option<bool>> {
        system::is_written_to(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Writing>> {
        Ok(Box::new(OpenFile(File::create_new(path)?)))
    }

    fn rewrite(&self, path: &Path) -> io::Result<Box<dyn Writing>> {
        let file = system::open_plain(path, true)?;
        // Only now, when it is known to be a plain file that is here.
        file.set_len(0)?;
        Ok(Box::new(OpenFile(file)))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        system::rename_new(from, to)
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        system::exchange(a, b)
    }

    fn rename_over(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn create_dirs(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn clone_or_copy(&self, from: &Path, to: &Path) -> io::Result<u64> {
        let source = system::open_plain(from, false)?;
        if let Some(size) = system::clone_new(&source, to)? {
            return Ok(size);
        }
        let target = File::create_new(to)?;
        system::share_blocks(&source, &target).or_else(|_| io::copy(&mut &source, &mut &target)).inspect_err(
            |_| {
                // Best effort: the copy failed, and that is what is reported.
                let _ = fs::remove_file(to);
            },
        )
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        system::sync_dir(dir)
    }

    fn sync_volume(&self, any_path: &Path) -> io::Result<()> {
        system::sync_volume(any_path)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        system::free_space(path)
    }

    fn set_executable(&self, path: &Path, executable: bool) -> io::Result<()> {
        system::set_executable(&system::open_plain(path, false)?, executable)
    }

    fn read_link(&self, path: &Path) -> io::Result<String> {
        match fs::read_link(path)?.into_os_string().into_string() {
            Ok(target) => Ok(system::link_text(target)),
            Err(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn create_link(&self, path: &Path, target: &str) -> io::Result<()> {
        system::create_link(path, target)
    }

    fn set_modified(&self, path: &Path, nanos: i64) -> io::Result<()> {
        system::set_modified(path, nanos)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(system::plain_form(fs::canonicalize(path)?))
    }
}
