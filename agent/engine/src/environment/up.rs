//! `up`, in the order that keeps work safe: what the databases hold is recorded before anything comes in; files come
//! in before seeds are placed; databases are brought in before a program is started; the session opens when people
//! can work. Each part can be stopped and done again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::course::{Course, Moment, Service, ServiceKind, Specs, machine_problems};
use kitbag_core::notebook::Notebooks;
use kitbag_core::path::shown;
use kitbag_core::session::EventKind;
use kitbag_platform::disk::RealDisk;
use kitbag_platform::specs::{Host, RealHost};
use kitbag_plugin_host::{EnvStatus, FaultCode, Op, Phase, Port, Reply, Spec};

use super::choose::choose;
use super::consent::{self, Allowed, Question};
use super::databases::Databases;
use super::notebooks::open_notebooks;
use super::reach::{self, Opened};
use super::runner::{LONG, Runner, SHORT, runs, told};
use super::view::{ServiceView, show};
use super::{ports, steps};
use crate::course::unpack::{Standing, ensure_unpacked};
use crate::course::{CourseHere, folders, rules, seeds};
use crate::error::EngineError;
use crate::events;
use crate::share::Share;
use crate::sync::report::Report;
use crate::sync::{self, Progress, Request};
use crate::workspace::Workspace;

/// Where the ledger remembers for which package the files left alone were told.
const TOLD: &str = "course.told";
/// How long programs may take to end.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// What a person asks of `up`.
pub struct Options<'a> {
    /// The backend, where the course's first is not wanted.
    pub backend: Option<String>,
    /// Shows what a course wants to start and takes the answer; `--yes` answers yes.
    pub ask: &'a dyn Fn(&Question) -> bool,
}

/// What `up` did.
#[derive(Debug, Clone)]
pub struct Up {
    /// Every service of the course.
    pub services: Vec<ServiceView>,
    /// What was carried, and what is left.
    pub report: Report,
    /// What a person should know, each a sentence or two.
    pub notes: Vec<String>,
    /// What to open now, with the access token in it.
    pub open: Option<Opened>,
}

/// Bring the work in and start the course.
///
/// # Errors
/// A folder is missing, the course cannot run here, its programs were not allowed, a database cannot be brought in, or
/// a program did not start. What was started is stopped again then.
pub async fn up(
    ws: &Workspace,
    home: &Path,
    options: &Options<'_>,
    progress: Arc<dyn Progress>,
) -> Result<Up, EngineError> {
    let share = ws.share();
    share.check(ws, false)?;
    let mut troubles = BTreeMap::new();
    let before = ensure_unpacked(ws, &share)?.here;
    if let Some(here) = &before {
        troubles.extend(Databases { ws, share: &share, here }.record_changes()?.troubles);
    }
    let notebooks = open_notebooks(ws, home).await;
    let request = Request { notebooks: notebooks.clone(), ..Request::default() };
    let report = sync::run(ws, &rules(before.as_ref()), request, progress.as_ref())?;
    let mut up = Up { services: Vec::new(), report, notes: elsewhere(ws)?, open: None };
    let Standing { here, reason } = ensure_unpacked(ws, &share)?;
    up.notes.extend(reason);
    let Some(here) = here else {
        up.notes.push(
            "This workspace has no course here yet, so nothing is started. The files are in step; \
             `kitbag setup --course FOLDER` brings a course in."
                .to_owned(),
        );
        open_session(ws, &share)?;
        return Ok(up);
    };
    let mut work = Work { ws, share: &share, here: &here, progress, up, troubles, notebooks };
    work.files(before.as_ref())?;
    work.environment(home, options).await?;
    open_session(ws, &share)?;
    Ok(work.up)
}

/// Where else the workspace is open.
fn elsewhere(ws: &Workspace) -> Result<Vec<String>, EngineError> {
    let open = events::machines(ws)?.into_iter().filter(|machine| !machine.this);
    let note = |machine: kitbag_core::session::Presence| {
        let since = machine.session_open?;
        Some(format!(
            "The course is open on {} since {}. What is done there arrives when its cloud program has carried it.",
            shown(&machine.name),
            shown(&since)
        ))
    };
    Ok(open.filter_map(note).collect())
}

fn open_session(ws: &Workspace, share: &Share) -> Result<(), EngineError> {
    if events::session_open(&ws.ledger)? {
        return Ok(());
    }
    events::add(ws, share, EventKind::Opened)
}

