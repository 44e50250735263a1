//! By keyboard alone: everything can be reached in the order it is read, what has the focus can be seen, a dialog keeps
//! it and gives it back, and what changes by itself takes it away from nobody.

use serde_json::json;

use super::look::{start, text};
use super::standin::{StandIn, scene};

const TAB: u8 = 9;
const ENTER: u8 = 13;
const ESCAPE: u8 = 27;

const FOCUSED: &str = "(() => { const one = document.activeElement; const look = getComputedStyle(one); \
    const box = one.getBoundingClientRect(); \
    return { text: one.textContent.trim().slice(0, 60), name: one.localName, ring: look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2, \
    seen: box.bottom > 0 && box.top < innerHeight && box.width > 0 }; })()";

/// Shows that one walk by Tab passes everything that can be pressed, each with a ring around it, in reading order.
#[test]
fn everything_is_reached_by_tab_and_seen() {
    let Some((_room, mut look)) = start() else { return };
    for name in [
        "open",
        "conflicts",
        "cells",
        "cells-three",
        "history",
        "health",
        "permissions",
        "setup-share",
        "waiting",
    ] {
        let scene = scene(name);
        let standin = StandIn::start(scene.clone());
        look.enter(&standin, &scene);
        look.value("document.activeElement.blur(); getSelection().removeAllRanges()");
        let wanted = look.value(
            "[...document.querySelectorAll('a[href], button:not(:disabled), summary, input, [tabindex=\"0\"]')] \
             .filter((one) => one.checkVisibility() && !(one.type === 'radio' && !one.checked)).length",
        );
        let wanted = wanted.as_u64().unwrap();
        // from the top, wherever the last press was
        look.value(
            "document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')",
        );
        let mut order = Vec::new();
        for _ in 0..wanted {
            look.key("Tab", TAB);
            let focused = look.value(FOCUSED);
            assert_eq!(
                (&focused["ring"], &focused["seen"]),
                (&json!(true), &json!(true)),
                "{name}: {focused}"
            );
            order.push(look.value("(() => { const all = [...document.querySelectorAll('*')]; return all.indexOf(document.activeElement); })()").as_i64().unwrap());
        }
        assert!(order.is_sorted(), "{name}: the order of reading: {order:?}");
        order.dedup();
        assert_eq!(order.len() as u64, wanted, "{name}: {order:?}");
    }
}

/// Shows that the first key leads past the links to the content.
#[test]
fn the_links_at_the_top_can_be_skipped() {
    let Some((_room, mut look)) = start() else { return };
    let scene = scene("history");
    let standin = StandIn::start(scene.clone());
    look.enter(&standin, &scene);
    look.value(
        "document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')",
    );
    look.key("Tab", TAB);
    assert_eq!(look.value(FOCUSED)["text"], text("page.skip"));
    look.key("Enter", ENTER);
    assert_eq!(look.value("document.activeElement.localName"), "h1");
    assert_eq!(look.value("location.hash"), "#/history", "the address stays");
}

/// Shows that a dialog has the focus on its careful answer, keeps it, is left by Escape, and gives it back.
#[test]
fn a_dialog_keeps_the_focus_and_gives_it_back() {
    let Some((_room, mut look)) = start() else { return };
    let mut scene = scene("presence");
    scene.acts.clear();
    let standin = StandIn::start(scene.clone());
    look.enter(&standin, &scene);
    look.value("[...document.querySelectorAll('button')].find((one) => one.textContent === 'Start').focus()");
    look.key("Enter", ENTER);
    look.until(10, "document.querySelector('dialog[open]') !== null");
    assert_eq!(look.value(FOCUSED)["text"], text("dialog.not-now"));
    for _ in 0..7 {
        look.key("Tab", TAB);
        // the browser's own bar may be passed on the way round
        let within = look.value(
            "document.activeElement.closest('dialog') !== null || document.activeElement === document.body",
        );
        assert_eq!(within, true, "{}", look.value(FOCUSED));
    }
    look.key("Escape", ESCAPE);
    look.until(10, "document.querySelector('dialog') === null");
    assert_eq!(look.value(FOCUSED)["text"], "Start");
    assert_eq!(standin.asked(), [], "Escape is a no");
}

/// Shows that what comes from kitbag meanwhile leaves the focus, an open fold and a text that is typed where they are.
#[test]
fn what_changes_by_itself_takes_nothing_away() {
    let Some((_room, mut look)) = start() else { return };
    let before = scene("up-to-date");
    let standin = StandIn::start(before.clone());
    look.enter(&standin, &before);
    look.value("[...document.querySelectorAll('summary')].at(-1).click(); [...document.querySelectorAll('summary')].at(-1).focus()");
    assert_eq!(look.value("[...document.querySelectorAll('details')].at(-1).open"), true);
    standin.show(scene("waiting"));
    look.until(10, "document.querySelector('.state').textContent.startsWith('Waiting')");
    assert_eq!(look.value("document.activeElement.localName"), "summary");
    assert_eq!(look.value("document.activeElement.parentNode.open"), true);
    let spoken = look.value("document.getElementById('spoken').textContent");
    assert!(spoken.as_str().unwrap().contains("Waiting for the other computer"), "{spoken}");

    let setup = scene("setup-work");
    let standin = StandIn::start(setup.clone());
    look.enter(&standin, &setup);
    look.value("document.getElementById('work').focus(); document.getElementById('work').select()");
    look.browser.type_text("/home/sam/elsewhere");
    standin.tell("state", &setup.state);
    look.settled();
    assert_eq!(look.value("document.getElementById('work').value"), "/home/sam/elsewhere");
    assert_eq!(look.value("document.activeElement.id"), "work");
}

/// Shows that who follows a link is taken to the new view's heading.
#[test]
fn a_new_view_begins_at_its_heading() {
    let Some((_room, mut look)) = start() else { return };
    let scene = scene("up-to-date");
    let standin = StandIn::start(scene.clone());
    look.enter(&standin, &scene);
    look.press(&text("nav.health"));
    look.until(10, "document.activeElement.localName === 'h1' && document.title.startsWith('Health')");
    assert_eq!(
        look.value("document.querySelector('nav [aria-current=page]').textContent"),
        text("nav.health")
    );
}
