//! Every rule of the guard in one table: what a request differs in from one that is let through, and what it comes to.

use super::*;

const PORT: u16 = 40_123;

struct Made {
    method: Method,
    uri: String,
    version: Version,
    headers: Vec<(&'static str, String)>,
    peer: IpAddr,
}

fn get(uri: &str) -> Made {
    Made {
        method: Method::GET,
        uri: uri.to_owned(),
        version: Version::HTTP_11,
        headers: vec![("host", format!("127.0.0.1:{PORT}"))],
        peer: [127, 0, 0, 1].into(),
    }
}

fn post(uri: &str) -> Made {
    let made = Made { method: Method::POST, ..get(uri) };
    made.with("content-type", "application/json").with("content-length", "2")
}

impl Made {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(held, _)| *held != name);
        self
    }

    fn instead(self, name: &'static str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    fn method(self, method: &str) -> Self {
        Made { method: method.parse().unwrap(), ..self }
    }

    fn came_to(&self) -> Result<Place, Refused> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(*name, axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let uri = self.uri.parse().unwrap();
        let (method, version, peer) = (&self.method, self.version, self.peer);
        check(&Asked { method, uri: &uri, version, headers: &headers, peer }, PORT)
    }
}

#[test]
fn what_the_page_itself_asks_is_let_through() {
    let own = &format!("http://127.0.0.1:{PORT}");
    for (what, made, place) in [
        ("a program asks for the page", get("/"), Place::File),
        ("a file", get("/app.js").with("sec-fetch-site", "same-origin"), Place::File),
        (
            "a person opens it",
            get("/")
                .with("sec-fetch-site", "none")
                .with("sec-fetch-mode", "navigate")
                .with("sec-fetch-dest", "document"),
            Place::File,
        ),
        ("the page reads", get("/api/state").with("sec-fetch-site", "same-origin"), Place::Keyed),
        ("a name in it", get("/api/workspaces/a%20b%C3%BC/history?path=x%2Fy"), Place::Keyed),
        ("the page swaps its token", post("/api/session").with("origin", own), Place::Session),
        ("the page changes something", post("/api/operations").with("origin", own), Place::Keyed),
        (
            "with its charset",
            post("/api/operations").instead("content-type", "application/json; charset=UTF-8"),
            Place::Keyed,
        ),
        ("nothing below the top", get("/api"), Place::Keyed),
        ("a name that only begins so", get("/apish"), Place::File),
        ("an empty body said aloud", get("/api/state").with("content-length", "0"), Place::Keyed),
    ] {
        assert_eq!(made.came_to(), Ok(place), "{what}");
    }
}

