//! A course of several linked services, written as a compose file so that `docker compose` can start it without
//! kitbag too. Only what courses need is read: services with image or build, ports, volumes, environment,
//! depends_on with conditions, healthcheck, command, entrypoint, working_dir, user. Anything else is refused by
//! its name and line, since what is read past silently would start something else than the author meant.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_sdk::Fault;

use crate::layout::{Build, Condition, Container, From, Health, Image, invalid, is_name, ordered, shown};
use crate::rules;
use crate::yaml::{self, Key, Node, Value, Wrong};

/// How many services a course may have.
const MOST: usize = 20;

/// Read a compose file's containers, each after those it needs.
///
/// # Errors
/// `invalid-config` with the line and what is wrong there.
pub fn read(text: &str) -> Result<Vec<Container>, Fault> {
    let read = file(text).map_err(|Wrong { line, what }| {
        invalid(format!("Line {line} of the course's compose file: {what}"))
    })?;
    ordered(read)
}

type Read<T> = Result<T, Wrong>;

fn wrong<T>(line: usize, what: impl Into<String>) -> Read<T> {
    Err(Wrong { line, what: what.into() })
}

fn file(text: &str) -> Read<Vec<Container>> {
    let top = yaml::read(text)?;
    let mut containers = Vec::new();
    let mut volumes = BTreeSet::new();
    let mut found = false;
    for (key, node) in map(&top, "The file")? {
        match key.name.as_str() {
            // Of old files; it means nothing any more.
            "version" => drop(plain(node, "version")?),
            "services" => {
                found = true;
                for (name, node) in map(node, "services")? {
                    containers.push((name.line, service(name, node)?));
                }
            }
            "volumes" => {
                for (name, node) in map(node, "volumes")? {
                    match &node.value {
                        Value::Nothing => {}
                        Value::Map(options) if options.is_empty() => {}
                        _ => {
                            return wrong(
                                node.line,
                                format!("Options of the volume {} are not read here.", shown(&name.name)),
                            );
                        }
                    }
                    volumes.insert(name.name.clone());
                }
            }
            other => {
                return wrong(
                    key.line,
                    format!("{} is not read here; services and volumes are.", shown(other)),
                );
            }
        }
    }
    if !found || containers.is_empty() {
        return wrong(top.line, "There are no services.");
    }
    if containers.len() > MOST {
        return wrong(top.line, format!("There are more than {MOST} services."));
    }
    for (line, container) in &containers {
        for mount in &container.mounts {
            if let From::Volume(name) = &mount.from
                && !volumes.contains(name)
            {
                return wrong(
                    *line,
                    format!("The volume {} stands in no list of volumes at the end.", shown(name)),
                );
            }
        }
    }
    Ok(containers.into_iter().map(|(_, container)| container).collect())
}

fn service(key: &Key, node: &Node) -> Read<Container> {
    if !is_name(&key.name) {
        return wrong(key.line, format!("{} cannot be the name of a service.", shown(&key.name)));
    }
    let mut out = Container {
        name: key.name.clone(),
        image: Image { name: None, file: None, size_mb: None, arch: BTreeMap::new(), build: None },
        ports: Vec::new(),
        mounts: Vec::new(),
        env: BTreeMap::new(),
        command: None,
        entrypoint: None,
        working_dir: None,
        user: None,
        health: None,
        needs: BTreeMap::new(),
    };
    for (setting, node) in map(node, &key.name)? {
        match setting.name.as_str() {
            "image" => out.image.name = Some(with(node, "image", rules::image)?),
            "build" => out.image.build = Some(build(node)?),
            "ports" => {
                for one in list(node, "ports")? {
                    out.ports.push(with(one, "a port", rules::published)?);
                }
            }
            "volumes" => {
                for one in list(node, "volumes")? {
                    out.mounts.push(with(one, "a volume", rules::mount)?);
                }
            }
            "environment" => out.env = environment(node)?,
            "depends_on" => out.needs = needs(node)?,
            "healthcheck" => out.health = health(node)?,
            "command" => out.command = Some(command(node, "command")?),
            "entrypoint" => out.entrypoint = Some(command(node, "entrypoint")?),
            "working_dir" => out.working_dir = Some(with(node, "working_dir", rules::inside)?),
            "user" => out.user = Some(with(node, "user", user)?),
            other => {
                return wrong(
                    setting.line,
                    format!("{} of the service {} is not read here.", shown(other), shown(&key.name)),
                );
            }
        }
    }
    if out.image.name.is_none() && out.image.build.is_none() {
        return wrong(key.line, format!("The service {} has neither image nor build.", shown(&key.name)));
    }
    Ok(out)
}

