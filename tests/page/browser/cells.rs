//! The cells of a notebook that wait: how they read, what each answer asks kitbag to do, where the focus goes, and that
//! nothing of what stands in a notebook becomes anything but text and pictures on a canvas.

use serde_json::{Value, json};

use super::look::{Look, start, text};
use super::standin::{Scene, StandIn, scene};

const LIST: &str = "/api/workspaces/data-course/conflicts";

/// The one notebook of the scenes, and the address of its cells.
const PATH: &str = "notebooks/02 Orders.ipynb";
const CELLS: &str = "/api/workspaces/data-course/cells";

/// The scene with these cells instead of its own.
fn with(name: &str, cells: Value) -> Scene {
    let mut scene = scene(name);
    scene.answers[CELLS]["cells"] = cells.clone();
    scene.answers[LIST]["conflicts"][0]["cells"] = cells;
    scene.state["workspaces"][0]["conflicts"] = scene.answers[LIST]["conflicts"].clone();
    scene
}

/// The scene without the cell at this place.
fn without(scene: &Scene, name: &str, at: usize) -> Scene {
    let mut cells = scene.answers[CELLS]["cells"].clone();
    cells.as_array_mut().unwrap().remove(at);
    let mut less = with(name, cells);
    less.state["operations"] = scene.state["operations"].clone();
    less
}

/// A markdown cell in two versions.
fn two_versions(kind: &str, source: &str) -> Value {
    let by = |machine: &str| json!({ "machine": machine, "version": null });
    json!({ "cell": "a", "number": 1, "kind": kind, "what": "", "source": source, "cut": false, "by": by("HOME-PC"),
        "others": [{ "cell": "b", "kind": kind, "source": "the other one", "cut": false, "by": by("LAPTOP"), "attached": {} }],
        "deleted_by": null, "outputs": [], "more": 0, "stale": false, "attached": {} })
}

/// Press a button of a cell, by the cell's number in the view.
#[track_caller]
fn press(look: &mut Look, cell: usize, words: &str) {
    let button = format!(
        "[...document.querySelectorAll('main .cell')[{cell}].querySelectorAll('.buttons button')]\
         .find((one) => one.textContent === {words:?} && one.getAttribute('aria-disabled') !== 'true')"
    );
    look.until(10, &format!("{button} !== undefined"));
    look.value(&format!("{button}.click()"));
}

fn order(options: Value) -> Value {
    json!({ "workspace": "data-course", "verb": "resolve", "options": options })
}

/// Shows that every answer of every kind of question about a cell asks for its command, and the answers for all of them.
#[test]
fn every_answer_of_a_cell_asks_for_its_command() {
    let Some((_room, mut look)) = start() else { return };
    for (name, cell, words, keep, id) in [
        ("cells", 0, "Keep mine", "this", "3f2a91c0"),
        ("cells", 0, "Keep the one from LAPTOP", "other", "3f2a91c0"),
        ("cells", 0, "Keep both", "both", "3f2a91c0"),
        // here the version of this computer is the one that does not stand in the notebook
        ("cells", 1, "Keep mine", "other", "77aa01be"),
        ("cells", 1, "Keep the one from LAPTOP", "this", "77aa01be"),
        ("cells", 2, "Keep this cell", "this", "e4e4b2b2"),
        ("cells", 2, "Delete it", "other", "e4e4b2b2"),
        ("noted", 0, "Keep this cell", "this", "e4e4b2b2"),
        ("noted", 0, "Delete it", "other", "e4e4b2b2"),
        ("cells-three", 0, "Keep mine", "this", "3f2a91c0"),
        ("cells-three", 0, "Keep the one from LAPTOP", &"1c1d".repeat(16), "3f2a91c0"),
        ("cells-three", 1, "Keep the one from TABLET", &"2e2e".repeat(16), "77aa01be"),
        ("cells-three", 1, "Keep all of them", "both", "77aa01be"),
    ] {
        let scene = scene(name);
        let standin = StandIn::start(scene.clone());
        look.enter(&standin, &scene);
        press(&mut look, cell, words);
        let asked = standin.wait_for("/api/operations");
        assert_eq!(asked.body, order(json!({ "path": PATH, "keep": keep, "cell": id })), "{name}: {words}");
        look.well(words);
    }
    for (name, words, keep) in [
        ("cells", "Keep both everywhere", "both"),
        ("cells-three", "Keep mine everywhere", "this"),
        // what is mine stands in the notebook once, and once it does not
        ("cells", "Keep mine everywhere", "HOME-PC"),
        ("cells", "Keep everywhere what is from LAPTOP", "LAPTOP"),
        ("cells-three", "Keep everywhere what is from TABLET", "TABLET"),
    ] {
        let scene = scene(name);
        let standin = StandIn::start(scene.clone());
        look.enter(&standin, &scene);
        look.press(words);
        let asked = standin.wait_for("/api/operations");
        assert_eq!(asked.body, order(json!({ "path": PATH, "keep": keep })), "{name}: {words}");
    }
}

