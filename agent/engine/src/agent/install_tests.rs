//! Installed, changed, moved, interrupted and taken away again, on a computer on which nothing really starts.

use kitbag_platform::autostart::SimulatedAutostart;

use super::*;

struct Person {
    dir: tempfile::TempDir,
    doors: Doors,
    autostart: SimulatedAutostart,
}

impl Person {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let autostart = SimulatedAutostart::new(Path::new("/settings"));
        Person { dir, doors: Doors::real(), autostart }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn install(&self, called: &Called) -> Vec<Became> {
        let (_, done) = install(&self.home(), &self.doors, &self.autostart, called).unwrap();
        done.into_iter().map(|one| one.became).collect()
    }

    fn uninstall(&self) -> Vec<Became> {
        let done = uninstall(&self.home(), &self.doors, &self.autostart, &called("/bin/kitbag")).unwrap();
        done.into_iter().map(|one| one.became).collect()
    }

    fn installed(&self) -> Option<Installed> {
        installed(&self.home(), &self.doors, &self.autostart).unwrap()
    }
}

fn called(program: &str) -> Called {
    Called { program: program.into(), settings: vec!["a=b".into()], usual: true, path: None }
}

#[test]
fn there_and_away_and_twice() {
    let person = Person::new();
    assert_eq!(person.installed(), None);
    assert_eq!(person.uninstall(), []);
    assert_eq!(person.install(&called("/bin/kitbag")), [Became::Written; 2]);
    let texts = person.autostart.texts();
    assert_eq!(person.install(&called("/bin/kitbag")), [Became::Unchanged; 2]);
    assert_eq!(person.autostart.texts(), texts);
    let home = person.home();
    let unit = &texts[&Place::File("/settings/kitbag.service".into())];
    for word in ["/bin/kitbag", "\"--home\"", home.to_str().unwrap(), "\"a=b\"", "\"--stay\""] {
        assert!(unit.contains(word), "{word} in {unit}");
    }
    // another program takes its place
    assert_eq!(person.install(&called("/opt/kitbag")), [Became::Written; 2]);
    assert_eq!(person.installed().unwrap().program, Path::new("/opt/kitbag"));
    assert_eq!(person.uninstall(), [Became::Removed; 2]);
    assert!(person.autostart.texts().is_empty());
    assert_eq!(person.autostart.told(), ["stop kitbag", "forget", "stop kitbag", "forget"]);
    assert_eq!(person.uninstall(), []);
    assert_eq!(person.installed(), None);
}

#[test]
fn what_a_person_changed_stays_and_is_said() {
    let person = Person::new();
    person.install(&called("/bin/kitbag"));
    let unit = Place::File("/settings/kitbag.service".into());
    person.autostart.edit(&unit, Some("mine"));
    let installed = person.installed().unwrap();
    assert_eq!((installed.changed, installed.missing), (vec![unit.to_string()], vec![]));
    assert_eq!(person.install(&called("/opt/kitbag")), [Became::Yours, Became::Written]);
    assert_eq!(person.uninstall(), [Became::Yours, Became::Removed]);
    assert_eq!(person.autostart.texts().into_iter().collect::<Vec<_>>(), [(unit, "mine".to_owned())]);
}

#[test]
fn another_state_root_has_files_of_its_own_and_a_moved_one_brings_its_note() {
    let person = Person::new();
    let other = Called { usual: false, ..called("/bin/kitbag") };
    person.install(&other);
    let before = person.autostart.texts();
    assert!(before.keys().all(|place| place.to_string().starts_with("/settings/kitbag-")), "{before:?}");
    let moved = person.dir.path().join("moved");
    std::fs::rename(person.home(), &moved).unwrap();
    let found = installed(&moved, &person.doors, &person.autostart).unwrap().unwrap();
    assert_eq!((found.home, found.missing.len()), (person.home(), 0));
    let (_, done) = install(&moved, &person.doors, &person.autostart, &other).unwrap();
    let became: Vec<_> = done.iter().map(|one| one.became).collect();
    assert_eq!(became, [Became::Removed, Became::Removed, Became::Written, Became::Written]);
    let after = person.autostart.texts();
    assert_eq!(after.len(), 2);
    assert!(after.keys().all(|place| !before.contains_key(place)));
}

#[test]
fn without_its_note_only_what_would_be_written_goes() {
    let person = Person::new();
    person.install(&called("/bin/kitbag"));
    let menu = Place::File("/settings/kitbag.desktop".into());
    person.autostart.edit(&menu, Some("mine"));
    std::fs::remove_dir_all(person.home()).unwrap();
    assert_eq!(person.uninstall(), [Became::Removed, Became::Yours]);
    assert_eq!(person.autostart.texts().into_keys().collect::<Vec<_>>(), [menu]);
    assert!(!person.home().exists(), "and nothing is made anew");
}

#[test]
fn what_failed_in_the_middle_is_known_the_next_time() {
    let person = Person::new();
    person.install(&called("/bin/kitbag"));
    person.autostart.set_refuses(true);
    let opt = called("/opt/kitbag");
    assert!(install(&person.home(), &person.doors, &person.autostart, &opt).is_err());
    person.autostart.set_refuses(false);
    assert_eq!(person.installed().unwrap().changed, Vec::<String>::new());
    assert_eq!(person.uninstall(), [Became::Removed; 2]);
}

#[test]
fn what_cannot_be_said_is_refused_before_anything_is_written() {
    let person = Person::new();
    let bad = Called { settings: vec!["a=\n".into()], ..called("/bin/kitbag") };
    let error = install(&person.home(), &person.doors, &person.autostart, &bad).unwrap_err();
    assert!(error.finding().why.contains("is no plain text"), "{error:?}");
    assert!(!person.home().exists() && person.autostart.texts().is_empty());
}
