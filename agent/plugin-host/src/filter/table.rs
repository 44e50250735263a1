//! Every endpoint a plugin may use, one line each: what is not here does not exist for it. A path part in braces is
//! an object whose labels are looked at first (`{image}` is none's own unless the line says so); `force` names the
//! query key the host writes; `right` is a grant of its own.

use super::Refusal;
use super::pattern;
use super::query::Shape::{self, *};
use super::request::Asked;
use crate::grants::EngineRight;

/// A kind of object of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A container.
    Container,
    /// A command in a container.
    Exec,
    /// A volume.
    Volume,
    /// A network.
    Network,
    /// An image.
    Image,
}

/// What a request of an endpoint carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Nothing.
    Nothing,
    /// A JSON document, judged by its own table.
    Json(Document),
    /// An archive.
    Archive,
    /// What a program reads; the answer is what it writes.
    Raw,
}

/// The JSON documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// A container to make.
    Container,
    /// A command to make ready.
    Exec,
    /// A volume to make.
    Volume,
    /// A network to make.
    Network,
}

/// One line of the table.
#[derive(Debug)]
pub struct Endpoint {
    method: &'static str,
    path: &'static str,
    /// The query keys it knows.
    pub query: &'static [(&'static str, Shape)],
    /// What it carries.
    pub carries: Carries,
    /// The query key the host writes.
    pub force: Option<&'static str>,
    /// A grant of its own.
    pub right: Option<EngineRight>,
    /// Query keys that must be there.
    pub needs: &'static [&'static str],
    /// Whether an image in the path must be our own.
    pub own_image: bool,
    /// Whether the host may take its archive from a granted folder.
    pub package: bool,
}

const NONE: Endpoint = Endpoint {
    method: "GET",
    path: "",
    query: &[],
    carries: Carries::Nothing,
    force: None,
    right: None,
    needs: &[],
    own_image: false,
    package: false,
};

