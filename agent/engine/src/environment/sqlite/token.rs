//! SQL cut into words, marks and literals, as far as kitbag must look into it.
//!
//! Used to recognise the few statements a dump consists of, and to see what a schema speaks of. Comments and
//! white space are skipped. What SQLite would not accept comes out as [`Token::Bad`].

/// One piece of a statement, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or a bare name.
    Word(&'a str),
    /// A name in quotes, backquotes or brackets, with them.
    Name(&'a str),
    /// A string literal, with its quotes.
    Text(&'a str),
    /// A blob literal.
    Blob,
    /// A number without sign.
    Number,
    /// Any single other character.
    Mark(u8),
    /// An end that never comes.
    Bad,
}

impl<'a> Token<'a> {
    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// The content of a word, name or text, its quotes taken off.
    pub(super) fn plain(&self) -> Option<String> {
        let (Self::Word(text) | Self::Name(text) | Self::Text(text)) = self else { return None };
        let quote = match text.chars().next()? {
            '[' => return Some(text[1..text.len() - 1].to_owned()),
            quote @ ('"' | '\'' | '`') => quote,
            _ => return Some((*text).to_owned()),
        };
        Some(text[1..text.len() - 1].replace(&format!("{quote}{quote}"), &quote.to_string()))
    }
}

/// The tokens of a text, in order.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

/// Cuts this text.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

/// Whether a byte may stand in a bare word.
pub(super) fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

impl<'a> Tokens<'a> {
    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip(&mut self) -> bool {
        loop {
            let rest = &self.text[self.at..];
            if self.byte(0).is_ascii_whitespace() {
                self.at += 1;
            } else if rest.starts_with("--") {
                self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    self.at = self.text.len();
                    return false;
                };
                self.at += end + 4;
            } else {
                return true;
            }
        }
    }

    /// From the opening quote to its end, doubled quotes taken as content.
    fn quoted(&mut self, open: usize, close: u8) -> Option<&'a str> {
        let start = self.at;
        let mut at = self.at + open;
        loop {
            at += memchr(close, self.text.as_bytes().get(at..)?)? + 1;
            if close == b']' || self.text.as_bytes().get(at) != Some(&close) {
                self.at = at;
                return Some(&self.text[start..at]);
            }
            at += 1;
        }
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.at < self.text.len() && belongs(self.byte(0)) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn number(&mut self) -> Token<'a> {
        self.run(|byte| byte.is_ascii_digit());
        if self.byte(0) == b'.' {
            self.at += 1;
            self.run(|byte| byte.is_ascii_digit());
        }
        if matches!(self.byte(0), b'e' | b'E') {
            self.at += 1 + usize::from(matches!(self.byte(1), b'+' | b'-'));
            self.run(|byte| byte.is_ascii_digit());
        }
        if self.run(in_word).is_empty() { Token::Number } else { Token::Bad }
    }
}

fn memchr(byte: u8, bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|other| *other == byte)
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if !self.skip() {
            return Some(Token::Bad);
        }
        if self.at >= self.text.len() {
            return None;
        }
        let token = match self.byte(0) {
            b'\'' => self.quoted(1, b'\'').map(Token::Text),
            quote @ (b'"' | b'`') => self.quoted(1, quote).map(Token::Name),
            b'[' => self.quoted(1, b']').map(Token::Name),
            b'x' | b'X' if self.byte(1) == b'\'' => self.quoted(2, b'\'').map(|literal| {
                let digits = &literal[2..literal.len() - 1];
                let good =
                    digits.len().is_multiple_of(2) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                if good { Token::Blob } else { Token::Bad }
            }),
            digit if digit.is_ascii_digit() => Some(self.number()),
            byte if in_word(byte) => Some(Token::Word(self.run(in_word))),
            byte => {
                self.at += 1;
                Some(Token::Mark(byte))
            }
        };
        if token.is_none() {
            self.at = self.text.len();
        }
        Some(token.unwrap_or(Token::Bad))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pieces() {
        let all: Vec<_> = tokens("a -- c'\n\"b\"\"\" [c] 'd''' x'0F' 1.5e-3, /* ; */;").collect();
        assert_eq!(
            all,
            [
                Token::Word("a"),
                Token::Name("\"b\"\"\""),
                Token::Name("[c]"),
                Token::Text("'d'''"),
                Token::Blob,
                Token::Number,
                Token::Mark(b','),
                Token::Mark(b';'),
            ]
        );
        let plain: Vec<_> = all.iter().filter_map(Token::plain).collect();
        assert_eq!(plain, ["a", "b\"", "c", "d'"]);
    }

    #[test]
    fn ends_that_never_come() {
        for text in ["'a", "\"a''", "[a", "/* a", "x'0", "x'0'", "x'zz'", "1a", "'"] {
            assert!(tokens(text).any(|token| token == Token::Bad), "{text}");
        }
    }
}
