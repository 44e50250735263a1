//! Programs on Linux and macOS: a session of its own for each, its start in clock ticks since a named boot
//! (Linux) or in seconds (macOS, where numbers come round slowly), and signals to its whole group.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use super::{Launch, ProcessId};

/// Start in a new session: no terminal, no signal meant for us reaches it.
#[allow(unsafe_code)]
pub(super) fn spawn_detached(command: &mut Command, _: &Launch) -> io::Result<Child> {
    // SAFETY: between fork and exec only one system call is made; it takes no memory and no lock.
    unsafe { command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from)) };
    command.spawn()
}

/// A group of its own.
pub(super) fn apart(command: &mut Command) {
    command.process_group(0);
}

/// Ask the system to kill it when the thread that starts it is gone.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub(super) fn end_with_us(command: &mut Command) {
    let us = rustix::process::getpid();
    let ask = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // gone before it was asked: nobody would send the signal
        if rustix::process::getppid() == Some(us) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    };
    // SAFETY: between fork and exec only two system calls are made; they take no memory and no lock.
    unsafe { command.pre_exec(ask) };
}

#[cfg(target_os = "linux")]
mod table {
    //! `/proc/PID/stat`, whose second field may hold any characters: what counts begins after its last `)`.

    /// State letter and start in clock ticks since boot.
    pub(super) fn row(pid: u32) -> Option<(char, String)> {
        let line = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let after = line.iter().rposition(|byte| *byte == b')')? + 1;
        let text = std::str::from_utf8(&line[after..]).ok()?;
        let mut fields = text.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // Field 22, of which the first two are before the bracket and the third is the state.
        let ticks = fields.nth(18)?;
        Some((state, ticks.to_owned()))
    }

    /// Ticks mean nothing without the boot they are counted from.
    fn boot() -> Option<String> {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned())
    }

    pub(super) fn started(pid: u32) -> Option<String> {
        Some(format!("{}:{}", boot()?, row(pid)?.1))
    }

    /// It was started since this computer was switched on, so a group of its number is what it left.
    pub(super) fn this_boot(started: &str) -> bool {
        boot().is_some_and(|boot| started.split(':').next() == Some(&boot))
    }

    pub(super) fn ended(pid: u32) -> bool {
        row(pid).is_none_or(|(state, _)| matches!(state, 'Z' | 'X' | 'x'))
    }
}

#[cfg(not(target_os = "linux"))]
mod table {
    //! What the system's process table says.
    use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, RefreshKind, System};

    fn row<T>(pid: u32, read: impl Fn(&sysinfo::Process) -> T) -> Option<T> {
        let mut system = System::new_with_specifics(RefreshKind::nothing()).ok()?;
        let pid = Pid::from_u32(pid);
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[pid]),
            true,
            ProcessRefreshKind::nothing(),
        );
        system.process(pid).map(read)
    }

    pub(super) fn started(pid: u32) -> Option<String> {
        row(pid, |process| process.start_time().to_string())
    }

    /// Cannot be told here, so a group without its leader is left alone.
    pub(super) fn this_boot(_: &str) -> bool {
        false
    }

    pub(super) fn ended(pid: u32) -> bool {
        row(pid, sysinfo::Process::status)
            .is_none_or(|status| matches!(status, ProcessStatus::Zombie | ProcessStatus::Dead))
    }
}

/// When the process of this number started; none when there is none.
pub(super) fn started(pid: u32) -> Option<String> {
    table::started(pid)
}

/// It is there, it is the same one, and it has not ended.
pub(super) fn runs(id: &ProcessId) -> bool {
    started(id.pid).is_some_and(|started| started == id.started) && !table::ended(id.pid)
}

pub(super) fn end(id: &ProcessId) -> io::Result<()> {
    signal(id, Signal::TERM)
}

pub(super) fn kill(id: &ProcessId) -> io::Result<()> {
    signal(id, Signal::KILL)
}

/// To the group the process leads. No other gets a number while it is there, as a zombie too, or while any
/// of its group is.
fn signal(id: &ProcessId, signal: Signal) -> io::Result<()> {
    match started(id.pid) {
        Some(started) if started == id.started => {}
        None if table::this_boot(&id.started) => {}
        _ => return Ok(()),
    }
    let Some(group) = i32::try_from(id.pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
    match rustix::process::kill_process_group(group, signal) {
        // Ended in between; macOS says PERM when only zombies are left.
        Err(Errno::SRCH) => Ok(()),
        Err(Errno::PERM) if !runs(id) => Ok(()),
        done => done.map_err(io::Error::from),
    }
}
