//! What is fuzzed: the four readers that meet bytes and names from elsewhere first, and the merge of notebooks. Each function takes any bytes
//! and must come back; what it says about them must hold. The fuzzer calls them a million times with inputs it
//! thinks of by itself, and a test calls them with the inputs that were worth keeping.

#[path = "notebook.rs"]
mod notebook;

use std::borrow::Cow;
use std::path::Path;

use kitbag_core::copies::{base_of, may_be_of};
use kitbag_core::course::{self, PackageFiles};
use kitbag_core::id::{PackId, PieceId, RecordId};
use kitbag_core::path::WorkPath;
use kitbag_core::version::Record;
use kitbag_store::pack::{self, LARGEST_PIECE, MOST_PIECES};

pub use notebook::notebook;

/// Takes any bytes, and panics where what is said of them does not hold.
pub type Target = fn(&[u8]);

/// A target by its name, which is also that of its folder in the corpus.
pub const ALL: [(&str, Target); 5] =
    [("pack", pack), ("record", record), ("copies", copies), ("course", course), ("notebook", notebook)];

/// Fits on one line of a terminal, and paints nothing.
fn safe(text: &str) -> bool {
    !text.contains(char::is_control)
}

/// The bytes of a pack: as they are, or, after a `+`, its sections only, which are then framed as they should be, so
/// that what is behind the frame is reached. Sections are parted by a line that holds `--`.
pub fn as_pack(input: &[u8]) -> Cow<'_, [u8]> {
    input.strip_prefix(b"+").map_or(Cow::Borrowed(input), |sections| Cow::Owned(frame(sections)))
}

/// A pack.
pub fn pack(input: &[u8]) {
    let bytes = &*as_pack(input);
    let Ok(mut read) = pack::read(PackId::of(bytes), bytes) else { return };
    assert!(pack::read(PackId::of(b"another"), bytes).is_err(), "taken under a wrong name");
    for record in &read.records {
        assert_eq!(record.id, RecordId::of(&record.raw));
        assert_eq!(Record::parse(&record.raw).unwrap(), (record.id, record.record.clone()));
    }
    for package in &read.packages {
        assert_eq!(pack::Package::parse(&package.raw).unwrap(), (package.id, package.package.clone()));
    }
    assert!(read.pieces.len() <= MOST_PIECES);
    read.prove(bytes);
    for piece in &read.pieces {
        let at = usize::try_from(piece.at).unwrap();
        let opened = piece.open(&bytes[at..at + piece.stored as usize]).unwrap();
        assert_eq!(piece.id, PieceId::of(&opened));
        assert!(opened.len() == piece.size as usize && opened.len() <= LARGEST_PIECE);
    }
    assert!(read.refused.len() <= 202 && read.refused.iter().all(|note| safe(note)), "{:?}", read.refused);
}

/// FORMAT.md around three sections.
fn frame(sections: &[u8]) -> Vec<u8> {
    const BETWEEN: &[u8] = b"\n--\n";
    let mut rest = sections;
    let mut parts: Vec<&[u8]> = Vec::new();
    while parts.len() < 2
        && let Some(at) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN)
    {
        // the line feed before it ends the last statement
        parts.push(&rest[..=at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    parts.push(rest);
    parts.resize(3, b"");
    let lengths: Vec<u8> = parts.iter().flat_map(|part| (part.len() as u64).to_le_bytes()).collect();
    [b"KITBAGPK", &pack::VERSION.to_le_bytes()[..], &parts.concat(), &lengths, b"KITBAGPK"].concat()
}

/// A version record.
pub fn record(bytes: &[u8]) {
    let Ok((id, record)) = Record::parse(bytes) else { return };
    assert_eq!(id, RecordId::of(bytes));
    assert_eq!(WorkPath::parse(record.path.as_str()).as_ref(), Ok(&record.path));
    inside(&record.path);
    let canonical = record.canonical();
    assert_eq!(Record::parse(&canonical).unwrap(), (record.id(), record.clone()));
    assert_eq!(record.canonical(), canonical);
}

/// Never a step out of the folder, never one of kitbag's own files.
fn inside(path: &WorkPath) {
    let path = Path::new(path.as_str());
    assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))), "{path:?}");
    assert!(!path.starts_with(".kitbag") && !path.ends_with(".kitbag-folder/"), "{path:?}");
}

/// A file name that may be a conflict copy's, by its name alone or with evidence.
pub fn copies(bytes: &[u8]) {
    let Ok(name) = std::str::from_utf8(bytes) else { return };
    let part_of = |base: &str, name: &str| {
        assert!(!base.is_empty() && base.len() < name.len(), "{base:?} of {name:?}");
        // what is left may still be no name for a file here, but never leads elsewhere
        assert!(name.contains('/') || !base.contains('/'), "{base:?} of {name:?}");
    };
    for maybe in may_be_of(name) {
        part_of(&maybe.base, name);
        assert!(maybe.device.is_none_or(|device| !device.is_empty() && name.contains(&device)), "{name:?}");
        assert_eq!(base_of(name), None, "{name:?}");
    }
    let mut name = name.to_owned();
    // a copy of a copy leads to the copy, and there is an end
    while let Some(copy) = base_of(&name) {
        part_of(&copy.base, &name);
        assert!(!copy.provider.is_empty());
        name = copy.base;
    }
}

/// A course's manifest, and, after a NUL, a table it ships.
pub fn course(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (manifest, table) = text.split_once('\0').unwrap_or((&text, "a,b\n1,2\n"));
    let names = ["notebooks/1.ipynb", "notebooks/2.ipynb", "db/schema.sql", "db/a.csv", "hook.wasm", "x"];
    let read = |path: &WorkPath| {
        let bytes = if path.as_str().ends_with(".csv") { table } else { "CREATE TABLE a (a, b);" };
        Some(bytes.as_bytes().to_vec())
    };
    let files = PackageFiles::new(names, read);
    let checked = course::check(manifest, &files);
    assert_eq!(checked.course.is_some(), checked.problems.is_empty());
    let lines = manifest.split('\n').count();
    let all = checked.problems.iter().chain(&checked.warnings);
    for problem in all.clone() {
        assert!(safe(&problem.to_string()), "{problem:?}");
        // the table has lines of its own
        assert!(
            problem.file != course::MANIFEST || problem.line.is_none_or(|line| (1..=lines).contains(&line))
        );
        assert!(!problem.message.is_empty() && !problem.remedy.is_empty(), "{problem:?}");
    }
    assert!(all.count() <= 450);
    let Some(course) = checked.course else { return };
    assert!(!course.id.is_empty() && course.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    assert!(safe(&course.title) && safe(&course.version));
    for seed in course.seeds(&files) {
        inside(&seed.to);
        assert!(files.contains(&seed.from));
    }
    course.folders.iter().for_each(inside);
    assert_eq!(course::read(manifest, &files).as_ref(), Ok(&course));
}
