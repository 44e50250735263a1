//! What everybody did, in order, and what must be there in the end. Each line a person writes bears a word of its own,
//! so it can be looked for in any file: whatever is merged, renamed, kept twice or asked about, the word is there,
//! or somebody who saw it took it out.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::machine::Files;

pub struct Diary {
    start: Instant,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    story: Vec<String>,
    count: usize,
    written: BTreeSet<String>,
    removed: BTreeSet<String>,
    acts: usize,
}

impl Default for Diary {
    fn default() -> Self {
        Diary { start: Instant::now(), kept: Mutex::default() }
    }
}

impl Diary {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn tell(&self, what: String) {
        let at = self.start.elapsed().as_millis();
        self.kept().story.push(format!("{at:>7} {what}"));
    }

    /// A word nobody used before. It counts from [`Diary::wrote`] on.
    pub fn word(&self) -> String {
        let mut kept = self.kept();
        kept.count += 1;
        format!("w{:05}x", kept.count)
    }

    /// A file went from the one to the other by a person's hand, who saw all of the one.
    pub fn wrote(&self, what: String, before: &str, after: &str) {
        let (before, after) = (words(before), words(after));
        self.tell(format!(
            "{what}: + {:?} - {:?}",
            after.difference(&before).collect::<Vec<_>>(),
            before.difference(&after).collect::<Vec<_>>()
        ));
        let mut kept = self.kept();
        kept.acts += 1;
        kept.removed.extend(before.difference(&after).map(|word| (*word).to_owned()));
        kept.written.extend(after.difference(&before).map(|word| (*word).to_owned()));
    }

    /// All words that were written and not taken out by a person are somewhere.
    pub fn nothing_lost(&self, files: &Files) -> Result<(), String> {
        let texts: Vec<String> = files.0.values().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
        let there: BTreeSet<&str> = texts.iter().flat_map(|text| words(text)).collect();
        let kept = self.kept();
        let lost: Vec<_> =
            kept.written.difference(&kept.removed).filter(|word| !there.contains(word.as_str())).collect();
        if lost.is_empty() { Ok(()) } else { Err(format!("lost: {lost:?}")) }
    }

    pub fn text(&self) -> String {
        self.kept().story.join("\n")
    }

    pub fn told(&self) -> String {
        let kept = self.kept();
        let syncs = kept.story.iter().filter(|line| line.contains(": sync, exit")).count();
        format!(
            "{} acts of people, {} words, {} taken out, {syncs} syncs",
            kept.acts,
            kept.written.len(),
            kept.removed.len()
        )
    }

    /// A soak in which nothing happens shows nothing: an act a second at the least.
    pub fn was_busy(&self, time: Duration) -> Result<(), String> {
        let kept = self.kept();
        let enough = kept.acts as u64 >= time.as_secs() && !kept.removed.is_empty();
        if enough { Ok(()) } else { Err(format!("hardly anything was done: {}", kept.acts)) }
    }
}

/// The words in a text.
pub fn words(text: &str) -> BTreeSet<&str> {
    let is_word = |part: &&str| part.len() >= 7 && part.starts_with('w') && part.ends_with('x');
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_word).collect()
}
