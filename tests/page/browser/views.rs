//! Every view in every recorded scene: nothing goes wrong in it, axe-core finds no violation in light or dark at three
//! widths, nothing has to be scrolled sideways, and everything that is pressed is large enough. One test a width, so that
//! they run beside each other.

use serde_json::Value;

use super::inspect::Inspector;
use super::look::{Look, WIDTHS};
use super::standin::{StandIn, scenes};

#[track_caller]
fn every_scene(width: u32) {
    let room = tempfile::tempdir().unwrap();
    let Some(mut look) = Look::start(&room.path().join("profile")) else { return };
    let inspector = Inspector::new();
    let mut wrong: Vec<Value> = Vec::new();
    for scene in scenes() {
        let standin = StandIn::start(scene.clone());
        for dark in [false, true] {
            look.view(width, dark);
            let at = format!("{}-{width}-{}", scene.name, if dark { "dark" } else { "light" });
            if dark {
                look.settled();
            } else {
                look.enter(&standin, &scene);
            }
            look.picture(&at);
            look.well(&at);
            wrong.extend(inspector.wrong(&mut look, &at));
        }
    }
    assert!(wrong.is_empty(), "{:#}", Value::Array(wrong));
}

/// Shows that every view is right on a phone, and on a screen at 400 %.
#[test]
fn every_view_is_right_on_a_phone() {
    every_scene(WIDTHS[0]);
}

/// Shows that every view is right on half a screen, and on a small screen at 200 %.
#[test]
fn every_view_is_right_on_half_a_screen() {
    every_scene(WIDTHS[1]);
}

/// Shows that every view is right on a whole screen.
#[test]
fn every_view_is_right_on_a_screen() {
    every_scene(WIDTHS[2]);
}
