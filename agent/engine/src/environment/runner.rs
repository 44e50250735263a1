//! The backend plugin of one workspace, ready to be called: loaded, its doors opened, the environment's name known.
//! What is remembered of an environment is which backend made it and under which name; the rest is the plugin's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::finding::Finding;
use kitbag_core::id::ContentId;
use kitbag_plugin_host::{
    Backend, Cancel, Doors, EngineGrant, EngineRight, EnvRef, EnvStatus, Fault, FaultCode, Grants, Op,
    OpContext, Phase, PluginError, Reply, Secret, Spec, Streams,
};
use serde::{Deserialize, Serialize};

use super::secret::access_token;
use super::up::GRACE;
use super::{compiler, consent, doors, keep, ports, python};
use crate::error::EngineError;
use crate::folders::IDENTITIES;
use crate::sync::Progress;
use crate::workspace::Workspace;

/// Where the ledger remembers the environment that was made here.
const MADE: &str = "environment.made";
/// Where the ledger remembers the environment's name for ever: what outlives an environment is found by it.
const ID: &str = "environment.id";
/// Where the ledger remembers which backend's environment was asked to stop, until the end of that is seen.
const STOPPING: &str = "environment.stopping";
/// A question takes no longer than this.
pub(super) const SHORT: Duration = Duration::from_secs(15);
/// Starting, stopping, a step of the course.
pub(super) const LONG: Duration = Duration::from_secs(600);

/// The environment that was made on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) backend: String,
    pub(super) id: EnvRef,
    /// The course package it was made from.
    #[serde(default)]
    pub(super) package: Option<ContentId>,
    /// What it was made from: it can be started by this whatever the course says by now.
    #[serde(default)]
    pub(super) spec: Option<Spec>,
}

