//! FakeServers: a backend that is called a fake. It keeps one environment a machine in memory, with one database whose
//! rows are a text: `dump` writes them below a line that is another one every time, `normalise` leaves that line out,
//! `restore` replaces them. Its snapshots are copies of the rows; one that is restored leaves data without anything that
//! could run, as containers do that are tied to the old data. It notes what it was asked, can fail as real ones do, and can stand still at any question as
//! if the whole program had been killed there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use kitbag_engine::environment::{Backends, Bundled};
use kitbag_plugin_host::{
    Backend, BoxFuture, EnvStatus, ExecRequest, Fault, FaultCode, Op, OpContext, Phase, PlanDoc, PluginError,
    ProbeReport, Reply, ServiceStatus, Snap, Spec,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

/// What the course's own database begins with.
pub const SEED: &str = "1 Emma\n";

#[derive(Debug, Clone)]
pub struct Environment {
    pub running: bool,
    pub rows: String,
    pub print: String,
    /// Of its data.
    pub stamp: usize,
    /// Its data are there, and nothing that could run.
    pub bare: bool,
}

#[derive(Default)]
pub struct State {
    pub made: Option<Environment>,
    /// What was asked, in order: operations by name, commands as `exec NAME`.
    pub asked: Vec<String>,
    /// Commands that end badly: with this code, after these words.
    pub fails: BTreeMap<&'static str, (i32, &'static str)>,
    /// Commands that write or read half and whose end is not seen.
    pub breaks: Vec<&'static str>,
    /// Nothing answers.
    pub gone: bool,
    /// What another course runs from cannot be had.
    pub no_image: bool,
    /// It was asked to stop, and ends when this command begins.
    pub ends_at: Option<&'static str>,
    /// In the middle of this command nothing answers any more.
    pub goes_in: Option<&'static str>,
    /// So many starts find their ports taken.
    pub taken: usize,
    /// The ports of each start.
    pub ports: Vec<Vec<u16>>,
    /// Stand still at the question of this number: before (false) or after (true) it took effect.
    pub stand_still: Option<(usize, bool)>,
    /// Copies of the rows, and of what they were made from.
    pub snapshots: Vec<(Snap, String, String)>,
    /// Copying does not succeed.
    pub full: bool,
    /// A restore keeps this many bytes when it breaks.
    pub half: usize,
    stamps: usize,
    dumps: usize,
    snaps: u64,
}

#[derive(Clone, Default)]
pub struct FakeServers {
    state: Arc<Mutex<State>>,
    pub stands: Arc<Notify>,
}

impl Backends for FakeServers {
    fn load<'a>(
        &'a self,
        id: &'a str,
        folder: &'a Path,
        key: [u8; 32],
    ) -> BoxFuture<'a, Result<Arc<dyn Backend>, PluginError>> {
        if id != "docker" {
            return Bundled.load(id, folder, key);
        }
        let fake: Arc<dyn Backend> = Arc::new(self.clone());
        Box::pin(async { Ok(fake) })
    }
}

impl Backend for FakeServers {
    fn call<'a>(&'a self, op: Op, cx: &'a OpContext) -> BoxFuture<'a, Result<Reply, PluginError>> {
        Box::pin(async move {
            let (number, still) = {
                let mut state = self.now();
                state.asked.push(name(&op));
                (state.asked.len() - 1, state.stand_still)
            };
            if still == Some((number, false)) {
                return self.stand().await;
            }
            if self.now().gone {
                return Err(Fault::new(FaultCode::NotReady, "Nothing answers.").remedy("Start it.").into());
            }
            let done = match op {
                Op::ExecIn { request, .. } => self.exec(request, cx).await,
                other => self.now().plain(other),
            };
            if still == Some((number, true)) {
                return self.stand().await;
            }
            done
        })
    }
}

fn name(op: &Op) -> String {
    match op {
        Op::ExecIn { request, .. } => format!("exec {}", request.argv[0]),
        other => {
            let text = format!("{other:?}");
            text.split(['(', ' ', '{']).next().unwrap().to_lowercase()
        }
    }
}

fn fault(code: FaultCode, message: &str) -> PluginError {
    Fault::new(code, message).into()
}

