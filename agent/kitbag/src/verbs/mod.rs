//! One file a verb.

pub mod agent;
pub mod clean;
pub mod compile_plugin;
pub mod completions;
pub mod conflicts;
pub mod course;
pub mod demo;
pub mod doctor;
pub mod done;
pub mod exec;
pub mod history;
pub mod logs;
pub mod open;
pub mod plugin;
pub mod reset;
pub mod resolve;
pub mod restore;
pub mod setup;
pub mod snapshot;
pub mod status;
pub mod sync;
pub mod takeaway;
pub mod undo;
pub mod up;
pub mod verify;
pub mod whereabouts;
