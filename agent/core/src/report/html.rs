//! The report as a page that opens by a double click. All of it is in the one file: no script, no picture, nothing that is
//! fetched; and what it says is text, whatever it says.

use std::fmt::Write;

use super::{Report, WorkspaceFacts};

const STYLE: &str = "\
:root{color-scheme:light dark;font-family:system-ui,sans-serif;line-height:1.5}\
body{max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;width:100%;margin:0 0 1rem}\
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8886}\
th{width:14rem;font-weight:600}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #8886;padding:.75rem}";

/// The page. `logs` are names of files and their lines, both looked at already.
pub fn html(report: &Report, logs: &[(&str, String)]) -> String {
    let facts = report.facts();
    let mut page = Page(String::new());
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    page.raw("<meta name=\"viewport\" content=\"width=device-width\">\n<title>kitbag report</title>\n");
    page.raw(&format!("<style>{STYLE}</style>\n</head>\n<body>\n<h1>kitbag report</h1>\n"));
    let mut rows = vec![("Taken", facts.taken.clone()), ("Version", facts.version.to_owned())];
    if let Some(computer) = &facts.computer {
        rows.push(("System", format!("{} ({}), {}", computer.os, computer.os_version, computer.arch)));
        let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
        rows.push((
            "Memory",
            format!("{}, free {}", megabytes(computer.memory), megabytes(computer.memory_free)),
        ));
        rows.push(("Processors", computer.cores.to_string()));
        rows.push(("Free disk", megabytes(computer.disk_free)));
    }
    let agent = facts.agent;
    rows.push(("In the background", if agent.running { "runs" } else { "does not run" }.to_owned()));
    rows.push(("Starts at log-in", if agent.at_log_in { "yes" } else { "no" }.to_owned()));
    page.table(&rows);
    for (at, one) in facts.workspaces.iter().enumerate() {
        page.heading(&format!("Workspace {}", at + 1));
        page.table(&workspace(one));
    }
    page.heading("What doctor found");
    if facts.findings.is_empty() {
        page.paragraph("Nothing.");
    }
    for found in &facts.findings {
        page.table(&[
            ("Check", format!("{} ({})", found.check, found.state)),
            ("What", found.finding.what.clone()),
            ("Why", found.finding.why.clone()),
            ("To do", found.finding.remedy.clone()),
        ]);
    }
    page.lines("Last errors", &facts.last_errors.join("\n"));
    page.lines("Not looked at", &facts.not_looked_at.join("\n"));
    for (name, lines) in logs {
        page.lines(name, lines);
    }
    page.raw("</body>\n</html>\n");
    page.0
}

fn workspace(one: &WorkspaceFacts) -> Vec<(&'static str, String)> {
    let services: Vec<String> = one.services.iter().map(|(kind, state)| format!("{kind}: {state}")).collect();
    let there = if one.reachable { "there" } else { "not there" };
    vec![
        ("State", one.state.to_owned()),
        ("Cloud folder", format!("{}, {there}", one.provider.unwrap_or("unknown"))),
        ("Files", one.files.to_string()),
        ("To carry", one.pending.map_or("unknown".to_owned(), |pending| pending.to_string())),
        ("On the way", one.missing.to_string()),
        ("Changed on two machines", one.conflicts.join("\n")),
        ("Gone and asked about", one.held.to_string()),
        ("History in the cloud folder", format!("{} bytes", one.history_bytes)),
        ("Machines", format!("{}, with the latest: {}", one.machines, one.have_latest)),
        ("Saved while open", one.last_checkpoint.clone().unwrap_or_else(|| "unknown".to_owned())),
        ("Run by", one.backend.clone().unwrap_or_else(|| "nothing".to_owned())),
        ("Course", one.environment.clone()),
        ("Services", services.join("\n")),
    ]
}

struct Page(String);

impl Page {
    /// Markup of our own.
    fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    fn table(&mut self, rows: &[(&str, String)]) {
        self.raw("<table>\n");
        for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            // writing to a text cannot fail
            let _ = writeln!(
                self.0,
                "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
                escaped(name),
                escaped(value)
            );
        }
        self.raw("</table>\n");
    }

    fn heading(&mut self, text: &str) {
        self.raw(&format!("<h2>{}</h2>\n", escaped(text)));
    }

    fn paragraph(&mut self, text: &str) {
        self.raw(&format!("<p>{}</p>\n", escaped(text)));
    }

    fn lines(&mut self, name: &str, lines: &str) {
        if !lines.is_empty() {
            self.heading(name);
            self.raw(&format!("<pre>{}</pre>\n", escaped(lines)));
        }
    }
}

/// Text that is text in every place of a page.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
