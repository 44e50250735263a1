//! FakeEngine: not Docker, only as much of its API as the plugin uses, kept in memory and instant. It counts the
//! requests, and can end the "instance" at any of them, before or after the request took effect, as a crash of the
//! component or of the whole computer would.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use kitbag_sdk::engine::{Body, Engine, EngineError, Request, Response};
use serde_json::{Value, json};

/// When the instance ends at a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing has happened.
    Before,
    /// It has happened, but nobody heard the answer.
    After,
}

/// The end of an instance: what a trap unwinds with.
pub struct Trap;

#[derive(Debug, Clone)]
pub struct Container {
    pub request: Value,
    pub state: &'static str,
    pub code: i64,
    pub health: Option<&'static str>,
    pub number: usize,
}

#[derive(Default)]
pub struct FakeEngine {
    pub containers: RefCell<BTreeMap<String, Container>>,
    pub networks: RefCell<BTreeMap<String, Value>>,
    pub volumes: RefCell<BTreeMap<String, Value>>,
    /// What lies in a volume: one file.
    pub contents: RefCell<BTreeMap<String, String>>,
    /// Images that are there: the folders each declares.
    pub images: RefCell<BTreeMap<String, Vec<String>>>,
    /// Images a registry has.
    pub registry: RefCell<BTreeMap<String, Vec<String>>>,
    /// Every request that came: method and path without version.
    pub asked: RefCell<Vec<String>>,
    /// End the instance at the request of this number (from 0).
    pub trap: Cell<Option<(usize, Moment)>>,
    /// Answer the request of this number with this instead.
    pub fail: Cell<Option<(usize, u16, &'static str)>>,
    /// What `/version` says instead; or, for `None` inside, that nobody is there.
    pub version: RefCell<Option<Result<Value, EngineError>>>,
    /// Lines told while an image is fetched.
    pub told: RefCell<Option<String>>,
    /// Programs that run inside go on when their output has ended.
    pub lost: Cell<bool>,
    count: Cell<usize>,
    /// Each thing that is made gets a number of its own.
    numbers: Cell<usize>,
}

impl FakeEngine {
    /// How many requests came since the last time this was asked.
    pub fn counted(&self) -> usize {
        self.count.replace(0)
    }

    /// Everything that carries labels of kitbag: containers, networks, volumes.
    pub fn things(&self) -> usize {
        self.containers.borrow().len() + self.networks.borrow().len() + self.volumes.borrow().len()
    }

    fn number(&self) -> usize {
        self.numbers.replace(self.numbers.get() + 1)
    }

