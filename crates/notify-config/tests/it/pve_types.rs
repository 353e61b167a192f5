//! The section types of Proxmox VE with a few properties of ours, as test data.

use std::fmt::Write as _;

use notify_config::{Configuration, Files, Schemas};
use notify_schema::{Audience, Builtin, Fault, Kind, Property, Schema};

static COMMENT: Property = Property::default("comment", Kind::COMMENT, "", "Remark.").example("x");
static DISABLE: Property =
    Property::default("disable", Kind::Boolean, "false", "Off.").example("true");
static MAILTO: Property = Property::repeated("mailto", Kind::RECIPIENT, "To.").example("a@b");
static MAILTO_USER: Property =
    Property::repeated("mailto-user", Kind::RECIPIENT, "To.").example("root@pam");
static FROM: Property = Property::optional("from-address", Kind::text(), "From.").example("a@b");
static FROM_REQUIRED: Property =
    Property::required("from-address", Kind::text(), "From.").example("a@b");
static AUTHOR: Property =
    Property::default("author", Kind::text(), "Proxmox VE", "Author.").example("x");
static SERVER: Property = Property::required("server", Kind::text(), "Where.").example("a");
static PORT: Property = Property::fallback("port", Kind::PORT, "by mode", "Port.").example("25");
static MODE: Property = Property::default(
    "mode",
    Kind::Choice(&["insecure", "starttls", "tls"]),
    "tls",
    "How.",
)
.example("tls");
static USERNAME: Property = Property::optional("username", Kind::text(), "Who.").example("max");
static PASSWORD: Property = Property::optional("password", Kind::text(), "Key.").secret();
static CA_FILE: Property = Property::optional("ca-file", Kind::text(), "Roots.")
    .example("/a")
    .ours();
static TOKEN: Property = Property::required("token", Kind::text(), "Key.").secret();
static FIELD: Property =
    Property::repeated("match-field", Kind::text(), "Rule.").example("exact:type=vzdump");
static SEVERITY: Property =
    Property::repeated("match-severity", Kind::text(), "Rule.").example("error");
static CALENDAR: Property =
    Property::repeated("match-calendar", Kind::text(), "Rule.").example("8-12");
static TARGET: Property = Property::repeated("target", Kind::Name, "Target.").example("ops");
static ALL_ANY: Property =
    Property::default("mode", Kind::Choice(&["all", "any"]), "all", "How.").example("any");
static INVERT: Property =
    Property::default("invert-match", Kind::Boolean, "false", "Not.").example("true");
static QUEUE: Property = Property::default("limit", Kind::PORT, "9", "Ours.")
    .example("1")
    .ours();

static MAIL_TO_ROOT: [Builtin; 1] = [Builtin {
    name: "mail-to-root",
    properties: &[
        ("comment", "Send mails to root@pam's email address"),
        ("mailto-user", "root@pam"),
    ],
}];
static DEFAULT_MATCHER: [Builtin; 1] = [Builtin {
    name: "default-matcher",
    properties: &[
        ("mode", "all"),
        ("target", "mail-to-root"),
        ("comment", "Route all notifications to mail-to-root"),
    ],
}];

pub(crate) fn schemas() -> Schemas {
    let sendmail = [&COMMENT, &DISABLE, &MAILTO, &MAILTO_USER, &FROM, &AUTHOR];
    let smtp = [
        &COMMENT,
        &DISABLE,
        &SERVER,
        &PORT,
        &MODE,
        &USERNAME,
        &PASSWORD,
        &FROM_REQUIRED,
        &MAILTO,
        &MAILTO_USER,
        &AUTHOR,
        &CA_FILE,
    ];
    let matcher = [
        &COMMENT, &DISABLE, &FIELD, &SEVERITY, &CALENDAR, &TARGET, &ALL_ANY, &INVERT,
    ];
    Schemas::new([
        Schema::new("sendmail", sendmail)
            .with_builtins(&MAIL_TO_ROOT)
            .with_ignored(&["filter"]),
        Schema::new("smtp", smtp),
        Schema::new("gotify", [&COMMENT, &DISABLE, &SERVER, &TOKEN]).with_ignored(&["filter"]),
        Schema::new("echo", [&COMMENT, &DISABLE]).ours(),
        Schema::new("matcher", matcher)
            .strict()
            .with_builtins(&DEFAULT_MATCHER),
    ])
    .with_settings([Schema::new("spool", [&QUEUE])])
}

/// One line a section (without untouched built-ins), then one line a fault for everyone.
pub(crate) fn report(files: &Files) -> String {
    let configuration = Configuration::assemble(files, &schemas());
    let mut out = String::new();
    for section in configuration
        .sections()
        .iter()
        .chain(configuration.settings())
    {
        if section.at.line == 0 {
            continue;
        }
        let state = section.unusable.as_deref().unwrap_or("used");
        let disabled = if section.disabled { ", disabled" } else { "" };
        let origin = section.origin.name();
        writeln!(
            out,
            "{} {} ({origin}{disabled}): {state}",
            section.kind, section.name
        )
        .expect("text");
    }
    out + &faults(&configuration, Audience::Everyone)
}

/// One line a fault, its hint behind an arrow.
pub(crate) fn faults(configuration: &Configuration, audience: Audience) -> String {
    lines(
        configuration
            .faults()
            .iter()
            .filter(|fault| fault.audience == audience),
    )
}

pub(crate) fn lines<'a>(faults: impl IntoIterator<Item = &'a Fault>) -> String {
    let mut out = String::new();
    for fault in faults {
        write!(out, "{fault}").expect("text");
        if let Some(hint) = &fault.hint {
            write!(out, " -> {hint}").expect("text");
        }
        out.push('\n');
    }
    out
}
