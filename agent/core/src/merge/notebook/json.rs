//! JSON as slices of its own text. A value is checked once and then only ever cut: into the members of an object or
//! the items of an array, with the blanks between them. So number texts, escapes, key order, doubled keys and
//! indentation stay what they were, which no parsed tree of a library gives, and outputs of any size cost nothing but
//! the look over them. What Python's reader takes is taken: NaN, Infinity and lone surrogates too, since notebooks in
//! the wild hold them. Nothing here recurses deeper than [`DEEPEST`].

use std::borrow::Cow;

pub use super::strings::{decode, encode};

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

/// A member of an object.
#[derive(Debug, Clone)]
pub struct Member<'a> {
    /// Its name.
    pub key: Cow<'a, str>,
    /// Name, colon and blanks as they are written.
    pub front: &'a str,
    /// Its value.
    pub value: &'a str,
}

/// How the parts of an object or array are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// From the bracket to the first part, both without.
    pub open: &'a str,
    /// Between two parts, with the comma; none with fewer than two.
    pub between: Option<&'a str>,
    /// Before the closing bracket.
    pub close: &'a str,
}

/// Is this one JSON value with blanks around it? Returns where the value begins and ends.
///
/// # Errors
/// It is not, and where.
pub fn check(text: &str) -> Result<(usize, usize), Bad> {
    let bytes = text.as_bytes();
    let start = blanks(bytes, 0);
    let mut at = start;
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
                    if within.len() > DEEPEST {
                        return Err(Bad::Deep);
                    }
                    if object {
                        at = key(bytes, at)?;
                    }
                    continue;
                }
            }
            b'"' => at = string(bytes, at)?,
            _ => at = scalar(bytes, at)?,
        }
        // a value has ended here
        loop {
            at = blanks(bytes, at);
            let Some(object) = within.last().copied() else {
                let end = bytes[..at].iter().rposition(|byte| !blank(*byte)).map_or(at, |last| last + 1);
                return if at == bytes.len() { Ok((start, end)) } else { Err(Bad::At(at)) };
            };
            match (bytes.get(at).ok_or(Bad::Short)?, object) {
                (b',', true) => at = key(bytes, blanks(bytes, at + 1))?,
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

/// After a key and its colon.
fn key(bytes: &[u8], at: usize) -> Result<usize, Bad> {
    if *bytes.get(at).ok_or(Bad::Short)? != b'"' {
        return Err(Bad::At(at));
    }
    let at = blanks(bytes, string(bytes, at)?);
    if *bytes.get(at).ok_or(Bad::Short)? == b':' { Ok(at + 1) } else { Err(Bad::At(at)) }
}

/// Past bytes that mean nothing within a string, eight at a time: most of a notebook is outputs. Stops at a quote or a
/// backslash, and at a control character unless the text is `CHECKED`; before the last bytes at the latest.
fn plain<const CHECKED: bool>(bytes: &[u8], at: usize) -> usize {
    // the same byte eight times
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // the first bit set is that of the first byte that is zero, what is above says nothing:
    // https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
    let zeros = |word: u64| word.wrapping_sub(all(1)) & !word & all(0x80);
    let mut at = at;
    while let Some(eight) = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()) {
        let word = u64::from_le_bytes(eight);
        let mut found = zeros(word ^ all(b'"')) | zeros(word ^ all(b'\\'));
        if !CHECKED {
            found |= zeros(word & all(0xe0));
        }
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at
}

/// After a string that begins here.
fn string(bytes: &[u8], at: usize) -> Result<usize, Bad> {
    let mut at = at + 1;
    loop {
        at = plain::<false>(bytes, at);
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
            0..0x20 => return Err(Bad::At(at)),
            _ => at += 1,
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

/// After a value that begins here, in checked text.
fn past(bytes: &[u8], at: usize) -> usize {
    let quote = |mut at: usize| {
        at = plain::<true>(bytes, at);
        while at < bytes.len() && bytes[at] != b'"' {
            at = if bytes[at] == b'\\' { at + 2 } else { at + 1 };
            at = plain::<true>(bytes, at);
        }
        at + 1
    };
    match bytes[at] {
        b'"' => quote(at + 1),
        b'{' | b'[' => {
            let (mut at, mut depth) = (at + 1, 1_usize);
            while at < bytes.len() && depth > 0 {
                match bytes[at] {
                    b'"' => {
                        at = quote(at + 1);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
            }
            at
        }
        _ => {
            let ends = |byte: &u8| blank(*byte) || matches!(byte, b',' | b']' | b'}' | b':');
            bytes[at..].iter().position(ends).map_or(bytes.len(), |more| at + more)
        }
    }
}

/// The parts of a checked value that is an object or array, as ranges, and how they are set apart.
fn parts(value: &str, object: bool) -> (Frame<'_>, Vec<(&str, &str)>) {
    let bytes = value.as_bytes();
    let first = blanks(bytes, 1);
    let mut frame = Frame { open: &value[1..first], between: None, close: "" };
    let mut parts = Vec::new();
    let mut at = first;
    while at < bytes.len() && !matches!(bytes[at], b'}' | b']') {
        let from = at;
        if object {
            at = blanks(bytes, past(bytes, at));
            at = blanks(bytes, at + 1);
        }
        let end = past(bytes, at);
        parts.push((&value[from..at], &value[at..end]));
        let comma = blanks(bytes, end);
        if bytes.get(comma) != Some(&b',') {
            frame.close = &value[end..comma];
            break;
        }
        at = blanks(bytes, comma + 1);
        frame.between.get_or_insert(&value[end..at]);
    }
    (frame, parts)
}

/// The members of a checked value; none when it is no object.
pub fn members(value: &str) -> Option<(Frame<'_>, Vec<Member<'_>>)> {
    if !value.starts_with('{') {
        return None;
    }
    let (frame, parts) = parts(value, true);
    let members = parts.into_iter().map(|(front, value)| {
        let end = past(front.as_bytes(), 0);
        Member { key: name(&front[..end]), front, value }
    });
    Some((frame, members.collect()))
}

/// The items of a checked value; none when it is no array.
pub fn items(value: &str) -> Option<(Frame<'_>, Vec<&str>)> {
    if !value.starts_with('[') {
        return None;
    }
    let (frame, parts) = parts(value, false);
    Some((frame, parts.into_iter().map(|(_, value)| value).collect()))
}

/// The value of this name in a checked object; the last one where a name is doubled, as Python reads it.
pub fn get<'a>(value: &'a str, key: &str) -> Option<&'a str> {
    let (_, members) = members(value)?;
    members.into_iter().rev().find(|member| member.key == key).map(|member| member.value)
}

/// A string's text where it is one, as people read it: lone surrogates become the replacement sign.
pub fn text(value: &str) -> Option<Cow<'_, str>> {
    value.starts_with('"').then(|| name(value))
}

fn name(quoted: &str) -> Cow<'_, str> {
    match decode(quoted) {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Do two checked values mean the same: blanks, escapes and the order of keys aside? Numbers mean what they spell.
pub fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (a.as_bytes().first(), b.as_bytes().first()) {
        (Some(b'"'), Some(b'"')) => (a.contains('\\') || b.contains('\\')) && decode(a) == decode(b),
        (Some(b'['), Some(b'[')) => {
            let (Some((_, a)), Some((_, b))) = (items(a), items(b)) else { return false };
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(a, b))
        }
        (Some(b'{'), Some(b'{')) => {
            let (Some((_, mut a)), Some((_, mut b))) = (members(a), members(b)) else { return false };
            // a stable sort: of doubled keys the last one counts and stays last
            a.sort_by(|a, b| a.key.cmp(&b.key));
            b.sort_by(|a, b| a.key.cmp(&b.key));
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.key == b.key && same(a.value, b.value))
        }
        _ => false,
    }
}

/// Is a name doubled in this checked object?
pub fn doubled(members: &[Member]) -> bool {
    let mut keys: Vec<_> = members.iter().map(|member| &member.key).collect();
    keys.sort();
    keys.windows(2).any(|two| two[0] == two[1])
}

/// A digest of what a checked value means: equal for values that are [`same`].
pub fn digest(values: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    values.iter().for_each(|value| feed(&mut hasher, value));
    hasher.finalize().to_hex()[..16].to_owned()
}

fn feed(hasher: &mut blake3::Hasher, value: &str) {
    let mut part = |tag: u8, bytes: &[u8]| {
        hasher.update(&[tag]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    if value.starts_with('"') {
        part(b's', &decode(value));
    } else if let Some((_, items)) = items(value) {
        part(b'a', &(items.len() as u64).to_le_bytes());
        items.iter().for_each(|item| feed(hasher, item));
    } else if let Some((_, mut members)) = members(value) {
        members.sort_by(|a, b| a.key.cmp(&b.key));
        part(b'o', &(members.len() as u64).to_le_bytes());
        for member in &members {
            hasher.update(&(member.key.len() as u64).to_le_bytes()).update(member.key.as_bytes());
            feed(hasher, member.value);
        }
    } else {
        part(b'w', value.as_bytes());
    }
}
