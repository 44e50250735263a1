//! One look over a JSON text from its first byte to its last, which checks it and cuts it at once: whoever walks goes
//! into the arrays and objects whose parts it needs and past all other values. So a text is looked at once however deep
//! it nests, and nothing is kept of what nobody goes into. What Python's reader takes is taken: NaN, Infinity and lone
//! surrogates too, since notebooks in the wild hold them. Nothing here recurses.

use std::borrow::Cow;

use super::strings::{lossy, plain};

/// Arrays and objects within one another; Python gives up at about a thousand.
pub const DEEPEST: usize = 256;

/// Why a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// Something else was expected at this byte.
    At(usize),
    /// It ends too early.
    Short,
    /// More within one another than [`DEEPEST`].
    Deep,
}

/// How the parts of an object or array are set apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// From the bracket to the first part, both without.
    pub open: &'a str,
    /// Between two parts, with the comma; none with fewer than two.
    pub between: Option<&'a str>,
    /// Before the closing bracket.
    pub close: &'a str,
}

/// An array or object that is being walked through.
#[derive(Debug)]
pub struct Within<'a> {
    /// Whole when there are no more parts.
    pub frame: Frame<'a>,
    close: u8,
    begun: bool,
}

/// A place in a text that is good JSON up to there.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    text: &'a str,
    at: usize,
    /// How many arrays and objects it is in.
    depth: usize,
}

impl<'a> Walk<'a> {
    /// At the first value of a text.
    pub fn over(text: &'a str) -> Self {
        let mut walk = Walk { text, at: 0, depth: 0 };
        walk.blanks();
        walk
    }

    /// Where it is, in bytes. Before a value: where that begins. After one: where it ended.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What was walked over from there on.
    pub fn since(&self, from: usize) -> &'a str {
        &self.text[from..self.at]
    }

    /// The next byte; none at the end of the text.
    pub fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Nothing but blanks may be left.
    ///
    /// # Errors
    /// There is more.
    pub fn end(mut self) -> Result<(), Bad> {
        self.blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(Bad::At(self.at)) }
    }

    /// Into an array or object by its bracket. None where something else stands here, and then it stays before it.
    pub fn enter(&mut self, bracket: u8) -> Option<Within<'a>> {
        if self.next() != Some(bracket) {
            return None;
        }
        let from = self.at + 1;
        self.at = from;
        self.blanks();
        let frame = Frame { open: self.since(from), ..Frame::default() };
        Some(Within { frame, close: if bracket == b'{' { b'}' } else { b']' }, begun: false })
    }

    /// To the next part of what was entered, after the last one was walked over: to the value in an array, to the name in
    /// an object. Or past the closing bracket: then there was none.
    ///
    /// # Errors
    /// Neither stands here, or it is too deep.
    pub fn part(&mut self, within: &mut Within<'a>) -> Result<bool, Bad> {
        let end = self.at;
        if within.begun {
            self.blanks();
        }
        let next = self.next().ok_or(Bad::Short)?;
        if next == within.close {
            if within.begun {
                within.frame.close = self.since(end);
                self.depth -= 1;
            }
            self.at += 1;
            return Ok(false);
        }
        if !within.begun {
            within.begun = true;
            self.depth += 1;
            return if self.depth > DEEPEST { Err(Bad::Deep) } else { Ok(true) };
        }
        if next != b',' {
            return Err(Bad::At(self.at));
        }
        self.at += 1;
        self.blanks();
        within.frame.between.get_or_insert(&self.text[end..self.at]);
        Ok(true)
    }

    /// Past the name of a member and its colon, to its value: the name, and all that was walked over as it is written.
    ///
    /// # Errors
    /// No name or no colon stands here.
    pub fn name(&mut self) -> Result<(Cow<'a, str>, &'a str), Bad> {
        let from = self.at;
        let bytes = self.text.as_bytes();
        let end = quoted(bytes, from)?;
        self.at = blanks(bytes, colon(bytes, end)?);
        Ok((lossy(&self.text[from..end]), self.since(from)))
    }

    /// Past a value, which comes out.
    ///
    /// # Errors
    /// None stands here, or it is too deep.
    pub fn value(&mut self) -> Result<&'a str, Bad> {
        let from = self.at;
        self.at = past(self.text.as_bytes(), from, self.depth)?;
        Ok(self.since(from))
    }

    fn blanks(&mut self) {
        self.at = blanks(self.text.as_bytes(), self.at);
    }
}

