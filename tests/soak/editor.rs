//! A person at one machine, with plain files: appends, changes, takes lines out, makes, removes and renames files, and
//! saves notebooks in place as Jupyter does. Each act is done so that the person knows exactly what they replaced: a
//! file is read and written through one open file, which nobody but they write to, or moved out of the way first.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::diary::Diary;
use crate::machine::{Chance, Machine};
use crate::notebook;

const TEXTS: [&str; 4] = ["notes.txt", "deep/er/list.txt", "deep/todo.md", "data/table.csv"];
const NOTEBOOKS: [&str; 2] = ["Part 1.ipynb", "lab/Part 2.ipynb"];

pub struct Editor<'w> {
    machine: &'w Machine,
    diary: &'w Diary,
    chance: Chance,
}

impl<'w> Editor<'w> {
    pub fn new(machine: &'w Machine, diary: &'w Diary, seed: u64) -> Self {
        Editor { machine, diary, chance: Chance::new(seed) }
    }

    pub fn pause(&mut self) {
        // a lively minute, then a quiet one
        let longest = if self.chance.percent(10) { 3_000 } else { 500 };
        std::thread::sleep(Duration::from_millis(self.chance.below(longest) as u64));
    }

    fn file(&self, path: &str) -> PathBuf {
        self.machine.work.join(path)
    }

    fn told(&self, what: &str, path: &str) -> String {
        format!("{}: {what} {path}", self.machine.name)
    }

    /// One act.
    pub fn act(&mut self) {
        let text = TEXTS[self.chance.below(TEXTS.len())];
        let notebook = NOTEBOOKS[self.chance.below(NOTEBOOKS.len())];
        match self.chance.below(20) {
            0..4 => self.append(text),
            4..9 => self.save(text),
            9..14 => self.save_notebook(notebook),
            14..16 => self.create(),
            16 => self.save_with_backup(text),
            17 => self.remove(),
            18 => self.rename(),
            _ => self.remake(text),
        }
    }

    /// Add at the end, as loggers do; the file may be exchanged meanwhile.
    fn append(&mut self, path: &str) {
        let file = self.file(path);
        let Ok(mut open) = File::options().append(true).open(&file) else { return self.new_file(path) };
        let line = format!("{}\n", self.diary.word());
        std::thread::sleep(Duration::from_millis(self.chance.below(6) as u64));
        open.write_all(line.as_bytes()).unwrap();
        self.diary.wrote(self.told("appends to", path), "", &line);
    }

