//! The provider table on simulated computers of each kind, and in real temporary folders.

use std::io::Write;

use super::*;
use crate::clock::SimulatedClock;
#[cfg(unix)]
use crate::disk::RealDisk;
use crate::disk::SimulatedDisk;
use crate::places::{SimulatedPlaces, System};

fn computer(system: System, folders: &[&str]) -> (SimulatedPlaces, SimulatedDisk) {
    let disk = SimulatedDisk::new(SimulatedClock::new(0));
    for folder in ["/home/ada"].iter().chain(folders) {
        disk.create_dirs(Path::new(folder)).unwrap();
    }
    let mut places = SimulatedPlaces::new(Path::new("/home/ada"));
    places.system = system;
    (places, disk)
}

fn write(disk: &dyn Disk, path: &str, text: &str) {
    let path = Path::new(path);
    disk.create_dirs(path.parent().unwrap()).unwrap();
    let mut file = disk.create(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.finish(false).unwrap();
}

fn name_of(path: &str, places: &SimulatedPlaces, disk: &SimulatedDisk) -> Option<(&'static str, String)> {
    let found = holding(Path::new(path), places, disk)?;
    // The simulated disk joins names as the system it runs on does.
    Some((found.name(), found.root.to_str().unwrap().replace('\\', "/")))
}

#[test]
fn default_names_are_known() {
    let (places, disk) = computer(System::Linux, &[]);
    for (folder, name) in [
        ("Dropbox", "Dropbox"),
        ("Dropbox (The Open University)", "Dropbox"),
        ("OneDrive", "OneDrive"),
        ("OneDrive - The Open University", "OneDrive"),
        ("Google Drive", "Google Drive"),
        ("My Drive", "Google Drive"),
        ("iCloudDrive", "iCloud Drive"),
        ("Nextcloud", "Nextcloud"),
        ("ownCloud", "ownCloud"),
        ("pCloudDrive", "pCloud"),
        ("SynologyDrive", "Synology Drive"),
    ] {
        let root = format!("/home/ada/{folder}");
        let found = name_of(&format!("{root}/course/not yet/here"), &places, &disk);
        assert_eq!(found, Some((name, root.clone())));
        assert_eq!(name_of(&root, &places, &disk), Some((name, root)), "the folder itself");
    }
    for folder in
        ["Dropbox2", "dropbox-backup", "My Drives", "OneDrive2", "Documents", "notdropbox", "Dropbox ("]
    {
        assert_eq!(name_of(&format!("/home/ada/{folder}/x"), &places, &disk), None, "{folder}");
    }
}

#[test]
fn marks_are_known_and_a_settings_folder_is_none() {
    let (places, disk) =
        computer(System::Linux, &["/data/d/.dropbox.cache", "/data/s/.stfolder", "/home/ada/.dropbox"]);
    write(&disk, "/data/f/.dropbox", "");
    write(&disk, "/data/n/.sync_0123abc.db", "");
    write(&disk, "/data/m/._sync_0123abc.db", "");
    write(&disk, "/data/o/.owncloudsync.log", "");
    disk.create_dirs(Path::new("/data/g/.tmp.driveupload")).unwrap();
    for (path, name) in [
        ("d", "Dropbox"),
        ("s", "Syncthing"),
        ("f", "Dropbox"),
        ("n", "Nextcloud"),
        ("m", "Nextcloud"),
        ("o", "ownCloud"),
        ("g", "Google Drive"),
    ] {
        assert_eq!(
            name_of(&format!("/data/{path}/x/y"), &places, &disk),
            Some((name, format!("/data/{path}")))
        );
    }
    assert_eq!(name_of("/home/ada/kitbag/course", &places, &disk), None);
    assert_eq!(name_of("/data/plain", &places, &disk), None);
}

#[test]
fn dropbox_says_where_it_is() {
    for system in [System::Linux, System::Windows] {
        let (mut places, disk) = computer(system, &["/big/Ada's box", "/work/team"]);
        places.roaming_data = Some("/home/ada/Roaming".into());
        let file = match system {
            System::Windows => "/home/ada/Roaming/Dropbox/info.json",
            _ => "/home/ada/.dropbox/info.json",
        };
        let text =
            r#"{"personal":{"path":"/big/Ada's box","host":1},"business":{"path":"/work/team"},"odd":7}"#;
        write(&disk, file, text);
        assert_eq!(name_of("/big/Ada's box/c/d", &places, &disk), Some(("Dropbox", "/big/Ada's box".into())));
        let roots: Vec<_> = cloud_folders(&places, &disk).into_iter().map(|found| found.root).collect();
        assert_eq!(roots, [PathBuf::from("/big/Ada's box"), PathBuf::from("/work/team")]);
    }
}

#[test]
fn broken_settings_are_passed_over() {
    for text in ["", "[]", "{\"personal\":{\"path\":7}}", "{\"personal\":{\"path\":\"relative\"}}", "{{{"] {
        let (places, disk) = computer(System::Linux, &[]);
        write(&disk, "/home/ada/.dropbox/info.json", text);
        assert_eq!(cloud_folders(&places, &disk), [], "{text}");
    }
}

#[test]
fn a_link_into_a_cloud_folder_is_seen_through() {
    let (places, disk) = computer(System::Linux, &["/home/ada/Dropbox/deep"]);
    disk.place_link(Path::new("/home/ada/innocent"), Path::new("Dropbox/deep")).unwrap();
    let found = name_of("/home/ada/innocent/new/course", &places, &disk);
    assert_eq!(found, Some(("Dropbox", "/home/ada/Dropbox".into())));
    let found = name_of("/home/ada/other/../innocent/x", &places, &disk);
    assert_eq!(found, Some(("Dropbox", "/home/ada/Dropbox".into())));
}

#[test]
fn one_drive_is_known_from_what_windows_says() {
    let (mut places, disk) = computer(System::Windows, &["/d/Cloud", "/g/My Drive"]);
    places.variables =
        vec![("OneDrive".into(), "/d/Cloud".into()), ("OneDriveCommercial".into(), "/gone".into())];
    places.drives = vec!["/c".into(), "/g".into()];
    assert_eq!(name_of("/d/Cloud/Documents/x", &places, &disk), Some(("OneDrive", "/d/Cloud".into())));
    let found: Vec<_> = cloud_folders(&places, &disk).into_iter().map(|p| (p.name(), p.root)).collect();
    assert_eq!(found, [("Google Drive", "/g/My Drive".into()), ("OneDrive", "/d/Cloud".into())]);
}

#[test]
fn macos_keeps_its_cloud_folders_in_two_places() {
    let storage = "/home/ada/Library/CloudStorage";
    let icloud = "/home/ada/Library/Mobile Documents/com~apple~CloudDocs";
    let (places, disk) = computer(
        System::MacOs,
        &[
            &format!("{storage}/Dropbox"),
            &format!("{storage}/GoogleDrive-ada@example.org/My Drive"),
            &format!("{storage}/OneDrive-TheOpenUniversity"),
            &format!("{storage}/Box-Box"),
            &format!("{storage}/Newcomer-1"),
            &format!("{icloud}/Documents"),
            "/home/ada/Documents/course",
            "/home/ada/Desktop",
        ],
    );
    let named = |path: &str| name_of(path, &places, &disk).map(|found| found.0);
    assert_eq!(named(&format!("{storage}/Dropbox/x")), Some("Dropbox"));
    assert_eq!(named(&format!("{storage}/OneDrive-TheOpenUniversity/x")), Some("OneDrive"));
    assert_eq!(named(&format!("{storage}/Newcomer-1/x")), Some("a cloud provider"));
    assert_eq!(named(&format!("{icloud}/x")), Some("iCloud Drive"));
    assert_eq!(named("/home/ada/Documents/course"), Some("iCloud Drive"));
    assert_eq!(named("/home/ada/Desktop/course"), None);
    let google = format!("{storage}/GoogleDrive-ada@example.org/My Drive");
    let found = cloud_folders(&places, &disk);
    let google = found.iter().find(|provider| provider.root == Path::new(&google)).unwrap();
    assert!(google.row.in_place);
    assert_eq!(found.len(), 7);
    assert_eq!(found.iter().filter(|provider| provider.row.in_place).count(), 1);
}

#[test]
fn each_folder_is_found_once() {
    let (places, disk) =
        computer(System::Linux, &["/home/ada/Dropbox", "/home/ada/Sync/.stfolder", "/home/ada/x"]);
    write(&disk, "/home/ada/.dropbox/info.json", r#"{"personal":{"path":"/home/ada/Dropbox"}}"#);
    disk.place_link(Path::new("/home/ada/OneDrive"), Path::new("Dropbox")).unwrap();
    let found: Vec<_> = cloud_folders(&places, &disk).into_iter().map(|p| (p.name(), p.root)).collect();
    assert_eq!(found, [("Dropbox", "/home/ada/Dropbox".into()), ("Syncthing", "/home/ada/Sync".into())]);
}

#[cfg(unix)]
#[test]
fn it_works_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let home = RealDisk.canonical(dir.path()).unwrap().join("home");
    std::fs::create_dir_all(home.join("OneDrive - Uni/Documents")).unwrap();
    std::os::unix::fs::symlink(home.join("OneDrive - Uni/Documents"), home.join("Documents")).unwrap();
    let places = SimulatedPlaces::new(&home);
    let expected = Provider { row: known("onedrive"), root: home.join("OneDrive - Uni") };
    assert_eq!(holding(&home.join("Documents/kitbag/new"), &places, &RealDisk), Some(expected.clone()));
    assert_eq!(holding(&home.join("kitbag/new"), &places, &RealDisk), None);
    assert_eq!(cloud_folders(&places, &RealDisk), [expected]);
}

#[test]
fn windows_knows_folders_of_many_providers() {
    let (mut places, disk) = computer(System::Windows, &["/c/Cloud", "/c/Team library", "/e/Box", "/e/New"]);
    let manager = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\SyncRootManager\*\UserSyncRoots";
    let entry =
        |key: &str, each: &str, value: &str, text: &str| (key.into(), each.into(), value.into(), text.into());
    places.registry = vec![
        entry(r"Software\Microsoft\OneDrive\Accounts", "Business1", "UserFolder", "/c/Cloud"),
        entry(r"Software\Microsoft\OneDrive\Accounts", "Business1", "UserEmail", "/not/this"),
        entry(r"Software\SyncEngines\Providers\OneDrive", "0123abcd", "MountPoint", "/c/Team library"),
        entry(manager, "Box!S-1-5-21-1!7", "S-1-5-21-1", "/e/Box"),
        entry(manager, "Newcomer!S-1-5-21-1!7", "S-1-5-21-1", "/e/New"),
        entry(manager, "OneDrive!S-1-5-21-1!Business1", "S-1-5-21-1", "/c/Cloud"),
        entry(manager, "Torn!", "S-1-5-21-1", "relative"),
    ];
    for (path, name) in [
        ("/c/Cloud/x", Some("OneDrive")),
        ("/c/Team library/x", Some("OneDrive")),
        ("/e/Box/x", Some("Box")),
        ("/e/New/x", Some("a cloud provider")),
        ("/not/this/x", None),
    ] {
        assert_eq!(name_of(path, &places, &disk).map(|found| found.0), name, "{path}");
        assert_eq!(holders(Path::new(path), &places, &disk).len(), usize::from(name.is_some()), "{path}");
    }
    let found: Vec<_> = cloud_folders(&places, &disk).into_iter().map(|p| p.name()).collect();
    assert_eq!(found, ["Box", "OneDrive", "OneDrive", "a cloud provider"]);
}

#[test]
fn clients_for_linux_say_where_they_are() {
    let (places, disk) = computer(
        System::Linux,
        &[
            "/data/nc",
            "/data/oc",
            "/data/One",
            "/data/st & more",
            "/home/ada/Shared",
            "/home/ada/Insync/ada@x.org",
        ],
    );
    write(
        &disk,
        "/home/ada/.config/Nextcloud/nextcloud.cfg",
        "[Accounts]\n0\\Folders\\1\\localPath=/data/nc/\n",
    );
    write(&disk, "/home/ada/.config/ownCloud/owncloud.cfg", "0\\Folders\\1\\localPath=/data/oc\n");
    write(&disk, "/home/ada/.config/onedrive/config", "# sync_dir = \"/no\"\nsync_dir = \"/data/One\"\n");
    let text = r#"<folder id="a" path="/data/st &amp; more"/><folder id="b" path="~/Shared">"#;
    write(&disk, "/home/ada/.local/state/syncthing/config.xml", text);
    let found: Vec<_> = cloud_folders(&places, &disk).into_iter().map(|p| (p.name(), p.root)).collect();
    assert_eq!(
        found,
        [
            ("Google Drive", "/home/ada/Insync".into()),
            ("Nextcloud", "/data/nc".into()),
            ("OneDrive", "/data/One".into()),
            ("Syncthing", "/data/st & more".into()),
            ("Syncthing", PathBuf::from("/home/ada/Shared")),
            ("ownCloud", "/data/oc".into()),
        ]
    );
}

#[test]
fn two_providers_on_one_folder_are_both_named() {
    let (places, disk) = computer(System::Linux, &["/home/ada/Dropbox/deep/.stfolder", "/home/ada/.sync"]);
    write(&disk, "/home/ada/.dropbox/info.json", r#"{"personal":{"path":"/home/ada/Dropbox"}}"#);
    let names = |path: &str| -> Vec<_> {
        holders(Path::new(path), &places, &disk).into_iter().map(|provider| provider.name()).collect()
    };
    assert_eq!(names("/home/ada/Dropbox/deep/course"), ["Syncthing", "Dropbox"]);
    assert_eq!(names("/home/ada/Dropbox/course"), ["Dropbox"]);
    // only a name inside what is known
    assert_eq!(names("/home/ada/Dropbox/OneDrive/course"), ["Dropbox"]);
    // Resilio keeps settings under this name in a home folder
    assert_eq!(names("/home/ada/kitbag/course"), [""; 0]);
}

#[test]
fn other_tools_leave_marks() {
    let (places, disk) = computer(System::Linux, &["/w/a", "/w/b/.sync", "/w/c/.git", "/w/d e/x", "/w/f"]);
    write(&disk, "/w/a/.unison.notes.txt.0123.unison.tmp", "");
    write(&disk, "/home/ada/.cache/rclone/bisync/w_d_e..gdrive_x.path1.lst", "");
    write(&disk, "/home/ada/.cache/rclone/bisync/gdrive_x..w_f.path1.lst", "");
    let on = |path: &str| tools_on(Path::new(path), &places, &disk);
    assert_eq!(on("/w/a"), ["Unison"]);
    assert_eq!(on("/w/b"), ["Resilio Sync"]);
    assert_eq!(on("/w/c"), [""; 0]);
    assert_eq!(on("/w/d e"), ["rclone bisync"]);
    assert_eq!(on("/w/f"), ["rclone bisync"]);
    assert_eq!(on("/w/d e/x"), [""; 0]);
    assert_eq!(on("/nowhere"), [""; 0]);
}
