//! The start and stop scripts for macOS and Linux: plain `sh`, plain `docker`. Also how the README writes a command.

use super::Pack;
use crate::path::shown;

use super::steps::{Arg, Piece, Step, page, ports, steps};

const START: &str = r#"set -eu
cd "$(dirname "$0")"
here=$(pwd)
say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
command -v docker >/dev/null 2>&1 || fail "Docker is not installed: see https://docs.docker.com/get-docker/"
docker info >/dev/null 2>&1 || fail "Docker does not answer. Start it and try again (on Linux perhaps with sudo)."
# Whoever has the token gets in. It stands in .env, which docker compose reads too.
if [ ! -f .env ]; then
    (umask 077; printf 'KITBAG_TOKEN=%s\n' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >.env)
fi
setting() { sed -n "s/^$1=//p" .env | tr -d '\r' | head -n 1; }
: "${KITBAG_TOKEN:=$(setting KITBAG_TOKEN)}"
[ -n "$KITBAG_TOKEN" ] || fail "There is no KITBAG_TOKEN in the file .env. Remove the file, and a new one is made."
# In a mount a quotation mark is written twice.
folder=$(printf '%s' "$here" | sed 's/"/""/g')
await() { # await NAME COMMAND...
    name=$1 turn=0
    shift
    until "$@" </dev/null >/dev/null 2>&1; do
        turn=$((turn + 1))
        [ "$turn" -lt 300 ] || fail "$name did not get ready in five minutes. See: docker ps -a"
        sleep 1
    done
}
healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; }
there() { docker image inspect "$@" >/dev/null 2>&1; }
"#;

/// What follows once everything runs: dumps come in once for each engine, so that later work is never undone.
const FIRST: &str = r#"engine=$(docker info -f '{{.ID}}')
if [ "$(cat .restored 2>/dev/null || true)" != "$engine" ]; then
"#;

/// A command of `docker` as `sh` reads it.
pub(super) fn docker(verb: &str, args: &[Arg], here: &str) -> String {
    let mut line = format!("docker {verb}");
    for arg in args {
        line.push(' ');
        line.push_str(&written(arg, here));
    }
    line
}

fn written(arg: &Arg, here: &str) -> String {
    match arg {
        Arg::Word(pieces) if pieces.is_empty() => "''".to_owned(),
        Arg::Word(pieces) => pieces.iter().map(piece).collect(),
        Arg::Bind { folder, target, read_only } => {
            let end = if *read_only { ",readonly" } else { "" };
            // quoted as the engine's own lists are, since a comma parts them
            format!(
                "--mount \"type=bind,\\\"source={here}/{}\\\",target={}{end}\"",
                doubled(folder),
                doubled(target)
            )
        }
    }
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => quoted(text),
        Piece::Token => "\"$KITBAG_TOKEN\"".to_owned(),
        Piece::Variable(name) => format!("\"${name}\""),
    }
}

