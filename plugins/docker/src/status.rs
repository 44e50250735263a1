//! How an environment is, as the engine sees it now: which containers run, what their checks say, whether what
//! they serve can be reached. Nothing is remembered from the last time it was asked.

use std::collections::BTreeMap;
use std::time::Duration;

use kitbag_sdk::{Endpoint, EnvRef, EnvStatus, Fault, FaultCode, Phase, ServiceStatus};
use serde_json::{Value, json};

use crate::api::Api;
use crate::exec::{self, Pipes};
use crate::layout::Service;
use crate::look::{self, Found};
use crate::{logs, names, plan};

/// Exit codes of a program that was asked to end, or ended in peace.
const PEACE: [i64; 4] = [0, 130, 137, 143];

/// How long a container's own check may take when it is run here.
const CHECK: Duration = Duration::from_secs(2);

/// How one container is.
struct Seen {
    phase: Phase,
    note: Option<String>,
    /// Whether its own check speaks for it.
    checked: bool,
}

fn look_at(api: &Api<'_>, part: &str, name: &str) -> Result<Seen, Fault> {
    let mut about = api.get(&format!("/containers/{}/json", names::encode(name)))?;
    let state = about["State"].take();
    let checked = state["Health"]["Status"].as_str().is_some_and(|status| status != "none");
    let phase = match (state["Status"].as_str().unwrap_or_default(), state["Health"]["Status"].as_str()) {
        ("running", Some("starting")) => Phase::Starting,
        ("running", Some("unhealthy")) | ("paused" | "restarting" | "dead", _) => Phase::Unhealthy,
        ("running", _) => Phase::Running,
        _ => Phase::Stopped,
    };
    // The engine checks for the first time after a whole interval, often half a minute.
    let phase = match phase {
        Phase::Starting if passes(api, name, &about["Config"])? => Phase::Running,
        other => other,
    };
    let note = match phase {
        Phase::Unhealthy => Some(unhealthy(&state)),
        Phase::Stopped => ended(api, part, name, &state),
        _ => None,
    };
    Ok(Seen { phase, note, checked })
}

