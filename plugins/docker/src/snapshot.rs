//! Copies of the data an environment keeps in its volumes, made by the engine's own means: two containers that are
//! never started, one with the volume that is read and one with that which is written, and a tar stream from the one
//! to the other, which carries owners, rights and times. So no program of the image is needed. What lies in the
//! containers themselves is not in it. [`crate::volumes`] says what is whole; each verb begins by taking away what is
//! not, so it may be killed at any request.

use std::collections::BTreeMap;

use kitbag_sdk::engine::Request;
use kitbag_sdk::{EnvRef, Fault, FaultCode, Snap};
use serde_json::{Map, Value, json};

use crate::api::{Api, refused, whole};
use crate::archive::Counting;
use crate::volumes::{About, Snapshot, Volume, Volumes};
use crate::{body, look, names, plan, run};

/// Where a volume is in a container that is made for copying: a folder of it and its name there.
const FOLDER: &str = "/kitbag-copy";
const NAME: &str = "data";

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amount {
    bytes: u64,
    entries: u64,
}

/// The whole snapshots, in the order they were taken in.
///
/// # Errors
/// The engine's.
pub fn list(api: &Api<'_>, id: &EnvRef) -> Result<Vec<Snap>, Fault> {
    Ok(look::volumes(api, id)?.snapshots.iter().map(Snapshot::told).collect())
}

/// Copy the environment's volumes.
///
/// # Errors
/// `not-ready` while it runs, `not-found` without one, `unsupported` for a course without volumes, `quota` where there
/// is no room; the engine's. Nothing is left of it then.
pub fn take(api: &Api<'_>, id: &EnvRef, label: &str) -> Result<Snap, Fault> {
    let containers = quiet(api, id)?;
    sweep(api, id)?;
    let Volumes { current, .. } = look::volumes(api, id)?;
    if current.is_empty() {
        return Err(nothing());
    }
    let mount_data =
        |one: &look::Found| one.about.as_ref().is_some_and(|about| about.folders.contains_key("data"));
    if containers.iter().any(mount_data) {
        return Err(elsewhere());
    }
    let image = containers.first().map(|one| one.image.clone()).ok_or_else(plan::missing)?;
    let copier = Copier { api, id, image: &image };
    copier.or_sweep(|| copier.take(&current, label))
}

/// Put a snapshot in the place of the environment's volumes. Its containers go, since they are tied to the old ones;
/// the next start makes them afresh.
///
/// # Errors
/// `not-ready` while it runs, `not-found` without such a snapshot, `conflict` for one of another version of the course,
/// `quota` where there is no room; the engine's. The old volumes stand until the new ones are whole.
pub fn restore(api: &Api<'_>, id: &EnvRef, snapshot: &str) -> Result<(), Fault> {
    let containers = quiet(api, id)?;
    sweep(api, id)?;
    let there = look::volumes(api, id)?;
    let snapshot = there.snapshot(snapshot).ok_or_else(gone)?;
    let fingerprint = snapshot.parts.values().map(|one| one.fingerprint.as_str()).next().unwrap_or_default();
    if there.current.values().any(|one| one.fingerprint != fingerprint) {
        return Err(of_another_course());
    }
    let image = containers.first().map_or(&snapshot.about.image, |one| &one.image);
    let copier = Copier { api, id, image };
    copier.or_sweep(|| copier.restore(&there, snapshot, fingerprint))?;
    sweep(api, id)
}

/// Remove a snapshot. An absent one is a success.
///
/// # Errors
/// The engine's.
pub fn remove(api: &Api<'_>, id: &EnvRef, snapshot: &str) -> Result<(), Fault> {
    sweep(api, id)?;
    if let Some(snapshot) = look::volumes(api, id)?.snapshot(snapshot) {
        // without it the others are a leftover
        remove_volume(api, &snapshot.marker)?;
        for volume in snapshot.parts.values() {
            remove_volume(api, &volume.name)?;
        }
    }
    Ok(())
}

/// Take away what was cut short, and what a restore has taken the place of.
///
/// # Errors
/// The engine's.
pub fn sweep(api: &Api<'_>, id: &EnvRef) -> Result<(), Fault> {
    let there = look::volumes(api, id)?;
    for container in look::all_containers(api, id)? {
        // those of the course are tied to the old volumes
        if container.helper || there.replaced {
            remove_container(api, &container.name)?;
        }
    }
    there.leftover.iter().try_for_each(|name| remove_volume(api, name))
}

fn remove_container(api: &Api<'_>, name: &str) -> Result<(), Fault> {
    api.remove(&format!("/containers/{}?force=1&v=1", names::encode(name)))
}

