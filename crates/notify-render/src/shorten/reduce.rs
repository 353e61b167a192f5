//! Data of which only a part is kept.

use notify_core::{Limit, Unit};
use serde_json::Value;

use super::units::{Content, Piece, Place, Units};
use crate::cut;

/// What stands where lines of a text are missing.
const GAP: &str = "[…]";

/// A longer cell would drive out the other rows.
const CELL: Limit = Limit::new(160, Unit::Characters);

/// A copy of the data with the first `keep` units.
pub(super) fn reduced(data: &Value, units: &Units, keep: usize) -> Value {
    let mut copier = Copier {
        places: &units.places,
        kept: &units.kept(keep),
        next: 0,
    };
    copier.copy(data, &mut Vec::new())
}

/// Copies data and meets its places in the order in which they were found.
struct Copier<'a> {
    places: &'a [Place],
    kept: &'a [Vec<usize>],
    /// The place that is met next.
    next: usize,
}

impl Copier<'_> {
    fn copy<'v>(&mut self, value: &'v Value, path: &mut Vec<&'v str>) -> Value {
        let Some(place) = self.places.get(self.next) else {
            return value.clone();
        };
        if place.path == *path {
            let kept = &self.kept[self.next];
            self.next += 1;
            return reduced_place(value, &place.content, kept);
        }
        match value {
            Value::Object(object) if is_within(&place.path, path) => {
                let mut copied = serde_json::Map::new();
                for (key, value) in object {
                    path.push(key);
                    copied.insert(key.clone(), self.copy(value, path));
                    path.pop();
                }
                Value::Object(copied)
            }
            _ => value.clone(),
        }
    }
}

fn is_within(place: &[String], path: &[&str]) -> bool {
    place.len() > path.len() && place.iter().zip(path).all(|(a, b)| a == b)
}

fn reduced_place(value: &Value, content: &Content, kept: &[usize]) -> Value {
    match (value, content) {
        (Value::Array(entries), Content::Entries) => {
            Value::Array(kept.iter().map(|part| entry(&entries[*part])).collect())
        }
        (Value::String(text), Content::Text(pieces)) => Value::String(joined(text, pieces, kept)),
        (_, Content::Whole) if kept.is_empty() => Value::Null,
        _ => value.clone(),
    }
}

/// A row with its longest cells cut.
fn entry(entry: &Value) -> Value {
    let mut entry = entry.clone();
    if let Value::Object(cells) = &mut entry {
        for cell in cells.values_mut() {
            if let Value::String(text) = cell
                && !CELL.holds(text)
            {
                *text = cut::line(text, CELL).into_owned();
            }
        }
    }
    entry
}

/// The kept pieces of a text, a mark for each gap between them.
fn joined(text: &str, pieces: &[Piece], kept: &[usize]) -> String {
    let mut out = String::new();
    let mut next = 0;
    for part in kept {
        let piece = pieces[*part];
        if *part != next {
            on_a_new_line(&mut out);
            out.push_str(GAP);
            out.push('\n');
        }
        out.push_str(&text[piece.begin..piece.end]);
        if ends_its_line(text, piece) {
            out.push('\n');
        }
        next = part + 1;
    }
    if next < pieces.len() {
        on_a_new_line(&mut out);
        out.push_str(GAP);
    }
    out
}

fn ends_its_line(text: &str, piece: Piece) -> bool {
    text[piece.end..].starts_with('\n')
}

fn on_a_new_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::reduced;
    use crate::shorten::units::Units;
    use serde_json::json;

    #[test]
    fn whole_data_stays_as_it_is_but_for_the_order_of_rows() {
        let data = json!({
            "logs": format!("a\n{}\n\nz", "long ".repeat(100)),
            "error": null,
            "nodes": [1, {"a": [2]}],
            "deep": {"er": {"text": "y".repeat(300)}},
            "html": format!("<p>{}", "x".repeat(300)),
        });
        let units = Units::of(&data);
        assert_eq!(reduced(&data, &units, units.len()), data);
    }

    #[test]
    fn nothing_kept_leaves_the_summary() {
        let data = json!({
            "status-text": "backup failed",
            "logs": "line\n".repeat(100),
            "t": {"schema": {"columns": []}, "data": [{"a": 1}]},
            "html": "<p>".repeat(100),
        });
        let units = Units::of(&data);
        let expected = json!({
            "status-text": "backup failed",
            "logs": "[…]",
            "t": {"schema": {"columns": []}, "data": []},
            "html": null,
        });
        assert_eq!(reduced(&data, &units, 0), expected);
    }

    #[test]
    fn gaps_are_marked() {
        let text = format!("one\nERROR two\n{}ERROR three\n", "calm\n".repeat(50));
        let data = json!({ "logs": text });
        let units = Units::of(&data);
        let logs = |keep| reduced(&data, &units, keep)["logs"].clone();
        assert_eq!(logs(2), "[…]\nERROR two\n[…]\nERROR three\n");
        assert_eq!(logs(4), "one\nERROR two\ncalm\n[…]\nERROR three\n");
    }
}
