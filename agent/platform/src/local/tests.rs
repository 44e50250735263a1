//! Real sockets, in folders of their own.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::PathBuf;

use super::*;

struct Root {
    _room: tempfile::TempDir,
    home: PathBuf,
}

impl Root {
    /// A state root with a path of about this length.
    fn new(length: usize) -> Self {
        let room = tempfile::tempdir().unwrap();
        let home = room.path().join("s".repeat(length.saturating_sub(room.path().as_os_str().len()).max(1)));
        fs::create_dir_all(home.join("agent")).unwrap();
        Root { _room: room, home }
    }

    fn socket(&self) -> PathBuf {
        self.home.join("agent/socket")
    }
}

/// A line there and back.
async fn talks(listener: &mut Listener, root: &Root) {
    let (near, far) = tokio::join!(connect(&root.home), listener.accept());
    let (mut near, mut far) = (Lines::new(near.unwrap()), Lines::new(far.unwrap()));
    near.say("hello").await.unwrap();
    assert_eq!(far.next().await.unwrap().as_deref(), Some("hello"));
    far.say("yes").await.unwrap();
    assert_eq!(near.next().await.unwrap().as_deref(), Some("yes"));
    drop(near);
    assert_eq!(far.next().await.unwrap(), None);
}

#[tokio::test]
async fn two_of_one_account_talk() {
    let root = Root::new(1);
    assert_eq!(connect(&root.home).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    let mut listener = Listener::bind(&root.home).unwrap();
    let there = fs::symlink_metadata(root.socket()).unwrap();
    assert!(there.file_type().is_socket());
    assert_eq!(there.permissions().mode() & 0o777, 0o600);
    talks(&mut listener, &root).await;
    talks(&mut listener, &root).await;
    drop(listener);
    assert!(!root.socket().exists(), "it goes with the listener");
}

#[tokio::test]
async fn one_that_was_left_over_is_replaced() {
    let root = Root::new(1);
    let killed = std::os::unix::net::UnixListener::bind(root.socket()).unwrap();
    drop(killed);
    fs::write(root.home.join("agent/socket.new"), "from a kill at the worst moment").unwrap();
    assert_eq!(connect(&root.home).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let mut listener = Listener::bind(&root.home).unwrap();
    talks(&mut listener, &root).await;
    // another agent's, in a state root that was made anew: what is not ours stays
    fs::remove_file(root.socket()).unwrap();
    let mut other = Listener::bind(&root.home).unwrap();
    drop(listener);
    talks(&mut other, &root).await;
}

#[tokio::test]
async fn a_long_state_root_has_a_short_socket() {
    let root = Root::new(200);
    assert!(connect(&root.home).await.is_err());
    let mut listener = Listener::bind(&root.home).unwrap();
    let socket = fs::read_link(root.socket()).unwrap();
    let folder = socket.parent().unwrap().to_owned();
    assert_eq!(fs::symlink_metadata(&folder).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::symlink_metadata(&socket).unwrap().mode() & 0o777, 0o600);
    talks(&mut listener, &root).await;
    // the same state root by another name
    let link = root._room.path().join("link");
    std::os::unix::fs::symlink(&root.home, &link).unwrap();
    let (by_link, far) = tokio::join!(connect(&link), listener.accept());
    drop((by_link.unwrap(), far.unwrap()));
    drop(listener);
    assert!(!folder.exists() && fs::symlink_metadata(root.socket()).is_err());
}

#[tokio::test]
async fn a_short_folder_that_is_not_ours_alone_is_not_used() {
    let root = Root::new(200);
    let listener = Listener::bind(&root.home).unwrap();
    let folder = fs::read_link(root.socket()).unwrap().parent().unwrap().to_owned();
    drop(listener);
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let elsewhere = Listener::bind(&root.home);
    if elsewhere.is_ok() {
        let used = fs::read_link(root.socket()).unwrap();
        assert!(!used.starts_with(&folder), "{used:?}");
    }
    fs::remove_dir(&folder).unwrap();
}