/// A user by name or number, and a group.
pub fn user(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let part = |part: &str| !part.is_empty() && part.len() <= 32 && part.chars().all(fits);
    if text.splitn(2, ':').all(part) {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is not a user.", shown(text)))
    }
}

fn build(node: &Node) -> Read<Build> {
    let mut build = Build { context: String::new(), dockerfile: "Dockerfile".into(), args: BTreeMap::new() };
    if let Value::Text(_) = node.value {
        build.context = with(node, "build", rules::below)?;
        return Ok(build);
    }
    for (key, node) in map(node, "build")? {
        match key.name.as_str() {
            "context" => build.context = with(node, "context", rules::below)?,
            "dockerfile" => build.dockerfile = with(node, "dockerfile", rules::below)?,
            "args" => build.args = environment(node)?,
            other => return wrong(key.line, format!("{} of build is not read here.", shown(other))),
        }
    }
    Ok(build)
}

fn environment(node: &Node) -> Read<BTreeMap<String, String>> {
    let mut env = BTreeMap::new();
    let mut add = |line: usize, name: &str, value: String| {
        let name = rules::variable(name).map_err(|what| Wrong { line, what })?;
        if env.insert(name.clone(), value).is_some() {
            return wrong(line, format!("{} stands here twice.", shown(&name)));
        }
        Ok(())
    };
    let taken = |name: &str| {
        format!("{} has no value; it would come from your own computer, which it cannot.", shown(name))
    };
    match &node.value {
        Value::Map(entries) => {
            for (key, node) in entries {
                match &node.value {
                    Value::Text(_) => add(key.line, &key.name, plain(node, &key.name)?)?,
                    Value::Nothing => return wrong(key.line, taken(&key.name)),
                    _ => return wrong(node.line, format!("{} has to be a text.", shown(&key.name))),
                }
            }
        }
        Value::List(entries) => {
            for node in entries {
                let text = plain(node, "environment")?;
                let Some((name, value)) = text.split_once('=') else { return wrong(node.line, taken(&text)) };
                add(node.line, name, value.to_owned())?;
            }
        }
        _ => return wrong(node.line, "environment has to be a block of settings or a list of NAME=VALUE."),
    }
    Ok(env)
}

fn needs(node: &Node) -> Read<BTreeMap<String, Condition>> {
    let mut needs = BTreeMap::new();
    match &node.value {
        Value::List(entries) => {
            for one in entries {
                needs.insert(plain(one, "depends_on")?, Condition::Started);
            }
        }
        _ => {
            for (key, node) in map(node, "depends_on")? {
                let mut condition = Condition::Started;
                for (setting, node) in map(node, "depends_on")? {
                    match (setting.name.as_str(), plain(node, &setting.name)?.as_str()) {
                        ("condition", "service_started") => condition = Condition::Started,
                        ("condition", "service_healthy") => condition = Condition::Healthy,
                        ("condition", other) => {
                            return wrong(
                                node.line,
                                format!("The condition {} is not known here.", shown(other)),
                            );
                        }
                        (other, _) => {
                            return wrong(
                                setting.line,
                                format!("{} of depends_on is not read here.", shown(other)),
                            );
                        }
                    }
                }
                needs.insert(key.name.clone(), condition);
            }
        }
    }
    Ok(needs)
}

