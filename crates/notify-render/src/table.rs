//! The `table` helper: rows of data under a heading, as text or as HTML.
//!
//! ```json
//! {"schema": {"columns": [{"label": "Size", "id": "size", "renderer": "human-bytes"}]},
//!  "data": [{"size": 1024}]}
//! ```
//!
//! Without options the output is that of proxmox-notify. What the options of
//! this crate change stands in [`Options`].

use std::fmt::Write as _;

use notify_core::Zone;
use serde_json::{Map, Value};

use crate::escape::escape_into;
use crate::page::{FAILED_EDGE, LIGHT};
use crate::values::{ERROR, Renderer, push_whole, shown};

/// Blanks after the widest cell of a column.
const GAP: usize = 4;

/// In a cell with a look, a longer word may be broken. In bytes.
const LONG_WORD: usize = 16;

/// So many columns are too many for a phone.
const WIDE: usize = 5;

/// What a template may ask for beside the table itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options<'a> {
    /// A line above the table, and an empty one below it in a text; with it, a table
    /// without rows, or none at all, is not shown.
    pub(crate) caption: Option<&'a str>,
    /// The columns to show, each as `ID` or `ID=LABEL`, separated by blanks; all when there is none.
    /// With it, an array of rows that nothing describes is a table, too.
    pub(crate) columns: Option<&'a str>,
    /// Which rows are shown.
    pub(crate) rows: Rows<'a>,
    /// Whether the labels are shown.
    pub(crate) labels: bool,
    /// What stands where the data has nothing.
    pub(crate) missing: &'a str,
    /// How it looks as HTML.
    pub(crate) look: Look,
}

/// A choice of rows by the text in one of their cells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'a> {
    All,
    Where { column: &'a str, is: &'a str },
    WhereNot { column: &'a str, is: &'a str },
}

/// How a table looks as HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// As in proxmox-notify: no attributes.
    Bare,
    /// Lines between the rows.
    Rows,
    /// As `Rows`, with an edge and a ground that say that this went wrong.
    Failed,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            caption: None,
            columns: None,
            rows: Rows::All,
            labels: true,
            missing: "null",
            look: Look::Bare,
        }
    }
}

impl Rows<'_> {
    fn include(&self, row: &Map<String, Value>) -> bool {
        let holds = |column: &str, text: &str| {
            row.get(column)
                .is_some_and(|cell| cell.as_str() == Some(text))
        };
        match self {
            Rows::All => true,
            Rows::Where { column, is } => holds(column, is),
            Rows::WhereNot { column, is } => !holds(column, is),
        }
    }
}

#[derive(Clone, Copy)]
struct Column<'a> {
    label: &'a str,
    id: &'a str,
    renderer: Option<Renderer>,
}

/// A table, checked and borrowed from the data.
pub(crate) struct Table<'a> {
    columns: Vec<Column<'a>>,
    rows: Vec<&'a Map<String, Value>>,
    options: Options<'a>,
}

/// A cell that its column's renderer could not show.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// The renderer.
    pub(crate) renderer: Renderer,
    /// The value.
    pub(crate) value: Value,
}

impl<'a> Table<'a> {
    /// Reads a table.
    ///
    /// # Errors
    /// What is wrong with its form: lower case, names the place.
    pub(crate) fn read(table: &'a Value, options: Options<'a>) -> Result<Self, String> {
        let (columns, rows) = match table {
            Value::Null if options.caption.is_some() => return Ok(Table::empty(options)),
            Value::Array(rows) => (bare_columns(options)?, rows),
            _ => described(table, options)?,
        };
        let mut chosen = Vec::with_capacity(rows.len());
        for row in rows {
            let row = row.as_object().ok_or("a row of a table is an object")?;
            if options.rows.include(row) {
                chosen.push(row);
            }
        }
        Ok(Table {
            columns,
            rows: chosen,
            options,
        })
    }

    fn empty(options: Options<'a>) -> Self {
        Table {
            columns: Vec::new(),
            rows: Vec::new(),
            options,
        }
    }

    /// Whether there is nothing worth a caption.
    fn is_hidden(&self) -> bool {
        self.options.caption.is_some() && self.rows.is_empty()
    }

