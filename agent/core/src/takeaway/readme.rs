//! The README of what was taken away: what is in it, how to start it on a computer without kitbag, how to get a database
//! out again and everything off the computer. Written for a person who has never seen kitbag. Names in it are shown,
//! never painted.

use super::sh::{address, by_hand, docker, quoted};
use super::steps::{network, page, volumes, word};
use super::{Database, Pack, Program};
use crate::path::shown;

const TENTH_OF_A_GB: u64 = 100_000_000;

/// What a README tells besides what is in the pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About<'a> {
    /// What was packed.
    pub pack: &'a Pack,
    /// The course's version; none without a course.
    pub version: Option<String>,
    /// When, for people.
    pub taken: String,
    /// How many files of the work are in it.
    pub files: usize,
    /// Why there is no environment in it, or none of its images; a sentence.
    pub without: Vec<String>,
    /// What is not in it, or not as it is elsewhere: a path and a reason.
    pub left_out: Vec<(String, String)>,
}

/// The README.
pub fn readme(about: &About<'_>) -> String {
    let mut out = Text::default();
    let pack = about.pack;
    let version =
        about.version.as_ref().map(|version| format!(", version {}", shown(version))).unwrap_or_default();
    let title = format!("{}{version}", shown(&pack.title));
    out.line(&title);
    out.line("=".repeat(title.chars().count()));
    out.line("");
    out.line(format!("Taken away on {}. It needs neither kitbag nor an account.", shown(&about.taken)));
    contents(&mut out, about);
    for why in about.without.iter().chain(&pack.export.notes) {
        out.line("");
        out.line(shown(why));
    }
    if !pack.export.containers.is_empty() {
        containers(&mut out, pack);
    }
    if !pack.export.programs.is_empty() || pack.export.requirements.is_some() {
        programs(&mut out, pack);
    }
    databases(&mut out, pack);
    if !about.left_out.is_empty() {
        out.head("Not in here, or not as it was");
        for (path, why) in &about.left_out {
            out.line(format!("  {}: {}", shown(path), shown(why)));
        }
    }
    out.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    fn head(&mut self, title: &str) {
        self.line("");
        self.line(title);
        self.line("-".repeat(title.chars().count()));
    }

    /// Commands stand four spaces in, and nothing else does.
    fn commands(&mut self, lines: impl IntoIterator<Item = impl AsRef<str>>) {
        for line in lines {
            self.line(format!("    {}", line.as_ref()));
        }
    }
}

fn contents(out: &mut Text, about: &About<'_>) {
    let pack = about.pack;
    out.head("What is in it");
    out.line(format!("  work        your files ({} of them), plain as they are", about.files));
    for one in pack.databases.iter().filter(|one| one.dumped) {
        out.line(format!(
            "  {}  what {} held ({})",
            Pack::dump(&one.service),
            shown(&one.title),
            shown(&one.kind)
        ));
    }
    if about.version.is_some() {
        out.line("  course      the course as its team shipped it");
    }
    if let Some(file) = &pack.images {
        out.line(format!("  {file}  the course's programs, for Docker"));
    }
    if !pack.export.containers.is_empty() {
        out.line("  start.sh, start.cmd, stop.sh, stop.cmd  start and stop it (.cmd: Windows)");
        out.line("  compose.yaml  the same for docker compose");
    }
}

fn containers(out: &mut Text, pack: &Pack) {
    out.head("Start it");
    let room = pack.export.images_bytes.filter(|_| pack.images.is_some());
    let room = room.map(|bytes| bytes.div_ceil(TENTH_OF_A_GB));
    let room = room.map(|tenths| format!(" and about {}.{} GB of free disk", tenths / 10, tenths % 10));
    let room = room.unwrap_or_default();
    out.line(format!("You need Docker (https://docs.docker.com/get-docker/), started{room}."));
    out.line("");
    out.line("Windows: double-click start.cmd.");
    out.line("macOS, Linux: open a terminal in this folder and type");
    out.commands(["sh start.sh"]);
    out.line("");
    out.line("The first time takes some minutes. Then open the address that is shown. It holds a token that was made on");
    out.line("this computer: who has it gets in. It stands in the file .env.");
    out.line("");
    out.line("Your files are in the folder work all the time. To stop: stop.cmd, or");
    out.commands(["sh stop.sh"]);

    out.head("By hand");
    out.line("The same with plain docker, in a terminal in this folder (macOS, Linux):");
    out.line("");
    out.commands(by_hand(pack));
    out.line("");
    for one in &pack.export.pages {
        if let Some(pieces) = page(&pack.export, one) {
            out.line(format!("Then {} is at {}", one.service, address(&pieces)));
        }
    }

    out.head("With docker compose");
    out.line("Instead of the above: write a token of your own into the file .env, then start it.");
    out.line("");
    out.commands(["echo KITBAG_TOKEN=choose-a-long-word >.env"]);
    out.commands(pack.images.iter().map(|file| format!("docker load -i {}", quoted(file))));
    out.commands(["docker compose up -d"]);
    if pack.restored().next().is_some() {
        out.line("");
        out.line("Once it runs, the databases have to be brought in, once:");
        out.line("");
        out.commands(pack.restored().map(|(one, container)| command(pack, one, container, true)));
    }

    out.head("Take it off this computer");
    out.line("This removes the containers and what the databases hold now. The folder work stays.");
    out.line("");
    let parts = pack.export.containers.iter().rev();
    let containers: Vec<String> = parts.map(|one| pack.part(&one.name)).collect();
    out.commands([format!("docker rm -f -v {}", containers.join(" "))]);
    let volumes = volumes(pack);
    if !volumes.is_empty() {
        out.commands([format!("docker volume rm {}", volumes.join(" "))]);
    }
    out.commands(network(pack).map(|name| format!("docker network rm {name}")));
    out.commands(["rm -f .restored"]);
}

