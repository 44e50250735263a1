//! Which of the files that are gone is which of those that are new? A renamed file is one file with a past; two files
//! taken for one would mix what has nothing in common. So a pair is made only on proof: content that is there once on
//! each side, or the file's number on its volume together with its content or most of its lines. The number alone
//! proves nothing: file systems give a freed one to the next file at once.

use std::collections::BTreeMap;

use crate::id::{ContentId, RecordId};
use crate::ignore::Ignore;
use crate::merge::text;
use crate::path::WorkPath;
use crate::reconcile::Contents;

/// A file the working folder showed and lacks now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Where it was.
    pub path: WorkPath,
    /// The version the working folder showed there.
    pub base: RecordId,
    /// That version's bytes.
    pub content: ContentId,
    /// How many.
    pub size: u64,
    /// The file's number on its volume when it was last looked at; 0 where that is not known.
    pub file: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i64,
}

/// A file that stands where the working folder showed none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Where.
    pub path: WorkPath,
    /// Its bytes.
    pub content: ContentId,
    /// How many.
    pub size: u64,
    /// The file's number on its volume; 0 where the system has none.
    pub file: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i64,
}

/// A file that was renamed: places in the two lists it was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// In the list of files that are gone.
    pub gone: usize,
    /// In the list of new files.
    pub new: usize,
}

/// The renamed files among these, in the order of the gone ones; what is not proven stays apart. Files with equal
/// content must be given together, whatever else is given. Empty files and ignored names are never paired.
pub fn pair(gone: &[Gone], new: &[New], ignore: &Ignore, contents: &dyn Contents) -> Vec<Pair> {
    let carried = |path: &WorkPath| !ignore.is_ignored(path.as_str(), false);
    let mut left = Left {
        gone: (0..gone.len()).filter(|at| gone[*at].size > 0 && carried(&gone[*at].path)).collect(),
        new: (0..new.len()).filter(|at| new[*at].size > 0 && carried(&new[*at].path)).collect(),
        pairs: Vec::new(),
    };
    // of several copies of one content, the file itself is known by its number or, where it has none, its time
    left.match_unique(|at| Some(gone[at].content), |at| Some(new[at].content), |_| true);
    let with_number = |content, file| (file != 0).then_some((content, file));
    left.match_unique(
        |at| with_number(gone[at].content, gone[at].file),
        |at| with_number(new[at].content, new[at].file),
        |_| true,
    );
    let with_time = |content, file, modified| (file == 0).then_some((content, modified));
    left.match_unique(
        |at| with_time(gone[at].content, gone[at].file, gone[at].modified),
        |at| with_time(new[at].content, new[at].file, new[at].modified),
        |_| true,
    );
    left.match_unique(
        |at| Some(gone[at].file).filter(|file| *file != 0),
        |at| Some(new[at].file).filter(|file| *file != 0),
        |pair| clearly_similar(&gone[pair.gone], &new[pair.new], contents),
    );
    left.pairs.sort_unstable();
    left.pairs
}

/// What is not paired yet, and what is.
struct Left {
    gone: Vec<usize>,
    new: Vec<usize>,
    pairs: Vec<Pair>,
}

impl Left {
    /// Pair what alone bears a mark on each side.
    fn match_unique<K: Ord>(
        &mut self,
        of_gone: impl Fn(usize) -> Option<K>,
        of_new: impl Fn(usize) -> Option<K>,
        proven: impl Fn(Pair) -> bool,
    ) {
        let mut marks: BTreeMap<K, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for at in &self.gone {
            if let Some(mark) = of_gone(*at) {
                marks.entry(mark).or_default().0.push(*at);
            }
        }
        for at in &self.new {
            if let Some(mark) = of_new(*at) {
                marks.entry(mark).or_default().1.push(*at);
            }
        }
        for bearers in marks.into_values() {
            if let ([gone], [new]) = (bearers.0.as_slice(), bearers.1.as_slice()) {
                let pair = Pair { gone: *gone, new: *new };
                if proven(pair) {
                    self.pairs.push(pair);
                    self.gone.retain(|at| *at != pair.gone);
                    self.new.retain(|at| *at != pair.new);
                }
            }
        }
    }
}

/// Fewer lines in common are no proof, however short the files are.
const FEWEST_LINES: usize = 3;

/// Most lines of the longer one are in the other one too.
fn clearly_similar(gone: &Gone, new: &New, contents: &dyn Contents) -> bool {
    if gone.size.max(new.size) > text::LARGEST as u64 {
        return false;
    }
    let (Ok(Some(before)), Ok(Some(after))) = (contents.read(gone.content), contents.read(new.content))
    else {
        return false;
    };
    if !text::is_text(&before) || !text::is_text(&after) {
        return false;
    }
    let lines = |bytes: &[u8]| bytes.split_inclusive(|byte| *byte == b'\n').count();
    let common = text::common(&before, &after);
    common >= FEWEST_LINES && 3 * common >= 2 * lines(&before).max(lines(&after))
}

#[cfg(test)]
mod tests;
