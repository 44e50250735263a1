//! Snapshots: copies of the data an environment keeps for itself, on this machine only. The course is stopped while one
//! is taken or restored, and started again by `up` if it ran. Before a restore everything is recorded and carried. What
//! the databases hold after it is an edit of the person, made on top of what they held before: nothing of the share
//! takes its place silently, and the other machines get it like any edit. That a restore was begun is noted first; the
//! backend's name for the data tells later whether it took effect.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::course::Course;
use kitbag_core::finding::Finding;
use kitbag_core::path::shown;
use kitbag_core::snapshot::{NAME_RULE, is_name, next_name, took_effect};
use kitbag_platform::clock::rfc3339;
use kitbag_plugin_host::{FaultCode, Op, Phase, Reply, Snap};
use serde::{Deserialize, Serialize};

use super::databases::{half_server, problems, replaced_servers};
use super::done::{Stopping, end};
use super::keep::{self, Keeper};
use super::runner::{Runner, SHORT, runs, told};
use super::up::{Doubt, GRACE, Options, Up, up};
use crate::course::unpack::ensure_unpacked;
use crate::course::{CourseHere, rules};
use crate::error::EngineError;
use crate::share::Share;
use crate::sync::report::Report;
use crate::sync::{self, Progress, Request};
use crate::workspace::Workspace;

/// Where the ledger notes the snapshots this machine had when they were looked at last.
const KNOWN: &str = "environment.snapshots";
/// Where the ledger notes that a restore was begun.
const BEGUN: &str = "environment.restoring";
/// Gigabytes over a slow disk take their time.
const COPYING: Duration = Duration::from_secs(6 * 3600);

/// One snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What the backend calls it.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// Of the files in it.
    pub bytes: u64,
    /// When it was taken, as RFC 3339 in UTC; null: not known.
    pub taken: Option<String>,
}

impl From<Snap> for Snapshot {
    fn from(snap: Snap) -> Self {
        let millis = |seconds: u64| i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let taken = snap.taken.map(|seconds| rfc3339(millis(seconds)));
        Self { id: snap.id, name: snap.label, bytes: snap.bytes, taken }
    }
}

/// The snapshots there were when somebody looked last, without asking the backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Whose they are.
    pub backend: String,
    /// In the order they were taken in.
    pub snapshots: Vec<Snapshot>,
}

/// What taking or restoring came to.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Which.
    pub snapshot: Snapshot,
    /// What starting the course again came to; none: it did not run.
    pub up: Option<Up>,
    /// What was carried, where the course did not run.
    pub report: Report,
    /// What a person should know, each a sentence or two.
    pub notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Begun {
    /// The name of the environment's data before.
    before: Option<String>,
}

/// What is known of the snapshots without asking.
///
/// # Errors
/// The ledger fails.
pub fn known(ws: &Workspace) -> Result<Option<Known>, EngineError> {
    let known: Option<Known> = ws.ledger.get(KNOWN)?.and_then(|text| serde_json::from_str(&text).ok());
    Ok(known.filter(|known| !known.snapshots.is_empty()))
}

/// Copy the environment's own data. Without a name it gets the next number.
///
/// # Errors
/// A name that cannot be or is there already; nothing was started here, or the backend keeps no data; the person does
/// not want the course stopped; there is no room. Then as [`up`](super::up()), where the course ran.
pub async fn take(
    ws: &Workspace,
    home: &Path,
    name: Option<&str>,
    options: &Options<'_>,
    progress: Arc<dyn Progress>,
) -> Result<Changed, EngineError> {
    let work = Work::open(ws, home, options, progress).await?;
    let (runner, here) = work.existing().await?;
    let there = list_of(ws, &runner).await?;
    let name = free_name(name, &there)?;
    whole(ws, &here, &runner.made.backend, "no snapshot was taken")?;
    let live = runs(&runner.status().await?);
    let ended = work.end(&here).await?;
    if !ended.troubles.is_empty() {
        // what cannot be dumped is in the snapshot all the same
        runner.stop(GRACE).await?;
    }
    let op = Op::TakeSnapshot { id: runner.made.id.clone(), label: name };
    let taken = copying(&runner, op).await.and_then(|reply| reply.snap().map_err(told)).map(Snapshot::from);
    note(ws, &runner).await;
    let report = Report { problems: problems(&ended.troubles), ..Report::default() };
    work.again(live, taken, report, ended.notes, "The snapshot is taken.").await
}

