//! `snapshot`: without a verb of its own it takes one, so that the shortest command is the safe one.

use clap::Subcommand;

/// `snapshot`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Snapshot {
    /// What to do; without it one is taken
    #[command(subcommand)]
    pub verb: Option<SnapshotVerb>,
    /// What to call it; the next number when not given
    pub name: Option<String>,
}

/// What to do with snapshots.
#[derive(Debug, Subcommand)]
pub enum SnapshotVerb {
    /// Copy what the course's programs keep for themselves
    Take {
        /// What to call it; the next number when not given
        name: Option<String>,
    },
    /// Those there are
    List,
    /// Put one in the place of what is there now
    Restore {
        /// Its name
        name: String,
    },
    /// Remove one
    Remove {
        /// Its name
        name: String,
    },
}
