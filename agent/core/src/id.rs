//! Names made from bytes: contents, records, packs and pieces are all called by the BLAKE3 hash of what they
//! are. Equal name, equal bytes; a file that does not match its name has not arrived.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a content name: expected 64 hexadecimal digits")]
pub struct NotAnId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; 32]);

        // the order of the bytes, as derived; the first eight nearly always decide, without a call
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                let first = |id: &Self| {
                    let [a, b, c, d, e, f, g, h, ..] = id.0;
                    u64::from_be_bytes([a, b, c, d, e, f, g, h])
                };
                first(self).cmp(&first(other)).then_with(|| self.0.cmp(&other.0))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// The name of these bytes.
            pub fn of(bytes: &[u8]) -> Self {
                Self(*blake3::hash(bytes).as_bytes())
            }

            /// From the 32 bytes of a BLAKE3 hash.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes of the hash.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl From<blake3::Hash> for $name {
            fn from(hash: blake3::Hash) -> Self {
                Self(*hash.as_bytes())
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = NotAnId;
            fn try_from(bytes: &[u8]) -> Result<Self, NotAnId> {
                bytes.try_into().map(Self).map_err(|_| NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                decode(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// Names the bytes of one file (or of a unit's manifest).
    ContentId
}
id! {
    /// Names one version record: the hash of its canonical bytes.
    RecordId
}
id! {
    /// Names one pack file in the sidecar.
    PackId
}
id! {
    /// Names one piece of a content. A content of one piece has the piece's name.
    PieceId
}

impl From<ContentId> for PieceId {
    fn from(content: ContentId) -> Self {
        Self(content.0)
    }
}

/// The first digits of a version's name, as a person types them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdPrefix(String);

/// A text that cannot be the beginning of a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a version: expected 4 to 64 hexadecimal digits")]
pub struct NotAPrefix;

impl FromStr for IdPrefix {
    type Err = NotAPrefix;
    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let fits = (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if fits { Ok(IdPrefix(text.to_ascii_lowercase())) } else { Err(NotAPrefix) }
    }
}

impl IdPrefix {
    /// Whether a name begins so.
    pub fn fits(&self, id: RecordId) -> bool {
        id.to_string().starts_with(&self.0)
    }

    /// The lowest and the highest name that begin so.
    pub fn bounds(&self) -> ([u8; 32], [u8; 32]) {
        let filled = |with: &str| {
            let rest = with.repeat(64 - self.0.len());
            decode(&format!("{}{rest}", self.0)).unwrap_or_default()
        };
        (filled("0"), filled("f"))
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn decode(text: &str) -> Result<[u8; 32], NotAnId> {
    fn digit(byte: u8) -> Result<u8, NotAnId> {
        match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(NotAnId),
        }
    }
    let text = text.as_bytes();
    if text.len() != 64 {
        return Err(NotAnId);
    }
    let mut bytes = [0; 32];
    for (to, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *to = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_there_and_back() {
        let id = ContentId::of(b"notebook");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::from_str::<ContentId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }

    #[test]
    fn the_beginning_of_a_name_is_enough() {
        let id = RecordId::of(b"version");
        let text = id.to_string();
        for length in [4, 7, 8, 63, 64] {
            let prefix: IdPrefix = text[..length].to_uppercase().parse().unwrap();
            let (first, last) = prefix.bounds();
            assert!(prefix.fits(id) && (first..=last).contains(id.as_bytes()), "{length}");
            assert!(RecordId::from_bytes(first).to_string().starts_with(&text[..length]));
            assert!(RecordId::from_bytes(last).to_string().starts_with(&text[..length]));
        }
        for text in ["", "abc", "wxyz", "12 4", &"0".repeat(65), "é000"] {
            assert_eq!(text.parse::<IdPrefix>(), Err(NotAPrefix), "{text}");
        }
    }

    #[test]
    fn names_stand_in_the_order_of_their_bytes() {
        let mut bytes = vec![[0; 32], [255; 32]];
        for place in [0, 6, 7, 8, 9, 31] {
            let mut one = [7; 32];
            one[place] = 8;
            bytes.push(one);
        }
        for a in &bytes {
            for b in &bytes {
                assert_eq!(ContentId::from_bytes(*a).cmp(&ContentId::from_bytes(*b)), a.cmp(b));
            }
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "abc", &"G".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
            assert_eq!(text.parse::<RecordId>(), Err(NotAnId), "{text}");
        }
    }
}
