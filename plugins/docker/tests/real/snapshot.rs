//! Snapshots with a real engine: everything a volume can hold comes back as it was, with its owners, rights and times,
//! and what came after it is gone. The container itself is made afresh.

use std::time::Duration;

use kitbag_plugin_docker::{run, snapshot, status};
use kitbag_sdk::FaultCode;

use crate::{Machine, image};

/// All that can be told of two volumes, the folders themselves too.
const LOOK: &str = "cd / && find rows other | sort | while read -r f; do stat -c '%n %F %a %u:%g %Y %s %h' \"$f\"; \
                    [ -L \"$f\" ] && readlink \"$f\"; [ -f \"$f\" ] && md5sum \"$f\"; done; true";

#[test]
fn all_a_volume_holds_comes_back() {
    let Some(machine) = Machine::new("snapshot") else { return };
    let what = machine.spec(
        &format!(
            r#"{{"image":"{}","mounts":["rows:/rows","other:/other"],"command":["sh","-c","trap 'exit 0' TERM; while :; do sleep 0.1; done"]}}"#,
            image::NAME
        ),
        &[],
    );
    let id = &what.id;
    let run = |script: &str| {
        let (code, out, err) = machine.exec(None, &["sh", "-c", script]).unwrap();
        assert_eq!(code, Some(0), "{script}: {out}{err}");
        out
    };
    let stop = || machine.with(|api| run::stop(api, id, Duration::from_secs(5))).unwrap();
    machine.up(&what).unwrap();
    run(
        "cd /rows && mkdir -p 'a b/ü' && head -c 3000000 /dev/urandom > 'a b/ü/big' && echo x > small && ln small linked \
         && ln -s ../small 'a b/link' && ln -s /nowhere/x broken && mkfifo pipe && chmod 700 . && chown 70:71 . \
         && echo s > strong \
         && chmod 4750 strong && chown 1000:100 'a b' && touch -d '2001-02-03 04:05:06' 'a b/ü/big' 'a b' && chmod 000 pipe \
         && touch empty && name=$(head -c 120 /dev/zero | tr '\\0' n) && mkdir -p $name/$name && echo deep > $name/$name/$name \
         && touch /made-inside",
    );
    let before = run(LOOK);
    stop();
    let things = machine.things();
    let first = machine.with(|api| snapshot::take(api, id, "first")).unwrap();
    assert!(first.bytes > 3_000_000, "{first:?}");
    // the image declares a folder, which is a volume too
    assert_eq!(machine.things(), things + 4);
    machine.up(&what).unwrap();
    assert_eq!(run(LOOK), before, "taking changes nothing");
    run(
        "test -e /made-inside && cd /rows && rm -r 'a b' linked && echo more > later && chmod 755 . && chown 0:0 . \
         && echo y > /other/file",
    );
    let refused = machine.with(|api| snapshot::restore(api, id, &first.id)).unwrap_err();
    assert_eq!(refused.code, FaultCode::NotReady, "{refused:?}");
    let second = run(LOOK);
    stop();
    let later = machine.with(|api| snapshot::take(api, id, "second")).unwrap();
    for (snap, held) in [(&first, &before), (&later, &second), (&first, &before)] {
        machine.with(|api| snapshot::restore(api, id, &snap.id)).unwrap();
        machine.up(&what).unwrap();
        machine.with(|api| status::wait_ready(api, id, Duration::from_secs(30))).unwrap();
        assert_eq!(&run(LOOK), held);
        run("test ! -e /made-inside");
        stop();
    }
    assert_eq!(machine.things(), things + 8, "nothing is left of what was there before");
    // it outlives the environment
    machine.with(|api| run::destroy(api, id)).unwrap();
    assert_eq!(machine.things(), 8);
    machine.up(&what).unwrap();
    stop();
    machine.with(|api| snapshot::restore(api, id, &first.id)).unwrap();
    machine.up(&what).unwrap();
    assert_eq!(run(LOOK), before);
    for snap in [&first, &later, &later] {
        machine.with(|api| snapshot::remove(api, id, &snap.id)).unwrap();
    }
    assert_eq!(machine.things(), things);
}
