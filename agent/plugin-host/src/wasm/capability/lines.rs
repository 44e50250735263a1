//! Lines of services on their way to a person.

use wasmtime::component::Resource;

use crate::text;
use crate::wasm::bindings::backend::kitbag::plugin::lines::{Host, HostSink};
use crate::wasm::guest::{Guest, Sink};

impl Host for Guest {}

impl HostSink for Guest {
    async fn line(&mut self, sink: Resource<Sink>, source: String, text: String) -> wasmtime::Result<bool> {
        let out = self.table.get(&sink)?.0.clone();
        // Whoever gave up, or is out of time, wants no more.
        let over = self.bounds.cancel.is_cancelled() || std::time::Instant::now() >= self.bounds.deadline;
        Ok(!over && out.line(&text::short(&source, 100), &text::line(&self.grants.redact(&text))))
    }

    async fn drop(&mut self, sink: Resource<Sink>) -> wasmtime::Result<()> {
        self.table.delete(sink)?;
        Ok(())
    }
}
