//! Where an engine is looked for, on computers that are only described; and a connection to a socket that is real.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::place::{Address, Surroundings, find};
use super::{Place, Trouble};
use crate::places::System;

/// A computer that is only described.
struct Described {
    system: System,
    variables: Vec<(&'static str, &'static str)>,
    files: BTreeMap<PathBuf, String>,
    there: Vec<&'static str>,
}

impl Described {
    fn new(system: System) -> Self {
        Self { system, variables: Vec::new(), files: BTreeMap::new(), there: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.to_owned());
        self
    }

    fn there(mut self, path: &'static str) -> Self {
        self.there.push(path);
        self
    }
}

impl Surroundings for Described {
    fn system(&self) -> System {
        self.system
    }
    fn home(&self) -> Option<PathBuf> {
        Some("/home/ann".into())
    }
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }
    fn read(&self, path: &Path) -> Option<String> {
        self.files.get(path).cloned()
    }
    fn folders(&self, path: &Path) -> Vec<PathBuf> {
        let inside = self.files.keys().filter_map(|file| file.strip_prefix(path).ok()?.components().next());
        let mut all: Vec<PathBuf> = inside.map(|name| path.join(name)).collect();
        all.dedup();
        all
    }
    fn there(&self, address: &Address) -> bool {
        self.there.contains(&address.to_string().as_str())
    }
}

fn found(around: &Described) -> (String, String, bool) {
    let place = find(around).unwrap();
    (place.address.to_string(), place.because.clone(), place.remote())
}

fn told(around: &Described) -> String {
    match find(around) {
        Err(Trouble::Settings(text)) => text,
        other => panic!("{other:?}"),
    }
}

const META: &str = "/home/ann/.docker/contexts/meta/";

fn context(host: &str) -> Described {
    Described::new(System::Linux)
        .file("/home/ann/.docker/config.json", "{\"currentContext\":\"lab\",\"auths\":{}}")
        .file(&format!("{META}aaa/meta.json"), "{\"Name\":\"other\",\"Endpoints\":{\"docker\":{\"Host\":\"unix:///o\"}}}")
        .file(
            &format!("{META}bbb/meta.json"),
            &format!("{{\"Name\":\"lab\",\"Metadata\":{{}},\"Endpoints\":{{\"docker\":{{\"Host\":\"{host}\",\"SkipTLSVerify\":false}}}}}}"),
        )
}

#[test]
fn the_usual_places_in_their_order() {
    let bare = Described::new(System::Linux);
    assert_eq!(found(&bare).0, "/var/run/docker.sock");
    let two = Described::new(System::MacOs)
        .there("/home/ann/.colima/default/docker.sock")
        .there("/home/ann/.docker/run/docker.sock");
    assert_eq!(found(&two), ("/home/ann/.docker/run/docker.sock".into(), "Docker Desktop".into(), false));
    let rootless = Described::new(System::Linux).with("XDG_RUNTIME_DIR", "/run/user/1000");
    assert_eq!(found(&rootless.there("/run/user/1000/docker.sock")).1, "Docker without root");
    let windows = Described::new(System::Windows);
    assert_eq!(found(&windows).0, r"\\.\pipe\docker_engine");
    assert_eq!(found(&windows.there(r"\\.\pipe\dockerDesktopLinuxEngine")).1, "Docker Desktop");
}

#[test]
fn variables_go_before_contexts_and_both_before_the_usual() {
    assert_eq!(found(&context("unix:///c")).0, "/c");
    assert_eq!(found(&context("unix:///c")).1, "the context lab of docker");
    assert_eq!(found(&context("unix:///c").with("DOCKER_CONTEXT", "other")).0, "/o");
    assert_eq!(found(&context("unix:///c").with("DOCKER_CONTEXT", "default")).0, "/var/run/docker.sock");
    assert_eq!(found(&context("unix:///c").with("DOCKER_HOST", "unix:///h")).1, "DOCKER_HOST");
    assert!(told(&context("unix:///c").with("DOCKER_CONTEXT", "gone")).contains("gone"));
    assert!(told(&context("ssh://ann@lab")).contains("ssh"));
    let broken = Described::new(System::Linux).file("/home/ann/.docker/config.json", "{");
    assert_eq!(found(&broken).0, "/var/run/docker.sock");
}

