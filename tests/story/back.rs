//! Going back: the versions there are, one of them brought back, a whole operation taken back. Whatever comes back is a
//! new version that the other machine gets too, and nothing newer is ever overwritten by it.

use serde_json::Value;

use crate::machine::{Machine, noise, pair, room};

fn history(machine: &Machine, path: &str) -> Vec<Value> {
    let history = machine.run(&["--json", "history", path]).exits(&[0]).json();
    history["versions"].as_array().unwrap().clone()
}

/// The short id of the version of a file that was described so.
#[track_caller]
fn version(machine: &Machine, path: &str, what: &str) -> String {
    let all = history(machine, path);
    let found = all.iter().find(|version| version["what"] == what);
    found.unwrap_or_else(|| panic!("{what}: {all:#?}"))["short"].as_str().unwrap().to_owned()
}

/// Both have synced until nothing moves, and hold the same.
#[track_caller]
fn settle(a: &Machine, b: &Machine) {
    for machine in [a, b, a, b] {
        machine.sync();
    }
    assert_eq!(a.files(), b.files());
    assert_eq!(a.mirror(), a.files());
}

fn operations(machine: &Machine) -> Vec<Value> {
    let list = machine.run(&["--json", "undo", "--list"]).exits(&[0]).json();
    list["operations"].as_array().unwrap().clone()
}

const LINES: &str = "1\n2\n3\n4\n5\n6\n";
const BY_A: &str = "1 A\n2\n3\n4\n5\n6\n";
const BY_B: &str = "1\n2\n3\n4\n5\n6 B\n";
const MERGED: &str = "1 A\n2\n3\n4\n5\n6 B\n";

/// Both change different lines; B merges, A receives the merge.
fn merged(root: &std::path::Path) -> (Machine, Machine) {
    let (a, b) = pair(root, &[("notes.txt", LINES.as_bytes()), ("other.txt", b"o")]);
    a.write("notes.txt", BY_A);
    b.write("notes.txt", BY_B);
    a.sync();
    settle(&b, &a);
    assert_eq!(a.text("notes.txt"), MERGED);
    (a, b)
}

/// Every version is told: who, when, how it came to be, which one is shown, whether it can still be had. First tier.
#[test]
fn the_history_tells_each_version() {
    let room = room();
    let (a, b) = merged(room.path());
    let all = history(&b, "notes.txt");
    let whats: Vec<_> = all.iter().map(|version| version["what"].as_str().unwrap()).collect();
    assert_eq!((whats.len(), whats[0], whats[3]), (4, "merged", "added"), "{all:#?}");
    assert_eq!(whats[1..3], ["edited", "edited"]);
    for version in &all {
        let newest = version["what"] == "merged";
        assert_eq!((&version["shown"], &version["newest"]), (&newest.into(), &newest.into()));
        assert_eq!((&version["kept"], &version["open"]), (&true.into(), &false.into()));
        assert_eq!(version["path"], "notes.txt");
        let short = version["short"].as_str().unwrap();
        assert!(short.len() >= 8 && version["id"].as_str().unwrap().starts_with(short));
        assert!(version["when"].as_str().unwrap().ends_with('Z'));
    }
    let machines: Vec<_> = all.iter().map(|version| version["machine"].as_str().unwrap()).collect();
    assert!(machines.contains(&"HOME-PC") && machines.contains(&"WORK-PC"), "{machines:?}");

    a.remove("notes.txt");
    settle(&a, &b);
    let removed = &history(&b, "notes.txt")[0];
    assert_eq!(
        (&removed["what"], &removed["size"], &removed["kept"]),
        (&"removed".into(), &Value::Null, &Value::Null)
    );
    // everything, in pages
    let every = b.run(&["--json", "history", "--limit", "3"]).exits(&[0]).json();
    assert_eq!((every["versions"].as_array().unwrap().len(), &every["more"]), (3, &true.into()));
    let all = b.run(&["--json", "history", "--limit", "99"]).exits(&[0]).json();
    assert_eq!((all["versions"].as_array().unwrap().len(), &all["more"]), (6, &false.into()));
    assert!(!all["operations"].as_array().unwrap().is_empty());
    let text = b.run(&["history", "notes.txt"]).exits(&[0]).stdout;
    assert!(text.contains("removed") && text.contains("merged, 16 bytes"), "{text}");
    b.run(&["history", "never.txt"]).exits(&[1]).explains(&["no versions"]);
}

