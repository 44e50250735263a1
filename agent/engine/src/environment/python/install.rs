//! Runs what installs: pip or uv in a process group of its own, each line shown as it comes and kept in a log for
//! `logs`. Which process it is stands in the ledger while it runs: after a kitbag that was killed, the next one ends
//! it before anything else, and what it had made so far is never used.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kitbag_core::path::shown;
use kitbag_platform::process::{self, ProcessId, Processes, RealProcesses};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::tool::{Tool, environment};
use super::words::{Stage, Trouble};
use super::{LOGS, log};
use crate::environment::doors::Group;
use crate::error::EngineError;
use crate::sync::Progress;
use crate::workspace::Workspace;

/// Where the ledger remembers the process that installs.
const INSTALLER: &str = "environment.python.installer";
/// Large packages on a slow line take long; longer than this is not waited for.
const LONGEST: Duration = Duration::from_secs(2 * 3600);
/// Bytes of the log that are kept, and of what was said last.
const MOST_LOG: u64 = 8 << 20;
const LAST_WORDS: usize = 32 << 10;
/// A line longer than this is shown in pieces.
const LONGEST_LINE: usize = 4 << 10;

/// End what a killed kitbag left running.
///
/// # Errors
/// The ledger fails.
pub(super) fn end_leftover(ws: &Workspace) -> Result<(), EngineError> {
    if let Some(text) = ws.ledger.get(INSTALLER)? {
        if let Ok(id) = serde_json::from_str::<ProcessId>(&text)
            && let Err(error) = RealProcesses::new().kill(&id)
        {
            tracing::warn!(%error, "an installation left running cannot be ended");
        }
        ws.ledger.unset(INSTALLER)?;
    }
    Ok(())
}

/// One installation.
pub(super) struct Installer<'a> {
    ws: &'a Workspace,
    /// Where the programs start: no settings of a project lie there.
    folder: &'a Path,
    progress: &'a Arc<dyn Progress>,
    log: Log,
}

struct Log {
    file: File,
    written: u64,
    last: String,
}

impl<'a> Installer<'a> {
    /// Begin a new log.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn new(
        ws: &'a Workspace,
        folder: &'a Path,
        progress: &'a Arc<dyn Progress>,
    ) -> Result<Self, EngineError> {
        let path = log(ws);
        let logs = ws.environment_folder().join(LOGS);
        ws.doors.disk.create_dirs(&logs).map_err(EngineError::io("cannot write", &logs))?;
        let file = File::create(&path).map_err(EngineError::io("cannot write", &path))?;
        Ok(Installer { ws, folder, progress, log: Log { file, written: 0, last: String::new() } })
    }

    /// Make an environment with nothing but pip in it.
    ///
    /// # Errors
    /// What the tool said.
    pub(super) async fn environment(&mut self, tool: &Tool, folder: &Path) -> Result<(), Trouble> {
        self.progress.step("Make a Python environment for the course");
        let mut args: Vec<OsString> = tool.first.iter().map(Into::into).collect();
        args.extend(match tool.is_uv() {
            // with pip, which notebooks may ask for
            true => words(&["venv", "--seed", "--no-project"]),
            false => words(&["-m", "venv"]),
        });
        args.push(folder.into());
        self.run(&tool.file, &args, Stage::Environment).await
    }

    /// Install what a file names.
    ///
    /// # Errors
    /// What the tool said.
    pub(super) async fn packages(&mut self, tool: &Tool, python: &Path, list: &Path) -> Result<(), Trouble> {
        self.progress.step("Install the course's Python packages; the first time this takes some minutes");
        let (program, mut args): (PathBuf, _) = if tool.is_uv() {
            let mut args = words(&["pip", "install", "--python"]);
            args.push(python.into());
            (tool.file.clone(), args)
        } else {
            let quiet = ["--no-input", "--disable-pip-version-check", "--no-warn-script-location"];
            let pip = ["-I", "-m", "pip", "install", "--progress-bar", "off"];
            (python.to_owned(), words(&[&pip[..], &quiet].concat()))
        };
        args.extend([OsStr::new("-r"), list.as_os_str()].map(OsString::from));
        self.run(&program, &args, Stage::Packages).await
    }

    async fn run(&mut self, program: &Path, args: &[OsString], stage: Stage) -> Result<(), Trouble> {
        let ran = tokio::time::timeout(LONGEST, self.run_on(program, args)).await;
        self.ws.ledger.unset(INSTALLER).map_err(|error| Trouble::Kitbag(error.into()))?;
        let said = std::mem::take(&mut self.log.last);
        match ran {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Trouble::Tool { stage, said }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Trouble::Tool { stage, said: format!("{said}\nIt took longer than two hours.") }),
        }
    }

    /// Whether it worked.
    async fn run_on(&mut self, program: &Path, args: &[OsString]) -> Result<bool, Trouble> {
        let kitbag = |error| Trouble::Kitbag(EngineError::io("cannot run", program)(error));
        let shell: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        self.log.line(&format!("{} {}", program.display(), shell.join(" ")));
        let mut command = tokio::process::Command::new(program);
        command.args(args).env_clear().envs(environment()).current_dir(self.folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        command.process_group(0);
        process::end_with_us(command.as_std_mut());
        let mut child = command.spawn().map_err(kitbag)?;
        let id = child.id().and_then(process::identity);
        if let Some(id) = &id {
            let text = serde_json::to_string(id).unwrap_or_default();
            self.ws.ledger.set(INSTALLER, &text).map_err(|error| Trouble::Kitbag(error.into()))?;
        }
        let mut group = Group { processes: Arc::new(RealProcesses::new()), id };
        let (mut out, mut err) = (Lines::new(child.stdout.take()), Lines::new(child.stderr.take()));
        while out.open() || err.open() {
            let line = tokio::select! {
                line = out.next(), if out.open() => line,
                line = err.next(), if err.open() => line,
            };
            if let Some(line) = line {
                self.log.line(&line);
                let line = line.trim();
                if !line.is_empty() {
                    let short: String = line.chars().take(72).collect();
                    self.progress.step(&shown(&short));
                }
            }
        }
        let status = child.wait().await.map_err(kitbag)?;
        group.id = None;
        Ok(status.success())
    }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(Into::into).collect()
}