/// Run a container's own check once, beside the engine's. Whatever keeps it from being run is no verdict.
fn passes(api: &Api<'_>, name: &str, config: &Value) -> Result<bool, Fault> {
    let test = config["Healthcheck"]["Test"].as_array().into_iter().flatten();
    let test: Vec<&str> = test.filter_map(Value::as_str).collect();
    let argv = match test.as_slice() {
        ["CMD", argv @ ..] if !argv.is_empty() => argv.to_vec(),
        ["CMD-SHELL", line] => {
            let shell = config["Shell"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let mut argv: Vec<&str> = shell.collect();
            if argv.is_empty() {
                argv = vec!["/bin/sh", "-c"];
            }
            argv.push(line);
            argv
        }
        _ => return Ok(false),
    };
    match exec::quietly(api, name, &argv, CHECK) {
        Ok(code) => Ok(code == Some(0)),
        Err(fault) if matches!(fault.code, FaultCode::Cancelled | FaultCode::Timeout) => Err(fault),
        Err(_) => Ok(false),
    }
}

fn unhealthy(state: &Value) -> String {
    match state["Status"].as_str() {
        Some("paused") => "It was paused outside kitbag; \"docker unpause\" lets it go on.".to_owned(),
        Some("running") => {
            let said = state["Health"]["Log"].as_array().and_then(|log| log.last());
            let said = said.and_then(|last| last["Output"].as_str()).unwrap_or_default().trim();
            let said: String = said.chars().take(500).collect();
            format!("It runs, but its own check fails. {said}").trim_end().to_owned()
        }
        _ => "It does not run as it should.".to_owned(),
    }
}

fn ended(api: &Api<'_>, part: &str, name: &str, state: &Value) -> Option<String> {
    let code = state["ExitCode"].as_i64().unwrap_or_default();
    if state["OOMKilled"] == true {
        return Some("It was ended because the memory Docker may use was full.".to_owned());
    }
    if state["Status"] == "created" || PEACE.contains(&code) {
        return None;
    }
    let last = logs::last_lines(api, part, name);
    let said =
        if last.is_empty() { "It said nothing.".to_owned() } else { format!("Its last words:\n{last}") };
    Some(format!("It ended by itself with {code}. {said}"))
}

/// How the environment is. Absent is no fault.
///
/// # Errors
/// The engine's.
pub fn status(api: &Api<'_>, id: &EnvRef) -> Result<EnvStatus, Fault> {
    let containers = look::containers(api, id)?;
    if containers.is_empty() {
        return Ok(EnvStatus { phase: Phase::Absent, services: Vec::new() });
    }
    let any = containers.iter().any(Found::running);
    let mut phase = if any { Phase::Running } else { Phase::Stopped };
    let mut services = Vec::new();
    // what runs in a container of its own and is listed with the one it is reached under
    let mut pages = BTreeMap::new();
    for container in &containers {
        let Some(about) = &container.about else { continue };
        let seen = look_at(api, &container.part, &container.name)?;
        // What ended while the others run has ended by itself.
        let own = if any && seen.phase == Phase::Stopped { Phase::Unhealthy } else { seen.phase };
        let optional = about.runs().next().is_some() && about.runs().all(|one| one.optional);
        match own {
            Phase::Unhealthy if !optional => phase = Phase::Unhealthy,
            Phase::Starting if !optional && phase == Phase::Running => phase = Phase::Starting,
            _ => {}
        }
        if let Some(page) = &about.page {
            pages.insert(page.name.clone(), (own, seen.note.clone()));
        }
        for (place, service) in &about.services {
            let kept = service.container.is_none();
            let own = if kept { if any { Phase::Running } else { Phase::Stopped } } else { own };
            let note = seen.note.clone().filter(|_| !kept);
            services.push((*place, ServiceStatus { name: service.name.clone(), phase: own, note }));
        }
    }
    for (_, service) in services.iter_mut().filter(|(_, one)| one.phase == Phase::Running) {
        if let Some((own, note)) = pages.remove(&service.name) {
            (service.phase, service.note) = (own, note);
        }
    }
    services.sort_by_key(|(place, _)| *place);
    Ok(EnvStatus { phase, services: services.into_iter().map(|(_, service)| service).collect() })
}

/// Where people reach the services.
///
/// # Errors
/// `not-found` for an absent environment.
pub fn endpoints(api: &Api<'_>, id: &EnvRef) -> Result<Vec<Endpoint>, Fault> {
    let containers = look::containers(api, id)?;
    if containers.is_empty() {
        return Err(plan::missing());
    }
    let mut found = Vec::new();
    for container in &containers {
        for (place, service) in container.about.iter().flat_map(|about| &about.services) {
            let outer = service.port.filter(|_| service.page).and_then(|port| container.ports.get(&port));
            if let Some(outer) = outer {
                found.push((
                    *place,
                    Endpoint {
                        service: service.name.clone(),
                        url: format!("http://127.0.0.1:{outer}{}", service.path),
                        secret_query: service.token.then(|| "token".to_owned()),
                    },
                ));
            }
        }
    }
    found.sort_by_key(|(place, _)| *place);
    Ok(found.into_iter().map(|(_, endpoint)| endpoint).collect())
}

/// Wait until every required service can be used: its container runs, its own check is content or its port is
/// open inside.
///
/// # Errors
/// `timeout`, `tool-failed` when one ended, `not-found` for an absent environment.
pub fn wait_ready(api: &Api<'_>, id: &EnvRef, deadline: Duration) -> Result<EnvStatus, Fault> {
    api.host().step("ready", "Wait until everything is ready");
    let containers = look::containers(api, id)?;
    if containers.is_empty() {
        return Err(plan::missing());
    }
    let began = api.host().elapsed();
    for container in &containers {
        for (_, service) in container.about.iter().flat_map(|about| &about.services) {
            if service.container.is_some() {
                let limit = deadline.min(Duration::from_secs(service.ready_seconds.into()));
                wait_for(api, container, service, began, limit)?;
            }
        }
    }
    status(api, id)
}

fn wait_for(
    api: &Api<'_>,
    container: &Found,
    service: &Service,
    began: Duration,
    limit: Duration,
) -> Result<(), Fault> {
    let mut pause = Duration::from_millis(100);
    loop {
        let seen = look_at(api, &container.part, &container.name)?;
        let why = match seen.phase {
            Phase::Running if !seen.checked && service.ready_by_port => match service.port {
                Some(port) => reachable(api, &container.name, port)?,
                None => None,
            },
            Phase::Running => None,
            Phase::Starting | Phase::Unhealthy => Some(seen.note.unwrap_or_default()),
            _ if service.optional => return Ok(()),
            _ => return Err(ended_early(api, &service.name, &container.name)),
        };
        let Some(why) = why else { return Ok(()) };
        if api.host().elapsed().saturating_sub(began) >= limit {
            return if service.optional {
                Ok(())
            } else {
                Err(late(api, &service.name, &container.name, limit, &why))
            };
        }
        api.host().pause(pause)?;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// Why nobody can be reached at a port inside a container; nothing: somebody can. The engine itself answers on the
/// outer port before anybody listens inside, so that says nothing.
fn reachable(api: &Api<'_>, container: &str, port: u16) -> Result<Option<String>, Fault> {
    let request = json!({
        "AttachStdin": false, "AttachStdout": true, "AttachStderr": true, "Tty": false,
        "Cmd": ["cat", "/proc/net/tcp", "/proc/net/tcp6"],
    });
    let (mut table, mut complaints) = (Vec::new(), Vec::new());
    let pipes = Pipes { stdin: None, stdout: &mut table, stderr: &mut complaints };
    match exec::run_in(api, container, &request, pipes) {
        Ok(_) => Ok(listening(&String::from_utf8_lossy(&table), port)),
        // An image without this program: that it runs has to be enough.
        Err(fault) if fault.code == FaultCode::NotFound => Ok(None),
        // It ended in between; the next look says so.
        Err(fault) if fault.code == FaultCode::NotReady => Ok(Some(String::new())),
        Err(fault) => Err(fault),
    }
}

/// As [`reachable`], from the system's table: an address, a colon and a port in hexadecimal, later the state, in
/// which 0A is listening.
fn listening(table: &str, port: u16) -> Option<String> {
    let mut only_inside = false;
    for line in table.lines() {
        let mut words = line.split_whitespace().skip(1);
        let (Some(local), Some("0A")) = (words.next(), words.nth(1)) else { continue };
        let Some((address, at)) = local.split_once(':') else { continue };
        if u16::from_str_radix(at, 16) != Ok(port) {
            continue;
        }
        // 127.0.0.1 and ::1, each four bytes the other way round.
        let loopback =
            (address.len() == 8 && address.ends_with("7F")) || address == "00000000000000000000000001000000";
        if !loopback {
            return None;
        }
        only_inside = true;
    }
    let only = "It listens on 127.0.0.1 inside its container, where nobody can reach it; 0.0.0.0 is needed.";
    Some(if only_inside { only } else { "Nobody listens on its port yet." }.to_owned())
}

/// Wait until a container that others need says it is well. One without a check is well when it runs.
///
/// # Errors
/// `tool-failed` when it ended or its check gave up, `timeout`.
pub fn await_healthy(api: &Api<'_>, part: &str, name: &str, limit: Duration) -> Result<(), Fault> {
    let began = api.host().elapsed();
    let mut pause = Duration::from_millis(100);
    loop {
        let seen = look_at(api, part, name)?;
        match seen.phase {
            Phase::Running => return Ok(()),
            Phase::Starting => {}
            Phase::Unhealthy => {
                let fault =
                    Fault::new(FaultCode::ToolFailed, format!("{part} runs, but its own check fails."));
                return Err(with_last_words(api, part, name, fault).remedy(seen.note.unwrap_or_default()));
            }
            _ => return Err(ended_early(api, part, name)),
        }
        if api.host().elapsed().saturating_sub(began) >= limit {
            return Err(late(api, part, name, limit, ""));
        }
        api.host().pause(pause)?;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

fn ended_early(api: &Api<'_>, service: &str, container: &str) -> Fault {
    let fault = Fault::new(FaultCode::ToolFailed, format!("{service} ended while it started."));
    with_last_words(api, service, container, fault)
}

fn late(api: &Api<'_>, service: &str, container: &str, limit: Duration, why: &str) -> Fault {
    let seconds = limit.as_secs();
    let message = format!("{service} was not ready within {seconds} seconds. {why}");
    with_last_words(api, service, container, Fault::new(FaultCode::Timeout, message.trim_end()))
        .remedy("Wait a little and try again; the first start is the slowest.")
}

fn with_last_words(api: &Api<'_>, service: &str, container: &str, fault: Fault) -> Fault {
    fault
        .detail(logs::last_lines(api, service, container))
        .remedy_command("Read what it said.", &["kitbag", "logs", service])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1
   1: 00000000:0D05 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2 1
   2: 020011AC:22B9 010011AC:C0DE 01 00000000:00000000 00:00000000 00000000  1000        0 3 1
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:1538 00000000000000000000000000000000:0000 0A 00000000:00000000 0
   1: 00000000000000000000000001000000:1539 00000000000000000000000000000000:0000 0A 00000000:00000000 0
";

    #[test]
    fn who_listens_stands_in_the_table() {
        assert_eq!(listening(TABLE, 3333), None);
        assert_eq!(listening(TABLE, 5432), None);
        assert!(listening(TABLE, 8888).unwrap().contains("127.0.0.1"));
        assert!(listening(TABLE, 5433).unwrap().contains("127.0.0.1"));
        // a connection is not a listener
        assert!(listening(TABLE, 8889).unwrap().contains("yet"));
        assert!(listening("", 1).is_some() && listening("nonsense\n0: x y 0A", 1).is_some());
    }
}
