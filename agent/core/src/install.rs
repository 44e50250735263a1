//! What to do with a text that starts kitbag at log-in. Ours is what kitbag noted to have written and nobody changed; what
//! a person changed, or wrote themselves, is theirs and stays as it is, whatever is asked for.

/// What to do at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is as it should be.
    Leave,
    /// Write what is wanted.
    Write,
    /// Remove what is there.
    Remove,
    /// Somebody else's stands there: leave it and say so.
    Theirs,
}

/// What to do where `found` stands, of which `ours` are what kitbag may have written, so that `wanted` stands there; none:
/// nothing shall.
pub fn step(found: Option<&str>, ours: &[&str], wanted: Option<&str>) -> Step {
    match (found, wanted) {
        (found, wanted) if found == wanted => Step::Leave,
        (None, _) => Step::Write,
        (Some(found), wanted) if ours.contains(&found) => {
            if wanted.is_some() {
                Step::Write
            } else {
                Step::Remove
            }
        }
        _ => Step::Theirs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_changed_is_theirs() {
        let ours = ["old", "older"];
        for (found, wanted, expected) in [
            (None, None, Step::Leave),
            (None, Some("new"), Step::Write),
            (Some("new"), Some("new"), Step::Leave),
            (Some("old"), Some("new"), Step::Write),
            (Some("older"), Some("new"), Step::Write),
            (Some("older"), None, Step::Remove),
            (Some("edited"), Some("new"), Step::Theirs),
            (Some("edited"), None, Step::Theirs),
            (Some(""), None, Step::Theirs),
        ] {
            assert_eq!(step(found, &ours, wanted), expected, "{found:?} {wanted:?}");
        }
        assert_eq!(step(Some("new"), &[], None), Step::Theirs);
    }
}
