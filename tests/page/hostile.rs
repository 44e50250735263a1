//! Hostile requests, each with a name: every one is refused, none changes anything, and no answer gives anything away.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::open::{Page, everything};
use crate::raw::{Answer, Request, send, send_and_end};

/// One hostile request: its name, its bytes, and the statuses that refuse it; none: hung up on.
type Case = (String, Vec<u8>, &'static [Option<u16>]);

const BAD: &[Option<u16>] = &[Some(400)];
const LOCKED: &[Option<u16>] = &[Some(401)];
const FORBIDDEN: &[Option<u16>] = &[Some(403)];
const NOT_THERE: &[Option<u16>] = &[Some(404)];
const METHOD: &[Option<u16>] = &[Some(405)];
/// An answer may be lost where what was sent is not read.
const LONG_OR_NONE: &[Option<u16>] = &[Some(413), None];
const KIND: &[Option<u16>] = &[Some(415)];
const ASTRAY: &[Option<u16>] = &[Some(421)];
/// No HTTP that could be answered with more than a short word.
const NO_HTTP: &[Option<u16>] = &[Some(400), Some(414), Some(431), Some(505), None];

/// Everything a request needs to be let in is in these; each case takes something away or adds something.
struct Good<'a> {
    page: &'a Page,
    port: u16,
    own: String,
}

impl Good<'_> {
    fn read(&self) -> Request {
        Request::get(self.port, "/api/state").key(&self.page.key)
    }

    fn at(&self, path: &str) -> Request {
        Request::get(self.port, path).key(&self.page.key)
    }

    fn sync(&self) -> Request {
        let workspace = self.page.state()["workspaces"][0]["workspace"].clone();
        let body = json!({ "workspace": workspace, "verb": "sync", "options": {} }).to_string();
        Request::post(self.port, "/api/operations", &body).key(&self.page.key).with("Origin", &self.own)
    }

    fn post(&self, path: &str, body: &str) -> Request {
        Request::post(self.port, path, body).key(&self.page.key)
    }
}

