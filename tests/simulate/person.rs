//! What people do: they type, change, move, copy and delete lines, delete files, make them again and rename them, keep
//! them open in a program that saves its own text, and answer what waits. Each action is drawn from its own numbers.

use kitbag_core::conflict;
use kitbag_core::id::RecordId;
use kitbag_core::path::WorkPath;
use kitbag_core::version::{Content, Kind, Record};

use crate::chance::Chance;
use crate::machine::View;
use crate::text::{Blob, COURSE, Name, Token, common, line};
use crate::world::World;

/// How a conflict is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Both,
    This,
    Other,
    /// What the working folder shows now.
    Merged,
}

impl Keep {
    pub fn drawn(pick: usize) -> Self {
        [Keep::Both, Keep::This, Keep::Other, Keep::Merged, Keep::Both][pick % 5]
    }
}

/// Change some lines. New ones get the tokens from `mark` on.
pub fn change(lines: &mut Vec<Vec<u8>>, pick: u32, mark: Token) {
    let mut chance = Chance::new(u64::from(pick));
    for n in 0..1 + chance.below(2) as Token {
        let at = chance.below(lines.len() + 1);
        let new = if chance.percent(12) { common(chance.below(4)) } else { line(mark + n) };
        let kind = if at < lines.len() { chance.below(10) } else { 0 };
        match kind {
            0..5 => lines.insert(at, new),
            5..7 => lines[at] = new,
            7 => drop(lines.remove(at)),
            8 => {
                let moved = lines.remove(at);
                lines.insert(chance.below(lines.len() + 1), moved);
            }
            _ => lines.insert(chance.below(lines.len() + 1), lines[at].clone()),
        }
    }
}

impl World {
    /// The person edits the file, through the program that holds it open if one does.
    pub fn edit(&mut self, m: usize, path: &Name, pick: u32, mark: Token) {
        let shown = self.machines[m].work.get(path).cloned();
        let held = self.machines[m].kernels.get(path).cloned();
        let before = held.clone().or(shown);
        let after = self.form.edited(before.as_ref(), pick, mark);
        self.tell(|_| format!("{m}: the person edits {path}: {before:?} -> {after:?}"));
        self.lines.person_made(before.as_ref(), Some(&after));
        self.replaces(m, path, &after);
        self.authored.insert(after.id());
        if held.is_some() {
            self.machines[m].kernels.insert(path.clone(), self.form.opened(&after));
        }
        self.machines[m].deleted.remove(path);
        self.save(m, path, after);
    }

    /// A file made where one was gone before anybody looked is that one with another text: the person replaced it.
    fn replaces(&mut self, m: usize, path: &Name, new: &Blob) {
        let machine = &self.machines[m];
        let shown = machine.shown.get(path).map(|(id, _)| *id);
        let content = shown.and_then(|id| machine.ledger.paths.get(path)?.history.content(id)?.id());
        let old = content.and_then(|id| self.side.find_content(id)).map(|(_, blob)| blob.clone());
        if !self.machines[m].work.contains_key(path) {
            self.lines.person_made(old.as_ref(), Some(new));
        }
    }

    pub fn delete(&mut self, m: usize, path: &Name) {
        self.machines[m].numbers.remove(path);
        if let Some(blob) = self.machines[m].work.remove(path) {
            self.tell(|_| format!("{m}: the person deletes {path}"));
            self.lines.person_made(Some(&blob), None);
            self.machines[m].kernels.remove(path);
            self.machines[m].deleted.insert(path.clone());
        }
    }

    /// A file that is not there is made again: with the text some version had, or anew.
    pub fn recreate(&mut self, m: usize, path: &Name, pick: u32, mark: Token) {
        if self.machines[m].work.contains_key(path) {
            return;
        }
        let history = self.machines[m].ledger.history(path);
        let old: Vec<_> = history.live().filter_map(|(_, record)| record.content.id()).collect();
        let old = old.get(pick as usize % (2 * old.len()).max(1)).and_then(|id| self.side.find_content(*id));
        let again = old.map_or_else(|| self.form.begun(mark), |(_, blob)| blob.clone());
        self.tell(|_| format!("{m}: the person makes {path} again: {again:?}"));
        self.lines.person_made(None, Some(&again));
        self.replaces(m, path, &again);
        self.authored.insert(again.id());
        self.machines[m].deleted.remove(path);
        self.save(m, path, again);
    }

    /// A file gets another name, and sometimes an edit at once.
    pub fn rename(&mut self, m: usize, path: &Name, to: &Name, pick: u32, mark: Token) {
        let machine = &mut self.machines[m];
        if machine.work.contains_key(to) {
            return;
        }
        let Some(blob) = machine.work.remove(path) else { return };
        machine.kernels.remove(path);
        machine.deleted.insert(path.clone());
        machine.deleted.remove(to);
        machine.work.insert(to.clone(), blob.clone());
        if let Some(number) = machine.numbers.remove(path) {
            machine.numbers.insert(to.clone(), number);
        }
        self.tell(|_| format!("{m}: the person renames {path} to {to}"));
        self.lines.moved(&blob);
        if self.machines[m].ledger.paths.contains_key(to) {
            // a name that was in use before: there the lines are as if written anew after a deletion
            self.lines.removed_all(&blob);
        }
        self.authored.insert(blob.id());
        if pick.is_multiple_of(3) {
            self.edit(m, to, pick, mark);
        }
    }