/// Shows that a cell is answered by keyboard alone, from its heading on: what stands in it is passed, and no key is held
/// there.
#[test]
fn a_cell_is_answered_by_keyboard_alone() {
    let Some((_room, mut look)) = start() else { return };
    let scene = scene("cells");
    let standin = StandIn::start(scene.clone());
    look.enter(&standin, &scene);
    look.value("document.querySelectorAll('.cell h3')[0].focus()");
    let focused = "document.activeElement.textContent";
    let mut steps = 0;
    while look.value(focused) != "Keep the one from LAPTOP" {
        look.key("Tab", 9);
        steps += 1;
        assert!(steps < 10, "{}", look.value(focused));
    }
    look.key("Enter", 13);
    let asked = standin.wait_for("/api/operations");
    assert_eq!(asked.body, order(json!({ "path": PATH, "keep": "other", "cell": "3f2a91c0" })));
    assert_eq!(look.value(focused), "Keep the one from LAPTOP", "the focus stays until the cell goes");
}

/// Shows what a person reads: who did what, both versions, text that looks like its markdown, a table that is one, and a
/// picture that was drawn although the page may load none.
#[test]
fn a_cell_reads_as_it_would_in_a_notebook() {
    let Some((_room, mut look)) = start() else { return };
    let cells = scene("cells");
    let standin = StandIn::start(cells.clone());
    look.enter(&standin, &cells);
    let said = look.value("document.querySelector('main').innerText.replace(/[\\u2068\\u2069]/g, '')");
    for words in [
        "2 cells wait for your answer",
        "HOME-PC (this computer) and LAPTOP wrote different things here.",
        "LAPTOP deleted this cell, and another computer changed it. So it was kept.",
        "What came out of the version of HOME-PC (this computer)",
        "40 rows × 2 columns",
        "AssertionError: rows are missing",
        "3 more things came out",
        "source (https://example.org/orders)",
        &text("cells.stale"),
        &text("shown.undrawn"),
        &text("shown.interactive"),
    ] {
        assert!(said.as_str().unwrap().contains(words), "{words}: {said}");
    }
    for (place, wanted) in [
        (
            ".cell:nth-of-type(1) .only[data-side=left] code",
            json!("orders = pd.read_csv(\"../data/orders.csv\")"),
        ),
        (".cell .sheet thead th", json!("city")),
        (".cell .sheet tbody th[scope=row]", json!("0")),
        (".markdown h5.level-2", json!("What the table says")),
        (".markdown ol > li:nth-child(2) li", json!("rows without a price")),
        (".markdown em", json!("three")),
        (".markdown strong", json!("Köln")),
        (".markdown th", json!("city")),
        (".markdown blockquote", json!("Ask the tutor about the empty cells.")),
    ] {
        let found = look.value(&format!("document.querySelector({place:?})?.textContent ?? null"));
        assert_eq!(found, wanted, "{place}");
    }
    assert_eq!(look.value("document.querySelectorAll('.cell a').length"), 0.0, "no address is a way out");
    // the colour in the middle of the first bar
    let pixel = "(() => { const one = document.querySelector('canvas[aria-label*=\"440 by 220\"]'); \
        return one ? [...one.getContext('2d').getImageData(80, 190, 1, 1).data] : null; })()";
    look.until(10, &format!("JSON.stringify({pixel}) === '[31,119,180,255]'"));
    let labels = look.value("[...document.querySelectorAll('canvas')].map((one) => [one.getAttribute('role'), one.getAttribute('aria-label')])");
    assert_eq!(labels[1], json!(["img", "Picture map of the cities, 160 by 80 pixels"]));
    // what kitbag tells meanwhile draws nothing anew
    look.value("document.querySelector('canvas').same = true");
    standin.tell("state", &cells.state);
    look.settled();
    assert_eq!(look.value("document.querySelector('canvas').same"), true);
    assert_eq!(look.value(pixel), json!([31, 119, 180, 255]));
    look.well("cells");
}

