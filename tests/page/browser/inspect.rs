//! A page looked over as somebody would who sees badly, has no mouse, or a small screen: axe-core finds no violation,
//! nothing has to be scrolled sideways, and everything that is pressed is large enough.

use std::fs;

use serde_json::{Value, json};

use super::look::Look;

/// Looks pages over; with axe-core where there is one.
pub struct Inspector {
    axe: Option<String>,
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

/// How far the page or a part of it sticks out. The cells of a table stand beside each other or mean nothing: it is moved
/// within its own frame, which is looked at.
const SIDEWAYS: &str = "(() => { const root = document.documentElement; const wide = root.clientWidth; \
    const out = [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && !one.closest('.unseen, .skip, .sheet > *') \
    && (one.getBoundingClientRect().right > wide + 1 || one.getBoundingClientRect().left < -1)) \
    .map((one) => one.outerHTML.slice(0, 160)); return root.scrollWidth > wide ? ['the page', ...out] : out; })()";

impl Inspector {
    /// With the file of axe-core where `.ci/run` has put it; it is used here and in no program. It has to be there where
    /// a browser has to.
    pub fn new() -> Self {
        let file = std::env::var_os("KITBAG_AXE");
        let required = std::env::var_os("KITBAG_REQUIRE_BROWSER").is_some();
        assert!(
            file.is_some() || !required,
            "KITBAG_REQUIRE_BROWSER is set and KITBAG_AXE names no axe-core: tests/page/axe fetches it"
        );
        if file.is_none() {
            eprintln!("NOT TESTED: there is no axe-core");
        }
        let read = |file: std::ffi::OsString| {
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        };
        Inspector { axe: file.map(read) }
    }

    /// Without axe-core, for what was looked over with it in another width.
    pub fn without_axe() -> Self {
        Inspector { axe: None }
    }

    /// What is wrong with the page as it is now; none where nothing is.
    #[track_caller]
    pub fn wrong(&self, look: &mut Look, at: &str) -> Option<Value> {
        let none = json!([]);
        let mut found =
            json!({ "at": at, "sideways": look.value(SIDEWAYS), "small": look.value(SMALL), "axe": none });
        if let Some(axe) = &self.axe {
            if look.value("typeof axe") != "object" {
                look.value(&format!("{axe}; null"));
            }
            found["axe"] = look.awaited(RUN);
        }
        ["sideways", "small", "axe"].iter().any(|part| found[part] != none).then_some(found)
    }
}
