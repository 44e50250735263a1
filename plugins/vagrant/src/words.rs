//! What Vagrant prints with `--machine-readable`: `time,target,type,data…` a line, with `\n` for a new line, `\r` for a
//! return and `%!(VAGRANT_COMMA)` for a comma. A line that is not so is somebody else's: a Ruby stack trace, a warning of a
//! library.

/// The sign for a comma inside a value.
const COMMA: &str = "%!(VAGRANT_COMMA)";

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The machine it is about; empty: none in particular.
    pub target: String,
    /// Its kind: `state`, `ui`, `error-exit` …
    pub kind: String,
    /// What it says.
    pub data: Vec<String>,
}

impl Word {
    /// One line; nothing where it is not machine-readable.
    pub fn read(line: &str) -> Option<Self> {
        let mut parts = line.trim_end_matches(['\r', '\n']).split(',');
        let time = parts.next()?;
        if time.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (target, kind) = (parts.next()?, parts.next()?);
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if kind.is_empty() || !kind.chars().all(plain) {
            return None;
        }
        Some(Self { target: value(target), kind: kind.to_owned(), data: parts.map(value).collect() })
    }
}

fn value(text: &str) -> String {
    text.replace(COMMA, ",").replace("\\n", "\n").replace("\\r", "\r")
}

/// All a command said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Its machine-readable lines, in order.
    pub words: Vec<Word>,
    /// The other lines, in order.
    pub rest: Vec<String>,
}

impl Said {
    /// Read what came, on both streams.
    pub fn read(text: &str) -> Self {
        let mut said = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match Word::read(line) {
                Some(word) => said.words.push(word),
                None => said.rest.push(line.to_owned()),
            }
        }
        said
    }

    fn last(&self, kind: &str) -> Option<&Word> {
        self.words.iter().rev().find(|word| word.kind == kind)
    }

    /// The machine's state, as its provider calls it.
    pub fn state(&self) -> Option<&str> {
        self.last("state")?.data.first().map(String::as_str)
    }

    /// The kind of the error it ended with, and what it says.
    pub fn error(&self) -> Option<(&str, &str)> {
        let data = &self.last("error-exit")?.data;
        Some((data.first()?, data.get(1).map_or("", String::as_str)))
    }

    /// What it was at last, in words for people.
    pub fn last_ui(&self) -> Option<&str> {
        self.last("ui")?.data.get(1).map(String::as_str)
    }

    /// Whether a command on a machine came to its own end.
    pub fn finished(&self, action: &str) -> bool {
        self.words
            .iter()
            .any(|word| word.kind == "action" && word.data.iter().map(String::as_str).eq([action, "end"]))
    }
}

/// Where a machine is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Its name or number.
    pub host: String,
    /// The port of its ssh.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// The keys Vagrant would log in with.
    pub keys: Vec<String>,
}

impl Address {
    /// From what `vagrant ssh-config` prints, machine-readable or not. Nothing where a part is missing, or could be
    /// taken for an option.
    pub fn read(text: &str) -> Option<Self> {
        let said = Said::read(text);
        let config = said.last("ssh-config").and_then(|word| word.data.first()).cloned();
        let config = config.unwrap_or_else(|| said.rest.join("\n"));
        let all = |key: &str| {
            let values = config.lines().filter_map(|line| line.trim().split_once(' '));
            let values = values.filter(|(name, _)| *name == key);
            values.map(|(_, value)| value.trim().trim_matches('"').to_owned()).collect::<Vec<_>>()
        };
        let one = |key: &str| all(key).into_iter().next().filter(|value| plain(value));
        let port = one("Port")?.parse().ok().filter(|port| *port != 0)?;
        Some(Self { host: one("HostName")?, port, user: one("User")?, keys: all("IdentityFile") })
    }
}

fn plain(value: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".:_-".contains(c);
    !value.is_empty() && !value.starts_with('-') && value.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! recorded {
        ($name:literal) => {
            include_str!(concat!("../tests/transcripts/", $name))
        };
    }

    #[test]
    fn a_line_has_its_signs_back() {
        let word = Word::read(r"12,a,ui,error,one%!(VAGRANT_COMMA) two\nthree").unwrap();
        assert_eq!((word.target.as_str(), word.kind.as_str()), ("a", "ui"));
        assert_eq!(word.data, ["error", "one, two\nthree"]);
        for no in ["", "12", "12,a", "x,a,ui,b", "12,a,,b", "/usr/lib/x.rb:7:in `y': z (E), 1,2", ",a,ui"] {
            assert_eq!(Word::read(no), None, "{no}");
        }
    }

    #[test]
    fn states_of_a_real_vagrant() {
        for (text, state) in [
            (recorded!("status-running.out"), "running"),
            (recorded!("status-shutoff.out"), "shutoff"),
            (recorded!("status-not-created.out"), "not_created"),
            (recorded!("status-after-kill.out"), "running"),
        ] {
            assert_eq!(Said::read(text).state(), Some(state));
        }
        assert!(Said::read(recorded!("up.out")).finished("up"));
        assert!(!Said::read(recorded!("up-killed-waiting.out")).finished("up"));
        assert!(!Said::read(recorded!("destroy.out")).finished("up"));
    }

    #[test]
    fn a_stack_trace_is_no_word() {
        let said = Said::read(recorded!("up-too-much-memory.err"));
        assert!(said.words.is_empty() && said.error().is_none() && said.rest.len() > 5);
    }

    #[test]
    fn an_address_of_a_real_vagrant() {
        let both = [recorded!("ssh-config.out"), recorded!("ssh-config-machine-readable.out")];
        for text in both {
            let address = Address::read(text).unwrap();
            assert_eq!((address.host.as_str(), address.port), ("192.168.121.15", 22));
            assert_eq!(address.user, "vagrant");
            assert_eq!(address.keys, ["/home/ann/vagrant/insecure_private_key"]);
        }
        assert_eq!(Address::read(recorded!("ssh-config-not-created.out")), None);
        for bad in ["-oProxyCommand=x", "a b", "a;b", ""] {
            let text = format!("Host d\n  HostName {bad}\n  User v\n  Port 22\n");
            assert_eq!(Address::read(&text), None, "{bad}");
        }
        assert_eq!(Address::read("Host d\n  HostName a\n  User v\n  Port 0\n"), None);
    }
}
