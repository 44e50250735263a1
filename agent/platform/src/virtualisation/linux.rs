//! Linux: the device of KVM and whether it may be opened, and what the kernel says of the processor. Opening the device
//! starts nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};

use super::{State, Virtualisation};

/// The device of KVM, as it looks from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kvm {
    /// It can be opened.
    Open,
    /// It is there and not for this person.
    Denied,
    /// It is there and does not open: nothing is behind it.
    Dead,
    /// There is none.
    Absent,
}

/// Bytes of `/proc/cpuinfo` that are read: the first processor's flags are enough.
const MOST: u64 = 64 * 1024;

pub(super) fn look() -> Virtualisation {
    let kvm = match OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        Ok(_) => Kvm::Open,
        Err(error) => match error.kind() {
            io::ErrorKind::PermissionDenied => Kvm::Denied,
            io::ErrorKind::NotFound => Kvm::Absent,
            _ => Kvm::Dead,
        },
    };
    let mut text = String::new();
    let read = File::open("/proc/cpuinfo").and_then(|file| file.take(MOST).read_to_string(&mut text));
    judge(kvm, read.is_ok().then_some(text.as_str()))
}

/// What follows from both.
fn judge(kvm: Kvm, cpuinfo: Option<&str>) -> Virtualisation {
    let flags = cpuinfo.and_then(|text| {
        let line =
            text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == "flags"))?;
        Some(line.split_once(':')?.1.split_ascii_whitespace().collect::<Vec<_>>())
    });
    let has = |flag: &str| flags.as_ref().map(|flags| flags.contains(&flag));
    let offered = has("vmx").zip(has("svm")).map(|(intel, amd)| intel || amd);
    let state = match (kvm, offered) {
        (Kvm::Open, _) => State::Ready,
        (Kvm::Denied, _) => State::NotAllowed,
        (Kvm::Dead | Kvm::Absent, Some(false)) => State::NotOffered,
        (Kvm::Dead, _) | (Kvm::Absent, Some(true)) => State::Off,
        // other processors have no such flags, and no device says nothing of them
        (Kvm::Absent, None) => State::Unknown,
    };
    Virtualisation { state, inside: has("hypervisor"), hyper_v: Some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEL: &str =
        "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme vmx ept\nbugs\t\t: x\n";
    const AMD: &str = "processor\t: 0\nflags\t\t: fpu svm npt\n";
    /// As a virtual machine shows it whose host passes nothing on.
    const GUEST: &str = "processor\t: 0\nflags\t\t: fpu vme hypervisor\nvmx flags\t: none\n";
    const ARM: &str = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n";

    #[test]
    fn what_follows_from_the_device_and_the_processor() {
        for (kvm, text, state, inside) in [
            (Kvm::Open, Some(INTEL), State::Ready, Some(false)),
            (Kvm::Open, Some(ARM), State::Ready, None),
            (Kvm::Denied, Some(AMD), State::NotAllowed, Some(false)),
            (Kvm::Absent, Some(INTEL), State::Off, Some(false)),
            (Kvm::Absent, Some(AMD), State::Off, Some(false)),
            (Kvm::Dead, Some(AMD), State::Off, Some(false)),
            (Kvm::Dead, Some(ARM), State::Off, None),
            (Kvm::Absent, Some(GUEST), State::NotOffered, Some(true)),
            (Kvm::Absent, Some(ARM), State::Unknown, None),
            (Kvm::Absent, None, State::Unknown, None),
        ] {
            assert_eq!(
                judge(kvm, text),
                Virtualisation { state, inside, hyper_v: Some(false) },
                "{kvm:?} {text:?}"
            );
        }
    }

    #[test]
    fn this_computer_is_looked_at_without_harm() {
        let first = look();
        assert_eq!(first, look());
        let there = std::path::Path::new("/dev/kvm").exists();
        assert_eq!(first.state == State::Ready, there && first.usable() == Some(true));
    }
}