/// After a value that begins here, this deep within others.
fn past(bytes: &[u8], at: usize, depth: usize) -> Result<usize, Bad> {
    let mut at = at;
    // true: an object
    let mut within: Vec<bool> = Vec::new();
    loop {
        // a value begins here
        at = blanks(bytes, at);
        match bytes.get(at).ok_or(Bad::Short)? {
            open @ (b'{' | b'[') => {
                let object = *open == b'{';
                at = blanks(bytes, at + 1);
                let close = if object { b'}' } else { b']' };
                if bytes.get(at) == Some(&close) {
                    at += 1;
                } else {
                    within.push(object);
                    if depth + within.len() > DEEPEST {
                        return Err(Bad::Deep);
                    }
                    if object {
                        at = colon(bytes, quoted(bytes, at)?)?;
                    }
                    continue;
                }
            }
            b'"' => at = string(bytes, at)?,
            _ => at = scalar(bytes, at)?,
        }
        // a value has ended here
        loop {
            let Some(object) = within.last().copied() else { return Ok(at) };
            at = blanks(bytes, at);
            match (bytes.get(at).ok_or(Bad::Short)?, object) {
                (b',', true) => at = colon(bytes, quoted(bytes, blanks(bytes, at + 1))?)?,
                (b',', false) => at += 1,
                (b'}', true) | (b']', false) => {
                    at += 1;
                    within.pop();
                    continue;
                }
                _ => return Err(Bad::At(at)),
            }
            break;
        }
    }
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

fn blanks(bytes: &[u8], at: usize) -> usize {
    let mut at = at;
    while at < bytes.len() && blank(bytes[at]) {
        at += 1;
    }
    at
}

/// After a name that begins here.
fn quoted(bytes: &[u8], at: usize) -> Result<usize, Bad> {
    if *bytes.get(at).ok_or(Bad::Short)? == b'"' { string(bytes, at) } else { Err(Bad::At(at)) }
}

/// After the colon that follows a name.
fn colon(bytes: &[u8], at: usize) -> Result<usize, Bad> {
    let at = blanks(bytes, at);
    if *bytes.get(at).ok_or(Bad::Short)? == b':' { Ok(at + 1) } else { Err(Bad::At(at)) }
}

/// After a string that begins here.
fn string(bytes: &[u8], at: usize) -> Result<usize, Bad> {
    let mut at = at + 1;
    loop {
        at = plain(bytes, at);
        match *bytes.get(at).ok_or(Bad::Short)? {
            b'"' => return Ok(at + 1),
            b'\\' => match *bytes.get(at + 1).ok_or(Bad::Short)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' => {
                    let digits = bytes.get(at + 2..at + 6).ok_or(Bad::Short)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return Err(Bad::At(at));
                    }
                    at += 6;
                }
                _ => return Err(Bad::At(at)),
            },
            _ => return Err(Bad::At(at)),
        }
    }
}

