//! The life of an environment on this machine. `up` carries a course from its package to running services with the
//! databases a student left, `done` carries them back. `databases` decides nothing by time: a dump's parent is what
//! the database was loaded from; `keep` sees to it that nothing is taken away that was not recorded; `snapshot` puts what was there earlier in the place of it. `runner` talks to
//! the backend plugin, `doors` is all that plugin can reach.

mod backends;
mod choose;
mod compiler;
mod consent;
mod cycle;
mod databases;
mod done;
mod doors;
mod export;
mod inside;
mod jupyter;
mod keep;
mod launch;
pub mod needs;
mod notebooks;
mod ports;
mod python;
mod reach;
mod reset;
mod runner;
mod secret;
pub mod snapshot;
mod source;
pub mod sqlite;
mod steps;
mod switch;
mod up;
mod usable;
mod view;

pub use backends::{Backends, Bundled, Engine};
pub use compiler::{Apart, VERB as COMPILE, compile, prepare};
pub use consent::{
    AskedCommand, AskedDatabase, AskedEngine, AskedProgram, Granted, Question, grants, revoke,
};
pub use cycle::{Extent, cycle, last_checkpoint};
pub use databases::file as database_file;
pub use done::{Done, checkpoint, done};
pub(crate) use export::Exporting;
pub use kitbag_plugin_host::{EngineRight, LineSink, Manifest, Streams, World, bundled};
pub use notebooks::open_notebooks;
pub(crate) use ports::remembered as ports_here;
pub use python::AskedPython;
pub use reach::{Opened, exec, logs, open};
pub use reset::reset;
pub(crate) use runner::{finding, made_with};
pub use up::{Doubt, Options, Tight, Up, up};
pub(crate) use usable::trouble;
pub use view::{EnvironmentView, ServiceView, view};
