//! What must hold at every single step, whatever the faults: the invariants of the algorithm, by their numbers there.
//! A run that breaks one ends at once, long before anything is lost.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::history::{History, Near, same, same_bytes};
use kitbag_core::id::RecordId;
use kitbag_core::plan::{AbsenceAnswer, Plan};
use kitbag_core::reconcile::Made;
use kitbag_core::version::{Content, Kind};

use crate::cycle::Look;
use crate::form::{Counts, Form, Repeated};
use crate::machine::Loaded;
use crate::text::{Blob, Name};
use crate::world::World;

/// What was broken: a number of the list of invariants, 0 for another rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub number: u32,
    pub what: String,
}

impl Broken {
    pub fn new(number: u32, what: String) -> Self {
        Broken { number, what }
    }

    pub fn unless(number: u32, holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
        if holds { Ok(()) } else { Err(Broken::new(number, what())) }
    }
}

/// What is known of the sets of records met so far, and the merges judged.
#[derive(Default)]
pub struct Functions {
    /// Heads of a set.
    heads: BTreeMap<(Name, u128), Vec<RecordId>>,
    /// Merges a set leads to.
    merges: BTreeMap<(Name, u128), Vec<RecordId>>,
    judged: BTreeSet<RecordId>,
}

impl World {
    pub fn check_plan(
        &mut self,
        m: usize,
        path: &Name,
        look: &Look,
        history: &History,
        plan: &Plan,
        answer: Option<AbsenceAnswer>,
    ) -> Result<(), Broken> {
        let set = match (&look.moved_from, self.machines[m].ledger.paths.get(path)) {
            (None, Some(loaded)) => loaded.set,
            _ => Loaded::key(history.records().map(|(id, _)| id)),
        };
        self.check_function(path, set, history, plan)?;
        if plan.records.is_empty() {
            self.check_base(history, look, plan)?;
        } else {
            let mut history = history.clone();
            for made in &plan.records {
                self.check_admitted(path, &history, plan, made)?;
                history.insert(made.record.clone());
                if made.record.follows.is_some()
                    && let Some(blob) = self.content_of(look, plan, made.record.content)
                {
                    self.lines.carried(&blob);
                }
            }
            self.check_base(&history, look, plan)?;
            for made in &plan.records {
                self.check_edit(m, path, &history, look, made, answer)?;
                self.check_merge(&history, look, plan, made)?;
            }
        }
        if let Some(put) = &plan.mirror {
            Broken::unless(4, plan.heads.first() == Some(&put.version), || {
                format!("the mirror of {path} is given something else than the first head")
            })?;
            let made =
                |blob: &Blob| plan.records.iter().any(|made| same_bytes(made.record.content, blob.content()));
            let known = look.mirror.as_ref().is_none_or(|blob| history.knows(blob.content()) || made(blob));
            Broken::unless(0, known, || {
                format!("unexplained bytes in the mirror of {path} are written over")
            })?;
        }
        Ok(())
    }