fn remove_volume(api: &Api<'_>, name: &str) -> Result<(), Fault> {
    api.remove(&format!("/volumes/{}", names::encode(name)))
}

/// The containers of an environment of which nothing runs.
fn quiet(api: &Api<'_>, id: &EnvRef) -> Result<Vec<look::Found>, Fault> {
    let all = look::containers(api, id)?;
    if all.iter().any(look::Found::running) {
        return Err(Fault::new(FaultCode::NotReady, "The course runs; its data cannot be copied meanwhile.")
            .remedy_command("Stop it.", &["kitbag", "done"]));
    }
    Ok(all)
}

struct Copier<'a> {
    api: &'a Api<'a>,
    id: &'a EnvRef,
    /// Of the containers that are never started; any that is there will do.
    image: &'a str,
}

impl Copier<'_> {
    /// Leave nothing behind when it fails.
    fn or_sweep<T>(&self, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        work().inspect_err(|_| {
            // what stays is seen by the next call
            sweep(self.api, self.id).ok();
        })
    }

    fn take(&self, current: &BTreeMap<String, Volume>, label: &str) -> Result<Snap, Fault> {
        let (host, mut sizes, mut bytes) = (self.api.host(), BTreeMap::new(), 0);
        host.step("measure", "Look how much there is to copy");
        for (part, volume) in current {
            let size = self.measure(volume)?;
            bytes += size.bytes;
            sizes.insert(part, size);
        }
        self.room(bytes)?;
        let moment = host.moment();
        let snapshot = names::hash(&format!("{moment} {label}"))[..12].to_owned();
        for (part, volume) in current {
            let name = names::part(self.id, &format!("{part}.s{snapshot}"));
            let mut labels = body::labels(self.id, &volume.fingerprint, part);
            labels.insert(names::SNAPSHOT.to_owned(), json!(snapshot));
            run::volume(self.api, &name, labels)?;
            if self.copy(part, volume, &name)? != sizes[part] {
                return Err(torn("It changed while it was copied."));
            }
        }
        let taken = u64::try_from(moment / 1_000_000_000).unwrap_or_default();
        let parts = current.keys().cloned().collect();
        let about = About { label: label.to_owned(), bytes, taken, image: self.image.to_owned(), parts };
        let whole = serde_json::to_string(&about).unwrap_or_default();
        self.mark(
            &format!("whole.s{snapshot}"),
            [(names::SNAPSHOT, snapshot.clone()), (names::WHOLE, whole)],
        )?;
        Ok(Snap { id: snapshot, label: label.to_owned(), bytes, taken: Some(taken) })
    }

    fn restore(&self, there: &Volumes, snapshot: &Snapshot, fingerprint: &str) -> Result<(), Fault> {
        self.room(snapshot.about.bytes)?;
        let generation = there.next_generation;
        for (part, volume) in &snapshot.parts {
            let made = || json!(self.api.host().moment().to_string());
            let mut labels = body::labels(self.id, fingerprint, part);
            if !there.current.contains_key(part) {
                // with nothing in it that it could take the place of, half of one would count
                let mut labels = labels.clone();
                labels.insert(names::MADE_AT.to_owned(), made());
                run::volume(self.api, &names::part(self.id, part), labels)?;
            }
            labels.insert(names::MADE_AT.to_owned(), made());
            labels.insert(names::GENERATION.to_owned(), json!(generation.to_string()));
            let name = names::part(self.id, &format!("{part}.g{generation}"));
            run::volume(self.api, &name, labels)?;
            self.copy(part, volume, &name)?;
        }
        let generation = generation.to_string();
        self.mark(
            &format!("whole.g{generation}"),
            [(names::GENERATION, generation), (names::WHOLE, "yes".into())],
        )
    }

    /// Make the volume that says that others are whole.
    fn mark<const N: usize>(&self, name: &str, labels: [(&str, String); N]) -> Result<(), Fault> {
        let all = labels.into_iter().map(|(key, value)| (key.to_owned(), json!(value)));
        let labels: Map<String, Value> = body::labels(self.id, "", "").into_iter().chain(all).collect();
        run::volume(self.api, &names::part(self.id, name), labels)
    }

    fn room(&self, bytes: u64) -> Result<(), Fault> {
        let (needed, host) = (bytes.div_ceil(1 << 20), self.api.host());
        // of another computer's disk nothing is known
        let free = (!host.look()?.remote).then(|| host.free_disk_mb());
        let known = free.map_or_else(String::new, |free| format!("; {free} MB are free"));
        host.step("room", &format!("There are {needed} MB to copy{known}"));
        if free.is_some_and(|free| free < needed) {
            let message = format!("There is not enough room: {needed} MB have to be copied{known}.");
            return Err(Fault::new(FaultCode::Quota, message)
                .remedy_command("Remove snapshots you no longer need.", &["kitbag", "snapshot", "list"])
                .remedy_command("Or see what else can go.", &["kitbag", "clean"]));
        }
        Ok(())
    }

    /// A container that is never started, with a volume in it.
    fn helper(&self, name: &str, volume: &str, read_only: bool) -> Result<String, Fault> {
        let name = names::part(self.id, name);
        let mut labels = body::labels(self.id, "", "");
        labels.insert(names::HELPER.to_owned(), json!("yes"));
        let request = json!({
            "Image": self.image,
            // an engine wants one, also for what never starts
            "Cmd": ["kitbag"],
            "Labels": labels,
            "HostConfig": {
                "NetworkMode": "none",
                // what the image has at that place is not to be copied into it
                "Mounts": [{
                    "Type": "volume", "Source": volume, "Target": format!("{FOLDER}/{NAME}"), "ReadOnly": read_only,
                    "VolumeOptions": { "NoCopy": true },
                }],
            },
        });
        let answer = self.api.send(
            Request::new("POST", format!("/containers/create?name={name}")).json(request.to_string()),
        )?;
        match answer.status {
            200..300 => whole(answer).map(|_| name),
            _ => Err(refused(answer)),
        }
    }

    /// The files of a volume, as the engine packs them.
    fn open(&self, container: &str) -> Result<Counting<Box<dyn std::io::Read>>, Fault> {
        let path =
            format!("/containers/{container}/archive?path={}", names::encode(&format!("{FOLDER}/{NAME}")));
        let answer = self.api.send(Request::new("GET", path))?;
        if answer.status != 200 {
            return Err(refused(answer));
        }
        Ok(Counting::new(answer.body))
    }

    fn measure(&self, volume: &Volume) -> Result<Amount, Fault> {
        let from = self.helper("copy-from", &volume.name, true)?;
        let mut tar = self.open(&from)?;
        std::io::copy(&mut tar, &mut std::io::sink())?;
        let amount = whole_amount(&tar)?;
        drop(tar);
        remove_container(self.api, &from)?;
        Ok(amount)
    }

    /// All a volume holds into an empty one.
    fn copy(&self, part: &str, from: &Volume, to: &str) -> Result<Amount, Fault> {
        let service = part.split('.').next().unwrap_or(part);
        self.api.host().step(&format!("copy-{part}"), &format!("Copy the data of {service}"));
        let (from, to) = (self.helper("copy-from", &from.name, true)?, self.helper("copy-to", to, false)?);
        let mut tar = self.open(&from)?;
        // The folder itself is in it, with its owner.
        let path = format!("/containers/{to}/archive?path={}", names::encode(FOLDER));
        let answer = self.api.send(Request::new("PUT", path).stream(&mut tar))?;
        if answer.status != 200 {
            return Err(refused(answer));
        }
        whole(answer)?;
        let amount = whole_amount(&tar)?;
        drop(tar);
        remove_container(self.api, &from)?;
        remove_container(self.api, &to)?;
        Ok(amount)
    }
}

