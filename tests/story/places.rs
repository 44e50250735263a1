//! Where `setup` refuses to work: in places where a cloud program, another folder of kitbag or the person's whole home
//! would come to harm. Each refusal says what, why and what to do, and makes nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::machine::{Machine, room, tree, write};

/// Every name below the room, folders too.
fn names(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if item.file_type().unwrap().is_dir() {
                folders.push(item.path());
            }
            found.push(item.path());
        }
    }
    found.sort();
    found
}

/// `place` changes a good machine into a bad one; `setup` must refuse it with these words.
#[track_caller]
fn refused(place: impl FnOnce(&mut Machine), words: &[&str]) {
    let room = room();
    let root = fs::canonicalize(room.path()).unwrap();
    let mut machine = Machine::new(&root, "PC", &root.join("cloud/share"));
    fs::create_dir_all(root.join("cloud")).unwrap();
    fs::create_dir_all(machine.user.join("mine")).unwrap();
    machine.work = machine.user.join("mine/work");
    place(&mut machine);
    let before = names(&root);
    machine.setup().exits(&[1]).explains(words);
    assert_eq!(names(&root), before, "something was made");
    machine.run(&["status"]).exits(&[1]).explains(&["no workspace"]);
}

/// Shows F1 (work and machine state are apart from any cloud folder): known by the folder's name, by the client's own
/// mark in it, by what Dropbox itself says, and through a link. First tier.
#[test]
fn neither_work_nor_state_in_a_cloud_folder() {
    let dropbox = ["Dropbox", "machine's own state"];
    refused(|m| m.work = m.user.join("Dropbox/course"), &["working folder", "Dropbox", "such as"]);
    refused(|m| m.home = m.user.join("Dropbox/state"), &dropbox);
    refused(|m| m.work = m.user.join("OneDrive - University/work"), &["OneDrive", "working folder"]);
    let marked = |m: &Machine| {
        write(&m.user.join("files/.dropbox"), "{}");
        m.user.join("files/course/work")
    };
    refused(|m| m.work = marked(m), &["Dropbox", "working folder"]);
    refused(|m| m.home = marked(m), &dropbox);
    let told = |m: &Machine| {
        let root = m.user.join("elsewhere");
        fs::create_dir_all(&root).unwrap();
        write(&m.user.join(".dropbox/info.json"), format!("{{\"personal\":{{\"path\":{root:?}}}}}"));
        root.join("work")
    };
    refused(|m| m.work = told(m), &["Dropbox", "elsewhere"]);
    refused(|m| m.home = told(m), &dropbox);
    let linked = |m: &Machine| {
        fs::create_dir_all(m.user.join("Dropbox")).unwrap();
        symlink(m.user.join("Dropbox"), m.user.join("looks-harmless")).unwrap();
        m.user.join("looks-harmless/work")
    };
    refused(|m| m.work = linked(m), &["Dropbox"]);
}

/// Shows that everything a person has is never taken for a share or a working folder. First tier.
#[test]
fn neither_the_home_folder_nor_the_whole_drive() {
    refused(|m| m.share = m.user.clone(), &["cannot be the cloud folder", "such as"]);
    refused(|m| m.share = "/".into(), &["/ cannot be the cloud folder", "top of a drive"]);
    refused(|m| m.work = "/".into(), &["/ cannot be the working folder", "top of a drive"]);
    refused(|m| m.work = m.user.clone(), &["cannot be the working folder"]);
    refused(|m| m.share = m.user.parent().unwrap().to_owned(), &["everything of yours"]);
    refused(|m| m.share = m.user.join("mine/.."), &["everything of yours"]);
}

/// Shows that the three folders never lie in one another. First tier.
#[test]
fn never_one_folder_in_another() {
    let apart = ["lie in one another"];
    refused(|m| m.work = m.share.join("work"), &apart);
    refused(|m| m.share = m.work.join("share"), &apart);
    refused(|m| m.work = m.share.clone(), &apart);
    refused(|m| m.work = m.share.parent().unwrap().join("../cloud/share"), &apart);
    refused(|m| m.home = m.share.join("state"), &apart);
    refused(|m| m.home = m.work.join("state"), &apart);
    refused(|m| m.work = m.home.join("work"), &apart);
    refused(
        |m| {
            fs::create_dir_all(&m.share).unwrap();
            symlink(&m.share, m.user.join("link")).unwrap();
            m.work = m.user.join("link/work");
        },
        &apart,
    );
}