    fn answer(&self, request: &Request<'_>, body: &Value) -> (u16, Value) {
        let path =
            request.path.strip_prefix("/v1.").map_or(&*request.path, |rest| &rest[rest.find('/').unwrap()..]);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let no = |what: &str| (404, json!({ "message": format!("No such {what}") }));
        match (request.method, parts.as_slice()) {
            ("GET", ["version"]) => (
                200,
                json!({
                    "Version": "fake", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Arch": "amd64", "Os": "linux",
                }),
            ),
            ("GET", ["containers", "json"]) => {
                let all = self.containers.borrow();
                let mine = all.iter().filter(|(_, one)| wanted(query, &one.request["Labels"]));
                (200, mine.map(|(name, one)| listed(name, one)).collect())
            }
            ("GET", ["networks"]) => {
                let all = self.networks.borrow();
                (200, all.values().filter(|one| wanted(query, &one["Labels"])).cloned().collect())
            }
            ("GET", ["volumes"]) => {
                let all = self.volumes.borrow();
                // as of a real engine, the time moves when something is done in the volume
                let seen = |one: &Value| {
                    let mut one = one.clone();
                    one["CreatedAt"] = json!(format!("at {}", self.number()));
                    one
                };
                let mine: Value =
                    all.values().filter(|one| wanted(query, &one["Labels"])).map(seen).collect();
                (200, json!({ "Volumes": if mine == json!([]) { Value::Null } else { mine } }))
            }
            ("GET", ["images", name @ .., "json"]) => match self.images.borrow().get(&name.join("/")) {
                Some(declared) => {
                    let volumes: BTreeMap<_, _> =
                        declared.iter().map(|one| (one.clone(), json!({}))).collect();
                    let id = format!("sha256:{}", "ef".repeat(32));
                    (
                        200,
                        json!({ "Id": id, "Size": 1000, "Config": { "Volumes": volumes, "User": "1000:1000" } }),
                    )
                }
                None => no("image"),
            },
            ("POST", ["images", "create"]) => {
                let name = decoded(query.strip_prefix("fromImage=").unwrap().split('&').next().unwrap());
                match self.registry.borrow().get(&name) {
                    Some(declared) => drop(self.images.borrow_mut().insert(name, declared.clone())),
                    None => return (200, json!({ "errorDetail": { "message": "manifest unknown" } })),
                }
                (200, json!({ "status": "done" }))
            }
            ("POST", ["networks", "create"]) => {
                let name = body["Name"].as_str().unwrap().to_owned();
                if self.networks.borrow().contains_key(&name) {
                    return (409, json!({ "message": "network with that name exists" }));
                }
                let made = json!({ "Name": name, "Id": format!("id-{name}"), "Labels": body["Labels"] });
                self.networks.borrow_mut().insert(name, made);
                (201, json!({}))
            }
            ("POST", ["volumes", "create"]) => {
                let name = body["Name"].as_str().unwrap().to_owned();
                let made = json!({ "Name": name, "Labels": body["Labels"] });
                self.volumes.borrow_mut().entry(name).or_insert(made);
                (201, json!({}))
            }
            ("POST", ["containers", "create"]) => self.create(query, body),
            (_, ["containers", name, rest @ ..]) => self.container(request.method, name, rest),
            ("DELETE", ["networks", id]) => {
                let used =
                    self.containers.borrow().values().any(|one| {
                        one.request["HostConfig"]["NetworkMode"].as_str() == id.strip_prefix("id-")
                    });
                if used {
                    return (409, json!({ "message": "network has active endpoints" }));
                }
                gone(self.networks.borrow_mut().remove(id.strip_prefix("id-").unwrap()).is_some())
            }
            ("DELETE", ["volumes", name]) => {
                let uses = |one: &Container| mounts(&one.request).any(|mount| mount["Source"] == **name);
                if self.containers.borrow().values().any(uses) {
                    return (409, json!({ "message": "volume is in use" }));
                }
                self.contents.borrow_mut().remove(*name);
                gone(self.volumes.borrow_mut().remove(*name).is_some())
            }
            ("POST", ["exec", _, "start"]) => (200, Value::Null),
            ("GET", ["exec", _, "json"]) if self.lost.get() => {
                (200, json!({ "Running": true, "ExitCode": null }))
            }
            ("GET", ["exec", _, "json"]) => (200, json!({ "Running": false, "ExitCode": 0 })),
            other => panic!("FakeEngine does not know {other:?}"),
        }
    }

    fn create(&self, query: &str, body: &Value) -> (u16, Value) {
        let name = query.strip_prefix("name=").unwrap().to_owned();
        let missing = |what: String| (404, json!({ "message": what }));
        if self.containers.borrow().contains_key(&name) {
            return (409, json!({ "message": "the name is already in use" }));
        }
        if !self.images.borrow().contains_key(body["Image"].as_str().unwrap()) {
            return missing(format!("No such image {}", body["Image"]));
        }
        if let Some(network) = body["HostConfig"]["NetworkMode"].as_str()
            && network != "none"
            && !self.networks.borrow().contains_key(network)
        {
            return missing(format!("network {network} not found"));
        }
        // A real engine would make a volume without labels here; that must not happen.
        for mount in mounts(body).filter(|mount| mount["Type"] == "volume") {
            assert!(self.volumes.borrow().contains_key(mount["Source"].as_str().unwrap()), "{mount}");
        }
        let made = Container {
            request: body.clone(),
            state: "created",
            code: 0,
            health: None,
            number: self.number(),
        };
        self.containers.borrow_mut().insert(name, made);
        (201, json!({ "Id": "x" }))
    }

