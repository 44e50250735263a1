//! What a plan says is done, in the order of the engine: bytes kept, contents and records published, the ledger's word
//! for it, then the writes, each looked at again. It may stop before any step.

use kitbag_core::entry::{Observed, Seen};
use kitbag_core::plan::{Held, Plan, Put};
use kitbag_core::version::{Content, Kind, Record};

use crate::cycle::{Gap, How, Look};
use crate::invariants::Broken;
use crate::machine::Foreseen;
use crate::text::{Blob, Name};
use crate::world::{EngineRule, World};

struct Stopped;

struct Steps(Option<u32>);

impl Steps {
    fn next(&mut self) -> Result<(), Stopped> {
        match &mut self.0 {
            Some(0) => return Err(Stopped),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }
}

impl World {
    /// True when it was cut short.
    pub fn carry_out(
        &mut self,
        m: usize,
        path: &Name,
        look: &Look,
        plan: Plan,
        how: How,
    ) -> Result<bool, Broken> {
        let mut steps = Steps(how.crash);
        let done = if self.on(EngineRule::RecordsFirst) {
            self.note(m, path, look, &plan, &mut steps)
                .and_then(|()| self.write(m, path, &plan, how.gap, &mut steps))
        } else {
            self.register(look, &plan);
            self.write(m, path, &plan, how.gap, &mut steps)
                .and_then(|written| self.note(m, path, look, &plan, &mut steps).map(|()| written))
        };
        match done {
            Ok(written) => written.map(|()| false),
            Err(Stopped) => Ok(true),
        }
    }

    /// Contents that are in memory only, for a machine that writes before it records.
    fn register(&mut self, look: &Look, plan: &Plan) {
        for made in &plan.records {
            let seen = || look.find(made.record.content.id()?);
            if let Some(blob) = made.bytes.as_deref().map(Blob::new).or_else(seen) {
                self.side.content(&blob);
            }
        }
    }

    /// Everything durable: unexplained bytes, contents, records, then the ledger's word for it.
    fn note(
        &mut self,
        m: usize,
        path: &Name,
        look: &Look,
        plan: &Plan,
        steps: &mut Steps,
    ) -> Result<(), Stopped> {
        steps.next()?;
        for observed in &plan.keep {
            self.keep(m, path, look, observed);
        }
        let left = self.left_behind(path, look, plan);
        let shows = plan.memory.base.filter(|base| plan.records.iter().any(|made| made.id == *base));
        let shows = shows.map(|base| (path.clone(), look.before.base, base));
        let foreseen: Vec<Foreseen> = shows.into_iter().chain(left.clone()).collect();
        if self.on(EngineRule::Foreseen) {
            self.machines[m].ledger.foreseen.clone_from(&foreseen);
        }
        let mut made = Vec::new();
        for record in &plan.records {
            if let Some(content) = record.record.content.id() {
                let blob = match &record.bytes {
                    Some(bytes) => Some(Blob::new(bytes.as_slice())),
                    None => look.find(content),
                };
                let file = match (blob, self.side.find_content(content)) {
                    (_, Some((file, _))) => file,
                    (Some(blob), None) => self.side.content(&blob),
                    // bytes that waited are in the registry; nothing else can be named
                    (None, None) => continue,
                };
                steps.next()?;
                self.side.publish(m, file);
                made.push(file);
            }
            steps.next()?;
            // a late edit follows its file to another path
            let file = self.side.record(record.id, &record.record, &record.record.path.as_str().into());
            self.side.publish(m, file);
            made.push(file);
            // out it is, whether or not the ledger hears of it
            let machine = &mut self.machines[m];
            for (path, _, shows) in foreseen.iter().filter(|(_, _, shows)| *shows == record.id) {
                machine.shown.insert(path.clone(), (*shows, machine.ledger.generation));
            }
            let stored = record.record.content.id().and_then(|id| self.side.find_content(id));
            if let Some((_, blob)) = stored {
                self.lines.publish(blob);
            }
        }
        steps.next()?;
        let all_at_once = !self.on(EngineRule::Admission);
        let machine = &mut self.machines[m];
        machine.ledger.foreseen.clear();
        let new: Vec<_> = made.iter().copied().filter(|file| !machine.ledger.holds.has(*file)).collect();
        made.iter().for_each(|file| machine.ledger.holds.set(*file, true));
        machine.ledger.admit(&new, &self.side, all_at_once);
        machine.ledger.memories.insert(path.clone(), plan.memory.clone());
        match machine.numbers.get(path) {
            Some(number) => machine.ledger.numbers.insert(path.clone(), *number),
            None => machine.ledger.numbers.remove(path),
        };
        match plan.held {
            Some(Held::RemovedHere) => machine.ledger.held.insert(path.clone()),
            _ => machine.ledger.held.remove(path),
        };
        if let Some(base) = plan.memory.base {
            machine.shown.insert(path.clone(), (base, machine.ledger.generation));
        }
        if let Some((from, origin, to)) = left
            && self.engine_off != Some(EngineRule::OldPlaceNoted)
            && let Some(memory) = machine.ledger.memories.get_mut(&from)
            && memory.base == origin
        {
            memory.base = Some(to);
            machine.shown.insert(from, (to, machine.ledger.generation));
        }
        let removed = |kind: Kind, content: Content| kind == Kind::Edit && content == Content::Deleted;
        if plan.records.iter().any(|made| removed(made.record.kind, made.record.content)) {
            machine.ledger.removals.push(machine.clock);
        }
        Ok(())
    }

