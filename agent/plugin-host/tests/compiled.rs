//! The cache of compiled plugins: used when untouched, made again when anything about it is not ours.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kitbag_plugin_host::{HostConfig, PluginHost, bundled};

fn host(folder: &Path, key: u8) -> PluginHost {
    PluginHost::new(HostConfig::new(folder.join("compiled"), [key; 32])).unwrap()
}

fn kept(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder.join("compiled")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn written(file: &Path) -> (SystemTime, Vec<u8>) {
    (fs::metadata(file).unwrap().modified().unwrap(), fs::read(file).unwrap())
}

#[tokio::test]
async fn only_what_we_made_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    host(folder, 1).load_bundled("local").await.unwrap();
    let files = kept(folder);
    assert_eq!(files.len(), 1);
    let file = &files[0];
    let (time, good) = written(file);

    host(folder, 1).load_bundled("local").await.unwrap();
    assert_eq!(written(file).0, time, "an untouched one is used, not made again");

    // One byte anywhere, in the MAC or behind it; cut; empty; garbage.
    let mut damaged: Vec<Vec<u8>> = [0, 31, 32, 40, good.len() / 2, good.len() - 1]
        .map(|place| {
            let mut bytes = good.clone();
            bytes[place] ^= 1;
            bytes
        })
        .into();
    damaged.extend([good[..good.len() - 1].to_vec(), good[..31].to_vec(), vec![], vec![0x90; 4096]]);
    for bytes in damaged {
        fs::write(file, &bytes).unwrap();
        host(folder, 1).load_bundled("local").await.unwrap();
        let now = fs::read(file).unwrap();
        assert!(now != bytes && now.len() > 4096, "it was made again");
    }
    // Another machine's key, as when the folder was copied.
    let before = fs::read(file).unwrap();
    host(folder, 2).load_bundled("local").await.unwrap();
    assert_ne!(fs::read(file).unwrap()[..32], before[..32], "made again under the new key");
    assert_eq!(kept(folder).len(), 1, "no temporary file is left");
}

/// What comes with kitbag loads, and says the same of itself as its manifest.
#[tokio::test]
async fn every_official_plugin_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path(), 1);
    assert_eq!(bundled().iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["local", "docker"]);
    for (id, _) in bundled() {
        let plugin = host.load_bundled(id).await.unwrap();
        assert!(plugin.info().manifest.id == *id && plugin.backend().is_some(), "{id}");
    }
}

#[cfg(unix)]
#[test]
fn the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    host(folder.path(), 1);
    let mode = fs::metadata(folder.path().join("compiled")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
