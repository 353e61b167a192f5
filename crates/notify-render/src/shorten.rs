//! Making a text short enough for its target, with its meaning kept.
//!
//! The text is not cut but made again from less data. What the data holds is
//! ranked ([`units`]): reasons and rows of what failed first, then lines that tell
//! of trouble, rows of what went well and the rest of the logs last. As much as fits is
//! kept, whole rows and whole lines, and a note says what was left out. Every
//! template can be shortened so, overrides included, because only its data changes.
//!
//! Only where even a text without rows and lines is too long, the text itself is cut.

mod reduce;
mod units;

use notify_core::Limit;
use serde_json::Value;

use crate::cut;
use crate::part::Part;
use crate::rendered::framed;

use units::Units;

/// The end of what must stay inside of a document.
const BODY_END: &str = "</body>";

/// Makes a text of an event again, from other data.
pub(crate) trait Remake {
    /// The data of the whole text.
    fn data(&self) -> &Value;

    /// One part from other data; none when it cannot be made.
    fn remake(&self, part: Part, data: Value) -> Option<String>;
}

/// A text or an HTML document that keeps to the limit. `whole` does not.
pub(crate) fn shortened(source: &dyn Remake, part: Part, whole: &str, limit: Limit) -> String {
    let units = Units::of(source.data());
    let attempt = |keep: usize| -> Option<String> {
        let made = source.remake(part, reduce::reduced(source.data(), &units, keep))?;
        let note = units.note(keep);
        let text = match part {
            Part::Html => document_with_note(&made, &note),
            Part::Subject | Part::Text => text_with_note(&made, &note),
        };
        limit.holds(&text).then_some(text)
    };
    most_that_fits(units.len(), attempt).unwrap_or_else(|| match part {
        Part::Html => framed_cut(source, limit),
        Part::Subject | Part::Text => cut::text(whole, limit),
    })
}

/// The result of the greatest number below `count` that has one, sought in few attempts.
///
/// More data makes a longer text almost always. Where it does not, a little
/// less may be kept than would fit.
fn most_that_fits(count: usize, attempt: impl Fn(usize) -> Option<String>) -> Option<String> {
    let mut best = attempt(0)?;
    let (mut fits, mut step) = (0, 8);
    let mut exceeds = count;
    while fits + step < exceeds {
        match attempt(fits + step) {
            Some(text) => {
                best = text;
                fits += step;
                step *= 2;
            }
            None => exceeds = fits + step,
        }
    }
    while exceeds - fits > 1 {
        let middle = fits + (exceeds - fits) / 2;
        match attempt(middle) {
            Some(text) => {
                best = text;
                fits = middle;
            }
            None => exceeds = middle,
        }
    }
    Some(best)
}

fn text_with_note(text: &str, note: &str) -> String {
    let mut out = cut::balanced(text);
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push_str("\n\n");
    }
    out.push_str(note);
    out.push('\n');
    out
}

fn document_with_note(document: &str, note: &str) -> String {
    let at = document.rfind(BODY_END).unwrap_or(document.len());
    let (before, after) = document.split_at(at);
    format!("{before}<p>{note}</p>\n{after}")
}

/// A text in a frame, cut so far that the frame keeps to the limit.
fn framed_cut(source: &dyn Remake, limit: Limit) -> String {
    let text = source.remake(Part::Text, source.data().clone());
    let text = text.unwrap_or_default();
    let mut room = limit.max;
    while room > 0 {
        let document = framed(&cut::text(&text, Limit { max: room, ..limit }));
        if limit.holds(&document) {
            return document;
        }
        // Escaping makes a text longer, at most sixfold.
        room = room * 3 / 4;
    }
    // No markup at all is balanced, too.
    String::new()
}
