//! Machines and computers in a table: what each system told on a computer of its kind, and what a person is told then.

use super::{HereMachine as Here, WantedMachine as Wanted, *};

const BOX: &str = "the virtual machine";

fn x86() -> Wanted {
    Wanted { runner: Runner::VirtualBox, architectures: vec!["x86_64".to_owned()] }
}

fn good(system: System) -> Here {
    Here {
        system,
        ability: Ability::Ready,
        hyper_v: Some(false),
        architecture: Some("x86_64".to_owned()),
        version: Version::said("7.0.20r163906"),
        rooms: vec![room(100 * 1024)],
    }
}

fn room(free_mb: u64) -> Room {
    Room { of: BOX, volume: "/".to_owned(), free_mb, needs_mb: USUAL_ROOM_MB }
}

fn verdicts(wanted: &Wanted, here: &Here) -> Vec<(&'static str, Verdict)> {
    weigh_machine(wanted, here).into_iter().map(|one| (one.what, one.verdict)).collect()
}

#[track_caller]
fn finding(wanted: &Wanted, here: &Here, what: &str) -> Finding {
    let all = weigh_machine(wanted, here);
    let one = all.iter().find(|one| one.what == what).unwrap_or_else(|| panic!("no {what}: {all:#?}"));
    one.finding.clone().unwrap_or_else(|| panic!("nothing said: {one:#?}"))
}

#[test]
fn a_good_computer_of_each_system_is_good() {
    use Verdict::Enough;
    let all =
        [("virtualisation", Enough), ("virtualbox", Enough), ("architecture", Enough), ("disk", Enough)];
    assert_eq!(verdicts(&x86(), &good(System::Linux)), all);
    assert_eq!(verdicts(&x86(), &good(System::Macos)), all);
    let mut windows = all.to_vec();
    windows.insert(1, ("hyper-v", Enough));
    assert_eq!(verdicts(&x86(), &good(System::Windows)), windows);
    // only what concerns the one who runs it
    let libvirt = Wanted { runner: Runner::Libvirt, ..x86() };
    assert!(verdicts(&libvirt, &good(System::Linux)).iter().all(|(what, _)| *what != "virtualbox"));
}

#[test]
fn what_nobody_knows_is_held_against_nobody() {
    for system in [System::Windows, System::Macos, System::Linux] {
        for runner in [Runner::VirtualBox, Runner::Libvirt, Runner::HyperV, Runner::Vmware, Runner::Parallels]
        {
            let here = Here {
                ability: Ability::Unknown,
                hyper_v: None,
                architecture: None,
                version: None,
                rooms: Vec::new(),
                ..good(system)
            };
            let all = verdicts(&Wanted { runner, ..x86() }, &here);
            assert!(
                !all.is_empty() && all.iter().all(|(_, verdict)| *verdict == Verdict::Unknown),
                "{all:?}"
            );
        }
    }
}

#[test]
fn virtualisation_that_is_off_is_said_with_the_way_to_the_switch() {
    let off = |system| finding(&x86(), &Here { ability: Ability::Off, ..good(system) }, "virtualisation");
    let windows = off(System::Windows);
    assert_eq!(windows.what, "Virtual machines cannot run: it is switched off.");
    assert!(windows.remedy.contains("VT-x, AMD-V or SVM") && windows.remedy.contains("Shift"), "{windows:?}");
    assert!(!off(System::Linux).remedy.contains("Shift"));
    for (ability, words) in
        [(Ability::NotAllowed, "group kvm"), (Ability::NotOffered, "firmware"), (Ability::Guest, "nested")]
    {
        let here = Here { ability, ..good(System::Linux) };
        assert!(finding(&x86(), &here, "virtualisation").remedy.contains(words), "{ability:?}");
        assert_eq!(verdicts(&x86(), &here)[0], ("virtualisation", Verdict::Cannot));
    }
    // a Mac has no firmware to switch it on in
    let mac = Here { ability: Ability::NotOffered, ..good(System::Macos) };
    assert!(finding(&x86(), &mac, "virtualisation").remedy.starts_with("Update macOS"));
}

