//! What data is made of, in the order of its worth.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// A text shorter than this is part of the summary and always stays. In bytes.
const SHORT: usize = 200;

/// A longer line is kept or left out in pieces. In bytes.
const LONG_LINE: usize = 240;

/// Deeper data is part of the summary.
const DEEPEST: usize = 4;

/// How much a unit is worth; the first is kept longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// A row of something that failed.
    FailedRow,
    /// A line that tells of a failure.
    TroubleLine,
    /// A row of something that has not ended, or of a table that knows no status.
    Row,
    /// An entry of a list.
    Item,
    /// A row of something that went well.
    GoodRow,
    /// Any other line.
    QuietLine,
    /// A text that makes sense only as a whole, as markup.
    Whole,
}

/// What a unit is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noun {
    Row,
    Entry,
    Line,
    Part,
}

impl Worth {
    fn noun(self) -> Noun {
        match self {
            Worth::FailedRow | Worth::Row | Worth::GoodRow => Noun::Row,
            Worth::Item => Noun::Entry,
            Worth::TroubleLine | Worth::QuietLine => Noun::Line,
            Worth::Whole => Noun::Part,
        }
    }
}

impl Noun {
    fn counted(self, count: usize) -> &'static str {
        match (self, count) {
            (Noun::Row, 1) => "row",
            (Noun::Row, _) => "rows",
            (Noun::Entry, 1) => "entry",
            (Noun::Entry, _) => "entries",
            (Noun::Line, 1) => "line",
            (Noun::Line, _) => "lines",
            (Noun::Part, 1) => "part",
            (Noun::Part, _) => "parts",
        }
    }
}

/// The smallest thing that is kept or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Unit {
    worth: Worth,
    /// Which of the places.
    place: usize,
    /// Which of the place's parts.
    part: usize,
}

/// A place in the data that can be made smaller.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: Vec<String>,
    pub(super) content: Content,
}

/// What stands there.
#[derive(Debug)]
pub(super) enum Content {
    /// The rows of a table, or the entries of a list.
    Entries,
    /// The pieces of a text.
    Text(Vec<Piece>),
    /// A text that is kept or left out.
    Whole,
}

/// A line of a text or a piece of a long one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// All units of some data, the most valuable first.
#[derive(Debug)]
pub(super) struct Units {
    pub(super) places: Vec<Place>,
    order: Vec<Unit>,
}

impl Units {
    pub(super) fn of(data: &Value) -> Self {
        let mut units = Units {
            places: Vec::new(),
            order: Vec::new(),
        };
        let mut failed = HashSet::new();
        names_of_failed(data, 0, &mut failed);
        units.collect(data, &mut Vec::new(), &failed);
        units.order.sort_unstable();
        units
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// For each place the parts that belong to the first `keep` units: entries
    /// in the order of their worth, pieces of text in their own.
    pub(super) fn kept(&self, keep: usize) -> Vec<Vec<usize>> {
        let mut kept = vec![Vec::new(); self.places.len()];
        for unit in &self.order[..keep.min(self.order.len())] {
            kept[unit.place].push(unit.part);
        }
        for (parts, place) in kept.iter_mut().zip(&self.places) {
            if matches!(place.content, Content::Text(_)) {
                parts.sort_unstable();
            }
        }
        kept
    }

    /// What the text says about what was left out after the first `keep` units.
    pub(super) fn note(&self, keep: usize) -> String {
        let left = &self.order[keep.min(self.order.len())..];
        let parts: Vec<_> = [Noun::Row, Noun::Entry, Noun::Line, Noun::Part]
            .into_iter()
            .filter_map(|noun| {
                let count = |units: &[Unit]| {
                    let counted = units.iter().filter(|unit| unit.worth.noun() == noun);
                    counted.count()
                };
                let (missing, all) = (count(left), count(&self.order));
                (missing > 0).then(|| format!("{missing} of {all} {}", noun.counted(all)))
            })
            .collect();
        if parts.is_empty() {
            return "[shortened]".to_owned();
        }
        format!("[shortened: {} left out]", parts.join(", "))
    }

    fn collect(&mut self, value: &Value, path: &mut Vec<String>, failed: &HashSet<String>) {
        match value {
            Value::String(text) if text.len() >= SHORT => self.add_text(text, path, failed),
            Value::Array(entries) => self.add_entries(entries, path, |_| Worth::Item),
            Value::Object(object) => match rows(object) {
                Some(rows) => {
                    path.push("data".to_owned());
                    self.add_entries(rows, path, worth_of_row);
                    path.pop();
                }
                None if path.len() < DEEPEST => {
                    for (key, value) in object {
                        path.push(key.clone());
                        self.collect(value, path, failed);
                        path.pop();
                    }
                }
                None => {}
            },
            _ => {}
        }
    }

    fn add_entries(&mut self, entries: &[Value], path: &[String], worth: impl Fn(&Value) -> Worth) {
        let place = self.places.len();
        let units = entries.iter().enumerate().map(|(part, entry)| Unit {
            worth: worth(entry),
            place,
            part,
        });
        self.order.extend(units);
        self.places.push(Place {
            path: path.to_vec(),
            content: Content::Entries,
        });
    }

    fn add_text(&mut self, text: &str, path: &[String], failed: &HashSet<String>) {
        let place = self.places.len();
        let content = if is_markup(text, path) {
            self.order.push(Unit {
                worth: Worth::Whole,
                place,
                part: 0,
            });
            Content::Whole
        } else {
            let pieces = pieces(text);
            let units = pieces.iter().enumerate().map(|(part, piece)| Unit {
                worth: worth_of_line(&text[piece.begin..piece.end], failed),
                place,
                part,
            });
            self.order.extend(units);
            Content::Text(pieces)
        };
        self.places.push(Place {
            path: path.to_vec(),
            content,
        });
    }
}

/// The rows of a table as the `table` helper reads it.
fn rows(object: &Map<String, Value>) -> Option<&Vec<Value>> {
    object.get("schema")?.get("columns")?.as_array()?;
    object.get("data")?.as_array()
}

fn worth_of_row(row: &Value) -> Worth {
    match row["status"].as_str() {
        Some("err" | "error" | "failed" | "failure") => Worth::FailedRow,
        Some("ok" | "OK" | "success") => Worth::GoodRow,
        _ => Worth::Row,
    }
}

/// A line is worth more when it speaks of a failure, or begins with the name of a failed row, as those of a backup's log do.
fn worth_of_line(line: &str, failed: &HashSet<String>) -> Worth {
    let head = line.split_once(": ").map(|(head, _)| head);
    let lower = line.to_ascii_lowercase();
    if head.is_some_and(|head| failed.contains(head))
        || lower.contains("error")
        || lower.contains("fail")
    {
        Worth::TroubleLine
    } else {
        Worth::QuietLine
    }
}

/// The first cells of failed rows: the columns' order says which that is.
fn names_of_failed(value: &Value, depth: usize, names: &mut HashSet<String>) {
    let Value::Object(object) = value else { return };
    if let Some(rows) = rows(object) {
        let id = object["schema"]["columns"][0]["id"].as_str();
        let failed = rows
            .iter()
            .filter(|row| worth_of_row(row) == Worth::FailedRow);
        names.extend(failed.filter_map(|row| match &row[id?] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }));
    } else if depth < DEEPEST {
        for value in object.values() {
            names_of_failed(value, depth + 1, names);
        }
    }
}

