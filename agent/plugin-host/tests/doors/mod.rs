//! Doors for tests: real processes of this machine in a temporary folder, state in memory, everything said kept.

#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kitbag_core::path::WorkPath;
use kitbag_plugin_host::{
    BoxFuture, ByteReader, ByteWriter, Connection, Doors, EngineDoor, EngineFound, Fault, FaultCode,
    FilesDoor, Grants, HostConfig, Launch, Level, LineSink, LogBytes, LogSink, MachineDoor, MachineInfo,
    OpContext, PluginHost, ProcessDoor, ProcessId, ProgressSink, Secret, StateDoor, StateUse, Streams,
};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Everything one test needs.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub process: Arc<RealProcesses>,
    pub state: Arc<MemoryState>,
    pub said: Arc<Said>,
    pub grants: Grants,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["logs", "work", "data"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let grants = Grants {
            programs: ["sh", "cat", "env", "missing"].map(str::to_owned).into(),
            program_folders: Vec::new(),
            folders: ["work", "data"].map(|name| (name.to_owned(), folder.path().join(name))).into(),
            secrets: [("token".to_owned(), Secret::new("tok-0123456789"))].into(),
            ports: [].into(),
            engine: None,
        };
        let process =
            Arc::new(RealProcesses { logs: folder.path().join("logs"), children: Mutex::default() });
        Self { folder, process, state: Arc::default(), said: Arc::default(), grants }
    }

    /// The tests share one cache, so that the real backend is compiled once.
    pub fn host(&self) -> PluginHost {
        let mut config = HostConfig::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"), [7; 32]);
        config.cancel_grace = Duration::from_millis(500);
        PluginHost::new(config).unwrap()
    }

    pub fn doors(&self) -> Doors {
        Doors {
            process: self.process.clone(),
            files: Arc::new(TarFiles),
            engine: Arc::new(Engine(PathBuf::from("/var/run/docker.sock"))),
            state: self.state.clone(),
            machine: Arc::new(Figures),
            progress: self.said.clone(),
            log: self.said.clone(),
        }
    }

    pub fn cx(&self) -> OpContext {
        OpContext::new(self.doors(), self.grants.clone(), Duration::from_secs(30))
    }

    pub fn cx_within(&self, deadline: Duration) -> OpContext {
        OpContext::new(self.doors(), self.grants.clone(), deadline)
    }

    pub fn cx_with(&self, streams: Streams) -> OpContext {
        self.cx().with_streams(streams)
    }

    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }
}

/// A test that fails must not leave programs running.
impl Drop for Bench {
    fn drop(&mut self) {
        for child in self.process.children.lock().unwrap().values_mut() {
            let _ = signal(Signal::KILL, child.id());
            let _ = child.wait();
        }
    }
}

fn internal(error: &std::io::Error) -> Fault {
    Fault::new(FaultCode::Internal, error.to_string())
}

/// To the process group, as the real door does.
fn signal(which: Signal, pid: u32) -> std::io::Result<()> {
    let group = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    match kill_process_group(group, which) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub struct RealProcesses {
    logs: PathBuf,
    children: Mutex<HashMap<u32, Child>>,
}

impl RealProcesses {
    fn program(name: &str) -> Option<&'static str> {
        match name {
            "sh" => Some("/bin/sh"),
            "cat" => Some("/bin/cat"),
            "env" => Some("/usr/bin/env"),
            _ => None,
        }
    }

    fn found(name: &str, folders: &[PathBuf]) -> Result<PathBuf, Fault> {
        let first = folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
        first
            .or_else(|| Self::program(name).map(PathBuf::from))
            .ok_or_else(|| Fault::new(FaultCode::MissingTool, format!("{name} is not here")))
    }

    /// As if the machine or a person ended it.
    pub fn crash(&self) {
        for pid in self.pids() {
            let _ = signal(Signal::KILL, pid);
        }
    }

    /// Of those that live.
    pub fn pids(&self) -> Vec<u32> {
        let mut children = self.children.lock().unwrap();
        children.retain(|_, child| child.try_wait().unwrap().is_none());
        children.keys().copied().collect()
    }
}

