//! Arguments of the verbs that put versions beside each other, of a workspace or not.

use std::path::PathBuf;

/// Below the help of `diff`.
pub const DIFF: &str = "\
kitbag diff FILE            what you changed since the last version; where you changed nothing, what the
                            last version brought (of a merge: what you did not have before)
kitbag diff FILE --at ID    what became of it since version ID, as `kitbag history FILE` shows them
kitbag diff FILE1 FILE2     any two files, also outside of a workspace

For git: git config --global difftool.kitbag.cmd 'kitbag diff \"$LOCAL\" \"$REMOTE\"'";

/// `diff`.
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// A file of the working folder; or, with another one, any file
    pub path: PathBuf,
    /// The file to compare it with
    #[arg(value_name = "FILE2", conflicts_with = "at")]
    pub other: Option<PathBuf>,
    /// The version to compare with, by its id or the first digits of it, as `kitbag history FILE` shows them
    #[arg(long, value_name = "ID")]
    pub at: Option<String>,
}

/// Below the help of `merge`.
pub const MERGE: &str = "\
What only one side changed is taken over; what both wrote into one cell stays in both versions, below one
another, the second as a raw cell that is not run. LEFT leads: where both ran a cell its outputs stay. FILE is
written whole, or not at all where one of them is no notebook that can be read.

For git, once:
  git config --global merge.kitbag.driver 'kitbag merge %O %A %B --out %A'
  git config --global mergetool.kitbag.cmd 'kitbag merge \"$BASE\" \"$LOCAL\" \"$REMOTE\" --out \"$MERGED\"'
  git config --global mergetool.kitbag.trustExitCode true
and in the repository's .gitattributes:
  *.ipynb merge=kitbag";

/// `merge`.
#[derive(Debug, clap::Args)]
pub struct Merge {
    /// The notebook both come from; empty or /dev/null where there is none
    pub base: PathBuf,
    /// The one that leads
    pub left: PathBuf,
    /// The other one
    pub right: PathBuf,
    /// Where the result goes; may be one of the three
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What LEFT is called in cells that wait for an answer
    #[arg(long, value_name = "NAME", default_value = "left")]
    pub left_name: String,
    /// What RIGHT is called there
    #[arg(long, value_name = "NAME", default_value = "right")]
    pub right_name: String,
}
