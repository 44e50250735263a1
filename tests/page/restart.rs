//! The page over the agent's life: killed and started again, two at once, its port taken by somebody else.

use std::net::TcpListener;

use serde_json::json;

use crate::machine::room;
use crate::open::{Ends, Page, agents, kill, programs, single, until};
use crate::raw::Request;

/// Shows "kill -9 of the agent and restart: page as before": the same port, and the page that is open goes on with its key.
/// First tier.
#[test]
fn a_killed_agent_comes_back_where_it_was() {
    let page = Page::new("HOME-PC");
    let before = page.state();
    for _ in 0..3 {
        let agents = page.agents();
        assert_eq!(agents.len(), 1);
        kill(agents[0]);
        let (port, _) = page.address();
        assert_eq!(port, page.port, "the same port");
        let state = page.state();
        assert_eq!(state["workspaces"][0]["workspace"], before["workspaces"][0]["workspace"]);
        assert_ne!(state["agent"]["since"], before["agent"]["since"], "another agent");
    }
}

/// Shows "kill -9 of the agent at any moment": what was begun on the page is a command of its own and is brought to its end
/// when the agent dies in the middle of it, and the page goes on at the same place with the same key. First tier.
#[test]
fn what_was_begun_on_the_page_outlives_the_agent() {
    let page = Page::new("HOME-PC");
    let state = page.state();
    let workspace = &state["workspaces"][0];
    assert!(workspace["machines"][0]["session_open"].is_string(), "{workspace}");
    // as long as another kitbag holds the lock, a command waits: a fake of a long one
    let lock = page.machine.home.join("lock");
    let lock = std::fs::File::options().write(true).create(true).truncate(false).open(lock).unwrap();
    lock.lock().unwrap();
    let body = json!({ "workspace": workspace["workspace"], "verb": "done", "options": {} });
    let begun = page.post("/api/operations", &body);
    assert_eq!(begun.status, Some(200), "{begun:?}");
    let child = until("it runs", || commands(&page, "done").pop());
    let agents = page.agents();
    agents.iter().for_each(|agent| kill(*agent));
    assert_eq!(commands(&page, "done"), [child], "the command is not");
    let (port, _) = page.address();
    assert_eq!(port, page.port, "the same port");
    assert_eq!(page.state()["operations"], json!([]), "the new agent did not begin it");
    lock.unlock().unwrap();
    until("it comes to its end", || commands(&page, "done").is_empty().then_some(()));
    until("the course is closed, and the page shows it", || {
        page.state()["workspaces"][0]["machines"][0]["session_open"].is_null().then_some(())
    });
    let begun = page.post("/api/operations", &body);
    assert_eq!(begun.status, Some(200), "another one can be begun: {begun:?}");
}

/// The commands of this word that were begun on the page.
fn commands(page: &Page, verb: &str) -> Vec<u32> {
    programs(&page.machine.home, |words| words.contains(&"--talk") && words.contains(&verb))
}

/// Shows that an open page's key is worth nothing at another port: while the agent was away somebody else may have sat at
/// the old one and been told it. First tier.
#[test]
fn a_taken_port_means_another_one_and_other_keys() {
    let page = Page::new("HOME-PC");
    kill(page.agents()[0]);
    let squatter = until("the port is free", || TcpListener::bind(("127.0.0.1", page.port)).ok());
    let (port, token) = page.address();
    assert_ne!(port, page.port, "nobody is sent to a stranger");
    let asked = Request::get(port, "/api/state").key(&page.key).send(port);
    assert_eq!(asked.status, Some(401), "{asked:?}");
    drop(squatter);
    let body = format!("{{\"token\":\"{token}\"}}");
    assert_eq!(Request::post(port, "/api/session", &body).send(port).status, Some(200));
}

/// Shows "two agents started at once: one remains", and both commands lead to its page. First tier.
#[test]
fn two_at_once_leave_one_page() {
    let room = room();
    let machine = single(room.path(), "HOME-PC");
    let _ends = Ends::of(&machine);
    machine.run(&["--yes", "up", "--no-open"]).exits(&[0]);
    let args = ["page", "--no-open"];
    let both = [machine.begin(&args), machine.begin(&args)];
    let ran = both.map(|child| machine.ended(&args, child.wait_with_output().unwrap()).exits(&[0]).stdout);
    let port = |line: &String| line.split_once("/#").unwrap().0.to_owned();
    assert_eq!(port(&ran[0]), port(&ran[1]));
    assert_ne!(ran[0], ran[1], "each has a token of its own");
    // the other one has to see that first
    until("one remains", || (agents(&machine.home).len() == 1).then_some(()));
    drop(Page::of(machine));
}

/// Shows "first paint": what a browser loads is small, and counts its bytes; nothing of it comes from elsewhere.
/// First tier.
#[test]
fn the_page_is_small_and_all_here() {
    let page = Page::new("HOME-PC");
    let first = Request::get(page.port, "/").send(page.port);
    assert_eq!(first.status, Some(200));
    assert_eq!(first.header("content-type"), Some("text/html; charset=utf-8"));
    let mut bytes = first.body.len();
    let mut files = 1;
    let mut wanted: Vec<String> = links(&first.body);
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = wanted.pop() {
        assert!(path.starts_with('/') && !path.starts_with("//"), "{path}");
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = Request::get(page.port, &path).send(page.port);
        assert_eq!(answer.status, Some(200), "{path}");
        bytes += answer.body.len();
        files += 1;
        wanted.extend(imports(&answer.body));
    }
    println!("the page is {files} files, {bytes} bytes");
    assert!(bytes < 200 * 1024, "{bytes}");
}

fn links(html: &str) -> Vec<String> {
    let of = |name: &str| -> Vec<String> {
        let parts = html.split(name).skip(1);
        parts.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
    };
    let mut all = [of(" href=\""), of(" src=\"")].concat();
    all.retain(|path| !path.starts_with('#'));
    all
}

fn imports(script: &str) -> Vec<String> {
    let parts = script.split(" from \"").skip(1);
    let names = parts.filter_map(|rest| rest.split('"').next());
    names.map(|name| format!("/{}", name.trim_start_matches("./").trim_start_matches('/'))).collect()
}
