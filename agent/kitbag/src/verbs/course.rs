//! `course check`: a course's folder looked over, with file, line and remedy for each mistake.

use kitbag_core::course::Problem;
use kitbag_core::finding::Exit;
use kitbag_engine::EngineError;
use kitbag_engine::course::package::read_folder;
use serde::Serialize;

use crate::Outcome;
use crate::args::{Course, CourseVerb};
use crate::context::{Context, absolute};

#[derive(Serialize)]
struct Document {
    course: Option<String>,
    version: Option<String>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

/// Check it.
pub fn run(context: &Context, options: &Course) -> Outcome {
    let CourseVerb::Check { folder } = &options.verb;
    let document = match read_folder(&absolute(folder)?, &context.doors) {
        Ok(read) => Document {
            course: Some(read.course.id),
            version: Some(read.course.version),
            problems: Vec::new(),
            warnings: read.warnings,
        },
        Err(EngineError::Course(problems)) => {
            Document { course: None, version: None, problems, warnings: Vec::new() }
        }
        Err(error) => return Err(error.into()),
    };
    let exit = if document.problems.is_empty() { Exit::Done } else { Exit::Failed };
    if context.printer.document(&document) {
        return Ok(exit);
    }
    for problem in document.problems.iter().chain(&document.warnings) {
        context.printer.line(problem.to_string());
    }
    if let (Some(course), Some(version)) = (document.course, document.version) {
        context.printer.line(format!("The course {course} {version} is in order."));
    }
    Ok(exit)
}
