//! Virtual machines through Vagrant: the parts that touch nothing. What Vagrant prints becomes [`words`], what goes wrong
//! becomes a sentence with a way out in [`faults`], and a machine's settings become a [`vagrantfile`] in which nothing of
//! the course is Ruby. There is no backend of it yet: the README says what is missing.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod faults;
pub mod vagrantfile;
pub mod words;
