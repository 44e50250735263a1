//! The life of an environment on this machine: start, restore, dump, stop.

pub mod sqlite;
