//! The smallest backend on Docker: one container, whose body for `POST /containers/create` the course writes itself.
//! It shows how requests, streams and Docker's frames go; the host's own tests run it against a real engine. What it
//! may not ask for it is not given, whatever the course writes.
//!
//! `cargo build -p kitbag-sdk --example one_container --target wasm32-wasip2`

use std::io::{Read, Write};

use kitbag_sdk::engine::{Engine, HostEngine, Request, look};
use kitbag_sdk::{
    Backend, Description, Endpoint, EnvRef, EnvStatus, ExecRequest, Fault, FaultCode, Phase, PlanDoc,
    ProbeReport, Reader, ServiceStatus, Sink, Spec, Streams, Writer,
};
use serde_json::{Value, json};

/// Longest answer that is read whole.
const LONGEST: usize = 4 << 20;

/// The backend.
pub struct OneContainer;

fn name(id: &EnvRef) -> String {
    format!("{}-{}", id.workspace, id.name)
}

/// Ask, and understand the answer.
fn ask(request: Request<'_>) -> Result<(u16, Value), Fault> {
    let response = HostEngine.call(request)?;
    let status = response.status;
    let bytes = response.bytes(LONGEST)?;
    Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
}

/// Ask for something that must succeed.
fn must(request: Request<'_>) -> Result<Value, Fault> {
    let what = format!("{} {}", request.method, request.path);
    let (status, said) = ask(request)?;
    if status < 300 {
        return Ok(said);
    }
    let code = if status == 404 { FaultCode::NotFound } else { FaultCode::ToolFailed };
    Err(Fault::new(code, "Docker could not do this.")
        .remedy("Try again.")
        .detail(format!("{what}: {status} {said}")))
}

fn status(id: &EnvRef) -> Result<EnvStatus, Fault> {
    let (code, seen) = ask(Request::new("GET", format!("/containers/{}/json", name(id))))?;
    let phase = match (code, seen["State"]["Running"].as_bool()) {
        (404, _) => Phase::Absent,
        (_, Some(true)) => Phase::Running,
        _ => Phase::Stopped,
    };
    let service = ServiceStatus { name: "container".into(), phase, note: None };
    Ok(EnvStatus { phase, services: if phase == Phase::Absent { vec![] } else { vec![service] } })
}

