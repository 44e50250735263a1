//! `logs`: what a service said.

use std::sync::Arc;

use kitbag_core::finding::Exit;
use kitbag_core::path::shown;
use kitbag_engine::environment::{self, LineSink};

use crate::Outcome;
use crate::args::Logs;
use crate::context::Context;
use crate::printer::Printer;

struct Lines(Arc<Printer>);

impl LineSink for Lines {
    fn line(&self, service: &str, text: &str) -> bool {
        if self.0.json() {
            self.0.document(&serde_json::json!({ "service": service, "line": text }));
        } else {
            self.0.line(format!("{}: {}", shown(service), shown(text)));
        }
        true
    }
}

/// Show it.
pub fn run(context: &Context, options: &Logs) -> Outcome {
    let ws = context.look()?;
    let lines = Arc::new(Lines(context.printer.clone()));
    context.wait(environment::logs(&ws, &context.home, options.service.as_deref(), options.follow, lines))?;
    Ok(Exit::Done)
}
