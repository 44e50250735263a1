//! What a plugin remembers on this machine, in the workspace's ledger. Never in the share: it names processes and
//! ports of this machine.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kitbag_plugin_host::{Fault, FaultCode, StateDoor, StateUse};
use kitbag_store::Ledger;
use kitbag_store::ledger::StateError;

/// One plugin's notes.
pub(super) struct Notes {
    pub(super) ledger: Mutex<Ledger>,
    pub(super) plugin: String,
}

impl Notes {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fault(error: StateError) -> Fault {
    let code = match error {
        StateError::Store(_) => FaultCode::Internal,
        StateError::Key => FaultCode::InvalidConfig,
        _ => FaultCode::Quota,
    };
    Fault::new(code, format!("The environment's notes on this machine: {error}."))
}

impl StateDoor for Notes {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.ledger().state_get(&self.plugin, key).map_err(fault)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        self.ledger().state_set(&self.plugin, key, value).map_err(fault)
    }

    fn compare_and_set(&self, key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, Fault> {
        self.ledger().state_compare_and_set(&self.plugin, key, old, new).map_err(fault)
    }

    fn keys(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        self.ledger().state_keys(&self.plugin, prefix).map_err(fault)
    }

    fn used(&self) -> Result<StateUse, Fault> {
        let ledger = self.ledger();
        let mut used = StateUse::default();
        for key in ledger.state_keys(&self.plugin, "").map_err(fault)? {
            used.keys += 1;
            used.bytes +=
                ledger.state_get(&self.plugin, &key).map_err(fault)?.map_or(0, |value| value.len() as u64);
        }
        Ok(used)
    }
}
