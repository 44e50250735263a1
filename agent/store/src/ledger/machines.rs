//! When this ledger last heard something new of each other machine, in counted time. By its own words a machine may
//! live in any year; what counts here is when its newest event was first seen.

use rusqlite::params;

use super::Ledger;
use crate::error::StoreError;

/// What was heard of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its random id.
    pub machine: String,
    /// The count of its newest event.
    pub sequence: u64,
    /// When that was first heard of, in counted time.
    pub at: i64,
}

impl Ledger {
    /// Note the newest event of a machine at counted time `now`. Only a higher count is news.
    ///
    /// # Errors
    /// Those of the database.
    pub fn hear(&self, machine: &str, sequence: u64, now: i64) -> Result<(), StoreError> {
        let mut hear = self.db.prepare_cached(
            "INSERT INTO heard VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET sequence = ?2, at = ?3 WHERE sequence < ?2",
        )?;
        // as large as the column takes
        let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
        hear.execute(params![machine, sequence, now])?;
        Ok(())
    }

    /// All machines that were ever heard of.
    ///
    /// # Errors
    /// Those of the database.
    pub fn heard(&self) -> Result<Vec<Heard>, StoreError> {
        let mut find = self.db.prepare_cached("SELECT machine, sequence, at FROM heard ORDER BY machine")?;
        let rows = find.query_map([], |row| {
            let sequence: i64 = row.get(1)?;
            Ok(Heard { machine: row.get(0)?, sequence: sequence.cast_unsigned(), at: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_news_counts() {
        let ledger = Ledger::in_memory().unwrap();
        for (sequence, now) in [(3, 10), (3, 20), (2, 30)] {
            ledger.hear("b", sequence, now).unwrap();
        }
        assert_eq!(ledger.heard().unwrap(), [Heard { machine: "b".into(), sequence: 3, at: 10 }]);
        ledger.hear("b", u64::MAX, 40).unwrap();
        assert_eq!(ledger.heard().unwrap()[0].at, 40);
    }
}
