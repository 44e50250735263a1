//! Programs of this machine, by granted name. A plugin never holds a pid: it names what it starts, and the host
//! notes pid and start time under that name, so a plugin can end only what it started itself, and a crash in the
//! middle of a call leaves nothing that cannot be found.

use wasmtime::component::Resource;

use crate::doors::{Launch, ProcessId};
use crate::fault::{self, FaultCode};
use crate::text;
use crate::wasm::bindings::backend::kitbag::plugin::process::{Command, Host, Life, LogPiece};
use crate::wasm::bindings::backend::kitbag::plugin::types::Fault;
use crate::wasm::guest::{Guest, Reader, Writer};

const NOTES: &str = "process/";
const LONGEST_NAME: usize = 200;
/// Most bytes of a log at once.
const LOG: usize = 16 << 10;
const MOST_ARGS: usize = 1000;
const LONGEST_ARGS: usize = 256 << 10;
/// Variables that change which program or library really runs, or whom it talks to. Beginnings, upper case.
const REFUSED: [&str; 4] = ["LD_", "DYLD_", "GIT_", "DOCKER_"];
const REFUSED_WHOLE: [&str; 8] =
    ["PATH", "PATHEXT", "COMSPEC", "SYSTEMROOT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

type Answer<T> = Result<T, fault::Fault>;

impl Guest {
    fn launch(&self, command: Command) -> Answer<Launch> {
        self.grants.program(&command.program)?;
        let bytes: usize = command.args.iter().map(String::len).sum::<usize>()
            + command.env.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if command.args.len() + command.env.len() > MOST_ARGS || bytes > LONGEST_ARGS {
            return Err(fault::Fault::new(
                FaultCode::Quota,
                "Too many or too long arguments for one program.",
            ));
        }
        let mut env = Vec::with_capacity(command.env.len());
        for (name, value) in command.env {
            variable(&name)?;
            env.push((name, self.fill(&value)?));
        }
        let args = command.args.iter().map(|text| self.fill(text)).collect::<Answer<_>>()?;
        let folder = command
            .folder
            .map(|name| self.grants.folder(&name).map(std::path::Path::to_path_buf))
            .transpose()?;
        let program_folders = self.grants.program_folders.clone();
        Ok(Launch { program: command.program, program_folders, args, env, folder })
    }

    fn fill(&self, text: &str) -> Answer<String> {
        if text.contains('\0') {
            return Err(fault::Fault::new(FaultCode::InvalidConfig, "An argument holds a NUL character."));
        }
        self.grants.fill(text)
    }

    fn note(&self, name: &str) -> Answer<Option<(Vec<u8>, ProcessId)>> {
        checked(name)?;
        let Some(bytes) = self.doors.state.get(&format!("{NOTES}{name}"))? else { return Ok(None) };
        let process = serde_json::from_slice(&bytes).map_err(|error| {
            fault::Fault::new(FaultCode::Internal, "A note about a process cannot be read.")
                .detail(error.to_string())
        })?;
        Ok(Some((bytes, process)))
    }

    fn living(&self, name: &str) -> Answer<Option<ProcessId>> {
        match self.note(name)? {
            Some((_, process)) if self.doors.process.alive(&process)? => Ok(Some(process)),
            _ => Ok(None),
        }
    }

    fn spawn_named(&self, name: &str, command: Command) -> Answer<()> {
        let taken = || fault::Fault::new(FaultCode::AlreadyExists, "This program runs already.");
        let launch = self.launch(command)?;
        let before = self.note(name)?;
        if let Some((_, process)) = &before
            && self.doors.process.alive(process)?
        {
            return Err(taken());
        }
        let process = self.doors.process.spawn(&launch, name)?;
        let noted = serde_json::to_vec(&process)
            .map_err(|error| {
                fault::Fault::new(FaultCode::Internal, "The process could not be noted.")
                    .detail(error.to_string())
            })
            .and_then(|bytes| {
                let before = before.as_ref().map(|(bytes, _)| bytes.as_slice());
                self.doors.state.compare_and_set(&format!("{NOTES}{name}"), before, Some(&bytes))
            });
        match noted {
            Ok(true) => Ok(()),
            // A process nobody has a note of could never be stopped.
            other => {
                self.doors.process.kill(&process)?;
                other.and(Err(taken()))
            }
        }
    }

    fn forget_named(&self, name: &str) -> Answer<()> {
        let Some((bytes, process)) = self.note(name)? else { return Ok(()) };
        if self.doors.process.alive(&process)? {
            return Err(fault::Fault::new(
                FaultCode::Conflict,
                "A program that still runs cannot be forgotten.",
            ));
        }
        self.doors.process.remove_log(name)?;
        self.doors.state.compare_and_set(&format!("{NOTES}{name}"), Some(&bytes), None).map(drop)
    }

    fn log_piece(&self, name: &str, start: Option<u64>) -> Answer<LogPiece> {
        checked(name)?;
        let Some(found) = self.doors.process.read_log(name, start, LOG)? else {
            return Err(fault::Fault::new(FaultCode::NotFound, "There is no log of this name."));
        };
        let bytes = &found.bytes[..found.bytes.len().min(LOG)];
        // A letter cut in two at the end belongs to the next piece. At most three bytes can be one.
        let whole = match bytes.utf8_chunks().last() {
            Some(chunk)
                if chunk.invalid().len() < 4
                    && std::str::from_utf8(chunk.invalid()).is_err_and(|e| e.error_len().is_none()) =>
            {
                bytes.len() - chunk.invalid().len()
            }
            _ => bytes.len(),
        };
        let text = self.grants.redact(&String::from_utf8_lossy(&bytes[..whole]));
        Ok(LogPiece { text, next: found.start.saturating_add(whole as u64) })
    }

    async fn run_through(
        &mut self,
        command: Command,
        stdin: Option<Reader>,
        stdout: Writer,
        stderr: Writer,
    ) -> Answer<Option<i32>> {
        let launch = self.launch(command)?;
        let twice = |_| fault::Fault::new(FaultCode::InvalidConfig, "One stream was given for two.");
        let mut stdin = stdin.map(|reader| reader.0.try_lock_owned()).transpose().map_err(twice)?;
        let mut stdout = stdout.0.try_lock_owned().map_err(twice)?;
        let mut stderr = stderr.0.try_lock_owned().map_err(twice)?;
        let run = self.doors.process.run(&launch, stdin.as_deref_mut(), &mut stdout, &mut stderr);
        self.bounds.until(run).await
    }
}

fn checked(name: &str) -> Answer<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.len() > LONGEST_NAME || name.starts_with('.') || !name.chars().all(plain) {
        return Err(fault::Fault::new(
            FaultCode::InvalidConfig,
            format!("\"{}\" cannot be the name of a process.", text::short(name, 80)),
        ));
    }
    Ok(())
}