    /// 4, 10 and 11: heads and merges depend on the set of records and nothing else; aliases make no cycle; what was
    /// reduced once leads to no further record.
    fn check_function(
        &mut self,
        path: &Name,
        set: u128,
        history: &History,
        plan: &Plan,
    ) -> Result<(), Broken> {
        let new = |made: &&Made| history.get(made.id).is_none();
        let (merges, others): (Vec<_>, Vec<_>) = plan
            .records
            .iter()
            .filter(new)
            .partition(|made| made.record.kind == Kind::Merge || made.record.follows.is_some());
        let before = set ^ Loaded::key(others.iter().map(|made| made.id));
        let after = before ^ Loaded::key(merges.iter().map(|made| made.id));
        let merges: Vec<_> = merges.iter().map(|made| made.id).collect();
        if !merges.is_empty() {
            let reduced = self.functions.heads.contains_key(&(path.clone(), before));
            Broken::unless(11, !reduced, || {
                format!("the open versions of {path} led to a record after all")
            })?;
        }
        match self.functions.merges.get(&(path.clone(), before)) {
            Some(known) => Broken::unless(4, *known == merges, || {
                format!("two machines with the same versions of {path} merge differently")
            })?,
            None => drop(self.functions.merges.insert((path.clone(), before), merges)),
        }
        match self.functions.heads.get(&(path.clone(), after)) {
            Some(known) => Broken::unless(4, *known == plan.heads, || {
                format!("two machines with the same versions of {path} see different heads")
            }),
            None => {
                self.functions.heads.insert((path.clone(), after), plan.heads.clone());
                let mut all = history.clone();
                all.extend(plan.records.iter().map(|made| (made.id, made.record.clone())));
                let made = |id| plan.records.iter().find(|made| made.id == id).map(|made| &made.record);
                let records = all.records().filter_map(|(id, _)| {
                    let record = made(id).or_else(|| Some(self.side.find_record(id)?.1))?;
                    Some((id, record.clone()))
                });
                let fresh = History::new(history.path(), records);
                Broken::unless(4, fresh.heads() == plan.heads, || {
                    format!("the heads of {path} depend on the order of arrival")
                })?;
                let guess = |id: &RecordId| {
                    let head = all.get(*id).filter(|record| record.kind == Kind::Outside);
                    head.is_some_and(|head| {
                        all.records().any(|(other, record)| {
                            record.kind != Kind::Outside
                                && record.path == head.path
                                && same(record.content, head.content)
                                && !all.ancestors(other, Near::Counts).contains(id)
                        })
                    })
                };
                Broken::unless(0, !plan.heads.iter().any(guess), || {
                    format!("a guess at {path} stays open beside the version it was")
                })?;
                Broken::unless(10, is_acyclic(&all), || format!("the aliases of {path} make a cycle"))
            }
        }
    }

    /// A record is made of admitted ones only, and those of admitted ones, down to the first.
    fn check_admitted(&self, path: &Name, history: &History, plan: &Plan, made: &Made) -> Result<(), Broken> {
        let parents = || made.record.parents.iter().chain(&made.record.near);
        let fresh = |id: &RecordId| plan.records.iter().any(|made| made.id == *id);
        let here = |id: &RecordId| {
            let Some(record) = history.get(*id) else { return false };
            let known = record.parents.iter().chain(&record.near).all(|id| history.get(*id).is_some());
            let content = || record.content.id().is_none_or(|id| self.side.find_content(id).is_some());
            known && (fresh(id) || content())
        };
        Broken::unless(0, parents().all(here), || {
            format!("a record of {path} is made before its ancestors are here")
        })
    }

    /// 7: the base is what the working folder shows.
    fn check_base(&self, history: &History, look: &Look, plan: &Plan) -> Result<(), Broken> {
        let Some(base) = plan.memory.base else { return Ok(()) };
        if look.before.base.is_some_and(|before| before == base || history.real(before) == base) {
            return Ok(());
        }
        let shown = look.working.as_ref().map_or(Content::Deleted, Blob::content);
        let is = history.content(base).is_some_and(|content| same(content, shown));
        Broken::unless(7, is, || "a base moved to a version the working folder does not show".into())
    }

