//! What the plugin remembers. Its keys live under `own/`, apart from the host's notes on its processes.

use crate::fault::{self, FaultCode};
use crate::wasm::bindings::backend::kitbag::plugin::state::Host;
use crate::wasm::bindings::backend::kitbag::plugin::types::Fault;
use crate::wasm::guest::Guest;

const OWN: &str = "own/";
const LONGEST_KEY: usize = 512;
const BIGGEST_VALUE: usize = 64 << 10;
const MOST_KEYS: u64 = 1000;
const MOST_BYTES: u64 = 1 << 20;

impl Guest {
    fn remember(&self, key: &str, replaced: Option<usize>, value: &[u8]) -> Result<(), fault::Fault> {
        let full = |what: &str| {
            Err(fault::Fault::new(FaultCode::Quota, format!("The plugin wants to remember {what}.")))
        };
        if value.len() > BIGGEST_VALUE {
            return full("more than 64 KiB at once");
        }
        let used = self.doors.state.used()?;
        if replaced.is_none() && used.keys >= MOST_KEYS {
            return full("more than 1000 things");
        }
        let without = used.bytes.saturating_sub(replaced.unwrap_or(0) as u64);
        if without + value.len() as u64 > MOST_BYTES {
            return full("more than 1 MiB");
        }
        own(key).map(drop)
    }

    fn set_own(&self, key: &str, value: &[u8]) -> Result<(), fault::Fault> {
        let name = own(key)?;
        let replaced = self.doors.state.get(&name)?.map(|old| old.len());
        self.remember(key, replaced, value)?;
        self.doors.state.set(&name, value)
    }

    fn swap_own(&self, key: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool, fault::Fault> {
        if let Some(new) = new {
            self.remember(key, old.map(<[u8]>::len), new)?;
        }
        self.doors.state.compare_and_set(&own(key)?, old, new)
    }

    fn own_keys(&self, prefix: &str) -> Result<Vec<String>, fault::Fault> {
        let all = self.doors.state.keys(&own(prefix)?)?;
        Ok(all.iter().filter_map(|key| key.strip_prefix(OWN)).map(str::to_owned).collect())
    }
}

fn own(key: &str) -> Result<String, fault::Fault> {
    if key.len() > LONGEST_KEY || key.chars().any(char::is_control) {
        return Err(fault::Fault::new(
            FaultCode::InvalidConfig,
            "The plugin used a key that is not plain text.",
        ));
    }
    Ok(format!("{OWN}{key}"))
}

impl Host for Guest {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, Fault>> {
        Ok(own(&key).and_then(|name| self.doors.state.get(&name)).map_err(Fault::from))
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Fault>> {
        Ok(self.set_own(&key, &value).map_err(Fault::from))
    }

    async fn compare_and_set(
        &mut self,
        key: String,
        old: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> wasmtime::Result<Result<bool, Fault>> {
        Ok(self.swap_own(&key, old.as_deref(), new.as_deref()).map_err(Fault::from))
    }

    async fn keys(&mut self, prefix: String) -> wasmtime::Result<Result<Vec<String>, Fault>> {
        Ok(self.own_keys(&prefix).map_err(Fault::from))
    }
}