impl Log {
    fn line(&mut self, line: &str) {
        if self.written < MOST_LOG {
            self.written += line.len() as u64 + 1;
            // a log that cannot be written, on a full disk say, must not hide what the program says next
            writeln!(self.file, "{line}").ok();
        }
        self.last.push_str(line);
        self.last.push('\n');
        if self.last.len() > 2 * LAST_WORDS {
            let mut cut = self.last.len() - LAST_WORDS;
            while !self.last.is_char_boundary(cut) {
                cut += 1;
            }
            self.last.drain(..cut);
        }
    }
}

/// The lines of a stream, as they come.
struct Lines<R> {
    from: Option<R>,
    held: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(from: Option<R>) -> Self {
        Lines { from, held: Vec::new() }
    }

    /// Whether more may come.
    fn open(&self) -> bool {
        self.from.is_some() || !self.held.is_empty()
    }

    /// The next line; none where only its beginning has come yet. Dropped while it waits, it loses nothing.
    async fn next(&mut self) -> Option<String> {
        let end = self.held.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n').map(|at| at + 1);
        let end = end.or_else(|| (self.held.len() >= LONGEST_LINE).then_some(LONGEST_LINE));
        if let Some(end) = end.or_else(|| self.from.is_none().then_some(self.held.len())) {
            let line: Vec<u8> = self.held.drain(..end).collect();
            return Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned());
        }
        let mut piece = [0; 4096];
        let from = self.from.as_mut()?;
        match from.read(&mut piece).await {
            Ok(0) | Err(_) => self.from = None,
            Ok(n) => self.held.extend_from_slice(&piece[..n]),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = format!("one\ntwo\r\n\nünd{}\nlast", "x".repeat(2 * LONGEST_LINE));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let said = runtime.block_on(async {
            let mut lines = Lines::new(Some(text.as_bytes()));
            let mut said = Vec::new();
            while lines.open() {
                said.extend(lines.next().await);
            }
            said
        });
        assert_eq!(
            (said[0].as_str(), said[1].as_str(), said.last().unwrap().as_str()),
            ("one", "two", "last")
        );
        assert_eq!(said.concat(), text.replace(['\n', '\r'], ""));
        assert!(said.iter().all(|line| line.len() <= LONGEST_LINE));
    }
}
