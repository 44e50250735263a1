//! A course's own container reaches for the page: through the gateway to the host it finds nobody, and through a program
//! that hands calls on to 127.0.0.1, as Docker Desktop does, it is refused. Says so where no engine is; fails with
//! KITBAG_REQUIRE_DOCKER.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use crate::image::{docker, engine, small_image};
use crate::open::{Page, everything};

/// Hands every call on to a port of 127.0.0.1: a fake of what Docker Desktop has between containers and the host.
fn forward(to: u16) -> u16 {
    let listener = TcpListener::bind(("0.0.0.0", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for from in listener.incoming().map_while(Result::ok) {
            let to = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut up, mut down) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let (mut from, mut to) = (from, to);
            thread::spawn(move || {
                let _ = copy(&mut up, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            thread::spawn(move || {
                let _ = copy(&mut down, &mut from);
                let _ = from.shutdown(Shutdown::Write);
            });
        }
    });
    port
}

/// Ask from inside a container; what came back, empty when nobody answered.
fn inside(image: &str, port: u16, request: &str) -> String {
    let request = request.replace('\r', "\\r").replace('\n', "\\n");
    // the pause keeps its side open until the answer has come
    let script = format!(
        "(printf '{request}'; /bin/busybox sleep 1) | /bin/busybox nc -w 5 host.docker.internal {port} 2>&1; true"
    );
    let name = format!("kitbag-test-page-{}-{port}", std::process::id());
    let args = ["run", "--rm", "--name", &name, "--add-host", "host.docker.internal:host-gateway", image];
    docker(None, &[&args[..], &["/bin/busybox", "sh", "-c", &script]].concat()).unwrap()
}

/// Shows "from inside a container through the host gateway: refused". First tier, with an engine.
#[test]
fn a_container_is_refused() {
    if !engine() {
        return;
    }
    let image = small_image(None);
    let page = Page::new("HOME-PC");
    let before = everything(&page);
    let get =
        |host: &str, path: &str| format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let direct = inside(&image, page.port, &get(&format!("host.docker.internal:{}", page.port), "/"));
    assert!(!direct.contains("HTTP/1.1"), "nobody listens at the gateway: {direct}");
    println!("through the gateway: nobody there");
    let through = forward(page.port);
    let own = format!("127.0.0.1:{}", page.port);
    for (host, path, refused) in [
        (format!("host.docker.internal:{through}"), "/", "421"),
        (format!("host.docker.internal:{}", page.port), "/api/state", "421"),
        (format!("127.0.0.1:{through}"), "/api/state", "421"),
        // one that knows the port still has no key
        (own.clone(), "/api/state", "401"),
        (own.clone(), "/api/events", "401"),
    ] {
        let said = inside(&image, through, &get(&host, path));
        println!("{refused}  {path} as {host}");
        assert!(said.starts_with(&format!("HTTP/1.1 {refused} ")), "{host} {path}: {said}");
    }
    let token = "0".repeat(64);
    let body = format!("{{\"token\":\"{token}\"}}");
    let post = format!(
        "POST /api/session HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let said = inside(&image, through, &post);
    assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
    assert_eq!(everything(&page), before);
}
