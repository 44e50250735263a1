//! The machine in figures.

use crate::wasm::bindings::backend::kitbag::plugin::machine::{Host, Info};
use crate::wasm::guest::Guest;

impl Host for Guest {
    async fn describe(&mut self) -> wasmtime::Result<Info> {
        let info = self.doors.machine.describe();
        Ok(Info {
            os: info.os,
            arch: info.arch,
            cores: info.cores,
            memory_mb: info.memory_mb,
            free_disk_mb: info.free_disk_mb,
        })
    }
}