    fn container(&self, method: &str, name: &str, rest: &[&str]) -> (u16, Value) {
        let mut all = self.containers.borrow_mut();
        let Some(one) = all.get_mut(name) else { return (404, json!({ "message": "No such container" })) };
        match (method, rest) {
            ("GET", ["json"]) => {
                let mut state = json!({ "Status": one.state, "ExitCode": one.code });
                if let Some(health) = one.health {
                    state["Health"] = json!({ "Status": health });
                }
                (200, json!({ "State": state, "Config": { "Tty": false } }))
            }
            ("POST", ["start"]) => {
                if one.state == "running" {
                    return (304, Value::Null);
                }
                one.state = "running";
                one.health = one.request["Healthcheck"].is_object().then_some("healthy");
                (204, Value::Null)
            }
            ("POST", ["stop"]) => {
                if one.state != "running" {
                    return (304, Value::Null);
                }
                (one.state, one.code, one.health) = ("exited", 143, None);
                (204, Value::Null)
            }
            ("POST", ["exec"]) => (201, json!({ "Id": "e1" })),
            ("GET", ["logs"]) | ("GET" | "PUT", ["archive"]) => (200, Value::Null),
            ("DELETE", []) => {
                all.remove(name);
                (204, Value::Null)
            }
            other => panic!("FakeEngine does not know {other:?} of a container"),
        }
    }
}

impl Engine for FakeEngine {
    fn call<'a>(&self, mut request: Request<'a>) -> Result<Response<'a>, EngineError> {
        let number = self.count.replace(self.count.get() + 1);
        self.asked.borrow_mut().push(format!("{} {}", request.method, request.path));
        let trap = self.trap.get().filter(|(at, _)| *at == number);
        if trap.is_some_and(|(_, moment)| moment == Moment::Before) {
            std::panic::resume_unwind(Box::new(Trap));
        }
        if let Some((_, status, message)) = self.fail.get().filter(|(at, ..)| *at == number) {
            return Ok(response(status, json!({ "message": message }).to_string()));
        }
        if request.path == "/version"
            && let Some(said) = &*self.version.borrow()
        {
            return said.clone().map(|said| response(200, said.to_string()));
        }
        let mut sent = Vec::new();
        let body = match &mut request.body {
            Body::Json(text) => serde_json::from_str(text).unwrap(),
            Body::Stream(from) => {
                from.read_to_end(&mut sent).unwrap();
                Value::Null
            }
            Body::Empty => Value::Null,
        };
        let (status, said) = self.answer(&request, &body);
        let volume = self.copied(&request.path);
        if let (Some(volume), "PUT", 200) = (&volume, request.method, status) {
            self.unpack(volume, &sent);
        }
        if trap.is_some() {
            std::panic::resume_unwind(Box::new(Trap));
        }
        let told = self.told.borrow().clone().filter(|_| request.path.contains("/images/create"));
        let text = if said.is_null() { String::new() } else { said.to_string() };
        if let (Some(volume), "GET", 200) = (&volume, request.method, status) {
            return Ok(Response { status, body: Box::new(Cursor::new(self.pack(volume))) });
        }
        // An empty folder of the administrator.
        if request.method == "GET" && request.path.contains("/archive?") && status == 200 {
            let mut head = tar::Header::new_ustar();
            head.set_entry_type(tar::EntryType::Directory);
            head.set_size(0);
            head.set_uid(0);
            head.set_gid(0);
            let mut archive = tar::Builder::new(Vec::new());
            archive.append_data(&mut head, "folder", std::io::empty()).unwrap();
            return Ok(Response { status, body: Box::new(Cursor::new(archive.into_inner().unwrap())) });
        }
        // An exec's answer is a table of ports, in one frame: somebody listens on 8888.
        if request.path.ends_with("/start") && request.path.contains("/exec/") {
            let table = "0: 00000000:22B8 00000000:0000 0A\n";
            let mut frame = vec![1, 0, 0, 0, 0, 0, 0, u8::try_from(table.len()).unwrap()];
            frame.extend(table.as_bytes());
            return Ok(Response { status, body: Box::new(Cursor::new(frame)) });
        }
        Ok(response(status, told.map_or(text.clone(), |told| told + &text)))
    }
}

