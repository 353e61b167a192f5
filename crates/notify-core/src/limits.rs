//! How much of a text a target can take.

use std::fmt;

/// The most that the far side takes of each text; none where it takes any length.
///
/// Whoever delivers shortens the texts before the target sees them.
///
/// ```
/// use notify_core::{Limit, Limits, Unit};
/// let telegram = Limits { body: Some(Limit::new(4096, Unit::Utf16)), ..Limits::NONE };
/// assert!(telegram.body.is_some_and(|limit| limit.holds("short") && !limit.holds(&"🔥".repeat(2049))));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of [`Message::subject`](crate::Message::subject).
    pub title: Option<Limit>,
    /// Of [`Message::text`](crate::Message::text), and of the HTML where the target sends that.
    pub body: Option<Limit>,
}

impl Limits {
    /// Any length will do.
    pub const NONE: Limits = Limits {
        title: None,
        body: None,
    };
}

/// A length, in the unit in which the service counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The greatest length that is taken.
    pub max: usize,
    /// What is counted.
    pub unit: Unit,
}

impl Limit {
    /// At most so many of these.
    pub const fn new(max: usize, unit: Unit) -> Self {
        Limit { max, unit }
    }

    /// Whether a text is short enough.
    pub fn holds(&self, text: &str) -> bool {
        // No character has more units than bytes.
        text.len() <= self.max || self.unit.length(text) <= self.max
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.max, self.unit.plural())
    }
}

/// What a service counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Octets of UTF-8.
    Bytes,
    /// Unicode scalar values.
    Characters,
    /// Code units of UTF-16, as JavaScript, Java and Telegram count.
    Utf16,
}

impl Unit {
    /// All of them.
    pub const ALL: [Unit; 3] = [Unit::Bytes, Unit::Characters, Unit::Utf16];

    /// The word in files: `bytes`, `chars` or `utf16`.
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Bytes => "bytes",
            Unit::Characters => "chars",
            Unit::Utf16 => "utf16",
        }
    }

    /// How long a text is.
    pub fn length(self, text: &str) -> usize {
        match self {
            Unit::Bytes => text.len(),
            Unit::Characters => text.chars().count(),
            Unit::Utf16 => text.chars().map(char::len_utf16).sum(),
        }
    }

    /// How much one character counts.
    pub fn width(self, character: char) -> usize {
        match self {
            Unit::Bytes => character.len_utf8(),
            Unit::Characters => 1,
            Unit::Utf16 => character.len_utf16(),
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Unit::Bytes => "bytes",
            Unit::Characters => "characters",
            Unit::Utf16 => "UTF-16 units",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, Unit};

    #[test]
    fn each_unit_counts_its_own() {
        let text = "aé🔥";
        let lengths = Unit::ALL.map(|unit| unit.length(text));
        assert_eq!(lengths, [7, 3, 4]);
        for unit in Unit::ALL {
            let widths: usize = text.chars().map(|known| unit.width(known)).sum();
            assert_eq!(widths, unit.length(text), "{unit:?}");
        }
    }

    #[test]
    fn a_limit_holds_up_to_its_last_unit() {
        let limit = Limit::new(4, Unit::Utf16);
        assert!(limit.holds("aé🔥"));
        assert!(!limit.holds("aé🔥b"));
        assert_eq!(limit.to_string(), "4 UTF-16 units");
    }
}
