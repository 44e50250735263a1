//! What plugins remember on this machine, each in a drawer of its own and within a quota: 1 MiB in all, 64 KiB
//! a value, 1000 keys. A plugin that writes without end is refused, and the ledger does not grow. The name of
//! the drawer is the host's to choose; it should hold the publisher's key, not only the plugin's id.

use rusqlite::{OptionalExtension, params};

use super::{Ledger, column};
use crate::error::StoreError;

/// Bytes of all keys and values of one plugin.
pub const MOST_PLUGIN_BYTES: usize = 1024 * 1024;
/// Bytes of one value.
pub const MOST_VALUE_BYTES: usize = 64 * 1024;
/// Keys of one plugin.
pub const MOST_KEYS: usize = 1000;
const MOST_KEY_BYTES: usize = 256;

/// Why a plugin's state was not changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A key of no or of more than 256 bytes.
    #[error("a key is empty or longer than 256 bytes")]
    Key,
    /// A value over [`MOST_VALUE_BYTES`].
    #[error("a value is longer than 64 KiB")]
    Value,
    /// One key more than [`MOST_KEYS`].
    #[error("the plugin has 1000 keys already")]
    Keys,
    /// More than [`MOST_PLUGIN_BYTES`] in all.
    #[error("the plugin would store more than 1 MiB")]
    Full,
    /// The ledger's own trouble.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        StateError::Store(error.into())
    }
}

