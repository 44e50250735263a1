//! The page's own files, inside the program: nothing is read from a disk, so there is no path to step out of, and nothing
//! comes from elsewhere. A name is one of the table or there is no such file.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, Response, header};

use super::answer::{Answered, Trouble};
use super::guard::Refused;

/// One file: its path and its bytes.
type File = (&'static str, &'static [u8]);

/// The kinds a page is made of, by how names end.
const KINDS: [(&str, &str); 5] = [
    (".css", "text/css; charset=utf-8"),
    (".html", "text/html; charset=utf-8"),
    (".js", "text/javascript; charset=utf-8"),
    (".json", "application/json"),
    (".svg", "image/svg+xml"),
];

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$((concat!("/", $name), include_bytes!(concat!("../static/", $name)))),*]
    };
}

/// All of them.
const FILES: &[File] = files![
    "api.js",
    "app.css",
    "app.js",
    "begin.js",
    "cells.js",
    "conflicts.js",
    "dialog.js",
    "diff.js",
    "element.js",
    "health.js",
    "history.js",
    "home.js",
    "icon.svg",
    "index.html",
    "lines.js",
    "markdown.js",
    "operation.js",
    "outputs.js",
    "plugins.js",
    "question.js",
    "texts.json",
    "wizard.js",
    "words.js",
    "workspaces.js",
];

/// The words of the page.
const TEXTS: &str = "/texts.json";

fn file(path: &str) -> Option<&'static File> {
    let path = if path == "/" { "/index.html" } else { path };
    FILES.iter().find(|(name, _)| *name == path)
}

fn kind(name: &str) -> Option<&'static str> {
    KINDS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, kind)| *kind)
}

/// A file of the page.
///
/// # Errors
/// There is none of that name.
pub(super) async fn serve(request: Request) -> Answered {
    let path = request.uri().path();
    if path.starts_with("/api") && file(path).is_none() {
        return Err(Trouble::unknown("this page has no such address"));
    }
    if request.method() != Method::GET {
        return Err(Refused::Method.into());
    }
    let (name, bytes) = file(path).ok_or_else(|| Trouble::unknown("this page has no such file"))?;
    let mut answer = Response::new(Body::from(*bytes));
    let kind = kind(name).unwrap_or("application/octet-stream");
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(answer)
}

/// Tells whether a page that is open still has the words this kitbag uses.
pub(super) fn texts_version() -> String {
    let texts = file(TEXTS).map_or(&b""[..], |(_, bytes)| bytes);
    blake3::hash(texts).to_hex()[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_program_and_all_are_small() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/static");
        let mut there: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|item| format!("/{}", item.unwrap().file_name().to_str().unwrap()))
            .collect();
        let mut known: Vec<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        there.sort();
        known.sort();
        assert_eq!(known, there);
        let bytes: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        println!("the page is {} files, {bytes} bytes", FILES.len());
        assert!(bytes < 200 * 1024, "{bytes}");
    }

    #[test]
    fn every_file_has_a_kind() {
        for (name, _) in FILES {
            assert!(kind(name).is_some(), "{name}");
        }
        assert_eq!(kind("/app.js"), Some("text/javascript; charset=utf-8"));
        assert_eq!(kind("/texts.json"), Some("application/json"));
    }
}