/// Shows that a share on a drive that is not there is not made up, and that no folder serves two workspaces. First tier.
#[test]
fn missing_drives_and_folders_in_use() {
    refused(|m| m.share = "/nowhere-kitbag/drive/share".into(), &["is not there"]);
    let behind_a_file = |m: &Machine| {
        write(&m.user.join("mine/file"), "in the way");
        m.user.join("mine/file/work")
    };
    refused(|m| m.work = behind_a_file(m), &["mine/file/work"]);
    refused(|m| m.share = behind_a_file(m), &["mine/file"]);
    let room = room();
    let root = room.path();
    let a = Machine::new(root, "A", &root.join("share"));
    a.write("mine.txt", "m");
    a.setup().exits(&[0]);
    let before = tree(&a.home);
    a.setup().exits(&[1]).explains(&["set up here already"]);
    for (share, work) in [(root.join("share"), root.join("A/other")), (root.join("other"), a.work.clone())] {
        let args = ["setup", "--share", share.to_str().unwrap(), "--work", work.to_str().unwrap()];
        a.run(&args).exits(&[1]).explains(&["set up here already"]);
        assert!(!root.join("A/other").exists() && !root.join("other").exists());
    }
    // another machine's working folder in this one's share
    let mut b = Machine::new(root, "B", &root.join("share-2"));
    b.work = a.share.join("inside");
    b.setup().exits(&[1]).explains(&["lies in the cloud folder"]);
    assert_eq!(tree(&a.home).0.keys().collect::<Vec<_>>(), before.0.keys().collect::<Vec<_>>());
    a.sync();
}

/// Shows that a folder another program or another kitbag syncs is refused, before anything is made. First tier.
#[test]
fn never_two_sync_tools_on_one_folder() {
    refused(
        |m| {
            m.share = m.user.join("Dropbox/both/share");
            write(&m.user.join("Dropbox/.dropbox"), "{}");
            fs::create_dir_all(m.user.join("Dropbox/both/.stfolder")).unwrap();
        },
        &["is carried by Syncthing and by Dropbox", "only one of them"],
    );
    let marked = |folder: &Path, mark: &str| fs::create_dir_all(folder.join(mark)).unwrap();
    refused(|m| marked(&m.work, ".sync"), &["the working folder", "lies in Resilio Sync"]);
    refused(
        |m| {
            m.share = m.user.join("Dropbox/share");
            write(&m.user.join("Dropbox/.dropbox"), "{}");
            marked(&m.share, ".sync");
        },
        &["is carried by Resilio Sync and by Dropbox"],
    );
    refused(|m| write(&m.share.join("sync.ffs_db"), ""), &["FreeFileSync also syncs the cloud folder"]);
    refused(|m| write(&m.work.join("RCLONE_TEST"), ""), &["rclone bisync also syncs the working folder"]);
    refused(
        |m| {
            let name = m.share.to_str().unwrap().trim_matches('/').replace('/', "_");
            write(&m.user.join(format!(".cache/rclone/bisync/{name}..gdrive_x.path1.lst")), "");
        },
        &["rclone bisync also syncs the cloud folder"],
    );
    refused(
        |m| {
            m.work = m.user.join("mine");
            let root = m.user.join("mine/Dropbox");
            fs::create_dir_all(&root).unwrap();
            write(&m.user.join(".dropbox/info.json"), format!("{{\"personal\":{{\"path\":{root:?}}}}}"));
        },
        &["Dropbox", "lies in the working folder"],
    );
    refused(
        |m| {
            write(&m.share.join(".kitbag/format"), "kitbag 1\n");
            m.share = m.share.join("inside");
        },
        &["lies in another one of kitbag"],
    );
    for (share, work) in [("mine/w/share", "other"), ("cloud-2", "mine/w/deep/work")] {
        refused(
            |m| {
                write(&m.user.join("mine/w/.kitbag-folder"), "0\n");
                (m.share, m.work) = (m.user.join(share), m.user.join(work));
            },
            &["lies in a working folder of kitbag"],
        );
    }
    // a version control folder is no sync tool
    let room = room();
    let a = Machine::new(room.path(), "A", &room.path().join("share"));
    fs::create_dir_all(a.work.join(".git")).unwrap();
    a.setup().exits(&[0]);
}

/// Shows that folders of two workspaces on one machine never lie in one another. First tier.
#[test]
fn never_one_workspace_in_another() {
    let room = room();
    let root = fs::canonicalize(room.path()).unwrap();
    let mut a = Machine::new(&root, "A", &root.join("deep/share"));
    a.write("x.txt", "x");
    fs::create_dir(root.join("deep")).unwrap();
    a.setup().exits(&[0]);
    a.work = root.join("A/other");
    for share in [root.join("deep"), root.join("A/work/inside")] {
        a.share = share;
        a.setup().exits(&[1]).explains(&["kitbag", "lie"]);
    }
    assert!(!root.join("A/other").exists());
}

/// Two workspaces on one machine live side by side, told apart by name or by the current folder. First tier.
#[test]
fn two_workspaces_side_by_side() {
    let room = room();
    let root = room.path();
    let mut a = Machine::new(root, "A", &root.join("maths"));
    a.write("m.txt", "m");
    a.setup().exits(&[0]);
    a.share = root.join("physics");
    a.work = root.join("A/physics-work");
    a.write("p.txt", "p");
    a.setup().exits(&[0]);
    a.run(&["sync"]).exits(&[1]).explains(&["several workspaces", "maths, physics", "--workspace NAME"]);
    a.run(&["--workspace", "maths", "sync"]).exits(&[0]);
    a.run(&["--workspace", "nonsense", "sync"]).exits(&[1]).explains(&["no workspace called nonsense"]);
    assert_eq!(a.mirror().0.keys().collect::<Vec<_>>(), ["p.txt"]);
    assert!(root.join("maths/m.txt").exists());
}