struct Work<'a> {
    ws: &'a Workspace,
    share: &'a Share,
    here: &'a CourseHere,
    progress: Arc<dyn Progress>,
    up: Up,
    /// Databases that cannot be recorded, and why.
    troubles: BTreeMap<String, String>,
    /// What a course that runs already has open.
    notebooks: Notebooks,
}

impl Work<'_> {
    fn databases(&self) -> Databases<'_> {
        Databases { ws: self.ws, share: self.share, here: self.here }
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        let request = Request { notebooks: self.notebooks.clone(), ..Request::default() };
        let report = sync::run(self.ws, &rules(Some(self.here)), request, self.progress.as_ref())?;
        self.up.report = std::mem::take(&mut self.up.report).then(report);
        Ok(())
    }

    /// The course's own files and folders.
    fn files(&mut self, before: Option<&CourseHere>) -> Result<(), EngineError> {
        let new = before.is_none_or(|before| before.id != self.here.id);
        if new {
            self.troubles.extend(self.databases().record_changes()?.troubles);
        }
        let placed = seeds::place(self.ws, self.share, self.here)?;
        folders::make_required(self.ws, &self.here.course)?;
        if new || placed.placed > 0 {
            self.sync()?;
        }
        if !placed.left.is_empty() && self.first_told()? {
            let left: Vec<_> = placed.left.iter().take(5).map(ToString::to_string).collect();
            let more = if placed.left.len() > left.len() { " and more" } else { "" };
            self.up.notes.push(format!(
                "The course has files of its own for {}{more}; yours were left as they are.",
                left.join(", ")
            ));
        }
        let specs = RealHost(RealDisk).specs(&self.ws.state);
        let specs = specs.map_or_else(
            |_| Specs::default(),
            |specs| Specs {
                memory_mb: Some(specs.memory >> 20),
                free_disk_mb: Some(specs.disk_free >> 20),
                cores: u64::try_from(specs.cores).ok(),
            },
        );
        let short = machine_problems(&self.here.course.machine, &specs);
        self.up.notes.extend(short.into_iter().map(|one| format!("{} {} {}", one.what, one.why, one.remedy)));
        Ok(())
    }

    /// Whether this package's first start is now: what is said once is not said every day.
    fn first_told(&self) -> Result<bool, EngineError> {
        let id = self.here.id.to_string();
        if self.ws.ledger.get(TOLD)?.as_ref() == Some(&id) {
            return Ok(false);
        }
        self.ws.ledger.set(TOLD, &id)?;
        Ok(true)
    }

    async fn environment(&mut self, home: &Path, options: &Options<'_>) -> Result<(), EngineError> {
        let course = &self.here.course;
        let backend = choose(course, options.backend.as_deref())?;
        let allowed = consent::programs(self.ws, self.here, &backend, options.ask)?;
        if !allowed.left_out.is_empty() {
            let names: Vec<_> = allowed.left_out.iter().map(String::as_str).collect();
            self.up.notes.push(format!(
                "The course would also start {}, which you have not allowed yet: answer yes to `kitbag up`, or use \
                 `kitbag up --yes`.",
                names.join(", ")
            ));
        }
        let elsewhere = |service| Some((service, course.why_not(service, &backend)?));
        for (service, why) in course.services.iter().filter_map(elsewhere) {
            self.up.notes.push(format!("{} is left out: {why}", service.title));
        }
        let mut runner = Runner::new(self.ws, home, &backend, self.progress.clone()).await?;
        if runner.new_token {
            self.up.notes.push(
                "The access token of this course's services is kept in a file of this machine that only you can read."
                    .to_owned(),
            );
        }
        let mut status = runner.status().await?;
        if self.databases().must_write()? && runs(&status) {
            runner.stop(GRACE).await?;
            self.notebooks = Notebooks::Unknown;
            status = runner.status().await?;
            self.troubles.extend(self.databases().record_changes()?.troubles);
        }
        let brought = self.databases().bring_in(&self.troubles)?;
        self.troubles.extend(brought.troubles);
        self.up.notes.extend(brought.notes);
        self.up.notes.extend(
            brought.restored.iter().map(|name| format!("The database {name} is as you left it last.")),
        );
        if brought.records > 0 {
            self.sync()?;
        }
        let live = live(&status);
        runner.ports = ports::choose(self.ws, course, &backend, |service| live.contains(service))?;
        let started = self.start(&runner, &allowed).await;
        let status = match started {
            Ok(status) => status,
            Err(error) => {
                if let Err(error) = runner.stop(GRACE).await {
                    tracing::warn!(%error, "what was started could not be stopped");
                }
                return Err(error);
            }
        };
        let made = Some(&runner.made);
        self.up.services = show(self.ws, made, Some(self.here), Ok(Some(&status))).services;
        self.up.open = reach::first(&runner, course, self.ws).await?;
        let problems =
            self.troubles.iter().map(|(service, reason)| (service.clone(), reason.clone())).collect();
        let outcome = super::databases::Outcome { troubles: problems, ..Default::default() };
        self.up.report.problems.extend(outcome.problems());
        Ok(())
    }

    async fn start(&mut self, runner: &Runner<'_>, allowed: &Allowed) -> Result<EnvStatus, EngineError> {
        let (course, programs) = (&self.here.course, &allowed.programs);
        let urls = ports::urls(self.ws, course, &runner.made.backend, &runner.ports);
        let spec = Spec {
            id: runner.made.id.clone(),
            source: source(course, &runner.made.backend, &allowed.left_out),
            ports: runner
                .ports
                .iter()
                .map(|(service, number)| Port { service: service.clone(), number: *number })
                .collect(),
            env: urls.clone(),
        };
        let grants = || runner.grants(programs);
        let plan = runner
            .call(Op::Plan(spec.clone()), grants()?, SHORT)
            .await
            .and_then(Reply::plan)
            .map_err(told)?;
        let create = || Op::Create { spec: spec.clone(), fingerprint: plan.fingerprint.clone() };
        match runner.call(create(), grants()?, LONG).await.and_then(Reply::done) {
            Err(error) if error.fault().code == FaultCode::Conflict => {
                runner.destroy().await?;
                runner.call(create(), grants()?, LONG).await.and_then(Reply::done).map_err(told)?;
                self.up.notes.push("The course has changed, so its environment was made afresh.".to_owned());
            }
            other => other.map_err(told)?,
        }
        runner.call(Op::Start(spec), grants()?, LONG).await.and_then(Reply::status).map_err(told)?;
        let deadline_millis = u64::try_from(LONG.as_millis()).unwrap_or(u64::MAX);
        let wait = Op::WaitReady { id: runner.made.id.clone(), deadline_millis };
        let status = runner.call(wait, grants()?, LONG).await.and_then(Reply::status).map_err(told)?;
        for service in status.services.iter().filter(|service| service.phase == Phase::NotAvailable) {
            let title =
                course.service(&service.name).map_or(service.name.as_str(), |service| service.title.as_str());
            let note = service.note.as_deref().unwrap_or("It cannot run here.");
            self.up.notes.push(format!("{title} is left out: {note}"));
        }
        // the databases hold the student's data already, so both moments have come
        for moment in [Moment::AfterReady, Moment::AfterRestore] {
            let notes = steps::run(runner, course, moment, programs, &urls, &live(&status)).await?;
            self.up.notes.extend(notes);
        }
        Ok(status)
    }
}

/// The services that run, by name.
pub(super) fn live(status: &EnvStatus) -> BTreeSet<String> {
    let runs = |phase: Phase| matches!(phase, Phase::Running | Phase::Starting);
    status.services.iter().filter(|one| runs(one.phase)).map(|one| one.name.clone()).collect()
}

/// The course's block for a backend, with the services it has to run. Those of other backends it need not know.
fn source(course: &Course, backend: &str, left_out: &BTreeSet<String>) -> serde_json::Value {
    let mut source = match course.backends.get(backend) {
        Some(serde_json::Value::Object(block)) => block.clone(),
        _ => serde_json::Map::new(),
    };
    let starts = |service: &Service| match &service.kind {
        ServiceKind::Program(of) => !left_out.contains(&of.program),
        _ => true,
    };
    // a page goes with what it lies under
    let services = course.services_with(backend).filter(|service| {
        starts(service) && service.under().and_then(|above| course.service(above)).is_none_or(starts)
    });
    let services = services.map(Service::told_to_backend).collect();
    source.insert("services".to_owned(), serde_json::Value::Array(services));
    serde_json::Value::Object(source)
}
