//! Unexplained bytes of the mirror and of conflict copies wait for their record, each kind as long as experience with
//! providers says. Those nobody explains become outside records; what only looks like half of a version waits longer.

use super::Work;
use crate::copies;
use crate::entry::{Millis, Observed, Seen};
use crate::history::same_bytes;
use crate::merge::text;
use crate::mutation::{Rule, off};
use crate::outside;
use crate::reconcile::Unreadable;
use crate::unit;
use crate::version::{Content, Record};

/// Bytes that look like the first part of a known version wait this many times longer.
const PARTIAL_PATIENCE: Millis = 10;
/// Bytes at a path whose record is on its way, and copies that a person may have made, wait this many times longer.
const DELIVERY_PATIENCE: Millis = 30;

/// People give such names too.
pub(super) fn is_weak(copy: &str) -> bool {
    copies::base_of(copy).is_none()
}

impl Work<'_> {
    /// Waiting bytes that became known are dropped; those that waited long enough become outside records, even
    /// if the mirror has moved on.
    pub(super) fn settle_observed(&mut self) -> Result<Vec<(String, Content)>, Unreadable> {
        let mut waited = Vec::new();
        for observed in std::mem::take(&mut self.memory.observed) {
            if self.history.knows(observed.content) {
                waited.extend(self.weak_copy_waited(observed));
                continue;
            }
            let partial = self.partial(observed.content)?;
            let stands = match &observed.copy {
                None => self.s.mirror.id() == observed.content.id(),
                Some(name) => self.s.copies.iter().any(|(copy, _)| copy == name),
            };
            if (partial || off(Rule::ObservedSettles)) && !stands && self.s.mirror != Seen::Unsure {
                continue;
            }
            let unit = matches!(observed.content, Content::Unit { .. });
            let patience = match (self.s.delivering, partial || unit) {
                (true, _) => DELIVERY_PATIENCE,
                (_, true) => PARTIAL_PATIENCE,
                _ => 1,
            };
            let due = observed.since.saturating_add(self.s.settle.saturating_mul(patience));
            if self.s.now < due {
                self.wait_until(due);
                self.memory.observed.push(observed);
            } else if partial && unit {
                // nothing in it is new: it may be written over
                self.mixed.insert(observed.content.id());
            } else {
                let mut record =
                    outside::record_for(self.s.path, observed.content, &self.history, self.contents)?;
                self.guess_from_shown(&mut record);
                self.record(record);
                waited.extend(observed.copy);
            }
        }
        let certain = |(name, content): &&(String, Content)| {
            self.history.knows(*content) && (waited.contains(name) || !is_weak(name))
        };
        Ok(self.s.copies.iter().filter(certain).cloned().collect())
    }

    /// A copy of weak name whose bytes are known goes only when it has stood for long: a person on another machine may
    /// have made it on purpose, and then its own record is on its way.
    fn weak_copy_waited(&mut self, observed: Observed) -> Option<String> {
        let name = observed.copy.clone().filter(|name| is_weak(name))?;
        if !self
            .s
            .copies
            .iter()
            .any(|(copy, content)| *copy == name && same_bytes(*content, observed.content))
        {
            return None;
        }
        let due = observed.since.saturating_add(self.s.settle.saturating_mul(DELIVERY_PATIENCE));
        if self.s.now >= due {
            return Some(name);
        }
        self.wait_until(due);
        self.memory.observed.push(observed);
        None
    }

    /// What the outside rule is there to prevent, for tests that take it out.
    fn guess_from_shown(&self, record: &mut Record) {
        let shown = self.memory.base.and_then(|base| Some((base, self.history.get(base)?)));
        let Some((base, version)) = shown else { return };
        if off(Rule::OutsideNoChild) {
            (record.parents, record.near) = ([base].into(), None);
        } else if off(Rule::OutsideNoSibling) {
            (record.parents, record.near) = (version.parents.clone(), None);
        }
    }

    /// Empty, or the beginning of a version we know: what a provider shows while it is still writing.
    fn partial(&self, content: Content) -> Result<bool, Unreadable> {
        let (id, size) = match content {
            Content::File { id, size, .. } => (id, size),
            Content::Unit { id, .. } => return unit::is_mix(&self.history, id, None, self.contents),
            Content::Deleted | Content::Link { .. } | Content::Folder => return Ok(false),
        };
        if size == 0 {
            return Ok(true);
        }
        if size > text::LARGEST as u64 {
            return Ok(false);
        }
        let Some(part) = self.contents.read(id)? else { return Ok(false) };
        for (_, record) in self.history.live() {
            if let Content::File { id, size: whole, .. } = record.content
                && whole >= size
                && whole <= text::LARGEST as u64
                && let Some(whole) = self.contents.read(id)?
                && text::is_partial(&part, &whole)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