fn variable(name: &str) -> Answer<()> {
    let upper = name.to_ascii_uppercase();
    let refused =
        REFUSED.iter().any(|start| upper.starts_with(start)) || REFUSED_WHOLE.contains(&upper.as_str());
    if refused || name.is_empty() || name.contains(['=', '\0']) {
        let message = format!("The variable \"{}\" cannot be set for a program.", text::short(name, 80));
        return Err(
            fault::Fault::new(FaultCode::NotGranted, message).remedy("Tell the people who made the course.")
        );
    }
    Ok(())
}

impl Host for Guest {
    async fn available(&mut self, program: String) -> wasmtime::Result<Result<bool, Fault>> {
        let found = self
            .grants
            .program(&program)
            .and_then(|()| self.doors.process.available(&program, &self.grants.program_folders));
        Ok(found.map_err(Fault::from))
    }

    async fn spawn(&mut self, name: String, run: Command) -> wasmtime::Result<Result<(), Fault>> {
        Ok(self.spawn_named(&name, run).map_err(Fault::from))
    }

    async fn find(&mut self, name: String) -> wasmtime::Result<Result<Life, Fault>> {
        let life = self.note(&name).and_then(|note| match note {
            None => Ok(Life::Unknown),
            Some((_, process)) => self
                .doors
                .process
                .alive(&process)
                .map(|alive| if alive { Life::Running } else { Life::Ended }),
        });
        Ok(life.map_err(Fault::from))
    }

    async fn end(&mut self, name: String) -> wasmtime::Result<Result<(), Fault>> {
        let ended =
            self.living(&name).and_then(|one| one.map_or(Ok(()), |process| self.doors.process.end(&process)));
        Ok(ended.map_err(Fault::from))
    }

    async fn kill(&mut self, name: String) -> wasmtime::Result<Result<(), Fault>> {
        let ended = self
            .living(&name)
            .and_then(|one| one.map_or(Ok(()), |process| self.doors.process.kill(&process)));
        Ok(ended.map_err(Fault::from))
    }

    async fn names(&mut self, prefix: String) -> wasmtime::Result<Result<Vec<String>, Fault>> {
        let names = checked(&prefix).and_then(|()| self.doors.state.keys(&format!("{NOTES}{prefix}")));
        let own = |keys: Vec<String>| {
            keys.iter().filter_map(|key| key.strip_prefix(NOTES)).map(str::to_owned).collect()
        };
        Ok(names.map(own).map_err(Fault::from))
    }

    async fn forget(&mut self, name: String) -> wasmtime::Result<Result<(), Fault>> {
        Ok(self.forget_named(&name).map_err(Fault::from))
    }

    async fn read_log(
        &mut self,
        name: String,
        start: Option<u64>,
    ) -> wasmtime::Result<Result<LogPiece, Fault>> {
        Ok(self.log_piece(&name, start).map_err(Fault::from))
    }

    async fn run(
        &mut self,
        run: Command,
        stdin: Option<Resource<Reader>>,
        stdout: Resource<Writer>,
        stderr: Resource<Writer>,
    ) -> wasmtime::Result<Result<Option<i32>, Fault>> {
        let stdin = stdin.map(|one| self.table.get(&one).map(|one| Reader(one.0.clone()))).transpose()?;
        let stdout = Writer(self.table.get(&stdout)?.0.clone());
        let stderr = Writer(self.table.get(&stderr)?.0.clone());
        Ok(self.run_through(run, stdin, stdout, stderr).await.map_err(Fault::from))
    }

    async fn port_answers(&mut self, port: u16) -> wasmtime::Result<Result<bool, Fault>> {
        let answers = self.bounds.until(async {
            self.grants.port(port)?;
            self.doors.process.port_answers(port).await
        });
        Ok(answers.await.map_err(Fault::from))
    }
}