/// Put a snapshot in the place of the environment's own data.
///
/// # Errors
/// There is none of that name; what the databases hold cannot be saved and the person does not go on without; there is
/// no room, or the snapshot is of another version of the course. The data are as they were then. Later, as
/// [`up`](super::up()).
pub async fn restore(
    ws: &Workspace,
    home: &Path,
    name: &str,
    options: &Options<'_>,
    progress: Arc<dyn Progress>,
) -> Result<Changed, EngineError> {
    let work = Work::open(ws, home, options, progress).await?;
    let (runner, here) = work.existing().await?;
    let snapshot = found(list_of(ws, &runner).await?, name)?;
    whole(ws, &here, &runner.made.backend, "nothing was restored")?;
    let live = runs(&runner.status().await?);
    let ended = work.end(&here).await?;
    let mut notes = ended.notes;
    if let Some((service, why)) = ended.troubles.first_key_value() {
        if !(options.go_on)(&Doubt::Unsaved(ended.troubles.clone())) {
            return Err(EngineError::Failed(Finding::new(
                format!("nothing was restored, because what the database {service} holds cannot be saved"),
                why.clone(),
                format!(
                    "Try again; `kitbag logs` shows what its server said. `kitbag --yes snapshot restore {}` goes on, \
                     and what was changed since the last backup is lost.",
                    snapshot.name
                ),
            )));
        }
        let lost = |(service, why): (&String, &String)| {
            format!(
                "The database {service} could not be saved ({why}). What was changed since its last backup is lost."
            )
        };
        notes.extend(ended.troubles.iter().map(lost));
        runner.stop(GRACE).await?;
    }
    let mut report = Report::default();
    let restored = async {
        report = work.carry(&here)?;
        let begun = Begun { before: runner.stamp().await? };
        ws.ledger.set(BEGUN, &serde_json::to_string(&begun).unwrap_or_default())?;
        let op = Op::RestoreSnapshot { id: runner.made.id.clone(), snapshot: snapshot.id.clone() };
        let restored = copying(&runner, op).await.and_then(|reply| reply.done().map_err(told));
        // whatever was said: the data tell
        settle(ws, &runner, &here.course).await?;
        restored?;
        if !live {
            report = std::mem::take(&mut report).then(work.record(&runner, &here).await?);
        }
        Ok(snapshot)
    };
    let restored = restored.await;
    work.again(live, restored, report, notes, "The snapshot is restored.").await
}

/// The snapshots there are, in the order they were taken in.
///
/// # Errors
/// Nothing was started here, or the backend keeps no data or cannot be asked.
pub async fn list(
    ws: &Workspace,
    home: &Path,
    progress: Arc<dyn Progress>,
) -> Result<Vec<Snapshot>, EngineError> {
    let runner = Runner::existing(ws, home, progress, false).await?.ok_or_else(nothing_here)?;
    list_of(ws, &runner).await
}

/// Remove a snapshot.
///
/// # Errors
/// There is none of that name; as [`list`].
pub async fn remove(
    ws: &Workspace,
    home: &Path,
    name: &str,
    progress: Arc<dyn Progress>,
) -> Result<Snapshot, EngineError> {
    let runner = Runner::existing(ws, home, progress, false).await?.ok_or_else(nothing_here)?;
    let snapshot = found(list_of(ws, &runner).await?, name)?;
    let op = Op::RemoveSnapshot { id: runner.made.id.clone(), snapshot: snapshot.id.clone() };
    copying(&runner, op).await?.done().map_err(told)?;
    note(ws, &runner).await;
    Ok(snapshot)
}

