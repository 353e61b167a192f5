//! What holds for every property, so that all its readers can rely on it.

use std::collections::BTreeSet;

use crate::{Presence, Property, RESERVED_NAMES};

/// What is wrong with the properties of one section type; empty when nothing is.
///
/// - Names are kebab-case, none twice, none reserved ([`RESERVED_NAMES`]), and none
///   that of the file flag of a secret (`token` has the flag `--token-file`).
/// - Docs are full sentences on one line.
/// - Examples and defaults are accepted by their own kind; every public
///   property has an example.
/// - Secrets have neither example nor default, because a value in the program
///   is no secret.
///
/// ```
/// use notify_schema::{Kind, Property, lint};
/// static PORT: Property = Property::optional("port", Kind::PORT, "Port of the relay.").example("70000");
/// assert_eq!(
///     lint(&[&PORT]),
///     ["property `port`: the example is refused: 70000 is above 65535"]
/// );
/// ```
pub fn lint(properties: &[&Property]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut seen = BTreeSet::new();
    for property in properties {
        let mut laws: Vec<String> = [
            name(property),
            doc(property),
            example(property),
            default(property),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !seen.insert(property.name) {
            laws.push("two properties have this name".to_owned());
        }
        if is_other_flag(property, properties) {
            laws.push("another property has this name as its flag".to_owned());
        }
        broken.extend(
            laws.iter()
                .map(|law| format!("property `{}`: {law}", property.name)),
        );
    }
    broken
}

fn name(property: &Property) -> Option<String> {
    if RESERVED_NAMES.contains(&property.name) {
        return Some("the name is reserved".to_owned());
    }
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_kebab = property
        .name
        .starts_with(|first: char| first.is_ascii_lowercase())
        && property.name.split('-').all(is_word);
    (!is_kebab).then(|| "the name is not kebab-case".to_owned())
}

fn doc(property: &Property) -> Option<String> {
    let doc = property.doc;
    let begins = doc.starts_with(|first: char| !first.is_lowercase() && !first.is_whitespace());
    let ends = doc.ends_with('.');
    let one_line = !doc.contains(char::is_control) && !doc.contains("  ");
    (!(begins && ends && one_line)).then(|| {
        format!("the doc is not full sentences on one line, ending with a full stop: `{doc}`")
    })
}

fn example(property: &Property) -> Option<String> {
    if property.is_secret() {
        let has_one = !property.example.is_empty();
        return has_one.then(|| "a secret has no example".to_owned());
    }
    if property.example.is_empty() {
        return Some("there is no example".to_owned());
    }
    let refused = property.kind.normalized(property.example).err()?;
    Some(format!("the example is refused: {}", refused.reason()))
}

fn default(property: &Property) -> Option<String> {
    let Presence::Default(value) = property.presence else {
        return None;
    };
    if property.is_secret() {
        return (!value.is_empty()).then(|| "a secret has no default".to_owned());
    }
    // The empty default says that there is nothing.
    if value.is_empty() {
        return None;
    }
    let refused = property.kind.normalized(value).err()?;
    Some(format!("the default is refused: {}", refused.reason()))
}

/// A secret is read from `--NAME-file`; what is base64 in the file also has `--NAME-text` and `--NAME-file`.
fn is_other_flag(property: &Property, properties: &[&Property]) -> bool {
    let is_flag_of = |stem: &str, takes: fn(&Property) -> bool| {
        let mut others = properties.iter();
        others.any(|other| other.name == stem && takes(other))
    };
    let from_file =
        |stem: &str| is_flag_of(stem, |other| other.is_secret() || other.kind.is_base64());
    let from_text =
        |stem: &str| is_flag_of(stem, |other| !other.is_secret() && other.kind.is_base64());
    property.name.strip_suffix("-file").is_some_and(from_file)
        || property.name.strip_suffix("-text").is_some_and(from_text)
}

#[cfg(test)]
mod tests {
    use super::lint;
    use crate::{Kind, Property, RESERVED_NAMES};

    fn check(property: Property, expected: &[&str]) {
        let found = lint(&[&property]);
        let expected: Vec<_> = expected
            .iter()
            .map(|law| format!("property `{}`: {law}", property.name))
            .collect();
        assert_eq!(found, expected);
    }

    fn named(name: &'static str) -> Property {
        Property::optional(name, Kind::text(), "Fine.").example("x")
    }

    #[test]
    fn names_are_kebab_case_and_free() {
        for good in ["a", "mailto-user", "tls-1"] {
            check(named(good), &[]);
        }
        for bad in ["", "A", "mail_to", "-a", "a-", "a--b", "1a", "ä"] {
            check(named(bad), &["the name is not kebab-case"]);
        }
        for taken in RESERVED_NAMES {
            check(named(taken), &["the name is reserved"]);
        }
    }

    #[test]
    fn docs_are_sentences() {
        for bad in ["", "no stop", "lower case.", "Two\nlines.", "Two  blanks."] {
            let property = Property::optional("a", Kind::text(), bad).example("x");
            let law = format!(
                "the doc is not full sentences on one line, ending with a full stop: `{bad}`"
            );
            check(property, &[&law]);
        }
    }

    #[test]
    fn values_in_the_schema_are_of_their_kind() {
        check(
            Property::default("p", Kind::PORT, "x", "Port.").example("70000"),
            &[
                "the example is refused: 70000 is above 65535",
                "the default is refused: expected a decimal number, not `x`",
            ],
        );
        check(
            Property::optional("p", Kind::PORT, "Port."),
            &["there is no example"],
        );
    }

    #[test]
    fn a_secret_is_not_in_the_program() {
        check(Property::optional("t", Kind::text(), "T.").secret(), &[]);
        check(
            Property::default("t", Kind::text(), "changeme", "T.")
                .example("x")
                .secret(),
            &["a secret has no example", "a secret has no default"],
        );
    }

    #[test]
    fn no_two_flags_are_the_same() {
        let token = Property::required("token", Kind::text(), "T.").secret();
        assert_eq!(
            lint(&[&token, &named("token-file"), &named("a"), &named("a")]),
            [
                "property `token-file`: another property has this name as its flag",
                "property `a`: two properties have this name",
            ]
        );
        let body = Property::optional("body", Kind::Base64, "B.").example("Zm9v");
        let laws = ["body-text", "body-file"]
            .map(|name| format!("property `{name}`: another property has this name as its flag"));
        assert_eq!(
            lint(&[&body, &named("body-text"), &named("body-file")]),
            laws
        );
        assert_eq!(lint(&[&token, &named("token-text")]), [""; 0]);
    }
}
