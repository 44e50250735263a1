//! The first table of an HTML text as rows of plain texts, for a page that shows what programs wrote without trusting
//! it. This is no reader of HTML: tags are looked at for where rows and cells begin and end, and nothing of them is
//! kept. Whatever stands there comes out as text, in as many rows, columns and characters as somebody would read.

/// Rows that are kept.
const MOST_ROWS: usize = 60;
/// Columns that are kept.
const MOST_COLUMNS: usize = 30;
/// Characters of a cell that are kept.
const LONGEST: usize = 200;
/// Bytes of a text that are looked at.
pub const LOOKED_AT: usize = 1024 * 1024;

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Table {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Rows that are not among them.
    pub more: usize,
    /// Is there more to the right of some row?
    pub wider: bool,
    /// What stands below it, such as how many rows there are in all.
    pub note: String,
}

/// A row of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// Does it name the columns?
    pub head: bool,
    /// How many cells at its beginning name the row.
    pub names: usize,
    /// The texts of its cells.
    pub cells: Vec<String>,
}

/// The first table; none where there is none with a row.
pub fn first(html: &str) -> Option<Table> {
    let html = &html[..html.floor_char_boundary(LOOKED_AT)];
    let mut maker = Maker::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        maker.text(&rest[..at]);
        rest = &rest[at..];
        match Tag::read(rest) {
            Some((tag, behind)) => {
                rest = if tag.hides() && !tag.closes { past_end(behind, tag.name) } else { behind };
                maker.tag(&tag);
            }
            None => {
                maker.text("<");
                rest = &rest[1..];
            }
        }
    }
    maker.text(rest);
    maker.end_row();
    maker.table.note.truncate(maker.table.note.trim_end().len());
    (!maker.table.rows.is_empty()).then_some(maker.table)
}

/// What stands between `<` and `>`.
struct Tag<'a> {
    name: &'a str,
    closes: bool,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// The tag at the beginning of a text, and what stands behind it. A comment is a tag without a name.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let nothing = |behind| (Tag { name: "", closes: false, attributes: "" }, behind);
        if let Some(comment) = text.strip_prefix("<!--") {
            return Some(nothing(comment.find("-->").map_or("", |at| &comment[at + 3..])));
        }
        let inside = &text[1..];
        let (closes, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
        let odd = text.starts_with("<!") || text.starts_with("<?");
        if !odd && !inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let mut quote = None;
        let end = inside.bytes().position(|byte| match quote {
            Some(open) => {
                if byte == open {
                    quote = None;
                }
                false
            }
            None => {
                if matches!(byte, b'"' | b'\'') {
                    quote = Some(byte);
                }
                byte == b'>'
            }
        });
        // one that never ends is the end of the text, as in a browser
        let (tag, behind) = end.map_or((inside, ""), |at| (&inside[..at], &inside[at + 1..]));
        if odd {
            return Some(nothing(behind));
        }
        let length = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
        Some((Tag { name: &tag[..length], closes, attributes: &tag[length..] }, behind))
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Is what stands in it nothing to read?
    fn hides(&self) -> bool {
        ["style", "script", "template", "textarea", "title"].iter().any(|name| self.is(name))
    }

    /// How many rows or columns a cell is tall or wide.
    fn span(&self, name: &str) -> usize {
        let lower = self.attributes.to_ascii_lowercase();
        let value = lower
            .split_once(&format!("{name}="))
            .map_or("", |(_, value)| value.trim_start_matches(['"', '\'']));
        let digits: String = value.chars().take(4).take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(1).clamp(1, MOST_ROWS)
    }
}

/// Behind the end of an element whose content is no text.
fn past_end<'a>(text: &'a str, name: &str) -> &'a str {
    let end =
        |at: &usize| text[at + 2..].get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
    text.match_indices("</").map(|(at, _)| at).find(end).map_or("", |at| &text[at..])
}

/// A cell that is being read.
struct Open {
    text: String,
    name: bool,
    wide: usize,
    tall: usize,
}

#[derive(Default)]
struct Maker {
    table: Table,
    depth: usize,
    done: bool,
    in_head: bool,
    row: Option<Row>,
    cell: Option<Open>,
    /// Was every cell of the row so far a name?
    only_names: bool,
    /// For each column, how many rows more a taller cell above takes.
    taken: Vec<usize>,
}

