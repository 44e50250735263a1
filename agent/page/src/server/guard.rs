//! Who may speak to the page: decided from the method, the address, the headers and where the caller sits, before anything
//! else looks at the request. Other pages, programs behind a proxy, containers and names that were bent to 127.0.0.1 are
//! refused. A pure function, so that every rule stands in one table of tests. What it lets through below `/api` still
//! needs a key.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, Version, header};
use kitbag_core::finding::Finding;

/// Longest body that is read, in bytes.
pub const LONGEST_BODY: u64 = 64 * 1024;
/// Longest address, in bytes.
const LONGEST_ADDRESS: usize = 8 * 1024;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What of a request decides.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its address.
    pub uri: &'a Uri,
    /// Its version of HTTP.
    pub version: Version,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Where the caller sits.
    pub peer: IpAddr,
}

/// What the request may go on to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The page's own files, which hold nothing of anybody.
    File,
    /// Swapping a token for a key.
    Session,
    /// Everything else: with a key only.
    Keyed,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The caller is not on this computer.
    Elsewhere,
    /// Not HTTP/1.1.
    Version,
    /// An address with a host in it, or none of a page.
    Form,
    /// A path with steps, backslashes or hidden characters.
    Path,
    /// Neither GET nor POST.
    Method,
    /// No `Host`, or several.
    NoHost,
    /// Another `Host` than this page's.
    Host,
    /// From another page.
    Origin,
    /// The browser says that another page asked for it, or wants it inside another page.
    Site,
    /// A body whose length is not said, where there may be none, or packed.
    Body,
    /// A body that is too long.
    TooLong,
    /// A body that is not JSON.
    Kind,
    /// Another protocol is wanted.
    Upgrade,
}

impl Refused {
    /// The status it is answered with.
    pub fn status(self) -> StatusCode {
        match self {
            Refused::Elsewhere | Refused::Origin | Refused::Site => StatusCode::FORBIDDEN,
            Refused::Version
            | Refused::Form
            | Refused::Path
            | Refused::NoHost
            | Refused::Body
            | Refused::Upgrade => StatusCode::BAD_REQUEST,
            Refused::Method => StatusCode::METHOD_NOT_ALLOWED,
            Refused::Host => StatusCode::MISDIRECTED_REQUEST,
            Refused::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::Kind => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// What a person is told.
    pub fn finding(self) -> Finding {
        let why = match self {
            Refused::Elsewhere => "It does not come from this computer.",
            Refused::Version => "It is not HTTP/1.1.",
            Refused::Form => "Its address is not one of this page.",
            Refused::Path => "Its path has steps or hidden characters in it.",
            Refused::Method => "Only GET and POST are answered.",
            Refused::NoHost => "It does not say exactly once which address it means.",
            Refused::Host => "It means another address than this page's.",
            Refused::Origin => "It comes from another page.",
            Refused::Site => "The browser says that another page asked for it.",
            Refused::Body => "It brings a body in a way that is not accepted.",
            Refused::TooLong => "It brings more than is read.",
            Refused::Kind => "It brings something else than JSON.",
            Refused::Upgrade => "It asks for another protocol.",
        };
        Finding::new("this request was refused", why, "Open the page with `kitbag page`.")
    }
}

/// Whether a request may go on, and to what. `port` is the page's own.
///
/// # Errors
/// Why it may not.
pub fn check(asked: &Asked<'_>, port: u16) -> Result<Place, Refused> {
    if !asked.peer.is_loopback() {
        return Err(Refused::Elsewhere);
    }
    if asked.version != Version::HTTP_11 {
        return Err(Refused::Version);
    }
    // methods before forms: CONNECT and OPTIONS have forms of their own
    if asked.method != Method::GET && asked.method != Method::POST {
        return Err(Refused::Method);
    }
    if asked.uri.scheme().is_some() || asked.uri.authority().is_some() {
        return Err(Refused::Form);
    }
    let whole = asked.uri.path_and_query().map_or("", |whole| whole.as_str());
    if whole.len() > LONGEST_ADDRESS {
        return Err(Refused::Path);
    }
    path(asked.uri.path())?;
    host(asked.headers, port)?;
    origin(asked.headers, port)?;
    if asked.headers.contains_key(header::UPGRADE) {
        return Err(Refused::Upgrade);
    }
    let place = place(asked.uri.path());
    site(asked, place)?;
    body(asked, place)?;
    Ok(place)
}

fn place(path: &str) -> Place {
    match path {
        "/api/session" => Place::Session,
        _ if path == "/api" || path.starts_with("/api/") => Place::Keyed,
        _ => Place::File,
    }
}

fn path(path: &str) -> Result<(), Refused> {
    let Some(rest) = path.strip_prefix('/') else { return Err(Refused::Form) };
    if !rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err(Refused::Path);
    }
    for (at, segment) in rest.split('/').enumerate() {
        let bytes = decoded(segment).ok_or(Refused::Path)?;
        // an empty one is the top itself, and never between two others
        if segment.is_empty() && (at > 0 || rest.contains('/')) {
            return Err(Refused::Path);
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| Refused::Path)?;
        if matches!(text, "." | "..") || text.contains(['/', '\0']) {
            return Err(Refused::Path);
        }
    }
    Ok(())
}

/// What `%XX` stands for; none when it stands for nothing.
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        out.push(u8::try_from(high << 4 | low).ok()?);
    }
    Some(out)
}

