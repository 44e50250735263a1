//! Machines of one person on one disk: each with its own state root and working folder, and a share of its own or a
//! common one. A course folder is written by the test. Programs are real and end with the test.

use std::cell::RefCell;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kitbag_core::path::WorkPath;
use kitbag_engine::EngineError;
use kitbag_engine::course::{adopt, rules, unpack};
use kitbag_engine::doors::Doors;
use kitbag_engine::environment::{self, Backends, Bundled, Done, EnvironmentView, Options, Question, Up};
use kitbag_engine::history;
use kitbag_engine::setup::{Wanted, setup};
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{self, Conflict, Cycle, Keep, Request, Silent};
use kitbag_engine::workspace::{Config, Settings, Workspace, choose};
use kitbag_platform::places::SimulatedPlaces;

pub struct World {
    pub folder: tempfile::TempDir,
}

pub struct Machine {
    pub home: PathBuf,
    pub work: PathBuf,
    pub share: PathBuf,
    pub asked: RefCell<Vec<Question>>,
    pub answer: bool,
    pub backends: Arc<dyn Backends>,
}

pub fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub const SCHEMA: &str = "CREATE TABLE books(id INTEGER PRIMARY KEY, title TEXT NOT NULL);";

/// A manifest with a database and two programs; `more` goes before the services.
pub fn manifest(version: &str, more: &str) -> String {
    format!(
        r#"id = "mini"
title = "Mini"
version = "{version}"
folders = ["notebooks", "logs"]
ignore = ["*.env"]
{more}
[[seed]]
from = "notebooks"
to = "notebooks"

[[service]]
name = "library"
kind = "sqlite"
[service.sqlite]
schema = "db/schema.sql"
csv = [{{ table = "books", file = "db/books.csv" }}]

[[service]]
name = "worker"
kind = "program"
[service.program]
program = "sh"
args = ["-c", "env > logs/worker.env; echo hello from the worker; exec sleep 120"]

[[service]]
name = "page"
kind = "program"
[service.program]
program = "sleep"
args = ["120"]
port = true
path = "/lab"
ready = {{ port = false }}
[service.program.env]
ACCESS = "{{token}}"

[backend.local]
"#
    )
}

impl World {
    pub fn new() -> Self {
        let world = World { folder: tempfile::tempdir().unwrap() };
        let course = world.course();
        for folder in ["notebooks", "db"] {
            fs::create_dir_all(course.join(folder)).unwrap();
        }
        world.write_course("course.toml", &manifest("1", ""));
        world.write_course("notebooks/one.txt", "a\nb\nc\nd\ne\nf\ng\nh\n");
        world.write_course("notebooks/two.txt", "second\n");
        world.write_course("db/schema.sql", SCHEMA);
        world.write_course("db/books.csv", "id,title\n1,Emma\n2,Dune\n");
        world
    }

    pub fn course(&self) -> PathBuf {
        self.folder.path().join("course-folder")
    }

    pub fn write_course(&self, name: &str, text: &str) {
        fs::write(self.course().join(name), text).unwrap();
    }

    /// A machine whose share is the folder of that name.
    pub fn machine(&self, name: &str, share: &str) -> Machine {
        let top = self.folder.path();
        let machine = Machine {
            home: top.join(format!("{name}-home")),
            work: top.join(format!("{name}-work")),
            share: top.join(share),
            asked: RefCell::default(),
            answer: true,
            backends: Arc::new(Bundled),
        };
        let wanted = Wanted {
            share: machine.share.clone(),
            work: machine.work.clone(),
            machine: name.to_uppercase(),
            name: Some("mini".to_owned()),
        };
        let places = SimulatedPlaces::new(&top.join("nobody"));
        setup(&machine.home, &wanted, &places, &Doors::real()).unwrap();
        machine
    }

    /// As a cloud program does: what one folder has and the other lacks is copied, both ways.
    pub fn meet(&self, one: &Machine, other: &Machine) {
        copy(&one.share, &other.share);
        copy(&other.share, &one.share);
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&entry.path(), &to);
        } else if !to.exists() {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Every file below a folder: its path and bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.clone(), fs::read(path).unwrap()));
        }
    }
    all
}

