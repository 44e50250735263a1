//! One call from beginning to end: a task of its own with a store of its own, ended at the deadline or some time
//! after its person gave up. The plugin yields at every tick, so ending it is dropping it, wherever it stands.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use wasmtime::Trap;

use super::guest::Bounds;
use crate::error::PluginError;
use crate::host::Shared;
use crate::text;

/// How long a plugin may take to tell about its timeout.
const AFTER_DEADLINE: Duration = Duration::from_secs(1);
/// How long what a dropped plugin left is waited for.
const LAST_RITES: Duration = Duration::from_secs(1);

/// Ends the task when the caller is no longer interested.
struct Running<T>(JoinHandle<T>);

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Run the work within its bounds.
pub async fn run<T: Send + 'static>(
    shared: &Shared,
    bounds: &Bounds,
    work: impl Future<Output = Result<T, PluginError>> + Send + 'static,
) -> Result<T, PluginError> {
    if bounds.cancel.is_cancelled() {
        return Err(PluginError::Cancelled);
    }
    let _ticking = shared.ticker.tick();
    let mut running = Running(tokio::spawn(work));
    let given_up = async {
        bounds.cancel.cancelled().await;
        tokio::time::sleep(shared.config.cancel_grace).await;
    };
    let ended = tokio::select! {
        done = &mut running.0 => {
            return done.unwrap_or_else(|_| Err(PluginError::Host("the plugin's task panicked".to_owned())));
        }
        () = given_up => PluginError::Cancelled,
        () = tokio::time::sleep_until((bounds.deadline + AFTER_DEADLINE).into()) => PluginError::TimedOut,
    };
    running.0.abort();
    // So that a program it ran is dead before the answer is given.
    let _ = tokio::time::timeout(LAST_RITES, &mut running.0).await;
    Err(ended)
}

/// What wasmtime says, in our words. Its error is no `std::error::Error`, so it ends here.
pub fn broken(error: &wasmtime::Error) -> PluginError {
    let reason = match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "it gave up (a panic, or no more memory)".to_owned(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    tracing::debug!(error = %text::lines(&format!("{error:#}")), "a plugin broke");
    PluginError::Broken(text::short(&reason, 1000))
}
