//! Every kind of mistake in a course package is found, on its line, with a remedy, and nothing else is said.
//! Each case is a good manifest with one change. Then the opposite: whatever bytes are thrown at the reader,
//! it answers, and what it accepts stays inside the workspace.

#![allow(clippy::unwrap_used)]

use kitbag_core::course::{
    Checked, LONGEST_MANIFEST, MANIFEST, MOST_SEEDS, Moment, PackageFiles, Port, Problem, ServiceKind, check, read,
};
use kitbag_core::path::WorkPath;
use proptest::prelude::*;

const GOOD: &str = r#"id = "pond-life"
title = "Pond life"
version = "2026.10"
folders = ["notebooks", "data", "logs"]
ignore = ["*.log", "logs/"]

[machine]
memory_mb = 2048
disk_mb = 500
cores = 2

[[seed]]
from = "content/notebooks"
to = "notebooks"

[[seed]]
from = "content/frogs.csv"
to = "data/"

[[unit]]
path = "openrefine_projects/*"

[[service]]
name = "pond"
kind = "sqlite"
title = "Pond database"
[service.sqlite]
schema = "db/schema.sql"
csv = [
    { table = "frogs", file = "content/frogs.csv" },
    { table = "newts", file = "db/newts.csv", delimiter = ";" },
]

[[service]]
name = "notebooks"
kind = "program"
[service.program]
program = "jupyter"
args = ["lab", "--port={port}", "--notebook-dir={work}"]
port = 8888
path = "/lab"
optional = true
open = true
[service.program.env]
JUPYTER_TOKEN = "{token}"
[service.program.ready]
timeout_seconds = 30

[[step]]
name = "trust"
when = "after-ready"
service = "notebooks"
backends = ["local"]
run = ["jupyter", "trust", "{work}/notebooks/01.ipynb"]

[hook]
component = "hook.wasm"

[backend.local]

[backend.docker]
image = "pond:1"
tuning = { pool = 4, ratio = 0.5, since = 2026-10-01, deep = [[1], { on = true }] }
"#;

const FILES: &[(&str, &str)] = &[
    ("course.toml", ""),
    ("content/notebooks/01.ipynb", "{}"),
    ("content/notebooks/.DS_Store", "x"),
    ("content/notebooks/sub/02.ipynb", "{}"),
    ("content/frogs.csv", "id,name\n1,Bo\n"),
    ("db/schema.sql", "CREATE TABLE frogs (id, name);\ncreate table Newts (id, name);"),
    ("db/newts.csv", "id;name\n1;Ann\n"),
    ("hook.wasm", "\0asm"),
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
    assert_eq!((course.id.as_str(), course.title.as_str(), course.version.as_str()), ("pond-life", "Pond life", "2026.10"));
    assert_eq!((course.machine.memory_mb, course.machine.disk_mb, course.machine.cores), (Some(2048), Some(500), Some(2)));
    assert_eq!(course.folders.iter().map(WorkPath::as_str).collect::<Vec<_>>(), ["notebooks", "data", "logs"]);
    assert_eq!(course.ignore, ["*.log", "logs/"]);
    assert_eq!(course.units, ["openrefine_projects/*"]);
    assert_eq!(course.hook.as_ref().map(WorkPath::as_str), Some("hook.wasm"));

    let files = good_files();
    let files = PackageFiles::new(files.iter().map(|(name, _)| *name), |_| None);
    let seeds: Vec<_> = course.seeds(&files).into_iter().map(|seed| (seed.from.to_string(), seed.to.to_string())).collect();
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
    assert_eq!((program.port, program.path.as_str(), program.optional), (Port::Preferred(8888), "/lab", true));
    assert_eq!((program.ready.port, program.ready.timeout_seconds, program.stop_grace_seconds), (true, 30, 5));
    assert_eq!(program.env.get("JUPYTER_TOKEN").map(String::as_str), Some("{token}"));
    assert_eq!(course.opened().map(|service| service.name.as_str()), Some("notebooks"));
    assert_eq!(course.steps[0].when, Moment::AfterReady);
    assert_eq!(course.programs("local").into_iter().collect::<Vec<_>>(), ["jupyter"]);
    assert_eq!(course.backends["local"], serde_json::json!({}));
    assert_eq!(
        course.backends["docker"],
        serde_json::json!({
            "image": "pond:1",
            "tuning": { "pool": 4, "ratio": 0.5, "since": "2026-10-01", "deep": [[1], { "on": true }] },
        })
    );
}

