//! How soon the page is there: the real server in a real Chromium. It is told, and nothing fails by it: what else this
//! computer does at the time is nobody's promise.

use serde_json::{Value, json};

use super::look::Look;
use crate::open::Page;

const LOADS: usize = 9;
/// Notes when the first view was drawn.
const DRAWN: &str = "new MutationObserver((_, self) => { if (document.querySelector('main h1')) { \
    self.disconnect(); requestAnimationFrame(() => { window.drawn = performance.now(); }); } }) \
    .observe(document, { childList: true, subtree: true });";
const TIMES: &str = "(() => { const paint = performance.getEntriesByName('first-contentful-paint')[0]; \
    const whole = performance.getEntriesByType('navigation')[0]; \
    return paint && window.drawn ? [paint.startTime, window.drawn, whole.responseEnd] : null; })()";

/// Tells "first paint": when something of the page is painted, and when its first view is drawn with what kitbag knows, in
/// milliseconds from the request. First tier.
#[test]
fn first_paint() {
    let page = Page::new("HOME-PC");
    let room = tempfile::tempdir().unwrap();
    let Some(mut look) = Look::start(&room.path().join("profile")) else { return };
    look.view(1280, false);
    look.browser.ask("Page.addScriptToEvaluateOnNewDocument", json!({ "source": DRAWN }));
    let mut all = [const { Vec::<f64>::new() }; 3];
    for _ in 0..LOADS {
        let (port, token) = page.address();
        look.open(&format!("http://127.0.0.1:{port}/#{token}"));
        look.until(20, &format!("{TIMES} !== null"));
        let Value::Array(times) = look.value(TIMES) else { panic!("no times") };
        all.iter_mut().zip(times).for_each(|(all, time)| all.push(time.as_f64().unwrap()));
    }
    let told = ["painted", "drawn", "frame of the page here"].iter().zip(&mut all).map(|(what, times)| {
        times.sort_by(f64::total_cmp);
        format!(
            "{what}: {:.0} ms (fastest {:.0}, slowest {:.0})",
            times[LOADS / 2],
            times[0],
            times[LOADS - 1]
        )
    });
    println!("first paint, median of {LOADS}: {}", told.collect::<Vec<_>>().join("; "));
    look.well("first paint");
}