    /// A heading and a line for each row, columns padded with blanks.
    ///
    /// A column is as wide as its longest cell has bytes, and four more, while
    /// the padding counts characters: so proxmox-notify aligns them. A control
    /// character is shown as a blank, so that a row is one line.
    pub(crate) fn text(&self, zone: Zone, unfit: &mut Vec<Unfit>) -> String {
        if self.is_hidden() {
            return String::new();
        }
        let (cells, widths) = self.cells(zone, unfit);
        let line = widths.iter().sum::<usize>() + GAP * widths.len() + 1;
        let mut out = String::with_capacity(line * (self.rows.len() + 3));
        if let Some(caption) = self.options.caption {
            out.push_str(caption);
            out.push('\n');
        }
        if self.options.labels {
            let labels = self.columns.iter().map(|column| column.label);
            text_row(&widths, labels, &mut out);
        }
        let mut cells = cells.iter();
        for _ in &self.rows {
            text_row(&widths, cells.by_ref(), &mut out);
        }
        if self.options.caption.is_some() {
            out.push('\n');
        }
        out
    }

    /// A `table` element. Every text in it is escaped.
    pub(crate) fn html(&self, zone: Zone, unfit: &mut Vec<Unfit>) -> String {
        if self.is_hidden() {
            return String::new();
        }
        let looks = self.options.look != Look::Bare;
        let mut out = String::with_capacity(48 * (self.rows.len() + 8) * (self.columns.len() + 1));
        self.html_begin(&mut out);
        let mut scratch = String::new();
        for row in &self.rows {
            out.push_str("<tr>");
            for column in &self.columns {
                let value = row.get(column.id);
                let text = match self.borrowed(column, value) {
                    Some(text) => text,
                    None => {
                        scratch.clear();
                        column.write(value, zone, &mut scratch, unfit);
                        &scratch
                    }
                };
                // Not for the whole table: then narrow cells would be broken, too.
                out.push_str(match looks && has_long_word(text) {
                    true => "<td style=\"word-break:break-word\">",
                    false => "<td>",
                });
                escape_into(text, &mut out);
                out.push_str("</td>");
            }
            out.push_str("</tr>\n");
        }
        out.push_str(if looks {
            "</tbody>\n</table>\n"
        } else {
            "</table>\n"
        });
        out
    }

    /// All before the first row.
    fn html_begin(&self, out: &mut String) {
        if let Some(caption) = self.options.caption {
            out.push_str("<h2 style=\"margin:18px 0 6px;font-size:15px;line-height:1.4\">");
            escape_into(caption, out);
            out.push_str("</h2>\n");
        }
        match self.options.look {
            Look::Bare => out.push_str("<table>\n"),
            look => look.begin(self.columns.len(), out),
        }
        if self.options.labels {
            out.push_str("<tr>");
            for column in &self.columns {
                out.push_str("<th>");
                escape_into(column.label, out);
                out.push_str("</th>");
            }
            out.push_str("</tr>\n");
        }
    }

    /// All cells, row by row, and the widest of each column in bytes.
    fn cells(&self, zone: Zone, unfit: &mut Vec<Unfit>) -> (Cells<'a>, Vec<usize>) {
        let label = |column: &Column<'_>| match self.options.labels {
            true => column.label.len(),
            false => 0,
        };
        let mut widths: Vec<_> = self.columns.iter().map(label).collect();
        let mut cells = Cells {
            made: String::new(),
            places: Vec::with_capacity(self.rows.len() * self.columns.len()),
        };
        for row in &self.rows {
            for (column, width) in self.columns.iter().zip(&mut widths) {
                let value = row.get(column.id);
                let (place, length) = match self.borrowed(column, value) {
                    Some(text) => (Place::Borrowed(text), text.len()),
                    None => {
                        let begin = cells.made.len();
                        column.write(value, zone, &mut cells.made, unfit);
                        let end = cells.made.len();
                        (Place::Made(begin, end), end - begin)
                    }
                };
                *width = (*width).max(length);
                cells.places.push(place);
            }
        }
        (cells, widths)
    }

    /// The cell where it is in the data as it is to be shown.
    fn borrowed(&self, column: &Column<'_>, value: Option<&'a Value>) -> Option<&'a str> {
        match (column.renderer, value) {
            (None, Some(Value::String(text))) => Some(text),
            (None, None | Some(Value::Null)) => Some(self.options.missing),
            _ => None,
        }
    }
}

