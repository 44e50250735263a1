//! Names that sync providers give to the losing side of a conflict; which provider gives which stands in its row of the
//! provider table. Full patterns, which a person would hardly type, are taken at their word. Weak ones (`x (1).csv`,
//! `Part 2.ipynb`, `notes-LAPTOP.txt`) are names students give as well: they only tell which file it may be a copy of,
//! and it takes evidence beyond the name. Name clashes (`(Case Conflict)`) hold another file and are no copies.

use unicode_normalization::UnicodeNormalization;

use crate::path::WorkPath;
use crate::provider::TABLE;

/// A name that says: I am another version of that file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Name of the file it is a copy of; may itself be the name of a copy.
    pub base: String,
    /// Key of the provider whose pattern it is; where providers share one, the first of them.
    pub provider: &'static str,
}

/// A name that may say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaybeCopy {
    /// Name of the file it may be a copy of.
    pub base: String,
    /// The machine it names, where it names one.
    pub device: Option<String>,
}

/// Where in a name the mark stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `STEM (MARK).EXT`
    Brackets,
    /// As `Brackets`, perhaps followed by a number: `STEM (MARK) (1).EXT`
    NumberedBrackets,
    /// `STEM` + this + `MARK.EXT`
    After(&'static str),
    /// `STEM.EXT` + this; the mark is empty.
    End(&'static str),
}

/// A place and a mark. In a mark `#` is a digit, `?` a letter or digit of a Syncthing device id, `*` any text but none;
/// all else stands for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern(pub Place, pub &'static str);

/// A form of name that people use too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weak {
    /// `STEM (2).EXT`
    BracketNumber,
    /// `STEM 2.EXT`
    Number,
    /// `STEM-DEVICE.EXT`, `STEM-DEVICE-2.EXT`, `STEM-DEVICE-safeBackup-0001.EXT`
    Device,
    /// `STEM` + this + `.EXT`, where no example of the real thing was seen.
    Marked(&'static str),
}

/// The file this name is a conflict copy of, by the rightmost mark in it: a copy of a copy leads to the copy.
/// None for every name that is no full pattern. `file_name` is the last part of a path; so is the base.
pub fn base_of(file_name: &str) -> Option<Copy> {
    let all = TABLE.iter().flat_map(|row| row.copies.iter().map(|pattern| (row.key, pattern)));
    all.into_iter().find_map(|(provider, Pattern(place, mark))| {
        let (stem, rest) = match place {
            Place::Brackets => in_brackets(file_name, mark, false),
            Place::NumberedBrackets => in_brackets(file_name, mark, true),
            Place::After(lead) => after(file_name, lead, mark),
            Place::End(end) => file_name.strip_suffix(end).map(|stem| (stem, "")),
        }?;
        good_base(stem, rest).map(|base| Copy { base, provider })
    })
}

/// The files this name may be a conflict copy of, the likeliest first. Nothing for a full pattern. Evidence is asked of
/// whoever calls: the base is a file of the workspace, this name is none, no person put it here, and its bytes are those
/// of a version of the base, or the machine it names is one of the workspace.
pub fn may_be_of(file_name: &str) -> Vec<MaybeCopy> {
    let mut found: Vec<MaybeCopy> = Vec::new();
    if base_of(file_name).is_some() {
        return found;
    }
    let (stem, extension) = match file_name.rfind('.') {
        Some(dot) if dot > 0 => file_name.split_at(dot),
        _ => (file_name, ""),
    };
    let mut forms: Vec<Weak> = Vec::new();
    for form in TABLE.iter().flat_map(|row| row.weak) {
        if !forms.contains(form) {
            forms.push(*form);
        }
    }
    for form in forms {
        for (base, device) in readings(stem, form) {
            let Some(base) = good_base(base, extension) else { continue };
            let maybe = MaybeCopy { base, device };
            if maybe.base != file_name && !found.contains(&maybe) {
                found.push(maybe);
            }
        }
    }
    found
}

/// A name may hold so many dashes before its front is taken for one word.
const MOST_DASHES: usize = 8;

/// How a stem can be read in one form: the base's stem, and the machine it names.
fn readings(stem: &str, form: Weak) -> Vec<(&str, Option<String>)> {
    match form {
        Weak::BracketNumber => {
            let numbered = stem.strip_suffix(')').and_then(|open| open.rsplit_once(" ("));
            numbered
                .filter(|(_, number)| is_count(number))
                .map(|(base, _)| (base, None))
                .into_iter()
                .collect()
        }
        Weak::Number => {
            let numbered = stem.rsplit_once(' ').filter(|(_, number)| is_count(number));
            numbered.map(|(base, _)| (base, None)).into_iter().collect()
        }
        Weak::Marked(mark) => stem.strip_suffix(mark).map(|base| (base, None)).into_iter().collect(),
        Weak::Device => {
            let dashes = stem.rmatch_indices('-').take(MOST_DASHES);
            let all = dashes.map(|(at, _)| (&stem[..at], plain_device(&stem[at + 1..])));
            // also one that is nothing but a dash or a count
            all.filter(|(_, device)| !device.is_empty()).map(|(base, device)| (base, Some(device))).collect()
        }
    }
}

/// `1` to `999`, as programs count.
fn is_count(text: &str) -> bool {
    (1..=3).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The machine's name without a count, a backup's number, or itself once more.
fn plain_device(text: &str) -> String {
    let counted = |text: &str| match text.rsplit_once('-') {
        Some((front, count))
            if is_count(count) || (count.len() == 4 && count.bytes().all(|b| b.is_ascii_digit())) =>
        {
            front.strip_suffix("-safeBackup").unwrap_or(front).to_owned()
        }
        _ => text.to_owned(),
    };
    let device = counted(text);
    let half = device.len() / 2;
    match (device.get(..half), device.get(half + 1..)) {
        (Some(front), Some(back)) if front == back && device.as_bytes().get(half) == Some(&b'-') => {
            front.to_owned()
        }
        _ => device,
    }
}

/// The base's name, when it can be the name of a file in a workspace.
fn good_base(stem: &str, rest: &str) -> Option<String> {
    let base = format!("{stem}{rest}");
    (!stem.is_empty() && !base.contains('/') && WorkPath::parse(&base).is_ok()).then_some(base)
}

/// Stem and extension around ` (MARK)`.
fn in_brackets<'n>(name: &'n str, mark: &str, numbered: bool) -> Option<(&'n str, &'n str)> {
    let (body, extension) = name.split_at(name.rfind(')')? + 1);
    if !is_extension(extension) {
        return None;
    }
    let (stem, inner) = last_brackets(body)?;
    let is_number = !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit());
    let (stem, inner) = if numbered && is_number { last_brackets(stem)? } else { (stem, inner) };
    // Some systems store names decomposed; the Japanese marks have letters that decompose.
    let inner: String = inner.nfc().collect();
    fits(mark, &inner).then_some((stem, extension))
}