fn health(node: &Node) -> Read<Option<Health>> {
    let mut health = Health {
        test: Vec::new(),
        interval_ms: None,
        timeout_ms: None,
        retries: None,
        start_period_ms: None,
    };
    let mut off = false;
    for (key, node) in map(node, "healthcheck")? {
        match key.name.as_str() {
            "test" => {
                health.test = match &node.value {
                    Value::List(words) => {
                        words.iter().map(|word| plain(word, "test")).collect::<Read<_>>()?
                    }
                    _ => vec!["CMD-SHELL".to_owned(), plain(node, "test")?],
                };
                let known = matches!(health.test.first().map(String::as_str), Some("CMD" | "CMD-SHELL") if health.test.len() > 1);
                if !known && health.test != ["NONE"] {
                    return wrong(
                        node.line,
                        "A test begins with CMD or CMD-SHELL and says what to run, or is NONE.",
                    );
                }
            }
            "interval" => health.interval_ms = Some(with(node, "interval", rules::duration)?),
            "timeout" => health.timeout_ms = Some(with(node, "timeout", rules::duration)?),
            "start_period" => health.start_period_ms = Some(with(node, "start_period", rules::duration)?),
            "retries" => {
                let number =
                    |text: &str| text.parse().map_err(|_| format!("{} is not a number.", shown(text)));
                health.retries = Some(with(node, "retries", number)?);
            }
            "disable" => off = with(node, "disable", truth)?,
            other => return wrong(key.line, format!("{} of healthcheck is not read here.", shown(other))),
        }
    }
    if off {
        health.test = vec!["NONE".to_owned()];
    } else if health.test.is_empty() {
        return wrong(node.line, "The healthcheck has no test.");
    }
    Ok(Some(health))
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{} is neither true nor false.", shown(text))),
    }
}

fn command(node: &Node, name: &str) -> Read<Vec<String>> {
    match &node.value {
        Value::List(words) => words.iter().map(|word| plain(word, name)).collect(),
        _ => with(node, name, rules::words),
    }
}

fn map<'n>(node: &'n Node, name: &str) -> Read<&'n [(Key, Node)]> {
    match &node.value {
        Value::Map(map) => Ok(map),
        _ => wrong(node.line, format!("{} has to be a block of settings, not {}.", shown(name), node.kind())),
    }
}

fn list<'n>(node: &'n Node, name: &str) -> Read<&'n [Node]> {
    match &node.value {
        Value::List(list) => Ok(list),
        _ => wrong(node.line, format!("{} has to be a list, not {}.", shown(name), node.kind())),
    }
}

/// A text with what kitbag fills in.
fn plain(node: &Node, name: &str) -> Read<String> {
    match &node.value {
        Value::Text(text) if text.contains('\0') => {
            wrong(node.line, format!("{} holds a zero byte.", shown(name)))
        }
        Value::Text(text) => filled(text).map_err(|what| Wrong { line: node.line, what }),
        _ => wrong(node.line, format!("{} has to be a text, not {}.", shown(name), node.kind())),
    }
}

fn with<T>(node: &Node, name: &str, rule: impl FnOnce(&str) -> Result<T, String>) -> Read<T> {
    rule(&plain(node, name)?).map_err(|what| Wrong { line: node.line, what })
}

/// `${KITBAG_TOKEN}` is the access token, `$$` a dollar sign; there is nothing else to fill in.
fn filled(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix("{KITBAG_TOKEN}") {
            out.push_str("{token}");
            rest = after;
        } else {
            return Err(format!(
                "{} is not filled in here; ${{KITBAG_TOKEN}} is, and $$ is a dollar sign.",
                shown(text)
            ));
        }
    }
    Ok(out + rest)
}

#[cfg(test)]
mod tests;
