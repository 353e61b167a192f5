//! How faults name a section.

use std::fmt;
use std::sync::Arc;

use crate::excerpt;

/// The type and the name of a section, as a fault names it.
///
/// Kept as [`excerpt`]s: a file may have anything in their place, and a fault
/// is no place for a megabyte. Two are equal when both parts are, as far as
/// they are kept; good names and declared types are shorter than that.
/// A clone is cheap.
///
/// ```
/// use notify_schema::SectionName;
/// assert_eq!(SectionName::new("smtp", "ops").to_string(), "smtp `ops`");
/// assert_eq!(SectionName::unnamed("token").to_string(), "`token`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SectionName(Arc<Parts>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Parts {
    kind: String,
    name: Option<String>,
}

impl SectionName {
    /// A section of this type and name.
    pub fn new(kind: &str, name: &str) -> Self {
        SectionName(Arc::new(Parts {
            kind: excerpt(kind),
            name: Some(excerpt(name)),
        }))
    }

    /// A section whose name is not told, because it may be a secret.
    pub fn unnamed(kind: &str) -> Self {
        SectionName(Arc::new(Parts {
            kind: excerpt(kind),
            name: None,
        }))
    }
}

impl fmt::Display for SectionName {
    /// ``smtp `ops` ``, or only the type between backquotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { kind, name } = &*self.0;
        match name {
            Some(name) => write!(f, "{kind} `{name}`"),
            None => write!(f, "`{kind}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SectionName;

    fn check(kind: &str, name: &str, expected: &str) {
        assert_eq!(SectionName::new(kind, name).to_string(), expected);
    }

    #[test]
    fn what_stands_in_a_file_is_shown_short_and_printable() {
        check("smtp", "ops", "smtp `ops`");
        check("smtp", "", "smtp ``");
        check("sm\0tp", "a\nb", r"sm\0tp `a\nb`");
        let long = SectionName::new(&"k".repeat(1_000_000), &"n".repeat(1_000_000));
        assert!(long.to_string().len() < 150);
    }

    #[test]
    fn type_and_name_are_compared_apart() {
        let quoted = SectionName::new("a", "b` `c");
        assert_eq!(quoted, SectionName::new("a", "b` `c"));
        assert_ne!(quoted, SectionName::new("a `b`", "c"));
        assert_ne!(SectionName::new("token", ""), SectionName::unnamed("token"));
    }
}