/// See to it that a restore that was begun counts if it took effect, and is forgotten if it did not.
///
/// # Errors
/// The backend cannot be asked, or the ledger fails.
pub(super) async fn settle(ws: &Workspace, runner: &Runner<'_>, course: &Course) -> Result<(), EngineError> {
    let Some(text) = ws.ledger.get(BEGUN)? else { return Ok(()) };
    let begun: Option<Begun> = serde_json::from_str(&text).ok();
    let now = runner.stamp().await?;
    ws.ledger.batch(|_| {
        if let (Some(Begun { before }), Some(stamp)) = (&begun, &now)
            && took_effect(before.as_deref(), now.as_deref())
        {
            replaced_servers(ws, course, before.as_deref(), stamp)?;
            // what is in them now was never recorded
            keep::forget_kept(ws)?;
        }
        Ok::<_, EngineError>(ws.ledger.unset(BEGUN)?)
    })
}

/// What taking and restoring share.
struct Work<'a> {
    ws: &'a Workspace,
    share: Share,
    home: &'a Path,
    options: &'a Options<'a>,
    progress: Arc<dyn Progress>,
    here: Option<CourseHere>,
}

impl<'a> Work<'a> {
    async fn open(
        ws: &'a Workspace,
        home: &'a Path,
        options: &'a Options<'a>,
        progress: Arc<dyn Progress>,
    ) -> Result<Self, EngineError> {
        let share = ws.share();
        share.check(ws, false)?;
        let here = ensure_unpacked(ws, &share)?.here;
        Ok(Self { ws, share, home, options, progress, here })
    }

    async fn existing(&self) -> Result<(Runner<'a>, CourseHere), EngineError> {
        let found =
            keep::existing(self.ws, &self.share, self.home, self.here.as_ref(), self.progress.clone())
                .await?;
        found.ok_or_else(nothing_here)
    }

    /// Record what the databases hold, and stop.
    async fn end(&self, here: &CourseHere) -> Result<super::done::Ended, EngineError> {
        let (go_on, progress) = (self.options.go_on, self.progress.clone());
        let ended = end(self.ws, &self.share, self.home, Some(here), go_on, progress).await;
        ended.map_err(|(Stopping::Refused(error) | Stopping::Failed(error))| error)
    }

    fn carry(&self, here: &CourseHere) -> Result<Report, EngineError> {
        sync::run(self.ws, &rules(Some(here)), Request::default(), self.progress.as_ref())
    }

    /// Record what was restored; the environment runs for that only.
    async fn record(&self, runner: &Runner<'_>, here: &CourseHere) -> Result<Report, EngineError> {
        let keeper = Keeper { ws: self.ws, share: &self.share, runner, here };
        let kept = keeper.keep(&runner.status().await?).await?;
        if kept.started {
            runner.stop(GRACE).await?;
        }
        if kept.outcome.troubles.is_empty() && runner.status().await?.phase != Phase::Absent {
            keep::note_kept(self.ws)?;
        }
        let mut report = self.carry(here)?;
        report.problems.extend(problems(&kept.outcome.troubles));
        Ok(report)
    }

    /// Start the course again if it ran, also when the work did not succeed.
    async fn again(
        &self,
        live: bool,
        done: Result<Snapshot, EngineError>,
        report: Report,
        notes: Vec<String>,
        what: &str,
    ) -> Result<Changed, EngineError> {
        let started = match live {
            true => up(self.ws, self.home, self.options, self.progress.clone()).await.map(Some),
            false => Ok(None),
        };
        match (done, started) {
            (Ok(snapshot), Ok(up)) => Ok(Changed { snapshot, up, report, notes }),
            (Ok(_), Err(error)) => Err(but(what, error)),
            (Err(error), started) => {
                if let Err(error) = started {
                    tracing::warn!(%error, "the course could not be started again");
                }
                Err(error)
            }
        }
    }
}

/// What was done is said beside what was not.
fn but(what: &str, error: EngineError) -> EngineError {
    let add = |finding: Finding| {
        let why = format!("{what} The course could not be started again. {}", finding.why);
        Finding::new(finding.what, why.trim_end(), finding.remedy)
    };
    match error {
        EngineError::Missing(finding) => EngineError::Missing(add(finding)),
        EngineError::Failed(finding) => EngineError::Failed(add(finding)),
        other => other,
    }
}

