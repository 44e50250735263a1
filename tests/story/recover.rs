//! The promise that the work is never locked in: a script of a few hundred lines of Python, which knows nothing but the
//! description of the format, rebuilds every file and every old version from the cloud folder.

use std::fs;

use serde_json::Value;

use crate::machine::{Machine, noise, pair, room, tree};
use crate::python::recover;

/// A script that may be run, a link, an empty folder, a file from long ago.
#[cfg(unix)]
fn odd_entries(machine: &Machine) {
    use std::os::unix::fs::{PermissionsExt, symlink};
    machine.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(machine.work.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    fs::File::options()
        .write(true)
        .open(machine.work.join("run.sh"))
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    symlink("../run.sh", machine.work.join("deep/link")).unwrap_or_else(|_| {
        fs::create_dir_all(machine.work.join("deep")).unwrap();
        symlink("../run.sh", machine.work.join("deep/link")).unwrap();
    });
    fs::create_dir_all(machine.work.join("nothing/in it")).unwrap();
}

#[cfg(unix)]
fn check_odd_entries(files: &std::path::Path) {
    use std::os::unix::fs::MetadataExt;
    let script = fs::metadata(files.join("run.sh")).unwrap();
    assert_eq!((script.mode() & 0o100, script.mtime()), (0o100, 1_600_000_000));
    assert_eq!(fs::read_link(files.join("deep/link")).unwrap().to_str(), Some("../run.sh"));
    assert!(files.join("nothing/in it").is_dir());
}

/// Shows that what the script rebuilds is what kitbag shows, byte for byte, and that every old version is there too:
/// files changed on both machines, merged, removed, of many pieces, changed by phone. First tier.
#[test]
fn everything_comes_back_without_kitbag() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n2\n3\n"), ("old name.txt", b"old\n")]);
    let first = noise(3 << 20, 1);
    let second = [&first[..1 << 20], b"in the middle", &first[1 << 20..]].concat();
    a.write("deep/er/big.bin", &first);
    a.write("empty.txt", "");
    a.sync();
    b.sync();
    a.write("notes.txt", "0\n1\n2\n3\n");
    a.write("deep/er/big.bin", &second);
    b.write("notes.txt", "1\n2\n3\n4\n");
    b.remove("old name.txt");
    b.write("\u{e4}\u{f6}\u{fc} 1: \"x\".txt", "odd\n");
    #[cfg(unix)]
    odd_entries(&b);
    a.sync();
    b.sync();
    // by phone
    fs::write(a.share.join("notes.txt"), "0\n1\n2\n3\n4\nby phone\n").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    a.sync();
    b.sync();
    a.sync();
    assert_eq!(a.text("notes.txt"), "0\n1\n2\n3\n4\nby phone\n");

    let out = room.path().join("recovered");
    let Some(ran) = recover(&a.share, &out) else { return };
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(tree(&out.join("files")), a.files());
    #[cfg(unix)]
    check_odd_entries(&out.join("files"));
    assert_eq!(a.files(), b.files());
    let versions = tree(&out.join("versions")).0;
    for text in ["1\n2\n3\n", "0\n1\n2\n3\n", "1\n2\n3\n4\n", "0\n1\n2\n3\n4\n", "old\n", "", "odd\n"] {
        assert!(
            versions.values().any(|bytes| bytes == text.as_bytes()),
            "{text:?} is not among the versions"
        );
    }
    assert!(
        versions.values().any(|bytes| *bytes == first) && versions.values().any(|bytes| *bytes == second)
    );
    let listed: Value = serde_json::from_slice(&fs::read(out.join("versions.json")).unwrap()).unwrap();
    let listed = listed.as_array().unwrap();
    assert!(listed.iter().all(|version| version["file"].is_string() || version["content"].is_null()));
    assert!(listed.iter().any(|version| version["machine"] == "WORK-PC" && version["path"] == "notes.txt"));

    // a part that was spoilt is said, and the rest comes
    let inside = a.share.join(".kitbag/packs");
    let largest = tree(&inside).0.into_iter().max_by_key(|(_, bytes)| bytes.len()).unwrap().0;
    fs::write(inside.join(&largest), "spoilt").unwrap();
    let ran = recover(&a.share, &room.path().join("again")).unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("damaged") && said.contains("deep/er/big.bin"), "{said}");
    assert_eq!(fs::read_to_string(room.path().join("again/files/notes.txt")).unwrap(), a.text("notes.txt"));
}
