//! Notebooks of the model. Their lines are those of any text, in cells; people write, put in, take out, move, copy,
//! split, join and run cells as Jupyter lets them, save the whole file as Jupyter writes it, and answer what stands in
//! two versions with kitbag's words or by taking the mark or the cell away.

use kitbag_core::merge::notebook::{self, Answer};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::text::{Blob, Token, common, line};

/// What a program holds of a notebook.
pub struct Book(Value);

/// What a cell says.
pub struct Told {
    pub lines: Vec<Vec<u8>>,
    /// Is it another version of a cell above it? Then these are the lines of that cell.
    pub version: bool,
    pub of: Vec<Vec<u8>>,
}

impl Book {
    /// None of bytes that Jupyter would not open.
    pub fn read(blob: &Blob) -> Option<Self> {
        let root: Value = serde_json::from_slice(blob.bytes()).ok()?;
        root["cells"].is_array().then_some(Book(root))
    }

    /// One with a cell for each of these sources. Formats before 4.5 have no ids.
    pub fn of_cells(sources: &[(String, Vec<Vec<u8>>)], ids: bool) -> Self {
        let mut book =
            Book(json!({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 4 + u8::from(ids)}));
        for (id, lines) in sources {
            let cell = book.code(id, lines);
            book.cells().push(cell);
        }
        book
    }

    /// As Jupyter writes it.
    pub fn write(&self) -> Blob {
        let mut bytes = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b" "));
        self.0.serialize(&mut serializer).unwrap();
        bytes.push(b'\n');
        Blob::new(bytes)
    }

    fn cells(&mut self) -> &mut Vec<Value> {
        self.0["cells"].as_array_mut().unwrap()
    }

    fn ids(&self) -> bool {
        self.0["nbformat_minor"].as_u64() >= Some(5)
    }

    fn code(&self, id: &str, lines: &[Vec<u8>]) -> Value {
        let mut cell = json!({"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": []});
        cell["source"] = source(lines);
        self.named(cell, id)
    }

    fn named(&self, mut cell: Value, id: &str) -> Value {
        if self.ids() {
            cell["id"] = id.into();
        }
        cell
    }

    /// All cells.
    pub fn all(&self) -> Vec<Told> {
        let cells = || self.0["cells"].as_array().into_iter().flatten();
        let mut above = Vec::new();
        let told = |cell: &Value| {
            let tag = &cell["metadata"]["kitbag"]["conflict"];
            let named = tag["of"].as_str().and_then(|of| cells().find(|cell| cell["id"] == of));
            if !tag.is_object() {
                above = lines(cell);
            }
            let of = if tag.is_object() { named.map_or_else(|| above.clone(), lines) } else { Vec::new() };
            Told { lines: lines(cell), version: tag.is_object(), of }
        };
        cells().map(told).collect()
    }

    /// Put lines in, anywhere.
    pub fn add(&mut self, pick: u32, mark: Token) {
        let mut chance = Chance::new(u64::from(pick));
        let count = self.cells().len();
        let at = chance.below(count + 1);
        if at < count && chance.percent(50) {
            let cell = &mut self.cells()[at];
            let mut all = lines(cell);
            all.insert(chance.below(all.len() + 1), line(mark));
            cell["source"] = source(&all);
        } else {
            let cell = self.code(&format!("c{mark}"), &[line(mark)]);
            self.cells().insert(at, cell);
        }
    }

    /// One thing a person does.
    pub fn change(&mut self, pick: u32, mark: Token) {
        let mut chance = Chance::new(u64::from(pick));
        let count = self.cells().len();
        if count == 0 {
            return self.add(pick, mark);
        }
        let (at, to) = (chance.below(count), chance.below(count));
        let id = format!("c{mark}");
        match chance.below(24) {
            0..7 => {
                let cell = &mut self.cells()[at];
                let mut all = lines(cell);
                if cell["cell_type"] == "markdown" {
                    words(&mut all, &mut chance, mark);
                } else {
                    crate::person::change(&mut all, pick, mark);
                }
                cell["source"] = source(&all);
            }
            7..11 => {
                let end = if chance.percent(30) { common(chance.below(4)) } else { line(mark + 1) };
                let cell = self.code(&id, &[line(mark), end]);
                self.cells().insert(at, cell);
            }
            11 if count > 1 => drop(self.cells().remove(at)),
            12 => {
                let cell = self.cells().remove(at);
                self.cells().insert(to, cell);
            }
            13 => {
                let cell = self.cells()[at].clone();
                let cell = self.named(cell, &id);
                self.cells().insert(to, cell);
            }
            14 => {
                let all = lines(&self.cells()[at]);
                let (first, second) = all.split_at(chance.below(all.len() + 1));
                let mut below = self.cells()[at].clone();
                below["source"] = source(second);
                let below = self.named(below, &id);
                self.cells()[at]["source"] = source(first);
                self.cells().insert(at + 1, below);
            }
            15 if at + 1 < count => {
                let below = self.cells().remove(at + 1);
                let all = [lines(&self.cells()[at]), lines(&below)].concat();
                self.cells()[at]["source"] = source(&all);
            }
            16..18 => {
                let cell = &mut self.cells()[at];
                if cell["cell_type"] == "code" {
                    cell["execution_count"] = mark.into();
                    cell["outputs"] =
                        json!([{"name": "stdout", "output_type": "stream", "text": [format!("{mark}\n")]}]);
                }
            }
            18 => {
                let all = lines(&self.cells()[at]);
                let was = &self.cells()[at];
                let id = was["id"].as_str().unwrap_or_default().to_owned();
                let metadata = was["metadata"].clone();
                let cell = match was["cell_type"].as_str() {
                    Some("code") => {
                        let cell =
                            json!({"cell_type": "markdown", "metadata": metadata, "source": source(&all)});
                        self.named(cell, &id)
                    }
                    _ => {
                        let mut cell = self.code(&id, &all);
                        cell["metadata"] = metadata;
                        cell
                    }
                };
                self.cells()[at] = cell;
            }
            19 => {
                self.0["metadata"]["language_info"] =
                    json!({"name": "python", "version": format!("3.{mark}")})
            }
            _ => self.answer(&mut chance),
        }
    }

    /// Answer one question, all, or take a mark or a marked cell away as any other.
    fn answer(&mut self, chance: &mut Chance) {
        let blob = self.write();
        let open = notebook::conflicts(blob.bytes()).unwrap_or_default();
        let Some(question) = open.get(chance.below(open.len())) else { return };
        let answers = [Answer::This, Answer::Other, Answer::Both];
        let answer = &answers[chance.below(3)];
        let marked = question.others.first().map_or(&question.cell, |other| &other.cell);
        match chance.below(4) {
            0 => {
                let names = |cell: &Value| cell["id"].as_str() == Some(marked);
                if let Some(cell) = self.cells().iter_mut().find(|cell| names(cell))
                    && let Some(metadata) = cell["metadata"].as_object_mut()
                {
                    metadata.remove("kitbag");
                }
            }
            1 => self.cells().retain(|cell| cell["id"].as_str() != Some(marked)),
            way => {
                let cell = (way == 2).then_some(question.cell.as_str());
                // with several other versions `Other` names none of them
                if let Ok(bytes) = notebook::answer(blob.bytes(), cell, answer)
                    && let Some(book) = Book::read(&Blob::new(bytes))
                {
                    *self = book;
                }
            }
        }
    }
}

