//! What is paired, and what only looks alike.

use std::sync::Arc;

use super::*;
use crate::reconcile::Unreadable;

#[derive(Default)]
struct Files {
    gone: Vec<Gone>,
    new: Vec<New>,
    bytes: BTreeMap<ContentId, Arc<[u8]>>,
    rules: Vec<String>,
}

impl Contents for Files {
    fn read(&self, content: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable> {
        self.bytes.get(&content).cloned().map(Some).ok_or(Unreadable { content, reason: "not here".into() })
    }
}

impl Files {
    fn gone(mut self, path: &str, text: &str, file: u64) -> Self {
        let (content, size) = self.hold(text);
        let base = RecordId::of(path.as_bytes());
        let path = WorkPath::parse(path).unwrap();
        self.gone.push(Gone { path, base, content, size, file, modified: 0 });
        self
    }

    fn made(mut self, path: &str, text: &str, file: u64) -> Self {
        let (content, size) = self.hold(text);
        let path = WorkPath::parse(path).unwrap();
        self.new.push(New { path, content, size, file, modified: 0 });
        self
    }

    fn hold(&mut self, text: &str) -> (ContentId, u64) {
        let id = ContentId::of(text.as_bytes());
        self.bytes.insert(id, Arc::from(text.as_bytes()));
        (id, text.len() as u64)
    }

    #[track_caller]
    fn pairs(&self, expected: &[(&str, &str)]) {
        let ignore = Ignore::new(&self.rules).unwrap();
        let found = |gone: &[Gone], new: &[New]| {
            let mut names: Vec<_> = pair(gone, new, &ignore, self)
                .into_iter()
                .map(|pair| (gone[pair.gone].path.to_string(), new[pair.new].path.to_string()))
                .collect();
            names.sort();
            names
        };
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(found(&self.gone, &self.new), expected);
        let (gone, new): (Vec<_>, Vec<_>) =
            (self.gone.iter().rev().cloned().collect(), self.new.iter().rev().cloned().collect());
        assert_eq!(found(&gone, &new), expected, "the order they are given in does not matter");
    }
}

const TEXT: &str = "one\ntwo\nthree\nfour\nfive\n";

#[test]
fn by_content_that_is_there_once() {
    let files = Files::default().gone("a", "A", 0).gone("b", "B", 0).gone("c", "C", 0);
    files.made("y/b", "B", 0).made("y/a", "A", 0).made("d", "D", 0).pairs(&[("a", "y/a"), ("b", "y/b")]);
}

#[test]
fn not_by_content_that_is_there_twice() {
    Files::default().gone("a", "A", 0).gone("b", "A", 1).made("c", "A", 2).pairs(&[]);
    Files::default().gone("a", "A", 1).made("b", "A", 2).made("c", "A", 3).pairs(&[]);
}

#[test]
fn of_copies_by_the_number() {
    let files = Files::default().gone("a", "A", 1).gone("b", "A", 2).made("x/b", "A", 2);
    files.pairs(&[("b", "x/b")]);
    files.made("x/a", "A", 1).pairs(&[("a", "x/a"), ("b", "x/b")]);
}

#[test]
fn of_copies_without_numbers_by_the_time() {
    let mut files = Files::default().gone("a", "A", 0).gone("b", "A", 0).made("x", "A", 0).made("y", "A", 0);
    files.pairs(&[]);
    (files.gone[1].modified, files.new[0].modified) = (7, 7);
    (files.gone[0].modified, files.new[1].modified) = (8, 8);
    files.pairs(&[("a", "y"), ("b", "x")]);
    // with numbers that differ an equal time is chance
    (files.gone[1].file, files.new[0].file) = (1, 2);
    files.pairs(&[("a", "y")]);
}

#[test]
fn an_empty_file_is_every_other_empty_file() {
    Files::default().gone("a", "", 1).made("b", "", 1).pairs(&[]);
}

#[test]
fn renamed_and_edited_by_number_and_lines() {
    let edited = format!("{TEXT}six\n");
    Files::default().gone("a", TEXT, 4).made("b", &edited, 4).pairs(&[("a", "b")]);
    Files::default().gone("a", TEXT, 4).made("b", &edited, 5).pairs(&[]);
    Files::default().gone("a", TEXT, 0).made("b", &edited, 0).pairs(&[]);
}

#[test]
fn a_number_that_was_used_again_is_no_proof() {
    Files::default().gone("a", TEXT, 4).made("b", "one\n2\n3\n4\n5\n", 4).pairs(&[]);
    Files::default().gone("a", "one\ntwo\n", 4).made("b", "one\ntwo\n3\n", 4).pairs(&[]);
    Files::default().gone("a", "\0A\nB\nC\nD\n", 4).made("b", "\0A\nB\nC\nD\nE\n", 4).pairs(&[]);
    // the file itself has another number now
    let files = Files::default().gone("a", TEXT, 4).made("b", &format!("{TEXT}six\n"), 4);
    files.made("c", TEXT, 5).pairs(&[("a", "c")]);
}

#[test]
fn what_cannot_be_read_is_not_similar() {
    let mut files = Files::default().gone("a", TEXT, 4).made("b", &format!("{TEXT}six\n"), 4);
    files.bytes.clear();
    files.pairs(&[]);
}

#[test]
fn never_out_of_or_into_an_ignored_name() {
    let mut files = Files::default().gone("a.log", "A", 1).made("a.txt", "A", 1);
    files.pairs(&[("a.log", "a.txt")]);
    files.rules = vec!["*.log".into()];
    files.pairs(&[]);
    let mut files = Files::default().gone("a", "A", 1).made("tmp/deep/a", "A", 1);
    files.rules = vec!["tmp/".into()];
    files.pairs(&[]);
}

#[test]
fn a_moved_folder_is_many_files() {
    let mut files = Files::default();
    for n in 0..500 {
        files = files.gone(&format!("old/{n}"), &format!("{n}"), 1000 + n);
        files = files.made(&format!("new/deep/{n}"), &format!("{n}"), 1000 + n);
    }
    let ignore = Ignore::new(&[]).unwrap();
    assert_eq!(pair(&files.gone, &files.new, &ignore, &files).len(), 500);
}
