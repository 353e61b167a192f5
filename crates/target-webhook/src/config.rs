//! What a section says, in types.

use std::collections::{BTreeMap, BTreeSet};

use notify_core::{Limit, Limits, Unit};
use notify_http::{Method, Request, Url};
use notify_schema::{Entry, Fault, Fields, Level, Pair, Secret, Value, decode_base64};
use notify_tls::{Place, TlsOptions};

use crate::template::Template;
use crate::{BODY, HEADER, MAX_BODY, MAX_TITLE, MAX_UNIT, METHOD, SECRET, URL, address, named};

/// Headers that say how a message is framed, or who may use the connection
/// (RFC 9110 7.6.1): the program sends its own.
const FRAMING: [&str; 7] = [
    "connection",
    "content-length",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A usable section of the type `webhook`. `Debug` shows no secret and no template.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the request wants.
    pub method: Method,
    /// The URL up to its path, which holds no template.
    pub origin: Url,
    /// The whole URL.
    pub url: Template,
    /// The headers in file order: name, value.
    pub headers: Vec<(String, Template)>,
    /// The body; none is empty.
    pub body: Option<Template>,
    /// The secrets by name.
    pub secrets: BTreeMap<String, Secret>,
    /// How much the service takes.
    pub limits: Limits,
    /// How the server proves who it is.
    pub tls: TlsOptions,
    /// Where the section names a CA file.
    pub ca_file: Option<Place>,
    /// What works, though not as written.
    pub warnings: Vec<Fault>,
}

impl Config {
    /// Reads a checked section.
    ///
    /// # Errors
    /// Every fault that the schema cannot know: templates that do not compile,
    /// values that are not base64 of text, headers that HTTP cannot carry,
    /// secrets that a template names and the private section lacks.
    pub fn from_fields(fields: &Fields) -> Result<Self, Vec<Fault>> {
        let mut reading = Reading {
            fields,
            faults: Vec::new(),
            warnings: Vec::new(),
            wanted: Vec::new(),
        };
        let method = match fields.text(METHOD.name) {
            Some("get") => Method::Get,
            Some("put") => Method::Put,
            _ => Method::Post,
        };
        let url = reading.url();
        let headers = reading.headers();
        let body = reading.body();
        let secrets = reading.secrets();
        match url {
            Some((origin, url)) if reading.faults.is_empty() => Ok(Config {
                method,
                origin,
                url,
                headers,
                body,
                secrets,
                limits: limits(fields),
                tls: TlsOptions::from_fields(fields),
                ca_file: Place::of(fields),
                warnings: reading.warnings,
            }),
            _ => Err(reading.faults),
        }
    }

    /// Whether the section sets a header, in any case.
    pub(crate) fn sets(&self, header: &str) -> bool {
        self.headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(header))
    }

    /// What only this host can know of the TLS options. The trust roots of the
    /// system are not read for plain HTTP.
    pub(crate) fn tls_faults(&self) -> Vec<Fault> {
        if self.origin.scheme() == "https" || self.ca_file.is_some() {
            notify_tls::prepare(&self.tls, self.ca_file.as_ref())
        } else {
            Vec::new()
        }
    }
}

fn limits(fields: &Fields) -> Limits {
    let unit = fields.text(MAX_UNIT.name).unwrap_or_default();
    let unit = Unit::ALL.into_iter().find(|known| known.name() == unit);
    let limit = |property| {
        let max = usize::try_from(fields.integer(property)?).ok()?;
        Some(Limit::new(max, unit.unwrap_or(Unit::Characters)))
    };
    Limits {
        title: limit(MAX_TITLE.name),
        body: limit(MAX_BODY.name),
    }
}

struct Reading<'a> {
    fields: &'a Fields,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    /// The secrets that templates name, with the fault if there is none.
    wanted: Vec<(String, Fault)>,
}

