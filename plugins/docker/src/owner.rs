//! Empty volumes belong to the administrator, while most courses run as somebody else who then cannot write to
//! them. Before a container's first start each empty volume is given to whom its program runs as: the folder itself
//! goes in again as an archive of one entry, which carries an owner. A volume with anything in it is left alone.

use std::io::Read;

use kitbag_sdk::Fault;
use kitbag_sdk::engine::Request;

use crate::api::{Api, refused, whole};
use crate::names;

const BLOCK: usize = 512;
/// The list of users is never longer.
const LONGEST_LIST: u64 = 1 << 20;

/// Whether this user is the administrator, who needs nothing given.
pub fn is_root(user: &str) -> bool {
    matches!(user.split(':').next().unwrap_or_default(), "" | "0" | "root")
}

/// Give the empty volumes at these places to `user` (`NAME`, `UID`, either with `:GROUP`).
///
/// # Errors
/// The engine's. A user the image does not know is left to the engine to complain of.
pub fn give(api: &Api<'_>, container: &str, user: &str, targets: &[String]) -> Result<(), Fault> {
    let Some((uid, gid)) = numbers(api, container, user)? else { return Ok(()) };
    for target in targets {
        let path = format!("/containers/{container}/archive?path={}", names::encode(target));
        let answer = api.send(Request::new("GET", path))?;
        match answer.status {
            200 => {}
            404 => continue,
            _ => return Err(refused(answer)),
        }
        let mut head = Vec::new();
        answer.body.take(2 * BLOCK as u64).read_to_end(&mut head)?;
        if !is_empty_folder_of_root(&head) {
            continue;
        }
        let (parent, name) = target.rsplit_once('/').unwrap_or(("", target));
        let parent = if parent.is_empty() { "/" } else { parent };
        // Longer names do not fit into the entry; then the image has to see to it.
        if name.len() > 100 {
            continue;
        }
        let entry = folder(name, uid, gid);
        let path = format!("/containers/{container}/archive?path={}", names::encode(parent));
        let answer = api.send(Request::new("PUT", path).stream(&entry[..]))?;
        if answer.status != 200 {
            return Err(refused(answer));
        }
        whole(answer)?;
    }
    Ok(())
}

/// A folder's own entry with nothing after it, and nobody's but the administrator's: an image that knows whose it
/// is has said so.
fn is_empty_folder_of_root(tar: &[u8]) -> bool {
    let (Some(head), Some(next)) = (tar.get(..BLOCK), tar.get(BLOCK..2 * BLOCK)) else { return false };
    let zero = |field: &[u8]| field.iter().all(|byte| matches!(byte, b'0' | b' ' | 0));
    head[156] == b'5' && zero(&head[108..116]) && zero(&head[116..124]) && next.iter().all(|&byte| byte == 0)
}

/// User and group in numbers.
fn numbers(api: &Api<'_>, container: &str, user: &str) -> Result<Option<(u32, u32)>, Fault> {
    let (name, group) = user.split_once(':').map_or((user, None), |(name, group)| (name, Some(group)));
    let list = match (name.parse::<u32>(), group.map(str::parse::<u32>)) {
        (Ok(uid), Some(Ok(gid))) => return Ok(Some((uid, gid))),
        _ => etc(api, container, "passwd")?,
    };
    let number = |line: &[&str], at: usize| line.get(at).and_then(|text| text.parse::<u32>().ok());
    let of_user = fields(&list).into_iter().find(|line| line[0] == name || line.get(2) == Some(&name));
    let uid = name.parse().ok().or_else(|| of_user.as_deref().and_then(|line| number(line, 2)));
    let gid = match group {
        // Without a group it is the user's own, and for a user nobody knows the administrator's.
        None => of_user.as_deref().and_then(|line| number(line, 3)).or(Some(0)),
        Some(group) => match group.parse() {
            Ok(gid) => Some(gid),
            Err(_) => {
                let groups = etc(api, container, "group")?;
                let found = fields(&groups).into_iter().find(|line| line[0] == group);
                found.and_then(|line| number(&line, 2))
            }
        },
    };
    Ok(uid.zip(gid))
}

fn fields(list: &str) -> Vec<Vec<&str>> {
    list.lines().map(|line| line.split(':').collect()).collect()
}

/// A file of a container's /etc as text; empty where there is none.
fn etc(api: &Api<'_>, container: &str, name: &str) -> Result<String, Fault> {
    let answer =
        api.send(Request::new("GET", format!("/containers/{container}/archive?path=/etc/{name}")))?;
    match answer.status {
        200 => {}
        404 => return Ok(String::new()),
        _ => return Err(refused(answer)),
    }
    let mut tar = Vec::new();
    answer.body.take(LONGEST_LIST).read_to_end(&mut tar)?;
    let text = tar.get(BLOCK..).unwrap_or_default();
    // What follows the text is zeros; nothing of these lists is one.
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    Ok(String::from_utf8_lossy(&text[..end]).into_owned())
}

/// An archive of one folder.
fn folder(name: &str, uid: u32, gid: u32) -> Vec<u8> {
    let mut tar = vec![0; 3 * BLOCK];
    let mut put = |at: usize, text: &str| tar[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000755\0");
    put(108, &format!("{:07o}\0", uid & 0o777_7777));
    put(116, &format!("{:07o}\0", gid & 0o777_7777));
    put(124, "00000000000\0");
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "5");
    put(257, "ustar\x0000");
    let sum: u32 = tar[..BLOCK].iter().map(|&byte| u32::from(byte)).sum();
    tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_one() {
        let bytes = folder("data", 1000, 100);
        let mut archive = tar::Archive::new(&bytes[..]);
        let all: Vec<_> = archive.entries().unwrap().map(Result::unwrap).collect();
        let head = all[0].header();
        assert_eq!((all.len(), head.entry_type()), (1, tar::EntryType::Directory));
        assert_eq!((head.uid().unwrap(), head.gid().unwrap(), head.mode().unwrap()), (1000, 100, 0o755));
        assert_eq!(&*all[0].path_bytes(), b"data");
    }

    #[test]
    fn only_an_empty_folder_of_the_administrator_is_given_away() {
        assert!(is_empty_folder_of_root(&folder("a", 0, 0)));
        assert!(!is_empty_folder_of_root(&folder("a", 1000, 0)));
        let mut full = folder("a", 0, 0);
        full[BLOCK] = b'x';
        assert!(!is_empty_folder_of_root(&full) && !is_empty_folder_of_root(&full[..BLOCK]));
        assert!(
            is_root("") && is_root("0:5") && is_root("root:users") && !is_root("1000") && !is_root("rooted")
        );
    }
}
