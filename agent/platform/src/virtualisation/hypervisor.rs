//! What follows on Windows from what the processor and the firmware tell, apart from the asking, so that it is tested on
//! every system. By Microsoft, Hypervisor Top-Level Functional Specification, 2.4: bit 31 of ECX of leaf 1 says that a
//! hypervisor runs below; leaf 0x4000_0000 names it; bit 0 of EBX of leaf 0x4000_0003 is the right to make partitions,
//! which only the Windows has that is its master.

use super::{State, Virtualisation};

/// What the processor tells of a hypervisor below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaves {
    /// ECX of leaf 1.
    pub features: u32,
    /// EBX, ECX and EDX of leaf 0x4000_0000: its name.
    pub vendor: [u32; 3],
    /// EBX of leaf 0x4000_0003: what this system may do.
    pub rights: u32,
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

/// What follows from both; `enabled` is what Windows says of the firmware, which says no once a hypervisor has taken it.
/// Processors that are not Intel's or AMD's have no leaves.
pub(super) fn judge(leaves: Option<Leaves>, enabled: bool) -> Virtualisation {
    let hypervisor = leaves.map(who);
    let state = match hypervisor {
        Some(Hypervisor::Ours) => State::Ready,
        _ if enabled => State::Ready,
        Some(Hypervisor::Below) => State::NotOffered,
        _ => State::Off,
    };
    Virtualisation {
        state,
        inside: hypervisor.map(|found| found == Hypervisor::Below),
        hyper_v: hypervisor.map(|found| found == Hypervisor::Ours),
    }
}

fn who(leaves: Leaves) -> Hypervisor {
    if leaves.features & 1 << 31 == 0 {
        return Hypervisor::None;
    }
    let name: Vec<u8> = leaves.vendor.into_iter().flat_map(u32::to_le_bytes).collect();
    let ours = name == b"Microsoft Hv" && leaves.rights & 1 != 0;
    if ours { Hypervisor::Ours } else { Hypervisor::Below }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &[u8; 12], rights: u32) -> Leaves {
        let part = |at: usize| u32::from_le_bytes([name[at], name[at + 1], name[at + 2], name[at + 3]]);
        Leaves { features: 1 << 31 | 0x2009_8203, vendor: [part(0), part(4), part(8)], rights }
    }

    /// Each as the specification and the vendors describe it: a laptop as bought, with Hyper-V or WSL on, and guests.
    #[test]
    fn what_follows_from_the_hypervisor_and_the_firmware() {
        let plain = Leaves { features: 0x7ffa_fbbf, vendor: [0; 3], rights: 0 };
        let master = named(b"Microsoft Hv", 0x002b_b9ff);
        for (leaves, enabled, state, inside, hyper_v) in [
            (Some(plain), true, State::Ready, Some(false), Some(false)),
            (Some(plain), false, State::Off, Some(false), Some(false)),
            // taken: the firmware's switch can no longer be seen
            (Some(master), false, State::Ready, Some(false), Some(true)),
            (Some(named(b"Microsoft Hv", 0x2e7e)), false, State::NotOffered, Some(true), Some(false)),
            (Some(named(b"VMwareVMware", 1)), false, State::NotOffered, Some(true), Some(false)),
            (Some(named(b"KVMKVMKVM\0\0\0", 0)), true, State::Ready, Some(true), Some(false)),
            (None, true, State::Ready, None, None),
            (None, false, State::Off, None, None),
        ] {
            let expected = Virtualisation { state, inside, hyper_v };
            assert_eq!(judge(leaves, enabled), expected, "{leaves:?} {enabled}");
        }
    }
}
