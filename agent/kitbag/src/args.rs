//! The command line's contract. The eight verbs of a student's day stand first in the help, the rest below; words from
//! other tools are answered with the right verb.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, Parser, Subcommand, ValueEnum};

const REST: &str = "\
More commands:
  where        The folders of this workspace
  completions  Completions for your shell

Run `kitbag COMMAND --help` for what one takes.
Exit codes: 0 done; 1 failed, or a question for you; 2 wrong usage; 3 done, but a file was changed on two
machines and waits for your answer; 4 waiting for the cloud folder; 5 something is missing on this machine.";

/// Keeps your coursework in the cloud folder you have, and starts the course on the computer you sit at.
#[derive(Debug, Parser)]
#[command(name = "kitbag", version, after_help = REST, disable_help_subcommand = true)]
pub struct Args {
    /// Folder for this machine's own state
    #[arg(
        long,
        env = "KITBAG_HOME",
        global = true,
        value_name = "DIR",
        help_heading = "Options for every command"
    )]
    pub home: Option<PathBuf>,
    /// Which workspace, when you have several
    #[arg(long, global = true, value_name = "NAME", help_heading = "Options for every command")]
    pub workspace: Option<String>,
    /// Print one JSON document
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = "Options for every command")]
    pub json: bool,
    /// Change a setting for this command
    #[arg(
        long = "config",
        global = true,
        value_name = "KEY=VALUE",
        help_heading = "Options for every command"
    )]
    pub config: Vec<String>,
    /// Take the usual answer to every question
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = "Options for every command")]
    pub yes: bool,
    /// No colour, no moving lines
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = "Options for every command")]
    pub plain: bool,
    /// Tell each step on stderr
    #[arg(long, global = true, action = ArgAction::SetTrue, help_heading = "Options for every command")]
    pub verbose: bool,
    /// What to do
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Join a cloud folder and a working folder on this machine
    Setup(Setup),
    /// How things stand
    Status,
    /// Carry changes both ways now
    Sync(SyncOptions),
    /// Files changed on two machines at once
    Conflicts(Conflicts),
    /// Answer one of them
    Resolve(Resolve),
    /// The folders of this workspace
    #[command(hide = true)]
    Where,
    /// Completions for your shell
    #[command(hide = true)]
    Completions(Completions),
}

/// `setup`.
#[derive(Debug, clap::Args)]
pub struct Setup {
    /// A folder in your cloud folder, such as Dropbox/mycourse
    #[arg(long, value_name = "DIR")]
    pub share: Option<PathBuf>,
    /// Where you work on this machine; outside any cloud folder
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// The course's folder or file
    #[arg(long, value_name = "PKG")]
    pub course: Option<PathBuf>,
    /// What to call this machine
    #[arg(long, value_name = "NAME")]
    pub machine: Option<String>,
}

/// `sync`.
#[derive(Debug, clap::Args)]
pub struct SyncOptions {
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// `conflicts`.
#[derive(Debug, clap::Args)]
pub struct Conflicts {
    /// Only this file
    pub path: Option<PathBuf>,
}

/// `resolve`.
#[derive(Debug, clap::Args)]
pub struct Resolve {
    /// The file
    #[arg(required_unless_present = "absent")]
    pub path: Option<PathBuf>,
    /// Which side to keep: this, other, both, merged, a machine's name or a version's id
    #[arg(long, value_name = "SIDE", required_unless_present = "absent", conflicts_with = "absent")]
    pub keep: Option<String>,
    /// Files that are gone: accept (they were meant to go) or restore (put them back)
    #[arg(long, value_name = "ANSWER")]
    pub absent: Option<Absent>,
}

/// An answer about files that are gone.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Absent {
    /// They were meant to go.
    Accept,
    /// Put them back.
    Restore,
}

/// `completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Which shell
    pub shell: clap_complete::Shell,
}

/// Words from Vagrant, compose and git, and the verb that is meant.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("halt", "done"),
    ("suspend", "done"),
    ("destroy", "reset"),
    ("ssh", "exec"),
    ("run", "exec"),
    ("provision", "up"),
    ("start", "up"),
    ("ps", "status"),
    ("push", "sync"),
    ("pull", "sync"),
    ("init", "setup"),
    ("clone", "setup"),
    ("reload", "reset"),
];

/// Print what clap has to say, with the right verb for words of other tools.
pub fn explain(error: clap::Error) -> ExitCode {
    // help and version go to stdout and are no error; a closed pipe is nobody's trouble
    error.print().ok();
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(clap::error::ContextValue::String(word)) =
            error.get(clap::error::ContextKind::InvalidSubcommand)
        && let Some((_, verb)) = OTHER_WORDS.iter().find(|(other, _)| other == word)
    {
        crate::printer::hint(&format!("in kitbag this is `kitbag {verb}`"));
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}
