//! What a person is shown: each document that `--json` prints and the local page draws, and the page's own server. The
//! documents are read here once for both.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod plugins;
pub mod questions;
pub mod server;
pub mod status;
