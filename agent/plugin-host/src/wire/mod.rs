//! A plugin's way to a container engine, one for each call. A request is taken apart and judged by [`crate::filter`],
//! the labels of what it names are looked at, names of folders and secrets are filled in, and only then is it sent,
//! written anew, over a connection of its own. What is refused is noted, for the log and for the person. No redirect
//! is followed, and everything ends at the call's deadline or when its person gives up.

mod body;
mod carry;
mod client;
mod owned;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use tokio::sync::Semaphore;

pub use body::Body;
use body::{Held, Outgoing, never};

use crate::backend::Op;
use crate::cancel::Cancel;
use crate::context::OpContext;
use crate::doors::{EngineDoor, FilesDoor, Level, LogSink};
use crate::error::PluginError;
use crate::fault::Fault;
use crate::filter::{self, Carried, Kind, Owner, Pass, Reads, Refusal, Rules, Want};
use crate::grants::Grants;

/// The engine's name for a plugin.
pub const AUTHORITY: &str = "engine.docker";
/// Longest JSON document of a request.
const DOCUMENT: usize = 1 << 20;
/// Most requests at once.
const MOST: usize = 16;
/// Most refusals that are told.
const TOLD: usize = 10;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The filter let it not through.
    #[error("kitbag does not pass this on: {0}")]
    Refused(Refusal),
    /// No engine, or none that may be used.
    #[error("{0}")]
    Door(Fault),
    /// A document of a request is too long.
    #[error("a document of more than 1 MiB")]
    TooLong,
    /// Too many requests at once.
    #[error("more than 16 requests at once")]
    TooMany,
    /// The call's time is over.
    #[error("the call's time is over")]
    Late,
    /// The person gave up.
    #[error("cancelled")]
    Cancelled,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
}