impl Look {
    /// The attributes `rules` and `cellpadding` give all cells their form for a
    /// few bytes; a report of 1,000 guests has 6,000 of them.
    fn begin(self, columns: usize, out: &mut String) {
        let class = match (self, columns >= WIDE) {
            (Look::Failed, true) => "n-rows n-failed n-wide",
            (Look::Failed, false) => "n-rows n-failed",
            (_, true) => "n-rows n-wide",
            (_, false) => "n-rows",
        };
        let _ = write!(
            out,
            "<table class=\"{class}\" width=\"100%\" cellpadding=\"5\" cellspacing=\"0\" rules=\"rows\" \
             style=\"--n:{};border-collapse:collapse;border:solid {};border-width:1px 0;font-size:13px;line-height:1.4;word-break:normal",
            columns.saturating_sub(1),
            LIGHT.line,
        );
        if self == Look::Failed {
            let (ground, text) = (LIGHT.failed, LIGHT.failed_text);
            let _ = write!(
                out,
                ";border-left:4px solid {FAILED_EDGE};background:{ground};color:{text}"
            );
        }
        out.push_str("\">\n<tbody align=\"left\" valign=\"top\">\n");
    }
}

/// Whether a text has a word that may have to be broken.
fn has_long_word(text: &str) -> bool {
    text.len() > LONG_WORD && text.split(' ').any(|word| word.len() > LONG_WORD)
}

/// The texts of all cells: those that had to be made stand in one string.
struct Cells<'a> {
    made: String,
    places: Vec<Place<'a>>,
}

enum Place<'a> {
    Borrowed(&'a str),
    Made(usize, usize),
}

impl Cells<'_> {
    fn iter(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| match place {
            Place::Borrowed(text) => text,
            Place::Made(begin, end) => &self.made[*begin..*end],
        })
    }
}

impl Column<'_> {
    fn write(&self, value: Option<&Value>, zone: Zone, out: &mut String, unfit: &mut Vec<Unfit>) {
        let value = value.unwrap_or(&Value::Null);
        let Some(renderer) = self.renderer else {
            match value.as_u64() {
                Some(number) => push_whole(number, out),
                None => {
                    let _ = write!(out, "{value}");
                }
            }
            return;
        };
        if !renderer.write(value, zone, out) {
            out.push_str(ERROR);
            unfit.push(Unfit {
                renderer,
                value: value.clone(),
            });
        }
    }
}

/// The columns and rows of a table that describes itself.
fn described<'a>(
    table: &'a Value,
    options: Options<'a>,
) -> Result<(Vec<Column<'a>>, &'a Vec<Value>), String> {
    let columns = table["schema"]["columns"]
        .as_array()
        .ok_or("a table needs an array `schema.columns`")?;
    let rows = table["data"]
        .as_array()
        .ok_or("a table needs an array `data`")?;
    let columns: Vec<_> = columns.iter().map(column).collect::<Result<_, _>>()?;
    let columns = match options.columns {
        None => columns,
        Some(shown) => asked_for(shown)
            .filter_map(|(id, label)| {
                let known = columns.iter().find(|column| column.id == id)?;
                let label = label.unwrap_or(known.label);
                Some(Column { label, ..*known })
            })
            .collect(),
    };
    Ok((columns, rows))
}

/// The columns of rows that nothing describes.
fn bare_columns(options: Options<'_>) -> Result<Vec<Column<'_>>, String> {
    let ids = options
        .columns
        .ok_or("an array is a table only with `columns`")?;
    let column = |(id, label): (_, Option<_>)| Column {
        label: label.unwrap_or(id),
        id,
        renderer: None,
    };
    Ok(asked_for(ids).map(column).collect())
}

/// The ids of a list of columns, and their labels where it has some.
fn asked_for(columns: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    columns
        .split_whitespace()
        .map(|column| match column.split_once('=') {
            Some((id, label)) => (id, Some(label)),
            None => (column, None),
        })
}

fn column(column: &Value) -> Result<Column<'_>, String> {
    let text = |key: &str| {
        column[key]
            .as_str()
            .ok_or_else(|| format!("a column of a table needs a text `{key}`"))
    };
    Ok(Column {
        label: text("label")?,
        id: text("id")?,
        renderer: renderer(&column["renderer"])?,
    })
}

