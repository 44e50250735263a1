//! What a course needs of a computer, as its manifest says it: `[needs]` for every way to run it, and
//! `[backend.NAME.needs]` where one way needs something else. Sizes are written with their unit; places in the network
//! are named, so that nothing else is ever tried. Whether a computer has it all is judged in `fit`.

use serde::Serialize;
use toml::de::DeValue;

use super::block::{Block, OLD_NEEDS};
use super::name::nearest;
use super::problem::{At, Notes, quoted};

/// The kinds of processor a course can name, and other names for them that are understood.
const ARCHITECTURES: [(&str, &str); 4] =
    [("x86_64", "x86_64"), ("aarch64", "aarch64"), ("amd64", "x86_64"), ("arm64", "aarch64")];
/// A million GiB, a million cores: more is a slip of the finger.
const MOST_MB: u64 = 1 << 30;
const MOST_CORES: u64 = 1 << 20;
/// Most places in the network a course may name: it needs a few, and must not have a network looked through.
const MOST_PLACES: usize = 16;
/// Where downloads come from, when no port is named.
const HTTPS: u16 = 443;

/// What a course asks of a computer; nothing where it asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Memory, in MiB.
    pub memory_mb: Option<u64>,
    /// Free room where the environment will lie, before anything is downloaded, in MiB.
    pub disk_mb: Option<u64>,
    /// Processor cores.
    pub cores: Option<u64>,
    /// A graphics processor that programs can compute with.
    pub gpu: Option<bool>,
    /// Virtual machines can run.
    pub virtualisation: Option<bool>,
    /// The kinds of processor it runs on: `x86_64`, `aarch64`; any when empty.
    pub architecture: Option<Vec<String>>,
    /// Places in the network it gets something from.
    pub network: Option<Vec<Outside>>,
}

/// A place in the network that a course names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Outside {
    /// A name, or the four numbers of an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl std::fmt::Display for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            HTTPS => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

impl Needs {
    /// These, and where they say nothing the general ones.
    pub fn or(&self, general: &Needs) -> Needs {
        let (own, general) = (self.clone(), general.clone());
        Needs {
            memory_mb: own.memory_mb.or(general.memory_mb),
            disk_mb: own.disk_mb.or(general.disk_mb),
            cores: own.cores.or(general.cores),
            gpu: own.gpu.or(general.gpu),
            virtualisation: own.virtualisation.or(general.virtualisation),
            architecture: own.architecture.or(general.architecture),
            network: own.network.or(general.network),
        }
    }
}

/// MiB in words people use: `512 MB`, `7.5 GB`.
pub fn size_in_words(mb: u64) -> String {
    match mb {
        0..1024 => format!("{mb} MB"),
        _ if mb.is_multiple_of(1024) => format!("{} GB", mb / 1024),
        _ => {
            let tenths = mb.saturating_mul(10) / 1024;
            format!("{}.{} GB", tenths / 10, tenths % 10)
        }
    }
}

/// What stands in `[needs]`; or in `[machine]`, as it was called at first.
pub(super) fn read(top: &Block<'_>, notes: &mut Notes) -> Needs {
    let (needs, machine) = (top.block("needs", "[needs]", notes), top.block(OLD_NEEDS, "[machine]", notes));
    match (needs, machine) {
        (None, None) => Needs::default(),
        (Some(needs), None) => of(&needs, notes),
        (None, Some(old)) => {
            notes.warning(
                old.line,
                "What a course needs is called [needs] now.",
                "Write [needs] with `memory = \"2 GB\"`, `disk = \"500 MB\"` and `cores = 2`.",
            );
            let mut number = |key, most| old.number(key, 1, most, notes).map(|at| at.value);
            Needs {
                memory_mb: number("memory_mb", MOST_MB),
                disk_mb: number("disk_mb", MOST_MB),
                cores: number("cores", MOST_CORES),
                ..Needs::default()
            }
        }
        (Some(_), Some(old)) => {
            notes.problem(old.line, "[machine] and [needs] say the same thing.", "Keep [needs] only.");
            Needs::default()
        }
    }
}

/// What one block of needs says.
pub(super) fn of(block: &Block<'_>, notes: &mut Notes) -> Needs {
    Needs {
        memory_mb: size(block, "memory", notes),
        disk_mb: size(block, "disk", notes),
        cores: whole_number(block, "cores", notes),
        gpu: block.flag("gpu", notes).map(|at| at.value),
        virtualisation: block.flag("virtualisation", notes).map(|at| at.value),
        architecture: architectures(block, notes),
        network: network(block, notes),
    }
}

fn whole_number(block: &Block<'_>, key: &str, notes: &mut Notes) -> Option<u64> {
    block.number(key, 1, MOST_CORES, notes).map(|at| at.value)
}

/// A size with its unit, in MiB.
fn size(block: &Block<'_>, key: &str, notes: &mut Notes) -> Option<u64> {
    let At { value, line } = block.raw(key, notes)?;
    let found = match value {
        DeValue::String(text) => mebibytes(text).filter(|mb| (1..=MOST_MB).contains(mb)),
        _ => None,
    };
    if found.is_none() {
        let written = value.as_str().map_or_else(|| "a number without a unit".to_owned(), quoted);
        notes.problem(
            line,
            format!("`{key}` in {} has to be a size, not {written}.", block.name),
            format!("Write `{key} = \"2 GB\"` or `{key} = \"500 MB\"`, say, in double quotes."),
        );
    }
    found
}

