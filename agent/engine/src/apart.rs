//! Whether the folders of a workspace lie where nothing comes to harm: apart from one another, the working folder and
//! machine state outside any cloud folder, the share in one provider's folder and no more, and no other sync tool at
//! work in either. `setup` refuses what is found here; `doctor` and `sync` tell of it when it came later.

use std::path::{Path, PathBuf};

use kitbag_core::finding::Finding;
use kitbag_core::path::{FOLDER_MARKER, SIDECAR, shown};
use kitbag_core::provider::{Row, TABLE};
use kitbag_platform::disk::Disk;
use kitbag_platform::places::{Places, TooBroad};
use kitbag_platform::provider::{cloud_folders, holders, holding, marks_on, tools_on};

use crate::error::show;

/// The folders of one workspace, links resolved as far as they exist.
#[derive(Debug, Clone)]
pub struct Folders {
    /// The cloud folder.
    pub share: PathBuf,
    /// The working folder.
    pub work: PathBuf,
    /// This machine's own state.
    pub home: PathBuf,
}

/// Where to look.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The places of the person.
    pub places: &'a dyn Places,
    /// The disk.
    pub disk: &'a dyn Disk,
}

impl Folders {
    /// From paths as they were given.
    pub fn new(share: &Path, work: &Path, home: &Path, disk: &dyn Disk) -> Self {
        let resolved = |path| resolved(path, disk);
        Folders { share: resolved(share), work: resolved(work), home: resolved(home) }
    }

    /// A better working folder, in words.
    fn better(&self, places: &dyn Places) -> String {
        let course = self.share.file_name().map(|name| shown(&name.to_string_lossy())).unwrap_or_default();
        let usual = places.work_parent().map(|parent| show(parent.join(&course))).unwrap_or(course);
        format!("Use a folder of its own outside any cloud folder, such as {usual}.")
    }

    /// What is wrong with the places themselves; the worst first.
    pub fn places(&self, around: Surroundings<'_>) -> Vec<Finding> {
        let mut found = self.too_broad(around.places);
        found.extend(self.in_one_another(around.places));
        found.extend(self.in_cloud_folders(around));
        found
    }

    fn too_broad(&self, places: &dyn Places) -> Vec<Finding> {
        let mut found = Vec::new();
        for (folder, what) in [(&self.share, "cloud folder"), (&self.work, "working folder")] {
            let Err(broad) = places.check(folder) else { continue };
            let why = match broad {
                TooBroad::Top => "Everything on the drive would be carried along.",
                TooBroad::Home => "Everything you have would be carried along.",
                TooBroad::Relative => "A full path is needed.",
            };
            let remedy = if *folder == self.share {
                format!("Use a folder of its own inside it, such as {}.", show(folder.join("coursework")))
            } else {
                self.better(places)
            };
            found.push(Finding::new(format!("{} cannot be the {what}: {broad}", show(folder)), why, remedy));
        }
        found
    }

    fn in_one_another(&self, places: &dyn Places) -> Option<Finding> {
        if overlap(&self.share, &self.work) {
            let (work, share) = (show(&self.work), show(&self.share));
            return Some(Finding::new(
                format!("the working folder {work} and the cloud folder {share} lie in one another"),
                "kitbag carries files between the two, so each needs a place of its own.",
                self.better(places),
            ));
        }
        if overlap(&self.home, &self.share) || overlap(&self.home, &self.work) {
            return Some(Finding::new(
                format!(
                    "this machine's own state ({}) and your folders lie in one another",
                    show(&self.home)
                ),
                "The state of one machine must never be carried to another.",
                format!("Choose another place for {} or another --home.", show(&self.work)),
            ));
        }
        None
    }

    fn in_cloud_folders(&self, around: Surroundings<'_>) -> Vec<Finding> {
        let mut found = Vec::new();
        for (folder, what) in
            [(&self.work, "working folder"), (&self.home, "folder for this machine's own state")]
        {
            let remedy = || match *folder == self.work {
                true => self.better(around.places),
                false => "Choose another with --home, or leave it out for the usual place.".to_owned(),
            };
            if let Some(cloud) = holding(folder, around.places, around.disk) {
                let leave_out = cloud.row.leave_out.filter(|_| *folder == self.work);
                let leave_out = leave_out.map(|how| format!(" {how}.")).unwrap_or_default();
                found.push(Finding::new(
                    format!("the {what} {} lies in {} ({})", show(folder), cloud.name(), show(&cloud.root)),
                    "The cloud program would carry half-written files and this machine's own state to other machines.",
                    format!("{}{leave_out}", remedy()),
                ));
            } else if let Some(other) = share_above(folder, around.disk) {
                found.push(Finding::new(
                    format!("the {what} {} lies in the cloud folder {}", show(folder), show(other)),
                    "What a machine works on must not be carried by a cloud program at the same time.",
                    remedy(),
                ));
            }
        }
        found
    }

