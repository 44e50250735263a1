//! A disk in memory with the manners of the real one. It counts every call that changes something, fails the
//! call it is told to, can be full or read-only, and loses on a power cut what was not made durable. The
//! same seed loses the same. One suite of tests runs against it and against the real disk.

mod durable;
mod handle;
mod holder;
mod manners;
mod others;
mod state;
#[cfg(test)]
mod tests;
mod tree;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use durable::Naming;
use handle::Handle;
pub use holder::Holder;
pub use manners::{Folding, Manners};
pub use others::Call;
use others::Watcher;
pub use state::Failure;
use state::{Outcome, State, lock};
use tree::{Body, Names, Number, Tree, error};

use super::{Disk, Item, ItemKind, Reading, Refused, Stat, Writing};
use crate::clock::SimulatedClock;

/// Free bytes of a disk without a capacity: 1 TiB.
const PLENTY: u64 = 1 << 40;

/// A disk in memory. Copies of it are the same disk. Only the folder `/` exists at first.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    watcher: Mutex<Option<Watcher>>,
}

impl SimulatedDisk {
    /// An empty disk. Its files take their times from this clock, no two of them the same time.
    pub fn new(clock: SimulatedClock) -> Self {
        Self::with(State {
            tree: Tree::new(clock),
            calls: 0,
            mutations: 0,
            failures: Vec::new(),
            failing_calls: Vec::new(),
            capacity: None,
            read_only: false,
            can_exchange: true,
            session: 0,
            crashed: false,
        })
    }

    /// How many calls were made that change something or make it durable, failed ones among them. Each
    /// write to an open file is one.
    pub fn mutations(&self) -> u64 {
        self.state().mutations
    }

    /// How many calls were made, looks among them. Each read from or write to an open file is one.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Let a coming mutating call fail: 1 is the next.
    pub fn fail_at(&self, nth: u64, failure: Failure) {
        let mut state = self.state();
        let at = state.mutations.saturating_add(nth);
        state.failures.push((at, failure));
    }

    /// Let a coming call of any kind fail: 1 is the next.
    pub fn fail_call(&self, nth: u64, failure: Failure) {
        let mut state = self.state();
        let at = state.calls.saturating_add(nth);
        state.failing_calls.push((at, failure));
    }

    /// How many bytes of files it holds; none for plenty.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Refuse all changes, as a folder somebody may only read.
    pub fn set_read_only(&self, read_only: bool) {
        self.state().read_only = read_only;
    }

    /// Whether [`Disk::exchange`] works, as it does not on FAT or NFS. It does at first.
    pub fn set_exchange(&self, can: bool) {
        self.state().can_exchange = can;
    }

    /// What its file system can do; as on Linux at first. To be said before there are files.
    pub fn set_manners(&self, manners: Manners) {
        self.state().tree.manners = manners;
    }

    /// The program was killed and starts again; the system went on, so nothing is lost. Open handles are
    /// dead, ordered failures are forgotten.
    pub fn restart(&self) {
        self.state().restart();
    }

    /// The power goes and comes back. What was not made durable is there, torn or gone, as the seed has it.
    /// Otherwise as [`SimulatedDisk::restart`].
    pub fn power_cut(&self, seed: u64) {
        let mut state = self.state();
        state.tree.power_cut(seed);
        state.restart();
    }

