//! Names that sync providers give to the losing side of a conflict. Only full patterns are known here, those a
//! person would hardly type: each is one row of a table. Weak ones (`x (1).csv`, `Part 2.ipynb`,
//! `notes-LAPTOP.txt`) are not: students name files so themselves, and it takes evidence beyond the name to
//! tell. Nor are name clashes (`(Case Conflict)`): those hold another file, not another version of this one.

use unicode_normalization::UnicodeNormalization;

/// A name that says: I am another version of that file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Name of the file it is a copy of; may itself be the name of a copy.
    pub base: String,
    /// Whose pattern it is; where providers share one, the first of them.
    pub provider: &'static str,
    /// The name alone is evidence enough. A name that would need more is not recognised yet, so always true.
    pub strong: bool,
}

/// Where in a name the mark stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// `STEM (MARK).EXT`
    Brackets,
    /// As `Brackets`, perhaps followed by a number: `STEM (MARK) (1).EXT`
    NumberedBrackets,
    /// `STEM` + this + `MARK.EXT`
    After(&'static str),
    /// `STEM.EXT` + this; the mark is empty.
    End(&'static str),
}

/// Provider, place, mark. In a mark `#` is a digit, `?` a letter or digit of a Syncthing device id, `*` any
/// text but none; all else stands for itself.
const PATTERNS: &[(&str, Place, &str)] = &[
    ("dropbox", Place::NumberedBrackets, "*'s conflicted copy ####-##-##"),
    ("dropbox", Place::NumberedBrackets, "*’s conflicted copy ####-##-##"),
    ("dropbox", Place::NumberedBrackets, "conflicted copy ####-##-##"),
    ("dropbox", Place::NumberedBrackets, "conflicted copy"),
    ("dropbox", Place::NumberedBrackets, "In Konflikt stehende Kopie von * ####-##-##"),
    ("dropbox", Place::NumberedBrackets, "* in Konflikt stehende Kopie ####-##-##"),
    ("dropbox", Place::NumberedBrackets, "Copie en conflit de * ####-##-##"),
    ("dropbox", Place::NumberedBrackets, "Copia in conflitto di * ####-##-##"),
    ("dropbox", Place::NumberedBrackets, "Copia conflictiva de * ####-##-##"),
    ("dropbox", Place::NumberedBrackets, "* の競合コピー ####-##-##"),
    ("dropbox", Place::NumberedBrackets, "* 上の問題のあるコピー"),
    ("dropbox", Place::NumberedBrackets, "* 上の問題のあるコピー ####-##-##"),
    ("nextcloud", Place::Brackets, "conflicted copy ####-##-## ######"),
    ("nextcloud", Place::Brackets, "conflicted copy * ####-##-## ######"),
    ("nextcloud", Place::After("_conflict-"), "*-########-######"),
    ("nextcloud", Place::After("_conflict-"), "########-######"),
    ("syncthing", Place::After(".sync-conflict-"), "########-######-???????"),
    ("syncthing", Place::After(".sync-conflict-"), "########-######-"),
    ("syncthing", Place::After(".sync-conflict-"), "########-######"),
    ("maestral", Place::Brackets, "*'s conflicting copy ####-##-##"),
    ("maestral", Place::Brackets, "conflicting copy"),
    ("maestral", Place::Brackets, "conflicting copy #"),
    ("obsidian", Place::Brackets, "Conflicted copy * ############"),
    ("seafile", Place::Brackets, "SFConflict * ####-##-##-##-##-##"),
    ("seafile", Place::Brackets, "SFConflict ####-##-##-##-##-##"),
    ("pcloud", Place::End(".conflicted"), ""),
];

/// The file this name is a conflict copy of, by the rightmost mark in it: a copy of a copy leads to the copy.
/// None for every name that is no full pattern. `file_name` is the last part of a path.
pub fn base_of(file_name: &str) -> Option<Copy> {
    PATTERNS.iter().find_map(|(provider, place, mark)| {
        let (stem, rest) = match place {
            Place::Brackets => in_brackets(file_name, mark, false),
            Place::NumberedBrackets => in_brackets(file_name, mark, true),
            Place::After(lead) => after(file_name, lead, mark),
            Place::End(end) => file_name.strip_suffix(end).map(|stem| (stem, "")),
        }?;
        let base = format!("{stem}{rest}");
        (!stem.is_empty()).then_some(Copy { base, provider, strong: true })
    })
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
mod tests {
    use super::*;

    #[test]
    fn copies_are_recognised() {
        let cases = [
            ("notes (Ada's conflicted copy 2026-02-03).txt", "notes.txt", "dropbox"),
            ("notes (Ada’s conflicted copy 2026-02-03).txt", "notes.txt", "dropbox"),
            ("notes (host.local's conflicted copy 2026-02-03)", "notes", "dropbox"),
            ("notes (Ada (work)'s conflicted copy 2026-02-03).txt", "notes.txt", "dropbox"),
            ("notes (Ada's conflicted copy 2026-02-03) (1).txt", "notes.txt", "dropbox"),
            ("notes (Ada's conflicted copy 2026-02-03) (12)", "notes", "dropbox"),
            ("notes (conflicted copy).txt", "notes.txt", "dropbox"),
            ("notes (conflicted copy 2026-02-03).txt", "notes.txt", "dropbox"),
            (
                "Aufgabe 1 (In Konflikt stehende Kopie von PC-7 2026-02-03).ipynb",
                "Aufgabe 1.ipynb",
                "dropbox",
            ),
            ("Aufgabe (Adas in Konflikt stehende Kopie 2026-02-03).ipynb", "Aufgabe.ipynb", "dropbox"),
            ("a (Copie en conflit de Ada Lovelace 2026-02-03).csv", "a.csv", "dropbox"),
            ("a (Copia in conflitto di PC 2026-02-03).csv", "a.csv", "dropbox"),
            ("a (Copia conflictiva de PC 2026-02-03).csv", "a.csv", "dropbox"),
            ("a (平川 の競合コピー 2023-10-29).hpp", "a.hpp", "dropbox"),
            ("a (平川 の競合コヒ\u{309a}ー 2023-10-29).hpp", "a.hpp", "dropbox"),
            ("a (PC 上の問題のあるコピー).csv", "a.csv", "dropbox"),
            ("notes (conflicted copy 2026-02-03 101112).txt", "notes.txt", "nextcloud"),
            ("notes (conflicted copy ada.l 2026-02-03 101112).txt", "notes.txt", "nextcloud"),
            (".bashrc (conflicted copy 2026-02-03 101112)", ".bashrc", "nextcloud"),
            ("notes_conflict-ada-20260203-101112.txt", "notes.txt", "nextcloud"),
            ("notes_conflict-ada.l-20260203-101112.txt", "notes.txt", "nextcloud"),
            ("notes_conflict-ada.l-20260203-101112", "notes", "nextcloud"),
            ("notes_conflict-20260203-101112.txt", "notes.txt", "nextcloud"),
            ("a.b.sync-conflict-20260203-101112-ABCDE27.txt", "a.b.txt", "syncthing"),
            ("Makefile.sync-conflict-20260203-101112-ABCDE27", "Makefile", "syncthing"),
            ("a.sync-conflict-20260203-101112-.txt", "a.txt", "syncthing"),
            ("a.sync-conflict-20260203-101112.txt", "a.txt", "syncthing"),
            (".gitignore.sync-conflict-20260203-101112-ABCDE27", ".gitignore", "syncthing"),
            ("notes (Ada's conflicting copy 2026-02-03).txt", "notes.txt", "maestral"),
            ("notes (conflicting copy).txt", "notes.txt", "maestral"),
            ("notes (conflicting copy 2).txt", "notes.txt", "maestral"),
            ("Daily (Conflicted copy my phone 202602031011).md", "Daily.md", "obsidian"),
            ("a (SFConflict ada@example.org 2026-02-03-10-11-12).txt", "a.txt", "seafile"),
            ("a (SFConflict 2026-02-03-10-11-12).txt", "a.txt", "seafile"),
            ("notes.txt.conflicted", "notes.txt", "pcloud"),
            ("data.v2.csv (Ada's conflicted copy 2026-02-03)", "data.v2.csv", "dropbox"),
            ("data.v2 (Ada's conflicted copy 2026-02-03).csv", "data.v2.csv", "dropbox"),
            ("data (Ada's conflicted copy 2026-02-03).tar.gz", "data.tar.gz", "dropbox"),
            ("Part (2) (Ada's conflicted copy 2026-02-03).ipynb", "Part (2).ipynb", "dropbox"),
            ("日本 (Ada's conflicted copy 2026-02-03).txt", "日本.txt", "dropbox"),
        ];
        for (name, base, provider) in cases {
            let expected = Copy { base: base.to_owned(), provider, strong: true };
            assert_eq!(base_of(name), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_copy_of_a_copy_leads_to_the_copy() {
        let cases = [
            (
                "a (Ada's conflicted copy 2026-02-03) (Bob's conflicted copy 2026-02-04).txt",
                "a (Ada's conflicted copy 2026-02-03).txt",
            ),
            (
                "a.sync-conflict-20260203-101112-ABCDE27.sync-conflict-20260204-101112-ABCDE27.txt",
                "a.sync-conflict-20260203-101112-ABCDE27.txt",
            ),
        ];
        for (name, base) in cases {
            assert_eq!(base_of(name).unwrap().base, base);
            assert_eq!(base_of(base).unwrap().base, "a.txt");
        }
    }

    #[test]
    fn ordinary_names_are_left_alone() {
        let names = [
            "",
            ".",
            "a",
            "notes.txt",
            ".hidden",
            ".conflicted",
            "Part 2.ipynb",
            "x (1).csv",
            "a-OLD.ipynb",
            "a-LAPTOP-2.ipynb",
            "notes (Conflict of interest).txt",
            "notes (conflict).txt",
            "notes (Case Conflict).txt",
            "notes conflicted copy.txt",
            "notes (conflicted copy) final.txt",
            "notes (conflicted copy). final.txt",
            "notes (conflicted copy).",
            "notes(conflicted copy).txt",
            "(conflicted copy).txt",
            " (conflicted copy).txt",
            "notes (Ada's conflicted copy).txt",
            "notes (Ada's conflicted copy 2026-2-3).txt",
            "notes ('s conflicted copy 2026-02-03).txt",
            "notes (Ada's conflicted copy 2026-02-03) (a).txt",
            "notes (conflicted copy 2026-02-03 101112) (1).txt",
            "Ada's conflicted copy 2026-02-03.txt",
            "notes (conflicted copy 2026-02-03",
            "notes conflicted copy 2026-02-03).txt",
            "theory_conflict-resolution.txt",
            "theory_conflict-20260203.txt",
            "_conflict-20260203-101112.txt",
            "a.sync-conflict-2026-ABCDE27.txt",
            "a.sync-conflict-20260203-101112-ABCDE89.txt",
            ".sync-conflict-20260203-101112-ABCDE27",
            "how sync-conflict-20260203-101112 began.txt",
            "conflicted.txt",
            "a.conflicted.txt",
            "(1)",
            "((((",
            "))))",
            "日本語 (コピー).txt",
        ];
        for name in names {
            assert_eq!(base_of(name), None, "{name}");
        }
    }
}
