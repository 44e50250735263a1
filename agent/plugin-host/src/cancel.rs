//! A person gives up: a flag that can be waited for. Clones are the same flag; it never goes back.

use std::sync::Arc;

use tokio::sync::watch;

/// The flag.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }
}

impl Cancel {
    /// Give up.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody gave up.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Wait until somebody gives up.
    pub async fn cancelled(&self) {
        // The sender lives in self, so this ends only by the flag.
        let _ = self.0.subscribe().wait_for(|flag| *flag).await;
    }
}
