//! A database and its dump on this machine: one is made from the other in files of machine state, by way of temporary
//! ones. Also the course's first database, and taking one away with all SQLite keeps beside it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kitbag_core::course::{Service, Sqlite};
use kitbag_core::id::ContentId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;
use kitbag_store::Contents;

use super::databases::{Databases, Trouble, file};
use super::sqlite::{self, CsvTable};
use crate::error::EngineError;
use crate::sync::Kept;
use crate::workspace::Workspace;

/// The files SQLite keeps beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// One dump in machine state, removed when it is no longer needed.
pub(super) struct Dump<'a> {
    ws: &'a Workspace,
    pub(super) file: PathBuf,
    pub(super) content: Content,
}

impl Drop for Dump<'_> {
    fn drop(&mut self) {
        // a leftover costs disk only and is written over next time
        self.ws.doors.disk.remove(&self.file).ok();
    }
}

impl<'a> Databases<'a> {
    /// Dump a database to a file of machine state.
    ///
    /// # Errors
    /// It cannot be dumped, or the file cannot be written.
    pub(super) fn dump(&self, service: &str) -> Result<Dump<'a>, Trouble> {
        let folder = self.ws.environment_folder().join("dumps");
        let to = folder.join(format!("{service}.dump"));
        let disk = &self.ws.doors.disk;
        let fail = || EngineError::io("cannot write", &to);
        disk.create_dirs(&folder).map_err(fail())?;
        remove(self.ws, &to)?;
        let mut out =
            Hashing { to: disk.create(&to).map_err(fail())?, hasher: blake3::Hasher::new(), size: 0 };
        let mut dump = Dump { ws: self.ws, file: to.clone(), content: Content::Deleted };
        sqlite::dump(&file(self.ws, service), &mut out)?;
        dump.content = Content::file(ContentId::from(out.hasher.finalize()), out.size);
        out.to.finish(false).map_err(fail())?;
        Ok(dump)
    }

    /// Put the database a backup describes in the place of what is there.
    ///
    /// # Errors
    /// The backup cannot be read or is refused; the database is as it was then.
    pub(super) fn restore(&self, service: &str, content: Content) -> Result<(), Trouble> {
        let folder = self.ws.environment_folder().join("dumps");
        let disk = &self.ws.doors.disk;
        disk.create_dirs(&folder).map_err(EngineError::io("cannot write", &folder))?;
        let from = folder.join(format!("{service}.restore"));
        let fail = || EngineError::io("cannot write", &from);
        remove(self.ws, &from)?;
        let dump = Dump { ws: self.ws, file: from.clone(), content };
        let Some(id) = content.id() else { return Err(Trouble::Told("the backup was deleted".into())) };
        let mut out = disk.create(&from).map_err(fail())?;
        let kept = Kept::new(self.ws.kept_folder(), &self.ws.doors);
        let contents = Contents::new(&self.ws.ledger, self.share, &kept);
        contents
            .copy_to(id, &mut out)
            .map_err(|error| Trouble::Told(format!("its backup cannot be read: {error}")))?;
        out.finish(false).map_err(fail())?;
        let mut open = disk.open(&dump.file).map_err(EngineError::io("cannot read", &from))?;
        sqlite::restore(&mut open, &file(self.ws, service))?;
        Ok(())
    }

    /// Make the course's first database.
    ///
    /// # Errors
    /// The course's files cannot be used.
    pub(super) fn seed(&self, service: &Service, sqlite: &Sqlite) -> Result<(), Trouble> {
        let files = self.here.files(&self.ws.doors);
        let bytes = |path: &WorkPath| {
            files.bytes(path).ok_or_else(|| Trouble::Told(format!("the course's file {path} cannot be read")))
        };
        let schema = sqlite.schema.as_ref().map(bytes).transpose()?.unwrap_or_default();
        let schema =
            String::from_utf8(schema).map_err(|_| Trouble::Told("the course's schema is not text".into()))?;
        let mut tables = Vec::with_capacity(sqlite.csv.len());
        for csv in &sqlite.csv {
            tables.push(CsvTable {
                table: csv.table.clone(),
                csv: bytes(&csv.file)?,
                delimiter: csv.delimiter,
            });
        }
        sqlite::seed(&schema, &tables, &file(self.ws, &service.name))?;
        Ok(())
    }

    /// Remove a service's database from this machine, or put it aside when it could not be recorded; where to.
    ///
    /// # Errors
    /// Machine state cannot be written.
    pub(super) fn discard(&self, service: &str, aside: bool) -> Result<Option<PathBuf>, EngineError> {
        let database = file(self.ws, service);
        if !aside {
            // what belongs to the database first: left alone it would be taken for the next one's
            for companion in COMPANIONS {
                remove(self.ws, &beside(&database, companion))?;
            }
            remove(self.ws, &database)?;
            self.ws.ledger.clear_loaded(service)?;
            return Ok(None);
        }
        let disk = &self.ws.doors.disk;
        let token = name_token(self.ws)?;
        let to = database.with_file_name(format!("{service}.put-aside-{token}.sqlite"));
        for companion in std::iter::once("").chain(COMPANIONS) {
            let (from, to) = (beside(&database, companion), beside(&to, companion));
            match disk.rename_new(&from, &to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(EngineError::io("cannot put aside", &from)(error));
                }
                _ => {}
            }
        }
        self.ws.ledger.clear_loaded(service)?;
        Ok(Some(to))
    }
}

fn name_token(ws: &Workspace) -> Result<String, EngineError> {
    ws.doors.chance.token(4).map_err(EngineError::io("cannot name a file in", &ws.state))
}

fn beside(database: &Path, companion: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(companion);
    name.into()
}

fn remove(ws: &Workspace, file: &Path) -> Result<(), EngineError> {
    match ws.doors.disk.remove(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(EngineError::io("cannot remove", file)(error))
        }
        _ => Ok(()),
    }
}

/// Counts and hashes what goes through.
struct Hashing {
    to: Box<dyn kitbag_platform::disk::Writing>,
    hasher: blake3::Hasher,
    size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
