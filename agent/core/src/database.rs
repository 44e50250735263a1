//! What one machine's database holds, and which version of its backup it should hold. What is found in it is
//! recorded first, as an edit of the version it was loaded from, and only then decided. Causality decides, never
//! time. A database that kitbag makes itself lies in a file; one of a server lives in an environment that others can
//! throw away and make again, so what is believed of it depends on whether it is still the same data.

use crate::history::{History, same_bytes};
use crate::id::{ContentId, RecordId};
use crate::version::Content;

/// What is remembered of a database: what was brought in or taken out last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// The version.
    pub record: RecordId,
    /// Its content.
    pub content: ContentId,
}

/// The data of an environment before and after it was made and started, as its backend names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Environment<'a> {
    /// There was none.
    pub was_absent: bool,
    /// The name of the data before.
    pub before: Option<&'a str>,
    /// The name of the data now.
    pub now: Option<&'a str>,
    /// Files lie in the folder that a course may keep its data in and that outlives an environment.
    pub keeps_files: bool,
}

impl Environment<'_> {
    /// Whether its databases are those it began with just now, which hold nothing of the person's. Everything that
    /// was there before must have been recorded.
    pub fn is_fresh(&self) -> bool {
        let others = match self.before {
            Some(before) => self.now != Some(before),
            None => self.was_absent,
        };
        others && !self.keeps_files
    }
}

/// What is believed of a server's database: what was noted, as long as its data are the same as then. Of others it is
/// not known where their contents come from.
pub fn believed(held: Option<Loaded>, noted: Option<&str>, now: Option<&str>) -> Option<Loaded> {
    held.filter(|_| noted == now)
}

/// What a dump shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dumped {
    /// Nothing changed since it was noted.
    Unchanged,
    /// The database holds this version; only that was not noted.
    Known(RecordId),
    /// Contents nobody recorded. They come from this version; none: nobody knows where they come from, or they are the
    /// first.
    New(Option<RecordId>),
    /// What is left of bringing in this version, which was begun and did not end. It is no version a person made: it
    /// is kept behind that one, and that one is to be brought in again.
    CutShort(RecordId),
}

/// Decide what a dump is. `begun` is the version whose bringing in was begun and of which no end was seen.
pub fn dumped(content: Content, held: Option<Loaded>, begun: Option<RecordId>, history: &History) -> Dumped {
    if held.is_some_and(|held| Some(held.content) == content.id()) {
        return Dumped::Unchanged;
    }
    let shows = |id: &RecordId| history.content(*id).is_some_and(|there| same_bytes(there, content));
    let begun = begun.filter(|id| history.get(*id).is_some()).map(|id| history.real(id));
    // brought in, and stopped before it was noted
    let known =
        begun.filter(shows).or_else(|| match held.filter(|held| history.get(held.record).is_some()) {
            Some(held) => history.descendant_with(held.record, content),
            None => history.explaining(content),
        });
    match (known, begun) {
        (Some(known), _) => Dumped::Known(known),
        (None, Some(begun)) => Dumped::CutShort(begun),
        (None, None) => Dumped::New(held.map(|held| held.record)),
    }
}

/// What to do about one database before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseStep {
    /// It holds what it should, or it is a side of an open conflict.
    Keep,
    /// The versions are the same: only remember that it holds this one.
    Follow(RecordId),
    /// Bring this version in.
    Restore(RecordId),
    /// There is none yet anywhere: make the course's first one.
    Seed,
}

