//! What a course places in the workspace: which package file goes where, and the version record that says so.
//! The record depends on nothing but course, version, path, content and the seed before it, so two machines
//! that place the same package write the same record, and an update is just the next link of the chain.

use super::{Course, PackageFiles, SeedRule};
use crate::id::RecordId;
use crate::ignore::Ignore;
use crate::path::{BadPath, WorkPath};
use crate::version::{Content, Kind, Origin, Record};

/// One file of the package and its place in the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// In the package.
    pub from: WorkPath,
    /// In the workspace.
    pub to: WorkPath,
}

impl Course {
    /// Every file this package places, sorted by its place. Files of a seeded folder that the workspace
    /// ignores (`.DS_Store`, checkpoints, the course's own rules) are left out.
    pub fn seeds(&self, files: &PackageFiles<'_>) -> Vec<Seed> {
        let ignore = Ignore::new(&self.ignore).unwrap_or_default();
        let expanded = self.seed.iter().flat_map(|rule| rule.expand(files));
        let mut seeds: Vec<Seed> =
            expanded.flatten().filter(|seed| !ignore.is_ignored(seed.to.as_str(), false)).collect();
        seeds.sort_by(|a, b| (&a.to, &a.from).cmp(&(&b.to, &b.from)));
        seeds.dedup_by(|later, first| later.to == first.to);
        seeds
    }
}

impl SeedRule {
    /// The files a rule stands for, in package order; a place that is not one in a workspace is an error.
    pub(super) fn expand<'f>(
        &'f self,
        files: &'f PackageFiles<'_>,
    ) -> impl Iterator<Item = Result<Seed, (WorkPath, BadPath)>> + 'f {
        let single = files.contains(&self.from).then(|| {
            let to = match &self.to {
                Some(to) if !self.into_folder => Ok(to.clone()),
                _ => self.below_target(self.from.file_name()),
            };
            (&self.from, to)
        });
        let many = files.below(&self.from).map(|(path, rest)| (path, self.below_target(rest)));
        single.into_iter().chain(many).map(|(from, to)| match to {
            Ok(to) => Ok(Seed { from: from.clone(), to }),
            Err(bad) => Err((from.clone(), bad)),
        })
    }

    fn below_target(&self, rest: &str) -> Result<WorkPath, BadPath> {
        match &self.to {
            Some(to) => to.join(rest),
            None => WorkPath::parse(rest),
        }
    }
}

/// The record of one seed. `previous` is the newest seed of this course at this path; when it already has
/// the same content there is nothing to record, and the caller keeps it.
pub fn seed_record(course: &Course, path: &WorkPath, content: Content, previous: Option<RecordId>) -> Record {
    let origin = Origin { course: course.id.clone(), version: course.version.clone() };
    Record { origin: Some(origin), ..Record::new(path.clone(), content, Kind::Seed, previous) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ContentId;

    fn path(text: &str) -> WorkPath {
        WorkPath::parse(text).unwrap()
    }

    fn rule(from: &str, to: Option<&str>, into_folder: bool) -> SeedRule {
        SeedRule { from: path(from), to: to.map(path), into_folder }
    }

    fn placed(rules: Vec<SeedRule>) -> Vec<(String, String)> {
        let names = ["c/nb/1.ipynb", "c/nb/deep/2.ipynb", "c/nb/.DS_Store", "c/nb.txt", "one.csv"];
        let files = PackageFiles::new(names, |_| None);
        let course = Course { seed: rules, ..Course::default() };
        let text = |seed: Seed| (seed.from.as_str().to_owned(), seed.to.as_str().to_owned());
        course.seeds(&files).into_iter().map(text).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|&(from, to)| (from.to_owned(), to.to_owned())).collect()
    }

    #[test]
    fn folders_are_placed_whole_without_what_is_ignored() {
        let expected =
            pairs(&[("c/nb/1.ipynb", "notebooks/1.ipynb"), ("c/nb/deep/2.ipynb", "notebooks/deep/2.ipynb")]);
        assert_eq!(placed(vec![rule("c/nb", Some("notebooks"), false)]), expected);
        assert_eq!(placed(vec![rule("c/nb", Some("notebooks"), true)]), expected);
        assert_eq!(placed(vec![rule("c/nb", None, true)])[0].1, "1.ipynb");
    }

    #[test]
    fn a_file_is_renamed_or_keeps_its_name_in_a_folder() {
        assert_eq!(
            placed(vec![rule("one.csv", Some("data/first.csv"), false)]),
            pairs(&[("one.csv", "data/first.csv")])
        );
        assert_eq!(placed(vec![rule("one.csv", Some("data"), true)]), pairs(&[("one.csv", "data/one.csv")]));
        assert_eq!(placed(vec![rule("one.csv", None, true)]), pairs(&[("one.csv", "one.csv")]));
    }

    #[test]
    fn a_missing_source_places_nothing() {
        assert_eq!(placed(vec![rule("c/n", Some("x"), false)]), []);
    }

    #[test]
    fn the_seeds_of_one_path_form_a_chain_that_is_the_same_everywhere() {
        let first = Course { id: "c".to_owned(), version: "1".to_owned(), ..Course::default() };
        let second = Course { version: "2".to_owned(), ..first.clone() };
        let content = |text: &[u8]| Content::file(ContentId::of(text), text.len() as u64);
        let one = seed_record(&first, &path("a.txt"), content(b"one"), None);
        let two = seed_record(&second, &path("a.txt"), content(b"two"), Some(one.id()));
        assert_eq!(one.kind, Kind::Seed);
        assert_eq!(two.origin, Some(Origin { course: "c".to_owned(), version: "2".to_owned() }));
        assert!(one.parents.is_empty());
        assert_eq!(two.parents.iter().copied().collect::<Vec<_>>(), [one.id()]);
        assert_eq!(two.id(), seed_record(&second, &path("a.txt"), content(b"two"), Some(one.id())).id());
        let elsewhere = Course { title: "Another title".to_owned(), ..second.clone() };
        assert_eq!(two.id(), seed_record(&elsewhere, &path("a.txt"), content(b"two"), Some(one.id())).id());
        assert_ne!(two.id(), seed_record(&first, &path("a.txt"), content(b"two"), Some(one.id())).id());
        assert_ne!(two.id(), seed_record(&second, &path("b.txt"), content(b"two"), Some(one.id())).id());
    }
}
