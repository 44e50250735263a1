//! Everything that means harm, or acts as if it did: files that move while they are read, full and read-only disks,
//! names that would paint on a terminal, packs made by a stranger. The real program must say what is wrong, do the
//! rest of the work, and touch nothing outside its folders. First tier.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "../story/disk.rs"]
#[allow(dead_code, reason = "the stories use all of it")]
mod disk;
mod disks;
#[cfg(unix)]
mod earlier;
mod flips;
#[path = "../story/machine.rs"]
#[allow(dead_code, reason = "the stories use all of it")]
mod machine;
mod moving;
mod names;
mod old;
mod packs;
#[path = "../story/python.rs"]
mod python;
mod recover;
mod takeaway;
