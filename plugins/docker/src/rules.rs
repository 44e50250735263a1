//! What may stand in a course's block, word by word: names of images, paths, ports, mounts, times. Both ways of
//! writing a course (one image, several services) use the same rules, so what one refuses the other does too.
//! Each says in one sentence what is wrong; where it stands is added by the reader.

use crate::layout::{From, Mount, Port, is_name, shown};

/// Words and numbers of a name such as `registry:5000/group/image:tag@sha256:…`.
///
/// # Errors
/// What is wrong with it.
pub fn image(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let bad = text.is_empty()
        || text.len() > 300
        || !text.chars().all(fits)
        || !text.starts_with(|c: char| c.is_ascii_alphanumeric())
        || text.contains("//")
        || text.split('/').any(|part| part == ".." || part == ".")
        || text.ends_with(['/', ':', '@']);
    if bad { Err(format!("{} is not the name of an image.", shown(text))) } else { Ok(text.to_owned()) }
}

/// A path below some folder: plain names with `/`, none that leads out. Empty for the folder itself.
///
/// # Errors
/// What is wrong with it.
pub fn below(text: &str) -> Result<String, String> {
    let path = text.strip_prefix("./").unwrap_or(text).trim_end_matches('/');
    let path = if path == "." { "" } else { path };
    let fits = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.chars().any(|c| c.is_control() || "\\:{}".contains(c))
    };
    if path.is_empty() || (path.len() <= 500 && path.split('/').all(fits)) {
        return Ok(path.to_owned());
    }
    Err(format!("{} is not a plain path below the folder.", shown(text)))
}

/// An absolute path inside a container, not its whole file system.
///
/// # Errors
/// What is wrong with it.
pub fn inside(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let fits = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.chars().any(|c| c.is_control() || ":,".contains(c))
    };
    let good = path.len() <= 500
        && path.strip_prefix('/').is_some_and(|rest| !rest.is_empty() && rest.split('/').all(fits));
    if !good {
        return Err(format!("{} is not an absolute path inside a container.", shown(text)));
    }
    Ok(path.to_owned())
}

/// A port number.
///
/// # Errors
/// What is wrong with it.
pub fn port(text: &str) -> Result<u16, String> {
    match text.parse::<u16>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{} is not a port.", shown(text))),
    }
}

/// `8888`, `35188:8888` or `127.0.0.1:35188:8888`, with or without `/tcp`. Other addresses are taken for a slip
/// and refused: a port is opened to this computer only.
///
/// # Errors
/// What is wrong with it.
pub fn published(text: &str) -> Result<Port, String> {
    let bare = text.strip_suffix("/tcp").unwrap_or(text);
    if bare.contains('/') {
        return Err(format!("{} is not a TCP port; others are not opened.", shown(text)));
    }
    if bare.contains('-') {
        return Err(format!("{} is a range of ports; name each port by itself.", shown(text)));
    }
    let parts: Vec<&str> = bare.rsplitn(3, ':').collect();
    if let Some(address) = parts.get(2).filter(|address| !["127.0.0.1", "localhost"].contains(address)) {
        return Err(format!("{} would open a port to others; only 127.0.0.1 is possible.", shown(address)));
    }
    // The outer port is kitbag's to choose, since another course may use it; a wish stands with the service.
    parts.get(1).filter(|text| !text.is_empty()).map(|text| port(text)).transpose()?;
    Ok(Port { service: None, inside: port(parts[0])? })
}

/// `SOURCE:TARGET` or `SOURCE:TARGET:ro`: the source is a volume's name, a path below the working folder
/// (`./notebooks`), or a granted folder (`{work}/notebooks`).
///
/// # Errors
/// What is wrong with it.
pub fn mount(text: &str) -> Result<Mount, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, read_only) = match parts.as_slice() {
        [source, target] => (source, target, false),
        [source, target, "rw"] => (source, target, false),
        [source, target, "ro"] => (source, target, true),
        [_, _, option] => {
            return Err(format!("{} is not an option of a mount; ro and rw are.", shown(option)));
        }
        [_] => return Err(format!("{} names no folder or volume; write NAME:PATH.", shown(text))),
        _ => return Err(format!("{} is not a mount; write SOURCE:PATH.", shown(text))),
    };
    Ok(Mount { from: from(source)?, target: inside(target)?, read_only })
}