/// A phone's edit and an open question are told in words. First tier.
#[test]
fn the_history_tells_phone_edits_and_open_questions() {
    let room = room();
    let (a, b) = pair(room.path(), &[("deep/notes.txt", LINES.as_bytes())]);
    crate::machine::write(&a.share.join("deep/notes.txt"), format!("{LINES}by phone\n"));
    settle(&a, &b);
    let outside = &history(&a, "deep")[0];
    assert_eq!(outside["what"], "changed in the cloud folder");
    assert_eq!((&outside["machine"], &outside["path"]), (&Value::Null, &"deep/notes.txt".into()));
    a.write("deep/notes.txt", "by A\n");
    b.write("deep/notes.txt", "by B\n");
    a.sync();
    b.run(&["sync"]).exits(&[3]);
    let sides: Vec<_> = history(&b, "deep/notes.txt").into_iter().filter(|one| one["open"] == true).collect();
    assert_eq!(sides.len(), 2);
    assert_eq!(sides.iter().filter(|side| side["shown"] == true).count(), 1);
    // its short id names a side in an answer too
    let other = sides.iter().find(|side| side["shown"] == false).unwrap()["short"].as_str().unwrap();
    b.run(&["resolve", "deep/notes.txt", "--keep", &other.to_uppercase()]).exits(&[0]);
    assert_eq!(b.text("deep/notes.txt"), "by A\n");
    assert_eq!(history(&b, "deep/notes.txt")[0]["what"], "answer");
}

/// An old version comes back on both machines, what was not carried yet is recorded first, and it can be redone.
/// First tier.
#[test]
fn an_old_version_comes_back() {
    let room = room();
    let (a, b) = merged(room.path());
    let first = version(&a, "notes.txt", "added");
    a.write("notes.txt", "not carried yet\n");
    let done = a.run(&["--json", "restore", "notes.txt", "--at", &first]).exits(&[0]).json();
    assert_eq!(
        (&done["restored"]["from"], &done["restored"]["shown"]),
        (&first.as_str().into(), &true.into())
    );
    assert_eq!(a.text("notes.txt"), LINES);
    settle(&a, &b);
    assert_eq!(b.text("notes.txt"), LINES);
    let all = history(&b, "notes.txt");
    assert_eq!((&all[0]["as_in"], &all[0]["what"]), (&first.as_str().into(), &"edited".into()));
    assert_eq!((&all[1]["what"], &all[1]["size"]), (&"edited".into(), &16.into()), "recorded before");
    // the same again does nothing
    let again = a.run(&["--json", "restore", "notes.txt", "--at", &first]).exits(&[0]).json();
    assert_eq!(again["restored"]["version"], Value::Null);
    assert_eq!(history(&b, "notes.txt").len(), 6);
    // large files too
    let large = noise(3 << 20, 5);
    a.write("large.bin", &large);
    a.sync();
    a.write("large.bin", b"small");
    a.sync();
    let old = version(&a, "large.bin", "added");
    settle(&a, &b);
    b.run(&["restore", "large.bin", "--at", &old]).exits(&[0]);
    settle(&a, &b);
    assert!(a.read("large.bin").unwrap() == large);
}

