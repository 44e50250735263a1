//! SQLite databases: each is a file of machine state that kitbag makes itself. Dump and restore are in `sqlite`; here
//! are the course's first database, and taking one away with all SQLite keeps beside it.

use std::io;
use std::path::{Path, PathBuf};

use kitbag_core::course::{Service, Sqlite};
use kitbag_core::path::WorkPath;
use kitbag_core::version::Content;

use super::spool::{Dump, remove};
use super::{Databases, Trouble};
use crate::environment::sqlite::{self, CsvTable};
use crate::error::EngineError;
use crate::workspace::Workspace;

/// The files SQLite keeps beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Where the SQLite database of a service lies on this machine.
pub fn file(ws: &Workspace, service: &str) -> PathBuf {
    ws.environment_folder().join("databases").join(format!("{service}.sqlite"))
}

impl<'a> Databases<'a> {
    /// Dump a database.
    ///
    /// # Errors
    /// It cannot be dumped, or the file cannot be written.
    pub(super) fn dump_file(&self, service: &str) -> Result<Dump<'a>, Trouble> {
        let (dump, mut out) = Dump::begin(self.ws, &format!("{service}.dump"))?;
        sqlite::dump(&file(self.ws, service), &mut out)?;
        Ok(dump.end(out)?)
    }

    /// Put the database a backup describes in the place of what is there.
    ///
    /// # Errors
    /// The backup cannot be read or is refused; the database is as it was then.
    pub(super) fn restore_file(&self, service: &str, content: Content) -> Result<(), Trouble> {
        let dump = self.copied_out(service, content)?;
        let mut open =
            self.ws.doors.disk.open(&dump.file).map_err(EngineError::io("cannot read", &dump.file))?;
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
    pub(in crate::environment) fn discard(
        &self,
        service: &str,
        aside: bool,
    ) -> Result<Option<PathBuf>, EngineError> {
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
