//! What `up` does with the environment: the one of another backend is put away first; what is there is stopped where a
//! database has to be written under it; the course's environment is made and started; its databases are brought in before
//! anybody is told where it is. Nothing is taken away whose databases were not recorded.

use std::collections::BTreeSet;

use kitbag_core::course::{Moment, Service, ServiceKind};
use kitbag_core::finding::Finding;
use kitbag_core::notebook::Notebooks;
use kitbag_plugin_host::{EnvStatus, FaultCode, Op, Phase, Port, Reply, Spec};

use super::consent::Allowed;
use super::databases::{Databases, Outcome, Servers, forget_servers, problems};
use super::keep::{self, Keeper};
use super::python::{self, Ready};
use super::runner::{LONG, Runner, SHORT, runs, told};
use super::source::source;
use super::switch::Former;
use super::up::{GRACE, Work, live};
use super::usable::{self, Usable};
use super::view::show;
use super::{jupyter, needs, ports, reach, steps};
use crate::course::CourseHere;
use crate::error::EngineError;

/// How often other ports are tried when one was taken.
pub(super) const PORT_TURNS: u32 = 3;

/// The data an environment had before it was made or started.
#[derive(Default)]
struct Before {
    absent: bool,
    stamp: Option<String>,
    /// The folder a course may keep its data in, which outlives environments, holds something.
    files: bool,
}