fn hosts(good: &Good<'_>, cases: &mut Vec<Case>) {
    let port = good.port;
    let mut host = |name: String, request: Request, refused| {
        cases.push((format!("Host: {name}"), request.bytes(), refused));
    };
    let other = if port == 1 { 2 } else { 1 };
    for name in [
        format!("localhost:{port}"),
        format!("127.1:{port}"),
        format!("[::1]:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("host.docker.internal:{port}"),
        format!("0.0.0.0:{port}"),
        format!("2130706433:{port}"),
        format!("0x7f.1:{port}"),
        format!("127.0.0.1.:{port}"),
        format!("rebound.evil.example:{port}"),
        format!("127.0.0.1.nip.io:{port}"),
        format!("127.0.0.1@evil.example:{port}"),
        format!("127.0.0.1:{other}"),
        format!("127.0.0.1:0{port}"),
        "127.0.0.1".to_owned(),
        "evil.example".to_owned(),
        String::new(),
    ] {
        host(format!("{name:?}"), good.read().instead("Host", &name), ASTRAY);
    }
    host("absent".to_owned(), good.read().without("Host"), BAD);
    let two = good.read().with("Host", &format!("127.0.0.1:{port}"));
    host("two, the same".to_owned(), two, BAD);
    let two = good.read().with("Host", &format!("evil.example:{port}"));
    host("two, one of another page".to_owned(), two, BAD);
    let page = Request::get(port, "/").instead("Host", &format!("rebound.evil.example:{port}"));
    host("a rebound name asks for the page itself".to_owned(), page, ASTRAY);
}

fn other_pages(good: &Good<'_>, cases: &mut Vec<Case>) {
    let port = good.port;
    for origin in [
        "http://127.0.0.1:1".to_owned(),
        "http://127.0.0.1".to_owned(),
        format!("http://localhost:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}.evil.example"),
        "https://evil.example".to_owned(),
        "null".to_owned(),
        "file://".to_owned(),
        "chrome-extension://abcdefghijklmnop".to_owned(),
        String::new(),
    ] {
        let request = good.sync().instead("Origin", &origin);
        cases.push((format!("Origin: {origin:?} changes something"), request.bytes(), FORBIDDEN));
    }
    let read = good.read().with("Origin", "http://127.0.0.1:8888");
    cases.push(("Origin: the course's own Jupyter reads".to_owned(), read.bytes(), FORBIDDEN));
    let two = good.sync().with("Origin", "https://evil.example");
    cases.push(("two Origins".to_owned(), two.bytes(), FORBIDDEN));
    for site in ["cross-site", "same-site", "none", "", "SAME-ORIGIN"] {
        let request = good.read().with("Sec-Fetch-Site", site);
        cases.push((format!("Sec-Fetch-Site: {site:?} below /api"), request.bytes(), FORBIDDEN));
    }
    for site in ["cross-site", "same-site"] {
        let request = Request::get(port, "/").with("Sec-Fetch-Site", site).with("Sec-Fetch-Mode", "navigate");
        cases.push((format!("a link of another page ({site})"), request.bytes(), FORBIDDEN));
    }
    for dest in ["iframe", "frame", "embed", "object"] {
        let request =
            Request::get(port, "/").with("Sec-Fetch-Site", "same-origin").with("Sec-Fetch-Dest", dest);
        cases.push((format!("the page in an {dest}"), request.bytes(), FORBIDDEN));
    }
    let image = Request::get(port, "/").with("Sec-Fetch-Site", "none").with("Sec-Fetch-Dest", "image");
    cases.push(("the page as an image".to_owned(), image.bytes(), FORBIDDEN));
    let preflight = good
        .read()
        .line("OPTIONS /api/operations HTTP/1.1")
        .without("X-Kitbag-Key")
        .with("Origin", "https://evil.example")
        .with("Access-Control-Request-Method", "POST")
        .with("Access-Control-Request-Headers", "x-kitbag-key,content-type")
        .with("Access-Control-Request-Private-Network", "true");
    cases.push(("a CORS preflight".to_owned(), preflight.bytes(), METHOD));
    for method in ["HEAD", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "OPTIONS", "get", "POST"] {
        let request = good.read().line(&format!("{method} /api/state HTTP/1.1"));
        let refused: &[_] = if method == "POST" { BAD } else { METHOD };
        cases.push((format!("{method} of the state"), request.bytes(), refused));
    }
    cases.push(("a GET that would change something".to_owned(), good.at("/api/operations").bytes(), METHOD));
    cases.push(("a POST to the page".to_owned(), good.post("/", "{}").bytes(), METHOD));
    for kind in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain;charset=UTF-8",
        "text/plain; application/json",
        "application/json, text/plain",
        "application/json; charset=utf-7",
        "application/json; charset=utf-16le",
        "application/json; charset=utf-8; x=y",
        "application/jsonp",
        "application/vnd.api+json",
        "",
    ] {
        let request = good.sync().instead("Content-Type", kind);
        cases.push((format!("Content-Type: {kind:?}"), request.bytes(), KIND));
    }
    cases.push(("no Content-Type".to_owned(), good.sync().without("Content-Type").bytes(), KIND));
    let two = good.sync().with("Content-Type", "text/plain");
    cases.push(("two Content-Types".to_owned(), two.bytes(), KIND));
}

fn keys(good: &Good<'_>, stranger: &Page, cases: &mut Vec<Case>) {
    let (port, page) = (good.port, good.page);
    let bare = || Request::get(port, "/api/state");
    let mut case = |name: &str, request: Request| cases.push((name.to_owned(), request.bytes(), LOCKED));
    case("no key", bare());
    case(
        "events without a key, as EventSource asks",
        Request::get(port, "/api/events").with("Accept", "text/event-stream"),
    );
    case("an empty key", bare().key(""));
    case("a key that was never given", bare().key(&"0".repeat(64)));
    case("a key in large letters", bare().key(&page.key.to_uppercase()));
    case("the beginning of a key", bare().key(&page.key[..63]));
    case("two keys", bare().key(&page.key).key(&page.key));
    case("the key of another state root", bare().key(&stranger.key));
    case("the key behind the question mark", Request::get(port, &format!("/api/state?key={}", page.key)));
    case("the key as a cookie", bare().with("Cookie", &format!("X-Kitbag-Key={}", page.key)));
    case("the key as a bearer", bare().with("Authorization", &format!("Bearer {}", page.key)));
    case("no key for something unknown", Request::get(port, "/api/nothing"));
    case("no key for a command", Request::post(port, "/api/operations", "{}"));
    let (_, token) = page.address();
    case("a token instead of a key", bare().key(&token));
    assert_eq!(page.swap(&token).status, Some(200), "it was not used up by that");
    let session = |token: &str| Request::post(port, "/api/session", &json!({ "token": token }).to_string());
    case("a used token", session(&token));
    case("a token that was never given", session(&"0".repeat(64)));
    case("an empty token", session(""));
    case("a path for a token", session("../page.json"));
    case("a key for a token", session(&page.key));
    case("a token of another state root", session(&stranger.address().1));
    let (_, late) = page.address();
    let tokens = page.machine.home.join("agent/page-tokens");
    for file in fs::read_dir(tokens).unwrap().map(Result::unwrap) {
        let made: i64 = fs::read_to_string(file.path()).unwrap().parse().unwrap();
        fs::write(file.path(), (made - 10 * 60 * 1_000).to_string()).unwrap();
    }
    case("an expired token", session(&late));
}

