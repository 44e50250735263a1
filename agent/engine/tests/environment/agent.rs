//! The background agent, round by round, on a clock that only goes when told and with hints that a test gives: what
//! changed is carried, what is open is saved when it is due, one workspace's trouble hinders no other, it lends what is
//! asked for, and it ends when it should.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kitbag_engine::EngineError;
use kitbag_engine::agent::{self, Agent, Doing, Started, Step, Stopped, Why};
use kitbag_engine::doors::Doors;
use kitbag_engine::environment::{Backends, last_checkpoint};
use kitbag_platform::clock::{Clock, SimulatedClock};
use kitbag_platform::lock::Lock;
use kitbag_platform::notice::SimulatedNotices;
use kitbag_platform::process::SimulatedProcesses;
use kitbag_platform::watch::{Hint, SimulatedWatcher};
use kitbag_plugin_host::{Backend, BoxFuture, PluginError};

use crate::DUMP;
use crate::carrier::{Bench, Several, config, given};
use crate::world::{World, block};

const EVERY: u64 = 600_000;

#[test]
fn an_open_course_is_saved_when_it_is_due_and_not_before() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    let mut bench = Bench::new(&a.home);
    a.sql("INSERT INTO books VALUES (3, 'Middlemarch')");
    a.write("notes.txt", "mine\n");
    let shared = |path: &str| fs::read_to_string(a.share.join(path)).unwrap_or_default();
    bench.after(0);
    assert_eq!(shared("notes.txt"), "mine\n", "files go at once");
    bench.after(EVERY / 2);
    assert!(!shared(DUMP).contains("Middlemarch"), "not yet");
    assert_eq!(last_checkpoint(&a.open().ledger).unwrap(), None);
    bench.after(EVERY / 2);
    assert!(shared(DUMP).contains("Middlemarch"));
    assert_eq!(last_checkpoint(&a.open().ledger).unwrap(), Some(bench.clock.rfc3339()));
    // the course goes on
    assert_eq!(a.view().state, "running");
    a.sql("INSERT INTO books VALUES (4, 'Silas Marner')");
    bench.after(EVERY - 1);
    assert!(!shared(DUMP).contains("Silas"));
    bench.after(1);
    assert!(shared(DUMP).contains("Silas"));
    a.done();
    assert_eq!(bench.round(), Step::End(Why::Closed));
}

#[test]
fn who_works_here_is_not_waited_for_and_comes_first() {
    let several = Several::new(&["one"]);
    let mut bench = Bench::new(&several.home());
    several.write("one", "mine\n");
    let person = several.open("one");
    bench.after(EVERY);
    bench.after(2_000);
    assert_eq!(several.carried("one"), None);
    drop(person);
    bench.after(1_000);
    assert_eq!(several.carried("one"), None, "soon, and not at once");
    bench.after(1_000);
    assert_eq!(several.carried("one").as_deref(), Some("mine\n"));
    assert!(!agent::saves(&several.home()));
}

#[test]
fn one_workspace_in_trouble_hinders_no_other() {
    let several = Several::new(&["one", "two", "zoo"]);
    let mut bench = Bench::new(&several.home());
    bench.after(0);
    for name in ["one", "two", "zoo"] {
        several.write(name, "first\n");
    }
    let away = several.folder.path().join("away");
    fs::rename(several.share("one"), &away).unwrap();
    let settings = several.home().join("workspaces/zoo/workspace.json");
    let whole = fs::read(&settings).unwrap();
    fs::write(&settings, "{").unwrap();
    bench.after(EVERY);
    assert_eq!(several.carried("two").as_deref(), Some("first\n"));
    // one that cannot be read is believed to be as it was for a while, and is tried with what was known
    assert_eq!(several.carried("zoo").as_deref(), Some("first\n"));
    fs::rename(&away, several.share("one")).unwrap();
    bench.after(4_999);
    assert_eq!(several.carried("one"), None, "a glance now and then, and no more");
    bench.after(1);
    bench.after(100);
    assert_eq!(several.carried("one").as_deref(), Some("first\n"));
    fs::write(&settings, whole).unwrap();
    several.done("two");
    several.done("one");
    bench.after(2_000);
    fs::write(&settings, "{").unwrap();
    for _ in 0..4 {
        bench.after(2_000);
    }
    // it counts as closed until it can be read again
    assert_eq!(bench.round(), Step::End(Why::Closed));
}

