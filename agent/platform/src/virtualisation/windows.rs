//! Windows: the firmware has it switched on, or Windows itself already runs on its own hypervisor, which then has taken
//! it. What follows from that is judged in `hypervisor`.

use windows_sys::Win32::System::Threading::{IsProcessorFeaturePresent, PF_VIRT_FIRMWARE_ENABLED};

use super::Virtualisation;
use super::hypervisor::{Leaves, judge};

pub(super) fn look() -> Virtualisation {
    judge(leaves(), enabled())
}

#[allow(unsafe_code)]
fn enabled() -> bool {
    // SAFETY: a number goes in, a yes or no comes out.
    unsafe { IsProcessorFeaturePresent(PF_VIRT_FIRMWARE_ENABLED) != 0 }
}

/// The leaves of a hypervisor mean nothing where none runs; nobody asks for them then.
#[cfg(target_arch = "x86_64")]
fn leaves() -> Option<Leaves> {
    use std::arch::x86_64::__cpuid;

    let features = __cpuid(1).ecx;
    if features & 1 << 31 == 0 {
        return Some(Leaves { features, vendor: [0; 3], rights: 0 });
    }
    let vendor = __cpuid(0x4000_0000);
    let vendor = [vendor.ebx, vendor.ecx, vendor.edx];
    Some(Leaves { features, vendor, rights: __cpuid(0x4000_0003).ebx })
}

/// Other processors do not tell.
#[cfg(not(target_arch = "x86_64"))]
fn leaves() -> Option<Leaves> {
    None
}