impl Work<'_> {
    pub(super) async fn environment(&mut self, here: &CourseHere) -> Result<(), EngineError> {
        let course = &here.course;
        let former = Former::look(self, here).await?;
        let Usable { mut runner, allowed, notes } =
            usable::find(self.ws, here, self.home, self.options, &self.progress).await?;
        self.up.notes.extend(notes);
        let backend = runner.made.backend.clone();
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
        let python = self.python(here, &backend, &allowed).await?;
        let former = former.leave_for(self, &backend).await?;
        runner.remember()?;
        runner.package = Some(here.folder.clone());
        if runner.new_token {
            self.up.notes.push(
                "The access token of this course's services is kept in a file of this machine that only you can read."
                    .to_owned(),
            );
        }
        let status = self.quiet(&runner, here).await?;
        let brought = self.files_of(here).bring_in_files(&self.troubles).await?;
        self.brought(here, brought)?;
        let live = live(&status);
        runner.ports = ports::choose(self.ws, course, &backend, |service| live.contains(service))?;
        let started = self.start(&mut runner, here, (&allowed, &python), &status).await;
        let status = match started {
            Ok(status) => status,
            Err(error) => {
                if let Err(error) = runner.stop(GRACE).await {
                    tracing::warn!(%error, "what was started could not be stopped");
                }
                return Err(error);
            }
        };
        // only now does nothing run any more from the one before
        python::sweep(self.ws)?;
        needs::runs_now(self.ws, &backend)?;
        self.ours = false;
        let made = Some(&runner.made);
        self.up.services = show(self.ws, made, Some(here), Ok(Some(&status))).services;
        self.up.open = reach::first(&runner, course, self.ws).await?;
        self.up.report.problems.extend(problems(&self.troubles));
        self.up.notes.extend(former.take_away(self.ws).await?);
        Ok(())
    }

    /// What bringing databases in came to.
    fn brought(&mut self, here: &CourseHere, brought: Outcome) -> Result<(), EngineError> {
        self.troubles.extend(brought.troubles);
        self.up.notes.extend(brought.notes);
        let words = |name: &String| format!("The database {name} is as you left it last.");
        self.up.notes.extend(brought.restored.iter().map(words));
        if brought.records > 0 { self.sync(here) } else { Ok(()) }
    }

    /// Nothing may run while a database is written: what runs is stopped then. How the environment is after that.
    async fn quiet(&mut self, runner: &Runner<'_>, here: &CourseHere) -> Result<EnvStatus, EngineError> {
        let status = runner.status().await?;
        if !runs(&status) {
            return Ok(status);
        }
        let mut writes = self.files_of(here).must_write()?;
        if !writes && !self.ours && keeps_servers(here, runner) {
            let servers = Servers::found(runner, Vec::new()).await?;
            let all = Databases { ws: self.ws, share: self.share, here, servers: Some(&servers) };
            writes = all.must_write()?;
        }
        if !writes {
            return Ok(status);
        }
        jupyter::end_all(self.ws, runner, &here.course, &status).await;
        runner.stop(GRACE).await?;
        self.notebooks = Notebooks::Unknown;
        let recorded = self.files_of(here).record_changes().await?;
        self.troubles.extend(recorded.troubles);
        runner.status().await
    }

    /// The course's own Python, where it has one. Where it cannot be had and the course can do without all its programs,
    /// it goes on without.
    async fn python(
        &mut self,
        here: &CourseHere,
        backend: &str,
        allowed: &Allowed,
    ) -> Result<Ready, EngineError> {
        // without a yes to its programs nothing is installed for them
        if !allowed.left_out.is_empty() {
            return Ok(Ready::default());
        }
        let needed = |service: &Service| matches!(&service.kind, ServiceKind::Program(of) if !of.optional);
        let mut ready = match python::ensure(self.ws, here, backend, &self.progress).await {
            Err(error) if !here.course.services_with(backend).any(needed) => {
                let Finding { why, remedy, .. } = error.finding();
                let note = format!("The course goes on without Python: {error}. {why} {remedy}");
                Ready { notes: vec![note], ..Ready::default() }
            }
            other => other?,
        };
        self.up.notes.append(&mut ready.notes);
        Ok(ready)
    }

    async fn start(
        &mut self,
        runner: &mut Runner<'_>,
        here: &CourseHere,
        (allowed, python): (&Allowed, &Ready),
        status: &EnvStatus,
    ) -> Result<EnvStatus, EngineError> {
        let (course, programs) = (&here.course, &allowed.programs);
        let source = source(here, &self.ws.doors, &runner.made.backend, &allowed.left_out, python)?;
        let mut first = None;
        let mut turns = 1..=PORT_TURNS;
        let (urls, status) = loop {
            let urls = ports::urls(self.ws, course, &runner.made.backend, &runner.ports);
            let port =
                |(service, number): (&String, &u16)| Port { service: service.clone(), number: *number };
            let spec = Spec {
                id: runner.made.id.clone(),
                source: source.clone(),
                ports: runner.ports.iter().map(port).collect(),
                env: urls.clone(),
            };
            let again = first.is_some();
            let before = self.make(runner, here, &spec, programs, (status, again)).await?;
            // what this command made itself was not there before it
            first.get_or_insert(before);
            match runner.start(spec, programs).await {
                Err(EngineError::PortTaken(_)) if turns.next().is_some() => {
                    runner.ports = ports::others(self.ws, &runner.ports)?;
                }
                started => break (urls, started?),
            }
        };
        let before = first.unwrap_or_default();
        for service in status.services.iter().filter(|service| service.phase == Phase::NotAvailable) {
            let title =
                course.service(&service.name).map_or(service.name.as_str(), |service| service.title.as_str());
            let note = service.note.as_deref().unwrap_or("It cannot run here.");
            let other = course.backends.keys().find(|other| **other != runner.made.backend);
            let other = other
                .map(|other| format!(" Or start the course with {other}: `kitbag up --backend {other}`."));
            self.up.notes.push(format!("{title} is left out: {note}{}", other.unwrap_or_default()));
        }
        if keeps_servers(here, runner) {
            let (absent, stamp) = (before.absent, before.stamp.as_deref());
            let servers = Servers::started(runner, urls.clone(), absent, stamp, before.files).await?;
            let all = Databases { ws: self.ws, share: self.share, here, servers: Some(&servers) };
            let brought = all.bring_in_servers(&self.troubles).await?;
            self.brought(here, brought)?;
        }
        // the databases hold the student's data already, so both moments have come
        for moment in [Moment::AfterReady, Moment::AfterRestore] {
            let notes = steps::run(runner, course, moment, programs, &urls, &live(&status)).await?;
            self.up.notes.extend(notes);
        }
        Ok(status)
    }

    /// Make the environment, not yet running; what was there before. One that was made from something else goes, when
    /// what it holds is recorded. `again`: for the same command, with other ports.
    async fn make(
        &mut self,
        runner: &mut Runner<'_>,
        here: &CourseHere,
        spec: &Spec,
        programs: &BTreeSet<String>,
        (status, again): (&EnvStatus, bool),
    ) -> Result<Before, EngineError> {
        let mut before = Before { absent: status.phase == Phase::Absent, stamp: None, files: false };
        if keeps_servers(here, runner) {
            before.stamp = runner.stamp().await?;
            before.files = self.keeps_files();
        }
        let plan = runner
            .call(Op::Plan(spec.clone()), runner.grants(programs)?, SHORT)
            .await
            .and_then(Reply::plan)
            .map_err(told)?;
        self.progress.step(&plan.summary);
        // one that was only just kept from starting holds nothing that is not recorded
        if plan.destructive && !again {
            self.put_away(runner, here).await?;
        }
        let create = || Op::Create { spec: spec.clone(), fingerprint: plan.fingerprint.clone() };
        let old = runner.made.clone();
        runner.made_from(here.id, spec)?;
        match runner.call(create(), runner.grants(programs)?, LONG).await.and_then(Reply::done) {
            Err(error) if error.fault().code == FaultCode::Conflict => {
                // until it is gone it is what it was made from
                (runner.made.package, runner.made.spec) = (old.package, old.spec);
                runner.remember()?;
                if !plan.destructive {
                    self.put_away(runner, here).await?;
                }
                runner.destroy().await?;
                forget_servers(self.ws, here)?;
                before.absent = true;
                before.stamp = None;
                runner.made_from(here.id, spec)?;
                runner
                    .call(create(), runner.grants(programs)?, LONG)
                    .await
                    .and_then(Reply::done)
                    .map_err(told)?;
                self.up.notes.push("The course has changed, so its environment was made afresh.".to_owned());
            }
            Err(error) => {
                // what is there was not touched
                if !before.absent {
                    (runner.made.package, runner.made.spec) = (old.package, old.spec);
                    runner.remember()?;
                }
                return Err(told(error));
            }
            Ok(()) => {}
        }
        Ok(before)
    }

    /// What is there is recorded and stopped, so that it can be taken away.
    async fn put_away(&self, runner: &Runner<'_>, here: &CourseHere) -> Result<(), EngineError> {
        let made = keep::course(self.ws, self.share, &runner.made, Some(here))?;
        let keeper = Keeper { ws: self.ws, share: self.share, runner, here: made.as_ref().unwrap_or(here) };
        keeper.put_away("the environment could not be made afresh").await?;
        Ok(())
    }

    fn keeps_files(&self) -> bool {
        let data = self.ws.environment_folder().join("data");
        self.ws.doors.disk.list(&data).is_ok_and(|items| !items.is_empty())
    }
}

/// Whether the course keeps databases of servers with this backend.
fn keeps_servers(here: &CourseHere, runner: &Runner<'_>) -> bool {
    here.course.databases(&runner.made.backend).any(|(service, _)| service.backup)
}