/// `1.5 GB`, `500 MB`. A GB counts 1024 MB, as memory is sold.
fn mebibytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(at);
    let times: u64 = match unit.trim_start() {
        "MB" | "MiB" => 1,
        "GB" | "GiB" => 1024,
        "TB" | "TiB" => 1024 * 1024,
        _ => return None,
    };
    let (whole, rest) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(rest) {
        return None;
    }
    let part = rest.parse::<u64>().ok()? * times / 10_u64.pow(u32::try_from(rest.len()).ok()?);
    whole.parse::<u64>().ok()?.checked_mul(times)?.checked_add(part)
}

fn architectures(block: &Block<'_>, notes: &mut Notes) -> Option<Vec<String>> {
    block.raw("architecture", notes)?;
    let mut found: Vec<String> = Vec::new();
    for At { value, line } in block.texts("architecture", notes) {
        match ARCHITECTURES.iter().find(|(name, _)| *name == value) {
            Some((_, plain)) if !found.iter().any(|one| one == plain) => found.push((*plain).to_owned()),
            Some(_) => {}
            None => {
                let meant = nearest(value, ARCHITECTURES.iter().map(|(name, _)| *name));
                let remedy = meant.map_or_else(
                    || "Known here: x86_64 (Intel and AMD), aarch64 (ARM, Apple's M).".to_owned(),
                    |meant| format!("Did you mean `{meant}`?"),
                );
                notes.problem(line, format!("{} is not a kind of processor.", quoted(value)), remedy);
            }
        }
    }
    Some(found)
}

fn network(block: &Block<'_>, notes: &mut Notes) -> Option<Vec<Outside>> {
    block.raw("network", notes)?;
    let texts = block.texts("network", notes);
    if let Some(at) = texts.get(MOST_PLACES) {
        let message = format!("`network` names more than {MOST_PLACES} places.");
        notes.problem(at.line, message, "Name those that students cannot do without.");
        return None;
    }
    let mut found: Vec<Outside> = Vec::new();
    for At { value, line } in texts {
        match outside(value) {
            Some(place) if !found.contains(&place) => found.push(place),
            Some(_) => {}
            None => notes.problem(
                line,
                format!("{} is not a place in the network.", quoted(value)),
                "Write a host without `https://`, such as `pypi.org` or `registry.example.org:5000`.",
            ),
        }
    }
    Some(found)
}

/// A host, with a port where it is not that of https.
pub(super) fn outside(text: &str) -> Option<Outside> {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)?),
        None => (text, HTTPS),
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let good = host.len() <= 253 && host.split('.').all(label);
    good.then(|| Outside { host: host.to_ascii_lowercase(), port })
}

/// The registry that an image's name names itself; none where the name leaves it to the engine.
pub(super) fn registry(image: &str) -> Option<Outside> {
    let (first, _) = image.split_once('/')?;
    if !first.contains(['.', ':']) {
        return None;
    }
    match outside(first)? {
        // whom Docker asks for it, see docs.docker.com, "Allow list for Docker Desktop"
        place if place.host == "docker.io" => outside("registry-1.docker.io"),
        place => Some(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, mb) in [
            ("2 GB", Some(2048)),
            ("500MB", Some(500)),
            ("1.5 GiB", Some(1536)),
            ("0.25 TB", Some(256 * 1024)),
            (" 8  GB ", Some(8192)),
            ("2", None),
            ("2 gb", None),
            ("GB", None),
            (".5 GB", None),
            ("1.2.3 GB", None),
            ("-1 GB", None),
            ("1e3 MB", None),
            ("99999999999999999999 GB", None),
            ("999999999 TB", Some(999_999_999 * 1024 * 1024)),
        ] {
            assert_eq!(mebibytes(text), mb, "{text:?}");
        }
        for (mb, text) in
            [(512, "512 MB"), (1024, "1 GB"), (7700, "7.5 GB"), (u64::MAX, "1801439850948198.3 GB")]
        {
            assert_eq!(size_in_words(mb), text);
        }
    }

    #[test]
    fn places_in_the_network_are_hosts() {
        let place = |host: &str, port| Some(Outside { host: host.to_owned(), port });
        for (text, found) in [
            ("PyPI.org", place("pypi.org", 443)),
            ("registry.example.org:5000", place("registry.example.org", 5000)),
            ("10.0.0.7", place("10.0.0.7", 443)),
            ("https://pypi.org", None),
            ("pypi.org/simple", None),
            ("a..b", None),
            ("-a.b", None),
            ("a b", None),
            ("a:0", None),
            ("a:70000", None),
            ("::1", None),
            ("", None),
            ("\u{1b}[2J", None),
        ] {
            assert_eq!(outside(text), found, "{text:?}");
        }
    }

    /// Only a registry that the name itself names: which one an engine asks for a bare name is its own business.
    #[test]
    fn an_image_names_its_registry_or_none() {
        let host = |image: &str| registry(image).map(|place| place.to_string());
        assert_eq!(host("quay.io/jupyter/base:1"), Some("quay.io".to_owned()));
        assert_eq!(host("localhost:5000/pond"), Some("localhost:5000".to_owned()));
        assert_eq!(host("docker.io/library/postgres"), Some("registry-1.docker.io".to_owned()));
        assert_eq!((host("postgres:16"), host("kitbag/pond:1")), (None, None));
    }

    #[test]
    fn what_one_way_says_goes_before_what_all_say() {
        let general = Needs { memory_mb: Some(1), disk_mb: Some(2), gpu: Some(true), ..Needs::default() };
        let own = Needs { disk_mb: Some(9), gpu: Some(false), ..Needs::default() };
        let both = own.or(&general);
        assert_eq!(
            (both.memory_mb, both.disk_mb, both.gpu, both.cores),
            (Some(1), Some(9), Some(false), None)
        );
    }
}
