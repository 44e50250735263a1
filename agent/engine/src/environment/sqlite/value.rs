//! One value of a database as SQL text that means exactly this value.
//!
//! A float gets the fewest digits that also a careless reader turns back into the same bits. A text is a plain
//! literal where it survives shells, editors and line endings, and a cast of its bytes where it does not.
//! All functions append to a buffer.

use std::fmt::Write as _;

use rusqlite::types::ValueRef;

/// How a database stores its texts; the name is what `PRAGMA encoding` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Little,
    Utf16Big,
}

impl Encoding {
    pub(super) const ALL: [(Self, &'static str); 3] =
        [(Self::Utf8, "UTF-8"), (Self::Utf16Little, "UTF-16le"), (Self::Utf16Big, "UTF-16be")];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(encoding, _)| *encoding)
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(known, _)| *known == self).map_or("UTF-8", |(_, name)| *name)
    }
}

/// Any value whose text, if it is one, is in UTF-8 as stored.
pub(super) fn value(out: &mut String, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.push_str("NULL"),
        ValueRef::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        ValueRef::Real(number) => real(out, number),
        ValueRef::Text(bytes) => text(out, bytes, Encoding::Utf8),
        ValueRef::Blob(bytes) => blob(out, bytes),
    }
}

/// A text given as the bytes the database stores.
pub(super) fn text(out: &mut String, bytes: &[u8], encoding: Encoding) {
    match decoded(bytes, encoding).filter(|text| plain(text)) {
        Some(text) if text.contains('\r') => without_returns(out, &text),
        Some(text) => string(out, &text),
        None => {
            out.push_str("CAST(");
            blob(out, bytes);
            out.push_str(" AS TEXT)");
        }
    }
}

fn decoded(bytes: &[u8], encoding: Encoding) -> Option<std::borrow::Cow<'_, str>> {
    let unit = match encoding {
        Encoding::Utf8 => return std::str::from_utf8(bytes).ok().map(Into::into),
        Encoding::Utf16Little => u16::from_le_bytes,
        Encoding::Utf16Big => u16::from_be_bytes,
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text: String =
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<_, _>>().ok()?;
    // SQLite turns these two into U+FFFD on the way from UTF-8 to UTF-16.
    let kept = rest.is_empty() && !text.contains(['\u{fffe}', '\u{ffff}']);
    kept.then(|| text.into())
}

/// Control characters end a file on Windows, vanish in terminals or (NUL) end the statement.
fn plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// The sqlite3 program drops a carriage return at the end of a line, so none is written as it is.
fn without_returns(out: &mut String, text: &str) {
    let mut mark = String::from("\\r");
    for number in 1.. {
        if !text.contains(&mark) {
            break;
        }
        mark = format!("\\r{number}");
    }
    out.push_str("replace(");
    string(out, &text.replace('\r', &mark));
    let _ = write!(out, ",'{mark}',char(13))");
}

/// A string literal.
pub(super) fn string(out: &mut String, text: &str) {
    quoted(out, text, '\'');
}

/// A name of a table or column.
pub(super) fn name(out: &mut String, name: &str) {
    quoted(out, name, '"');
}

fn quoted(out: &mut String, text: &str, quote: char) {
    out.push(quote);
    for (number, part) in text.split(quote).enumerate() {
        if number > 0 {
            out.push(quote);
            out.push(quote);
        }
        out.push_str(part);
    }
    out.push(quote);
}

fn blob(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(bytes.len() * 2 + 3);
    out.push_str("X'");
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out.push('\'');
}

