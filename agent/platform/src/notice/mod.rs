//! The door to the person's desktop: a few words that appear in a corner and go away. Each system's own program shows
//! them; none is linked, and nobody waits long for one. What is said reaches that program as arguments or surroundings,
//! never as part of a script: names in it may be anybody's.

#[cfg(target_os = "macos")]
#[path = "real_macos.rs"]
mod system;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "real_desktop.rs"]
mod system;
#[cfg(windows)]
#[path = "real_windows.rs"]
mod system;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a program may take to show something.
const PATIENCE: Duration = Duration::from_secs(10);
/// More characters than a corner of the screen holds are left out.
const LONGEST: usize = 300;

/// What appears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// A few words.
    pub title: String,
    /// A sentence or two; may be empty.
    pub text: String,
}

/// Why nothing appeared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// There is no desktop here, or nothing that shows notices.
    #[error("nothing here shows notices")]
    Absent,
    /// It was asked, and refused.
    #[error("it was not shown: {0}")]
    Refused(String),
}

/// The person's desktop.
pub trait Notices: Send + Sync {
    /// Show it, and return when it was handed over. May take some seconds.
    ///
    /// # Errors
    /// See [`NoticeError`].
    fn show(&self, notice: &Notice) -> Result<(), NoticeError>;
}

/// The desktop of this session.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealNotices;

impl Notices for RealNotices {
    fn show(&self, notice: &Notice) -> Result<(), NoticeError> {
        system::show(&plain(notice))
    }
}

/// In one line each, short, and nothing that a desktop could take for markup: some read it, some show it as it stands,
/// and which of them this is cannot be known.
fn plain(notice: &Notice) -> Notice {
    let text = |text: &str| -> String {
        let mut out = String::new();
        for c in text.chars().take(LONGEST) {
            out.push(match c {
                '<' => '‹',
                '>' => '›',
                '&' => '+',
                c if c.is_control() || hidden(c) => ' ',
                c => c,
            });
        }
        if text.chars().nth(LONGEST).is_some() {
            out.push('…');
        }
        out
    };
    // a word of our own stands first, so that no program takes it for an option
    Notice { title: format!("kitbag: {}", text(&notice.title)), text: text(&notice.text) }
}

/// Signs that turn the direction of what follows, or are not seen.
fn hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A desktop that only remembers what it was to show. Copies of it are the same one.
#[derive(Debug, Clone, Default)]
pub struct SimulatedNotices {
    shown: Arc<Mutex<Vec<Notice>>>,
    trouble: Arc<Mutex<Option<NoticeError>>>,
}

impl SimulatedNotices {
    /// All that was shown, oldest first.
    pub fn shown(&self) -> Vec<Notice> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on showing ends so; none: it works again.
    pub fn answer_with(&self, trouble: Option<NoticeError>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

impl Notices for SimulatedNotices {
    fn show(&self, notice: &Notice) -> Result<(), NoticeError> {
        if let Some(trouble) = &*self.trouble.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(trouble.clone());
        }
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_desktop_could_read_as_more_than_text() {
        let hostile = "<b>x</b> <a href=\"http://e\">&amp;\n\u{1b}[2J\u{202e}exe.\u{0}";
        let shown = plain(&Notice { title: hostile.into(), text: hostile.into() });
        for text in [&shown.title, &shown.text] {
            assert!(!text.contains(['<', '>', '&', '\n', '\u{1b}', '\u{202e}', '\0']), "{text:?}");
        }
        assert!(shown.title.starts_with("kitbag: "));
        let long = plain(&Notice { title: String::new(), text: "ü".repeat(9_999) });
        assert_eq!(long.text.chars().count(), LONGEST + 1);
    }
}
