//! What of the history may be made smaller: which versions are old, and which packs are worth writing anew as one. Pure
//! choices over sizes and names, so that two machines that know the same packs choose the same ones and write the same
//! bytes. Records are never old, only contents are.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{History, Near};
use crate::id::{ContentId, PackId, RecordId};
use crate::path::WorkPath;

/// How many packs may stand and what is worth an effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Packs below each of these sizes form a class, in bytes, rising; larger ones are left as they are.
    pub classes: [u64; 3],
    /// So many packs of one class may stand.
    pub most: usize,
    /// Merged packs come to at most this, in bytes: what is merged must fit into one.
    pub bin: u64,
    /// A pack is written anew for its old contents when these are at least one in so many of its bytes…
    pub worth: u64,
    /// …and at least this, in bytes.
    pub least: u64,
    /// Of a backup of a service, so many versions are kept whatever their age allows.
    pub backups: usize,
}

/// The bounds kitbag keeps to.
pub const BOUNDS: Bounds = Bounds {
    classes: [128 * 1024, 1024 * 1024, 6 * 1024 * 1024],
    most: 16,
    bin: 8 * 1024 * 1024,
    worth: 4,
    least: 64 * 1024,
    backups: 5,
};

/// A pack that is to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub pack: PackId,
    /// Its bytes.
    pub size: u64,
    /// Of these, bytes of old contents.
    pub waste: u64,
}

/// Which packs to make one of, group by group. A group of one is a pack to write anew without its waste.
pub fn groups(standing: &[Standing], bounds: &Bounds) -> Vec<BTreeSet<PackId>> {
    let mut chosen = BTreeMap::new();
    for one in standing {
        if one.waste >= bounds.least && one.waste.saturating_mul(bounds.worth) >= one.size {
            chosen.insert(one.pack, one.size.saturating_sub(one.waste));
        }
    }
    let mut below = 0;
    for above in bounds.classes {
        let class: Vec<_> = standing.iter().filter(|one| (below..above).contains(&one.size)).collect();
        if class.len() > bounds.most {
            chosen.extend(class.iter().map(|one| (one.pack, one.size.saturating_sub(one.waste))));
        }
        below = above;
    }
    let mut groups: Vec<(u64, BTreeSet<PackId>)> = Vec::new();
    for (pack, size) in chosen {
        match groups.last_mut() {
            Some((sum, group)) if *sum + size <= bounds.bin => {
                *sum += size;
                group.insert(pack);
            }
            _ => groups.push((size, [pack].into())),
        }
    }
    let wasteful = |group: &BTreeSet<PackId>| {
        standing.iter().any(|one| group.contains(&one.pack) && one.waste >= bounds.least)
    };
    groups.into_iter().map(|(_, group)| group).filter(|group| group.len() > 1 || wasteful(group)).collect()
}

/// A content that only superseded versions of a path have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// The content.
    pub content: ContentId,
    /// For each version that has it, the versions that supersede it directly: who has taken in one of these does not
    /// show it any more.
    pub by: Vec<Vec<RecordId>>,
    /// One of more backups than are kept.
    pub surplus: bool,
}

