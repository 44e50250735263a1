//! Bytes found in the mirror that no machine recorded: a phone, the provider's web page, a machine whose record
//! is still on its way. What they look nearest to is worked out from lines alone, of a notebook from those of its
//! cells. They may add by themselves; what they remove is asked.

use std::cmp::Reverse;

use crate::history::{History, Near};
use crate::id::RecordId;
use crate::merge::text;
use crate::merge::way::Way;
use crate::path::WorkPath;
use crate::reconcile::{Contents, Unreadable};
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

/// So many bytes of older versions are looked into, the newest first: a folder of large notebooks with long
/// histories would be read for minutes.
const MOST_COMPARED: u64 = 512 * 1024 * 1024;

fn nearest(
    path: &WorkPath,
    content: Content,
    history: &History,
    contents: &dyn Contents,
) -> Result<Option<(RecordId, bool)>, Unreadable> {
    let way = Way::of(path);
    let readable = |content| match content {
        Content::File { id, size, .. } if size <= way.largest() => Some((id, size)),
        _ => None,
    };
    let Some((id, _)) = readable(content) else { return Ok(None) };
    if way == Way::Whole {
        return Ok(None);
    }
    let Some(bytes) = contents.read(id)? else { return Ok(None) };
    let Some(lines) = way.lines(&bytes) else { return Ok(None) };
    let depth = |id| history.ancestors(id, Near::Ignored).len();
    let mut candidates: Vec<_> = history
        .live()
        .filter_map(|(id, record)| Some((Reverse(depth(id)), id, readable(record.content)?)))
        .collect();
    candidates.sort_unstable();
    let mut compared = 0;
    let mut best = None;
    for (depth, candidate, (id, size)) in candidates {
        compared += size;
        if compared > MOST_COMPARED.max(size) {
            break;
        }
        let Some(other) = contents.read(id)? else { continue };
        let Some(other) = way.lines(&other) else { continue };
        if text::common(&other, &lines) == 0 {
            continue;
        }
        let contained = text::is_subsequence(&other, &lines);
        let order = (text::distance(&other, &lines), !contained, depth, candidate);
        if best.as_ref().is_none_or(|(least, _)| order < *least) {
            best = Some((order, contained));
        }
    }
    Ok(best.map(|((_, _, _, id), contained)| (id, contained)))
}