impl Reading<'_> {
    /// Notes the secrets that a template names; the fault says what needs them.
    fn wants(&mut self, template: &str, fault: impl Fn(&str) -> Fault) {
        for name in named::secrets(template) {
            let reason = format!("needs the secret `{name}`, which the private section lacks");
            let hint = format!(
                "add `{} name={name},value=BASE64` to the section in priv/notifications.cfg",
                SECRET.name
            );
            let fault = fault(&reason).with_hint(hint);
            self.wanted.push((name, fault));
        }
    }

    fn url(&mut self) -> Option<(Url, Template)> {
        let text = self.fields.text(URL.name).unwrap_or_default();
        let origin = address::origin(text).map_err(|reason| vec![reason]);
        let template = Template::compile(&address::bracketed(text));
        match (origin, template) {
            (Ok(origin), Ok(template)) => {
                let fields = self.fields;
                self.wants(text, |reason| fields.fault(URL.name, reason));
                Some((origin, template))
            }
            (origin, template) => {
                let reasons = [origin.err(), template.err()];
                for reason in reasons.into_iter().flatten().flatten() {
                    self.faults.push(self.fields.fault(URL.name, reason));
                }
                None
            }
        }
    }

    fn body(&mut self) -> Option<Template> {
        let text = decode_base64(self.fields.text(BODY.name)?)
            .map_err(|refused| vec![refused.reason_without_value().to_owned()]);
        match text.and_then(|text| Ok((Template::compile(&text)?, text))) {
            Ok((template, text)) => {
                let fields = self.fields;
                self.wants(&text, |reason| fields.fault(BODY.name, reason));
                Some(template)
            }
            Err(reasons) => {
                let faults = reasons.into_iter();
                let faults = faults.map(|reason| self.fields.fault(BODY.name, reason));
                self.faults.extend(faults);
                None
            }
        }
    }

    fn headers(&mut self) -> Vec<(String, Template)> {
        let fields = self.fields;
        let entries = fields.all(HEADER.name);
        entries.filter_map(|entry| self.header(entry)).collect()
    }

    /// One header; none when it is faulty, or the program sets it itself.
    fn header(&mut self, entry: &Entry) -> Option<(String, Template)> {
        let Value::Text(line) = &entry.value else {
            return None;
        };
        // The schema has read it already.
        let pair = Pair::parse(line).ok()?;
        let name = pair.name.trim();
        let fields = self.fields;
        let fault = |reason: &str| {
            let message = format!("property `{}`: `{name}`: {reason}", HEADER.name);
            fields.fault_at(entry.at, message)
        };
        if FRAMING.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            let warning = fault("it is left out, the program sets it as the request needs it");
            self.warnings.push(Fault {
                level: Level::Warning,
                ..warning.with_hint("remove it")
            });
            return None;
        }
        let text = pair.decoded();
        let template = text
            .map_err(|refused| vec![refused.reason_without_value().to_owned()])
            .and_then(|text| Ok((Template::compile(&text)?, text)));
        let template = template.and_then(|(template, text)| {
            let value = template.literal().unwrap_or_default();
            match Request::post(example()).hidden_header(name, value) {
                Ok(_) => Ok((template, text)),
                Err(bad) => Err(vec![bad.reason().to_owned()]),
            }
        });
        match template {
            Ok((template, text)) => {
                self.wants(&text, fault);
                Some((name.to_owned(), template))
            }
            Err(reasons) => {
                let faults: Vec<_> = reasons.iter().map(|reason| fault(reason)).collect();
                self.faults.extend(faults);
                None
            }
        }
    }

    fn secrets(&mut self) -> BTreeMap<String, Secret> {
        let mut secrets: BTreeMap<String, Secret> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for entry in self.fields.all(SECRET.name) {
            let Value::Secret(line) = &entry.value else {
                continue;
            };
            let Ok(pair) = Pair::parse(line.expose()) else {
                continue;
            };
            let fault = |reason: &str| {
                let message = format!("property `{}`: `{}`: {reason}", SECRET.name, pair.name);
                self.fields.fault_at(entry.at, message)
            };
            if !names.insert(pair.name) {
                let warning = fault("the name is given twice, the last one is used");
                self.warnings.push(Fault {
                    level: Level::Warning,
                    ..warning.with_hint("remove the others")
                });
            }
            match pair.decoded() {
                Ok(text) => drop(secrets.insert(pair.name.to_owned(), Secret::new(text))),
                Err(refused) => {
                    self.faults.push(fault(refused.reason_without_value()));
                    // That fault is enough.
                    self.wanted.retain(|(wanted, _)| wanted != pair.name);
                }
            }
        }
        let is_given = |name: &String| secrets.get(name).is_some_and(|secret| !secret.is_empty());
        let lacking = self.wanted.drain(..).filter(|(name, _)| !is_given(name));
        self.faults.extend(lacking.map(|(_, fault)| fault));
        secrets
    }
}

