//! Programs of this computer. A granted bare name is looked up in the course's own folders, if it has any, and then in
//! the person's PATH; a program gets a small environment of its own and not kitbag's. What is started stays when
//! kitbag ends, and writes to a log file.

use std::ffi::OsString;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use kitbag_platform::disk::Disk;
use kitbag_platform::process::{self, Processes, RealProcesses};
use kitbag_plugin_host::{
    BoxFuture, ByteReader, ByteWriter, Fault, FaultCode, Launch, LogBytes, ProcessDoor, ProcessId,
};
use tokio::io::AsyncWriteExt;

/// What programs need to find their way on any system; the rest of kitbag's environment is not theirs.
const KEPT: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PROGRAMFILES(X86)",
    "USERNAME",
];
/// With a terminal of the person's own, what programs need to draw on it.
const KEPT_TERMINAL: &[&str] = &["TERM", "COLORTERM", "NO_COLOR"];

/// The programs a course may start here.
pub(in crate::environment) struct Programs {
    pub(in crate::environment) processes: Arc<RealProcesses>,
    pub(in crate::environment) logs: PathBuf,
    /// Where programs start: the working folder.
    pub(in crate::environment) folder: PathBuf,
    pub(in crate::environment) disk: Arc<dyn Disk>,
    pub(in crate::environment) terminal: bool,
}

/// Where a program lies: a bare name in one of these folders, then in the person's PATH; or the full path a person
/// typed.
pub(in crate::environment) fn find(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let whole = Path::new(program);
    if whole.is_absolute() {
        return whole.is_file().then(|| whole.to_owned());
    }
    process::find_program(program, &path(folders))
}

/// The person's PATH with these folders before it.
fn path(folders: &[PathBuf]) -> OsString {
    let own = std::env::var_os("PATH").unwrap_or_default();
    // a folder whose name has the sign between folders in it cannot stand in a PATH
    let sound = |folder: &&PathBuf| std::env::join_paths([folder]).is_ok();
    let all = folders.iter().filter(sound).cloned().chain(std::env::split_paths(&own));
    std::env::join_paths(all).unwrap_or(own)
}

/// What a program gets of kitbag's own environment: what is known to be needed, and what `more` says yes to.
pub(in crate::environment) fn base(
    folders: &[PathBuf],
    more: impl Fn(&str) -> bool,
) -> Vec<(OsString, OsString)> {
    let kept = |name: &OsString| {
        let name = name.to_string_lossy();
        KEPT.iter().any(|kept| kept.eq_ignore_ascii_case(&name)) || more(&name)
    };
    let mut base: Vec<_> = std::env::vars_os().filter(|(name, _)| kept(name)).collect();
    if !folders.is_empty() {
        base.retain(|(name, _)| !name.eq_ignore_ascii_case("PATH"));
        base.push(("PATH".into(), path(folders)));
    }
    base
}

fn broken(doing: &str, error: &io::Error) -> Fault {
    Fault::new(FaultCode::Internal, format!("{doing}: {error}."))
}

fn missing(program: &str) -> Fault {
    Fault::new(FaultCode::MissingTool, format!("The program \"{program}\" is not on this computer."))
        .remedy(format!("Install {program}, open a new window and try again."))
}

fn ours(process: &ProcessId) -> process::ProcessId {
    process::ProcessId { pid: process.pid, started: process.started.clone() }
}

impl Programs {
    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    fn start(&self, launch: &Launch, log: &str) -> io::Result<process::ProcessId> {
        let program = find(&launch.program, &launch.program_folders).ok_or(io::ErrorKind::NotFound)?;
        let mut environment = base(&launch.program_folders, |_| false);
        for (name, value) in &launch.env {
            environment.retain(|(kept, _)| !kept.eq_ignore_ascii_case(name));
            environment.push((name.into(), value.into()));
        }
        let log = self.log(log);
        match self.disk.remove(&log) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.processes.spawn(&process::Launch {
            program,
            arguments: launch.args.iter().map(OsString::from).collect(),
            environment,
            folder: launch.folder.clone().unwrap_or_else(|| self.folder.clone()),
            log,
        })
    }

    fn command(&self, launch: &Launch) -> Result<tokio::process::Command, Fault> {
        let program =
            find(&launch.program, &launch.program_folders).ok_or_else(|| missing(&launch.program))?;
        let drawing =
            |name: &str| self.terminal && KEPT_TERMINAL.iter().any(|kept| kept.eq_ignore_ascii_case(name));
        let mut command = tokio::process::Command::new(program);
        command
            .args(&launch.args)
            .env_clear()
            .envs(base(&launch.program_folders, drawing))
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .current_dir(launch.folder.as_ref().unwrap_or(&self.folder))
            .kill_on_drop(true);
        Ok(command)
    }
}

