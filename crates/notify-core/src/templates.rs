//! The built-in templates of an event kind.

/// The templates of one kind, brought by whoever brings the event.
///
/// Handlebars text. A folder of overrides may replace each part.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TemplateSet {
    /// The kind, as `test`.
    pub name: &'static str,
    /// One line.
    pub subject: &'static str,
    /// Plain text.
    pub text: &'static str,
    /// HTML; without it the text is shown in a frame.
    pub html: Option<&'static str>,
}

impl TemplateSet {
    /// A set of subject and text.
    pub const fn new(name: &'static str, subject: &'static str, text: &'static str) -> Self {
        TemplateSet {
            name,
            subject,
            text,
            html: None,
        }
    }

    /// With an HTML part.
    #[must_use]
    pub const fn html(mut self, html: &'static str) -> Self {
        self.html = Some(html);
        self
    }

    /// All sets that are linked into this program, sorted by name; of one name, each.
    pub fn linked() -> Vec<&'static TemplateSet> {
        let mut sets: Vec<_> = inventory::iter::<Linked>().map(|linked| linked.0).collect();
        sets.sort_by_key(|set| set.name);
        sets
    }
}

/// A linked template set. Made by [`register_templates!`](crate::register_templates).
#[doc(hidden)]
#[derive(Debug)]
pub struct Linked(pub &'static TemplateSet);

inventory::collect!(Linked);

/// Registers a `static` [`TemplateSet`], so that [`TemplateSet::linked`] finds it.
#[macro_export]
macro_rules! register_templates {
    ($set:path) => {
        $crate::export::inventory::submit! { $crate::LinkedTemplates(&$set) }
    };
}
