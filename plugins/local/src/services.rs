//! The services of one environment as programs of this machine: look, start, stop. Each step looks at what
//! really runs first, so it can be called again after a crash at any point.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kitbag_sdk::process::{self, Command, Life};
use kitbag_sdk::{EnvRef, EnvStatus, Fault, FaultCode, Phase, ServiceStatus, Spec, progress};

use crate::record::{Record, process_prefix};
use crate::source::{Kind, Service};

/// How long a program may take to be gone after it was ended by force.
const LAST: Duration = Duration::from_secs(5);

/// The name the host knows a service's program by.
pub fn process_name(id: &EnvRef, service: &str) -> String {
    format!("{}{service}", process_prefix(id))
}

/// Start every service that does not run.
///
/// # Errors
/// `missing-tool` when a required program is not here; then nothing was started.
pub fn start(id: &EnvRef, record: &mut Record, what: &Spec) -> Result<(), Fault> {
    let chosen: BTreeMap<&str, u16> =
        what.ports.iter().map(|port| (port.service.as_str(), port.number)).collect();
    let services = record.source.services.clone();
    let mut to_start = Vec::new();
    record.missing.clear();
    for service in services.iter().filter(|service| service.kind == Kind::Program) {
        // One that runs keeps its port: the host may have chosen another only because this one is taken by it.
        if process::find(&process_name(id, &service.name))? == Life::Running {
            continue;
        }
        if let Err(fault) = present(service, record.source.python.is_some()) {
            if !service.optional {
                return Err(fault);
            }
            record.missing.insert(service.name.clone(), left_out(fault));
            continue;
        }
        match service.port(chosen.get(service.name.as_str()).copied())? {
            Some(port) => record.ports.insert(service.name.clone(), port),
            None => record.ports.remove(&service.name),
        };
        to_start.push(service);
    }
    record.env = what.env.clone();
    record.started = true;
    record.save(id)?;
    for service in to_start {
        progress::step(&format!("start-{}", service.name), &format!("Start {}", service.name));
        match process::spawn(&process_name(id, &service.name), &command(service, record)) {
            Ok(()) => {}
            // Another call was faster; what counts is that it runs.
            Err(fault) if fault.code == FaultCode::AlreadyExists => {}
            Err(fault) if service.optional => {
                record.missing.insert(service.name.clone(), left_out(fault));
                record.save(id)?;
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// Why a service cannot run here, and what would help.
fn left_out(fault: Fault) -> String {
    let remedy = fault.remedies.into_iter().find(|remedy| remedy.command.is_empty());
    remedy.map_or_else(|| fault.message.clone(), |remedy| format!("{} {}", fault.message, remedy.text))
}

fn present(service: &Service, python: bool) -> Result<(), Fault> {
    let program = service.program.as_deref().unwrap_or_default();
    if process::available(program)? {
        return Ok(());
    }
    if python && !service.optional {
        let message = format!(
            "The program \"{program}\" is neither among the course's Python packages nor on this computer."
        );
        return Err(Fault::new(FaultCode::MissingTool, message)
            .remedy(format!("Tell the course team that {program} is missing in its list of packages.")));
    }
    Err(Fault::new(FaultCode::MissingTool, format!("The program \"{program}\" is not on this computer."))
        .remedy(format!("Install {program}, open a new window and try again."))
        .remedy_command("See which other backends this computer could use.", &["kitbag", "doctor"]))
}

fn command(service: &Service, record: &Record) -> Command {
    let port = record.ports.get(&service.name).map(u16::to_string);
    let fill =
        |text: &String| port.as_ref().map_or_else(|| text.clone(), |port| text.replace("{port}", port));
    let mut env: BTreeMap<String, String> = record.env.iter().cloned().collect();
    env.extend(service.env.iter().map(|(name, value)| (name.clone(), fill(value))));
    Command {
        program: service.program.clone().unwrap_or_default(),
        args: service.args.iter().map(fill).collect(),
        env: env.into_iter().collect(),
        folder: None,
    }
}

/// How each service is, and the whole.
///
/// # Errors
/// The host's.
pub fn status(id: &EnvRef, record: &Record) -> Result<EnvStatus, Fault> {
    let mut services = Vec::new();
    let mut phase = if record.started { Phase::Running } else { Phase::Stopped };
    for service in &record.source.services {
        let one = if record.started {
            look(id, record, service)?
        } else {
            ServiceStatus { name: service.name.clone(), phase: Phase::Stopped, note: None }
        };
        match one.phase {
            // what serves it says it already
            _ if service.kind == Kind::Web => {}
            Phase::Unhealthy if !service.optional => phase = Phase::Unhealthy,
            Phase::Starting if !service.optional && phase == Phase::Running => phase = Phase::Starting,
            _ => {}
        }
        services.push(one);
    }
    Ok(EnvStatus { phase, services })
}

fn look(id: &EnvRef, record: &Record, service: &Service) -> Result<ServiceStatus, Fault> {
    let name = service.name.clone();
    if service.kind == Kind::Web {
        return Ok(ServiceStatus { name, ..look(id, record, record.source.serving(service))? });
    }
    let with = |phase, note| ServiceStatus { name, phase, note };
    if service.kind == Kind::Sqlite {
        return Ok(with(Phase::Running, None));
    }
    if let Some(why) = record.missing.get(&service.name) {
        return Ok(with(Phase::NotAvailable, Some(why.clone())));
    }
    if process::find(&process_name(id, &service.name))? != Life::Running {
        let last = last_lines(id, &service.name);
        let note = if last.is_empty() {
            "It ended by itself and said nothing.".to_owned()
        } else {
            format!("It ended by itself. Its last words:\n{last}")
        };
        return Ok(with(Phase::Unhealthy, Some(note)));
    }
    let quiet = match record.ports.get(&service.name) {
        Some(&port) if service.ready_by_port() => !process::port_answers(port)?,
        _ => false,
    };
    Ok(with(if quiet { Phase::Starting } else { Phase::Running }, None))
}

/// The end of a service's log: ten lines at most.
pub fn last_lines(id: &EnvRef, service: &str) -> String {
    // A log that cannot be read must not hide that the service ended.
    let text =
        process::read_log(&process_name(id, service), None).map(|piece| piece.text).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// Wait until every required service can be used.
///
/// # Errors
/// `timeout`, or `tool-failed` when one ended.
pub fn wait_ready(id: &EnvRef, record: &Record, deadline: Duration) -> Result<EnvStatus, Fault> {
    let began = Instant::now();
    for service in record.source.services.iter().filter(|service| service.kind != Kind::Web) {
        let limit = deadline.min(Duration::from_secs(service.ready.timeout_seconds.into()));
        loop {
            let now = look(id, record, service)?;
            match now.phase {
                Phase::Starting => {}
                Phase::Unhealthy if !service.optional => {
                    return Err(Fault::new(
                        FaultCode::ToolFailed,
                        format!("{} ended while it started.", service.name),
                    )
                    .detail(last_lines(id, &service.name))
                    .remedy_command("Read what it said.", &["kitbag", "logs", &service.name]));
                }
                _ => break,
            }
            if began.elapsed() >= limit {
                if service.optional {
                    break;
                }
                let seconds = limit.as_secs();
                return Err(Fault::new(
                    FaultCode::Timeout,
                    format!("{} was not ready within {seconds} seconds.", service.name),
                )
                .detail(last_lines(id, &service.name))
                .remedy("Wait a little and try again; the first start is the slowest.")
                .remedy_command("Read what it said.", &["kitbag", "logs", &service.name]));
            }
            progress::pause(100)?;
        }
    }
    status(id, record)
}

/// Stop every program of the environment: ask, wait as long as it may take, then end it. Also those that a
/// source of another day started.
///
/// # Errors
/// The host's.
pub fn stop(id: &EnvRef, record: Option<&Record>, grace: Duration) -> Result<(), Fault> {
    let prefix = process_prefix(id);
    let mut running = Vec::new();
    for name in process::names(&prefix)? {
        if process::find(&name)? == Life::Running {
            let service = &name[prefix.len()..];
            progress::step(&format!("stop-{service}"), &format!("Stop {service}"));
            process::end(&name)?;
            let own = record
                .and_then(|record| record.source.services.iter().find(|one| one.name == service))
                .map_or(grace, |one| Duration::from_secs(one.stop_grace_seconds.into()));
            running.push((name, own.min(grace)));
        }
    }
    let began = Instant::now();
    while !running.is_empty() {
        let mut still = Vec::new();
        for (name, own) in running {
            if process::find(&name)? != Life::Running {
                continue;
            }
            if began.elapsed() >= own + LAST {
                return Err(Fault::new(
                    FaultCode::ToolFailed,
                    format!("{} cannot be ended.", &name[prefix.len()..]),
                )
                .remedy("Close it by hand, or restart this computer."));
            }
            // Dying takes a moment too; only one that is gone counts as stopped.
            if began.elapsed() >= own {
                process::kill(&name)?;
            }
            still.push((name, own));
        }
        running = still;
        if !running.is_empty() {
            progress::pause(50)?;
        }
    }
    Ok(())
}
