//! The doors a backend's capabilities lead to: programs of this computer, its container
//! engine, tar streams beneath a folder, notes in the
//! ledger, figures of the machine, and where its words go. plugin-host checks what was granted before it knocks.

mod engine;
mod files;
mod process;
mod state;
mod words;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use kitbag_platform::docker::RealSurroundings;
use kitbag_plugin_host as host;
use kitbag_store::Ledger;

use super::backends::Engine;
use crate::error::EngineError;
use crate::sync::Progress;
use crate::workspace::Workspace;

pub(super) use process::{Group, Programs, base, find};

/// The folder of a workspace's environment where its programs' words are kept.
pub(super) const LOGS: &str = "logs";

/// Whether a container engine answers here; nothing is asked of it.
///
/// # Errors
/// Why none does, with what can be done.
pub(super) async fn engine_answers() -> Result<(), host::Fault> {
    engine::Docker(RealSurroundings).ping().await
}

/// What the container engine says of itself; none where it does not.
pub(super) async fn engine_says() -> Option<Engine> {
    engine::Docker(RealSurroundings).says().await
}

/// Doors for one plugin and one workspace. With `terminal`, a program run to its end has kitbag's own input and
/// output instead of streams.
pub(super) fn doors(
    ws: &Workspace,
    plugin: &str,
    progress: Arc<dyn Progress>,
    terminal: bool,
) -> Result<host::Doors, EngineError> {
    let environment = ws.environment_folder();
    let logs = environment.join(LOGS);
    ws.doors.disk.create_dirs(&logs).map_err(EngineError::io("cannot write", &logs))?;
    let processes = Arc::new(kitbag_platform::process::RealProcesses::new());
    let programs =
        Programs { processes, logs, folder: ws.settings.work.clone(), disk: ws.doors.disk.clone(), terminal };
    // a second way into the same ledger: the first one may not be used by several threads
    let ledger = Mutex::new(Ledger::open(&ws.state.join("ledger.sqlite"))?);
    let spool: PathBuf = environment.join("spool");
    Ok(host::Doors {
        process: Arc::new(programs),
        files: Arc::new(files::TarFiles {
            disk: ws.doors.disk.clone(),
            chance: ws.doors.chance.clone(),
            spool,
        }),
        engine: Arc::new(engine::Docker(RealSurroundings)),
        state: Arc::new(state::Notes { ledger, plugin: plugin.to_owned() }),
        machine: Arc::new(words::Figures { place: environment }),
        progress: Arc::new(words::Steps(progress)),
        log: Arc::new(words::Log { plugin: plugin.to_owned() }),
    })
}
