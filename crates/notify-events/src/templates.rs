//! The built-in templates: subject, text and HTML of each kind.
//!
//! Their subjects and the words that the report of a backup has in common with
//! that of Proxmox VE are what people filter and scrape by; they do not change.

use notify_core::TemplateSet;

/// A set of the three files that have its name.
macro_rules! set {
    ($name:literal) => {
        TemplateSet::new(
            $name,
            include_str!(concat!("templates/", $name, "-subject.txt.hbs")),
            include_str!(concat!("templates/", $name, "-body.txt.hbs")),
        )
        .html(include_str!(concat!("templates/", $name, "-body.html.hbs")))
    };
}

static PACKAGE_UPDATES: TemplateSet = set!("package-updates");
static FENCING: TemplateSet = set!("fencing");
static REPLICATION: TemplateSet = set!("replication");
static VZDUMP: TemplateSet = set!("vzdump");
static TEST: TemplateSet = set!("test");

notify_core::register_templates!(PACKAGE_UPDATES);
notify_core::register_templates!(FENCING);
notify_core::register_templates!(REPLICATION);
notify_core::register_templates!(VZDUMP);
notify_core::register_templates!(TEST);
