//! What the servers of an environment hold is recorded before anything takes it away or writes over it. An environment
//! that was left without `done` is started for that, by the very specification it was made from, for the course may
//! have changed since. Once everything is recorded and it stands still that is noted, so that nobody has to wait for
//! it again; the note goes, durably, before it is started.

use std::path::Path;
use std::sync::Arc;

use kitbag_core::finding::Finding;
use kitbag_plugin_host::{EnvStatus, Op, Phase, Port, Reply};

use super::databases::{Databases, Outcome, Servers, half_server};
use super::launch::PORT_TURNS;
use super::runner::{LONG, Made, Runner, SHORT, runs, told};
use super::{consent, jupyter, ports, snapshot};
use crate::course::{CourseHere, unpack};
use crate::error::EngineError;
use crate::share::Share;
use crate::sync::Progress;
use crate::workspace::Workspace;

/// Where the ledger notes that all an environment holds is recorded and that it stands still since.
const KEPT: &str = "environment.kept";

/// What keeping came to.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What was recorded, and what could not be.
    pub(super) outcome: Outcome,
    /// It was started for that, and nobody was told where.
    pub(super) started: bool,
}

/// An environment as it was made, and the course it was made from.
pub(super) struct Keeper<'a> {
    pub(super) ws: &'a Workspace,
    pub(super) share: &'a Share,
    pub(super) runner: &'a Runner<'a>,
    pub(super) here: &'a CourseHere,
}

impl<'a> Keeper<'a> {
    /// Whether the course keeps databases of servers with this backend.
    pub(super) fn concerns(&self) -> bool {
        self.here.course.databases(&self.runner.made.backend).any(|(service, _)| service.backup)
    }

    /// Whether some command that brings a database in may be at work in it, with nobody waiting for it.
    fn is_begun(&self) -> Result<bool, EngineError> {
        Ok(half_server(self.ws, self.here, &self.runner.made.backend)?.is_some())
    }

    /// Record what it holds, with everything going on. One that does not run is left alone.
    ///
    /// # Errors
    /// The share cannot be written, or the ledger fails. A database that cannot be saved is a trouble.
    pub(super) async fn record(&self) -> Result<Outcome, EngineError> {
        let urls = ports::urls(self.ws, &self.here.course, &self.runner.made.backend, &self.runner.ports);
        let servers = Servers::found(self.runner, urls).await?;
        let (ws, share, here) = (self.ws, self.share, self.here);
        Databases { ws, share, here, servers: Some(&servers) }.record_servers().await
    }

    /// Record what it holds where it runs, with everything going on; none: it does not run, and holds what was not
    /// recorded.
    ///
    /// # Errors
    /// As [`Keeper::record`].
    pub(super) async fn record_if_running(&self) -> Result<Option<Outcome>, EngineError> {
        // while one is brought in they hold nothing that was not recorded before
        if !self.concerns() || self.is_begun()? {
            return Ok(Some(Outcome::default()));
        }
        if self.runner.is_stopping()? {
            return Ok(None);
        }
        let recorded = match self.runner.status().await {
            Ok(status) if !runs(&status) => return Ok(is_kept(self.ws)?.then(Outcome::default)),
            Ok(_) => self.record().await,
            Err(error) => Err(error),
        };
        recorded.or_else(|error| Ok(self.unusable(error)?.outcome)).map(Some)
    }

    /// Record what it holds and was not recorded yet, and start it for that where it does not run.
    ///
    /// # Errors
    /// As [`Keeper::record`].
    pub(super) async fn keep(&self, status: &EnvStatus) -> Result<Kept, EngineError> {
        if !self.concerns() {
            return Ok(Kept::default());
        }
        let live = runs(status);
        if !live && (is_kept(self.ws)? || !self.has_data(status).await?) {
            return Ok(Kept::default());
        }
        let begun = live && (self.is_begun()? || self.runner.is_stopping()?);
        let mut kept = Kept { started: !live || begun, ..Kept::default() };
        let tried = async {
            if begun {
                self.runner.stop(super::up::GRACE).await?;
            }
            // one that should run and does not is started again too
            if !live || begun || status.phase == Phase::Unhealthy {
                self.start(status).await?;
            }
            self.record().await
        };
        match tried.await.or_else(|error| Ok(self.unusable(error)?.outcome)) {
            Ok(outcome) => kept.outcome = outcome,
            Err(error) => {
                // nobody is told where it is
                if kept.started
                    && let Err(error) = self.runner.stop(super::up::GRACE).await
                {
                    tracing::warn!(%error, "what was started could not be stopped");
                }
                return Err(error);
            }
        }
        Ok(kept)
    }

    /// A backend that says no is a trouble of each database.
    fn unusable(&self, error: EngineError) -> Result<Kept, EngineError> {
        let (EngineError::Failed(finding) | EngineError::Missing(finding) | EngineError::PortTaken(finding)) =
            error
        else {
            return Err(error);
        };
        let mut kept = Kept::default();
        let services = self.here.course.databases(&self.runner.made.backend);
        for (service, _) in services.filter(|(service, _)| service.backup) {
            let what = finding.what.trim_end_matches('.');
            let reason = format!("its environment cannot be used: {what}. {}", finding.why);
            kept.outcome.troubles.insert(service.name.clone(), reason.trim_end().to_owned());
        }
        Ok(kept)
    }

