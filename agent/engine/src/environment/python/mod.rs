//! The course's own Python, where no container brings one: an environment in machine state with the packages its list
//! names, so that neither the person's Python nor their Jupyter is touched and no administrator is needed. Each one is
//! made under a name of its own; the note in the ledger, written when all of it is there, says which one is used. So a
//! half-made one is never used, and one that cannot be replaced goes on.

mod install;
mod tool;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_core::course::{LOCAL, LONGEST_REQUIREMENTS, packages};
use kitbag_core::finding::Finding;
use kitbag_core::id::ContentId;
use kitbag_plugin_host::LineSink;
use serde::{Deserialize, Serialize};

use super::doors::LOGS;
use crate::course::CourseHere;
use crate::course::package::below;
use crate::course::unpack::remove_folder;
use crate::error::EngineError;
use crate::sync::Progress;
use crate::workspace::Workspace;
use install::Installer;

/// Where the ledger remembers the one that is used.
const USED: &str = "environment.python";
/// The name under which `logs` shows what the last installation said.
pub(super) const LOG: &str = "python";
/// Where the programs of an environment lie in it.
const PROGRAMS: &str = if cfg!(windows) { "Scripts" } else { "bin" };

/// A finished environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Used {
    /// The name of its folder.
    name: String,
    /// The hash of the list it was made from.
    list: ContentId,
    /// What its Python says it is.
    version: String,
    /// What was installed, by name.
    packages: Vec<String>,
    /// To be made afresh where that can be done.
    #[serde(default)]
    stale: bool,
}

/// What a course's programs are started with.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// The environment's name; none where the course has none of its own.
    pub(super) name: Option<String>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

/// What a person is asked before packages are installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedPython {
    /// The packages, as the course's list names them; those they need come with them.
    pub packages: Vec<String>,
    /// The program that makes the environment.
    pub program: String,
    /// Where it lies on this computer; none when it is not here.
    pub file: Option<PathBuf>,
}

/// What has to be asked for a course with this backend; none where nothing is installed.
pub(super) fn asked(here: &CourseHere, backend: &str) -> Option<AskedPython> {
    here.course.requirements(backend)?;
    let packages = list(here, backend).ok().and_then(|text| packages(&text).ok()).unwrap_or_default();
    let tool = tool::all().into_iter().next();
    let (program, file) = tool.map_or(("python3", None), |tool| (tool.name, Some(tool.file)));
    Some(AskedPython { packages, program: program.to_owned(), file })
}

/// Folders in which the course's programs are looked for first.
///
/// # Errors
/// The ledger fails.
pub(super) fn program_folders(ws: &Workspace, backend: &str) -> Result<Vec<PathBuf>, EngineError> {
    Ok(used(ws)?
        .filter(|_| backend == LOCAL)
        .into_iter()
        .map(|used| top(ws).join(used.name).join(PROGRAMS))
        .collect())
}

/// Variables for programs of the course, so that what Jupyter and IPython write of their own lies in machine state
/// and the person's own settings are not read.
pub(super) fn variables(ws: &Workspace, backend: &str) -> Vec<(String, String)> {
    // a ledger that fails is said by whoever asks it next
    let Some(used) = used(ws).ok().flatten().filter(|_| backend == LOCAL) else { return Vec::new() };
    let state = ws.environment_folder();
    let own = state.join("jupyter");
    let all = [
        ("JUPYTER_CONFIG_DIR", own.join("config")),
        ("JUPYTER_DATA_DIR", own.join("data")),
        ("JUPYTER_RUNTIME_DIR", own.join("runtime")),
        ("IPYTHONDIR", state.join("ipython")),
        ("VIRTUAL_ENV", top(ws).join(used.name)),
    ];
    // a variable is text for the plugin that hands it on
    let text = |(name, path): (&str, PathBuf)| Some((name.to_owned(), path.to_str()?.to_owned()));
    all.into_iter().filter_map(text).collect()
}

/// See that the environment is there, made from the course's list of today. Where a new one cannot be made, one that
/// still runs is used, and a note says so.
///
/// # Errors
/// [`EngineError::Missing`] where this computer lacks something, [`EngineError::Failed`] where packages cannot be had.
pub(super) async fn ensure(
    ws: &Workspace,
    here: &CourseHere,
    backend: &str,
    progress: &Arc<dyn Progress>,
) -> Result<Ready, EngineError> {
    let Some(path) = here.course.requirements(backend) else {
        // with another backend for a day, it waits
        if backend == LOCAL {
            ws.ledger.unset(USED)?;
        }
        return Ok(Ready::default());
    };
    let text = list(here, backend)?;
    let list = ContentId::of(text.as_bytes());
    install::end_leftover(ws)?;
    let before = used(ws)?;
    let mut runs = false;
    if let Some(used) = &before {
        let found = tool::look(&python(&top(ws).join(&used.name))).await;
        runs = found.as_ref().is_some_and(|found| found.version == used.version);
        let whole =
            found.is_some_and(|found| runs && used.packages.iter().all(|one| found.packages.contains(one)));
        if whole && used.list == list && !used.stale {
            return Ok(Ready { name: Some(used.name.clone()), notes: Vec::new() });
        }
    }
    sweep(ws)?;
    let file = below(&here.folder, path).unwrap_or_default();
    match make(ws, list, &file, progress).await {
        Ok(new) => {
            ws.ledger.set(USED, &serde_json::to_string(&new).unwrap_or_default())?;
            Ok(Ready { name: Some(new.name), notes: Vec::new() })
        }
        Err(error) => match before.filter(|_| runs) {
            Some(used) => {
                let Finding { why, remedy, .. } = error.finding();
                let what = format!("The Python packages of before are used: {error}. {why} {remedy}");
                Ok(Ready { name: Some(used.name), notes: vec![what] })
            }
            None => {
                // programs of one that does not start are not to be found in it
                ws.ledger.unset(USED)?;
                Err(error)
            }
        },
    }
}

