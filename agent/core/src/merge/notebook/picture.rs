//! Pictures in notebooks that a page can draw without trusting them: PNG and JPEG, as large as a screen has a use for.
//! The text is checked to be what it says, and the size is read out of the picture itself, before anything that unpacks
//! pictures sees it: a few bytes can claim to be a picture of many gigabytes.

/// Most bytes of a picture.
pub const LARGEST: usize = 4 * 1024 * 1024;
/// Most pixels on a side.
const LONGEST_SIDE: u32 = 8192;
/// Most pixels.
const MOST_PIXELS: u64 = 32 * 1024 * 1024;

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Picture {
    /// `image/png` or `image/jpeg`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Its bytes in base64, without blanks.
    pub data: String,
}

/// The kinds that are drawn.
pub const KINDS: [&str; 2] = ["image/png", "image/jpeg"];

/// The picture in this base64 text; none where it is none, or none that is drawn.
pub fn picture(kind: &str, text: &str) -> Option<Picture> {
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    // with blanks, as Jupyter breaks lines
    if text.len() > LARGEST * 2 {
        return None;
    }
    let data: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = decode(&data)?;
    let (width, height) = if kind == "image/png" { png(&bytes)? } else { jpeg(&bytes)? };
    let sides = 1..=LONGEST_SIDE;
    let fits = bytes.len() <= LARGEST
        && sides.contains(&width)
        && sides.contains(&height)
        && u64::from(width) * u64::from(height) <= MOST_PIXELS;
    fits.then_some(Picture { kind, width, height, data })
}

/// The bytes of a base64 text with its padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - bare.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(bare.len() / 4 * 3 + 3);
    for four in bare.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for byte in four {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        bits <<= 6 * (4 - four.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    Some(bytes)
}

/// The size of a PNG, which stands in its first chunk.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let chunk = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(chunk.get(at..at + 4)?.try_into().ok()?));
    Some((number(0)?, number(4)?))
}

/// The size of a JPEG, which stands in the first segment that begins a frame.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let (marker, behind) = match rest {
            // bytes that only fill
            [0xff, 0xff, ..] => {
                rest = &rest[1..];
                continue;
            }
            [0xff, marker, behind @ ..] => (*marker, behind),
            _ => return None,
        };
        let length = usize::from(u16::from_be_bytes([*behind.first()?, *behind.get(1)?]));
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let side =
                |at: usize| Some(u32::from(u16::from_be_bytes([*behind.get(at)?, *behind.get(at + 1)?])));
            return Some((side(5)?, side(3)?));
        }
        // the picture itself begins without having said its size
        if marker == 0xda || length < 2 {
            return None;
        }
        rest = behind.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOT: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    fn encode(bytes: &[u8]) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let four = |three: &[u8]| {
            let mut all = [0; 4];
            all[1..=three.len()].copy_from_slice(three);
            let bits = u32::from_be_bytes(all);
            let letter = |at: usize| char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]);
            (0..4).map(|at| if at <= three.len() { letter(at) } else { '=' }).collect::<String>()
        };
        bytes.chunks(3).map(four).collect()
    }

    fn png_of(width: u32, height: u32) -> String {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        encode(&bytes)
    }

    #[test]
    fn a_picture_says_its_size() {
        let size = |kind, text: &str| picture(kind, text).map(|picture| (picture.width, picture.height));
        assert_eq!(size("image/png", DOT), Some((1, 1)));
        assert_eq!(size("image/png", &DOT.replace("AAAA", "AA\nAA")), Some((1, 1)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc4\0\x02\xff\xc2\0\x0b\x08\x01\x02\x03\x04\x01";
        assert_eq!(size("image/jpeg", &encode(jpeg)), Some((0x304, 0x102)));
        assert_eq!(encode(&decode(DOT).unwrap()), DOT);
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_none() {
        for (kind, text) in [
            ("image/svg+xml", DOT),
            ("image/png;base64", DOT),
            ("image/jpeg", DOT),
            ("image/png", ""),
            ("image/png", "<svg/>"),
            ("image/png", &DOT[..20]),
            ("image/png", &DOT[1..]),
            ("image/png", &DOT.replace('A', "\u{41}\u{300}")),
            ("image/png", "===="),
            ("image/png", &png_of(0, 5)),
            ("image/png", &png_of(8193, 1)),
            ("image/png", &png_of(8000, 8000)),
            ("image/png", &png_of(u32::MAX, u32::MAX)),
            ("image/png", &(png_of(5, 5) + &"AAAA".repeat(LARGEST / 3 + 1))),
            ("image/jpeg", &encode(b"\xff\xd8")),
            ("image/jpeg", &encode(b"\xff\xd8\xff\xe0\0\x01")),
            ("image/jpeg", &encode(b"\xff\xd8\xff\xda\0\x08")),
            ("image/jpeg", &encode(b"\xff\xd8\xff\xff\xff\xff")),
            ("image/jpeg", &encode(b"\xff\xd8\xff\xc0\0\x0b\x08\0\0\0\x04")),
        ] {
            assert_eq!(picture(kind, text), None, "{kind} {text:.40}");
        }
    }
}
