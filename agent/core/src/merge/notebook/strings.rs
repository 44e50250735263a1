//! What a JSON string stands for, and the string for some bytes. Text is UTF-8; a lone surrogate, which JSON can spell
//! and UTF-8 cannot hold, is the three bytes UTF-8 would give it, so it comes back as it was.

use std::borrow::Cow;

/// Past bytes that mean nothing within a string, eight at a time since most of a notebook is outputs: up to a quote, a
/// backslash, a control character or the end.
pub fn plain(bytes: &[u8], at: usize) -> usize {
    // the same byte eight times
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // the first bit set is that of the first byte less than this one, what is above says nothing:
    // https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
    let less = |word: u64, than: u8| word.wrapping_sub(all(than)) & !word & all(0x80);
    let mut at = at;
    while let Some(eight) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let found = less(word, b' ') | less(word ^ all(b'"'), 1) | less(word ^ all(b'\\'), 1);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += eight.len();
    }
    let odd = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    bytes[at..].iter().position(odd).map_or(bytes.len(), |more| at + more)
}

/// The bytes a checked string stands for: UTF-8, and a lone surrogate as the three bytes UTF-8 would give it.
pub fn decode(quoted: &str) -> Cow<'_, [u8]> {
    let inner = &quoted.as_bytes()[1..quoted.len() - 1];
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut at = 0;
    while at < inner.len() {
        let end = plain(inner, at);
        out.extend_from_slice(&inner[at..end]);
        let Some(escape) = inner.get(end + 1) else { break };
        at = end + 2;
        out.push(match *escape {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut unit = hex(inner, at);
                at += 4;
                if (0xd800..0xdc00).contains(&unit) && inner[at..].starts_with(b"\\u") {
                    let low = hex(inner, at + 2);
                    if (0xdc00..0xe000).contains(&low) {
                        unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        at += 6;
                    }
                }
                push(&mut out, unit);
                continue;
            }
            other => other,
        });
    }
    Cow::Owned(out)
}

/// A checked string's text as people read it: a lone surrogate becomes the replacement sign.
pub fn lossy(quoted: &str) -> Cow<'_, str> {
    let whole = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    match decode(quoted) {
        Cow::Borrowed(_) => Cow::Borrowed(&quoted[1..quoted.len() - 1]),
        Cow::Owned(bytes) => Cow::Owned(whole(bytes)),
    }
}

fn hex(bytes: &[u8], at: usize) -> u32 {
    let digit = |byte: &u8| (*byte as char).to_digit(16).unwrap_or(0);
    bytes.iter().skip(at).take(4).fold(0, |sum, byte| sum * 16 + digit(byte))
}

fn push(out: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            out.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 63) as u8, 0x80 | (code & 63) as u8])
        }
    }
}

/// A string for these bytes, as Python writes it: with `ascii`, all that is not ASCII escaped.
pub fn encode(bytes: &[u8], ascii: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    let mut rest = bytes;
    while !rest.is_empty() {
        let lone = |three: &[u8]| three[0] == 0xed && three[1] >= 0xa0;
        let end = rest.windows(3).position(lone).unwrap_or(rest.len());
        for char in String::from_utf8_lossy(&rest[..end]).chars() {
            escape(&mut out, char, ascii);
        }
        if let [first, second, third, ..] = rest[end..] {
            let code = u32::from(first & 15) << 12 | u32::from(second & 63) << 6 | u32::from(third & 63);
            out.push_str(&format!("\\u{code:04x}"));
        }
        rest = rest.get(end + 3..).unwrap_or_default();
    }
    out.push('"');
    out
}

fn escape(out: &mut String, char: char, ascii: bool) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
        other if ascii && other > '~' => {
            other.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
        other => out.push(other),
    }
}
