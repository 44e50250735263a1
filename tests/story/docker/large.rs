//! A database of very many rows: what it costs in memory and in the cloud folder. Promise: at 1,000,000 rows at most
//! 60 MiB of memory, nothing published for a dump without a change, at most 4 MiB for one changed row.

use std::fs;
use std::path::Path;

use super::lab::{COURSE_IMAGE, Docked, course_image, turn};
use super::rows::{ask, rows_course};
use crate::course::setup_with;
use crate::large::{MOST_MIB, most_memory};
use crate::machine::room;

const UP: &[&str] = &["--yes", "up", "--no-open"];
const MOST_PUBLISHED: u64 = 4 << 20;

/// Rows: 1,000,000 in the second tier, 100,000 in the first.
fn how_many() -> u32 {
    if std::env::var_os("KITBAG_FULL").is_some() { 1_000_000 } else { 100_000 }
}

/// The bytes of content in the share's own history.
fn published(share: &Path) -> u64 {
    fn below(folder: &Path) -> u64 {
        let sizes = fs::read_dir(folder).unwrap().map(|item| {
            let item = item.unwrap();
            let about = item.metadata().unwrap();
            if about.is_dir() { below(&item.path()) } else { about.len() }
        });
        sizes.sum()
    }
    below(&share.join(".kitbag/packs"))
}

/// A verb that ends well: the most memory it held, in MiB, and what it published.
fn costs(machine: &Docked, verb: &[&str]) -> (u64, u64) {
    let before = published(&machine.share);
    let most = most_memory(machine.start(verb));
    (most, published(&machine.share) - before)
}

/// Tier: `.ci/run` with 100,000 rows, `.ci/full` with 1,000,000 (`KITBAG_FULL=1`).
#[test]
fn very_many_rows_need_little() {
    if !course_image() {
        return;
    }
    let _turn = turn();
    let room = room();
    let course = room.path().join("course");
    rows_course(&course, COURSE_IMAGE, 300);
    let share = room.path().join("share");
    let (a, b) = (Docked::new(room.path(), "HOME-PC", &share), Docked::new(room.path(), "WORK-PC", &share));
    setup_with(&a, &course).exits(&[0]);
    b.setup().exits(&[0]);
    // each has its plugin ready from here on: a machine prepares it once
    for machine in [&a, &b] {
        machine.run(UP).exits(&[0]);
        machine.run(&["done"]).exits(&[0]);
    }
    let rows = how_many();
    a.run(UP).exits(&[0]);
    // the student's own, beside the course's
    let words = "md5(n::text) || ' ' || md5((n * 7)::text)";
    ask(
        &a,
        &format!("CREATE TABLE many AS SELECT n AS id, {words} AS words FROM generate_series(1, {rows}) n"),
    )
    .unwrap();
    let first = costs(&a, &["done"]);
    a.run(UP).exits(&[0]);
    let unchanged = costs(&a, &["done"]);
    a.run(UP).exits(&[0]);
    ask(&a, &format!("UPDATE many SET words = 'changed' WHERE id = {}", rows / 2)).unwrap();
    let changed = costs(&a, &["done"]);
    let brought = costs(&b, UP);
    assert_eq!(
        ask(&b, "SELECT count(*), count(*) FILTER (WHERE words = 'changed') FROM many").unwrap(),
        format!("{rows}|1")
    );
    let back = costs(&b, &["done"]);
    let dump = fs::metadata(a.work.join("backups/postgres/postgres.dump")).unwrap().len();
    eprintln!(
        "{rows} rows, a dump of {dump} bytes (MiB of memory, bytes published): first {first:?}, without a change \
         {unchanged:?}, one row changed {changed:?}, brought in elsewhere {brought:?}, and ended there {back:?}"
    );
    for (memory, _) in [first, unchanged, changed, brought, back] {
        assert!(memory <= MOST_MIB, "{memory} MiB");
    }
    assert_eq!((unchanged.1, brought.1, back.1), (0, 0, 0), "nothing was changed");
    assert!(changed.1 > 0 && changed.1 <= MOST_PUBLISHED, "{changed:?}");
}
