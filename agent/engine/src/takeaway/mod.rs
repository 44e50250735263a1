//! `takeaway`: everything a person has, in one file that needs no kitbag. First the work is brought to its latest, as a
//! checkpoint does; then the working folder, the course, and where an environment was made here its description and its
//! images are streamed into a zip file beside the place it is for, which gets its name only when it is whole. A part
//! that cannot be had is told in the README and to the person; the rest is taken all the same.

pub(crate) mod archive;
mod files;
mod image;
mod pack;
pub(crate) mod target;
mod zip;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kitbag_core::finding::Finding;
use kitbag_core::takeaway::{About, Export, Source, compose, readme, start_cmd, start_sh, stop_cmd, stop_sh};
use serde::Serialize;

pub use kitbag_plugin_host::Cancel;

use crate::course::unpack::unpacked;
use crate::environment::{Exporting, checkpoint, open_notebooks};
use crate::error::{EngineError, size};
use crate::sync::report::Report;
use crate::sync::{Progress, Request};
use crate::workspace::Workspace;
use archive::Archive;
use files::Walk;

/// The images in the archive, as Docker reads them.
const IMAGES: &str = "images.tar.gz";
/// Taken where more than this is free after all of it, in bytes.
const MARGIN: u64 = 16 << 20;

/// What was taken away.
#[derive(Debug, Clone, Serialize)]
pub struct Taken {
    /// The archive.
    pub file: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// How many files of the work are in it.
    pub files: usize,
    /// The databases whose dumps are in it.
    pub databases: Vec<String>,
    /// The file in it that holds the images; none where they could not be had.
    pub image: Option<String>,
    /// What a person should know, each a sentence or two.
    pub notes: Vec<String>,
    /// What the checkpoint before it did; none where the work could not be saved first.
    #[serde(skip)]
    pub report: Option<Report>,
}

/// What a person asks of `takeaway`.
pub struct Order<'a> {
    /// The file to make, absolute.
    pub target: &'a Path,
    /// Given when the person gives up; it counts from the moment [`Order::begun`] is called.
    pub cancel: Cancel,
    /// Called when the work is saved and the archive is begun.
    pub begun: &'a dyn Fn(),
}

/// Pack everything into a new file.
///
/// # Errors
/// The place cannot be used, there is not enough room, or something cannot be written. Nothing is left of the file then.
pub async fn takeaway(
    ws: &Workspace,
    home: &Path,
    order: Order<'_>,
    progress: Arc<dyn Progress>,
) -> Result<Taken, EngineError> {
    let target = target::check(home, &ws.doors, order.target, "takeaway")?;
    let cancel = order.cancel;
    let mut notes = Vec::new();
    let report = match saved(ws, home, progress.clone()).await {
        Ok(report) => Some(report),
        Err(error @ (EngineError::WorkMissing(_) | EngineError::Store(_))) => return Err(error),
        Err(error) => {
            // a cloud folder that is full, gone or another's must not keep anybody from taking their work away
            notes.push(format!(
                "The work could not be saved in the cloud folder first ({error}), so the databases are as they were \
                 saved last."
            ));
            None
        }
    };
    let here = unpacked(ws)?;
    let (exporting, unusable) = match Exporting::open(ws, home, progress.clone()).await {
        Ok(exporting) => (exporting, None),
        Err(EngineError::Failed(why) | EngineError::Missing(why)) => (None, Some(why.what)),
        Err(error) => return Err(error),
    };
    let described = match &exporting {
        Some(exporting) => Some(exporting.describe().await),
        None => None,
    };
    let (mut export, mut without) = understood(exporting.as_ref(), described, unusable);
    if let (Some(here), Some(exporting)) = (&here, &exporting) {
        // the host makes a course's Python, so it knows the list
        export.requirements =
            export.requirements.or_else(|| here.course.requirements(exporting.backend()).cloned());
    }
    let walk = Walk::new(ws);
    room(ws, &target, walk.bytes()? + export.images_bytes.unwrap_or(0))?;

    let partial = target::Partial::create(&ws.doors, &target)?;
    (order.begun)();
    let top = pack::top(ws, here.as_ref());
    let archive = Archive::create(&partial, &top, ws.doors.clock.now_millis(), cancel.clone())?;
    let archive = Arc::new(Mutex::new(archive));
    let written = async {
        let taken = {
            let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
            walk.pack(&mut archive, progress.as_ref())?
        };
        let mut left_out = taken.left_out;
        if let Some(here) = &here {
            let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
            left_out.extend(files::pack_course(ws, here, &mut archive)?);
        }
        let image = match (&exporting, export.images_bytes) {
            (Some(exporting), Some(bytes)) => {
                let packed =
                    image::pack(exporting, &archive, (IMAGES, bytes), progress.clone(), cancel.clone())
                        .await?;
                packed.inspect_err(|why| without.push(why.clone())).is_ok()
            }
            _ => false,
        };
        let databases = pack::databases(ws, here.as_ref());
        let named = databases.iter().filter(|one| one.dumped).map(|one| one.service.clone()).collect();
        let pack = kitbag_core::takeaway::Pack {
            name: top.clone(),
            title: here.as_ref().map_or_else(|| ws.settings.name.clone(), |here| here.course.title.clone()),
            export,
            images: image.then(|| IMAGES.to_owned()),
            databases,
        };
        let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
        scripts(&mut archive, &pack)?;
        notes.extend(without.iter().chain(&pack.export.notes).cloned());
        notes.extend(left_out.iter().map(|(path, why)| format!("{path}: {why}")));
        let about = About {
            pack: &pack,
            version: here.as_ref().map(|here| here.course.version.clone()),
            taken: ws.doors.clock.rfc3339().chars().take(10).collect(),
            files: taken.files,
            without,
            left_out,
        };
        archive.text("README.txt", &readme(&about), false)?;
        let bytes = archive.finish()?;
        let image = pack.images.clone();
        Ok(Taken { file: target.clone(), bytes, files: taken.files, databases: named, image, notes, report })
    };
    let taken =
        written.await.map_err(|error| if cancel.is_cancelled() { stopped() } else { too_large(error) })?;
    partial.keep()?;
    Ok(taken)
}

