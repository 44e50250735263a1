//! Ctrl-C, or another program's request to end (SIGTERM; Ctrl-Break on Windows), while something long is done: noticed
//! instead of ending the program at once, so that nothing half done is left lying about. The second one ends the program
//! as ever.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

static SEEN: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C or request to end is only noticed.
///
/// # Errors
/// The system lets nobody notice it; it ends the program then.
pub fn notice_interrupt() -> io::Result<()> {
    listen()
}

/// Whether there was one since [`notice_interrupt`].
pub fn interrupted() -> bool {
    SEEN.load(Ordering::SeqCst)
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn listen() -> io::Result<()> {
    // From signal.h, the same on Linux and macOS.
    const SIG_DFL: usize = 0;
    const SIG_ERR: usize = usize::MAX;
    unsafe extern "C" {
        fn signal(number: i32, handler: usize) -> usize;
    }
    const NUMBERS: [i32; 2] = [rustix::process::Signal::INT.as_raw(), rustix::process::Signal::TERM.as_raw()];
    extern "C" fn handler(_: i32) {
        SEEN.store(true, Ordering::SeqCst);
        for number in NUMBERS {
            // SAFETY: signal() may be called in a handler (POSIX, async-signal-safe), and SIG_DFL is no pointer.
            unsafe { signal(number, SIG_DFL) };
        }
    }
    for number in NUMBERS {
        // SAFETY: the handler is a function of the type the system calls, lives as long as the program, and does
        // nothing but store to an atomic and call signal().
        let before = unsafe { signal(number, handler as extern "C" fn(i32) as usize) };
        if before == SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

#[cfg(windows)]
#[allow(unsafe_code)]
fn listen() -> io::Result<()> {
    use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};
    use windows_sys::core::BOOL;

    /// Handled the first time; after that the next handler, which ends the program, is asked.
    unsafe extern "system" fn handler(event: u32) -> BOOL {
        let meant = event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
        BOOL::from(meant && !SEEN.swap(true, Ordering::SeqCst))
    }
    // SAFETY: the handler is a function of the type the system calls, lives as long as the program, and only stores to
    // an atomic.
    if unsafe { SetConsoleCtrlHandler(Some(handler), 1) } == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