impl Maker {
    fn text(&mut self, raw: &str) {
        let into = match &mut self.cell {
            Some(cell) => &mut cell.text,
            None if self.done => &mut self.table.note,
            None => return,
        };
        let mut left = LONGEST.saturating_sub(into.chars().count());
        // no character is written longer than this
        let raw = &raw[..raw.floor_char_boundary(left * 12)];
        for c in decoded(raw).chars() {
            let blank = c.is_whitespace();
            if left == 0 || blank && (into.is_empty() || into.ends_with(' ')) {
                continue;
            }
            into.push(if blank { ' ' } else { c });
            left -= 1;
        }
    }

    fn tag(&mut self, tag: &Tag) {
        if tag.is("table") {
            self.table_tag(tag.closes);
        } else if self.depth == 1 && tag.is("thead") {
            self.in_head = !tag.closes;
        } else if self.depth == 1 && (tag.is("tbody") || tag.is("tfoot")) {
            self.in_head = false;
        } else if self.depth == 1 && tag.is("tr") {
            self.end_row();
            if !tag.closes {
                self.begin_row();
            }
        } else if self.depth == 1 && (tag.is("td") || tag.is("th")) {
            self.end_cell();
            if !tag.closes {
                self.begin_cell(tag);
            }
        } else if ["br", "p", "div", "li", "td", "th", "tr"].iter().any(|name| tag.is(name)) {
            self.text(" ");
        }
    }

    fn table_tag(&mut self, closes: bool) {
        if self.done {
            return;
        }
        if !closes {
            self.depth += 1;
        } else if self.depth > 0 {
            self.depth -= 1;
            if self.depth == 0 {
                self.end_row();
                self.done = true;
            }
        }
    }

    fn begin_row(&mut self) {
        self.row = Some(Row { head: self.in_head, ..Row::default() });
        self.only_names = true;
        self.skip_taken();
    }

    fn begin_cell(&mut self, tag: &Tag) {
        if self.row.is_none() {
            self.begin_row();
        }
        let [wide, tall] = ["colspan", "rowspan"].map(|name| tag.span(name));
        self.cell = Some(Open { text: String::new(), name: tag.is("th"), wide, tall });
    }

    fn end_cell(&mut self) {
        let (Some(row), Some(cell)) = (&mut self.row, self.cell.take()) else { return };
        self.only_names &= cell.name;
        let mut text = cell.text;
        for _ in 0..cell.wide {
            let column = row.cells.len();
            if column >= MOST_COLUMNS {
                self.table.wider = true;
                return;
            }
            if cell.name && row.names == column {
                row.names += 1;
            }
            self.taken.resize(self.taken.len().max(column + 1), 0);
            self.taken[column] = cell.tall - 1;
            row.cells.push(std::mem::take(&mut text).trim_end().to_owned());
        }
        self.skip_taken();
    }

    /// The places that taller cells above take stay free.
    fn skip_taken(&mut self) {
        let Some(row) = &mut self.row else { return };
        while let Some(taken) = self.taken.get_mut(row.cells.len()).filter(|taken| **taken > 0) {
            *taken -= 1;
            if row.names == row.cells.len() {
                row.names += 1;
            }
            row.cells.push(String::new());
        }
    }

    fn end_row(&mut self) {
        self.end_cell();
        let Some(mut row) = self.row.take().filter(|row| !row.cells.is_empty()) else { return };
        row.head |= self.only_names;
        if self.table.rows.len() < MOST_ROWS {
            self.table.rows.push(row);
        } else {
            self.table.more += 1;
        }
    }
}