/// Shows that a cell which was kept though somebody deleted it is told where nothing waits, with what it holds, and counts
/// as no question: not beside the view's name, and not where the day begins.
#[test]
fn a_cell_that_was_kept_is_told_and_is_no_question() {
    let Some((_room, mut look)) = start() else { return };
    let noted = scene("noted");
    let standin = StandIn::start(noted.clone());
    look.enter(&standin, &noted);
    let said = "document.body.innerText.replace(/[\\u2068\\u2069]/g, '')";
    for (route, words) in [
        (
            "#/conflicts",
            [
                &text("conflicts.none"),
                "No answer is needed. 1 cell was deleted on one computer and changed on another",
                "LAPTOP deleted this cell, and another computer changed it. So it was kept.",
                "assert len(orders) == 40",
            ],
        ),
        ("#/home", [&text("state.up-to-date"), &text("home.notes"), PATH, &text("note.look")]),
    ] {
        look.value(&format!("location.hash = {route:?}"));
        look.settled();
        let said = look.value(said);
        let said = said.as_str().unwrap();
        for words in words {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("open)"), "it is in no count: {said}");
    }
    assert_eq!(look.value("document.querySelectorAll('[data-key=every]').length"), 0.0);
    look.press(&text("note.look"));
    look.until(10, "location.hash === '#/conflicts/data-course'");
    look.until(10, "document.querySelectorAll('main .cell').length === 1");
    // the last question of a notebook is answered, and what only tells is left
    let waits = scene("cells");
    standin.show(waits);
    look.until(10, "document.querySelectorAll('[data-key=every]').length === 1");
    standin.show(noted);
    look.until(10, "document.querySelectorAll('main .cell').length === 1");
    assert_eq!(look.value("document.querySelectorAll('[data-key=every]').length"), 0.0);
    look.well("noted");
}

/// Shows that a picture that is none any more is said and harms nothing.
#[test]
fn a_damaged_picture_is_said() {
    let Some((_room, mut look)) = start() else { return };
    let mut cells = scene("cells");
    for data in ["AAAA", "no base64 at all", ""] {
        cells.answers[CELLS]["cells"][0]["outputs"][0]["data"] = data.into();
        let standin = StandIn::start(cells.clone());
        look.enter(&standin, &cells);
        look.until(
            10,
            &format!(
                "document.querySelectorAll('.cell')[0].textContent.includes({:?})",
                text("shown.undrawn")
            ),
        );
        look.well(data);
    }
}