    /// The old place of a renamed file, where the folder shows nothing from now on; also when the record of it got out
    /// before a crash.
    fn left_behind(&self, path: &Name, look: &Look, plan: &Plan) -> Option<Foreseen> {
        let (from, origin) = look.moved_from.clone()?;
        let own = |record: &Record| {
            record.kind == Kind::Move && record.follows.is_none() && record.path.as_str() == &**path
        };
        let made = plan.records.iter().find(|made| own(&made.record)).map(|made| made.id);
        let before = || {
            let base = plan.memory.base?;
            self.side.find_record(base).filter(|(_, record)| own(record)).map(|_| base)
        };
        Some((from, Some(origin), made.or_else(before)?))
    }

    fn keep(&mut self, m: usize, path: &Name, look: &Look, observed: &Observed) {
        let Some(blob) = observed.content.id().and_then(|id| look.find(id)) else { return };
        let file = self.side.content(&blob);
        let ledger = &mut self.machines[m].ledger;
        if self.engine_off != Some(EngineRule::SavedOnSight) {
            ledger.kept.set(file, true);
        }
        let memory = ledger.memories.entry(path.clone()).or_default();
        if !memory.observed.contains(observed) {
            memory.observed.push(observed.clone());
        }
        self.lines.see(&blob);
    }

    fn write(
        &mut self,
        m: usize,
        path: &Name,
        plan: &Plan,
        gap: Gap,
        steps: &mut Steps,
    ) -> Result<Result<(), Broken>, Stopped> {
        self.fill_gap(m, path, gap);
        if let Some(put) = &plan.working {
            steps.next()?;
            self.machines[m].ledger.intents.insert(path.clone(), (plan.memory.base, put.version));
            steps.next()?;
            let done = match self.put_working(m, path, put) {
                Ok(done) => done,
                Err(broken) => return Ok(Err(broken)),
            };
            steps.next()?;
            self.machines[m].ledger.intents.remove(path);
            self.machines[m].aside.remove(path);
            if !done {
                return Ok(Ok(()));
            }
            self.machines[m].ledger.memories.entry(path.clone()).or_default().base = Some(put.version);
        }
        if let Some(put) = &plan.mirror {
            steps.next()?;
            match self.put_mirror(m, path, put) {
                Ok(false) => return Ok(Ok(())),
                Err(broken) => return Ok(Err(broken)),
                Ok(true) => {}
            }
            steps.next()?;
            let memory = self.machines[m].ledger.memories.entry(path.clone()).or_default();
            (memory.mirror, memory.absent_since) = (put.content.id(), None);
        }
        for (name, content) in &plan.drop_copies {
            steps.next()?;
            if let Err(broken) = self.drop_copy(m, path, name, *content) {
                return Ok(Err(broken));
            }
        }
        Ok(Ok(()))
    }

