//! What a named interleaving is written in. Texts are lines with blanks between: "1 2 3" is a file of three lines.
//! Nothing travels by itself: every step is one line of the test.

use kitbag_core::plan::AbsenceAnswer;
use kitbag_core::version::Kind;

use crate::cycle::{Cycle, Gap, How};
use crate::form::Form;
use crate::person::Keep;
use crate::provider::Policy;
use crate::text::{Blob, Name};
use crate::world::{Off, World};

pub type Check = Result<(), String>;

pub struct Scene {
    pub world: World,
    pub path: Name,
}

pub fn text(lines: &str) -> Blob {
    Blob::of_lines(&lines.split_whitespace().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>(), true)
}

pub fn check(holds: bool, what: &str) -> Check {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

impl Scene {
    /// Three machines, a provider that keeps the last writer, one cycle of patience.
    pub fn new(off: Option<Off>) -> Self {
        Scene { world: World::new(3, Policy::LastWriter, 1, Form::Lines, off, true), path: "notes.md".into() }
    }

    pub fn story(&mut self) -> Vec<String> {
        self.world.take_story()
    }

    /// The person saves this text.
    pub fn write(&mut self, m: usize, lines: &str) {
        let (path, after) = (self.path.clone(), text(lines));
        self.world.tell(|_| format!("{m}: the person saves {lines:?}"));
        self.world.authored.insert(after.id());
        let machine = &mut self.world.machines[m];
        if machine.kernels.contains_key(&path) {
            machine.kernels.insert(path.clone(), after.clone());
        }
        machine.deleted.remove(&path);
        self.world.save(m, &path, after);
    }

    pub fn remove(&mut self, m: usize) {
        let path = self.path.clone();
        self.world.delete(m, &path);
    }

    /// A machine's mirror shows this, however it came there.
    pub fn mirror(&mut self, m: usize, lines: &str) {
        self.world.tell(|_| format!("{m}: the mirror shows {lines:?}"));
        self.world.machines[m].mirror.insert(self.path.clone(), text(lines));
    }

    pub fn no_mirror(&mut self, m: usize) {
        self.world.tell(|_| format!("{m}: the mirror shows nothing"));
        self.world.machines[m].mirror.remove(&self.path);
    }

    pub fn cycle(&mut self, m: usize) -> Result<Cycle, String> {
        self.with(m, How::default())
    }

    pub fn cycles(&mut self, m: usize, count: usize) -> Check {
        (0..count).try_for_each(|_| self.cycle(m).map(drop))
    }

    pub fn with(&mut self, m: usize, how: How) -> Result<Cycle, String> {
        let path = self.path.clone();
        self.world
            .cycle(m, &path, how)
            .map_err(|broken| format!("invariant {}: {}", broken.number, broken.what))
    }

    pub fn stop_after(&mut self, m: usize, steps: u32) -> Result<Cycle, String> {
        self.with(m, How { crash: Some(steps), ..How::default() })
    }

    pub fn answer_absence(&mut self, m: usize, answer: AbsenceAnswer) -> Result<Cycle, String> {
        self.with(m, How { answer: Some(answer), ..How::default() })
    }

    pub fn with_gap(&mut self, m: usize, gap: Gap) -> Result<Cycle, String> {
        self.with(m, How { gap, ..How::default() })
    }

    /// The client carries the plain file.
    pub fn carry(&mut self, m: usize) {
        let path = self.path.clone();
        self.world.carry_name(m, &path);
    }

    /// The client carries all records and contents, both ways.
    pub fn records(&mut self, m: usize) {
        for file in self.world.side.to_carry(m) {
            self.world.side.carry(m, file, false);
        }
    }

    /// Records go from one machine to another.
    pub fn pass(&mut self, from: usize, to: usize) {
        self.records(from);
        self.records(to);
    }

    /// Everybody has everything, and nobody has anything to say.
    pub fn everywhere(&mut self, lines: &str) -> Check {
        self.write(0, lines);
        self.cycle(0)?;
        for m in [0, 1, 2, 0, 1, 2] {
            self.records(m);
            self.carry(m);
            self.cycles(m, 2)?;
        }
        for m in 0..3 {
            check(self.shows(m, lines), "the beginning did not arrive everywhere")?;
        }
        Ok(())
    }

    pub fn heads(&self, m: usize) -> usize {
        self.world.heads(m, &self.path).len()
    }

    pub fn shows(&self, m: usize, lines: &str) -> bool {
        self.world.machines[m].work.get(&self.path) == Some(&text(lines))
    }

    pub fn shown(&self, m: usize) -> String {
        let blob = self.world.machines[m].work.get(&self.path);
        let lines = blob.map(Blob::lines).unwrap_or_default();
        lines.iter().map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join(" ")
    }

    /// How many records of a kind a machine has admitted.
    pub fn count(&self, m: usize, kind: Kind) -> usize {
        let history = self.world.machines[m].ledger.history(&self.path);
        history.records().filter(|(_, record)| record.kind == kind).count()
    }

    pub fn answer(&mut self, m: usize, keep: Keep) -> bool {
        let path = self.path.clone();
        self.world.answer(m, &path, keep, 0)
    }

    /// Everything is delivered, whoever is asked says "both", until all is still.
    pub fn rest(&mut self) -> Check {
        self.world.come_to_rest().map_err(|failure| failure.to_string())?;
        self.world.judge().map(drop).map_err(|failure| failure.to_string())
    }

    /// At rest, every machine holds these lines, in any order and among others.
    pub fn rests_with(&mut self, lines: &str) -> Check {
        self.rest()?;
        let shown = self.shown(0);
        let has = |line: &str| shown.split(' ').any(|other| other == line);
        match lines.split_whitespace().find(|line| !has(line)) {
            Some(line) => Err(format!("{line:?} is lost: {shown:?}")),
            None => Ok(()),
        }
    }

    /// At rest, exactly this.
    pub fn rests_at(&mut self, lines: &str) -> Check {
        self.rest()?;
        let shown = self.shown(0);
        check(shown == lines, &format!("it rests at {shown:?} and not {lines:?}"))
    }

    /// Conflicts met so far.
    pub fn conflicts(&self) -> u64 {
        self.world.tally.genuine + self.world.tally.needless
    }
}
