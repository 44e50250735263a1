//! Can a course's virtual machine run on this computer, asked before its box of some gigabytes is downloaded: is
//! virtualisation on, does another system hold it, is the program that runs machines new enough, is the box for this
//! kind of processor, is there room. Each with the way out. What is not known is never held against a computer.

use serde::Serialize;

use super::fit::{Room, Verdict, Weighed, architecture_of, disks, weighed};
use crate::finding::Finding;

/// Room for a machine whose course does not say how much, in MiB: the box, and its disk unpacked and filled with work.
pub const USUAL_ROOM_MB: u64 = 15 * 1024;
/// The oldest VirtualBox that runs beside Hyper-V at all and that Vagrant of today knows.
const OLDEST_VIRTUALBOX: Version = Version { major: 6, minor: 1 };
/// From this one on it runs ARM machines on ARM computers.
const VIRTUALBOX_FOR_ARM: Version = Version { major: 7, minor: 1 };

/// The system of a computer, as far as it changes what a person has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Windows.
    Windows,
    /// macOS.
    Macos,
    /// Linux, and whatever is like it.
    Linux,
}

impl System {
    /// By the name a computer gives it.
    pub fn named(name: &str) -> Self {
        match name {
            "windows" => System::Windows,
            "macos" => System::Macos,
            _ => System::Linux,
        }
    }
}

/// What a computer says of its virtualisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// Machines can run.
    Ready,
    /// They can, and this person may not start them.
    NotAllowed,
    /// It is switched off.
    Off,
    /// There is none, or the firmware hides it.
    NotOffered,
    /// This computer is a virtual machine itself, and gets none passed on.
    Guest,
    /// It does not say.
    Unknown,
}

impl Ability {
    /// What to say of it before any course is known; nothing where machines can run or nobody knows.
    pub fn trouble(self, system: System) -> Option<Finding> {
        let (what, why, remedy) = match self {
            Ability::Ready | Ability::Unknown => return None,
            Ability::NotAllowed => (
                "you may not start virtual machines",
                "This computer can run them; your account may not use /dev/kvm.",
                "Have your account added to the group kvm (`sudo usermod -aG kvm YOUR-NAME`), then log out and in again."
                    .to_owned(),
            ),
            Ability::Off => {
                ("virtual machines cannot run: it is switched off", "The processor offers it.", firmware(system))
            }
            Ability::Guest => (
                "virtual machines cannot run here",
                "This computer is a virtual machine itself, and the one it runs on passes nothing on.",
                "Run courses with Docker or with programs of this computer; or switch on nested virtualisation outside."
                    .to_owned(),
            ),
            Ability::NotOffered if system == System::Macos => (
                "virtual machines cannot run here",
                "This Mac has no virtualisation that programs can use.",
                "Update macOS; if that does not help, use another computer.".to_owned(),
            ),
            Ability::NotOffered => (
                "virtual machines cannot run here",
                "The processor has no virtualisation, or the firmware hides it.",
                firmware(system),
            ),
        };
        Some(Finding::new(what, why, remedy))
    }
}

/// How somebody who has never seen it gets there.
fn firmware(system: System) -> String {
    let way = match system {
        System::Windows => {
            " The way there: hold the Shift key while you choose Restart, then Troubleshoot, Advanced options, UEFI \
             Firmware Settings."
        }
        System::Macos | System::Linux => "",
    };
    format!(
        "Switch it on in the firmware (BIOS or UEFI; called VT-x, AMD-V or SVM) and start the computer again; on a \
         computer of your university or employer ask who looks after it.{way}"
    )
}

/// Who runs a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Runner {
    /// VirtualBox.
    VirtualBox,
    /// libvirt with QEMU.
    Libvirt,
    /// Windows' own.
    HyperV,
    /// VMware.
    Vmware,
    /// Parallels.
    Parallels,
}

impl Runner {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Runner::VirtualBox => "VirtualBox",
            Runner::Libvirt => "libvirt",
            Runner::HyperV => "Hyper-V",
            Runner::Vmware => "VMware",
            Runner::Parallels => "Parallels",
        }
    }
}

/// The two numbers of a version that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first.
    pub major: u32,
    /// The second.
    pub minor: u32,
}

impl Version {
    /// What a program says of itself, such as `7.0.20r163906`, after whatever warnings it has.
    pub fn said(text: &str) -> Option<Self> {
        let line =
            text.lines().rev().map(str::trim).find(|line| line.starts_with(|c: char| c.is_ascii_digit()))?;
        let mut numbers = line.split('.').map(|part| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse::<u32>().ok()
        });
        Some(Version { major: numbers.next()??, minor: numbers.next()?? })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The machine a course comes as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedMachine {
    /// Who is to run it.
    pub runner: Runner,
    /// The processors its box is made for: `x86_64`, `aarch64`; any when empty.
    pub architectures: Vec<String>,
}

/// What is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HereMachine {
    /// The system.
    pub system: System,
    /// Its virtualisation.
    pub ability: Ability,
    /// Windows' own hypervisor runs; none when nobody knows.
    pub hyper_v: Option<bool>,
    /// The kind of processor.
    pub architecture: Option<String>,
    /// The runner's version.
    pub version: Option<Version>,
    /// Where the box and the machine's disk will lie, and how much they take.
    pub rooms: Vec<Room>,
}