fn whole_amount<R: std::io::Read>(tar: &Counting<R>) -> Result<Amount, Fault> {
    if !tar.files.whole() {
        return Err(torn("The engine's answer broke off."));
    }
    Ok(Amount { bytes: tar.files.bytes, entries: tar.files.entries })
}

fn torn(why: &str) -> Fault {
    Fault::new(FaultCode::ToolFailed, "The data could not be copied whole.")
        .detail(why)
        .remedy("Nothing was changed. Close other programs that use this environment, and try again.")
}

fn nothing() -> Fault {
    Fault::new(
        FaultCode::Unsupported,
        "This course keeps no data in Docker, so there is nothing a snapshot could hold.",
    )
    .remedy_command("Your files and the databases' backups have older versions.", &["kitbag", "history"])
}

fn elsewhere() -> Fault {
    Fault::new(
        FaultCode::Unsupported,
        "This course keeps data in a folder of this computer, which a snapshot cannot hold.",
    )
    .remedy_command("Your files and the databases' backups have older versions.", &["kitbag", "history"])
}

fn gone() -> Fault {
    Fault::new(FaultCode::NotFound, "This snapshot is not on this computer.")
        .remedy_command("See which are.", &["kitbag", "snapshot", "list"])
}

fn of_another_course() -> Fault {
    Fault::new(
        FaultCode::Conflict,
        "This snapshot was taken with another version of the course, whose programs may not read it.",
    )
    .remedy_command("The databases' backups have older versions too.", &["kitbag", "history", "backups"])
}
