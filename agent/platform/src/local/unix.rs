//! A Unix socket below the state root. The system lets paths of sockets be only about a hundred bytes long; for a longer
//! one the socket lies in a folder of its own, which nobody else may enter, and a link in the state root leads there.
//! Who is at the other end the system itself tells, on both sides.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// One end of a connection.
pub type Stream = UnixStream;

/// Longest path of a socket in bytes: macOS has 104 with the zero at the end.
const LONGEST_PATH: usize = 100;

/// Listens for a state root; the socket goes when this is dropped.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    /// What was made, with the number the file system gave it: what another made in its place stays.
    made: Vec<(PathBuf, u64)>,
}

/// By the path without links: both sides must find it long, or neither.
fn place(home: &Path) -> io::Result<PathBuf> {
    Ok(fs::canonicalize(home)?.join("agent").join("socket"))
}

impl Listener {
    /// Listen for this state root, whose folder `agent` is there. Whoever calls holds the agent's lock, so a socket that
    /// lies there is left over, and is replaced. Needs a tokio runtime.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::PermissionDenied`] where somebody else made the short folder.
    pub fn bind(home: &Path) -> io::Result<Self> {
        let place = place(home)?;
        if !is_long(&place) {
            return Self::at(&place, Vec::new());
        }
        let folder = short(home)?;
        let number = fs::symlink_metadata(&folder)?.ino();
        let socket = folder.join("socket");
        let mut listener = Self::at(&socket, vec![(folder, number)])?;
        let link = with_new(&place);
        let _ = fs::remove_file(&link);
        symlink(&socket, &link)?;
        let number = fs::symlink_metadata(&link)?.ino();
        fs::rename(&link, &place)?;
        listener.made.push((place, number));
        Ok(listener)
    }

    /// Made beside and put in place: nobody ever finds one with other rights, or nothing where one was.
    fn at(place: &Path, mut made: Vec<(PathBuf, u64)>) -> io::Result<Self> {
        let new = with_new(place);
        let _ = fs::remove_file(&new);
        let socket = UnixListener::bind(&new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
        made.push((place.to_owned(), fs::symlink_metadata(&new)?.ino()));
        fs::rename(&new, place)?;
        Ok(Listener { socket, made })
    }

    /// The next one who connects.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`]: it was another account's, and was sent away. Else what the system says.
    /// Either way the next one may be well.
    pub async fn accept(&mut self) -> io::Result<Stream> {
        let (stream, _) = self.socket.accept().await?;
        ours(stream)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for (path, number) in self.made.iter().rev() {
            if fs::symlink_metadata(path).is_ok_and(|there| there.ino() == *number) {
                // what stays is replaced by the next one
                let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
            }
        }
    }
}

/// Connect to who listens for this state root. Needs a tokio runtime.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] or [`io::ErrorKind::ConnectionRefused`]: nobody does.
/// [`io::ErrorKind::PermissionDenied`]: it is another account's. Else what the system says.
pub async fn connect(home: &Path) -> io::Result<Stream> {
    let place = place(home)?;
    // the link is followed by hand: what counts is the length of the path that is given
    let socket = if is_long(&place) { fs::read_link(&place)? } else { place };
    ours(UnixStream::connect(socket).await?)
}

fn ours(stream: Stream) -> io::Result<Stream> {
    let theirs = stream.peer_cred()?.uid();
    if theirs != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("it is of account {theirs}")));
    }
    Ok(stream)
}

fn is_long(socket: &Path) -> bool {
    socket.as_os_str().len() + NEW.len() > LONGEST_PATH
}

/// What is added to a name while what it names is made.
const NEW: &str = ".new";

fn with_new(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(NEW);
    name.into()
}

/// A folder with a short path that only we may enter.
fn short(home: &Path) -> io::Result<PathBuf> {
    let ours = |folder: &Path| -> io::Result<bool> {
        let there = fs::symlink_metadata(folder)?;
        let mine = there.uid() == rustix::process::geteuid().as_raw();
        Ok(there.is_dir() && mine && there.mode() & 0o077 == 0)
    };
    let run = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let run = run.filter(|run| run.is_absolute() && run.is_dir());
    let name = super::name(home);
    let mut refused = io::Error::from(io::ErrorKind::InvalidInput);
    for parent in run.into_iter().chain([std::env::temp_dir(), PathBuf::from("/tmp")]) {
        let folder = parent.join(&name);
        if is_long(&folder.join("socket")) {
            continue;
        }
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => refused = error,
            // one that is there may be from before, or somebody else's
            _ if ours(&folder).unwrap_or(false) => return Ok(folder),
            _ => refused = io::ErrorKind::PermissionDenied.into(),
        }
    }
    Err(refused)
}