/// Docker's frames: which stream, how long, and the bytes.
fn split(mut from: impl Read, mut each: impl FnMut(u8, &[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut head = [0; 8];
    let mut piece = vec![0; 64 << 10];
    loop {
        match from.read_exact(&mut head) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        let mut left = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        while left > 0 {
            let most = left.min(piece.len());
            let count = from.read(&mut piece[..most])?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            each(head[0], &piece[..count])?;
            left -= count;
        }
    }
}

impl Backend for OneContainer {
    fn describe() -> Description {
        Description { id: "one-container".into(), version: "0.1.0".into(), title: "One container".into() }
    }

    fn probe() -> Result<ProbeReport, Fault> {
        let found = look()?;
        if !found.socket || !found.allowed {
            let problem = Fault::new(FaultCode::NotReady, "Docker cannot be used here.").detail(found.place);
            return Ok(ProbeReport { usable: false, version: None, problems: vec![problem] });
        }
        let version = must(Request::new("GET", "/version"))?["Version"].as_str().map(str::to_owned);
        Ok(ProbeReport { usable: true, version, problems: vec![] })
    }

    fn plan(what: Spec) -> Result<PlanDoc, Fault> {
        let steps = vec!["Make the container".to_owned()];
        Ok(PlanDoc { summary: "One container.".into(), steps, destructive: false, fingerprint: what.source })
    }

    fn create(what: Spec, _: String) -> Result<(), Fault> {
        if status(&what.id)?.phase != Phase::Absent {
            return Ok(());
        }
        must(Request::new("POST", format!("/containers/create?name={}", name(&what.id))).json(what.source))
            .map(drop)
    }

    fn start(what: Spec) -> Result<EnvStatus, Fault> {
        must(Request::new("POST", format!("/containers/{}/start", name(&what.id))))?;
        status(&what.id)
    }

    fn wait_ready(id: EnvRef, _: u64) -> Result<EnvStatus, Fault> {
        status(&id)
    }

    fn stop(id: EnvRef, grace_millis: u64) -> Result<EnvStatus, Fault> {
        must(Request::new("POST", format!("/containers/{}/stop?t={}", name(&id), grace_millis / 1000)))?;
        status(&id)
    }

    fn destroy(id: EnvRef) -> Result<(), Fault> {
        match ask(Request::new("DELETE", format!("/containers/{}?force=1&v=1", name(&id))))? {
            (200..300 | 404, _) => Ok(()),
            (status, said) => Err(Fault::new(FaultCode::ToolFailed, "The container stayed.")
                .remedy("Try again.")
                .detail(format!("{status} {said}"))),
        }
    }

    fn status(id: EnvRef) -> Result<EnvStatus, Fault> {
        status(&id)
    }

    fn list_owned() -> Result<Vec<EnvRef>, Fault> {
        let all = must(Request::new("GET", "/containers/json?all=1"))?;
        let label =
            |one: &Value, key: &str| one["Labels"][format!("org.kitbag.{key}")].as_str().map(str::to_owned);
        let found = all.as_array().into_iter().flatten().filter_map(|one| {
            let (workspace, machine) = (label(one, "workspace")?, label(one, "machine")?);
            Some(EnvRef { workspace, machine, name: label(one, "environment")? })
        });
        Ok(found.collect())
    }

    fn endpoints(_: EnvRef) -> Result<Vec<Endpoint>, Fault> {
        Ok(vec![])
    }

    fn exec_in(id: EnvRef, what: ExecRequest, streams: Streams<'_>) -> Result<Option<i32>, Fault> {
        let body = json!({
            "Cmd": what.argv, "AttachStdin": streams.stdin.is_some(), "AttachStdout": true, "AttachStderr": true,
        });
        let made =
            must(Request::new("POST", format!("/containers/{}/exec", name(&id))).json(body.to_string()))?;
        let exec = made["Id"].as_str().unwrap_or_default();
        let mut request =
            Request::new("POST", format!("/exec/{exec}/start")).start(r#"{"Detach":false,"Tty":false}"#);
        request = match streams.stdin {
            Some(stdin) => request.stream(stdin),
            None => request.stream(std::io::empty()),
        };
        let response = HostEngine.call(request)?;
        split(response.body, |stream, bytes| match stream {
            2 => (&mut &*streams.stderr).write_all(bytes),
            _ => (&mut &*streams.stdout).write_all(bytes),
        })?;
        let ended = must(Request::new("GET", format!("/exec/{exec}/json")))?;
        Ok(ended["ExitCode"].as_i64().and_then(|code| i32::try_from(code).ok()))
    }

    fn put(id: EnvRef, path: String, tar: &Reader) -> Result<u64, Fault> {
        let path: String = path.bytes().map(|byte| format!("%{byte:02X}")).collect();
        must(Request::new("PUT", format!("/containers/{}/archive?path={path}", name(&id))).stream(tar))
            .map(|_| 0)
    }

    fn get(id: EnvRef, path: String, tar: &Writer) -> Result<u64, Fault> {
        let path: String = path.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let mut response =
            HostEngine.call(Request::new("GET", format!("/containers/{}/archive?path={path}", name(&id))))?;
        Ok(std::io::copy(&mut response.body, &mut &*tar)?)
    }

    fn logs(id: EnvRef, _: Option<String>, follow: bool, out: &Sink) -> Result<(), Fault> {
        let target = format!("/containers/{}/logs?stdout=1&stderr=1&follow={}", name(&id), u8::from(follow));
        let response = HostEngine.call(Request::new("GET", target))?;
        split(response.body, |_, bytes| {
            for line in String::from_utf8_lossy(bytes).lines() {
                if !out.line("container", line) {
                    return Err(std::io::Error::other("nobody wants more"));
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

kitbag_sdk::export_backend!(OneContainer);