impl FakeEngine {
    /// The volume that a container is for copying from or to, where the request is for what lies in it.
    fn copied(&self, path: &str) -> Option<String> {
        let (path, query) = path.split_once("/archive?")?;
        let all = self.containers.borrow();
        let mount = mounts(&all.get(path.rsplit('/').next()?)?.request).next()?.clone();
        let target = mount["Target"].as_str().filter(|target| *target == "/kitbag-copy/data")?;
        assert!(
            decoded(query) == format!("path={target}") || decoded(query) == "path=/kitbag-copy",
            "{query}"
        );
        assert_eq!(mount["VolumeOptions"]["NoCopy"], true);
        Some(mount["Source"].as_str()?.to_owned())
    }

    fn pack(&self, volume: &str) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut head = tar::Header::new_ustar();
        head.set_entry_type(tar::EntryType::Directory);
        head.set_size(0);
        archive.append_data(&mut head, "data", std::io::empty()).unwrap();
        if let Some(text) = self.contents.borrow().get(volume) {
            let mut head = tar::Header::new_ustar();
            head.set_size(text.len() as u64);
            archive.append_data(&mut head, "data/file", text.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap()
    }

    fn unpack(&self, volume: &str, tar: &[u8]) {
        for entry in tar::Archive::new(tar).entries().unwrap() {
            let mut entry = entry.unwrap();
            if &*entry.path_bytes() == b"data/file" {
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                self.contents.borrow_mut().insert(volume.to_owned(), text);
            }
        }
    }
}

fn response<'a>(status: u16, text: String) -> Response<'a> {
    Response { status, body: Box::new(Cursor::new(text.into_bytes())) }
}

fn gone(was: bool) -> (u16, Value) {
    if was { (204, Value::Null) } else { (404, json!({ "message": "No such thing" })) }
}

fn mounts(request: &Value) -> impl Iterator<Item = &Value> {
    request["HostConfig"]["Mounts"].as_array().into_iter().flatten()
}

fn listed(name: &str, one: &Container) -> Value {
    let bound = one.request["HostConfig"]["PortBindings"].as_object().into_iter().flatten();
    let port = |(inner, outer): (&String, &Value)| {
        let inner: u16 = inner.trim_end_matches("/tcp").parse().unwrap();
        let outer: u16 = outer[0]["HostPort"].as_str().unwrap().parse().unwrap_or(49999);
        json!({ "PrivatePort": inner, "PublicPort": outer, "IP": "127.0.0.1" })
    };
    let ports: Vec<Value> = bound.filter(|_| one.state == "running").map(port).collect();
    json!({ "Id": format!("id-{}", one.number), "Names": [format!("/{name}")], "ImageID": one.request["Image"], "Labels": one.request["Labels"], "State": one.state, "Ports": ports })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        if let (b'%', Some(digits)) = (*first, more.get(..2)) {
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
            rest = &more[2..];
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Whether these labels pass the query's filter. A list without one would show things of others.
fn wanted(query: &str, labels: &Value) -> bool {
    let filters =
        query.split('&').find_map(|one| one.strip_prefix("filters=")).expect("a list without a filter");
    let filters: Value = serde_json::from_str(&decoded(filters)).unwrap();
    let wanted = filters["label"].as_array().unwrap();
    assert!(!wanted.is_empty());
    wanted.iter().all(|one| {
        let (key, value) = one.as_str().unwrap().split_once('=').unwrap();
        labels[key] == value
    })
}
