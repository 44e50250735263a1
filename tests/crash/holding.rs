//! Programs that have a file open for long and add a line now and then, as loggers do: whatever a sync puts in the file's
//! place meanwhile, what they write is not lost.

use crate::world::World;

impl World {
    /// A program opens a file, or adds a line to the one it has open; it may be another one that has its name by then.
    pub fn hold(&mut self, at: usize) {
        let held = self.holders.iter().position(|(computer, ..)| *computer == at);
        match held {
            Some(which) if self.percent(75) => {
                let line = format!("{}\n", self.words.new_word());
                let (_, name, open) = &self.holders[which];
                open.append(line.as_bytes()).expect("an open file");
                self.figures.saves += 1;
                self.story.push(format!("a program at {at} adds {line:?} to {name}, which it has open"));
                if self.percent(30) {
                    drop(self.holders.remove(which));
                }
            }
            _ => {
                let name = self.some_file(at).filter(|name| !name.ends_with(".bin"));
                let Some(name) = name else { return };
                let computer = &self.computers[at];
                let Ok(open) = computer.disk.hold(&computer.work.join(&name)) else { return };
                self.holders.push((at, name.clone(), open));
                self.tell(format!("a program at {at} opens {name}"));
            }
        }
    }

    /// Before a person replaces or removes a file, the programs that have it open close it.
    pub fn let_go(&mut self, at: usize, name: &str) {
        self.holders.retain(|(computer, held, _)| (*computer, held.as_str()) != (at, name));
    }
}
