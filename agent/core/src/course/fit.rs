//! Can this computer run the course, asked before anything is downloaded: what the course needs beside what is here,
//! one line for each need and for each drive; which of them is missing, and whether that forbids it or only makes it
//! tight; and what else could be done with this very course. What is not known of a computer is never held against it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::needs::{Needs, size_in_words as size};
use super::{Course, Service};
use crate::finding::Finding;
use crate::path::shown;

/// Less room than this left over is tight, in MiB.
const HEADROOM: u64 = 1024;

/// What a computer has; nothing where it could not be found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Have {
    /// Memory, in MiB.
    pub memory_mb: Option<u64>,
    /// Processor cores.
    pub cores: Option<u64>,
    /// The part of it that the environment can have, where that is less: a virtual machine's.
    pub inside: Option<Inside>,
    /// A graphics processor that programs can compute with.
    pub gpu: Option<bool>,
    /// Who gives the course's programs none, whatever is here, such as `Docker`.
    pub no_gpu: Option<String>,
    /// Virtual machines can run.
    pub virtualisation: Option<bool>,
    /// The kind of its processor: `x86_64`, `aarch64`.
    pub architecture: Option<String>,
    /// Where something will be written, and how much.
    pub rooms: Vec<Room>,
}

/// What the environment can have of the computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Whose it is, such as `Docker`.
    pub title: String,
    /// Memory, in MiB.
    pub memory_mb: u64,
    /// Processor cores.
    pub cores: u64,
}

/// Something that will be written to a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// What of the course: `the environment`, `the working folder`.
    pub of: &'static str,
    /// The drive's name for people; rooms on one drive add up.
    pub volume: String,
    /// What is free on the drive, in MiB.
    pub free_mb: u64,
    /// What will be written, in MiB.
    pub needs_mb: u64,
}

/// How one need is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is here.
    Enough,
    /// Nobody knows.
    Unknown,
    /// Less than the course asks for, or just enough: it may go, slowly.
    Tight,
    /// The course cannot run.
    Cannot,
}

/// One need and what is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Weighed {
    /// What is needed: `memory`, `disk`, `cores`, `gpu`, `virtualisation`, `architecture`.
    pub what: &'static str,
    /// How much, in words.
    pub needs: String,
    /// What is here, in words.
    pub has: String,
    /// How that goes together.
    pub verdict: Verdict,
    /// What to say about it, where it is tight or missing.
    pub finding: Option<Finding>,
}

/// What a course needs beside what is here, in a fixed order; only what it needs.
pub fn weigh(needs: &Needs, have: &Have) -> Vec<Weighed> {
    let memory = needs.memory_mb.map(|need| memory(need, have));
    let cores = needs.cores.map(|need| cores(need, have));
    let gpu = needs.gpu.filter(|need| *need).map(|_| gpu(have));
    let virtual_machines = needs.virtualisation.filter(|need| *need).map(|_| virtualisation(have));
    let processor = needs.architecture.as_ref().filter(|kinds| !kinds.is_empty());
    let processor = processor.map(|kinds| architecture_of(kinds, have.architecture.as_deref()));
    let one = [memory, cores, gpu, virtual_machines, processor];
    one.into_iter().flatten().chain(disks(&have.rooms)).collect()
}

/// Whether nothing forbids it.
pub fn fits(weighed: &[Weighed]) -> bool {
    weighed.iter().all(|one| one.verdict < Verdict::Cannot)
}

/// What is missing or tight, the worst first, in words.
pub fn short(weighed: &[Weighed]) -> Vec<&Finding> {
    let with = |verdict: Verdict| weighed.iter().filter(move |one| one.verdict == verdict);
    with(Verdict::Cannot).chain(with(Verdict::Tight)).filter_map(|one| one.finding.as_ref()).collect()
}

pub(super) fn weighed(
    what: &'static str,
    needs: String,
    has: Option<String>,
    short: Option<(Verdict, Finding)>,
) -> Weighed {
    let known = has.is_some();
    let has = has.unwrap_or_else(|| "unknown".to_owned());
    let (verdict, finding) = match short {
        _ if !known => (Verdict::Unknown, None),
        None => (Verdict::Enough, None),
        Some((verdict, finding)) => (verdict, Some(finding)),
    };
    Weighed { what, needs, has, verdict, finding }
}

