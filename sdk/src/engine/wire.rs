//! Requests over the host's `wasi:http`. Sending and receiving take turns in the one thread a component has: while
//! the host takes no more, what came is handed on, and the other way round, so that a program that writes while it
//! reads never stands still.

use std::io::{self, Read};

use super::{Body, Engine, EngineError, Request, Response};
use crate::bindings::backend::wasi::http::outgoing_handler::handle;
use crate::bindings::backend::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, Scheme,
};
use crate::bindings::backend::wasi::io::poll::poll;
use crate::bindings::backend::wasi::io::streams::{InputStream, OutputStream, StreamError};

/// The host's name for the engine.
const AUTHORITY: &str = "engine.docker";
/// Bytes read at once, of either side.
const PIECE: usize = 64 << 10;

/// The engine as the host lets a component have it. Only a component can call it.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostEngine;

impl Engine for HostEngine {
    fn call<'a>(&self, request: Request<'a>) -> Result<Response<'a>, EngineError> {
        let fields = Fields::new();
        let header = |name: &str, value: &str| {
            fields
                .append(name, value.as_bytes())
                .map_err(|error| EngineError::Broken(format!("header {name}: {error:?}")))
        };
        match &request.body {
            Body::Empty => {}
            Body::Json(text) => {
                header("content-type", "application/json")?;
                header("content-length", &text.len().to_string())?;
            }
            Body::Stream(_) => header("content-type", "application/x-tar")?,
        }
        if let Some(start) = &request.start {
            header("kitbag-start", start)?;
        }
        if let Some(carry) = &request.carry {
            header("kitbag-body", carry)?;
        }
        let outgoing = OutgoingRequest::new(fields);
        let malformed = |()| EngineError::Broken("a request that is none".to_owned());
        outgoing.set_method(&method(request.method)).map_err(malformed)?;
        outgoing.set_scheme(Some(&Scheme::Http)).map_err(malformed)?;
        outgoing.set_authority(Some(AUTHORITY)).map_err(malformed)?;
        outgoing.set_path_with_query(Some(&request.path)).map_err(malformed)?;
        let source: Option<Box<dyn Read + 'a>> = match request.body {
            Body::Empty => None,
            Body::Json(text) => Some(Box::new(io::Cursor::new(text.into_bytes()))),
            Body::Stream(source) => Some(source),
        };
        let mut sending = match source {
            None => None,
            Some(source) => {
                let body = outgoing.body().map_err(malformed)?;
                let stream = body.write().map_err(malformed)?;
                Some(Sending { stream: Some(stream), body: Some(body), source, piece: Vec::new(), sent: 0 })
            }
        };
        let future = handle(outgoing, None).map_err(told)?;
        let response = wait(&future, &mut sending)?;
        let status = response.status();
        let body = response.consume().map_err(malformed)?;
        let stream = body.stream().map_err(malformed)?;
        let receiving =
            Receiving { stream: Some(stream), _body: body, _response: response, _future: future, sending };
        Ok(Response { status, body: Box::new(receiving) })
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        other => Method::Other(other.to_owned()),
    }
}

fn told(code: ErrorCode) -> EngineError {
    match code {
        ErrorCode::HttpRequestDenied => EngineError::Refused,
        ErrorCode::ConnectionRefused
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::ConfigurationError => EngineError::Unreachable(format!("{code:?}")),
        other => EngineError::Broken(format!("{other:?}")),
    }
}

/// Wait for the head of the answer, and send meanwhile.
fn wait(
    future: &FutureIncomingResponse,
    sending: &mut Option<Sending<'_>>,
) -> Result<IncomingResponse, EngineError> {
    loop {
        if let Some(answer) = future.get() {
            let twice = |()| EngineError::Broken("an answer was taken twice".to_owned());
            return answer.map_err(twice)?.map_err(told);
        }
        let arrived = future.subscribe();
        match sending.as_mut().and_then(|one| one.stream.as_ref()) {
            Some(stream) => {
                let room = stream.subscribe();
                let ready = poll(&[&arrived, &room]);
                drop(room);
                // Sending may wait for its source; an answer that came is looked at first.
                if ready.contains(&1) && !ready.contains(&0) {
                    send(sending)?;
                }
            }
            None => arrived.block(),
        }
    }
}

fn send(sending: &mut Option<Sending<'_>>) -> Result<(), EngineError> {
    match sending.as_mut().map(Sending::some) {
        Some(Err(error)) => Err(EngineError::Broken(error.to_string())),
        _ => Ok(()),
    }
}

/// A request's body on its way.
struct Sending<'a> {
    /// None: everything was sent. Goes before the body it belongs to.
    stream: Option<OutputStream>,
    body: Option<OutgoingBody>,
    source: Box<dyn Read + 'a>,
    piece: Vec<u8>,
    sent: usize,
}

impl Sending<'_> {
    /// Send what the host takes now. Reads the source when nothing is left of the last piece.
    fn some(&mut self) -> io::Result<()> {
        let Some(stream) = &self.stream else { return Ok(()) };
        if self.sent == self.piece.len() {
            self.piece.resize(PIECE, 0);
            let count = self.source.read(&mut self.piece)?;
            self.piece.truncate(count);
            self.sent = 0;
            if count == 0 {
                return self.finish();
            }
        }
        let room = match stream.check_write() {
            Ok(room) => usize::try_from(room).unwrap_or(usize::MAX),
            // Nobody reads any more: a program that ended before its input did.
            Err(_) => return self.finish(),
        };
        let next = room.min(self.piece.len() - self.sent);
        if next > 0 {
            if stream.write(&self.piece[self.sent..self.sent + next]).is_err() {
                return self.finish();
            }
            self.sent += next;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.stream = None;
        if let Some(body) = self.body.take() {
            // A body nobody wanted to the end is no fault of this side; the answer tells.
            let _ = OutgoingBody::finish(body, None);
        }
        Ok(())
    }
}

/// An answer's body, and what is left of the request's.
struct Receiving<'a> {
    // In the order they must go: each belongs to the one after it.
    stream: Option<InputStream>,
    _body: IncomingBody,
    _response: IncomingResponse,
    _future: FutureIncomingResponse,
    sending: Option<Sending<'a>>,
}

impl Read for Receiving<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(stream) = &self.stream else { return Ok(0) };
            match stream.read(into.len().min(PIECE) as u64) {
                Ok(bytes) if !bytes.is_empty() => {
                    let count = bytes.len().min(into.len());
                    into[..count].copy_from_slice(&bytes[..count]);
                    return Ok(count);
                }
                Ok(_) => {}
                Err(StreamError::Closed) => {
                    self.stream = None;
                    return Ok(0);
                }
                Err(StreamError::LastOperationFailed(error)) => {
                    self.stream = None;
                    return Err(io::Error::other(error.to_debug_string()));
                }
            }
            let arrived = stream.subscribe();
            match self.sending.as_mut().filter(|one| one.stream.is_some()) {
                None => arrived.block(),
                Some(sending) => {
                    let Some(out) = &sending.stream else { continue };
                    let room = out.subscribe();
                    let ready = poll(&[&arrived, &room]);
                    drop(room);
                    if !ready.contains(&0) {
                        drop(arrived);
                        sending.some()?;
                    }
                }
            }
        }
    }
}
