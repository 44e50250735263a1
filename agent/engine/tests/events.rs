//! Session events on real folders: who has the course open, who has whose latest, whatever the clocks, the copies of a
//! machine and the cloud folder do; they stay few; and nothing that happens to files depends on them.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kitbag_core::id::{ContentId, PackId};
use kitbag_core::session::{Event, EventKind, MOST_PACKS, Presence};
use kitbag_engine::doors::Doors;
use kitbag_engine::events;
use kitbag_engine::setup::{Wanted, setup};
use kitbag_engine::share::Share;
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{self, Request, Rules, Silent};
use kitbag_engine::workspace::{Config, Settings, Workspace};
use kitbag_platform::places::SimulatedPlaces;

struct Machine {
    ws: Workspace,
    home: PathBuf,
}

fn machine(top: &Path, name: &str, share: &str) -> Machine {
    let home = top.join(format!("{name}-home"));
    let wanted = Wanted {
        share: top.join(share),
        work: top.join(format!("{name}-work")),
        machine: name.to_uppercase(),
        name: Some("course".to_owned()),
    };
    let places = SimulatedPlaces::new(&top.join("nobody"));
    let settings = setup(&home, &wanted, &places, &Doors::real()).unwrap().settings;
    open(&home, settings)
}

fn open(home: &Path, settings: Settings) -> Machine {
    let config = Config { outside_settle_seconds: 0, threads: 1, ..Config::default() };
    let ws = Workspace::open(home, settings, config, Doors::real()).unwrap();
    Machine { ws, home: home.to_owned() }
}

impl Machine {
    fn sync(&self) -> Report {
        sync::run(&self.ws, &Rules::default(), Request::default(), &Silent).unwrap()
    }

    fn share(&self) -> Share {
        self.ws.share()
    }

    fn say(&self, event: EventKind) {
        events::add(&self.ws, &self.share(), event).unwrap();
    }

    fn sees(&self) -> BTreeMap<String, Presence> {
        let all = events::machines(&self.ws).unwrap();
        all.into_iter().map(|machine| (machine.name.clone(), machine)).collect()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.ws.settings.work.join(name), text).unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.ws.settings.share.join(".kitbag/events")
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder()).unwrap().count()
    }

    /// An event as any program could put it there.
    fn put(&self, event: &Event) {
        let text = serde_json::to_string(event).unwrap();
        fs::write(self.folder().join(ContentId::of(text.as_bytes()).to_string()), text).unwrap();
    }
}

fn event(machine: &str, event: EventKind, sequence: u64, time: &str) -> Event {
    Event {
        event,
        machine: machine.into(),
        name: machine.to_uppercase(),
        packs: Default::default(),
        sequence,
        time: time.into(),
    }
}

#[test]
fn a_session_opens_and_closes_for_the_others() {
    let room = tempfile::tempdir().unwrap();
    let (a, b) = (machine(room.path(), "a", "share"), machine(room.path(), "b", "share"));
    a.write("one.txt", "1");
    a.sync();
    a.say(EventKind::Opened);
    assert!(!b.sees().contains_key("A"));
    b.sync();
    let seen = &b.sees()["A"];
    assert!(seen.session_open.is_some() && !seen.this);
    assert_eq!(seen.has_my_latest, Some(true), "B has published nothing");
    // A learns that B has its work with the next sync, and not before
    assert!(!a.sees().contains_key("B"));
    a.sync();
    assert_eq!(a.sees()["B"].has_my_latest, Some(true));
    a.write("one.txt", "2");
    a.sync();
    assert_eq!(a.sees()["B"].has_my_latest, Some(false));
    a.say(EventKind::Closed);
    b.sync();
    a.sync();
    assert_eq!((a.sees()["B"].has_my_latest, &b.sees()["A"].session_open), (Some(true), &None));
}

