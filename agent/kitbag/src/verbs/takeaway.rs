//! `takeaway`: everything in one file. Ctrl-C while it is written ends it and leaves nothing.

use std::sync::Arc;
use std::time::Duration;

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::error::{count, show, size};
use kitbag_engine::takeaway::{Cancel, Order, takeaway};
use kitbag_platform::process::notice_interrupt;

use crate::Outcome;
use crate::args::Takeaway;
use crate::context::{Context, absolute};

/// Take everything away.
pub fn run(context: &Context, options: &Takeaway) -> Outcome {
    let ws = context.open()?;
    let target = absolute(&options.file)?;
    let cancel = Cancel::default();
    let begun = || {
        context.printer.say("Your work is saved. Packing it; Ctrl-C stops this and leaves nothing.");
        listen(context, cancel.clone());
    };
    let order = Order { target: &target, cancel: cancel.clone(), begun: &begun };
    let taken = context.wait(takeaway(&ws, &context.home, order, Arc::clone(&context.printer) as _))?;
    // without a checkpoint what is in it may be old, and somebody has to look
    let exit = taken.report.as_ref().map_or(Exit::Failed, |report| report.exit());
    let printer = &context.printer;
    if printer.document(&taken) {
        return Ok(exit);
    }
    for note in &taken.notes {
        printer.line(shown(note));
    }
    let databases = match taken.databases.len() {
        0 => String::new(),
        n => format!(", what {} held", count(n, "database")),
    };
    let image = if taken.image.is_some() { ", the course's programs" } else { "" };
    let files = count(taken.files, "file");
    printer.line(format!("{}: {files}{databases}{image}. {}.", show(&taken.file), size(taken.bytes)));
    printer.line("README.txt in it tells how it is started on a computer without kitbag.");
    Ok(exit)
}

/// On a thread of its own: packing leaves no room for looking.
fn listen(context: &Context, cancel: Cancel) {
    if notice_interrupt().is_err() {
        return;
    }
    let stop = Arc::clone(&context.stop);
    stop.tidies();
    std::thread::spawn(move || {
        while !stop.asked() {
            std::thread::sleep(Duration::from_millis(50));
        }
        cancel.cancel();
    });
}
