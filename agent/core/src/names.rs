//! Names that some place cannot have, written so that it can: a letter that is not allowed where it stands becomes
//! `%{HEX}`, its code point. The cloud folder travels between systems, so names there follow the rules of all of them;
//! a working folder follows those of its own. Writing is reversible, so the original is kept everywhere else. Where
//! two names would be one, all but one of them are written as twins, which nothing can take for each other.

use std::borrow::Cow;

use crate::entry::Stands;
use crate::path::WorkPath;

/// Longest name a file system takes, in bytes.
pub const LONGEST_NAME: usize = 255;
/// Longest path below a cloud folder that OneDrive carries, in characters (Microsoft: 400 for the whole path).
pub const LONGEST_CLOUD_PATH: usize = 400;

/// Which names a place can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Any name, as on Linux and macOS.
    Natural,
    /// What Windows allows.
    Windows,
    /// What every system and every cloud program allows and carries.
    Portable,
}

/// How names are written in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// Which names it can have.
    pub naming: Naming,
    /// Names that differ only in case or in how accents are written are one there.
    pub folds: bool,
}

impl Names {
    /// Those of the cloud folder: any system may come to show it.
    pub const CLOUD: Names = Names { naming: Naming::Portable, folds: true };

    /// Whether a file at this path has to be written as a twin: a folder of its name keeps the name, and of files that
    /// would be one the first in order keeps it.
    pub fn is_twin(self, path: &WorkPath, around: &Around) -> bool {
        let taken = |(other, stands): &(WorkPath, Stands)| {
            other != path && (*stands == Stands::Folder || (*stands == Stands::File && other < path))
        };
        around.below || (self.folds && (around.below_folded || around.like.iter().any(taken)))
    }

    /// Where a path lies below the place's top, with `/` between names; as a twin when its own name is another's.
    pub fn place(self, path: &WorkPath, twin: bool) -> Cow<'_, str> {
        if twin { self.naming.twin(path).into() } else { self.naming.encode(path) }
    }
}

/// What stands around a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// Paths of equal folded name, it may be among them.
    pub like: Vec<(WorkPath, Stands)>,
    /// Something stands in a folder of just this name.
    pub below: bool,
    /// Something stands in a folder of this name, folded.
    pub below_folded: bool,
}

/// Names that are a device on Windows, whatever ending they have.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$"];
/// No device's name is longer, in bytes.
const LONGEST_DEVICE: usize = 7;
/// Names that cloud programs do not carry, in any case. (SYNC 2.5: OneDrive, Dropbox, iCloud.)
const NOT_CARRIED: &[&str] = &[
    ".lock",
    "desktop.ini",
    "thumbs.db",
    ".ds_store",
    ".dropbox",
    ".dropbox.attr",
    ".dropbox.cache",
    "dropbox",
    "onedrive",
];
/// What names that are not carried begin with.
const NOT_CARRIED_BEGIN: &[&str] = &["~$", ".~"];
/// What they hold somewhere.
const NOT_CARRIED_HOLD: &[&str] = &["_vti_", ".nosync", ".weakpkg"];
/// What they end in.
const NOT_CARRIED_END: &[&str] = &[".tmp"];
/// Names that cannot stand at the top of a SharePoint library.
const NOT_AT_THE_TOP: &[&str] = &["forms"];

impl Naming {
    /// Whether a file in a folder can have just this name.
    pub fn allows(self, name: &str) -> bool {
        self == Naming::Natural || !forbidden(self, name, false).contains(&true)
    }

    /// How a path is written.
    pub fn encode(self, path: &WorkPath) -> Cow<'_, str> {
        let plain = |(depth, name)| is_plain(self, name, depth == 0);
        if self == Naming::Natural || path.names().enumerate().all(plain) {
            return Cow::Borrowed(path.as_str());
        }
        let mut out: Option<String> = None;
        let mut done = 0;
        for (depth, name) in path.names().enumerate() {
            let escaped = self.escapes(name, depth == 0);
            if escaped.contains(&true) {
                let out = out.get_or_insert_with(|| path.as_str()[..done].to_owned());
                write(out, name, &escaped);
            } else if let Some(out) = &mut out {
                out.push_str(name);
            }
            done += name.len() + 1;
            if let Some(out) = &mut out
                && done <= path.as_str().len()
            {
                out.push('/');
            }
        }
        out.map_or(Cow::Borrowed(path.as_str()), Cow::Owned)
    }

    /// How a path is written when its own name is taken by another one: no two twins, and no twin and plain name of
    /// different paths, are ever one, whatever a system takes for equal.
    pub fn twin(self, path: &WorkPath) -> String {
        let mut out = String::new();
        let last = path.names().count() - 1;
        for (depth, name) in path.names().enumerate() {
            let mut escaped =
                if self == Naming::Natural { natural_escapes(name) } else { self.escapes(name, depth == 0) };
            let already = escaped.first() == Some(&true);
            for (escape, c) in escaped.iter_mut().zip(name.chars()) {
                // what stays is ASCII in lower case: one way to write it, in every system
                *escape |= !c.is_ascii() || c.is_ascii_uppercase();
            }
            if depth > 0 {
                out.push('/');
            }
            if depth == last && already {
                // its first letter is escaped in the plain name too: said with more digits
                let mut letters = name.chars();
                if let Some(first) = letters.next() {
                    out.push_str(&format!("%{{{:06X}}}", u32::from(first)));
                }
                write(&mut out, letters.as_str(), &escaped[1..]);
                continue;
            }
            if depth == last {
                escaped[0] = true;
            }
            write(&mut out, name, &escaped);
        }
        out
    }

    /// How one name is written, at any depth.
    pub fn write_name(self, name: &str) -> String {
        let mut out = String::new();
        match self {
            Naming::Natural => out.push_str(name),
            _ => write(&mut out, name, &self.escapes(name, false)),
        }
        out
    }

    /// The name a written name stands for; itself where it stands for none. The result is as hostile as what was
    /// written: check it like any other name.
    pub fn decode(self, name: &str) -> Cow<'_, str> {
        if self == Naming::Natural { Cow::Borrowed(name) } else { decode(name) }
    }

    fn escapes(self, name: &str, top: bool) -> Vec<bool> {
        let mut escaped = forbidden(self, name, top);
        for (escape, natural) in escaped.iter_mut().zip(natural_escapes(name)) {
            *escape |= natural;
        }
        escaped
    }
}

