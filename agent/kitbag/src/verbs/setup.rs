//! `setup`: two questions at most, then the first sync.

use std::path::{Path, PathBuf};

use kitbag_engine::course::{adopt, folders, package, seeds, unpack};
use kitbag_engine::environment::needs::{Told, written};
use kitbag_engine::error::show;
use kitbag_engine::setup::{SetUp, Wanted, setup};
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{self, Request};
use kitbag_engine::workspace::{Settings, Workspace, list};
use kitbag_platform::places::{Places, RealPlaces};
use kitbag_platform::provider::{Provider, cloud_folders};
use kitbag_platform::specs::computer_name;
use serde::Serialize;
use serde_json::json;

use super::needs;
use super::sync::tell;
use crate::args::Setup;
use crate::context::{Context, absolute, usage};
use crate::question::{Kind, Question};
use crate::{Outcome, Trouble};

#[derive(Serialize)]
struct Document {
    workspace: String,
    machine: String,
    joined: bool,
    provider: Option<&'static str>,
    seeded: usize,
    needs: Option<Told>,
    sync: Report,
}

/// Set up, with the first sync.
pub fn run(context: &Context, options: &Setup) -> Outcome {
    // the package is read before anything is made: a broken one leaves no half set-up workspace
    let package = options.course.as_deref().map(absolute).transpose()?;
    let read = package.as_ref().map(|package| package::read_folder(package, &context.doors)).transpose()?;
    let done = match course_for(context, options)? {
        Some(settings) => SetUp { settings, joined: true, provider: None },
        None => make(context, options)?,
    };
    let at = |package, course| {
        let Settings { work, share, .. } = &done.settings;
        needs::told(context, course, &written(package, course, &context.home, work, share))
    };
    let mut needs = read.as_ref().and_then(|read| at(&read.package, &read.course));
    let ws = context.open_this(done.settings.clone())?;
    // what others put there first: the course with its rules comes before any folder is looked at
    sync::take_in(&ws)?;
    context.unpack_course(&ws)?;
    let seeded = match &package {
        Some(package) => bring_in(context, &ws, package)?,
        None => 0,
    };
    let rules = context.rules(&ws)?;
    let here = unpack::unpacked(&ws)?;
    let known = here.as_ref().map(|here| here.id);
    if let (Some(here), None) = (&here, &needs) {
        // the course that lay in the cloud folder
        needs = at(&here.package, &here.course);
    }
    let report = context.prepare_meanwhile(here.map(|here| here.course), || {
        sync::run(&ws, &rules, Request::default(), context.printer.as_ref())
    })?;
    context.unpack_course(&ws)?;
    context.prepare_new(&ws, known)?;
    let document = Document {
        workspace: done.settings.name.clone(),
        machine: done.settings.machine.clone(),
        joined: done.joined,
        provider: done.provider.map(|row| row.name),
        seeded,
        needs,
        sync: report,
    };
    let exit = document.sync.exit();
    if context.printer.document(&document) {
        return Ok(exit);
    }
    let what = if done.joined { "Joined" } else { "Made" };
    context
        .printer
        .line(format!("{what} the workspace {} on {}.", done.settings.name, done.settings.machine));
    context.printer.line(format!("  cloud folder    {}", show(&done.settings.share)));
    context.printer.line(format!("  working folder  {}", show(&done.settings.work)));
    tell(&context.printer, &document.sync);
    Ok(exit)
}

/// The workspace a course is brought into when it is set up here already: the one with these folders, or the only one
/// when none are named.
fn course_for(context: &Context, options: &Setup) -> Result<Option<Settings>, Trouble> {
    if options.course.is_none() {
        return Ok(None);
    }
    let share = options.share.as_deref().map(absolute).transpose()?;
    let work = options.work.as_deref().map(absolute).transpose()?;
    if share.is_none() && work.is_none() {
        return Ok(context.settings().ok());
    }
    let same = |settings: &Settings| {
        share.as_ref().is_none_or(|share| *share == settings.share)
            && work.as_ref().is_none_or(|work| *work == settings.work)
    };
    Ok(list(&context.home, &context.doors)?.into_iter().find(same))
}

