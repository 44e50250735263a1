//! A course: what a module team ships. The manifest `course.toml` says which folders, files, services and
//! backends the course has; this module reads it, looks at the package it describes and hands back either a
//! [`Course`] all of whose names and paths are safe to use, or every problem with its line and a remedy.
//! Whoever holds the package (a folder, an archive, a pack) lends its file names and a reader.
//!
//! manifest → check → seed is the order of the work; `needs` and `fit` ask whether a computer is up to it, `machine` whether it is up
//! to a virtual machine.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::path::WorkPath;

mod block;
mod check;
mod csv;
mod database;
mod files;
mod fit;
mod kind;
mod machine;
mod manifest;
mod name;
mod needs;
mod placeholder;
mod problem;
mod python;
mod seed;
mod service;
mod services;
mod step;
mod syntax;
mod web;

pub use check::{Checked, check, read};
pub use database::Database;
pub use files::PackageFiles;
pub use fit::{Have, Inside, Room, Verdict, Way, Weighed, alternatives, fits, short, weigh};
pub use kind::{CsvFile, LOCAL, Port, Program, Ready, SQLITE, Service, ServiceKind, Sqlite, backup_path};
pub use machine::{
    Ability, HereMachine, Runner, System, USUAL_ROOM_MB, Version, WantedMachine, weigh_machine,
};
pub use needs::{Needs, Outside, size_in_words};
pub use placeholder::{KNOWN as PLACEHOLDERS, PORT, TOKEN, WORK, placeholders};
pub use problem::{MANIFEST, Problem};
pub use python::{BadRequirement, LONGEST_REQUIREMENTS, packages};
pub use seed::{Seed, seed_record};
pub use web::Web;

/// Longest manifest we read, in bytes.
pub const LONGEST_MANIFEST: usize = 1024 * 1024;
/// Most files one course may place.
pub const MOST_SEEDS: usize = 10_000;

/// A course as its manifest describes it. Made by [`read`], so names and paths in it have been checked.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Course {
    /// Lower-case letters, digits and hyphens.
    pub id: String,
    /// For people, one line.
    pub title: String,
    /// One to four numbers with dots, such as `2026.10`.
    pub version: String,
    /// What it asks of a computer, however it is run; [`Course::needs_with`] has all of it.
    pub needs: Needs,
    /// Where one backend needs something else.
    pub backend_needs: BTreeMap<String, Needs>,
    /// Folders that have to exist before every start.
    pub folders: Vec<WorkPath>,
    /// What is placed in the workspace, as written; [`Course::seeds`] has the files.
    pub seed: Vec<SeedRule>,
    /// What is not kept, for [`crate::ignore::Ignore::new`].
    pub ignore: Vec<String>,
    /// Folders that only make sense whole: glob patterns below the workspace.
    pub units: Vec<String>,
    /// What a person uses.
    pub services: Vec<Service>,
    /// What runs inside the environment at named moments.
    pub steps: Vec<Step>,
    /// One entry per backend that can run the course; the plugin alone understands its value.
    pub backends: BTreeMap<String, serde_json::Value>,
    /// The package file with the Python packages that the backend `local` installs for the course.
    pub requirements: Option<WorkPath>,
    /// The package file with the course's own component.
    pub hook: Option<WorkPath>,
}

/// One `[[seed]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeedRule {
    /// A file or folder of the package.
    pub from: WorkPath,
    /// Where in the workspace; none is its top.
    pub to: Option<WorkPath>,
    /// Whether `to` was written as a folder, so that a single file keeps its name in it.
    pub into_folder: bool,
}

/// One `[[step]]`: a command the host runs inside the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// For progress and logs.
    pub name: String,
    /// The moment.
    pub when: Moment,
    /// The service it concerns: `{port}` is that one's, and where it does not run the step is left out.
    pub service: Option<String>,
    /// Only with these backends; with all when empty.
    pub backends: Vec<String>,
    /// Program (a bare name) and arguments.
    pub run: Vec<String>,
}

