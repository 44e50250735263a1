//! What each button asks kitbag to do, and how what kitbag tells is shown.

use serde_json::{Value, json};

use super::look::{Look, start, text};
use super::standin::{Scene, StandIn, scene};

fn enter(look: &mut Look, name: &str) -> (StandIn, Scene) {
    let scene = scene(name);
    let standin = StandIn::start(scene.clone());
    look.enter(&standin, &scene);
    (standin, scene)
}

fn order(verb: &str, options: Value) -> Value {
    json!({ "workspace": "data-course", "verb": verb, "options": options })
}

/// Shows that every button of a day, of questions, history, health and permissions asks for the right command.
#[test]
fn every_button_asks_for_its_command() {
    let Some((_room, mut look)) = start() else { return };
    let side = |digits: &str| digits.repeat(16);
    for (name, presses, verb, options) in [
        ("up-to-date", vec!["home.start"], "up", json!({})),
        ("up-to-date", vec!["home.sync"], "sync", json!({})),
        ("up-to-date", vec!["home.afresh", "home.afresh"], "reset", json!({})),
        ("open", vec!["home.done"], "done", json!({})),
        ("presence", vec!["presence.take"], "up", json!({})),
        ("conflicts", vec!["keep.mine"], "resolve", json!({ "path": "notes.md", "keep": "this" })),
        ("conflicts", vec!["keep.both"], "resolve", json!({ "path": "notes.md", "keep": "both" })),
        ("conflicts", vec!["keep.deleted"], "resolve", json!({ "path": "data/orders.csv", "keep": "other" })),
        ("answered", vec!["conflicts.undo"], "undo", json!({})),
        ("gone", vec!["gone.restore"], "absent", json!({ "answer": "restore" })),
        ("gone", vec!["gone.accept", "gone.accept"], "absent", json!({ "answer": "accept" })),
        (
            "history-file",
            vec!["history.restore", "history.restore"],
            "restore",
            json!({ "path": "notes.md", "at": side("9a04") }),
        ),
        ("health", vec!["health.fix"], "doctor-fix", json!({})),
        (
            "permissions",
            vec!["plugins.revoke", "plugins.revoke"],
            "grant-revoke",
            json!({ "plugin": "docker" }),
        ),
    ] {
        let (standin, _) = enter(&mut look, name);
        for press in &presses {
            look.press(&text(press));
        }
        assert_eq!(standin.wait_for("/api/operations").body, order(verb, options), "{name}: {presses:?}");
        assert_eq!(standin.asked().len(), 1, "{name}: once");
        look.well(name);
    }
}

/// Shows that the one of another computer is kept by one press, and a version of three by its id.
#[test]
fn the_side_of_another_computer_is_named() {
    let Some((_room, mut look)) = start() else { return };
    let (standin, mut scene) = enter(&mut look, "conflicts");
    look.press("Keep the one from LAPTOP");
    assert_eq!(
        standin.wait_for("/api/operations").body,
        order("resolve", json!({ "path": "notes.md", "keep": "other" }))
    );
    let conflict = &mut scene.state["workspaces"][0]["conflicts"][0];
    let third = json!({ "id": "77".repeat(32), "machine": "TABLET", "when": null, "size": 5, "this": false });
    conflict["sides"].as_array_mut().unwrap().push(third);
    let all = json!({ "conflicts": scene.state["workspaces"][0]["conflicts"], "held": [] });
    scene.answers.insert("/api/workspaces/data-course/conflicts".into(), all);
    standin.show(scene);
    look.press("Keep the one from TABLET");
    look.until(10, "true");
    let last = || standin.asked().last().unwrap().body["options"]["keep"].clone();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while last() != "77".repeat(32) {
        assert!(std::time::Instant::now() < deadline, "{:?}", standin.asked());
    }
}

