//! What went wrong in Vagrant, as one sentence for a student with a way out. The kind of an error counts where Vagrant
//! tells one; a Ruby stack trace and libvirt's own words have only their text. What nobody knows yet is said so, with the
//! words themselves as the detail.

use kitbag_sdk::{Fault, FaultCode};

use crate::words::Said;

/// A row of the table: what gives it away, and what is said.
struct Row {
    /// All of these stand in the kind, the message or the other lines.
    signs: &'static [&'static str],
    code: FaultCode,
    message: &'static str,
    remedy: &'static str,
}

const fn row(
    signs: &'static [&'static str],
    code: FaultCode,
    message: &'static str,
    remedy: &'static str,
) -> Row {
    Row { signs, code, message, remedy }
}

const TEAM: &str = "Tell the people who made the course.";

/// The first row whose signs are all there counts.
const TABLE: &[Row] = &[
    row(
        &["MachineActionLockedError"],
        FaultCode::Conflict,
        "Another Vagrant is at work on this virtual machine.",
        "Wait until it is done, or end it, then try again.",
    ),
    row(
        &["No space left on device"],
        FaultCode::Quota,
        "The disk is full, so the virtual machine could not be made.",
        "Make room on this computer, then try again; nothing is lost.",
    ),
    row(
        &["Failure writing output to destination"],
        FaultCode::Quota,
        "The disk is full, so the virtual machine's box could not be kept.",
        "Make room on this computer, then try again; nothing is lost.",
    ),
    row(
        &["BoxUnpackageFailure"],
        FaultCode::ToolFailed,
        "The virtual machine's box is not whole, or the disk is full.",
        "Make room and try again; if it stays, tell the people who made the course.",
    ),
    row(
        &["BoxChecksumMismatch"],
        FaultCode::ToolFailed,
        "The virtual machine's box is not the one the course names.",
        "Try again; if it stays, tell the people who made the course.",
    ),
    row(
        &["BoxMetadataFileNotFound"],
        FaultCode::InvalidConfig,
        "The course's box is not a box of Vagrant.",
        TEAM,
    ),
    row(
        &["BoxProviderDoesntMatch"],
        FaultCode::InvalidConfig,
        "The course's box was made for another virtualisation program.",
        "Ask the course team for a box made for the program you have.",
    ),
    row(
        &["DownloaderError"],
        FaultCode::Network,
        "The virtual machine's box could not be fetched.",
        "Look at the network connection, then try again; what has come is kept.",
    ),
    row(
        &["cannot set cpu_features with cpu_model unset"],
        FaultCode::InvalidConfig,
        "The course's virtual machine asks for processor features without naming a processor.",
        TEAM,
    ),
    row(&["ConfigInvalid"], FaultCode::InvalidConfig, "The settings of the virtual machine are wrong.", TEAM),
    row(
        &["error loading a Vagrantfile"],
        FaultCode::InvalidConfig,
        "The Vagrantfile of the virtual machine cannot be used.",
        TEAM,
    ),
    row(
        &["syntax error in the following Vagrantfile"],
        FaultCode::InvalidConfig,
        "The Vagrantfile of the virtual machine cannot be read.",
        TEAM,
    ),
    row(
        &["host doesn't support", "svm"],
        FaultCode::Unsupported,
        "This computer's processor lacks what the virtual machine asks for.",
        "Switch virtualisation on in the firmware, or use another computer.",
    ),
    row(
        &["KVM", "Permission denied"],
        FaultCode::Unsupported,
        "You may not use this computer's virtualisation (KVM).",
        "Ask the administrator to add you to the group kvm, then log in again.",
    ),
    row(
        &["cannot set up guest memory"],
        FaultCode::Quota,
        "This computer has too little free memory for the virtual machine.",
        "Close other programs, then try again.",
    ),
    row(
        &["No emulator found for arch"],
        FaultCode::Unsupported,
        "The virtual machine is made for another kind of processor.",
        "Use a computer with such a processor, or ask the course team for a box made for yours.",
    ),
    row(
        &["FogLibvirtConnectionError"],
        FaultCode::MissingTool,
        "The virtualisation service (libvirt) does not answer.",
        "Start libvirtd, or ask the administrator to, then try again.",
    ),
    row(
        &["ProviderNotUsable", "could not detect VirtualBox"],
        FaultCode::MissingTool,
        "VirtualBox is not on this computer.",
        "Install VirtualBox, open a new window and try again.",
    ),
    row(
        &["ProviderNotUsable", "Hyper-V"],
        FaultCode::MissingTool,
        "Hyper-V is only on Windows.",
        "Use another virtualisation program that the course names.",
    ),
    row(
        &["ProviderNot"],
        FaultCode::MissingTool,
        "The virtualisation program the course asks for cannot be used here.",
        "Install it and Vagrant's plugin for it, then try again.",
    ),
    row(
        &["DomainVolumeExists"],
        FaultCode::Conflict,
        "A disk of an earlier virtual machine, which was never finished, is in the way.",
        "Remove that disk in your virtualisation program, then try again.",
    ),
    row(
        &["DomainNameExists"],
        FaultCode::Conflict,
        "A virtual machine of the same name, which was never finished, is in the way.",
        "Remove that machine in your virtualisation program, then try again.",
    ),
    row(
        &["VMBootTimeout"],
        FaultCode::Timeout,
        "The virtual machine runs, but nobody answers in it.",
        "Try again; the first start is the slowest. If it stays, tell the people who made the course.",
    ),
];

