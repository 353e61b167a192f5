//! A mail that somebody else wrote, to be passed on.

use std::fmt;
use std::sync::Arc;

use notify_schema::excerpt;
use serde::{Deserialize, Serialize};

/// A mail for root, as a system daemon wrote it.
///
/// Clones share the bytes. `Debug` shows sizes only: mails are private.
#[derive(Clone, PartialEq, Eq)]
pub struct ForwardedMail {
    /// The mail, byte for byte as it came.
    pub raw: Arc<[u8]>,
    /// Its subject, decoded, in one line.
    pub title: String,
    /// Its main text, decoded, as plain text.
    pub text: String,
}

impl fmt::Debug for ForwardedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardedMail")
            .field("raw_bytes", &self.raw.len())
            .field("text_bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// What a target type needs to know to send a mail in the way of older versions:
/// to these addresses, past the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LegacyMail {
    /// Who gets it, as written; at least one.
    pub recipients: Vec<String>,
    /// The name in `From`.
    pub author: String,
}

/// The longest recipient in octets. An address has at most 256 (RFC 5321 4.5.3.1.3), but a
/// `sendmail` program may be given a list in its place.
const LONGEST_RECIPIENT: usize = 4096;

/// Why a text cannot be handed over as a recipient.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientError {
    /// Nothing stands there.
    #[error("an address is not empty")]
    Empty,
    /// It would become another line of a header or a command.
    #[error("an address has no control characters: `{}`", excerpt(.0))]
    Control(String),
    /// No address is so long.
    #[error("an address has at most {LONGEST_RECIPIENT} octets: `{}`", excerpt(.0))]
    Long(String),
}

/// Whether a text can be handed over as a recipient, be it an address or not.
///
/// ```
/// use notify_core::check_recipient;
/// assert_eq!(check_recipient("ops@example.com"), Ok(()));
/// assert_eq!(
///     check_recipient("a@b\r\nBcc: c@d").expect_err("two lines").to_string(),
///     r"an address has no control characters: `a@b\r\nBcc: c@d`"
/// );
/// ```
///
/// # Errors
/// [`RecipientError`], which quotes no more than an excerpt.
pub fn check_recipient(text: &str) -> Result<(), RecipientError> {
    if text.trim().is_empty() {
        return Err(RecipientError::Empty);
    }
    if text.chars().any(char::is_control) {
        return Err(RecipientError::Control(text.to_owned()));
    }
    if text.len() > LONGEST_RECIPIENT {
        return Err(RecipientError::Long(text.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ForwardedMail, LONGEST_RECIPIENT, RecipientError, check_recipient};

    #[test]
    fn a_recipient_is_one_line_of_some_length() {
        let longest = "a".repeat(LONGEST_RECIPIENT);
        for good in ["root", "Jörg <jörg@müller.de>", "a@b, c@d", "-t", &longest] {
            assert_eq!(check_recipient(good), Ok(()), "{good}");
        }
        for bad in ["", " ", "\t", "\r\n"] {
            assert_eq!(check_recipient(bad), Err(RecipientError::Empty), "{bad:?}");
        }
        for bad in ["a\n", "a\rb", "a\0", "a\u{85}b", "\u{7f}@b"] {
            let refused = RecipientError::Control(bad.to_owned());
            assert_eq!(check_recipient(bad), Err(refused), "{bad:?}");
        }
        let long = longest + "a";
        let said = check_recipient(&long).map_err(|error| error.to_string());
        let said = said.expect_err("too long");
        assert!(
            said.starts_with("an address has at most 4096 octets: `aaa"),
            "{said}"
        );
        assert!(said.len() < 500, "{said}");
    }

    #[test]
    fn debug_shows_no_word_of_a_mail() {
        let mail = ForwardedMail {
            raw: b"Subject: hunter2\n\nhunter2\n".as_slice().into(),
            title: "hunter2".to_owned(),
            text: "hunter2\n".to_owned(),
        };
        let shown = format!("{mail:?}");
        assert_eq!(shown, "ForwardedMail { raw_bytes: 26, text_bytes: 8, .. }");
    }
}
