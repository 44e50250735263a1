//! Stories: what a student lives through with two computers and a cloud folder, told with the real program and
//! plain file calls. One module a story; each test says which promise it shows and its tier. All of them are in the
//! first tier (every landing).

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod back;
#[cfg(target_os = "linux")]
mod background;
#[cfg(target_os = "linux")]
mod browser;
#[cfg(target_os = "linux")]
mod carried;
mod compiled;
mod contract;
mod course;
mod damage;
#[cfg(target_os = "linux")]
mod databases;
mod delivery;
mod diff;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod docker;
mod doctor;
#[cfg(target_os = "linux")]
mod engine;
#[cfg(unix)]
mod entries;
mod follow;
mod gone;
#[cfg(unix)]
mod http;
#[cfg(target_os = "linux")]
mod install;
#[cfg(unix)]
mod jupyter;
mod keychain;
mod killed;
#[cfg(target_os = "linux")]
mod large;
#[cfg(target_os = "linux")]
mod lent;
mod local_python;
mod machine;
mod machine_checks;
mod merge;
#[cfg(target_os = "linux")]
mod names;
mod notebooks;
#[cfg(target_os = "linux")]
mod opened;
mod outside;
mod people;
mod places;
mod programs;
mod provider;
mod python;
mod questions;
mod recover;
mod renamed;
#[cfg(target_os = "linux")]
mod report;
#[cfg(unix)]
mod socket;
#[cfg(target_os = "linux")]
mod takeaway;
#[cfg(target_os = "linux")]
mod talk;
mod tidy;
mod units;
