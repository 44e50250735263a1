//! What the plugin needs of kitbag besides the engine: progress, waiting, the facts about this machine, a small
//! memory. One trait, so that the logic runs as plain code in tests; the real one calls the host.

use std::time::Duration;

use kitbag_sdk::Fault;
use kitbag_sdk::engine::Found;

/// kitbag, as far as this plugin needs it.
pub trait Host {
    /// Say what is done now. `id` is stable, `title` is for people.
    fn step(&self, id: &str, title: &str);

    /// Wait.
    ///
    /// # Errors
    /// `cancelled` or `timeout` when the call must end.
    fn pause(&self, time: Duration) -> Result<(), Fault>;

    /// Time since some fixed moment; only ever used to wait.
    fn elapsed(&self) -> Duration;

    /// Now, in nanoseconds since 1970 by this machine's clock; only ever used to tell two things of one name apart.
    fn moment(&self) -> u128;

    /// What the host found of the engine without asking it.
    ///
    /// # Errors
    /// The host's.
    fn look(&self) -> Result<Found, Fault>;

    /// Megabytes free on this machine's disk.
    fn free_disk_mb(&self) -> u64;

    /// Remember that environments of this machine (its label) may exist on the engine.
    ///
    /// # Errors
    /// The host's.
    fn remember_machine(&self, machine: &str) -> Result<(), Fault>;

    /// The machines remembered: one, unless a state folder was given another identity.
    ///
    /// # Errors
    /// The host's.
    fn machines(&self) -> Result<Vec<String>, Fault>;
}

/// The host this component runs in.
#[derive(Debug)]
pub struct Kitbag {
    began: std::time::Instant,
}

impl Default for Kitbag {
    fn default() -> Self {
        Self { began: std::time::Instant::now() }
    }
}

/// How the entries in the plugin's memory begin.
const MACHINE: &str = "machine/";

impl Host for Kitbag {
    fn step(&self, id: &str, title: &str) {
        kitbag_sdk::progress::step(id, title);
    }

    fn pause(&self, time: Duration) -> Result<(), Fault> {
        kitbag_sdk::progress::pause(u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn moment(&self) -> u128 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_nanos())
    }

    fn look(&self) -> Result<Found, Fault> {
        kitbag_sdk::engine::look()
    }

    fn free_disk_mb(&self) -> u64 {
        kitbag_sdk::machine::describe().free_disk_mb
    }

    fn remember_machine(&self, machine: &str) -> Result<(), Fault> {
        kitbag_sdk::state::set(&format!("{MACHINE}{}", crate::names::hash(machine)), machine.as_bytes())
    }

    fn machines(&self) -> Result<Vec<String>, Fault> {
        let mut found = Vec::new();
        for key in kitbag_sdk::state::keys(MACHINE)? {
            if let Some(bytes) = kitbag_sdk::state::get(&key)? {
                found.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        Ok(found)
    }
}