/// Where a mount comes from.
///
/// # Errors
/// What is wrong with it.
pub fn from(source: &str) -> Result<From, String> {
    if let Some(rest) = source.strip_prefix('{') {
        let (token, path) = rest.split_once('}').unwrap_or((rest, ":"));
        if token != "work" && token != "data" {
            return Err(format!(
                "{} is not a folder kitbag gives; {{work}} and {{data}} are.",
                shown(source)
            ));
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        return Ok(From::Folder { token: token.to_owned(), path: below(path)? });
    }
    if source == "." || source.starts_with("./") {
        return Ok(From::Folder { token: "work".to_owned(), path: below(source)? });
    }
    if is_name(source) {
        return Ok(From::Volume(source.to_owned()));
    }
    let why = "only folders of the course's work (./NAME) and volumes can be mounted";
    Err(format!("{} cannot be mounted: {why}.", shown(source)))
}

/// The name of an environment variable a course may set.
///
/// # Errors
/// What is wrong with it.
pub fn variable(name: &str) -> Result<String, String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good = !name.is_empty()
        && name.len() <= 100
        && name.chars().all(word)
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if !good {
        return Err(format!("{} cannot be the name of a variable.", shown(name)));
    }
    if name.starts_with("KITBAG_") {
        return Err(format!("{} is kitbag's own variable.", shown(name)));
    }
    Ok(name.to_owned())
}

/// A time such as `10s`, `1m30s` or `500ms`, in milliseconds; a bare number is seconds.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<u64, String> {
    let wrong = || format!("{} is not a time; write 10s, 1m30s or 500ms.", shown(text));
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ms" => 1,
            "s" => 1_000,
            "" if sum == 0 => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        rest = &rest[end..];
        sum = number.checked_mul(unit).and_then(|part| sum.checked_add(part)).ok_or_else(wrong)?;
    }
    if text.is_empty() || sum > 86_400_000 { Err(wrong()) } else { Ok(sum) }
}

/// The words of a command written as one text, as a shell would part them.
///
/// # Errors
/// A quotation mark that is not closed.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    let open = || format!("A quotation mark in {} is not closed.", shown(text));
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => loop {
                let word = word.get_or_insert_default();
                match chars.next().ok_or_else(open)? {
                    '\'' => break,
                    c => word.push(c),
                }
            },
            '"' => loop {
                let word = word.get_or_insert_default();
                match chars.next().ok_or_else(open)? {
                    '"' => break,
                    '\\' => match chars.next().ok_or_else(open)? {
                        c @ ('"' | '\\' | '$' | '`') => word.push(c),
                        c => word.extend(['\\', c]),
                    },
                    c => word.push(c),
                }
            },
            '\\' => word.get_or_insert_default().push(chars.next().ok_or_else(open)?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        for good in ["a", "a:1", "reg:5000/a/b:1.2", "a@sha256:ab", "kitbag/Data-course:2026.10"] {
            assert!(image(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "-a", "a//b", "../a", "a:", "a?x=1", "a&b", "a#b", "a%2e", "ä"] {
            assert!(image(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ports_are_this_computers() {
        let got = |text| published(text).map(|port| port.inside);
        assert_eq!(got("8888"), Ok(8888));
        assert_eq!(got("35188:8888/tcp"), Ok(8888));
        assert_eq!(got("127.0.0.1:35188:8888"), Ok(8888));
        assert_eq!(got("127.0.0.1::8888"), Ok(8888));
        for bad in ["0.0.0.0:1:2", "[::]:1:2", "53/udp", "1-5", "0", "70000", "a", "", "1:2:3:4"] {
            assert!(published(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mounts_stay_in_the_work() {
        let folder = |token: &str, path: &str| From::Folder { token: token.into(), path: path.into() };
        assert_eq!(mount("./a b/ü:/x").map(|m| m.from), Ok(folder("work", "a b/ü")));
        assert_eq!(mount("{work}:/x:ro").map(|m| (m.from, m.read_only)), Ok((folder("work", ""), true)));
        assert_eq!(mount("{data}/pg:/x/").map(|m| m.target), Ok("/x".into()));
        assert_eq!(mount("db:/var/lib").map(|m| m.from), Ok(From::Volume("db".into())));
        for bad in [
            "/etc:/x",
            "../a:/x",
            "./../a:/x",
            "./a/../../b:/x",
            "~/a:/x",
            "{home}:/x",
            "{work:/x",
            "C:\\a:/x",
            "/x",
            "a:b",
            "a:/",
            "a:/x:z",
            "a:/x:ro:rw",
            "/var/run/docker.sock:/x",
            "{work}/../x:/y",
            "a:/x/../y",
            "{work}{data}:/x",
            "./a\nb:/x",
            "A:/x",
        ] {
            assert!(mount(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(duration("1m30s"), Ok(90_000));
        assert_eq!(duration("500ms"), Ok(500));
        assert_eq!(duration("7"), Ok(7_000));
        for bad in ["", "s", "1x", "-1s", "1m30", "99999999999h", "25h", "1 s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn commands_are_parted_as_a_shell_does() {
        assert_eq!(words("a 'b c' \"d \\\" e\" f\\ g ''").unwrap(), ["a", "b c", "d \" e", "f g", ""]);
        assert!(words("a 'b").is_err() && words("a \"b").is_err() && words("a\\").is_err());
    }
}
