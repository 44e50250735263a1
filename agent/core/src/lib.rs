//! What kitbag decides, and nothing it does.
//!
//! A path, its contents and the versions recorded of it go in; a plan comes out. Nothing here reads a file,
//! a clock, the environment or chance (clippy.toml refuses it), so two machines that know the same versions
//! decide the same, and a simulator can run the real rules millions of times. The files stand in the order
//! of the work: path, version, history, merge, reconcile, plan, conflict; then course, database, session, pace, restless,
//! snapshot, takeaway, install, notice, report and findings.

pub mod conflict;
pub mod copies;
pub mod course;
pub mod database;
pub mod entry;
pub mod finding;
pub mod guard;
pub mod history;
pub mod id;
pub mod ignore;
pub mod install;
pub mod link;
pub mod merge;
pub mod moves;
pub mod mutation;
pub mod names;
pub mod notebook;
pub mod notice;
pub mod outside;
pub mod pace;
pub mod path;
pub mod plan;
pub mod provider;
pub mod reconcile;
pub mod rename;
pub mod report;
pub mod restless;
pub mod session;
pub mod snapshot;
pub mod takeaway;
pub mod tidy;
pub mod unit;
pub mod version;
