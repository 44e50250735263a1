//! The words in braces that a course may write in a program's arguments, and what stands for them when it
//! runs: the port it was given, the secret of this machine, the working folder. Anything else in braces that
//! looks like one is a mistake; other braces (JSON, shell) are left alone.

/// The port this service was given.
pub const PORT: &str = "port";
/// The access token kitbag made for this machine.
pub const TOKEN: &str = "token";
/// The working folder, as an absolute path.
pub const WORK: &str = "work";

/// All of them.
pub const KNOWN: [&str; 3] = [PORT, TOKEN, WORK];

/// The names in `{name}` in this text, known or not, in order.
pub fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let word =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        word.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_in_braces_count() {
        let found = |text| placeholders(text).collect::<Vec<_>>();
        assert_eq!(found("--port={port} --dir={work}/x"), ["port", "work"]);
        assert_eq!(found("{prot}"), ["prot"]);
        assert_eq!(found("{\"a\": 1} {} { port } {{port}} }{"), ["port"]);
        assert_eq!(found("no braces {port"), [] as [&str; 0]);
    }
}
