//! The same two days where there is Docker, with the reference course in its real image: JupyterLab is opened from the
//! page, and the rows of its PostgreSQL go along to the other computer and through a fresh start.

use super::copier::Copier;
use super::desk::Desk;
use super::look::text;
use crate::docked::{Docked, course_image, data_course};
use crate::machine::{Machine, room};

/// Shows that a day with Docker is begun, worked in and ended on the page alone, that the database is on the other computer
/// the next day, and that starting afresh keeps it. First tier.
#[test]
fn two_days_with_docker() {
    if !course_image() {
        return;
    }
    let room = room();
    let Some(mut home) = Desk::new("docker", room.path(), "HOME-PC") else { return };
    let Some(mut laptop) = Desk::new("docker", room.path(), "LAPTOP") else { return };
    // what the engine has of a machine goes with it
    let engine = |desk: &Desk, name| Docked::from(Machine::new(room.path(), name, &desk.machine.share));
    let (on_home, on_laptop) = (engine(&home, "HOME-PC"), engine(&laptop, "LAPTOP"));
    let _copier = Copier::between([home.machine.share.clone(), laptop.machine.share.clone()]);

    home.open();
    home.set_up(Some(&data_course()));
    home.allow("Docker");
    home.open_notebooks();
    on_home.sql("CREATE TABLE marks (mark TEXT); INSERT INTO marks VALUES ('written at home')");
    home.done();
    assert!(on_home.things().running.is_empty(), "nothing is left running");
    home.agrees_with(&laptop);

    laptop.open();
    laptop.set_up(None);
    laptop.allow("Docker");
    assert_eq!(on_laptop.sql("SELECT mark FROM marks"), "written at home");
    laptop.press_and_mean("home.afresh");
    laptop.shows(240, &text("ended.reset"));
    laptop.picture("afresh");
    laptop.press("operation.dismiss");
    assert_eq!(on_laptop.sql("SELECT mark FROM marks"), "written at home");
    laptop.open_notebooks();
    laptop.done();
    assert!(on_laptop.things().running.is_empty(), "nothing is left running");
    home.has_what_has(&laptop);
    home.was_well();
    laptop.was_well();
}