/// Any URL, to try a header with.
fn example() -> Url {
    Url::parse("http://localhost/").expect("it is one")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use notify_core::{Limit, Limits, PlainHost, Unit};
    use notify_testkit::Section;

    use crate::WEBHOOK;

    fn pair(name: &str, text: &str) -> String {
        format!("name={name},value={}", STANDARD.encode(text))
    }

    fn section(url: &str) -> Section {
        Section::new("chat")
            .public("method", "post")
            .public("url", url)
    }

    fn check(section: &Section, expected: &[&str]) {
        let faults = section.build(&WEBHOOK).err().unwrap_or_default();
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, expected, "{section:?}");
    }

    #[test]
    fn a_section_of_proxmox_ve_is_usable() {
        let minimal = section("http://h");
        check(&minimal, &[]);
        let full = Section::new("chat")
            .public("method", "get")
            .public("url", "https://h/{{ url-encode title }}")
            .public("header", pair("X-A", "{{ severity }}"))
            .public("header", pair("X-A", "twice"))
            .public("header", "name=X-B")
            .public("body", "")
            .public("secret", "name=token")
            .public("comment", "c")
            .public("disable", "1")
            .secret("secret", pair("token", "hunter2"))
            .secret("secret", "name=empty");
        check(&full, &[]);
    }

    #[test]
    fn all_faults_are_found_at_once_and_none_shows_a_secret() {
        let at = "error: webhook `chat`: property";
        let private = "priv/notifications.cfg";
        let broken = section("https://h:70000/{{#if title}}")
            .public("header", pair("X Y", "a"))
            .public("header", pair("X-A", "a\nb"))
            .public("header", pair("X-B", "{{ nope title }} {{ json }}"))
            .public("header", "name=X-C,value=%%%")
            .public("body", STANDARD.encode("a\n{{ title ! }}"))
            .secret("secret", "name=token,value=hunter2!")
            .secret(
                "secret",
                format!("name=other,value={}", STANDARD.encode([0xff])),
            );
        check(
            &broken,
            &[
                &format!(
                    "notifications.cfg:3:2: {at} `url`: not a usable URL: invalid port number"
                ),
                &format!(
                    "notifications.cfg:3:2: {at} `url`: line 1, column 30: ends before every tag and block is closed"
                ),
                &format!("notifications.cfg:4:2: {at} `header`: `X Y`: not a header name"),
                &format!(
                    "notifications.cfg:5:2: {at} `header`: `X-A`: contains the control character U+000A"
                ),
                &format!(
                    "notifications.cfg:6:2: {at} `header`: `X-B`: line 1, column 1: unknown helper `nope`"
                ),
                &format!(
                    "notifications.cfg:6:2: {at} `header`: `X-B`: line 1, column 18: `json` needs a value"
                ),
                &format!("notifications.cfg:7:2: {at} `header`: `X-C`: the value is not base64"),
                &format!(
                    "notifications.cfg:8:2: {at} `body`: line 2, column 10: not Handlebars syntax from `! }}}}`"
                ),
                &format!("{private}:9:2: {at} `secret`: `token`: the value is not base64"),
                &format!(
                    "{private}:10:2: {at} `secret`: `other`: the value is base64, but not of UTF-8 text"
                ),
            ],
        );
    }

    #[test]
    fn a_body_that_is_no_base64_of_text_is_a_fault() {
        let at = "notifications.cfg:4:2: error: webhook `chat`: property `body`";
        for (body, reason) in [
            ("{{ title }}", "the value is not base64"),
            ("Zm9", "the value is not base64"),
            ("/w==", "the value is base64, but not of UTF-8 text"),
        ] {
            check(
                &section("http://h").public("body", body),
                &[&format!("{at}: {reason}")],
            );
        }
    }

    #[test]
    fn the_url_keeps_to_the_rule_of_proxmox_ve() {
        let at = "notifications.cfg:3:2: error: webhook `chat`: property `url`";
        check(
            &section("http://{{ fields.hostname }}/x"),
            &[&format!(
                "{at}: a template may not stand before the path, in `http://{{{{ fields.hostname }}}}/x`"
            )],
        );
    }

    #[test]
    fn limits_are_of_the_unit_that_the_service_counts() {
        let limits = |section: Section| section.build(&WEBHOOK).expect("good").limits();
        let plain = || section("http://h");
        assert_eq!(limits(plain()), Limits::NONE);
        assert_eq!(limits(plain().public("max-unit", "utf16")), Limits::NONE);
        let telegram = plain()
            .public("max-body", "4096")
            .public("max-unit", "utf16");
        let body = Some(Limit::new(4096, Unit::Utf16));
        assert_eq!(
            limits(telegram),
            Limits {
                body,
                ..Limits::NONE
            }
        );
        let both = plain()
            .public("max-title", "250")
            .public("max-body", "4000");
        let expected = Limits {
            title: Some(Limit::new(250, Unit::Characters)),
            body: Some(Limit::new(4000, Unit::Characters)),
        };
        assert_eq!(limits(both), expected);
    }

    #[test]
    fn a_header_that_frames_the_message_is_left_out_with_a_warning() {
        let section = section("http://h")
            .public("header", pair("content-length", "5"))
            .public("header", pair("Host", "other"));
        let target = section.build(&WEBHOOK).expect("usable");
        let faults: Vec<_> = target
            .prepare(&PlainHost::named("pve1"))
            .iter()
            .map(ToString::to_string)
            .collect();
        let warning = "notifications.cfg:4:2: warning: webhook `chat`: property `header`: `content-length`: it is left out, the program sets it as the request needs it";
        assert_eq!(faults, [warning]);
    }

    #[test]
    fn a_secret_that_a_template_names_must_be_there() {
        let asks = || {
            section("http://h/{{ secrets.room }}")
                .public("header", pair("X-Key", "Bearer {{ secrets.[my token] }}"))
                .public("body", STANDARD.encode("{{ escape secrets.token }}"))
        };
        let at = |line, property: &str, name: &str| {
            format!(
                "notifications.cfg:{line}:2: error: webhook `chat`: property {property}: needs the secret `{name}`, which the private section lacks"
            )
        };
        let room = at(3, "`url`", "room");
        let mine = at(4, "`header`: `X-Key`", "my token");
        let token = at(5, "`body`", "token");
        check(&asks(), &[&room, &mine, &token]);
        let empty = asks()
            .secret("secret", pair("room", "x"))
            .secret("secret", "name=my token")
            .secret("secret", pair("token", ""));
        check(&empty, &[&mine, &token]);
        let all = ["room", "my token", "token"];
        let full = all.into_iter().fold(asks(), |section, name| {
            section.secret("secret", pair(name, "x"))
        });
        check(&full, &[]);
    }

    #[test]
    fn a_broken_secret_is_told_once() {
        let broken =
            section("http://h/{{ secrets.room }}").secret("secret", "name=room,value=hunter2!");
        check(
            &broken,
            &[
                "priv/notifications.cfg:4:2: error: webhook `chat`: property `secret`: `room`: the value is not base64",
            ],
        );
    }

    #[test]
    fn a_secret_that_is_given_twice_is_a_warning() {
        let section = section("http://h")
            .secret("secret", pair("token", "first"))
            .secret("secret", pair("token", "last"));
        let target = section.build(&WEBHOOK).expect("usable");
        let faults: Vec<_> = target
            .prepare(&PlainHost::named("pve1"))
            .iter()
            .map(ToString::to_string)
            .collect();
        let warning = "priv/notifications.cfg:5:2: warning: webhook `chat`: property `secret`: `token`: the name is given twice, the last one is used";
        assert_eq!(faults, [warning]);
    }

    #[test]
    fn debug_shows_neither_templates_nor_secrets() {
        let section = section("http://h/hunter2/{{ title }}")
            .public("header", pair("X-A", "hunter2"))
            .public("body", STANDARD.encode("hunter2"))
            .secret("secret", pair("token", "hunter2"));
        let target = section.build(&WEBHOOK).expect("usable");
        assert!(!format!("{target:?} {target:#?}").contains("hunter2"));
    }
}
