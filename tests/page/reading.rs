//! What the page reads: everything the command line tells, and a workspace that cannot be read beside those that can.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::machine::{room, write};
use crate::open::{Page, single, until};

/// Shows that a workspace that cannot be read is shown with what is wrong, beside those that can. First tier.
#[test]
fn a_broken_workspace_is_shown_with_its_finding() {
    let room = room();
    let page = Page::of(single(room.path(), "HOME-PC"));
    write(&page.machine.home.join("workspaces/broken/workspace.json"), "{");
    write(&page.machine.home.join("workspaces/empty/workspace.json"), "{}");
    let state = until("all are seen", || {
        let state = page.state();
        (state["workspaces"].as_array().unwrap().len() == 3).then_some(state)
    });
    let all = state["workspaces"].as_array().unwrap();
    let fields = |one: &Value| one.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let good = all.iter().find(|one| one["finding"].is_null()).unwrap();
    for broken in all.iter().filter(|one| !one["finding"].is_null()) {
        assert_eq!(fields(broken), fields(good), "the same fields");
        assert_eq!(broken["words"], "Stopped");
        for part in ["what", "why", "remedy"] {
            assert!(!broken["finding"][part].as_str().unwrap().is_empty(), "{broken}");
        }
    }
    // one is in nobody's way, on the page and in a terminal
    let name = good["workspace"].as_str().unwrap();
    assert_eq!(page.get(&format!("/api/workspaces/{name}/history")).status, Some(200));
    page.machine.run(&["--workspace", name, "where"]).exits(&[0]);
    // its share is gone: shown, and answered with the words of the command line
    fs::rename(&page.machine.share, room.path().join("away")).unwrap();
    until("it is seen", || {
        (page.state()["workspaces"].to_string().contains("\"reachable\":false")).then_some(())
    });
    assert_eq!(page.get("/api/workspaces/broken/doctor").status, Some(409));
}

/// Shows that a look which does not end holds nobody up: how things stood is told meanwhile, the views are read, and what
/// changed is seen once it ends. What it waits for here is a pipe in the place of a compiled plugin. First tier.
#[test]
fn a_look_that_takes_long_holds_nobody_up() {
    let page = Page::new("HOME-PC");
    let files = |state: &Value| state["workspaces"][0]["files"].as_u64();
    let before = files(&page.state()).unwrap();
    let cache = page.machine.home.join("plugins/cache");
    let compiled: Vec<_> = fs::read_dir(cache).unwrap().map(|item| item.unwrap().path()).collect();
    let mut ends = Vec::new();
    for file in &compiled {
        fs::remove_file(file).unwrap();
        assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
        // with somebody there who could write, reading it waits
        ends.push(fs::File::options().read(true).write(true).open(file).unwrap());
    }
    page.machine.write("new.md", "new\n");
    let read = |pid: &u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|item| fs::read_link(item.path()).ok()).any(|file| compiled.contains(&file))
    };
    until("a look has begun", || {
        assert_eq!(page.state()["workspaces"].as_array().unwrap().len(), 1);
        page.agents().iter().any(read).then_some(())
    });
    let name = page.state()["workspaces"][0]["workspace"].as_str().unwrap().to_owned();
    for _ in 0..6 {
        assert_eq!(files(&page.state()), Some(before), "as it was seen last");
        let history = page.get(&format!("/api/workspaces/{name}/history"));
        assert_eq!(history.status, Some(200), "{history:?}");
    }
    // nobody else is to begin to wait
    compiled.iter().for_each(|file| fs::remove_file(file).unwrap());
    drop(ends);
    page.machine.run(&["sync"]).exits(&[0]);
    until("what changed is seen", || (files(&page.state()) > Some(before)).then_some(()));
}

/// Shows that everything the page reads is answered for a plain workspace, and that what it opens is let in once.
/// First tier.
#[test]
fn what_the_page_reads_is_there() {
    let page = Page::new("HOME-PC");
    let state = page.state();
    let one = &state["workspaces"][0];
    let status = page.machine.run(&["--json", "status"]).exits(&[0, 4]).json();
    for (field, value) in status.as_object().unwrap() {
        assert!(one.get(field).is_some(), "{field}");
        if ["workspace", "machine", "share", "work", "conflicts", "environment"].contains(&field.as_str()) {
            assert_eq!(one[field], *value, "{field}");
        }
    }
    let name = one["workspace"].as_str().unwrap();
    for path in ["conflicts", "history", "history?path=notes.md&limit=1", "doctor"] {
        let answer = page.get(&format!("/api/workspaces/{name}/{path}"));
        assert_eq!(answer.status, Some(200), "{path}: {answer:?}");
        answer.json();
    }
    // no cells wait anywhere, and what is no path is none
    for (query, status) in [
        ("?path=notes.md", 404),
        ("?path=no+such.ipynb", 404),
        ("?path=..%2Fx", 400),
        ("?path=.kitbag%2Fpacks", 400),
        ("?path=a&path=b", 400),
        ("", 400),
    ] {
        let answer = page.get(&format!("/api/workspaces/{name}/cells{query}"));
        assert_eq!(answer.status, Some(status), "{query}: {answer:?}");
    }
    let read = |path: &str| {
        let answer = page.get(path);
        assert_eq!(answer.status, Some(200), "{path}: {answer:?}");
        answer.json()
    };
    read("/api/plugins");
    read("/api/setup/cloud-folders");
    let machine = read("/api/machine");
    assert!(machine["specs"].is_object(), "{machine}");
    assert!(machine["checks"].as_array().unwrap().iter().any(|one| one["check"] == "memory"), "{machine}");
    // the same as in a terminal, but for its moment and the marks, which are other ones each time
    let report = read("/api/report")["text"].as_str().unwrap().to_owned();
    let typed = page.machine.run(&["report", "--text"]).exits(&[0]).stdout;
    let first = |text: &str| text.split(" of ").next().unwrap_or_default().to_owned();
    assert!(report.lines().count() > 5, "{report}");
    assert_eq!((first(&report), report.lines().count()), (first(&typed), typed.lines().count()));
    assert!(!report.contains(&page.key), "{report}");
    // what the agent does, as it does it
    let activity = until("the agent knows the workspace", || {
        let one = page.state()["workspaces"][0].clone();
        (one["activity"]["doing"] == "nothing").then_some(one)
    });
    assert_eq!(activity["activity"]["failures"], 0, "{activity}");
    assert_eq!(activity["agent"]["running"], true, "{activity}");
    assert_eq!(activity["agent"]["since"], state["agent"]["since"], "{activity}");
    let nothing = page.get(&format!("/api/workspaces/{name}/open"));
    assert_eq!(nothing.status, Some(404), "nothing runs: {nothing:?}");
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(page.machine.home.join(path)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("agent/page.json"), mode("agent/page-tokens")), (0o600, 0o700));
    let (_, token) = page.address();
    let kept = crate::machine::tree(&page.machine.home.join("agent"));
    for (path, bytes) in &kept.0 {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(&page.key) && !text.contains(&token), "{path} holds a secret");
    }
}
