//! Conversations over a connection in memory, with a loop that only does what a test says.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch::Sender;
use tokio::task::JoinHandle;

use super::super::desk::{About, Activity, Wish};
use super::*;

/// A fake loop: what it was asked for, and what it shows.
struct Bench {
    desk: Desk,
    wishes: UnboundedReceiver<Wish>,
    shown: Sender<Picture>,
}

fn activity(name: &str, doing: Doing) -> Activity {
    Activity {
        name: name.to_owned(),
        doing,
        since: "2026-11-23T14:00:00Z".to_owned(),
        next_ms: None,
        failures: 0,
        last_error: None,
        watching: true,
    }
}

impl Bench {
    fn new() -> Self {
        let about = About { version: "1".into(), process: 7, since: "2026".into(), stay: true };
        let (desk, wishes, shown) = Desk::new(about);
        Bench { desk, wishes, shown }
    }

    fn peer(&self) -> Peer {
        let (near, far) = duplex(1 << 20);
        let times = Times { tell: Duration::from_millis(30), ..USUAL };
        let ended = tokio::spawn(converse(far, self.desk.clone(), times));
        Peer { lines: Lines::new(near), ended }
    }

    async fn wish(&mut self) -> Wish {
        self.wishes.recv().await.unwrap()
    }
}

struct Peer {
    lines: Lines<DuplexStream>,
    ended: JoinHandle<io::Result<()>>,
}

