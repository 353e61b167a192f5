//! The properties of one section type, and the check of a section against them.

use crate::excerpt::excerpt;
use crate::fields::{Entry, Fields, Value};
use crate::{Fault, FaultCode, Position, Presence, Property, Secret, SectionName, Source, nearest};

/// How much a section forgives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Targets: an unknown key, or a bad value where there is a default, is a
    /// warning and left out; the section stays usable.
    Lenient,
    /// Matchers: any unusable line makes the section unusable, because a rule
    /// that is ignored could make it match everything.
    Strict,
}

/// A section that exists without standing in any file.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// The section's name.
    pub name: &'static str,
    /// Its keys and values.
    pub properties: &'static [(&'static str, &'static str)],
}

/// A key and a value as they stand in a file.
#[derive(Clone, Copy, Debug)]
pub struct RawProperty<'a> {
    /// The key.
    pub key: &'a str,
    /// The value, outer blanks removed.
    pub value: &'a str,
    /// Where the key stands.
    pub at: Position,
}

impl<'a> RawProperty<'a> {
    /// A key and a value at a place.
    pub const fn new(key: &'a str, value: &'a str, at: Position) -> Self {
        RawProperty { key, value, at }
    }
}

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// The values; none when the section is unusable.
    pub fields: Option<Fields>,
    /// Everything that is wrong, in the order of the lines; what is missing comes last.
    pub faults: Vec<Fault>,
}

/// The properties of one section type.
#[derive(Clone, Debug)]
pub struct Schema {
    kind: &'static str,
    properties: Vec<&'static Property>,
    strictness: Strictness,
    builtins: &'static [Builtin],
    ignored: &'static [&'static str],
    at_least_one: &'static [&'static str],
    in_pve: bool,
}

impl Schema {
    /// A lenient schema of these properties, which are kept in this order.
    pub fn new(
        kind: &'static str,
        properties: impl IntoIterator<Item = &'static Property>,
    ) -> Self {
        Schema {
            kind,
            properties: properties.into_iter().collect(),
            strictness: Strictness::Lenient,
            builtins: &[],
            ignored: &[],
            at_least_one: &[],
            in_pve: true,
        }
    }

    /// A section type that Proxmox VE does not know. It refuses a whole file for one.
    #[must_use]
    pub fn ours(mut self) -> Self {
        self.in_pve = false;
        self
    }

    /// Any unusable line makes the section unusable.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strictness = Strictness::Strict;
        self
    }

    /// With sections that exist without a file.
    #[must_use]
    pub fn with_builtins(mut self, builtins: &'static [Builtin]) -> Self {
        self.builtins = builtins;
        self
    }

    /// With keys of older versions that are accepted and mean nothing.
    #[must_use]
    pub fn with_ignored(mut self, keys: &'static [&'static str]) -> Self {
        self.ignored = keys;
        self
    }

    /// Of these properties a section that is being written must have at least one.
    ///
    /// A section that is read may do without, as in Proxmox VE: [`Schema::check`] does not look.
    #[must_use]
    pub fn with_at_least_one(mut self, properties: &'static [&'static str]) -> Self {
        self.at_least_one = properties;
        self
    }

    /// See [`Schema::with_at_least_one`]; empty when there is no such rule.
    pub fn at_least_one(&self) -> &'static [&'static str] {
        self.at_least_one
    }

    /// The section type.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// All properties, in order.
    pub fn properties(&self) -> &[&'static Property] {
        &self.properties
    }

    /// The sections that exist without a file.
    pub fn builtins(&self) -> &'static [Builtin] {
        self.builtins
    }

    /// Keys that are accepted and mean nothing.
    pub fn ignored(&self) -> &'static [&'static str] {
        self.ignored
    }

    /// Whether Proxmox VE knows the section type.
    pub fn in_pve(&self) -> bool {
        self.in_pve
    }

    /// How much a section forgives.
    pub fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// One property.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties
            .iter()
            .copied()
            .find(|property| property.name == name)
    }

    /// Whether a section of this type is unusable without a secret.
    pub fn needs_secret(&self) -> bool {
        self.properties
            .iter()
            .any(|property| property.is_secret() && property.is_required())
    }

    /// Checks the lines of one section, of all its files together.
    ///
    /// `raw` holds the public lines, then those of `notify.cfg`, then the
    /// private ones. `origin` is read over in silence: Proxmox VE
    /// writes it into answers, never into files.
    pub fn check(&self, name: &str, header: Position, raw: &[RawProperty<'_>]) -> Checked {
        let mut check = Check {
            schema: self,
            entries: Vec::with_capacity(raw.len()),
            single: Vec::new(),
            refused: Vec::new(),
            faults: Vec::new(),
            usable: true,
        };
        for line in raw {
            check.line(line);
        }
        check.missing(header);
        let Check {
            mut entries,
            mut faults,
            usable,
            ..
        } = check;
        entries.shrink_to_fit();
        if !faults.is_empty() {
            let section = SectionName::new(self.kind, name);
            for fault in &mut faults {
                fault.section = Some(section.clone());
            }
        }
        let defaults = || {
            self.properties
                .iter()
                .copied()
                .filter(|property| matches!(property.presence, Presence::Default(_)))
        };
        let fields =
            usable.then(|| Fields::new(self.kind, name, header, defaults().collect(), entries));
        Checked { fields, faults }
    }
}