impl Ledger {
    /// A value, none when the key is not there.
    ///
    /// # Errors
    /// Those of the database.
    pub fn state_get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        let mut find =
            self.db.prepare_cached("SELECT value FROM plugin_state WHERE plugin = ?1 AND key = ?2")?;
        Ok(find.query_row([plugin, key], |row| row.get(0)).optional()?)
    }

    /// Set or replace a value.
    ///
    /// # Errors
    /// When the quota does not allow it; those of the database.
    pub fn state_set(&self, plugin: &str, key: &str, value: &[u8]) -> Result<(), StateError> {
        self.batch(|ledger| ledger.state_put(plugin, key, value))
    }

    /// Change a value only if it still is `old` (none: not there); a `new` of none removes it. False when it
    /// is something else by now.
    ///
    /// # Errors
    /// When the quota does not allow it; those of the database.
    pub fn state_compare_and_set(
        &self,
        plugin: &str,
        key: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StateError> {
        self.batch(|ledger| {
            if ledger.state_get(plugin, key)?.as_deref() != old {
                return Ok(false);
            }
            match new {
                Some(value) => ledger.state_put(plugin, key, value)?,
                None => {
                    let mut remove = ledger
                        .db
                        .prepare_cached("DELETE FROM plugin_state WHERE plugin = ?1 AND key = ?2")?;
                    remove.execute([plugin, key])?;
                }
            }
            Ok(true)
        })
    }

    /// The keys that begin with `prefix`, sorted.
    ///
    /// # Errors
    /// Those of the database.
    pub fn state_keys(&self, plugin: &str, prefix: &str) -> Result<Vec<String>, StateError> {
        let mut find = self.db.prepare_cached(
            "SELECT key FROM plugin_state WHERE plugin = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key",
        )?;
        Ok(find.query_map([plugin, prefix], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Forget all a plugin remembers: it was removed.
    ///
    /// # Errors
    /// Those of the database.
    pub fn state_clear(&self, plugin: &str) -> Result<(), StateError> {
        self.db.prepare_cached("DELETE FROM plugin_state WHERE plugin = ?1")?.execute([plugin])?;
        Ok(())
    }

    fn state_put(&self, plugin: &str, key: &str, value: &[u8]) -> Result<(), StateError> {
        if key.is_empty() || key.len() > MOST_KEY_BYTES {
            return Err(StateError::Key);
        }
        if value.len() > MOST_VALUE_BYTES {
            return Err(StateError::Value);
        }
        let mut others = self.db.prepare_cached(
            "SELECT COUNT(*), COALESCE(SUM(octet_length(key) + octet_length(value)), 0)
             FROM plugin_state WHERE plugin = ?1 AND key <> ?2",
        )?;
        let (keys, bytes) = others
            .query_row([plugin, key], |row| Ok((column::unsigned(row, 0)?, column::unsigned(row, 1)?)))?;
        if keys >= MOST_KEYS as u64 {
            return Err(StateError::Keys);
        }
        if bytes + (key.len() + value.len()) as u64 > MOST_PLUGIN_BYTES as u64 {
            return Err(StateError::Full);
        }
        let mut put = self.db.prepare_cached("INSERT OR REPLACE INTO plugin_state VALUES (?1, ?2, ?3)")?;
        put.execute(params![plugin, key, value])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plugin_has_its_own_drawer() {
        let ledger = Ledger::in_memory().unwrap();
        ledger.state_set("one", "k", b"1").unwrap();
        ledger.state_set("two", "k", b"2").unwrap();
        ledger.state_set("one", "k", b"3").unwrap();
        assert_eq!(ledger.state_get("one", "k").unwrap().as_deref(), Some(&b"3"[..]));
        assert_eq!(ledger.state_get("two", "k").unwrap().as_deref(), Some(&b"2"[..]));
        ledger.state_clear("one").unwrap();
        assert_eq!(ledger.state_get("one", "k").unwrap(), None);
        assert_eq!(ledger.state_keys("two", "").unwrap(), ["k"]);
    }

    #[test]
    fn compare_and_set_changes_only_what_is_as_expected() {
        let ledger = Ledger::in_memory().unwrap();
        let set = |old: Option<&[u8]>, new: Option<&[u8]>| {
            ledger.state_compare_and_set("p", "k", old, new).unwrap()
        };
        assert!(!set(Some(b"1"), Some(b"2")));
        assert!(set(None, Some(b"1")));
        assert!(!set(None, Some(b"2")));
        assert!(set(Some(b"1"), Some(b"2")));
        assert_eq!(ledger.state_get("p", "k").unwrap().as_deref(), Some(&b"2"[..]));
        assert!(set(Some(b"2"), None));
        assert!(set(None, None));
        assert_eq!(ledger.state_get("p", "k").unwrap(), None);
    }

    #[test]
    fn keys_are_found_by_how_they_begin() {
        let ledger = Ledger::in_memory().unwrap();
        for key in ["vm/2", "vm/1", "v%", "é"] {
            ledger.state_set("p", key, b"").unwrap();
        }
        assert_eq!(ledger.state_keys("p", "vm/").unwrap(), ["vm/1", "vm/2"]);
        assert_eq!(ledger.state_keys("p", "v%").unwrap(), ["v%"]);
        assert_eq!(ledger.state_keys("p", "é").unwrap(), ["é"]);
        assert_eq!(ledger.state_keys("p", "").unwrap().len(), 4);
    }

    #[test]
    fn a_quota_is_a_quota() {
        let ledger = Ledger::in_memory().unwrap();
        let full = vec![0; MOST_VALUE_BYTES];
        let set = |key: &str, value: &[u8]| ledger.state_set("p", key, value);
        assert!(matches!(set("", b""), Err(StateError::Key)));
        assert!(matches!(set(&"k".repeat(257), b""), Err(StateError::Key)));
        assert!(matches!(set("k", &vec![0; MOST_VALUE_BYTES + 1]), Err(StateError::Value)));
        // Sixteen values would fill it exactly, but keys count too.
        for key in 0..15 {
            set(&format!("{key:02}"), &full).unwrap();
        }
        assert!(matches!(set("15", &full), Err(StateError::Full)));
        set("15", &full[..MOST_VALUE_BYTES - 32]).unwrap();
        assert!(matches!(set("x", b""), Err(StateError::Full)));
        set("00", b"").unwrap();
        set("x", b"").unwrap();
        ledger.state_set("other", "x", &full).unwrap();

        let many = |key: usize| ledger.state_set("many", &key.to_string(), b"");
        ledger.batch(|_| (0..MOST_KEYS).try_for_each(many)).unwrap();
        assert!(matches!(many(MOST_KEYS), Err(StateError::Keys)));
        many(0).unwrap();
        let refused = ledger.state_compare_and_set("many", "one more", None, Some(b""));
        assert!(matches!(refused, Err(StateError::Keys)));
    }
}