    fn with(state: State) -> Self {
        Self(Arc::new(Shared { state: Mutex::new(state), watcher: Mutex::new(None) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    /// For a call that does all or nothing.
    fn mutate(&self) -> io::Result<MutexGuard<'_, State>> {
        self.announce(true);
        let mut state = self.state();
        state.step(None)?.unless_dead()?;
        Ok(state)
    }

    fn looked(&self) -> io::Result<MutexGuard<'_, State>> {
        self.announce(false);
        let mut state = self.state();
        state.look(None)?;
        Ok(state)
    }
}

/// The number of a plain file that is here.
fn plain(tree: &Tree, path: &Path) -> io::Result<Number> {
    let number = tree.find(path, false)?;
    match (tree.kind(number)?, tree.node(number)?.placeholder) {
        (ItemKind::File, false) => Ok(number),
        (ItemKind::File, true) => Err(Refused::NotHere.into()),
        _ => Err(Refused::NotPlain.into()),
    }
}

fn make_folder(tree: &mut Tree, path: &Path) -> io::Result<()> {
    let (folder, name) = tree.free_place(path)?;
    let number = tree.add(Body::Folder { names: Names::new(), durable: Names::new() });
    tree.change(vec![Naming::new(folder, name, Some(number))])
}

impl Disk for SimulatedDisk {
    fn list(&self, dir: &Path) -> io::Result<Vec<Item>> {
        let state = self.looked()?;
        let names = state.tree.names(state.tree.find(dir, true)?)?;
        let item = |(name, &number): (&std::ffi::OsString, &Number)| {
            Ok(Item { name: name.clone(), kind: state.tree.kind(number)? })
        };
        names.iter().map(item).collect()
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let state = self.looked()?;
        state.tree.stat(state.tree.find(path, false)?)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Reading>> {
        let mut state = self.looked()?;
        let number = plain(&state.tree, path)?;
        Ok(Box::new(Handle::new(self, &mut state, number)))
    }

    fn is_written_to(&self, path: &Path) -> io::Result<Option<bool>> {
        let state = self.looked()?;
        let number = plain(&state.tree, path)?;
        Ok(Some(state.tree.writers.values().any(|held| *held == number)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Writing>> {
        let mut state = self.mutate()?;
        let (folder, name) = state.tree.free_place(path)?;
        let number = state.tree.add_file(Vec::new());
        state.tree.change(vec![Naming::new(folder, name, Some(number))])?;
        Ok(Box::new(Handle::new(self, &mut state, number)))
    }

    fn rewrite(&self, path: &Path) -> io::Result<Box<dyn Writing>> {
        let mut state = self.mutate()?;
        let number = plain(&state.tree, path)?;
        let now = state.tree.now();
        let node = state.tree.node_mut(number)?;
        (node.modified, node.changed) = (now, now);
        if let Body::File { bytes, durable } = &mut node.body {
            let old = std::mem::take(bytes);
            durable.get_or_insert(old);
        }
        state.tree.unsynced.insert(number);
        Ok(Box::new(Handle::new(self, &mut state, number)))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.mutate()?;
        let (old_folder, old_name, number) = state.tree.taken_place(from)?;
        let (folder, name) = state.tree.free_place(to)?;
        state.tree.refuse_into_itself(number, to)?;
        let namings = vec![Naming::new(old_folder, old_name, None), Naming::new(folder, name, Some(number))];
        state.tree.change(namings)
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        let mut state = self.mutate()?;
        let (a_folder, a_name, a_number) = state.tree.taken_place(a)?;
        let (b_folder, b_name, b_number) = state.tree.taken_place(b)?;
        if !state.can_exchange {
            return error(ErrorKind::Unsupported);
        }
        state.tree.refuse_into_itself(a_number, b)?;
        state.tree.refuse_into_itself(b_number, a)?;
        let namings = vec![
            Naming::new(a_folder, a_name, Some(b_number)),
            Naming::new(b_folder, b_name, Some(a_number)),
        ];
        state.tree.change(namings)
    }

    fn rename_over(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.mutate()?;
        let (old_folder, old_name, number) = state.tree.taken_place(from)?;
        let (folder, name, replaced) = state.tree.place(to)?;
        if replaced == Some(number) {
            return Ok(());
        }
        state.tree.refuse_into_itself(number, to)?;
        let moved = state.tree.kind(number)?;
        match replaced
            .map(|replaced| Ok::<_, io::Error>((replaced, state.tree.kind(replaced)?)))
            .transpose()?
        {
            Some((_, ItemKind::Folder)) if moved != ItemKind::Folder => {
                return error(ErrorKind::IsADirectory);
            }
            Some((replaced, ItemKind::Folder)) if !state.tree.names(replaced)?.is_empty() => {
                return error(ErrorKind::DirectoryNotEmpty);
            }
            Some((_, kind)) if kind != ItemKind::Folder && moved == ItemKind::Folder => {
                return error(ErrorKind::NotADirectory);
            }
            _ => {}
        }
        let namings = vec![Naming::new(old_folder, old_name, None), Naming::new(folder, name, Some(number))];
        state.tree.change(namings)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.mutate()?;
        let (folder, name, number) = state.tree.taken_place(path)?;
        match state.tree.kind(number)? {
            ItemKind::Folder => error(ErrorKind::IsADirectory),
            _ => state.tree.change(vec![Naming::new(folder, name, None)]),
        }
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.mutate()?;
        let (folder, name, number) = state.tree.taken_place(path)?;
        match state.tree.names(number)?.is_empty() {
            true => state.tree.change(vec![Naming::new(folder, name, None)]),
            false => error(ErrorKind::DirectoryNotEmpty),
        }
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        make_folder(&mut self.mutate()?.tree, path)
    }

    /// Each folder made is one mutating call.
    fn create_dirs(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = {
            let state = self.looked()?;
            path.ancestors().take_while(|part| state.tree.find(part, true).is_err()).collect()
        };
        let found = path.ancestors().nth(missing.len()).unwrap_or(path);
        {
            let state = self.looked()?;
            state.tree.names(state.tree.find(found, true)?)?;
        }
        missing.into_iter().rev().try_for_each(|part| match self.create_dir(part) {
            // Somebody else was faster.
            Err(taken) if taken.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made,
        })
    }

    fn clone_or_copy(&self, from: &Path, to: &Path) -> io::Result<u64> {
        self.announce(true);
        let mut state = self.state();
        let outcome = state.step(None)?;
        let source = plain(&state.tree, from)?;
        let (folder, name) = state.tree.free_place(to)?;
        let Body::File { bytes, .. } = &state.tree.node(source)?.body else {
            return Err(Refused::NotPlain.into());
        };
        let mut bytes = bytes.to_vec();
        let size = bytes.len();
        if state.room(size)? < size {
            return error(ErrorKind::StorageFull);
        }
        if outcome == Outcome::Dies {
            bytes.truncate(size / 2);
        }
        let number = state.tree.add_file(bytes);
        state.tree.change(vec![Naming::new(folder, name, Some(number))])?;
        outcome.done(size as u64)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.mutate()?;
        let folder = state.tree.find(dir, true)?;
        state.tree.names(folder)?;
        state.tree.sync_folder(folder);
        Ok(())
    }

    fn sync_volume(&self, any_path: &Path) -> io::Result<()> {
        let mut state = self.mutate()?;
        state.tree.find(any_path, true)?;
        state.tree.sync_all();
        Ok(())
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        let mut state = self.looked()?;
        state.tree.find(path, true)?;
        Ok(state.free().min(PLENTY))
    }

    fn set_executable(&self, path: &Path, executable: bool) -> io::Result<()> {
        let mut state = self.mutate()?;
        let number = plain(&state.tree, path)?;
        let now = state.tree.now();
        let node = state.tree.node_mut(number)?;
        (node.executable, node.changed) = (executable, now);
        Ok(())
    }

    fn read_link(&self, path: &Path) -> io::Result<String> {
        let state = self.looked()?;
        match &state.tree.node(state.tree.find(path, false)?)?.body {
            Body::Link(target) => target.to_str().map(str::to_owned).ok_or(ErrorKind::InvalidData.into()),
            _ => Err(Refused::NotPlain.into()),
        }
    }

    fn create_link(&self, path: &Path, target: &str) -> io::Result<()> {
        let mut state = self.mutate()?;
        let (folder, name) = state.tree.free_place(path)?;
        if !state.tree.manners.links {
            return error(ErrorKind::Unsupported);
        }
        let number = state.tree.add(Body::Link(target.into()));
        state.tree.change(vec![Naming::new(folder, name, Some(number))])
    }

    fn set_modified(&self, path: &Path, nanos: i64) -> io::Result<()> {
        let mut state = self.mutate()?;
        let number = state.tree.find(path, false)?;
        let now = state.tree.now();
        let node = state.tree.node_mut(number)?;
        (node.modified, node.changed) = (nanos, now);
        Ok(())
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let way = self.looked()?.tree.way(path, true)?;
        let mut canonical = PathBuf::from("/");
        canonical.extend(way.into_iter().map(|step| step.0));
        Ok(canonical)
    }
}
