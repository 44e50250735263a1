//! Notebooks in histories: whoever merges the same versions writes the same bytes, a question is carried in the one
//! head until somebody answers it, and nothing a person wrote goes unasked.

use super::*;
use crate::merge::notebook::{self, Answer};

/// A notebook of code cells, an id and a source each.
fn book(cells: &[(&str, &str)]) -> String {
    let cell = |(id, source): &(&str, &str)| {
        format!(
            "  {{\n   \"cell_type\": \"code\",\n   \"execution_count\": null,\n   \"id\": \"{id}\",\n   \
             \"metadata\": {{}},\n   \"outputs\": [],\n   \"source\": [\n    \"{source}\"\n   ]\n  }}"
        )
    };
    let cells: Vec<_> = cells.iter().map(cell).collect();
    format!(
        "{{\n \"cells\": [\n{}\n ],\n \"metadata\": {{}},\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}}\n",
        cells.join(",\n")
    )
}

const BASE: [(&str, &str); 4] = [("a", "one"), ("b", "two"), ("c", "three"), ("d", "four")];

/// The base with some sources changed.
fn with(changes: &[(&str, &str)]) -> String {
    let new = |(id, source)| (id, changes.iter().find(|(of, _)| *of == id).map_or(source, |(_, new)| *new));
    book(&BASE.map(new))
}

fn path() -> WorkPath {
    WorkPath::parse("a.ipynb").unwrap()
}

/// The records of one notebook.
#[derive(Clone)]
struct Book {
    history: History,
    contents: BTreeMap<ContentId, Option<Arc<[u8]>>>,
}

impl Contents for Book {
    fn read(&self, content: ContentId) -> Result<Option<Arc<[u8]>>, Unreadable> {
        self.contents.get(&content).cloned().ok_or(Unreadable { content, reason: "not delivered".into() })
    }
}

impl Book {
    fn new() -> Self {
        Book { history: History::new(&path(), []), contents: BTreeMap::new() }
    }

    fn add(&mut self, text: &str, kind: Kind, parents: &[RecordId]) -> RecordId {
        let content = self.content(text);
        self.history.insert(Record::new(path(), content, kind, parents.iter().copied()))
    }

    fn content(&mut self, text: &str) -> Content {
        let id = ContentId::of(text.as_bytes());
        self.contents.insert(id, Some(Arc::from(text.as_bytes())));
        Content::file(id, text.len() as u64)
    }

    fn edit(&mut self, text: &str, parents: &[RecordId]) -> RecordId {
        self.add(text, Kind::Edit, parents)
    }

    /// Merge what merges; the only head's name and text, if there is one.
    fn reduce(&mut self) -> Option<(RecordId, String)> {
        let mut history = self.history.clone();
        for made in reduce(&path(), &mut history, self).unwrap() {
            if let (Some(id), Some(bytes)) = (made.record.content.id(), made.bytes) {
                self.contents.insert(id, Some(Arc::from(bytes)));
            }
        }
        self.history = history;
        let [head] = self.history.heads()[..] else { return None };
        let bytes = self.read(self.history.content(head)?.id()?).unwrap()?;
        Some((head, String::from_utf8(bytes.to_vec()).unwrap()))
    }
}

fn open(text: &str) -> usize {
    notebook::conflicts(text.as_bytes()).unwrap().len()
}

fn sources(text: &str) -> String {
    String::from_utf8(notebook::lines(text.as_bytes()).unwrap()).unwrap().replace('\n', " ")
}

#[test]
fn different_cells_are_one_notebook() {
    let mut world = Book::new();
    let base = world.edit(&book(&BASE), &[]);
    world.edit(&with(&[("a", "ONE")]), &[base]);
    world.edit(&with(&[("c", "THREE")]), &[base]);
    let (head, text) = world.reduce().unwrap();
    assert_eq!(text, with(&[("a", "ONE"), ("c", "THREE")]));
    assert_eq!(world.history.get(head).unwrap().merge, Some(MERGE_VERSION));
}

#[test]
fn a_question_about_a_cell_is_in_the_one_head_and_names_the_versions() {
    let mut world = Book::new();
    let base = world.edit(&book(&BASE), &[]);
    let sides = [world.edit(&with(&[("a", "mine")]), &[base]), world.edit(&with(&[("a", "yours")]), &[base])];
    let (_, text) = world.reduce().unwrap();
    let [question] = &notebook::conflicts(text.as_bytes()).unwrap()[..] else { panic!("{text}") };
    let mut named = [question.by.version.clone().unwrap(), question.others[0].by.version.clone().unwrap()];
    let mut expected = sides.map(|id| id.to_string());
    named.sort();
    expected.sort();
    assert_eq!(named, expected);
}

// All orders in which the versions arrive, on machines that merge at every step.
#[test]
fn three_machines_write_the_same_notebook_in_any_order() {
    let texts = [
        with(&[("a", "left"), ("b", "LEFT")]),
        with(&[("a", "right"), ("c", "RIGHT")]),
        with(&[("a", "third")]),
    ];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let ends = orders.map(|order| {
        let mut at_once = Book::new();
        let base = at_once.edit(&book(&BASE), &[]);
        for at in order {
            at_once.edit(&texts[at], &[base]);
        }
        let mut one_by_one = Book::new();
        one_by_one.edit(&book(&BASE), &[]);
        for at in order {
            one_by_one.edit(&texts[at], &[base]);
            one_by_one.reduce().unwrap();
        }
        (at_once.reduce().unwrap(), one_by_one)
    });
    let (first, _) = &ends[0];
    assert_eq!(notebook::conflicts(first.1.as_bytes()).unwrap()[0].others.len(), 2, "{}", first.1);
    let mut all = ends[0].1.clone();
    for (at_once, one_by_one) in &ends {
        assert_eq!(at_once, first, "the same versions, the same bytes");
        // machines that merged in another order meet, and come to rest with nothing missing
        all.history.extend(one_by_one.history.records().map(|(id, record)| (id, record.clone())));
        all.contents.extend(one_by_one.contents.clone());
    }
    let (_, met) = all.reduce().unwrap();
    let said = sources(&met);
    assert!(["left", "right", "third", "LEFT", "RIGHT"].iter().all(|line| said.contains(line)), "{said}");
    assert_eq!(open(&met), 1, "{met}");
}

