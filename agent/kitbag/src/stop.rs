//! A request to end while a command works, when another program runs kitbag: a signal, or a line it says. A command that
//! leaves something half done says that it tidies up by itself, and ends in its own time; any other is ended where it is,
//! which loses nothing: the next command finishes what was begun.

use std::sync::atomic::{AtomicBool, Ordering};

use kitbag_platform::process::interrupted;

/// Whether the command is to end, and who sees to it.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
    tidies: AtomicBool,
}

impl Stop {
    /// Ask it to end.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked to; by a signal only where somebody takes notice of those.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst) || interrupted()
    }

    /// From now on the command looks for requests itself and ends by itself.
    pub fn tidies(&self) {
        self.tidies.store(true, Ordering::SeqCst);
    }

    /// Whether it is to be ended where it is.
    pub fn at_once(&self) -> bool {
        self.asked() && !self.tidies.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_tidies_up_is_only_asked() {
        let stop = Stop::default();
        assert!(!stop.asked() && !stop.at_once());
        stop.ask();
        assert!(stop.asked() && stop.at_once());
        stop.tidies();
        assert!(stop.asked() && !stop.at_once());
    }
}