/// What a database holds that is half brought in is nobody's work: neither to be copied nor to be built upon.
fn whole(ws: &Workspace, here: &CourseHere, backend: &str, what: &str) -> Result<(), EngineError> {
    let Some(service) = half_server(ws, here, backend)? else { return Ok(()) };
    Err(EngineError::Failed(Finding::new(
        format!("{what}, because the database {service} is not whole"),
        "Bringing it in was begun and did not end.",
        "Run `kitbag up`, which brings it in again, then try again.",
    )))
}

async fn copying(runner: &Runner<'_>, op: Op) -> Result<Reply, EngineError> {
    runner.call(op, runner.grants(&BTreeSet::new())?, COPYING).await.map_err(told)
}

async fn list_of(ws: &Workspace, runner: &Runner<'_>) -> Result<Vec<Snapshot>, EngineError> {
    let op = Op::ListSnapshots(runner.made.id.clone());
    let all = runner.call(op, runner.grants(&BTreeSet::new())?, SHORT).await.and_then(Reply::snaps);
    let all = match all {
        Err(error) if error.fault().code == FaultCode::Unsupported => {
            return Err(match known(ws)?.filter(|known| known.backend != runner.made.backend) {
                Some(known) => of_another(&known),
                None => told(error),
            });
        }
        all => all.map_err(told)?,
    };
    // one that nobody can name cannot be meant
    let all: Vec<_> = all.into_iter().map(Snapshot::from).filter(|one| is_name(&one.name)).collect();
    let known = Known { backend: runner.made.backend.clone(), snapshots: all.clone() };
    ws.ledger.set(KNOWN, &serde_json::to_string(&known).unwrap_or_default())?;
    Ok(all)
}

/// Note what there is now; the next look does where this cannot.
async fn note(ws: &Workspace, runner: &Runner<'_>) {
    if let Err(error) = list_of(ws, runner).await {
        tracing::warn!(%error, "the snapshots could not be listed");
    }
}

fn free_name(wanted: Option<&str>, there: &[Snapshot]) -> Result<String, EngineError> {
    let names = || there.iter().map(|one| one.name.as_str());
    let Some(name) = wanted else { return Ok(next_name(names())) };
    if !is_name(name) {
        return Err(EngineError::Failed(Finding::new(
            format!("a snapshot cannot be called {}", shown(name)),
            NAME_RULE,
            "Choose another name.",
        )));
    }
    if names().any(|other| other == name) {
        return Err(EngineError::Failed(Finding::new(
            format!("there is a snapshot called {name} already"),
            "It stays as it is.",
            format!("Choose another name, or remove it: `kitbag snapshot remove {name}`."),
        )));
    }
    Ok(name.to_owned())
}

fn found(all: Vec<Snapshot>, name: &str) -> Result<Snapshot, EngineError> {
    let names: Vec<_> = all.iter().map(|one| one.name.clone()).collect();
    all.into_iter().find(|one| one.name == name).ok_or_else(|| {
        let why = match names.as_slice() {
            [] => "There are no snapshots on this computer.".to_owned(),
            names => format!("There are: {}.", names.join(", ")),
        };
        EngineError::Failed(Finding::new(
            format!("there is no snapshot called {}", shown(name)),
            why,
            "`kitbag snapshot list` shows what there is; those taken on another computer stay there.",
        ))
    })
}

fn of_another(known: &Known) -> EngineError {
    let names: Vec<_> = known.snapshots.iter().map(|one| one.name.as_str()).collect();
    let backend = &known.backend;
    EngineError::Failed(Finding::new(
        format!("the snapshots here are of the environment of {backend}"),
        format!("They are kept: {}. The course runs with something else now.", names.join(", ")),
        format!("`kitbag up --backend {backend}` goes back to it."),
    ))
}

fn nothing_here() -> EngineError {
    EngineError::Missing(Finding::new(
        "nothing was started on this computer",
        "The course's environment is made by its first start, and a snapshot is of what it holds.",
        "Run `kitbag up`.",
    ))
}
