//! The clock that interrupts plugins: one thread that moves the engine's epoch every 20 ms while a call runs and
//! sleeps otherwise, so that an idle agent costs nothing. It must be a thread: a plugin that loops holds the
//! runtime's.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::Engine;

const PERIOD: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    calls: usize,
    over: bool,
}

/// Owns the thread.
pub struct Ticker(Arc<Shared>);

/// The ticker ticks while one of these lives.
pub struct Ticking(Arc<Shared>);

impl Ticker {
    /// Start the thread.
    pub fn start(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        std::thread::Builder::new().name("kitbag-ticker".to_owned()).spawn(move || own.run(&engine))?;
        Ok(Self(shared))
    }

    /// Tick while the result lives.
    pub fn tick(&self) -> Ticking {
        self.0.change(|state| state.calls += 1);
        Ticking(Arc::clone(&self.0))
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.woken.notify_all();
    }

    fn run(&self, engine: &Engine) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.over {
            if state.calls == 0 {
                state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                drop(state);
                std::thread::sleep(PERIOD);
                engine.increment_epoch();
                state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.change(|state| state.calls -= 1);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.change(|state| state.over = true);
    }
}
