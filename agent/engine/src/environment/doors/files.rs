//! Tar streams into and out of a granted folder. Only plain files and folders pass, never a link, never a name that
//! leads out. A stream goes by way of a file in machine state, so nothing of it stands in memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_core::path::WorkPath;
use kitbag_platform::chance::Chance;
use kitbag_platform::disk::{Disk, ItemKind, Reading};
use kitbag_plugin_host::{BoxFuture, ByteReader, ByteWriter, Fault, FaultCode, FilesDoor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::course::package::below;

const BUFFER: usize = 256 * 1024;

/// Tar streams by way of `spool`, a folder of machine state.
pub(super) struct TarFiles {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) chance: Arc<dyn Chance>,
    pub(super) spool: PathBuf,
}

fn broken(error: &io::Error) -> Fault {
    let code =
        if error.kind() == io::ErrorKind::StorageFull { FaultCode::Quota } else { FaultCode::Internal };
    Fault::new(code, format!("Files of the environment could not be moved: {error}."))
}

fn refused(name: &str, why: &str) -> Fault {
    let name = kitbag_core::path::shown(name);
    Fault::new(FaultCode::InvalidConfig, format!("{name} cannot be moved: {why}."))
}

/// A file of machine state that goes when it is no longer needed.
struct Spool<'a> {
    disk: &'a dyn Disk,
    file: PathBuf,
}

impl Drop for Spool<'_> {
    fn drop(&mut self) {
        // a leftover costs disk only
        self.disk.remove(&self.file).ok();
    }
}

impl TarFiles {
    fn spool(&self) -> io::Result<Spool<'_>> {
        self.disk.create_dirs(&self.spool)?;
        let file = self.spool.join(format!("{}.tar", self.chance.token(8)?));
        Ok(Spool { disk: self.disk.as_ref(), file })
    }
}

fn place(folder: &Path, path: Option<&WorkPath>) -> Result<PathBuf, Fault> {
    match path {
        None => Ok(folder.to_owned()),
        Some(path) => below(folder, path)
            .ok_or_else(|| refused(path.as_str(), "no file of this system has such a name")),
    }
}

impl FilesDoor for TarFiles {
    fn unpack<'a>(
        &'a self,
        folder: &'a Path,
        below: Option<&'a WorkPath>,
        tar: &'a mut ByteReader,
    ) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(async move {
            let fail = |error: io::Error| broken(&error);
            let spool = self.spool().map_err(fail)?;
            let mut to = self.disk.create(&spool.file).map_err(fail)?;
            let mut buffer = vec![0; BUFFER];
            loop {
                let n = tar.read(&mut buffer).await.map_err(fail)?;
                if n == 0 {
                    break;
                }
                io::Write::write_all(&mut to, &buffer[..n]).map_err(fail)?;
            }
            to.finish(false).map_err(fail)?;
            let (disk, file, to) = (self.disk.clone(), spool.file.clone(), place(folder, below)?);
            let work = tokio::task::spawn_blocking(move || {
                let open = disk.open(&file).map_err(|error| broken(&error))?;
                unpack(disk.as_ref(), open, &to)
            });
            work.await.map_err(|error| Fault::new(FaultCode::Internal, error.to_string()))?
        })
    }

    fn pack<'a>(
        &'a self,
        folder: &'a Path,
        below: Option<&'a WorkPath>,
        tar: &'a mut ByteWriter,
    ) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(async move {
            let fail = |error: io::Error| broken(&error);
            let spool = self.spool().map_err(fail)?;
            let (disk, file, from) = (self.disk.clone(), spool.file.clone(), place(folder, below)?);
            let work = tokio::task::spawn_blocking(move || pack(disk.as_ref(), &from, &file));
            let moved = work
                .await
                .map_err(|error| Fault::new(FaultCode::Internal, error.to_string()))?
                .map_err(fail)?;
            let mut from = self.disk.open(&spool.file).map_err(fail)?;
            let mut buffer = vec![0; BUFFER];
            loop {
                let n = from.read(&mut buffer).map_err(fail)?;
                if n == 0 {
                    break;
                }
                tar.write_all(&buffer[..n]).await.map_err(fail)?;
            }
            tar.flush().await.map_err(fail)?;
            Ok(moved)
        })
    }
}

fn unpack(disk: &dyn Disk, tar: Box<dyn Reading>, to: &Path) -> Result<u64, Fault> {
    let fail = |error: io::Error| broken(&error);
    disk.create_dirs(to).map_err(fail)?;
    let mut moved = 0;
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries().map_err(fail)? {
        let mut entry = entry.map_err(fail)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name).trim_end_matches('/');
        let kind = entry.header().entry_type();
        if name.is_empty() || name == "." {
            continue;
        }
        let path = WorkPath::parse(name).map_err(|bad| refused(name, &bad.to_string()))?;
        let target = place(to, Some(&path))?;
        if !kind.is_file() && !kind.is_dir() {
            return Err(refused(name, "it is neither a plain file nor a folder"));
        }
        make_folders(disk, to, &path, kind.is_dir())?;
        if kind.is_file() {
            match disk.stat(&target).map(|stat| stat.kind) {
                Ok(ItemKind::File) => disk.remove(&target).map_err(fail)?,
                Ok(_) => return Err(refused(name, "something else stands there")),
                Err(_) => {}
            }
            let mut file = disk.create(&target).map_err(fail)?;
            moved += io::copy(&mut entry, &mut file).map_err(fail)?;
            let executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
            file.set_executable(executable).map_err(fail)?;
            file.finish(false).map_err(fail)?;
        }
    }
    disk.sync_volume(to).map_err(fail)?;
    Ok(moved)
}

