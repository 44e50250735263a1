//! `report`: something for the tutor. With `--text` some lines to paste; else one file, whose contents are shown before it
//! is made. Names, contents and secrets stay here.

use std::path::{Path, PathBuf};

use kitbag_core::finding::{Exit, Finding};
use kitbag_core::report::{AgentFacts, Computer, Facts, Found, Names, Redactor, WorkspaceFacts, text};
use kitbag_engine::doctor::State;
use kitbag_engine::error::{EngineError, count, show, size};
use kitbag_engine::report::{self, Log, Part};
use kitbag_engine::workspace::{Settings, Workspace, list};
use kitbag_engine::{agent, environment};
use kitbag_page::status;
use kitbag_platform::autostart::RealAutostart;
use kitbag_platform::disk::RealDisk;
use kitbag_platform::places::{Places, RealPlaces};
use kitbag_platform::process::own_program;
use kitbag_platform::specs::{Host, RealHost};
use serde::Serialize;
use serde_json::json;

use super::doctor::looked_over;
use crate::args::Report as Options;
use crate::context::{Context, absolute};
use crate::question::{Kind, Question};
use crate::{Outcome, Trouble};

/// Lines of the log that tell of something gone wrong.
const ERRORS: usize = 20;
/// Random bytes that keep the marks of names from being guessed.
const SALT: usize = 32;

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Document {
    /// The file.
    file: PathBuf,
    /// Its bytes.
    bytes: u64,
    /// What it holds.
    parts: Vec<Part>,
}

/// Make one.
pub fn run(context: &Context, options: &Options) -> Outcome {
    let logs = report::logs(&context.home, &context.doors);
    let (facts, names) = gather(context, options, &logs)?;
    let redactor = Redactor::new(names);
    let report = redactor.report(facts);
    let printer = &context.printer;
    if options.text {
        let document = Text { text: text(&report) };
        if !printer.document(&document) {
            document.text.lines().for_each(|line| printer.line(line));
        }
        return Ok(Exit::Done);
    }
    let target = report::place(&context.home, &context.doors, &target(context, options)?)?;
    let parts = report::parts(&report, &logs, &redactor);
    if !agreed(context, &question(&target, &parts, options.names)) {
        let why = "Nobody said yes.";
        let remedy = "Run it again and answer with y, or with --yes. `kitbag report --text` makes no file.";
        return Err(Finding::new("no report was written", why, remedy).into());
    }
    let bytes = report::write(&context.doors, &target, &parts)?;
    let document = Document { file: target, bytes, parts };
    if printer.document(&document) {
        return Ok(Exit::Done);
    }
    printer.line(format!(
        "{}: {}, {}.",
        show(&document.file),
        count(document.parts.len(), "file"),
        size(bytes)
    ));
    printer.line("Look at report.html in it before you give it to anybody.");
    Ok(Exit::Done)
}

/// What it would hold is told before, also to who said yes already.
fn agreed(context: &Context, question: &Question) -> bool {
    if context.yes {
        context.tell(question);
    }
    context.yes || context.agrees(question) == Some(true)
}

fn question(target: &Path, parts: &[Part], names: bool) -> Question {
    let mut told = vec![format!("{} would hold:", show(target))];
    told.extend(parts.iter().map(|part| {
        let size = size(part.bytes as u64);
        format!("  {:<14} {size:>9}  {}", part.name, part.what)
    }));
    told.push(if names {
        "Names of files are in it. Names of people and machines, secrets and what is in your files are not."
            .into()
    } else {
        "Names of files, people and machines, secrets and what is in your files are not in it.".into()
    });
    let detail =
        json!({ "about": "report", "file": target.to_string_lossy(), "names": names, "parts": parts });
    Question { kind: Kind::GoOn, told, text: "Write it?".to_owned(), detail }
}

/// The file a person named; else one of today in the home folder.
fn target(context: &Context, options: &Options) -> Result<PathBuf, Trouble> {
    if let Some(file) = &options.file {
        return absolute(file);
    }
    let home = RealPlaces.home().ok_or_else(|| {
        Finding::new(
            "there is no place for the report",
            "The system does not say where your home folder is.",
            "Name a file, such as `kitbag report /tmp/report.zip`.",
        )
    })?;
    let now: String = context.doors.clock.rfc3339().chars().take(19).filter(|c| *c != ':').collect();
    Ok(home.join(format!("kitbag-report-{now}.zip")))
}

