//! The local page as those meet it who mean harm: other pages in the browser, programs that speak nonsense, containers,
//! names from other machines; and as a person keeps it open while the agent is killed. The real program, spoken to byte by
//! byte. First tier.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout)]

mod browser;
mod container;
#[path = "../story/browser/devtools.rs"]
#[allow(dead_code, reason = "the stories use all of it")]
mod devtools;
#[path = "../story/docker/lab.rs"]
#[allow(dead_code, unused_imports, reason = "the stories use all of it")]
mod docked;
mod hostile;
#[path = "../story/http.rs"]
#[allow(dead_code, reason = "the stories use all of it")]
mod http;
#[path = "../story/docker/image.rs"]
mod image;
#[path = "../story/jupyter.rs"]
#[allow(dead_code, reason = "the stories use all of it")]
mod jupyter;
#[path = "../story/machine.rs"]
#[allow(dead_code, reason = "the stories use all of it")]
mod machine;
mod names;
mod open;
mod raw;
mod reading;
mod restart;
#[path = "../story/socket.rs"]
#[allow(dead_code, reason = "the stories use all of it")]
mod socket;
mod work;