fn bodies(good: &Good<'_>, cases: &mut Vec<Case>) {
    let port = good.port;
    let mut case = |name: &str, bytes: Vec<u8>, refused| cases.push((name.to_owned(), bytes, refused));
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    case("deep JSON", good.post("/api/operations", &deep).bytes(), BAD);
    case("deep JSON to the open door", Request::post(port, "/api/session", &deep).bytes(), BAD);
    case("no JSON", good.post("/api/operations", "verb=sync").bytes(), BAD);
    case("an empty body", good.post("/api/operations", "").bytes(), BAD);
    case("half a body", good.sync().instead("Content-Length", "9999").bytes(), NO_HTTP);
    let long = format!("{{\"token\":\"{}\"}}", "a".repeat(200_000));
    case("an oversized body", Request::post(port, "/api/session", &long).bytes(), LONG_OR_NONE);
    case(
        "an oversized promise",
        good.sync().instead("Content-Length", "18446744073709551616").bytes(),
        NO_HTTP_OR_LONG,
    );
    case("a negative length", good.sync().instead("Content-Length", "-1").bytes(), NO_HTTP);
    case("a length in words", good.sync().instead("Content-Length", "0x10").bytes(), NO_HTTP);
    case("two lengths", good.sync().with("Content-Length", "0").bytes(), NO_HTTP);
    case("no length", good.sync().without("Content-Length").bytes(), BAD);
    let chunks = |request: Request| {
        let body = format!("{:x}\r\n{}\r\n0\r\n\r\n", request.body.len(), request.body);
        Request { body, ..request }
    };
    let te = good.sync().without("Content-Length").with("Transfer-Encoding", "chunked");
    case("a body in chunks", chunks(te).bytes(), BAD);
    let both = chunks(good.sync().with("Transfer-Encoding", "chunked"));
    case("a length and chunks", both.bytes(), BAD);
    let odd = good.sync().with("Transfer-Encoding", "xchunked");
    case("chunks of an unknown kind", odd.bytes(), NO_HTTP);
    let inner = String::from_utf8(good.sync().bytes()).unwrap();
    let smuggled = Request::post(port, "/api/session", "{}")
        .instead("Content-Length", "4")
        .without("Connection")
        .with("Transfer-Encoding", "chunked");
    let smuggled = Request { body: format!("0\r\n\r\n{inner}"), ..smuggled };
    case("a command smuggled behind chunks", smuggled.bytes(), BAD);
    let behind = Request::get(port, "/api/state").without("Connection").with("Content-Length", "0");
    let behind = Request { body: inner.clone(), ..behind };
    case("a command behind a request without a key", behind.bytes(), LOCKED);
    let inside = good.read().without("Connection").with("Content-Length", &inner.len().to_string());
    let inside = Request { body: inner, ..inside };
    case("a GET with a command inside", inside.bytes(), BAD);
    case("a packed body", good.sync().with("Content-Encoding", "gzip").bytes(), BAD);
    case("a question before the body", good.sync().with("Expect", "100-continue").bytes(), BAD);
    let operation = |body: serde_json::Value| good.post("/api/operations", &body.to_string()).bytes();
    let workspace = good.page.state()["workspaces"][0]["workspace"].clone();
    for (name, verb, options) in [
        ("a verb the page has not", "exec", json!({})),
        ("an option for a verb", "--help", json!({})),
        ("an unknown option", "sync", json!({ "dry_run": true })),
        ("options that are no object", "sync", json!(["--yes"])),
        ("an option as a backend", "up", json!({ "backend": "x --yes" })),
        ("an option as a version", "restore", json!({ "path": "notes.md", "at": "--home=/tmp" })),
        ("a file outside", "resolve", json!({ "path": "../../etc/passwd", "keep": "this" })),
        ("a full path", "restore", json!({ "path": "/etc/passwd", "at": "00" })),
        ("the history's own folder", "resolve", json!({ "path": ".kitbag/packs", "keep": "this" })),
        ("a NUL in a name", "resolve", json!({ "path": "a\0b", "keep": "this" })),
        ("a terminal escape as a side", "resolve", json!({ "path": "notes.md", "keep": "\u{1b}[2J" })),
        ("a takeaway to nowhere", "takeaway", json!({ "file": "x.zip" })),
    ] {
        let body = json!({ "workspace": workspace, "verb": verb, "options": options });
        case(name, operation(body), BAD);
    }
    let more = json!({ "workspace": workspace, "verb": "sync", "options": {}, "home": "/tmp" });
    case("an unknown field", operation(more), BAD);
    for name in ["../..", "--json", "nobody", ""] {
        let body = json!({ "workspace": name, "verb": "sync", "options": {} });
        case(&format!("the workspace {name:?}"), operation(body), NOT_THERE);
    }
    case("setup in a workspace", operation(json!({ "workspace": workspace, "verb": "setup" })), BAD);
    let answer = json!({ "question": 1, "yes": true }).to_string();
    case("an answer to nothing", good.post("/api/operations/00/answer", &answer).bytes(), NOT_THERE);
    case("the end of nothing", good.post("/api/operations/00/cancel", "{}").bytes(), NOT_THERE);
}