/// Shows that a closed workspace is carried by hints alone, by an agent that stays; that nothing is done without one; and
/// that a full look comes all the same.
#[test]
fn an_agent_that_stays_carries_what_is_closed() {
    let several = Several::closed(&["one"]);
    assert_eq!(Bench::new(&several.home()).round(), Step::End(Why::Closed));
    let mut bench = Bench::staying(&several.home());
    bench.after(0);
    bench.after(5_000);
    bench.after(1_000);
    assert!(bench.doing().watching, "{:?}", bench.doing());
    several.write("one", "first\n");
    bench.after(2_000);
    assert_eq!(several.carried("one"), None, "nobody told");
    bench.watcher.happens(&several.work("one"), Hint::Changed);
    bench.after(0);
    bench.after(300);
    assert_eq!(several.carried("one").as_deref(), Some("first\n"));
    bench.after(3_000);
    several.write("one", "second\n");
    for _ in 0..149 {
        bench.after(2_000);
    }
    assert_eq!(several.carried("one").as_deref(), Some("first\n"));
    bench.after(2_000);
    assert_eq!(several.carried("one").as_deref(), Some("second\n"), "a full look after five minutes");
}

/// Shows that hints that got lost cost a look at once and the folder is watched anew; that where nothing can be watched it
/// is looked at every half a minute; and that a folder that was replaced is watched anew.
#[test]
fn where_changes_are_not_told_of_it_looks_by_itself() {
    let several = Several::closed(&["one"]);
    let mut bench = Bench::staying(&several.home());
    bench.after(0);
    bench.after(5_000);
    let work = several.work("one");
    several.write("one", "first\n");
    bench.watcher.happens(&work, Hint::Lost);
    assert!(!bench.watcher.watches(&work));
    bench.after(1_000);
    assert_eq!(several.carried("one").as_deref(), Some("first\n"));
    assert!(bench.watcher.watches(&work) && bench.doing().watching);

    bench.watcher.set_full(true);
    bench.watcher.happens(&work, Hint::Lost);
    bench.after(5_000);
    bench.after(5_000);
    let begun = bench.watcher.begun();
    assert!(!bench.doing().watching);
    several.write("one", "second\n");
    for _ in 0..12 {
        bench.after(2_000);
    }
    assert_eq!(several.carried("one").as_deref(), Some("first\n"));
    bench.after(2_000);
    assert_eq!(several.carried("one").as_deref(), Some("second\n"));
    assert!(bench.watcher.begun() > begun, "and tried again");
    bench.watcher.set_full(false);
    for _ in 0..16 {
        bench.after(2_000);
    }
    assert!(bench.doing().watching);

    let begun = bench.watcher.begun();
    let copy = several.folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for item in fs::read_dir(&work).unwrap().map(Result::unwrap) {
        fs::copy(item.path(), copy.join(item.file_name())).unwrap();
    }
    fs::rename(&work, several.folder.path().join("old")).unwrap();
    fs::rename(&copy, &work).unwrap();
    bench.after(2_000);
    assert!(bench.watcher.begun() > begun && bench.watcher.watches(&work));
    assert_eq!(fs::read_to_string(work.join("notes.txt")).unwrap(), "second\n");
}

/// Shows that a clock moved by a day, either way, costs one look and no more, and no work.
#[test]
fn a_clock_moved_by_a_day_costs_one_look() {
    let several = Several::closed(&["one"]);
    let mut bench = Bench::staying(&several.home());
    bench.after(0);
    bench.after(5_000);
    for (n, jump) in [86_400_000, -2 * 86_400_000].into_iter().enumerate() {
        several.write("one", &format!("{n}\n"));
        bench.after(2_000);
        bench.clock.set(bench.clock.now_millis() + jump);
        bench.after(1);
        assert_eq!(several.carried("one"), Some(format!("{n}\n")));
        bench.after(3_000);
        several.write("one", "later\n");
        for _ in 0..100 {
            bench.after(2_000);
        }
        assert_eq!(several.carried("one"), Some(format!("{n}\n")), "no more than the usual");
    }
}