/// Ends a program and what it started, unless it came to its own end.
pub(in crate::environment) struct Group {
    pub(in crate::environment) processes: Arc<RealProcesses>,
    pub(in crate::environment) id: Option<process::ProcessId>,
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = &self.id
            && let Err(error) = self.processes.kill(id)
        {
            tracing::warn!(%error, "a program could not be ended");
        }
    }
}

impl ProcessDoor for Programs {
    fn available(&self, program: &str, folders: &[PathBuf]) -> Result<bool, Fault> {
        Ok(find(program, folders).is_some())
    }

    fn spawn(&self, launch: &Launch, log: &str) -> Result<ProcessId, Fault> {
        match self.start(launch, log) {
            Ok(id) => Ok(ProcessId { pid: id.pid, started: id.started }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(&launch.program)),
            Err(error) => {
                Err(broken(&format!("The program \"{}\" could not be started", launch.program), &error))
            }
        }
    }

    fn alive(&self, process: &ProcessId) -> Result<bool, Fault> {
        Ok(self.processes.alive(&ours(process)))
    }

    fn end(&self, process: &ProcessId) -> Result<(), Fault> {
        match self.processes.end(&ours(process)) {
            // one that cannot be asked to end is ended
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.kill(process),
            other => other.map_err(|error| broken("A program could not be asked to end", &error)),
        }
    }

    fn kill(&self, process: &ProcessId) -> Result<(), Fault> {
        self.processes.kill(&ours(process)).map_err(|error| broken("A program could not be ended", &error))
    }

    fn read_log(&self, log: &str, start: Option<u64>, most: usize) -> Result<Option<LogBytes>, Fault> {
        let read = || {
            let mut open = self.disk.open(&self.log(log))?;
            let size = open.stat()?.fingerprint.size;
            let start = start.unwrap_or_else(|| size.saturating_sub(most as u64));
            let mut bytes = Vec::new();
            open.seek(SeekFrom::Start(start))?;
            open.take(most as u64).read_to_end(&mut bytes)?;
            Ok(LogBytes { bytes, start })
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(broken("A log cannot be read", &error)),
        }
    }

    fn remove_log(&self, log: &str) -> Result<(), Fault> {
        match self.disk.remove(&self.log(log)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(broken("A log cannot be removed", &error))
            }
            _ => Ok(()),
        }
    }

    fn run<'a>(
        &'a self,
        launch: &'a Launch,
        stdin: Option<&'a mut ByteReader>,
        stdout: &'a mut ByteWriter,
        stderr: &'a mut ByteWriter,
    ) -> BoxFuture<'a, Result<Option<i32>, Fault>> {
        Box::pin(async move {
            let failed = |error: io::Error| {
                broken(&format!("The program \"{}\" could not be run", launch.program), &error)
            };
            let mut command = self.command(launch)?;
            if self.terminal {
                // in kitbag's own group, so that it may read the terminal and is ended with it
                return Ok(command.status().await.map_err(failed)?.code());
            }
            #[cfg(unix)]
            command.process_group(0);
            command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
            let id = child.id().and_then(process::identity);
            let mut group = Group { processes: self.processes.clone(), id };
            let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let feed = async {
                if let (Some(from), Some(mut to)) = (stdin, input) {
                    // a program may end, or close its input, before it has read everything
                    tokio::io::copy(from, &mut to).await.ok();
                    to.shutdown().await.ok();
                }
                std::future::pending::<()>().await;
            };
            let rest = async {
                let (one, two) = tokio::join!(carry(output, stdout), carry(errors, stderr));
                one.and(two)?;
                child.wait().await
            };
            let status = tokio::select! {
                status = rest => status.map_err(failed)?,
                () = feed => return Ok(None),
            };
            group.id = None;
            Ok(status.code())
        })
    }

    fn port_answers(&self, port: u16) -> BoxFuture<'_, Result<bool, Fault>> {
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || process::port_answers(port)).await;
            asked.map_err(|error| {
                Fault::new(FaultCode::Internal, format!("A port could not be asked: {error}."))
            })
        })
    }
}

async fn carry(from: Option<impl tokio::io::AsyncRead + Unpin>, to: &mut ByteWriter) -> io::Result<()> {
    if let Some(mut from) = from {
        tokio::io::copy(&mut from, to).await?;
    }
    to.flush().await
}