/// When a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The services answer; backups are not restored yet.
    AfterReady,
    /// The databases hold the student's data.
    AfterRestore,
    /// Before the databases are dumped and the services stop.
    BeforeStop,
}

impl Moment {
    /// Each moment and its name in a manifest.
    pub const ALL: [(Moment, &'static str); 3] = [
        (Moment::AfterReady, "after-ready"),
        (Moment::AfterRestore, "after-restore"),
        (Moment::BeforeStop, "before-stop"),
    ];
}

impl Course {
    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// Whether a backend runs a service of this course: it may, and so may what the service lies under.
    pub fn runs_with(&self, service: &Service, backend: &str) -> bool {
        let above = service.under().map(|above| self.service(above));
        service.runs_with(backend) && above.is_none_or(|above| above.is_some_and(|it| it.runs_with(backend)))
    }

    /// The services a backend runs, in the course's order.
    pub fn services_with(&self, backend: &str) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(move |service| self.runs_with(service, backend))
    }

    /// Why a service does not run with a backend, in a sentence; nothing where it does.
    pub fn why_not(&self, service: &Service, backend: &str) -> Option<String> {
        if self.runs_with(service, backend) {
            return None;
        }
        let runs = |name: &&String| self.runs_with(service, name);
        let others: Vec<&str> = self.backends.keys().filter(runs).map(String::as_str).collect();
        Some(match others.as_slice() {
            [] => "Nothing the course names can run it.".to_owned(),
            others => format!("It runs with {}.", others.join(" or ")),
        })
    }

    /// The databases the host makes, each in one file.
    pub fn sqlites(&self) -> impl Iterator<Item = (&Service, &Sqlite)> {
        self.services.iter().filter_map(|service| match &service.kind {
            ServiceKind::Sqlite(sqlite) => Some((service, sqlite)),
            _ => None,
        })
    }

    /// The database servers a backend runs, in the course's order.
    pub fn databases(&self, backend: &str) -> impl Iterator<Item = (&Service, &Database)> {
        self.services_with(backend).filter_map(|service| match &service.kind {
            ServiceKind::Database(database) => Some((service, database)),
            _ => None,
        })
    }

    /// The service `open` opens with a backend when none is named: the one marked so, else the only one with a page
    /// at a port of its own.
    pub fn opened(&self, backend: &str) -> Option<&Service> {
        let own = |service: &&Service| service.page().is_some() && service.port() != Port::None;
        let mut pages = self.services_with(backend).filter(own);
        let marked = self.services_with(backend).find(|service| service.opens());
        marked.or_else(|| pages.next().filter(|_| pages.next().is_none()))
    }

    /// The package file with the Python packages that are installed for the course with this backend.
    pub fn requirements(&self, backend: &str) -> Option<&WorkPath> {
        self.requirements.as_ref().filter(|_| backend == LOCAL)
    }

    /// What the course needs when this backend runs it.
    pub fn needs_with(&self, backend: &str) -> Needs {
        self.backend_needs.get(backend).map_or_else(|| self.needs.clone(), |own| own.or(&self.needs))
    }

    /// The places in the network that the course gets something from with this backend: those it needs, and the
    /// registry that its image's name names. Each once.
    pub fn outside(&self, backend: &str) -> BTreeSet<Outside> {
        let block = self.backends.get(backend);
        let image = block.and_then(|block| needs::registry(block.get("image")?.as_str()?));
        self.needs_with(backend).network.unwrap_or_default().into_iter().chain(image).collect()
    }

    /// Names of the programs that services and steps start with this backend.
    pub fn programs(&self, backend: &str) -> BTreeSet<&str> {
        let of_service = self.services_with(backend).filter_map(|service| match &service.kind {
            ServiceKind::Program(program) => Some(program.program.as_str()),
            _ => None,
        });
        let of_step = self
            .steps
            .iter()
            .filter(|step| step.backends.is_empty() || step.backends.iter().any(|name| name == backend))
            .filter_map(|step| step.run.first().map(String::as_str));
        of_service.chain(of_step).collect()
    }
}
