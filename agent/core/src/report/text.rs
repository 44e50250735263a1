//! The report as some twenty lines to paste where help is asked for.

use super::{Report, WorkspaceFacts};

/// Workspaces, findings and errors told here; the page has all.
const WORKSPACES: usize = 3;
const FINDINGS: usize = 6;
const ERRORS: usize = 4;
/// A line's length in characters.
const WIDTH: usize = 160;

/// The lines.
pub fn text(report: &Report) -> String {
    let facts = report.facts();
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    let mut lines = vec![format!("kitbag {}, report of {}", facts.version, facts.taken)];
    if let Some(computer) = &facts.computer {
        lines.push(format!("system: {} ({}), {}", computer.os, computer.os_version, computer.arch));
        let gigabytes = |bytes: u64| format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10);
        lines.push(format!(
            "memory: {}, free {}; processors: {}; free disk: {}",
            gigabytes(computer.memory),
            gigabytes(computer.memory_free),
            computer.cores,
            gigabytes(computer.disk_free)
        ));
    }
    let agent = facts.agent;
    lines.push(format!(
        "background: runs: {}; starts at log-in: {}",
        yes(agent.running),
        yes(agent.at_log_in)
    ));
    if facts.workspaces.is_empty() {
        lines.push("no workspace".to_owned());
    }
    for (at, one) in facts.workspaces.iter().take(WORKSPACES).enumerate() {
        workspace(at + 1, one, &mut lines);
    }
    more(facts.workspaces.len(), WORKSPACES, "workspaces", &mut lines);
    lines.push(format!("doctor: {} found", facts.findings.len()));
    for found in facts.findings.iter().take(FINDINGS) {
        lines.push(format!("  {} ({}): {}", found.check, found.state, found.finding.what));
    }
    more(facts.findings.len(), FINDINGS, "findings", &mut lines);
    if !facts.last_errors.is_empty() {
        lines.push("last errors:".to_owned());
    }
    let older = facts.last_errors.len().saturating_sub(ERRORS);
    lines.extend(facts.last_errors.iter().skip(older).map(|line| format!("  {line}")));
    lines.extend(facts.not_looked_at.iter().take(WORKSPACES).map(|line| format!("not looked at: {line}")));
    lines.iter().map(|line| cut(line)).collect::<Vec<_>>().join("\n")
}

fn workspace(number: usize, one: &WorkspaceFacts, lines: &mut Vec<String>) {
    lines.push(format!("workspace {number}: {}", one.state));
    let there = if one.reachable { "there" } else { "not there" };
    let pending = one.pending.map_or("unknown".to_owned(), |pending| pending.to_string());
    lines.push(format!(
        "  cloud folder: {}, {there}; files: {}; to carry: {pending}; on the way: {}; changed on two: {}; gone: {}",
        one.provider.unwrap_or("unknown"),
        one.files,
        one.missing,
        one.conflicts.len(),
        one.held
    ));
    let services: Vec<String> = one.services.iter().map(|(kind, state)| format!("{kind} {state}")).collect();
    lines.push(format!(
        "  course: {} ({}){}; machines: {}, with the latest: {}; saved: {}",
        one.environment,
        one.backend.as_deref().unwrap_or("nothing"),
        if services.is_empty() { String::new() } else { format!(": {}", services.join(", ")) },
        one.machines,
        one.have_latest,
        one.last_checkpoint.as_deref().unwrap_or("unknown")
    ));
}

fn more(all: usize, shown: usize, what: &str, lines: &mut Vec<String>) {
    if all > shown {
        lines.push(format!("  and {} more {what}", all - shown));
    }
}

fn cut(line: &str) -> String {
    let line = line.replace('\n', " ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    let mut short: String = line.chars().take(WIDTH - 1).collect();
    short.push('…');
    short
}
