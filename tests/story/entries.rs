//! What a folder holds beside names and bytes: who may run a file, when it was changed, links, empty folders; files
//! that become folders; names the other system cannot have.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::machine::{Machine, pair, room};

fn may_run(file: &Path) -> bool {
    fs::metadata(file).unwrap().permissions().mode() & 0o100 != 0
}

fn let_run(file: &Path, run: bool) {
    let mode = if run { 0o755 } else { 0o644 };
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

/// Syncs both until neither has anything left to do.
fn settle(machines: [&Machine; 2]) {
    for machine in machines.into_iter().cycle().take(4) {
        machine.run(&["sync"]).exits(&[0, 4]);
    }
    for machine in machines {
        let report = machine.sync();
        for field in ["published", "received", "merged", "bytes_published", "pending"] {
            assert_eq!(report[field], 0, "{}: {field}: {report:#}", machine.name);
        }
    }
}

/// A file that may be run may be run on the other machine; a changed bit is an edit, merged with an edit of the text;
/// the cloud folder never speaks about it. First tier.
#[test]
fn who_may_run_a_file_follows() {
    let room = room();
    let (a, b) =
        pair(room.path(), &[("run.sh", b"#!/bin/sh\necho 1\necho 2\necho 3\n"), ("data.csv", b"1\n")]);
    let run = |machine: &Machine| may_run(&machine.work.join("run.sh"));
    assert!(!run(&b));
    let_run(&a.work.join("run.sh"), true);
    assert_eq!(a.sync()["published"], 1);
    b.sync();
    assert!(run(&b) && !may_run(&b.work.join("data.csv")));
    settle([&a, &b]);

    // one takes it away, the other edits: both
    let_run(&b.work.join("run.sh"), false);
    a.write("run.sh", "#!/bin/sh\necho 1\necho 2\necho 3\necho 4\n");
    assert!(run(&a), "saving keeps it");
    settle([&a, &b]);
    for machine in [&a, &b] {
        assert!(!run(machine), "{}", machine.name);
        assert!(machine.text("run.sh").ends_with("echo 4\n"));
    }

    // a new file, a change in the cloud folder by a program that sets every bit
    a.write("new.sh", "#!/bin/sh\n");
    let_run(&a.work.join("new.sh"), true);
    settle([&a, &b]);
    assert!(may_run(&b.work.join("new.sh")));
    for name in ["run.sh", "new.sh", "data.csv"] {
        let_run(&a.share.join(name), true);
    }
    fs::write(a.share.join("new.sh"), "#!/bin/sh\nfrom a phone\n").unwrap();
    settle([&a, &b]);
    for machine in [&a, &b] {
        assert!(may_run(&machine.work.join("new.sh")) && !run(machine));
        assert!(!may_run(&machine.work.join("data.csv")));
        assert_eq!(machine.text("new.sh"), "#!/bin/sh\nfrom a phone\n");
    }
}
