//! The environment as a compose file, for `docker compose up -d`. Texts are written as JSON has them, which is YAML too,
//! so nothing in a text can become another line.

use super::steps::{Piece, context, filled, folder, network, ports};
use super::{Container, Health, Need, Pack, port_variable};
use crate::names::Naming;

/// What is said where nobody chose a token: an empty one would let everybody in.
const TOKEN: &str = "${KITBAG_TOKEN:?write KITBAG_TOKEN=a-long-word into the file .env}";

/// The compose file.
pub fn compose(pack: &Pack) -> String {
    let mut out = Lines(format!(
        "# {} without kitbag: docker compose up -d\n# README.txt tells how, and what goes before and after.\n",
        pack.title.replace(char::is_control, " ")
    ));
    out.put(0, format!("name: {}", text(&pack.part("compose"))));
    out.put(0, "services:");
    for one in &pack.export.containers {
        service(&mut out, pack, one);
    }
    let mut volumes: Vec<&str> = Vec::new();
    for mount in pack.export.containers.iter().flat_map(|one| &one.mounts) {
        if let Err(volume) = folder(&mount.from)
            && !volumes.contains(&volume)
        {
            volumes.push(volume);
        }
    }
    if !volumes.is_empty() {
        out.put(0, "volumes:");
        for volume in volumes {
            out.put(1, format!("{}:", text(volume)));
            // the very volume start.sh uses
            out.put(2, format!("name: {}", text(&pack.part(volume))));
        }
    }
    if let Some(network) = network(pack) {
        out.put(0, "networks:");
        out.put(1, "default:");
        out.put(2, format!("name: {}", text(&network)));
    }
    out.0
}

struct Lines(String);

impl Lines {
    fn put(&mut self, depth: usize, line: impl AsRef<str>) {
        self.0.push_str(&"  ".repeat(depth));
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    fn list(&mut self, depth: usize, name: &str, words: impl IntoIterator<Item = String>) {
        let words: Vec<String> = words.into_iter().collect();
        self.put(depth, format!("{name}: [{}]", words.join(", ")));
    }
}

/// A text as YAML has it, and nothing of it filled in by compose.
fn text(plain: &str) -> String {
    serde_json::Value::from(plain.replace('$', "$$")).to_string()
}

/// A text in which the token may stand.
fn with_token(plain: &str) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.replace('$', "$$"),
        _ => TOKEN.to_owned(),
    };
    let whole: String = filled(plain).iter().map(piece).collect();
    serde_json::Value::from(whole).to_string()
}

fn service(out: &mut Lines, pack: &Pack, one: &Container) {
    out.put(1, format!("{}:", text(&one.name)));
    out.put(2, format!("container_name: {}", text(&pack.part(&one.name))));
    out.put(2, format!("hostname: {}", text(&one.name)));
    out.put(2, format!("image: {}", text(&one.image)));
    if let (None, Some(build)) = (&pack.images, &one.build) {
        out.put(2, "build:");
        out.put(3, format!("context: {}", text(&format!("./{}", context(build)))));
        if let Some(dockerfile) = &build.dockerfile {
            out.put(3, format!("dockerfile: {}", text(&Naming::Windows.encode(dockerfile))));
        }
        if !build.args.is_empty() {
            out.put(3, "args:");
        }
        for (name, value) in &build.args {
            out.put(4, format!("{name}: {}", text(value)));
        }
    }
    if let Some(words) = &one.entrypoint {
        out.list(2, "entrypoint", words.iter().map(|word| with_token(word)));
    }
    if let Some(words) = &one.command {
        out.list(2, "command", words.iter().map(|word| with_token(word)));
    }
    for (name, value) in [("working_dir", &one.working_dir), ("user", &one.user)] {
        if let Some(value) = value {
            out.put(2, format!("{name}: {}", text(value)));
        }
    }
    if !one.env.is_empty() {
        out.put(2, "environment:");
    }
    for (name, value) in &one.env {
        out.put(3, format!("{name}: {}", with_token(value)));
    }
    publish(out, pack, one);
    mounts(out, one);
    if !one.needs.is_empty() {
        out.put(2, "depends_on:");
    }
    for (name, need) in &one.needs {
        let condition = if *need == Need::Healthy { "service_healthy" } else { "service_started" };
        out.put(3, format!("{}: {{ condition: {condition} }}", text(name)));
    }
    if let Some(health) = &one.health {
        healthcheck(out, health);
    }
    out.put(2, "stop_grace_period: 30s");
}

fn publish(out: &mut Lines, pack: &Pack, one: &Container) {
    if one.ports.is_empty() {
        return;
    }
    out.put(2, "ports:");
    let chosen = ports(&pack.export);
    for port in &one.ports {
        let variable = port.service.as_deref().map(port_variable);
        let outside = match (variable, port.outside) {
            (Some(name), Some(number)) if chosen.iter().any(|(known, _)| *known == name) => {
                format!("${{{name}:-{number}}}")
            }
            (_, Some(number)) => number.to_string(),
            (_, None) => String::new(),
        };
        out.put(3, format!("- \"127.0.0.1:{outside}:{}\"", port.inside));
    }
}

fn mounts(out: &mut Lines, one: &Container) {
    if !one.mounts.is_empty() {
        out.put(2, "volumes:");
    }
    for mount in &one.mounts {
        let (kind, source) = match folder(&mount.from) {
            Ok(folder) => ("bind", format!("./{folder}")),
            Err(volume) => ("volume", volume.to_owned()),
        };
        out.put(3, format!("- type: {kind}"));
        out.put(4, format!("source: {}", text(&source)));
        out.put(4, format!("target: {}", text(&mount.target)));
        if mount.read_only {
            out.put(4, "read_only: true");
        }
    }
}

fn healthcheck(out: &mut Lines, health: &Health) {
    out.put(2, "healthcheck:");
    out.list(3, "test", health.test.iter().map(|word| text(word)));
    for (name, millis) in [
        ("interval", health.interval_ms),
        ("timeout", health.timeout_ms),
        ("start_period", health.start_period_ms),
    ] {
        if let Some(millis) = millis {
            out.put(3, format!("{name}: {millis}ms"));
        }
    }
    if let Some(retries) = health.retries {
        out.put(3, format!("retries: {retries}"));
    }
}
