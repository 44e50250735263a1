//! The command line's contract. The eight verbs of a student's day stand first in the help, the rest below.

mod compare;
mod explain;
mod snapshot;

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

pub use compare::{Diff, Merge};
pub use explain::{explain, wants_talk};
pub use snapshot::{Snapshot, SnapshotVerb};

const REST: &str = "\
More commands:
  history      Versions of everything, a folder or a file
  restore      A file as it was in an older version
  undo         Take back what kitbag did last here
  diff         What differs: between versions of a file, or between two files
  merge        One notebook of three, for git too
  open         Open the course in the browser, or the working folder
  where        The folders of this workspace
  doctor       What could be wrong with this computer or around your work; mends what it can
  logs         What a service said
  exec         Run a command beside the services
  verify       Check that everything stored is whole
  clean        Free disk space nobody needs
  snapshot     take, list, restore, remove: what the course's programs keep, as it is now
  report       Something for your tutor: how things stand here, without names
  takeaway     Everything you have in one file, for a computer without kitbag
  course       check: look a course's folder over
  plugin       list, info: what runs courses here, and what it may do
  agent        start, stop, install, uninstall: carries your work in the background, from log-in on if you like
  page         All of this in your browser
  demo         A guided tour in a folder of its own, under a minute
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
    /// Talk with the program that runs this: a JSON object a line on stdout, answers on stdin
    #[arg(long, global = true, hide = true, action = ArgAction::SetTrue)]
    pub talk: bool,
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
    /// Begin: bring everything here, start the course
    Up(Up),
    /// End: put everything away; then you can shut down
    #[command(visible_aliases = ["down", "stop"])]
    Done,
    /// How things stand
    Status,
    /// Carry changes both ways now
    Sync(SyncOptions),
    /// Files changed on two machines at once
    Conflicts(Conflicts),
    /// Answer one of them
    Resolve(Resolve),
    /// Start afresh: a new environment with the same work
    Reset(Up),
    /// Versions of everything, a folder or a file
    #[command(hide = true)]
    History(History),
    /// A file as it was in an older version
    #[command(hide = true)]
    Restore(Restore),
    /// Take back what kitbag did last here
    #[command(hide = true)]
    Undo(Undo),
    /// What differs between a version of a file and what you have now, or between two files; notebooks cell by cell
    #[command(hide = true, after_help = compare::DIFF)]
    Diff(Diff),
    /// One notebook of three, cell by cell; ends with 0 when nothing waits for an answer, with 1 when cells do
    #[command(hide = true, after_help = compare::MERGE)]
    Merge(Merge),
    /// Open the course in the browser, or the working folder
    #[command(hide = true)]
    Open(Open),
    /// What a service said
    #[command(hide = true)]
    Logs(Logs),
    /// Run a command beside the services
    #[command(hide = true)]
    Exec(Exec),
    /// Check that everything stored is whole
    #[command(hide = true)]
    Verify(VerifyOptions),
    /// Free disk space nobody needs; never your work
    #[command(hide = true)]
    Clean(CleanOptions),
    /// Everything you have in one file, for a computer without kitbag
    #[command(hide = true)]
    Takeaway(Takeaway),
    /// Something for your tutor: how things stand here, without names
    #[command(hide = true)]
    Report(Report),
    /// What the course's programs keep for themselves, as it is now, on this computer
    #[command(hide = true)]
    Snapshot(Snapshot),
    /// For course teams
    #[command(hide = true)]
    Course(Course),
    /// What runs courses here, and what it may do
    #[command(hide = true)]
    Plugin(Plugin),
    /// Saves your work in the background while a course is open
    #[command(hide = true)]
    Agent(Agent),
    /// All of this in your browser
    #[command(hide = true)]
    Page(Page),
    /// A guided tour in a folder of its own
    #[command(hide = true)]
    Demo(Demo),
    /// The folders of this workspace
    #[command(hide = true)]
    Where,
    /// What could be wrong with this computer or around your work; also before `setup`
    #[command(hide = true)]
    Doctor(Doctor),
    /// Completions for your shell
    #[command(hide = true)]
    Completions(Completions),
    /// What kitbag starts itself to make a plugin ready
    #[command(hide = true, name = kitbag_engine::environment::COMPILE)]
    CompilePlugin,
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
    /// Of a notebook: answer about this cell only, as `kitbag conflicts` names it
    #[arg(long, value_name = "ID", requires = "keep", allow_hyphen_values = true)]
    pub cell: Option<String>,
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

/// `history`.
#[derive(Debug, clap::Args)]
pub struct History {
    /// A file or folder, also one that was removed; everything when not given
    pub path: Option<PathBuf>,
    /// Show so many versions at the most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

/// `restore`.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The file, also one that was removed
    pub path: PathBuf,
    /// The version, by its id or the first digits of it, as `kitbag history FILE` shows them
    #[arg(long, value_name = "ID")]
    pub at: String,
}