/// What is superseded in one path's history. Nothing while a question is open there: an answer may need any of it.
pub fn superseded(path: &WorkPath, history: &History, bounds: &Bounds) -> Vec<Superseded> {
    let heads = history.heads();
    let [head] = heads.as_slice() else { return Vec::new() };
    let shown = history.content(*head).and_then(|content| content.id());
    let mut by: BTreeMap<ContentId, Vec<Vec<RecordId>>> = BTreeMap::new();
    let mut deepest: BTreeMap<ContentId, usize> = BTreeMap::new();
    let mut children: BTreeMap<RecordId, Vec<RecordId>> = BTreeMap::new();
    for (id, record) in history.live() {
        for parent in &record.parents {
            children.entry(history.real(*parent)).or_default().push(id);
        }
    }
    let backup = path.as_str().starts_with("backups/");
    for (id, record) in history.live().filter(|(id, _)| id != head) {
        let Some(content) = record.content.id().filter(|content| Some(*content) != shown) else { continue };
        by.entry(content).or_default().push(children.remove(&id).unwrap_or_default());
        let depth = if backup { history.ancestors(id, Near::Ignored).len() } else { 0 };
        let deep = deepest.entry(content).or_default();
        *deep = depth.max(*deep);
    }
    let mut order: Vec<_> =
        deepest.into_iter().map(|(content, depth)| (std::cmp::Reverse(depth), content)).collect();
    order.sort_unstable();
    // the one shown is the first of those kept
    let kept: BTreeSet<_> =
        order.into_iter().take(bounds.backups.saturating_sub(1)).map(|(_, content)| content).collect();
    by.into_iter()
        .map(|(content, by)| Superseded { content, by, surplus: backup && !kept.contains(&content) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::{Content, Kind, Record};

    fn pack(n: u64, size: u64, waste: u64) -> Standing {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        Standing { pack: PackId::from_bytes(id), size, waste }
    }

    #[test]
    fn many_small_packs_become_few() {
        let few: Vec<_> = (0..16).map(|n| pack(n, 1_000, 0)).collect();
        assert!(groups(&few, &BOUNDS).is_empty());
        let many: Vec<_> = (0..17).map(|n| pack(n, 1_000, 0)).collect();
        let all: BTreeSet<_> = many.iter().map(|one| one.pack).collect();
        assert_eq!(groups(&many, &BOUNDS), [all]);
        let mut shuffled = many.clone();
        shuffled.reverse();
        assert_eq!(groups(&shuffled, &BOUNDS), groups(&many, &BOUNDS));
        // of another class nothing is taken
        let mixed: Vec<_> = few.iter().copied().chain((16..32).map(|n| pack(n, 500_000, 0))).collect();
        assert!(groups(&mixed, &BOUNDS).is_empty());
    }

    #[test]
    fn merging_comes_to_an_end_with_few_packs() {
        let mut standing: Vec<Standing> = Vec::new();
        let (mut written, mut published) = (0, 0);
        for n in 0..2_000 {
            let size = 2_000 + n * 37 % 90_000;
            standing.push(pack(n, size, 0));
            published += size;
            while let Some(group) = groups(&standing, &BOUNDS).first() {
                let sum: u64 =
                    standing.iter().filter(|one| group.contains(&one.pack)).map(|one| one.size).sum();
                standing.retain(|one| !group.contains(&one.pack));
                standing.push(pack(1_000_000 + written, sum, 0));
                written += sum;
                assert!(sum <= BOUNDS.bin);
            }
        }
        let bound = 3 * BOUNDS.most + usize::try_from(published / BOUNDS.classes[2]).unwrap() + 1;
        assert!(standing.len() <= bound, "{} packs", standing.len());
        assert!(
            written <= 4 * published,
            "each byte is written again three times at most, {written} of {published}"
        );
    }

    #[test]
    fn a_pack_is_written_anew_when_enough_of_it_is_old() {
        let worth = pack(1, 8_000_000, 2_000_000);
        assert_eq!(groups(&[worth], &BOUNDS), [[worth.pack].into()]);
        for not in [pack(1, 8_000_000, 1_900_000), pack(1, 100_000, 60_000)] {
            assert!(groups(&[not], &BOUNDS).is_empty(), "{not:?}");
        }
    }

    fn chain(path: &str, texts: &[&str]) -> (WorkPath, History, Vec<RecordId>) {
        let path = WorkPath::parse(path).unwrap();
        let (mut history, mut ids) = (History::new(&path, []), Vec::new());
        for text in texts {
            let content = Content::file(ContentId::of(text.as_bytes()), 1);
            ids.push(history.insert(Record::new(path.clone(), content, Kind::Edit, ids.last().copied())));
        }
        (path, history, ids)
    }

    #[test]
    fn old_is_what_only_superseded_versions_have() {
        let (path, history, ids) = chain("a", &["1", "2", "1", "3", "2"]);
        let old = superseded(&path, &history, &BOUNDS);
        let of = |text: &str| old.iter().find(|one| one.content == ContentId::of(text.as_bytes()));
        assert!(of("2").is_none(), "it is shown");
        assert_eq!(of("3").unwrap().by, [vec![ids[4]]]);
        let mut by = of("1").unwrap().by.clone();
        by.sort();
        let mut expected = vec![vec![ids[1]], vec![ids[3]]];
        expected.sort();
        assert_eq!(by, expected);
    }

    #[test]
    fn an_open_question_keeps_everything() {
        let (path, mut history, ids) = chain("a", &["1", "2"]);
        let content = Content::file(ContentId::of(b"other"), 1);
        history.insert(Record::new(path.clone(), content, Kind::Edit, [ids[0]]));
        assert!(superseded(&path, &history, &BOUNDS).is_empty());
    }

    #[test]
    fn of_backups_the_last_few_are_kept() {
        let texts = ["1", "2", "3", "4", "5", "6", "7"];
        let (path, history, _) = chain("backups/db/db.dump", &texts);
        let old = superseded(&path, &history, &BOUNDS);
        for (text, surplus) in texts[..6].iter().zip([true, true, false, false, false, false]) {
            let found = old.iter().find(|one| one.content == ContentId::of(text.as_bytes())).unwrap();
            assert_eq!(found.surplus, surplus, "{text}");
        }
        let (path, history, _) = chain("notes/db.dump", &texts);
        assert!(superseded(&path, &history, &BOUNDS).iter().all(|one| !one.surplus));
    }
}
