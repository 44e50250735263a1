//! A good course package is read whole. Every kind of mistake in it is found, on its line, with a remedy, and
//! nothing else is said (`mistakes`: the good manifest with one change each). Whatever bytes are thrown at the
//! reader, it answers, and what it accepts stays inside the workspace (`hostile`).

#![allow(clippy::unwrap_used)]

mod hostile;
mod mistakes;

use kitbag_core::course::{Checked, MANIFEST, Moment, PackageFiles, Port, ServiceKind, check};
use kitbag_core::path::WorkPath;

const GOOD: &str = include_str!("good.toml");

const FILES: &[(&str, &str)] = &[
    ("course.toml", ""),
    ("content/notebooks/01.ipynb", "{}"),
    ("content/notebooks/.DS_Store", "x"),
    ("content/notebooks/sub/02.ipynb", "{}"),
    ("content/frogs.csv", "id,name\n1,Bo\n"),
    ("db/schema.sql", "CREATE TABLE frogs (id, name);\ncreate table Newts (id, name);"),
    ("db/newts.csv", "id;name\n1;Ann\n"),
    ("hook.wasm", "\0asm"),
    ("binder/requirements.txt", "notebook==7.6.2\n"),
];

fn look(manifest: &str, files: &[(&str, &[u8])]) -> Checked {
    let names = files.iter().map(|(name, _)| *name);
    let bytes = |path: &WorkPath| {
        files.iter().find(|(name, _)| *name == path.as_str()).map(|(_, bytes)| bytes.to_vec())
    };
    check(manifest, &PackageFiles::new(names, bytes))
}

fn good_files() -> Vec<(&'static str, &'static [u8])> {
    FILES.iter().map(|(name, text)| (*name, text.as_bytes())).collect()
}

/// The good manifest with one change, which has to change something.
fn changed(find: &str, replace: &str) -> String {
    assert!(GOOD.contains(find), "{find:?} is not in the good manifest");
    GOOD.replacen(find, replace, 1)
}

/// The line, from 1, on which a text stands.
fn line_of(text: &str, part: &str) -> Option<usize> {
    text.find(part).map(|at| 1 + text[..at].matches('\n').count())
}

