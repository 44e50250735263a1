//! The world of one run: who does what when, and the verdict at the end. A line counts as seen once a person
//! typed it into a working folder, or a machine's scan met it in the mirror. It may be gone at the end only if
//! somebody whose folder showed it took it out.

use std::collections::{BTreeMap, BTreeSet};

use kitbag_core::plan::AbsenceAnswer;

use crate::chance::Chance;
use crate::machine::{Machine, split};
use crate::provider::{Policy, Provider};

/// Which faults a run may draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    /// Edits on both machines, any order of delivery.
    Edits,
    /// And edits by phone.
    Phone,
    /// And crashes, saves in the gap between plan and write, absences, lost ledgers.
    All,
}

impl Faults {
    pub const ALL: [Faults; 3] = [Faults::Edits, Faults::Phone, Faults::All];
}

const PATHS: [&str; 2] = ["notes.md", "data/table.csv"];
const STEPS: usize = 120;

pub struct World {
    chance: Chance,
    faults: Faults,
    machines: Vec<Machine>,
    provider: Provider,
    story: Vec<String>,
    lines: usize,
    seen: BTreeSet<Vec<u8>>,
    removed: BTreeSet<Vec<u8>>,
    steps: u64,
    questions: u64,
    settle: i64,
}

impl World {
    pub fn new(seed: u64, policy: Policy, faults: Faults) -> Self {
        let mut chance = Chance::new(seed);
        World {
            settle: [0, 1, 2, 5][chance.below(4)],
            chance,
            faults,
            machines: vec![Machine::default(), Machine::default()],
            provider: Provider::new(policy, 2),
            story: Vec::new(),
            lines: 0,
            seen: BTreeSet::new(),
            removed: BTreeSet::new(),
            steps: 0,
            questions: 0,
        }
    }

    pub fn story(&self) -> &[String] {
        &self.story
    }

    pub fn steps(&self) -> u64 {
        self.steps
    }

    pub fn questions(&self) -> u64 {
        self.questions
    }

    fn tell(&mut self, what: String) {
        self.story.push(what);
    }

