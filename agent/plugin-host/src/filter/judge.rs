//! The way of one request through the tables: its endpoint, its query, the objects it names, its body.

use kitbag_core::path::WorkPath;
use serde_json::Value;

use super::keys::Look;
use super::mounts::Source;
use super::request::{Asked, write};
use super::table::{self, Carries, Endpoint, Kind, Named};
use super::{Refusal, Rules, body, query};

/// What a request of this route brings that must be read before it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Nothing may come.
    Nothing,
    /// A JSON document.
    Json,
    /// Bytes that are passed on as they come.
    Stream,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Carried {
    /// Nothing.
    Nothing,
    /// This document, once [`super::fill`] has put in what tokens stand for.
    Json(Value),
    /// An archive, as it comes.
    Archive,
    /// An archive that the host takes from a granted folder.
    Package(Package),
    /// The connection becomes the program's input and output, after this document, if any.
    Raw(Option<Value>),
}

/// Something in a granted folder that is sent instead of a plugin's own bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The name of the folder.
    pub folder: String,
    /// What of it; none: all.
    pub below: Option<WorkPath>,
    /// Whether it is packed as a tar stream, or is a file whose bytes are sent.
    pub packed: bool,
}

/// What an object must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// There, and with our labels.
    Own,
    /// With our labels if it is there.
    OwnOrAbsent,
}

/// Labels to look at before the request is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Of what.
    pub kind: Kind,
    /// Of which.
    pub name: String,
    /// What it must be.
    pub want: Want,
    /// The segment of the path it stands in, to be replaced by its id (not an image's), so that what was looked at is
    /// what is touched.
    pub segment: Option<usize>,
}

/// A request that may be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// The method.
    pub method: String,
    version: Option<u16>,
    segments: Vec<String>,
    query: Vec<(String, String)>,
    /// Its body.
    pub carried: Carried,
    /// To be looked at first, in order.
    pub checks: Vec<Check>,
    /// Folders to be looked up first.
    pub sources: Vec<Source>,
}

impl Pass {
    /// Path and query, with the object's id in the place of the name it was asked by.
    pub fn target(&self, resolved: &[(usize, String)]) -> String {
        let mut segments = self.segments.clone();
        for (at, id) in resolved {
            id.clone_into(&mut segments[*at]);
        }
        write(self.version, &segments, &self.query)
    }
}

/// A request whose endpoint is known.
#[derive(Debug)]
pub struct Route {
    asked: Asked,
    endpoint: &'static Endpoint,
    named: Option<Named>,
}

/// Find the endpoint.
///
/// # Errors
/// There is none for a plugin, it is not granted, or its query is not as it should be.
pub fn route(mut asked: Asked, rules: Rules<'_>) -> Result<Route, Refusal> {
    let (endpoint, named) = table::find(&asked)?;
    let Some(engine) = &rules.grants.engine else { return Err(Refusal::new("nothing of it was granted")) };
    if let Some(right) = endpoint.right
        && !engine.rights.contains(&right)
    {
        return Err(Refusal::new(format!("\"{}\" was not granted", right.as_str())));
    }
    for (key, value) in &mut asked.query {
        let Some((_, shape)) = endpoint.query.iter().find(|(name, _)| name == key) else {
            return Err(Refusal::new(format!("the query key {key} is not passed on")));
        };
        *value = query::check(key, *shape, value)?;
    }
    if let Some(missing) = endpoint.needs.iter().find(|key| !asked.query.iter().any(|(name, _)| name == *key))
    {
        return Err(Refusal::new(format!("the query key {missing} is missing")));
    }
    if asked.start.is_some() && asked.segments.first().is_none_or(|first| first != "exec") {
        return Err(Refusal::new("the header kitbag-start belongs to the start of a command"));
    }
    if asked.carry.is_some() && !endpoint.package {
        return Err(Refusal::new("the header kitbag-body belongs to the loading and the building of images"));
    }
    Ok(Route { asked, endpoint, named })
}

/// `tar:FOLDER/PATH` or `file:FOLDER/PATH`.
fn package(text: &str, rules: Rules<'_>) -> Result<Package, Refusal> {
    let odd = || Refusal::new(format!("the header kitbag-body: \"{text}\" is nothing that can be sent"));
    let (kind, place) = text.split_once(':').ok_or_else(odd)?;
    let (folder, below) =
        place.split_once('/').map_or((place, None), |(folder, below)| (folder, Some(below)));
    if !rules.grants.folders.contains_key(folder) {
        return Err(Refusal::new(format!("the header kitbag-body: \"{folder}\" is no granted folder")));
    }
    // A slash to Windows, and what its drives end with.
    if below.is_some_and(|below| below.contains(['\\', ':'])) {
        return Err(odd());
    }
    let below = below.map(WorkPath::parse).transpose().map_err(|_| odd())?;
    match kind {
        "tar" => Ok(Package { folder: folder.to_owned(), below, packed: true }),
        "file" if below.is_some() => Ok(Package { folder: folder.to_owned(), below, packed: false }),
        _ => Err(odd()),
    }
}