/// Shows that both versions stand beside each other, and that what only one has is said in words.
#[test]
fn both_versions_are_compared() {
    let Some((_room, mut look)) = start() else { return };
    let (_standin, _) = enter(&mut look, "conflicts");
    let only = |side: &str| {
        format!(
            "[...document.querySelectorAll('.only[data-side={side}]')].map((one) => [one.querySelector('code').textContent, one.querySelector('.unseen').textContent])"
        )
    };
    let (left, right) = (look.value(&only("left")), look.value(&only("right")));
    assert_eq!(left[0][0], "- clean the names with OpenRefine");
    assert_eq!(right[2][0], "- ask the tutor about the empty cells");
    assert_eq!(left[0][1], "Only HOME-PC (this computer): ");
    assert_eq!((left.as_array().unwrap().len(), right.as_array().unwrap().len()), (2, 3));
}

/// Shows that a bar never goes back, that what is over is ticked off, and that where nobody knows no bar is drawn.
#[test]
fn progress_never_jumps_back() {
    let Some((_room, mut look)) = start() else { return };
    let (standin, scene) = enter(&mut look, "working");
    let mut operation = scene.state["operations"][0].clone();
    let bar = "Number(document.querySelector('progress').getAttribute('value'))";
    let mut highest = 0.0;
    for (done, total) in [(10, 128), (100, 128), (100, 400), (150, 400), (90, 100), (40, 100), (100, 100)] {
        operation["progress"] = json!({ "what": "files", "done": done, "total": total });
        standin.tell("operation", &operation);
        look.until(10, &format!("document.querySelector('.steps').innerText.includes('{done} of {total}')"));
        let now = look.value(bar).as_f64().unwrap();
        assert!(now >= highest, "{done} of {total}: {now} after {highest}");
        highest = now;
    }
    operation["progress"] = json!({ "what": "Looks at the databases", "done": 0, "total": 0 });
    standin.tell("operation", &operation);
    look.until(10, "document.querySelector('.steps').innerText.includes('✓ files')");
    assert_eq!(look.value("document.querySelector('progress').hasAttribute('value')"), false);
    operation["progress"] = json!({ "what": "Download the image: 55 %", "done": 0, "total": 0 });
    standin.tell("operation", &operation);
    look.until(10, "document.querySelector('progress').getAttribute('value') === '550'");
    operation["progress"] = json!({ "what": "Download the image: 30 %", "done": 0, "total": 0 });
    operation["lines"] = json!(["once more"]);
    standin.tell("operation", &operation);
    look.until(10, "document.querySelector('.operation pre').textContent.includes('once more')");
    assert_eq!(look.value(bar), 550.0);
    assert_eq!(
        look.value("document.querySelectorAll('.steps li').length"),
        2.0,
        "a step without a measure leaves nothing"
    );
}

/// Shows that a question is put before the person in kitbag's own words, that the careful answer is the usual one, and
/// that it goes away when somebody else has answered.
#[test]
fn a_question_is_asked_and_answered() {
    let Some((_room, mut look)) = start() else { return };
    let (standin, scene) = enter(&mut look, "question");
    let said = look.value("document.querySelector('dialog').innerText");
    for words in [
        "wants to control Docker",
        "a determined attacker may get round this",
        "pg_dump --no-owner course",
        "Allow it for this course?",
    ] {
        assert!(said.as_str().unwrap().contains(words), "{words}: {said}");
    }
    assert!(!said.as_str().unwrap().contains("[y/N]"), "{said}");
    assert_eq!(look.value("document.activeElement.textContent"), text("question.refuse"));
    look.press(&text("question.allow"));
    assert_eq!(standin.wait_for("/api/operations/9/answer").body, json!({ "question": 1, "yes": true }));

    let (standin, _) = enter(&mut look, "doubt");
    look.key("Escape", 27);
    assert_eq!(standin.wait_for("/api/operations/10/answer").body, json!({ "question": 1, "yes": false }));

    let (standin, _) = enter(&mut look, "tight");
    let said = look.value("document.querySelector('dialog').innerText");
    for words in [text("doubt.machine"), "too little memory".into(), "kitbag up --backend local".into()] {
        assert!(said.as_str().unwrap().contains(&words), "{words}: {said}");
    }
    assert_eq!(look.value("document.activeElement.textContent"), text("question.not-start"));
    look.press(&text("question.start"));
    assert_eq!(standin.wait_for("/api/operations/15/answer").body, json!({ "question": 1, "yes": true }));

    let (standin, _) = enter(&mut look, "question");
    let mut answered = scene.state["operations"][0].clone();
    answered["question"] = Value::Null;
    standin.tell("operation", &answered);
    look.until(10, "document.querySelector('dialog') === null");
    assert_eq!(standin.asked(), [], "who answered elsewhere is not overruled");
    look.press(&text("operation.cancel"));
    standin.wait_for("/api/operations/9/cancel");
}