    /// 6: an edit comes from what the folder showed, and from nothing else; 8: nothing is deleted for being absent.
    fn check_edit(
        &mut self,
        m: usize,
        path: &Name,
        history: &History,
        look: &Look,
        made: &Made,
        answer: Option<AbsenceAnswer>,
    ) -> Result<(), Broken> {
        if made.record.kind != Kind::Edit {
            return Ok(());
        }
        let machine = &self.machines[m];
        let real = |id: RecordId| history.real(id);
        let parents: Vec<_> = made.record.parents.iter().map(|id| real(*id)).collect();
        let accepted = answer == Some(AbsenceAnswer::Accept);
        let is_deletion = made.record.content == Content::Deleted;
        let truth = machine.shown.get(path).filter(|(_, with)| *with == machine.ledger.generation);
        let truth = truth.map(|(id, _)| real(*id)).filter(|id| *id != made.id && history.get(*id).is_some());
        let base = look.before.base.map(real).filter(|id| history.get(*id).is_some());
        // what was changed along with a new name comes from the renaming
        let renamed = parents.iter().any(|id| history.get(*id).is_some_and(|r| r.kind == Kind::Move));
        if look.moved_from.is_some() && renamed && parents.len() == 1 {
            return Ok(());
        }
        let named = parents.len() <= 1 && (parents.is_empty() == base.is_none() || is_deletion);
        Broken::unless(6, named, || format!("an edit of {path} names {} versions", parents.len()))?;
        if let (Some(truth), [parent]) = (truth, &parents[..])
            && !is_deletion
        {
            Broken::unless(6, *parent == truth, || {
                format!("an edit of {path} comes from {parent:?}, and {truth:?} was shown")
            })?;
        }
        // also with an old ledger: a folder that shows a later version than its base was not edited
        let shown = machine.shown.get(path).map(|(id, _)| real(*id));
        if let (Some(shown), Some(base)) = (shown, base) {
            let content = history.content(shown);
            let same = content.is_some_and(|content| same(content, made.record.content));
            let nobody =
                same && made.id != shown && history.descends(shown, base) && !machine.deleted.contains(path);
            Broken::unless(6, !nobody, || {
                let parents = &made.record.parents;
                format!(
                    "an edit of {path} was recorded that nobody made: of {parents:?}, and {shown:?} was shown, after {base:?}"
                )
            })?;
        }
        if is_deletion {
            let person = look.working.is_none() && machine.deleted.contains(path);
            let renamed = || machine.renamed(&self.side).iter().any(|(from, _)| from == path);
            Broken::unless(0, accepted || !renamed(), || {
                format!("{path} was renamed and is recorded as deleted")
            })?;
            Broken::unless(8, person || accepted, || format!("{path} is deleted and nobody did it"))?;
            let gone = parents.first().and_then(|id| history.content(*id)?.id());
            match gone.and_then(|id| Some(self.side.find_content(id)?.1.clone())) {
                Some(gone) if accepted => self.lines.removed_all(&gone),
                Some(gone) => self.lines.taken_for_deleted(&gone),
                None => {}
            }
        }
        Ok(())
    }

    /// 5: a merge drops only what a person took out; 9: it holds every line often enough.
    fn check_merge(
        &mut self,
        history: &History,
        look: &Look,
        plan: &Plan,
        made: &Made,
    ) -> Result<(), Broken> {
        if made.record.kind != Kind::Merge || !self.functions.judged.insert(made.id) {
            return Ok(());
        }
        let sides: Vec<_> =
            made.record.parents.iter().filter_map(|id| self.blob(history, look, plan, *id)).collect();
        let out = self.blob(history, look, plan, made.id);
        let parents = || made.record.parents.iter().filter_map(|id| history.get(*id));
        let deleted = parents().any(|record| record.content == Content::Deleted);
        let seed = parents().all(|record| record.kind == Kind::Seed || record.content == Content::Deleted);
        Broken::unless(0, !(deleted && seed) || out.is_none(), || {
            "a course file that was deleted is brought back by the course".into()
        })?;
        for side in &sides {
            for token in side.tokens() {
                let kept = out.as_ref().is_some_and(|out| out.holds(*token));
                Broken::unless(5, kept || self.lines.may_be_dropped(*token), || {
                    let (place, parents) = (&made.record.path, &made.record.parents);
                    format!(
                        "a merge at {place} of {parents:?} drops line {token}, which no person took out: \
                         {sides:?} -> {out:?}"
                    )
                })?;
            }
        }
        let (Some(out), [x, y]) = (out, &sides[..]) else { return Ok(()) };
        let [before, also, after] = [x, y, &out].map(|blob| self.form.versions(blob));
        self.tally.asked += after.saturating_sub(before.max(also));
        let base = self.single_base(history, look, plan, &made.record.parents);
        let form = self.form;
        let asks = base.iter().chain([x, y]).any(|blob| form.versions(blob) > 0);
        let repeated = form.repeated(base.iter().chain([x, y]));
        let least =
            |count: &dyn Fn(&Blob) -> Counts| least(base.as_ref().map(count), count(x), count(y), asks);
        let (lines, mut words) = (form.lines(&out, &Repeated::new()), None);
        let of = |counts: &Counts, part: &[u8]| counts.get(part).copied().unwrap_or(0);
        for (line, times) in least(&|blob| form.lines(blob, &repeated)) {
            if of(&lines, &line) >= times {
                continue;
            }
            // a line that was merged word by word goes on in others
            let (needed, words) = words.get_or_insert_with(|| {
                (least(&|blob| form.words(blob, &repeated)), form.words(&out, &Repeated::new()))
            });
            let kept = form.words_of(&line).all(|word| of(words, word) >= of(needed, word));
            Broken::unless(9, kept && form != Form::Lines, || {
                let line = String::from_utf8_lossy(&line);
                let parents = &made.record.parents;
                format!("merging {parents:?} over {base:?} lost {line:?} of {sides:?}: {out:?}")
            })?;
        }
        Ok(())
    }