/// A word that `sh` reads as just this.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@,+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Between double quotes.
fn doubled(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '$' | '`' | '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The variables for `docker run` that hold the token.
fn around(env: &[(String, Vec<Piece>)]) -> String {
    env.iter()
        .map(|(name, value)| format!("{name}={} ", value.iter().map(piece).collect::<String>()))
        .collect()
}

/// The script that starts everything.
pub fn start(pack: &Pack) -> String {
    let mut out = format!(
        "#!/bin/sh\n# Starts \"{}\" with Docker. README.txt tells what is what.\n{START}",
        shown(&pack.title)
    );
    for (name, port) in ports(&pack.export) {
        out.push_str(&format!(": \"${{{name}:=$(setting {name})}}\" \"${{{name}:={port}}}\"\n"));
    }
    let (before, restores): (Vec<_>, Vec<_>) =
        steps(pack).into_iter().partition(|step| !matches!(step, Step::Restore { .. }));
    for step in &before {
        out.push_str(&line(step));
    }
    if !restores.is_empty() {
        out.push_str(FIRST);
        for step in &restores {
            out.push_str(&line(step));
        }
        out.push_str("    printf '%s\\n' \"$engine\" >.restored\nfi\n");
    }
    out.push_str("say 'Ready. Your files are in the folder work. Open:'\n");
    for one in &pack.export.pages {
        if let Some(address) = page(&pack.export, one) {
            let address: String = address.iter().map(piece).collect();
            out.push_str(&format!("printf '  %s: %s\\n' {} {address}\n", quoted(&one.service)));
        }
    }
    out
}

fn line(step: &Step) -> String {
    match step {
        Step::Load { file, images } => {
            let images: Vec<_> = images.iter().map(|image| quoted(image)).collect();
            format!(
                "if ! there {}; then\n    say 'Reading the programs of the course; this takes a while.'\n    \
                 docker load -i {} >&2\nfi\n",
                images.join(" "),
                quoted(file)
            )
        }
        Step::Build { image, args } => {
            format!("there {} || {} >&2\n", quoted(image), docker("build", args, "$folder"))
        }
        Step::Network(name) => {
            format!(
                "docker network inspect {name} >/dev/null 2>&1 || docker network create {name} >/dev/null\n"
            )
        }
        Step::Run { name, container, env, args } => format!(
            "say {}\nif docker container inspect {container} >/dev/null 2>&1; then\n    docker start {container} \
             >/dev/null\nelse\n    {}{} >/dev/null\nfi\n",
            quoted(&format!("Starting {name}.")),
            around(env),
            docker(&format!("run -d --name {container}"), args, "$folder")
        ),
        Step::AwaitCommand { what, container, argv } => {
            format!("await {} {}\n", quoted(what), docker(&format!("exec {container}"), argv, "$folder"))
        }
        Step::AwaitHealth { what, container } => format!("await {} healthy {container}\n", quoted(what)),
        Step::Restore { title, container, argv, file } => format!(
            "    say {}\n    {} <{} >&2\n",
            quoted(&format!("Bringing {title} in.")),
            docker(&format!("exec -i {container}"), argv, "$folder"),
            quoted(file)
        ),
    }
}

/// The same by hand, for people who type: one command a line.
pub(super) fn by_hand(pack: &Pack) -> Vec<String> {
    let mut lines = vec!["export KITBAG_TOKEN=choose-a-long-word".to_owned()];
    lines.extend(ports(&pack.export).into_iter().map(|(name, port)| format!("{name}={port}")));
    for step in steps(pack) {
        lines.push(match step {
            Step::Load { file, .. } => format!("docker load -i {}", quoted(&file)),
            Step::Build { args, .. } => docker("build", &args, "$PWD"),
            Step::Network(name) => format!("docker network create {name}"),
            Step::Run { container, env, args, .. } => {
                format!("{}{}", around(&env), docker(&format!("run -d --name {container}"), &args, "$PWD"))
            }
            Step::AwaitCommand { container, argv, .. } => {
                let command = docker(&format!("exec {container}"), &argv, "$PWD");
                format!("until {command}; do sleep 1; done")
            }
            Step::AwaitHealth { container, .. } => format!(
                "until [ \"$(docker inspect -f '{{{{.State.Health.Status}}}}' {container})\" = healthy ]; do sleep 1; done"
            ),
            Step::Restore { container, argv, file, .. } => {
                format!("{} <{}", docker(&format!("exec -i {container}"), &argv, "$PWD"), quoted(&file))
            }
        });
    }
    lines
}

/// An address for people who type.
pub(super) fn address(pieces: &[Piece]) -> String {
    let one = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Token => "TOKEN".to_owned(),
        Piece::Variable(name) => name.clone(),
    };
    pieces.iter().map(one).collect()
}

/// The script that stops everything; nothing is removed.
pub fn stop(pack: &Pack) -> String {
    let mut out = "#!/bin/sh\n# Stops what start.sh started. Files and databases stay.\n".to_owned();
    for one in pack.export.containers.iter().rev() {
        let container = pack.part(&one.name);
        out.push_str(&format!(
            "docker stop -t 30 {container} >/dev/null && printf 'Stopped {}.\\n'\n",
            one.name
        ));
    }
    out
}
