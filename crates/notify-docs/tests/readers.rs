//! What the readers make of one schema.

use notify_docs::{example_overlay, example_section, flag_help, lint, manual, properties_markdown};
use notify_schema::{Kind, Position, Property, RawProperty, Schema, Source};

static COMMENT: Property = Property::default("comment", Kind::COMMENT, "", "A remark for people.")
    .example("For the night shift");
static DISABLE: Property = Property::default(
    "disable",
    Kind::Boolean,
    "false",
    "Switches the section off without removing it.",
)
.example("true");
static SERVER: Property = Property::required(
    "server",
    Kind::text(),
    "Host name of the relay. An address will do.",
)
.example("mail.example.com");
static MODE: Property = Property::default(
    "mode",
    Kind::Choice(&["tls", "starttls", "insecure"]),
    "tls",
    "How the connection is kept private.",
)
.example("starttls");
static PORT: Property = Property::fallback(
    "port",
    Kind::PORT,
    "25, 465 or 587, by mode",
    "Port of the relay.",
)
.example("0587");
static MAILTO: Property = Property::repeated("mailto", Kind::RECIPIENT, "Address of a recipient.")
    .example("max@example.com");
static HEADER: Property =
    Property::repeated("header", Kind::Pair, "A header to add.").example("name=X-A,value=Zm9v");
static PASSWORD: Property =
    Property::required("password", Kind::text(), "Password of the user.").secret();
static CA_FILE: Property = Property::optional(
    "ca-file",
    Kind::text(),
    "Trusted instead of the system's `roots`.",
)
.example("/etc/ssl/`my` ca.pem")
.ours();

fn schema() -> Schema {
    Schema::new(
        "relay",
        [
            &COMMENT, &DISABLE, &SERVER, &MODE, &PORT, &MAILTO, &HEADER, &PASSWORD, &CA_FILE,
        ],
    )
}

#[test]
fn the_schema_of_these_tests_obeys_the_laws() {
    assert_eq!(lint(schema().properties()), Vec::<String>::new());
}

#[test]
fn help_of_flags() {
    let help: Vec<_> = schema()
        .properties()
        .iter()
        .map(|property| format!("--{}: {}", property.name, flag_help(property)))
        .collect();
    insta::assert_snapshot!(help.join("\n"));
}

#[test]
fn list_of_properties() {
    insta::assert_snapshot!(properties_markdown(&schema()));
}

#[test]
fn manual_with_a_title_of_its_own() {
    insta::assert_snapshot!(manual("Relay", "# The relay\n\nSends mail.\n", &schema()));
}

#[test]
fn manual_of_a_plugin_that_wrote_none() {
    let page = manual("Null", "", &Schema::new("null", [&COMMENT]));
    assert_eq!(
        page,
        "# Null\n\n## Properties\n\n\
         - `comment`: Text of 0 to 128 characters; optional.\n  A remark for people.\n  Example: `For the night shift`.\n\
         \n## Example\n\nIn `notifications.cfg`:\n\n```text\nnull: example\n\tcomment For the night shift\n```\n"
    );
}

#[test]
fn a_manual_names_keys_that_mean_nothing() {
    let schema = Schema::new("null", [&COMMENT]).with_ignored(&["filter"]);
    let page = manual("Null", "", &schema);
    let line = "\n`filter`, a key of older versions, is accepted and means nothing.\n";
    assert!(page.contains(line), "{page}");
}

#[test]
fn a_manual_with_an_example_gets_no_other() {
    let page = manual(
        "Null",
        "# null\n\n## Example\n\nNone.",
        &Schema::new("null", [&COMMENT]),
    );
    assert_eq!(page.matches("## Example").count(), 1);
}

/// The lines of a section after its header, as a check wants them.
fn raw(section: &str, source: Source) -> Vec<RawProperty<'_>> {
    let lines = section.lines().skip(1).zip(2..);
    lines
        .map(|(line, number)| {
            let (key, value) = line
                .trim_start()
                .split_once(' ')
                .expect("a key and a value");
            RawProperty::new(key, value, Position::new(source, number, 2))
        })
        .collect()
}

#[test]
fn an_example_passes_its_own_schema() {
    let schema = schema();
    let public = example_section("relay", "ops", &schema);
    let overlay = example_overlay("relay", "ops", &schema).expect("one property is ours");
    let mut lines = raw(&public, Source::Public);
    lines.extend(raw(&overlay, Source::Overlay));
    lines.push(RawProperty::new(
        "password",
        "x",
        Position::new(Source::Private, 2, 2),
    ));
    let checked = schema.check("ops", Position::new(Source::Public, 1, 1), &lines);
    assert_eq!(checked.faults, []);
    assert!(checked.fields.is_some());
    assert!(public.contains("\tport 587\n"), "normalized: {public}");
}
