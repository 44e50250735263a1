//! What is known here by a name that nobody else needs: folders, machines, the person, the course, files. The redactor puts
//! a mark in the place of each. What cannot be read is not known, and then does not pass at all.

use std::collections::BTreeSet;
use std::path::Path;

use kitbag_core::report::Names;
use kitbag_platform::disk::Disk;
use kitbag_platform::places::Places;
use kitbag_platform::specs::computer_name;

use crate::course::unpack::unpacked;
use crate::doors::Doors;
use crate::events;
use crate::workspace::Workspace;

/// Paths read at a time.
const PAGE: usize = 1_000;

/// What is known of this computer and its person. `program` is the one that runs.
pub fn around(home: &Path, doors: &Doors, places: &dyn Places, program: Option<&Path>, names: &mut Names) {
    let disk = doors.disk.as_ref();
    let system = places.home();
    for folder in system.iter().chain(places.local_data().as_ref()).chain(places.roaming_data().as_ref()) {
        folders("home folder", folder, disk, names);
    }
    folders("state folder", home, disk, names);
    if let Some(file) = program {
        folders("program", file, disk, names);
    }
    let person = system.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    names.others.extend(person.map(|person| ("person", person)));
    names.others.extend(computer_name().map(|name| ("machine", name)));
}

/// What is known of a workspace.
pub fn of_workspace(ws: &Workspace, names: &mut Names) {
    let disk = ws.doors.disk.as_ref();
    let settings = &ws.settings;
    folders("cloud folder", &settings.share, disk, names);
    folders("working folder", &settings.work, disk, names);
    let mut others = vec![
        ("workspace", settings.name.clone()),
        ("machine", settings.machine.clone()),
        ("machine", settings.machine_id.clone()),
    ];
    for event in events::all(&ws.ledger).unwrap_or_default() {
        others.extend([("machine", event.name), ("machine", event.machine)]);
    }
    if let Ok(Some(here)) = unpacked(ws) {
        let course = here.course;
        others.extend([("course", course.title), ("course", course.id)]);
        others.extend(course.services.into_iter().map(|service| ("service", service.name)));
    }
    // a name said twice is one
    for other in others {
        if !names.others.contains(&other) {
            names.others.push(other);
        }
    }
    names.files.extend(paths(ws));
}

/// The files of the workspace, also those that are gone.
fn paths(ws: &Workspace) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = BTreeSet::new();
    let mut last: Option<Vec<u8>> = None;
    while let Ok(rows) = ws.ledger.paths_after(last.as_deref(), PAGE) {
        let Some(row) = rows.last() else { break };
        last = Some(row.path.key());
        paths.extend(rows.iter().map(|row| row.path.to_string()));
    }
    let old = ws.ledger.paths_with_history().unwrap_or_default();
    paths.extend(old.into_iter().map(|path| path.to_string()));
    paths
}

/// A folder under each name it has.
fn folders(kind: &'static str, folder: &Path, disk: &dyn Disk, names: &mut Names) {
    let real = disk.canonical(folder).ok();
    for form in std::iter::once(folder).chain(real.as_deref()) {
        names.folders.push((kind, form.to_string_lossy().into_owned()));
    }
}
