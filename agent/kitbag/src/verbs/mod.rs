//! One file a verb.

pub mod completions;
pub mod conflicts;
pub mod resolve;
pub mod setup;
pub mod status;
pub mod sync;
pub mod whereabouts;