/// A word of a line of prose is put in, changed or taken out.
fn words(all: &mut Vec<Vec<u8>>, chance: &mut Chance, mark: Token) {
    let at = chance.below(all.len() + 1);
    if at == all.len() {
        return all.push(line(mark));
    }
    let mut words: Vec<_> = all[at].split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect();
    let word = chance.below(words.len());
    match chance.below(4) {
        0 => words[word] = line(mark),
        1 if words.len() > 1 => drop(words.remove(word)),
        _ => words.insert(word, line(mark)),
    }
    all[at] = words.join(&b' ');
}

/// The lines of a cell, without their ends.
fn lines(cell: &Value) -> Vec<Vec<u8>> {
    let parts = match &cell["source"] {
        Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect(),
        Value::String(whole) => whole.clone(),
        _ => String::new(),
    };
    let parts: &str = &parts;
    if parts.is_empty() {
        return Vec::new();
    }
    parts.split('\n').map(|line| line.as_bytes().to_vec()).collect()
}

/// As Jupyter writes them: every line ended but the last.
fn source(lines: &[Vec<u8>]) -> Value {
    let text = String::from_utf8_lossy(&lines.join(&b'\n')).into_owned();
    text.split_inclusive('\n').map(Value::from).collect()
}

/// How it is told in a story: the words of each cell, other versions after an asterisk.
pub fn told(blob: &Blob) -> Option<String> {
    let book = Book::read(blob)?;
    let cells: Vec<_> = book
        .all()
        .into_iter()
        .map(|cell| {
            let text = String::from_utf8_lossy(&cell.lines.join(&b'\n')).replace('\n', "·");
            format!("{}{text}", if cell.version { "*" } else { "" })
        })
        .collect();
    Some(format!("[{}]", cells.join(" | ")))
}