/// It makes VirtualBox slow and forbids nothing; Hyper-V's own machines need it.
#[test]
fn hyper_v_stands_in_the_way_of_some_and_carries_others() {
    let on = Here { hyper_v: Some(true), ..good(System::Windows) };
    for runner in [Runner::VirtualBox, Runner::Vmware] {
        let wanted = Wanted { runner, ..x86() };
        assert_eq!(verdicts(&wanted, &on)[1], ("hyper-v", Verdict::Tight));
        let said = finding(&wanted, &on, "hyper-v");
        assert!(said.what.contains(runner.title()) && said.remedy.contains("Memory integrity"), "{said:?}");
    }
    let own = Wanted { runner: Runner::HyperV, ..x86() };
    assert_eq!(verdicts(&own, &on)[1], ("hyper-v", Verdict::Enough));
    assert_eq!(verdicts(&own, &good(System::Windows))[1], ("hyper-v", Verdict::Cannot));
    // elsewhere there is none
    let linux = Here { hyper_v: Some(true), ..good(System::Linux) };
    assert!(verdicts(&x86(), &linux).iter().all(|(what, _)| *what != "hyper-v"));
}

#[test]
fn versions_are_read_as_virtualbox_says_them() {
    let of = |text| Version::said(text).map(|version| version.to_string());
    let warning =
        "WARNING: The character device /dev/vboxdrv does not exist.\n\t Please install the package.\n\n";
    for (text, version) in [
        ("7.0.20r163906\n", Some("7.0")),
        ("6.1.38_Ubuntur153438", Some("6.1")),
        ("7.1.4_Debianr165100\r\n", Some("7.1")),
        (&format!("{warning}6.1.50r161033\n"), Some("6.1")),
        (warning, None),
        ("", None),
        ("7", None),
        ("7.x", None),
        ("99999999999.1", None),
    ] {
        assert_eq!(of(text).as_deref(), version, "{text:?}");
    }
}

#[test]
fn an_old_virtualbox_has_to_go() {
    let with = |version: &str| Here { version: Version::said(version), ..good(System::Windows) };
    let old = finding(&x86(), &with("5.2.44r139111"), "virtualbox");
    assert_eq!(old.why, "This is 5.2; the course needs 6.1 or newer.");
    assert!(old.remedy.contains("virtualbox.org"));
    let verdict = |version: &str| verdicts(&x86(), &with(version))[2];
    assert_eq!(verdict("6.0.24r139119"), ("virtualbox", Verdict::Cannot));
    assert_eq!(verdict("6.1.0r135406"), ("virtualbox", Verdict::Enough));
    assert_eq!(verdict("10.0.0r1"), ("virtualbox", Verdict::Enough));
}

/// The newest Macs and some Windows laptops: a box for Intel does not run there, whatever is installed.
#[test]
fn a_box_for_intel_does_not_run_on_arm() {
    let mac = Here { architecture: Some("aarch64".to_owned()), ..good(System::Macos) };
    let all = verdicts(&x86(), &mac);
    assert!(all.contains(&("architecture", Verdict::Cannot)), "{all:?}");
    assert!(all.iter().all(|(what, _)| *what != "virtualbox"), "another VirtualBox would not help: {all:?}");
    let said = finding(&x86(), &mac, "architecture");
    assert_eq!(said.why, "It runs on Intel or AMD (x86_64), this computer has ARM (aarch64).");
    assert!(said.remedy.contains("Docker"));
    let both = Wanted { architectures: vec!["x86_64".to_owned(), "aarch64".to_owned()], ..x86() };
    assert!(verdicts(&both, &mac).contains(&("architecture", Verdict::Enough)));
    // VirtualBox runs machines there from 7.1 on
    assert!(verdicts(&both, &mac).contains(&("virtualbox", Verdict::Cannot)));
    assert!(finding(&both, &mac, "virtualbox").why.contains("from 7.1 on"));
    let arm = Here { architecture: Some("aarch64".to_owned()), ..good(System::Linux) };
    let any = Wanted { architectures: Vec::new(), ..x86() };
    assert!(verdicts(&any, &arm).iter().all(|(what, _)| *what != "architecture"));
}

#[test]
fn fifteen_gigabytes_and_some_to_spare() {
    let verdict = |free_mb| {
        let all = verdicts(&x86(), &Here { rooms: vec![room(free_mb)], ..good(System::Linux) });
        all.into_iter().find(|(what, _)| *what == "disk").map(|(_, verdict)| verdict)
    };
    assert_eq!(verdict(15 * 1024 - 1), Some(Verdict::Cannot));
    assert_eq!(verdict(15 * 1024), Some(Verdict::Tight));
    assert_eq!(verdict(16 * 1024), Some(Verdict::Enough));
    let full = finding(&x86(), &Here { rooms: vec![room(5 * 1024)], ..good(System::Linux) }, "disk");
    assert!(full.remedy.contains("at least 10 GB more"), "{full:?}");
}

#[test]
fn systems_have_the_names_computers_give_them() {
    let of = ["windows", "macos", "linux", "freebsd"].map(System::named);
    assert_eq!(of, [System::Windows, System::Macos, System::Linux, System::Linux]);
}
