//! Whether virtual machines can run: some courses come as one, and Docker needs them on Windows and macOS. Where none can,
//! that is worth knowing; it is wrong only where the course says that it needs one, which is weighed with its needs.

use kitbag_core::finding::Finding;
use kitbag_platform::virtualisation::State;

use super::{Around, FirstCheck, Said};
use crate::error::EngineError;

const FIRMWARE: &str = "Switch it on in the firmware (BIOS or UEFI; called VT-x, AMD-V or SVM) and start the computer \
                        again; on a computer of your university or employer ask who looks after it.";

pub(super) struct Virtual;

impl FirstCheck for Virtual {
    fn name(&self) -> &'static str {
        "virtual machines"
    }

    fn look(&self, around: &Around<'_>) -> Result<Vec<Said>, EngineError> {
        let found = around.machine.doors.host.virtualisation();
        let guest = found.inside == Some(true);
        let (what, why, remedy) = match found.state {
            State::Ready => return Ok(vec![Said::seen("can run here")]),
            State::Unknown => {
                let unknown = std::io::ErrorKind::Unsupported.into();
                let home = around.machine.home;
                return Err(EngineError::io("the system does not tell whether virtual machines run;", home)(
                    unknown,
                ));
            }
            State::NotAllowed => (
                "you may not start virtual machines",
                "This computer can run them; your account may not use /dev/kvm.",
                "Have your account added to the group kvm (`sudo usermod -aG kvm YOUR-NAME`), then log out and in again.",
            ),
            State::Off => {
                ("virtual machines cannot run: it is switched off", "The processor offers it.", FIRMWARE)
            }
            State::NotOffered if guest => (
                "virtual machines cannot run here",
                "This computer is a virtual machine itself, and the one it runs on passes nothing on.",
                "Run courses with Docker or with programs of this computer; or switch on nested virtualisation outside.",
            ),
            State::NotOffered => (
                "virtual machines cannot run here",
                "The processor has no virtualisation, or the firmware hides it.",
                FIRMWARE,
            ),
        };
        let why = format!("{why} Only courses that need a virtual machine miss it.");
        Ok(vec![Said::note(Finding::new(what, why, remedy))])
    }
}
