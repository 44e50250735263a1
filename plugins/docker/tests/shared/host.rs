//! kitbag, as tests need it: real waiting, a memory of its own, and a list of what was said.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kitbag_plugin_docker::host::Host;
use kitbag_sdk::Fault;
use kitbag_sdk::engine::Found;

/// A host for tests. What it remembers outlives the calls, as the ledger does.
pub struct TestHost {
    began: Instant,
    /// Waiting is skipped and only counted, for engines that need no time.
    pub hurried: bool,
    waited: RefCell<Duration>,
    pub machines: RefCell<BTreeSet<String>>,
    /// Ids of the steps that were said.
    pub steps: RefCell<Vec<String>>,
    pub found: Found,
    /// Megabytes free on this machine.
    pub free_mb: u64,
    /// How often the clock was looked at: no two looks are the same moment.
    moments: RefCell<u128>,
}

impl Default for TestHost {
    fn default() -> Self {
        let found =
            Found { place: "a test".into(), program: true, socket: true, allowed: true, remote: false };
        Self {
            began: Instant::now(),
            hurried: false,
            waited: RefCell::default(),
            machines: RefCell::default(),
            steps: RefCell::default(),
            found,
            free_mb: 50_000,
            moments: RefCell::default(),
        }
    }
}

impl Host for TestHost {
    fn step(&self, id: &str, title: &str) {
        assert!(!title.is_empty());
        self.steps.borrow_mut().push(id.to_owned());
    }

    fn pause(&self, time: Duration) -> Result<(), Fault> {
        if !self.hurried {
            std::thread::sleep(time);
        }
        *self.waited.borrow_mut() += time;
        Ok(())
    }

    fn elapsed(&self) -> Duration {
        if self.hurried { *self.waited.borrow() } else { self.began.elapsed() }
    }

    fn moment(&self) -> u128 {
        let mut moments = self.moments.borrow_mut();
        *moments += 1;
        *moments
    }

    fn look(&self) -> Result<Found, Fault> {
        Ok(self.found.clone())
    }

    fn free_disk_mb(&self) -> u64 {
        self.free_mb
    }

    fn remember_machine(&self, machine: &str) -> Result<(), Fault> {
        self.machines.borrow_mut().insert(machine.to_owned());
        Ok(())
    }

    fn machines(&self) -> Result<Vec<String>, Fault> {
        Ok(self.machines.borrow().iter().cloned().collect())
    }
}