/// Folder by folder, so that a link among them is met and not followed.
fn make_folders(disk: &dyn Disk, to: &Path, path: &WorkPath, itself: bool) -> Result<(), Fault> {
    let mut folder = to.to_owned();
    let names: Vec<_> = path.names().collect();
    let depth = if itself { names.len() } else { names.len() - 1 };
    for name in &names[..depth] {
        folder.push(name);
        match disk.stat(&folder).map(|stat| stat.kind) {
            Ok(ItemKind::Folder) => {}
            Ok(_) => return Err(refused(path.as_str(), "a link or file stands where a folder has to be")),
            Err(_) => disk.create_dir(&folder).map_err(|error| broken(&error))?,
        }
    }
    Ok(())
}

fn pack(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<u64> {
    // the tar writer needs a place of its own; no other program looks there
    let mut builder = tar::Builder::new(File::create_new(to)?);
    let mut moved = 0;
    match disk.stat(from)?.kind {
        ItemKind::File => {
            let name = from.file_name().map(PathBuf::from).unwrap_or_default();
            moved += add(disk, &mut builder, from, &name)?;
        }
        ItemKind::Folder => moved += add_folder(disk, &mut builder, from, Path::new(""))?,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    }
    builder.into_inner()?;
    Ok(moved)
}

fn add_folder(disk: &dyn Disk, to: &mut tar::Builder<File>, folder: &Path, name: &Path) -> io::Result<u64> {
    let mut moved = 0;
    for item in disk.list(folder)? {
        let (path, name) = (folder.join(&item.name), name.join(&item.name));
        match item.kind {
            ItemKind::Folder => {
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(0o755);
                header.set_size(0);
                to.append_data(&mut header, &name, io::empty())?;
                moved += add_folder(disk, to, &path, &name)?;
            }
            ItemKind::File => moved += add(disk, to, &path, &name)?,
            // sockets and links are of this machine only
            ItemKind::Link | ItemKind::Other => {}
        }
    }
    Ok(moved)
}

fn add(disk: &dyn Disk, to: &mut tar::Builder<File>, file: &Path, name: &Path) -> io::Result<u64> {
    let open = disk.open(file)?;
    let stat = open.stat()?;
    let size = stat.fingerprint.size;
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(if stat.executable { 0o755 } else { 0o644 });
    header.set_mtime(u64::try_from(stat.fingerprint.modified / 1_000_000_000).unwrap_or(0));
    // a file that shrank meanwhile would leave the rest of the stream out of step
    to.append_data(&mut header, name, open.take(size).chain(io::repeat(0)).take(size))?;
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kitbag_platform::chance::RealChance;
    use kitbag_platform::disk::RealDisk;

    fn files(spool: &Path) -> TarFiles {
        TarFiles { disk: Arc::new(RealDisk), chance: Arc::new(RealChance), spool: spool.to_owned() }
    }

    fn tar(entries: &[(&str, tar::EntryType)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind) in entries {
            let mut header = tar::Header::new_gnu();
            // written by hand: the crate's own writer refuses hostile names
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            header.set_size(if kind.is_file() { 2 } else { 0 });
            header.set_link_name("/etc").unwrap();
            header.set_cksum();
            builder.append(&header, if kind.is_file() { &b"hi"[..] } else { &b""[..] }).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn unpacked(bytes: &[u8], to: &Path) -> Result<u64, Fault> {
        let file = to.with_extension("tar");
        std::fs::write(&file, bytes).unwrap();
        unpack(&RealDisk, RealDisk.open(&file).unwrap(), to)
    }

    #[test]
    fn names_and_kinds_that_lead_out_are_refused() {
        use tar::EntryType::{Regular, Symlink};
        let folder = tempfile::tempdir().unwrap();
        for (n, entry) in [
            ("../out", Regular),
            ("/abs", Regular),
            ("a/../../out", Regular),
            ("link", Symlink),
            ("pipe", tar::EntryType::Fifo),
            ("hard", tar::EntryType::Link),
        ]
        .into_iter()
        .enumerate()
        {
            let to = folder.path().join(n.to_string());
            assert!(unpacked(&tar(&[entry]), &to).is_err(), "{entry:?}");
            assert_eq!(RealDisk.list(&to).unwrap(), [], "{entry:?}");
        }
        assert!(!folder.path().join("out").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (to, outside) = (folder.path().join("to"), folder.path().join("outside"));
        std::fs::create_dir_all(&to).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, to.join("data")).unwrap();
        assert!(unpacked(&tar(&[("data/x", tar::EntryType::Regular)]), &to).is_err());
        assert_eq!(RealDisk.list(&outside).unwrap(), []);
    }

    #[test]
    fn a_folder_goes_there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir_all(from.join("a/b")).unwrap();
        std::fs::write(from.join("a/b/c.txt"), "text").unwrap();
        std::fs::write(from.join("d"), vec![7; 300_000]).unwrap();
        std::fs::create_dir_all(&to).unwrap();
        let door = files(&folder.path().join("spool"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (one, mut two) = tokio::io::duplex(1 << 20);
            let mut writer: ByteWriter = Box::new(one);
            assert_eq!(door.pack(&from, None, &mut writer).await.unwrap(), 300_004);
            drop(writer);
            let mut bytes = Vec::new();
            two.read_to_end(&mut bytes).await.unwrap();
            let mut reader: ByteReader = Box::new(io::Cursor::new(bytes));
            assert_eq!(door.unpack(&to, None, &mut reader).await.unwrap(), 300_004);
        });
        assert_eq!(std::fs::read(to.join("a/b/c.txt")).unwrap(), b"text");
        assert_eq!(std::fs::read(to.join("d")).unwrap().len(), 300_000);
        assert_eq!(RealDisk.list(&folder.path().join("spool")).unwrap(), []);
    }
}
