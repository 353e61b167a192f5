//! The names and values of an event's fields.

use notify_schema::excerpt;

/// Why an event cannot have a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The name is none; see [`field_name_is_valid`].
    #[error("`{}` is no field name: letters, digits, `_`, and after the first also `.` and `-`", excerpt(.0))]
    Name(String),
    /// The value of the field of this name holds a control character.
    #[error("the value of `{}` contains a control character", excerpt(.0))]
    Value(String),
}

/// Whether an event may have this field: its name is [valid](field_name_is_valid),
/// its value without control characters.
///
/// ```
/// use notify_core::check_field;
/// assert_eq!(check_field("job-id", "backup 7"), Ok(()));
/// assert_eq!(
///     check_field("job-id", "a\nb").expect_err("two lines").to_string(),
///     "the value of `job-id` contains a control character"
/// );
/// ```
///
/// # Errors
/// [`FieldError`], which names the field and never repeats its value.
pub fn check_field(name: &str, value: &str) -> Result<(), FieldError> {
    if !field_name_is_valid(name) {
        return Err(FieldError::Name(name.to_owned()));
    }
    if value.chars().any(char::is_control) {
        return Err(FieldError::Value(name.to_owned()));
    }
    Ok(())
}

/// Whether a name may be that of a field: `[A-Za-z0-9_][A-Za-z0-9._-]*`.
///
/// ```
/// assert!(notify_core::field_name_is_valid("job-id"));
/// assert!(!notify_core::field_name_is_valid("-x"));
/// ```
pub fn field_name_is_valid(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.as_bytes().first().is_some_and(|first| word(*first))
        && name
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::check_field;

    fn check(name: &str, value: &str, expected: Result<(), &str>) {
        let fault = check_field(name, value)
            .err()
            .map(|error| error.to_string());
        assert_eq!(fault.as_deref(), expected.err(), "{name:?} {value:?}");
    }

    #[test]
    fn a_field_has_a_name_and_one_line() {
        const SHAPE: &str = "letters, digits, `_`, and after the first also `.` and `-`";
        check("a", "", Ok(()));
        check("_a.b-c", "ä = \"b\"", Ok(()));
        for (name, shown) in [
            ("", ""),
            ("-a", "-a"),
            ("a b", "a b"),
            ("ä", "ä"),
            ("a\n", r"a\n"),
        ] {
            check(
                name,
                "x",
                Err(&format!("`{shown}` is no field name: {SHAPE}")),
            );
        }
        for value in ["a\nb", "\0", "\u{7f}", "\u{85}"] {
            check(
                "a",
                value,
                Err("the value of `a` contains a control character"),
            );
        }
    }
}
