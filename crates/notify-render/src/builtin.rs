//! The templates that this crate brings: `test`, and `message` for whoever has only words.

use notify_core::TemplateSet;

/// A test notification. Data: `target`, the target under test; it may be missing.
static TEST: TemplateSet = TemplateSet::new(
    "test",
    include_str!("templates/test-subject.txt.hbs"),
    include_str!("templates/test-body.txt.hbs"),
)
.html(include_str!("templates/test-body.html.hbs"));

/// A title and a text. Data: `title`, `text`, and, each optional, `html` and `fields`.
static MESSAGE: TemplateSet = TemplateSet::new(
    "message",
    include_str!("templates/message-subject.txt.hbs"),
    include_str!("templates/message-body.txt.hbs"),
)
.html(include_str!("templates/message-body.html.hbs"));

notify_core::register_templates!(TEST);
notify_core::register_templates!(MESSAGE);
