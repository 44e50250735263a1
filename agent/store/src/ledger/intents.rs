//! What kitbag is about to do to a file, written down before it is done: which temporary file goes to which
//! path, and what should come out. After a crash the engine looks at each intent and at the two files; bytes
//! it does not expect become a version, they are never swept away.

use kitbag_core::id::{ContentId, RecordId};
use kitbag_core::path::WorkPath;
use rusqlite::params;

use super::{Ledger, column};
use crate::error::StoreError;

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The working folder.
    Working,
    /// The mirror in the share.
    Mirror,
}

/// How far an intent has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentState {
    /// What lies under the temporary name is ours, whole or not. The target is untouched.
    Planned,
    /// The swap was made; what came out is still to be looked at.
    Swapped,
    /// The target itself is written anew in place, or about to be: after a crash it may be torn.
    Rewriting,
    /// What goes in is durable, and the swap may have been made: under the temporary name lies that or what came out.
    Ready,
}

/// One step that replaces, creates or removes a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Given by the ledger; any number when it is added.
    pub id: i64,
    /// Where.
    pub path: WorkPath,
    /// In which of the two folders.
    pub place: Place,
    /// Where it lies there, with `/` between names.
    pub at: String,
    /// The temporary file, relative to the folder.
    pub temporary: String,
    /// What should come out; none when there should be nothing.
    pub expect: Option<ContentId>,
    /// What goes in; none when the file goes away.
    pub put: Option<ContentId>,
    /// The base it replaces.
    pub parent: Option<RecordId>,
    /// The version that is written.
    pub version: Option<RecordId>,
    /// How far it has come.
    pub state: IntentState,
}

impl Ledger {
    /// Write an intent down and number it.
    ///
    /// # Errors
    /// Those of the database.
    pub fn add_intent(&self, intent: &Intent) -> Result<i64, StoreError> {
        let mut add = self.db.prepare_cached(
            "INSERT INTO intents (key, place, temporary, expect, put, parent, state, version, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        add.execute(params![
            intent.path.key(),
            intent.place as i64,
            intent.temporary,
            intent.expect.as_ref().map(ContentId::as_bytes),
            intent.put.as_ref().map(ContentId::as_bytes),
            intent.parent.as_ref().map(RecordId::as_bytes),
            intent.state as i64,
            intent.version.as_ref().map(RecordId::as_bytes),
            intent.at
        ])?;
        Ok(self.db.last_insert_rowid())
    }

    /// Say how far an intent has come. A removed one stays removed.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_intent_state(&self, id: i64, state: IntentState) -> Result<(), StoreError> {
        let mut set = self.db.prepare_cached("UPDATE intents SET state = ?2 WHERE id = ?1")?;
        set.execute([id, state as i64])?;
        Ok(())
    }

    /// What came out holds this version by now, and stays where it lies.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_intent_parent(
        &self,
        id: i64,
        expect: Option<ContentId>,
        parent: RecordId,
    ) -> Result<(), StoreError> {
        let mut set = self.db.prepare_cached("UPDATE intents SET expect = ?2, parent = ?3 WHERE id = ?1")?;
        set.execute(params![id, expect.as_ref().map(ContentId::as_bytes), parent.as_bytes()])?;
        Ok(())
    }

    /// Forget an intent: all that came of it is looked at and safe.
    ///
    /// # Errors
    /// Those of the database.
    pub fn remove_intent(&self, id: i64) -> Result<(), StoreError> {
        self.db.prepare_cached("DELETE FROM intents WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// All intents, oldest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn intents(&self) -> Result<Vec<Intent>, StoreError> {
        let mut find = self.db.prepare_cached(
            "SELECT id, key, place, temporary, expect, put, parent, state, version, at FROM intents ORDER BY id",
        )?;
        let rows = find.query_map([], |row| {
            let path = column::path(row, 1)?;
            // intents of before had no other place
            let at: Option<String> = row.get(9)?;
            Ok(Intent {
                id: row.get(0)?,
                at: at.unwrap_or_else(|| path.as_str().to_owned()),
                path,
                place: column::choice(row, 2, |number| {
                    [Place::Working, Place::Mirror].into_iter().find(|&place| place as i64 == number)
                })?,
                temporary: row.get(3)?,
                expect: column::optional_id(row, 4)?,
                put: column::optional_id(row, 5)?,
                parent: column::optional_id(row, 6)?,
                state: column::choice(row, 7, |number| {
                    use IntentState::{Planned, Ready, Rewriting, Swapped};
                    let states = [Planned, Swapped, Rewriting, Ready];
                    states.into_iter().find(|&state| state as i64 == number)
                })?,
                version: column::optional_id(row, 8)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::path;

    #[test]
    fn intents_stand_until_they_are_removed() {
        let ledger = Ledger::in_memory().unwrap();
        let mut first = Intent {
            id: 0,
            path: path("a/b"),
            place: Place::Mirror,
            at: "a/%{62}".into(),
            temporary: "a/.~kitbag-1.tmp".into(),
            expect: Some(ContentId::of(b"old")),
            put: None,
            parent: Some(RecordId::of(b"parent")),
            version: Some(RecordId::of(b"version")),
            state: IntentState::Planned,
        };
        let mut second = Intent {
            place: Place::Working,
            expect: None,
            put: first.expect,
            parent: None,
            version: None,
            ..first.clone()
        };
        first.id = ledger.add_intent(&first).unwrap();
        second.id = ledger.add_intent(&second).unwrap();
        for state in [IntentState::Rewriting, IntentState::Ready, IntentState::Swapped] {
            ledger.set_intent_state(second.id, state).unwrap();
            second.state = state;
            assert_eq!(ledger.intents().unwrap(), [first.clone(), second.clone()]);
        }
        (first.expect, first.parent) = (Some(ContentId::of(b"more")), Some(RecordId::of(b"later")));
        ledger.set_intent_parent(first.id, first.expect, RecordId::of(b"later")).unwrap();
        assert_eq!(ledger.intents().unwrap(), [first.clone(), second.clone()]);
        ledger.remove_intent(first.id).unwrap();
        assert_eq!(ledger.intents().unwrap(), [second]);
    }
}
