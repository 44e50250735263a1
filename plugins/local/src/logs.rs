//! What the services printed, line by line. A piece of a log may end in the middle of a line, so the rest of
//! each is kept until its end has come.

use kitbag_sdk::process;
use kitbag_sdk::{EnvRef, Fault, FaultCode, Sink, progress};

use crate::record::Record;
use crate::services::process_name;
use crate::source::Kind;

/// The host gives the last so many bytes of a log first.
const FIRST: u64 = 16 << 10;

/// Where a service's log was left.
struct Place {
    service: String,
    name: String,
    next: Option<u64>,
    rest: String,
}

/// Give the lines of one service, or of each, to the sink.
///
/// # Errors
/// `not-found` for a service that is not a program of this environment.
pub fn read(
    id: &EnvRef,
    record: &Record,
    service: Option<&str>,
    follow: bool,
    out: &Sink,
) -> Result<(), Fault> {
    // a page says nothing of its own
    let page =
        record.source.services.iter().find(|one| one.kind == Kind::Web && service == Some(one.name.as_str()));
    let service = page.map_or(service, |page| Some(record.source.serving(page).name.as_str()));
    let mut places: Vec<Place> = record
        .source
        .services
        .iter()
        .filter(|one| one.kind == Kind::Program && service.is_none_or(|wanted| wanted == one.name))
        .map(|one| Place {
            service: one.name.clone(),
            name: process_name(id, &one.name),
            next: None,
            rest: String::new(),
        })
        .collect();
    if let (Some(wanted), true) = (service, places.is_empty()) {
        return Err(Fault::new(
            FaultCode::NotFound,
            format!("There is no program called \"{wanted}\" in this course."),
        )
        .remedy_command("See what there is.", &["kitbag", "status"]));
    }
    loop {
        for place in &mut places {
            if !place.forward(follow, out)? {
                return Ok(());
            }
        }
        if !follow {
            return Ok(());
        }
        progress::pause(250)?;
    }
}

impl Place {
    /// Everything there is by now. False: nobody wants more.
    fn forward(&mut self, follow: bool, out: &Sink) -> Result<bool, Fault> {
        loop {
            let piece = match process::read_log(&self.name, self.next) {
                Ok(piece) => piece,
                // Not started yet, so nothing printed yet.
                Err(fault) if fault.code == FaultCode::NotFound => return Ok(true),
                Err(fault) => return Err(fault),
            };
            let inside = self.next.is_none() && piece.next > FIRST;
            let came = self.next != Some(piece.next) && !piece.text.is_empty();
            self.next = Some(piece.next);
            // The first piece of a long log begins somewhere in a line.
            let whole =
                if inside { piece.text.split_once('\n').map_or("", |(_, rest)| rest) } else { &piece.text };
            self.rest.push_str(whole);
            while let Some(end) = self.rest.find('\n') {
                let line: String = self.rest.drain(..=end).collect();
                if !out.line(&self.service, line.trim_end_matches(['\n', '\r'])) {
                    return Ok(false);
                }
            }
            if !came {
                break;
            }
        }
        if !follow && !self.rest.is_empty() {
            return Ok(out.line(&self.service, &std::mem::take(&mut self.rest)));
        }
        Ok(true)
    }
}
