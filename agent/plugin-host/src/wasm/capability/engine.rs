//! What there is of a container engine. What is said to it goes over `wasi:http`.

use crate::fault::{self, FaultCode};
use crate::text;
use crate::wasm::bindings::backend::kitbag::plugin::engine::{Found, Host};
use crate::wasm::bindings::backend::kitbag::plugin::types::Fault;
use crate::wasm::guest::Guest;

impl Host for Guest {
    async fn look(&mut self) -> wasmtime::Result<Result<Found, Fault>> {
        let found = self.bounds.until(async {
            if self.grants.engine.is_none() {
                return Err(fault::Fault::new(
                    FaultCode::NotGranted,
                    "The plugin was not allowed to control Docker.",
                )
                .remedy("Begin with `kitbag up` and answer yes, if you trust the course team."));
            }
            self.doors.engine.look().await
        });
        Ok(found.await.map_err(Fault::from).map(|found| Found {
            place: text::line(&found.place),
            program: found.program,
            socket: found.socket,
            allowed: found.allowed,
            remote: found.remote,
        }))
    }
}
