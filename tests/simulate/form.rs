//! How the files of a run are written: lines, or notebooks. What happens to them is drawn alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::book::{Book, Told};
use crate::person;
use crate::text::{Blob, Name, Token, line, split};

/// How often each of some lines or words stands somewhere.
pub type Counts = BTreeMap<Vec<u8>, i64>;

/// Lines of other versions of cells that are no copies: an answer takes one of the two away.
pub type Repeated = BTreeSet<(Vec<Vec<u8>>, Vec<u8>)>;

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Lines,
    /// Notebooks; `ids` says whether of a format whose cells have ids.
    Cells {
        ids: bool,
    },
}

impl Form {
    /// Four files people have, the last two for renames, and the course's.
    pub fn names(self) -> ([Name; 4], Name) {
        let (names, course) = match self {
            Form::Lines => (["notes.md", "data/table.csv", "old notes.md", "data/2.csv"], "course/intro.md"),
            Form::Cells { .. } => {
                (["notes.ipynb", "data/table.ipynb", "old notes.ipynb", "data/2.ipynb"], "course/intro.ipynb")
            }
        };
        (names.map(Name::from), course.into())
    }

    /// What a person makes of a file, or of none. New lines get the tokens from `mark` on.
    pub fn edited(self, before: Option<&Blob>, pick: u32, mark: Token) -> Blob {
        match self {
            Form::Lines => {
                let mut lines = before.map(Blob::lines).unwrap_or_default();
                person::change(&mut lines, pick, mark);
                Blob::of_lines(&lines, !pick.is_multiple_of(16))
            }
            Form::Cells { .. } => match before.and_then(Book::read) {
                Some(mut book) => {
                    book.change(pick, mark);
                    book.write()
                }
                // what does not open is begun again
                None => self.begun(mark),
            },
        }
    }

    /// What somebody makes of it who only adds.
    pub fn added(self, before: &Blob, pick: u32, mark: Token) -> Blob {
        match self {
            Form::Lines => {
                let mut lines = before.lines();
                lines.insert(pick as usize % (lines.len() + 1), line(mark));
                Blob::of_lines(&lines, before.ended())
            }
            Form::Cells { .. } => match Book::read(before) {
                Some(mut book) => {
                    book.add(pick, mark);
                    book.write()
                }
                None => before.clone(),
            },
        }
    }

    /// A new file.
    pub fn begun(self, mark: Token) -> Blob {
        self.of_tokens(&[mark])
    }

    /// A file of these lines, each in a cell of its own.
    pub fn of_tokens(self, tokens: &[Token]) -> Blob {
        match self {
            Form::Lines => Blob::of_lines(&tokens.iter().map(|token| line(*token)).collect::<Vec<_>>(), true),
            Form::Cells { ids } => {
                let cells: Vec<_> =
                    tokens.iter().map(|token| (format!("c{token}"), vec![line(*token)])).collect();
                Book::of_cells(&cells, ids).write()
            }
        }
    }

    /// How many cells in it are other versions of a cell. A line can stand in both, and an answer takes one of the two
    /// away.
    pub fn versions(self, blob: &Blob) -> u64 {
        let book = Some(blob).filter(|_| self != Form::Lines).and_then(Book::read);
        book.map_or(0, |book| book.all().iter().filter(|cell| cell.version).count() as u64)
    }

    /// The lines that other versions of cells have in common with those cells, each with all lines of that version.
    pub fn repeated<'b>(self, blobs: impl IntoIterator<Item = &'b Blob>) -> Repeated {
        let books = blobs.into_iter().filter(|_| self != Form::Lines).filter_map(Book::read);
        let versions = books.flat_map(|book| book.all()).filter(|cell| cell.version);
        let common = |cell: Told| {
            let Told { lines, of, .. } = cell;
            let common: Vec<_> = lines.iter().filter(|line| of.contains(line)).cloned().collect();
            common.into_iter().map(move |line| (lines.clone(), line))
        };
        versions.flat_map(common).collect()
    }

    /// How often each line stands in it; blank lines of cells are none, nor are those.
    pub fn lines(self, blob: &Blob, repeated: &Repeated) -> Counts {
        let mut counts = Counts::new();
        let mut count = |line: &[u8]| *counts.entry(line.to_vec()).or_default() += 1;
        match self {
            Form::Lines => split(blob.bytes()).for_each(count),
            Form::Cells { .. } => {
                for cell in Book::read(blob).iter().flat_map(Book::all) {
                    let is_own = |line: &Vec<u8>| {
                        !cell.version || !repeated.contains(&(cell.lines.clone(), line.clone()))
                    };
                    let own = cell.lines.iter().filter(|line| !line.is_empty() && is_own(line));
                    own.for_each(|line| count(line));
                }
            }
        }
        counts
    }

    /// How often each word does. Where prose is merged word by word, a line may go on in several others.
    pub fn words(self, blob: &Blob, repeated: &Repeated) -> Counts {
        let mut counts = Counts::new();
        for (line, times) in self.lines(blob, repeated) {
            self.words_of(&line).for_each(|word| *counts.entry(word.to_vec()).or_default() += times);
        }
        counts
    }

    /// The words of a line; a line of a text is one.
    pub fn words_of(self, line: &[u8]) -> impl Iterator<Item = &[u8]> {
        line.split(move |byte| self != Form::Lines && *byte == b' ')
    }

    /// Can a program read it?
    pub fn opens(self, blob: &Blob) -> bool {
        self == Form::Lines || Book::read(blob).is_some()
    }

    /// What a program holds that has read it.
    pub fn opened(self, blob: &Blob) -> Blob {
        match self {
            Form::Lines => Blob::of_lines(&blob.lines(), true),
            Form::Cells { .. } => blob.clone(),
        }
    }
}