fn make(context: &Context, options: &Setup) -> Result<SetUp, Trouble> {
    let share = match &options.share {
        Some(share) => absolute(share)?,
        None => ask_share(context)?,
    };
    let work = match &options.work {
        Some(work) => absolute(work)?,
        None => ask_work(context, &share)?,
    };
    let machine = options.machine.clone().or_else(computer_name).unwrap_or_else(|| "this computer".into());
    let machine: String = machine.chars().filter(|c| !c.is_control()).take(60).collect();
    let wanted = Wanted { share, work, machine, name: context.named().map(str::to_owned) };
    Ok(setup(&context.home, &wanted, &RealPlaces, &context.doors)?)
}

/// The course's package goes into the share, its files into the workspace: where it had none of its own.
fn bring_in(context: &Context, ws: &Workspace, package: &Path) -> Result<usize, Trouble> {
    let share = ws.share();
    let adopted = adopt::adopt(ws, &share, package)?;
    for warning in &adopted.warnings {
        context.printer.say(format!("course: {warning}"));
    }
    let here = unpack::ensure_unpacked(ws, &share)?.here.unwrap_or(adopted.here);
    let placed = seeds::place(ws, &share, &here)?;
    folders::make_required(ws, &here.course)?;
    for left in placed.left.iter().take(5) {
        context.printer.say(format!("{left}: the course has one too; yours was left as it is"));
    }
    Ok(placed.placed)
}

fn ask_share(context: &Context) -> Result<PathBuf, Trouble> {
    let found = cloud_folders(&RealPlaces, context.doors.disk.as_ref());
    let missing = || {
        let found: Vec<_> =
            found.iter().map(|cloud| format!("{} ({})", show(&cloud.root), cloud.name())).collect();
        let found =
            if found.is_empty() { String::new() } else { format!(" Found here: {}.", found.join(", ")) };
        usage("setup needs the cloud folder", format!("Name it with --share DIR.{found}"))
    };
    let line =
        |(at, cloud): (usize, &Provider)| format!("  {}  {}  {}", at + 1, cloud.name(), show(&cloud.root));
    let one = |(at, cloud): (usize, &Provider)| json!({ "number": at + 1, "provider": cloud.name(), "path": cloud.root.to_string_lossy() });
    let folders: Vec<_> = found.iter().enumerate().map(one).collect();
    let question = Question {
        kind: Kind::Line,
        told: found.iter().enumerate().map(line).collect(),
        text: "Which cloud folder? A number, or a full path:".to_owned(),
        detail: json!({ "about": "cloud-folder", "found": folders }),
    };
    let answer = context.line(&question).ok_or_else(missing)?;
    match answer.parse::<usize>().ok().and_then(|n| found.get(n.wrapping_sub(1))) {
        Some(cloud) => Ok(cloud.root.join("kitbag")),
        None if !answer.is_empty() => absolute(Path::new(&answer)),
        None => Err(missing()),
    }
}

fn ask_work(context: &Context, share: &Path) -> Result<PathBuf, Trouble> {
    let name = share.file_name().unwrap_or_default();
    let usual = RealPlaces.work_parent().map(|parent| parent.join(name));
    let missing = || usage("setup needs the working folder", "Name it with --work DIR.");
    let usual = usual.ok_or_else(missing)?;
    if context.yes {
        return Ok(usual);
    }
    let question = Question {
        kind: Kind::Line,
        told: Vec::new(),
        text: format!("Where do you want to work? [{}]", show(&usual)),
        detail: json!({ "about": "working-folder", "usual": usual.to_string_lossy() }),
    };
    match context.line(&question) {
        Some(answer) if answer.is_empty() => Ok(usual),
        Some(answer) => absolute(Path::new(&answer)),
        None => Err(missing()),
    }
}
