//! Another backend for the same course. The environment of the one before is recorded and stopped, the new one is made
//! and gets everything, and only then the old one is taken away: at every moment in between nothing is lost, and what
//! is left to do is found again.

use kitbag_core::finding::Finding;

use super::keep::{self, Keeper};
use super::runner::{Made, Runner};
use super::snapshot;
use super::up::Work;
use crate::course::CourseHere;
use crate::error::EngineError;
use crate::workspace::Workspace;

/// Where the ledger remembers an environment that is to be taken away, all it holds recorded.
const FORMER: &str = "environment.former";

/// The environment that is made here, before it is known whether it is the one wanted. It is loaded then, with what the
/// person allowed it: the answer for another backend takes its place.
pub(super) struct Former<'a> {
    runner: Option<(Runner<'a>, CourseHere)>,
    going: Option<Runner<'a>>,
}

impl<'a> Former<'a> {
    /// Look at what is there.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) async fn look(work: &Work<'a>, here: &CourseHere) -> Result<Self, EngineError> {
        let (ws, progress) = (work.ws, work.progress.clone());
        let mut former = Former { runner: None, going: None };
        let found = keep::existing(ws, work.share, work.home, Some(here), progress.clone()).await;
        match found {
            Ok(found) => former.runner = found,
            Err(EngineError::Failed(finding) | EngineError::Missing(finding)) => {
                tracing::warn!(what = finding.what, "the environment made here cannot be used");
            }
            Err(error) => return Err(error),
        }
        let other = |made: &Made| {
            former.runner.as_ref().is_none_or(|(runner, _)| runner.made.backend != made.backend)
        };
        if let Some(made) = remembered(ws)?.filter(other) {
            former.going = Runner::of(ws, work.home, made, progress).await.ok();
        }
        Ok(former)
    }

    /// Put the environment away where it is another backend's.
    ///
    /// # Errors
    /// What it holds cannot be recorded: then it stays, and nothing else is made.
    pub(super) async fn leave_for(mut self, work: &mut Work<'a>, backend: &str) -> Result<Self, EngineError> {
        let ws = work.ws;
        if self.going.as_ref().is_some_and(|going| going.made.backend == backend) {
            // wanted again
            ws.ledger.unset(FORMER)?;
            self.going = None;
        }
        let Some((runner, here)) = self.runner.take_if(|(runner, _)| runner.made.backend != backend) else {
            return Ok(self);
        };
        if let Some(going) = &self.going {
            return Err(EngineError::Failed(Finding::new(
                format!("the environment of {} is still there", going.made.backend),
                "Only one can be put away at a time.",
                format!("Run `kitbag up --backend {}`, then try again.", runner.made.backend),
            )));
        }
        let keeper = Keeper { ws, share: work.share, runner: &runner, here: &here };
        keeper.put_away("the backend was not changed").await?;
        work.ours = false;
        ws.ledger.set(FORMER, &serde_json::to_string(&runner.made).unwrap_or_default())?;
        self.going = Some(runner);
        Ok(self)
    }

    /// Take away what was left, now that the new one runs. What does not go now is tried again the next time.
    ///
    /// # Errors
    /// The ledger fails.
    pub(super) async fn take_away(self, ws: &Workspace) -> Result<Option<String>, EngineError> {
        let Some(going) = self.going else { return Ok(None) };
        let backend = &going.made.backend;
        Ok(match going.destroy().await {
            Ok(()) => {
                ws.ledger.unset(FORMER)?;
                snapshot::known(ws)?.filter(|known| known.backend == *backend).map(|known| {
                    let names: Vec<_> = known.snapshots.iter().map(|one| one.name.as_str()).collect();
                    format!(
                        "Your snapshots of {backend} are kept on this computer: {}. `kitbag up --backend {backend}` \
                         goes back to them.",
                        names.join(", ")
                    )
                })
            }
            Err(error) => {
                tracing::warn!(%error, "the former environment could not be removed");
                Some(format!(
                    "The environment of {backend} could not be removed ({error}). All it holds is saved; the next \
                     `kitbag up` tries again."
                ))
            }
        })
    }
}

fn remembered(ws: &Workspace) -> Result<Option<Made>, EngineError> {
    Ok(ws.ledger.get(FORMER)?.and_then(|text| serde_json::from_str(&text).ok()))
}
