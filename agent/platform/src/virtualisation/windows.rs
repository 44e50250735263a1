//! Windows: the firmware has it switched on, or Windows itself already runs on its own hypervisor, which then has taken
//! it. A hypervisor below a Windows that may make no virtual machines of its own is somebody else's: this computer is a
//! guest.

use windows_sys::Win32::System::Threading::{IsProcessorFeaturePresent, PF_VIRT_FIRMWARE_ENABLED};

use super::{State, Virtualisation};

pub(super) fn look() -> Virtualisation {
    let hypervisor = hypervisor();
    let state = match hypervisor {
        Some(Hypervisor::Ours) => State::Ready,
        _ if enabled() => State::Ready,
        Some(Hypervisor::Below) => State::NotOffered,
        _ => State::Off,
    };
    Virtualisation { state, inside: hypervisor.map(|found| found == Hypervisor::Below) }
}

/// Who runs below this system.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hypervisor {
    /// Nobody.
    None,
    /// Windows' own, and this Windows is its master.
    Ours,
    /// Somebody; this computer is a guest.
    Below,
}

#[allow(unsafe_code)]
fn enabled() -> bool {
    // SAFETY: a number goes in, a yes or no comes out.
    unsafe { IsProcessorFeaturePresent(PF_VIRT_FIRMWARE_ENABLED) != 0 }
}

/// By what the processor tells (Microsoft, Hypervisor Top-Level Functional Specification, 2.4): bit 31 of ECX of leaf 1;
/// the vendor in leaf 0x4000_0000; the right to make partitions, bit 0 of EBX of leaf 0x4000_0003.
#[cfg(target_arch = "x86_64")]
fn hypervisor() -> Option<Hypervisor> {
    use std::arch::x86_64::__cpuid;

    if __cpuid(1).ecx & 1 << 31 == 0 {
        return Some(Hypervisor::None);
    }
    let vendor = __cpuid(0x4000_0000);
    let name: Vec<u8> = [vendor.ebx, vendor.ecx, vendor.edx].into_iter().flat_map(u32::to_le_bytes).collect();
    let ours = name == b"Microsoft Hv" && __cpuid(0x4000_0003).ebx & 1 != 0;
    Some(if ours { Hypervisor::Ours } else { Hypervisor::Below })
}

/// Other processors do not tell.
#[cfg(not(target_arch = "x86_64"))]
fn hypervisor() -> Option<Hypervisor> {
    None
}
