//! Bytes found in the mirror that no machine recorded: a phone, the provider's web page, a machine whose record
//! is still on its way. What they look nearest to is worked out from lines alone. They may add by themselves;
//! what they remove is asked.

use crate::history::{History, Near};
use crate::id::RecordId;
use crate::merge::text;
use crate::path::WorkPath;
use crate::reconcile::{Contents, Unreadable, lines_apply};
use crate::version::{Content, Kind, Record};

/// The record for such bytes: child of the nearest version when it only adds to it; else it names the nearest
/// as `near` and supersedes nothing.
///
/// # Errors
/// A version to compare with cannot be read.
pub fn record_for(
    path: &WorkPath,
    content: Content,
    history: &History,
    contents: &dyn Contents,
) -> Result<Record, Unreadable> {
    let nearest = nearest(path, content, history, contents)?;
    // the mirror does not tell who may run it: as before
    let before = nearest.map_or_else(|| history.heads(), |(id, _)| vec![id]);
    let bit = before.iter().filter_map(|id| history.content(*id)).any(|content| content.is_executable());
    let mut record = Record::new(path.clone(), content.with_bit(bit), Kind::Outside, []);
    if let Some((nearest, adds_only)) = nearest {
        if adds_only {
            record.parents.insert(nearest);
        } else {
            record.near = Some(nearest);
        }
    }
    Ok(record)
}

fn nearest(
    path: &WorkPath,
    content: Content,
    history: &History,
    contents: &dyn Contents,
) -> Result<Option<(RecordId, bool)>, Unreadable> {
    let Content::File { id, size, .. } = content else { return Ok(None) };
    if !lines_apply(path) || size > text::LARGEST as u64 {
        return Ok(None);
    }
    let Some(bytes) = contents.read(id)? else { return Ok(None) };
    if !text::is_text(&bytes) {
        return Ok(None);
    }
    let mut best = None;
    for (candidate, record) in history.live() {
        let Content::File { id, size, .. } = record.content else { continue };
        if size > text::LARGEST as u64 {
            continue;
        }
        let Some(other) = contents.read(id)? else { continue };
        if !text::is_text(&other) || text::common(&other, &bytes) == 0 {
            continue;
        }
        let contained = text::is_subsequence(&other, &bytes);
        let depth = history.ancestors(candidate, Near::Ignored).len();
        let order = (text::distance(&other, &bytes), !contained, std::cmp::Reverse(depth), candidate);
        if best.as_ref().is_none_or(|(least, _)| order < *least) {
            best = Some((order, contained));
        }
    }
    Ok(best.map(|((_, _, _, id), contained)| (id, contained)))
}
