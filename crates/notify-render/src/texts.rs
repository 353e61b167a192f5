//! The texts of one event, for targets with and without limits.

use std::borrow::Cow;

use notify_core::{Failure, Limits, Message};
use notify_schema::Fault;

use crate::part::Part;
use crate::shorten::{Remake, shortened};
use crate::{Rendered, Verbatim, cut};

/// The texts of one event, rendered once for all targets without limits.
#[derive(Debug)]
pub enum Texts {
    /// Of a template and its data.
    Rendered(Rendered),
    /// As they came.
    Verbatim(Verbatim),
}

impl From<Rendered> for Texts {
    fn from(rendered: Rendered) -> Self {
        Texts::Rendered(rendered)
    }
}

impl From<Verbatim> for Texts {
    fn from(verbatim: Verbatim) -> Self {
        Texts::Verbatim(verbatim)
    }
}

impl Texts {
    /// The same texts, none longer than these limits.
    pub fn within(&self, limits: Limits) -> Shortened<'_> {
        Shortened {
            texts: self,
            limits,
        }
    }

    /// What there is to log about the texts that were asked for so far.
    pub fn faults(&self) -> Vec<Fault> {
        match self {
            Texts::Rendered(rendered) => rendered.faults(),
            Texts::Verbatim(_) => Vec::new(),
        }
    }

    fn source(&self) -> &dyn Remake {
        match self {
            Texts::Rendered(rendered) => rendered,
            Texts::Verbatim(verbatim) => verbatim,
        }
    }

    fn whole(&self) -> &dyn Message {
        match self {
            Texts::Rendered(rendered) => rendered,
            Texts::Verbatim(verbatim) => verbatim,
        }
    }
}

/// The texts of one event as a target with limits sees them.
#[derive(Debug)]
pub struct Shortened<'a> {
    texts: &'a Texts,
    limits: Limits,
}

impl Message for Shortened<'_> {
    fn subject(&self) -> Result<Cow<'_, str>, Failure> {
        let subject = self.texts.whole().subject()?;
        Ok(match self.limits.title {
            Some(limit) => Cow::Owned(cut::line(&subject, limit).into_owned()),
            None => subject,
        })
    }

    fn text(&self) -> Result<Cow<'_, str>, Failure> {
        let text = self.texts.whole().text()?;
        Ok(self.body(Part::Text, text))
    }

    fn html(&self) -> Result<Cow<'_, str>, Failure> {
        let html = self.texts.whole().html()?;
        Ok(self.body(Part::Html, html))
    }
}

impl Shortened<'_> {
    fn body<'a>(&self, part: Part, whole: Cow<'a, str>) -> Cow<'a, str> {
        match self.limits.body {
            Some(limit) if !limit.holds(&whole) => {
                Cow::Owned(shortened(self.texts.source(), part, &whole, limit))
            }
            _ => whole,
        }
    }
}
