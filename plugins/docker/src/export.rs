//! What a person takes away: the same containers, mounts, ports and variables as this plugin would make, told as data,
//! and the images as one archive of the engine's own. Nothing of this computer stands in it: folders and the token are
//! names, and labels are left out. Without an engine the course can be described all the same, only without images.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use kitbag_sdk::engine::Request;
use kitbag_sdk::{Fault, FaultCode, Spec};
use serde_json::{Value, json};

use crate::api::Api;
use crate::body::{self, Around};
use crate::layout::{Condition, Container, From, Layout};
use crate::plan::{Have, How};
use crate::{look, names, plan, source};

/// Bytes moved at once.
const PIECE: usize = 1 << 20;

/// An image as it is on the engine.
struct Image {
    /// What it is started by on another engine.
    name: String,
    id: String,
    size: u64,
}

/// Describe it, with what the engine has or without one.
///
/// # Errors
/// `invalid-config` for a course that cannot be read; the engine's.
pub fn describe(api: Result<&Api<'_>, &Fault>, what: &Spec) -> Result<String, Fault> {
    let layout = source::read(&what.source)?;
    let have = match api {
        Ok(api) => look::have(api, &what.id, &layout)?,
        // what nearly every computer has; without images it decides only which name is told
        Err(_) => Have { arch: "amd64".into(), ..Have::default() },
    };
    let ports = body::ports(what);
    let around = Around { id: &what.id, layout: &layout, ports: &ports, env: &what.env };
    let (mut containers, mut notes) = (Vec::new(), Vec::new());
    let mut there = BTreeMap::<String, u64>::new();
    let mut missing = BTreeSet::new();
    for one in &layout.containers {
        let wanted = plan::image(one, &names::prefix(&what.id), &have)?;
        let mut told = wanted.name.clone();
        match api.ok().map(|api| image(api, &wanted.name)).transpose()?.flatten() {
            Some(image) => {
                there.insert(image.id, image.size);
                told = image.name;
            }
            None => drop(missing.insert(wanted.name.clone())),
        }
        let built = match &wanted.how {
            How::Build(build) => Some(build),
            _ => one.image.build.as_ref(),
        };
        let declared = have.images.get(&wanted.name).map(|facts| facts.volumes.clone()).unwrap_or_default();
        let request = around.container(one, &wanted.name, &declared, &have.volumes);
        containers.push(container(one, &told, built, &request, &declared, &ports));
    }
    if let Err(fault) = api {
        notes.push(format!("The images are not in here: {}", fault.message));
    } else if !missing.is_empty() {
        let names = missing.into_iter().collect::<Vec<_>>().join(", ");
        notes
            .push(format!("The images are not in here, since this computer's Docker does not have {names}."));
    }
    // a save has the headers of every file too
    let bytes =
        notes.is_empty().then(|| there.values().map(|size| size + size / 10 + (16 << 20)).sum::<u64>());
    let pages = layout.services.iter().filter(|one| one.page).filter_map(|one| {
        let container = one.container.as_ref()?;
        let page = json!({
            "service": one.name, "container": container, "inside": one.port?, "path": one.path, "token": one.token,
        });
        Some(page)
    });
    let pages: Vec<Value> = pages.collect();
    let services: BTreeMap<&str, &String> =
        layout.services.iter().filter_map(|one| Some((one.name.as_str(), one.container.as_ref()?))).collect();
    Ok(json!({ "containers": containers, "services": services, "pages": pages, "images_bytes": bytes, "notes": notes }).to_string())
}

fn container(
    one: &Container,
    image: &str,
    build: Option<&crate::layout::Build>,
    request: &Value,
    declared: &BTreeSet<String>,
    ports: &BTreeMap<String, u16>,
) -> Value {
    let env: BTreeMap<&str, &str> = request["Env"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one.as_str()?.split_once('='))
        .collect();
    let told = one.ports.iter().map(|port| {
        let outside = port.service.as_ref().and_then(|service| ports.get(service));
        json!({ "service": port.service, "inside": port.inside, "outside": outside })
    });
    let folders = one.mounts.iter().filter_map(|mount| match &mount.from {
        From::Folder { token, path } => {
            let below = (!path.is_empty()).then_some(path);
            Some(json!({ "from": { (token): below }, "target": mount.target, "read_only": mount.read_only }))
        }
        From::Volume(_) => None,
    });
    let volumes = body::volumes(one, declared).into_iter().map(|(target, part)| {
        let read_only = one.mounts.iter().any(|mount| mount.target == target && mount.read_only);
        json!({ "from": { "volume": part }, "target": target, "read_only": read_only })
    });
    let needs: BTreeMap<&str, &str> = one
        .needs
        .iter()
        .map(|(name, how)| (name.as_str(), if *how == Condition::Healthy { "healthy" } else { "started" }))
        .collect();
    let build = build.map(|build| {
        let context = (!build.context.is_empty()).then_some(&build.context);
        json!({ "context": context, "dockerfile": build.dockerfile, "args": build.args })
    });
    json!({
        "name": one.name, "image": image, "build": build, "ports": told.collect::<Vec<_>>(),
        "mounts": folders.chain(volumes).collect::<Vec<_>>(), "env": env, "command": one.command,
        "entrypoint": one.entrypoint, "working_dir": one.working_dir, "user": one.user, "health": one.health,
        "needs": needs,
    })
}

/// An image that is there. One that is named by its digest loses that name on the way and is told by its id.
fn image(api: &Api<'_>, name: &str) -> Result<Option<Image>, Fault> {
    let Some(found) = api.find(&format!("/images/{}/json", names::encode_image(name)))? else {
        return Ok(None);
    };
    let id = found["Id"].as_str().unwrap_or_default().to_owned();
    let size = found["Size"].as_u64().unwrap_or_default();
    let name = if name.contains('@') { id.clone() } else { name.to_owned() };
    Ok(Some(Image { name, id, size }))
}

/// Write the images of the description as one archive; gives its bytes.
///
/// # Errors
/// `not-found` when one of them is not there; the engine's.
pub fn images(api: &Api<'_>, what: &Spec, out: &mut dyn Write) -> Result<u64, Fault> {
    let layout: Layout = source::read(&what.source)?;
    let have = look::have(api, &what.id, &layout)?;
    let mut all = BTreeSet::new();
    for one in &layout.containers {
        let wanted = plan::image(one, &names::prefix(&what.id), &have)?;
        let Some(image) = image(api, &wanted.name)? else {
            let message = format!("This computer's Docker does not have the image {}.", wanted.name);
            return Err(Fault::new(FaultCode::NotFound, message)
                .remedy_command("Start the course once; that brings it.", &["kitbag", "up"]));
        };
        all.insert(image.name);
    }
    let query: Vec<String> = all.iter().map(|name| format!("names={}", names::encode(name))).collect();
    let mut answer = api.done(Request::new("GET", format!("/images/get?{}", query.join("&"))))?;
    let mut piece = vec![0; PIECE];
    let mut moved = 0;
    loop {
        let count = answer.body.read(&mut piece)?;
        if count == 0 {
            out.flush()?;
            return Ok(moved);
        }
        out.write_all(&piece[..count])?;
        moved += count as u64;
    }
}
