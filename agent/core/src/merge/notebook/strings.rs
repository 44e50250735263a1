//! What a JSON string stands for, and the string for some bytes. Text is UTF-8; a lone surrogate, which JSON can spell
//! and UTF-8 cannot hold, is the three bytes UTF-8 would give it, so it comes back as it was.

use std::borrow::Cow;

/// The bytes a checked string stands for: UTF-8, and a lone surrogate as the three bytes UTF-8 would give it.
pub fn decode(quoted: &str) -> Cow<'_, [u8]> {
    let inner = &quoted.as_bytes()[1..quoted.len() - 1];
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut at = 0;
    while at < inner.len() {
        if inner[at] != b'\\' {
            out.push(inner[at]);
            at += 1;
            continue;
        }
        at += 2;
        out.push(match inner[at - 1] {
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
