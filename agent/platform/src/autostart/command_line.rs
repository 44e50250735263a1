//! One command in a line, as Windows programs take it apart again (Microsoft, "Parsing C++ command-line arguments"): words
//! in double quotes; backslashes count only before a quote, where each is doubled, and a quote inside has one of its own.

use std::ffi::OsString;
use std::path::Path;

use super::{LONGEST, Unfit, words};

/// The command for the registry's Run key.
///
/// # Errors
/// A name that is no text; a command that is too long.
pub fn command_line(program: &Path, arguments: &[OsString]) -> Result<String, Unfit> {
    let words = words(program, arguments)?;
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let line = quoted.join(" ");
    let length = line.encode_utf16().count();
    if length > LONGEST { Err(Unfit::TooLong(length)) } else { Ok(line) }
}

/// In quotes whatever it is: a program in a folder with a space must not be taken for another one.
fn quoted(word: &str) -> String {
    let mut out = String::from("\"");
    let mut backslashes = 0;
    for c in word.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                out.extend(std::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        out.push(c);
    }
    out.extend(std::iter::repeat_n('\\', backslashes));
    out.push('"');
    out
}