fn gather(context: &Context, options: &Options, logs: &[Log]) -> Result<(Facts, Names), Trouble> {
    let (home, doors) = (&context.home, &context.doors);
    let salt = doors.chance.token(SALT).map_err(EngineError::io("cannot get chance for", home))?;
    let mut names = Names { show_files: options.names, salt: salt.into_bytes(), ..Names::default() };
    report::around(home, doors, &RealPlaces, own_program().ok().as_deref(), &mut names);
    let mut facts = Facts {
        version: env!("CARGO_PKG_VERSION"),
        taken: doors.clock.rfc3339(),
        last_errors: report::last_errors(logs, ERRORS),
        ..Facts::default()
    };
    let mut not = |what: &str, error: EngineError| {
        let Finding { what: said, why, .. } = error.finding();
        facts.not_looked_at.push(format!("{what}: {said}. {why}"));
    };
    match RealHost(RealDisk).specs(home) {
        Ok(specs) => {
            facts.computer = Some(Computer {
                os: std::env::consts::OS,
                os_version: specs.os_version,
                arch: specs.arch,
                memory: specs.memory,
                memory_free: specs.memory_free,
                cores: specs.cores,
                disk_free: specs.disk_free,
            });
        }
        Err(error) => not("computer", EngineError::io("cannot ask", home)(error)),
    }
    match agent::runs(home) {
        Ok(running) => facts.agent.running = running,
        Err(error) => not("background", error),
    }
    match agent::installed(home, doors, &RealAutostart::here()) {
        Ok(installed) => {
            facts.agent =
                AgentFacts { at_log_in: installed.is_some_and(|one| one.missing.is_empty()), ..facts.agent };
        }
        Err(error) => not("start at log-in", error),
    }
    let all = list(home, doors).unwrap_or_else(|error| {
        not("workspaces", error);
        Vec::new()
    });
    for (number, settings) in all.into_iter().enumerate() {
        if let Err(trouble) = workspace(context, settings, &mut facts, &mut names) {
            let Finding { what, why, .. } = trouble.finding;
            facts.not_looked_at.push(format!("workspace {}: {what}. {why}", number + 1));
        }
    }
    facts
        .findings
        .sort_by_key(|found| ["bad", "not-checked", "note"].iter().position(|state| *state == found.state));
    Ok((facts, names))
}

fn workspace(
    context: &Context,
    settings: Settings,
    facts: &mut Facts,
    names: &mut Names,
) -> Result<(), Trouble> {
    let ws = Workspace::look(&context.home, settings, context.config.clone(), context.doors.clone())?;
    report::of_workspace(&ws, names);
    for checked in looked_over(context, Some(&ws), false, false)? {
        for diagnosis in checked.findings {
            let state = match diagnosis.state {
                State::NotAsked => continue,
                State::Good | State::Note => "note",
                State::NotChecked => "not-checked",
                State::Bad => "bad",
            };
            let found = Found { check: checked.check.to_owned(), state, finding: diagnosis.finding };
            // what is said of the computer is said once, however many workspaces there are
            let told = |one: &Found| one.check == found.check && one.finding == found.finding;
            if !facts.findings.iter().any(told) {
                facts.findings.push(found);
            }
        }
    }
    let rules = context.rules(&ws)?;
    let view = context.wait(async { Ok::<_, Trouble>(environment::view(&ws, &context.home).await) })?;
    let status = status::read(&ws, &rules, view, &RealPlaces)?;
    let others = || status.machines.iter().filter(|machine| !machine.this);
    facts.workspaces.push(WorkspaceFacts {
        state: status.state.words(),
        provider: status.share.provider,
        reachable: status.share.reachable,
        files: status.files,
        pending: status.pending,
        missing: status.missing,
        held: status.held,
        history_bytes: status.history_bytes,
        machines: status.machines.len(),
        have_latest: others().filter(|machine| machine.has_my_latest == Some(true)).count(),
        conflicts: status.conflicts.into_iter().map(|conflict| conflict.path).collect(),
        last_checkpoint: status.last_checkpoint,
        backend: status.environment.backend,
        environment: status.environment.state,
        services: status.environment.services.into_iter().map(|one| (one.kind, one.state)).collect(),
    });
    Ok(())
}
