//! How a folder that was taken away is started on a Docker engine, as data: steps made of words, so that each script
//! only has to know how its own shell writes a word. Starting is for ever the same: what is there goes on, what is not
//! is made, and a dump is brought in once for each engine.

use super::{Build, Container, Export, Need, Pack, Source, port_variable};
use crate::names::Naming;

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Just this.
    Text(String),
    /// The access token.
    Token,
    /// What this variable holds: a port.
    Variable(String),
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arg {
    /// A word.
    Word(Vec<Piece>),
    /// A folder of the archive in a container.
    Bind { folder: String, target: String, read_only: bool },
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Read images from a file, unless all are there.
    Load { file: String, images: Vec<String> },
    /// Build an image, unless it is there.
    Build { image: String, args: Vec<Arg> },
    /// Make a network, unless it is there.
    Network(String),
    /// Start a container, or make it: with these variables around, and these arguments for the engine.
    Run { name: String, container: String, env: Vec<(String, Vec<Piece>)>, args: Vec<Arg> },
    /// Wait until a command in a container ends well.
    AwaitCommand { what: String, container: String, argv: Vec<Arg> },
    /// Wait until the engine calls a container healthy.
    AwaitHealth { what: String, container: String },
    /// Bring a dump in.
    Restore { title: String, container: String, argv: Vec<Arg>, file: String },
}

/// A word of a course, in which `{token}` may stand.
pub(super) fn filled(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (place, part) in text.split("{token}").enumerate() {
        if place > 0 {
            pieces.push(Piece::Token);
        }
        if !part.is_empty() {
            pieces.push(Piece::Text(part.to_owned()));
        }
    }
    pieces
}

/// A word as it is.
pub(super) fn word(text: impl Into<String>) -> Arg {
    Arg::Word(vec![Piece::Text(text.into())])
}

fn words(all: &[String]) -> Vec<Arg> {
    all.iter().map(word).collect()
}

/// Each variable for a port with the port it stands for when nobody chooses.
pub(super) fn ports(export: &Export) -> Vec<(String, u16)> {
    let ports = export.containers.iter().flat_map(|one| &one.ports);
    ports.filter_map(|port| Some((port_variable(port.service.as_ref()?), port.outside?))).collect()
}

/// Where a page is, with the token in it.
pub(super) fn page(export: &Export, page: &super::Page) -> Option<Vec<Piece>> {
    let container = export.containers.iter().find(|one| one.name == page.container)?;
    let port = container.ports.iter().find(|port| port.inside == page.inside)?;
    port.outside?;
    let mut pieces = vec![
        Piece::Text("http://127.0.0.1:".to_owned()),
        Piece::Variable(port_variable(port.service.as_ref()?)),
    ];
    if page.token {
        let sign = if page.path.contains('?') { '&' } else { '?' };
        pieces.extend([Piece::Text(format!("{}{sign}token=", page.path)), Piece::Token]);
    } else {
        pieces.push(Piece::Text(page.path.clone()));
    }
    Some(pieces)
}

/// Whether the containers need a network of their own.
pub(super) fn network(pack: &Pack) -> Option<String> {
    (pack.export.containers.len() > 1).then(|| pack.part("net"))
}