/// A text with its entities as characters: the ones programs write. Others stay as they are.
fn decoded(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((c, end)) => {
                text.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                text.push('&');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

fn entity(name: &str) -> Option<char> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    if let Some(code) = name.strip_prefix('#') {
        return code.strip_prefix(['x', 'X']).map_or_else(|| number(code, 10), |hex| number(hex, 16));
    }
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "times" => '×',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "euro" => '€',
        "deg" => '°',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "agrave" => 'à',
        "ccedil" => 'ç',
        "ntilde" => 'ñ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(html: &str) -> Vec<Vec<String>> {
        first(html).map(|table| table.rows.into_iter().map(|row| row.cells).collect()).unwrap_or_default()
    }

    #[test]
    fn a_table_as_pandas_writes_it() {
        let html = "<div>\n<style scoped>\n .dataframe tbody tr th { vertical-align: top; }\n</style>\n\
            <table border=\"1\" class=\"dataframe\">\n  <thead>\n    <tr style=\"text-align: right;\">\n      <th></th>\n\
            <th>city</th>\n      <th>price</th>\n    </tr>\n  </thead>\n  <tbody>\n    <tr>\n      <th>0</th>\n\
            <td>K&ouml;ln &amp; &#x42;onn &Zcaron;</td>\n      <td>12.50</td>\n    </tr>\n    <tr><th>1</th><td>a &lt; b</td><td>NaN</td></tr>\n\
            </tbody>\n</table>\n<p>40 rows × 2 columns</p>\n</div>";
        let table = first(html).unwrap();
        let row = |head, names, cells: [&str; 3]| Row { head, names, cells: cells.map(str::to_owned).into() };
        assert_eq!(
            table.rows,
            [
                row(true, 3, ["", "city", "price"]),
                row(false, 1, ["0", "Köln & Bonn &Zcaron;", "12.50"]),
                row(false, 1, ["1", "a < b", "NaN"])
            ]
        );
        assert_eq!((&*table.note, table.more, table.wider), ("40 rows × 2 columns", 0, false));
    }

    #[test]
    fn cells_that_are_taller_or_wider_keep_their_places() {
        let html = "<table><tr><th rowspan=\"2\">a</th><th>x</th><td>1</td></tr><tr><th>y</th><td>2</td></tr>\
            <tr><td colspan=2>wide</td><td>3</td></tr></table>";
        assert_eq!(texts(html), [["a", "x", "1"], ["", "y", "2"], ["wide", "", "3"]]);
        assert_eq!(first(html).unwrap().rows[1].names, 2);
    }

    #[test]
    fn markup_becomes_text_or_nothing() {
        for (html, cell) in [
            ("<table><td><script>alert(1)</script>x</table>", "x"),
            ("<table><td><b onclick=\"a>b\">bold</b> text</td></table>", "bold text"),
            ("<table><td>&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
            ("<table><td>a<!-- <td>b --> c", "a c"),
            ("<table><td>1 < 2 & 3<br>next", "1 < 2 & 3 next"),
            ("<TABLE><TR><TD>big</TD></TR></TABLE>", "big"),
            ("<table><td>outer<table><tr><td>inner</td></tr></table>more", "outer inner more"),
            ("<table><td><style>x</sty</style>y", "y"),
            ("<table><td>&#0;&#x110000;&#xd800;&nosuch;&", "\0&#x110000;&#xd800;&nosuch;&"),
        ] {
            assert_eq!(texts(html), [[cell]], "{html}");
        }
        for html in
            ["", "<table", "<table>", "<table></table>", "<table><tr></tr></table>", "<td>x</td>", "< table>"]
        {
            assert_eq!(first(html), None, "{html}");
        }
    }

    #[test]
    fn what_is_huge_is_bounded() {
        let row = format!("<tr>{}</tr>", format!("<td>{}</td>", "é".repeat(500)).repeat(100));
        let table = first(&format!("<table>{}</table>", row.repeat(8) + &"<tr><td>x".repeat(100))).unwrap();
        assert_eq!((table.rows.len(), table.more, table.wider), (MOST_ROWS, 48, true));
        assert!(table.rows.iter().all(|row| row.cells.len() <= MOST_COLUMNS));
        assert!(table.rows[0].cells.iter().all(|cell| cell.chars().count() == LONGEST));
        let spans = "<tr><td rowspan=9999 colspan=9999>x</td></tr>".repeat(1000);
        let table = first(&format!("<table>{spans}")).unwrap();
        assert!(table.rows.iter().all(|row| row.cells.len() <= MOST_COLUMNS));
        for piece in ["<", "<table><td>", "&", "</", "<!--", "<style>", "<a \"", "<td ", "<table><tr>"] {
            first(&format!("<table><td>{}", piece.repeat(200_000)));
        }
    }

    const PIECES: [&str; 24] = [
        "<table>",
        "</table>",
        "<thead>",
        "</thead>",
        "<tbody>",
        "<tr>",
        "</tr>",
        "<td>",
        "</td>",
        "<th>",
        "<td colspan=3>",
        "<th rowspan='4'>",
        "<td colspan=\"99\" rowspan=99>",
        "<style>",
        "</style>",
        "<!--",
        "-->",
        "<br/>",
        "text",
        " ",
        "&lt;",
        "&#",
        "é<",
        "<a x='>",
    ];

    proptest::proptest! {
        #[test]
        fn pieces_in_any_order_are_a_table_of_bounded_texts(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..400)
        ) {
            let Some(table) = first(&pieces.concat()) else { return Ok(()) };
            assert!((1..=MOST_ROWS).contains(&table.rows.len()));
            for row in &table.rows {
                assert!((1..=MOST_COLUMNS).contains(&row.cells.len()) && row.names <= row.cells.len(), "{row:?}");
                assert!(row.cells.iter().all(|cell| cell.chars().count() <= LONGEST));
            }
            assert!(table.note.chars().count() <= LONGEST);
        }
    }
}
