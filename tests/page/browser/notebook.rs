//! One notebook changed on two computers, answered on the page alone: the real kitbag with an agent and a page on each, and
//! two cloud folders with a copier between them.

use serde_json::{Value, json};

use super::copier::Copier;
use super::desk::Desk;
use super::look::text;
use crate::machine::room;
use crate::open::{course, set_up, until};

const BOOK: &str = "notebooks/orders.ipynb";
/// A picture of one blue pixel.
pub const PICTURE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNgYPj/HwADAgH/OSkZvgAAAABJRU5ErkJggg==";
const TABLE: &str = "<table><thead><tr><th></th><th>city</th></tr></thead><tbody><tr><th>0</th><td>K&ouml;ln &amp; <b>Bonn</b></td></tr></tbody></table>";

/// The notebook with these sources of its cells; the last one is left out where there is none.
fn book(notes: &str, code: &str, check: Option<&str>) -> String {
    let shown = |data: Value| json!({ "output_type": "display_data", "metadata": {}, "data": data });
    let outputs = json!([
        shown(json!({ "text/plain": "<Figure>", "image/png": PICTURE })),
        shown(json!({ "text/plain": "0  Köln", "text/html": TABLE })),
    ]);
    let ran = |id: &str, source: &str, outputs: &Value| json!({ "cell_type": "code", "id": id, "metadata": {}, "execution_count": 1, "source": source, "outputs": outputs });
    let mut cells = vec![
        json!({ "cell_type": "markdown", "id": "top", "metadata": {}, "source": "# Orders" }),
        json!({ "cell_type": "markdown", "id": "notes", "metadata": {}, "source": notes }),
        ran("draw", code, &outputs),
        ran("between", "orders", &json!([])),
    ];
    cells.extend(check.map(|check| ran("check", check, &json!([]))));
    let book = json!({ "cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5 });
    serde_json::to_string_pretty(&book).unwrap() + "\n"
}

/// The kinds and sources of the cells, without marks of a question.
#[track_caller]
fn sources(book: &str) -> Vec<(String, String)> {
    assert!(!book.contains("kitbag"), "{book}");
    let book: Value = serde_json::from_str(book).unwrap();
    let text = |value: &Value| match value {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        text => text.as_str().unwrap().to_owned(),
    };
    let cells = book["cells"].as_array().unwrap().iter();
    cells.map(|cell| (text(&cell["cell_type"]), text(&cell["source"]))).collect()
}

/// Press the button of the cell with this title that says this, and wait until the cell is gone.
#[track_caller]
fn answer(desk: &mut Desk, cell: &str, words: &str) {
    let place = format!(
        "[...document.querySelectorAll('main .cell[aria-label={cell:?}] .buttons button')]\
         .find((one) => one.textContent === {words:?} && !one.hasAttribute('aria-disabled'))"
    );
    desk.look.until(90, &format!("{place} !== undefined"));
    desk.look.value(&format!("{place}.click()"));
    desk.look.until(90, &format!("document.querySelector('main .cell[aria-label={cell:?}]') === null"));
}

/// Shows that a notebook whose cells were changed on two computers is put together as far as it goes, that the page shows
/// both versions of what is left with a table and a picture, and takes an answer for each cell, by which the other
/// computer abides; a cell that was deleted on one and kept is told for as long as nobody says what becomes of it. First
/// tier.
#[test]
fn cells_of_a_notebook_are_answered_one_by_one() {
    let room = room();
    let Some(mut home) = Desk::new("notebook", room.path(), "HOME-PC") else { return };
    let Some(mut laptop) = Desk::new("notebook", room.path(), "LAPTOP") else { return };
    let copier = Copier::between([home.machine.share.clone(), laptop.machine.share.clone()]);
    course(&room.path().join("course"), "Library");
    let start = book("Read *all* of it.\n\n- first\n", "draw(orders)\n", Some("assert orders"));
    home.machine.write(BOOK, &start);
    set_up(&home.machine, "HOME-PC", Some(&room.path().join("course")));
    home.agrees_with(&laptop);
    set_up(&laptop.machine, "LAPTOP", None);
    assert_eq!(laptop.machine.text(BOOK), start);
    home.agrees_with(&laptop);
    {
        let _train = copier.offline();
        let at_home =
            book("Read **most** of it.\n\n- first\n", "draw(orders, 2)\n", Some("assert len(orders)"));
        let in_the_train = book("Read _nothing_.\n\n- first\n", "draw(orders, 3)\n", None);
        home.machine.write(BOOK, &at_home);
        home.machine.sync();
        laptop.machine.write(BOOK, &in_the_train);
        laptop.machine.sync();
    }
    for desk in [&mut home, &mut laptop] {
        desk.open();
        desk.shows(90, &text("state.needs-you"));
    }
    home.press("home.answer");
    home.look.until(60, "document.querySelectorAll('main .cell').length === 3");
    home.shows(20, "HOME-PC (this computer) and LAPTOP wrote different things here.");
    home.shows(20, "LAPTOP deleted this cell");
    home.picture("questions");
    for (place, wanted) in [
        (
            "[...document.querySelectorAll('.markdown strong, .markdown em')].map((one) => one.textContent).sort()",
            json!(["most", "nothing"]),
        ),
        (
            "[...document.querySelectorAll('.cell .only code')].map((one) => one.textContent).filter((one) => one.startsWith('draw')).sort()",
            json!(["draw(orders, 2)", "draw(orders, 3)"]),
        ),
        ("document.querySelector('.sheet tbody td').textContent", json!("Köln & Bonn")),
        (
            "[...document.querySelector('canvas').getContext('2d').getImageData(0, 0, 1, 1).data]",
            json!([0, 0, 255, 255]),
        ),
    ] {
        home.look.until(20, &format!("JSON.stringify({place}) === {:?}", wanted.to_string()));
    }
    answer(&mut home, "Cell 4: code", "Keep the one from LAPTOP");
    home.picture("one-left");
    home.press("conflicts.undo");
    home.look.until(90, "document.querySelectorAll('main .cell').length === 3");
    answer(&mut home, "Cell 4: code", "Keep the one from LAPTOP");
    answer(&mut home, "Cell 2: text", "Keep both");
    // what is left needs no answer, here and on the other computer, and can be given one
    home.shows(90, &text("conflicts.none"));
    home.shows(20, "No answer is needed. 1 cell was deleted");
    home.look.until(20, "!document.querySelector('nav').innerText.includes('open')");
    home.picture("noted");
    laptop.shows(90, &text("note.look"));
    laptop.look.until(
        90,
        &format!("!document.querySelector('main').innerText.includes({:?})", text("state.needs-you")),
    );
    laptop.picture("noted");
    answer(&mut home, "Cell 6: code", "Delete it");
    home.picture("answered");
    laptop
        .look
        .until(90, &format!("!document.querySelector('main').innerText.includes({:?})", text("note.look")));
    until("both have the answers", || {
        let book = home.machine.text(BOOK);
        (laptop.machine.text(BOOK) == book && !book.contains("kitbag")).then_some(())
    });
    let left = sources(&laptop.machine.text(BOOK));
    let both: Vec<_> =
        left[1..3].iter().map(|(kind, source)| (kind.as_str(), source.lines().next().unwrap())).collect();
    assert!(
        both.contains(&("markdown", "Read **most** of it."))
            && both.contains(&("markdown", "Read _nothing_.")),
        "{left:?}"
    );
    let rest: Vec<_> = left[3..].iter().map(|(kind, source)| (kind.as_str(), source.trim())).collect();
    assert_eq!(rest, [("code", "draw(orders, 3)"), ("code", "orders")]);
    home.was_well();
    laptop.was_well();
}