/// The environment of this workspace, if one was made.
///
/// # Errors
/// The ledger fails.
pub(super) fn made(ws: &Workspace) -> Result<Option<Made>, EngineError> {
    Ok(ws.ledger.get(MADE)?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The backend the environment here was made with.
///
/// # Errors
/// The ledger fails.
pub(crate) fn made_with(ws: &Workspace) -> Result<Option<String>, EngineError> {
    Ok(made(ws)?.map(|made| made.backend))
}

/// It was destroyed.
///
/// # Errors
/// The ledger fails.
pub(super) fn forget(ws: &Workspace) -> Result<(), EngineError> {
    Ok(ws.ledger.unset(MADE)?)
}

/// A plugin with everything a call goes with.
pub(super) struct Runner<'a> {
    ws: &'a Workspace,
    plugin: Arc<dyn Backend>,
    doors: Doors,
    /// What the person allowed of Docker, as it was when this was loaded: another answer, for another backend, must
    /// not keep this one from being put away.
    rights: Option<BTreeSet<EngineRight>>,
    pub(super) made: Made,
    pub(super) token: String,
    /// Whether the token was made just now.
    pub(super) new_token: bool,
    pub(super) ports: BTreeMap<String, u16>,
    /// The unpacked course package, for a backend that takes images from it.
    pub(super) package: Option<PathBuf>,
}

impl<'a> Runner<'a> {
    /// The runner of the environment that was made here; none when none was.
    ///
    /// # Errors
    /// The plugin cannot be loaded, or machine state cannot be used.
    pub(super) async fn existing(
        ws: &'a Workspace,
        home: &Path,
        progress: Arc<dyn Progress>,
        terminal: bool,
    ) -> Result<Option<Self>, EngineError> {
        match made(ws)? {
            Some(made) => Self::load(ws, home, made, progress, terminal, false).await.map(Some),
            None => Ok(None),
        }
    }

    /// The runner of the environment about to be made with a backend, or made with it already. Nothing is remembered
    /// yet.
    ///
    /// # Errors
    /// As [`Runner::existing`].
    pub(super) async fn prepare(
        ws: &'a Workspace,
        home: &Path,
        backend: &str,
        progress: Arc<dyn Progress>,
    ) -> Result<Self, EngineError> {
        let workspace = ws.ledger.get(IDENTITIES)?.unwrap_or_default();
        let workspace = workspace.lines().min().unwrap_or(&ws.settings.name).to_owned();
        let id = EnvRef { workspace, machine: ws.settings.machine_id.clone(), name: "course".to_owned() };
        let earlier = ws.ledger.get(ID)?.and_then(|text| serde_json::from_str::<EnvRef>(&text).ok());
        let id = earlier.filter(|earlier| earlier.machine == id.machine).unwrap_or(id);
        let made = match made(ws)? {
            Some(made) if made.backend == backend => made,
            _ => Made { backend: backend.to_owned(), id, package: None, spec: None },
        };
        Self::load(ws, home, made, progress, false, true).await
    }

    /// The runner of an environment that is not the one made here any more.
    ///
    /// # Errors
    /// As [`Runner::existing`].
    pub(super) async fn of(
        ws: &'a Workspace,
        home: &Path,
        made: Made,
        progress: Arc<dyn Progress>,
    ) -> Result<Self, EngineError> {
        Self::load(ws, home, made, progress, false, false).await
    }

    async fn load(
        ws: &'a Workspace,
        home: &Path,
        made: Made,
        progress: Arc<dyn Progress>,
        terminal: bool,
        take_over: bool,
    ) -> Result<Self, EngineError> {
        let (folder, key) = compiler::cache(home, &ws.doors)?;
        let backends = ws.doors.backends.clone();
        let plugin = backends.load(&made.backend, &folder, key).await.map_err(told)?;
        let rights = consent::engine(ws, &made.backend)?;
        let doors = doors::doors(ws, &made.backend, progress, terminal)?;
        let (token, new_token) = access_token(ws, take_over)?;
        let ports = ports::remembered(ws)?;
        Ok(Runner { ws, plugin, doors, rights, made, token, new_token, ports, package: None })
    }

    /// What every call may do: the folders, the token, the ports. Programs come from the person's consent.
    pub(super) fn grants(&self, programs: &BTreeSet<String>) -> Result<Grants, EngineError> {
        let data = self.ws.environment_folder().join("data");
        self.ws.doors.disk.create_dirs(&data).map_err(EngineError::io("cannot write", &data))?;
        let folders = [
            ("work", Some(&self.ws.settings.work)),
            ("data", Some(&data)),
            ("package", self.package.as_ref()),
        ];
        let folder = |(name, place): (&str, Option<&PathBuf>)| Some((name.to_owned(), place?.clone()));
        Ok(Grants {
            programs: programs.clone(),
            program_folders: python::program_folders(self.ws, &self.made.backend)?,
            folders: folders.into_iter().filter_map(folder).collect(),
            secrets: [("token".to_owned(), Secret::new(&self.token))].into(),
            ports: self.ports.values().copied().collect(),
            engine: self.engine()?,
        })
    }

    /// What the person allowed of Docker, for the environment's own objects.
    pub(super) fn engine(&self) -> Result<Option<EngineGrant>, EngineError> {
        let rights = match &self.rights {
            Some(rights) => Some(rights.clone()),
            None => consent::engine(self.ws, &self.made.backend)?,
        };
        let EnvRef { workspace, machine, .. } = self.made.id.clone();
        Ok(rights.map(|rights| EngineGrant { workspace, machine, rights }))
    }

    /// Ask the plugin.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(super) async fn call(&self, op: Op, grants: Grants, within: Duration) -> Result<Reply, PluginError> {
        self.plugin.call(op, &OpContext::new(self.doors.clone(), grants, within)).await
    }

    /// Ask the plugin, with streams.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(super) async fn call_with(
        &self,
        op: Op,
        grants: Grants,
        within: Duration,
        streams: Streams,
    ) -> Result<Reply, PluginError> {
        self.call_until(op, grants, within, streams, Cancel::default()).await
    }

    /// Ask the plugin, with streams, until somebody gives up.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(super) async fn call_until(
        &self,
        op: Op,
        grants: Grants,
        within: Duration,
        streams: Streams,
        cancel: Cancel,
    ) -> Result<Reply, PluginError> {
        let cx = OpContext::new(self.doors.clone(), grants, within).with_streams(streams).with_cancel(cancel);
        self.plugin.call(op, &cx).await
    }

    /// How the environment is.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(super) async fn status(&self) -> Result<EnvStatus, EngineError> {
        let op = Op::Status(self.made.id.clone());
        self.call(op, self.grants(&BTreeSet::new())?, SHORT).await.and_then(Reply::status).map_err(told)
    }

    /// Which data it keeps.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(super) async fn stamp(&self) -> Result<Option<String>, EngineError> {
        let op = Op::DataStamp(self.made.id.clone());
        self.call(op, self.grants(&BTreeSet::new())?, SHORT).await.and_then(Reply::stamp).map_err(told)
    }

    /// Remember what it is about to be made from.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn made_from(&mut self, package: ContentId, spec: &Spec) -> Result<(), EngineError> {
        (self.made.package, self.made.spec) = (Some(package), Some(spec.clone()));
        self.remember()
    }

    /// Remember the environment's name, before anything is done in it; it stays when the workspace later turns out to
    /// have another id too, and when the environment is made afresh.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn remember(&self) -> Result<(), EngineError> {
        self.ws.ledger.set(ID, &serde_json::to_string(&self.made.id).unwrap_or_default())?;
        Ok(self.ws.ledger.set(MADE, &serde_json::to_string(&self.made).unwrap_or_default())?)
    }

    /// Start what does not run and wait until it can be used. From here on it may hold what nobody recorded.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(super) async fn start(
        &self,
        spec: Spec,
        programs: &BTreeSet<String>,
    ) -> Result<EnvStatus, EngineError> {
        self.finish_stopping().await?;
        keep::forget_kept(self.ws)?;
        let mut grants = self.grants(programs)?;
        grants.ports = spec.ports.iter().map(|port| port.number).collect();
        let start = self.call(Op::Start(spec), grants, LONG).await;
        start.and_then(Reply::status).map_err(told)?;
        let deadline_millis = u64::try_from(LONG.as_millis()).unwrap_or(u64::MAX);
        let wait = Op::WaitReady { id: self.made.id.clone(), deadline_millis };
        self.call(wait, self.grants(programs)?, LONG).await.and_then(Reply::status).map_err(told)
    }

    /// Stop all it runs.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(super) async fn stop(&self, grace: Duration) -> Result<(), EngineError> {
        self.ws.ledger.set(STOPPING, &self.made.backend)?;
        let grace_millis = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let op = Op::Stop { id: self.made.id.clone(), grace_millis };
        self.call(op, self.grants(&BTreeSet::new())?, LONG).await.and_then(Reply::status).map_err(told)?;
        Ok(self.ws.ledger.unset(STOPPING)?)
    }

    /// Whether a command that is no more asked it to stop: whatever runs may end at any moment.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn is_stopping(&self) -> Result<bool, EngineError> {
        Ok(self.ws.ledger.get(STOPPING)?.is_some_and(|backend| backend == self.made.backend))
    }

    /// See the end of that.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(super) async fn finish_stopping(&self) -> Result<(), EngineError> {
        if self.is_stopping()? { self.stop(GRACE).await } else { Ok(()) }
    }

    /// Stop and forget it.
    ///
    /// # Errors
    /// What the plugin or its host says.
    pub(super) async fn destroy(&self) -> Result<(), EngineError> {
        let op = Op::Destroy(self.made.id.clone());
        self.call(op, self.grants(&BTreeSet::new())?, LONG).await.and_then(Reply::done).map_err(told)?;
        if self.is_stopping()? {
            self.ws.ledger.unset(STOPPING)?;
        }
        Ok(())
    }
}

