//! A volume on Linux and macOS: the highest folder above a path that still has its device number.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Volume;

pub(super) fn volume(place: &Path) -> io::Result<Volume> {
    let device = std::fs::metadata(place)?.dev();
    let same = |above: &&Path| std::fs::metadata(above).is_ok_and(|found| found.dev() == device);
    let root = place.ancestors().take_while(same).last().unwrap_or(place);
    let found = rustix::fs::statvfs(place)?;
    Ok(Volume {
        root: root.to_owned(),
        size: found.f_blocks.saturating_mul(found.f_frsize),
        free: found.f_bavail.saturating_mul(found.f_frsize),
    })
}
