//! A page in a browser, as the tests of the page look at it: in a width and a light, with what went wrong in it kept, and
//! pictures taken. With `KITBAG_PICTURES=FOLDER` the pictures stay there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::standin::{Scene, StandIn, folder};
use crate::devtools::Browser;

/// The widths that are looked at: a phone, or a screen at 400 %; a tablet, or half a screen; a screen.
pub const WIDTHS: [u32; 3] = [320, 768, 1280];
/// Kept from the first moment of a page.
const TROUBLE: &str = "window.trouble = []; \
    addEventListener('error', (event) => trouble.push(String(event.message))); \
    addEventListener('unhandledrejection', (event) => trouble.push(String(event.reason?.stack ?? event.reason))); \
    addEventListener('securitypolicyviolation', (event) => trouble.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));";

/// What a page shows, and what became of what it asked for.
const SEEN: &str = "JSON.stringify([location.href, document.readyState, document.body.innerText, window.trouble, \
    performance.getEntriesByType('resource').map((one) => [one.name.replace(/.*\\//, ''), one.responseStatus, \
    Math.round(one.startTime), Math.round(one.responseEnd)])])";

/// A browser that looks at the page.
pub struct Look {
    pub browser: Browser,
}

/// A browser on a screen of the usual width, with a profile that goes with the folder. None as for [`Look::start`].
pub fn start() -> Option<(tempfile::TempDir, Look)> {
    let room = tempfile::tempdir().unwrap();
    let mut look = Look::start(&room.path().join("profile"))?;
    look.view(1280, false);
    Some((room, look))
}

impl Look {
    /// None where there is no browser; a failure where one is required.
    pub fn start(profile: &Path) -> Option<Self> {
        let mut browser = Browser::start(profile)?;
        browser.ask("Page.enable", json!({}));
        browser.ask("Page.addScriptToEvaluateOnNewDocument", json!({ "source": TROUBLE }));
        Some(Look { browser })
    }

    /// How wide, and in which light.
    pub fn view(&mut self, width: u32, dark: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.browser.ask("Emulation.setDeviceMetricsOverride", size);
        let light = if dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": light }, { "name": "prefers-reduced-motion", "value": "reduce" }
        ]);
        self.browser.ask("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Open a link that kitbag made.
    #[track_caller]
    pub fn open(&mut self, link: &str) {
        // a fragment alone would load nothing
        self.browser.open("about:blank");
        self.until(20, "location.href === 'about:blank'");
        self.browser.open(link);
        self.until(20, "document.querySelector('main h1') !== null");
    }

    /// Open the link, go to the scene's view, and do what is done in it.
    #[track_caller]
    pub fn enter(&mut self, standin: &StandIn, scene: &Scene) {
        self.open(&standin.link());
        assert_eq!(self.value("location.hash"), "", "the token stays in the address");
        self.go(scene);
    }

    /// Go to the scene's view on a page that is open, and do what is done in it.
    #[track_caller]
    pub fn go(&mut self, scene: &Scene) {
        self.value(&format!("location.hash = {:?}", scene.route));
        self.settled();
        for act in &scene.acts {
            self.press(&text(act));
            self.settled();
        }
    }

    /// Nothing is on its way any more.
    #[track_caller]
    pub fn settled(&mut self) {
        self.until(20, "document.querySelector('main [aria-busy=true]') === null");
        // a frame, in which what came is drawn
        self.awaited("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))");
    }

    /// Press the first button, choice or link that says this; one in a dialog before those of the page.
    #[track_caller]
    pub fn press(&mut self, words: &str) {
        let place = format!(
            "(() => {{ const within = document.querySelector('dialog[open]') ?? document; \
             const all = [...within.querySelectorAll('button:not(:disabled), a, label, summary')]; \
             const one = all.find((each) => each.textContent.trim() === {words:?}) ?? all.find((each) => each.textContent.includes({words:?})); \
             if (!one) return false; one.scrollIntoView({{ block: 'center' }}); one.id ||= 'pressed'; \
             const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        let deadline = Instant::now() + Duration::from_secs(15);
        let place = loop {
            let found = self.value(&place);
            if found.is_array() {
                break found;
            }
            let body = self.value("document.body.innerText");
            assert!(Instant::now() < deadline, "nothing says {words:?}: {body}");
            std::thread::sleep(Duration::from_millis(50));
        };
        for kind in ["mousePressed", "mouseReleased"] {
            let at = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.browser.ask("Input.dispatchMouseEvent", at);
        }
    }

    /// A key without anything held.
    pub fn key(&mut self, key: &str, number: u8) {
        let mut down = json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": number });
        if key == "Enter" {
            down["text"] = "\r".into();
        }
        self.browser.ask("Input.dispatchKeyEvent", down);
        self.browser.ask(
            "Input.dispatchKeyEvent",
            json!({ "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": number }),
        );
    }

    /// Wait until an expression is true in the page; looked at often, since there are thousands of these waits.
    #[track_caller]
    pub fn until(&mut self, seconds: u64, expression: &str) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while self.value(expression) != true {
            let late = Instant::now() > deadline;
            assert!(!late, "not in {seconds} s: {expression}; the page shows {}", self.value(SEEN));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        self.browser.value(expression)
    }

    /// The value of a promise in the page.
    #[track_caller]
    pub fn awaited(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let said = self.browser.ask("Runtime.evaluate", asked);
        assert!(said["exceptionDetails"].is_null(), "{expression:.200}: {said:#}");
        said["result"]["value"].clone()
    }

    /// Nothing went wrong in the page.
    #[track_caller]
    pub fn well(&mut self, what: &str) {
        let trouble = self.value("window.trouble");
        assert_eq!(trouble, json!([]), "{what}");
    }

    /// A picture of the whole page, where pictures are wanted.
    pub fn picture(&mut self, name: &str) {
        let Some(folder) = pictures() else { return };
        // without a scroll bar, which the whole page has none of
        self.browser.ask("Emulation.setScrollbarsHidden", json!({ "hidden": true }));
        let size = self.value("[innerWidth, Math.max(innerHeight, document.documentElement.scrollHeight)]");
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let wanted = json!({ "captureBeyondViewport": true, "format": "png", "clip": clip });
        let said = self.browser.ask("Page.captureScreenshot", wanted);
        self.browser.ask("Emulation.setScrollbarsHidden", json!({ "hidden": false }));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), base64(said["data"].as_str().unwrap())).unwrap();
    }
}

/// Where pictures go.
fn pictures() -> Option<PathBuf> {
    std::env::var_os("KITBAG_PICTURES").map(PathBuf::from)
}

/// A text of the page, by its key.
pub fn text(key: &str) -> String {
    let texts: Value = serde_json::from_slice(&fs::read(folder().join("texts.json")).unwrap()).unwrap();
    texts[key].as_str().unwrap_or_else(|| panic!("no text {key}")).to_owned()
}

/// The bytes of what the DevTools send.
pub fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let sextets: Vec<u8> = text.bytes().filter_map(value).collect();
    let group = |four: &[u8]| {
        let bits =
            four.iter().enumerate().fold(0u32, |bits, (at, six)| bits | u32::from(*six) << (18 - 6 * at));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    sextets.chunks(4).flat_map(group).collect()
}
