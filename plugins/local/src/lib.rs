//! Runs a course on this machine without containers: a service is a program the course names, or a SQLite file
//! that the host keeps. The README has the source block and says what this plugin may do. Programs are the
//! host's: started detached, found again by name, so nothing here holds a pid or a path.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod export;
mod logs;
mod record;
mod services;
mod source;

use std::time::Duration;

use kitbag_sdk::process::{self, Command};
use kitbag_sdk::{
    Backend, Description, Endpoint, EnvRef, EnvStatus, ExecRequest, Fault, FaultCode, Phase, PlanDoc,
    ProbeReport, Reader, Sink, Spec, Streams, Writer, files, progress,
};

use record::Record;
use source::{Kind, Source};

/// The host's name for the environment's own data folder.
const DATA: &str = "data";

/// The backend.
#[derive(Debug)]
pub struct Local;

kitbag_sdk::export_backend!(Local);

impl Backend for Local {
    fn describe() -> Description {
        Description {
            id: "local".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: "This computer".into(),
        }
    }

    fn probe() -> Result<ProbeReport, Fault> {
        // It needs nothing of its own: which programs are here depends on the course, and `plan` says it.
        Ok(ProbeReport { usable: true, version: None, problems: Vec::new() })
    }

    fn plan(what: Spec) -> Result<PlanDoc, Fault> {
        let source = Source::read(&what.source)?;
        let programs: Vec<&str> = source
            .services
            .iter()
            .filter(|one| one.kind == Kind::Program)
            .map(|one| one.name.as_str())
            .collect();
        let summary = if programs.is_empty() {
            "Nothing has to be started on this computer.".to_owned()
        } else {
            format!("Start on this computer: {}.", programs.join(", "))
        };
        let own = source.python.as_ref().is_some_and(|python| python.environment.is_some());
        let packages = own.then(|| "Use the Python packages installed for the course".to_owned());
        let starts = programs.iter().map(|name| format!("Start {name}"));
        let steps = packages.into_iter().chain(starts).collect();
        Ok(PlanDoc { summary, steps, destructive: false, fingerprint: source.fingerprint() })
    }

    fn create(what: Spec, fingerprint: String) -> Result<(), Fault> {
        let source = Source::read(&what.source)?;
        if source.fingerprint() != fingerprint {
            return Err(changed());
        }
        match Record::new(&what.id, source).insert(&what.id)? {
            Some(there) if there.fingerprint != fingerprint => Err(changed()),
            _ => Ok(()),
        }
    }

    fn start(what: Spec) -> Result<EnvStatus, Fault> {
        let mut record = Record::expect(&what.id)?;
        if Source::read(&what.source)?.fingerprint() != record.fingerprint {
            return Err(changed());
        }
        services::start(&what.id, &mut record, &what)?;
        services::status(&what.id, &record)
    }

    fn wait_ready(id: EnvRef, deadline_millis: u64) -> Result<EnvStatus, Fault> {
        let record = Record::expect(&id)?;
        progress::step("ready", "Wait until everything is ready");
        services::wait_ready(&id, &record, Duration::from_millis(deadline_millis))
    }

    fn stop(id: EnvRef, grace_millis: u64) -> Result<EnvStatus, Fault> {
        let record = Record::load(&id)?;
        services::stop(&id, record.as_ref(), Duration::from_millis(grace_millis))?;
        let Some(mut record) = record else { return Ok(absent()) };
        record.started = false;
        record.missing.clear();
        record.save(&id)?;
        services::status(&id, &record)
    }

    fn destroy(id: EnvRef) -> Result<(), Fault> {
        // An entry that cannot be read must not keep the environment alive.
        let record = Record::load(&id).ok().flatten();
        services::stop(&id, record.as_ref(), Duration::from_secs(5))?;
        for name in process::names(&record::process_prefix(&id))? {
            process::forget(&name)?;
        }
        record::remove(&id)
    }

    fn status(id: EnvRef) -> Result<EnvStatus, Fault> {
        Record::load(&id)?.map_or_else(|| Ok(absent()), |record| services::status(&id, &record))
    }

    fn list_owned() -> Result<Vec<EnvRef>, Fault> {
        record::all()
    }

    fn endpoints(id: EnvRef) -> Result<Vec<Endpoint>, Fault> {
        let record = Record::expect(&id)?;
        if !record.started {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for service in &record.source.services {
            let serving = record.source.serving(service);
            if record.missing.contains_key(&serving.name) {
                continue;
            }
            if let Some(port) = record.ports.get(&serving.name) {
                found.push(Endpoint {
                    service: service.name.clone(),
                    url: format!("http://127.0.0.1:{port}{}", service.path.as_deref().unwrap_or("/")),
                    secret_query: serving.wants_token().then(|| "token".to_owned()),
                });
            }
        }
        Ok(found)
    }

    fn exec_in(id: EnvRef, what: ExecRequest, streams: Streams<'_>) -> Result<Option<i32>, Fault> {
        let record = Record::expect(&id)?;
        let Some((program, args)) = what.argv.split_first() else {
            return Err(Fault::new(FaultCode::InvalidConfig, "No program was named.")
                .remedy_command("Name one.", &["kitbag", "exec", "SERVICE", "--", "PROGRAM"]));
        };
        let mut env = record.env;
        env.retain(|(name, _)| !what.env.iter().any(|(other, _)| other == name));
        env.extend(what.env);
        let run = Command { program: program.clone(), args: args.to_vec(), env, folder: what.folder };
        process::run(&run, streams.stdin, streams.stdout, streams.stderr)
    }

    fn describe_export(what: Spec) -> Result<String, Fault> {
        Ok(export::describe(&Source::read(&what.source)?, &what))
    }

    fn put(id: EnvRef, path: String, tar: &Reader) -> Result<u64, Fault> {
        Record::expect(&id)?;
        files::unpack(DATA, &path, tar)
    }

    fn get(id: EnvRef, path: String, tar: &Writer) -> Result<u64, Fault> {
        Record::expect(&id)?;
        files::pack(DATA, &path, tar)
    }

    fn logs(id: EnvRef, service: Option<String>, follow: bool, out: &Sink) -> Result<(), Fault> {
        logs::read(&id, &Record::expect(&id)?, service.as_deref(), follow, out)
    }
}

fn absent() -> EnvStatus {
    EnvStatus { phase: Phase::Absent, services: Vec::new() }
}

fn changed() -> Fault {
    Fault::new(FaultCode::Conflict, "This environment was made from another version of the course.")
        .remedy_command("Make it afresh; your work stays.", &["kitbag", "reset"])
}