/// A deleted file comes back, folder and all; on an open question a restore is the answer. First tier.
#[test]
fn a_deleted_file_comes_back_and_a_question_is_answered() {
    let room = room();
    let (a, b) = pair(room.path(), &[("deep/er/notes.txt", b"first\n"), ("other.txt", b"o")]);
    let first = version(&a, "deep/er/notes.txt", "added");
    a.remove("deep/er/notes.txt");
    std::fs::remove_dir_all(a.work.join("deep")).unwrap();
    settle(&a, &b);
    assert!(!b.work.join("deep").exists());
    b.run(&["restore", "deep/er/notes.txt", "--at", &first]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(a.text("deep/er/notes.txt"), "first\n");

    a.write("deep/er/notes.txt", "by A\n");
    b.write("deep/er/notes.txt", "by B\n");
    a.sync();
    b.run(&["sync"]).exits(&[3]);
    b.run(&["restore", "deep/er/notes.txt", "--at", &first]).exits(&[0]);
    assert_eq!(b.text("deep/er/notes.txt"), "first\n");
    settle(&a, &b);
    assert_eq!(a.text("deep/er/notes.txt"), "first\n");
}

/// A removed folder comes back whole by the id of one of its removals; what was made anew meanwhile stays. First tier.
#[test]
fn a_removed_folder_comes_back() {
    let room = room();
    let names: Vec<String> = (0..40).map(|n| format!("part/{}/{n:02}.txt", n % 3)).collect();
    let mut files: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    files.extend([("part/early.txt", &b"e"[..]), ("stays.txt", b"s"), ("partner.txt", b"p")]);
    let (a, b) = pair(room.path(), &files);
    a.remove("part/early.txt");
    settle(&a, &b);
    let all = a.files();
    std::fs::remove_dir_all(a.work.join("part")).unwrap();
    a.run(&["sync"]).exits(&[1]);
    a.run(&["resolve", "--absent", "accept"]).exits(&[0]);
    settle(&a, &b);
    b.write("part/0/00.txt", "made anew");
    settle(&b, &a);
    let removal = version(&b, "part/1/01.txt", "removed");
    let done = b.run(&["--json", "restore", "part", "--at", &removal]).exits(&[0]).json();
    assert_eq!(done["restored"]["files"].as_array().unwrap().len(), 39, "{done}");
    assert_eq!(done["restored"]["left"].as_array().unwrap().len(), 1);
    settle(&a, &b);
    let mut expected = all;
    expected.0.insert("part/0/00.txt".into(), b"made anew".to_vec());
    assert_eq!(a.files(), expected);
    b.run(&["--yes", "undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(a.files().0.len(), 3);
}

/// What cannot be brought back is said, with what to do. First tier.
#[test]
fn a_restore_that_cannot_be_is_explained() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n"), ("deep/other.txt", b"o\n")]);
    let other = version(&a, "deep/other.txt", "added");
    let fails = |args: &[&str], words: &[&str]| a.run(args).exits(&[1]).explains(words);
    fails(
        &["restore", "notes.txt", "--at", &other],
        &["a version of deep/other.txt", "kitbag history notes.txt"],
    );
    fails(&["restore", "notes.txt", "--at", "00000000"], &["no version of notes.txt has the id 00000000"]);
    fails(&["restore", "notes.txt", "--at", "yesterday"], &["not the id of a version"]);
    fails(&["restore", "deep", "--at", &other], &["deep is a folder", "is no removal"]);
    fails(&["restore", "never.txt", "--at", &other], &["never.txt has no versions"]);
    a.run(&["restore", "../x", "--at", &other]).exits(&[1]);
    a.run(&["restore", "notes.txt"]).exits(&[2]);
    a.remove("notes.txt");
    settle(&a, &b);
    let removed = version(&a, "notes.txt", "removed");
    fails(&["restore", "notes.txt", "--at", &removed], &["the removal of notes.txt"]);
}

/// A content that somebody deleted with the history is told as such, and nothing is written in its place. First tier.
#[test]
fn a_content_no_longer_kept_is_told() {
    let room = room();
    let (a, b) = pair(room.path(), &[("fig.png", &noise(50_000, 1)), ("other.txt", b"o")]);
    a.write("fig.png", noise(40_000, 2));
    settle(&a, &b);
    // a cleaner: the sidecar is written again from what the machines have, which is the newest only
    std::fs::remove_dir_all(a.share.join(".kitbag/packs")).unwrap();
    settle(&a, &b);
    let first = history(&a, "fig.png").pop().unwrap();
    assert_eq!(first["kept"], false, "{first}");
    assert!(a.run(&["history", "fig.png"]).exits(&[0]).stdout.contains("content no longer kept"));
    let id = first["short"].as_str().unwrap();
    a.run(&["restore", "fig.png", "--at", id]).exits(&[1]).explains(&["no longer kept", "made on HOME-PC"]);
    assert!(a.read("fig.png").unwrap() == noise(40_000, 2));
}

/// Undo of a merge: this machine's side is back on both machines; undone again, the merge is back. First tier.
#[test]
fn a_merge_is_taken_back_and_done_again() {
    let room = room();
    let (a, b) = merged(room.path());
    let list = operations(&a);
    assert_eq!(list[0]["changes"][0]["what"], "merged", "{list:#?}");
    let before = (a.files(), a.mirror());
    let planned = a.run(&["--json", "undo", "--dry-run"]).exits(&[0]).json();
    assert_eq!(planned["undone"]["files"][0]["undone"], true, "{planned}");
    assert_eq!(((a.files(), a.mirror()), operations(&a)), (before, list), "a look changes nothing");

    let said = a.run(&["undo"]).exits(&[0]).stdout;
    assert!(said.contains("notes.txt") && said.contains("your other computers get it too"), "{said}");
    assert_eq!(a.text("notes.txt"), BY_A);
    settle(&a, &b);
    assert_eq!(b.text("notes.txt"), BY_A);
    // undo of undo, and once more
    for expected in [MERGED, BY_A, MERGED] {
        a.run(&["undo"]).exits(&[0]);
        assert_eq!(a.text("notes.txt"), expected);
        settle(&a, &b);
        assert_eq!(b.text("notes.txt"), expected);
    }
    let list = operations(&a);
    assert_eq!((&list[0]["what"], &list[0]["undoes"]), (&"undo".into(), &list[1]["number"]));
}

/// Undo of what was made here and of what was received: each machine goes back to its own side. First tier.
#[test]
fn the_machine_that_merged_takes_its_merge_back() {
    let room = room();
    let (a, b) = merged(room.path());
    b.run(&["undo"]).exits(&[0]);
    assert_eq!(b.text("notes.txt"), BY_B);
    settle(&a, &b);
    assert_eq!(a.text("notes.txt"), BY_B);
    // received at A: A may take that back
    a.run(&["undo"]).exits(&[0]);
    assert_eq!(a.text("notes.txt"), MERGED);
    settle(&a, &b);
}

/// Undo of an answer: this machine's side comes back; where the answer kept it, the other side is named. First tier.
#[test]
fn an_answer_is_taken_back() {
    for (keep, after) in [("other", "by B\n"), ("both", "by A\nby B\n"), ("this", "by A\n")] {
        let room = room();
        let (a, b) = pair(room.path(), &[("notes.txt", b"1\n"), ("other.txt", b"o")]);
        a.write("notes.txt", "by A\n");
        b.write("notes.txt", "by B\n");
        a.sync();
        b.run(&["sync"]).exits(&[3]);
        a.run(&["sync"]).exits(&[3]);
        // something else comes in with the answer's own sync: the answer is the latest operation all the same
        b.write("other.txt", "changed");
        b.run(&["sync"]).exits(&[3]);
        a.run(&["resolve", "notes.txt", "--keep", keep]).exits(&[0]);
        assert_eq!((a.text("notes.txt").as_str(), a.text("other.txt").as_str()), (after, "changed"));
        assert_eq!(operations(&a)[0]["what"], "resolve");
        if keep == "this" {
            let told = a.run(&["undo"]).exits(&[1]).stdout;
            let other = told.rsplit("--at ").next().unwrap().split('`').next().unwrap();
            assert_eq!(a.text("notes.txt"), "by A\n");
            a.run(&["restore", "notes.txt", "--at", other]).exits(&[0]);
            settle(&a, &b);
            assert_eq!(b.text("notes.txt"), "by B\n", "{told}");
            continue;
        }
        a.run(&["undo"]).exits(&[0]);
        assert_eq!(a.text("notes.txt"), "by A\n", "{keep}");
        settle(&a, &b);
        assert_eq!((b.text("notes.txt").as_str(), b.text("other.txt").as_str()), ("by A\n", "changed"));
        a.run(&["undo"]).exits(&[0]);
        settle(&a, &b);
        assert_eq!(b.text("notes.txt"), after);
    }
}

/// Undo of a restore, also of one that brought a deleted file back. First tier.
#[test]
fn a_restore_is_taken_back() {
    let room = room();
    let (a, b) = merged(room.path());
    let first = version(&a, "notes.txt", "added");
    a.run(&["restore", "notes.txt", "--at", &first]).exits(&[0]);
    a.run(&["undo"]).exits(&[0]);
    assert_eq!(a.text("notes.txt"), MERGED);
    a.remove("notes.txt");
    settle(&a, &b);
    b.run(&["restore", "notes.txt", "--at", &first]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(a.text("notes.txt"), LINES);
    b.run(&["undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(a.read("notes.txt"), None);
    b.run(&["undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(a.text("notes.txt"), LINES);
}

/// Undo of deletions that were received: the files are back on both machines, and gone again by a second undo; what
/// was agreed to by an answer comes back as well. First tier.
#[test]
fn a_deletion_is_taken_back() {
    let room = room();
    let names: Vec<String> = (0..12).map(|n| format!("part/{n:02}.txt")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    let (a, b) = pair(room.path(), &files);
    let all = a.files();
    for name in &names[..4] {
        a.remove(name);
    }
    settle(&a, &b);
    assert_eq!(b.files().0.len(), 8);
    b.run(&["undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(a.files(), all);
    b.run(&["undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(a.files().0.len(), 8);
    a.run(&["undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(a.files(), all);

    std::fs::remove_dir_all(a.work.join("part")).unwrap();
    a.run(&["sync"]).exits(&[1]);
    a.run(&["resolve", "--absent", "accept"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(b.files().0.len(), 0);
    a.run(&["undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(b.files(), all);
    // undone again, it would remove all of them: that is asked
    a.run(&["undo"]).exits(&[1]).explains(&["remove 12 files, on all your computers", "--yes"]);
    settle(&a, &b);
    assert_eq!(b.files(), all);
    a.run(&["--yes", "undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(b.files().0.len(), 0);
}

/// What was changed again since, carried or not, stays; the rest is taken back. First tier.
#[test]
fn nothing_newer_is_overwritten_by_an_undo() {
    let room = room();
    let (a, b) = pair(
        room.path(),
        &[("one.txt", b"1\n"), ("two.txt", b"2\n"), ("three.txt", b"3\n"), ("four.txt", b"4\n")],
    );
    for name in ["one.txt", "two.txt", "three.txt", "four.txt"] {
        b.write(name, format!("{name} by B\n"));
    }
    b.write("new.txt", "new\n");
    settle(&b, &a);
    a.write("one.txt", "changed here, not carried\n");
    b.write("two.txt", "changed there\n");
    b.sync();
    b.remove("four.txt");
    let planned = a.run(&["--json", "undo", "--dry-run"]).exits(&[1]).json();
    let undone = |document: &Value| {
        let files = document["undone"]["files"].as_array().unwrap().clone();
        let undone = files.into_iter().filter(|file| file["undone"] == true);
        undone.map(|file| file["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // a look does not ask the other machine
    assert_eq!(undone(&planned), ["four.txt", "three.txt", "two.txt"]);
    let done = a.run(&["--json", "undo"]).exits(&[1]).json();
    assert_eq!(undone(&done), ["four.txt", "three.txt"], "{done:#}");
    assert_eq!(done["undone"]["operation"]["new_files"], 1);
    settle(&a, &b);
    assert_eq!(a.text("one.txt"), "changed here, not carried\n");
    assert_eq!(a.text("two.txt"), "changed there\n");
    assert_eq!((a.text("three.txt"), a.text("new.txt")), ("3\n".into(), "new\n".into()));
    assert_eq!(a.text("four.txt"), "4\n", "an edit beats the deletion made meanwhile");
}

/// New files of another machine are not taken away; an older operation can be named. First tier.
#[test]
fn new_files_stay_and_an_older_operation_can_be_named() {
    let room = room();
    let (a, b) = pair(room.path(), &[("notes.txt", b"1\n")]);
    a.run(&["undo"]).exits(&[1]).explains(&["nothing to take back"]);
    b.run(&["undo"]).exits(&[1]).explains(&["only brought 1 new file"]);
    b.write("notes.txt", "2\n");
    settle(&b, &a);
    b.write("new.txt", "new\n");
    settle(&b, &a);
    a.run(&["undo"]).exits(&[1]).explains(&["only brought 1 new file", "undo --list"]);
    assert_eq!(a.text("new.txt"), "new\n");
    let list = operations(&a);
    let older = list[1]["number"].to_string();
    a.run(&["undo", &older]).exits(&[0]);
    settle(&a, &b);
    assert_eq!((b.text("notes.txt"), b.text("new.txt")), ("1\n".into(), "new\n".into()));
    a.run(&["undo", "999"]).exits(&[1]).explains(&["no operation 999"]);
    let text = a.run(&["undo", "--list"]).exits(&[0]).stdout;
    assert!(text.contains("notes.txt changed") && text.contains("1 new file"), "{text}");
    a.run(&["undo", "--list", "--dry-run"]).exits(&[2]);
}

/// A renamed file's history goes on under its new name: versions under the old one are told and can be brought back; a
/// rename that was received is taken back, and nothing of the file is lost. First tier.
#[test]
fn a_renamed_file_keeps_its_history() {
    let room = room();
    let (a, b) = pair(room.path(), &[("draft.txt", LINES.as_bytes()), ("other.txt", b"o")]);
    a.write("draft.txt", BY_A);
    settle(&a, &b);
    std::fs::rename(a.work.join("draft.txt"), a.work.join("final.txt")).unwrap();
    settle(&a, &b);
    b.write("final.txt", MERGED);
    settle(&b, &a);
    for machine in [&a, &b] {
        let all = history(machine, "final.txt");
        let whats: Vec<_> = all.iter().map(|version| version["what"].as_str().unwrap()).collect();
        assert_eq!(whats, ["edited", "renamed from draft.txt", "edited", "added"], "{all:#?}");
        let paths: Vec<_> = all.iter().map(|version| version["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["final.txt", "final.txt", "draft.txt", "draft.txt"]);
    }
    let gone = &history(&b, "draft.txt")[0];
    assert_eq!((&gone["what"], &gone["size"]), (&"renamed to final.txt".into(), &Value::Null), "{gone}");
    // a version of before the rename comes back under the name of now
    let first = version(&b, "final.txt", "added");
    b.run(&["restore", "final.txt", "--at", &first]).exits(&[0]);
    settle(&a, &b);
    assert_eq!((a.text("final.txt").as_str(), a.read("draft.txt")), (LINES, None));
    b.run(&["undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!(a.text("final.txt"), MERGED);
    // or under the name of then
    b.run(&["restore", "draft.txt", "--at", &first]).exits(&[0]);
    settle(&a, &b);
    assert_eq!((a.text("draft.txt").as_str(), a.text("final.txt").as_str()), (LINES, MERGED));
}

/// A rename that was received is taken back: the file is there again under its old name; the new one stays as well,
/// since two files are better than one too few. First tier.
#[test]
fn a_received_rename_is_taken_back() {
    let room = room();
    let (a, b) = pair(room.path(), &[("draft.txt", LINES.as_bytes()), ("other.txt", b"o")]);
    std::fs::rename(a.work.join("draft.txt"), a.work.join("final.txt")).unwrap();
    settle(&a, &b);
    assert_eq!(b.read("draft.txt"), None);
    let list = operations(&b);
    assert_eq!(list[0]["changes"][0]["what"], "renamed", "{list:#?}");
    b.run(&["undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!((a.text("draft.txt").as_str(), a.text("final.txt").as_str()), (LINES, LINES));
    b.run(&["undo"]).exits(&[0]);
    settle(&a, &b);
    assert_eq!((a.read("draft.txt"), a.text("final.txt").as_str()), (None, LINES));
}