const fn get(path: &'static str, query: &'static [(&'static str, Shape)]) -> Endpoint {
    Endpoint { path, query, ..NONE }
}

const fn post(path: &'static str, query: &'static [(&'static str, Shape)]) -> Endpoint {
    Endpoint { method: "POST", path, query, ..NONE }
}

const fn json(path: &'static str, document: Document, query: &'static [(&'static str, Shape)]) -> Endpoint {
    Endpoint { method: "POST", path, query, carries: Carries::Json(document), ..NONE }
}

const fn list(path: &'static str, query: &'static [(&'static str, Shape)]) -> Endpoint {
    Endpoint { path, query, force: Some("filters"), ..NONE }
}

const BUILD: &[(&str, Shape)] = &[
    ("dockerfile", Below),
    ("t", Own),
    ("q", Flag),
    ("nocache", Flag),
    ("pull", Flag),
    ("rm", Flag),
    ("forcerm", Flag),
    ("buildargs", Texts),
    ("labels", Texts),
    ("platform", Word),
    ("target", Word),
    ("version", Only("1")),
];
const LOGS: &[(&str, Shape)] = &[
    ("follow", Flag),
    ("stdout", Flag),
    ("stderr", Flag),
    ("since", Number),
    ("until", Number),
    ("timestamps", Flag),
    ("tail", Tail),
];
const PUT: &[(&str, Shape)] = &[("path", Place), ("noOverwriteDirNonDir", Flag), ("copyUIDGID", Flag)];
const STREAMS: &[(&str, Shape)] =
    &[("logs", Flag), ("stream", Flag), ("stdin", Flag), ("stdout", Flag), ("stderr", Flag)];
const LIST: &[(&str, Shape)] = &[("all", Flag), ("limit", Number), ("size", Flag), ("filters", Filters)];
const IMAGES: &[(&str, Shape)] =
    &[("all", Flag), ("digests", Flag), ("shared-size", Flag), ("manifests", Flag), ("filters", Filters)];
const NETWORKS: Option<EngineRight> = Some(EngineRight::Networks);

/// The table. `/info` and the images are everybody's to see; the rest is by label.
const TABLE: [Endpoint; 43] = [
    get("_ping", &[]),
    Endpoint { method: "HEAD", path: "_ping", ..NONE },
    get("version", &[]),
    get("info", &[]),
    get("images/json", IMAGES),
    get("images/{image}/json", &[("manifests", Flag), ("platform", Texts)]),
    Endpoint {
        needs: &["fromImage"],
        ..post("images/create", &[("fromImage", Reference), ("tag", Reference), ("platform", Word)])
    },
    Endpoint {
        right: Some(EngineRight::ImagesLoad),
        carries: Carries::Archive,
        package: true,
        ..post("images/load", &[("quiet", Flag)])
    },
    Endpoint { right: Some(EngineRight::ImagesSave), ..get("images/{image}/get", &[]) },
    Endpoint {
        right: Some(EngineRight::ImagesSave),
        needs: &["names"],
        ..get("images/get", &[("names", Reference)])
    },
    Endpoint {
        method: "DELETE",
        path: "images/{image}",
        query: &[("force", Flag), ("noprune", Flag)],
        right: Some(EngineRight::ImagesBuild),
        own_image: true,
        ..NONE
    },
    Endpoint {
        right: Some(EngineRight::ImagesBuild),
        carries: Carries::Archive,
        package: true,
        force: Some("labels"),
        needs: &["t"],
        ..post("build", BUILD)
    },
    list("containers/json", LIST),
    json("containers/create", Document::Container, &[("name", Name), ("platform", Word)]),
    get("containers/{container}/json", &[("size", Flag)]),
    get("containers/{container}/logs", LOGS),
    get("containers/{container}/stats", &[("stream", Flag), ("one-shot", Flag)]),
    Endpoint { right: Some(EngineRight::ImagesSave), ..get("containers/{container}/export", &[]) },
    post("containers/{container}/start", &[]),
    post("containers/{container}/stop", &[("t", Number), ("signal", Word)]),
    post("containers/{container}/restart", &[("t", Number), ("signal", Word)]),
    post("containers/{container}/kill", &[("signal", Word)]),
    post("containers/{container}/pause", &[]),
    post("containers/{container}/unpause", &[]),
    post("containers/{container}/wait", &[("condition", Word)]),
    post("containers/{container}/resize", &[("h", Number), ("w", Number)]),
    Endpoint { carries: Carries::Raw, ..post("containers/{container}/attach", STREAMS) },
    Endpoint { method: "DELETE", ..get("containers/{container}", &[("v", Flag), ("force", Flag)]) },
    get("containers/{container}/archive", &[("path", Place)]),
    Endpoint { method: "HEAD", ..get("containers/{container}/archive", &[("path", Place)]) },
    Endpoint { method: "PUT", carries: Carries::Archive, ..get("containers/{container}/archive", PUT) },
    json("containers/{container}/exec", Document::Exec, &[]),
    get("exec/{exec}/json", &[]),
    Endpoint { carries: Carries::Raw, ..post("exec/{exec}/start", &[]) },
    post("exec/{exec}/resize", &[("h", Number), ("w", Number)]),
    list("volumes", &[("filters", Filters)]),
    json("volumes/create", Document::Volume, &[]),
    get("volumes/{volume}", &[]),
    Endpoint { method: "DELETE", ..get("volumes/{volume}", &[("force", Flag)]) },
    Endpoint { right: NETWORKS, ..list("networks", &[("filters", Filters)]) },
    Endpoint { right: NETWORKS, ..json("networks/create", Document::Network, &[]) },
    Endpoint { right: NETWORKS, ..get("networks/{network}", &[("verbose", Flag)]) },
    Endpoint { method: "DELETE", right: NETWORKS, ..get("networks/{network}", &[]) },
];

/// An object named in a path: what, under which name, and which segment it is.
pub type Named = (Kind, String, usize);

/// The line a request belongs to, and the object in its path.
///
/// # Errors
/// It belongs to none, or names an object with letters no object has.
pub fn find(asked: &Asked) -> Result<(&'static Endpoint, Option<Named>), Refusal> {
    for endpoint in &TABLE {
        if endpoint.method == asked.method
            && let Some(named) = fits(endpoint.path, &asked.segments)
        {
            if let Some((kind, name, _)) = &named {
                let good = match kind {
                    Kind::Exec => pattern::hex(name),
                    Kind::Image => pattern::reference(name),
                    _ => pattern::name(name),
                };
                if !good {
                    return Err(Refusal::new(format!("\"{name}\" can be nobody's name")));
                }
            }
            return Ok((endpoint, named));
        }
    }
    Err(Refusal::new(format!(
        "{} /{} is not among what a plugin may ask",
        asked.method,
        asked.segments.join("/")
    )))
}

/// Whether the segments are those of the pattern; an image may be several.
fn fits(path: &str, segments: &[String]) -> Option<Option<Named>> {
    let parts: Vec<&str> = path.split('/').collect();
    let object = parts.iter().position(|part| part.starts_with('{'));
    let Some(at) = object else {
        return (parts == segments).then_some(None);
    };
    let kind = match parts[at] {
        "{container}" => Kind::Container,
        "{exec}" => Kind::Exec,
        "{volume}" => Kind::Volume,
        "{network}" => Kind::Network,
        _ => Kind::Image,
    };
    let after = parts.len() - at - 1;
    let wide = segments
        .len()
        .checked_sub(at + after)
        .filter(|wide| *wide == 1 || kind == Kind::Image && *wide > 1)?;
    let name = segments[at..at + wide].join("/");
    let same = parts[..at] == segments[..at] && parts[at + 1..] == segments[at + wide..];
    same.then_some(Some((kind, name, at)))
}
