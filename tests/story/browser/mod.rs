//! JupyterLab and OpenRefine as a student sees them: a real Chromium at the address that `open` prints, on the
//! reference course in its real image. With KITBAG_REQUIRE_BROWSER a missing browser is a failure. First tier.

#[allow(dead_code, reason = "the tests of the page use all of it")]
mod devtools;

use std::time::{Duration, Instant};

use crate::course::setup_with;
use crate::docker::lab::{Docked, course_image, data_course, turn};
use crate::machine::room;
use devtools::Browser;

/// Shows that the address `open` prints leads into JupyterLab, where a new notebook runs a cell; that OpenRefine's page
/// is reached behind the same log-in; and that a browser without the token sees neither.
#[test]
fn a_student_runs_a_cell_and_reaches_openrefine() {
    let room = room();
    if !course_image() {
        return;
    }
    let _one = turn();
    let Some(mut browser) = Browser::start(&room.path().join("profile")) else { return };
    let a = Docked::new(room.path(), "HOME-PC", &room.path().join("share"));
    setup_with(&a, &data_course()).exits(&[0]);
    a.run(&["--yes", "up", "--no-open", "--backend", "docker"]).exits(&[0]);

    let url = a.run(&["open", "--print"]).exits(&[0]).stdout.trim_end().to_owned();
    browser.open(&url);
    let card = ".jp-LauncherCard[data-category=Notebook]";
    browser.until(120, &format!("document.querySelector('{card}') !== null"));
    assert_eq!(
        browser.value("location.search.includes('token')"),
        false,
        "the token does not stay in the address"
    );
    browser.until(60, "document.querySelector('#jupyterlab-splash') === null");
    browser.click(card);
    browser.until(60, "document.querySelector('.jp-NotebookPanel .jp-CodeCell .cm-content') !== null");
    browser.until(60, "document.querySelector('.jp-Notebook-ExecutionIndicator[data-status=idle]') !== null");
    // the notebook may still be drawn anew; a person would click again
    let editor = ".jp-NotebookPanel .jp-CodeCell .cm-content";
    let deadline = Instant::now() + Duration::from_secs(60);
    let typed = format!("document.querySelector('{editor}').textContent.includes('from a cell')");
    while browser.value(&typed) != true {
        assert!(Instant::now() < deadline, "nothing can be typed into the cell");
        browser.click(editor);
        browser.until(30, "document.activeElement.classList.contains('cm-content')");
        browser.type_text("print(6 * 7, 'from a cell')");
        std::thread::sleep(Duration::from_millis(500));
    }
    // JupyterLab drops a cell that is run before its kernel is connected, and nothing on the page tells when it is
    let outputs = "[...document.querySelectorAll('.jp-OutputArea-output')]";
    let ran = format!("{outputs}.some(one => one.textContent.includes('42 from a cell'))");
    let deadline = Instant::now() + Duration::from_secs(90);
    while browser.value(&ran) != true {
        assert!(Instant::now() < deadline, "the cell does not run");
        browser.click(editor);
        browser.until(30, "document.activeElement.classList.contains('cm-content')");
        browser.key(8, "Enter", "Enter", 13);
        let patience = Instant::now() + Duration::from_secs(10);
        while browser.value(&ran) != true && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    // saved, it lies in the working folder; the name JupyterLab proposes will do
    browser.key(2, "s", "KeyS", 83);
    let accept = ".jp-Dialog .jp-mod-accept";
    browser.until(30, &format!("document.querySelector('{accept}') !== null"));
    browser.click(accept);
    let deadline = Instant::now() + Duration::from_secs(30);
    let saved = || {
        a.files().0.into_iter().any(|(path, bytes)| {
            path.ends_with(".ipynb") && String::from_utf8_lossy(&bytes).contains("\"42 from a cell\\n\"")
        })
    };
    while !saved() {
        assert!(Instant::now() < deadline, "the notebook was not saved");
        std::thread::sleep(Duration::from_millis(200));
    }

    let refine = a.run(&["open", "openrefine", "--print"]).exits(&[0]).stdout.trim_end().to_owned();
    browser.open(&refine);
    browser.until(180, "document.title === 'OpenRefine' && document.body.innerText.includes('Create')");

    browser.forget();
    for page in [&url, &refine] {
        browser.open(page.split('?').next().unwrap());
        browser.until(
            30,
            "document.querySelector('#password_input') !== null && location.pathname.endsWith('/login')",
        );
        assert_eq!(browser.value(&format!("document.querySelector('{card}') === null")), true);
    }
    a.run(&["--yes", "done"]).exits(&[0]);
}
