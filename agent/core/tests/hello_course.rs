//! The example course as it lies on disk: it has no problem and no warning, places what its README promises,
//! and its notebooks are notebooks. Whoever changes the example finds out here what a student would get.

#![allow(clippy::unwrap_used)]
// A test may look at the disk; core itself may not.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kitbag_core::course::{
    Course, MANIFEST, PackageFiles, Port, ServiceKind, backup_path, check, placeholders,
};
use kitbag_core::ignore::Ignore;
use kitbag_core::path::WorkPath;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello-course")
}

fn names(at: &Path, above: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(at).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{above}{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            names(&entry.path(), &format!("{name}/"), found);
        } else {
            found.push(name);
        }
    }
}

fn package() -> PackageFiles<'static> {
    let mut found = Vec::new();
    names(&folder(), "", &mut found);
    PackageFiles::new(found, |path| fs::read(folder().join(path.as_str())).ok())
}

fn course() -> Course {
    let checked = check(&fs::read_to_string(folder().join(MANIFEST)).unwrap(), &package());
    assert_eq!((checked.problems, checked.warnings), (vec![], vec![]));
    checked.course.unwrap()
}

#[test]
fn it_has_no_problem_and_says_what_it_needs() {
    let course = course();
    assert_eq!((course.id.as_str(), course.version.as_str()), ("hello-data", "2026.10"));
    let folders: Vec<_> = course.folders.iter().map(WorkPath::as_str).collect();
    assert_eq!(folders, ["notebooks", "data", "logs", "utilities", "backups"]);
    assert!(course.backends.contains_key("local"));
    assert_eq!(course.opened("local").map(|service| service.name.as_str()), Some("notebooks"));
    assert_eq!(course.programs("local").into_iter().collect::<Vec<_>>(), ["jupyter"]);
}

#[test]
fn it_places_notebooks_data_and_utilities_and_nothing_of_the_team() {
    let course = course();
    let seeds = course.seeds(&package());
    let places: Vec<_> = seeds.iter().map(|seed| seed.to.as_str()).collect();
    assert_eq!(
        places,
        [
            "data/books.csv",
            "data/loans.csv",
            "notebooks/01 Looking at data.ipynb",
            "notebooks/02 Cleaning data.ipynb",
            "notebooks/03 Asking a database.ipynb",
            "notebooks/04 Joining and counting.ipynb",
            "notebooks/05 A short report.ipynb",
            "utilities/library.py",
        ]
    );
    assert!(seeds.iter().all(|seed| package().contains(&seed.from)));
}

#[test]
fn its_database_is_backed_up_and_its_rows_fit_the_tables() {
    let course = course();
    let library = course.service("library").unwrap();
    assert!(library.backup);
    assert_eq!(library.url_variable(), "KITBAG_LIBRARY_URL");
    let backup = backup_path(&library.name).unwrap();
    assert!(!Ignore::new(&course.ignore).unwrap().is_ignored(backup.as_str(), false));
    let ServiceKind::Sqlite(sqlite) = &library.kind else { panic!("{library:?}") };
    let schema = String::from_utf8(package().bytes(sqlite.schema.as_ref().unwrap()).unwrap()).unwrap();
    for csv in &sqlite.csv {
        let text = String::from_utf8(package().bytes(&csv.file).unwrap()).unwrap();
        let table =
            schema.split(&format!("CREATE TABLE {} (", csv.table)).nth(1).unwrap().split(';').next().unwrap();
        for column in text.lines().next().unwrap().split(',') {
            assert!(table.contains(&format!("    {column} ")), "{} has no column {column}", csv.table);
        }
    }
}

#[test]
fn its_jupyter_may_be_missing_and_keeps_its_token_out_of_the_arguments() {
    let course = course();
    let notebooks = course.service("notebooks").unwrap();
    let ServiceKind::Program(program) = &notebooks.kind else { panic!("{notebooks:?}") };
    assert!(program.optional && program.ready.port);
    assert!(matches!(program.port, Port::Preferred(_)));
    let in_args: BTreeSet<_> = program.args.iter().flat_map(|arg| placeholders(arg)).collect();
    assert_eq!(in_args.into_iter().collect::<Vec<_>>(), ["port", "work"]);
    assert_eq!(program.env.get("JUPYTER_TOKEN").map(String::as_str), Some("{token}"));
}

#[test]
fn its_notebooks_are_clean_and_only_need_the_standard_library() {
    let standard =
        ["collections", "csv", "datetime", "os", "pathlib", "sqlite3", "statistics", "sys", "library"];
    let files = package();
    let notebooks: Vec<_> =
        course().seeds(&files).into_iter().filter(|seed| seed.from.extension() == "ipynb").collect();
    assert_eq!(notebooks.len(), 5);
    for seed in notebooks {
        let notebook: serde_json::Value = serde_json::from_slice(&files.bytes(&seed.from).unwrap()).unwrap();
        assert_eq!(
            (&notebook["nbformat"], &notebook["nbformat_minor"]),
            (&4.into(), &5.into()),
            "{}",
            seed.from
        );
        let cells = notebook["cells"].as_array().unwrap();
        let ids: BTreeSet<_> = cells.iter().map(|cell| cell["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), cells.len(), "{}", seed.from);
        for cell in cells.iter().filter(|cell| cell["cell_type"] == "code") {
            assert_eq!(
                (&cell["outputs"], &cell["execution_count"]),
                (&serde_json::json!([]), &serde_json::Value::Null)
            );
            for line in cell["source"].as_array().unwrap().iter().filter_map(|line| line.as_str()) {
                let module = line.strip_prefix("import ").or_else(|| line.strip_prefix("from "));
                if let Some(module) = module.and_then(|rest| rest.split_whitespace().next()) {
                    assert!(standard.contains(&module), "{}: {module}", seed.from);
                }
            }
        }
    }
}
