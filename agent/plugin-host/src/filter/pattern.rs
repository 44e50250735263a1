//! Names and other short texts in requests: which letters they may have.

/// A container, volume or network, by name or id.
pub fn name(text: &str) -> bool {
    plain(text, 128, |c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// The id of a running command.
pub fn hex(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An image: registry, path, tag, digest.
pub fn reference(text: &str) -> bool {
    plain(text, 255, |c| c.is_ascii_alphanumeric() || "_.-/:@".contains(c))
        && !text.contains("//")
        && !text.contains("..")
        && !text.ends_with('/')
}

/// A word of a fixed vocabulary: a tag, a signal, a platform, a condition.
pub fn word(text: &str) -> bool {
    plain(text, 128, |c| c.is_ascii_alphanumeric() || "_.-/".contains(c)) && !text.contains("..")
}

/// A whole number, perhaps negative, or a time in seconds with a fraction.
pub fn number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all =
        |part: &str| !part.is_empty() && part.len() <= 20 && part.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && all(fraction)
}

/// An absolute path in a container that goes nowhere else and is not its root.
pub fn place(text: &str) -> bool {
    text.len() <= 4096
        && !text.chars().any(char::is_control)
        && !text.contains(':')
        && text.strip_prefix('/').is_some_and(|rest| {
            // `/srv/.` is what is in the folder, not the folder.
            let rest = rest.strip_suffix("/.").or_else(|| rest.strip_suffix('/')).unwrap_or(rest);
            rest.split('/').all(|part| !matches!(part, "" | "." | ".."))
        })
}

/// A port of a container, such as `8888/tcp`.
pub fn port(text: &str) -> bool {
    let number = text.strip_suffix("/tcp").or_else(|| text.strip_suffix("/udp")).unwrap_or(text);
    !number.starts_with('0') && !number.starts_with('+') && number.parse::<u16>().is_ok()
}

fn plain(text: &str, longest: usize, allowed: impl Fn(char) -> bool) -> bool {
    text.len() <= longest
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_knows_its_letters() {
        for (kind, good, bad) in [
            (
                name as fn(&str) -> bool,
                &["kitbag-a.b_1", "4f2a"][..],
                &["", "-a", "a/b", "a b", "é", "a\n"][..],
            ),
            (hex, &["0aF"], &["", "0x1", "a g"]),
            (
                reference,
                &["a", "b.c:5000/d/e:1@sha256:ff"],
                &["", "/a", "a//b", "a/../b", "a/", "a?b", "a b"],
            ),
            (word, &["SIGTERM", "linux/arm64/v8"], &["", "a..b", "a&b", "a%20"]),
            (number, &["0", "-1", "1700000000.5"], &["", "-", "1.", ".5", "1e9", "+1", "0x1", "1.2.3"]),
            (
                place,
                &["/a", "/a b/é/", "/data", "/a/."],
                &[
                    "", "/", "a", "/a/../b", "/a//b", "/a:b", "/a\n", "/.", "/a/./.", "/a//.", "/a/..",
                    "C:\\x",
                ],
            ),
            (
                port,
                &["80", "8888/tcp", "53/udp"],
                &["", "0", "70000/tcp", "80/sctp", "80-90/tcp", "+80", "/tcp", "080"],
            ),
        ] {
            for text in good {
                assert!(kind(text), "{text:?}");
            }
            for text in bad {
                assert!(!kind(text), "{text:?}");
            }
        }
    }
}
