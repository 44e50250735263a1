//! Talking to the engine: which version of its API, one JSON question and answer, and what its refusals mean for
//! a person. The lowest version is 1.41 (engine 20.10); up to the highest one this plugin was written against,
//! the engine's own is taken.

use std::io::Read;
use std::time::Duration;

use kitbag_sdk::engine::{Engine, EngineError, Request, Response};
use kitbag_sdk::{Fault, FaultCode};
use serde_json::Value;

use crate::host::Host;

/// The oldest API that has all that is needed.
const OLDEST: (u32, u32) = (1, 41);
/// The newest this was written against.
const NEWEST: (u32, u32) = (1, 47);
/// An answer is never longer, except streams.
const LONGEST: u64 = 8 << 20;

/// An engine, its version agreed on.
pub struct Api<'e> {
    engine: &'e dyn Engine,
    host: &'e dyn Host,
    prefix: String,
    /// Docker's name of the engine's processor, such as `amd64`.
    pub arch: String,
    /// What its containers run: `linux`, or `windows`.
    pub os: String,
    /// The engine's version, for people.
    pub version: String,
}

impl std::fmt::Debug for Api<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl<'e> Api<'e> {
    /// Ask the engine who it is, and agree on a version.
    ///
    /// # Errors
    /// No engine answers, or it is too old.
    pub fn connect(engine: &'e dyn Engine, host: &'e dyn Host) -> Result<Self, Fault> {
        let mut api = Self {
            engine,
            host,
            prefix: String::new(),
            arch: String::new(),
            os: String::new(),
            version: String::new(),
        };
        let said = api.get("/version")?;
        let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        (api.arch, api.os, api.version) = (text("Arch"), text("Os"), text("Version"));
        let (newest, oldest) = (number(&text("ApiVersion")), number(&text("MinAPIVersion")));
        let Some(newest) = newest else {
            return Err(Fault::new(FaultCode::ToolFailed, "What answers is not a Docker engine.")
                .detail(said.to_string())
                .remedy("Look at what DOCKER_HOST names, or take it away."));
        };
        if newest < OLDEST {
            return Err(too_old(&api.version));
        }
        let (major, minor) = newest.min(NEWEST).max(oldest.unwrap_or(OLDEST));
        api.prefix = format!("/v{major}.{minor}");
        Ok(api)
    }

    /// kitbag.
    pub fn host(&self) -> &'e dyn Host {
        self.host
    }

    /// Send a request below the agreed version.
    ///
    /// # Errors
    /// No answer comes. An answer of failure is an answer.
    pub fn send<'a>(&self, mut request: Request<'a>) -> Result<Response<'a>, Fault> {
        request.path.insert_str(0, &self.prefix);
        self.engine.call(request).map_err(|error| unanswered(&error))
    }

    /// Send a request and take the answer's head, if it is one of success.
    ///
    /// # Errors
    /// No answer comes, or one of failure.
    pub fn done<'a>(&self, request: Request<'a>) -> Result<Response<'a>, Fault> {
        let answer = self.send(request)?;
        if (200..400).contains(&answer.status) { Ok(answer) } else { Err(refused(answer)) }
    }

    /// Ask for JSON.
    ///
    /// # Errors
    /// As [`Api::done`], or what comes is not JSON.
    pub fn get(&self, path: &str) -> Result<Value, Fault> {
        json(self.done(Request::new("GET", path))?)
    }

    /// Ask for JSON about something that may not be there.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub fn find(&self, path: &str) -> Result<Option<Value>, Fault> {
        let answer = self.send(Request::new("GET", path))?;
        match answer.status {
            404 => Ok(None),
            200..400 => json(answer).map(Some),
            _ => Err(refused(answer)),
        }
    }

    /// Post JSON, get JSON.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        json(self.done(Request::new("POST", path).json(body.to_string()))?)
    }

    /// Post nothing. Gives the status.
    ///
    /// # Errors
    /// As [`Api::done`].
    pub fn act(&self, path: &str) -> Result<u16, Fault> {
        self.done(Request::new("POST", path)).map(|answer| answer.status)
    }

    /// Remove something; what is not there is removed.
    ///
    /// # Errors
    /// As [`Api::done`], when it does not go for half a minute: what is going already, or is still let go of, which a
    /// busy computer takes long for.
    pub fn remove(&self, path: &str) -> Result<(), Fault> {
        let until = self.host.elapsed() + Duration::from_secs(30);
        loop {
            let answer = self.send(Request::new("DELETE", path))?;
            match answer.status {
                200..400 | 404 => return Ok(()),
                409 if self.host.elapsed() < until => self.host.pause(Duration::from_millis(100))?,
                _ => return Err(refused(answer)),
            }
        }
    }
}

