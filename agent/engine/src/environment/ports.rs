//! The ports of services on this machine, all on 127.0.0.1. A service keeps the port it had, so that a bookmark goes
//! on working; else the course's wish is taken where it is free. They are remembered here and never travel.

use std::collections::BTreeMap;

use kitbag_core::course::{Course, Port, Service, ServiceKind};
use kitbag_platform::process::free_port;

use super::{databases, python, sqlite};
use crate::error::EngineError;
use crate::workspace::Workspace;

/// Where the ledger remembers them: `SERVICE PORT`, one a line.
const PORTS: &str = "environment.ports";

/// The ports services had last.
///
/// # Errors
/// The ledger fails.
pub(crate) fn remembered(ws: &Workspace) -> Result<BTreeMap<String, u16>, EngineError> {
    let text = ws.ledger.get(PORTS)?.unwrap_or_default();
    let one = |line: &str| {
        line.split_once(' ').and_then(|(service, port)| Some((service.to_owned(), port.parse().ok()?)))
    };
    Ok(text.lines().filter_map(one).collect())
}

/// A port for each service that listens and that the backend runs. Services for which `running` says so keep theirs.
///
/// # Errors
/// The ledger fails, or the system has no free port.
pub(super) fn choose(
    ws: &Workspace,
    course: &Course,
    backend: &str,
    running: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, u16>, EngineError> {
    let before = remembered(ws)?;
    let mut chosen: BTreeMap<String, u16> = BTreeMap::new();
    for service in course.services_with(backend) {
        let wish = match service.port() {
            Port::None => continue,
            Port::Any => 0,
            Port::Preferred(port) => port,
        };
        let had = before.get(&service.name).copied();
        let port = match had {
            Some(port) if running(&service.name) => port,
            _ => free(ws, had.unwrap_or(wish), &chosen)?,
        };
        chosen.insert(service.name.clone(), port);
    }
    remember(ws, &chosen)?;
    Ok(chosen)
}

/// Other ports for all that listen: those they had were free a moment ago, or look free from here and are not.
///
/// # Errors
/// As [`choose`].
pub(super) fn others(
    ws: &Workspace,
    taken: &BTreeMap<String, u16>,
) -> Result<BTreeMap<String, u16>, EngineError> {
    let mut chosen = taken.clone();
    for service in taken.keys() {
        // none of the old ones is given out again, to nobody
        let mut not = chosen.clone();
        not.extend(taken.iter().map(|(service, port)| (format!("{service} before"), *port)));
        chosen.insert(service.clone(), free(ws, 0, &not)?);
    }
    remember(ws, &chosen)?;
    Ok(chosen)
}

fn remember(ws: &Workspace, chosen: &BTreeMap<String, u16>) -> Result<(), EngineError> {
    let lines: Vec<_> = chosen.iter().map(|(service, port)| format!("{service} {port}")).collect();
    Ok(ws.ledger.set(PORTS, &lines.join("\n"))?)
}

/// Two services may wish for one port, and a port given out is free until its program runs.
fn free(ws: &Workspace, wish: u16, chosen: &BTreeMap<String, u16>) -> Result<u16, EngineError> {
    let taken = |port: u16| chosen.values().any(|other| *other == port);
    let mut wish = if taken(wish) { 0 } else { wish };
    loop {
        let port =
            free_port(wish).map_err(EngineError::io("cannot find a free port for", &ws.settings.work))?;
        if !taken(port) {
            return Ok(port);
        }
        wish = 0;
    }
}

/// The address of a service's page on this computer, without the access token; none without a page or a port. A page
/// under another service has that one's port.
pub(super) fn page(service: &Service, ports: &BTreeMap<String, u16>) -> Option<String> {
    let path = service.page()?;
    let port = ports.get(service.under().unwrap_or(&service.name))?;
    Some(format!("http://127.0.0.1:{port}{path}"))
}

/// The variables of every program of this computer: where it finds each service that the backend runs, as
/// `KITBAG_<SERVICE>_URL`, and what goes with the course's own Python. No secret stands in one. Where a server inside an
/// environment is, its backend knows.
pub(super) fn urls(
    ws: &Workspace,
    course: &Course,
    backend: &str,
    ports: &BTreeMap<String, u16>,
) -> Vec<(String, String)> {
    let url = |service: &Service| match &service.kind {
        ServiceKind::Sqlite(_) => Some(sqlite::url(&databases::file(ws, &service.name))),
        _ => page(service, ports),
    };
    course
        .services_with(backend)
        .filter_map(|service| Some((service.url_variable(), url(service)?)))
        .chain(python::variables(ws, backend))
        .collect()
}

#[cfg(test)]
mod tests {
    use kitbag_core::course::{PackageFiles, read};

    use super::*;

    #[test]
    fn a_page_has_the_port_of_what_it_lies_under() {
        let service = |name: &str, kind: &str, block: &str| {
            format!("[[service]]\nname = \"{name}\"\nkind = \"{kind}\"\n[service.{kind}]\n{block}\n")
        };
        let manifest = [
            "id = \"a\"\ntitle = \"A\"\nversion = \"1\"\n[backend.docker]\n".to_owned(),
            service("lab", "program", "program = \"p\"\nport = true\npath = \"/lab\""),
            service("worker", "program", "program = \"p\""),
            service("refine", "web", "path = \"/openrefine/\"\nunder = \"lab\""),
            service("gallery", "web", "path = \"/g\""),
            service("pg", "database", "server = \"s\"\ndump = [\"d\"]\nrestore = [\"r\"]\nurl = \"pg://x\""),
        ];
        let course = read(&manifest.concat(), &PackageFiles::new(["course.toml"], |_| None)).unwrap();
        let ports = [("lab".to_owned(), 8888), ("gallery".to_owned(), 9000)].into();
        let found: Vec<_> = course.services.iter().map(|service| page(service, &ports)).collect();
        let at = |url: &str| Some(format!("http://127.0.0.1:{url}"));
        assert_eq!(found, [at("8888/lab"), None, at("8888/openrefine/"), at("9000/g"), None]);
        let none = BTreeMap::new();
        assert!(course.services.iter().all(|service| page(service, &none).is_none()));
    }
}