const NO_HTTP_OR_LONG: &[Option<u16>] = &[Some(400), Some(413), None];

fn shapes(good: &Good<'_>, cases: &mut Vec<Case>) {
    let port = good.port;
    let mut case = |name: String, bytes: Vec<u8>, refused| cases.push((name, bytes, refused));
    for path in [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/.%2e/etc/passwd",
        "/static/..%00/x",
        "/index.html%00.js",
        "/api/workspaces/%2e%2e/doctor",
        "/api/workspaces/%00/doctor",
        "/api/workspaces/%ff%fe/doctor",
        "/api/workspaces/a%2Fb/doctor",
        "//evil.example/",
        "/api//state",
        "/./api/state",
    ] {
        case(format!("the path {path}"), good.at(path).bytes(), BAD);
    }
    for path in [
        "/%252e%252e%252fetc%252fpasswd",
        "/etc/passwd",
        "/agent/page.json",
        "/INDEX.HTML",
        "/index.html.bak",
        "/api/workspaces/%252e%252e/doctor",
        "/api/workspaces/..%5c..%5cetc/doctor",
        "/api/workspaces/nobody/open",
        "/api/operations/0/answer/1",
        "/api/state/x",
        "/api",
    ] {
        case(format!("the path {path}"), good.at(path).bytes(), NOT_THERE);
    }
    case("the path \\..\\windows".to_owned(), good.at("/\\..\\windows").bytes(), NO_HTTP);
    let history = |path: &str| good.at(&format!("/api/workspaces/{}/history?path={path}", workspace(good)));
    for path in ["..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", ".kitbag", "a%00b", "a&path=b", "%ff"] {
        case(format!("the history of {path}"), history(path).bytes(), BAD);
    }
    case("HTTP/1.0".to_owned(), good.read().line("GET /api/state HTTP/1.0").bytes(), BAD);
    case("HTTP/0.9".to_owned(), b"GET /api/state\r\n\r\n".to_vec(), NO_HTTP);
    case("HTTP/2".to_owned(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), NO_HTTP);
    case("HTTP/1.2".to_owned(), good.read().line("GET /api/state HTTP/1.2").bytes(), NO_HTTP);
    let full = format!("GET http://127.0.0.1:{port}/api/state HTTP/1.1");
    case("a full address".to_owned(), good.read().line(&full).bytes(), BAD);
    let other = "GET http://evil.example/api/state HTTP/1.1";
    case("a full address of another".to_owned(), good.read().line(other).bytes(), BAD);
    case("a tunnel".to_owned(), good.read().line("CONNECT evil.example:443 HTTP/1.1").bytes(), METHOD);
    case("everything".to_owned(), good.read().line("OPTIONS * HTTP/1.1").bytes(), METHOD);
    let upgrade = good.at("/api/events").instead("Connection", "Upgrade").with("Upgrade", "websocket");
    case("a socket".to_owned(), upgrade.bytes(), BAD);
    let h2c = good.read().instead("Connection", "Upgrade, HTTP2-Settings").with("Upgrade", "h2c");
    case("another protocol".to_owned(), h2c.bytes(), BAD);
    case("a very long header".to_owned(), good.read().with("X", &"a".repeat(100_000)).bytes(), NO_HTTP);
    let many = (0..500).fold(good.read(), |request, n| request.with(&format!("X-{n}"), "1"));
    case("very many headers".to_owned(), many.bytes(), NO_HTTP);
    case("a very long path".to_owned(), good.at(&format!("/{}", "a".repeat(9_000))).bytes(), NO_HTTP);
    case("a NUL in a header".to_owned(), good.read().with("X", "a\0b").bytes(), NO_HTTP);
    case("a folded header".to_owned(), good.read().with("X", "a\r\n b").bytes(), NO_HTTP);
    case("a blank before the colon".to_owned(), good.read().with("Host ", "evil").bytes(), NO_HTTP);
    case("no HTTP at all".to_owned(), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), NO_HTTP);
    case("nothing".to_owned(), Vec::new(), NO_HTTP);
    case("half a head".to_owned(), b"GET /api/state HTTP/1.1\r\nHost: ".to_vec(), NO_HTTP);
}