    /// Record what it holds and stop it: after this it can be taken away.
    ///
    /// # Errors
    /// Something of it cannot be recorded: it goes on as it is, and `doing` says what was not done. As
    /// [`Keeper::keep`].
    pub(super) async fn put_away(&self, doing: &str) -> Result<Outcome, EngineError> {
        let status = self.runner.status().await?;
        if runs(&status) {
            jupyter::end_all(self.ws, self.runner, &self.here.course, &status).await;
        }
        let kept = self.keep(&status).await?;
        if let Some((service, why)) = kept.outcome.troubles.first_key_value() {
            if kept.started {
                self.runner.stop(super::up::GRACE).await?;
            }
            return Err(EngineError::Failed(Finding::new(
                format!("{doing}, because what the database {service} holds cannot be saved"),
                why.clone(),
                "Nothing was taken away. Try again; if it stays so, `kitbag reset` makes the environment afresh with \
                 the last backup.",
            )));
        }
        if runs(&status) || kept.started {
            self.runner.stop(super::up::GRACE).await?;
        }
        note_kept(self.ws)?;
        Ok(kept.outcome)
    }

    /// Whether there is something it could have data in. A backend that cannot tell keeps none of what is absent.
    async fn has_data(&self, status: &EnvStatus) -> Result<bool, EngineError> {
        Ok(status.phase != Phase::Absent || self.runner.stamp().await?.is_some())
    }

    /// Start it as it was made, for kitbag alone.
    async fn start(&self, status: &EnvStatus) -> Result<(), EngineError> {
        let runner = self.runner;
        let Some(spec) = runner.made.spec.clone() else {
            return Err(EngineError::Failed(Finding::new(
                "it is not known how it was made",
                "It was made by an earlier kitbag.",
                "Start it by hand and run `kitbag done`.",
            )));
        };
        let programs = consent::granted(self.ws, self.here, &runner.made.backend)?.unwrap_or_default();
        let grants = || runner.grants(&programs);
        if status.phase == Phase::Absent {
            let plan = runner.call(Op::Plan(spec.clone()), grants()?, SHORT).await.and_then(Reply::plan);
            let fingerprint = plan.map_err(told)?.fingerprint;
            let create = Op::Create { spec: spec.clone(), fingerprint };
            runner.call(create, grants()?, LONG).await.and_then(Reply::done).map_err(told)?;
        }
        let mut spec = spec;
        for _ in 0..PORT_TURNS {
            match runner.start(spec.clone(), &programs).await {
                Err(EngineError::PortTaken(_)) => {}
                started => return started.map(drop),
            }
            let had = spec.ports.iter().map(|port| (port.service.clone(), port.number)).collect();
            let others = ports::others(self.ws, &had)?;
            spec.ports = others.into_iter().map(|(service, number)| Port { service, number }).collect();
        }
        runner.start(spec, &programs).await.map(drop)
    }
}

/// The course an environment was made from, where that is still here; else the one there is.
///
/// # Errors
/// The ledger fails or machine state cannot be written.
pub(super) fn course(
    ws: &Workspace,
    share: &Share,
    made: &Made,
    here: Option<&CourseHere>,
) -> Result<Option<CourseHere>, EngineError> {
    let other = made.package.filter(|package| here.is_none_or(|here| here.id != *package));
    let found = other.map(|package| unpack::of_package(ws, share, package)).transpose()?.flatten();
    Ok(found.or_else(|| here.cloned()))
}

/// The environment made here with the course it was made from.
///
/// # Errors
/// The ledger fails or the backend cannot be loaded.
pub(super) async fn existing<'a>(
    ws: &'a Workspace,
    share: &Share,
    home: &Path,
    here: Option<&CourseHere>,
    progress: Arc<dyn Progress>,
) -> Result<Option<(Runner<'a>, CourseHere)>, EngineError> {
    let Some(mut runner) = Runner::existing(ws, home, progress, false).await? else { return Ok(None) };
    let Some(here) = course(ws, share, &runner.made, here)? else { return Ok(None) };
    runner.package = Some(here.folder.clone());
    snapshot::settle(ws, &runner, &here.course).await?;
    Ok(Some((runner, here)))
}

/// Record what an environment holds that was left without `done`, before anything newer comes in.
///
/// # Errors
/// The share cannot be written, or the ledger fails. An environment that cannot be used is a trouble of its databases.
pub(super) async fn unclosed(
    ws: &Workspace,
    share: &Share,
    home: &Path,
    here: Option<&CourseHere>,
    progress: Arc<dyn Progress>,
) -> Result<Kept, EngineError> {
    let (runner, here) = match existing(ws, share, home, here, progress).await {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Kept::default()),
        Err(EngineError::Failed(finding) | EngineError::Missing(finding)) => {
            // said again, with its remedy, when it is to be started
            tracing::warn!(what = finding.what, "the environment made here cannot be used");
            return Ok(Kept::default());
        }
        Err(error) => return Err(error),
    };
    let keeper = Keeper { ws, share, runner: &runner, here: &here };
    if !keeper.concerns() {
        return Ok(Kept::default());
    }
    match runner.status().await {
        Ok(status) => keeper.keep(&status).await,
        Err(error) => keeper.unusable(error),
    }
}

/// Whether all it holds is recorded and it was not started since, as far as kitbag started it.
///
/// # Errors
/// The ledger fails.
pub(super) fn is_kept(ws: &Workspace) -> Result<bool, EngineError> {
    Ok(ws.ledger.get(KEPT)?.is_some())
}

/// All it holds is recorded, and it stands still.
///
/// # Errors
/// The ledger fails.
pub(super) fn note_kept(ws: &Workspace) -> Result<(), EngineError> {
    Ok(ws.ledger.set(KEPT, "yes")?)
}

/// It is about to run.
///
/// # Errors
/// The ledger fails.
pub(super) fn forget_kept(ws: &Workspace) -> Result<(), EngineError> {
    Ok(ws.ledger.unset(KEPT)?)
}