/// Shows that a borrowed workspace is left alone until it is given back, however often it was borrowed, and then looked
/// at; that the others are carried meanwhile; and that a wish to look or to end is followed.
#[test]
fn what_is_lent_is_left_alone() {
    let several = Several::closed(&["one", "two"]);
    let mut bench = Bench::staying(&several.home());
    bench.after(0);
    bench.after(5_000);
    let desk = bench.agent.desk();
    let borrow = |bench: &mut Bench| {
        let (lent, ()) = block(async {
            tokio::join!(desk.lend("one"), async {
                assert!(matches!(bench.agent.round().await, Step::Wait(_)))
            })
        });
        lent.unwrap()
    };
    let (first, second) = (borrow(&mut bench), borrow(&mut bench));
    assert_eq!(bench.doing().doing, Doing::Lent);
    for name in ["one", "two"] {
        several.write(name, "mine\n");
        bench.watcher.happens(&several.work(name), Hint::Changed);
    }
    bench.after(0);
    bench.after(1_000);
    assert_eq!((several.carried("one"), several.carried("two").as_deref()), (None, Some("mine\n")));
    drop(first);
    bench.after(5_000);
    assert_eq!(several.carried("one"), None, "lent to another still");
    drop(second);
    bench.after(0);
    assert_eq!(several.carried("one").as_deref(), Some("mine\n"));
    assert_eq!(bench.doing().doing, Doing::Nothing);
    // one who gives up waiting has borrowed nothing
    drop(block(async { tokio::time::timeout(Duration::from_millis(1), desk.lend("one")).await }));
    bench.after(3_000);
    assert_eq!(bench.doing().doing, Doing::Nothing);
    several.write("one", "more\n");
    assert!(desk.wake(Some("one")));
    bench.after(300);
    assert_eq!(several.carried("one").as_deref(), Some("more\n"));
    assert!(desk.stop());
    assert_eq!(bench.round(), Step::End(Why::Asked));
    drop(bench);
    assert!(block(desk.lend("one")).is_none() && !desk.wake(None));
}

/// Shows that whoever follows hears of what changed and not of time going on.
#[test]
fn who_follows_hears_what_changed() {
    let several = Several::closed(&["one"]);
    let mut bench = Bench::staying(&several.home());
    bench.after(0);
    bench.after(5_000);
    let mut picture = bench.agent.desk().picture();
    picture.mark_unchanged();
    bench.round();
    assert!(!picture.has_changed().unwrap());
    fs::rename(several.share("one"), several.folder.path().join("away")).unwrap();
    bench.round();
    assert!(picture.has_changed().unwrap());
    let now = picture.borrow_and_update().now();
    let error = now.workspaces[0].last_error.clone().unwrap();
    assert!(error.what.contains("is not there"), "{error:?}");
    fs::rename(several.folder.path().join("away"), several.share("one")).unwrap();
    bench.after(5_000);
    bench.after(100);
    assert_eq!(picture.borrow().workspaces[0].last_error, None);
}

/// Backends that are called a fake: asking for one ends in a mistake of the program.
struct Mistaken;

impl Backends for Mistaken {
    fn load<'a>(
        &'a self,
        _: &'a str,
        _: &'a Path,
        _: [u8; 32],
    ) -> BoxFuture<'a, Result<Arc<dyn Backend>, PluginError>> {
        panic!("a mistake made for the test")
    }
}

#[test]
fn a_mistake_of_kitbags_own_ends_no_agent() {
    let world = World::new();
    let a = world.machine("a", "share");
    a.adopt(&world.course());
    a.up();
    let mut bench =
        Bench::with(&a.home, Doors { backends: Arc::new(Mistaken), ..Doors::real() }, None, false);
    bench.after(EVERY);
    bench.after(15_000);
    drop(bench);
    // and nothing is held that the next one needs
    a.write("notes.txt", "mine\n");
    Bench::new(&a.home).after(2 * EVERY);
    assert_eq!(fs::read_to_string(a.share.join("notes.txt")).unwrap(), "mine\n");
}

#[test]
fn it_ends_with_its_state_root() {
    for again in [false, true] {
        let several = Several::new(&["one"]);
        let mut bench = Bench::new(&several.home());
        bench.after(0);
        fs::rename(several.home(), several.folder.path().join("old")).unwrap();
        if again {
            fs::create_dir_all(several.home().join("agent")).unwrap();
            fs::write(several.home().join("agent/lock"), "").unwrap();
        }
        assert_eq!(bench.round(), Step::End(Why::Gone));
        assert!(!several.home().join("workspaces").exists(), "nothing is made again");
    }
    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none");
    let given = given(None, true, &SimulatedWatcher::new(), &SimulatedNotices::default());
    assert!(Agent::begin(&none, config(), Doors::real(), given).is_err());
    assert!(!none.exists());
}