/// find, replace, the part of the changed manifest whose line is named, part of the message, of the remedy.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    // The file itself.
    ("\"Pond life\"", "Pond life", "title", "This is not TOML", "quote"),
    ("[machine]", "[machine", "[machine", "This is not TOML", "bracket"),
    ("disk_mb", "memory_mb", "memory_mb = 500", "This is not TOML", "twice"),
    // Unknown settings.
    ("folders", "foldres", "foldres", "`foldres` is not a setting of the top", "Did you mean `folders`?"),
    ("memory_mb", "memory-mb", "memory-mb", "not a setting of [machine]", "Did you mean `memory_mb`?"),
    ("cores = 2", "colour = 2", "colour", "`colour` is not a setting", "Known here: memory_mb, disk_mb, cores"),
    ("cores = 2", "units = 2\ncores = 2", "units", "`units` is not a setting", "Known here"),
    ("[machine]", "[machine]\nhook = 1", "hook = 1", "`hook` is not a setting of [machine]", "at the top of the file, above"),
    ("path = \"/lab\"", "backup = true", "backup", "not a setting of [service.program]", "It belongs in [[service]]"),
    ("from = \"content/n", "form = \"x\"\nfrom = \"content/n", "form", "`form` is not a setting of [[seed]]", "`from`"),
    ("table = \"frogs\",", "tabel = 1, table = \"frogs\",", "tabel", "`tabel` is not a setting of csv", "`table`"),
    ("pond-life\"\n", "pond-life\"\n\"\\u001b[31m\" = 1\n", "\"\\u001b", "`\\u{1b}[31m` is not a setting", "Remove it"),
    // Missing and mistyped.
    ("id = \"pond-life\"\n", "", "title", "`id` is missing in the top of the file", "Add `id = "),
    ("title = \"Pond life\"\n", "", "id =", "`title` is missing", "Add `title = "),
    ("version = \"2026.10\"\n", "", "id =", "`version` is missing", "Add `version = "),
    ("version = \"2026.10\"", "version = 2026.10", "version", "has to be a text, not a number", "in double quotes"),
    ("folders = [\"notebooks\", \"data\", \"logs\"]", "folders = \"data\"", "folders", "a list of texts, not a text", "["),
    ("\"logs\"]", "3]", "folders", "a list of texts, not a number", "["),
    ("optional = true", "optional = \"yes\"", "optional", "true or false, not a text", "optional = true"),
    ("[hook]\ncomponent = \"hook.wasm\"", "", "", "", ""),
    ("component = \"hook.wasm\"", "", "[hook]", "`component` is missing in [hook]", "Add"),
    ("[[unit]]", "[unit]", "[unit]", "a list of blocks, not a block", "[[unit]]"),
    ("[machine]", "[[machine]]", "[[machine]]", "has to be a block, not a list", "[machine]"),
    ("[[unit]]\npath = ", "[[unit]]\n# path = ", "[[unit]]", "`path` is missing in [[unit]]", "Add"),
    // Identity.
    ("pond-life", "Pond Life", "id", "`Pond Life` cannot be the `id`", "lower-case"),
    ("pond-life", "../pond", "id", "`../pond` cannot be the `id`", "lower-case"),
    ("\"Pond life\"", "\" \"", "title", "cannot be the `title`", "one short line"),
    ("\"Pond life\"", "\"Pond\\u202elife\"", "title", "`Pond\\u{202e}life` cannot be", "one short line"),
    ("2026.10", "v2026", "version", "`v2026` is not a version", "2026.10"),
    // The machine.
    ("memory_mb = 2048", "memory_mb = -1", "memory_mb", "not a whole number from 1", "without quotes"),
    ("memory_mb = 2048", "memory_mb = \"2048\"", "memory_mb", "not a whole number", "without quotes"),
    ("memory_mb = 2048", "memory_mb = 99999999999999999999", "memory_mb", "not a whole number", "without quotes"),
    // Folders and seeds.
    ("\"data\"", "\"../data\"", "folders", "`../data` in `folders` is not a place", "without `..`"),
    ("\"data\"", "\"/data\"", "folders", "an empty name", "below the folder"),
    ("\"data\"", "\".kitbag\"", "folders", "a name kitbag keeps for itself", "below the folder"),
    ("\"data\"", "\"nul\"", "folders", "cannot exist on every computer", "another name"),
    ("\"data\"", "\"Logs\"", "folders", "one name on some computers", "spelled the same"),
    ("\"content/notebooks\"", "\"content/notebook\"", "[[seed]]", "is not in the package", "capital letters"),
    ("\"content/frogs.csv\"\nto", "\"content/forgs.csv\"\nto", "[[seed]]\nfrom = \"content/forgs", "is not in the package", "Did you mean `content/frogs.csv`?"),
    ("\"content/frogs.csv\"\nto", "\"../frogs.csv\"\nto", "from = \"../", "is not a place", "without `..`"),
    ("to = \"data/\"", "to = \"C:/data\"", "to = \"C:", "cannot exist on every computer", "another name"),
    ("to = \"data/\"", "to = \"notebooks/01.ipynb\"", "[[seed]]\nfrom = \"content/frogs", "placed twice, also by line 12", "its own place"),
    ("to = \"data/\"", "to = \"notebooks/01.IPYNB\"", "[[seed]]\nfrom = \"content/frogs", "one name on some computers", "its own place"),
    ("to = \"data/\"", "to = \"Notebooks/x.csv\"", "[[seed]]\nfrom = \"content/frogs", "`notebooks` (line 4) are one name", "its own place"),
    ("to = \"data/\"", "to = \"data\"", "[[seed]]\nfrom = \"content/frogs", "a folder and a file at once, because of line 4", "its own place"),
    ("to = \"data/\"", "to = \"notebooks/01.ipynb/\"", "[[seed]]\nfrom = \"content/frogs", "a folder and a file at once", "its own place"),
    ("to = \"data/\"", "to = \"data/frogs.log\"", "[[seed]]\nfrom = \"content/frogs", "would not be kept: the course leaves out `*.log`", "elsewhere"),
    ("to = \"data/\"", "to = \"data/~$frogs.csv\"", "[[seed]]\nfrom = \"content/frogs", "would not be kept: Office", "elsewhere"),
    ("to = \"data/\"", "to = \"backups/pond/pond.dump\"", "[[seed]]\nfrom = \"content/frogs", "where the backup of `pond` lies", "`csv`"),
    // Ignore rules and units.
    ("\"*.log\"", "\"*\"", "ignore", "The rule `*` cannot be used", "not wanted"),
    ("\"*.log\"", "\"!x\"", "ignore", "`!x` cannot be used", "Ignore less"),
    ("\"*.log\"", "\"[a\"", "ignore", "`[a` cannot be used", "Close each"),
    ("\"*.log\"", "\"*.dump\"", "ignore", "could not follow the student", "`backup = false`"),
    ("openrefine_projects/*", "../x/*", "path = \"../x", "is not a place in the workspace", "below the workspace"),
    ("openrefine_projects/*", "x/[", "path = \"x/[", "cannot be read", "bracket"),
    // Services.
    ("name = \"pond\"", "name = \"my pond\"", "name = \"my pond", "cannot be the `name`", "lower-case"),
    ("name = \"pond\"", "name = \"notebooks\"", "[[service]]\nname = \"notebooks\"\nkind = \"program", "two services called `notebooks`", "own name"),
    ("kind = \"sqlite\"", "kind = \"mysql\"", "kind = \"mysql", "is not a kind of service", "kind = \"sqlite\""),
    ("kind = \"sqlite\"", "", "[[service]]\nname = \"pond", "`kind` is missing", "Add"),
    ("kind = \"sqlite\"", "kind = \"sqlite\"\nprogram = {}", "program = {}", "does not go with the `kind`", "Remove it"),
    ("kind = \"program\"", "kind = \"program\"\nbackup = true", "backup", "Only a service of kind `sqlite`", "Remove `backup`"),
    ("[service.sqlite]", "[service.sqlit]", "[service.sqlit]", "`sqlit` is not a setting of [[service]]", "Did you mean `sqlite`?"),
    ("db/schema.sql", "db/shema.sql", "schema =", "`db/shema.sql` in `schema` is not in the package", "Did you mean `db/schema.sql`?"),
    ("schema = \"db/schema.sql\"\n", "", "", "Nothing makes the table", "Add `schema"),
    ("table = \"newts\"", "table = \"toads\"", "{ table = \"toads", "The schema makes no table `toads`", "CREATE TABLE"),
    ("table = \"newts\"", "table = \"Frogs\"", "{ table = \"Frogs", "filled twice", "one file"),
    ("table = \"newts\"", "table = \"a b\"", "{ table = \"a b", "cannot be the name of a table", "letters"),
    ("db/newts.csv", "db/newt.csv", "{ table = \"newts", "is not in the package", "Did you mean"),
    ("\";\"", "\"ab\"", "{ table = \"newts", "cannot be the `delimiter`", "one sign"),
    ("[service.program]\nprogram = \"jupyter\"", "[service.program]", "[service.program]", "`program` is missing", "Add"),
    ("program = \"jupyter\"", "program = \"/usr/bin/jupyter\"", "program = \"/usr", "not the bare name", "no folders"),
    ("program = \"jupyter\"", "program = \"jupyter lab\"", "program = \"jupyter lab", "not the bare name", "no spaces"),
    ("{port}\"", "{prot}\"", "args", "{prot} is not something kitbag fills in", "Did you mean {port}?"),
    ("\"{token}\"", "\"{secret}\"", "JUPYTER_TOKEN", "{secret} is not something", "Known here: {port}"),
    ("port = 8888", "port = 80", "port = 80", "not a port", "1024"),
    ("port = 8888", "port = \"8888\"", "port = \"8888\"", "not a port", "1024"),
    ("path = \"/lab\"", "path = \"lab\"", "path = \"lab", "not the path of an address", "`/`"),
    ("path = \"/lab\"", "path = \"//evil.example\"", "path = \"//", "not the path of an address", "one `/`"),
    ("JUPYTER_TOKEN", "KITBAG_TOKEN", "KITBAG_TOKEN", "cannot be set", "kitbag's own"),
    ("\"{token}\"", "5", "JUPYTER_TOKEN", "has to be a text", "double quotes"),
    ("timeout_seconds = 30", "timeout_seconds = 0", "timeout_seconds", "not a whole number from 1 to 3600", "timeout_seconds"),
    ("kind = \"program\"\n[service.program]", "kind = \"program\"\n[service.x]", "[service.x]", "`x` is not a setting of [[service]]", "Known here"),
    // Steps, backends, hook.
    ("after-ready", "after-redy", "when", "not a moment", "Did you mean `after-ready`?"),
    ("after-ready", "whenever", "when", "not a moment", "after-ready, after-restore, before-stop"),
    ("service = \"notebooks\"", "service = \"notes\"", "[[step]]", "There is no service called `notes`", "[[service]]"),
    ("service = \"notebooks\"", "service = \"pond\"\n# ", "", "", ""),
    ("\"{work}/notebooks/01.ipynb\"", "\"{port}\"", "", "", ""),
    ("[\"local\"]", "[\"vagrant\"]", "[[step]]", "There is no backend called `vagrant`", "Add [backend.vagrant]"),
    ("run = [\"jupyter\"", "run = [\"/bin/sh\"", "run", "not the bare name", "no folders"),
    ("run = [\"jupyter\", \"trust\", \"{work}/notebooks/01.ipynb\"]", "", "[[step]]", "The step runs nothing", "Add `run"),
    ("[backend.docker]", "[backend.Docker]", "[backend.Docker]", "`Docker` is not a name for a backend", "lower-case"),
    ("ratio = 0.5", "ratio = nan", "[backend.docker]", "cannot be given", "nan"),
    ("hook.wasm", "hook.wsam", "component", "`hook.wsam` in `component` is not in the package", "Did you mean `hook.wasm`?"),
];