#[test]
fn everything_else_is_refused() {
    let host = |host: &str| get("/api/state").instead("host", host);
    let origin = |origin: &str| post("/api/session").with("origin", origin);
    let site = |site: &str| get("/api/state").with("sec-fetch-site", site);
    let kind = |kind: &str| post("/api/operations").instead("content-type", kind);
    let mut table = vec![
        ("another computer", Made { peer: [192, 168, 1, 7].into(), ..get("/") }, Refused::Elsewhere),
        ("a container", Made { peer: [172, 17, 0, 2].into(), ..get("/") }, Refused::Elsewhere),
        ("HTTP/1.0", Made { version: Version::HTTP_10, ..get("/") }, Refused::Version),
        ("HTTP/2", Made { version: Version::HTTP_2, ..get("/") }, Refused::Version),
        ("an address with a host", get(&format!("http://127.0.0.1:{PORT}/")), Refused::Form),
        ("another page's address", get("http://example.org/"), Refused::Form),
        ("no host", get("/").without("host"), Refused::NoHost),
        ("two hosts", get("/").with("host", &format!("127.0.0.1:{PORT}")), Refused::NoHost),
        ("two origins", origin("null").with("origin", "null"), Refused::Origin),
        ("in a frame", get("/").with("sec-fetch-dest", "iframe"), Refused::Site),
        ("opened below /api", site("none"), Refused::Site),
        (
            "an image of the page",
            get("/").with("sec-fetch-site", "none").with("sec-fetch-dest", "image"),
            Refused::Site,
        ),
        ("two sites", site("same-origin").with("sec-fetch-site", "cross-site"), Refused::Site),
        ("a socket", get("/api/events").with("upgrade", "websocket"), Refused::Upgrade),
        ("a GET with a body", get("/api/state").with("content-length", "2"), Refused::Body),
        ("chunks", post("/api/session").with("transfer-encoding", "chunked"), Refused::Body),
        (
            "chunks without a length",
            post("/api/session").without("content-length").with("transfer-encoding", "chunked"),
            Refused::Body,
        ),
        ("a packed body", post("/api/session").with("content-encoding", "gzip"), Refused::Body),
        ("a question before the body", post("/api/session").with("expect", "100-continue"), Refused::Body),
        ("no length", post("/api/session").without("content-length"), Refused::Body),
        ("two lengths", post("/api/session").with("content-length", "3"), Refused::Body),
        ("a length with a sign", post("/api/session").instead("content-length", "+2"), Refused::Body),
        ("too long", post("/api/session").instead("content-length", "65537"), Refused::TooLong),
        (
            "longer than numbers",
            post("/api/session").instead("content-length", "99999999999999999999999"),
            Refused::TooLong,
        ),
        ("no kind", post("/api/session").without("content-type"), Refused::Kind),
        ("two kinds", post("/api/session").with("content-type", "application/json"), Refused::Kind),
        ("a POST to a file", post("/index.html"), Refused::Method),
        ("a very long address", get(&format!("/{}", "a".repeat(9_000))), Refused::Path),
    ];
    for name in [
        "localhost",
        "127.0.0.1",
        "127.1",
        "[::1]",
        "host.docker.internal",
        "0.0.0.0",
        "2130706433",
        "127.0.0.1.nip.io",
        "evil.example",
        "",
    ] {
        table.push(("a host without the port", host(name), Refused::Host));
        table.push(("a host with the port", host(&format!("{name}.:{PORT}")), Refused::Host));
        if name != "127.0.0.1" {
            table.push(("another name for it", host(&format!("{name}:{PORT}")), Refused::Host));
        }
    }
    for other in ["127.0.0.1:1", "127.0.0.1:040123", "127.0.0.1:40123 ", "user@127.0.0.1:40123"] {
        table.push(("nearly the host", host(other), Refused::Host));
    }
    for other in [
        "null",
        "",
        "file://",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "https://127.0.0.1:40123",
        "http://localhost:40123",
        "http://127.0.0.1:40123/",
        "http://127.0.0.1:40123.evil.example",
        "HTTP://127.0.0.1:40123",
    ] {
        table.push(("another origin", origin(other), Refused::Origin));
    }
    for other in ["cross-site", "same-site", "", "Same-Origin", "same-origin, cross-site"] {
        table.push(("another site", site(other), Refused::Site));
    }
    for method in ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get"] {
        table.push(("another method", get("/api/state").method(method), Refused::Method));
    }
    for other in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain; application/json",
        "application/jsonp",
        "application/json, text/plain",
        "application/json; charset=utf-7",
        "application/json; charset=utf-16",
        "application/json; charset=utf-8; x=y",
        "application/json;",
        "application/vnd.api+json",
        "",
    ] {
        table.push(("another kind", kind(other), Refused::Kind));
    }
    for path in [
        "/../etc/passwd",
        "/a/../../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/.%2E/etc/passwd",
        "/%2e",
        "/a%2f..%2fb",
        "/api/workspaces/%00/doctor",
        "/api/workspaces/%ff/doctor",
        "/api/workspaces/%zz/doctor",
        "/api/workspaces/%2/doctor",
        "//evil.example/",
        "/api//state",
        "/api/state/",
    ] {
        table.push(("another path", get(path), Refused::Path));
    }
    for (what, made, refused) in &table {
        assert_eq!(made.came_to(), Err(*refused), "{what}: {} {:?}", made.uri, made.headers);
        let finding = refused.finding();
        assert!(refused.status().is_client_error() && !finding.why.is_empty() && !finding.remedy.is_empty());
    }
}

#[test]
fn what_is_encoded_is_decoded_once() {
    assert_eq!(decoded("a%20b%2520").unwrap(), b"a b%20");
    assert_eq!(decoded("%"), None);
    assert_eq!(decoded("%4"), None);
    assert_eq!(decoded("%g0"), None);
}