/// `undo`.
#[derive(Debug, clap::Args)]
pub struct Undo {
    /// Which operation, by its number in the list; the latest when not given
    #[arg(conflicts_with = "list")]
    pub operation: Option<i64>,
    /// Show what there is to take back
    #[arg(long)]
    pub list: bool,
    /// Only say what would be done
    #[arg(long, conflicts_with = "list")]
    pub dry_run: bool,
    /// With --list: show so many operations at the most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

/// `up` and `reset`.
#[derive(Debug, clap::Args)]
pub struct Up {
    /// What runs the course
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
    /// Do not open the browser
    #[arg(long)]
    pub no_open: bool,
}

/// `open`.
#[derive(Debug, clap::Args)]
pub struct Open {
    /// Which service; the course's own choice when not given
    pub service: Option<String>,
    /// Print what would be opened
    #[arg(long)]
    pub print: bool,
}

/// `logs`.
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Which service; all when not given
    pub service: Option<String>,
    /// Go on showing what comes
    #[arg(long, short)]
    pub follow: bool,
}

/// `exec`.
#[derive(Debug, clap::Args)]
pub struct Exec {
    /// A service whose surroundings are meant
    pub service: Option<String>,
    /// The command
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// `clean`.
#[derive(Debug, clap::Args)]
pub struct CleanOptions {
    /// Only say what would be freed
    #[arg(long)]
    pub dry_run: bool,
    /// Databases put aside by `reset` too: they may be the only copy of what is in them
    #[arg(long)]
    pub databases: bool,
    /// Snapshots too, every one
    #[arg(long)]
    pub snapshots: bool,
}

/// `takeaway`.
#[derive(Debug, clap::Args)]
pub struct Takeaway {
    /// The zip file to make, such as takeaway.zip
    pub file: PathBuf,
}

/// `report`.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// The zip file to make; one in your home folder when not given
    #[arg(conflicts_with = "text")]
    pub file: Option<PathBuf>,
    /// Only some lines to paste
    #[arg(long)]
    pub text: bool,
    /// Call files by their names
    #[arg(long)]
    pub names: bool,
}

/// `verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyOptions {
    /// Read the files of the working folder too
    #[arg(long)]
    pub files: bool,
}

/// `course`.
#[derive(Debug, clap::Args)]
pub struct Course {
    /// What to do
    #[command(subcommand)]
    pub verb: CourseVerb,
}

/// What to do with a course.
#[derive(Debug, Subcommand)]
pub enum CourseVerb {
    /// Look a course's folder over; says file, line and what to do
    Check {
        /// The folder with course.toml
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
}

/// `plugin`.
#[derive(Debug, clap::Args)]
pub struct Plugin {
    /// What to do
    #[command(subcommand)]
    pub verb: PluginVerb,
}

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginVerb {
    /// All of them
    List,
    /// One of them, with what it may do and why
    Info {
        /// Its id
        id: String,
    },
    /// Take back what it was allowed in this workspace
    Revoke {
        /// Its id
        id: String,
    },
}

/// `agent`.
#[derive(Debug, clap::Args)]
pub struct Agent {
    /// What to do
    #[command(subcommand)]
    pub verb: AgentVerb,
}

/// What to do with the background agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum AgentVerb {
    /// Be it, here, until no course is open any more; Ctrl-C ends it
    Run {
        /// Go on when no course is open
        #[arg(long)]
        stay: bool,
    },
    /// Start it, to stay until `stop`; `kitbag up` starts one for as long as a course is open
    Start,
    /// End it; what it saves just now it saves to the end
    Stop,
    /// Have it start when you log in, and start it; needs no administrator
    Install,
    /// Have it start no more, and end it
    Uninstall,
}

/// `page`.
#[derive(Debug, clap::Args)]
pub struct Page {
    /// Only print its address: it opens the page once, within ten minutes
    #[arg(long)]
    pub no_open: bool,
}

/// `demo`.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Keep the tour's folder, and put it here
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// `doctor`.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Mend what can be mended
    #[arg(long)]
    pub fix: bool,
    /// With --fix: only say what would be done
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Try whether the places the course gets something from can be reached
    #[arg(long)]
    pub network: bool,
}

/// `completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Which shell
    pub shell: clap_complete::Shell,
}

impl Verb {
    /// Whether what it prints is not kitbag's own, so that nobody can talk with it.
    pub fn is_mute(&self) -> bool {
        matches!(self, Verb::Exec(_) | Verb::Completions(_) | Verb::CompilePlugin)
    }
}
