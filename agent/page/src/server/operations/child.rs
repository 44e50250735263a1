//! The command itself: a kitbag with `--talk`, in a process group of its own, so that neither the end of the agent nor a
//! Ctrl-C meant for it reaches it. It is read line by line, each of a bounded length.

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kitbag_platform::process::{ProcessId, Processes, RealProcesses, apart, identity};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use super::Told;
use crate::server::{Backing, Server};

/// Longest line that is read, in bytes: a document may name many files.
const LONGEST: u64 = 8 * 1024 * 1024;
/// How long one that was asked to end may take, each time it is asked.
const GENTLY: Duration = Duration::from_secs(10);
/// How long what it said may take to be read once it has ended.
const REST: Duration = Duration::from_secs(5);
/// How long looking at what it did may put off that its end is told.
const SEEN: Duration = Duration::from_secs(5);

/// Start it.
///
/// # Errors
/// What the system says.
pub(super) fn start(
    backing: &Backing,
    workspace: Option<&str>,
    arguments: Vec<OsString>,
) -> std::io::Result<Child> {
    let mut command = kitbag(backing);
    if let Some(workspace) = workspace {
        command.arg(format!("--workspace={workspace}"));
    }
    command.arg("--talk").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    apart(&mut command);
    Command::from(command).spawn()
}

/// This kitbag, with the same state root and settings.
pub(in crate::server) fn kitbag(backing: &Backing) -> std::process::Command {
    let mut command = std::process::Command::new(&backing.program);
    command.arg("--home").arg(&backing.home);
    for setting in &backing.given {
        command.arg(format!("--config={setting}"));
    }
    // names of files are those of the working folder, wherever this runs
    command.current_dir(&backing.home);
    command
}

/// Hear what it says until it has ended, and tell it what the page answers.
pub(super) async fn follow(
    server: Arc<Server>,
    id: String,
    mut child: Child,
    mut told: mpsc::Receiver<Told>,
) {
    let process = child.id().and_then(identity);
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let heard = tokio::spawn(hear(server.clone(), id.clone(), output));
    let (status, cancelled) = {
        let speaking = speak(&mut told, input, process);
        tokio::pin!(speaking);
        let mut cancelled = false;
        loop {
            tokio::select! {
                status = child.wait() => break (status, cancelled),
                () = &mut speaking, if !cancelled => cancelled = true,
            }
        }
    };
    // a program it left running may hold its output open
    drop(tokio::time::timeout(REST, heard).await);
    let exit = status.ok().and_then(|status| status.code()).map(i64::from);
    // what it did is seen before its end is told, or a page would say "ready" above a button that starts it
    drop(tokio::time::timeout(SEEN, server.board.renew(&server)).await);
    server.operations.ended(&id, exit, cancelled);
}

async fn hear(server: Arc<Server>, id: String, output: Option<ChildStdout>) {
    let Some(output) = output else { return };
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut output).take(LONGEST).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            // it says more than anybody reads: the rest of the line comes as lines that are no documents
            Ok(_) => server.operations.heard(&id, &line),
        }
    }
}

/// Hand on answers; at the end of it, the command has been asked to end.
async fn speak(told: &mut mpsc::Receiver<Told>, input: Option<ChildStdin>, process: Option<ProcessId>) {
    let mut input = input;
    loop {
        match told.recv().await {
            Some(Told::Answer(line)) => {
                if let Some(pipe) = &mut input
                    && pipe.write_all(format!("{line}\n").as_bytes()).await.is_err()
                {
                    input = None;
                }
            }
            Some(Told::Cancel) => break,
            // nobody can tell it anything any more: it goes on by itself
            None => std::future::pending().await,
        }
    }
    if let Some(pipe) = &mut input {
        // one that is deaf is told by the system
        drop(pipe.write_all(b"{\"cancel\":true}\n").await);
    }
    let Some(process) = process else { return };
    let processes = RealProcesses::new();
    tokio::spawn(async move {
        tokio::time::sleep(GENTLY).await;
        // whatever it asks now, nobody answers
        drop(input);
        // a Windows program without a window cannot be asked
        if processes.end(&process).is_ok() {
            tokio::time::sleep(GENTLY).await;
        }
        if let Err(error) = processes.kill(&process) {
            tracing::warn!(%error, "what the page began does not end");
        }
    });
}
