//! The real thing: a Jupyter server from the package index that pip is set up for, a notebook run in it by its API, and
//! its access token looked for wherever it must not be. With KITBAG_FULL the course is the reference course with all its
//! packages, and its eight notebooks run from beginning to end.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::{Ends, course, environments, get, machine, nothing_elsewhere, python_is_here};
use crate::course::service;
use crate::jupyter::Jupyter;
use crate::machine::{Ran, copy, room, tree, write};

/// What the notebook does: it leaves a file and says which Python it is.
const CODE: &str = "import os, sys\nopen('made.txt', 'w').write('by a kernel')\n\
                    print(6 * 7, sys.prefix, os.environ['JUPYTER_CONFIG_DIR'])";

/// A small course with a Jupyter server, and which of its services that is.
fn small(room: &Path) -> (PathBuf, &'static str) {
    // root, who runs the tests in CI, has to say so
    let args = "\"server\", \"--no-browser\", \"--allow-root\", \"--ip=127.0.0.1\", \"--port={port}\", \
                \"--ServerApp.port_retries=0\", \"--ServerApp.root_dir={work}\"";
    let packages = "jupyter-server==2.21.1\nipykernel==7.4.0\n";
    (course(room, "1", "jupyter", args, packages), "page")
}

/// The reference course; only that root may run it, too.
fn reference(room: &Path) -> (PathBuf, &'static str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data-course");
    let to = room.join("data-course");
    copy(&from, &to);
    let manifest = fs::read_to_string(to.join("course.toml")).unwrap();
    let with =
        manifest.replacen("    \"--no-browser\",\n", "    \"--no-browser\",\n    \"--allow-root\",\n", 1);
    assert_ne!(manifest, with);
    write(&to.join("course.toml"), with);
    (to, "notebooks")
}

/// By the computer's own programs, also where there is a Docker.
fn up(a: &Ends) -> Ran {
    a.0.run(&["--yes", "up", "--no-open", "--backend", "local"])
}

/// Where a service is.
fn address(a: &Ends, name: &str) -> String {
    let url = service(&a.0, name)["url"].as_str().unwrap().to_owned();
    url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned()
}

/// The eight notebooks of the reference course, as shipped and where they lie: five need no database and run through;
/// three ask one, and say what would run it.
fn eight_notebooks(a: &Ends) {
    let mut names: Vec<String> =
        a.0.files().0.into_keys().filter(|path| path.starts_with("notebooks/")).collect();
    names.retain(|path| path.ends_with(".ipynb"));
    assert_eq!(names.len(), 8, "{names:?}");
    for name in names {
        let began = Instant::now();
        let run = ["exec", "--", "jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace", &name];
        let ran = a.0.command(&run).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        eprintln!("{name}: {:.1?}", began.elapsed());
        let asks = ["05", "06", "08"].iter().any(|number| name.contains(&format!("/{number} ")));
        assert_eq!(ran.status.success(), !asks, "{name}: {said}");
        if asks {
            for words in ["The course's database does not run here", "needs Docker", "kitbag up"] {
                assert!(said.contains(words), "{name}: {words:?} is missing: {said}");
            }
        } else {
            let book: serde_json::Value = serde_json::from_str(&a.0.text(&name)).unwrap();
            let cells = book["cells"].as_array().unwrap().iter().filter(|cell| cell["cell_type"] == "code");
            for cell in cells {
                assert!(cell["execution_count"].is_u64(), "{name}: a cell did not run: {cell}");
            }
            assert!(a.0.text(&name).contains("\"output_type\""), "{name} has no output");
        }
    }
    assert!(a.0.text("notebooks/01 Getting started.ipynb").contains("database     not here"));
}

/// Shows the real thing: a Jupyter server installed from the package index answers with the token and to nobody
/// without, runs a notebook whose outputs are kept, ends with `done`, and starts again at once without a network. The
/// token stands in no list of processes, no log, nothing shared and nothing noted. First tier with a small course, second
/// with the reference course and its notebooks.
#[test]
fn a_real_notebook_runs_in_the_courses_own_python() {
    if !python_is_here() {
        return;
    }
    let room = room();
    let full = std::env::var_os("KITBAG_FULL").is_some();
    let (folder, name) = if full { reference(room.path()) } else { small(room.path()) };
    let a = &mut machine(room.path(), &folder);
    let began = Instant::now();
    let first = up(a);
    let offline_here = first.status == 1 && first.stderr.contains("cannot be fetched");
    if offline_here && std::env::var_os("CI").is_none() {
        eprintln!("no package index is reached from here; nothing tried");
        return;
    }
    let said = first.exits(&[0]).stdout;
    eprintln!("made and started in {:.1?}", began.elapsed());
    if full {
        for left_out in ["OpenRefine is left out", "PostgreSQL is left out", "It runs with docker."] {
            assert!(said.contains(left_out), "{left_out:?} is missing: {said}");
        }
    }
    let at = address(a, name);
    let url = a.0.run(&["open", "--print"]).exits(&[0]).stdout.trim_end().to_owned();
    let token = url.split("?token=").nth(1).unwrap().to_owned();
    assert_eq!(get(&at, "/api/contents", Some(&token)).0, 200);
    assert_eq!(get(&at, "/api/contents", None).0, 403);
    assert_eq!(get(&at, "/api/contents", Some(&"0".repeat(token.len()))).0, 403);

    let jupyter = Jupyter::opened(&url);
    jupyter.save_cells("run.ipynb", &[CODE]);
    let said = jupyter.run("run.ipynb");
    let own = environments(&a.0);
    assert!(said.starts_with(&format!("42 {} ", own[0].display())), "{said}");
    assert!(said.contains("environment/jupyter/config"), "{said}");
    assert!(a.0.text("run.ipynb").contains("42 "), "the output is in the notebook");
    assert_eq!(a.0.text("made.txt"), "by a kernel");

    if full {
        eight_notebooks(a);
    }

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
    up(a).exits(&[0]);
    eprintln!("started again in {:.1?}", began.elapsed());
    assert_eq!(environments(&a.0), own);
    assert_eq!(get(&address(a, name), "/api/contents", Some(&token)).0, 200, "the token is the same");
    a.0.run(&["done"]).exits(&[0]);
}
