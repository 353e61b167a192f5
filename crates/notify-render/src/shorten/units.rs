//! What data is made of, in the order of its worth.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// A text shorter than this is part of the summary and always stays. In bytes.
const SHORT: usize = 200;

/// A longer line is kept or left out in pieces. In bytes.
const LONG_LINE: usize = 240;

/// The key of texts that are markup: half of a document is not a document.
const MARKUP: &str = "html";

/// Deeper data is part of the summary.
const DEEPEST: usize = 4;

/// Texts of which there is much and of which little matters: logs, and what people or programs write at length.
const LENGTHY: [&str; 5] = ["logs", "log", "text", "message", "output"];

/// So many pieces of any other text are as good as the summary.
const REASONS: usize = 8;

/// Words for a status or a state that needs nobody.
const GOOD: [&str; 7] = [
    "ok",
    "success",
    "successful",
    "online",
    "started",
    "running",
    "active",
];

/// How much a unit is worth; the first is kept longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// The beginning of a text that gives a reason, as that of an error.
    Reason,
    /// A row of something that did not go well.
    FailedRow,
    /// An entry of a list that is concerned by a failure.
    FailedItem,
    /// A line that tells of a failure.
    TroubleLine,
    /// A line about something that did not go well.
    LineOfFailed,
    /// A row of a table that knows no status.
    Row,
    /// Another entry of a list.
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
}

