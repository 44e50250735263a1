//! What this computer is made of, asked before a student downloads what cannot run here: memory, cores, the volumes
//! that matter, system and processor, whether virtual machines can run and whether there is a graphics processor.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::disk::Disk;
use crate::graphics;
use crate::virtualisation::{self, Virtualisation};
use crate::volume::{self, Volume};

/// What one computer offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specs {
    /// Bytes of memory programs can have; the limit of the container where kitbag runs in one.
    pub memory: u64,
    /// Bytes of memory that are not in use now.
    pub memory_free: u64,
    /// Processors that run at the same time.
    pub cores: usize,
    /// Bytes this user may still write on the volume asked about.
    pub disk_free: u64,
    /// `linux`, `macos` or `windows`.
    pub os: String,
    /// The system's version for people, such as `Debian GNU/Linux 12`; empty when unknown.
    pub os_version: String,
    /// The processor's kind, such as `x86_64` or `aarch64`.
    pub arch: String,
}

/// The computer kitbag runs on.
pub trait Host: Send + Sync {
    /// What it offers now, with the free disk of the volume that holds `path`. The path need not exist yet.
    ///
    /// # Errors
    /// When the disk or the memory cannot be asked.
    fn specs(&self, path: &Path) -> io::Result<Specs>;

    /// The volume that holds `path`, which need not exist yet.
    ///
    /// # Errors
    /// When the system does not tell.
    fn volume(&self, path: &Path) -> io::Result<Volume>;

    /// Whether virtual machines can run.
    fn virtualisation(&self) -> Virtualisation;

    /// Whether there is a graphics processor that programs can compute with; none when nobody knows.
    fn gpu(&self) -> Option<bool>;
}

/// What this computer is called on its network; none when it has no name.
pub fn computer_name() -> Option<String> {
    System::host_name().ok().filter(|name| !name.trim().is_empty())
}

/// This computer, its disk asked through the given one.
#[derive(Debug, Clone, Copy)]
pub struct RealHost<D>(pub D);

impl<D: Disk> Host for RealHost<D> {
    fn specs(&self, path: &Path) -> io::Result<Specs> {
        let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(memory).map_err(io::Error::other)?;
        let (mut total, mut free) = (system.total_memory(), system.available_memory());
        if let Some(limits) = system.cgroup_limits().filter(|l| l.total_memory > 0 && l.total_memory < total)
        {
            (total, free) = (limits.total_memory, limits.free_memory.min(free));
        }
        Ok(Specs {
            memory: total,
            memory_free: free,
            cores: std::thread::available_parallelism()?.get(),
            disk_free: free_space(&self.0, path)?,
            os: std::env::consts::OS.to_owned(),
            os_version: System::long_os_version().unwrap_or_default(),
            arch: plain_arch(System::cpu_arch()),
        })
    }

    fn volume(&self, path: &Path) -> io::Result<Volume> {
        volume::holding(path)
    }

    fn virtualisation(&self) -> Virtualisation {
        virtualisation::look()
    }

    fn gpu(&self) -> Option<bool> {
        graphics::computes()
    }
}

/// One name for one kind of processor, whatever the system calls it.
fn plain_arch(arch: String) -> String {
    match arch.to_ascii_lowercase().as_str() {
        "arm64" => "aarch64".to_owned(),
        "amd64" | "x64" => "x86_64".to_owned(),
        _ => arch,
    }
}

/// The free space where a path will be: that of the nearest folder that exists.
fn free_space(disk: &dyn Disk, path: &Path) -> io::Result<u64> {
    let mut answer = Err(io::ErrorKind::NotFound.into());
    for part in path.ancestors() {
        answer = disk.free_space(part);
        if !matches!(&answer, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            break;
        }
    }
    answer
}

/// A computer as a test wants it.
#[derive(Debug, Clone)]
pub struct SimulatedHost {
    /// What it answers.
    pub specs: Specs,
    /// Its volumes; the one of `/` has [`Specs::disk_free`] where it is not among them.
    pub volumes: Vec<Volume>,
    /// Whether virtual machines can run.
    pub virtualisation: Virtualisation,
    /// Whether there is a graphics processor.
    pub gpu: Option<bool>,
}

impl SimulatedHost {
    /// An ordinary computer: so many bytes of memory, so many cores, so many bytes free on its one volume.
    pub fn new(memory: u64, cores: usize, free: u64) -> Self {
        let specs = Specs {
            memory,
            memory_free: memory / 2,
            cores,
            disk_free: free,
            os: "linux".to_owned(),
            os_version: String::new(),
            arch: "x86_64".to_owned(),
        };
        SimulatedHost { specs, volumes: Vec::new(), virtualisation: Virtualisation::UNKNOWN, gpu: None }
    }

    /// The same with one more volume, with so many bytes free.
    #[must_use]
    pub fn with_volume(mut self, root: impl Into<PathBuf>, free: u64) -> Self {
        self.volumes.push(Volume { root: root.into(), size: free.saturating_mul(2), free });
        self
    }
}

impl Host for SimulatedHost {
    fn specs(&self, path: &Path) -> io::Result<Specs> {
        Ok(Specs { disk_free: self.volume(path)?.free, ..self.specs.clone() })
    }

    fn volume(&self, path: &Path) -> io::Result<Volume> {
        let holding = self.volumes.iter().filter(|volume| path.starts_with(&volume.root));
        let found = holding.max_by_key(|volume| volume.root.components().count());
        let free = self.specs.disk_free;
        let usual = || Volume { root: "/".into(), size: free.saturating_mul(2), free };
        Ok(found.cloned().unwrap_or_else(usual))
    }

    fn virtualisation(&self) -> Virtualisation {
        self.virtualisation
    }

    fn gpu(&self) -> Option<bool> {
        self.gpu
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn this_computer_has_something() {
        let dir = tempfile::tempdir().unwrap();
        let specs = RealHost(RealDisk).specs(&dir.path().join("not/yet/here")).unwrap();
        assert!(specs.memory > 16 << 20 && specs.memory_free <= specs.memory);
        assert!(specs.cores >= 1 && specs.disk_free > 0);
        assert_eq!(specs.os, std::env::consts::OS);
        assert_eq!(specs.arch, std::env::consts::ARCH);
        let volume = RealHost(RealDisk).volume(dir.path()).unwrap();
        assert!(volume.size >= specs.disk_free && volume.root.is_absolute(), "{volume:?}");
    }

    #[test]
    fn volumes_differ() {
        let host = SimulatedHost::new(1, 1, 3).with_volume("/data", 7).with_volume("/data/big", 9);
        let free = |path: &str| host.specs(Path::new(path)).unwrap().disk_free;
        assert_eq!((free("/data/x"), free("/data/big/x"), free("/home")), (7, 9, 3));
        assert_eq!(host.volume(Path::new("/data/big/x")).unwrap().root, Path::new("/data/big"));
    }
}
