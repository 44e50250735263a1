//! `GET /api/report`: some lines for the tutor, as `kitbag report --text` prints them. That command makes them: what may
//! leave this computer is decided in one place.

use std::process::Stdio;
use std::sync::Arc;

use axum::extract::State;
use kitbag_core::finding::Finding;
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::time::timeout;

use crate::server::answer::{self, Answered, Trouble};
use crate::server::operations::child::kitbag;
use crate::server::{READ_WITHIN, Server};

#[derive(Serialize, Deserialize)]
struct Document {
    text: String,
}

/// What `--json` prints where there is no report.
#[derive(Deserialize)]
struct Bad {
    error: Finding,
}

/// Have them made.
pub(in crate::server) async fn read(State(server): State<Arc<Server>>) -> Answered {
    let _reader = server.readers.clone().acquire_owned().await;
    let mut command = kitbag(&server.backing);
    command.args(["--json", "report", "--text"]);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    // nobody waits for one that takes too long
    let output = timeout(READ_WITHIN, Command::from(command).kill_on_drop(true).output()).await;
    let output = match output {
        Ok(Ok(output)) => output.stdout,
        Ok(Err(error)) => return Err(Trouble::bug(format!("The system says: {error}."))),
        Err(_) => return Err(Trouble::bug("Reading takes very long just now.")),
    };
    if let Ok(document) = serde_json::from_slice::<Document>(&output) {
        return answer::good(&document);
    }
    Err(match serde_json::from_slice::<Bad>(&output) {
        Ok(Bad { error }) => Trouble::new(axum::http::StatusCode::CONFLICT, error),
        Err(_) => Trouble::bug("It made a mistake of its own."),
    })
}