impl Worth {
    /// What people call it; markup is nothing that they see.
    fn noun(self) -> Option<Noun> {
        match self {
            Worth::FailedRow | Worth::Row | Worth::GoodRow => Some(Noun::Row),
            Worth::FailedItem | Worth::Item => Some(Noun::Entry),
            Worth::Reason | Worth::TroubleLine | Worth::LineOfFailed | Worth::QuietLine => {
                Some(Noun::Line)
            }
            Worth::Whole => None,
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
        units.collect(data, &mut Vec::new(), &Failed::of(data));
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
        let parts: Vec<_> = [Noun::Row, Noun::Entry, Noun::Line]
            .into_iter()
            .filter_map(|noun| {
                let count = |units: &[Unit]| {
                    let counted = units.iter().filter(|unit| unit.worth.noun() == Some(noun));
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

    fn collect(&mut self, value: &Value, path: &mut Vec<String>, failed: &Failed) {
        match value {
            Value::String(text) if text.len() >= SHORT => self.add_text(text, path, failed),
            Value::Array(entries) => self.add_entries(entries, path, |entry| failed.worth(entry)),
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

    fn add_text(&mut self, text: &str, path: &[String], failed: &Failed) {
        let place = self.places.len();
        let key = path.last().map_or(LENGTHY[0], String::as_str);
        let content = if key == MARKUP {
            self.order.push(Unit {
                worth: Worth::Whole,
                place,
                part: 0,
            });
            Content::Whole
        } else {
            let gives_reasons = !LENGTHY.contains(&key);
            let pieces = pieces(text);
            let units = pieces.iter().enumerate().map(|(part, piece)| Unit {
                worth: if gives_reasons && part < REASONS {
                    Worth::Reason
                } else {
                    failed.worth_of_line(&text[piece.begin..piece.end])
                },
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

/// A row that has a status and whose status is not good is one that people must see.
fn worth_of_row(row: &Value) -> Worth {
    match is_good(&row["status"]) {
        Some(true) => Worth::GoodRow,
        Some(false) => Worth::FailedRow,
        None => Worth::Row,
    }
}

/// Whether a word for a status is a good one; none where there is no word.
fn is_good(status: &Value) -> Option<bool> {
    let word = status.as_str()?;
    Some(GOOD.iter().any(|good| word.eq_ignore_ascii_case(good)))
}

/// What did not go well, by name.
#[derive(Debug, Default)]
struct Failed {
    /// The first cells of rows that failed: the columns' order says which those are.
    rows: HashSet<String>,
    /// What the data call failed, as `failed-node`.
    things: HashSet<String>,
}

impl Failed {
    fn of(data: &Value) -> Self {
        let mut failed = Failed::default();
        failed.find(data, 0);
        failed
    }

    fn find(&mut self, value: &Value, depth: usize) {
        let Value::Object(object) = value else { return };
        if let Some(rows) = rows(object) {
            let Some(id) = object["schema"]["columns"][0]["id"].as_str() else {
                return;
            };
            let failed = rows
                .iter()
                .filter(|row| worth_of_row(row) == Worth::FailedRow);
            self.rows.extend(failed.filter_map(|row| match &row[id] {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }));
        } else if depth < DEEPEST {
            for (key, value) in object {
                match value {
                    Value::String(text) if key.starts_with("failed-") => {
                        self.things.insert(text.clone());
                    }
                    _ => self.find(value, depth + 1),
                }
            }
        }
    }

    /// An entry is concerned when its state is not good, or when it names what has failed.
    fn worth(&self, entry: &Value) -> Worth {
        let Value::Object(cells) = entry else {
            return Worth::Item;
        };
        let names_failed =
            |cell: &Value| cell.as_str().is_some_and(|text| self.things.contains(text));
        let is_bad = |key: &str| cells.get(key).and_then(is_good) == Some(false);
        if is_bad("status") || is_bad("state") || cells.values().any(names_failed) {
            Worth::FailedItem
        } else {
            Worth::Item
        }
    }

    /// A line is worth more when it speaks of a failure and is not marked as mere
    /// information, or begins with the name of a failed row, as those of a backup's log do.
    fn worth_of_line(&self, line: &str) -> Worth {
        let head = line.split_once(": ").map(|(head, _)| head);
        let lower = line.to_ascii_lowercase();
        let speaks_of_failure = lower.contains("error") || lower.contains("fail");
        if speaks_of_failure && !line.contains("INFO") {
            Worth::TroubleLine
        } else if head.is_some_and(|head| self.rows.contains(head)) {
            Worth::LineOfFailed
        } else {
            Worth::QuietLine
        }
    }
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
    use super::{Failed, LONG_LINE, Units, Worth, pieces};
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
            Worth::FailedRow,
            Worth::LineOfFailed,
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
    fn lines_of_failures_come_before_lines_about_what_failed() {
        let failed = Failed {
            rows: ["101".to_owned()].into(),
            ..Failed::default()
        };
        for (line, worth) in [
            ("101: starting", Worth::LineOfFailed),
            ("1010: starting", Worth::QuietLine),
            ("x: ERROR: y", Worth::TroubleLine),
            ("100: INFO: 0 errors, 0 failures seen", Worth::QuietLine),
            ("101: INFO: 0 errors", Worth::LineOfFailed),
            ("md0: Failure of sdb", Worth::TroubleLine),
        ] {
            assert_eq!(failed.worth_of_line(line), worth, "{line}");
        }
    }

    #[test]
    fn reasons_are_worth_more_than_rows() {
        let reason = "storage nas0 is not online\n".repeat(10);
        let units = Units::of(&json!({"error": reason, "logs": "calm\n".repeat(50)}));
        let reasons = units
            .order
            .iter()
            .filter(|unit| unit.worth == Worth::Reason);
        assert_eq!(reasons.count(), 8);
        assert_eq!(units.order[0].worth, Worth::Reason);
    }

    #[test]
    fn entries_that_a_failure_concerns_come_first() {
        let data = json!({"failed-node": "pve2", "nodes": [
            {"node": "pve1", "status": "online"},
            {"node": "pve2", "status": "unknown"},
        ], "resources": [
            {"resource": "vm:1", "state": "started", "node": "pve1"},
            {"resource": "vm:2", "state": "started", "node": "pve2"},
        ]});
        let units = Units::of(&data);
        let order: Vec<_> = units
            .order
            .iter()
            .map(|unit| (unit.worth, unit.part))
            .collect();
        let expected = [
            (Worth::FailedItem, 1),
            (Worth::FailedItem, 1),
            (Worth::Item, 0),
            (Worth::Item, 0),
        ];
        assert_eq!(order, expected);
    }
}