fn number(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The whole of an answer that is not a stream.
///
/// # Errors
/// The connection breaks, or it is longer than any answer.
pub fn whole(answer: Response<'_>) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    answer.body.take(LONGEST).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == LONGEST {
        return Err(Fault::new(FaultCode::ToolFailed, "The Docker engine's answer is too long."));
    }
    Ok(bytes)
}

fn json(answer: Response<'_>) -> Result<Value, Fault> {
    let bytes = whole(answer)?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Fault::new(FaultCode::ToolFailed, "The Docker engine's answer cannot be read.")
            .detail(error.to_string())
    })
}

/// What the engine's answer of failure means.
pub fn refused(answer: Response<'_>) -> Fault {
    let status = answer.status;
    let text = whole(answer).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let said = serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|value| value["message"].as_str().map(str::to_owned))
        .unwrap_or(text);
    said_no(status, &said)
}

/// What the engine said, as a fault for a person.
pub fn said_no(status: u16, said: &str) -> Fault {
    let has = |word: &str| said.contains(word);
    let fault = if has("no space left") {
        Fault::new(FaultCode::Quota, "The disk that Docker uses is full.")
            .remedy_command("See what takes room.", &["docker", "system", "df"])
            .remedy("Delete what you no longer need, then try again.")
    } else if has("port is already allocated")
        || has("address already in use")
        || has("ports are not available")
    {
        Fault::new(FaultCode::PortTaken, "Another program uses a port of this course.")
            .remedy_command("Try again; another port is chosen.", &["kitbag", "up"])
            .remedy("Or close the other program.")
    } else if (has("task ") && has(": already exists")) || has("id already in use") {
        Fault::new(FaultCode::AlreadyExists, "The Docker engine has lost track of a container.")
            .remedy_command("Make it afresh; your work stays.", &["kitbag", "reset"])
    } else if has("exec format error") || has("no matching manifest") {
        Fault::new(FaultCode::Unsupported, "The course's image is made for another kind of processor.")
            .remedy("Tell the people who made the course.")
    } else if has("bind source path does not exist") || has("mounts denied") || has("is not shared") {
        Fault::new(FaultCode::NotGranted, "Docker may not use a folder of this course.")
            .remedy("In Docker Desktop's settings, share the drive or folder your work is in.")
    } else if has("executable file not found") || has("no such file or directory: unknown") {
        Fault::new(FaultCode::NotFound, "The program does not exist in this environment.")
            .remedy_command("See what the course has.", &["kitbag", "status"])
    } else if has("is not running") || has("is paused") {
        Fault::new(FaultCode::NotReady, "This environment does not run.")
            .remedy_command("Start it.", &["kitbag", "up"])
    } else if status == 404 {
        Fault::new(FaultCode::NotFound, "The Docker engine does not have what was asked for.")
            .remedy_command("Start the course again.", &["kitbag", "up"])
    } else {
        Fault::new(FaultCode::ToolFailed, "The Docker engine could not do what was asked.")
            .remedy_command("Try again, and if it happens again make it afresh.", &["kitbag", "reset"])
    };
    fault.detail(format!("{status}: {said}"))
}

fn too_old(version: &str) -> Fault {
    Fault::new(
        FaultCode::Unsupported,
        format!("Docker {version} on this computer is too old; 20.10 is needed."),
    )
    .remedy("Update Docker, then try again.")
}

/// What it means that no answer came.
pub fn unanswered(error: &EngineError) -> Fault {
    let detail = error.to_string();
    match error {
        EngineError::Refused => {
            Fault::new(FaultCode::NotGranted, "kitbag did not let this plugin do that with Docker.")
                .remedy_command("See what it may do.", &["kitbag", "plugin", "info", "docker"])
        }
        EngineError::Unreachable(_) => Fault::new(
            FaultCode::NotReady,
            "Docker does not answer on this computer.",
        )
        .remedy(
            "Start Docker (Docker Desktop, or the docker service), wait until it is ready, and try again.",
        )
        .remedy_command("See what is missing.", &["kitbag", "doctor"]),
        EngineError::Broken(_) => Fault::new(FaultCode::Network, "The connection to Docker broke.")
            .remedy_command("Try again; nothing is lost.", &["kitbag", "up"]),
    }
    .detail(detail)
}
