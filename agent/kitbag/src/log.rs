//! What kitbag notes for those who look for a cause: on stderr, or in a file for the agent, which nobody watches. Never a
//! secret, and never needed to use kitbag. `KITBAG_LOG` says how much, as tracing's filters do.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Mutex;

use kitbag_platform::log::LogFile;
use tracing_subscriber::EnvFilter;

/// The agent's log is no longer than this, and the one before it; bytes.
const LIMIT: u64 = 1 << 20;

fn filter(usual: &str) -> EnvFilter {
    EnvFilter::try_from_env("KITBAG_LOG").unwrap_or_else(|_| EnvFilter::new(usual))
}

/// From now on to stderr.
pub fn to_stderr(verbose: bool) {
    let filter = filter(if verbose { "debug" } else { "error" });
    let plain = std::env::var_os("NO_COLOR").is_some_and(|said| !said.is_empty());
    let colours = !plain && io::stderr().is_terminal();
    let told = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    told.with_writer(io::stderr).without_time().init();
}

/// From now on to this file, each line with its time; mistakes of kitbag's own too.
///
/// # Errors
/// The file cannot be written.
pub fn to_file(path: &Path) -> io::Result<()> {
    let file = Mutex::new(LogFile::open(path, LIMIT)?);
    let filter = filter("warn,kitbag=info,kitbag_engine::agent=info");
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(file).init();
    std::panic::set_hook(Box::new(|mistake| tracing::error!("{mistake}")));
    Ok(())
}
