//! The `table` helper: rows of data under a heading, as text or as HTML.
//!
//! ```json
//! {"schema": {"columns": [{"label": "Size", "id": "size", "renderer": "human-bytes"}]},
//!  "data": [{"size": 1024}]}
//! ```

use std::fmt::Write as _;

use notify_core::Zone;
use serde_json::{Map, Value};

use crate::escape::escape_into;
use crate::values::{ERROR, Renderer, shown};

/// Blanks after the widest cell of a column.
const GAP: usize = 4;

struct Column<'a> {
    label: &'a str,
    id: &'a str,
    renderer: Option<Renderer>,
}

/// A table, checked and borrowed from the data.
pub(crate) struct Table<'a> {
    columns: Vec<Column<'a>>,
    rows: Vec<&'a Map<String, Value>>,
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
    pub(crate) fn read(table: &'a Value) -> Result<Self, String> {
        let columns = table["schema"]["columns"]
            .as_array()
            .ok_or("a table needs an array `schema.columns`")?;
        let rows = table["data"]
            .as_array()
            .ok_or("a table needs an array `data`")?;
        Ok(Table {
            columns: columns.iter().map(column).collect::<Result<_, _>>()?,
            rows: rows
                .iter()
                .map(|row| row.as_object().ok_or("a row of a table is an object"))
                .collect::<Result<_, _>>()?,
        })
    }

    /// A heading and a line for each row, columns padded with blanks.
    ///
    /// A column is as wide as its longest cell has bytes, and four more, while
    /// the padding counts characters: so proxmox-notify aligns them.
    pub(crate) fn text(&self, zone: Zone, unfit: &mut Vec<Unfit>) -> String {
        let cells = self.cells(zone, unfit);
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .map(|column| column.label.len())
            .collect();
        for (at, cell) in cells.iter().enumerate() {
            let width = &mut widths[at % self.columns.len()];
            *width = (*width).max(cell.len());
        }
        let line = widths.iter().sum::<usize>() + GAP * widths.len() + 1;
        let mut out = String::with_capacity(line * (self.rows.len() + 1));
        let labels = self.columns.iter().map(|column| column.label);
        text_row(widths.iter().zip(labels), &mut out);
        let mut cells = cells.iter();
        for _ in &self.rows {
            text_row(widths.iter().zip(cells.by_ref()), &mut out);
        }
        out
    }

    /// A `table` element. Every text in it is escaped.
    pub(crate) fn html(&self, zone: Zone, unfit: &mut Vec<Unfit>) -> String {
        let mut out = String::with_capacity(64 * (self.rows.len() + 1) * (self.columns.len() + 1));
        out.push_str("<table>\n<tr>");
        for column in &self.columns {
            out.push_str("<th>");
            escape_into(column.label, &mut out);
            out.push_str("</th>");
        }
        out.push_str("</tr>\n");
        let mut scratch = String::new();
        for row in &self.rows {
            out.push_str("<tr>");
            for column in &self.columns {
                out.push_str("<td>");
                match column.borrowed(row) {
                    Some(text) => escape_into(text, &mut out),
                    None => {
                        scratch.clear();
                        column.write(row, zone, &mut scratch, unfit);
                        escape_into(&scratch, &mut out);
                    }
                }
                out.push_str("</td>");
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table>\n");
        out
    }

    /// All cells, row by row.
    fn cells(&self, zone: Zone, unfit: &mut Vec<Unfit>) -> Cells<'a> {
        let mut cells = Cells {
            made: String::new(),
            places: Vec::with_capacity(self.rows.len() * self.columns.len()),
        };
        for row in &self.rows {
            for column in &self.columns {
                let place = match column.borrowed(row) {
                    Some(text) => Place::Borrowed(text),
                    None => {
                        let begin = cells.made.len();
                        column.write(row, zone, &mut cells.made, unfit);
                        Place::Made(begin, cells.made.len())
                    }
                };
                cells.places.push(place);
            }
        }
        cells
    }
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
    /// The cell where it is in the data as it is to be shown.
    fn borrowed<'a>(&self, row: &'a Map<String, Value>) -> Option<&'a str> {
        match (self.renderer, row.get(self.id)) {
            (None, Some(Value::String(text))) => Some(text),
            (None, None | Some(Value::Null)) => Some("null"),
            _ => None,
        }
    }

    fn write(
        &self,
        row: &Map<String, Value>,
        zone: Zone,
        out: &mut String,
        unfit: &mut Vec<Unfit>,
    ) {
        let value = row.get(self.id).unwrap_or(&Value::Null);
        let Some(renderer) = self.renderer else {
            let _ = write!(out, "{value}");
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

fn text_row<'a>(cells: impl Iterator<Item = (&'a usize, &'a str)>, out: &mut String) {
    for (width, cell) in cells {
        out.push_str(cell);
        let blanks = (width + GAP).saturating_sub(cell.chars().count());
        out.extend(std::iter::repeat_n(' ', blanks));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{Table, Unfit};
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
        let table = Table::read(table).expect("a table");
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

    #[test]
    fn html_is_escaped() {
        let table = guests();
        let html = Table::read(&table)
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

    #[test]
    fn what_is_no_table_is_named() {
        let refused = |table: Value| Table::read(&table).err().expect("no table");
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
