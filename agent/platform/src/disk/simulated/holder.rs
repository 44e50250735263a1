//! A program of somebody else's that has a file of a simulated disk open and goes on adding to it, as loggers and slow
//! editors do. It writes to the file it opened, whatever the name stands for by then. Like all that others do, what it
//! writes is durable at once and no call of the program.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::state::State;
use super::tree::{Body, Number, error};
use super::{SimulatedDisk, plain};

/// An open file of another program. Closed when dropped; a power cut ends it.
pub struct Holder {
    disk: SimulatedDisk,
    id: u64,
}

impl SimulatedDisk {
    /// Open a file as another program does, to write to it later.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn hold(&self, path: &Path) -> io::Result<Holder> {
        let mut state = self.state();
        let number = plain(&state.tree, path)?;
        let id = state.tree.next_writer;
        state.tree.next_writer += 1;
        state.tree.writers.insert(id, number);
        Ok(Holder { disk: self.clone(), id })
    }
}

impl Holder {
    /// Add bytes at the end of the file, if it has a name or not.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] after a power cut.
    pub fn append(&self, more: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let number = self.number(&state)?;
        let now = state.tree.now();
        let node = state.tree.node_mut(number)?;
        if let Body::File { bytes, .. } = &mut node.body {
            Arc::make_mut(bytes).extend_from_slice(more);
        }
        (node.modified, node.changed) = (now, now);
        state.tree.sync_file(number);
        Ok(())
    }

    fn number(&self, state: &State) -> io::Result<Number> {
        state.tree.writers.get(&self.id).copied().map_or_else(|| error(io::ErrorKind::BrokenPipe), Ok)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.disk.state().tree.writers.remove(&self.id);
    }
}
