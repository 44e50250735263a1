//! The reference course as it lies on disk: no problem and no warning, the folders it promises, its OpenRefine
//! project as one unit, every notebook clean, and each exercise with a check and a solution. That the notebooks
//! run is shown by the course's own `check`, with the real PostgreSQL and the real OpenRefine.

#![allow(clippy::unwrap_used)]
// A test may look at the disk; core itself may not.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kitbag_core::course::{Course, MANIFEST, PackageFiles, ServiceKind, backup_path, check, placeholders};
use kitbag_core::ignore::Ignore;
use kitbag_core::path::WorkPath;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data-course")
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

fn seeded() -> Vec<String> {
    course().seeds(&package()).into_iter().map(|seed| seed.to.as_str().to_owned()).collect()
}

#[test]
fn it_has_no_problem_and_makes_the_folders_of_the_reference_course() {
    let course = course();
    assert_eq!((course.id.as_str(), course.version.as_str()), ("data-course", "2026.10"));
    let folders: Vec<_> = course.folders.iter().map(WorkPath::as_str).collect();
    assert_eq!(
        folders,
        [
            "notebooks",
            "openrefine_projects",
            "data",
            "logs",
            "utilities",
            "backups/postgres-backup",
            "backups/mongo-backup",
        ]
    );
    assert_eq!(course.backends.keys().collect::<Vec<_>>(), ["docker", "local"]);
    assert_eq!(course.opened("docker").map(|service| service.name.as_str()), Some("notebooks"));
}

#[test]
fn students_get_the_work_and_nothing_of_the_team() {
    let seeded = seeded();
    let tops: BTreeSet<_> = seeded.iter().map(|path| path.split('/').next().unwrap()).collect();
    assert_eq!(
        tops.into_iter().collect::<Vec<_>>(),
        ["README.md", "data", "notebooks", "openrefine_projects", "utilities"]
    );
    let notebooks: Vec<_> = seeded.iter().filter(|path| path.ends_with(".ipynb")).collect();
    assert_eq!(notebooks.len(), 8);
    for (number, path) in (1..).zip(notebooks) {
        assert!(path.starts_with(&format!("notebooks/0{number} ")), "{path}");
    }
}

#[test]
fn its_openrefine_project_travels_whole_and_openrefines_own_list_does_not() {
    let course = course();
    assert_eq!(course.units, ["openrefine_projects/*.project"]);
    let project: Vec<_> =
        seeded().into_iter().filter(|path| path.starts_with("openrefine_projects/")).collect();
    assert!(project.iter().any(|path| path.ends_with(".project/data.zip")), "{project:?}");
    assert!(project.iter().all(|path| path.contains(".project/")), "{project:?}");
    let ignore = Ignore::new(&course.ignore).unwrap();
    for own in ["openrefine_projects/workspace.json", "openrefine_projects/workspace.old.json"] {
        assert!(ignore.is_ignored(own, false), "{own}");
    }
    assert!(project.iter().all(|path| !ignore.is_ignored(path, false)));
}

#[test]
fn what_a_computer_may_lack_is_optional_or_brought_and_no_token_is_in_the_arguments() {
    assert_eq!(course().requirements("local").map(WorkPath::as_str), Some("binder/requirements.txt"));
    for service in course().services {
        match &service.kind {
            ServiceKind::Program(program) => {
                // from the packages, or from the image
                assert_eq!(program.program, "jupyter");
                let args = program.args.iter().flat_map(|arg| placeholders(arg));
                assert!(!args.into_iter().any(|name| name == "token"));
            }
            ServiceKind::Web(web) => assert!(web.optional && web.under.as_deref() == Some("notebooks")),
            ServiceKind::Database(_) => assert_eq!(service.backends, ["docker"]),
            ServiceKind::Sqlite(_) => panic!("{service:?}"),
        }
    }
}

/// Without Docker there are the notebooks and their comparing; the rest says what would run it.
#[test]
fn each_way_to_run_it_has_its_services() {
    let course = course();
    let names = |backend| course.services_with(backend).map(|one| one.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names("docker"), ["notebooks", "openrefine", "nbdime", "postgres"]);
    assert_eq!(names("local"), ["notebooks", "nbdime"]);
    for backend in ["docker", "local"] {
        assert_eq!(course.opened(backend).map(|service| service.name.as_str()), Some("notebooks"));
    }
    let refine = course.service("openrefine").unwrap();
    assert_eq!(course.why_not(refine, "local").unwrap(), "It runs with docker.");
}