/// Shows that mending which leaves something for the person is no failure, that checks that look only when asked stand
/// apart, and that what a check saw is told.
#[test]
fn what_was_looked_at_is_told_as_it_was() {
    let Some((_room, mut look)) = start() else { return };
    let (_standin, _) = enter(&mut look, "mended");
    let said = look.value("document.querySelector('main').textContent");
    for words in [
        text("ended.doctor-fix.some"),
        "Mended: keeps what is in them and takes them away.".into(),
        "1 check looks only when it is asked to".into(),
        "memory: 16 GB, 9 GB free".into(),
    ] {
        assert!(said.as_str().unwrap().contains(&words), "{words}: {said}");
    }
    assert!(!said.as_str().unwrap().contains(&text("ended.failed")), "{said}");
    for (scene, words) in [("working", "activity.lent"), ("unwatched", "activity.unwatched")] {
        let (_standin, _) = enter(&mut look, scene);
        assert_eq!(look.value("document.querySelector('.head .quiet').textContent"), text(words));
    }
}

/// Shows that what waits because a notebook is open here is told as that, and not as something the cloud folder has not
/// brought; and that an answer about such a notebook is one that was taken in.
#[test]
fn what_waits_for_an_open_notebook_is_told_as_it_is() {
    let Some((_room, mut look)) = start() else { return };
    let (standin, mut scene) = enter(&mut look, "up-to-date");
    let open = json!([{ "path": "part/w.ipynb", "machine": "HOME-PC", "when": null, "why": "open" }]);
    scene.state["workspaces"][0]["pending_notebooks"] = open.clone();
    let sync = json!({ "pending_notebooks": open, "waiting_for": [], "problems": [] });
    let answered = json!({ "answered": { "path": "part/w.ipynb", "beside": [] }, "sync": sync });
    let mut late = sync.clone();
    late["waiting_for"] = json!([{ "path": "a.txt", "what": "its content" }]);
    let waits = "part/w.ipynb: a newer version of it waits. Close the notebook, and it is brought in.";
    for (number, (route, verb, exit, document, words)) in [
        ("#/conflicts", "resolve", 4, &answered, "ended.resolve.open"),
        ("#/conflicts", "resolve", 3, &answered, "ended.resolve.more"),
        ("#/home", "sync", 4, &sync, "ended.waits.open"),
        ("#/home", "sync", 4, &late, "ended.waits"),
    ]
    .into_iter()
    .enumerate()
    {
        let operation = json!({ "id": format!("{verb}-{number}"), "workspace": "data-course", "verb": verb,
            "started": "", "progress": null, "lines": [], "question": null,
            "ended": { "exit": exit, "document": document, "finding": null } });
        scene.state["operations"] = json!([operation]);
        scene.route = route.into();
        standin.show(scene.clone());
        look.go(&scene);
        look.until(
            10,
            &format!(
                "document.querySelector('.operation h2, .operation h3')?.textContent === {:?}",
                text(words)
            ),
        );
        let told = look.value("document.querySelector('.operation').textContent");
        assert!(told.as_str().unwrap().contains(waits), "{words}: {told}");
    }
    let fold = look.value("document.querySelector('[data-key^=\"home.notebooks\"]').textContent");
    assert!(fold.as_str().unwrap().contains(waits), "{fold}");
    look.well("open notebooks");
}

