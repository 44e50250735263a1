//! Programs on Windows: a process group and a hidden console of its own for each, out of our job where that
//! is allowed, so that it outlives us; its start in steps of 100 nanoseconds. Windows has no signals: the
//! system's own `taskkill` ends a process with those it started.

use std::io;
use std::mem::zeroed;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, FILETIME, WAIT_TIMEOUT};
use windows_sys::Win32::System::SystemInformation::GetSystemDirectoryW;
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, GetProcessTimes, OpenProcess,
    PROCESS_ACCESS_RIGHTS, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE,
    TerminateProcess, WaitForSingleObject,
};

use super::{Launch, ProcessId};

/// Start so that neither the end of our console nor that of our job reaches it.
pub(super) fn spawn_detached(command: &mut Command, launch: &Launch) -> io::Result<Child> {
    let root = "SystemRoot";
    if !launch.environment.iter().any(|(name, _)| name.eq_ignore_ascii_case(root))
        && let Some(value) = std::env::var_os(root)
    {
        command.env(root, value);
    }
    let apart = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP;
    match command.creation_flags(apart | CREATE_BREAKAWAY_FROM_JOB).spawn() {
        // The job we are in lets nobody out.
        Err(error) if error.raw_os_error() == i32::try_from(ERROR_ACCESS_DENIED).ok() => {
            command.creation_flags(apart).spawn()
        }
        started => started,
    }
}

/// A group of its own, and no window.
pub(super) fn apart(command: &mut Command) {
    command.creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP);
}

/// A handle to look at a process with, and to do what `more` says.
#[allow(unsafe_code)]
fn look(pid: u32, more: PROCESS_ACCESS_RIGHTS) -> Option<OwnedHandle> {
    // SAFETY: three plain values; a handle that is not null is ours to close, which `OwnedHandle` does.
    unsafe {
        let handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE | more, 0, pid);
        (!handle.is_null()).then(|| OwnedHandle::from_raw_handle(handle))
    }
}

#[allow(unsafe_code)]
fn start_of(process: &OwnedHandle) -> Option<String> {
    // SAFETY: the handle is open, and the four structures of numbers are there to fill.
    let (answer, created) = unsafe {
        let mut times: [FILETIME; 4] = zeroed();
        let [created, exited, kernel, user] = &mut times;
        let answer = GetProcessTimes(process.as_raw_handle(), created, exited, kernel, user);
        (answer, times[0])
    };
    let steps = u64::from(created.dwHighDateTime) << 32 | u64::from(created.dwLowDateTime);
    (answer != 0).then(|| steps.to_string())
}

/// When the process of this number started; none when there is none.
pub(super) fn started(pid: u32) -> Option<String> {
    start_of(&look(pid, 0)?)
}

/// It is there, it is the same one, and it has not ended.
#[allow(unsafe_code)]
pub(super) fn runs(id: &ProcessId) -> bool {
    let Some(process) = look(id.pid, 0) else { return false };
    // SAFETY: the handle is open; no time to wait means only a look.
    let waits = unsafe { WaitForSingleObject(process.as_raw_handle(), 0) } == WAIT_TIMEOUT;
    waits && start_of(&process).is_some_and(|started| started == id.started)
}

pub(super) fn end(id: &ProcessId) -> io::Result<()> {
    match taskkill(id, &[])? {
        true => Ok(()),
        // It says so of every program without a window.
        false if runs(id) => Err(io::ErrorKind::Unsupported.into()),
        false => Ok(()),
    }
}

#[allow(unsafe_code)]
pub(super) fn kill(id: &ProcessId) -> io::Result<()> {
    // Where the system's program is missing or fails, at least the process itself.
    if matches!(taskkill(id, &["/F"]), Ok(true)) {
        return Ok(());
    }
    let Some(process) = look(id.pid, PROCESS_TERMINATE).filter(|_| runs(id)) else {
        return if runs(id) { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) };
    };
    // SAFETY: the handle is open, and `runs` has said that it is the one meant.
    match unsafe { TerminateProcess(process.as_raw_handle(), 1) } {
        0 if runs(id) => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Whether the system's program says it worked.
fn taskkill(id: &ProcessId, more: &[&str]) -> io::Result<bool> {
    // Our handle keeps the number from being given to another process in between.
    let Some(_held) = look(id.pid, 0).filter(|_| runs(id)) else { return Ok(true) };
    let status = Command::new(system_folder()?.join("taskkill.exe"))
        .args(["/PID", &id.pid.to_string(), "/T"])
        .args(more)
        .creation_flags(CREATE_NO_WINDOW)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    Ok(status.success())
}

#[allow(unsafe_code)]
fn system_folder() -> io::Result<PathBuf> {
    use std::ffi::OsString;
    use std::os::windows::ffi::OsStringExt;
    let mut text = [0u16; 260];
    // SAFETY: `text` has room for so many units as are said.
    let length = unsafe { GetSystemDirectoryW(text.as_mut_ptr(), text.len() as u32) };
    match text.get(..length as usize) {
        Some(name) if !name.is_empty() => Ok(OsString::from_wide(name).into()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::{Processes, RealProcesses, find_program};
    use super::*;

    #[test]
    fn a_program_is_started_told_apart_and_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path_var = system_folder().unwrap().into_os_string();
        let launch = Launch {
            program: find_program("cmd", &path_var).unwrap(),
            arguments: ["/C", "echo", "%KITBAG_TEST%"].map(Into::into).into(),
            environment: vec![("KITBAG_TEST".into(), "hello".into())],
            folder: dir.path().to_owned(),
            log: dir.path().join("log"),
        };
        let processes = RealProcesses::new();
        let quick = processes.spawn(&launch).unwrap();
        let start = Instant::now();
        while processes.alive(&quick) && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let said = std::fs::read_to_string(dir.path().join("log")).unwrap();
        assert!(said.contains("hello"), "{said}");

        let waiting = Launch {
            program: find_program("ping", &path_var).unwrap(),
            arguments: ["-n", "60", "127.0.0.1"].map(Into::into).into(),
            ..launch
        };
        let id = processes.spawn(&waiting).unwrap();
        assert!(processes.alive(&id));
        let stranger = ProcessId { started: format!("{}0", id.started), ..id.clone() };
        assert!(!processes.alive(&stranger));
        processes.kill(&stranger).unwrap();
        assert!(processes.alive(&id));
        processes.kill(&id).unwrap();
        let start = Instant::now();
        while processes.alive(&id) {
            assert!(start.elapsed() < Duration::from_secs(20), "it is gone");
            std::thread::sleep(Duration::from_millis(20));
        }
        processes.end(&id).unwrap();
    }
}
