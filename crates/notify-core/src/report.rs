//! An error in words.

use std::error::Error;

/// The text of an error and of all its causes, joined by colons: what a person reads.
///
/// Each `Display` gives one layer only, so nothing is said twice.
///
/// ```
/// use notify_core::{Failure, report};
/// let failure = Failure::unavailable("connect to 127.0.0.1:25")
///     .caused_by(std::io::Error::other("refused"));
/// assert_eq!(report(&failure), "connect to 127.0.0.1:25: refused");
/// ```
pub fn report(error: &dyn Error) -> String {
    let mut report = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        report.push_str(": ");
        report.push_str(&error.to_string());
        cause = error.source();
    }
    report
}

#[cfg(test)]
mod tests {
    use super::report;
    use crate::Failure;

    #[test]
    fn every_cause_is_told_outermost_first() {
        let inner = Failure::unavailable("b").caused_by(std::io::Error::other("c"));
        assert_eq!(report(&inner), "b: c");
        assert_eq!(report(&Failure::rejected("a").caused_by(inner)), "a: b: c");
        assert_eq!(report(&Failure::rejected("alone")), "alone");
    }
}
