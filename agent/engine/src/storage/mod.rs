//! What lies in the share and in this machine's state, seen as stored things rather than as work: whether it is whole,
//! what is small and could be one, what is old and could go, what is left over. Sync carries the work; this looks after
//! what carrying leaves behind. Nothing here decides between versions, and nothing here touches a person's file.

mod mend;
pub mod verify;

pub(crate) use mend::mend;
