//! What the values of a query may be, and the two that are written anew: filters, to which the labels of the
//! environment are added, and the labels of an image that is built.

use serde_json::{Map, Value};

use super::keys::{self, Look};
use super::{IMAGE_LABEL, LABEL, Refusal, pattern};

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Yes or no.
    Flag,
    /// A whole number, perhaps negative, or a time.
    Number,
    /// `all` or a number.
    Tail,
    /// A word of a fixed vocabulary.
    Word,
    /// A container's name.
    Name,
    /// An image.
    Reference,
    /// Where a built image goes: below `kitbag/`, so that it takes no other image's name.
    Own,
    /// A path in a container.
    Place,
    /// A path in a build folder.
    Below,
    /// This word and no other.
    Only(&'static str),
    /// A JSON object of texts.
    Texts,
    /// Filters of a list of images.
    Filters,
}

/// Keys a list may be narrowed by.
const FILTERS: [&str; 8] = ["dangling", "driver", "health", "id", "label", "name", "reference", "status"];

/// Check a value; gives it as it is sent.
///
/// # Errors
/// It is none of its shape.
pub fn check(key: &str, shape: Shape, value: &str) -> Result<String, Refusal> {
    let good = match shape {
        Shape::Flag => matches!(value, "0" | "1" | "true" | "false"),
        Shape::Number => pattern::number(value),
        Shape::Tail => value == "all" || pattern::number(value),
        Shape::Word => pattern::word(value),
        Shape::Name => pattern::name(value),
        Shape::Reference => pattern::reference(value),
        Shape::Own => value.starts_with("kitbag/") && pattern::reference(value) && !value.contains('@'),
        Shape::Place => value == "/" || pattern::place(value),
        Shape::Below => kitbag_core::path::WorkPath::parse(value).is_ok(),
        Shape::Only(word) => value == word,
        Shape::Texts => return texts(key, value),
        Shape::Filters => return filters(value, &[]),
    };
    if good { Ok(value.to_owned()) } else { Err(Refusal::new(format!("{key} may not be \"{value}\""))) }
}

fn texts(key: &str, value: &str) -> Result<String, Refusal> {
    let odd = || Refusal::new(format!("{key} is no JSON object of texts"));
    let map: Map<String, Value> = serde_json::from_str(value).map_err(|_| odd())?;
    if !map.values().all(|one| one.is_string() || one.is_null()) {
        return Err(odd());
    }
    Ok(Value::Object(map).to_string())
}

/// The filters of a list, narrowed to objects with these labels.
///
/// # Errors
/// Filters that are none.
pub fn filters(value: &str, forced: &[(String, String)]) -> Result<String, Refusal> {
    let odd = || Refusal::new("the filters of a list cannot be read");
    let mut out: Map<String, Value> = Map::new();
    let given: Map<String, Value> =
        if value.is_empty() { Map::new() } else { serde_json::from_str(value).map_err(|_| odd())? };
    for (key, wanted) in given {
        if !FILTERS.contains(&key.as_str()) {
            return Err(Refusal::new(format!("a list cannot be narrowed by {key}")));
        }
        // Both ways the API knows: a list, and an object whose keys are the list.
        let list: Vec<String> = match wanted {
            Value::Array(list) => {
                let texts = list.into_iter().map(|one| one.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().ok_or_else(odd)?
            }
            Value::Object(set) if set.values().all(|one| *one == Value::Bool(true)) => {
                set.into_iter().map(|(key, _)| key).collect()
            }
            _ => return Err(odd()),
        };
        out.insert(key, list.into());
    }
    if !forced.is_empty() {
        let labels = out.entry("label").or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(labels) = labels else { return Err(odd()) };
        labels.extend(forced.iter().map(|(name, value)| Value::String(format!("{name}={value}"))));
    }
    Ok(Value::Object(out).to_string())
}

/// Put what the host decides into a query: `filters` of our own objects, or the `labels` of an image.
///
/// # Errors
/// What was given for them cannot be read.
pub fn force(query: &mut Vec<(String, String)>, key: &str, look: &mut Look<'_>) -> Result<(), Refusal> {
    let given = query.iter().position(|(name, _)| name == key).map(|at| query.remove(at).1);
    let value = match key {
        "filters" => filters(given.as_deref().unwrap_or_default(), &look.rules.owner.labels(LABEL))?,
        _ => {
            let given = given.map_or(Ok(Value::Null), |text| {
                serde_json::from_str(&text)
                    .map_err(|_| Refusal::new("the labels of the image cannot be read"))
            })?;
            keys::labels(&given, IMAGE_LABEL, look).map_err(Refusal::new)?.to_string()
        }
    };
    query.push((key.to_owned(), value));
    Ok(())
}