#[test]
fn a_good_course_is_read_whole() {
    let checked = look(GOOD, &good_files());
    assert_eq!((checked.problems, checked.warnings), (vec![], vec![]));
    let course = checked.course.unwrap();
    assert_eq!(
        (course.id.as_str(), course.title.as_str(), course.version.as_str()),
        ("pond-life", "Pond life", "2026.10")
    );
    let needs = &course.needs;
    assert_eq!((needs.memory_mb, needs.disk_mb, needs.cores), (Some(2048), Some(500), Some(2)));
    assert_eq!((needs.gpu, needs.virtualisation), (Some(false), Some(false)));
    assert_eq!(needs.architecture.as_deref().unwrap(), ["x86_64", "aarch64"]);
    let outside = |backend| course.outside(backend).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(outside("docker"), ["files.example.org", "registry.example.org:5000"]);
    assert_eq!(outside("local"), ["pypi.org"]);
    let local = course.needs_with("local");
    assert_eq!((local.memory_mb, local.disk_mb), (Some(512), Some(500)));
    assert_eq!(
        course.folders.iter().map(WorkPath::as_str).collect::<Vec<_>>(),
        ["notebooks", "data", "logs"]
    );
    assert_eq!(course.ignore, ["*.log", "logs/"]);
    assert_eq!(course.units, ["openrefine_projects/*"]);
    assert_eq!(course.hook.as_ref().map(WorkPath::as_str), Some("hook.wasm"));

    let files = good_files();
    let files = PackageFiles::new(files.iter().map(|(name, _)| *name), |_| None);
    let seeds: Vec<_> =
        course.seeds(&files).into_iter().map(|seed| (seed.from.to_string(), seed.to.to_string())).collect();
    let expected = [
        ("content/frogs.csv", "data/frogs.csv"),
        ("content/notebooks/01.ipynb", "notebooks/01.ipynb"),
        ("content/notebooks/sub/02.ipynb", "notebooks/sub/02.ipynb"),
    ];
    assert_eq!(seeds, expected.map(|(from, to)| (from.to_owned(), to.to_owned())));

    let pond = course.service("pond").unwrap();
    assert!(pond.backup);
    let ServiceKind::Sqlite(sqlite) = &pond.kind else { panic!("{pond:?}") };
    assert_eq!(sqlite.csv.iter().map(|csv| csv.delimiter).collect::<Vec<_>>(), [b',', b';']);
    let notebooks = course.service("notebooks").unwrap();
    assert_eq!((notebooks.title.as_str(), notebooks.backup), ("notebooks", false));
    let ServiceKind::Program(program) = &notebooks.kind else { panic!("{notebooks:?}") };
    assert_eq!(
        (program.port, program.path.as_str(), program.optional),
        (Port::Preferred(8888), "/lab", true)
    );
    assert_eq!(
        (program.ready.port, program.ready.timeout_seconds, program.stop_grace_seconds),
        (true, 30, 5)
    );
    assert_eq!(program.env.get("JUPYTER_TOKEN").map(String::as_str), Some("{token}"));
    assert_eq!(course.opened("docker").map(|service| service.name.as_str()), Some("notebooks"));
    let refine = course.service("refine").unwrap();
    assert_eq!((refine.backends.as_slice(), refine.under()), (&["docker".to_owned()][..], Some("notebooks")));
    let ServiceKind::Web(web) = &refine.kind else { panic!("{refine:?}") };
    assert_eq!((web.path.as_str(), web.port, web.optional), ("/openrefine/", Port::None, true));
    assert_eq!((web.ready.port, web.ready.timeout_seconds, web.stop_grace_seconds), (false, 120, 10));
    let gallery = course.service("gallery").unwrap();
    let ServiceKind::Web(web) = &gallery.kind else { panic!("{gallery:?}") };
    assert_eq!((web.path.as_str(), web.port, gallery.backup), ("/gallery", Port::Preferred(8900), false));
    assert_eq!((web.ready.port, web.ready.timeout_seconds, web.stop_grace_seconds), (true, 45, 30));
    let records = course.service("records").unwrap();
    assert!(records.backup);
    let ServiceKind::Database(database) = &records.kind else { panic!("{records:?}") };
    assert_eq!((database.server.as_str(), database.inside.as_deref()), ("postgresql", Some("gallery")));
    assert_eq!((database.dump.len(), database.restore.len(), database.timeout_seconds), (2, 2, 900));
    assert_eq!(database.ready.as_deref(), Some(&["/opt/pond/healthy".to_owned()][..]));
    assert_eq!(database.normalise.as_ref().map(Vec::len), Some(3));
    assert_eq!(database.url.as_deref(), Some("postgresql://pond:{token}@127.0.0.1/pond"));
    let runs =
        |backend| course.services_with(backend).map(|service| service.name.as_str()).collect::<Vec<_>>();
    assert_eq!(runs("local"), ["pond", "notebooks"]);
    assert_eq!(runs("docker"), ["pond", "notebooks", "refine", "gallery", "records"]);
    assert_eq!(course.steps[0].when, Moment::AfterReady);
    assert_eq!(course.programs("local").into_iter().collect::<Vec<_>>(), ["jupyter"]);
    let requirements = serde_json::json!({ "python": { "requirements": "binder/requirements.txt" } });
    assert_eq!(course.backends["local"], requirements);
    assert_eq!(course.requirements("local").map(WorkPath::as_str), Some("binder/requirements.txt"));
    assert_eq!(course.requirements("docker"), None);
    assert_eq!(
        course.backends["docker"],
        serde_json::json!({
            "image": "pond:1",
            "tuning": { "pool": 4, "ratio": 0.5, "since": "2026-10-01", "deep": [[1], { "on": true }] },
        })
    );
}