/// What a command that did not come to a good end means.
pub fn fault(said: &Said) -> Fault {
    let (kind, message) = said.error().unwrap_or_default();
    let rest = said.rest.join("\n");
    let has = |sign: &&str| kind.contains(*sign) || message.contains(*sign) || rest.contains(*sign);
    let detail = match (message, rest.lines().next()) {
        ("", Some(_)) => rest.lines().take(12).collect::<Vec<_>>().join("\n"),
        ("", None) => said.last_ui().unwrap_or_default().to_owned(),
        (message, _) => message.to_owned(),
    };
    let known = TABLE.iter().find(|row| row.signs.iter().all(has));
    let fault = known.map_or_else(
        || {
            Fault::new(FaultCode::ToolFailed, "Vagrant failed, and kitbag does not know why.")
                .remedy("Try again; if it stays, show this to your tutor.")
        },
        |row| Fault::new(row.code, row.message).remedy(row.remedy),
    );
    fault.detail(detail)
}

/// A start that took too long and was ended: what it waited for. The machine may run on.
pub fn ended(said: &Said) -> Fault {
    let last = said.last_ui().unwrap_or_default();
    let message = if last.contains("Waiting for domain to get an IP address") {
        "The virtual machine runs, but it got no address in its network."
    } else {
        "The virtual machine was not ready in time."
    };
    Fault::new(FaultCode::Timeout, message)
        .detail(last)
        .remedy("Try again; if it stays, switch off VPN and firewall programs, or restart the computer.")
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../tests/transcripts/", $name))
        };
    }

    /// Each as a real Vagrant said it, and the sentence the student sees.
    #[test]
    fn what_a_real_vagrant_said_is_a_sentence() {
        for (text, code, message) in [
            (
                recorded!("up-locked.out"),
                FaultCode::Conflict,
                "Another Vagrant is at work on this virtual machine.",
            ),
            (
                recorded!("destroy-locked.out"),
                FaultCode::Conflict,
                "Another Vagrant is at work on this virtual machine.",
            ),
            (
                recorded!("up-full-disk.out"),
                FaultCode::Quota,
                "The disk is full, so the virtual machine could not be made.",
            ),
            (
                recorded!("box-add-full-disk.out"),
                FaultCode::Quota,
                "The disk is full, so the virtual machine's box could not be kept.",
            ),
            (
                recorded!("box-add-half.out"),
                FaultCode::ToolFailed,
                "The virtual machine's box is not whole, or the disk is full.",
            ),
            (
                recorded!("box-add-wrong-digest.out"),
                FaultCode::ToolFailed,
                "The virtual machine's box is not the one the course names.",
            ),
            (
                recorded!("box-add-broken.out"),
                FaultCode::InvalidConfig,
                "The course's box is not a box of Vagrant.",
            ),
            (
                recorded!("box-add-other-provider.out"),
                FaultCode::InvalidConfig,
                "The course's box was made for another virtualisation program.",
            ),
            (
                recorded!("box-add-no-file.out"),
                FaultCode::Network,
                "The virtual machine's box could not be fetched.",
            ),
            (
                recorded!("up-cpu-feature-without-model.out"),
                FaultCode::InvalidConfig,
                "The course's virtual machine asks for processor features without naming a processor.",
            ),
            (
                recorded!("up-vagrantfile-setting.out"),
                FaultCode::InvalidConfig,
                "The settings of the virtual machine are wrong.",
            ),
            (
                recorded!("status-vagrantfile-raises.err"),
                FaultCode::InvalidConfig,
                "The Vagrantfile of the virtual machine cannot be used.",
            ),
            (
                recorded!("status-vagrantfile-syntax.err"),
                FaultCode::InvalidConfig,
                "The Vagrantfile of the virtual machine cannot be read.",
            ),
            (
                recorded!("up-too-much-memory.err"),
                FaultCode::Quota,
                "This computer has too little free memory for the virtual machine.",
            ),
            (
                recorded!("up-other-architecture.out"),
                FaultCode::Unsupported,
                "The virtual machine is made for another kind of processor.",
            ),
            (
                recorded!("up-no-libvirt.out"),
                FaultCode::MissingTool,
                "The virtualisation service (libvirt) does not answer.",
            ),
            (
                recorded!("up-no-virtualbox.out"),
                FaultCode::MissingTool,
                "VirtualBox is not on this computer.",
            ),
            (recorded!("up-hyperv-elsewhere.out"), FaultCode::MissingTool, "Hyper-V is only on Windows."),
            (
                recorded!("up-unknown-provider.out"),
                FaultCode::MissingTool,
                "The virtualisation program the course asks for cannot be used here.",
            ),
            (
                recorded!("up-machine-gone-disk-left.out"),
                FaultCode::Conflict,
                "A disk of an earlier virtual machine, which was never finished, is in the way.",
            ),
            (
                recorded!("up-name-taken.out"),
                FaultCode::Conflict,
                "A virtual machine of the same name, which was never finished, is in the way.",
            ),
            (
                recorded!("up-no-login.out"),
                FaultCode::Timeout,
                "The virtual machine runs, but nobody answers in it.",
            ),
        ] {
            let fault = fault(&Said::read(text));
            assert_eq!((fault.code, fault.message.as_str()), (code, message));
            assert!(!fault.remedies.is_empty() && fault.detail.is_some_and(|text| !text.is_empty()));
        }
    }

    #[test]
    fn a_wait_that_was_ended_says_for_what() {
        for text in [recorded!("up-no-address.out"), recorded!("up-killed-waiting.out")] {
            let fault = ended(&Said::read(text));
            assert_eq!(fault.message, "The virtual machine runs, but it got no address in its network.");
        }
        assert_eq!(ended(&Said::default()).message, "The virtual machine was not ready in time.");
    }

    /// Written from libvirt's messages, not recorded.
    #[test]
    fn what_was_only_read_about() {
        for (text, message) in [
            (
                "/usr/x.rb:7:in `create': Call failed: the CPU is incompatible with host CPU: Host CPU does not \
                 provide required features: host doesn't support requested feature: CPUID.svm (Libvirt::Error)",
                "This computer's processor lacks what the virtual machine asks for.",
            ),
            (
                "/usr/x.rb:7:in `create': Could not access KVM kernel module: Permission denied (Libvirt::Error)",
                "You may not use this computer's virtualisation (KVM).",
            ),
        ] {
            assert_eq!(fault(&Said::read(text)).message, message);
        }
    }

    #[test]
    fn what_nobody_knows_keeps_its_words() {
        let fault = fault(&Said::read("a.rb:1:in `x': odd (Odd::Error)\n\tfrom b.rb:2"));
        assert_eq!(fault.message, "Vagrant failed, and kitbag does not know why.");
        assert!(fault.detail.unwrap().contains("odd (Odd::Error)") && !fault.remedies.is_empty());
    }
}
