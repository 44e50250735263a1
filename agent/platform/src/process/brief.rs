//! Ask a program something it answers in a moment, and do not wait for one that does not answer: it is ended. What it
//! says is short, and more than a little of it is not read.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Read of what it answers, in bytes.
const ANSWER: u64 = 64 << 10;
/// Read of what it complains, in bytes.
const COMPLAINT: u64 = 4 << 10;

/// What a program answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// It ended well.
    pub worked: bool,
    /// What it said, 64 KiB at the most.
    pub output: Vec<u8>,
    /// What it complained of, as text.
    pub errors: String,
}

/// Run a program to its end. `input` stands on its standard input.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] when it takes longer than `patience`; it is ended then. What the system says when it cannot
/// be started.
pub fn brief(command: &mut Command, input: Option<&str>, patience: Duration) -> io::Result<Brief> {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    no_window(command);
    let mut child = command.spawn()?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // a short text fits into the pipe, so nobody waits for anybody; who does not read it says so by how they end
        stdin.write_all(input.as_bytes()).ok();
    }
    let output = read(child.stdout.take(), ANSWER);
    let errors = read(child.stderr.take(), COMPLAINT);
    let status = ended(&mut child, Instant::now() + patience)?;
    // what it started may hold its pipes open for ever; then what it said is not known
    Ok(Brief {
        worked: status.success(),
        output: said(output),
        errors: String::from_utf8_lossy(&said(errors)).into_owned(),
    })
}

type Reading = Option<JoinHandle<Vec<u8>>>;

/// On a thread of its own, so that a program that says much is not kept waiting for a reader.
fn read(from: Option<impl Read + Send + 'static>, most: u64) -> Reading {
    let mut from = from?;
    Some(std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.by_ref().take(most).read_to_end(&mut bytes).ok();
        io::copy(&mut from, &mut io::sink()).ok();
        bytes
    }))
}

fn said(reading: Reading) -> Vec<u8> {
    let end = Instant::now() + Duration::from_secs(1);
    match reading {
        Some(reading) => {
            while !reading.is_finished() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(1));
            }
            if reading.is_finished() { reading.join().unwrap_or_default() } else { Vec::new() }
        }
        None => Vec::new(),
    }
}

fn ended(child: &mut Child, end: Instant) -> io::Result<ExitStatus> {
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(status),
            None if Instant::now() >= end => {
                child.kill().ok();
                child.wait().ok();
                return Err(io::ErrorKind::TimedOut.into());
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// A program of the console shows no window of its own.
fn no_window(command: &mut Command) {
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        command.creation_flags(windows_sys::Win32::System::Threading::CREATE_NO_WINDOW);
    }
    #[cfg(not(windows))]
    let _ = command;
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_it_says_and_how_it_ends() {
        let long = Duration::from_secs(60);
        let said = brief(&mut sh("cat; echo no >&2; exit 3"), Some("hello"), long).unwrap();
        assert_eq!(said, Brief { worked: false, output: b"hello".to_vec(), errors: "no\n".into() });
        let said = brief(&mut sh("cat; head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"), None, long);
        let said = said.unwrap();
        assert_eq!((said.worked, said.output.len(), said.errors.len()), (true, 64 << 10, 4 << 10));
        assert!(brief(&mut Command::new("/nowhere/at all"), None, long).is_err());
    }

    #[test]
    fn one_that_does_not_answer_is_ended() {
        let mut waits = sh("exec sleep 600");
        let error = brief(&mut waits, None, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        // one that leaves another behind with its pipes is not waited for either
        let said = brief(&mut sh("echo here; sleep 5 & exit 0"), None, Duration::from_secs(60)).unwrap();
        assert!(said.worked);
    }
}