#[test]
fn each_mistake_is_named_on_its_line_with_a_remedy() {
    for &(find, replace, place, message, remedy) in CASES {
        let manifest = changed(find, replace);
        let problems = look(&manifest, &good_files()).problems;
        if message.is_empty() {
            assert_eq!(problems, [], "{find:?} → {replace:?}");
            continue;
        }
        let fits = |problem: &Problem| problem.message.contains(message) && problem.remedy.contains(remedy);
        let problem = problems.iter().find(|problem| fits(problem));
        let problem = problem.unwrap_or_else(|| panic!("{find:?} → {replace:?} gave {problems:#?}"));
        assert_eq!(problem.file, MANIFEST);
        if !place.is_empty() {
            assert_eq!(problem.line, line_of(&manifest, place), "{find:?} → {replace:?}: {problem}");
        }
    }
}

#[test]
fn one_mistake_is_said_once() {
    // A few changes rightly break two things; all others are one problem, no echoes.
    let two = ["[service.sqlit]", "[service.x]", "# path = ", "kind = \"mysql\""];
    for &(find, replace, _, message, _) in CASES {
        let problems = look(&changed(find, replace), &good_files()).problems;
        if message.is_empty() || two.contains(&replace) || message.contains("Nothing makes") || replace.contains("Notebooks/") {
            continue;
        }
        assert_eq!(problems.len(), 1, "{find:?} → {replace:?} gave {problems:#?}");
    }
}