#[test]
fn crossed_histories_merge_and_rest() {
    let mut world = Book::new();
    let base = world.edit(&book(&BASE), &[]);
    let left = world.edit(&with(&[("a", "LEFT")]), &[base]);
    let right = world.edit(&with(&[("d", "RIGHT")]), &[base]);
    let both = [("a", "LEFT"), ("d", "RIGHT")];
    world.edit(&with(&[both[0], both[1], ("b", "two more")]), &[left, right]);
    world.edit(&with(&[both[0], both[1], ("c", "three more")]), &[left, right]);
    let (_, text) = world.reduce().unwrap();
    assert_eq!(text, with(&[both[0], both[1], ("b", "two more"), ("c", "three more")]));
}

#[test]
fn an_answer_settles_it_and_two_answers_ask_about_that_cell_alone() {
    let mut world = Book::new();
    let base = world.edit(&book(&BASE), &[]);
    world.edit(&with(&[("a", "mine"), ("b", "me")]), &[base]);
    world.edit(&with(&[("a", "yours"), ("c", "you")]), &[base]);
    let (head, text) = world.reduce().unwrap();
    let answer = |text: &str, answer| {
        String::from_utf8(notebook::answer(text.as_bytes(), None, &answer).unwrap()).unwrap()
    };
    let (this, other) = (answer(&text, Answer::This), answer(&text, Answer::Other));
    world.edit(&this, &[head]);
    let mut alone = world.clone();
    assert_eq!(open(&alone.reduce().unwrap().1), 0);
    // somebody who has not heard of the answer works on in another cell
    alone.edit(&text.replace("four", "fourth"), &[head]);
    let (_, settled) = alone.reduce().unwrap();
    assert_eq!((open(&settled), settled.contains("fourth")), (0, true));

    world.edit(&other, &[head]);
    let (head, again) = world.reduce().unwrap();
    assert_eq!(open(&again), 1);
    assert!(again.contains("mine") && again.contains("yours"));
    world.edit(&answer(&again, Answer::This), &[head]);
    let (_, done) = world.reduce().unwrap();
    assert_eq!(open(&done), 0);
    assert!(done.contains("mine") != done.contains("yours"));
}

#[test]
fn a_damaged_notebook_stays_beside_the_whole_one() {
    let mut world = Book::new();
    let base = world.edit(&book(&BASE), &[]);
    let whole = with(&[("a", "ONE")]);
    world.edit(&whole, &[base]);
    let damaged = with(&[("b", "TWO")]);
    world.edit(&damaged[..damaged.len() / 2], &[base]);
    assert_eq!(world.reduce(), None);
    assert_eq!(world.history.heads().len(), 2);
}

#[test]
fn over_a_gone_or_damaged_base_nothing_is_taken() {
    for damaged in [false, true] {
        let mut world = Book::new();
        let text = if damaged { book(&BASE)[..40].to_owned() } else { book(&BASE) };
        let base = world.edit(&text, &[]);
        world.edit(&book(&BASE[..3]), &[base]);
        world.edit(&with(&[("a", "ONE")]), &[base]);
        if !damaged {
            world.contents.insert(ContentId::of(text.as_bytes()), None);
        }
        let said = sources(&world.reduce().unwrap().1);
        assert!(["one", "ONE", "two", "three", "four"].iter().all(|line| said.contains(line)), "{said}");
    }
}

#[test]
fn an_outside_notebook_adds_by_itself_and_what_it_takes_is_asked() {
    let record = |world: &mut Book, text: &str| {
        let content = world.content(text);
        crate::outside::record_for(&path(), content, &world.history, world).unwrap()
    };
    let mut world = Book::new();
    let base = world.edit(&book(&BASE), &[]);
    let mine = world.edit(&with(&[("d", "four and more")]), &[base]);
    let more = book(&[&BASE[..], &[("e", "five")]].concat());
    assert_eq!(record(&mut world, &more).parents, [base].into());

    let less = book(&[BASE[0], BASE[1], BASE[3]]);
    let outside = record(&mut world, &less);
    assert_eq!((outside.parents.len(), outside.near), (0, Some(base)));
    world.history.insert(outside);
    let (_, text) = world.reduce().unwrap();
    assert!(text.contains("three") && text.contains("four and more"), "{text}");
    assert!(world.history.descends(world.history.heads()[0], mine));
}

#[test]
fn a_notebook_among_the_backups_stays_whole() {
    let at = |name: &str| Way::of(&WorkPath::parse(name).unwrap());
    assert_eq!(at("backups/jupyter/a.ipynb"), Way::Whole);
    assert_eq!(at("b/A.IPYNB"), Way::Cells);
    assert_eq!(at("backups.txt"), Way::Lines);
}
