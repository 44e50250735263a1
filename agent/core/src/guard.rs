//! When many files are gone from a working folder, it was more likely an accident than a wish. Few removals pass;
//! an emptied folder or a large part of it gone within a day is asked about. Nothing is removed until then.

/// What a scan counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removals {
    /// Files with a base that the working folder lacks now.
    pub missing: u64,
    /// Files with a base, the missing ones included.
    pub known: u64,
    /// Removals already recorded on this machine within the last 24 hours.
    pub last_day: u64,
}

/// Removals always let through in a day, whatever part of the folder they are.
const ALWAYS: u64 = 10;

impl Removals {
    /// Whether the person is asked before the missing files count as removed.
    pub fn ask(self) -> bool {
        if self.missing == 0 {
            return false;
        }
        let emptied = self.missing == self.known && self.known >= 2;
        let fifth = (self.known + self.last_day) / 5;
        emptied || self.missing + self.last_day > ALWAYS.max(fifth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pass_many_ask() {
        let case = |missing, known, last_day| Removals { missing, known, last_day }.ask();
        assert!(!case(0, 0, 0));
        assert!(!case(1, 1, 0), "the only file of a folder may be removed");
        assert!(case(2, 2, 0), "an emptied folder is asked about");
        assert!(!case(10, 30, 0));
        assert!(case(11, 30, 0));
        assert!(!case(100, 1000, 0));
        assert!(case(201, 1000, 0));
        assert!(case(1, 20, 10), "a slow disappearance counts too");
        assert!(!case(0, 20, 50), "nothing missing, nothing to ask");
    }
}
