//! The manual of a section type, in Markdown.

use std::fmt::Write as _;

use notify_schema::{Property, Schema};

use crate::example::{example_overlay, example_section};
use crate::wording::{expected, presence};

/// The manual of a section type: what its plugin wrote, then its properties and an example.
///
/// `manual_md` keeps its own title when it has one, else `title` becomes it; a
/// manual with an example of its own gets no other.
pub fn manual(title: &str, manual_md: &str, schema: &Schema) -> String {
    let own = manual_md.trim();
    let mut page = if own.starts_with("# ") {
        own.to_owned()
    } else {
        format!("# {title}\n\n{own}").trim_end().to_owned()
    };
    let _ = write!(page, "\n\n## Properties\n\n{}", properties_markdown(schema));
    for key in schema.ignored() {
        let key = code(key);
        let _ = write!(
            page,
            "\n{key}, a key of older versions, is accepted and means nothing.\n"
        );
    }
    if !own.contains("\n## Example") {
        page.push_str(&examples(schema));
    }
    page
}

/// A list of the properties, one sentence per line, in the order of the schema.
pub fn properties_markdown(schema: &Schema) -> String {
    schema
        .properties()
        .iter()
        .map(|property| entry(property))
        .collect()
}

fn entry(property: &Property) -> String {
    let mut facts = vec![expected(property), presence(property, code)];
    facts.retain(|fact| !fact.is_empty());
    let mut entry = format!(
        "- {}: {}.\n  {}\n",
        code(property.name),
        facts.join("; "),
        property.doc.replace(". ", ".\n  ")
    );
    if property.is_secret() {
        entry.push_str("  Secret: it stands in `priv/notifications.cfg`.\n");
    } else if !property.example.is_empty() {
        let _ = writeln!(entry, "  Example: {}.", code(property.example));
    }
    if !property.in_pve {
        entry.push_str("  Proxmox VE does not know it: in its folder it stands in `notify.cfg`.\n");
    }
    entry
}

fn examples(schema: &Schema) -> String {
    let (kind, name) = (schema.kind(), "example");
    let mut text = "\n## Example\n".to_owned();
    let mut block = |file: &str, section: &str| {
        let _ = write!(text, "\nIn `{file}`:\n\n```text\n{section}```\n");
    };
    block("notifications.cfg", &example_section(kind, name, schema));
    if let Some(overlay) = example_overlay(kind, name, schema) {
        block("notify.cfg", &overlay);
    }
    let mut secrets = schema
        .properties()
        .iter()
        .filter(|property| property.is_secret())
        .peekable();
    if secrets.peek().is_some() {
        let lines = secrets.map(|secret| format!("\t{} …\n", secret.name));
        let section = format!("{kind}: {name}\n{}", lines.collect::<String>());
        block("priv/notifications.cfg", &section);
    }
    text
}

/// A code span, also of text with backticks.
fn code(text: &str) -> String {
    if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}