/// A tenth may be missing: a computer sold with 8 GB tells less, because the graphics take their share. Less than half
/// of what a team asks for is not slow, it does not go.
fn memory(need: u64, have: &Have) -> Weighed {
    let of = |have: u64, finding: Finding| match have {
        have if have >= need - need / 10 => None,
        have if have >= need / 2 => Some((Verdict::Tight, finding)),
        _ => Some((Verdict::Cannot, finding)),
    };
    let (needs, whole) = (size(need), have.memory_mb);
    let inside = have.inside.as_ref().filter(|inside| whole.is_none_or(|whole| inside.memory_mb < whole));
    let (has, short) = match (inside, whole) {
        (Some(inside), _) => {
            let has = size(inside.memory_mb);
            let all = whole.map(|whole| format!(" of this computer's {}", size(whole))).unwrap_or_default();
            let finding = Finding::new(
                format!("{} has too little memory for the course.", inside.title),
                format!("The course needs {needs}, {} may use {has}{all}.", inside.title),
                match whole {
                    Some(whole) if whole < need => "Use a computer with more memory.".to_owned(),
                    _ => format!("Give {} more memory in its settings, under Resources.", inside.title),
                },
            );
            (Some(has), of(inside.memory_mb, finding))
        }
        (None, Some(have)) => {
            let finding = Finding::new(
                "This computer has too little memory for the course.",
                format!("The course needs {needs}, this computer has {}.", size(have)),
                "Use a computer with more memory.",
            );
            (Some(size(have)), of(have, finding))
        }
        (None, None) => (None, None),
    };
    weighed("memory", needs, has, short)
}

/// Fewer cores make it slow, and forbid nothing.
fn cores(need: u64, have: &Have) -> Weighed {
    let inside = have.inside.as_ref().map(|inside| inside.cores).filter(|cores| *cores > 0);
    let has = match (inside, have.cores) {
        (Some(inside), Some(whole)) => Some(inside.min(whole)),
        (inside, whole) => inside.or(whole),
    };
    let short = has.filter(|has| *has < need).map(|has| {
        let finding = Finding::new(
            "This computer has few processor cores for the course.",
            format!("The course asks for {need}, here there are {has}. It will be slow."),
            "Close other programs while you work, or use a faster computer.",
        );
        (Verdict::Tight, finding)
    });
    weighed("cores", need.to_string(), has.map(|has| has.to_string()), short)
}

fn gpu(have: &Have) -> Weighed {
    let gpu = if have.no_gpu.is_some() { Some(false) } else { have.gpu };
    let has = gpu.map(|has| if has { "yes" } else { "no" }.to_owned());
    let missing = Finding::new(
        "The course needs a graphics processor, and its programs would have none here.",
        match &have.no_gpu {
            Some(title) => format!("kitbag gives what runs in {title} no graphics processor."),
            None => {
                "This computer has none that programs can compute with, or its driver is missing.".to_owned()
            }
        },
        match (&have.no_gpu, have.gpu) {
            (Some(_), Some(true)) => "Run the course another way.",
            _ => "Use a computer with one.",
        },
    );
    let short = (gpu == Some(false)).then_some((Verdict::Cannot, missing));
    weighed("gpu", "yes".to_owned(), has, short)
}

fn virtualisation(have: &Have) -> Weighed {
    let has = have.virtualisation.map(|has| if has { "on" } else { "not usable" }.to_owned());
    let missing = Finding::new(
        "The course runs in a virtual machine, and this computer can run none now.",
        "Virtualisation is switched off, missing, or not for your account.",
        "`kitbag doctor` says which, and what to do.",
    );
    let short = (have.virtualisation == Some(false)).then_some((Verdict::Cannot, missing));
    weighed("virtualisation", "on".to_owned(), has, short)
}

pub(super) fn architecture_of(kinds: &[String], has: Option<&str>) -> Weighed {
    let needs = kinds.join(" or ");
    let short = has.filter(|kind| !kinds.iter().any(|one| one == kind)).map(|kind| {
        let finding = Finding::new(
            "The course is made for another kind of processor.",
            format!("It runs on {}, this computer has {}.", words(&needs), words(&shown(kind))),
            "Use a computer with such a processor, or ask the course team for one made for yours.",
        );
        (Verdict::Cannot, finding)
    });
    weighed("architecture", needs, has.map(shown), short)
}

fn words(kinds: &str) -> String {
    kinds.replace("x86_64", "Intel or AMD (x86_64)").replace("aarch64", "ARM (aarch64)")
}