fn workspace(good: &Good<'_>) -> String {
    good.page.state()["workspaces"][0]["workspace"].as_str().unwrap().to_owned()
}

/// Headers every answer of the page itself carries; what hyper cannot read as HTTP it answers by itself, without a word.
#[track_caller]
fn is_dressed(name: &str, answer: &Answer) {
    for (header, value) in [
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri \
             'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "deny"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(header), Some(value), "{name}: {answer:?}");
    }
}

/// Shows "at least 40 hostile requests, all refused, nothing changed": each Host, Origin, method, content type, key, token,
/// body, path and shape of HTTP, with all else as a good request has it, which is let in before and after. First tier.
#[test]
fn hostile_requests_are_refused_and_change_nothing() {
    let (page, stranger) = (Page::new("HOME-PC"), Page::new("ANOTHER"));
    let good = Good { page: &page, port: page.port, own: format!("http://127.0.0.1:{}", page.port) };
    assert_eq!(good.read().send(page.port).status, Some(200), "a good request is let in");
    let mut cases = Vec::new();
    hosts(&good, &mut cases);
    other_pages(&good, &mut cases);
    keys(&good, &stranger, &mut cases);
    bodies(&good, &mut cases);
    shapes(&good, &mut cases);
    let names: std::collections::BTreeSet<_> = cases.iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), cases.len(), "each has a name of its own");
    let before = everything(&page);
    let mut wrong = Vec::new();
    for (name, bytes, refused) in &cases {
        // a part that never comes is waited for, which is another test's matter
        let part = name.starts_with("half") || name == "nothing";
        let answer = if part { send_and_end(page.port, bytes) } else { send(page.port, bytes) };
        let status = answer.status.map_or_else(|| "hung up".to_owned(), |status| status.to_string());
        println!("{status:>8}  {name}");
        if !refused.contains(&answer.status) {
            wrong.push(format!("{name}: {answer:?}"));
        }
        if !answer.body.is_empty() {
            is_dressed(name, &answer);
            assert!(answer.json()["error"]["remedy"].is_string(), "{name}: {answer:?}");
        }
        let all = format!("{}{}", answer.head, answer.body);
        assert!(!all.contains(&page.key) && !all.contains("access-control-"), "{name}: {answer:?}");
        assert!(!all.contains("set-cookie") && !all.contains("location:"), "{name}: {answer:?}");
        assert!(!answer.body.contains("HTTP/1.1 "), "one answer: {name}: {answer:?}");
    }
    println!("{} hostile requests", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= 40);
    assert_eq!(everything(&page), before);
    let state = page.state();
    assert_eq!(state["operations"], json!([]), "nothing was begun");
    assert_eq!(page.agents().len(), 1);
    assert_eq!(good.sync().send(page.port).status, Some(200), "the same request, whole, is followed");
}

/// Shows that whoever opens many connections and speaks slowly keeps the person out for seconds only, and that what is
/// sent byte by byte is not waited for. First tier.
#[test]
fn a_slow_caller_is_not_waited_for() {
    let page = Page::new("HOME-PC");
    let begun = Instant::now();
    let mut slow: Vec<TcpStream> = Vec::new();
    for _ in 0..80 {
        let mut stream = TcpStream::connect(("127.0.0.1", page.port)).unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: 127");
        slow.push(stream);
    }
    // each is hung up on although it goes on speaking
    let open = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let _ = stream.write_all(b".");
        match stream.read(&mut [0; 1024]) {
            Ok(0) => false,
            Ok(_) => false,
            Err(error) => {
                matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
            }
        }
    };
    while slow.iter_mut().any(open) {
        assert!(begun.elapsed() < Duration::from_secs(60), "hung up on in the end");
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("slow callers were hung up on after {:?}", begun.elapsed());
    assert_eq!(page.get("/api/state").status, Some(200));
    assert_eq!(page.agents().len(), 1);
}
