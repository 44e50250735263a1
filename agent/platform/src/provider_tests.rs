//! The provider table on simulated computers of each kind, and in real temporary folders.

use std::io::Write;

use super::*;
use crate::clock::SimulatedClock;
#[cfg(unix)]
use crate::disk::RealDisk;
use crate::disk::SimulatedDisk;
use crate::places::SimulatedPlaces;

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
    Some((found.name, found.root.to_str().unwrap().replace('\\', "/")))
}

#[test]
fn default_names_are_known() {
    let (places, disk) = computer(System::Linux, &[]);
    for (folder, name) in [
        ("Dropbox", DROPBOX),
        ("Dropbox (The Open University)", DROPBOX),
        ("OneDrive", ONE_DRIVE),
        ("OneDrive - The Open University", ONE_DRIVE),
        ("Google Drive", GOOGLE_DRIVE),
        ("My Drive", GOOGLE_DRIVE),
        ("iCloudDrive", ICLOUD),
        ("Nextcloud", NEXTCLOUD),
        ("ownCloud", OWNCLOUD),
        ("pCloudDrive", PCLOUD),
        ("SynologyDrive", SYNOLOGY),
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
        ("d", DROPBOX),
        ("s", SYNCTHING),
        ("f", DROPBOX),
        ("n", NEXTCLOUD),
        ("m", NEXTCLOUD),
        ("o", OWNCLOUD),
        ("g", GOOGLE_DRIVE),
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
        assert_eq!(name_of("/big/Ada's box/c/d", &places, &disk), Some((DROPBOX, "/big/Ada's box".into())));
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
    assert_eq!(found, Some((DROPBOX, "/home/ada/Dropbox".into())));
    let found = name_of("/home/ada/other/../innocent/x", &places, &disk);
    assert_eq!(found, Some((DROPBOX, "/home/ada/Dropbox".into())));
}

#[test]
fn one_drive_is_known_from_what_windows_says() {
    let (mut places, disk) = computer(System::Windows, &["/d/Cloud", "/g/My Drive"]);
    places.one_drive = vec!["/d/Cloud".into(), "/gone".into()];
    places.drives = vec!["/c".into(), "/g".into()];
    assert_eq!(name_of("/d/Cloud/Documents/x", &places, &disk), Some((ONE_DRIVE, "/d/Cloud".into())));
    let found: Vec<_> = cloud_folders(&places, &disk).into_iter().map(|p| (p.name, p.root)).collect();
    assert_eq!(found, [(GOOGLE_DRIVE, "/g/My Drive".into()), (ONE_DRIVE, "/d/Cloud".into())]);
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
    assert_eq!(named(&format!("{storage}/Dropbox/x")), Some(DROPBOX));
    assert_eq!(named(&format!("{storage}/OneDrive-TheOpenUniversity/x")), Some(ONE_DRIVE));
    assert_eq!(named(&format!("{storage}/Newcomer-1/x")), Some(OTHER));
    assert_eq!(named(&format!("{icloud}/x")), Some(ICLOUD));
    assert_eq!(named("/home/ada/Documents/course"), Some(ICLOUD));
    assert_eq!(named("/home/ada/Desktop/course"), None);
    let google = format!("{storage}/GoogleDrive-ada@example.org/My Drive");
    let found = cloud_folders(&places, &disk);
    let google = found.iter().find(|provider| provider.root == Path::new(&google)).unwrap();
    assert!(google.wants_writing_in_place());
    assert_eq!(found.len(), 7);
    assert_eq!(found.iter().filter(|provider| provider.wants_writing_in_place()).count(), 1);
}

#[test]
fn each_folder_is_found_once() {
    let (places, disk) =
        computer(System::Linux, &["/home/ada/Dropbox", "/home/ada/Sync/.stfolder", "/home/ada/x"]);
    write(&disk, "/home/ada/.dropbox/info.json", r#"{"personal":{"path":"/home/ada/Dropbox"}}"#);
    disk.place_link(Path::new("/home/ada/OneDrive"), Path::new("Dropbox")).unwrap();
    let found: Vec<_> = cloud_folders(&places, &disk).into_iter().map(|p| (p.name, p.root)).collect();
    assert_eq!(found, [(DROPBOX, "/home/ada/Dropbox".into()), (SYNCTHING, "/home/ada/Sync".into())]);
}

#[cfg(unix)]
#[test]
fn it_works_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let home = RealDisk.canonical(dir.path()).unwrap().join("home");
    std::fs::create_dir_all(home.join("OneDrive - Uni/Documents")).unwrap();
    std::os::unix::fs::symlink(home.join("OneDrive - Uni/Documents"), home.join("Documents")).unwrap();
    let places = SimulatedPlaces::new(&home);
    let expected = Provider { name: ONE_DRIVE, root: home.join("OneDrive - Uni") };
    assert_eq!(holding(&home.join("Documents/kitbag/new"), &places, &RealDisk), Some(expected.clone()));
    assert_eq!(holding(&home.join("kitbag/new"), &places, &RealDisk), None);
    assert_eq!(cloud_folders(&places, &RealDisk), [expected]);
}
