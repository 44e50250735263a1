//! Limits a process puts on itself, for work that may take more than it should: memory and time of the processor. Beyond
//! the first an allocation fails, which ends a Rust program; beyond the second the system ends it.

use std::io;
use std::time::Duration;

/// From here on this process has at most so many bytes of memory (on Unix its address space is counted; macOS may not
/// keep to it) and so much time of the processor.
///
/// # Errors
/// The system does not let it.
pub fn limit_ourselves(memory: u64, processor: Duration) -> io::Result<()> {
    system::limit_ourselves(memory, processor)
}

#[cfg(unix)]
mod system {
    use std::io;
    use std::time::Duration;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    pub(super) fn limit_ourselves(memory: u64, processor: Duration) -> io::Result<()> {
        for (resource, most) in [(Resource::As, memory), (Resource::Cpu, processor.as_secs())] {
            // a limit that is there already is not lifted
            let most = |there: Option<u64>| Some(there.map_or(most, |there| there.min(most)));
            let there = getrlimit(resource);
            setrlimit(resource, Rlimit { current: most(there.current), maximum: most(there.maximum) })?;
        }
        Ok(())
    }
}

#[cfg(windows)]
mod system {
    use std::io;
    use std::time::Duration;

    use windows_sys::Win32::System::JobObjects::{
        AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_PROCESS_MEMORY,
        JOB_OBJECT_LIMIT_PROCESS_TIME, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
        JobObjectExtendedLimitInformation, SetInformationJobObject,
    };
    use windows_sys::Win32::System::Threading::GetCurrentProcess;

    /// A job of its own, which holds whoever is in it to its limits, also when its handle is closed.
    #[allow(unsafe_code)]
    pub(super) fn limit_ourselves(memory: u64, processor: Duration) -> io::Result<()> {
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags =
            JOB_OBJECT_LIMIT_PROCESS_MEMORY | JOB_OBJECT_LIMIT_PROCESS_TIME;
        // in units of 100 nanoseconds
        limits.BasicLimitInformation.PerProcessUserTimeLimit =
            i64::try_from(processor.as_nanos() / 100).unwrap_or(i64::MAX);
        limits.ProcessMemoryLimit = usize::try_from(memory).unwrap_or(usize::MAX);
        let size = size_of_val(&limits);
        // SAFETY: a job without a name and with the usual rights; both pointers may be null.
        let job = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
        if job.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the job is ours and open; the structure is the one of this class, and its size is right. The handle
        // stays open to the end of this process, which is the job's own end.
        let done = unsafe {
            SetInformationJobObject(
                job,
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                u32::try_from(size).unwrap_or_default(),
            ) != 0
                && AssignProcessToJobObject(job, GetCurrentProcess()) != 0
        };
        if done { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    //! In processes of their own: this very test again, which then does one thing.

    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus, Stdio};

    use super::*;

    const WHAT: &str = "KITBAG_TEST_LIMITS";

    fn a_process_that(what: &str) -> ExitStatus {
        let this = std::env::current_exe().unwrap();
        let mut command = Command::new(this);
        command.args(["--exact", "limits::tests::what_takes_too_much_ends", "--nocapture"]).env(WHAT, what);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
    }

    #[test]
    fn what_takes_too_much_ends() {
        let Ok(what) = std::env::var(WHAT) else {
            assert!(a_process_that("takes little").success());
            let much = a_process_that("takes memory");
            assert!(much.code().is_none_or(|code| code != 0), "{much}");
            // SIGXCPU, or SIGKILL where that is the harder limit
            let long = a_process_that("takes time");
            assert!(matches!(long.signal(), Some(24 | 9)), "{long}");
            return;
        };
        limit_ourselves(1 << 30, Duration::from_secs(1)).unwrap();
        // never lifted again
        limit_ourselves(8 << 30, Duration::from_secs(1000)).unwrap();
        let room: usize = if what == "takes memory" { 2 << 30 } else { 1 << 20 };
        assert_eq!(std::hint::black_box(vec![1u8; room]).len(), room);
        if what == "takes time" {
            loop {
                std::hint::black_box(0);
            }
        }
    }
}
