//! Text that came from a plugin, made safe at the boundary: nothing in it can paint on a terminal, and nothing
//! is longer than its place allows. What is cut ends in an ellipsis.

use kitbag_core::path::shown;

/// Longest line, in bytes.
pub const LONGEST_LINE: usize = 8 << 10;
/// Longest text of several lines, in bytes.
pub const LONGEST_TEXT: usize = 64 << 10;

/// One line: control characters, line ends too, become visible escapes.
pub fn line(text: &str) -> String {
    cut(&shown(cut_str(text, LONGEST_LINE)), text.len() > LONGEST_LINE)
}

/// Several lines: line ends stay, tabs become spaces.
pub fn lines(text: &str) -> String {
    let kept = cut_str(text, LONGEST_TEXT);
    let safe: Vec<String> = kept.lines().map(|one| shown(&one.replace('\t', "    "))).collect();
    cut(&safe.join("\n"), text.len() > LONGEST_TEXT)
}

/// A name or another short text of at most `most` bytes.
pub fn short(text: &str, most: usize) -> String {
    cut(&shown(cut_str(text, most)), text.len() > most)
}

fn cut_str(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn cut(text: &str, was_longer: bool) -> String {
    if was_longer { format!("{text}…") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_paints_and_nothing_is_too_long() {
        assert_eq!(line("a\u{1b}]52;c;x\u{7}\r\nb"), "a\\u{1b}]52;c;x\\u{7}\\u{d}\\u{a}b");
        assert_eq!(lines("a\r\n\tb\u{202e}c"), "a\n    b\\u{202e}c");
        assert!(line(&"é".repeat(LONGEST_LINE)).len() <= LONGEST_LINE + 3);
        assert_eq!(short("abcdef", 3), "abc…");
    }
}