/// Whether some program of it runs.
pub(super) fn runs(status: &EnvStatus) -> bool {
    let live = |phase: Phase| matches!(phase, Phase::Running | Phase::Starting);
    !matches!(status.phase, Phase::Absent | Phase::Stopped)
        && status.services.iter().any(|one| live(one.phase))
}

/// What a plugin says, for a person.
pub(super) fn told(error: PluginError) -> EngineError {
    let fault = error.fault();
    let code = fault.code;
    let finding = finding(fault);
    match code {
        FaultCode::MissingTool
        | FaultCode::NotGranted
        | FaultCode::Quota
        | FaultCode::NotFound
        | FaultCode::NotReady
        | FaultCode::Network => EngineError::Missing(finding),
        FaultCode::PortTaken => EngineError::PortTaken(finding),
        _ => EngineError::Failed(finding),
    }
}

/// The words of a fault.
pub(crate) fn finding(fault: Fault) -> Finding {
    let Fault { message, detail, remedies, .. } = fault;
    let remedies = remedies.into_iter().map(|remedy| match remedy.command.as_slice() {
        [] => remedy.text,
        command => format!("{} `{}`", remedy.text, command.join(" ")),
    });
    let remedy = remedies.collect::<Vec<_>>().join(" ");
    let remedy = if remedy.is_empty() {
        "Try again; if it stays, show this to your tutor.".to_owned()
    } else {
        remedy
    };
    Finding::new(message, detail.unwrap_or_default(), remedy)
}
