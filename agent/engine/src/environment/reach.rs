//! Reaching what runs: the address to open with the access token in it, what the services say, and a command run
//! where they run.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::course::{Course, ServiceKind};
use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_plugin_host::{ByteReader, ExecRequest, Grants, LineSink, Op, Reply, Streams};

use super::runner::{LONG, Runner, SHORT, told};
use super::up::live;
use super::{consent, databases, ports, python, sqlite};
use crate::course::unpack;
use crate::error::EngineError;
use crate::sync::Silent;
use crate::workspace::Workspace;

/// A command or a log that is followed ends when the person ends it.
const UNTIL_ENDED: Duration = Duration::from_secs(30 * 24 * 3600);

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// A page. The address holds the access token: it is for the browser, not for a log.
    Url {
        /// The service.
        service: String,
        /// Its address.
        url: String,
    },
    /// The working folder: the course has no page that runs.
    Folder(PathBuf),
}

/// What to open for a service, or when none is named for the course.
///
/// # Errors
/// The course has no such service, or it does not run.
pub async fn open(ws: &Workspace, home: &Path, service: Option<&str>) -> Result<Opened, EngineError> {
    let folder = Opened::Folder(ws.settings.work.clone());
    let Some(here) = unpack::unpacked(ws)? else {
        return service.map_or(Ok(folder), |name| Err(unknown(None, name)));
    };
    if let Some(name) = service {
        check(ws, &here.course, name)?;
    }
    let runner = Runner::existing(ws, home, Arc::new(Silent), false).await?;
    match (&runner, service) {
        (Some(runner), None) => Ok(first(runner, &here.course, ws).await?.unwrap_or(folder)),
        (Some(runner), Some(name)) => {
            let backend = &runner.made.backend;
            if let Some(why) = here.course.service(name).and_then(|one| here.course.why_not(one, backend)) {
                return Err(elsewhere(name, backend, why));
            }
            address(runner, name).await?.ok_or_else(|| not_running(name))
        }
        (None, Some(name)) => Err(not_running(name)),
        (None, None) => Ok(folder),
    }
}

/// What `open` opens without a name.
pub(super) async fn first(
    runner: &Runner<'_>,
    course: &Course,
    ws: &Workspace,
) -> Result<Option<Opened>, EngineError> {
    let address = match course.opened(&runner.made.backend) {
        Some(service) => address(runner, &service.name).await?,
        None => None,
    };
    Ok(address.or_else(|| Some(Opened::Folder(ws.settings.work.clone()))))
}

async fn address(runner: &Runner<'_>, service: &str) -> Result<Option<Opened>, EngineError> {
    if !live(&runner.status().await?).contains(service) {
        return Ok(None);
    }
    let op = Op::Endpoints(runner.made.id.clone());
    let all = runner
        .call(op, runner.grants(&BTreeSet::new())?, SHORT)
        .await
        .and_then(Reply::endpoints)
        .map_err(told)?;
    Ok(all.into_iter().find(|one| one.service == service).map(|one| {
        let url = match one.secret_query {
            Some(query) => {
                let sign = if one.url.contains('?') { '&' } else { '?' };
                format!("{}{sign}{query}={}", one.url, runner.token)
            }
            None => one.url,
        };
        Opened::Url { service: one.service, url }
    }))
}

/// What the services said, or one of them; under the name `python` what the installation of its packages said.
///
/// # Errors
/// The course has no such service, or nothing was started here.
pub async fn logs(
    ws: &Workspace,
    home: &Path,
    service: Option<&str>,
    follow: bool,
    lines: Arc<dyn LineSink>,
) -> Result<(), EngineError> {
    let course = unpack::unpacked(ws)?.map(|here| here.course);
    if let Some(name) = service {
        match &course {
            Some(course) if course.service(name).is_some() => {}
            Some(_) if name == python::LOG && python::tell(ws, lines.as_ref())? => return Ok(()),
            course => return Err(unknown(course.as_ref(), name)),
        }
    }
    let runner = Runner::existing(ws, home, Arc::new(Silent), false).await?.ok_or_else(nothing_here)?;
    let op = Op::Logs { id: runner.made.id.clone(), service: service.map(str::to_owned), follow };
    let streams = Streams { lines: Some(lines), ..Streams::default() };
    let within = if follow { UNTIL_ENDED } else { LONG };
    let read = runner.call_with(op, runner.grants(&BTreeSet::new())?, within, streams).await;
    read.and_then(Reply::done).map_err(told)
}

