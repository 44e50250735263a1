//! `open`: the course in the browser, logged in; or the working folder.

use kitbag_core::finding::Exit;
use kitbag_engine::environment::{self, Opened};
use serde::Serialize;

use crate::args::Open;
use crate::context::Context;
use crate::{Outcome, opener};

#[derive(Serialize)]
struct Document {
    service: Option<String>,
    opened: String,
}

/// Open it.
pub fn run(context: &Context, options: &Open) -> Outcome {
    let ws = context.look()?;
    let opened = context.wait(environment::open(&ws, &context.home, options.service.as_deref()))?;
    let (service, what) = match &opened {
        Opened::Url { service, url } => (Some(service.clone()), url.clone()),
        Opened::Folder(folder) => (None, folder.to_string_lossy().into_owned()),
    };
    let document = Document { service, opened: what };
    let talks = context.printer.talk().is_some();
    if context.printer.document(&document) {
        return Ok(Exit::Done);
    }
    // who talks with kitbag opens it itself
    if options.print || talks {
        context.printer.line(kitbag_core::path::shown(&document.opened));
    } else {
        opener::open(&opened)?;
    }
    Ok(Exit::Done)
}
