//! The template that this crate brings: `message`, for whoever has only words.

use notify_core::TemplateSet;

/// A title and a text. Data: `title`, `text`, and, each optional, `html` and `fields`.
static MESSAGE: TemplateSet = TemplateSet::new(
    "message",
    include_str!("templates/message-subject.txt.hbs"),
    include_str!("templates/message-body.txt.hbs"),
)
.html(include_str!("templates/message-body.html.hbs"));

notify_core::register_templates!(MESSAGE);
