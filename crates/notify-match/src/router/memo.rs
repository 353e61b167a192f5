//! Rows that were needed before.

use std::collections::HashMap;

/// Which row is asked for.
#[derive(Debug)]
pub(super) enum Need<'e> {
    /// Of a value of a field.
    Value { axis: usize, value: &'e str },
    /// Of a part of the week on a clock.
    Time { axis: usize, segment: u16 },
    /// Of the fields that are there, ascending.
    Presence { axes: Vec<usize> },
}

/// Remembered rows, all of one length. When there are too many, all are forgotten:
/// that costs each event no more than rows that were never remembered.
#[derive(Debug)]
pub(super) struct Memo {
    words: usize,
    /// Row after row.
    rows: Vec<u64>,
    most_rows: usize,
    values: Vec<HashMap<Box<str>, usize>>,
    times: HashMap<(usize, u16), usize>,
    presence: HashMap<Vec<usize>, usize>,
}

const MOST_BYTES: usize = 8 * 1024 * 1024;
const FEWEST_ROWS: usize = 16;
const MOST_ROWS: usize = 8192;
/// Longer values are not remembered: they hardly come twice.
const LONGEST_VALUE: usize = 256;

impl Memo {
    /// For rows of `words` machine words and so many fields.
    pub(super) fn new(words: usize, fields: usize) -> Self {
        Memo {
            words,
            rows: Vec::new(),
            most_rows: (MOST_BYTES / (8 * words)).clamp(FEWEST_ROWS, MOST_ROWS),
            values: vec![HashMap::new(); fields],
            times: HashMap::new(),
            presence: HashMap::new(),
        }
    }

    pub(super) fn row(&self, need: &Need<'_>) -> Option<&[u64]> {
        let start = match need {
            Need::Value { axis, value } => self.values[*axis].get(*value),
            Need::Time { axis, segment } => self.times.get(&(*axis, *segment)),
            Need::Presence { axes } => self.presence.get(axes),
        };
        start.map(|start| &self.rows[*start..*start + self.words])
    }

    pub(super) fn insert(&mut self, need: &Need<'_>, row: &[u64]) {
        if matches!(need, Need::Value { value, .. } if value.len() > LONGEST_VALUE) {
            return;
        }
        if self.rows.len() >= self.most_rows * self.words {
            self.forget();
        }
        let start = self.rows.len();
        self.rows.extend_from_slice(row);
        match need {
            Need::Value { axis, value } => self.values[*axis].insert((*value).into(), start),
            Need::Time { axis, segment } => self.times.insert((*axis, *segment), start),
            Need::Presence { axes } => self.presence.insert(axes.clone(), start),
        };
    }

    fn forget(&mut self) {
        self.rows.clear();
        self.values.iter_mut().for_each(HashMap::clear);
        self.times.clear();
        self.presence.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_VALUE, MOST_ROWS, Memo, Need};

    #[test]
    fn it_forgets_rather_than_grows() {
        let mut memo = Memo::new(1, 1);
        let values: Vec<String> = (0..=MOST_ROWS).map(|number| number.to_string()).collect();
        for (number, value) in (0..).zip(&values) {
            let need = Need::Value { axis: 0, value };
            memo.insert(&need, &[number]);
            assert_eq!(memo.row(&need), Some(&[number][..]));
        }
        let first = Need::Value {
            axis: 0,
            value: "0",
        };
        assert_eq!(memo.row(&first), None);
        assert_eq!(memo.rows.len(), 1);
    }

    #[test]
    fn long_values_are_not_remembered() {
        let mut memo = Memo::new(1, 1);
        let value = &*"x".repeat(LONGEST_VALUE + 1);
        memo.insert(&Need::Value { axis: 0, value }, &[1]);
        assert!(memo.rows.is_empty());
    }
}
