//! The whole engine in one run: two to four computers, a provider, people, and computers that go down in the middle of
//! their work. A seed draws everything; the same seed draws the same. At the end all is delivered and answered, and the
//! verdict is given in `rest`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kitbag_core::path::WorkPath;
use kitbag_core::plan::AbsenceAnswer;
use kitbag_engine::sync::report::Report;
use kitbag_engine::sync::{Cycle, Keep, Request, Rules};
use kitbag_engine::workspace::Config;
use kitbag_platform::chance::SimulatedChance;
use kitbag_platform::clock::Clock;
use kitbag_platform::disk::{Holder, SimulatedDisk};

use crate::computer::{Computer, Deed, Down, Meanwhile};
use crate::person::{Words, all_words, words};
use crate::provider::{Policy, Provider};

const PATHS: [&str; 6] =
    ["notes.md", "data/table.csv", "data/deep/er.txt", "plan.txt", "picture.bin", "data/b.bin"];
const STEPS: usize = 90;

/// What was done, in numbers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub edits: u64,
    pub deliveries: u64,
    pub cycles: u64,
    pub kills: u64,
    pub cuts: u64,
    pub errors: u64,
    pub saves: u64,
    pub questions: u64,
}

impl Figures {
    /// One step is one thing done: an edit, a file delivered, a sync of the engine.
    pub fn steps(&self) -> u64 {
        self.edits + self.deliveries + self.cycles
    }

    pub fn add(&mut self, other: Figures) {
        self.edits += other.edits;
        self.deliveries += other.deliveries;
        self.cycles += other.cycles;
        self.kills += other.kills;
        self.cuts += other.cuts;
        self.errors += other.errors;
        self.saves += other.saves;
        self.questions += other.questions;
    }
}

/// A save in the middle of a sync, and whether it came to it.
struct Save {
    word: String,
    done: Arc<AtomicBool>,
}

pub struct World {
    pub computers: Vec<Computer>,
    pub provider: Provider,
    pub words: Words,
    pub story: Vec<String>,
    pub figures: Figures,
    chance: SimulatedChance,
    /// How many disk calls the last sync of each computer took.
    calls: Vec<u64>,
    files: usize,
    /// Programs that have a file open: at which computer, under which name, and the open file.
    pub holders: Vec<(usize, String, Holder)>,
}