struct Check<'a> {
    schema: &'a Schema,
    entries: Vec<Entry>,
    /// The good lines of properties that may stand once only: never more than
    /// there are properties, so that many lines take no more than linear time.
    single: Vec<(&'static Property, Position)>,
    /// The properties with a line that is not used, each once.
    refused: Vec<&'static Property>,
    faults: Vec<Fault>,
    usable: bool,
}

impl Check<'_> {
    fn line(&mut self, line: &RawProperty<'_>) {
        if line.key == "origin" || self.schema.ignored.contains(&line.key) {
            return;
        }
        let Some(property) = self.schema.property(line.key) else {
            return self.unknown(line);
        };
        if line.at.source == Source::Public && property.is_mention(line.value) {
            return;
        }
        if let Some(fault) = misplaced(property, line.at) {
            self.note_refused(property);
            return self.fault(fault);
        }
        let first = self
            .single
            .iter()
            .find(|(known, _)| std::ptr::eq(*known, property));
        if let Some((_, first)) = first {
            let message = format!(
                "duplicate property `{}`, first on line {}",
                property.name, first.line
            );
            self.usable = false;
            return self
                .fault(Fault::error(line.at, message).with_hint("remove one of the two lines"));
        }
        match property.kind.accepts(line.value) {
            Ok(()) => self.good(property, line),
            Err(refused) => self.refused(property, line, &refused),
        }
    }

    fn good(&mut self, property: &'static Property, line: &RawProperty<'_>) {
        if !property.is_repeated() {
            self.single.push((property, line.at));
        }
        self.entries.push(entry(property, line));
    }

    fn unknown(&mut self, line: &RawProperty<'_>) {
        let message = match line.at.source {
            // It may be a secret whose own key was forgotten.
            Source::Private => "unknown property".to_owned(),
            _ => format!("unknown property `{}`", excerpt(line.key)),
        };
        let fault = match self.schema.strictness {
            Strictness::Lenient => Fault::warning(line.at, message),
            Strictness::Strict => {
                self.usable = false;
                Fault::error(line.at, message)
            }
        };
        let fault = if line.key.ends_with(':') && line.at.source != Source::Private {
            fault.with_code(FaultCode::IndentedHeader)
        } else {
            fault
        };
        let near = nearest(
            line.key,
            self.schema.properties.iter().map(|property| property.name),
        );
        self.fault(match near {
            Some(near) => fault.with_hint(format!("did you mean `{near}`?")),
            None => fault,
        });
    }

    fn refused(
        &mut self,
        property: &'static Property,
        line: &RawProperty<'_>,
        refused: &crate::Refused,
    ) {
        self.note_refused(property);
        let reason = if property.is_secret() {
            refused.reason_without_value()
        } else {
            refused.reason()
        };
        let message = format!("property `{}`: {reason}", property.name);
        let forgiven = self.schema.strictness == Strictness::Lenient;
        let fault = match property.presence {
            Presence::Default(value) if forgiven => {
                let holds = if value.is_empty() {
                    "it is left out".to_owned()
                } else {
                    format!("`{value}` is used instead")
                };
                Fault::warning(line.at, message).with_hint(holds)
            }
            Presence::Fallback(otherwise) if forgiven => {
                Fault::warning(line.at, message).with_hint(format!("used instead: {otherwise}"))
            }
            Presence::Repeated if forgiven => Fault::error(line.at, message)
                .with_hint("this line is left out, the others are used"),
            _ => {
                self.usable = false;
                Fault::error(line.at, message)
            }
        };
        self.fault(fault);
    }

    fn note_refused(&mut self, property: &'static Property) {
        if !is_among(&self.refused, property) {
            self.refused.push(property);
        }
    }

    fn missing(&mut self, header: Position) {
        let schema = self.schema;
        for property in schema.properties.iter().filter(|it| it.is_required()) {
            let mut entries = self.entries.iter();
            if entries.any(|entry| std::ptr::eq(entry.property, *property)) {
                continue;
            }
            self.usable = false;
            // A line that was refused has been reported already.
            if !is_among(&self.refused, property) {
                self.fault(missing(property, header));
            }
        }
    }

    fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }
}