#[test]
fn files_of_the_package_are_looked_into() {
    let newts = "db/newts.csv";
    let schema = "db/schema.sql";
    for (name, bytes, line, message) in [
        (newts, Some(&b""[..]), None, "The file is empty"),
        (newts, Some(b"id;;x\n"), Some(1), "no name in the header"),
        (newts, Some(b"id;name\n1;caf\xe9\n"), Some(2), "not UTF-8"),
        (newts, Some(b"id;name\n1;Ann\n2\n"), Some(3), "The row has 1 fields"),
        (newts, None, None, "cannot be read"),
        (schema, Some(b" \n"), None, "The file is empty"),
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
    let manifest = changed("folders", "foldres").replacen("2026.10", "x", 1).replacen("hook.wasm", "none.wasm", 1);
    let mut files = good_files();
    files.retain(|(name, _)| *name != "db/newts.csv");
    files.push(("db/newts.csv", b""));
    files.push(("../outside", b""));
    files.reverse();
    let problems = look(&manifest, &files).problems;
    let places: Vec<_> = problems.iter().map(|problem| (problem.file.as_str(), problem.line)).collect();
    let line = |part| line_of(&manifest, part);
    let expected =
        [(MANIFEST, None), (MANIFEST, line("version")), (MANIFEST, line("foldres")), (MANIFEST, line("component")), ("db/newts.csv", None)];
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

#[test]
fn warnings_do_not_stop_a_course() {
    let manifest = changed("\"--port={port}\"", "\"--port={port}\", \"--token={token}\"");
    let mut files = good_files();
    files.push(("content/notebooks/run.log", b""));
    let checked = look(&manifest, &files);
    assert!(checked.course.is_some(), "{:?}", checked.problems);
    let said: Vec<_> = checked.warnings.iter().map(|warning| (warning.line, warning.message.as_str())).collect();
    let expected = [
        (line_of(&manifest, "[[seed]]"), "`notebooks/run.log` would not be kept: the course leaves out `*.log`."),
        (line_of(&manifest, "args"), "The access token stands in the arguments, where other users of the computer can read it."),
    ];
    assert_eq!(said, expected);
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
    assert!(problems.iter().any(|problem| problem.message.contains("{port} is used where there is no port")), "{problems:#?}");
    assert!(problems.iter().any(|problem| problem.message.contains("cannot be opened")), "{problems:#?}");
}

#[test]
fn sizes_are_capped() {
    let large = format!("{GOOD}#{}", "x".repeat(LONGEST_MANIFEST));
    let problems = look(&large, &good_files()).problems;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("1 MiB"));

    let bare = "id = \"a\"\ntitle = \"A\"\nversion = \"1\"\n";
    let names: Vec<String> = (0..=MOST_SEEDS).map(|at| format!("many/{at}.txt")).collect();
    let folder = format!("{bare}[[seed]]\nfrom = \"many\"\n");
    let count = |names: &[String]| check(&folder, &PackageFiles::new(names, |_| None)).problems;
    assert_eq!(count(&names[1..]), []);
    let problems = count(&names);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("more than 10000 files"), "{problems:?}");

    let blocks = format!("{bare}{}", "[[seed]]\nfrom = \"a\"\n".repeat(MOST_SEEDS + 1));
    let problems = look(&blocks, &[]).problems;
    assert!(problems[0].message.contains("more than 10000 [[seed]]"), "{problems:?}");

    let flood = format!("{bare}{}", (0..20_000).map(|at| format!("k{at} = 1\n")).collect::<String>());
    let problems = look(&flood, &[]).problems;
    assert!(problems.len() <= 201);
    assert_eq!(problems.last().unwrap().message, "There are 19800 more problems.");
}