/// A clock in the future, a copied machine, torn and hostile files: told as far as they go, and no harm done.
#[test]
fn strange_events_do_no_harm() {
    let room = tempfile::tempdir().unwrap();
    let (a, b) = (machine(room.path(), "a", "share"), machine(room.path(), "b", "share"));
    a.write("one.txt", "1");
    a.sync();
    a.say(EventKind::Opened);
    b.put(&event("future", EventKind::Opened, 1, "9999-12-31T23:59:59Z"));
    let id = a.ws.settings.machine_id.as_str();
    // somebody with A's id, an absurd count and an absurd name
    let mut twin = event(id, EventKind::Closed, u64::MAX, "2020-01-01T00:00:00Z");
    twin.name = "\u{1b}[2J\u{202e}".into();
    b.put(&twin);
    b.put(&event(id, EventKind::Closed, 7_000, "2020-01-01T00:00:00Z"));
    let folder = b.folder();
    fs::write(folder.join("README"), "no event").unwrap();
    let whole = serde_json::to_string(&event("torn", EventKind::Opened, 1, "t")).unwrap();
    let torn = folder.join(ContentId::of(whole.as_bytes()).to_string());
    fs::write(&torn, &whole[..20]).unwrap();
    fs::write(folder.join(ContentId::of(b"{}").to_string()), "{}").unwrap();
    for _ in 0..2 {
        assert_eq!((a.sync().problems, b.sync().problems), (vec![], vec![]));
    }
    assert!(events::session_open(&a.ws.ledger).unwrap(), "A's own session is A's to close");
    assert_eq!(b.sees()["FUTURE"].session_open.as_deref(), Some("9999-12-31T23:59:59Z"));
    assert!(!b.sees().contains_key("TORN"));
    fs::write(&torn, whole).unwrap();
    b.sync();
    assert!(b.sees().contains_key("TORN"), "it arrived after all");
    // A's next word comes after what its twin said
    a.say(EventKind::Opened);
    b.sync();
    assert!(b.sees()["A"].session_open.is_some());
}

/// Ten thousand events are read, and a machine's own go once later ones say the same: what they told stays true.
#[test]
fn events_stay_few_and_go_on_telling_the_truth() {
    let room = tempfile::tempdir().unwrap();
    let (a, b) = (machine(room.path(), "a", "share"), machine(room.path(), "b", "share"));
    a.write("one.txt", "1");
    a.sync();
    a.say(EventKind::Opened);
    let since = a.sees()["A"].session_open.clone();
    let id = a.ws.settings.machine_id.clone();
    for sequence in 2..10_000 {
        a.put(&event(&id, EventKind::Seen, sequence, "2026-10-01T10:00:00Z"));
    }
    b.sync();
    assert!(a.files() >= 9_999);
    a.sync();
    assert!(a.files() < 10, "{} are left", a.files());
    b.write("two.txt", "2");
    b.sync();
    a.sync();
    b.sync();
    let seen = &b.sees()["A"];
    assert_eq!((&seen.session_open, seen.has_my_latest), (&since, Some(true)));
    assert!(b.ws.ledger.events().unwrap().len() < 12, "forgotten there too");
    // a year of days, a session each
    for _ in 0..100 {
        b.say(EventKind::Opened);
        b.say(EventKind::Closed);
        b.sync();
    }
    assert!(a.files() < 45, "{} are left", a.files());
    let before = a.files();
    for _ in 0..3 {
        a.sync();
        b.sync();
    }
    a.sync();
    assert!(a.files() <= before + 2, "it comes to rest");
    assert_eq!(a.sees()["B"].session_open, None);
    assert_eq!(a.sees()["B"].has_my_latest, Some(true));
}

