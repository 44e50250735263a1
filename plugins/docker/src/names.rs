//! How things of one environment are called and labelled on the engine. Labels that begin with `org.kitbag.` say
//! whose they are, are what every search goes by, and are forced by the host; those with `kitbag.docker.` are this
//! plugin's own notes. Names only keep two of the same thing from being made, and hold nothing a person wrote
//! except the service, which has been checked.

use kitbag_sdk::EnvRef;

/// Label: whose work it is.
pub const WORKSPACE: &str = "org.kitbag.workspace";
/// Label: the machine (state root) that made it.
pub const MACHINE: &str = "org.kitbag.machine";
/// Label: the environment's name among those of the workspace.
pub const ENVIRONMENT: &str = "org.kitbag.environment";
/// Label: of the course's block it was made from.
pub const FINGERPRINT: &str = "kitbag.docker.fingerprint";
/// Label of a container: the service, of a volume: its name in the course.
pub const PART: &str = "kitbag.docker.part";
/// Label of a volume: when it was made, as precisely as the clock goes. The engine's own time for it moves with what
/// is done in it.
pub const MADE_AT: &str = "kitbag.docker.made-at";
/// Label of a container: of everything it was created with.
pub const MADE_FROM: &str = "kitbag.docker.made-from";
/// Label of a container: what the course says of the services in it, as JSON.
pub const ABOUT: &str = "kitbag.docker.about";

/// Label of a volume: the snapshot it is a part of.
pub const SNAPSHOT: &str = "kitbag.docker.snapshot";
/// Label of a volume that says that others are whole: those of its snapshot, or those that a restore made. It is made
/// last, and holds nothing.
pub const WHOLE: &str = "kitbag.docker.whole";
/// Label of a volume that a restore made: how many there were before it.
pub const GENERATION: &str = "kitbag.docker.generation";
/// Label of a container that is never started: through it a volume is read or written.
pub const HELPER: &str = "kitbag.docker.helper";

/// 128 bits of FNV-1a in hexadecimal. Tells things apart; keeps nobody from forging one.
pub fn hash(text: &str) -> String {
    let hash = text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    format!("{hash:032x}")
}

/// The labels everything of this environment carries.
pub fn labels(id: &EnvRef) -> [(&'static str, &str); 3] {
    [(WORKSPACE, &id.workspace), (MACHINE, &id.machine), (ENVIRONMENT, &id.name)]
}

/// The beginning of every name: the same for one environment, never the same for two.
pub fn prefix(id: &EnvRef) -> String {
    // Lengths keep ("a", "bc") and ("ab", "c") apart.
    let all = [&id.workspace, &id.machine, &id.name].map(|part| format!("{}:{part}", part.len())).concat();
    format!("kitbag-{}", &hash(&all)[..16])
}

/// The name of a container or volume.
pub fn part(id: &EnvRef, name: &str) -> String {
    format!("{}-{name}", prefix(id))
}

/// Percent-encode one value of a query or one segment of a path.
pub fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// As [`encode`], but slashes and colons stay: the name of an image inside a path.
pub fn encode_image(text: &str) -> String {
    encode(text).replace("%2F", "/").replace("%3A", ":").replace("%40", "@")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(workspace: &str, machine: &str, name: &str) -> EnvRef {
        EnvRef { workspace: workspace.into(), machine: machine.into(), name: name.into() }
    }

    #[test]
    fn names_of_two_environments_never_meet() {
        let all = [id("a", "bc", "d"), id("ab", "c", "d"), id("a", "b", "cd"), id("", "abc", "d")];
        let names: std::collections::BTreeSet<_> = all.iter().map(prefix).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.iter().all(|name| name.len() == 23));
    }

    #[test]
    fn the_hash_is_fnv() {
        // From the reference: FNV-1a, 128 bits, of nothing and of "a".
        assert_eq!(hash(""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(hash("a"), "d228cb696f1a8caf78912b704e4a8964");
    }

    #[test]
    fn queries_hold_nothing_but_plain_letters() {
        assert_eq!(encode("a b/ü&=?#"), "a%20b%2F%C3%BC%26%3D%3F%23");
        assert_eq!(encode_image("reg:5000/a/b@sha256:1?"), "reg:5000/a/b@sha256:1%3F");
    }
}
