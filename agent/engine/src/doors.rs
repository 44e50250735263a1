//! The doors to the operating system that the engine goes through, handed in as one: the real ones in the program,
//! simulated ones in tests.

use std::sync::Arc;

use kitbag_platform::chance::{Chance, RealChance};
use kitbag_platform::clock::{Clock, RealClock};
use kitbag_platform::disk::{Disk, RealDisk};
use kitbag_platform::secrets::{RealSecrets, Secrets};
use kitbag_platform::specs::{Host, RealHost};

use crate::environment::{Backends, Bundled};

/// Disk, clock, chance, keychain, the computer itself, and the backends.
#[derive(Clone)]
pub struct Doors {
    /// All files.
    pub disk: Arc<dyn Disk>,
    /// Time, which only ever delays.
    pub clock: Arc<dyn Clock>,
    /// Random names.
    pub chance: Arc<dyn Chance>,
    /// What runs environments.
    pub backends: Arc<dyn Backends>,
    /// The person's keychain.
    pub secrets: Arc<dyn Secrets>,
    /// The computer: what it has for a course.
    pub host: Arc<dyn Host>,
}

impl Doors {
    /// The real ones.
    pub fn real() -> Self {
        Doors {
            disk: Arc::new(RealDisk),
            clock: Arc::new(RealClock),
            chance: Arc::new(RealChance),
            backends: Arc::new(Bundled),
            secrets: Arc::new(RealSecrets),
            host: Arc::new(RealHost(RealDisk)),
        }
    }
}