    /// A program opens the file; it goes on from what it read then.
    pub fn open_program(&mut self, m: usize, path: &Name) {
        if let Some(blob) = self.machines[m].work.get(path) {
            let held = self.form.opened(blob);
            self.machines[m].kernels.insert(path.clone(), held);
            self.tell(|_| format!("{m}: a program opens {path}"));
        }
    }

    /// The person answers an open conflict, having seen every side.
    pub fn answer(&mut self, m: usize, path: &Name, keep: Keep, pick: usize) -> bool {
        let history = self.machines[m].ledger.history(path);
        let heads = history.heads();
        let Ok(work_path) = WorkPath::parse(path) else { return false };
        if heads.len() < 2 {
            return false;
        }
        let base = self.machines[m].ledger.memories.get(path).and_then(|memory| memory.base);
        let is_this = |head: &&RecordId| base.is_some_and(|base| history.descends(**head, base));
        let named = match keep {
            Keep::This => heads.iter().find(is_this),
            Keep::Other => {
                let others: Vec<_> = heads.iter().filter(|head| !is_this(head)).collect();
                others.get(pick % others.len().max(1)).copied()
            }
            Keep::Both | Keep::Merged => None,
        };
        let working = self.machines[m].work.get(path).cloned();
        let view = View { side: &self.side, ledger: &self.machines[m].ledger, seen: Vec::new() };
        let both = || conflict::both_texts(&work_path, &history, &heads, &view).ok().flatten();
        let kept = match (keep, named) {
            (_, Some(head)) => history.content(*head).and_then(|content| content.id()),
            (Keep::Merged, None) => working.as_ref().map(Blob::id),
            _ => None,
        };
        let blob = match (keep, named) {
            (_, Some(_)) => kept.and_then(|id| self.side.find_content(id)).map(|(_, blob)| blob.clone()),
            (Keep::Merged, None) => working.clone(),
            _ => match both() {
                Some(bytes) => Some(Blob::new(bytes)),
                // what is no text cannot be joined: the person keeps one of them, rather one that opens
                None => {
                    let side = |head| self.side.find_content(history.content(head)?.id()?);
                    let one = side(heads[pick % heads.len()]).map(|(_, blob)| blob);
                    let opens = |blob: &&Blob| self.form.opens(blob);
                    let other = || heads.iter().filter_map(|head| Some(side(*head)?.1)).find(opens);
                    one.filter(|one| !opens(one)).and_then(|_| other()).or(one).cloned()
                }
            },
        };
        let content = blob.as_ref().map_or(Content::Deleted, Blob::content);
        let record = conflict::answer(&work_path, &history, &heads, content);
        for head in &heads {
            let side = history.content(*head).and_then(|content| content.id());
            let side = side.and_then(|id| self.side.find_content(id)).map(|(_, blob)| blob.clone());
            self.lines.person_made(side.as_ref(), blob.as_ref());
        }
        blob.iter().for_each(|blob| _ = self.authored.insert(blob.id()));
        self.tell(|_| format!("{m}: the person answers {path} with {keep:?}: {blob:?}"));
        let id = self.publish_record(m, path, &record, blob.as_ref());
        if keep == Keep::Merged {
            let machine = &mut self.machines[m];
            machine.ledger.memories.entry(path.clone()).or_default().base = Some(id);
            machine.shown.insert(path.clone(), (id, machine.ledger.generation));
        }
        self.tally.answers += 1;
        true
    }

    /// A record that does not come from a scan.
    pub fn publish_record(
        &mut self,
        m: usize,
        path: &Name,
        record: &Record,
        blob: Option<&Blob>,
    ) -> RecordId {
        let id = record.id();
        let mut files = Vec::new();
        if let Some(blob) = blob {
            files.push(self.side.content(blob));
            self.lines.publish(blob);
        }
        files.push(self.side.record(id, record, path));
        let ledger = &mut self.machines[m].ledger;
        let new: Vec<_> = files.iter().copied().filter(|file| !ledger.holds.has(*file)).collect();
        for file in files {
            self.side.publish(m, file);
            ledger.holds.set(file, true);
        }
        ledger.admit(&new, &self.side, false);
        id
    }

    /// The course places its file, in one of two versions.
    pub fn drop_seed(&mut self, m: usize, path: &Name, which: usize, version: Token) {
        let first = COURSE + 20 * which as Token;
        let tokens: Vec<_> = match version {
            0 => (0..5).map(|n| first + n).collect(),
            _ => [0, 1, 12, 3, 4, 13].map(|n| first + n).into(),
        };
        let blob = self.form.of_tokens(&tokens);
        let history = self.machines[m].ledger.history(path);
        let seeds: Vec<_> = history.live().filter(|(_, record)| record.kind == Kind::Seed).collect();
        if seeds.iter().any(|(_, record)| record.content.id() == Some(blob.id())) {
            return;
        }
        let last = seeds
            .iter()
            .map(|(id, _)| *id)
            .find(|id| !seeds.iter().any(|(other, record)| other != id && record.parents.contains(id)));
        let Ok(work_path) = WorkPath::parse(path) else { return };
        let record = Record::new(work_path, blob.content(), Kind::Seed, last);
        self.tell(|_| format!("{m}: the course places version {version} of {path}"));
        self.publish_record(m, path, &record, Some(&blob));
    }
}