/// Each thing a machine needs beside what is here, in a fixed order.
pub fn weigh_machine(wanted: &WantedMachine, here: &HereMachine) -> Vec<Weighed> {
    let arm = here.architecture.as_deref() == Some("aarch64");
    let boxes = (!wanted.architectures.is_empty()).then(|| processor(wanted, here));
    let foreign = boxes.as_ref().is_some_and(|one| one.verdict == Verdict::Cannot);
    let one = [
        Some(virtualisation(here)),
        hyper_v(wanted.runner, here),
        // a newer one would not run a box for another processor either
        (wanted.runner == Runner::VirtualBox && !foreign).then(|| virtualbox(arm, here.version)),
        boxes,
    ];
    one.into_iter().flatten().chain(disks(&here.rooms)).collect()
}

fn virtualisation(here: &HereMachine) -> Weighed {
    let has = match here.ability {
        Ability::Ready => Some("on"),
        Ability::Unknown => None,
        _ => Some("not usable"),
    };
    let short = here.ability.trouble(here.system).map(|finding| {
        let why = format!("The course runs in a virtual machine. {}", finding.why);
        (Verdict::Cannot, Finding::new(capital(&finding.what) + ".", why, finding.remedy))
    });
    weighed("virtualisation", "on".to_owned(), has.map(str::to_owned), short)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Where Windows has taken the processor's virtualisation for itself, others run through it, or not at all.
fn hyper_v(runner: Runner, here: &HereMachine) -> Option<Weighed> {
    if here.system != System::Windows {
        return None;
    }
    let has = here.hyper_v.map(|on| if on { "on" } else { "off" }.to_owned());
    match runner {
        Runner::HyperV => {
            let missing = Finding::new(
                "Hyper-V is not switched on.",
                "The course's virtual machine runs in Hyper-V, which comes with Windows Pro, Education and Enterprise.",
                "Open \"Turn Windows features on or off\", tick Hyper-V, and start the computer again. Windows Home does \
                 not have it: use VirtualBox there, if the course team has made the machine for it.",
            );
            let short = (here.hyper_v == Some(false)).then_some((Verdict::Cannot, missing));
            Some(weighed("hyper-v", "on".to_owned(), has, short))
        }
        Runner::VirtualBox | Runner::Vmware => {
            let title = runner.title();
            let slow = Finding::new(
                format!("Hyper-V is on, and {title} is slow beside it or does not start."),
                "Windows uses the processor's virtualisation itself: for Hyper-V, WSL, Docker or Memory integrity.",
                format!(
                    "Try it first. If it does not go: open \"Turn Windows features on or off\", clear Hyper-V, Virtual \
                     Machine Platform and Windows Hypervisor Platform, switch off Memory integrity under Windows \
                     Security, Device security, Core isolation, and start the computer again. Docker and WSL then do \
                     not run until they are on again. Or run the course with Docker, if it offers that, and leave {title}."
                ),
            );
            let short = (here.hyper_v == Some(true)).then_some((Verdict::Tight, slow));
            Some(weighed("hyper-v", "off".to_owned(), has, short))
        }
        Runner::Libvirt | Runner::Parallels => None,
    }
}

fn virtualbox(arm: bool, version: Option<Version>) -> Weighed {
    let oldest = if arm { VIRTUALBOX_FOR_ARM } else { OLDEST_VIRTUALBOX };
    let short = version.filter(|version| *version < oldest).map(|version| {
        let why = match arm {
            true => format!("This is {version}; on this kind of processor virtual machines run from {oldest} on."),
            false => format!("This is {version}; the course needs {oldest} or newer."),
        };
        let remedy = "Stop your virtual machines, then install the newest VirtualBox from virtualbox.org over this one. \
                      Your machines stay.";
        (Verdict::Cannot, Finding::new("VirtualBox is too old.", why, remedy))
    });
    weighed("virtualbox", format!("{oldest} or newer"), version.map(|version| version.to_string()), short)
}

fn processor(wanted: &WantedMachine, here: &HereMachine) -> Weighed {
    let mut one = architecture_of(&wanted.architectures, here.architecture.as_deref());
    if let Some(finding) = &mut one.finding {
        finding.what = "The course's virtual machine is made for another kind of processor.".to_owned();
        finding.remedy = "Run the course another way, if it offers one; Docker and programs of this computer are \
                          tried by `kitbag up`. Or use a computer with such a processor, or ask the course team for a \
                          machine made for yours."
            .to_owned();
    }
    one
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