/// Each drive once, with all that goes there.
pub(super) fn disks(rooms: &[Room]) -> Vec<Weighed> {
    let mut volumes: BTreeMap<&str, Vec<&Room>> = BTreeMap::new();
    for room in rooms.iter().filter(|room| room.needs_mb > 0) {
        volumes.entry(&room.volume).or_default().push(room);
    }
    volumes.into_iter().map(|(volume, rooms)| disk(volume, &rooms)).collect()
}

fn disk(volume: &str, rooms: &[&Room]) -> Weighed {
    let need = rooms.iter().fold(0_u64, |sum, room| sum.saturating_add(room.needs_mb));
    let free = rooms.iter().map(|room| room.free_mb).min().unwrap_or_default();
    let parts: Vec<_> = rooms.iter().map(|room| format!("{} for {}", size(room.needs_mb), room.of)).collect();
    let (volume, parts) = (shown(volume), parts.join(", "));
    let why = format!("The course needs {} there ({parts}); {} are free.", size(need), size(free));
    let finding = |what: &str, more: u64| {
        Finding::new(
            format!("There is {what} on the drive {volume} for the course."),
            why.clone(),
            format!(
                "Free {} there: empty the bin, or let `kitbag clean` show what it can free.",
                if more > 0 { format!("at least {} more", size(more)) } else { "some space".to_owned() }
            ),
        )
    };
    let short = if free < need {
        Some((Verdict::Cannot, finding("too little room", need - free)))
    } else if free - need < need.min(HEADROOM) {
        Some((Verdict::Tight, finding("just enough room", 0)))
    } else {
        None
    };
    weighed("disk", format!("{} on {volume}", size(need)), Some(format!("{} free", size(free))), short)
}

/// One way to run a course, as it looks on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The backend.
    pub backend: String,
    /// What people call it; none when this kitbag does not have it.
    pub title: Option<String>,
    /// What stands in its way besides the needs, such as a Docker that is not there.
    pub trouble: Option<String>,
    /// The needs it comes with.
    pub weighed: Vec<Weighed>,
}

/// What else could be done with this course where one way falls short: its other ways, and its other computers by name.
/// Each a sentence or two; the cheapest first.
pub fn alternatives(course: &Course, short: &str, ways: &[Way], machines: &[String]) -> Vec<String> {
    let mut told = Vec::new();
    for way in ways.iter().filter(|way| way.backend != short) {
        let backend = &way.backend;
        match (&way.title, &way.trouble) {
            (None, _) => told.push(format!(
                "The course team also made it for \"{backend}\", which this kitbag does not have; a newer one may."
            )),
            (Some(title), None) if fits(&way.weighed) => told.push(cheaper(course, way, title)),
            (Some(title), Some(trouble)) if fits(&way.weighed) => told.push(format!(
                "With {title} it would go once that is put right: {}",
                trouble.trim_end_matches('.').to_owned() + "."
            )),
            (Some(_), _) => {}
        }
    }
    match machines {
        [] => told.push(
            "Or use another computer: run `kitbag setup` there with the same cloud folder, and your work is there."
                .to_owned(),
        ),
        names => {
            let names: Vec<_> = names.iter().map(|name| shown(name)).collect();
            told.push(format!("Or go on with {}, where this course is set up too.", names.join(" or ")));
        }
    }
    told
}

fn cheaper(course: &Course, way: &Way, title: &str) -> String {
    let backend = &way.backend;
    let needs: Vec<_> = way
        .weighed
        .iter()
        .filter(|one| matches!(one.what, "memory" | "disk"))
        .map(|one| format!("{} {}", one.what, one.needs))
        .collect();
    let needs = if needs.is_empty() { String::new() } else { format!(" It needs {}.", needs.join(", ")) };
    let left_out = |service: &&Service| !course.runs_with(service, backend);
    let left: Vec<_> =
        course.services.iter().filter(left_out).map(|service| service.title.as_str()).collect();
    let left = if left.is_empty() { String::new() } else { format!(" Left out: {}.", left.join(", ")) };
    let tight = way.weighed.iter().any(|one| one.verdict == Verdict::Tight);
    let tight = if tight { " That is tight here, too." } else { "" };
    format!("Start it with \"{title}\" instead: `kitbag up --backend {backend}`.{needs}{left}{tight}")
}

#[cfg(test)]
#[path = "fit_tests.rs"]
mod tests;
