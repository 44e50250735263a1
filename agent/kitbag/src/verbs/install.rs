//! `agent install` and `agent uninstall`: whether kitbag starts when the person logs in. What was written where is said.

use std::path::PathBuf;
use std::time::Duration;

use kitbag_core::finding::Exit;
use kitbag_engine::agent::{self, Became, Called, Registered, Started, Stopped};
use kitbag_engine::error::show;
use kitbag_platform::autostart::{Autostart, Kind, RealAutostart};
use kitbag_platform::places::RealPlaces;
use serde::Serialize;

use super::agent::{end, spawn};
use crate::Outcome;
use crate::Trouble;
use crate::context::Context;

/// How often to look whether it lives, and how long that may take: in turns.
const TURN: Duration = Duration::from_millis(10);
const TURNS: u32 = 500;

#[derive(Serialize)]
struct Document {
    /// Whether it starts at log-in now.
    installed: bool,
    /// Whether this command changed that, or what is started.
    changed: bool,
    /// Whether the agent lives now.
    running: bool,
    /// The program that is started.
    program: PathBuf,
    /// What was written or removed where.
    registered: Vec<Registered>,
    /// What is not made on this system.
    not_made: Option<&'static str>,
}

/// Whether the agent that the session was told to start lives within a moment.
fn lives_soon(context: &Context) -> Result<bool, Trouble> {
    for _ in 0..TURNS {
        if agent::runs(&context.home)? {
            return Ok(true);
        }
        std::thread::sleep(TURN);
    }
    Ok(false)
}

/// Have it start at log-in, and now.
pub fn install(context: &Context) -> Outcome {
    let autostart = RealAutostart::here();
    let called = Called::this(&context.home, &RealPlaces, context.given.clone())?;
    let (name, registered) = agent::install(&context.home, &context.doors, &autostart, &called)?;
    let changed = registered.iter().any(|one| matches!(one.became, Became::Written | Became::Removed));
    let stays = agent::stays(&context.home, &context.doors)?;
    // one that runs may be another program, or one that ends with the last open course
    let kept = !changed && stays == Some(true);
    if stays.is_some() && !kept {
        end(context)?;
    }
    let began = if kept {
        Started::Already
    } else if autostart.start(&name) && lives_soon(context)? {
        Started::Now
    } else {
        spawn(context, true)?
    };
    let document = Document {
        installed: true,
        changed,
        running: true,
        program: called.program,
        registered,
        not_made: autostart.not_made(),
    };
    if context.printer.document(&document) {
        return Ok(exit(&document.registered));
    }
    let line = |text: &str| context.printer.line(text);
    line("kitbag starts when you log in, and keeps your work in step from then on.");
    told(context, &document.registered);
    line(&format!("What starts is {}.", show(&document.program)));
    line(match began {
        Started::Now => "It runs now.",
        Started::Already => "It runs already.",
    });
    document.not_made.into_iter().for_each(line);
    line("`kitbag agent uninstall` takes all this away again.");
    Ok(exit(&document.registered))
}

/// Have it start no more, and end it.
pub fn uninstall(context: &Context) -> Outcome {
    let autostart = RealAutostart::here();
    let called = Called::this(&context.home, &RealPlaces, context.given.clone())?;
    let stopped = end(context)?;
    let registered = agent::uninstall(&context.home, &context.doors, &autostart, &called)?;
    let changed = registered.iter().any(|one| one.became == Became::Removed);
    let document = Document {
        installed: false,
        changed,
        running: false,
        program: called.program,
        registered,
        not_made: None,
    };
    if context.printer.document(&document) {
        return Ok(exit(&document.registered));
    }
    let line = |text: &str| context.printer.line(text);
    line(if changed {
        "kitbag does not start any more when you log in."
    } else {
        "kitbag was not set to start when you log in."
    });
    told(context, &document.registered);
    if stopped != Stopped::NotRunning {
        line("It does not run any more.");
    }
    Ok(exit(&document.registered))
}

/// What a person changed is theirs to look at.
fn exit(registered: &[Registered]) -> Exit {
    if registered.iter().any(|one| one.became == Became::Yours) { Exit::Failed } else { Exit::Done }
}

fn told(context: &Context, registered: &[Registered]) {
    for one in registered {
        let what = match one.kind {
            Kind::Unit => "unit of your systemd",
            Kind::Enabled => "link that enables it",
            Kind::Autostart => "entry of your desktop's autostart",
            Kind::LaunchAgent => "LaunchAgent",
            Kind::RunValue => "value of the registry's Run key",
            Kind::Menu => "entry in the menu",
        };
        let became = match one.became {
            Became::Written => "written",
            Became::Unchanged => "as it was",
            Became::Removed => "removed",
            Became::Yours => "changed by somebody else than kitbag, so it was left as it is",
        };
        context.printer.line(format!("  {what}: {}: {became}", one.place));
        if one.became == Became::Yours {
            context.printer.line("    Remove it yourself if nobody needs it, and run this again.");
        }
    }
}