impl ProcessDoor for RealProcesses {
    fn available(&self, program: &str, folders: &[PathBuf]) -> Result<bool, Fault> {
        Ok(Self::found(program, folders).is_ok())
    }

    fn spawn(&self, launch: &Launch, log: &str) -> Result<ProcessId, Fault> {
        let out = File::create(self.logs.join(log)).map_err(|error| internal(&error))?;
        let err = out.try_clone().map_err(|error| internal(&error))?;
        let child = Command::new(Self::found(&launch.program, &launch.program_folders)?)
            .args(&launch.args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(launch.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .map_err(|error| internal(&error))?;
        let pid = child.id();
        self.children.lock().unwrap().insert(pid, child);
        Ok(ProcessId { pid, started: "in this test".to_owned() })
    }

    fn alive(&self, process: &ProcessId) -> Result<bool, Fault> {
        Ok(self.pids().contains(&process.pid))
    }

    fn end(&self, process: &ProcessId) -> Result<(), Fault> {
        signal(Signal::TERM, process.pid).map_err(|error| internal(&error))
    }

    fn kill(&self, process: &ProcessId) -> Result<(), Fault> {
        signal(Signal::KILL, process.pid).map_err(|error| internal(&error))
    }

    fn read_log(&self, log: &str, start: Option<u64>, most: usize) -> Result<Option<LogBytes>, Fault> {
        let Ok(mut file) = File::open(self.logs.join(log)) else { return Ok(None) };
        let size = file.metadata().map_err(|error| internal(&error))?.len();
        let start = start.unwrap_or_else(|| size.saturating_sub(most as u64));
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start)).map_err(|error| internal(&error))?;
        file.take(most as u64).read_to_end(&mut bytes).map_err(|error| internal(&error))?;
        Ok(Some(LogBytes { bytes, start }))
    }

    fn remove_log(&self, log: &str) -> Result<(), Fault> {
        let _ = fs::remove_file(self.logs.join(log));
        Ok(())
    }

    fn run<'a>(
        &'a self,
        launch: &'a Launch,
        stdin: Option<&'a mut ByteReader>,
        stdout: &'a mut ByteWriter,
        stderr: &'a mut ByteWriter,
    ) -> BoxFuture<'a, Result<Option<i32>, Fault>> {
        Box::pin(async move {
            let mut command =
                tokio::process::Command::new(Self::found(&launch.program, &launch.program_folders)?);
            command.args(&launch.args).env_clear().envs(launch.env.iter().cloned()).kill_on_drop(true);
            if let Some(folder) = &launch.folder {
                command.current_dir(folder);
            }
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().map_err(|error| internal(&error))?;
            let (mut input, mut out, mut err) =
                (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
            let feed = async move {
                if let Some(stdin) = stdin {
                    let _ = tokio::io::copy(stdin, &mut input).await;
                }
                drop(input);
            };
            let (_, one, two) =
                tokio::join!(feed, tokio::io::copy(&mut out, stdout), tokio::io::copy(&mut err, stderr));
            one.and(two).map_err(|error| internal(&error))?;
            Ok(child.wait().await.map_err(|error| internal(&error))?.code())
        })
    }

    fn port_answers(&self, port: u16) -> BoxFuture<'_, Result<bool, Fault>> {
        Box::pin(async move { Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()) })
    }
}

/// In order, in memory.
#[derive(Default)]
pub struct MemoryState(pub Mutex<BTreeMap<String, Vec<u8>>>);