impl Peer {
    async fn say(&mut self, what: Value) {
        self.lines.say(&what.to_string()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let line = timeout(Duration::from_secs(20), self.lines.next()).await.unwrap().unwrap();
        serde_json::from_str(&line.expect("it was closed")).unwrap()
    }

    async fn ask(&mut self, what: Value) -> Value {
        self.say(what).await;
        self.hear().await
    }
}

#[tokio::test]
async fn each_question_has_its_answer() {
    let mut bench = Bench::new();
    let mut peer = bench.peer();
    let about = json!({ "version": "1", "process": 7, "since": "2026", "stay": true });
    assert_eq!(peer.ask(json!({ "ask": "hello", "more": [1] })).await, json!({ "agent": about }));
    assert_eq!(peer.ask(json!({ "ask": "state" })).await, json!({ "workspaces": [] }));
    bench.shown.send_replace(Picture::new(vec![activity("a", Doing::Looking)]));
    let state = peer.ask(json!({ "ask": "state" })).await;
    let fields = ["name", "doing", "since", "next_ms", "failures", "last_error", "watching"];
    for field in fields {
        assert!(state["workspaces"][0].get(field).is_some(), "{field} in {state}");
    }
    assert_eq!(state["workspaces"][0]["doing"], "looking");
    for ask in [json!({ "ask": "nonsense" }), json!({ "ask": "lend" }), json!({ "ask": "" })] {
        let answer = peer.ask(ask).await;
        assert!(["what", "why", "remedy"].iter().all(|part| answer["error"][part].is_string()), "{answer}");
    }
    assert_eq!(peer.ask(json!({ "ask": "wake", "workspace": "a" })).await, json!({ "waking": true }));
    assert!(matches!(bench.wish().await, Wish::Wake(Some(name)) if name == "a"));
    assert_eq!(peer.ask(json!({ "ask": "stop" })).await, json!({ "stopping": true }));
    assert!(matches!(bench.wish().await, Wish::Stop));
    drop(peer.lines);
    peer.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_follows_is_told_each_change_and_can_still_ask() {
    let bench = Bench::new();
    let mut peer = bench.peer();
    assert_eq!(peer.ask(json!({ "ask": "follow" })).await, json!({ "workspaces": [] }));
    for doing in [Doing::Looking, Doing::Saving, Doing::Nothing] {
        bench.shown.send_replace(Picture::new(vec![activity("a", doing)]));
        assert_eq!(peer.hear().await["workspaces"][0]["doing"], json!(doing));
    }
    assert!(peer.ask(json!({ "ask": "hello" })).await["agent"].is_object());
    drop(bench.shown);
    assert_eq!(peer.lines.next().await.unwrap(), None, "with the agent it ends");
}

#[tokio::test]
async fn a_loan_lasts_as_long_as_its_connection() {
    let mut bench = Bench::new();
    bench.shown.send_replace(Picture::new(vec![activity("a", Doing::Looking)]));
    let mut peer = bench.peer();
    peer.say(json!({ "ask": "lend", "workspace": "a" })).await;
    let Wish::Lend { workspace, answer } = bench.wish().await else { panic!() };
    assert_eq!(workspace, "a");
    assert_eq!(peer.hear().await, json!({ "waiting": "looking" }));
    bench.shown.send_replace(Picture::new(vec![activity("a", Doing::Saving)]));
    assert_eq!(peer.hear().await, json!({ "waiting": "saving" }));
    answer.send(bench.desk.loan(workspace)).unwrap();
    let mut answer = peer.hear().await;
    while answer == json!({ "waiting": "saving" }) {
        answer = peer.hear().await;
    }
    assert_eq!(answer, json!({ "lent": true }));
    // once is enough
    assert_eq!(peer.ask(json!({ "ask": "lend", "workspace": "a" })).await, json!({ "lent": true }));
    assert!(bench.wishes.try_recv().is_err(), "nothing was given back, nothing asked for");
    drop(peer.lines);
    assert!(matches!(bench.wish().await, Wish::Return(name) if name == "a"));
}

#[tokio::test]
async fn who_goes_away_before_it_is_lent_has_borrowed_nothing() {
    let mut bench = Bench::new();
    let mut peer = bench.peer();
    peer.say(json!({ "ask": "lend", "workspace": "a" })).await;
    let Wish::Lend { workspace, answer } = bench.wish().await else { panic!() };
    drop(peer.lines);
    peer.ended.await.unwrap().unwrap();
    // the loop does not know yet: what it lends comes back at once
    assert!(answer.send(bench.desk.loan(workspace)).is_err());
    assert!(matches!(bench.wish().await, Wish::Return(_)));
}

#[tokio::test]
async fn an_agent_that_ends_lends_nothing() {
    let mut bench = Bench::new();
    let mut peer = bench.peer();
    peer.say(json!({ "ask": "lend", "workspace": "a" })).await;
    drop(bench.wish().await);
    assert_eq!(peer.lines.next().await.unwrap(), None);
}

#[tokio::test]
async fn nonsense_is_dropped() {
    let bench = Bench::new();
    let endless = vec![b'x'; 200_000];
    let deep = [&b"[".repeat(50_000)[..], b"\n"].concat();
    let late = b"{\"ask\":\"hello\"}\ngarbage\n";
    for bytes in
        [&b"garbage\n"[..], b"\n", b"[]\n", b"{}\n", b"{\"ask\":7}\n", b"\xff\n", &endless, &deep, late]
    {
        let (mut near, far) = duplex(1 << 20);
        let ended = tokio::spawn(converse(far, bench.desk.clone(), USUAL));
        near.write_all(bytes).await.unwrap();
        assert!(timeout(Duration::from_secs(20), ended).await.unwrap().unwrap().is_err());
        let mut rest = Vec::new();
        near.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty() || bytes == late, "{:?}", String::from_utf8_lossy(&rest));
    }
    // half a line, and then gone
    let (mut near, far) = duplex(64);
    let ended = tokio::spawn(converse(far, bench.desk.clone(), USUAL));
    near.write_all(b"{\"ask\":\"stop\"}").await.unwrap();
    drop(near);
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_says_nothing_or_takes_nothing_is_dropped() {
    let bench = Bench::new();
    let (short, long) = (Duration::from_millis(20), Duration::from_secs(60));
    let (_silent, far) = duplex(64);
    let times = Times { silence: short, ..USUAL };
    let refused = converse(far, bench.desk.clone(), times).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::TimedOut);

    let (mut slow, far) = duplex(64);
    let times = Times { take: short, silence: long, ..USUAL };
    let ended = tokio::spawn(converse(far, bench.desk.clone(), times));
    slow.write_all(b"{\"ask\":\"follow\"}\n").await.unwrap();
    for n in 0..20 {
        bench.shown.send_replace(Picture::new(vec![activity(&format!("w{n}"), Doing::Looking)]));
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ended.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
}
