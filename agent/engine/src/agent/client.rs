//! Asks the agent of a state root, if one lives and answers. It never has to: whoever asks does without it where there is
//! none, where it is older than the socket, where it hangs, and where it ends in the middle. Each answer has its time.

use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;

use kitbag_platform::local::{Lines, Stream, connect};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::desk::{About, Activity, Doing};
use super::place;
use super::protocol::{Answer, Ask};

/// How long an answer may take that needs no waiting for anything.
const ANSWER: Duration = Duration::from_secs(2);
/// The agent says every second that it is still waited for; one that says nothing for so long hangs.
const SIGN: Duration = Duration::from_secs(5);

/// A conversation with the agent. A workspace it lends is given back when this is dropped.
pub struct Client {
    lines: Lines<Stream>,
    about: About,
    /// Dropped last: the connection belongs to it.
    runtime: Runtime,
}

impl Client {
    /// The agent of this state root, if one answers in time.
    pub fn connect(home: &Path) -> Option<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        let begun = runtime.block_on(within(ANSWER, async {
            let mut lines = Lines::new(connect(home).await?);
            match exchange(&mut lines, "hello", None).await? {
                Answer::Agent(about) => Ok((lines, about)),
                other => Err(unexpected(&other)),
            }
        }));
        match begun {
            Ok((lines, about)) => Some(Client { lines, about, runtime }),
            Err(error) => {
                tracing::debug!(%error, "no agent answers");
                None
            }
        }
    }

    /// Who the agent is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// What it does with each workspace.
    ///
    /// # Errors
    /// No answer in time.
    pub fn state(&mut self) -> io::Result<Vec<Activity>> {
        match self.ask("state", None)? {
            Answer::Workspaces(workspaces) => Ok(workspaces),
            other => Err(unexpected(&other)),
        }
    }

    /// Borrow a workspace: the agent is not in it and stays out as long as this client lives. What it is in the middle of
    /// it does to the end, however long that takes; `waiting` is called every now and then meanwhile.
    ///
    /// # Errors
    /// The agent ends, hangs, or does not lend it.
    pub fn lend(&mut self, workspace: &str, waiting: &dyn Fn()) -> io::Result<()> {
        let lines = &mut self.lines;
        self.runtime.block_on(async {
            let mut answer = within(SIGN, exchange(lines, "lend", Some(workspace))).await?;
            loop {
                match answer {
                    Answer::Lent(true) => return Ok(()),
                    Answer::Waiting(_) => waiting(),
                    other => return Err(unexpected(&other)),
                }
                answer = within(SIGN, hear(lines)).await?;
            }
        })
    }

    /// Have it look at a workspace now, or at all.
    ///
    /// # Errors
    /// No answer in time.
    pub fn wake(&mut self, workspace: Option<&str>) -> io::Result<()> {
        self.ask("wake", workspace).map(drop)
    }

    /// Have it end after what it does now.
    ///
    /// # Errors
    /// No answer in time, or another one.
    pub fn stop(&mut self) -> io::Result<()> {
        match self.ask("stop", None)? {
            Answer::Stopping(true) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    fn ask(&mut self, ask: &str, workspace: Option<&str>) -> io::Result<Answer> {
        self.runtime.block_on(within(ANSWER, exchange(&mut self.lines, ask, workspace)))
    }
}

/// What can be told of the agent beside one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// It lives.
    pub running: bool,
    /// What it does with the workspace; null: it does not know it, or does not answer.
    pub doing: Option<Doing>,
    /// Since when it lives, RFC 3339; null: it does not answer.
    pub since: Option<String>,
    /// kitbag's version that runs; null: it does not answer.
    pub version: Option<String>,
}

impl Seen {
    /// An agent that says who it is, and what it does with the workspace.
    pub fn answering(about: &About, activity: Option<&Activity>) -> Self {
        Seen {
            running: true,
            doing: activity.map(|activity| activity.doing),
            since: Some(about.since.clone()),
            version: Some(about.version.clone()),
        }
    }
}

/// Look for the agent; none: there is none.
pub fn look(home: &Path, workspace: &str) -> Option<Seen> {
    let Some(mut agent) = Client::connect(home) else {
        let silent = Seen { running: true, doing: None, since: None, version: None };
        return place::runs(home).unwrap_or(false).then_some(silent);
    };
    let workspaces = agent.state().unwrap_or_default();
    let activity = workspaces.iter().find(|one| one.name == workspace);
    Some(Seen::answering(&agent.about, activity))
}

async fn exchange(lines: &mut Lines<Stream>, ask: &str, workspace: Option<&str>) -> io::Result<Answer> {
    let ask = Ask { ask: ask.to_owned(), workspace: workspace.map(str::to_owned) };
    lines.say(&serde_json::to_string(&ask).map_err(io::Error::other)?).await?;
    hear(lines).await
}

async fn hear(lines: &mut Lines<Stream>) -> io::Result<Answer> {
    let line = lines.next().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    serde_json::from_str(&line).map_err(io::Error::other)
}

async fn within<T>(time: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(time, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn unexpected(answer: &Answer) -> io::Error {
    io::Error::other(match answer {
        Answer::Error(finding) => finding.what.clone(),
        _ => "another answer than was asked for".to_owned(),
    })
}
