//! Answers whoever asks the agent: a connection is one conversation, and there are only so many at a time. Nobody can keep
//! the agent from its work: what is said is carried to the desk, and whoever is slow, silent or talks nonsense is dropped.
//! Workspaces somebody borrowed are given back with the connection, however it ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::finding::Finding;
use kitbag_platform::local::{Lines, Listener};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};

use super::desk::{Desk, Doing, Loan, Picture};
use super::protocol::{Answer, Ask};

/// Most conversations at a time.
const MOST: usize = 64;
/// Most workspaces one of them borrows.
const LOANS: usize = 64;
/// What everybody is given.
const USUAL: Times =
    Times { take: Duration::from_secs(5), silence: Duration::from_secs(30), tell: Duration::from_secs(1) };
/// How long to wait after an error of the system's: it may have too many files open.
const PAUSE: Duration = Duration::from_millis(200);

/// How patient a conversation is.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// How long somebody may take to take an answer.
    take: Duration,
    /// How long somebody may say nothing, who does not borrow or follow.
    silence: Duration,
    /// How often somebody who waits is told so.
    tell: Duration,
}

/// Answer everybody, until this is dropped.
pub async fn serve(mut listener: Listener, desk: Desk) {
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                tracing::warn!(%error, "somebody else was sent away");
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "nobody can be listened to for a moment");
                sleep(PAUSE).await;
                continue;
            }
        };
        // more than so many are sent away without a word: they do without the agent
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        let desk = desk.clone();
        tokio::spawn(async move {
            if let Err(error) = converse(stream, desk, USUAL).await {
                tracing::debug!(%error, "a conversation was broken off");
            }
            drop(place);
        });
    }
}

/// One conversation, to its end.
///
/// # Errors
/// Why it was broken off.
pub(super) async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    desk: Desk,
    times: Times,
) -> io::Result<()> {
    let picture = desk.picture();
    let lines = Lines::new(stream);
    Conversation { lines, desk, picture, follows: false, loans: Vec::new(), times }.run().await
}

struct Conversation<S> {
    lines: Lines<S>,
    desk: Desk,
    picture: watch::Receiver<Picture>,
    /// Whether every change is told.
    follows: bool,
    loans: Vec<(String, Loan)>,
    times: Times,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    async fn run(mut self) -> io::Result<()> {
        let mut heard = Instant::now();
        loop {
            let lasts = self.follows || !self.loans.is_empty();
            tokio::select! {
                line = self.lines.next() => match line? {
                    None => return Ok(()),
                    Some(line) => {
                        let ask: Ask = serde_json::from_str(&line).map_err(io::Error::other)?;
                        if !self.answer(ask).await? {
                            return Ok(());
                        }
                        heard = Instant::now();
                    }
                },
                changed = self.picture.changed(), if self.follows => {
                    // the agent ends, and this with it
                    changed.map_err(io::Error::other)?;
                    self.show().await?;
                }
                () = tokio::time::sleep_until(heard + self.times.silence), if !lasts => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
        }
    }

    /// Whether the conversation goes on.
    async fn answer(&mut self, ask: Ask) -> io::Result<bool> {
        let workspace = ask.workspace.filter(|name| !name.is_empty());
        let answer = match (ask.ask.as_str(), workspace) {
            ("hello", _) => Answer::Agent(self.desk.about().clone()),
            ("state", _) => return self.show().await.map(|()| true),
            ("follow", _) => {
                self.follows = true;
                return self.show().await.map(|()| true);
            }
            ("lend", Some(workspace)) => return self.lend(workspace).await,
            ("wake", workspace) => Answer::Waking(self.desk.wake(workspace.as_deref())),
            ("stop", _) => {
                // answered first: with the agent this conversation ends
                self.say(&Answer::Stopping(true)).await?;
                self.desk.stop();
                return Ok(true);
            }
            ("lend", None) => unknown("this needs the name of a workspace"),
            _ => unknown("kitbag in the background does not know this question"),
        };
        self.say(&answer).await.map(|()| true)
    }

    async fn lend(&mut self, workspace: String) -> io::Result<bool> {
        if self.loans.len() >= LOANS {
            return self.say(&unknown("too many workspaces are borrowed already")).await.map(|()| true);
        }
        if !self.loans.iter().any(|(name, _)| *name == workspace) {
            let desk = self.desk.clone();
            let borrowed = desk.lend(&workspace);
            tokio::pin!(borrowed);
            let loan = loop {
                tokio::select! {
                    biased;
                    loan = &mut borrowed => match loan {
                        Some(loan) => break loan,
                        // the agent ends
                        None => return Ok(false),
                    },
                    // nothing can be asked in between, but whoever goes away does not wait any more
                    line = self.lines.next() => {
                        return match line? {
                            None => Ok(false),
                            Some(_) => Err(io::Error::other("something was asked before the answer")),
                        };
                    }
                    () = sleep(self.times.tell) => self.waiting(&workspace).await?,
                }
            };
            self.loans.push((workspace.clone(), loan));
        }
        self.say(&Answer::Lent(true)).await.map(|()| true)
    }

    async fn waiting(&mut self, workspace: &str) -> io::Result<()> {
        let doing =
            self.picture.borrow().workspaces.iter().find(|one| one.name == workspace).map(|one| one.doing);
        let word = if doing == Some(Doing::Looking) { "looking" } else { "saving" };
        self.say(&Answer::Waiting(word.to_owned())).await
    }

    async fn show(&mut self) -> io::Result<()> {
        let workspaces = self.picture.borrow_and_update().now().workspaces;
        self.say(&Answer::Workspaces(workspaces)).await
    }

    async fn say(&mut self, answer: &Answer) -> io::Result<()> {
        let line = serde_json::to_string(answer).map_err(io::Error::other)?;
        timeout(self.times.take, self.lines.say(&line))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn unknown(what: &str) -> Answer {
    Answer::Error(Finding::new(
        what,
        "Perhaps one of the two is older than the other.",
        "`kitbag agent stop` ends the one in the background; the next `kitbag up` starts it again.",
    ))
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