fn renderer(name: &Value) -> Result<Option<Renderer>, String> {
    if name.is_null() {
        return Ok(None);
    }
    let known = Renderer::ALL
        .into_iter()
        .find(|renderer| name.as_str() == Some(renderer.name()));
    known.map(Some).ok_or_else(|| {
        let names = Renderer::ALL.map(Renderer::name).join(", ");
        format!("expected a renderer of {names}, not {}", shown(name))
    })
}

fn text_row<'a>(widths: &[usize], cells: impl Iterator<Item = &'a str>, out: &mut String) {
    for (width, cell) in widths.iter().zip(cells) {
        if cell.contains(is_unseen) {
            out.extend(cell.chars().map(|c| if is_unseen(c) { ' ' } else { c }));
        } else {
            out.push_str(cell);
        }
        pad(width + GAP - cell.chars().count(), out);
    }
    out.push('\n');
}

/// Whether a character would end a row, or do in a terminal what no text should:
/// control characters, and what Unicode has to separate lines and paragraphs.
fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn pad(mut blanks: usize, out: &mut String) {
    const BLANKS: &str = "                                ";
    while blanks > BLANKS.len() {
        out.push_str(BLANKS);
        blanks -= BLANKS.len();
    }
    out.push_str(&BLANKS[..blanks]);
}

#[cfg(test)]
mod tests {
    use super::{Look, Options, Rows, Table, Unfit};
    use crate::values::Renderer;
    use notify_core::Zone;
    use serde_json::{Value, json};

    fn guests() -> Value {
        json!({
            "schema": {"columns": [
                {"label": "VMID", "id": "vmid"},
                {"label": "Name", "id": "name"},
                {"label": "Size", "id": "size", "renderer": "human-bytes"},
                {"label": "File", "id": "file"},
            ]},
            "data": [
                {"vmid": 100, "name": "wéb", "size": 1024, "file": "/a"},
                {"vmid": 101, "name": "<b>", "size": -1.5, "file": null},
                {"name": "x"},
            ],
        })
    }

    fn text(table: &Value) -> (String, Vec<Unfit>) {
        let mut unfit = Vec::new();
        let table = Table::read(table, Options::default()).expect("a table");
        (table.text(Zone::Local, &mut unfit), unfit)
    }

    #[test]
    fn width_is_in_bytes_and_padding_in_characters() {
        let (text, unfit) = text(&guests());
        assert_eq!(
            text,
            "VMID    Name    Size      File    \n\
             100     wéb     1 KiB     /a      \n\
             101     <b>     -1.5 B    null    \n\
             null    x       ERROR     null    \n"
        );
        assert_eq!(
            unfit,
            [Unfit {
                renderer: Renderer::HumanBytes,
                value: Value::Null
            }]
        );
    }

    #[test]
    fn the_longest_cell_counts_its_bytes() {
        let (text, _) = text(&json!({
            "schema": {"columns": [{"label": "N", "id": "n"}, {"label": "M", "id": "m"}]},
            "data": [{"n": "ööö", "m": 1}],
        }));
        assert_eq!(text, "N         M    \nööö       1    \n");
    }

    /// Else a cell could end its row and begin one of its own.
    #[test]
    fn control_characters_of_cells_are_blanks() {
        let (text, _) = text(&json!({
            "schema": {"columns": [{"label": "A\nB", "id": "a"}, {"label": "C", "id": "c"}]},
            "data": [
                {"a": "x\r\nok", "c": "\u{1b}[2K"},
                {"a": "\u{85}\u{2028}\t", "c": {"k": "l\nm"}},
            ],
        }));
        let blanks = " ".repeat(8);
        assert_eq!(
            text,
            format!(
                "A B       C               \n\
                 x  ok      [2K            \n\
                 {blanks}  {{\"k\":\"l\\nm\"}}    \n"
            )
        );
    }

    #[test]
    fn html_is_escaped() {
        let table = guests();
        let html = Table::read(&table, Options::default())
            .expect("a table")
            .html(Zone::Local, &mut Vec::new());
        assert_eq!(
            html,
            "<table>\n\
             <tr><th>VMID</th><th>Name</th><th>Size</th><th>File</th></tr>\n\
             <tr><td>100</td><td>wéb</td><td>1 KiB</td><td>/a</td></tr>\n\
             <tr><td>101</td><td>&lt;b&gt;</td><td>-1.5 B</td><td>null</td></tr>\n\
             <tr><td>null</td><td>x</td><td>ERROR</td><td>null</td></tr>\n\
             </table>\n"
        );
    }