fn real(out: &mut String, number: f64) {
    if number.is_nan() {
        return out.push_str("NULL");
    }
    if number.is_sign_negative() {
        out.push('-');
    }
    if number.is_infinite() {
        return out.push_str("9e999");
    }
    let (digits, exponent) = safe_digits(number.abs());
    let point = exponent + 1;
    match usize::try_from(point) {
        Ok(point) if point <= 16 => {
            let whole = point.min(digits.len());
            let _ = write!(out, "{:0<width$}.", &digits[..whole], width = point.max(1));
            out.push_str(if digits.len() > whole { &digits[whole..] } else { "0" });
        }
        Err(_) if point > -5 => {
            let _ = write!(out, "0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
        }
        _ => {
            let _ = write!(
                out,
                "{}.{}e{exponent:+}",
                &digits[..1],
                if digits.len() > 1 { &digits[1..] } else { "0" }
            );
        }
    }
}

/// Significant digits and the decimal exponent of the first one. Old versions of SQLite are off by some units
/// in the nineteenth digit when they read a float, so the digits chosen stay that far from the next float.
fn safe_digits(number: f64) -> (String, i32) {
    let mut best = scientific(&format!("{number:e}"));
    for count in best.0.len() + 1..=19 {
        if survives(&best.0, best.1, number) {
            break;
        }
        best = scientific(&format!("{number:.*e}", count - 1));
    }
    best
}

fn scientific(text: &str) -> (String, i32) {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (digits.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn survives(digits: &str, exponent: i32, number: f64) -> bool {
    const WIDTH: usize = 21;
    const SLACK: u128 = 1_000;
    let Ok(middle) = format!("{digits:0<WIDTH$}").parse::<u128>() else { return false };
    [middle.saturating_sub(SLACK), middle, middle + SLACK].iter().all(|near| {
        format!("{near}e{}", exponent - 20).parse::<f64>().is_ok_and(|read| middle == 0 || read == number)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn written(number: f64) -> String {
        let mut out = String::new();
        real(&mut out, number);
        out
    }

    #[test]
    fn floats_read_well() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (100.0, "100.0"),
            (123_456.75, "123456.75"),
            (1e15, "1000000000000000.0"),
            (1e16, "1.0e+16"),
            (0.0001, "0.0001"),
            (1.5e-7, "1.5e-7"),
            (f64::INFINITY, "9e999"),
            (f64::NEG_INFINITY, "-9e999"),
            (5e-324, "5.0e-324"),
        ] {
            assert_eq!(written(number), text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn floats_come_back_bit_for_bit(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            prop_assert_eq!(written(number).parse::<f64>().unwrap().to_bits(), bits);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn sqlite_reads_the_same_bits(all in prop::collection::vec(any::<u64>(), 1_000)) {
            let floats: Vec<f64> = all.into_iter().map(f64::from_bits).filter(|float| !float.is_nan()).collect();
            let list: Vec<String> = floats.iter().map(|float| written(*float)).collect();
            let database = rusqlite::Connection::open_in_memory().unwrap();
            let read: Vec<u64> = database
                .prepare(&format!("SELECT {}", list.join(",")))
                .unwrap()
                .query_row([], |row| (0..floats.len()).map(|at| row.get(at).map(f64::to_bits)).collect())
                .unwrap();
            prop_assert_eq!(read, floats.into_iter().map(f64::to_bits).collect::<Vec<_>>());
        }
    }

    #[test]
    fn texts_survive_shells() {
        for (bytes, expected) in [
            (&b"it's"[..], "'it''s'"),
            (b"a\nb", "'a\nb'"),
            (b"a\r\nb", "replace('a\\r\nb','\\r',char(13))"),
            (b"\\r and \r", "replace('\\r and \\r1','\\r1',char(13))"),
            (b"nul\0", "CAST(X'6E756C00' AS TEXT)"),
            (b"\xff", "CAST(X'FF' AS TEXT)"),
            (b"\x1a", "CAST(X'1A' AS TEXT)"),
        ] {
            let mut out = String::new();
            text(&mut out, bytes, Encoding::Utf8);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn wide_texts_are_decoded_or_cast() {
        for (bytes, expected) in [
            (&b"a\0"[..], "'a'"),
            (b"\x00\xd8", "CAST(X'00D8' AS TEXT)"),
            (b"\xff\xff", "CAST(X'FFFF' AS TEXT)"),
        ] {
            let mut out = String::new();
            text(&mut out, bytes, Encoding::Utf16Little);
            assert_eq!(out, expected);
        }
    }
}