#[test]
fn a_port_elsewhere_wants_a_certificate() {
    let host = |value| Described::new(System::Linux).with("DOCKER_HOST", value);
    assert_eq!(found(&host("tcp://127.0.0.1")), ("127.0.0.1:2375".into(), "DOCKER_HOST".into(), false));
    assert_eq!(found(&host("tcp://localhost:99/")).0, "localhost:99");
    assert_eq!(found(&host("tcp://[::1]:99")).0, "::1:99");
    for bad in [
        "tcp://lab.example:2375",
        "tcp://10.0.0.1",
        "tcp://",
        "tcp://a@127.0.0.1:1",
        "tcp://127.0.0.1:x",
        "fd://",
        "x",
    ] {
        told(&host(bad));
    }
    let sure = host("tcp://lab.example").with("DOCKER_TLS_VERIFY", "1").with("DOCKER_CERT_PATH", "/certs");
    assert_eq!(found(&sure), ("lab.example:2376".into(), "DOCKER_HOST".into(), true));
    let Ok(Place { address: Address::Port { tls: Some(tls), .. }, .. }) = find(&sure) else { panic!() };
    assert_eq!(tls.folder, Path::new("/certs"));
    let ca = "/home/ann/.docker/contexts/tls/bbb/docker/ca.pem";
    assert_eq!(found(&context("tcp://lab.example:9").file(ca, "-")).0, "lab.example:9");
    told(&context("tcp://lab.example:9"));
}

#[test]
fn pipes_are_of_this_computer() {
    let host = |value| Described::new(System::Windows).with("DOCKER_HOST", value);
    assert_eq!(found(&host("npipe:////./pipe/docker_engine")).0, r"\\.\pipe\docker_engine");
    for bad in ["npipe:////server/pipe/docker_engine", "npipe://", "npipe:////./pipe/"] {
        told(&host(bad));
    }
}

/// The first words of what answers tell an engine from something else, and one that wants TLS from one that does not.
#[cfg(unix)]
#[test]
fn a_ping_tells_what_answers() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let place = Place { address: Address::Socket(path.clone()), because: "a test".to_owned() };
    let run = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    let answer = |said: &'static str| {
        let listener = listener.try_clone().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = [0; 256];
            let read = stream.read(&mut heard).unwrap();
            stream.write_all(said.as_bytes()).unwrap();
            String::from_utf8_lossy(&heard[..read]).into_owned()
        });
        let told = run.block_on(super::ping(&place));
        assert!(server.join().unwrap().starts_with("GET /_ping HTTP/1.0\r\n"));
        told
    };
    answer("HTTP/1.0 200 OK\r\n\r\nOK").unwrap();
    // it is there; what is the matter with it the plugin is told in full
    answer("HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap();
    let tls = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    assert!(matches!(answer(tls), Err(Trouble::Settings(text)) if text.contains("DOCKER_CERT_PATH")));
    for other in ["", "SSH-2.0-OpenSSH_9.2\r\n"] {
        assert!(matches!(answer(other), Err(Trouble::NoAnswer { .. })), "{other:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_the_matter_is_told_apart() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let place = Place { address: Address::Socket(path.clone()), because: "a test".to_owned() };
    let run = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    run.block_on(async {
        assert!(matches!(super::connect(&place).await, Err(Trouble::Absent(_))));
        let listener = UnixListener::bind(&path).unwrap();
        let answer = std::thread::spawn(move || {
            use std::io::{Read, Write};
            let (mut stream, _) = listener.accept().unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            stream.write_all(said.to_uppercase().as_bytes()).unwrap();
        });
        let mut stream = super::connect(&place).await.unwrap();
        stream.write_all(b"half closed").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "HALF CLOSED");
        answer.join().unwrap();
        // The socket is there, and nobody listens any more.
        assert!(matches!(super::connect(&place).await, Err(Trouble::NoAnswer { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
        // Root may open everything.
        if !rustix::process::geteuid().is_root() {
            assert!(matches!(super::connect(&place).await, Err(Trouble::NotAllowed(_))));
        }
    });
}
