//! The outside of a request, read strictly: a path that could be read in two ways, a query key that stands there
//! twice, a header that is not one of the few, and it goes no further.

use super::Refusal;

/// Longest path and query.
const LONGEST: usize = 16 << 10;
/// Oldest version of the API that is spoken.
const OLDEST: u16 = 41;
/// The host writes its own; these few are taken note of or harmless, and none is passed on.
const HEADERS: [&str; 7] = ["accept", "content-length", "content-type", "host", "user-agent", START, CARRY];
/// Stands for the body of `POST /exec/ID/start`.
const START: &str = "kitbag-start";
/// The images to save: to Docker the key of each of them. No other endpoint knows it.
const MANY: &str = "names";
/// Names a body that the host takes from a granted folder.
const CARRY: &str = "kitbag-body";

/// A request, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// In upper case.
    pub method: String,
    /// The NN of `/v1.NN`, if it has one.
    pub version: Option<u16>,
    /// The path below, without anything to decode.
    pub segments: Vec<String>,
    /// Decoded, each key once; only [`MANY`] may stand there again.
    pub query: Vec<(String, String)>,
    /// What stands for the body of a start.
    pub start: Option<String>,
    /// The body that the host takes from a granted folder.
    pub carry: Option<String>,
}

/// Take a request apart.
///
/// # Errors
/// Anything about it that could be read in two ways, or is not one of the few things a request needs.
pub fn read<'a>(
    method: &str,
    target: &str,
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Asked, Refusal> {
    if target.len() > LONGEST {
        return Err(Refusal::new("the path is too long"));
    }
    if !["GET", "HEAD", "POST", "PUT", "DELETE"].contains(&method) {
        return Err(Refusal::new(format!("the method {method} is not known")));
    }
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let (version, segments) = read_path(path)?;
    let [start, carry] = read_headers(headers)?;
    Ok(Asked {
        method: method.to_owned(),
        version,
        segments,
        query: query.map_or_else(|| Ok(Vec::new()), read_query)?,
        start,
        carry,
    })
}

fn read_path(path: &str) -> Result<(Option<u16>, Vec<String>), Refusal> {
    let odd = || Refusal::new(format!("the path {path} could be read in several ways"));
    // Letters that mean the same to everybody. Nothing is decoded, so nothing can be hidden.
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-:@".contains(&byte)) {
        return Err(odd());
    }
    let mut segments: Vec<String> =
        path.strip_prefix('/').ok_or_else(odd)?.split('/').map(str::to_owned).collect();
    if segments.iter().any(|part| matches!(part.as_str(), "" | "." | "..")) {
        return Err(odd());
    }
    let Some(version) = segments[0].strip_prefix("v1.") else { return Ok((None, segments)) };
    let number =
        version.parse::<u16>().ok().filter(|number| number.to_string() == version).ok_or_else(odd)?;
    if number < OLDEST {
        return Err(Refusal::new(format!("version 1.{number} of the API is too old")));
    }
    segments.remove(0);
    if segments.is_empty() { Err(odd()) } else { Ok((Some(number), segments)) }
}

fn read_query(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut all: Vec<(String, String)> = Vec::new();
    for part in query.split('&') {
        let odd = || Refusal::new(format!("the query {part} could be read in several ways"));
        let (key, value) = part.split_once('=').ok_or_else(odd)?;
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if key.is_empty() || !key.bytes().all(known) {
            return Err(odd());
        }
        if key != MANY && all.iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
            return Err(Refusal::new(format!("{key} stands in the query twice")));
        }
        all.push((key.to_owned(), decode(value).ok_or_else(odd)?));
    }
    Ok(all)
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|one| char::from(one).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b'+' => b' ',
            b';' | b'#' => return None,
            byte if byte.is_ascii_graphic() => byte,
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn read_headers<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<[Option<String>; 2], Refusal> {
    let mut own = [None, None];
    for (name, value) in headers {
        if !HEADERS.contains(&name) {
            return Err(Refusal::new(format!("the header {name} is not passed on")));
        }
        let Some(at) = [START, CARRY].iter().position(|one| *one == name) else { continue };
        let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= 1000);
        let text = text.ok_or_else(|| Refusal::new(format!("the header {name} is no short text")))?;
        if own[at].replace(text.to_owned()).is_some() {
            return Err(Refusal::new(format!("the header {name} stands there twice")));
        }
    }
    Ok(own)
}

/// Path and query as they are sent.
pub fn write(version: Option<u16>, segments: &[String], query: &[(String, String)]) -> String {
    let mut out = version.map(|number| format!("/v1.{number}")).unwrap_or_default();
    for segment in segments {
        out.push('/');
        out.push_str(segment);
    }
    for (place, (key, value)) in query.iter().enumerate() {
        out.push(if place == 0 { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}
