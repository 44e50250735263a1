//! The cache of compiled plugins: used when untouched, made again when anything about it is not ours.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kitbag_plugin_host::{
    BoxFuture, Compiler, HostConfig, Order, Origin, PluginError, PluginHost, Uncompiled, bundled, compile,
};

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

/// A fake of the process that compiles: it does what it is told here, and counts how often it was asked.
struct Fake(AtomicUsize, Mutex<Box<How>>);

type How = dyn FnMut(Order<'_>) -> Result<(), Uncompiled> + Send;

impl Fake {
    fn new(how: impl FnMut(Order<'_>) -> Result<(), Uncompiled> + Send + 'static) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(0), Mutex::new(Box::new(how))))
    }

    fn asked(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Compiler for Fake {
    fn have_compiled<'a>(&'a self, order: Order<'a>) -> BoxFuture<'a, Result<(), Uncompiled>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let ended = (self.1.lock().unwrap())(order);
        Box::pin(async { ended })
    }
}

fn apart(folder: &Path, compiler: Arc<Fake>) -> PluginHost {
    let mut config = HostConfig::new(folder.join("compiled"), [1; 32]);
    config.compiler = Some(compiler);
    PluginHost::new(config).unwrap()
}

fn manifest(id: &str) -> &'static str {
    bundled().iter().find(|(name, _)| *name == id).unwrap().1.manifest
}

/// What another process put into the cache is what this one loads, whatever number of threads made it; this one
/// compiles nothing, and what is there is not asked for again.
#[tokio::test]
async fn what_was_compiled_apart_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let compiler = Fake::new(|order| compile(order).map_err(|error| Uncompiled::Refused(error.to_string())));
    let host = apart(folder.path(), compiler.clone());
    host.prepare_bundled("local").await.unwrap();
    let files = kept(folder.path());
    assert_eq!((files.len(), compiler.asked()), (1, 1));
    let (time, bytes) = written(&files[0]);
    host.prepare_bundled("local").await.unwrap();
    host.load_bundled("local").await.unwrap();
    assert_eq!((written(&files[0]).0, compiler.asked()), (time, 1), "nothing was made again");

    // changed by somebody else: asked again, and what this machine's kitbag did not make is not loaded
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    fs::write(&files[0], &changed).unwrap();
    let lazy = Fake::new(|_| Ok(()));
    apart(folder.path(), lazy.clone()).load_bundled("local").await.unwrap();
    assert_eq!(lazy.asked(), 1);
    assert_ne!(fs::read(&files[0]).unwrap(), changed, "what came with kitbag it then makes itself");
}

/// A process that cannot be started or is killed is no reason to go without what came with kitbag; what somebody added
/// is never compiled in this process.
#[tokio::test]
async fn a_compiler_that_is_lost_takes_nobody_along() {
    let folder = tempfile::tempdir().unwrap();
    let lost = Fake::new(|_| Err(Uncompiled::Lost("killed".to_owned())));
    let host = apart(folder.path(), lost.clone());
    let (_, local) = bundled().iter().find(|(name, _)| *name == "local").unwrap();
    let added = host.load(manifest("local"), local.component, Origin::Added).await.unwrap_err();
    assert!(matches!(added, PluginError::NotAPlugin(_)), "{added}");
    assert_eq!((kept(folder.path()).len(), lost.asked()), (0, 1), "nothing was compiled here");
    host.load_bundled("local").await.unwrap();
    assert_eq!((kept(folder.path()).len(), lost.asked()), (1, 2));

    let refused = Fake::new(|_| Err(Uncompiled::Refused("no\u{1b}[2J".to_owned())));
    let host = apart(folder.path(), refused);
    let error = host.load(manifest("local"), b"\0asm", Origin::Added).await.unwrap_err();
    assert!(
        matches!(&error, PluginError::NotAPlugin(why) if why.starts_with("no") && !why.contains('\u{1b}'))
    );
}

/// What a process left that was killed while it wrote goes with the next that writes; what one writes now stays.
#[tokio::test]
async fn what_was_left_half_written_goes() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("compiled");
    fs::create_dir(&cache).unwrap();
    let (old, new) = (cache.join("a.1-0.tmp"), cache.join("b.2-0.tmp"));
    for file in [&old, &new] {
        fs::write(file, b"half").unwrap();
    }
    let past = SystemTime::now() - Duration::from_secs(7200);
    fs::File::options().write(true).open(&old).unwrap().set_modified(past).unwrap();
    host(folder.path(), 1).prepare_bundled("local").await.unwrap();
    assert!(!old.exists() && new.exists());
}
