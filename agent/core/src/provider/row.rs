//! What one row of the provider table can say. Everything is data that somebody else's program follows: where it
//! keeps its folder, how it names the losing side of a conflict, what it leaves out. A field that is empty means
//! that nothing is known, never that nothing is there. Facts are cited in the rows.

use super::name::Form;
use crate::copies::{Pattern, Weak};

/// One cloud provider, or program that carries a folder between machines.
#[derive(Debug)]
pub struct Row {
    /// Its word in settings (`share.provider`) and in the ledger. Never changes.
    pub key: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// How its folder is called when nobody chose another name.
    pub folders: &'static [Form],
    /// What its client leaves in its folder.
    pub marks: &'static [Mark],
    /// How macOS calls its folder in `~/Library/CloudStorage`.
    pub mounted: &'static [Form],
    /// Where its folder can be learnt.
    pub clues: &'static [Clue],
    /// Names of conflict copies that nobody would type.
    pub copies: &'static [Pattern],
    /// Names of conflict copies that people type too: they need more evidence than the name.
    pub weak: &'static [Weak],
    /// Names its client leaves where they are.
    pub skips: &'static [Form],
    /// Names it refuses or changes.
    pub refuses: Refuses,
    /// It knows a file by a number and not by its name: one that is replaced by a rename is a new file to it,
    /// without history. Its files are written in place.
    pub in_place: bool,
    /// What its menu calls keeping files on this computer, where it takes their bytes away otherwise.
    pub keep_here: Option<&'static str>,
    /// Files that stand for others whose bytes are not here.
    pub stubs: &'static [Stub],
    /// How its client is told to leave one folder alone; told to people whose working folder it has taken over. kitbag sets
    /// no such mark by itself: nothing in a share has to stay behind but temporary files, whose names say so, and a
    /// working folder in a cloud folder is refused.
    pub leave_out: Option<&'static str>,
    /// Names of its client's programs, without `.exe`, in lower case.
    pub programs: &'static [&'static str],
}

impl Row {
    /// A row that knows nothing: what the others are written over.
    pub(super) const NOTHING: Row = Row {
        key: "",
        name: "",
        folders: &[],
        marks: &[],
        mounted: &[],
        clues: &[],
        copies: &[],
        weak: &[],
        skips: &[],
        refuses: Refuses::NOTHING,
        in_place: false,
        keep_here: None,
        stubs: &[],
        leave_out: None,
        programs: &[],
    };

    /// Whether its client is known to leave this name where it is.
    pub fn skips(&self, name: &str) -> bool {
        self.skips.iter().any(|form| form.fits(name))
    }
}

/// Something a client leaves at the top of its folder.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// Its name.
    pub form: Form,
    /// What it is; none where the client makes either.
    pub kind: Option<MarkKind>,
    /// It says the same of everything below. Not so for names that the tool also uses for its own settings in a
    /// home folder.
    pub covers_below: bool,
}

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
}

impl Mark {
    /// A file, which speaks for everything below.
    pub(super) const fn file(form: Form) -> Self {
        Mark { form, kind: Some(MarkKind::File), covers_below: true }
    }

    /// A folder, which speaks for everything below.
    pub(super) const fn folder(form: Form) -> Self {
        Mark { form, kind: Some(MarkKind::Folder), covers_below: true }
    }
}

/// Below which of a person's folders a path in a clue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The home folder.
    Home,
    /// Application data of this computer (`%LOCALAPPDATA%`).
    Local,
    /// Application data that follows the person (`%APPDATA%`). Windows only.
    Roaming,
}

/// Where a provider's folder can be learnt.
#[derive(Debug, Clone, Copy)]
pub enum Clue {
    /// A JSON file: each member of the top object is an account with a `path`.
    Accounts(Base, &'static str),
    /// A file of `KEY = VALUE` lines; keys end so (`0\Folders\1\localPath`). The value may be quoted.
    Setting(Base, &'static str, &'static str),
    /// An XML file: this attribute of each element of this name.
    Attribute(Base, &'static str, &'static str, &'static str),
    /// A place in the Windows registry.
    Registry(Registry),
    /// An environment variable, on Windows.
    Environment(&'static str),
    /// A folder at a fixed place, whatever its name says.
    Folder(Base, &'static str),
    /// The first folder, when the second is there.
    FolderIf(Base, &'static str, &'static str),
    /// A folder of this name at the top of a drive.
    Top(&'static str),
}

/// Texts in the Windows registry: in each sub-key of a key, all values or one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registry {
    /// `HKEY_LOCAL_MACHINE` and not `HKEY_CURRENT_USER`.
    pub machine: bool,
    /// The key.
    pub key: &'static str,
    /// Only sub-keys whose names begin so.
    pub each: &'static str,
    /// A key further down in each, or nothing.
    pub below: &'static str,
    /// The value's name; every text value when it is empty.
    pub value: &'static str,
}

impl Registry {
    /// What a program registered with Windows itself as a folder it carries. The sub-keys are named
    /// `PROVIDER!SID!ACCOUNT`, their values by the person's SID (Microsoft, "Integrate a Cloud Storage Provider").
    pub(super) const fn sync_root(provider: &'static str) -> Clue {
        Clue::Registry(Registry {
            machine: true,
            key: r"SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\SyncRootManager",
            each: provider,
            below: "UserSyncRoots",
            value: "",
        })
    }
}

/// A small file that stands for one whose bytes are not on this computer: the other's name between two texts.
#[derive(Debug, Clone, Copy)]
pub struct Stub {
    /// Before the name.
    pub front: &'static str,
    /// After it.
    pub end: &'static str,
    /// Larger than this many bytes it is no stub.
    pub most_bytes: u64,
}

impl Stub {
    /// The name of the file that a file of this name stands for.
    pub fn stands_for<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(self.front)?.strip_suffix(self.end).filter(|whole| !whole.is_empty())
    }
}

/// Names a provider does not take as they are.
#[derive(Debug, Clone, Copy)]
pub struct Refuses {
    /// Characters in a name.
    pub characters: &'static str,
    /// Whole names, or forms of them.
    pub names: &'static [Form],
    /// A blank at the beginning or the end of a name.
    pub edge_blanks: bool,
    /// A dot at the end of a name.
    pub last_dot: bool,
    /// Most characters of a path below the provider's folder, slashes among them.
    pub longest_path: Option<usize>,
}

impl Refuses {
    pub(super) const NOTHING: Refuses =
        Refuses { characters: "", names: &[], edge_blanks: false, last_dot: false, longest_path: None };
}