#[test]
fn its_database_is_kept_by_commands_of_the_image() {
    let course = course();
    let (service, database) = course.databases("docker").next().unwrap();
    assert!(service.backup && service.name == "postgres" && database.server == "postgresql");
    let backup = backup_path(&service.name).unwrap();
    assert!(!Ignore::new(&course.ignore).unwrap().is_ignored(backup.as_str(), false));
    for (purpose, argv) in database.commands() {
        // what lies in the image is in the folder it is built from
        if let Some(file) = argv[0].strip_prefix("/opt/course/") {
            assert!(package().contains(&WorkPath::parse(file).unwrap()), "to {purpose}: {file}");
        }
        assert!(argv.iter().all(|word| !word.contains("{token}")));
    }
    // the helper of the notebooks asks for it by this name
    let helper = fs::read_to_string(folder().join("utilities/aldermouth.py")).unwrap();
    assert!(helper.contains(&format!("\"{}\"", service.url_variable())));
}

#[test]
fn both_packagings_name_one_image_and_keep_ports_on_this_computer() {
    let docker = course().backends.remove("docker").unwrap();
    let image = docker["image"].as_str().unwrap().to_owned();
    assert!(image.ends_with(&format!(":{}", course().version)));
    let compose = fs::read_to_string(folder().join("compose.yaml")).unwrap();
    let images: Vec<_> = compose.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
    assert_eq!(images, [image.as_str(); 3]);
    assert_eq!(compose.matches("- 127.0.0.1:").count(), compose.matches(":8888").count());
    let build = fs::read_to_string(folder().join("build")).unwrap();
    assert!(build.contains(&format!("tag={image}\n")));
}

/// repo2docker reads binder/ alone, and there a Dockerfile would trump the rest; environment.yml trumps
/// requirements.txt, which postBuild therefore installs.
#[test]
fn binder_is_as_repo2docker_reads_it() {
    let text = |name: &str| fs::read_to_string(folder().join("binder").join(name)).unwrap();
    assert!(!folder().join("binder/Dockerfile").exists());
    assert!(!text("environment.yml").contains("pandas"));
    assert!(text("postBuild").contains("requirements.txt"));
    let loose: Vec<_> = text("requirements.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains("=="))
        .map(str::to_owned)
        .collect();
    assert!(loose.is_empty(), "without an exact version: {loose:?}");
}

fn cells(path: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder().join(path)).unwrap();
    let notebook: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&notebook["nbformat"], &notebook["nbformat_minor"]), (&4.into(), &5.into()), "{path}");
    notebook["cells"].as_array().unwrap().clone()
}

fn source(cell: &Value) -> String {
    cell["source"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

#[test]
fn its_notebooks_are_clean_and_each_exercise_has_a_check_and_a_solution() {
    for path in seeded().into_iter().filter(|path| path.ends_with(".ipynb")) {
        let cells = cells(&path);
        let ids: Vec<_> = cells.iter().map(|cell| cell["id"].as_str().unwrap()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path}: an id stands twice");
        assert!(source(&cells[0]).contains("After this notebook you can"), "{path}: outcomes");
        assert!(source(cells.last().unwrap()).starts_with("## Summary"), "{path}: summary");
        let mut exercises = 0;
        for cell in &cells {
            let id = cell["id"].as_str().unwrap();
            if cell["cell_type"] == "code" {
                assert_eq!(
                    (&cell["outputs"], &cell["execution_count"]),
                    (&Value::Array(vec![]), &Value::Null)
                );
            }
            if cell["metadata"]["tags"].as_array().is_some_and(|tags| tags.contains(&"exercise".into())) {
                exercises += 1;
                assert!(source(cell).contains("= ..."), "{path}: {id} is answered already");
                assert!(ids.contains(&format!("{id}-check").as_str()), "{path}: {id} has no check");
                assert!(ids.contains(&format!("{id}-solution").as_str()), "{path}: {id} has no solution");
            }
        }
        assert!(exercises >= 3, "{path}: {exercises} exercises");
    }
}
