//! Databases of servers that live inside an environment. The course says by which commands one is saved and brought
//! back; they run where the server runs, and their input and output are files of machine state. A dump counts only
//! when its command ended well; a restore of which no end was seen leaves a database that nobody may work on.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use kitbag_core::course::Database;
use kitbag_core::database::Environment;
use kitbag_core::finding::Finding;
use kitbag_plugin_host::{ByteReader, ByteWriter};

use super::Trouble;
use super::spool::{Dump, Receiving};
use crate::environment::inside::{self, Command, FromFile};
use crate::environment::runner::Runner;
use crate::error::EngineError;
use crate::workspace::Workspace;

/// Between two questions whether a server answers.
const PAUSE: Duration = Duration::from_millis(300);

/// The servers of an environment that runs.
pub(in crate::environment) struct Servers<'a> {
    runner: &'a Runner<'a>,
    urls: Vec<(String, String)>,
    /// Which data they keep.
    pub(super) stamp: Option<String>,
    /// Whether the environment began just now, and with it its databases.
    pub(super) fresh: bool,
}

impl<'a> Servers<'a> {
    /// Those of an environment that was there before this command.
    ///
    /// # Errors
    /// The backend cannot be asked.
    pub(in crate::environment) async fn found(
        runner: &'a Runner<'a>,
        urls: Vec<(String, String)>,
    ) -> Result<Self, EngineError> {
        let stamp = runner.stamp().await?;
        Ok(Servers { runner, urls, stamp, fresh: false })
    }

    /// Those of an environment that was made or started just now.
    ///
    /// # Errors
    /// The backend cannot be asked.
    pub(in crate::environment) async fn started(
        runner: &'a Runner<'a>,
        urls: Vec<(String, String)>,
        was_absent: bool,
        before: Option<&str>,
        keeps_files: bool,
    ) -> Result<Self, EngineError> {
        let stamp = runner.stamp().await?;
        let fresh = Environment { was_absent, before, now: stamp.as_deref(), keeps_files }.is_fresh();
        Ok(Servers { runner, urls, stamp, fresh })
    }

    /// The backend that runs them.
    pub(super) fn backend(&self) -> &str {
        &self.runner.made.backend
    }

    /// Whether there is anything to ask.
    ///
    /// # Errors
    /// The backend does not answer.
    pub(super) async fn answer(&self) -> Result<(), EngineError> {
        self.runner.status().await.map(drop)
    }

    /// Wait until a server answers.
    ///
    /// # Errors
    /// It does not in the time the course gives it.
    pub(super) async fn ready(&self, service: &str, database: &Database) -> Result<(), Trouble> {
        let Some(ready) = &database.ready else { return Ok(()) };
        let until = Instant::now() + limit(database);
        loop {
            match self.run(service, database, ready, None, None).await? {
                None => return Ok(()),
                Some(_) if Instant::now() < until => tokio::time::sleep(PAUSE).await,
                Some(why) => return Err(Trouble::Told(format!("its server does not answer: {why}"))),
            }
        }
    }

    /// Dump a database.
    ///
    /// # Errors
    /// Its command does not end well, or machine state cannot be written.
    pub(super) async fn dump<'w>(
        &self,
        ws: &'w Workspace,
        service: &str,
        database: &Database,
    ) -> Result<Dump<'w>, Trouble> {
        self.ready(service, database).await?;
        let Some(normalise) = &database.normalise else {
            return self.received(ws, service, "dump", database, &database.dump, None).await;
        };
        let raw = self.received(ws, service, "raw", database, &database.dump, None).await?;
        self.received(ws, service, "dump", database, normalise, Some(&raw.file)).await
    }

    /// Put what a dump holds in the place of all that is there.
    ///
    /// # Errors
    /// Its command does not end well.
    pub(super) async fn restore(
        &self,
        ws: &Workspace,
        service: &str,
        database: &Database,
        dump: &Path,
    ) -> Result<(), Trouble> {
        let input = opened(ws, dump)?;
        match self.run(service, database, &database.restore, Some(input), None).await? {
            None => Ok(()),
            Some(why) => Err(Trouble::Told(format!("its backup could not be brought in: {why}"))),
        }
    }

    /// What a command writes, in a file.
    async fn received<'w>(
        &self,
        ws: &'w Workspace,
        service: &str,
        what: &str,
        database: &Database,
        argv: &[String],
        from: Option<&Path>,
    ) -> Result<Dump<'w>, Trouble> {
        let (dump, hashing) = Dump::begin(ws, &format!("{service}.{what}"))?;
        let receiving = Receiving::new(hashing);
        let input = from.map(|from| opened(ws, from)).transpose()?;
        let ran = self.run(service, database, argv, input, Some(receiving.writer())).await?;
        let hashing = receiving.end().map_err(EngineError::io("cannot write", &dump.file))?;
        match ran {
            None => Ok(dump.end(hashing)?),
            Some(why) => Err(Trouble::Told(format!("it could not be saved: {why}"))),
        }
    }

    async fn run(
        &self,
        service: &str,
        database: &Database,
        argv: &[String],
        input: Option<ByteReader>,
        output: Option<ByteWriter>,
    ) -> Result<Option<String>, EngineError> {
        let command = Command {
            argv: argv.to_vec(),
            env: self.urls.clone(),
            // the backend knows where that is
            folder: Some(format!("{service}:")),
            within: limit(database),
        };
        inside::run(self.runner, &BTreeSet::new(), command, input, output).await
    }
}

fn limit(database: &Database) -> Duration {
    Duration::from_secs(database.timeout_seconds)
}

fn opened(ws: &Workspace, file: &Path) -> Result<ByteReader, EngineError> {
    let open = ws.doors.disk.open(file).map_err(EngineError::io("cannot read", file))?;
    Ok(Box::new(FromFile(open)))
}

/// What a program says when the disk it writes to is full: the system's own words (ENOSPC, EDQUOT).
const FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// Whether a database could not be brought in because there was no room for it; that in words.
pub(super) fn full(service: &str, why: &str) -> Option<EngineError> {
    FULL.iter().any(|words| why.contains(words)).then(|| {
        EngineError::Missing(Finding::new(
            format!("the disk that the database {service} lies on is full"),
            why,
            "Nothing is lost, and nothing was started on older rows. Free some space, then run `kitbag up` again; with \
             Docker, `docker system df` shows what takes room.",
        ))
    })
}

/// A database that was not brought in whole must not be worked on.
pub(super) fn half(service: &str, why: &str) -> EngineError {
    EngineError::Failed(Finding::new(
        format!("the database {service} could not be brought in"),
        why,
        format!(
            "Nothing is lost: `kitbag up` tries again, and `kitbag history backups/{service}` shows every version. If \
             it happens again, `kitbag reset` makes the environment afresh."
        ),
    ))
}
