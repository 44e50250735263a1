//! Links between files of the workspace. One is carried when it leads, from where it lies, to a place inside the
//! workspace, and in no circle: then it means the same on every machine. Nothing is ever read or written through one.
//! What a link says can come from another machine, so it is checked again before one is made.

use crate::names::Naming;
use crate::path::{FOLDER_MARKER, SIDECAR, WorkPath};

/// Longest text of a link, in bytes.
pub const LONGEST_LINK: usize = 4096;

/// Why a link is not carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLink {
    /// Nothing, not text, or too long.
    #[error("it is a link that leads nowhere")]
    Nowhere,
    /// From the root of the disk.
    #[error(
        "it is a link that names a place of this computer; one that begins with the folder it lies in is carried"
    )]
    Absolute,
    /// Above the workspace's top.
    #[error("it is a link that leads out of the folder")]
    Outside,
    /// Down and up again: through another link that could be outside.
    #[error("it is a link that goes down and up again; one that goes straight there is carried")]
    Winding,
    /// To itself, or to a folder it lies in.
    #[error("it is a link that leads in a circle")]
    Circle,
    /// To what is kitbag's own.
    #[error("it is a link to a file kitbag keeps for itself")]
    Reserved,
}

/// Whether a link at this path may say this, with `/` between names.
///
/// # Errors
/// Says why it is not carried.
pub fn check(path: &WorkPath, target: &str) -> Result<(), BadLink> {
    if target.is_empty() || target.len() > LONGEST_LINK || target.contains('\0') {
        return Err(BadLink::Nowhere);
    }
    if target.starts_with('/') {
        return Err(BadLink::Absolute);
    }
    let here: Vec<&str> = path.names().collect();
    let mut reached: Vec<&str> = here[..here.len() - 1].to_vec();
    let mut down = false;
    for name in target.split('/').filter(|name| !matches!(*name, "" | ".")) {
        if name != ".." {
            reached.push(name);
            down = true;
        } else if down {
            return Err(BadLink::Winding);
        } else {
            reached.pop().ok_or(BadLink::Outside)?;
        }
    }
    if here.starts_with(&reached) {
        return Err(BadLink::Circle);
    }
    match reached.first() {
        Some(first) if first.eq_ignore_ascii_case(SIDECAR) || *first == FOLDER_MARKER => {
            Err(BadLink::Reserved)
        }
        _ => Ok(()),
    }
}

/// What a link says, as it is written in a place of that naming.
pub fn written(naming: Naming, target: &str) -> String {
    each(target, |name| naming.write_name(name))
}

/// What a link means that is written so in a place of that naming.
pub fn meant(naming: Naming, written: &str) -> String {
    each(written, |name| naming.decode(name).into_owned())
}

fn each(target: &str, of: impl Fn(&str) -> String) -> String {
    let step = |name: &str| if matches!(name, "" | "." | "..") { name.to_owned() } else { of(name) };
    target.split('/').map(step).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_inside_is_carried() {
        let cases = [
            ("a", "b", Ok(())),
            ("a", "d/e/f", Ok(())),
            ("a", "./b", Ok(())),
            ("a", "d/", Ok(())),
            ("d/e/a", "../b", Ok(())),
            ("d/e/a", "../../b", Ok(())),
            ("d/e/a", "../f/b", Ok(())),
            ("d/a", "b/a", Ok(())),
            ("a", "", Err(BadLink::Nowhere)),
            ("a", "b\0c", Err(BadLink::Nowhere)),
            ("a", "/etc/passwd", Err(BadLink::Absolute)),
            ("a", "..", Err(BadLink::Outside)),
            ("a", "../b", Err(BadLink::Outside)),
            ("d/e/a", "../../../b", Err(BadLink::Outside)),
            ("d/a", "e/../b", Err(BadLink::Winding)),
            ("d/a", "e/../../../b", Err(BadLink::Winding)),
            ("a", "a", Err(BadLink::Circle)),
            ("a", ".", Err(BadLink::Circle)),
            ("d/a", "../d", Err(BadLink::Circle)),
            ("d/a", "../d/a", Err(BadLink::Circle)),
            ("d/a", "..", Err(BadLink::Circle)),
            ("a", ".kitbag/packs", Err(BadLink::Reserved)),
            ("d/a", "../.KITBAG", Err(BadLink::Reserved)),
            ("a", ".kitbag-folder", Err(BadLink::Reserved)),
        ];
        for (path, target, expected) in cases {
            assert_eq!(check(&WorkPath::parse(path).unwrap(), target), expected, "{path} -> {target}");
        }
        assert_eq!(check(&WorkPath::parse("a").unwrap(), &"x".repeat(5_000)), Err(BadLink::Nowhere));
    }

    #[test]
    fn names_in_a_link_are_written_like_names() {
        let text = "../a:b/con/./x\\y";
        assert_eq!(written(Naming::Natural, text), text);
        let windows = written(Naming::Windows, text);
        assert_eq!(windows, "../a%{3A}b/%{63}on/./x%{5C}y");
        assert_eq!(meant(Naming::Windows, &windows), text);
    }
}
