//! Whether this computer has a graphics processor that programs can compute with, by what its driver leaves on the disk.
//! Nothing is loaded or started to find out; where that tells nothing, nobody knows.

/// Whether there is one; none when nobody knows.
pub(crate) fn computes() -> Option<bool> {
    system::computes()
}

#[cfg(target_os = "linux")]
mod system {
    /// The devices of NVIDIA's driver, of AMD's for computing, and of Windows' graphics inside its Linux.
    const DEVICES: [&str; 3] = ["/dev/nvidia0", "/dev/kfd", "/dev/dxg"];

    pub(super) fn computes() -> Option<bool> {
        Some(DEVICES.iter().any(|device| std::path::Path::new(device).exists()))
    }
}

#[cfg(target_os = "macos")]
mod system {
    /// Every Mac with a processor of Apple's has one; of the others nobody knows.
    pub(super) fn computes() -> Option<bool> {
        cfg!(target_arch = "aarch64").then_some(true)
    }
}

#[cfg(windows)]
mod system {
    use std::path::PathBuf;

    /// What the drivers of NVIDIA and AMD bring for computing. Others have ways of their own, so none is no answer.
    const LIBRARIES: [&str; 2] = ["nvcuda.dll", "amdhip64.dll"];

    pub(super) fn computes() -> Option<bool> {
        let system = PathBuf::from(std::env::var_os("SystemRoot")?).join("System32");
        LIBRARIES.iter().any(|name| system.join(name).exists()).then_some(true)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod system {
    pub(super) fn computes() -> Option<bool> {
        None
    }
}