/// Bring a dump in, or write one.
fn command(pack: &Pack, one: &Database, container: &str, bring: bool) -> String {
    let (inside, file) = (pack.part(container), Pack::dump(&one.service));
    let words = |all: &[String]| all.iter().map(word).collect::<Vec<_>>();
    if bring {
        format!("{} <{}", docker(&format!("exec -i {inside}"), &words(&one.restore), "$PWD"), quoted(&file))
    } else {
        format!("{} >{}", docker(&format!("exec {inside}"), &words(&one.dump), "$PWD"), quoted(&file))
    }
}

fn databases(out: &mut Text, pack: &Pack) {
    let inside: Vec<_> = pack.restored().collect();
    if !inside.is_empty() {
        out.head("The databases");
        out.line("They live in Docker. Save one into its file again:");
        out.line("");
        out.commands(
            inside
                .iter()
                .filter(|(one, _)| !one.dump.is_empty())
                .map(|(one, container)| command(pack, one, container, false)),
        );
        out.line("");
        out.line("Bring a file in again; what the database holds is replaced:");
        out.line("");
        out.commands(inside.iter().map(|(one, container)| command(pack, one, container, true)));
    }
    let homeless = pack
        .databases
        .iter()
        .filter(|one| one.server && one.dumped && !pack.export.services.contains_key(&one.service));
    for one in homeless {
        out.head(&shown(&one.title));
        out.line(format!("Its dump is brought in where its server ({}) runs, by", shown(&one.kind)));
        out.line("");
        let words: Vec<_> = one.restore.iter().map(|word| quoted(word)).collect();
        out.commands([format!("{} <{}", words.join(" "), quoted(&Pack::dump(&one.service)))]);
    }
    let files: Vec<_> = pack.databases.iter().filter(|one| one.dumped && !one.server).collect();
    if !files.is_empty() {
        out.head("The SQLite databases");
        out.line("A dump is SQL. This makes the database of it again, as a file beside this one:");
        out.line("");
        out.commands(files.iter().map(|one| {
            format!("sqlite3 {}.sqlite <{}", quoted(&one.service), quoted(&Pack::dump(&one.service)))
        }));
        out.line("");
        out.line("The course's programs find it where this says:");
        out.line("");
        out.commands(files.iter().map(|one| {
            let variable = one.service.to_ascii_uppercase().replace('-', "_");
            format!("export KITBAG_{variable}_URL=\"sqlite:$PWD/{}.sqlite\"", one.service)
        }));
    }
}

/// The course with the programs of the computer itself.
fn programs(out: &mut Text, pack: &Pack) {
    out.head("Start it");
    out.line("The course ran with programs of the computer itself. You need Python 3 (https://www.python.org). In a terminal");
    out.line("in this folder (macOS, Linux; on Windows write py -m venv env, and env\\Scripts for env/bin):");
    out.line("");
    if let Some(requirements) = &pack.export.requirements {
        let file = format!("course/{}", crate::names::Naming::Windows.encode(requirements));
        out.commands(["python3 -m venv env".to_owned(), format!("env/bin/pip install -r {}", quoted(&file))]);
    }
    for one in &pack.export.programs {
        out.line("");
        out.line(format!("{}:", one.service));
        out.line("");
        out.commands([started(one)]);
        if let Some(port) = one.port {
            out.line("");
            let path = &one.path;
            let token = one.args.iter().chain(one.env.values()).any(|text| text.contains("{token}"));
            let token = if token { "; it asks for the token" } else { "" };
            out.line(format!("Then it is at http://127.0.0.1:{port}{path}{token}."));
        }
    }
}

fn started(one: &Program) -> String {
    let port = one.port.map_or_else(String::new, |port| port.to_string());
    let fill = |text: &str| {
        text.replace("{port}", &port).replace("{work}", ".").replace("{token}", "choose-a-long-word")
    };
    let mut line = "cd work && PATH=\"$PWD/../env/bin:$PATH\"".to_owned();
    for (name, value) in &one.env {
        line.push_str(&format!(" {name}={}", quoted(&fill(value))));
    }
    line.push_str(&format!(" {}", one.program));
    for arg in &one.args {
        line.push_str(&format!(" {}", quoted(&fill(arg))));
    }
    format!("({line})")
}