impl World {
    pub fn new(seed: u64, room: &Path) -> Self {
        let chance = SimulatedChance::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def0);
        let count = 2 + chance.below(3) as usize;
        let policy = if chance.below(2) == 0 { Policy::LastWriter } else { Policy::Copies };
        let settle = [0, 5, 30][chance.below(3) as usize];
        let config = Config {
            outside_settle_seconds: settle,
            absence_wait_seconds: 60,
            threads: 1,
            lock_wait_seconds: 0,
            ..Config::default()
        };
        let computers: Vec<_> = (0..count)
            .map(|at| {
                let name = format!("C{at}");
                let computer = Computer::new(&room.join(&name), &name, chance.next(), config.clone());
                // one in four lies on a disk that cannot exchange
                computer.disk.set_exchange(chance.below(4) != 0);
                // clocks differ by up to a day
                computer.clock.sleep(chance.below(24 * 3600 * 1000));
                computer
            })
            .collect();
        World {
            provider: Provider::new(policy, count),
            calls: vec![200; count],
            computers,
            words: Words::default(),
            story: vec![format!("{count} computers, {policy:?}, settle {settle}")],
            figures: Figures::default(),
            chance,
            files: 0,
            holders: Vec::new(),
        }
    }

    pub fn tell(&mut self, what: String) {
        self.story.push(what);
    }

    pub fn draw(&self, n: usize) -> usize {
        self.chance.below(n as u64) as usize
    }

    pub fn percent(&self, percent: u64) -> bool {
        self.chance.below(100) < percent
    }

    pub fn run(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            let at = self.draw(self.computers.len());
            self.computers[at].clock.sleep(self.chance.below(4_000));
            match self.chance.below(100) {
                0..20 => self.edit(at),
                20..24 => self.hold(at),
                24..27 => self.delete(at),
                27..30 => self.rename(at),
                30..56 => self.cycle(at)?,
                56..86 => self.carry(at),
                86..91 => self.answer(at),
                91..94 => self.phone(),
                94..95 => self.vanish(),
                95..97 => self.jump(at),
                97..99 => self.answer_absence(at)?,
                _ => self.start_again(at),
            }
        }
        self.holders.clear();
        let verdict = self.come_to_rest().and_then(|()| self.judge());
        if verdict.is_err() {
            for (at, computer) in self.computers.iter().enumerate() {
                self.story.push(format!("versions at {at}:"));
                self.story.extend(computer.tell_versions());
            }
        }
        verdict
    }

    pub fn some_file(&self, at: usize) -> Option<String> {
        let computer = &self.computers[at];
        let files = computer.disk.peek_files(&computer.work);
        let mut files: Vec<_> = files
            .iter()
            .filter_map(|file| Some(file.strip_prefix(&computer.work).ok()?.to_str()?.to_owned()))
            .filter(|name| !name.contains(".~kitbag-") && !name.starts_with(".kitbag"))
            .collect();
        let n = files.len();
        (n > 0).then(|| files.swap_remove(self.draw(n)))
    }

    fn edit(&mut self, at: usize) {
        if !self.computers[at].is_set_up() {
            return;
        }
        let new = self.percent(8);
        let name = if new {
            self.files += 1;
            format!("new/{}.txt", self.files)
        } else if self.percent(30) {
            self.some_file(at).unwrap_or_else(|| PATHS[0].to_owned())
        } else {
            PATHS[self.draw(PATHS.len())].to_owned()
        };
        self.let_go(at, &name);
        let file = self.computers[at].work.join(&name);
        let disk = self.computers[at].disk.clone();
        let old = disk.peek(&file);
        let bytes =
            self.words.edit(old.as_ref().map(|old| old.as_slice()), name.ends_with(".bin"), &self.chance);
        // half of all programs write in place
        let done = if old.is_some() && self.percent(50) {
            disk.overwrite(&file, &bytes)
        } else {
            disk.place_file(&file, &bytes)
        };
        self.figures.edits += 1;
        let was = old.map(|old| words(&old)).unwrap_or_default();
        let now = words(&bytes);
        let (new, gone) = (now.difference(&was), was.difference(&now));
        let told = (new.collect::<Vec<_>>(), gone.collect::<Vec<_>>());
        self.tell(format!(
            "person at {at} edits {name}: {told:?}{}",
            if done.is_err() { " (fails)" } else { "" }
        ));
    }

    fn delete(&mut self, at: usize) {
        let Some(name) = self.some_file(at) else { return };
        self.let_go(at, &name);
        let file = self.computers[at].work.join(&name);
        let old = self.computers[at].disk.peek(&file).unwrap_or_default();
        self.words.removed.extend(words(&old));
        self.computers[at].disk.take_away(&file).expect("a file");
        self.figures.edits += 1;
        self.tell(format!("person at {at} deletes {name}: {:?}", words(&old)));
    }

    fn rename(&mut self, at: usize) {
        let Some(name) = self.some_file(at) else { return };
        self.let_go(at, &name);
        self.files += 1;
        let ending = name.rsplit('.').next().unwrap_or("txt").to_owned();
        let to = format!("renamed {}.{ending}", self.files);
        let computer = &self.computers[at];
        let (from, file) = (computer.work.join(&name), computer.work.join(&to));
        let bytes = computer.disk.peek(&from).unwrap_or_default();
        computer.disk.take_away(&from).expect("a file");
        computer.disk.place_file(&file, &bytes).expect("a new name");
        self.figures.edits += 1;
        self.tell(format!("person at {at} renames {name} to {to}"));
    }

    /// A save in the middle of a sync: by a program that has the file open, or that writes a new one.
    fn save(&mut self, at: usize) -> Option<(Deed, Save)> {
        let name = self.some_file(at).filter(|name| !name.ends_with(".bin"))?;
        self.let_go(at, &name);
        let file = self.computers[at].work.join(&name);
        let word = self.words.new_word();
        let in_place = self.percent(50);
        let done: Arc<AtomicBool> = Arc::default();
        let save = Save { word: word.clone(), done: done.clone() };
        self.tell(format!("  meanwhile {name} is saved with {word} (in place: {in_place})"));
        let deed = move |disk: &SimulatedDisk| {
            let mut bytes = disk.peek(&file).unwrap_or_default().to_vec();
            if bytes.last().is_some_and(|last| *last != b'\n') {
                bytes.push(b'\n');
            }
            bytes.extend(format!("{word}\n").bytes());
            let saved = if in_place { disk.overwrite(&file, &bytes) } else { disk.place_file(&file, &bytes) };
            if saved.is_err() {
                disk.place_file(&file, &bytes).expect("a file can be saved");
            }
            done.store(true, Ordering::SeqCst);
        };
        Some((Box::new(deed), save))
    }

    /// One sync, in the middle of which things happen.
    fn cycle(&mut self, at: usize) -> Result<(), String> {
        let reach = self.calls[at] * 5 / 4 + 10;
        let mut what = Meanwhile::default();
        let down = match self.chance.below(100) {
            0..14 => Some(Down::Killed),
            14..30 => Some(Down::Power(self.chance.next())),
            _ => None,
        };
        if down.is_some() {
            what.dies_at = Some(1 + self.chance.below(reach));
            what.before_commit = self.percent(30);
        }
        if self.percent(8) {
            let kinds = [
                std::io::ErrorKind::Other,
                std::io::ErrorKind::StorageFull,
                std::io::ErrorKind::PermissionDenied,
            ];
            what.fails_at = Some((1 + self.chance.below(reach), kinds[self.draw(3)]));
        }
        let saved_at = 1 + self.chance.below(reach);
        let mut save = None;
        if self.percent(15)
            && what.dies_at.is_none_or(|dies| dies > saved_at)
            && let Some((deed, saved)) = self.save(at)
        {
            (what.deed, save) = (Some((saved_at, deed)), Some(saved));
        }
        let done = self.sync(at, what, down, Request::default());
        if let Some(save) = save {
            match save.done.load(Ordering::SeqCst) {
                true => self.figures.saves += 1,
                // the sync was over before
                false => drop(self.words.seen.remove(&save.word)),
            }
        }
        done.map(|_| ())
    }

    /// A sync; its report when it came to its end.
    ///
    /// # Errors
    /// It failed though nothing was in its way.
    pub fn sync(
        &mut self,
        at: usize,
        what: Meanwhile,
        down: Option<Down>,
        request: Request,
    ) -> Result<Option<Report>, String> {
        let (dies_at, fails_at) = (what.dies_at, what.fails_at);
        let before = self.computers[at].disk.calls();
        let in_cloud = all_words(&self.computers[at].disk, &self.computers[at].share);
        let done = self.computers[at].meanwhile(what, |computer| computer.sync(request));
        let calls = self.computers[at].disk.calls() - before;
        match done {
            None => {
                let down = down.unwrap_or(Down::Killed);
                match down {
                    Down::Killed => self.figures.kills += 1,
                    Down::Power(_) => self.figures.cuts += 1,
                }
                self.computers[at].down(down);
                if let Down::Power(_) = down {
                    self.holders.retain(|(computer, ..)| *computer != at);
                    self.provider.power_came_back(at, &self.computers[at]);
                }
                let left = self.computers[at].temporaries();
                let left: Vec<_> = left.iter().filter_map(|file| file.file_name()).collect();
                self.tell(format!("{at} syncs, {down:?} at call {dies_at:?}; left there: {left:?}"));
            }
            Some(done) => {
                self.calls[at] = calls.max(50);
                self.figures.cycles += 1;
                self.figures.errors += u64::from(fails_at.is_some_and(|(nth, _)| nth <= calls));
                if let Ok(report) = &done
                    && report.problems.is_empty()
                {
                    let still = all_words(&self.computers[at].disk, &self.computers[at].share);
                    self.words.seen.extend(in_cloud.intersection(&still).cloned());
                }
                let told = match &done {
                    Ok(report) => format!("{report:?}"),
                    Err(error) => format!("error: {error}"),
                };
                self.tell(format!("{at} syncs ({calls} calls, fails {fails_at:?}): {told}"));
                return match done {
                    Ok(report) => Ok(Some(report)),
                    // told, and tried again the next time
                    Err(_) if fails_at.is_some() => Ok(None),
                    Err(error) => Err(format!("{at} cannot sync: {error}")),
                };
            }
        }
        Ok(None)
    }

    fn carry(&mut self, at: usize) {
        let names = self.provider.names(&self.computers[at]);
        for _ in 0..1 + self.draw(6) {
            if names.is_empty() {
                return;
            }
            let name = &names[self.draw(names.len())];
            let part = self.percent(6).then(|| self.chance.below(1000));
            if self.provider.carry(at, &self.computers[at], name, part) {
                self.figures.deliveries += 1;
                let part = if part.is_some() { " in part" } else { "" };
                self.tell(format!("provider carries {name} at {at}{part}"));
            }
        }
    }

    /// Somebody adds a line by phone or web, or takes a file away there.
    fn phone(&mut self) {
        let names: Vec<_> =
            self.provider.server.keys().filter(|name| !name.starts_with(".kitbag/")).cloned().collect();
        if names.is_empty() {
            return;
        }
        let name = &names[self.draw(names.len())];
        if name.ends_with(".bin") {
            return;
        }
        // seen only once a machine met it
        let word = self.words.new_word();
        self.words.seen.remove(&word);
        if let Some(bytes) = self.provider.server.get_mut(name) {
            Arc::make_mut(bytes).extend(format!("{word}\n").bytes());
        }
        self.figures.edits += 1;
        self.tell(format!("phone adds {word} to {name}"));
    }

    fn vanish(&mut self) {
        let names: Vec<_> =
            self.provider.server.keys().filter(|name| !name.starts_with(".kitbag/")).cloned().collect();
        if names.is_empty() {
            return;
        }
        let name = &names[self.draw(names.len())];
        self.provider.server.remove(name);
        self.figures.edits += 1;
        self.tell(format!("{name} is deleted on the web"));
    }

    fn jump(&mut self, at: usize) {
        let clock = &self.computers[at].clock;
        let by = self.chance.below(2 * 3600 * 1000) as i64 - 3600 * 1000;
        clock.set(clock.now_millis() + by);
        self.tell(format!("the clock of {at} jumps by {by} ms"));
    }

    fn start_again(&mut self, at: usize) {
        self.computers[at].close();
        self.tell(format!("kitbag at {at} ends and starts again"));
    }

    fn answer(&mut self, at: usize) {
        let keep = [Keep::This, Keep::Other, Keep::Both, Keep::Both, Keep::Merged][self.draw(5)].clone();
        self.answer_with(at, &keep);
    }

    /// A person answers one open question; what the other sides had and the answer has not was taken out knowingly.
    pub fn answer_with(&mut self, at: usize, keep: &Keep) {
        if !self.computers[at].is_set_up() {
            return;
        }
        let Ok(ws) = self.computers[at].open() else { return };
        let Ok(open) = Cycle::for_answers(ws, &Rules::default()).and_then(|cycle| cycle.conflicts()) else {
            return;
        };
        if open.is_empty() {
            return;
        }
        let conflict = &open[self.draw(open.len())];
        let Ok(path) = WorkPath::parse(&conflict.path) else { return };
        let sides = self.computers[at].head_words(&path);
        let answered = self.computers[at].answer(&path, keep);
        if answered.is_ok() {
            self.figures.questions += 1;
            let mut kept = self.computers[at].head_words(&path);
            for beside in answered.iter().flat_map(|answered| &answered.beside) {
                if let Ok(beside) = WorkPath::parse(beside) {
                    kept.extend(self.computers[at].head_words(&beside));
                }
            }
            self.words.removed.extend(sides.difference(&kept).cloned());
        }
        let told = answered.map(|a| a.beside).map_err(|e| e.to_string());
        self.tell(format!("person at {at} answers {path}: {keep:?}: {told:?}"));
    }

    fn answer_absence(&mut self, at: usize) -> Result<(), String> {
        if !self.computers[at].is_set_up() {
            return Ok(());
        }
        let Ok(ws) = self.computers[at].open() else { return Ok(()) };
        let Ok(held) = Cycle::for_answers(ws, &Rules::default()).and_then(|cycle| cycle.held()) else {
            return Ok(());
        };
        let Some(held) = held.first() else { return Ok(()) };
        let Ok(path) = WorkPath::parse(&held.path) else { return Ok(()) };
        let answer = if self.percent(50) { AbsenceAnswer::Accept } else { AbsenceAnswer::Restore };
        if answer == AbsenceAnswer::Accept {
            let shown = self.computers[at].shown_words(&path);
            self.words.removed.extend(shown);
        }
        self.tell(format!("person at {at} answers about {path}, {}: {answer:?}", held.reason));
        self.sync(
            at,
            Meanwhile::default(),
            None,
            Request { absent: Some((answer, Some(path))), ..Request::default() },
        )
        .map(|_| ())
    }
}
