//! Does this machine have what the course needs? Asked before anything is downloaded, answered in plain words
//! with something the student can do. What is not known about a machine is never held against it.

use serde::Serialize;

use crate::finding::Finding;

/// The least a course asks of a machine; none where it asks nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Memory, in MiB.
    pub memory_mb: Option<u64>,
    /// Free disk space, in MiB.
    pub disk_mb: Option<u64>,
    /// Processor cores.
    pub cores: Option<u64>,
}

/// What a machine has; none where it could not be found out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Specs {
    /// Memory, in MiB.
    pub memory_mb: Option<u64>,
    /// Free disk space where the environment will lie, in MiB.
    pub free_disk_mb: Option<u64>,
    /// Processor cores.
    pub cores: Option<u64>,
}

/// Where this machine falls short of what the course needs; empty when it does not.
///
/// A tenth of the memory may be missing: a computer sold with 8 GB tells less, because the graphics take
/// their share.
pub fn machine_problems(need: &Needs, have: &Specs) -> Vec<Finding> {
    let elsewhere = "or run the course somewhere else with `kitbag up --backend NAME`";
    let mut findings = Vec::new();
    if let Some((need, have)) = short(need.memory_mb, have.memory_mb, |need| need - need / 10) {
        findings.push(Finding::new(
            "This computer has too little memory for the course.",
            format!("The course needs {}, this computer has {}.", size(need), size(have)),
            format!("Use a computer with more memory, {elsewhere}."),
        ));
    }
    if let Some((need, have)) = short(need.disk_mb, have.free_disk_mb, |need| need) {
        let lack = size(need - have);
        findings.push(Finding::new(
            "This computer has too little free disk space for the course.",
            format!("The course needs {}, this computer has {} left.", size(need), size(have)),
            format!("Free at least {lack} more: empty the bin, or let `kitbag clean` show what it can free."),
        ));
    }
    if let Some((need, have)) = short(need.cores, have.cores, |need| need) {
        findings.push(Finding::new(
            "This computer has too few processor cores for the course.",
            format!("The course needs {need}, this computer has {have}."),
            format!("Use a faster computer, {elsewhere}."),
        ));
    }
    findings
}

fn short(need: Option<u64>, have: Option<u64>, least: impl Fn(u64) -> u64) -> Option<(u64, u64)> {
    let (need, have) = need.zip(have)?;
    (have < least(need)).then_some((need, have))
}

/// MiB in words people use: `512 MB`, `7.5 GB`.
fn size(mb: u64) -> String {
    match mb {
        0..1024 => format!("{mb} MB"),
        _ if mb.is_multiple_of(1024) => format!("{} GB", mb / 1024),
        _ => {
            let tenths = mb.saturating_mul(10) / 1024;
            format!("{}.{} GB", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Needs = Needs { memory_mb: Some(8192), disk_mb: Some(15 * 1024), cores: Some(4) };

    #[test]
    fn enough_or_unknown_is_no_finding() {
        let enough = Specs { memory_mb: Some(7600), free_disk_mb: Some(15 * 1024), cores: Some(4) };
        assert_eq!(machine_problems(&NEED, &enough), []);
        assert_eq!(machine_problems(&NEED, &Specs::default()), []);
        assert_eq!(
            machine_problems(&Needs::default(), &Specs { memory_mb: Some(1), ..Specs::default() }),
            []
        );
    }

    #[test]
    fn too_little_is_said_with_both_figures_and_a_remedy() {
        let little = Specs { memory_mb: Some(4096), free_disk_mb: Some(9 * 1024 + 512), cores: Some(2) };
        let findings = machine_problems(&NEED, &little);
        let why: Vec<_> = findings.iter().map(|finding| finding.why.as_str()).collect();
        assert_eq!(
            why,
            [
                "The course needs 8 GB, this computer has 4 GB.",
                "The course needs 15 GB, this computer has 9.5 GB left.",
                "The course needs 4, this computer has 2.",
            ]
        );
        assert!(findings[1].remedy.contains("5.5 GB"));
        assert!(findings.iter().all(|finding| !finding.remedy.is_empty()));
    }

    #[test]
    fn huge_figures_do_not_overflow() {
        let need = Needs { memory_mb: Some(u64::MAX), disk_mb: Some(u64::MAX), cores: Some(u64::MAX) };
        let have = Specs { memory_mb: Some(1), free_disk_mb: Some(1), cores: Some(1) };
        assert_eq!(machine_problems(&need, &have).len(), 3);
    }
}