fn is_among(properties: &[&'static Property], property: &Property) -> bool {
    properties
        .iter()
        .any(|known| std::ptr::eq(*known, property))
}

fn missing(property: &Property, header: Position) -> Fault {
    let place = match property.is_secret() {
        true => format!(" in {}", file_of(property)),
        false => String::new(),
    };
    let code = FaultCode::MissingProperty {
        property: property.name,
        secret: property.is_secret(),
    };
    let message = format!("property `{}` is missing{place}", property.name);
    Fault::error(header, message).with_code(code)
}

/// The file in which a property of Proxmox VE belongs.
fn file_of(property: &Property) -> &'static str {
    let source = match property.is_secret() {
        true => Source::Private,
        false => Source::Public,
    };
    source.path().unwrap_or_default()
}

fn entry(property: &'static Property, line: &RawProperty<'_>) -> Entry {
    let value = if property.is_secret() {
        Value::Secret(Secret::new(line.value))
    } else {
        Value::Text(line.value.into())
    };
    Entry {
        property,
        value,
        at: line.at,
    }
}

/// A property in the file that is not its own is not used.
fn misplaced(property: &Property, at: Position) -> Option<Fault> {
    let message = match (at.source, property.is_secret()) {
        (Source::Public | Source::Overlay, true) => {
            "a secret in a file that others can read".to_owned()
        }
        (Source::Private, false) => {
            "not a secret, so it has no place in the private file".to_owned()
        }
        (Source::Overlay, false) if property.in_pve => {
            let file = at.source.path().unwrap_or_default();
            format!("a property of Proxmox VE has no place in {file}")
        }
        _ => return None,
    };
    let mut hint = format!(
        "move it to the section of the same name in {}",
        file_of(property)
    );
    if property.is_secret() {
        hint += ", and change it: it may have been read";
    }
    Some(Fault::error(at, format!("property `{}`: {message}", property.name)).with_hint(hint))
}

#[cfg(test)]
mod tests {
    use super::{RawProperty, Schema};
    use crate::{FaultCode, Kind, Position, Property, Source};

    static SERVER: Property = Property::required("server", Kind::text(), "Where.").example("a");
    static MODE: Property =
        Property::default("mode", Kind::Choice(&["tls", "insecure"]), "tls", "How.").example("tls");
    static PORT: Property =
        Property::fallback("port", Kind::PORT, "by mode", "Port.").example("25");
    static USER: Property =
        Property::optional("username", Kind::Text { min: 2, max: 9 }, "Who.").example("max");
    static TO: Property = Property::repeated("mailto", Kind::RECIPIENT, "To.").example("a@b");
    static TOKEN: Property =
        Property::optional("token", Kind::Text { min: 2, max: 99 }, "Secret.").secret();
    static PIN: Property = Property::optional("pin", Kind::text(), "Ours.")
        .example("x")
        .ours();

    fn schema() -> Schema {
        Schema::new("relay", [&SERVER, &MODE, &PORT, &USER, &TO, &TOKEN, &PIN])
    }

    /// Lines `SOURCE key value`, SOURCE `+` public, `-` private, `~` overlay; answers usability and faults.
    fn check(schema: &Schema, lines: &str) -> String {
        let raw: Vec<_> = lines
            .lines()
            .zip(2..)
            .map(|(line, number)| {
                let source = match &line[..1] {
                    "+" => Source::Public,
                    "-" => Source::Private,
                    _ => Source::Overlay,
                };
                let (key, value) = line[2..].split_once(' ').unwrap_or((&line[2..], ""));
                RawProperty::new(key, value, Position::new(source, number, 2))
            })
            .collect();
        let checked = schema.check("x1", Position::new(Source::Public, 1, 1), &raw);
        let mut out = if checked.fields.is_some() {
            "used".to_owned()
        } else {
            "unusable".to_owned()
        };
        for fault in &checked.faults {
            out += &format!("\n{fault}");
        }
        out
    }

    #[test]
    fn a_good_section_has_no_fault() {
        assert_eq!(
            check(
                &schema(),
                "+ server a\n+ mailto a@b\n+ mailto c@d\n- token geheim\n~ pin x"
            ),
            "used"
        );
    }

