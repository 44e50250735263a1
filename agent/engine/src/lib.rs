//! Moves data along and owns no decisions: `sync` carries files between the working folder, the share and the
//! ledger as core's plans say; `environment` carries a course from its package to a running service and back.

pub mod environment;
