//! What is said goes into memory, what is answered comes through a pipe.

use std::io::{PipeWriter, pipe};
use std::thread::JoinHandle;

use kitbag_core::finding::Exit;
use kitbag_engine::sync::Progress;
use serde_json::json;

use super::*;
use crate::printer::Printer;
use crate::question::Kind;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn printer() -> (Kept, Arc<Printer>, Arc<Stop>) {
    let (kept, stop) = (Kept::default(), Arc::<Stop>::default());
    (kept.clone(), Arc::new(Printer::to(Box::new(kept), &stop)), stop)
}

#[test]
fn each_thing_is_a_line_of_its_own_and_nothing_follows_the_end() {
    let (kept, printer, _) = printer();
    let hostile = "a\"\n\u{1b}[2J\u{202e}</script>\u{2028}";
    printer.line(hostile);
    printer.say("talk");
    assert!(!printer.document(&json!({ "name": hostile })), "lines are wanted too");
    printer.finding(&Finding::new("what", "why", "remedy"));
    printer.step("Download X: 4 %");
    printer.end(Exit::Conflicts);
    printer.line("late");
    assert_eq!(
        kept.lines(),
        [
            json!({ "line": hostile }),
            json!({ "say": "talk" }),
            json!({ "document": { "name": hostile } }),
            json!({ "finding": { "what": "what", "why": "why", "remedy": "remedy" } }),
            json!({ "step": "Download X: 4 %" }),
            json!({ "exit": 3 }),
        ]
    );
    assert!(!kept.text().contains(['\u{1b}', '\u{202e}']), "{:?}", kept.text());
}

#[test]
fn progress_is_told_now_and_then_and_its_end_always() {
    let (kept, printer, _) = printer();
    for done in 0..=10_000 {
        printer.at("files", done, 10_000);
    }
    let files = kept.lines();
    // a slow computer says more of them
    assert!(files.len() < 1_000, "{}", files.len());
    assert_eq!(files[0], json!({ "progress": { "what": "files", "done": 0, "total": 10_000 } }));
    assert_eq!(files.last().unwrap()["progress"]["done"], 10_000);

    printer.step("Download X: 1 %");
    printer.step("Download X: 2 %");
    printer.step("Unpack X");
    printer.say("done");
    let steps = kept.lines().split_off(files.len());
    let steps: Vec<_> = steps.iter().filter_map(|line| line["step"].as_str()).collect();
    assert_eq!(steps, ["Download X: 1 %", "Download X: 2 %", "Unpack X"], "what was held back comes first");
}

/// Whoever answers.
struct Peer {
    kept: Kept,
    to: Option<PipeWriter>,
    hears: JoinHandle<()>,
}

impl Peer {
    fn new(kept: Kept, printer: &Arc<Printer>) -> Self {
        let (from, to) = pipe().unwrap();
        let printer = Arc::clone(printer);
        let listen = move || printer.talk().unwrap().listen(std::io::BufReader::new(from));
        Peer { kept, to: Some(to), hears: std::thread::spawn(listen) }
    }

    fn say(&mut self, text: &str) {
        self.to.as_mut().unwrap().write_all(format!("{text}\n").as_bytes()).unwrap();
    }

    /// Wait until so many questions were asked.
    fn asked(&self, count: usize) {
        while self.kept.text().matches("{\"question\":").count() < count {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn ends(mut self) {
        self.to = None;
        self.hears.join().unwrap();
    }
}

fn question(kind: Kind) -> Question {
    Question { kind, told: vec!["first".into()], text: "Well?".into(), detail: json!({ "about": "test" }) }
}

#[test]
fn a_question_takes_its_own_answer_and_no_other() {
    let (kept, printer, _) = printer();
    let mut peer = Peer::new(kept.clone(), &printer);
    let talk = printer.talk().unwrap();
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| talk.agrees(&question(Kind::Consent)));
        peer.asked(1);
        let deep = "[".repeat(9_000);
        for noise in ["", "garbage", "{\"answer\":7}", "[]", "{}", &deep, r#"{"answer":{"id":2,"yes":true}}"#]
        {
            peer.say(noise);
        }
        std::thread::sleep(Duration::from_millis(30));
        assert!(!asks.is_finished(), "nothing of that answers it");
        peer.say(r#"{"answer":{"id":1,"yes":true,"more":1},"later":null}"#);
        assert!(asks.join().unwrap());

        let asks = scope.spawn(|| talk.agrees(&question(Kind::GoOn)));
        peer.asked(2);
        peer.say(r#"{"answer":{"id":2,"line":"yes"}}"#);
        assert!(!asks.join().unwrap(), "a line is no yes");

        let asks = scope.spawn(|| talk.line_for(&question(Kind::Line)));
        peer.asked(3);
        peer.say(r#"{"answer":{"id":3,"line":"  /a b  "}}"#);
        assert_eq!(asks.join().unwrap().as_deref(), Some("/a b"));

        let asks = scope.spawn(|| talk.agrees(&question(Kind::GoOn)));
        peer.asked(4);
        // the end in the middle of an answer is no answer
        peer.to.as_mut().unwrap().write_all(br#"{"answer":{"id":4,"yes":true}}"#).unwrap();
        peer.ends();
        assert!(!asks.join().unwrap(), "nobody is there any more");
    });
    assert!(!talk.agrees(&question(Kind::Consent)) && talk.line_for(&question(Kind::Line)).is_none());
    assert_eq!(
        kept.lines()[0],
        json!({ "question": { "id": 1, "kind": "consent", "told": ["first"], "text": "Well?",
                              "detail": { "about": "test" } } })
    );
}

#[test]
fn a_line_without_end_is_the_end() {
    let (kept, printer, stop) = printer();
    let mut peer = Peer::new(kept, &printer);
    let endless = vec![b'x'; usize::try_from(LONGEST).unwrap() + 1];
    // nobody reads the rest of it
    peer.to.as_mut().unwrap().write_all(&endless).ok();
    assert!(!printer.talk().unwrap().agrees(&question(Kind::Consent)));
    // whoever listened has gone
    peer.to.take();
    peer.hears.join().unwrap();
    assert!(!stop.asked());
}

#[test]
fn a_request_to_end_is_heard() {
    let (kept, printer, stop) = printer();
    let mut peer = Peer::new(kept, &printer);
    peer.say(r#"{"cancel":false}"#);
    peer.say(r#"{"cancel":true}"#);
    peer.ends();
    assert!(stop.asked() && stop.at_once());
}

#[test]
fn a_mistake_of_our_own_is_told_and_ended_as_one() {
    let (kept, printer, _) = printer();
    let exit = crate::caught(&printer, || panic!("by this test"));
    printer.end(exit);
    let said = kept.lines();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0]["finding"]["what"].as_str().unwrap().contains("a mistake of its own"));
    assert_eq!(said[1], json!({ "exit": 70 }));
}