#[test]
fn files_of_the_package_are_looked_into() {
    let newts = "db/newts.csv";
    let schema = "db/schema.sql";
    let list = "binder/requirements.txt";
    for (name, bytes, line, message) in [
        (newts, Some(&b""[..]), None, "The file is empty"),
        (newts, Some(b"id;;x\n"), Some(1), "no name in the header"),
        (newts, Some(b"id;name\n1;caf\xe9\n"), Some(2), "not UTF-8"),
        (newts, Some(b"id;name\n1;Ann\n2\n"), Some(3), "The row has 1 fields"),
        (newts, None, None, "cannot be read"),
        (schema, Some(b" \n"), None, "The file is empty"),
        (list, Some(b"notebook\n-r more.txt\n"), Some(2), "not an option"),
        (list, Some(b"caf\xe9"), None, "not UTF-8"),
        (list, None, None, "cannot be read"),
        (schema, Some(b"\xff"), None, "not UTF-8"),
        (schema, None, None, "cannot be read"),
    ] {
        let names = FILES.iter().map(|(name, _)| *name);
        let read = |path: &WorkPath| match FILES.iter().find(|(name, _)| *name == path.as_str()) {
            Some((found, _)) if *found == name => bytes.map(<[u8]>::to_vec),
            Some((_, text)) => Some(text.as_bytes().to_vec()),
            None => None,
        };
        let problems = check(GOOD, &PackageFiles::new(names, read)).problems;
        assert_eq!(problems.len(), 1, "{name} {bytes:?}: {problems:#?}");
        assert_eq!((problems[0].file.as_str(), problems[0].line), (name, line));
        assert!(problems[0].message.contains(message) && !problems[0].remedy.is_empty(), "{problems:#?}");
    }
}

#[test]
fn all_problems_are_told_at_once_in_order() {
    let manifest =
        changed("folders", "foldres").replacen("2026.10", "x", 1).replacen("hook.wasm", "none.wasm", 1);
    let mut files = good_files();
    files.retain(|(name, _)| *name != "db/newts.csv");
    files.push(("db/newts.csv", b""));
    files.push(("../outside", b""));
    files.reverse();
    let problems = look(&manifest, &files).problems;
    let places: Vec<_> = problems.iter().map(|problem| (problem.file.as_str(), problem.line)).collect();
    let line = |part| line_of(&manifest, part);
    let expected = [
        (MANIFEST, None),
        (MANIFEST, line("version")),
        (MANIFEST, line("foldres")),
        (MANIFEST, line("component")),
        ("db/newts.csv", None),
    ];
    assert_eq!(places, expected);
    assert_eq!(problems, look(&manifest, &files).problems);
}

#[test]
fn something_to_run_needs_a_backend_and_nothing_needs_none() {
    let bare = "id = \"a\"\ntitle = \"A\"\nversion = \"1\"\n";
    assert_eq!(look(bare, &[]).problems, []);
    let served = format!("{bare}[[service]]\nname = \"db\"\nkind = \"sqlite\"\n");
    let problems = look(&served, &[]).problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].line, Some(4));
    assert!(problems[0].remedy.contains("[backend.local]"));
    assert!(look(&format!("{served}[backend.local]\n"), &[]).course.is_some());
    assert_eq!(look(&format!("{served}[backend]\n"), &[]).problems.len(), 1);
}

/// What lives in an environment needs one; the backend without any is of no use to it, and not asked for.
#[test]
fn what_lives_inside_needs_an_environment() {
    let page = "id = \"a\"\ntitle = \"A\"\nversion = \"1\"\n[[service]]\nname = \"page\"\nkind = \"web\"\n";
    let said = |manifest: &str| {
        let problems = look(manifest, &[]).problems;
        problems.into_iter().map(|one| (one.line, one.message, one.remedy)).collect::<Vec<_>>()
    };
    let [(line, message, remedy)] = &said(page)[..] else { panic!() };
    assert_eq!(*line, Some(4));
    assert!(message.contains("no backend to run it") && remedy.contains("[backend.docker]"), "{remedy}");
    assert_eq!(said(&format!("{page}[backend.docker]\n")), []);
    assert_eq!(said(&format!("{page}[backend.docker]\n[backend.local]\n")), []);
    let [(line, message, remedy)] = &said(&format!("{page}[backend.local]\n"))[..] else { panic!() };
    assert_eq!(*line, Some(4));
    assert!(message.contains("Nothing can run `page`") && remedy.contains("[backend.docker]"), "{message}");
    // not even where it says so itself
    let here = page.replace("\"web\"\n", "\"web\"\nbackends = [\"local\"]\n");
    assert_eq!(said(&format!("{here}[backend.docker]\n[backend.local]\n")).len(), 1);

    let apart = |one: &str, other: &str| {
        format!(
            "{page}[[service]]\nname = \"one\"\nkind = \"program\"\nbackends = [\"{one}\"]\n[service.program]\n\
             program = \"p\"\nport = true\n[[service]]\nname = \"other\"\nkind = \"web\"\nbackends = \
             [\"{other}\"]\n[service.web]\nunder = \"one\"\n[backend.docker]\n[backend.local]\n"
        )
    };
    assert_eq!(said(&apart("docker", "docker")), []);
    assert_eq!(said(&apart("local", "local")), []);
    let [(line, message, _)] = &said(&apart("local", "docker"))[..] else { panic!() };
    assert_eq!(*line, line_of(&apart("local", "docker"), "under"));
    assert!(message.contains("No backend runs both `other` and `one`"), "{message}");
}

