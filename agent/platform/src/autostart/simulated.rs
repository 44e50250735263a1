//! A computer on which nothing really starts: texts in a table, and a session that notes what it was told. With one kind
//! of registration, as the person's systemd would have it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Autostart, Entry, Kind, Piece, Place, Unfit, menu, unit};

#[derive(Debug, Default)]
struct Table {
    texts: BTreeMap<Place, String>,
    told: Vec<String>,
    supervises: bool,
    refuses: bool,
}

/// Texts that only seem to be written. Copies of it are the same computer.
#[derive(Debug, Clone)]
pub struct SimulatedAutostart {
    folder: PathBuf,
    table: Arc<Mutex<Table>>,
}

impl SimulatedAutostart {
    /// A person's settings in this folder, and no session that starts anything.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), table: Arc::default() }
    }

    /// From now on the session starts what it is told to, or not.
    pub fn set_supervises(&self, supervises: bool) {
        self.table().supervises = supervises;
    }

    /// From now on nothing can be written or removed, or again.
    pub fn set_refuses(&self, refuses: bool) {
        self.table().refuses = refuses;
    }

    /// Write as the person does.
    pub fn edit(&self, place: &Place, text: Option<&str>) {
        match text {
            Some(text) => self.table().texts.insert(place.clone(), text.to_owned()),
            None => self.table().texts.remove(place),
        };
    }

    /// All that stands there.
    pub fn texts(&self) -> BTreeMap<Place, String> {
        self.table().texts.clone()
    }

    /// What the session was told, oldest first: `start NAME`, `stop NAME`, `forget`.
    pub fn told(&self) -> Vec<String> {
        self.table().told.clone()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Autostart for SimulatedAutostart {
    fn wanted(&self, entry: &Entry) -> Result<Vec<Piece>, Unfit> {
        let file = |name: String| Place::File(self.folder.join(name));
        let unit =
            Piece { kind: Kind::Unit, place: file(format!("{}.service", entry.name)), text: unit(entry)? };
        let menu =
            Piece { kind: Kind::Menu, place: file(format!("{}.desktop", entry.name)), text: menu(entry)? };
        Ok(vec![unit, menu])
    }

    fn read(&self, place: &Place) -> io::Result<Option<String>> {
        Ok(self.table().texts.get(place).cloned())
    }

    fn write(&self, place: &Place, text: &str) -> io::Result<()> {
        let mut table = self.table();
        if table.refuses {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        table.texts.insert(place.clone(), text.to_owned());
        Ok(())
    }

    fn remove(&self, place: &Place) -> io::Result<()> {
        let mut table = self.table();
        if table.refuses {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        table.texts.remove(place);
        Ok(())
    }

    fn start(&self, name: &str) -> bool {
        let mut table = self.table();
        table.told.push(format!("start {name}"));
        table.supervises
    }

    fn stop(&self, name: &str) {
        self.table().told.push(format!("stop {name}"));
    }

    fn forget(&self) {
        self.table().told.push("forget".to_owned());
    }

    fn not_made(&self) -> Option<&'static str> {
        None
    }
}
