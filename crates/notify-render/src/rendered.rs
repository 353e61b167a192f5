//! The texts of one event, each made when it is first asked for.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use handlebars::Context;
use notify_core::{Failure, Message, Zone};
use notify_schema::{Fault, excerpt};
use serde_json::Value;

use crate::escape::escape_into;
use crate::part::Part;
use crate::shelf::Shelf;
use crate::shorten::Remake;

/// A text, or why there is none.
type Made = Result<String, String>;

/// A message of a template and its data. Made by [`Templates::message`](crate::Templates::message).
pub struct Rendered {
    shelf: Arc<Shelf>,
    template: String,
    context: Context,
    zone: Zone,
    subject: OnceLock<Made>,
    text: OnceLock<Made>,
    html: OnceLock<Made>,
    faults: Mutex<Vec<Fault>>,
}

impl Rendered {
    pub(crate) fn new(shelf: Arc<Shelf>, template: &str, data: Value, zone: Zone) -> Self {
        Rendered {
            shelf,
            template: template.to_owned(),
            context: Context::from(data),
            zone,
            subject: OnceLock::new(),
            text: OnceLock::new(),
            html: OnceLock::new(),
            faults: Mutex::default(),
        }
    }

    /// What there is to log about the parts that were asked for so far:
    /// candidates that were passed over, values that could not be shown.
    pub fn faults(&self) -> Vec<Fault> {
        self.faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// One part.
    ///
    /// # Errors
    /// [`Misconfigured`](notify_core::FailureKind::Misconfigured) when no candidate can be rendered.
    pub fn part(&self, part: Part) -> Result<&str, Failure> {
        let made = match part {
            Part::Subject => self.subject.get_or_init(|| {
                let subject = self.make(Part::Subject)?;
                Ok(one_line(subject))
            }),
            Part::Text => self.text.get_or_init(|| self.make(Part::Text)),
            Part::Html => self.html.get_or_init(|| self.document()),
        };
        made.as_deref()
            .map_err(|reason| Failure::misconfigured(reason.clone()))
    }

    /// The HTML of a template, else its text in a frame.
    fn document(&self) -> Made {
        let made = self.make(Part::Html);
        if made.is_ok() {
            return made;
        }
        match self.part(Part::Text) {
            Ok(text) => Ok(framed(text)),
            Err(_) => made,
        }
    }

    fn make(&self, part: Part) -> Made {
        let mut faults = Vec::new();
        let text = self
            .shelf
            .render(&self.template, part, &self.context, self.zone, &mut faults);
        let made = text.ok_or_else(|| self.nothing_usable(part, &faults));
        self.faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(faults);
        made
    }

    fn nothing_usable(&self, part: Part, faults: &[Fault]) -> String {
        let what = format!(
            "template `{}`: no candidate for its {} can be rendered",
            excerpt(&self.template),
            part.name()
        );
        match faults.first() {
            Some(fault) => format!("{what}: {fault}"),
            None => format!("{what}: there is none"),
        }
    }
}

impl Remake for Rendered {
    fn data(&self) -> &Value {
        self.context.data()
    }

    fn remake(&self, part: Part, data: Value) -> Option<String> {
        let again = Rendered::new(Arc::clone(&self.shelf), &self.template, data, self.zone);
        again.part(part).ok().map(str::to_owned)
    }
}

impl Message for Rendered {
    fn subject(&self) -> Result<Cow<'_, str>, Failure> {
        self.part(Part::Subject).map(Cow::Borrowed)
    }

    fn text(&self) -> Result<Cow<'_, str>, Failure> {
        self.part(Part::Text).map(Cow::Borrowed)
    }

    fn html(&self) -> Result<Cow<'_, str>, Failure> {
        self.part(Part::Html).map(Cow::Borrowed)
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("template", &self.template)
            .field("zone", &self.zone)
            .finish_non_exhaustive()
    }
}

/// Each line break and each other control character becomes one blank, so that
/// no title can begin a header of its own.
///
/// A blank at the end stays: that of a subject file's last line is there in
/// Proxmox VE, too.
pub(crate) fn one_line(subject: String) -> String {
    if !subject.contains(char::is_control) {
        return subject;
    }
    subject.replace("\r\n", "\n").replace(char::is_control, " ")
}

/// The frame of proxmox-notify.
pub(crate) fn framed(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8 + 64);
    html.push_str("<html><body><pre>");
    escape_into(text, &mut html);
    html.push_str("</pre></body></html>");
    html
}