#[test]
fn it_ends_when_its_program_was_replaced_and_not_while_it_is_being_replaced() {
    let several = Several::new(&["one"]);
    let program = several.folder.path().join("kitbag");
    fs::write(&program, "one version").unwrap();
    let mut bench = Bench::with(&several.home(), Doors::real(), Some(&program), false);
    bench.after(0);
    let aside = several.folder.path().join("aside");
    fs::rename(&program, &aside).unwrap();
    bench.after(0);
    fs::rename(&aside, &program).unwrap();
    bench.after(0);
    fs::write(&aside, "another vers").unwrap();
    fs::rename(&aside, &program).unwrap();
    bench.after(2_000);
    fs::write(&program, "another version").unwrap();
    bench.after(2_000);
    bench.clock.sleep(2_000);
    assert_eq!(bench.round(), Step::End(Why::Replaced), "once it stands still");
    drop(bench);
    let mut bench = Bench::with(&several.home(), Doors::real(), Some(&program), false);
    fs::remove_file(&program).unwrap();
    for _ in 0..15 {
        bench.after(2_000);
    }
    bench.clock.sleep(2_000);
    assert_eq!(bench.round(), Step::End(Why::Replaced), "gone for good");
}

#[test]
fn there_is_one_at_a_time_and_who_asks_it_to_end_waits_for_it() {
    let several = Several::new(&["one"]);
    let home = several.home();
    let processes = SimulatedProcesses::new();
    let stop = |seconds| agent::stop(&home, &Doors::real(), &processes, seconds, &|| {});
    assert_eq!(stop(9).unwrap(), Stopped::NotRunning);
    let bench = Bench::new(&home);
    let second = given(None, false, &SimulatedWatcher::new(), &SimulatedNotices::default());
    let Err(EngineError::Failed(refused)) = Agent::begin(&home, config(), Doors::real(), second) else {
        panic!("two agents");
    };
    assert!(refused.what.contains("runs already"), "{refused:?}");
    let living = std::thread::spawn(move || block(bench.agent.live()));
    assert_eq!(stop(60).unwrap(), Stopped::Ended);
    assert_eq!(living.join().unwrap(), Why::Asked);
    assert!(!agent::runs(&home).unwrap());
    // an old request does not end the next one
    fs::write(home.join("agent/stop"), "").unwrap();
    let mut bench = Bench::new(&home);
    bench.after(0);
}

#[test]
fn one_that_does_not_end_is_said() {
    let several = Several::new(&["one"]);
    let home = several.home();
    drop(Bench::new(&home));
    let _held = Lock::acquire(&home.join("agent/lock"), Duration::ZERO).unwrap();
    let clock = SimulatedClock::new(0);
    let doors = Doors { clock: Arc::new(clock), ..Doors::real() };
    let told = std::cell::Cell::new(0);
    let stopped = agent::stop(&home, &doors, &SimulatedProcesses::new(), 300, &|| told.set(told.get() + 1));
    assert!(matches!(stopped, Err(EngineError::Failed(_))), "{stopped:?}");
    assert_eq!(told.get(), 1);
    assert!(!home.join("agent/stop").exists());
}

#[test]
fn it_is_started_where_there_is_none() {
    let several = Several::new(&["one"]);
    let (home, processes, program) = (several.home(), SimulatedProcesses::new(), Path::new("/bin/kitbag"));
    let doors = Doors { clock: Arc::new(SimulatedClock::new(0)), ..Doors::real() };
    let start = || agent::start(&home, &doors, &processes, program, vec!["agent".into()], Vec::new());
    assert!(matches!(start(), Err(EngineError::Io { .. })), "no such program");
    // it seems to run and never lives
    processes.install(program);
    let Err(EngineError::Failed(finding)) = start() else { panic!("it did not start") };
    assert!(finding.remedy.contains("agent.log"), "{finding:?}");
    let launch = processes.started().pop().unwrap().1;
    assert_eq!((launch.folder.as_path(), launch.log), (Path::new("/bin"), agent::log(&home)));
    let _bench = Bench::new(&home);
    assert_eq!(start().unwrap(), Started::Already);
    assert_eq!(processes.started().len(), 1);
}

/// What needs the person is said on their desktop, once: here that a session has ended and all of it is carried.
#[test]
fn the_end_of_a_session_is_said_on_the_desktop() {
    let several = Several::new(&["one"]);
    let mut bench = Bench::staying(&several.home());
    bench.round();
    several.write("one", "1\n");
    bench.after(301_000);
    assert_eq!(several.carried("one").as_deref(), Some("1\n"));
    assert_eq!(bench.desktop.shown(), []);
    several.done("one");
    bench.after(301_000);
    // handed over on a thread of its own
    let begun = std::time::Instant::now();
    while bench.desktop.shown().is_empty() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    for _ in 0..5 {
        bench.after(301_000);
    }
    let titles: Vec<_> = bench.desktop.shown().into_iter().map(|notice| notice.title).collect();
    assert_eq!(titles, ["You can shut down now"]);
}