impl From<Refusal> for WireError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<hyper::Error> for WireError {
    fn from(error: hyper::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// A document that can be told from too long a one.
fn document_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> WireError {
    if error.is::<http_body_util::LengthLimitError>() {
        WireError::TooLong
    } else {
        WireError::Broken(error.to_string())
    }
}

/// The way of one call.
pub struct Wire {
    door: Arc<dyn EngineDoor>,
    files: Arc<dyn FilesDoor>,
    log: Arc<dyn LogSink>,
    grants: Grants,
    owner: Option<Owner>,
    deadline: Instant,
    cancel: Cancel,
    refused: Mutex<Vec<String>>,
    /// Full ids of objects whose labels were ours: an id never becomes another object's.
    ours: Mutex<BTreeSet<(Kind, String)>>,
    open: Arc<Semaphore>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Wire {
    /// For an operation. One about an environment that is not of the workspace and machine the engine was granted
    /// for gets nothing.
    pub fn new(cx: &OpContext, deadline: Instant, op: Option<&Op>) -> Arc<Self> {
        let granted = cx.grants.engine.as_ref();
        let owner = granted.and_then(|granted| {
            let id = op.and_then(Op::environment);
            let strange =
                id.is_some_and(|id| id.workspace != granted.workspace || id.machine != granted.machine);
            (!strange).then(|| Owner {
                workspace: granted.workspace.clone(),
                machine: granted.machine.clone(),
                environment: id.map(|id| id.name.clone()),
            })
        });
        Arc::new(Self {
            door: Arc::clone(&cx.doors.engine),
            files: Arc::clone(&cx.doors.files),
            log: Arc::clone(&cx.doors.log),
            grants: cx.grants.clone(),
            owner,
            deadline,
            cancel: cx.cancel.clone(),
            refused: Mutex::default(),
            ours: Mutex::default(),
            open: Arc::new(Semaphore::new(MOST)),
        })
    }

    /// Send a request and wait for the head of the answer.
    ///
    /// # Errors
    /// Why there is none. A status that tells of a failure is none of them.
    pub async fn send(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, WireError> {
        let Ok(permit) = Arc::clone(&self.open).try_acquire_owned() else { return Err(WireError::TooMany) };
        let over = self.over();
        let answer = tokio::select! {
            biased;
            error = over => Err(error),
            answer = self.answer(request) => answer,
        };
        match answer {
            Ok(response) => {
                let over = self.over();
                Ok(response.map(|body| Held::new(body, Box::pin(over), permit).boxed_unsync()))
            }
            Err(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }

    /// Ends when the call is over.
    fn over(&self) -> impl Future<Output = WireError> + Send + use<> {
        let (deadline, cancel) = (self.deadline, self.cancel.clone());
        async move {
            tokio::select! {
                biased;
                () = cancel.cancelled() => WireError::Cancelled,
                () = tokio::time::sleep_until(deadline.into()) => WireError::Late,
            }
        }
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, WireError> {
        let (head, body) = request.into_parts();
        let nothing = || Refusal::new("nothing of it was granted");
        let owner = self.owner.as_ref().ok_or_else(nothing)?;
        let rules = Rules { grants: &self.grants, owner };
        let right = head.uri.scheme_str() == Some("http")
            && head.uri.authority().is_some_and(|authority| authority.as_str() == AUTHORITY);
        if !right {
            return Err(
                Refusal::new(format!("only http://{AUTHORITY} can be reached, not {}", head.uri)).into()
            );
        }
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let route = filter::route(filter::read(head.method.as_str(), target, headers)?, rules)?;
        let (document, stream) = match route.reads() {
            Reads::Nothing => (None, None),
            Reads::Json => {
                let whole = Limited::new(body, DOCUMENT).collect().await;
                (Some(whole.map_err(|error| document_error(&*error))?.to_bytes()), None)
            }
            Reads::Stream => (None, Some(body)),
        };
        let pass = route.judge(document.as_deref(), rules)?;
        let Some(resolved) = self.look_at(&pass, owner).await? else {
            return absent(&pass);
        };
        let target = pass.target(&resolved);
        let outgoing = self.outgoing(&pass, stream).await?;
        let connection = self.door.connect().await.map_err(WireError::Door)?;
        client::exchange(connection, &pass.method, &target, outgoing).await
    }

    /// The labels of all it names; none: what its path names is not ours, or not there.
    async fn look_at(&self, pass: &Pass, owner: &Owner) -> Result<Option<Vec<(usize, String)>>, WireError> {
        let mut resolved = Vec::new();
        for check in &pass.checks {
            let found = self.owned(check.kind, &check.name, owner).await?;
            let refused = |what| Err(Refusal::new(format!("\"{}\" {what}", check.name)).into());
            match (found, check.want, check.segment) {
                (owned::Found::Ours(id), _, Some(at)) if check.kind != Kind::Image => resolved.push((at, id)),
                (owned::Found::Ours(_), _, _) | (owned::Found::Absent, Want::OwnOrAbsent, _) => {}
                (_, _, Some(_)) => return Ok(None),
                (owned::Found::Absent, _, None) => return refused("does not exist; it must be made first"),
                (owned::Found::Foreign, _, None) => return refused("belongs to somebody else"),
            }
        }
        Ok(Some(resolved))
    }

    async fn outgoing(&self, pass: &Pass, stream: Option<Body>) -> Result<Outgoing, WireError> {
        let stream = stream.unwrap_or_else(body::empty);
        Ok(match &pass.carried {
            Carried::Nothing => Outgoing::Plain(None, body::empty()),
            Carried::Archive => Outgoing::Plain(Some("application/x-tar"), stream),
            Carried::Package(package) => {
                let folder = self.grants.folder(&package.folder).map_err(WireError::Door)?;
                let body = carry::open(Arc::clone(&self.files), folder.to_owned(), package).await?;
                Outgoing::Plain(Some("application/x-tar"), body)
            }
            Carried::Json(document) => {
                let mut document = document.clone();
                let mut folders = Vec::new();
                for source in &pass.sources {
                    let folder = self.grants.folder(&source.folder).map_err(WireError::Door)?;
                    let path =
                        self.door.source(folder, source.below.as_ref()).await.map_err(WireError::Door)?;
                    folders.push((source.token.clone(), path));
                }
                filter::fill(&mut document, &folders, &self.grants)?;
                Outgoing::document(&document)
            }
            Carried::Raw(Some(head)) if head["Detach"] == true => Outgoing::document(head),
            Carried::Raw(head) => Outgoing::Raw(head.as_ref().map(ToString::to_string), stream),
        })
    }

    fn note(&self, error: &WireError) {
        let sentence = match error {
            WireError::Refused(_) => error.to_string(),
            WireError::Door(fault) => fault.message.clone(),
            _ => return,
        };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < TOLD && !refused.contains(&sentence) {
            self.log.write(Level::Warn, &sentence);
            refused.push(sentence);
        }
    }

    /// What was refused on the way, added to what the call ended with.
    pub fn explain(&self, error: PluginError) -> PluginError {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            PluginError::Fault(mut fault) if !refused.is_empty() => {
                let said = fault.detail.take().map(|detail| format!("{detail}\n")).unwrap_or_default();
                fault.detail = Some(format!("{said}{}", refused.join("\n")));
                PluginError::Fault(fault)
            }
            other => other,
        }
    }
}

/// What somebody else's object looks like.
fn absent(pass: &Pass) -> Result<Response<Body>, WireError> {
    let name = pass.checks.first().map_or("", |check| &check.name);
    let text = serde_json::json!({ "message": format!("No such object: {name}") }).to_string();
    Response::builder()
        .status(StatusCode::NOT_FOUND)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(text)).map_err(never).boxed_unsync())
        .map_err(|error| WireError::Broken(error.to_string()))
}