/// Decide from the backup's history and what this machine's database was last loaded with or dumped to. Changes
/// since then must have been recorded first.
pub fn database_step(
    exists: bool,
    loaded: Option<RecordId>,
    history: &History,
    shown: Option<RecordId>,
) -> DatabaseStep {
    let heads = history.heads();
    let loaded = loaded.filter(|id| exists && history.get(*id).is_some()).map(|id| history.real(id));
    let target = match heads.as_slice() {
        [] if exists => return DatabaseStep::Keep,
        [] => return DatabaseStep::Seed,
        [only] => *only,
        several => match (loaded, shown) {
            (Some(loaded), _) if several.contains(&loaded) => return DatabaseStep::Keep,
            (_, Some(shown)) if several.contains(&shown) => shown,
            (_, _) => several[0],
        },
    };
    let Some(content) = history.content(target).filter(|content| content.id().is_some()) else {
        // the backup was deleted: the database itself is no file of the workspace and stays
        return if exists { DatabaseStep::Keep } else { DatabaseStep::Seed };
    };
    match loaded {
        Some(loaded) if loaded == target => DatabaseStep::Keep,
        Some(loaded) if history.content(loaded).is_some_and(|now| same_bytes(now, content)) => {
            DatabaseStep::Follow(target)
        }
        _ => DatabaseStep::Restore(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::WorkPath;
    use crate::version::{Kind, Record};

    fn path() -> WorkPath {
        WorkPath::parse("backups/db/db.dump").unwrap()
    }

    fn history() -> History {
        History::new(&path(), [])
    }

    fn content(text: &str) -> Content {
        Content::file(ContentId::of(text.as_bytes()), 1)
    }

    fn held(record: RecordId, text: &str) -> Option<Loaded> {
        Some(Loaded { record, content: ContentId::of(text.as_bytes()) })
    }

    fn record(text: &str, parents: &[RecordId]) -> Record {
        Record::new(path(), content(text), Kind::Edit, parents.iter().copied())
    }

    #[test]
    fn the_first_machine_makes_the_database() {
        assert_eq!(database_step(false, None, &history(), None), DatabaseStep::Seed);
        assert_eq!(database_step(true, None, &history(), None), DatabaseStep::Keep);
        assert_eq!(dumped(content("first"), None, None, &history()), Dumped::New(None));
    }

    #[test]
    fn a_newer_backup_is_brought_in_an_equal_one_followed() {
        let mut history = history();
        let a = history.insert(record("a", &[]));
        assert_eq!(database_step(false, None, &history, Some(a)), DatabaseStep::Restore(a));
        assert_eq!(database_step(true, Some(a), &history, Some(a)), DatabaseStep::Keep);
        let b = history.insert(record("b", &[a]));
        assert_eq!(database_step(true, Some(a), &history, Some(b)), DatabaseStep::Restore(b));
        let back = history.insert(record("b", &[b]));
        assert_eq!(database_step(true, Some(b), &history, Some(back)), DatabaseStep::Follow(back));
        assert_eq!(database_step(false, Some(b), &history, Some(back)), DatabaseStep::Restore(back));
    }

    #[test]
    fn when_both_changed_this_machine_keeps_its_own_until_answered() {
        let mut history = history();
        let a = history.insert(record("a", &[]));
        let mine = history.insert(record("mine", &[a]));
        let theirs = history.insert(record("theirs", &[a]));
        assert_eq!(database_step(true, Some(mine), &history, Some(theirs)), DatabaseStep::Keep);
        let answer = history.insert(record("theirs", &[mine, theirs]));
        assert_eq!(database_step(true, Some(mine), &history, Some(answer)), DatabaseStep::Restore(answer));
    }

    #[test]
    fn what_a_dump_shows_is_told_by_what_it_was_loaded_from() {
        let mut history = history();
        let a = history.insert(record("a", &[]));
        let b = history.insert(record("b", &[a]));
        let dumped = |text, held, begun| dumped(content(text), held, begun, &history);
        assert_eq!(dumped("a", held(a, "a"), None), Dumped::Unchanged);
        assert_eq!(dumped("mine", held(a, "a"), None), Dumped::New(Some(a)));
        // stopped between a restore and its note, also where the note of its beginning was lost
        assert_eq!(dumped("b", held(a, "a"), Some(b)), Dumped::Known(b));
        assert_eq!(dumped("b", held(a, "a"), None), Dumped::Known(b));
        // back to what was there before is an edit
        assert_eq!(dumped("a", held(b, "b"), None), Dumped::New(Some(b)));
        // a note of a version that is not here says where it comes from, and no more
        let lost = RecordId::of(b"lost");
        assert_eq!(dumped("a", held(lost, "lost"), None), Dumped::Known(a));
        assert_eq!(dumped("mine", held(lost, "lost"), None), Dumped::New(Some(lost)));
    }

    #[test]
    fn contents_of_unknown_origin_are_a_known_version_or_a_side_of_their_own() {
        let mut history = history();
        let a = history.insert(record("a", &[]));
        let b = history.insert(record("b", &[a]));
        assert_eq!(dumped(content("a"), None, None, &history), Dumped::Known(a));
        assert_eq!(dumped(content("b"), None, None, &history), Dumped::Known(b));
        assert_eq!(dumped(content("rows"), None, None, &history), Dumped::New(None));
        // recorded without a parent, both stay: a question, and this machine goes on with its own
        let own = history.insert(record("rows", &[]));
        assert_eq!(history.heads().len(), 2);
        assert_eq!(database_step(true, Some(own), &history, Some(b)), DatabaseStep::Keep);
    }

    #[test]
    fn what_a_restore_left_that_was_cut_short_is_nobodys_version() {
        let mut history = history();
        let a = history.insert(record("a", &[]));
        let b = history.insert(record("b", &[a]));
        assert_eq!(dumped(content("half b"), held(a, "a"), Some(b), &history), Dumped::CutShort(b));
        assert_eq!(dumped(content("half b"), None, Some(b), &history), Dumped::CutShort(b));
        // it never began, or changed nothing
        assert_eq!(dumped(content("a"), held(a, "a"), Some(b), &history), Dumped::Unchanged);
        assert_eq!(dumped(content("a"), None, Some(b), &history), Dumped::Known(a));
        // kept behind the version that is brought in again: that one is the only head
        let half = history.insert(record("half b", &[b]));
        let again = history.insert(record("b", &[half]));
        assert_eq!(history.heads(), [again]);
        assert_eq!(database_step(true, Some(half), &history, Some(b)), DatabaseStep::Restore(again));
        // a version that is not here cannot be brought in again
        let lost = RecordId::of(b"lost");
        assert_eq!(dumped(content("x"), held(a, "a"), Some(lost), &history), Dumped::New(Some(a)));
    }

    #[test]
    fn other_data_are_believed_nothing_of() {
        let a = held(RecordId::of(b"a"), "a");
        assert_eq!(believed(a, Some("volume 1"), Some("volume 1")), a);
        assert_eq!(believed(a, None, None), a, "a backend that cannot tell");
        for (noted, now) in [(Some("1"), Some("2")), (Some("1"), None), (None, Some("1"))] {
            assert_eq!(believed(a, noted, now), None, "{noted:?} {now:?}");
        }
    }

    #[test]
    fn an_environment_made_just_now_holds_nothing_of_anybody() {
        let of = |was_absent, before, now| Environment { was_absent, before, now, keeps_files: false };
        assert!(of(true, None, Some("1")).is_fresh());
        assert!(of(true, None, None).is_fresh(), "a backend that cannot tell");
        assert!(of(false, Some("1"), Some("2")).is_fresh(), "made afresh without its data");
        assert!(!of(true, Some("1"), Some("1")).is_fresh(), "its containers were removed, its data were not");
        assert!(!of(false, Some("1"), Some("1")).is_fresh());
        assert!(!of(false, None, None).is_fresh());
        let kept = Environment { keeps_files: true, ..of(true, None, Some("1")) };
        assert!(!kept.is_fresh(), "what lies in the folder is from before");
    }
}