#[test]
fn deep_nesting_neither_hangs_nor_overflows() {
    let dotted = "a.".repeat(100_000);
    let many = vec!["k"; 79].join(".");
    let mixed = format!("[backend.{many}]\n{} 1 {}", format!("{many} = {{").repeat(79), "}".repeat(79));
    for manifest in [
        format!("x = {}", "[".repeat(400_000)),
        format!("x = {}{}", "[".repeat(200_000), "]".repeat(200_000)),
        format!("x = {}", "{a=".repeat(200_000)),
        format!("{dotted}a = 1"),
        format!("[{dotted}a]"),
        format!("[[{dotted}a]]"),
        format!("[backend.{dotted}a]"),
        mixed,
    ] {
        eprintln!("{:.30} {}", manifest, manifest.len()); assert!(look(&manifest, &[]).course.is_none());
    }
}

fn token() -> impl Strategy<Value = String> {
    let words = [
        "\"", "'", "[", "]", "[[", "]]", "{", "}", "=", ",", "\n", "#", ".", "\"\"\"", "\\", "\\u0000", "\0", "\u{feff}", "\r",
        "../", "true", "-1", "1e400", "nan", "9223372036854775808", "2026-01-01", "{port}", "[service.program]\n",
        "[[service]]\n", "csv = [{}]\n", "é", "\u{202e}", "**", "*",
    ];
    prop_oneof![4 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Bytes cut out, put in and moved: the reader always answers, and every answer keeps its promises.
    #[test]
    fn mutated_manifests_are_answered(edits in proptest::collection::vec((0..GOOD.len(), 0usize..40, token()), 1..6)) {
        let mut manifest = GOOD.to_owned();
        for (at, cut, put) in edits {
            let at = (0..=at.min(manifest.len())).rev().find(|&at| manifest.is_char_boundary(at)).unwrap();
            let end = (at + cut).min(manifest.len());
            let end = (end..=manifest.len()).find(|&end| manifest.is_char_boundary(end)).unwrap();
            manifest.replace_range(at..end, &put);
        }
        let lines = 1 + manifest.matches('\n').count();
        let checked = look(&manifest, &good_files());
        prop_assert_eq!(checked.course.is_some(), checked.problems.is_empty());
        for problem in checked.problems.iter().chain(&checked.warnings) {
            prop_assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
            prop_assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{} of {lines}", problem);
            let painted = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            prop_assert!(!problem.to_string().contains(painted), "{:?}", problem);
        }
        if let Some(course) = &checked.course {
            let files = good_files();
            for seed in course.seeds(&PackageFiles::new(files.iter().map(|(name, _)| *name), |_| None)) {
                prop_assert!(WorkPath::parse(seed.to.as_str()).is_ok());
            }
            prop_assert!(serde_json::to_string(course).is_ok());
        }
    }

    /// Any text at all.
    #[test]
    fn any_text_is_answered(manifest in proptest::collection::vec(token(), 0..60)) {
        let manifest = manifest.concat();
        let problems = read(&manifest, &PackageFiles::new(["a"], |_| None)).unwrap_err();
        prop_assert!(!problems.is_empty());
    }
}
