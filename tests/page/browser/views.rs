//! Every view in every recorded scene: nothing goes wrong in it, axe-core finds no violation in light or dark at three
//! widths, nothing has to be scrolled sideways, and everything that is pressed is large enough. One test a width, so that
//! they run beside each other.

use std::fs;

use serde_json::{Value, json};

use super::look::{Look, WIDTHS};
use super::standin::{StandIn, scenes};

/// The file of axe-core, where `.ci/run` has put it; it is used here and in no program.
fn axe() -> Option<String> {
    let Some(file) = std::env::var_os("KITBAG_AXE") else {
        let required = std::env::var_os("KITBAG_REQUIRE_BROWSER").is_some();
        assert!(
            !required,
            "KITBAG_REQUIRE_BROWSER is set and KITBAG_AXE names no axe-core: tests/page/axe fetches it"
        );
        eprintln!("NOT TESTED: there is no axe-core");
        return None;
    };
    Some(fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// What axe-core finds: rules and where.
const RUN: &str = "axe.run(document, { resultTypes: ['violations'], \
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }) \
    .then((said) => said.violations.map(({ id, help, nodes }) => \
    ({ id, help, nodes: nodes.slice(0, 5).map((node) => [node.html.slice(0, 300), node.failureSummary]) })))";

/// What is pressed and smaller than 24 by 24 pixels. A link within a line of text is as high as its line.
const SMALL: &str = "[...document.querySelectorAll('button, summary, input, nav a, .button')] \
    .filter((one) => one.checkVisibility()).map((one) => [one.outerHTML.slice(0, 200), one.getBoundingClientRect()]) \
    .filter(([, box]) => box.width < 24 || box.height < 24).map(([html, box]) => `${html} ${box.width} x ${box.height}`)";

/// How far the page or a part of it sticks out.
const SIDEWAYS: &str = "(() => { const root = document.documentElement; const wide = root.clientWidth; \
    const out = [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && !one.closest('.unseen, .skip') \
    && (one.getBoundingClientRect().right > wide + 1 || one.getBoundingClientRect().left < -1)) \
    .map((one) => one.outerHTML.slice(0, 160)); return root.scrollWidth > wide ? ['the page', ...out] : out; })()";

#[track_caller]
fn every_scene(width: u32) {
    let room = tempfile::tempdir().unwrap();
    let Some(mut look) = Look::start(&room.path().join("profile")) else { return };
    let axe = axe();
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
            let mut found =
                json!({ "at": at, "sideways": look.value(SIDEWAYS), "small": look.value(SMALL), "axe": [] });
            if let Some(axe) = &axe {
                if look.value("typeof axe") != "object" {
                    look.value(&format!("{axe}; null"));
                }
                found["axe"] = look.awaited(RUN);
            }
            let none = json!([]);
            if found["sideways"] != none || found["small"] != none || found["axe"] != none {
                wrong.push(found);
            }
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
