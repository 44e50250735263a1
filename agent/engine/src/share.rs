//! The sidecar in the share: `.kitbag/` with a README, the format's version, the workspace's ids, packs and events.
//! Every file in it is written once, under a name made from its bytes, by way of a temporary name the cloud clients
//! skip. Nothing in it is ever changed, so any order, delay or repetition by the provider is harmless.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kitbag_core::entry::Fingerprint;
use kitbag_core::id::{ContentId, PackId};
use kitbag_core::path::{SIDECAR, TEMPORARY_PREFIX};
use kitbag_platform::disk::Stat;
use kitbag_store::{LARGEST, Shelf};

use crate::doors::Doors;
use crate::error::EngineError;

/// The format this build writes and the newest it reads.
pub const FORMAT: &str = "kitbag 1\n";

/// Every text the README ever had, the present one first. Any of them is left as it is, so that two kitbags of
/// different age do not write over each other; anything else was damaged or changed by hand, and is written anew.
pub(crate) const READMES: &[&str] = &["\
This folder belongs to kitbag. It holds the history of the files beside it, so that work done on two
computers can be brought together and nothing is lost. Please leave it as it is: the cloud program
carries it like any other folder.

If it is deleted, kitbag writes it again from each computer that still has the work; older versions
may be gone then. The files beside this folder are plain files and can be used without kitbag.

format      the version of this layout
workspace/  which workspace this is
packs/      versions and their contents, compressed; each file is named by the hash of its bytes
events/     which computer had the course open when, and what it had seen

How to read the packs without kitbag is described in FORMAT.md of kitbag's store.
"];

/// A temporary file that has not changed for so long, in milliseconds, is nobody's any more.
const LEFT_OVER: i64 = 3_600_000;

/// Longest small file (identity, event) we read, in bytes.
const LONGEST_NOTE: u64 = 256 * 1024;

/// The share's folder and its sidecar.
#[derive(Clone)]
pub struct Share {
    root: PathBuf,
    doors: Doors,
    /// Whose temporary files it makes.
    machine: String,
}

impl Share {
    /// The share at this folder; nothing is looked at yet. What is written there bears this machine's id until it is
    /// whole, so that a later run can tell what it left from what another machine is writing now.
    pub fn new(root: &Path, machine_id: &str, doors: &Doors) -> Self {
        Share { root: root.to_owned(), doors: doors.clone(), machine: machine_id.chars().take(12).collect() }
    }

    /// How this machine's temporary files in the sidecar begin.
    fn beginning(&self) -> String {
        format!("{TEMPORARY_PREFIX}{}-", self.machine)
    }

    /// Remove what an earlier run of this machine was writing into the sidecar when it was ended. Nobody else on this
    /// machine may be writing. What another machine left, or this one under a name that a power cut took from it, goes
    /// when it has not changed for a long time.
    pub fn clear_left(&self) {
        let (disk, beginning) = (&self.doors.disk, self.beginning());
        let sidecar = self.sidecar();
        let packs = sidecar.join("packs");
        let below = disk.list(&packs).unwrap_or_default().into_iter().map(|item| packs.join(item.name));
        let folders = [sidecar.clone(), sidecar.join("workspace"), sidecar.join("events")];
        for folder in folders.into_iter().chain(below) {
            for item in disk.list(&folder).unwrap_or_default() {
                let Some(name) = item.name.to_str() else { continue };
                let path = folder.join(name);
                if name.starts_with(&beginning) || (name.starts_with(TEMPORARY_PREFIX) && self.is_old(&path))
                {
                    // a leftover costs room only, and the next run tries again
                    disk.remove(&path).ok();
                }
            }
        }
    }

    /// Nobody has written to it for longer than writing takes, also on a slow network drive.
    fn is_old(&self, file: &Path) -> bool {
        // not every file system knows both times
        let last = |print: Fingerprint| print.changed.max(print.modified) / 1_000_000;
        let last = self.doors.disk.stat(file).map(|stat| last(stat.fingerprint));
        last.is_ok_and(|last| self.doors.clock.now_millis() - last > LEFT_OVER)
    }

    /// The mirror: the share's own folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn sidecar(&self) -> PathBuf {
        self.root.join(SIDECAR)
    }

    /// Whether a sidecar stands there.
    pub fn has_sidecar(&self) -> bool {
        self.doors.disk.stat(&self.sidecar().join("format")).is_ok()
    }

    /// Whether the folder holds anything at all that is not ours.
    ///
    /// # Errors
    /// The folder is not there or cannot be read.
    pub fn is_empty(&self) -> Result<bool, EngineError> {
        match self.doors.disk.list(&self.root) {
            Ok(items) => Ok(items.iter().all(|item| item.name == SIDECAR)),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(EngineError::ShareMissing(self.root.clone()))
            }
            Err(error) => Err(EngineError::io("cannot read the cloud folder", &self.root)(error)),
        }
    }

    /// Make the sidecar, or what is missing of it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn make_sidecar(&self) -> Result<(), EngineError> {
        let sidecar = self.sidecar();
        for folder in ["packs", "events", "workspace"] {
            self.make_folder(&sidecar.join(folder))?;
        }
        self.write_readme(&sidecar.join("README.txt"))?;
        self.write_once(&sidecar.join("format"), FORMAT.as_bytes())
    }

    /// The README is for people: the one file of the sidecar that may differ, and is put right then.
    fn write_readme(&self, file: &Path) -> Result<(), EngineError> {
        let (Some(&text), found) = (READMES.first(), self.read_note(file)) else { return Ok(()) };
        match found {
            Ok(found) if READMES.iter().any(|known| known.as_bytes() == found) => Ok(()),
            Ok(_) => self.write_anew(file, text.as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.write_once(file, text.as_bytes()),
            // in the cloud only, or no plain file: nothing depends on it
            Err(_) => Ok(()),
        }
    }

    /// Make a folder of the sidecar and those above it, but never the share: one that was renamed away must not come
    /// to be twice.
    fn make_folder(&self, folder: &Path) -> Result<(), EngineError> {
        let mut at = self.root.clone();
        for name in folder.strip_prefix(&self.root).unwrap_or(Path::new("")) {
            at.push(name);
            // a folder that is there is not tried again: on a network drive that is a write refused
            if self.doors.disk.stat(&at).is_ok() {
                continue;
            }
            match self.doors.disk.create_dir(&at) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    return Err(EngineError::ShareMissing(self.root.clone()));
                }
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(EngineError::io("cannot write", at)(e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether this build can read the sidecar.
    ///
    /// # Errors
    /// It was written by a newer kitbag, or cannot be read.
    pub fn check_format(&self) -> Result<(), EngineError> {
        let file = self.sidecar().join("format");
        let text = self.read_note(&file).map_err(EngineError::io("cannot read", &file))?;
        // empty or torn: on its way
        match text.strip_prefix(b"kitbag ") {
            Some(version) if version != b"1\n" && version.ends_with(b"\n") => {
                Err(EngineError::ShareNewer(self.root.clone()))
            }
            _ => Ok(()),
        }
    }

    /// The workspace ids that stand in the share. Two machines that set it up before they met made two.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn identities(&self) -> Result<BTreeSet<String>, EngineError> {
        let notes = self.notes("workspace", &BTreeSet::new())?;
        Ok(notes
            .into_iter()
            .filter_map(|(_, text)| serde_json::from_str::<Identity>(&text).ok())
            .map(|identity| identity.workspace)
            .collect())
    }

    /// Add a workspace id.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add_identity(&self, workspace: &str) -> Result<(), EngineError> {
        self.add_note("workspace", &identity(workspace)).map(|_| ())
    }

    /// The name of the file that says a workspace id.
    pub(crate) fn identity_name(&self, workspace: &str) -> String {
        ContentId::of(identity(workspace).as_bytes()).to_string()
    }

    /// Write the file of a workspace id again when it is damaged.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn mend_identity(&self, workspace: &str) -> Result<bool, EngineError> {
        self.mend_note("workspace", &identity(workspace))
    }

    /// Small files of one folder of the sidecar, whose names are not in `known`, that have arrived whole: name and
    /// text.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn notes(
        &self,
        folder: &str,
        known: &BTreeSet<String>,
    ) -> Result<Vec<(String, String)>, EngineError> {
        let names = self.note_names(folder)?;
        let folder = self.sidecar().join(folder);
        let mut notes = Vec::new();
        for name in names {
            if known.contains(&name) || name.parse::<ContentId>().is_err() {
                continue;
            }
            let Ok(bytes) = self.read_note(&folder.join(&name)) else { continue };
            if ContentId::of(&bytes).to_string() == name
                && let Ok(text) = String::from_utf8(bytes)
            {
                notes.push((name, text));
            }
        }
        Ok(notes)
    }

    /// The names of the small files of one folder of the sidecar, arrived or not.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn note_names(&self, folder: &str) -> Result<BTreeSet<String>, EngineError> {
        let folder = self.sidecar().join(folder);
        let items = match self.doors.disk.list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            other => other.map_err(EngineError::io("cannot read", &folder))?,
        };
        Ok(items.into_iter().filter_map(|item| item.name.into_string().ok()).collect())
    }

    /// Remove a small file of this machine's own that a later one has made needless.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove_note(&self, folder: &str, name: &str) -> Result<(), EngineError> {
        let file = self.sidecar().join(folder).join(name);
        match self.doors.disk.remove(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(EngineError::io("cannot remove", file)(error))
            }
            _ => Ok(()),
        }
    }

    /// Write a small file under the hash of its text; its name.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add_note(&self, folder: &str, text: &str) -> Result<String, EngineError> {
        let folder = self.sidecar().join(folder);
        self.make_folder(&folder)?;
        let name = ContentId::of(text.as_bytes()).to_string();
        self.write_once(&folder.join(&name), text.as_bytes())?;
        Ok(name)
    }

    /// Write a small file again whose bytes are not what they were; one that is gone stays so. True when it was.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn mend_note(&self, folder: &str, text: &str) -> Result<bool, EngineError> {
        let name = ContentId::of(text.as_bytes()).to_string();
        let file = self.sidecar().join(folder).join(name);
        match self.read_note(&file) {
            Ok(found) if found != text.as_bytes() => self.write_anew(&file, text.as_bytes()).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Put right what stands under a name with the bytes the name stands for.
    pub(crate) fn write_anew(&self, file: &Path, bytes: &[u8]) -> Result<(), EngineError> {
        self.doors.disk.remove(file).map_err(EngineError::io("cannot write", file))?;
        self.write_once(file, bytes)
    }

    pub(crate) fn read_note(&self, file: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.doors.disk.open(file)?.take(LONGEST_NOTE).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// How a pack's file looks, without reading it.
    ///
    /// # Errors
    /// It is not there, or cannot be looked at.
    pub fn look_at_pack(&self, pack: PackId) -> io::Result<Stat> {
        self.doors.disk.stat(&self.pack_file(pack))
    }

    /// Take a pack away that nothing needs any more; one that is gone already is no error.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn remove_pack(&self, pack: PackId) -> Result<(), EngineError> {
        let file = self.pack_file(pack);
        match self.doors.disk.remove(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(EngineError::io("cannot remove", file)(error))
            }
            _ => Ok(()),
        }
    }

    fn pack_file(&self, pack: PackId) -> PathBuf {
        let name = pack.to_string();
        self.sidecar().join("packs").join(&name[..2]).join(name)
    }

    /// What lies in the share now survives a power cut afterwards.
    ///
    /// # Errors
    /// The system cannot write it.
    pub(crate) fn make_durable(&self) -> Result<(), EngineError> {
        self.doors.disk.sync_volume(&self.root).map_err(EngineError::io("cannot write", &self.root))
    }

    /// The packs that stand in the share, whole or not.
    ///
    /// # Errors
    /// The folders cannot be read.
    pub fn packs(&self) -> Result<BTreeSet<PackId>, EngineError> {
        let all = self.sidecar().join("packs");
        let list = |folder: &Path| match self.doors.disk.list(folder) {
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Vec::new())
            }
            other => other.map_err(EngineError::io("cannot read", folder)),
        };
        let mut packs = BTreeSet::new();
        for folder in list(&all)? {
            for item in list(&all.join(&folder.name))? {
                packs.extend(item.name.to_str().and_then(|name| name.parse::<PackId>().ok()));
            }
        }
        Ok(packs)
    }

    /// A pack's bytes, as far as they have arrived.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn read_pack(&self, pack: PackId) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.doors.disk.open(&self.pack_file(pack))?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Put a pack on the shelf; it survives a power cut afterwards.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_pack(&self, pack: PackId, bytes: &[u8]) -> Result<(), EngineError> {
        let file = self.pack_file(pack);
        let folder = file.parent().unwrap_or(&self.root);
        self.make_folder(folder)?;
        if self.doors.disk.stat(&file).is_err() {
            self.write_once(&file, bytes)?;
        } else if self.read_pack(pack).is_ok_and(|there| PackId::of(&there) != pack) {
            // a torn delivery under its name: nobody can use it, and the whole one is here
            self.write_anew(&file, bytes)?;
        } else {
            // a sync that was killed, or a provider, put it there and need not have made it durable
            self.make_durable()?;
        }
        // the folder of packs may be new: its own name has to last as long as what lies in it
        let packs = folder.parent().unwrap_or(&self.root);
        self.doors.disk.sync_dir(packs).map_err(EngineError::io("cannot write", packs))
    }

    /// Write a file that never changes: by a temporary name, durably, never over anything.
    fn write_once(&self, file: &Path, bytes: &[u8]) -> Result<(), EngineError> {
        let disk = &self.doors.disk;
        if disk.stat(file).is_ok() {
            return Ok(());
        }
        let fail = || EngineError::io("cannot write", file);
        let folder = file.parent().unwrap_or(&self.root);
        let token = self.doors.chance.token(8).map_err(fail())?;
        let temporary = folder.join(format!("{}{token}.tmp", self.beginning()));
        let written = (|| {
            let mut to = disk.create(&temporary)?;
            to.write_all(bytes)?;
            to.finish(true)?;
            match disk.rename_new(&temporary, file) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => disk.remove(&temporary),
                other => other,
            }?;
            disk.sync_dir(folder)
        })();
        if written.is_err() {
            // what cannot be finished is of no use; the next try makes its own
            disk.remove(&temporary).ok();
        }
        written.map_err(fail())
    }
}

impl Shelf for Share {
    fn read_at(&self, pack: PackId, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut file = self.doors.disk.open(&self.pack_file(pack))?;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = vec![0; len];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Identity {
    workspace: String,
}

fn identity(workspace: &str) -> String {
    serde_json::to_string(&Identity { workspace: workspace.to_owned() }).unwrap_or_default()
}