    #[test]
    fn a_table_without_rows_or_columns_is_one() {
        let empty = json!({"schema": {"columns": []}, "data": [{}, {}]});
        assert_eq!(text(&empty).0, "\n\n\n");
        let empty = json!({"schema": {"columns": [{"label": "A", "id": "a"}]}, "data": []});
        assert_eq!(text(&empty).0, "A    \n");
    }

    /// As text and as HTML, without what says only how it looks.
    #[track_caller]
    fn check(table: &Value, options: Options<'_>, text: &str, html: &str) {
        let table = Table::read(table, options).expect("a table");
        assert_eq!(table.text(Zone::Local, &mut Vec::new()), text);
        assert_eq!(table.html(Zone::Local, &mut Vec::new()), html);
    }

    #[test]
    fn rows_and_columns_can_be_chosen() {
        let options = Options {
            columns: Some("name vmid=Guest gone"),
            missing: "-",
            ..Options::default()
        };
        let is_b = Rows::Where {
            column: "name",
            is: "<b>",
        };
        check(
            &guests(),
            Options {
                rows: is_b,
                ..options
            },
            "Name    Guest    \n<b>     101      \n",
            "<table>\n<tr><th>Name</th><th>Guest</th></tr>\n<tr><td>&lt;b&gt;</td><td>101</td></tr>\n</table>\n",
        );
        let is_not_b = Rows::WhereNot {
            column: "name",
            is: "<b>",
        };
        check(
            &guests(),
            Options {
                rows: is_not_b,
                labels: false,
                ..options
            },
            "wéb     100    \nx       -      \n",
            "<table>\n<tr><td>wéb</td><td>100</td></tr>\n<tr><td>x</td><td>-</td></tr>\n</table>\n",
        );
    }

    #[test]
    fn a_caption_goes_with_its_rows() {
        let options = Options {
            caption: Some("<Nodes>"),
            columns: Some("node=Node"),
            ..Options::default()
        };
        check(
            &json!([{"node": "pve1"}]),
            options,
            "<Nodes>\nNode    \npve1    \n\n",
            "<h2 style=\"margin:18px 0 6px;font-size:15px;line-height:1.4\">&lt;Nodes&gt;</h2>\n\
             <table>\n<tr><th>Node</th></tr>\n<tr><td>pve1</td></tr>\n</table>\n",
        );
        check(&json!([]), options, "", "");
        check(&json!(null), options, "", "");
    }

    #[test]
    fn only_long_words_may_be_broken_and_only_with_a_look() {
        let long = "x".repeat(25);
        let table = json!([{"a": long, "b": "a sentence of quite a few short words"}]);
        let options = Options {
            columns: Some("a b"),
            ..Options::default()
        };
        let html = |look| {
            let table = Table::read(&table, Options { look, ..options }).expect("a table");
            table.html(Zone::Local, &mut Vec::new())
        };
        assert!(html(Look::Rows).contains(&format!(
            "<tr><td style=\"word-break:break-word\">{long}</td><td>a sentence"
        )));
        assert!(html(Look::Bare).contains(&format!("<tr><td>{long}</td><td>a sentence")));
        assert!(html(Look::Failed).contains("class=\"n-rows n-failed\""));
    }

    #[test]
    fn what_is_no_table_is_named() {
        let refused = |table: Value| {
            Table::read(&table, Options::default())
                .err()
                .expect("no table")
        };
        assert_eq!(
            refused(json!(null)),
            "a table needs an array `schema.columns`"
        );
        assert_eq!(
            refused(json!({"schema": {"columns": []}})),
            "a table needs an array `data`"
        );
        assert_eq!(
            refused(json!({"schema": {"columns": [{"label": "A"}]}, "data": []})),
            "a column of a table needs a text `id`"
        );
        assert_eq!(
            refused(json!([])),
            "an array is a table only with `columns`"
        );
        assert_eq!(
            refused(json!({"schema": {"columns": []}, "data": [1]})),
            "a row of a table is an object"
        );
        assert_eq!(
            refused(
                json!({"schema": {"columns": [{"label": "A", "id": "a", "renderer": "x"}]}, "data": []})
            ),
            "expected a renderer of human-bytes, duration, timestamp, not \"x\""
        );
    }
}