/// Shows that the course is opened from where it is said to be ready, and that its part of the page opens by itself when it
/// starts, but not again what a person has folded away.
#[test]
fn what_is_ready_can_be_opened() {
    let Some((_room, mut look)) = start() else { return };
    let (standin, mut scene) = enter(&mut look, "up-to-date");
    let fold = "document.querySelector('details[data-key^=\"home.running\"]').open";
    assert_eq!(look.value(fold), false);
    let open = super::standin::scene("open");
    let mut operation = super::standin::scene("done").state["operations"][0].clone();
    operation["verb"] = "up".into();
    operation["ended"]["document"] = json!({ "notes": [] });
    scene.state["workspaces"] = open.state["workspaces"].clone();
    scene.state["operations"] = json!([operation]);
    standin.show(scene.clone());
    look.until(10, &format!("{fold} === true"));
    let ready = "document.querySelector('.operation .first').textContent";
    assert_eq!(look.value(ready), "Open Jupyter notebooks");
    look.value("document.querySelector('details[data-key^=\"home.running\"]').open = false");
    scene.state["workspaces"][0]["files"] = 129.into();
    standin.show(scene);
    look.until(10, "document.querySelector('main').textContent.includes('129 files')");
    assert_eq!(look.value(fold), false);
    look.well("ready");
}

/// Shows that the first run asks four questions, and starts the course when the folders are joined.
#[test]
fn the_first_run_asks_four_questions_and_starts() {
    let Some((_room, mut look)) = start() else { return };
    let mut first = scene("setup");
    let standin = StandIn::start(first.clone());
    look.enter(&standin, &first);
    look.press(&text("setup.next"));
    assert_eq!(
        look.value("document.querySelector('[role=alert].wrong').textContent"),
        text("setup.wrong.course")
    );
    look.press(&text("setup.course.file"));
    look.value("document.getElementById('course').focus()");
    look.browser.type_text("/home/sam/Downloads/data-course");
    look.press(&text("setup.next"));
    look.press("OneDrive");
    look.press(&text("setup.next"));
    assert_eq!(look.value("document.getElementById('work').value"), "/home/sam/kitbag/kitbag");
    look.press(&text("setup.next"));
    look.press(&text("setup.go"));
    let options = json!({ "share": "/home/sam/OneDrive/kitbag", "work": "/home/sam/kitbag/kitbag",
        "course": "/home/sam/Downloads/data-course", "machine": "HOME-PC" });
    assert_eq!(
        standin.wait_for("/api/operations").body,
        json!({ "workspace": null, "verb": "setup", "options": options })
    );

    // it is set up: whether the workspace or the end of the command is told first
    first.state["workspaces"] = scene("up-to-date").state["workspaces"].clone();
    let ended = json!({ "id": "1", "workspace": null, "verb": "setup", "started": "", "progress": null, "lines": [], "question": null,
        "ended": { "exit": 0, "document": { "workspace": "data-course" }, "finding": null } });
    standin.tell("state", &first.state);
    standin.tell("operation", &ended);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while standin.asked().len() < 2 {
        assert!(
            std::time::Instant::now() < deadline,
            "nothing was started: {}",
            look.value("document.body.innerText")
        );
    }
    assert_eq!(standin.asked()[1].body, order("up", json!({})));
    look.until(10, "location.hash === '#/home' && document.querySelector('.state') !== null");
    assert_eq!(standin.asked().len(), 2, "once");
    look.well("the first run");
}