impl StateDoor for MemoryState {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        self.0.lock().unwrap().insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn compare_and_set(&self, key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault> {
        let mut all = self.0.lock().unwrap();
        if all.get(key).map(Vec::as_slice) != old {
            return Ok(false);
        }
        match new {
            Some(new) => drop(all.insert(key.to_owned(), new.to_vec())),
            None => drop(all.remove(key)),
        }
        Ok(true)
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        Ok(self.0.lock().unwrap().keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    fn used(&self) -> Result<StateUse, Fault> {
        let all = self.0.lock().unwrap();
        Ok(StateUse { keys: all.len() as u64, bytes: all.values().map(|value| value.len() as u64).sum() })
    }
}

/// Regular files only, as a door must.
struct TarFiles;

impl FilesDoor for TarFiles {
    fn unpack<'a>(
        &'a self,
        folder: &'a Path,
        below: Option<&'a WorkPath>,
        tar: &'a mut ByteReader,
    ) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(async move {
            let mut bytes = Vec::new();
            tar.read_to_end(&mut bytes).await.map_err(|error| internal(&error))?;
            let to = below.map_or_else(|| folder.to_path_buf(), |below| folder.join(below.as_str()));
            let mut moved = 0;
            for entry in tar::Archive::new(bytes.as_slice()).entries().map_err(|error| internal(&error))? {
                let mut entry = entry.map_err(|error| internal(&error))?;
                let name = entry.path().map_err(|error| internal(&error))?.to_string_lossy().into_owned();
                if !entry.header().entry_type().is_file() || WorkPath::parse(&name).is_err() {
                    return Err(Fault::new(FaultCode::InvalidConfig, "not a plain file"));
                }
                let path = to.join(name);
                fs::create_dir_all(path.parent().unwrap()).map_err(|error| internal(&error))?;
                moved += std::io::copy(&mut entry, &mut File::create(path).unwrap())
                    .map_err(|error| internal(&error))?;
            }
            Ok(moved)
        })
    }

    fn pack<'a>(
        &'a self,
        folder: &'a Path,
        below: Option<&'a WorkPath>,
        tar: &'a mut ByteWriter,
    ) -> BoxFuture<'a, Result<u64, Fault>> {
        Box::pin(async move {
            let from = below.map_or_else(|| folder.to_path_buf(), |below| folder.join(below.as_str()));
            let mut archive = tar::Builder::new(Vec::new());
            let name = from.file_name().unwrap_or_default();
            let packed = if from.is_file() {
                archive.append_path_with_name(&from, name)
            } else {
                archive.append_dir_all("", &from)
            };
            packed.map_err(|error| internal(&error))?;
            let bytes = archive.into_inner().map_err(|error| internal(&error))?;
            tar.write_all(&bytes).await.map_err(|error| internal(&error))?;
            Ok(bytes.len() as u64)
        })
    }
}

/// An engine behind a Unix socket, if there is one. Folders are called what they are called here.
pub struct Engine(pub PathBuf);

impl EngineDoor for Engine {
    fn look(&self) -> BoxFuture<'_, Result<EngineFound, Fault>> {
        Box::pin(async move {
            let place = self.0.display().to_string();
            Ok(EngineFound { place, socket: self.0.exists(), allowed: true, ..EngineFound::default() })
        })
    }

    fn connect(&self) -> BoxFuture<'_, Result<Connection, Fault>> {
        Box::pin(async move {
            let connected = tokio::net::UnixStream::connect(&self.0).await;
            let connected = connected.map_err(|error| Fault::new(FaultCode::NotFound, error.to_string()))?;
            Ok(Box::new(connected) as Connection)
        })
    }

    fn source<'a>(
        &'a self,
        folder: &'a Path,
        below: Option<&'a WorkPath>,
    ) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move {
            let path = below.map_or_else(|| folder.to_path_buf(), |below| folder.join(below.as_str()));
            Ok(path.to_str().unwrap().to_owned())
        })
    }
}

struct Figures;

impl MachineDoor for Figures {
    fn describe(&self) -> MachineInfo {
        MachineInfo { os: "test".into(), arch: "test".into(), cores: 2, memory_mb: 4096, free_disk_mb: 1000 }
    }
}

/// Everything said.
#[derive(Default)]
pub struct Said {
    pub log: Mutex<Vec<(Level, String)>>,
    pub steps: Mutex<Vec<String>>,
    pub lines: Mutex<Vec<(String, String)>>,
}

impl LogSink for Said {
    fn write(&self, level: Level, message: &str) {
        self.log.lock().unwrap().push((level, message.to_owned()));
    }
}

impl ProgressSink for Said {
    fn step(&self, id: &str, _: &str) {
        self.steps.lock().unwrap().push(id.to_owned());
    }
}

impl LineSink for Said {
    fn line(&self, service: &str, text: &str) -> bool {
        self.lines.lock().unwrap().push((service.to_owned(), text.to_owned()));
        true
    }
}
