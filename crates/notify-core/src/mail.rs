//! A mail that somebody else wrote, to be passed on.

use std::fmt;
use std::sync::Arc;

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

#[cfg(test)]
mod tests {
    use super::ForwardedMail;

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
