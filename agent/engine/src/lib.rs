//! Moves data along and owns no decisions: `sync` carries files between the working folder, the share and the
//! ledger as core's plans say; `environment` carries a course from its package to a running service and back.
//! `agent` saves what is open in the background. `takeaway` packs all of it into one file for a computer without kitbag.
//! `report` is what a person hands to somebody who helps.
//! `merging` makes one notebook of three files of anybody's, `comparing` tells what differs between two.
//! `setup` joins a share and a working folder; `workspace` is what they are to this machine.

pub mod agent;
pub mod apart;
pub mod comparing;
pub mod course;
pub mod doctor;
mod document;
pub mod doors;
pub mod environment;
pub mod error;
pub mod events;
pub mod folders;
mod given;
pub mod history;
pub mod merging;
pub mod report;
pub mod setup;
pub mod share;
pub mod storage;
pub mod sync;
pub mod takeaway;
pub mod workspace;

pub use error::EngineError;
