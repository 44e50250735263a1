//! Byte streams in pieces.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wasmtime::component::Resource;

use crate::fault::{self, FaultCode};
use crate::wasm::bindings::backend::kitbag::plugin::streams::{Host, HostReader, HostWriter};
use crate::wasm::bindings::backend::kitbag::plugin::types::Fault;
use crate::wasm::guest::{Guest, Reader, Writer};

/// Most bytes read at once.
const READ: usize = 64 << 10;
/// Most bytes written at once.
const WRITTEN: usize = 1 << 20;

/// The stream's other end failed.
pub fn broke(error: &std::io::Error) -> fault::Fault {
    fault::Fault::new(FaultCode::ToolFailed, "A stream broke.").detail(error.to_string())
}

impl Host for Guest {}

impl HostReader for Guest {
    async fn read(
        &mut self,
        reader: Resource<Reader>,
        most: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, Fault>> {
        let from = self.table.get(&reader)?.0.clone();
        let most = usize::try_from(most).unwrap_or(READ).min(READ);
        let read = self.bounds.until(async {
            let mut bytes = vec![0; most];
            let count = from.lock().await.read(&mut bytes).await.map_err(|error| broke(&error))?;
            bytes.truncate(count);
            Ok(bytes)
        });
        Ok(read.await.map_err(Fault::from))
    }

    async fn drop(&mut self, reader: Resource<Reader>) -> wasmtime::Result<()> {
        self.table.delete(reader)?;
        Ok(())
    }
}

impl HostWriter for Guest {
    async fn write(
        &mut self,
        writer: Resource<Writer>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Fault>> {
        let to = self.table.get(&writer)?.0.clone();
        let written = self.bounds.until(async {
            if bytes.len() > WRITTEN {
                return Err(fault::Fault::new(FaultCode::Quota, "The plugin wrote more than 1 MiB at once."));
            }
            to.lock().await.write_all(&bytes).await.map_err(|error| broke(&error))
        });
        Ok(written.await.map_err(Fault::from))
    }

    async fn drop(&mut self, writer: Resource<Writer>) -> wasmtime::Result<()> {
        self.table.delete(writer)?;
        Ok(())
    }
}