    /// Swap and inspect: if a save came between, it is shown again.
    fn put_working(&mut self, m: usize, path: &Name, put: &Put) -> Result<bool, Broken> {
        let stands = self.machines[m].work.get(path).cloned();
        let inspects = self.on(EngineRule::SwapAndInspect);
        if stands.as_ref().map(Blob::id) != put.expect.id() && (inspects || put.expect == Seen::Absent) {
            return Ok(false);
        }
        self.check_replaced(m, path, stands.as_ref(), "working folder")?;
        self.machines[m].work.remove(path);
        self.machines[m].numbers.remove(path);
        if let Some(blob) = self.stored(m, put.content)? {
            self.save(m, path, blob);
        }
        let machine = &mut self.machines[m];
        machine.deleted.remove(path);
        machine.aside.insert(path.clone(), put.version);
        machine.shown.insert(path.clone(), (put.version, machine.ledger.generation));
        Ok(true)
    }

    /// Swap and inspect: what came out and nobody knows is set aside to become a version.
    fn put_mirror(&mut self, m: usize, path: &Name, put: &Put) -> Result<bool, Broken> {
        let stands = self.machines[m].mirror.get(path).cloned();
        let expected = stands.as_ref().map(Blob::id) == put.expect.id();
        if !expected && (stands.is_none() || put.expect == Seen::Absent) {
            return Ok(false);
        }
        if let Some(blob) = stands.as_ref().filter(|_| !expected && self.on(EngineRule::SwapAndInspect)) {
            let ledger = &mut self.machines[m].ledger;
            if !ledger.paths.get(path).is_some_and(|loaded| loaded.history.knows(blob.content())) {
                let file = self.side.content(blob);
                ledger.kept.set(file, true);
                let since = self.machines[m].clock;
                let observed = Observed { content: blob.content(), since, copy: None };
                let memory = self.machines[m].ledger.memories.entry(path.clone()).or_default();
                memory.observed.push(observed);
                self.lines.see(blob);
            }
        }
        self.check_replaced(m, path, stands.as_ref(), "mirror")?;
        match self.stored(m, put.content)? {
            Some(blob) => self.machines[m].mirror.insert(path.clone(), blob),
            None => self.machines[m].mirror.remove(path),
        };
        Ok(expected)
    }

    fn drop_copy(&mut self, m: usize, path: &Name, name: &str, content: Content) -> Result<(), Broken> {
        let copy = Name::from(match path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name.to_owned(),
        });
        let stands = self.machines[m].mirror.get(&copy).cloned();
        if stands.as_ref().is_some_and(|blob| Some(blob.id()) == content.id()) {
            self.check_replaced(m, path, stands.as_ref(), "mirror")?;
            self.machines[m].mirror.remove(&copy);
        }
        Ok(())
    }

    fn stored(&self, m: usize, content: Content) -> Result<Option<Blob>, Broken> {
        let Some(id) = content.id() else { return Ok(None) };
        let ledger = &self.machines[m].ledger;
        let stored = self.side.find_content(id);
        let in_memory = !self.on(EngineRule::RecordsFirst);
        let here = stored.filter(|(file, _)| in_memory || ledger.holds.has(*file) || ledger.kept.has(*file));
        let missing = || Broken::new(15, "a version is to be shown whose content is not here".into());
        here.map(|(_, blob)| Some(blob.clone())).ok_or_else(missing)
    }
}