    /// Second programs that carry the same files, and folders of another kitbag around ours.
    pub fn second_tools(&self, around: Surroundings<'_>) -> Vec<Finding> {
        let Surroundings { places, disk } = around;
        let mut found = Vec::new();
        let holders = holders(&self.share, places, disk);
        if let [one, other, ..] = &holders[..] {
            found.push(Finding::new(
                format!(
                    "the cloud folder {} is carried by {} and by {}",
                    show(&self.share),
                    one.name(),
                    other.name()
                ),
                TWO_PROGRAMS,
                format!(
                    "Use a folder that only one of them carries; {} begins at {}.",
                    one.name(),
                    show(&one.root)
                ),
            ));
        }
        let own: Vec<_> = holders.iter().map(|holder| holder.name()).collect();
        for (folder, what) in [(&self.share, "cloud folder"), (&self.work, "working folder")] {
            let tools = tools_on(folder, places, disk).into_iter();
            let tools = tools.filter(|tool| *folder == self.work || !own.contains(tool));
            found.extend(tools.map(|tool| other_tool(folder, what, tool)));
            if let Some(cloud) = cloud_folders(places, disk).into_iter().find(|cloud| {
                cloud.root.starts_with(folder) && (*folder == self.work || cloud.root != *folder)
            }) {
                found.push(Finding::new(
                    format!("{} ({}) lies in the {what} {}", cloud.name(), show(&cloud.root), show(folder)),
                    TWO_PROGRAMS,
                    format!("Use a {what} without another cloud folder in it."),
                ));
            }
        }
        found.extend(self.another_kitbag(disk));
        found
    }

    fn another_kitbag(&self, disk: &dyn Disk) -> Option<Finding> {
        let above = |folder: &Path| folder.parent().map(Path::to_owned);
        let why =
            "The same files would be carried twice, and each would take the other's work for a person's.";
        if let Some(other) =
            above(&self.share).and_then(|above| share_above(&above, disk).map(Path::to_owned))
        {
            return Some(Finding::new(
                format!(
                    "the cloud folder {} lies in another one of kitbag: {}",
                    show(&self.share),
                    show(other)
                ),
                why,
                "Use a folder beside that one.",
            ));
        }
        for (folder, what, first) in [
            (&self.share, "cloud folder", Some(self.share.clone())),
            (&self.work, "working folder", above(&self.work)),
        ] {
            let marked = |at: &&Path| disk.stat(&at.join(FOLDER_MARKER)).is_ok();
            if let Some(other) = first.as_deref().and_then(|first| first.ancestors().find(marked)) {
                return Some(Finding::new(
                    format!(
                        "the {what} {} lies in a working folder of kitbag: {}",
                        show(folder),
                        show(other)
                    ),
                    why,
                    "Use a folder outside of it.",
                ));
            }
        }
        None
    }
}

const TWO_PROGRAMS: &str =
    "Two programs that carry the same files undo each other's work and make copies of it.";

fn other_tool(folder: &Path, what: &str, tool: &str) -> Finding {
    Finding::new(
        format!("{tool} also syncs the {what} {}", show(folder)),
        TWO_PROGRAMS,
        format!("Take the folder out of {tool}, or use another one here."),
    )
}

/// What a sync can see of second tools at no cost: marks in the two folders themselves. `provider` carries the share.
pub(crate) fn marks(share: &Path, work: &Path, provider: Option<&Row>, disk: &dyn Disk) -> Vec<Finding> {
    let mut on_share = marks_on(share, disk);
    let is_provider = |tool: &&str| TABLE.iter().any(|row| row.name == *tool);
    let carries = match provider {
        Some(row) => Some(row.name),
        // a single provider's mark is that of the one which carries it
        None => on_share.iter().copied().find(is_provider),
    };
    on_share.retain(|tool| Some(*tool) != carries);
    let on_share = on_share.into_iter().map(|tool| other_tool(share, "cloud folder", tool));
    on_share
        .chain(marks_on(work, disk).into_iter().map(|tool| other_tool(work, "working folder", tool)))
        .collect()
}

/// Whether one folder is or lies in the other.
pub(crate) fn overlap(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// The share of some kitbag that this folder is or lies in.
fn share_above<'f>(folder: &'f Path, disk: &dyn Disk) -> Option<&'f Path> {
    folder.ancestors().find(|above| disk.stat(&above.join(SIDECAR).join("format")).is_ok())
}

/// The path with links resolved as far as it exists.
pub(crate) fn resolved(path: &Path, disk: &dyn Disk) -> PathBuf {
    let mut rest = Vec::new();
    let mut at = path;
    loop {
        if let Ok(found) = disk.canonical(at) {
            return rest.iter().rev().fold(found, |found, name| found.join(name));
        }
        match (at.parent(), at.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name.to_owned());
                at = parent;
            }
            _ => return path.to_owned(),
        }
    }
}
