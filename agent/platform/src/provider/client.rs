//! Whether a provider's client runs. Only the names of running programs are asked for, nothing of what they do; a name
//! that is found is a good sign and no proof that files are carried.

use std::collections::BTreeSet;

use kitbag_core::provider::Row;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// The programs that run on this computer.
pub trait Programs: Send + Sync {
    /// Their names in lower case, without `.exe`; none when the system does not tell.
    fn names(&self) -> Option<BTreeSet<String>>;

    /// Whether a provider's client runs; none where its programs are not known or the system does not tell.
    fn runs(&self, row: &Row) -> Option<bool> {
        let names = self.names().filter(|_| !row.programs.is_empty())?;
        // Linux cuts names to fifteen bytes
        let is = |program: &str| {
            names.contains(program) || program.get(..15).is_some_and(|cut| names.contains(cut))
        };
        Some(row.programs.iter().any(|program| is(program)))
    }
}

/// Those of this computer.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealPrograms;

impl Programs for RealPrograms {
    fn names(&self) -> Option<BTreeSet<String>> {
        let mut system = System::new().ok()?;
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
        let names =
            system.processes().values().map(|process| process.name().to_string_lossy().to_lowercase());
        let names: BTreeSet<String> =
            names.map(|name| name.strip_suffix(".exe").map_or(name.clone(), str::to_owned)).collect();
        // we run, so a list without anybody is none
        (!names.is_empty()).then_some(names)
    }
}

/// Programs as a test wants them; none stands for a system that does not tell.
#[derive(Debug, Clone, Default)]
pub struct SimulatedPrograms(pub Option<BTreeSet<String>>);

impl Programs for SimulatedPrograms {
    fn names(&self) -> Option<BTreeSet<String>> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use kitbag_core::provider::row;

    use super::*;

    #[test]
    fn this_test_runs() {
        let names = RealPrograms.names().unwrap();
        let own = std::env::current_exe().unwrap().file_stem().unwrap().to_string_lossy().to_lowercase();
        let cut = own.get(..15).unwrap_or(&own);
        assert!(names.iter().any(|name| name.starts_with(cut)), "{own}: {names:?}");
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let running =
            |names: &[&str]| SimulatedPrograms(Some(names.iter().map(|name| (*name).to_owned()).collect()));
        let dropbox = row("dropbox").unwrap();
        assert_eq!(running(&["dropbox", "bash"]).runs(dropbox), Some(true));
        assert_eq!(running(&["bash"]).runs(dropbox), Some(false));
        assert_eq!(running(&["bash"]).runs(row("folder").unwrap()), None);
        assert_eq!(SimulatedPrograms(None).runs(dropbox), None);
        assert_eq!(running(&["seafile-applet"]).runs(row("seafile").unwrap()), Some(true));
        assert_eq!(running(&["cloud-drive-dae"]).runs(row("synology").unwrap()), Some(true));
    }
}
