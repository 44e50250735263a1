//! A look at a CSV file before it is shipped: text in UTF-8, a header with a name for every column, and rows
//! as wide as the header. What a database would refuse on a student's first start is said to the team now,
//! with the line. Nothing is converted here; the database does the real reading.

/// Why a CSV file cannot fill a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadCsv {
    /// From 1; none when it is the file as a whole.
    pub line: Option<usize>,
    pub message: String,
    pub remedy: &'static str,
}

const BOM: &str = "\u{feff}";

/// Look a CSV file through; the first trouble ends it, because what follows is mostly its echo.
pub(super) fn look(bytes: &[u8], delimiter: u8) -> Result<(), BadCsv> {
    let bad = |line, message: &str, remedy| Err(BadCsv { line, message: message.to_owned(), remedy });
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
            return bad(
                Some(line),
                "The text is not UTF-8.",
                "Save the file again as UTF-8 (in Excel: “CSV UTF-8”).",
            );
        }
    };
    let mut header: Option<Vec<String>> = None;
    let mut rows =
        Rows { text: text.strip_prefix(BOM).unwrap_or(text), delimiter: delimiter.into(), line: 1 };
    while let Some((line, fields)) = rows.next_row() {
        let Some(fields) = fields else {
            return bad(
                Some(line),
                "A quoted field that begins here never ends.",
                "Close it with a double quote.",
            );
        };
        match &header {
            None => {
                let mut names: Vec<String> = fields.iter().map(|name| name.trim().to_lowercase()).collect();
                if names.iter().any(String::is_empty) {
                    return bad(
                        Some(line),
                        "A column has no name in the header.",
                        "Name every column in the first row.",
                    );
                }
                let columns = names.clone();
                names.sort();
                if names.windows(2).any(|pair| pair[0] == pair[1]) {
                    return bad(
                        Some(line),
                        "Two columns have the same name.",
                        "Give each column its own name.",
                    );
                }
                header = Some(columns);
            }
            Some(columns) if columns.len() != fields.len() => {
                return Err(BadCsv {
                    line: Some(line),
                    message: format!(
                        "The row has {} fields; the header has {}.",
                        fields.len(),
                        columns.len()
                    ),
                    remedy: "Make the row as long as the header; put text that holds the delimiter in double quotes.",
                });
            }
            Some(_) => {}
        }
    }
    match header {
        None => bad(None, "The file is empty.", "Put the names of the columns in the first row."),
        Some(_) => Ok(()),
    }
}

/// Walks over the rows, blank lines skipped; quotes as in RFC 4180.
struct Rows<'t> {
    text: &'t str,
    delimiter: char,
    line: usize,
}

impl Rows<'_> {
    /// The line a row begins on and its fields; no fields when a quote never closes.
    fn next_row(&mut self) -> Option<(usize, Option<Vec<String>>)> {
        let rest = self.text.trim_start_matches(['\r', '\n']);
        self.line += self.text[..self.text.len() - rest.len()].matches('\n').count();
        let begun = self.line;
        let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
        let mut fresh = true;
        let mut chars = rest.char_indices().peekable();
        chars.peek()?;
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' if quoted && chars.next_if(|&(_, next)| next == '"').is_some() => field.push('"'),
                '"' if quoted => quoted = false,
                '"' if fresh => (quoted, fresh) = (true, false),
                '\n' if !quoted => {
                    end = at;
                    break;
                }
                c if c == self.delimiter && !quoted => {
                    fields.push(std::mem::take(&mut field));
                    fresh = true;
                }
                c => {
                    self.line += usize::from(c == '\n');
                    field.push(c);
                    fresh = false;
                }
            }
        }
        self.text = &rest[end..];
        fields.push(field);
        Some((begun, (!quoted).then_some(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_files_pass() {
        for (text, delimiter) in [
            ("id,title\n1,Emma\n2,\n", b','),
            ("id;title\r\n1;\"a;b\"\r\n\r\n2;\"two\nlines \"\"quoted\"\"\"", b';'),
            ("\u{feff}id\n1", b','),
            ("id\ttitle", b'\t'),
            ("a,b\n5\" disk,x\n", b','),
        ] {
            assert_eq!(look(text.as_bytes(), delimiter), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn trouble_is_named_with_its_line() {
        for (bytes, line, part) in [
            (&b""[..], None, "empty"),
            (b"\n\r\n", None, "empty"),
            (b"a,,c\n", Some(1), "no name"),
            (b"\na,A\n", Some(2), "same name"),
            (b"a,b\n1,2\n\n3\n", Some(4), "has 1 fields; the header has 2"),
            (b"a,b\n\"x\ny\",2\n1,2,3\n", Some(4), "has 3 fields"),
            (b"a,b\n1,\"x\n2,y\n", Some(2), "never ends"),
            (b"a\nok\ncaf\xe9\n", Some(3), "UTF-8"),
        ] {
            let bad = look(bytes, b',').unwrap_err();
            assert_eq!(bad.line, line, "{bytes:?}");
            assert!(bad.message.contains(part), "{bad:?}");
            assert!(!bad.remedy.is_empty());
        }
    }
}
