//! Tables, as tbl reads them.

use std::fmt::Write as _;

/// A column whose cells are no longer keeps them on one line.
const SHORT: usize = 24;

/// A table that is being filled, row by row.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    open: Vec<String>,
}

impl Table {
    /// One more cell of this row, already escaped.
    pub(super) fn cell(&mut self, text: String) {
        self.open.push(text);
    }

    /// The row is complete; the first one is the head.
    pub(super) fn row(&mut self) {
        self.rows.push(std::mem::take(&mut self.open));
    }

    /// Short columns as wide as their cells, the others share what is left and break their lines.
    pub(super) fn roff(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let is_long: Vec<bool> = (0..columns).map(|column| self.is_long(column)).collect();
        let format = |bold: &str| {
            let column = |long: &bool| format!("l{bold}{}", if *long { "x" } else { "" });
            is_long.iter().map(column).collect::<Vec<_>>().join(" ")
        };
        let mut roff = ".TS\n".to_owned();
        let _ = writeln!(roff, "{}\n{}.", format("B"), format(""));
        for row in &self.rows {
            let cells = row.iter().zip(&is_long).map(|(cell, long)| match long {
                true => format!("T{{\n{}\nT}}", begun(cell)),
                false => begun(cell),
            });
            roff.push_str(&cells.collect::<Vec<_>>().join("\t"));
            roff.push('\n');
        }
        roff.push_str(".TE\n");
        roff
    }

    fn is_long(&self, column: usize) -> bool {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| shown_length(cell)).max().unwrap_or(0) > SHORT
    }
}

/// A cell may begin with what tbl or roff would read as a command.
fn begun(cell: &str) -> String {
    match cell.starts_with(['.', '\'', '_', '=']) || cell == "T{" {
        true => format!("\\&{cell}"),
        false => cell.to_owned(),
    }
}

/// How many characters are seen of an escaped text.
fn shown_length(cell: &str) -> usize {
    let mut length = 0;
    let mut rest = cell;
    while let Some((plain, escape)) = rest.split_once('\\') {
        let is_font = escape.starts_with('f');
        length += plain.chars().count() + usize::from(!is_font);
        rest = &escape[super::escape_length(escape)..];
    }
    length + rest.chars().count()
}
