//! Texts that need no template.

use std::borrow::Cow;

use notify_core::{Failure, Message};
use serde_json::Value;

use crate::part::Part;
use crate::rendered::{framed, one_line};
use crate::shorten::Remake;

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
    text: Value,
}

impl Verbatim {
    /// These texts. Line breaks in the subject become blanks.
    pub fn new(subject: &str, text: &str) -> Self {
        Verbatim {
            subject: one_line(subject.to_owned()),
            text: Value::from(text),
        }
    }
}

impl Verbatim {
    fn text(&self) -> &str {
        self.text.as_str().unwrap_or_default()
    }
}

impl Remake for Verbatim {
    fn data(&self) -> &Value {
        &self.text
    }

    fn remake(&self, part: Part, data: Value) -> Option<String> {
        let text = data.as_str()?;
        Some(match part {
            Part::Subject => self.subject.clone(),
            Part::Text => text.to_owned(),
            Part::Html => framed(text),
        })
    }
}

impl Message for Verbatim {
    fn subject(&self) -> Result<Cow<'_, str>, Failure> {
        Ok(Cow::Borrowed(&self.subject))
    }

    fn text(&self) -> Result<Cow<'_, str>, Failure> {
        Ok(Cow::Borrowed(self.text()))
    }

    fn html(&self) -> Result<Cow<'_, str>, Failure> {
        Ok(Cow::Owned(framed(self.text())))
    }
}