/// Run a command where the services run, in the working folder, with the addresses of all services; for a service
/// inside an environment, in its container. Without streams the command has this program's own input and output. Its exit code; none when it was ended.
///
/// # Errors
/// The course has no such service, nothing was started here, or the program is not here.
pub async fn exec(
    ws: &Workspace,
    home: &Path,
    service: Option<&str>,
    argv: &[String],
    streams: Option<Streams>,
) -> Result<Option<i32>, EngineError> {
    let course = unpack::unpacked(ws)?.map(|here| here.course);
    if let Some(name) = service {
        match &course {
            Some(course) if course.service(name).is_some() => {}
            course => return Err(unknown(course.as_ref(), name)),
        }
    }
    let own = streams.is_none();
    let runner = Runner::existing(ws, home, Arc::new(Silent), own).await?.ok_or_else(nothing_here)?;
    // the person's own words: what they name may be run, and nothing in it is filled in
    let programs = argv.first().cloned().into_iter().collect();
    let program_folders = python::program_folders(ws, &runner.made.backend)?;
    let grants = Grants { programs, program_folders, engine: runner.engine()?, ..Grants::default() };
    let backend = &runner.made.backend;
    let env = course.map(|course| ports::urls(ws, &course, backend, &runner.ports)).unwrap_or_default();
    // a program of this computer starts in the working folder and has this program's own input and output; what has an
    // inside has a place for each service, and is given them
    let here = consent::on_this_computer(backend);
    let folder = service.filter(|_| !here).map(|name| format!("{name}:work"));
    let request = ExecRequest { argv: argv.to_vec(), env, folder };
    let op = Op::ExecIn { id: runner.made.id.clone(), request };
    let streams = streams.unwrap_or_else(|| if here { nowhere() } else { this_programs() });
    let ran = runner.call_with(op, grants, UNTIL_ENDED, streams).await;
    ran.and_then(Reply::exited).map_err(told)
}

fn nowhere() -> Streams {
    Streams {
        output: Some(Box::new(tokio::io::sink())),
        errors: Some(Box::new(tokio::io::sink())),
        ..Streams::default()
    }
}

/// What is piped in is passed on. A terminal is not: a plugin waits for what is read, and nobody may type anything.
fn this_programs() -> Streams {
    let input = (!std::io::stdin().is_terminal()).then(|| -> ByteReader { Box::new(tokio::io::stdin()) });
    Streams {
        input,
        output: Some(Box::new(tokio::io::stdout())),
        errors: Some(Box::new(tokio::io::stderr())),
        ..Streams::default()
    }
}

fn check(ws: &Workspace, course: &Course, name: &str) -> Result<(), EngineError> {
    match course.service(name).map(|service| &service.kind) {
        None => Err(unknown(Some(course), name)),
        Some(ServiceKind::Program(_) | ServiceKind::Web(_)) => Ok(()),
        Some(ServiceKind::Database(database)) => {
            let variable = course.service(name).filter(|_| database.url.is_some());
            let variable =
                variable.map(|service| format!(" Programs there find it by {}.", service.url_variable()));
            Err(EngineError::Failed(Finding::new(
                format!("{name} is a database server and has no page to open"),
                format!("It runs inside the course's environment.{}", variable.unwrap_or_default()),
                format!(
                    "Open a notebook of the course, or run a database program there: `kitbag exec {name} -- PROGRAM`."
                ),
            )))
        }
        Some(ServiceKind::Sqlite(_)) => Err(EngineError::Failed(Finding::new(
            format!("{name} is a database and has no page to open"),
            format!("Programs find it at {}.", sqlite::url(&databases::file(ws, name))),
            "Open a notebook of the course, or use a database program with that file.",
        ))),
    }
}

fn unknown(course: Option<&Course>, name: &str) -> EngineError {
    let names: Vec<_> =
        course.iter().flat_map(|course| &course.services).map(|service| service.name.as_str()).collect();
    let why = if names.is_empty() {
        "The workspace has no services here.".to_owned()
    } else {
        format!("Its services are: {}.", names.join(", "))
    };
    EngineError::Failed(Finding::new(
        format!("the course has no service called {}", shown(name)),
        why,
        "`kitbag status` shows what there is.",
    ))
}

fn elsewhere(name: &str, backend: &str, why: String) -> EngineError {
    EngineError::Missing(Finding::new(
        format!("{name} is not part of the course with the backend {backend}"),
        why,
        "If that is on this computer, run `kitbag up --backend NAME` with its name.",
    ))
}

fn not_running(name: &str) -> EngineError {
    EngineError::Missing(Finding::new(
        format!("{name} does not run"),
        "It was not started here, is left out on this computer, or has ended.",
        format!("Run `kitbag up`; `kitbag logs {name}` shows what it said."),
    ))
}

fn nothing_here() -> EngineError {
    EngineError::Missing(Finding::new(
        "nothing was started on this computer",
        "The course's environment is made by its first start.",
        "Run `kitbag up`.",
    ))
}
