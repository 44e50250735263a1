//! What this computer is made of, asked before a student downloads what cannot run here: memory, cores, free
//! disk, system and processor.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::disk::Disk;

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
    /// Volumes with another free space than [`Specs::disk_free`], in bytes.
    pub volumes: Vec<(PathBuf, u64)>,
}

impl Host for SimulatedHost {
    fn specs(&self, path: &Path) -> io::Result<Specs> {
        let mut specs = self.specs.clone();
        let volume = self.volumes.iter().filter(|(root, _)| path.starts_with(root));
        if let Some((_, free)) = volume.max_by_key(|(root, _)| root.components().count()) {
            specs.disk_free = *free;
        }
        Ok(specs)
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
    }

    #[test]
    fn volumes_differ() {
        let specs = RealHost(RealDisk).specs(&std::env::temp_dir()).unwrap();
        let volumes = vec![("/data".into(), 7), ("/data/big".into(), 9)];
        let host = SimulatedHost { specs: specs.clone(), volumes };
        let free = |path: &str| host.specs(Path::new(path)).unwrap().disk_free;
        assert_eq!((free("/data/x"), free("/data/big/x"), free("/home")), (7, 9, specs.disk_free));
    }
}
