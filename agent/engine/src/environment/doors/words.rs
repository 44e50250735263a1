//! Where a plugin's words go, and the machine's figures it may ask for.

use std::path::PathBuf;
use std::sync::Arc;

use kitbag_platform::disk::RealDisk;
use kitbag_platform::specs::{Host, RealHost};
use kitbag_plugin_host::{Level, LogSink, MachineDoor, MachineInfo, ProgressSink};

use crate::sync::Progress;

/// Steps go where a sync's go.
pub(super) struct Steps(pub(super) Arc<dyn Progress>);

impl ProgressSink for Steps {
    fn step(&self, _: &str, title: &str) {
        self.0.step(title);
    }
}

/// What it says about itself is for the log.
pub(super) struct Log {
    pub(super) plugin: String,
}

impl LogSink for Log {
    fn write(&self, level: Level, message: &str) {
        let plugin = self.plugin.as_str();
        match level {
            Level::Debug => tracing::debug!(plugin, "{message}"),
            Level::Info => tracing::info!(plugin, "{message}"),
            Level::Warn => tracing::warn!(plugin, "{message}"),
            Level::Error => tracing::error!(plugin, "{message}"),
        }
    }
}

/// The machine's figures, with the free disk where environments lie.
pub(super) struct Figures {
    pub(super) place: PathBuf,
}

impl MachineDoor for Figures {
    fn describe(&self) -> MachineInfo {
        let known = RealHost(RealDisk).specs(&self.place);
        if let Err(error) = &known {
            tracing::warn!(%error, "the machine's figures are not known");
        }
        let (memory, disk, cores) = known
            .as_ref()
            .map_or((0, 0, 0), |specs| (specs.memory >> 20, specs.disk_free >> 20, specs.cores));
        MachineInfo {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory_mb: memory,
            free_disk_mb: disk,
        }
    }
}
