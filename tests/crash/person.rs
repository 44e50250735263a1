//! People, and what they have seen. Every line they type is a word of its own, so that it can be followed: it may be gone
//! at the end only if somebody who saw it took it out.

use std::collections::BTreeSet;
use std::path::Path;

use kitbag_platform::chance::SimulatedChance;
use kitbag_platform::disk::SimulatedDisk;

/// The words a file holds: its lines from `L` to a full stop. A word cut short in a delivery is none.
pub fn words(bytes: &[u8]) -> BTreeSet<String> {
    let lines = bytes.split(|b| *b == b'\n');
    let words = lines.filter(|line| line.first() == Some(&b'L') && line.last() == Some(&b'.'));
    words.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// Every word below a folder, those of the history left out.
pub fn all_words(disk: &SimulatedDisk, folder: &Path) -> BTreeSet<String> {
    let files = disk.peek_files(folder).into_iter();
    let plain = files.filter(|file| !file.components().any(|part| part.as_os_str() == ".kitbag"));
    plain.filter_map(|file| disk.peek(&file)).flat_map(|bytes| words(&bytes)).collect()
}

/// What is owed to people.
#[derive(Default, Clone)]
pub struct Words {
    made: usize,
    /// Typed by a person, or met by a sync that came to its end.
    pub seen: BTreeSet<String>,
    /// Taken out by somebody who saw them.
    pub removed: BTreeSet<String>,
}

impl Words {
    pub fn new_word(&mut self) -> String {
        self.made += 1;
        let word = format!("L{}.", self.made);
        self.seen.insert(word.clone());
        word
    }

    /// Change a file's bytes as a person does: insert, change and remove lines. A file without lines, such as a picture, is
    /// made anew.
    pub fn edit(&mut self, old: Option<&[u8]>, picture: bool, chance: &SimulatedChance) -> Vec<u8> {
        if picture {
            self.removed.extend(old.map(words).unwrap_or_default());
            return format!("\0picture\n{}\n", self.new_word()).into_bytes();
        }
        let mut lines: Vec<Vec<u8>> =
            old.unwrap_or_default().split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        if lines.last().is_some_and(|last| !last.ends_with(b"\n")) {
            lines.last_mut().into_iter().for_each(|last| last.push(b'\n'));
        }
        for _ in 0..1 + chance.below(2) {
            let at = usize::try_from(chance.below(lines.len() as u64 + 1)).unwrap_or(0);
            let kind = chance.below(10);
            if kind >= 6 && at < lines.len() {
                self.removed.extend(words(&lines.remove(at)));
            }
            if kind < 8 {
                // one line in eight is a repeat, as blank lines are
                let line = if chance.below(8) == 0 { "\n".into() } else { format!("{}\n", self.new_word()) };
                lines.insert(at.min(lines.len()), line.into_bytes());
            }
        }
        lines.concat()
    }

    /// Everything that was seen, that nobody removed, and that is not there.
    pub fn lost(&self, there: &BTreeSet<String>) -> Vec<String> {
        self.seen
            .iter()
            .filter(|word| !self.removed.contains(*word) && !there.contains(*word))
            .cloned()
            .collect()
    }
}