/// Splits `STEM (INNER)`. The brackets are a pair: a machine's name may contain others.
fn last_brackets(body: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (place, byte) in body.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' if depth == 1 => {
                let inner = body.get(place + 1..body.len() - 1)?;
                return Some((body[..place].strip_suffix(' ')?, inner));
            }
            b'(' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Stem and extension around the last `lead` + mark.
fn after<'n>(name: &'n str, lead: &str, mark: &str) -> Option<(&'n str, &'n str)> {
    let (stem, rest) = name.rsplit_once(lead)?;
    if fits(mark, rest) {
        return Some((stem, ""));
    }
    let (marked, extension) = rest.split_at(rest.rfind('.')?);
    (is_extension(extension) && fits(mark, marked)).then_some((stem, extension))
}

/// Nothing, or parts that each begin with a dot and hold no blank.
fn is_extension(text: &str) -> bool {
    let full = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    text.is_empty() || text.strip_prefix('.').is_some_and(|parts| parts.split('.').all(full))
}

/// Does the text fit the mark from end to end?
fn fits(mark: &str, text: &str) -> bool {
    let mut rest = mark.chars();
    let Some(sign) = rest.next() else { return text.is_empty() };
    if sign == '*' {
        // At least one letter, then every place where what follows could begin.
        return text.char_indices().skip(1).any(|(place, _)| fits(rest.as_str(), &text[place..]));
    }
    let mut letters = text.chars();
    let fits_here = |letter: char| match sign {
        '#' => letter.is_ascii_digit(),
        '?' => letter.is_ascii_uppercase() || ('2'..='7').contains(&letter),
        _ => letter == sign,
    };
    letters.next().is_some_and(fits_here) && fits(rest.as_str(), letters.as_str())
}

#[cfg(test)]
#[path = "copies_tests.rs"]
mod tests;
