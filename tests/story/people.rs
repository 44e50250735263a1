//! Two people who work on a few files, each in a working folder of their own, and what they did, to judge by: every line
//! and every picture that somebody made, and what somebody took away.

use std::collections::BTreeSet;

use crate::machine::{Chance, Machine, noise};

const TEXTS: [&str; 3] = ["notes.txt", "deep/er/list.txt", "deep/todo.md"];
const PICTURE: &str = "deep/fig.png";

/// What the two people did, to judge every file by.
#[derive(Default)]
pub struct People {
    written: BTreeSet<String>,
    dropped: BTreeSet<String>,
    pictures: BTreeSet<Vec<u8>>,
    count: usize,
    removed: usize,
    /// What happened, in order.
    pub story: Vec<String>,
}

impl People {
    fn line(&mut self, who: &Machine) -> String {
        self.count += 1;
        let line = format!("line {} of {}", self.count, who.name);
        self.written.insert(line.clone());
        line
    }

    /// One edit in one working folder.
    pub fn edit(&mut self, at: &Machine, chance: &mut Chance) {
        match chance.below(10) {
            0 => {
                let bytes = noise(200 + chance.below(3_000), chance.next());
                self.story.push(format!("{}: picture of {} bytes", at.name, bytes.len()));
                at.write(PICTURE, &bytes);
                self.pictures.insert(bytes);
            }
            1 => {
                let (line, path) = (self.line(at), format!("new/{} {}.txt", at.name, self.count));
                self.story.push(format!("{}: new {path}", at.name));
                at.write(&path, line + "\n");
            }
            2 if self.removed < 3 => {
                let Some(path) = at.files().0.into_keys().find(|path| path.starts_with("new/")) else {
                    return;
                };
                self.dropped.extend(at.text(&path).lines().map(str::to_owned));
                self.story.push(format!("{}: removes {path}", at.name));
                at.remove(&path);
                self.removed += 1;
            }
            _ => {
                let path = TEXTS[chance.below(3)];
                let text = at.read(path).map(|bytes| String::from_utf8(bytes).unwrap()).unwrap_or_default();
                let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                let place = chance.below(lines.len() + 1);
                let line = self.line(at);
                self.story.push(format!("{}: {path} gets {line:?} at {place} of {}", at.name, lines.len()));
                if place < lines.len() && chance.percent(20) {
                    self.dropped.insert(std::mem::replace(&mut lines[place], line));
                } else {
                    lines.insert(place, line);
                }
                at.write(path, lines.join("\n") + "\n");
            }
        }
    }

    /// A working folder holds nothing that nobody wrote, whole lines and whole pictures.
    pub fn judge(&self, at: &Machine) -> Result<(), String> {
        for (path, bytes) in at.files().0 {
            let good = if path.ends_with(".png") {
                self.pictures.contains(&bytes)
            } else {
                let text = String::from_utf8(bytes.clone()).unwrap_or_default();
                text.ends_with('\n') && text.lines().all(|line| self.written.contains(line))
            };
            if !good {
                return Err(format!("{} shows in {path}: {:?}", at.name, String::from_utf8_lossy(&bytes)));
            }
        }
        Ok(())
    }

    /// Nothing that was written and not taken away by a person is missing.
    pub fn nothing_lost(&self, at: &Machine) -> Result<(), String> {
        let files = at.files().0;
        let texts = files.iter().filter(|(path, _)| !path.ends_with(".png"));
        let there: BTreeSet<_> = texts
            .flat_map(|(_, bytes)| {
                String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        let lost: Vec<_> =
            self.written.difference(&self.dropped).filter(|line| !there.contains(*line)).collect();
        if lost.is_empty() { Ok(()) } else { Err(format!("lost: {lost:?}, there: {files:?}")) }
    }
}