/// Shows that an answered cell goes without anything above it moving, that the focus goes on to the next question and at
/// last to the heading, and that it is said aloud.
#[test]
fn an_answered_cell_goes_and_the_focus_goes_on() {
    let Some((_room, mut look)) = start() else { return };
    let mut now = scene("cells");
    let standin = StandIn::start(now.clone());
    look.enter(&standin, &now);
    let operation = |ended: Value| {
        json!({ "id": "1", "workspace": "data-course", "verb": "resolve", "started": "", "progress": null, "lines": [],
            "question": null, "ended": ended })
    };
    let answered = json!({ "exit": 3, "finding": null, "document": { "answered": { "path": "x", "beside": [] }, "sync": {} } });
    let focused = "(document.activeElement.closest('.cell')?.getAttribute('aria-label') ?? document.activeElement.localName)";
    // the second of three
    let top = "document.querySelectorAll('.cell')[0].getBoundingClientRect().top + scrollY";
    let before = look.value(top);
    look.value("document.querySelectorAll('.cell')[1].scrollIntoView()");
    press(&mut look, 1, "Keep mine");
    standin.wait_for("/api/operations");
    now.state["operations"] = json!([operation(Value::Null)]);
    standin.show(now.clone());
    look.until(
        10,
        &format!("document.querySelector('.told')?.textContent.includes({:?})", text("going.resolve")),
    );
    assert_eq!(look.value(focused), "Cell 5: text", "while it is taken in");
    assert_eq!(look.value("document.activeElement.getAttribute('aria-disabled')"), "true");
    let scrolled = look.value("scrollY");
    now = without(&now, "cells", 1);
    now.state["operations"] = json!([operation(answered.clone())]);
    standin.show(now.clone());
    look.until(10, "document.querySelectorAll('.cell').length === 2");
    look.until(10, &format!("{focused} === 'Cell 8: code'"));
    look.settled();
    assert_eq!(look.value(top), before, "what stands above does not move");
    let least = look.value("document.documentElement.scrollHeight - innerHeight").as_f64().unwrap();
    let wanted = scrolled.as_f64().unwrap().min(least);
    assert_eq!(look.value("scrollY"), wanted, "the page does not jump, unless it ends sooner");
    let told = look.value("document.querySelector('.cell + .told')?.textContent");
    assert!(told.as_str().unwrap().contains(&text("ended.resolve.more")), "{told}");
    let spoken = look.value("document.getElementById('spoken').textContent");
    assert_eq!(spoken, text("ended.resolve.more"));
    look.press(&text("conflicts.undo"));
    look.until(10, "true");

    // by somebody else, the one the focus is on, and then the last one
    for (place, next) in [(1, "Cell 3: code"), (0, "h1")] {
        look.value(&format!("document.querySelectorAll('.cell')[{place}].querySelector('button').focus()"));
        now = without(&now, "cells", place);
        if place == 0 {
            now.answers[LIST]["conflicts"] = json!([]);
            now.state["workspaces"][0]["conflicts"] = json!([]);
        }
        standin.show(now.clone());
        look.until(10, &format!("{focused} === {next:?}"));
    }
    look.well("answered");
}

/// Twenty contents that want to be something else.
const HOSTILE: [&str; 20] = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror=\"window.hacked=1\">",
    "<svg onload=window.hacked=1><style>*{display:none}</style></svg>",
    "[click](javascript:window.hacked=1)",
    "![p](https://example.org/spy.png) ![q](//example.org/spy.png)",
    "![p](attachment:__proto__) ![p](attachment:constructor)",
    "<a href=\"javascript:window.hacked=1\">x</a> <https://example.org> https://example.org",
    "[a]: javascript:window.hacked=1\n[b][a] [a]",
    "# <iframe src=\"javascript:window.hacked=1\"></iframe>\n## <b class=hacked>",
    "```<script>window.hacked=1</script>\n</pre><script>window.hacked=1</script>\n```",
    "| <script>a</script> | <b> |\n|---|---|\n| <img src=x onerror=window.hacked=1> | ${window.hacked=1} |",
    "- <input autofocus onfocus=window.hacked=1>\n  - <form action=javascript:window.hacked=1>",
    "> <style>body{background:url(https://example.org/spy)}</style>\n> <link rel=stylesheet href=https://example.org>",
    "\u{202e}gnp.exe\u{2066}\u{200f} שלום עולם",
    "\u{1b}[31mred\u{1b}[2J\u{7}\u{0}\u{9b}31m",
    "zero\u{200b}width\u{feff}\u{ad}\u{2028}\u{2029}",
    "{who} {count} {number} ${window.hacked = 1} `${window.hacked = 1}`",
    "$$\\href{javascript:window.hacked=1}{x}$$ $\\require{html}$",
    "&lt;script&gt;&#60;script&#62;window.hacked=1",
    "\\<script>window.hacked=1</script> \\[x](y) *<b>* **<i>** ~~<u>~~",
];