/// The work and the databases at their latest, in both folders.
async fn saved(ws: &Workspace, home: &Path, progress: Arc<dyn Progress>) -> Result<Report, EngineError> {
    let request = Request { notebooks: open_notebooks(ws, home).await, ..Request::default() };
    checkpoint(ws, home, request, progress).await
}

/// What the environment is made of, and why it is not all there.
fn understood(
    exporting: Option<&Exporting<'_>>,
    described: Option<Result<Export, kitbag_plugin_host::Fault>>,
    unusable: Option<String>,
) -> (Export, Vec<String>) {
    match (exporting, described) {
        (Some(_), Some(Ok(export))) => (export, Vec::new()),
        (Some(exporting), Some(Err(fault))) => {
            let why = format!("How it ran with {} is not in here: {}", exporting.backend(), fault.message);
            (Export::default(), vec![why])
        }
        _ => {
            let why = unusable.map_or_else(
                || "No environment was made on this computer yet, so none is in here.".to_owned(),
                |why| format!("How it ran is not in here: {why}."),
            );
            (Export::default(), vec![why])
        }
    }
}

fn scripts(archive: &mut Archive, pack: &kitbag_core::takeaway::Pack) -> Result<(), EngineError> {
    if pack.export.containers.is_empty() {
        return Ok(());
    }
    archive.text("compose.yaml", &compose(pack), false)?;
    archive.text("start.sh", &start_sh(pack), true)?;
    archive.text("stop.sh", &stop_sh(pack), true)?;
    for (name, script) in [("start.cmd", start_cmd(pack)), ("stop.cmd", stop_cmd(pack))] {
        if let Some(script) = script {
            archive.text(name, &script, false)?;
        }
    }
    let data = |mount: &kitbag_core::takeaway::Mount| matches!(mount.from, Source::Data(_));
    if pack.export.containers.iter().flat_map(|one| &one.mounts).any(data) {
        archive.folder("data")?;
    }
    Ok(())
}

fn room(ws: &Workspace, target: &Path, bytes: u64) -> Result<(), EngineError> {
    let folder = target.parent().unwrap_or(target);
    let free = ws
        .doors
        .disk
        .free_space(folder)
        .map_err(EngineError::io("cannot ask for the free space of", folder))?;
    let wanted = bytes.saturating_add(MARGIN);
    if free >= wanted {
        return Ok(());
    }
    Err(EngineError::Missing(Finding::new(
        format!("there is not enough room for {}", crate::error::show(target)),
        format!("It can need up to {}, and {} are free there.", size(wanted), size(free)),
        "Free some space, or name a file on another drive.",
    )))
}

/// Sticks in the format of old cameras hold no file of more than 4 GB.
fn too_large(error: EngineError) -> EngineError {
    match error {
        EngineError::Io { path, source, .. } if source.kind() == std::io::ErrorKind::FileTooLarge => {
            EngineError::Missing(Finding::new(
                format!("{} became too large for that drive", crate::error::show(path)),
                "Its format (FAT32) holds no file of more than 4 GB.",
                "Name a file on another drive, or format that one as exFAT if nothing on it is needed.",
            ))
        }
        other => other,
    }
}

fn stopped() -> EngineError {
    EngineError::Failed(Finding::new(
        "the takeaway was stopped",
        "Nothing was left of the file, and nothing else was changed.",
        "Run it again when you have the time.",
    ))
}
