//! Texts that need no template.

use std::borrow::Cow;

use notify_core::{Failure, Message};

use crate::rendered::{framed, one_line};

/// A subject and a text that are sent as they are, as those of a forwarded mail.
///
/// ```
/// use notify_core::Message as _;
/// let message = notify_render::Verbatim::new("SMART error", "sda: 3 < 5\n");
/// assert_eq!(message.html().expect("it is there"), "<html><body><pre>sda: 3 &lt; 5\n</pre></body></html>");
/// ```
#[derive(Clone, Debug)]
pub struct Verbatim {
    subject: String,
    text: String,
}

impl Verbatim {
    /// These texts. Line breaks in the subject become blanks.
    pub fn new(subject: &str, text: &str) -> Self {
        Verbatim {
            subject: one_line(subject.to_owned()),
            text: text.to_owned(),
        }
    }
}

impl Message for Verbatim {
    fn subject(&self) -> Result<Cow<'_, str>, Failure> {
        Ok(Cow::Borrowed(&self.subject))
    }

    fn text(&self) -> Result<Cow<'_, str>, Failure> {
        Ok(Cow::Borrowed(&self.text))
    }

    fn html(&self) -> Result<Cow<'_, str>, Failure> {
        Ok(Cow::Owned(framed(&self.text)))
    }
}
