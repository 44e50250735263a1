//! What scripts and README are made from, as this machine knows it: the folder's name, and the databases with the
//! course's own commands.

use kitbag_core::course::{ServiceKind, backup_path};
use kitbag_core::takeaway::Database;

use crate::course::CourseHere;
use crate::course::package::below;
use crate::workspace::Workspace;

/// The folder everything is in: the course's id, which is a plain name.
pub(super) fn top(ws: &Workspace, here: Option<&CourseHere>) -> String {
    match here {
        Some(here) => here.course.id.clone(),
        None => {
            let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
            let name: String = ws.settings.name.chars().take(40).map(plain).collect();
            let name = name.trim_matches('-');
            if name.is_empty() { "coursework".to_owned() } else { name.to_owned() }
        }
    }
}

/// The databases of the course, and whether their dumps are in the working folder.
pub(super) fn databases(ws: &Workspace, here: Option<&CourseHere>) -> Vec<Database> {
    let services = here.into_iter().flat_map(|here| &here.course.services);
    let one = |service: &kitbag_core::course::Service| {
        let dump = backup_path(&service.name).ok().and_then(|path| below(&ws.settings.work, &path));
        let dumped = service.backup && dump.is_some_and(|dump| ws.doors.disk.stat(&dump).is_ok());
        let (server, ready, restore, save) = match &service.kind {
            ServiceKind::Sqlite(_) => (false, Vec::new(), Vec::new(), Vec::new()),
            ServiceKind::Database(of) => {
                let ready = of.ready.clone().unwrap_or_default();
                (true, ready, of.restore.clone(), of.dump.clone())
            }
            ServiceKind::Program(_) | ServiceKind::Web(_) => return None,
        };
        Some(Database {
            service: service.name.clone(),
            title: service.title.clone(),
            kind: service.backup_kind().unwrap_or_default().to_owned(),
            dumped,
            server,
            ready,
            restore,
            dump: save,
        })
    };
    services.filter_map(one).collect()
}