impl State {
    fn is_taken(&mut self, spec: &Spec) -> bool {
        self.ports.push(spec.ports.iter().map(|port| port.number).collect());
        let taken = self.taken > 0;
        self.taken -= usize::from(taken);
        taken
    }

    fn plain(&mut self, op: Op) -> Result<Reply, PluginError> {
        let print = |spec: &Spec| spec.source.to_string();
        match op {
            Op::Probe => Ok(Reply::Probe(ProbeReport { usable: true, version: None, problems: vec![] })),
            Op::Plan(spec) => Ok(Reply::Plan(PlanDoc {
                summary: "A fake.".into(),
                steps: vec![],
                destructive: self.made.as_ref().is_some_and(|made| made.print != print(&spec)),
                fingerprint: "fake".into(),
            })),
            Op::Create { spec, .. } => match &self.made {
                Some(made) if made.print != print(&spec) && self.no_image => {
                    Err(fault(FaultCode::NotFound, "There is no such image."))
                }
                Some(made) if made.print != print(&spec) => {
                    Err(fault(FaultCode::Conflict, "Another course."))
                }
                Some(_) => {
                    self.made.iter_mut().for_each(|made| made.bare = false);
                    Ok(Reply::Done)
                }
                None => {
                    self.stamps += 1;
                    let (rows, print, stamp) = (SEED.to_owned(), print(&spec), self.stamps);
                    self.made = Some(Environment { running: false, rows, print, stamp, bare: false });
                    Ok(Reply::Done)
                }
            },
            Op::Start(spec) if self.is_taken(&spec) => Err(fault(FaultCode::PortTaken, "A port is taken.")),
            Op::Start(spec) => match &mut self.made {
                None => Err(fault(FaultCode::NotFound, "There is none.")),
                Some(made) if made.bare => Err(fault(FaultCode::NotFound, "There is none.")),
                Some(made) if made.print != print(&spec) => {
                    Err(fault(FaultCode::Conflict, "Another course."))
                }
                Some(made) => {
                    made.running = true;
                    Ok(Reply::Status(self.status()))
                }
            },
            Op::Stop { .. } => {
                self.ends_at = None;
                self.made.iter_mut().for_each(|made| made.running = false);
                Ok(Reply::Status(self.status()))
            }
            Op::Destroy(_) => {
                self.made = None;
                Ok(Reply::Done)
            }
            Op::Status(_) | Op::WaitReady { .. } => Ok(Reply::Status(self.status())),
            Op::Endpoints(_) => Ok(Reply::Endpoints(vec![])),
            Op::DataStamp(_) => {
                Ok(Reply::Stamp(self.made.as_ref().map(|made| format!("data-{}", made.stamp))))
            }
            other => self.snapshot(other),
        }
    }

    fn snapshot(&mut self, op: Op) -> Result<Reply, PluginError> {
        let copies = matches!(op, Op::TakeSnapshot { .. } | Op::RestoreSnapshot { .. });
        if copies && self.made.as_ref().is_some_and(|made| made.running) {
            return Err(fault(FaultCode::NotReady, "It runs."));
        }
        match op {
            Op::ListSnapshots(_) => {
                Ok(Reply::Snaps(self.snapshots.iter().map(|(snap, ..)| snap.clone()).collect()))
            }
            Op::RemoveSnapshot { snapshot, .. } => {
                self.snapshots.retain(|(snap, ..)| snap.id != snapshot);
                Ok(Reply::Done)
            }
            _ if self.full && copies => Err(fault(FaultCode::Quota, "The disk is full.")),
            Op::TakeSnapshot { label, .. } => {
                let made = self.made.as_ref().ok_or_else(|| fault(FaultCode::NotFound, "There is none."))?;
                self.snaps += 1;
                let (id, bytes) = (format!("s{}", self.snaps), made.rows.len() as u64);
                let snap = Snap { id, label, bytes, taken: Some(1_700_000_000 + self.snaps) };
                self.snapshots.push((snap.clone(), made.rows.clone(), made.print.clone()));
                Ok(Reply::Snap(snap))
            }
            Op::RestoreSnapshot { snapshot, .. } => {
                let (_, rows, print) = self.snapshots.iter().find(|(snap, ..)| snap.id == snapshot).unwrap();
                if self.made.as_ref().is_some_and(|made| made.print != *print) {
                    return Err(fault(FaultCode::Conflict, "Of another course."));
                }
                let (rows, print) = (rows.clone(), print.clone());
                self.stamps += 1;
                let stamp = self.stamps;
                self.made = Some(Environment { running: false, rows, print, stamp, bare: true });
                Ok(Reply::Done)
            }
            other => panic!("FakeServers does not know {other:?}"),
        }
    }

