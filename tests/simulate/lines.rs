//! What became of every line: who has seen it, who took it out. A line counts as seen once a person typed it into a
//! working folder, or a machine made bytes durable that hold it. It may be gone at the end only if somebody who saw
//! it took it out.

use crate::text::{Blob, TYPED, Token, line};

const SEEN: u8 = 1;
const TAKEN: u8 = 2;
const TAKEN_BY_PHONE: u8 = 4;
const MOVED: u8 = 8;
const PUBLISHED: u8 = 16;
const CARRIED: u8 = 32;
const MISTAKEN: u8 = 64;

#[derive(Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    fn mark(&mut self, token: Token, flag: u8) {
        let at = token as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= flag;
    }

    fn is(&self, token: Token, flag: u8) -> bool {
        self.0.get(token as usize).is_some_and(|flags| flags & flag != 0)
    }

    fn mark_all(&mut self, blob: &Blob, flag: u8) {
        blob.tokens().iter().for_each(|token| self.mark(*token, flag));
    }

    /// Durable on some machine.
    pub fn see(&mut self, blob: &Blob) {
        self.mark_all(blob, SEEN);
    }

    /// In a record that is in the share.
    pub fn publish(&mut self, blob: &Blob) {
        self.mark_all(blob, SEEN | PUBLISHED);
    }

    /// A person made the one of the other in a working folder, seeing both.
    pub fn person_made(&mut self, before: Option<&Blob>, after: Option<&Blob>) {
        after.iter().for_each(|after| self.see(after));
        self.mark_missing(before, after, TAKEN);
    }

    /// Somebody made the one of the other by phone.
    pub fn phone_made(&mut self, before: Option<&Blob>, after: Option<&Blob>) {
        self.mark_missing(before, after, TAKEN_BY_PHONE);
    }

    fn mark_missing(&mut self, before: Option<&Blob>, after: Option<&Blob>, flag: u8) {
        for token in before.iter().flat_map(|before| before.tokens()) {
            if !after.is_some_and(|after| after.holds(*token)) {
                self.mark(*token, flag);
            }
        }
    }

    pub fn removed_all(&mut self, blob: &Blob) {
        self.mark_all(blob, TAKEN);
    }

    /// A person gave the file another name: the lines leave here, to stand there.
    pub fn moved(&mut self, blob: &Blob) {
        self.mark_all(blob, MOVED);
    }

    /// A late edit followed its file: the lines leave here, to stand there.
    pub fn carried(&mut self, blob: &Blob) {
        self.mark_all(blob, CARRIED);
    }

    /// A ledger older than its folder believes that these are shown: what the folder shows will be taken for an edit.
    pub fn mistaken(&mut self, blob: &Blob) {
        self.mark_all(blob, MISTAKEN);
    }

    /// A file that was renamed and rewritten before it was looked at is one deleted and one new: its lines are taken
    /// out at the old name, which is not what the person did.
    pub fn taken_for_deleted(&mut self, blob: &Blob) {
        for token in blob.tokens() {
            if self.is(*token, MOVED) {
                self.mark(*token, MISTAKEN);
            }
        }
    }

    /// Did one of the two happen?
    pub fn is_mistaken(&self, token: Token) -> bool {
        self.is(token, MISTAKEN)
    }

    /// A disk was thrown away: what stood nowhere else is nobody's fault.
    pub fn thrown_away(&mut self, blob: &Blob) {
        for token in blob.tokens() {
            if self.is(*token, MOVED) {
                // it may have left its old name already, with nothing of the new one recorded
                self.mark(*token, TAKEN);
            } else if !self.is(*token, PUBLISHED) {
                self.0[*token as usize] &= !SEEN;
            }
        }
    }

    /// A merge may leave it out: a person took it out, or carried it elsewhere, or a course had it.
    pub fn may_be_dropped(&self, token: Token) -> bool {
        token < TYPED || self.is(token, TAKEN | MOVED | CARRIED | MISTAKEN)
    }

    /// Lines that ought to be there and are not, with the reason; and how many came back that were taken out.
    pub fn judge(&self, present: &[Token]) -> (Vec<(Token, String)>, u64) {
        let (mut lost, mut returned) = (Vec::new(), 0);
        for token in TYPED..self.0.len() as Token {
            let here = present.binary_search(&token).is_ok();
            if here {
                returned += u64::from(self.is(token, TAKEN));
            } else if self.is(token, SEEN) && !self.is(token, TAKEN) {
                let text = String::from_utf8_lossy(&line(token)).into_owned();
                let how = if self.is(token, TAKEN_BY_PHONE) {
                    "the phone took it out, and nobody was asked"
                } else {
                    "nobody took it out"
                };
                lost.push((token, format!("lost the line {text}: {how}")));
            }
        }
        (lost, returned)
    }
}