    fn single_base(
        &self,
        history: &History,
        look: &Look,
        plan: &Plan,
        parents: &BTreeSet<RecordId>,
    ) -> Option<Blob> {
        let mut from = parents.iter().map(|id| history.ancestors(*id, Near::Counts));
        let shared: BTreeSet<_> = from.next()?.intersection(&from.next()?).copied().collect();
        let below: BTreeSet<_> = shared
            .iter()
            .flat_map(|id| history.ancestors(*id, Near::Counts).into_iter().filter(move |other| other != id))
            .collect();
        let mut top = shared.difference(&below);
        let only = top.next().filter(|_| top.next().is_none())?;
        self.blob(history, look, plan, *only)
    }

    fn blob(&self, history: &History, look: &Look, plan: &Plan, id: RecordId) -> Option<Blob> {
        self.content_of(look, plan, history.content(id)?)
    }

    fn content_of(&self, look: &Look, plan: &Plan, content: Content) -> Option<Blob> {
        let content = content.id()?;
        let stored = self.side.find_content(content).map(|(_, blob)| blob.clone());
        let made = || plan.records.iter().find(|made| made.record.content.id() == Some(content));
        stored.or_else(|| look.find(content)).or_else(|| made()?.bytes.as_deref().map(Blob::new))
    }

    /// 2: what is replaced is a version or waits to become one, and its bytes are kept.
    pub fn check_replaced(
        &self,
        m: usize,
        path: &Name,
        blob: Option<&Blob>,
        place: &str,
    ) -> Result<(), Broken> {
        let Some(blob) = blob else { return Ok(()) };
        let ledger = &self.machines[m].ledger;
        let here = |kept: bool| {
            self.side
                .find_content(blob.id())
                .is_some_and(|(file, _)| ledger.holds.has(file) || (kept && ledger.kept.has(file)))
        };
        let known = ledger.paths.get(path).is_some_and(|loaded| loaded.history.knows(blob.content()));
        let observed = ledger.memories.get(path).is_some_and(|memory| {
            memory.observed.iter().any(|observed| observed.content.id() == Some(blob.id()))
        });
        Broken::unless(2, (known && here(false)) || (observed && here(true)), || {
            format!("{path} is replaced in the {place} before its bytes are safe: {blob:?}")
        })
    }
}

/// How often each line, or each word, of two sides must stand in a merge: one that stands several times, and of which
/// each side took out another copy, as often as is left. `once`: one line can stand in two versions of a cell there, of
/// which an answer takes one away, so once is enough.
fn least(base: Option<Counts>, x: Counts, y: Counts, once: bool) -> Counts {
    let of = |counts: &Counts, line: &[u8]| counts.get(line).copied().unwrap_or(0);
    let both: BTreeSet<_> = x.keys().chain(y.keys()).cloned().collect();
    let least = |line: &Vec<u8>| {
        let (x, y) = (of(&x, line), of(&y, line));
        let least = base.as_ref().map_or(x.min(y), |base| {
            let b = of(base, line);
            x.min(y).max(x + (y - b).min(0)).max(y + (x - b).min(0))
        });
        if once { least.min(1) } else { least }
    };
    both.into_iter().map(|line| (line.clone(), least(&line))).collect()
}

fn is_acyclic(history: &History) -> bool {
    let live = || history.records().map(|(id, _)| id).filter(|id| history.real(*id) == *id);
    let known = |id: &RecordId| history.get(*id).is_some();
    let mut below: BTreeMap<RecordId, Vec<RecordId>> =
        live().map(|id| (id, history.comes_from(id, Near::Ignored).filter(known).collect())).collect();
    // what has nothing below it goes, until nothing is left
    loop {
        let before = below.len();
        let stands: BTreeSet<_> = below.keys().copied().collect();
        below.retain(|_, ids| ids.iter().any(|id| stands.contains(id)));
        if below.len() == before {
            return below.is_empty();
        }
    }
}