/// Half of a document is not a document.
fn is_markup(text: &str, path: &[String]) -> bool {
    text.trim_start().starts_with('<') || path.last().is_some_and(|key| key == "html")
}

/// The lines of a text without their ends, long ones in several pieces.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let content = begin + line.strip_suffix('\n').map_or(line.len(), str::len);
        let mut from = begin;
        while content - from > LONG_LINE {
            let end = place_to_break(&text[from..content]) + from;
            pieces.push(Piece { begin: from, end });
            from = end;
        }
        pieces.push(Piece {
            begin: from,
            end: content,
        });
        begin += line.len();
    }
    pieces
}

/// After the last blank of the first [`LONG_LINE`] bytes, else after the last whole character.
fn place_to_break(line: &str) -> usize {
    let most = (0..=LONG_LINE)
        .rev()
        .find(|at| line.is_char_boundary(*at))
        .unwrap_or(LONG_LINE);
    let blank = line[..most].rfind(' ').map(|at| at + 1);
    blank.filter(|at| *at > most / 2).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::{LONG_LINE, Units, Worth, pieces, worth_of_line};
    use serde_json::json;

    fn guests() -> serde_json::Value {
        json!({
            "title": "short",
            "table": {"schema": {"columns": [{"id": "vmid"}]}, "data": [
                {"vmid": 1, "status": "ok"},
                {"vmid": 2, "status": "todo"},
                {"vmid": 3, "status": "err"},
            ]},
            "logs": format!("1: fine\n3: cannot\n{}", "calm\n".repeat(50)),
        })
    }

    #[test]
    fn failures_are_worth_most() {
        let units = Units::of(&guests());
        let worth: Vec<_> = units.order.iter().map(|unit| unit.worth).collect();
        let expected = [
            Worth::FailedRow,
            Worth::TroubleLine,
            Worth::Row,
            Worth::GoodRow,
            Worth::QuietLine,
        ];
        assert_eq!(worth[..5], expected);
        assert!(worth[4..].iter().all(|known| *known == Worth::QuietLine));
    }

    #[test]
    fn the_note_counts_what_is_missing() {
        let units = Units::of(&guests());
        assert_eq!(units.note(units.len()), "[shortened]");
        let all = "[shortened: 3 of 3 rows, 52 of 52 lines left out]";
        assert_eq!(units.note(0), all);
        let some = "[shortened: 1 of 3 rows, 51 of 52 lines left out]";
        assert_eq!(units.note(3), some);
    }

    #[test]
    fn long_lines_are_broken_between_words_and_characters() {
        for text in ["word ".repeat(200), "é".repeat(1000), "x".repeat(999)] {
            let pieces = pieces(&text);
            assert!(
                pieces
                    .iter()
                    .all(|piece| piece.end - piece.begin <= LONG_LINE)
            );
            let joined: String = pieces
                .iter()
                .map(|piece| &text[piece.begin..piece.end])
                .collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn a_line_of_a_failed_guest_tells_of_trouble() {
        let failed = ["101".to_owned()].into();
        assert_eq!(worth_of_line("101: starting", &failed), Worth::TroubleLine);
        assert_eq!(worth_of_line("1010: starting", &failed), Worth::QuietLine);
        assert_eq!(worth_of_line("x: ERROR: y", &failed), Worth::TroubleLine);
    }
}
