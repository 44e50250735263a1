//! Open files of a simulated disk. A handle points to the file, not to its name, as on a real system: who
//! holds one goes on reading and writing the file that was swapped out or removed. A restart or power cut
//! ends it.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::SimulatedDisk;
use super::state::{Outcome, State};
use super::tree::{Body, Node, Number, error};
use crate::disk::{Reading, Stat, Writing};

pub(super) struct Handle {
    disk: SimulatedDisk,
    number: Number,
    session: u64,
    at: u64,
}

impl Handle {
    /// Open a node that exists; the caller holds the lock.
    pub(super) fn new(disk: &SimulatedDisk, state: &mut State, number: Number) -> Self {
        *state.tree.open.entry(number).or_default() += 1;
        Handle { disk: disk.clone(), number, session: state.session, at: 0 }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.session == self.session
            && let Some(count) = state.tree.open.get_mut(&self.number)
        {
            *count -= 1;
            if *count == 0 {
                state.tree.open.remove(&self.number);
            }
        }
    }
}

impl Read for Handle {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.disk.announce(false);
        let mut state = self.disk.state();
        state.look(Some(self.session))?;
        let Body::File { bytes, .. } = &state.tree.node(self.number)?.body else {
            return error(ErrorKind::InvalidInput);
        };
        let from = usize::try_from(self.at).map_or(bytes.len(), |at| at.min(bytes.len()));
        let count = into.len().min(bytes.len() - from);
        into[..count].copy_from_slice(&bytes[from..from + count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Handle {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let size = self.stat()?.fingerprint.size;
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl Reading for Handle {
    fn stat(&self) -> io::Result<Stat> {
        self.disk.announce(false);
        let mut state = self.disk.state();
        state.look(Some(self.session))?;
        state.tree.stat(self.number)
    }
}

impl Write for Handle {
    /// Always at the end: files are written from front to back.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.announce(true);
        let mut state = self.disk.state();
        let outcome = state.step(Some(self.session))?;
        let room = state.room(bytes.len())?;
        // A program that dies while writing leaves part of it.
        let count = if outcome == Outcome::Dies { room / 2 } else { room };
        let now = state.tree.now();
        if let Ok(Node { body: Body::File { bytes: file, durable }, modified, changed, .. }) =
            state.tree.node_mut(self.number)
        {
            if durable.is_none() {
                *durable = Some(file.clone());
            }
            let file = Arc::make_mut(file);
            file.extend_from_slice(&bytes[..count]);
            (*modified, *changed) = (now, now);
        }
        state.tree.used += count as u64;
        state.tree.unsynced.insert(self.number);
        outcome.done(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writing for Handle {
    fn set_executable(&mut self, executable: bool) -> io::Result<()> {
        self.disk.announce(true);
        let mut state = self.disk.state();
        state.step(Some(self.session))?.unless_dead()?;
        let now = state.tree.now();
        let node = state.tree.node_mut(self.number)?;
        (node.executable, node.changed) = (executable, now);
        Ok(())
    }

    fn finish(self: Box<Self>, durable: bool) -> io::Result<Stat> {
        self.disk.announce(durable);
        let mut state = self.disk.state();
        if durable {
            state.step(Some(self.session))?.unless_dead()?;
            state.tree.sync_file(self.number);
        } else {
            state.look(Some(self.session))?;
        }
        state.tree.stat(self.number)
    }
}
