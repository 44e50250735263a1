//! A notebook as Jupyter writes it, as far as an editor of the soak needs one: cells with a line each.

use serde_json::{Value, json};

/// A notebook of these cells.
pub fn text(cells: &[String]) -> String {
    let cell = |source: &String| json!({ "cell_type": "markdown", "metadata": {}, "source": [source], "id": source.trim_end_matches('x') });
    let all: Vec<Value> = cells.iter().map(cell).collect();
    let notebook = json!({ "cells": all, "metadata": {}, "nbformat": 4, "nbformat_minor": 5 });
    serde_json::to_string_pretty(&notebook).unwrap() + "\n"
}

/// Its cells; none when it is no notebook now.
pub fn cells(text: &str) -> Option<Vec<String>> {
    let notebook: Value = serde_json::from_str(text).ok()?;
    let source = |cell: &Value| match &cell["source"] {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect::<String>(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    Some(notebook["cells"].as_array()?.iter().map(source).collect())
}