/// The volumes, by the names they get.
pub(super) fn volumes(pack: &Pack) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for mount in pack.export.containers.iter().flat_map(|one| &one.mounts) {
        if let Source::Volume(name) = &mount.from {
            let name = pack.part(name);
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
    all
}

/// All there is to do, in order.
pub(super) fn steps(pack: &Pack) -> Vec<Step> {
    let containers = &pack.export.containers;
    let mut steps = Vec::new();
    let mut images: Vec<String> = containers.iter().map(|one| one.image.clone()).collect();
    images.sort();
    images.dedup();
    match &pack.images {
        Some(file) => steps.push(Step::Load { file: file.clone(), images }),
        None => steps.extend(containers.iter().filter_map(build)),
    }
    steps.extend(network(pack).map(Step::Network));
    for one in containers {
        for (need, how) in &one.needs {
            if *how == Need::Healthy {
                steps.extend(
                    containers
                        .iter()
                        .find(|other| other.name == *need)
                        .and_then(|other| healthy(pack, other)),
                );
            }
        }
        steps.push(run(pack, one));
    }
    for (database, inside) in pack.restored() {
        let container = pack.part(inside);
        if !database.ready.is_empty() {
            let argv = words(&database.ready);
            steps.push(Step::AwaitCommand {
                what: database.title.clone(),
                container: container.clone(),
                argv,
            });
        }
        let file = Pack::dump(&database.service);
        steps.push(Step::Restore {
            title: database.title.clone(),
            container,
            argv: words(&database.restore),
            file,
        });
    }
    steps
}

fn build(one: &Container) -> Option<Step> {
    let build = one.build.as_ref()?;
    let context = context(build);
    let dockerfile =
        build.dockerfile.as_ref().map_or("Dockerfile".into(), |path| Naming::Windows.encode(path));
    let mut args = vec![word("-t"), word(&one.image), word("-f"), word(format!("{context}/{dockerfile}"))];
    for (name, value) in &build.args {
        args.extend([word("--build-arg"), word(format!("{name}={value}"))]);
    }
    args.push(word(context));
    Some(Step::Build { image: one.image.clone(), args })
}

/// The folder of the archive an image is built from.
pub(super) fn context(build: &Build) -> String {
    build
        .context
        .as_ref()
        .map_or_else(|| "course".to_owned(), |path| format!("course/{}", Naming::Windows.encode(path)))
}

fn healthy(pack: &Pack, one: &Container) -> Option<Step> {
    let (what, container) = (one.name.clone(), pack.part(&one.name));
    let Some(health) = &one.health else { return Some(Step::AwaitHealth { what, container }) };
    match health.test.split_first() {
        Some((kind, rest)) if kind == "CMD" => {
            Some(Step::AwaitCommand { what, container, argv: words(rest) })
        }
        Some((kind, rest)) if kind == "CMD-SHELL" => {
            let argv = ["sh".to_owned(), "-c".to_owned(), rest.join(" ")];
            Some(Step::AwaitCommand { what, container, argv: words(&argv) })
        }
        _ => None,
    }
}

/// Not by the engine's own checks: in plain words of a command they cannot be said without a shell.
fn run(pack: &Pack, one: &Container) -> Step {
    let mut args = vec![word("--hostname"), word(&one.name)];
    if let Some(network) = network(pack) {
        args.extend([word("--network"), word(network), word("--network-alias"), word(&one.name)]);
    }
    for port in &one.ports {
        let mut pieces = vec![Piece::Text("127.0.0.1:".to_owned())];
        match (&port.service, port.outside) {
            (Some(service), Some(_)) => pieces.push(Piece::Variable(port_variable(service))),
            (None, Some(outside)) => pieces.push(Piece::Text(outside.to_string())),
            _ => {}
        }
        pieces.push(Piece::Text(format!(":{}", port.inside)));
        args.extend([word("-p"), Arg::Word(pieces)]);
    }
    for mount in &one.mounts {
        let (target, read_only) = (mount.target.clone(), mount.read_only);
        match folder(&mount.from) {
            Ok(folder) => args.push(Arg::Bind { folder, target, read_only }),
            Err(volume) => {
                let end = if read_only { ":ro" } else { "" };
                args.extend([word("-v"), word(format!("{}:{target}{end}", pack.part(volume)))]);
            }
        }
    }
    let mut env = Vec::new();
    for (name, value) in &one.env {
        let pieces = filled(value);
        if pieces.contains(&Piece::Token) {
            // by name only: what stands on a command line can be read by others of the computer
            env.push((name.clone(), pieces));
            args.extend([word("-e"), word(name)]);
        } else {
            args.extend([word("-e"), word(format!("{name}={value}"))]);
        }
    }
    for (option, value) in [("-w", &one.working_dir), ("-u", &one.user)] {
        if let Some(value) = value {
            args.extend([word(option), word(value)]);
        }
    }
    let mut rest = Vec::new();
    if let Some((first, more)) = one.entrypoint.as_ref().and_then(|words| words.split_first()) {
        args.extend([word("--entrypoint"), Arg::Word(filled(first))]);
        rest.extend(more);
    }
    args.push(word(&one.image));
    rest.extend(one.command.iter().flatten());
    args.extend(rest.into_iter().map(|text| Arg::Word(filled(text))));
    Step::Run { name: one.name.clone(), container: pack.part(&one.name), env, args }
}

/// The folder of the archive, or the volume.
pub(super) fn folder(from: &Source) -> Result<String, &str> {
    let (top, below) = match from {
        Source::Work(below) => ("work", below),
        Source::Data(below) => ("data", below),
        Source::Volume(name) => return Err(name),
    };
    Ok(below
        .as_ref()
        .map_or_else(|| top.to_owned(), |below| format!("{top}/{}", Naming::Windows.encode(below))))
}