impl Route {
    /// What comes with it.
    pub fn reads(&self) -> Reads {
        match self.endpoint.carries {
            Carries::Nothing => Reads::Nothing,
            Carries::Json(_) => Reads::Json,
            Carries::Archive | Carries::Raw => Reads::Stream,
        }
    }

    /// Judge it, with its JSON document if it has one.
    ///
    /// # Errors
    /// What of it is not allowed.
    pub fn judge(self, document: Option<&[u8]>, rules: Rules<'_>) -> Result<Pass, Refusal> {
        let Self { asked, endpoint, named } = self;
        let mut look = Look::new(rules);
        let Asked { method, version, mut segments, mut query, start, carry } = asked;
        if let Some((kind, name, at)) = named {
            match kind {
                Kind::Image if !endpoint.own_image => {}
                _ => {
                    look.must(kind, &name, Want::Own);
                    look.checks[0].segment = Some(at);
                }
            }
            if kind == Kind::Image {
                let after = segments.split_off(at + name.split('/').count());
                segments.truncate(at);
                segments.push(name);
                segments.extend(after);
            }
        }
        if let Some(key) = endpoint.force {
            query::force(&mut query, key, &mut look)?;
        }
        let carried = match endpoint.carries {
            Carries::Nothing => Carried::Nothing,
            Carries::Archive => match carry {
                Some(carry) => Carried::Package(package(&carry, rules)?),
                None => Carried::Archive,
            },
            Carries::Raw => Carried::Raw(body::start(&segments, start.as_deref())?),
            Carries::Json(kind) => {
                let text = document.unwrap_or_default();
                let value = serde_json::from_slice(text)
                    .map_err(|error| Refusal::new(format!("the body is no JSON document: {error}")))?;
                Carried::Json(body::judge(kind, &value, &mut look)?)
            }
        };
        let makes = matches!(endpoint.carries, Carries::Json(_)) || endpoint.force == Some("labels");
        if makes && rules.owner.environment.is_none() {
            return Err(Refusal::new("nothing can be made while no environment is asked about"));
        }
        Ok(Pass { method, version, segments, query, carried, checks: look.checks, sources: look.sources })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Owner, read};
    use crate::grants::{EngineGrant, EngineRight, Grants};

    fn judged(method: &str, target: &str, carry: &str) -> Result<Carried, Refusal> {
        let owner = Owner { workspace: "w".into(), machine: "m".into(), environment: Some("e".into()) };
        let rights = [EngineRight::ImagesBuild, EngineRight::ImagesLoad].into();
        let engine = EngineGrant { workspace: "w".into(), machine: "m".into(), rights };
        let grants = Grants {
            folders: [("package".to_owned(), "/somewhere".into())].into(),
            engine: Some(engine),
            ..Grants::default()
        };
        let rules = Rules { grants: &grants, owner: &owner };
        let asked = read(method, target, [("kitbag-body", carry.as_bytes())])?;
        Ok(route(asked, rules)?.judge(None, rules)?.carried)
    }

    #[test]
    fn a_body_comes_out_of_granted_folders_only() {
        let package = |below: Option<&str>, packed| {
            let below = below.map(|below| WorkPath::parse(below).unwrap());
            Carried::Package(Package { folder: "package".into(), below, packed })
        };
        assert_eq!(judged("POST", "/build?t=kitbag%2Fa:1", "tar:package"), Ok(package(None, true)));
        assert_eq!(
            judged("POST", "/build?t=kitbag%2Fa:1", "tar:package/a b/c"),
            Ok(package(Some("a b/c"), true))
        );
        assert_eq!(judged("POST", "/images/load", "file:package/x.tar"), Ok(package(Some("x.tar"), false)));
        for hostile in [
            "tar:work",
            "tar:/etc",
            "tar:package/../x",
            "tar:package//etc",
            "tar:package/./x",
            "tar:package/",
            "file:package",
            "file:package/",
            "file:/etc/passwd",
            "tar:",
            "",
            "package",
            "zip:package/x",
            "tar:package/C:\\x",
            "tar:package/a\\..\\b",
            "tar:package/a:b",
            "tar:{package}/x",
            "TAR:package/x",
            "tar:package/x\nhost: y",
            "file:package/x/..",
            "tar:Package/x",
        ] {
            assert!(judged("POST", "/images/load", hostile).is_err(), "{hostile:?}");
        }
        // nothing else takes it
        for (method, target) in [
            ("GET", "/version"),
            ("POST", "/containers/create"),
            ("PUT", "/containers/a/archive?path=%2Fx"),
            ("POST", "/exec/ab/start"),
            ("POST", "/images/create?fromImage=a"),
        ] {
            assert!(judged(method, target, "tar:package").is_err(), "{target}");
        }
    }
}
