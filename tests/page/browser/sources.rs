//! What the files of the page must not contain, and that every text is in the one table and used. No browser is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::standin::folder;

/// Ways in which a name could become markup or a program, and ways out of this computer.
const NEVER: &[&str] = &[
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "createContextualFragment",
    "DOMParser",
    "parseFromString",
    "srcdoc",
    "setHTML",
    "eval(",
    "Function(",
    "setTimeout(\"",
    "import(",
    "javascript:",
    "localStorage",
    "document.cookie",
    "EventSource",
    "XMLHttpRequest",
    "https://",
    "//cdn",
    "style=",
    ".style.",
    "cssText",
    "\"style\"",
];

fn files() -> BTreeMap<String, String> {
    let all = fs::read_dir(folder()).unwrap().map(|item| item.unwrap().path());
    all.map(|path| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
    })
    .collect()
}

fn texts() -> BTreeMap<String, Value> {
    serde_json::from_str(&files()["texts.json"]).unwrap()
}

/// Shows that nothing in the page can make markup out of a name, run a text as a program, or reach anything but kitbag.
#[test]
fn no_file_of_the_page_makes_markup_of_text_or_leaves_this_computer() {
    for (name, content) in files() {
        for word in NEVER {
            assert!(!content.contains(word), "{name} contains {word}");
        }
        // the only address that stands in them is a name, not a place: that of SVG
        let addresses = content.matches("http://").count();
        let names = content.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(addresses, names, "{name} names an address");
        assert!(content.lines().count() < 400, "{name} is too long");
    }
    let index = &files()["index.html"];
    for attribute in ["onclick", "onload", "onerror", "onfocus", "<style", "<iframe", "<form"] {
        assert!(!index.contains(attribute), "index.html contains {attribute}");
    }
    for script in index.match_indices("<script") {
        let tag = index[script.0..].split_inclusive("</script>").next().unwrap();
        assert!(tag.contains("src=\"/") && tag.ends_with("></script>"), "a script in the page itself: {tag}");
    }
}

/// Shows that the only words outside the table are the page's name and what it says without JavaScript.
#[test]
fn words_stand_in_the_table_alone() {
    let mut index = files()["index.html"].clone();
    let start = index.find("<noscript>").unwrap();
    let end = index.find("</noscript>").unwrap();
    index.replace_range(start..end, "");
    let words: Vec<&str> = index
        .split('<')
        .filter_map(|tag| Some(tag.split_once('>')?.1.trim()))
        .filter(|text| !text.is_empty())
        .collect();
    assert_eq!(words, ["kitbag", "kitbag"]);
}

/// Every text that stands between quotes in the page's modules.
fn literals(content: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut whole, mut begun) = (BTreeSet::new(), BTreeSet::new());
    for line in content.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for quoted in line.split('"').skip(1).step_by(2) {
            let key = |text: &str| {
                !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || ".-".contains(c))
            };
            if key(quoted) {
                if quoted.ends_with('.') {
                    begun.insert(quoted.to_owned())
                } else {
                    whole.insert(quoted.to_owned())
                };
            }
        }
        // a template whose end is filled in: `state.${…}`
        for template in line.split('`').skip(1).step_by(2) {
            if let Some((prefix, _)) = template.split_once("${")
                && prefix.ends_with('.')
                && prefix.chars().all(|c| c.is_ascii_lowercase() || ".-".contains(c))
            {
                begun.insert(prefix.to_owned());
            }
        }
    }
    (whole, begun)
}

/// Shows that no text is missing when it is needed, and none is left over.
#[test]
fn every_text_that_is_used_is_there_and_every_text_is_used() {
    let texts = texts();
    let (mut whole, mut begun) = (BTreeSet::new(), BTreeSet::new());
    let mut asked = BTreeSet::new();
    for (name, content) in files() {
        if name.ends_with(".js") {
            let (more, prefixes) = literals(&content);
            whole.extend(more);
            begun.extend(prefixes);
            for call in content
                .split("t(\"")
                .skip(1)
                .chain(content.split("fold(\"").skip(1))
                .chain(content.split("row(\"").skip(1))
            {
                let key = call.split('"').next().unwrap();
                if key.contains('.') && !key.contains('{') {
                    asked.insert(key.to_owned());
                }
            }
        }
        if name.ends_with(".html") {
            let marked = content.split("data-text=\"").skip(1).chain(content.split("data-label=\"").skip(1));
            let keys: Vec<String> = marked.map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
            whole.extend(keys.iter().cloned());
            asked.extend(keys);
        }
    }
    let missing: Vec<_> = asked.iter().filter(|key| !texts.contains_key(*key)).collect();
    assert!(missing.is_empty(), "used and not there: {missing:?}");
    let idle: Vec<_> = begun
        .iter()
        .filter(|prefix| prefix.contains('.') && !texts.keys().any(|key| key.starts_with(*prefix)))
        .collect();
    assert!(idle.is_empty(), "a kind of texts that is not there: {idle:?}");
    let used = |key: &&String| whole.contains(*key) || begun.iter().any(|prefix| key.starts_with(prefix));
    let unused: Vec<_> = texts.keys().filter(|key| !used(key)).collect();
    assert!(unused.is_empty(), "there and not used: {unused:?}");
}

/// Shows that the texts are whole: with one and many both are there and both count, and people read no words of ours.
#[test]
fn texts_are_whole_and_in_words_that_people_use() {
    for (key, text) in texts() {
        let all: Vec<String> = match &text {
            Value::String(text) => vec![text.clone()],
            Value::Object(forms) => {
                assert_eq!(forms.keys().collect::<Vec<_>>(), ["many", "one"], "{key}");
                assert!(forms["many"].as_str().unwrap().contains("{count}"), "{key}");
                forms.values().map(|text| text.as_str().unwrap().to_owned()).collect()
            }
            other => panic!("{key} is no text: {other}"),
        };
        for text in all {
            assert!(
                !text.trim().is_empty() && text.matches('{').count() == text.matches('}').count(),
                "{key}: {text}"
            );
            let words: Vec<String> =
                text.to_lowercase().split(|c: char| !c.is_alphabetic()).map(str::to_owned).collect();
            for ours in [
                "mirror", "sidecar", "pack", "head", "seed", "ledger", "we", "our", "please", "sorry",
                "oops", "simply", "hash",
            ] {
                assert!(!words.iter().any(|word| word == ours), "{key} says {ours}: {text}");
            }
        }
    }
}
