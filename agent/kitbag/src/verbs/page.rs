//! `page`: everything in the browser. The background agent serves it; where none runs, one is started that stays. The
//! address that is opened or printed holds a token that lets one browser in, once.

use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

use kitbag_core::finding::{Exit, Finding};
use kitbag_engine::agent::{self, Desk};
use kitbag_engine::environment::Opened;
use kitbag_engine::error::{EngineError, show};
use kitbag_page::server::{self, Backing, Served};
use kitbag_platform::process::port_answers;
use serde::Serialize;

use crate::args::Page;
use crate::context::Context;
use crate::{Outcome, Trouble, opener};

/// How long an agent that was just started may take until its page answers.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often to look.
const TURN: Duration = Duration::from_millis(20);

#[derive(Serialize)]
struct Document {
    address: String,
}

/// Open it.
pub fn run(context: &Context, options: &Page) -> Outcome {
    // the first thing a person does may be to open it
    let home = &context.home;
    context.doors.disk.create_dirs(home).map_err(EngineError::io("cannot make", home))?;
    super::agent::stay(context)?;
    let document = Document { address: admitting(context, served(context)?)? };
    if context.printer.document(&document) {
        return Ok(Exit::Done);
    }
    let Document { address } = document;
    if options.no_open {
        context.printer.line(address);
        return Ok(Exit::Done);
    }
    let page = Opened::Url { service: "kitbag".to_owned(), url: address.clone() };
    if opener::open(&page).is_err() {
        context.printer.line(format!("Open this address in a browser: {address}"));
    } else {
        context.printer.line("kitbag's page opens in your browser.");
    }
    Ok(Exit::Done)
}

/// What a bare `kitbag` says of it below the status. A token only where a person reads: what is piped may be kept.
pub fn mention(context: &Context) {
    if context.printer.json() {
        return;
    }
    let line = match server::served_at(&context.home).filter(|port| port_answers(*port)) {
        Some(port) if stdout().is_terminal() => match admitting(context, port) {
            Ok(address) => format!("In your browser: {address}"),
            Err(_) => return,
        },
        Some(port) => format!("In your browser: {}", server::address(port)),
        None if stdout().is_terminal() => "`kitbag page` shows this in your browser.".to_owned(),
        None => return,
    };
    context.printer.line(line);
}

/// Serve it from now on, in this process. Trouble with it is noted and costs nothing else.
pub fn serve(context: &Context, desk: Desk) {
    let served = || -> std::io::Result<Served> {
        server::serve(Backing {
            home: context.home.clone(),
            config: context.config.clone(),
            doors: context.doors.clone(),
            given: context.given.clone(),
            program: std::env::current_exe()?,
            desk,
        })
    };
    match served() {
        Ok(served) => tracing::info!(port = served.port, "the page is served"),
        Err(error) => tracing::warn!(%error, "the page cannot be served"),
    }
}

/// Where the page is, once it answers.
fn served(context: &Context) -> Result<u16, Trouble> {
    let begun = Instant::now();
    loop {
        if let Some(port) = server::served_at(&context.home).filter(|port| port_answers(*port)) {
            return Ok(port);
        }
        if begun.elapsed() >= PATIENCE {
            return Err(Finding::new(
                "kitbag's page does not answer",
                format!("The background agent runs; what it said stands in {}.", show(agent::log(&context.home))),
                "Try `kitbag agent stop` and then `kitbag page` again. The command line does everything the page does.",
            )
            .into());
        }
        std::thread::sleep(TURN);
    }
}

/// The address with a token.
fn admitting(context: &Context, port: u16) -> Result<String, Trouble> {
    let token = server::issue(&context.home, &context.doors);
    let token = token.map_err(EngineError::io("cannot write", &context.home))?;
    Ok(format!("{}#{token}", server::address(port)))
}
