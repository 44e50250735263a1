//! What a course needs beside what this computer has, told when a course comes: before anything is downloaded, and
//! refusing nothing. Where it is too little, what else could be done stands below.

use kitbag_core::course::{Course, Verdict};
use kitbag_core::path::shown;
use kitbag_engine::environment::needs::{self, Told, Written};

use crate::context::Context;

/// Tell it; none where the course needs nothing, or nothing here can run it, which `up` says.
pub fn told(context: &Context, course: &Course, written: &[Written]) -> Option<Told> {
    let told = needs::told(&context.doors, course, &context.home, written, &[]);
    let told = context.wait(told).ok().filter(|told| !told.needs.is_empty())?;
    let say = |text: String| context.printer.say(text);
    if !told.short() {
        return Some(told);
    }
    say(format!("What the course \"{}\" needs, and what this computer has:", shown(&course.title)));
    for one in &told.needs {
        let word = match one.verdict {
            Verdict::Enough => "good",
            Verdict::Unknown => "not known",
            Verdict::Tight => "tight",
            Verdict::Cannot => "too little",
        };
        say(format!("  {:<15}{:<24}{:<20}{word}", one.what, one.needs, one.has));
    }
    for finding in told.needs.iter().filter_map(|one| one.finding.as_ref()) {
        say(format!("{} {} {}", finding.what, finding.why, finding.remedy));
    }
    told.alternatives.iter().for_each(|other| say(format!("  {}", shown(other))));
    Some(told)
}
