//! The real thing: a Jupyter server from the package index that pip is set up for, a notebook run in it by its API, and
//! its access token looked for wherever it must not be.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::{course, environments, get, machine, nothing_elsewhere, page, python_is_here, up};
use crate::machine::{room, tree};

/// Runs a notebook as JupyterLab does: saved by the contents API, its cell run by a kernel over a WebSocket, saved
/// again with its output. Uses what the server's own packages bring.
const NOTEBOOK: &str = r#"
import json, sys, urllib.request, uuid, websocket
url = sys.stdin.readline().strip()
base, token = url.split("/api/contents?token=")
def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    ask = urllib.request.Request(base + path, data, {"Authorization": "token " + token}, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(ask, timeout=60) as answer:
        return json.loads(answer.read() or "null")
code = "import os, sys\nopen('made.txt', 'w').write('by a kernel')\nprint(6 * 7, sys.prefix, os.environ['JUPYTER_CONFIG_DIR'])"
cell = {"cell_type": "code", "id": "one", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
ask("PUT", "/api/contents/run.ipynb", {"type": "notebook", "content": book})
session = ask("POST", "/api/sessions", {"path": "run.ipynb", "name": "run.ipynb", "type": "notebook", "kernel": {"name": "python3"}})
kernel = session["kernel"]["id"]
wire = websocket.create_connection(base.replace("http", "ws", 1) + "/api/kernels/" + kernel + "/channels",
    header=["Authorization: token " + token], timeout=60)
asked = uuid.uuid4().hex
wire.send(json.dumps({"channel": "shell", "header": {"msg_id": asked, "msg_type": "execute_request", "username": "", "session": asked, "version": "5.3"},
    "parent_header": {}, "metadata": {}, "content": {"code": code, "silent": False, "store_history": True, "allow_stdin": False}}))
said = ""
while True:
    message = json.loads(wire.recv())
    if message["parent_header"].get("msg_id") != asked:
        continue
    kind, content = message["header"]["msg_type"], message["content"]
    if kind == "stream":
        said += content["text"]
    if kind == "error":
        sys.exit("\n".join(content["traceback"]))
    if kind == "status" and content["execution_state"] == "idle":
        break
wire.close()
cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": said}]
cell["execution_count"] = 1
ask("PUT", "/api/contents/run.ipynb", {"type": "notebook", "content": book})
ask("DELETE", "/api/sessions/" + session["id"])
print(said)
"#;

/// Shows the real thing: a Jupyter server installed from the package index answers with the token and to nobody
/// without, runs a notebook whose outputs are kept, ends with `done`, and starts again at once without a network. The
/// token stands in no list of processes, no log, nothing shared and nothing noted. First tier.
#[test]
fn a_real_notebook_runs_in_the_courses_own_python() {
    if !python_is_here() {
        return;
    }
    let room = room();
    // root, who runs the tests in CI, has to say so
    let args = "\"server\", \"--no-browser\", \"--allow-root\", \"--ip=127.0.0.1\", \"--port={port}\", \
                \"--ServerApp.port_retries=0\", \"--ServerApp.root_dir={work}\"";
    let packages = "jupyter-server==2.21.1\nipykernel==7.4.0\n";
    let mut a = machine(room.path(), &course(room.path(), "1", "jupyter", args, packages));
    let began = Instant::now();
    let first = up(&a.0);
    let offline_here = first.status == 1 && first.stderr.contains("cannot be fetched");
    if offline_here && std::env::var_os("CI").is_none() {
        eprintln!("no package index is reached from here; nothing tried");
        return;
    }
    first.exits(&[0]);
    eprintln!("made and started in {:.1?}", began.elapsed());
    let at = page(&a.0);
    let url = a.0.run(&["open", "--print"]).exits(&[0]).stdout.trim_end().to_owned();
    let token = url.split("?token=").nth(1).unwrap().to_owned();
    assert_eq!(get(&at, "/api/contents", Some(&token)).0, 200);
    assert_eq!(get(&at, "/api/contents", None).0, 403);
    assert_eq!(get(&at, "/api/contents", Some(&"0".repeat(token.len()))).0, 403);

    let mut exec = a.0.command(&["exec", "--", "python", "-c", NOTEBOOK]);
    let mut ran = exec.stdin(std::process::Stdio::piped()).spawn().unwrap();
    ran.stdin.take().unwrap().write_all(format!("{url}\n").as_bytes()).unwrap();
    let ran = ran.wait_with_output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    let own = environments(&a.0);
    assert!(
        said.starts_with(&format!("42 {} ", own[0].display())),
        "{said} {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(said.contains("environment/jupyter/config"), "{said}");
    assert!(a.0.text("run.ipynb").contains("42 "), "the output is in the notebook");
    assert_eq!(a.0.text("made.txt"), "by a kernel");

    let ps = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    assert!(
        !String::from_utf8_lossy(&ps.stdout).contains(&token),
        "the token stands in the list of processes"
    );
    a.0.run(&["done"]).exits(&[0]);
    assert!(TcpStream::connect(&at).is_err(), "`done` ends it");
    nothing_elsewhere(&a.0);
    let holds = |folder: &Path| -> Vec<String> {
        let holds = |bytes: &[u8]| bytes.windows(token.len()).any(|window| window == token.as_bytes());
        tree(folder).0.into_iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path).collect()
    };
    assert_eq!(holds(&a.0.share), [] as [&str; 0]);
    assert_eq!(holds(&a.0.work), [] as [&str; 0]);
    // the file that only the person can read, where there is no keychain, and nothing else
    let left = holds(&a.0.home);
    assert!(left.iter().all(|path| path.ends_with("environment/token")), "{left:?}");

    // without a network
    for (name, value) in
        [("PIP_NO_INDEX", "1"), ("HTTPS_PROXY", "http://127.0.0.1:9"), ("HTTP_PROXY", "http://127.0.0.1:9")]
    {
        a.0.variables.insert(name.into(), value.into());
    }
    let began = Instant::now();
    up(&a.0).exits(&[0]);
    eprintln!("started again in {:.1?}", began.elapsed());
    assert_eq!(environments(&a.0), own);
    assert_eq!(get(&page(&a.0), "/api/contents", Some(&token)).0, 200, "the token is the same");
    a.0.run(&["done"]).exits(&[0]);
}
