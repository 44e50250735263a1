//! What the agent and whoever asks it say to each other: one JSON object a line, 64 KiB at most. What is not known in an
//! object is passed over, so that an older one and a newer one understand each other; an `ask` nobody knows is an error.
//!
//! ```text
//! {"ask":"hello"}                    {"agent":{"version","process","since","stay"}}
//! {"ask":"state"}                    {"workspaces":[{"name","doing","since","next_ms","failures","last_error","watching"}]}
//! {"ask":"follow"}                   the same now and each time it changes, until the connection closes
//! {"ask":"lend","workspace":NAME}    {"waiting":"looking|saving"} every second while the agent is in it, then {"lent":true}: it
//!                                    stays out until the connection closes, and looks at it then
//! {"ask":"wake","workspace":NAME}    {"waking":true}; without a name all of them are looked at
//! {"ask":"stop"}                     {"stopping":true}; ends after what it does now
//! anything else                      {"error":{"what","why","remedy"}}
//! ```
//! Who sends what is no object, or too much, or does not take the answers, is dropped.

use serde::{Deserialize, Serialize};

use kitbag_core::finding::Finding;

use super::desk::{About, Activity};

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ask {
    /// What, in a word.
    pub ask: String,
    /// Of which workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

/// What is answered. Each is an object with one field.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    /// Who the agent is.
    Agent(About),
    /// What it does.
    Workspaces(Vec<Activity>),
    /// It is still in the workspace, doing this.
    Waiting(String),
    /// It is out of it, and stays out.
    Lent(bool),
    /// It will look.
    Waking(bool),
    /// It will end.
    Stopping(bool),
    /// It cannot do that.
    Error(Finding),
}