/// Only the backend reads a compose file, so a name that is no service may be one in it.
#[test]
fn a_place_may_be_named_in_a_compose_file() {
    for (block, problems) in [("image = \"pond:1\"", 1), ("compose_file = \"compose.yaml\"", 0)] {
        let manifest =
            changed("inside = \"gallery\"", "inside = \"server\"").replace("image = \"pond:1\"", block);
        let mut files = good_files();
        files.push(("compose.yaml", b"services:\n  server: {image: pond}\n"));
        assert_eq!(look(&manifest, &files).problems.len(), problems, "{block}");
    }
}

#[test]
fn warnings_do_not_stop_a_course() {
    let manifest = changed("\"--port={port}\"", "\"--port={port}\", \"--token={token}\"");
    let mut files = good_files();
    files.push(("content/notebooks/run.log", b""));
    let checked = look(&manifest, &files);
    assert!(checked.course.is_some(), "{:?}", checked.problems);
    let said: Vec<_> =
        checked.warnings.iter().map(|warning| (warning.line, warning.message.as_str())).collect();
    let expected = [
        (
            line_of(&manifest, "[[seed]]"),
            "`notebooks/run.log` would not be kept: the course leaves out `*.log`.",
        ),
        (
            line_of(&manifest, "args"),
            "The access token stands in the arguments, where other users of the computer can read it.",
        ),
    ];
    assert_eq!(said, expected);
}

/// Courses were written with [machine] before there was [needs]; they are in people's cloud folders.
#[test]
fn the_old_name_of_the_needs_is_read_with_a_warning() {
    let old = "[machine]\nmemory_mb = 2048\ndisk_mb = 500\ncores = 2\n[[seed]]";
    let (before, rest) = GOOD.split_once("[needs]").unwrap();
    let manifest = format!("{before}{}", rest.replacen(rest.split("[[seed]]").next().unwrap(), "", 1));
    let manifest = manifest.replacen("[[seed]]", old, 1);
    let checked = look(&manifest, &good_files());
    let needs = checked.course.unwrap_or_else(|| panic!("{:#?}", checked.problems)).needs;
    assert_eq!((needs.memory_mb, needs.disk_mb, needs.cores), (Some(2048), Some(500), Some(2)));
    assert_eq!(checked.warnings.len(), 1);
    assert!(checked.warnings[0].to_string().contains("[needs]"), "{:?}", checked.warnings);
    let wrong = manifest.replace("memory_mb = 2048", "memory_mb = -1");
    assert_eq!(look(&wrong, &good_files()).problems.len(), 1);
}

#[test]
fn a_port_is_implied_by_its_use() {
    let port = |manifest: &str| {
        let course = look(manifest, &good_files()).course?;
        let ServiceKind::Program(program) = &course.service("notebooks")?.kind else { return None };
        Some(program.port)
    };
    assert_eq!(port(&changed("port = 8888\n", "")), Some(Port::Any));
    assert_eq!(port(&changed("port = 8888", "port = true")), Some(Port::Any));
    let problems = look(&changed("port = 8888", "port = false"), &good_files()).problems;
    assert!(
        problems.iter().any(|problem| problem.message.contains("{port} is used where there is no port")),
        "{problems:#?}"
    );
    assert!(problems.iter().any(|problem| problem.message.contains("cannot be opened")), "{problems:#?}");
}