    #[test]
    fn unknown_keys_and_bad_values_with_a_default_are_warnings() {
        assert_eq!(
            check(
                &schema(),
                "+ server a\n+ prot 1\n+ mode ssl\n+ port 70000\n+ origin builtin"
            ),
            "used\n\
             notifications.cfg:3:2: warning: relay `x1`: unknown property `prot`\n\
             notifications.cfg:4:2: warning: relay `x1`: property `mode`: expected one of tls, insecure, not `ssl`\n\
             notifications.cfg:5:2: warning: relay `x1`: property `port`: 70000 is above 65535"
        );
    }

    #[test]
    fn duplicates_bad_switches_and_missing_properties_make_it_unusable() {
        assert_eq!(
            check(&schema(), "+ port 1\n+ port 2\n+ username x"),
            "unusable\n\
             notifications.cfg:3:2: error: relay `x1`: duplicate property `port`, first on line 2\n\
             notifications.cfg:4:2: error: relay `x1`: property `username`: shorter than 2 characters\n\
             notifications.cfg:1:1: error: relay `x1`: property `server` is missing"
        );
    }

    #[test]
    fn a_bad_item_is_left_out_alone() {
        assert_eq!(
            check(&schema(), "+ server a\n+ mailto a@b\n+ mailto x"),
            "used\nnotifications.cfg:4:2: error: relay `x1`: property `mailto`: shorter than 2 characters"
        );
    }

    #[test]
    fn a_misplaced_property_is_not_used_and_a_secret_is_not_quoted() {
        assert_eq!(
            check(
                &schema(),
                "+ server a\n+ token hunter2\n- port 25\n~ mode tls\n- token x"
            ),
            "unusable\n\
             notifications.cfg:3:2: error: relay `x1`: property `token`: a secret in a file that others can read\n\
             priv/notifications.cfg:4:2: error: relay `x1`: property `port`: not a secret, so it has no place in the private file\n\
             notify.cfg:5:2: error: relay `x1`: property `mode`: a property of Proxmox VE has no place in notify.cfg\n\
             priv/notifications.cfg:6:2: error: relay `x1`: property `token`: shorter than 2 characters"
        );
    }

    #[test]
    fn the_public_file_may_name_a_secret() {
        static SECRET: Property = Property::repeated("secret", Kind::Pair, "Secrets.").secret();
        let schema = Schema::new("hook", [&SECRET]);
        let lines = "+ secret name=a\n- secret name=a,value=Zm9v";
        assert_eq!(check(&schema, lines), "used");
        let leak = "a secret in a file that others can read";
        assert_eq!(
            check(&schema, "+ secret name=a,value=Zm9v\n~ secret name=a"),
            format!(
                "used\n\
                 notifications.cfg:2:2: error: hook `x1`: property `secret`: {leak}\n\
                 notify.cfg:3:2: error: hook `x1`: property `secret`: {leak}"
            )
        );
    }

    #[test]
    fn a_strict_section_forgives_nothing() {
        assert_eq!(
            check(&schema().strict(), "+ server a\n+ mode ssl"),
            "unusable\n\
             notifications.cfg:3:2: error: relay `x1`: property `mode`: expected one of tls, insecure, not `ssl`"
        );
    }

    #[test]
    fn what_others_decide_by_is_in_the_code() {
        static KEY: Property = Property::required("key", Kind::text(), "Secret.").secret();
        let schema = Schema::new("relay", [&SERVER, &KEY]);
        let at = |source| Position::new(source, 2, 2);
        let raw = [
            RawProperty::new("smtp:", "a", at(Source::Public)),
            RawProperty::new("prot", "a", at(Source::Public)),
            RawProperty::new("smtp:", "a", at(Source::Private)),
        ];
        let faults = schema.check("x1", Position::NOWHERE, &raw).faults;
        let codes: Vec<FaultCode> = faults.iter().map(|fault| fault.code).collect();
        let missing = |property, secret| FaultCode::MissingProperty { property, secret };
        assert_eq!(
            codes,
            [
                FaultCode::IndentedHeader,
                FaultCode::Other,
                FaultCode::Other,
                missing("server", false),
                missing("key", true),
            ]
        );
    }

    #[test]
    fn a_near_miss_is_named() {
        let raw = [RawProperty::new("sevrer", "a", Position::NOWHERE)];
        let checked = schema().check("x1", Position::NOWHERE, &raw);
        assert_eq!(
            checked.faults[0].hint.as_deref(),
            Some("did you mean `server`?")
        );
    }
}