/// A machine that joins late has seen very many packs at once: each of its events can still be read.
#[test]
fn an_event_never_outgrows_what_is_read() {
    let room = tempfile::tempdir().unwrap();
    let (a, b) = (machine(room.path(), "a", "share"), machine(room.path(), "b", "share"));
    a.write("one.txt", "1");
    a.sync();
    let mut builder = kitbag_store::Builder::new();
    builder.piece(kitbag_store::compress(b"x")).unwrap();
    let packed = builder.finish();
    let pack = kitbag_store::read(packed.id, &packed.bytes).unwrap();
    a.ws.ledger
        .batch(|ledger| {
            for n in 0..2 * MOST_PACKS as u32 {
                ledger.add_pack(PackId::of(&n.to_le_bytes()), &pack, 1, false)?;
            }
            Ok::<_, kitbag_store::StoreError>(())
        })
        .unwrap();
    let known = a.ws.ledger.packs().unwrap();
    a.say(EventKind::Opened);
    b.sync();
    let packs: std::collections::BTreeSet<_> =
        b.ws.ledger
            .events()
            .unwrap()
            .iter()
            .filter_map(|(_, text)| serde_json::from_str::<Event>(text).ok())
            .filter(|event| event.machine == a.ws.settings.machine_id)
            .flat_map(|event| event.packs)
            .collect();
    assert!(known.is_subset(&packs), "{} of {}", packs.len(), known.len());
    assert!(b.sees()["A"].session_open.is_some());
}

/// The same days with events, without them, and with garbage in their place: the same files, the same reports.
#[test]
fn no_decision_depends_on_events() {
    #[derive(Clone, Copy, PartialEq)]
    enum Events {
        Whole,
        Removed,
        Garbage,
    }
    let day = |events: Events| {
        let room = tempfile::tempdir().unwrap();
        let (a, b) = (machine(room.path(), "a", "share"), machine(room.path(), "b", "share"));
        let spoil = || match events {
            Events::Whole => {}
            Events::Removed => fs::remove_dir_all(a.folder()).unwrap(),
            Events::Garbage => {
                for item in fs::read_dir(a.folder()).unwrap() {
                    fs::write(item.unwrap().path(), "garbage").unwrap();
                }
                a.put(&event(&a.ws.settings.machine_id, EventKind::Closed, 500, "t"));
                b.put(&event(&b.ws.settings.machine_id, EventKind::Opened, 500, "t"));
            }
        };
        let mut told = Vec::new();
        let mut tell = |report: Report| {
            let Report { published, received, merged, conflicts, pending, .. } = report;
            let waits = report.pending_notebooks.len();
            told.push((published, received, merged, conflicts, pending, waits));
        };
        for (name, text) in [("one.txt", "1\n2\n3\n"), ("nb.ipynb", "{\"cells\": []}")] {
            a.write(name, text);
        }
        tell(a.sync());
        tell(b.sync());
        a.say(EventKind::Opened);
        spoil();
        a.write("one.txt", "1 A\n2\n3\n");
        b.write("one.txt", "1\n2\n3 B\n");
        a.write("nb.ipynb", "{\"cells\": [1]}");
        tell(a.sync());
        spoil();
        tell(b.sync());
        b.write("nb.ipynb", "{\"cells\": [1, 2]}");
        std::thread::sleep(std::time::Duration::from_millis(60));
        spoil();
        tell(b.sync());
        tell(a.sync());
        spoil();
        fs::remove_file(b.ws.settings.work.join("one.txt")).unwrap();
        tell(b.sync());
        tell(a.sync());
        let files = |machine: &Machine| {
            let read = |name: &str| fs::read_to_string(machine.ws.settings.work.join(name)).ok();
            (read("one.txt"), read("nb.ipynb"))
        };
        assert!(a.home != b.home);
        (told, files(&a), files(&b))
    };
    let whole = day(Events::Whole);
    assert_eq!(whole.1.1.as_deref(), Some("{\"cells\": [1]}"), "the session is open, so it waits: {whole:?}");
    assert_eq!(day(Events::Removed), whole);
    assert_eq!(day(Events::Garbage), whole);
}
