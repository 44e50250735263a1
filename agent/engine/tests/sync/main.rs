//! The sync cycle on a simulated disk, where a cloud client takes files' bytes away, writing in place is cut short at
//! every call, and copies appear whose names people use too. Ledgers are real files in a temporary folder: what they
//! committed survives a crash, as in reality. All of them are in the first tier (every landing).

#![allow(clippy::unwrap_used)]

mod copies;
mod covered;
mod doctor;
mod exchanged;
mod first_checks;
mod in_place;
mod machine;
mod names;
mod online;