    fn new_file(&mut self, path: &str) {
        let line = format!("{}\n", self.diary.word());
        let file = self.file(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        // not over what another machine brings in this moment
        let Ok(mut open) = File::create_new(&file) else { return };
        open.write_all(line.as_bytes()).unwrap();
        self.diary.wrote(self.told("makes", path), "", &line);
    }

    /// What the lines become.
    fn edited(&mut self, lines: &mut Vec<String>) {
        for _ in 0..1 + self.chance.below(3) {
            let at = self.chance.below(lines.len() + 1);
            match self.chance.below(10) {
                0..2 if at < lines.len() => drop(lines.remove(at)),
                2..4 if at < lines.len() => lines[at] = self.diary.word(),
                _ => lines.insert(at, self.diary.word()),
            }
        }
    }

    /// Read, and save in place through the same open file, which is not held open for long.
    fn in_place(&mut self, path: &str, change: impl FnOnce(&mut Self, &str) -> Option<String>) {
        let Ok(mut open) = File::options().read(true).write(true).open(self.file(path)) else {
            return self.new_file(path);
        };
        let mut before = String::new();
        open.read_to_string(&mut before).unwrap();
        let Some(after) = change(self, &before) else { return };
        open.seek(SeekFrom::Start(0)).unwrap();
        open.set_len(0).unwrap();
        // not in one go
        let (first, second) = after.split_at(after.len() / 2);
        open.write_all(first.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(self.chance.below(10) as u64));
        open.write_all(second.as_bytes()).unwrap();
        open.sync_all().unwrap();
        self.diary.wrote(self.told("saves", path), &before, &after);
    }

    fn save(&mut self, path: &str) {
        self.in_place(path, |editor, before| {
            let mut lines: Vec<_> = before.lines().map(str::to_owned).collect();
            editor.edited(&mut lines);
            Some(lines.into_iter().map(|line| line + "\n").collect())
        });
    }

    /// As Jupyter: a copy of the old one lies beside it as long as it takes.
    fn save_notebook(&mut self, path: &str) {
        let file = self.file(path);
        if !file.exists() {
            let cell = self.diary.word();
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let Ok(mut open) = File::create_new(&file) else { return };
            open.write_all(notebook::text(std::slice::from_ref(&cell)).as_bytes()).unwrap();
            return self.diary.wrote(self.told("makes", path), "", &cell);
        }
        let beside = file.with_file_name(format!(".~{}", file.file_name().unwrap().to_str().unwrap()));
        self.in_place(path, |editor, before| {
            let mut cells = notebook::cells(before)?;
            editor.edited(&mut cells);
            fs::write(&beside, before).unwrap();
            Some(notebook::text(&cells))
        });
        fs::remove_file(&beside).ok();
    }

    /// As vim: the old one is moved aside, the new one written afresh, the old one removed.
    fn save_with_backup(&mut self, path: &str) {
        let (file, aside) = (self.file(path), self.file(&format!("{path}~")));
        if fs::rename(&file, &aside).is_err() {
            return;
        }
        let before = fs::read_to_string(&aside).unwrap();
        let mut lines: Vec<_> = before.lines().map(str::to_owned).collect();
        self.edited(&mut lines);
        let after: String = lines.into_iter().map(|line| line + "\n").collect();
        match File::create_new(&file) {
            Ok(mut open) => {
                open.write_all(after.as_bytes()).unwrap();
                self.diary.wrote(self.told("saves afresh", path), &before, &after);
                fs::remove_file(&aside).unwrap();
            }
            // brought back in this very moment: the person's own stays beside it
            Err(_) => self.diary.tell(self.told("finds somebody else's in the place of", path)),
        }
    }

    fn create(&mut self) {
        let n = self.chance.below(1_000_000);
        self.new_file(&format!("new/{} {n}.txt", self.machine.name));
    }

    /// Files that may be renamed and removed.
    fn any(&mut self) -> Option<String> {
        let names: Vec<_> = fs::read_dir(self.file("new"))
            .into_iter()
            .flatten()
            .filter_map(|item| item.unwrap().file_name().into_string().ok())
            .filter(|name| name.ends_with(".txt") && !name.starts_with(".~"))
            .collect();
        if names.is_empty() { None } else { Some(format!("new/{}", names[self.chance.below(names.len())])) }
    }

    fn remove(&mut self) {
        let Some(path) = self.any() else { return };
        // moved out of the folder first: what is removed is what was seen last
        let bin = self.machine.user.join("bin");
        if fs::rename(self.file(&path), &bin).is_ok() {
            let text = fs::read_to_string(&bin).unwrap();
            self.diary.wrote(self.told("removes", &path), &text, "");
        }
    }

    fn rename(&mut self) {
        let Some(from) = self.any() else { return };
        let to = format!("new/renamed {}.txt", self.chance.below(1_000_000));
        if fs::rename(self.file(&from), self.file(&to)).is_ok() {
            self.diary.tell(self.told("renames", &format!("{from} to {to}")));
        }
    }

    /// Remove a file everybody uses and make it again with other text.
    fn remake(&mut self, path: &str) {
        let bin = self.machine.user.join("bin");
        if fs::rename(self.file(path), &bin).is_ok() {
            let text = fs::read_to_string(&bin).unwrap();
            self.diary.wrote(self.told("removes", path), &text, "");
            std::thread::sleep(Duration::from_millis(self.chance.below(1_500) as u64));
            self.new_file(path);
        }
    }
}
