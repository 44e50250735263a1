//! What a version or an operation is called for people, and where a content that is not kept any more may still be.

use kitbag_core::path::{WorkPath, shown};
use kitbag_core::version::{Content, Kind, Label, Record};
use kitbag_store::ledger::Verb;

/// How a version came to be, in words. `from` is the path its parent stood at.
pub(super) fn of(record: &Record, from: Option<&str>) -> String {
    match (record.kind, record.content, record.parents.len()) {
        (Kind::Move, _, _) => {
            from.map_or_else(|| "renamed".to_owned(), |from| format!("renamed from {}", shown(from)))
        }
        (_, Content::Deleted, _) => "removed".to_owned(),
        (Kind::Merge, _, _) => "merged".to_owned(),
        (Kind::Outside, _, _) => "changed in the cloud folder".to_owned(),
        (Kind::Seed, _, _) => "course file".to_owned(),
        (Kind::Edit, _, 0) => "added".to_owned(),
        (Kind::Edit, _, 1) => "edited".to_owned(),
        (Kind::Edit, _, _) => "answer".to_owned(),
    }
}

/// What became of a file that goes on under another name.
pub(super) fn renamed_to(path: &WorkPath) -> String {
    format!("renamed to {path}")
}

/// What an operation was.
pub(super) fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Sync => "sync",
        Verb::Resolve => "resolve",
        Verb::Restore => "restore",
        Verb::Undo => "undo",
    }
}

/// Who may have the bytes of a version that are not kept any more.
pub(super) fn who_may_have_it(label: Option<&Label>) -> String {
    let made = match label {
        Some(label) => format!("It was made on {} at {}; a", shown(&label.machine), shown(&label.time)),
        None => "A".to_owned(),
    };
    format!(
        "{made} backup of that computer, or your cloud program's own history of the file, may still have it."
    )
}

#[cfg(test)]
mod tests {
    use kitbag_core::id::{ContentId, RecordId};

    use super::*;

    #[test]
    fn each_kind_has_its_words() {
        let content = Content::file(ContentId::of(b"x"), 1);
        let parents = [RecordId::of(b"1"), RecordId::of(b"2")];
        let words = |kind, content, parents: &[RecordId]| {
            let path = WorkPath::parse("b").unwrap();
            of(&Record::new(path, content, kind, parents.iter().copied()), Some("a\u{1b}[2J"))
        };
        assert_eq!(words(Kind::Edit, content, &[]), "added");
        assert_eq!(words(Kind::Edit, content, &parents[..1]), "edited");
        assert_eq!(words(Kind::Edit, content, &parents), "answer");
        assert_eq!(words(Kind::Edit, Content::Deleted, &parents), "removed");
        assert_eq!(words(Kind::Merge, content, &parents), "merged");
        assert_eq!(words(Kind::Outside, content, &[]), "changed in the cloud folder");
        assert_eq!(words(Kind::Seed, content, &[]), "course file");
        assert_eq!(words(Kind::Move, content, &parents[..1]), "renamed from a\\u{1b}[2J");
    }
}
