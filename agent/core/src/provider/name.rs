//! Forms of names, and the question whether a provider carries a path at all. Only what a provider is known to do is
//! said here; how kitbag writes a name that some system cannot have is another matter.

use super::row::Row;

/// A name, or all names of one form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// This name.
    Exactly(&'static str),
    /// This name in capital or small letters (ASCII).
    AnyCase(&'static str),
    /// Begins so and ends so.
    Between(&'static str, &'static str),
    /// Holds this anywhere.
    Holds(&'static str),
    /// Begins so (capital or small), then one digit, then nothing or a dot and more: `COM1`, `lpt3.txt`.
    Device(&'static str),
}

impl Form {
    /// Whether a name is of this form.
    pub fn fits(&self, name: &str) -> bool {
        match self {
            Form::Exactly(text) => name == *text,
            Form::AnyCase(text) => name.eq_ignore_ascii_case(text),
            Form::Between(front, end) => {
                name.len() >= front.len() + end.len() && name.starts_with(front) && name.ends_with(end)
            }
            Form::Holds(text) => name.contains(text),
            Form::Device(front) => {
                let stem = name.split('.').next().unwrap_or(name);
                let lead = stem.get(..front.len()).filter(|lead| lead.eq_ignore_ascii_case(front));
                lead.is_some() && matches!(stem.as_bytes()[front.len()..], [b'0'..=b'9'])
            }
        }
    }
}

/// Why a provider does not carry a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCarried {
    /// Its client leaves such names where they are.
    #[error("names like {0} stay on this computer")]
    Skipped(String),
    /// A character it does not take.
    #[error("{0} cannot stand in a name there")]
    Character(char),
    /// A name it does not take.
    #[error("{0} is not allowed as a name there")]
    Name(String),
    /// A blank at an end, or a dot at the end.
    #[error("a name there cannot begin or end with a blank, or end with a dot")]
    Edge,
    /// Longer than it takes.
    #[error("the path is longer than {0} characters")]
    TooLong(usize),
}

impl Row {
    /// Whether the provider carries a file at this path, `/` between names.
    ///
    /// # Errors
    /// Why not, by the first name that it does not take.
    pub fn carries(&self, path: &str) -> Result<(), NotCarried> {
        let refuses = &self.refuses;
        if let Some(most) = refuses.longest_path.filter(|most| path.chars().count() > *most) {
            return Err(NotCarried::TooLong(most));
        }
        for name in path.split('/') {
            if self.skips(name) {
                return Err(NotCarried::Skipped(name.to_owned()));
            }
            if let Some(character) = name.chars().find(|c| refuses.characters.contains(*c)) {
                return Err(NotCarried::Character(character));
            }
            if refuses.names.iter().any(|form| form.fits(name)) {
                return Err(NotCarried::Name(name.to_owned()));
            }
            let blank = refuses.edge_blanks && (name.starts_with(' ') || name.ends_with(' '));
            if blank || (refuses.last_dot && name.ends_with('.')) {
                return Err(NotCarried::Edge);
            }
        }
        Ok(())
    }
}
