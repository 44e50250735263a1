//! Puts the example course into the program, so that `kitbag demo` needs nothing but itself.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let course = here.join("../../examples/hello-course");
    println!("cargo::rerun-if-changed={}", course.display());
    let mut files = Vec::new();
    collect(&course, &mut files);
    files.sort();
    let mut text = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&course).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let _ = writeln!(text, "    ({name:?}, include_bytes!({:?})),", file.display().to_string());
    }
    text.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("hello_course.rs");
    if let Err(error) = std::fs::write(&out, text) {
        println!("cargo::error=cannot write {}: {error}", out.display());
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(items) = std::fs::read_dir(folder) else {
        println!("cargo::error=cannot read {}", folder.display());
        return;
    };
    for item in items.flatten() {
        let path = item.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
