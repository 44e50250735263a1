//! Cells that stay beside or in spite of a change on the other side: the other version of a cell, marked and never
//! run, and a cell one side deleted and the other edited.

use std::borrow::Cow;

use super::Note;
use super::cell::{Context, Made, digest_id, kind, name};
use super::document::{Cell, CellKind};
use super::marks::{self, METADATA, Tag};
use super::style::Object;

impl Context<'_> {
    /// A cell as the other version of one that stands above it.
    pub(super) fn version<'a>(&self, cell: &Cell<'a>, against: &Cell<'a>, of: Option<&str>) -> Made<'a> {
        // the other version of an other version is one of the cell both belong to
        let root = against.tag.as_ref().and_then(|tag| tag.of.as_deref()).or(of).filter(|_| self.ids);
        let tag = Tag {
            kind: Some(kind(cell)),
            of: root.map(str::to_owned),
            by: self.whose[1].clone(),
            against: self.whose[0].clone(),
        };
        let shown = if kind(cell) == CellKind::Code { CellKind::Raw } else { cell.kind };
        let mut object = Object::framed(cell.frame, METADATA - 1);
        let id = self.ids.then(|| {
            let name = kind(cell).name();
            let of = root.unwrap_or_default();
            digest_id(&[b"kitbag conflict", of.as_bytes(), name.as_bytes(), &cell.source])
        });
        let mut has_metadata = false;
        for member in &cell.members {
            let value = match &*member.key {
                "outputs" | "execution_count" => continue,
                "attachments" if shown == CellKind::Code => continue,
                "cell_type" => Cow::Owned(format!("\"{}\"", shown.name())),
                "id" => match &id {
                    Some(id) => Cow::Owned(format!("\"{id}\"")),
                    None => continue,
                },
                "metadata" => {
                    has_metadata = true;
                    self.tagged(member.value, &tag)
                }
                _ => Cow::Borrowed(member.value),
            };
            object.push(member.key.clone(), Cow::Borrowed(member.front), value);
        }
        if let (Some(id), None) = (&id, cell.get("id")) {
            object.set("id", Some(Cow::Owned(format!("\"{id}\""))), self.style);
        }
        if !has_metadata {
            object.set("metadata", Some(self.tagged("{}", &tag)), self.style);
        }
        Made {
            text: Cow::Owned(object.text(self.style)),
            id: id.map(Cow::Owned),
            kind: kind(cell),
            source: cell.source.clone(),
            version: true,
            old: false,
            by_words: Vec::new(),
        }
    }

    fn tagged<'a>(&self, metadata: &'a str, tag: &Tag) -> Cow<'a, str> {
        let metadata = marks::set(Cow::Borrowed(metadata), "stale", None, self.style);
        let metadata = marks::set(metadata, "deleted", None, self.style);
        marks::set(metadata, "conflict", Some(&tag.write(self.style)), self.style)
    }

    /// A cell one side deleted (0 the leading one) and the other edited: it stays, and says who deleted it. The other
    /// version of a cell just stays.
    pub fn kept<'a>(&self, cell: &Cell<'a>, deleted_by: usize) -> Made<'a> {
        let mut made = Made::untouched(cell, true);
        let metadata = cell.get("metadata").unwrap_or("{}");
        if self.unseen || cell.tag.is_some() || marks::deleted(metadata).is_some() {
            return made;
        }
        let mark = marks::write_deleted(&self.whose[deleted_by], self.style);
        let metadata = marks::set(Cow::Borrowed(metadata), "deleted", Some(&mark), self.style);
        let mut object = Object::read(cell.raw, METADATA - 1);
        object.set("metadata", Some(metadata), self.style);
        made.text = Cow::Owned(object.text(self.style));
        self.notes
            .borrow_mut()
            .push(Note::KeptDeleted { cell: name(&made), by: self.whose[deleted_by].clone() });
        made
    }
}
