//! A student's hands on a notebook: random edits, as Jupyter would save them. Every line it writes is a line nobody
//! wrote before, so a test can tell whose line is missing.

use serde_json::{Value, json};

/// Chance from a seed: the same every time.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn in_ten(&mut self, chances: usize) -> bool {
        self.below(10) < chances
    }
}

/// Lines with their ends, as a notebook holds them.
fn source(lines: &[String]) -> Value {
    let last = lines.len().saturating_sub(1);
    let line = |(at, line): (usize, &String)| if at < last { format!("{line}\n") } else { line.clone() };
    Value::from(lines.iter().enumerate().map(line).collect::<Vec<_>>())
}

/// A cell's source, which may stand as one string or as a list of lines.
pub fn text(cell: &Value) -> String {
    match &cell["source"] {
        Value::Array(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect(),
        whole => whole.as_str().unwrap().to_owned(),
    }
}

fn lines(cell: &Value) -> Vec<String> {
    text(cell).split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Who writes: a word that stands in each new line.
pub struct Hand<'c> {
    pub chance: &'c mut Chance,
    pub name: &'static str,
    /// Lines written so far.
    pub written: usize,
}

impl Hand<'_> {
    fn line(&mut self) -> String {
        self.written += 1;
        let word =
            ["x = {}", "print('{}')", "# über {}", "plot(\"{}\\n\")", "    return {}"][self.chance.below(5)];
        word.replace("{}", &format!("{}{}", self.name, self.written))
    }

    fn lines(&mut self, most: usize) -> Vec<String> {
        (0..=self.chance.below(most)).map(|_| self.line()).collect()
    }

    fn outputs(&mut self) -> Value {
        let number = self.chance.below(1000);
        match self.chance.below(4) {
            0 => json!([]),
            1 => json!([{"name": "stdout", "output_type": "stream", "text": [format!("{number} ü\n")]}]),
            2 => json!([{"data": {"image/png": format!("iVBOR{number}\n"), "text/plain": ["<Figure>"]},
                "metadata": {}, "output_type": "display_data"}]),
            _ => json!([{"data": {"text/plain": [number.to_string()]}, "execution_count": number,
                "metadata": {}, "output_type": "execute_result"}]),
        }
    }

    fn cell(&mut self, ids: bool) -> Value {
        let mut cell = json!({"metadata": {}, "source": source(&self.lines(5))});
        cell["cell_type"] = json!(["code", "code", "markdown", "raw"][self.chance.below(4)]);
        if cell["cell_type"] == "code" {
            cell["outputs"] = self.outputs();
            cell["execution_count"] = json!(self.chance.below(50));
        }
        if ids {
            cell["id"] = json!(format!("{:08x}", self.chance.next() as u32));
        }
        cell
    }

    /// A notebook of up to so many cells.
    pub fn notebook(&mut self, most: usize, minor: u64) -> Value {
        let cells: Vec<Value> = (0..self.chance.below(most + 1)).map(|_| self.cell(minor >= 5)).collect();
        json!({"cells": cells, "nbformat": 4, "nbformat_minor": minor, "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": "3.11.2"}}})
    }

    /// One edit.
    pub fn edit(&mut self, notebook: &mut Value) {
        let ids = notebook["nbformat_minor"].as_u64().unwrap() >= 5;
        if self.chance.in_ten(1) {
            notebook["metadata"]["language_info"]["version"] = json!(format!("3.{}", self.chance.below(20)));
        }
        let mut cells = notebook["cells"].as_array().unwrap().clone();
        let count = cells.len();
        let at = self.chance.below(count);
        match self.chance.below(14) {
            0 | 1 => cells.insert(self.chance.below(count + 1), self.cell(ids)),
            _ if count == 0 => {}
            2..=5 => {
                let mut text = lines(&cells[at]);
                let place = self.chance.below(text.len() + 1);
                match self.chance.below(3) {
                    0 => text.insert(place, self.line()),
                    1 if place < text.len() => text[place] = self.line(),
                    _ if place < text.len() => drop(text.remove(place)),
                    _ => text.push(self.line()),
                }
                cells[at]["source"] = source(&text);
                if self.chance.in_ten(3) && cells[at]["cell_type"] == "code" {
                    cells[at]["outputs"] = self.outputs();
                }
            }
            6 => drop(cells.remove(at)),
            7 => {
                let cell = cells.remove(at);
                cells.insert(self.chance.below(count), cell);
            }
            8 | 9 => {
                for (number, cell) in cells.iter_mut().filter(|cell| cell["cell_type"] == "code").enumerate()
                {
                    cell["execution_count"] = json!(number + self.chance.below(50));
                    cell["outputs"] = self.outputs();
                }
            }
            10 => {
                // split
                let text = lines(&cells[at]);
                let mut second = cells[at].clone();
                let cut = text.len() / 2;
                cells[at]["source"] = source(&text[..cut]);
                second["source"] = source(&text[cut..]);
                if ids {
                    second["id"] = json!(format!("{:08x}", self.chance.next() as u32));
                }
                cells.insert(at + 1, second);
            }
            11 if at + 1 < count => {
                let second = cells.remove(at + 1);
                let text = [lines(&cells[at]), lines(&second)].concat();
                cells[at]["source"] = source(&text);
            }
            12 => {
                cells[at]["metadata"]["tags"] = json!([format!("t{}", self.chance.below(4))]);
                cells[at]["metadata"]["collapsed"] = json!(self.chance.in_ten(5));
            }
            _ => self.answer(&mut cells),
        }
        notebook["cells"] = Value::from(cells);
    }

    /// Take an open question out by hand, as in JupyterLab.
    fn answer(&mut self, cells: &mut Vec<Value>) {
        let tagged = |cell: &Value| cell["metadata"]["kitbag"]["conflict"].is_object();
        let Some(at) = cells.iter().position(tagged) else { return };
        match self.chance.below(3) {
            0 => drop(cells.remove(at)),
            1 if at > 0 => {
                cells[at - 1]["source"] = cells[at]["source"].clone();
                cells.remove(at);
            }
            _ => cells[at]["metadata"] = json!({}),
        }
    }
}

/// The notebook as Jupyter writes it.
pub fn write(notebook: &Value) -> Vec<u8> {
    written(notebook, " ", false)
}

/// The notebook with this indentation; with `ascii`, all that is not ASCII escaped.
pub fn written(notebook: &Value, indent: &str, ascii: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, indent);
    serde::Serialize::serialize(notebook, &mut writer).unwrap();
    bytes.push(b'\n');
    if ascii { String::from_utf8(bytes).unwrap().replace('ü', "\\u00fc").into_bytes() } else { bytes }
}