    pub fn run(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            let machine = self.chance.below(2);
            let path = PATHS[self.chance.below(PATHS.len())];
            match self.chance.below(100) {
                0..25 => self.edit(machine, path),
                25..55 => self.cycle(machine, path),
                55..75 => self.carry(machine),
                75..88 => self.deliver(machine),
                88..92 => self.answer(machine, path),
                92..94 => self.delete(machine, path),
                94..97 if self.faults != Faults::Edits => self.phone(path),
                97..99 if self.faults == Faults::All => self.absence(machine, path),
                99 if self.faults == Faults::All => {
                    self.tell(format!("{machine} loses its ledger"));
                    for line in self.machines[machine].lose_ledger() {
                        if line.starts_with(b"phone") {
                            self.seen.remove(&line);
                        }
                    }
                }
                _ => self.cycle(machine, path),
            }
        }
        self.come_to_rest()?;
        self.judge()
    }

    fn new_line(&mut self) -> Vec<u8> {
        self.lines += 1;
        // one line in eight is a repeat of a common one, as blank lines and braces are
        if self.chance.percent(12) { b"\n".to_vec() } else { format!("line {}\n", self.lines).into_bytes() }
    }

    fn edit(&mut self, machine: usize, path: &str) {
        let mut lines =
            self.machines[machine].working.get(path).map(|bytes| split(bytes)).unwrap_or_default();
        let what = self.change(&mut lines);
        self.tell(format!("person at {machine} {what} in {path}"));
        self.machines[machine].working.insert(path.to_owned(), lines.concat());
    }

    /// Insert, change or delete lines; typed lines are seen, deleted ones are removed by somebody who saw them.
    fn change(&mut self, lines: &mut Vec<Vec<u8>>) -> String {
        let mut what = Vec::new();
        for _ in 0..1 + self.chance.below(2) {
            let at = self.chance.below(lines.len() + 1);
            let kind = self.chance.below(10);
            if kind >= 6 && at < lines.len() {
                let old = lines.remove(at);
                what.push(format!("removes {:?}", String::from_utf8_lossy(&old)));
                self.removed.insert(old);
            }
            if kind < 8 {
                let line = self.new_line();
                what.push(format!("writes {:?}", String::from_utf8_lossy(&line)));
                self.seen.insert(line.clone());
                lines.insert(at.min(lines.len()), line);
            }
        }
        what.join(", ")
    }

    fn delete(&mut self, machine: usize, path: &str) {
        if let Some(bytes) = self.machines[machine].working.remove(path) {
            self.tell(format!("person at {machine} deletes {path}"));
            self.removed.extend(split(&bytes));
        }
    }

    fn phone(&mut self, path: &str) {
        let mut chance = Chance::new(self.chance.next());
        self.lines += 1;
        let line = format!("phone {}\n", self.lines).into_bytes();
        let mut removed = Vec::new();
        let changes = chance.percent(50);
        let done = self.provider.phone(path, &mut chance, |lines, chance| {
            let at = chance.below(lines.len() + 1);
            if changes && at < lines.len() {
                removed.push(lines.remove(at));
            }
            lines.insert(at.min(lines.len()), line.clone());
        });
        if done {
            self.tell(format!(
                "phone writes {:?} in {path}, removes {removed:?}",
                String::from_utf8_lossy(&line)
            ));
            self.removed.extend(removed);
        }
    }

    fn absence(&mut self, machine: usize, path: &str) {
        if self.machines[machine].mirror.remove(path).is_some() {
            self.tell(format!("{path} vanishes from the mirror at {machine}"));
        }
    }

    fn carry(&mut self, machine: usize) {
        let names = self.provider.names(&self.machines[machine].mirror);
        if names.is_empty() {
            return;
        }
        let name = names[self.chance.below(names.len())].clone();
        if self.provider.carry(machine, &mut self.machines[machine].mirror, &name) {
            self.tell(format!("provider carries {name} for {machine}"));
        }
    }

    /// One sidecar file reaches the other machine: a record or a content, in any order.
    fn deliver(&mut self, to: usize) {
        let from = self.machines[1 - to].known.clone();
        let known = &mut self.machines[to].known;
        let records: Vec<_> =
            from.records.into_iter().filter(|(id, _)| !known.records.contains_key(id)).collect();
        for _ in 0..1 + self.chance.below(3) {
            if !records.is_empty() {
                let (id, record) = records[self.chance.below(records.len())].clone();
                let content = record.content.id().and_then(|id| Some((id, from.contents.get(&id)?.clone())));
                known.records.insert(id, record);
                if let Some((id, bytes)) = content
                    && self.chance.percent(80)
                {
                    known.contents.insert(id, bytes);
                }
            }
        }
        let missing: Vec<_> = known.records.values().filter_map(|r| r.content.id()).collect();
        for id in missing {
            if self.chance.percent(30)
                && let Some(bytes) = from.contents.get(&id)
            {
                known.contents.insert(id, bytes.clone());
            }
        }
        self.story.push(format!("sidecar files reach {to}"));
    }

    fn see_mirror(&mut self, machine: usize) {
        let m = &self.machines[machine];
        self.seen.extend(m.mirror.values().flat_map(|bytes| split(bytes)));
    }

    fn cycle(&mut self, machine: usize, path: &str) {
        self.steps += 1;
        let all = self.faults == Faults::All;
        let crash = if all && self.chance.percent(10) { self.chance.below(5) } else { 9 };
        // a crash before the bytes are durable has seen nothing
        if crash > 1 {
            self.see_mirror_of(machine, path);
        }
        let gap = all && self.chance.percent(10);
        let mut typed = None;
        if gap {
            let line = self.new_line();
            self.seen.insert(line.clone());
            typed = Some(line);
        }
        let settle = self.settle;
        let done = self.machines[machine].cycle(path, settle, crash, |m| {
            if let Some(line) = &typed {
                m.working.entry(path.to_owned()).or_default().extend_from_slice(line);
            }
        });
        if let Some(line) = typed
            && (crash < 3 || !self.shows(machine, path, &line))
        {
            self.seen.remove(&line);
        }
        self.seen.extend(done.kept.iter().flat_map(|bytes| split(bytes)));
        let done = (done.wrote, done.conflict, done.held, done.waits);
        self.tell(format!("{machine} runs a cycle at {path} (crash {crash}, gap {gap}; wrote, conflict, held, waits): {done:?}"));
    }

    fn shows(&self, machine: usize, path: &str, line: &[u8]) -> bool {
        self.machines[machine].working.get(path).is_some_and(|b| split(b).iter().any(|l| l == line))
    }

    fn see_mirror_of(&mut self, machine: usize, path: &str) {
        let m = &self.machines[machine];
        let files = m.mirror.iter().filter(|(name, _)| name.starts_with(path));
        let lines: Vec<_> = files.flat_map(|(_, bytes)| split(bytes)).collect();
        self.seen.extend(lines);
    }

    fn answer(&mut self, machine: usize, path: &str) {
        let before = self.machines[machine].known.records.len();
        self.machines[machine].answer(path);
        if self.machines[machine].known.records.len() > before {
            self.questions += 1;
            self.tell(format!("person at {machine} answers {path}: both"));
        }
    }

    /// Everything is delivered and answered until nothing moves any more.
    fn come_to_rest(&mut self) -> Result<(), String> {
        let mut quiet = 0;
        for round in 0..200 {
            let mut moved = false;
            for machine in 0..2 {
                let other = self.machines[1 - machine].known.clone();
                let known = &mut self.machines[machine].known;
                let count = known.records.len();
                known.records.extend(other.records);
                known.contents.extend(other.contents);
                moved |= known.records.len() > count;
                for name in self.provider.names(&self.machines[machine].mirror) {
                    moved |= self.provider.carry(machine, &mut self.machines[machine].mirror, &name);
                }
                self.see_mirror(machine);
                let held = round % 8 == 7;
                self.machines[machine].answer_absences(held.then_some(AbsenceAnswer::Restore));
                for path in self.machines[machine].paths() {
                    self.steps += 1;
                    let done = self.machines[machine].cycle(&path, self.settle, 9, |_| {});
                    if round > 150 {
                        self.tell(format!("late: {machine} {path} {done:?}"));
                    }
                    moved |= done.wrote || done.waits || done.conflict || done.held;
                    if done.conflict && machine == round % 2 {
                        self.answer(machine, &path);
                    }
                }
            }
            quiet = if moved { 0 } else { quiet + 1 };
            if quiet >= 3 {
                return Ok(());
            }
        }
        Err("does not come to rest".into())
    }

    fn judge(&self) -> Result<(), String> {
        let [a, b] = &self.machines[..] else { return Err("two machines".into()) };
        if a.working != b.working {
            return Err("the working folders differ".into());
        }
        if a.working != a.mirror || b.working != b.mirror {
            return Err(format!("a mirror differs from the working folder: {:?} {:?}", a.working, a.mirror));
        }
        let mut present: BTreeMap<&[u8], usize> = BTreeMap::new();
        let all: Vec<_> = a.working.values().flat_map(|bytes| split(bytes)).collect();
        for line in &all {
            *present.entry(line.as_slice()).or_default() += 1;
        }
        for line in &self.seen {
            if !present.contains_key(line.as_slice()) && !self.removed.contains(line) {
                return Err(format!("lost the line {:?}", String::from_utf8_lossy(line)));
            }
        }
        Ok(())
    }
}
