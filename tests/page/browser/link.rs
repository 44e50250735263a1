//! The way in, and what is said when kitbag is not there.

use super::look::{Look, start, text};
use super::standin::{StandIn, scene};

/// The page as it says that kitbag is gone; the port it knows kitbag by.
fn lose_kitbag(look: &mut Look) -> u16 {
    let before = scene("up-to-date");
    let standin = StandIn::start(before.clone());
    look.enter(&standin, &before);
    let port = standin.leave();
    look.until(20, "document.querySelector('#banner [role=alert]') !== null");
    port
}

const MAIN: &str = "document.querySelector('main').innerText";

/// Shows that the token leaves the address and the history, that the key stays in this tab, and that the link works once.
#[test]
fn a_link_works_once_and_leaves_nothing_in_the_address() {
    let Some((_room, mut look)) = start() else { return };
    let scene = scene("up-to-date");
    let standin = StandIn::start(scene.clone());
    look.enter(&standin, &scene);
    assert_eq!(look.value("document.cookie + localStorage.length"), "0");
    assert_eq!(look.value("JSON.stringify(Object.keys(sessionStorage))"), "[\"kitbag-key\"]");
    let back = look.browser.ask("Page.getNavigationHistory", serde_json::json!({}));
    let addresses: Vec<_> =
        back["entries"].as_array().unwrap().iter().map(|entry| entry["url"].as_str().unwrap()).collect();
    assert!(!addresses.iter().any(|address| address.contains(super::standin::TOKEN)), "{addresses:?}");

    // the same tab, loaded again, goes on; another one with the used link does not
    look.browser.ask("Page.reload", serde_json::json!({}));
    look.until(20, &format!("{MAIN}.includes('Up to date')"));
    look.value("sessionStorage.clear()");
    look.browser.open("about:blank");
    look.until(10, "location.href === 'about:blank'");
    look.browser.open(&standin.link());
    look.until(20, &format!("{MAIN}.includes({:?})", text("locked.title")));
    assert_eq!(look.value("location.hash"), "");
    look.well("a used link");
}

/// Shows that without a key nothing is shown, and that a key that is refused is forgotten.
#[test]
fn nobody_is_let_in_without_a_key() {
    let Some((_room, mut look)) = start() else { return };
    let standin = StandIn::start(scene("up-to-date"));
    let address = format!("http://127.0.0.1:{}/", standin.port);
    look.browser.open(&address);
    look.until(20, &format!("{MAIN}.includes({:?})", text("locked.title")));
    assert_eq!(look.value("document.body.innerText.includes('data-course')"), false);
    look.value("sessionStorage.setItem('kitbag-key', 'a key of yesterday')");
    look.browser.ask("Page.reload", serde_json::json!({}));
    look.until(20, &format!("sessionStorage.length === 0 && {MAIN}.includes({:?})", text("locked.title")));
    look.well("an old key");
}

/// Shows that a page whose kitbag is gone says so, shows what it knew, and goes on by itself when it is back.
#[test]
fn a_page_says_that_kitbag_is_gone_and_goes_on_when_it_is_back() {
    let Some((_room, mut look)) = start() else { return };
    let port = lose_kitbag(&mut look);
    let said = look.value("document.getElementById('banner').innerText");
    assert!(said.as_str().unwrap().contains(&text("away.kitbag")), "{said}");
    look.picture("away-1280-light");
    assert_eq!(look.value(&format!("{MAIN}.includes('Up to date')")), true, "what was known is still there");
    look.press(&text("home.start"));
    look.until(
        10,
        &format!("document.querySelector('dialog[open] h2')?.textContent === {:?}", text("lost.title")),
    );
    look.press(&text("dialog.close"));

    let _standin = StandIn::back(scene("waiting"), port);
    look.until(
        40,
        &format!("document.querySelector('#banner [role=alert]') === null && {MAIN}.includes('Waiting for')"),
    );
    look.well("gone and back");
}

/// Shows that a page whose parts break off on their way comes all the same, as a browser breaks them off whenever Docker
/// starts or ends something: each part once, in its turn, and the swap of the token and a list too.
#[test]
fn what_breaks_off_is_asked_for_again() {
    let Some((_room, mut look)) = start() else { return };
    let history = scene("history");
    let parts =
        ["/app.css", "/app.js", "/dialog.js", "/words.js", "/texts.json", "/api/session", "/api/events"];
    for part in parts.into_iter().chain(["/api/workspaces/data-course/history"]) {
        let standin = StandIn::start(history.clone());
        standin.breaks_off(part);
        look.enter(&standin, &history);
        look.until(
            20,
            &format!("{MAIN}.includes('photo of the board') && document.styleSheets.length === 1"),
        );
        assert_eq!(standin.left_to_break_off(), None, "{part} was not asked for");
    }
}

/// Shows that what ended long ago is no news on a page that was just opened, and what ended a moment ago is.
#[test]
fn old_news_are_not_told_again() {
    let Some((_room, mut look)) = start() else { return };
    let fresh = scene("done");
    let standin = StandIn::start(fresh.clone());
    look.enter(&standin, &fresh);
    assert_eq!(look.value(&format!("{MAIN}.includes({:?})", text("ended.done"))), true);
    let mut old = fresh;
    old.state["operations"][0]["started"] = "2026-01-02T03:04:05Z".into();
    let standin = StandIn::start(old.clone());
    look.enter(&standin, &old);
    assert_eq!(look.value(&format!("{MAIN}.includes({:?})", text("ended.done"))), false);
}

/// Shows that a view which could not be read while kitbag was gone is read when it is back.
#[test]
fn what_could_not_be_read_is_read_again() {
    let Some((_room, mut look)) = start() else { return };
    let port = lose_kitbag(&mut look);
    look.value("location.hash = '#/history'");
    look.until(10, "document.querySelector('h1').textContent === 'History'");
    let _standin = StandIn::back(scene("up-to-date"), port);
    look.until(40, &format!("{MAIN}.includes('photo of the board')"));
    look.well("read again");
}

/// Shows that a page of an older kitbag offers to be loaded anew.
#[test]
fn an_old_page_says_that_there_is_a_new_one() {
    let Some((_room, mut look)) = start() else { return };
    let before = scene("up-to-date");
    let standin = StandIn::start(before.clone());
    look.enter(&standin, &before);
    let mut newer = before;
    newer.state["texts_version"] = "another".into();
    standin.show(newer);
    look.until(
        10,
        &format!("document.getElementById('banner').innerText.includes({:?})", text("renewed.means")),
    );
}
