//! Several packs made one. It holds every statement and piece of theirs once, in the order of their names, so that two
//! machines that merge the same packs make the same bytes. It needs none of them and no other: a piece that also lies
//! in a pack outside the merge is carried all the same, since packs that lean on each other could each be removed by a
//! machine that still sees the other one. What is to be dropped is called gone.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::id::{ContentId, PackId, PieceId};

use super::{Builder, Compressed, Pack, PackRecord, Packed, Unfit};

/// Merge packs, each with its bytes, without some contents and pieces.
///
/// # Errors
/// When all of it does not fit into one pack, or a piece is not what its pack says; prove them first.
pub fn merge(
    sources: &BTreeMap<PackId, (Pack, Vec<u8>)>,
    dropped: &BTreeSet<ContentId>,
    dropped_pieces: &BTreeSet<PieceId>,
) -> Result<Packed, Unfit> {
    let mut builder = Builder::new();
    statements(&mut builder, sources, dropped)?;
    let mut pieces = BTreeMap::new();
    let mut contents = BTreeMap::new();
    for (pack, bytes) in sources.values() {
        for piece in pack.pieces.iter().filter(|piece| !dropped_pieces.contains(&piece.id)) {
            pieces.entry(piece.id).or_insert((piece, bytes));
        }
        for (content, size, list) in pack.contents.iter().filter(|(content, ..)| !dropped.contains(content)) {
            contents.entry((*content, list)).or_insert(*size);
        }
    }
    for (id, (piece, bytes)) in pieces {
        let stored = usize::try_from(piece.at)
            .ok()
            .and_then(|at| bytes.get(at..)?.get(..piece.stored as usize))
            .filter(|stored| piece.open(stored).is_ok())
            .ok_or(Unfit::Unreadable)?;
        builder.piece(Compressed { id, size: piece.size, raw: piece.raw, bytes: stored.to_vec() })?;
    }
    for ((content, list), size) in contents {
        builder.content(content, size, list)?;
    }
    Ok(builder.finish())
}

fn statements(
    builder: &mut Builder,
    sources: &BTreeMap<PackId, (Pack, Vec<u8>)>,
    dropped: &BTreeSet<ContentId>,
) -> Result<(), Unfit> {
    let mut records: BTreeMap<_, &PackRecord> = BTreeMap::new();
    let (mut packages, mut gone) = (BTreeMap::new(), BTreeSet::new());
    for (pack, _) in sources.values() {
        for record in &pack.records {
            let known = records.entry(record.id).or_insert(record);
            if known.label.is_none() {
                *known = record;
            }
        }
        packages.extend(pack.packages.iter().map(|package| (package.id, &package.raw)));
        gone.extend(&pack.gone);
        let here = pack.pieces.iter().map(|piece| ContentId::from_bytes(*piece.id.as_bytes()));
        let here = here.chain(pack.contents.iter().map(|(content, ..)| *content));
        gone.extend(here.filter(|content| dropped.contains(content)));
    }
    for record in records.values() {
        builder.record(&record.raw, record.label.as_ref())?;
    }
    for raw in packages.values() {
        builder.package_bytes(raw)?;
    }
    for content in gone {
        builder.gone(content)?;
    }
    for pack in sources.keys() {
        builder.replaces(*pack)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{edit, label, noise};
    use super::super::{compress, read};
    use super::*;

    type Sources = BTreeMap<PackId, (Pack, Vec<u8>)>;

    fn pack(sources: &mut Sources, fill: impl FnOnce(&mut Builder)) -> PackId {
        let mut builder = Builder::new();
        fill(&mut builder);
        let packed = builder.finish();
        sources.insert(packed.id, (read(packed.id, &packed.bytes).unwrap(), packed.bytes));
        packed.id
    }

    fn two() -> (Sources, [Compressed; 3]) {
        let pieces = [b"one", b"two", b"six"].map(|bytes| compress(bytes));
        let (one, list) = (edit("a", b"one", &[]), [pieces[0].id, pieces[1].id]);
        let mut sources = Sources::new();
        pack(&mut sources, |to| {
            to.record(&one.canonical(), None).unwrap();
            to.piece(pieces[0].clone()).unwrap();
            to.piece(pieces[1].clone()).unwrap();
            to.content(ContentId::of(b"onetwo"), 6, &list).unwrap();
        });
        pack(&mut sources, |to| {
            to.record(&one.canonical(), Some(&label())).unwrap();
            to.record(&edit("a", b"six", &[one.id()]).canonical(), Some(&label())).unwrap();
            to.piece(pieces[2].clone()).unwrap();
            to.piece(pieces[0].clone()).unwrap();
            to.gone(ContentId::of(b"long ago")).unwrap();
        });
        (sources, pieces)
    }

    #[test]
    fn everything_is_carried_once() {
        let (sources, _) = two();
        let merged = merge(&sources, &BTreeSet::new(), &BTreeSet::new()).unwrap();
        assert_eq!(merge(&sources, &BTreeSet::new(), &BTreeSet::new()).unwrap(), merged);
        let mut pack = read(merged.id, &merged.bytes).unwrap();
        pack.prove(&merged.bytes);
        assert_eq!(pack.refused, [""; 0]);
        assert_eq!((pack.records.len(), pack.pieces.len(), pack.contents.len()), (2, 3, 1));
        assert!(pack.records.iter().all(|record| record.label == Some(label())), "a label is not lost");
        assert_eq!(pack.gone, [ContentId::of(b"long ago")].into());
        assert_eq!(pack.replaces, sources.keys().copied().collect());
    }

    #[test]
    fn what_is_dropped_is_called_gone_and_its_records_stay() {
        let (sources, pieces) = two();
        let dropped = BTreeSet::from([ContentId::of(b"onetwo"), ContentId::of(b"nowhere")]);
        let merged = merge(&sources, &dropped, &[pieces[1].id].into()).unwrap();
        let pack = read(merged.id, &merged.bytes).unwrap();
        assert_eq!((pack.records.len(), pack.pieces.len(), pack.contents.len()), (2, 2, 0));
        assert_eq!(pack.gone, [ContentId::of(b"onetwo"), ContentId::of(b"long ago")].into());
    }

    #[test]
    fn what_does_not_fit_or_lies_is_not_merged() {
        let mut sources = Sources::new();
        for seed in 0..3 {
            pack(&mut sources, |to| {
                for turn in 0..7 {
                    to.piece(compress(&noise(1 << 20, seed * 7 + turn))).unwrap();
                }
            });
        }
        assert_eq!(merge(&sources, &BTreeSet::new(), &BTreeSet::new()), Err(Unfit::NoRoom));
        let (mut sources, _) = two();
        let (pack, bytes) = sources.values_mut().next().unwrap();
        bytes[pack.pieces[0].at as usize] ^= 1;
        assert_eq!(merge(&sources, &BTreeSet::new(), &BTreeSet::new()), Err(Unfit::Unreadable));
    }
}
