//! Texts of the model. Every line a person types is a token nobody else types, so that a verdict can say of each
//! line who has seen it and who took it out; a few short lines repeat, as blank lines and braces do.

use std::sync::Arc;

use kitbag_core::id::ContentId;
use kitbag_core::version::Content;

/// A name in a folder.
pub type Name = Arc<str>;
/// A line that only one person typed once.
pub type Token = u32;

/// Lines of course files have tokens from here on. Nobody typed them: no verdict asks after them.
pub const COURSE: Token = 100;
/// Lines people type have tokens from here on.
pub const TYPED: Token = 1_000;

const COMMON: [&str; 4] = ["", "}", "end", "pass"];

/// One of the lines that repeat.
pub fn common(pick: usize) -> Vec<u8> {
    COMMON[pick % COMMON.len()].into()
}

/// The line of a token. All are of one length, so that no beginning of one is another.
pub fn line(token: Token) -> Vec<u8> {
    format!("L{token:06}").into_bytes()
}

/// Is it a notebook, or the first part of one? No line begins so.
fn is_book(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{")
}

/// All tokens in a notebook, whole or not. Nothing else in one is written so.
fn tokens_within(bytes: &[u8]) -> impl Iterator<Item = Token> {
    let ends = |next: Option<&u8>| next.is_none_or(|byte| !byte.is_ascii_digit());
    let at = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'L').map(|(at, _)| at);
    at.filter(move |at| ends(bytes.get(at + 7))).filter_map(|at| token(bytes.get(at..at + 7)?))
}

/// The token of a line, none for one that repeats or was torn.
pub fn token(line: &[u8]) -> Option<Token> {
    let digits = line.strip_prefix(b"L").filter(|digits| digits.len() == 6)?;
    digits.iter().try_fold(0, |sum, d| d.is_ascii_digit().then(|| sum * 10 + Token::from(d - b'0')))
}

/// Some bytes with their name and the tokens in them.
#[derive(Clone)]
pub struct Blob(Arc<Inner>);

struct Inner {
    id: ContentId,
    bytes: Arc<[u8]>,
    tokens: Vec<Token>,
}

impl Blob {
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let mut tokens: Vec<_> = if is_book(&bytes) {
            tokens_within(&bytes).collect()
        } else {
            split(&bytes).filter_map(token).collect()
        };
        tokens.sort_unstable();
        Blob(Arc::new(Inner { id: ContentId::of(&bytes), bytes, tokens }))
    }

    /// From lines; `ended` says whether the last one has its line end.
    pub fn of_lines(lines: &[Vec<u8>], ended: bool) -> Self {
        let mut bytes = lines.join(&b'\n');
        if !lines.is_empty() && (ended || lines.last().is_some_and(Vec::is_empty)) {
            bytes.push(b'\n');
        }
        Blob::new(bytes)
    }

    pub fn id(&self) -> ContentId {
        self.0.id
    }

    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0.bytes
    }

    /// Sorted; a line moved and copied stands twice.
    pub fn tokens(&self) -> &[Token] {
        &self.0.tokens
    }

    pub fn holds(&self, token: Token) -> bool {
        self.0.tokens.binary_search(&token).is_ok()
    }

    pub fn lines(&self) -> Vec<Vec<u8>> {
        split(&self.0.bytes).map(<[u8]>::to_vec).collect()
    }

    pub fn ended(&self) -> bool {
        self.0.bytes.last().is_none_or(|last| *last == b'\n')
    }

    pub fn content(&self) -> Content {
        Content::file(self.0.id, self.0.bytes.len() as u64)
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if is_book(self.bytes())
            && let Some(told) = crate::book::told(self)
        {
            return f.write_str(&told);
        }
        write!(f, "{:?}", String::from_utf8_lossy(&self.0.bytes).replace('\n', "·"))
    }
}

/// The lines of a text without their ends.
pub fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    (!bytes.is_empty()).then(|| body.split(|byte| *byte == b'\n')).into_iter().flatten()
}
