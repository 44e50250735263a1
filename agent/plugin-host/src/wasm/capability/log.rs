//! The plugin's own words: made safe, capped, and not too many.

use crate::doors::Level;
use crate::text;
use crate::wasm::bindings::backend::kitbag::plugin::log::{self, Host};
use crate::wasm::guest::Guest;

impl Host for Guest {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        if self.may_speak() {
            let level = match level {
                log::Level::Debug => Level::Debug,
                log::Level::Info => Level::Info,
                log::Level::Warn => Level::Warn,
                log::Level::Error => Level::Error,
            };
            self.doors.log.write(level, &text::line(&self.grants.redact(&message)));
        }
        Ok(())
    }
}
