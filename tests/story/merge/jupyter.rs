//! What a merge writes is a notebook to Jupyter too: by the official schema, run from the command line, and opened and run
//! in a real JupyterLab, with questions open in it. JupyterLab is fetched once from the package index pip is set up for;
//! where none is reached that is said, and in CI it is a failure.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "../../page/browser/lab.rs"]
pub mod lab;

use super::{Three, notebook, sources};
use crate::http::get;
use crate::jupyter::Jupyter;

/// All expected results of the merges that core is tested with hold by the schema of nbformat, and so does each notebook
/// they come from, so nothing was good by chance. One is of a notebook that is itself not as the schema wants it.
#[test]
fn the_official_schema_holds() {
    let Some(programs) = lab::jupyter() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/notebooks");
    let script = r#"
import glob, json, sys, warnings, nbformat
warnings.simplefilter("ignore")
odd, held = [], 0
for file in sorted(glob.glob(sys.argv[1] + "/*/merged.ipynb")):
    notebook = json.load(open(file, encoding="utf-8-sig"))
    try:
        nbformat.validate(notebook)
        ids = [cell["id"] for cell in notebook["cells"] if "id" in cell]
        assert len(ids) == len(set(ids)), "an id stands twice"
        held += 1
    except (nbformat.ValidationError, AssertionError) as error:
        odd.append([file.split("/")[-2], str(error)])
print(json.dumps([held, odd]))
"#;
    let ran = Command::new(programs.join("python")).args(["-c", script]).arg(&folder).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let odd: Vec<_> = told[1].as_array().unwrap().iter().map(|odd| odd[0].as_str().unwrap()).collect();
    assert_eq!(odd, ["texts_kept_as_they_are"], "{told}");
    assert!(told[0].as_u64().unwrap() >= 59, "{told}");
}

/// Both sides changed the first cell, one of them the second, and one put in a third.
fn merged() -> Three {
    let left = notebook(&[("aaaa", "x = 10\n", ""), ("bbbb", "print('twice', x * 2)\n", "")]);
    let right = notebook(&[
        ("aaaa", "x = oh no, this is no Python\n", ""),
        ("bbbb", "print(x)\n", "1"),
        ("cccc", "print('and', x + 1)\n", ""),
    ]);
    let three = Three::new(&left, &right);
    three.write("base", notebook(&[("aaaa", "x = 1\n", ""), ("bbbb", "print(x)\n", "1")]));
    three.merge("merged.ipynb", &[]).exits(&[1]);
    let kinds: Vec<_> = sources(&three.read("merged.ipynb")).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["code", "raw", "code", "code"]);
    three
}

/// Run all cells: the other version is not run, and stays a question in what comes out.
#[test]
fn a_merged_notebook_runs_with_questions_open() {
    let Some(programs) = lab::jupyter() else { return };
    let three = merged();
    let mut convert = Command::new(programs.join("jupyter"));
    convert.args(["nbconvert", "--to", "notebook", "--execute", "--output", "ran.ipynb"]);
    surroundings(&mut convert, &three, &programs).arg(three.at("merged.ipynb"));
    let ran = convert.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    holds(&serde_json::from_slice(&three.read("ran.ipynb")).unwrap());
}

/// What each code cell printed, and the question.
#[track_caller]
fn holds(ran: &Value) {
    let cells = ran["cells"].as_array().unwrap();
    let printed = |at: usize| match &cells[at]["outputs"][0]["text"] {
        Value::Array(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect(),
        text => text.as_str().unwrap_or_default().to_owned(),
    };
    assert_eq!((cells.len(), printed(2), printed(3)), (4, "twice 20\n".into(), "and 11\n".into()), "{ran}");
    assert_eq!(cells[1]["cell_type"], "raw");
    assert_eq!(cells[1]["metadata"]["kitbag"]["conflict"]["machine"], "right");
}

/// Ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A person's own surroundings, and nothing of this computer's Jupyter.
fn surroundings<'c>(command: &'c mut Command, three: &Three, programs: &Path) -> &'c mut Command {
    let mut path = vec![programs.to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    command.env_clear().env("PATH", std::env::join_paths(path).unwrap()).env("HOME", three.room.path());
    command.current_dir(three.room.path()).stdin(Stdio::null())
}

/// A real JupyterLab opens it without a word, runs it and saves it; a merge after that still knows the question, and an
/// answer in Jupyter settles it.
#[test]
fn jupyterlab_opens_and_runs_it() {
    let Some(programs) = lab::jupyter() else { return };
    let three = merged();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = Command::new(programs.join("jupyter-lab"));
    server.args(["--no-browser", "--allow-root", "--ip=127.0.0.1", "--ServerApp.port_retries=0"]);
    server.args([&format!("--port={port}"), "--IdentityProvider.token=secret"]);
    let log = fs::File::create(three.at("log")).unwrap();
    surroundings(&mut server, &three, &programs).stdout(log.try_clone().unwrap()).stderr(log);
    let _server = Server(server.spawn().unwrap());
    let jupyter = Jupyter { base: format!("http://127.0.0.1:{port}"), token: "secret".into() };
    let begun = Instant::now();
    while get(&format!("{}/api/status", jupyter.base), Some("secret")) != Some(200) {
        let log = || String::from_utf8_lossy(&three.read("log")).into_owned();
        assert!(begun.elapsed() < Duration::from_secs(120), "no server: {}", log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let opened = jupyter.ask("GET", "/api/contents/merged.ipynb", &Value::Null);
    assert_eq!(opened["type"], "notebook");
    assert_eq!(opened["message"], Value::Null, "Jupyter has something to say of it");
    let said = jupyter.run("merged.ipynb");
    assert_eq!(said, "twice 20\nand 11\n");
    holds(&serde_json::from_slice(&three.read("merged.ipynb")).unwrap());
    // saved by Jupyter the question is still one
    let saved = three.read("merged.ipynb");
    for name in ["base", "left", "right"] {
        three.write(name, &saved);
    }
    three.merge("again", &[]).exits(&[1]);
    // the other version is taken out in Jupyter
    let mut content = jupyter.notebook("merged.ipynb");
    content["cells"].as_array_mut().unwrap().remove(1);
    let body = json!({ "type": "notebook", "format": "json", "content": content });
    jupyter.ask("PUT", "/api/contents/merged.ipynb", &body);
    three.write("left", three.read("merged.ipynb"));
    three.merge("again", &[]).exits(&[0]);
    assert_eq!(sources(&three.read("again")).len(), 3);
}
