//! The ledger's paths as a sorted stream, read page by page: the third of the three streams that a scan walks side by
//! side.

use std::cmp::Ordering;

use kitbag_store::Ledger;
use kitbag_store::ledger::PathRow;

use crate::error::EngineError;

/// The ledger's stream, page by page.
pub(super) struct Rows<'a> {
    ledger: &'a Ledger,
    page: std::vec::IntoIter<PathRow>,
    next: Option<PathRow>,
    last: Option<Vec<u8>>,
    done: bool,
}

const PAGE: usize = 2_000;

impl<'a> Rows<'a> {
    /// From the beginning.
    pub(super) fn new(ledger: &'a Ledger) -> Self {
        Rows { ledger, page: Vec::new().into_iter(), next: None, last: None, done: false }
    }

    fn fill(&mut self) -> Result<(), EngineError> {
        while self.next.is_none() && !self.done {
            self.next = self.page.next();
            if self.next.is_none() {
                let page = self.ledger.paths_after(self.last.as_deref(), PAGE)?;
                self.done = page.is_empty();
                self.last = page.last().map(|row| row.path.key()).or(self.last.take());
                self.page = page.into_iter();
            }
        }
        Ok(())
    }

    /// The next path's key.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn key(&mut self) -> Result<Option<Vec<u8>>, EngineError> {
        self.fill()?;
        Ok(self.next.as_ref().map(|row| row.path.key()))
    }

    /// The next path's row, if it is the one with this key.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) fn take(&mut self, key: &[u8]) -> Result<Option<PathRow>, EngineError> {
        self.fill()?;
        let order = self.next.as_ref().map(|row| row.path.key().as_slice().cmp(key));
        Ok(if order == Some(Ordering::Equal) { self.next.take() } else { None })
    }
}