/// The name a written name stands for, whatever the place; itself where it stands for none.
pub fn decode(name: &str) -> Cow<'_, str> {
    if !name.contains("%{") {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        match escape(rest) {
            Some(('/' | '\0', _)) => return Cow::Borrowed(name),
            Some((meant, len)) => {
                out.push(meant);
                rest = &rest[len..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    Cow::Owned(out)
}

/// A name too long to be written in any file system.
pub fn too_long(place: &str) -> bool {
    place.split('/').any(|name| name.len() > LONGEST_NAME)
}

/// The letter that is written at the beginning of this text as `%{HEX}`, and how long that is.
fn escape(text: &str) -> Option<(char, usize)> {
    let inner = text.strip_prefix("%{")?;
    let digits = inner.split_once('}')?.0;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    if !(2..=6).contains(&digits.len()) || !digits.bytes().all(is_digit) {
        return None;
    }
    let meant = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    Some((meant, digits.len() + 3))
}

/// Which letters of a name are a `%` that would be read as the beginning of an escape.
fn natural_escapes(name: &str) -> Vec<bool> {
    name.char_indices().map(|(at, c)| c == '%' && escape(&name[at..]).is_some()).collect()
}

/// Which letters of a name cannot stand where they stand. `top`: at the top of the place.
fn forbidden(naming: Naming, name: &str, top: bool) -> Vec<bool> {
    let mut escaped: Vec<bool> = name
        .chars()
        .map(|c| c.is_control() || matches!(c, '"' | '*' | ':' | '<' | '>' | '?' | '\\' | '|'))
        .collect();
    if name.ends_with(['.', ' '])
        && let Some(last) = escaped.last_mut()
    {
        *last = true;
    }
    let lower = name.to_ascii_lowercase();
    let mut first = is_device(name);
    if naming == Naming::Portable {
        first |= name.starts_with(' ')
            || NOT_CARRIED.contains(&lower.as_str())
            || NOT_CARRIED_BEGIN.iter().any(|text| lower.starts_with(text))
            || (top && NOT_AT_THE_TOP.contains(&lower.as_str()));
        let mut break_at = |byte: usize| escaped[name[..byte].chars().count()] = true;
        for text in NOT_CARRIED_HOLD {
            lower.match_indices(text).for_each(|(byte, _)| break_at(byte));
        }
        for text in NOT_CARRIED_END.iter().filter(|text| lower.ends_with(*text)) {
            break_at(lower.len() - text.len());
        }
    }
    if first && let Some(letter) = escaped.first_mut() {
        *letter = true;
    }
    escaped
}

/// Surely nothing to escape. Asked of every name of every scan, so it is quick; it may say no for a plain name.
fn is_plain(naming: Naming, name: &str, top: bool) -> bool {
    let bytes = name.as_bytes();
    let begins = |at: usize, text: &str| {
        bytes.get(at..at + text.len()).is_some_and(|part| part.eq_ignore_ascii_case(text.as_bytes()))
    };
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if matches!(first, b' ' | b'.' | b'~') || matches!(last, b' ' | b'.') {
        return false;
    }
    if is_device(name) {
        return false;
    }
    let whole = |text: &&str| begins(0, text) && bytes.len() == text.len();
    if naming == Naming::Portable
        && (NOT_CARRIED.iter().any(whole) || (top && NOT_AT_THE_TOP.iter().any(whole)))
    {
        return false;
    }
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        0..=0x1f | 0x7f | b'"' | b'*' | b':' | b'<' | b'>' | b'?' | b'\\' | b'|' | b'%' => false,
        // the first byte of a control character beyond ASCII
        0xc2 => bytes.get(at + 1).is_some_and(|next| *next >= 0xa0),
        b'_' | b'.' if naming == Naming::Portable => {
            !NOT_CARRIED_HOLD.iter().chain(NOT_CARRIED_END).any(|text| begins(at, text))
        }
        _ => true,
    })
}

/// Whether Windows keeps this name for a device, in any case and whatever the ending.
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    if stem.len() > LONGEST_DEVICE {
        return false;
    }
    let stem = stem.to_ascii_lowercase();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let is_number = |rest: &str| {
        let mut letters = rest.chars();
        letters.next().is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c)) && letters.next().is_none()
    };
    DEVICES.contains(&stem.as_str()) || numbered.is_some_and(is_number)
}

fn write(out: &mut String, name: &str, escaped: &[bool]) {
    for (c, &escape) in name.chars().zip(escaped) {
        if escape {
            out.push_str(&format!("%{{{:02X}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests;
