//! Snapshots of an environment's own data, as far as they are names and decisions: what one may be called, which is
//! meant, and whether a restore of which no end was seen has taken effect. What they hold is the backend's business.

/// Longest name, in letters.
pub const LONGEST_NAME: usize = 40;

/// What [`is_name`] asks for, in words.
pub const NAME_RULE: &str =
    "Use a letter or digit, then letters, digits, dots, hyphens and underscores, at most 40.";

/// How names begin that nobody chose.
const USUAL: &str = "snapshot-";

/// Whether a snapshot may be called so: plain enough for a label, a terminal and a command line.
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(fits)
}

/// The name of a snapshot for which none was given: the number after the highest there is.
pub fn next_name<'a>(there: impl IntoIterator<Item = &'a str>) -> String {
    let number = |name: &str| name.strip_prefix(USUAL)?.parse::<u32>().ok();
    let highest = there.into_iter().filter_map(number).max().unwrap_or_default();
    format!("{USUAL}{}", highest.saturating_add(1))
}

/// Whether a restore that was begun has taken effect, by the name of the environment's data before it and now: the data
/// are other ones from one moment to the next, and none at all are those of a person who threw them away since.
pub fn took_effect(before: Option<&str>, now: Option<&str>) -> bool {
    now.is_some() && now != before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["a", "7", "before-week3", "Before_exam.2", &"n".repeat(40)] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "-a",
            ".a",
            "a b",
            "a/b",
            "..",
            "ä",
            "a\n",
            "a\u{1b}[31m",
            "<b>",
            "a\u{202e}",
            &"n".repeat(41),
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_usual_names_go_on_after_the_highest() {
        assert_eq!(next_name([]), "snapshot-1");
        assert_eq!(next_name(["snapshot-2", "exam", "snapshot-x", "snapshot-10"]), "snapshot-11");
        assert!(is_name(&next_name(["snapshot-4294967295"])));
    }

    #[test]
    fn other_data_show_that_it_took_effect() {
        assert!(took_effect(Some("1"), Some("2")) && took_effect(None, Some("1")));
        for (before, now) in [(Some("1"), Some("1")), (Some("1"), None), (None, None)] {
            assert!(!took_effect(before, now), "{before:?} {now:?}");
        }
    }
}