/// A person wants it made afresh; until that was done the one of before stays.
///
/// # Errors
/// The ledger fails.
pub(super) fn make_afresh(ws: &Workspace) -> Result<(), EngineError> {
    if let Some(used) = used(ws)? {
        let text = serde_json::to_string(&Used { stale: true, ..used });
        ws.ledger.set(USED, &text.unwrap_or_default())?;
    }
    Ok(())
}

/// Remove what is not used: half-made ones, and the one before the last.
///
/// # Errors
/// The ledger fails. What cannot be removed is tried again the next time.
pub(super) fn sweep(ws: &Workspace) -> Result<(), EngineError> {
    let used = used(ws)?.map(|used| used.name);
    let (disk, top) = (ws.doors.disk.as_ref(), top(ws));
    for item in disk.list(&top).unwrap_or_default() {
        let folder = top.join(&item.name);
        if item.name.to_str() != used.as_deref()
            && let Err(error) = remove_folder(disk, &folder)
        {
            tracing::warn!(%error, folder = %folder.display(), "an unused Python environment cannot be removed");
        }
    }
    Ok(())
}

/// What the last installation said, line by line. False: there was none.
///
/// # Errors
/// The log cannot be read.
pub(super) fn tell(ws: &Workspace, lines: &dyn LineSink) -> Result<bool, EngineError> {
    let file = log(ws);
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(EngineError::io("cannot read", &file)(error)),
    };
    for line in String::from_utf8_lossy(&bytes).lines() {
        if !lines.line(LOG, line) {
            break;
        }
    }
    Ok(true)
}

fn used(ws: &Workspace) -> Result<Option<Used>, EngineError> {
    Ok(ws.ledger.get(USED)?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Where the environments lie, each in a folder of its own.
fn top(ws: &Workspace) -> PathBuf {
    ws.environment_folder().join("python")
}

fn log(ws: &Workspace) -> PathBuf {
    ws.environment_folder().join(LOGS).join("python-packages.log")
}

fn python(environment: &Path) -> PathBuf {
    environment.join(PROGRAMS).join(if cfg!(windows) { "python.exe" } else { "python" })
}

/// The course's list of packages.
fn list(here: &CourseHere, backend: &str) -> Result<String, EngineError> {
    let path = here.course.requirements(backend);
    let file = path.and_then(|path| below(&here.folder, path)).unwrap_or_default();
    let read = std::fs::File::open(&file).and_then(|open| {
        let mut text = String::new();
        std::io::Read::read_to_string(
            &mut std::io::Read::take(open, LONGEST_REQUIREMENTS as u64),
            &mut text,
        )?;
        Ok(text)
    });
    read.map_err(EngineError::io("cannot read", &file))
}

async fn make(
    ws: &Workspace,
    list: ContentId,
    file: &Path,
    progress: &Arc<dyn Progress>,
) -> Result<Used, EngineError> {
    let (disk, top) = (ws.doors.disk.as_ref(), top(ws));
    let fail = || EngineError::io("cannot write", &top);
    disk.create_dirs(&top).map_err(fail())?;
    let mut installer = Installer::new(ws, &top, progress)?;
    let mut refused = None;
    for tool in tool::all() {
        // scripts of an environment hold its full path, so it is made where it stays
        let name = format!("{}-{}", &list.to_string()[..12], ws.doors.chance.token(3).map_err(fail())?);
        let folder = top.join(&name);
        let made = installer.environment(&tool, &folder).await;
        if let Err(error) = made {
            if !error.other_tool_may_help() {
                return Err(error.told());
            }
            refused = Some(error);
            continue;
        }
        installer.packages(&tool, &python(&folder), file).await.map_err(words::Trouble::told)?;
        let found = tool::look(&python(&folder)).await.ok_or_else(|| words::does_not_run(&folder))?;
        disk.sync_volume(&top).map_err(fail())?;
        return Ok(Used { name, list, version: found.version, packages: found.packages, stale: false });
    }
    Err(refused.map_or_else(words::no_python, words::Trouble::told))
}
