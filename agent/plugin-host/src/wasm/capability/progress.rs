//! Steps, the flag of a person who gave up, and waiting.

use std::time::Duration;

use crate::text;
use crate::wasm::bindings::backend::kitbag::plugin::progress::Host;
use crate::wasm::bindings::backend::kitbag::plugin::types::Fault;
use crate::wasm::guest::Guest;

impl Host for Guest {
    async fn step(&mut self, id: String, title: String) -> wasmtime::Result<()> {
        if self.may_speak() {
            self.doors.progress.step(&text::short(&id, 100), &text::short(&self.grants.redact(&title), 300));
        }
        Ok(())
    }

    async fn cancelled(&mut self) -> wasmtime::Result<bool> {
        Ok(self.bounds.cancel.is_cancelled())
    }

    async fn pause(&mut self, millis: u32) -> wasmtime::Result<Result<(), Fault>> {
        let wait = tokio::time::sleep(Duration::from_millis(millis.into()));
        let waited = self.bounds.until(async {
            wait.await;
            Ok(())
        });
        Ok(waited.await.map_err(Fault::from))
    }
}