/// The one value of a header that is there; none when it is not there.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

fn host(headers: &HeaderMap, port: u16) -> Result<(), Refused> {
    match only(headers, &header::HOST) {
        Ok(Some(host)) if host == format!("127.0.0.1:{port}") => Ok(()),
        Ok(Some(_)) => Err(Refused::Host),
        Ok(None) | Err(()) => Err(Refused::NoHost),
    }
}

fn origin(headers: &HeaderMap, port: u16) -> Result<(), Refused> {
    match only(headers, &header::ORIGIN) {
        Ok(None) => Ok(()),
        Ok(Some(origin)) if origin == format!("http://127.0.0.1:{port}") => Ok(()),
        _ => Err(Refused::Origin),
    }
}

/// `none` is what a browser says of an address a person opened; only the page itself is opened so. Programs say nothing.
fn site(asked: &Asked<'_>, place: Place) -> Result<(), Refused> {
    let of = |name| only(asked.headers, name).map_err(|()| Refused::Site);
    let (site, mode, dest) = (of(&FETCH_SITE)?, of(&FETCH_MODE)?, of(&FETCH_DEST)?);
    if matches!(dest, Some("iframe" | "frame" | "embed" | "object" | "fencedframe")) {
        return Err(Refused::Site);
    }
    let opened = || {
        place == Place::File
            && asked.method == Method::GET
            && mode.is_none_or(|mode| mode == "navigate")
            && dest.is_none_or(|dest| dest == "document")
    };
    match site {
        None | Some("same-origin") => Ok(()),
        Some("none") if opened() => Ok(()),
        Some(_) => Err(Refused::Site),
    }
}

fn body(asked: &Asked<'_>, place: Place) -> Result<(), Refused> {
    let headers = asked.headers;
    if headers.contains_key(header::TRANSFER_ENCODING)
        || headers.contains_key(header::TRAILER)
        || headers.contains_key(header::CONTENT_ENCODING)
        || headers.contains_key(header::EXPECT)
    {
        return Err(Refused::Body);
    }
    let length = only(headers, &header::CONTENT_LENGTH).map_err(|()| Refused::Body)?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let length = match length {
        None => None,
        Some(text) if digits(text) => Some(text.parse().unwrap_or(u64::MAX)),
        Some(_) => return Err(Refused::Body),
    };
    if asked.method == Method::GET {
        return if length.is_none_or(|length| length == 0) { Ok(()) } else { Err(Refused::Body) };
    }
    if place == Place::File {
        return Err(Refused::Method);
    }
    match length {
        None => return Err(Refused::Body),
        Some(length) if length > LONGEST_BODY => return Err(Refused::TooLong),
        Some(_) => {}
    }
    match only(headers, &header::CONTENT_TYPE) {
        Ok(Some(kind)) if is_json(kind) => Ok(()),
        _ => Err(Refused::Kind),
    }
}

/// `application/json`, at most with `charset=utf-8`.
fn is_json(kind: &str) -> bool {
    let (kind, charset) = kind.split_once(';').map_or((kind, None), |(kind, rest)| (kind, Some(rest.trim())));
    kind.trim_end().eq_ignore_ascii_case("application/json")
        && charset.is_none_or(|charset| charset.eq_ignore_ascii_case("charset=utf-8"))
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
