//! Tar streams into and out of granted folders.

use kitbag_core::path::WorkPath;
use wasmtime::component::Resource;

use crate::fault::{self, FaultCode};
use crate::text;
use crate::wasm::bindings::backend::kitbag::plugin::files::Host;
use crate::wasm::bindings::backend::kitbag::plugin::types::Fault;
use crate::wasm::guest::{Guest, Reader, Writer};

/// A place below a folder; empty: the folder itself.
fn below(path: &str) -> Result<Option<WorkPath>, fault::Fault> {
    if path.is_empty() {
        return Ok(None);
    }
    WorkPath::parse(path).map(Some).map_err(|error| {
        let message = format!("\"{}\" is no place below the folder: {error}.", text::short(path, 200));
        fault::Fault::new(FaultCode::InvalidConfig, message)
            .remedy("Use a path without .. that begins with a name.")
    })
}

impl Host for Guest {
    async fn unpack(
        &mut self,
        folder: String,
        path: String,
        tar: Resource<Reader>,
    ) -> wasmtime::Result<Result<u64, Fault>> {
        let from = self.table.get(&tar)?.0.clone();
        let moved = self.bounds.until(async {
            let folder = self.grants.folder(&folder)?;
            let below = below(&path)?;
            self.doors.files.unpack(folder, below.as_ref(), &mut *from.lock().await).await
        });
        Ok(moved.await.map_err(Fault::from))
    }

    async fn pack(
        &mut self,
        folder: String,
        path: String,
        tar: Resource<Writer>,
    ) -> wasmtime::Result<Result<u64, Fault>> {
        let to = self.table.get(&tar)?.0.clone();
        let moved = self.bounds.until(async {
            let folder = self.grants.folder(&folder)?;
            let below = below(&path)?;
            self.doors.files.pack(folder, below.as_ref(), &mut *to.lock().await).await
        });
        Ok(moved.await.map_err(Fault::from))
    }
}