    fn status(&self) -> EnvStatus {
        let phase = match &self.made {
            None => return EnvStatus { phase: Phase::Absent, services: vec![] },
            Some(made) if made.bare => return EnvStatus { phase: Phase::Absent, services: vec![] },
            Some(made) if made.running => Phase::Running,
            Some(_) => Phase::Stopped,
        };
        let service = |name: &str| ServiceStatus { name: name.into(), phase, note: None };
        EnvStatus { phase, services: ["page", "records"].map(service).into() }
    }
}

impl FakeServers {
    /// What it is now. Never held while something waits.
    pub fn now(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn stand(&self) -> Result<Reply, PluginError> {
        self.stands.notify_one();
        std::future::pending().await
    }

    async fn exec(&self, request: ExecRequest, cx: &OpContext) -> Result<Reply, PluginError> {
        let command = request.argv[0].as_str();
        if self.now().ends_at.take_if(|ends| *ends == command).is_some() {
            self.now().made.iter_mut().for_each(|made| made.running = false);
        }
        if !self.now().made.as_ref().is_some_and(|made| made.running) {
            return Err(fault(FaultCode::NotReady, "It does not run."));
        }
        assert_eq!(request.folder.as_deref(), Some("records:"), "where its server is");
        let mut streams = cx.take_streams();
        let mut given = Vec::new();
        if let Some(input) = &mut streams.input {
            input.read_to_end(&mut given).await.unwrap();
        }
        let given = String::from_utf8(given).unwrap();
        let (mut output, mut errors) = (streams.output.unwrap(), streams.errors.unwrap());
        let fails = self.now().fails.get(command).copied();
        let goes = self.now().goes_in == Some(command);
        let breaks = goes || self.now().breaks.contains(&command);
        let text = match command {
            "ready" => String::new(),
            "dump" => {
                let mut state = self.now();
                state.dumps += 1;
                format!("-- dump {}\n{}", state.dumps, state.made.as_ref().unwrap().rows)
            }
            "normalise" => {
                given.lines().filter(|line| !line.starts_with("--")).map(|l| format!("{l}\n")).collect()
            }
            "restore" if fails.is_some() => String::new(),
            "restore" => {
                let mut state = self.now();
                let half = state.half;
                let rows = if breaks { given[..half.min(given.len())].to_owned() } else { given };
                state.made.as_mut().unwrap().rows = rows;
                String::new()
            }
            other => panic!("FakeServers does not know the command {other}"),
        };
        let written = if breaks { &text[..text.len() / 2] } else { &text };
        output.write_all(written.as_bytes()).await.map_err(|error| PluginError::Host(error.to_string()))?;
        if self.now().goes_in.take_if(|goes| *goes == command).is_some() {
            self.now().gone = true;
        }
        if breaks || self.now().gone {
            return Err(fault(FaultCode::Network, "The connection broke."));
        }
        if let Some((code, words)) = fails {
            errors.write_all(words.as_bytes()).await.unwrap();
            return Ok(Reply::Exited(Some(code)));
        }
        Ok(Reply::Exited(Some(0)))
    }

    /// What the person does in the running course.
    pub fn write(&self, rows: &str) {
        let mut state = self.now();
        let made = state.made.as_mut().expect("an environment");
        assert!(made.running, "nobody works in what does not run");
        made.rows = rows.to_owned();
    }

    pub fn rows(&self) -> String {
        self.now().made.as_ref().expect("an environment").rows.clone()
    }

    pub fn running(&self) -> bool {
        self.now().made.as_ref().is_some_and(|made| made.running)
    }

    /// What was asked since this was called last.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.now().asked)
    }
}