/// Shows that whatever stands in a cell, in what came out of it and in the names around it, is text: no element but the
/// page's own, nothing loaded, nothing run, nothing turned around.
#[test]
fn twenty_hostile_contents_are_shown_as_text() {
    let Some((_room, mut look)) = start() else { return };
    let elements =
        "[...new Set([...document.querySelectorAll('.cell *')].map((one) => one.localName))].sort()";
    let own = [
        "blockquote",
        "button",
        "canvas",
        "code",
        "del",
        "details",
        "div",
        "em",
        "h3",
        "h4",
        "h5",
        "hr",
        "br",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "summary",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];
    for content in HOSTILE {
        let by = json!({ "machine": content, "version": content });
        let cells: Vec<Value> = ["markdown", "code", "raw"]
            .into_iter()
            .enumerate()
            .map(|(at, kind)| {
                let mut one = two_versions(kind, content);
                one["cell"] = format!("{content}{at}").into();
                one["number"] = (at + 1).into();
                one["others"][0]["source"] = format!("{content}\n\n{content}").into();
                one["others"][0]["by"] = by.clone();
                one["attached"] = json!({ content: { "kind": "undrawn" } });
                one["outputs"] = json!([
                    { "kind": "text", "text": content, "cut": true },
                    { "kind": "error", "text": content, "cut": false },
                    { "kind": "table", "more": 0, "wider": false, "note": content,
                      "rows": [{ "head": true, "names": 0, "cells": [content] }, { "head": false, "names": 1, "cells": [content, content] }] },
                    { "kind": "picture", "type": content, "width": 5, "height": 5, "data": content },
                    { "kind": content },
                ]);
                one
            })
            .collect();
        let scene = with("cells", cells.into());
        let standin = StandIn::start(scene.clone());
        look.enter(&standin, &scene);
        look.until(10, "document.querySelectorAll('.cell').length === 3");
        let summaries = "document.querySelectorAll('.cell summary').forEach((one) => one.click())";
        look.value(summaries);
        look.settled();
        look.well(content);
        assert_eq!(look.value("typeof window.hacked"), "undefined", "{content:?}");
        let found = look.value(elements);
        let foreign: Vec<_> =
            found.as_array().unwrap().iter().filter(|name| !own.contains(&name.as_str().unwrap())).collect();
        assert!(foreign.is_empty(), "{content:?}: {foreign:?}");
        assert_eq!(
            look.value(
                "document.querySelectorAll('.cell [href], .cell [src], .cell [style], .hacked').length"
            ),
            0.0
        );
        let elsewhere = look.value("performance.getEntriesByType('resource').map((one) => one.name).filter((name) => !name.startsWith(location.origin + '/'))");
        assert_eq!(elsewhere, json!([]), "{content:?}");
        let shown = look.value("document.querySelector('main').innerText.replace(/[\\u2068\\u2069]/g, '')");
        let shown = shown.as_str().unwrap();
        let hidden = |c: char| {
            c.is_control() && c != '\n' && c != '\t'
                || "\u{202e}\u{2066}\u{200f}\u{200b}\u{feff}\u{ad}\u{2028}\u{2029}".contains(c)
        };
        assert!(!shown.contains(hidden), "{content:?}: {shown:?}");
        // as it is written, in what came out and in the line by line view
        let line = content.split(['\n', '\u{2028}']).next().unwrap();
        let readable: String = line.chars().take_while(|c| !hidden(*c)).collect();
        assert!(shown.matches(readable.trim()).count() >= 6, "{readable:?} is not to be read in {shown}");
        assert_eq!(standin.asked(), [], "{content:?}");
    }
}

/// Shows that what is huge is drawn in part, soon enough for a person to go on.
#[test]
fn what_is_huge_is_drawn_in_part() {
    let Some((_room, mut look)) = start() else { return };
    for piece in [
        "a\n",
        "a\n\n",
        "*",
        "*a ",
        "**a",
        "[",
        "![",
        "[a](b",
        "`",
        "``a",
        "_a",
        "> ",
        ">\n",
        "- ",
        "- a\n",
        "  - a\n",
        "    x\n\n",
        "| a ",
        "|---",
        "|a|b|\n|-|-|\n",
        "# ",
        " #",
        "```\n",
        "~~a",
        "\\",
        "a | b\n",
        "- - ",
        "  ",
        "\t",
        "=\n",
        "1. ",
        "<b>",
        "\u{202e}",
    ] {
        let source: String = piece.repeat(64_000 / piece.len());
        let cells = json!([two_versions("markdown", &source)]);
        let scene = with("cells", cells);
        let standin = StandIn::start(scene.clone());
        look.enter(&standin, &scene);
        look.until(20, "document.querySelectorAll('.cell').length === 1");
        look.well(piece);
        let elements = look.value("document.querySelectorAll('.cell *').length");
        assert!(elements.as_f64().unwrap() < 30_000.0, "{piece:?}: {elements}");
    }
}