/// After a number or a word that begins here.
fn scalar(bytes: &[u8], at: usize) -> Result<usize, Bad> {
    let words: [&[u8]; 6] = [b"true", b"false", b"null", b"NaN", b"Infinity", b"-Infinity"];
    if let Some(word) = words.iter().find(|word| bytes[at..].starts_with(word)) {
        return Ok(at + word.len());
    }
    let digits = |mut at: usize| -> Result<usize, Bad> {
        let from = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at > from { Ok(at) } else { Err(Bad::At(at)) }
    };
    let whole = at + usize::from(bytes[at] == b'-');
    let mut end = digits(whole)?;
    if bytes[whole] == b'0' && end > whole + 1 {
        return Err(Bad::At(whole));
    }
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
        end = digits(end + 1 + usize::from(signed))?;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::super::json::{members, same};
    use super::*;

    /// Into every array and object, and back: the pieces put together again.
    fn through(walk: &mut Walk) -> Result<String, Bad> {
        let open = walk.next().unwrap_or_default();
        if !matches!(open, b'{' | b'[') {
            return walk.value().map(str::to_owned);
        }
        let (mut within, mut parts) = (walk.enter(open).unwrap(), Vec::new());
        while walk.part(&mut within)? {
            let front = if open == b'{' { walk.name()?.1 } else { "" };
            parts.push(format!("{front}{}", through(walk)?));
        }
        let Frame { open: first, between, close } = within.frame;
        let parts = parts.join(between.unwrap_or_default());
        Ok(format!("{}{first}{parts}{close}{}", char::from(open), char::from(within.close)))
    }

    const ODD: [&str; 12] = [
        "{}",
        "[ ]",
        "\"\"",
        "[\n 1,\n 2\n]",
        "{ \"a\" : { } , \"a\" : [ ] , \"\\u0061\" : NaN }",
        "{\"\": -Infinity}",
        "[\"\\ud83d\", \"\\\\\", \"\\\"]\", \"é]\"]",
        "[[],[[]],{\"a\":[{}]}]",
        "{\"a\":{\"b\":{\"c\":\"}\"}}}",
        "1.50e+3",
        "[\r\n\ttrue,\r\n\tfalse]",
        "{\"{\":\"[\",\"]\":\"}\"}",
    ];

    #[test]
    fn what_is_cut_out_is_what_stands_there_and_nothing_is_cut_from_what_is_broken() {
        for text in ODD {
            let mut walk = Walk::over(text);
            assert_eq!(through(&mut walk).unwrap(), text);
            assert_eq!((walk.at(), walk.depth, walk.clone().end()), (text.len(), 0, Ok(())), "{text}");
            assert_eq!(Walk::over(text).value(), Ok(text));
            // stepping in finds the same fault at the same place as walking past
            let signs = ["", "]", "}", ",", ":", "\"", "\\", "0", "[", "{", " x", "\u{1}"];
            for (at, char) in text.char_indices() {
                for sign in signs {
                    for end in [at, at + char.len_utf8()] {
                        let broken = [&text[..at], sign, &text[end..]].concat();
                        let (mut one, mut other) = (Walk::over(&broken), Walk::over(&broken));
                        let (past, cut) = (one.value().map(str::to_owned), through(&mut other));
                        assert_eq!(past.map(|_| one.end()), cut.map(|_| other.end()), "{broken}");
                    }
                }
            }
        }
    }

    #[test]
    fn how_deep_it_is_counts_from_the_outermost_value() {
        let deep = |depth: usize| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Walk::over(&deep(DEEPEST)).value().is_ok());
        assert_eq!(Walk::over(&deep(DEEPEST + 1)).value(), Err(Bad::Deep));
        for entered in [1, 2, 100] {
            let fits = |text: &str| {
                let mut walk = Walk::over(text);
                for _ in 0..entered {
                    let mut within = walk.enter(b'[').unwrap();
                    assert_eq!(walk.part(&mut within), Ok(true));
                }
                walk.value().map(|_| ())
            };
            assert_eq!(fits(&deep(DEEPEST)), Ok(()));
            assert_eq!(fits(&deep(DEEPEST + 1)), Err(Bad::Deep));
            // an empty one holds nothing
            assert_eq!(fits(&deep(DEEPEST).replace('0', "[ ]")), Ok(()));
        }
        assert_eq!(through(&mut Walk::over(&deep(DEEPEST + 1))), Err(Bad::Deep));
    }

    #[test]
    fn long_and_deep_values_are_walked_through_once() {
        let long = format!("[{}0]", "0,".repeat(1 << 20));
        assert_eq!(super::super::json::items(&long).unwrap().1.len(), (1 << 20) + 1);
        // each level the other way round: looked into twice a level, this would not end
        let [mut one, mut other] = ["1".to_owned(), "1".to_owned()];
        for _ in 0..DEEPEST {
            one = format!("{{\"a\":{one},\"b\":0,\"c\":0}}");
            other = format!("{{\"a\":{other},\"c\":0,\"b\":0}}");
        }
        assert!(same(&one, &other));
        assert!(!same(&one, &other.replace('1', "2")));
        assert_eq!(members(&one).unwrap().1.len(), 3);
    }
}
