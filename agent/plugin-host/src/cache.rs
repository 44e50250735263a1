//! Compiled plugins, kept so that each is compiled once. Loading one is running native code, so a file counts
//! only with a MAC under this machine's own key, over its name and its bytes; anything else is compiled again.
//! The name holds the component's hash and the engine's, so another kitbag never loads what this one made.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use wasmtime::Engine;
use wasmtime::component::Component;

const MAC: usize = blake3::OUT_LEN;
const ENDING: &str = "compiled";
/// What is being written.
const HALF: &str = "tmp";
/// Nothing is written for longer.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Compiled plugins kept; the oldest go first.
const KEPT: usize = 32;
/// Tells apart what this program writes at once.
static TURN: AtomicU64 = AtomicU64::new(0);

/// A private folder of compiled plugins.
pub struct Cache {
    folder: PathBuf,
    key: [u8; 32],
}

impl Cache {
    /// Use this folder; it is made, for this person only.
    pub fn open(folder: PathBuf, key: [u8; 32]) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(Self { folder, key })
    }

    /// Whether something is here for these bytes and this engine; it may still turn out not to be ours.
    pub fn has(&self, engine: &Engine, bytes: &[u8]) -> bool {
        self.folder.join(name(engine, bytes)).is_file()
    }

    /// What was compiled from these bytes by this engine, if it is here and untouched.
    pub fn load(&self, engine: &Engine, bytes: &[u8]) -> Option<Component> {
        let name = name(engine, bytes);
        // Read into memory first: what is checked is what is loaded, whoever writes to the file meanwhile.
        let file = fs::read(self.folder.join(&name)).ok()?;
        let (mac, compiled) = file.split_at_checked(MAC)?;
        let mac: [u8; MAC] = mac.try_into().ok()?;
        // Comparing two hashes takes the same time wherever they differ.
        if self.mac(&name, compiled) != blake3::Hash::from_bytes(mac) {
            tracing::warn!(file = name, "a compiled plugin was changed by somebody else; it is made again");
            return None;
        }
        #[allow(unsafe_code)]
        // SAFETY: the MAC shows that these bytes are what `Component::serialize` gave to this machine's kitbag,
        // for an engine of the same version and configuration (part of the name, which the MAC covers).
        let component = unsafe { Component::deserialize(engine, compiled) };
        component
            .map_err(|error| tracing::warn!(file = name, %error, "a compiled plugin could not be loaded"))
            .ok()
    }

    /// Keep what was compiled from these bytes.
    pub fn store(&self, engine: &Engine, bytes: &[u8], component: &Component) -> io::Result<()> {
        let name = name(engine, bytes);
        let compiled = component.serialize().map_err(|error| io::Error::other(error.to_string()))?;
        let mut file = Vec::with_capacity(MAC + compiled.len());
        file.extend_from_slice(self.mac(&name, &compiled).as_bytes());
        file.extend_from_slice(&compiled);
        // A half-written file would only be made again, but two calls or two kitbags may write at once.
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let temporary = self.folder.join(format!("{name}.{}-{turn}.{HALF}", std::process::id()));
        fs::write(&temporary, file)?;
        fs::rename(&temporary, self.folder.join(name))?;
        self.prune()
    }

    fn mac(&self, name: &str, compiled: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(name.as_bytes());
        hasher.update(&[0]);
        hasher.update(compiled);
        hasher.finalize()
    }

    fn prune(&self) -> io::Result<()> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // one that another process renamed or removed meanwhile is not ours to count
            let Ok(metadata) = entry.metadata() else { continue };
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match Path::new(&entry.file_name()).extension().and_then(|ending| ending.to_str()) {
                Some(ENDING) => found.push((modified, entry.path())),
                // of a process that was killed while it wrote
                Some(HALF) if modified.elapsed().is_ok_and(|age| age > ABANDONED) => {
                    _ = fs::remove_file(entry.path());
                }
                _ => {}
            }
        }
        found.sort();
        let surplus = found.len().saturating_sub(KEPT);
        found.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

fn name(engine: &Engine, bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{}-{:016x}.{ENDING}", blake3::hash(bytes).to_hex(), hasher.finish())
}
