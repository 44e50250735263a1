//! What a course places in a workspace. A seed is a version with an origin: the seeds of one path are a chain, an
//! update is its next link, and the merge does the rest. So a person's edit is merged with the update, a removed seed
//! stays removed, and two machines that seed before they meet make the same records. A person's own file is left alone.

use kitbag_core::course::{Seed, seed_record};
use kitbag_core::history::{History, Near};
use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind, Record};
use kitbag_store::Package;
use kitbag_store::pack::PackageFile;

use super::package::below;
use super::{CourseHere, numbers};
use crate::error::EngineError;
use crate::share::Share;
use crate::sync::{Proposal, propose};
use crate::workspace::Workspace;

/// What placing did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// Files placed or updated; the next sync writes them.
    pub placed: usize,
    /// Places where a person's own file stands, which was left alone.
    pub left: Vec<WorkPath>,
}

/// Record the course's files as versions, where that has not been done.
///
/// # Errors
/// The ledger fails, or the share cannot be written.
pub fn place(ws: &Workspace, share: &Share, here: &CourseHere) -> Result<Placed, EngineError> {
    let mut placed = Placed::default();
    let mut proposals = Vec::new();
    let siblings: Vec<Package> =
        ws.ledger.packages()?.into_iter().filter(|other| other.version == here.course.version).collect();
    for Seed { from, to } in here.course.seeds(&here.files(&ws.doors)) {
        let Some(PackageFile { id, size, .. }) = here.package.files.iter().find(|file| file.path == from)
        else {
            continue;
        };
        let content = Content::file(*id, *size);
        match decide(ws, here, &siblings, &to, content)? {
            Step::Place(previous) => {
                let record = seed_record(&here.course, &to, content, previous);
                if ws.ledger.record(record.id())?.is_none() {
                    proposals.push(Proposal { record, file: here.file(&from) });
                }
            }
            Step::Leave => placed.left.push(to),
            Step::Nothing => {}
        }
    }
    placed.placed = proposals.len();
    propose(ws, share, &proposals, &[])?;
    Ok(placed)
}

enum Step {
    Place(Option<RecordId>),
    Leave,
    Nothing,
}

fn decide(
    ws: &Workspace,
    here: &CourseHere,
    siblings: &[Package],
    to: &WorkPath,
    content: Content,
) -> Result<Step, EngineError> {
    let history = History::new(to, ws.ledger.lineage(to, None)?);
    if let Some((newest, record)) = newest_seed(&history, &here.course.id) {
        let due = record.content.id() != content.id() && is_older(record, here, siblings);
        return Ok(if due { Step::Place(Some(newest)) } else { Step::Nothing });
    }
    if !history.is_empty() {
        return Ok(if history.knows(content) { Step::Nothing } else { Step::Leave });
    }
    // A file no sync has looked at yet. With the very bytes of the seed it becomes one.
    for root in [ws.settings.work.as_path(), ws.settings.share.as_path()] {
        let Some(file) = below(root, to) else { return Ok(Step::Nothing) };
        if ws.doors.disk.stat(&file).is_ok() && hash(ws, &file).as_ref() != content.id().as_ref() {
            return Ok(Step::Leave);
        }
    }
    Ok(Step::Place(None))
}

fn hash(ws: &Workspace, file: &std::path::Path) -> Option<ContentId> {
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut ws.doors.disk.open(file).ok()?, &mut hasher).ok()?;
    Some(hasher.finalize().into())
}

/// The last link of this course's chain: highest version, then the longest line before it, then the name.
fn newest_seed<'h>(history: &'h History, course: &str) -> Option<(RecordId, &'h Record)> {
    let of_course = |record: &Record| {
        record.kind == Kind::Seed && record.origin.as_ref().is_some_and(|origin| origin.course == course)
    };
    history.live().filter(|(_, record)| of_course(record)).max_by_key(|(id, record)| {
        let version = record.origin.as_ref().and_then(|origin| numbers(&origin.version));
        (version, history.ancestors(*id, Near::Ignored).len(), *id)
    })
}

/// Whether a seed comes before this package's. Of two packages with one version the one with the higher name counts,
/// on every machine; a seed of a package not known here may be of the later one and is left.
fn is_older(seed: &Record, here: &CourseHere, siblings: &[Package]) -> bool {
    let version = seed.origin.as_ref().and_then(|origin| numbers(&origin.version));
    let own = numbers(&here.course.version);
    let holds = |package: &Package| package.files.iter().any(|file| Some(file.id) == seed.content.id());
    version < own || (version == own && siblings.iter().any(|other| other.id() < here.id && holds(other)))
}