impl Machine {
    pub fn open(&self) -> Workspace {
        let doors = Doors { backends: self.backends.clone(), ..Doors::real() };
        let settings: Settings = choose(&self.home, &doors, None, None).unwrap();
        let config = Config { outside_settle_seconds: 0, threads: 2, keychain: false, ..Config::default() };
        Workspace::open(&self.home, settings, config, doors).unwrap()
    }

    pub fn adopt(&self, course: &Path) -> adopt::Adopted {
        let ws = self.open();
        let share = ws.share();
        adopt::adopt(&ws, &share, course).unwrap()
    }

    pub fn try_up(&self) -> Result<Up, EngineError> {
        self.try_up_with(None)
    }

    pub fn try_up_with(&self, backend: Option<&str>) -> Result<Up, EngineError> {
        let ask = |question: &Question| {
            self.asked.borrow_mut().push(question.clone());
            self.answer
        };
        block(environment::up(
            &self.open(),
            &self.home,
            &Options { backend: backend.map(str::to_owned), ask: &ask, go_on: &|_| true },
            Arc::new(Silent),
        ))
    }

    pub fn up(&self) -> Up {
        let up = self.try_up().unwrap();
        assert_eq!(up.report.problems, []);
        up
    }

    pub fn done(&self) -> Done {
        block(environment::done(&self.open(), &self.home, &|_| true, Arc::new(Silent))).unwrap()
    }

    pub fn reset(&self) -> Up {
        let options = Options { backend: None, ask: &|_| true, go_on: &|_| true };
        block(environment::reset(&self.open(), &self.home, &options, Arc::new(Silent))).unwrap()
    }

    pub fn sync(&self) -> Report {
        let ws = self.open();
        let here = unpack::unpacked(&ws).unwrap();
        sync::run(&ws, &rules(here.as_ref()), Request::default(), &Silent).unwrap()
    }

    pub fn view(&self) -> EnvironmentView {
        block(environment::view(&self.open(), &self.home))
    }

    pub fn conflicts(&self) -> Vec<Conflict> {
        let ws = self.open();
        let here = unpack::unpacked(&ws).unwrap();
        Cycle::for_answers(&ws, &rules(here.as_ref())).unwrap().conflicts().unwrap()
    }

    pub fn answer(&self, path: &str, keep: &Keep) {
        let ws = self.open();
        let here = unpack::unpacked(&ws).unwrap();
        Cycle::for_answers(&ws, &rules(here.as_ref()))
            .unwrap()
            .answer(&WorkPath::parse(path).unwrap(), keep, None)
            .unwrap();
    }

    /// Bring back the oldest version of a file.
    pub fn restore_first(&self, path: &str) {
        let (ws, path) = (self.open(), WorkPath::parse(path).unwrap());
        let rules = rules(unpack::unpacked(&ws).unwrap().as_ref());
        let all = history::history(&ws, &rules, Some(&path), 99).unwrap().versions;
        let first = &all.last().unwrap().short;
        let (restored, _) =
            history::restore(&ws, &rules, &Request::default(), &path, first, &Silent).unwrap();
        assert!(restored.shown);
    }

    pub fn undo(&self) {
        let ws = self.open();
        let rules = rules(unpack::unpacked(&ws).unwrap().as_ref());
        let wanted = history::Wanted { operation: None, dry_run: false, many: &|_| false };
        let (undone, _) = history::undo(&ws, &rules, &Request::default(), wanted, &Silent).unwrap();
        assert!(undone.files.iter().all(|file| file.undone), "{undone:?}");
    }

    pub fn database(&self) -> PathBuf {
        environment::database_file(&self.open(), "library")
    }

    pub fn sql(&self, sql: &str) {
        rusqlite::Connection::open(self.database()).unwrap().execute_batch(sql).unwrap();
    }

    pub fn titles(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.database()).unwrap();
        let mut find = db.prepare("SELECT title FROM books ORDER BY title").unwrap();
        find.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.work.join(path)).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        let file = self.work.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// A test that fails must not leave programs running.
impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let doors = Doors { backends: self.backends.clone(), ..Doors::real() };
            let Ok(settings) = choose(&self.home, &doors, None, None) else { return };
            let config = Config { keychain: false, ..Config::default() };
            let Ok(ws) = Workspace::open(&self.home, settings, config, doors) else { return };
            let _ = block(environment::done(&ws, &self.home, &|_| true, Arc::new(Silent)));
        } else {
            self.done();
        }
    }
}
