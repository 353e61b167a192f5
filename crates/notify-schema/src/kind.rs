//! What a value may look like.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::excerpt::excerpt;
use crate::quantity::{A_DURATION, A_SIZE, parse_duration, parse_size};

/// The kind of a property's value.
///
/// The limits are those of Proxmox VE's file layer, so that a value it accepts
/// is accepted here. Lengths count characters.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// Text without control characters, of `min` to `max` characters.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// A decimal number.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// `1 on yes true` or `0 off no false`, in any case.
    Boolean,
    /// One of these words, case-sensitive.
    Choice(&'static [&'static str]),
    /// The name of a section: `[A-Za-z0-9_][A-Za-z0-9._-]*`, 2 to 32 characters.
    Name,
    /// `name=NAME,value=BASE64`; the value may be left out.
    ///
    /// Of a secret, Proxmox VE may list the name alone in the public file.
    Pair,
    /// Base64 of UTF-8 text. As in Proxmox VE, it is not decoded when the file is read.
    Base64,
    /// Text without control characters that passes a check of the plugin's own.
    Checked {
        /// What is expected, for help texts, as `an http or https URL`.
        what: &'static str,
        /// Says why a value is refused.
        check: fn(&str) -> Result<(), String>,
    },
}

/// Why a value is refused: lower case, no full stop, ends with the value or with what was expected.
///
/// For a secret property say only [`Refused::reason_without_value`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    reason: String,
    discreet: String,
}

impl Refused {
    fn new(reason: impl Into<String>, discreet: impl Into<String>) -> Self {
        Refused {
            reason: reason.into(),
            discreet: discreet.into(),
        }
    }

    fn plain(reason: impl Into<String> + Clone) -> Self {
        Refused::new(reason.clone(), reason)
    }

    /// The reason, which may quote the value.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The reason, which never quotes the value.
    pub fn reason_without_value(&self) -> &str {
        &self.discreet
    }
}

impl Kind {
    /// The port of a TCP service; 0 to 65535, as Proxmox VE accepts it.
    pub const PORT: Kind = Kind::Integer { min: 0, max: 65535 };
    /// A comment: 0 to 128 characters.
    pub const COMMENT: Kind = Kind::Text { min: 0, max: 128 };
    /// An address or a user: 2 to 64 characters, not otherwise checked.
    pub const RECIPIENT: Kind = Kind::Text { min: 2, max: 64 };

    /// A span of time, as `90s` or `3d`: [`parse_duration`].
    pub const DURATION: Kind = Kind::Checked {
        what: A_DURATION,
        check: |value| parse_duration(value).map(drop),
    };
    /// An amount of bytes, as `64K` or `4G`: [`parse_size`].
    pub const SIZE: Kind = Kind::Checked {
        what: A_SIZE,
        check: |value| parse_size(value).map(drop),
    };

    /// Text without control characters, of any length.
    pub const fn text() -> Kind {
        Kind::Text {
            min: 0,
            max: usize::MAX,
        }
    }

    /// The value in the form in which Proxmox VE writes it: `true` for `yes`, `25` for `025`.
    ///
    /// # Errors
    /// [`Refused`] when it is not of this kind.
    pub fn normalized(&self, value: &str) -> Result<String, Refused> {
        match self {
            Kind::Integer { min, max } => {
                integer(value, *min, *max).map(|number| number.to_string())
            }
            Kind::Boolean => boolean(value).map(|flag| flag.to_string()),
            _ => self.accepts(value).map(|()| value.to_owned()),
        }
    }

    /// Whether the value is of this kind.
    ///
    /// # Errors
    /// [`Refused`] when it is not.
    pub fn accepts(&self, value: &str) -> Result<(), Refused> {
        match self {
            Kind::Integer { min, max } => integer(value, *min, *max).map(drop),
            Kind::Boolean => boolean(value).map(drop),
            Kind::Text { min, max } => text(value, *min, *max),
            Kind::Choice(words) => choice(value, words),
            Kind::Name => name(value),
            Kind::Pair => Pair::parse(value).map(drop),
            Kind::Base64 => text(value, 0, usize::MAX),
            Kind::Checked { check, what } => {
                text(value, 0, usize::MAX)?;
                check(value).map_err(|reason| Refused::new(reason, format!("expected {what}")))
            }
        }
    }

    /// The value that holds a plain text, for a kind whose values are base64; none for other kinds.
    ///
    /// For a pair, `plain` is `NAME=TEXT`.
    ///
    /// ```
    /// use notify_schema::Kind;
    /// let encoded = |kind: Kind, plain| kind.encoded(plain).and_then(Result::ok);
    /// assert_eq!(encoded(Kind::Base64, "foo").as_deref(), Some("Zm9v"));
    /// assert_eq!(encoded(Kind::Pair, "X-A=foo").as_deref(), Some("name=X-A,value=Zm9v"));
    /// assert_eq!(encoded(Kind::Boolean, "true"), None);
    /// ```
    ///
    /// # Errors
    /// [`Refused`] when a pair has no name, or one that a property string cannot hold.
    pub fn encoded(&self, plain: &str) -> Option<Result<String, Refused>> {
        match self {
            Kind::Base64 => Some(Ok(STANDARD.encode(plain))),
            Kind::Pair => Some(match plain.split_once('=') {
                Some((name, text)) => Pair::encoded(name, text),
                None => Err(Refused::plain("expected NAME=TEXT")),
            }),
            _ => None,
        }
    }

    /// Whether values are base64 of text, which people would rather give as it is.
    pub const fn is_base64(&self) -> bool {
        matches!(self, Kind::Base64 | Kind::Pair)
    }

    /// What is expected, for help texts: `a number from 0 to 65535`.
    pub fn expected(&self) -> String {
        match self {
            Kind::Text { max, .. } if *max == usize::MAX => "text".to_owned(),
            Kind::Text { min, max } => format!("text of {min} to {max} characters"),
            Kind::Integer { min, max } => format!("a number from {min} to {max}"),
            Kind::Boolean => "true or false".to_owned(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Name => "the name of a section".to_owned(),
            Kind::Pair => "name=NAME,value=BASE64".to_owned(),
            Kind::Base64 => "base64 of UTF-8 text".to_owned(),
            Kind::Checked { what, .. } => (*what).to_owned(),
        }
    }
}

/// Where a control character would break the file or a header, it is refused by name.
fn text(value: &str, min: usize, max: usize) -> Result<(), Refused> {
    // Nearly every value is printable ASCII, where bytes are characters.
    if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) && (min..=max).contains(&value.len()) {
        return Ok(());
    }
    if let Some(control) = value.chars().find(|character| character.is_control()) {
        return Err(Refused::plain(format!(
            "contains the control character U+{:04X}",
            control as u32
        )));
    }
    let length = value.chars().count();
    if length < min {
        return Err(Refused::plain(format!("shorter than {min} characters")));
    }
    if length > max {
        return Err(Refused::plain(format!(
            "{length} characters long, at most {max} are allowed"
        )));
    }
    Ok(())
}

fn integer(value: &str, min: i64, max: i64) -> Result<i64, Refused> {
    let number: i64 = value.parse().map_err(|_| not(value, "a decimal number"))?;
    if number < min {
        return Err(Refused::new(
            format!("{number} is below {min}"),
            format!("is below {min}"),
        ));
    }
    if number > max {
        return Err(Refused::new(
            format!("{number} is above {max}"),
            format!("is above {max}"),
        ));
    }
    Ok(number)
}

pub(crate) fn boolean(value: &str) -> Result<bool, Refused> {
    let is = |words: [&str; 4]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    if is(["1", "on", "yes", "true"]) {
        Ok(true)
    } else if is(["0", "off", "no", "false"]) {
        Ok(false)
    } else {
        Err(not(value, "true or false"))
    }
}

fn choice(value: &str, words: &[&str]) -> Result<(), Refused> {
    if words.contains(&value) {
        Ok(())
    } else {
        Err(not(value, &format!("one of {}", words.join(", "))))
    }
}

fn name(value: &str) -> Result<(), Refused> {
    let length = value.chars().count();
    if !(2..=32).contains(&length) {
        return Err(Refused::plain(format!(
            "a name has 2 to 32 characters, this has {length}"
        )));
    }
    let word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let good = value.starts_with(word)
        && value
            .chars()
            .all(|character| word(character) || ".-".contains(character));
    if good {
        Ok(())
    } else {
        Err(not(
            value,
            "a name of letters, digits, `_`, and after the first `.` or `-`",
        ))
    }
}

fn not(value: &str, expected: &str) -> Refused {
    Refused::new(
        format!("expected {expected}, not `{}`", excerpt(value)),
        format!("expected {expected}"),
    )
}

/// A property string `name=NAME,value=BASE64`, as webhooks use it for headers and secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    /// The name.
    pub name: &'a str,
    /// The value as it stands, base64; none when it was left out.
    pub value: Option<&'a str>,
}

impl<'a> Pair<'a> {
    /// Reads `name=NAME,value=BASE64`, in either order.
    ///
    /// # Errors
    /// [`Refused`] when the name is missing, a key is repeated or there is another key.
    pub fn parse(text: &'a str) -> Result<Self, Refused> {
        self::text(text, 0, usize::MAX)?;
        let (mut name, mut value) = (None, None);
        for part in text.split(',') {
            let (key, word) = part
                .split_once('=')
                .ok_or_else(|| pair_refused("a part has no `=`"))?;
            let slot = match key.trim() {
                "name" => &mut name,
                "value" => &mut value,
                _ => return Err(pair_refused("only `name` and `value` are known")),
            };
            if slot.replace(word).is_some() {
                return Err(pair_refused("a key is repeated"));
            }
        }
        name.map(|name| Pair { name, value })
            .ok_or_else(|| pair_refused("`name` is missing"))
    }

    /// The property string of a name and a plain text.
    ///
    /// # Errors
    /// [`Refused`] when the name is empty or has a comma or a control character.
    pub fn encoded(name: &str, text: &str) -> Result<String, Refused> {
        if name.is_empty() || name.contains(',') || name.contains(char::is_control) {
            let reason =
                "a name has at least one character, and neither commas nor control characters";
            return Err(Refused::plain(reason));
        }
        Ok(format!("name={name},value={}", STANDARD.encode(text)))
    }

    /// The value decoded; an absent value is empty.
    ///
    /// # Errors
    /// [`Refused`] when it is not base64 of UTF-8 text; the reason does not quote it.
    pub fn decoded(&self) -> Result<String, Refused> {
        decode_base64(self.value.unwrap_or_default())
    }
}

/// The text that a value of the kind [`Kind::Base64`] holds.
///
/// # Errors
/// [`Refused`] when it is not base64 of UTF-8 text; the reason does not quote it.
pub fn decode_base64(value: &str) -> Result<String, Refused> {
    let bytes = STANDARD
        .decode(value)
        .map_err(|_| Refused::plain("the value is not base64"))?;
    String::from_utf8(bytes)
        .map_err(|_| Refused::plain("the value is base64, but not of UTF-8 text"))
}

fn pair_refused(reason: &str) -> Refused {
    Refused::plain(format!("expected name=NAME,value=BASE64: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::{Kind, Pair};

    fn check(kind: Kind, value: &str, expected: Result<&str, &str>) {
        let result = kind.normalized(value);
        let result = result.as_deref().map_err(super::Refused::reason);
        assert_eq!(result, expected, "{kind:?} of {value:?}");
    }

    #[test]
    fn values_are_normalized_by_kind() {
        check(Kind::Boolean, "YES", Ok("true"));
        check(Kind::Boolean, "off", Ok("false"));
        check(Kind::PORT, "0025", Ok("25"));
        check(Kind::Choice(&["tls", "insecure"]), "tls", Ok("tls"));
        check(Kind::Name, "0_a.b-c", Ok("0_a.b-c"));
        check(Kind::text(), "a  b # c", Ok("a  b # c"));
    }

    #[test]
    fn a_refusal_names_the_value_and_the_bound() {
        check(Kind::PORT, "70000", Err("70000 is above 65535"));
        check(
            Kind::PORT,
            "0x19",
            Err("expected a decimal number, not `0x19`"),
        );
        check(
            Kind::Boolean,
            "maybe",
            Err("expected true or false, not `maybe`"),
        );
        check(
            Kind::Choice(&["tls", "insecure"]),
            "ssl",
            Err("expected one of tls, insecure, not `ssl`"),
        );
        check(
            Kind::Name,
            "a",
            Err("a name has 2 to 32 characters, this has 1"),
        );
        check(
            Kind::Name,
            "-ab",
            Err(
                "expected a name of letters, digits, `_`, and after the first `.` or `-`, not `-ab`",
            ),
        );
        check(Kind::RECIPIENT, "x", Err("shorter than 2 characters"));
        check(
            Kind::text(),
            "a\tb",
            Err("contains the control character U+0009"),
        );
        check(
            Kind::text(),
            "a\rb",
            Err("contains the control character U+000D"),
        );
    }

    #[test]
    fn a_long_value_is_not_repeated_whole() {
        let refused = Kind::PORT
            .normalized(&"9".repeat(1_000_000))
            .expect_err("too large");
        assert!(refused.reason().len() < 200);
    }

    #[test]
    fn a_pair_has_a_name_and_perhaps_a_value() {
        let pair = Pair::parse("name=X-A,value=Zm9v").expect("a pair");
        assert_eq!((pair.name, pair.decoded().as_deref()), ("X-A", Ok("foo")));
        assert_eq!(Pair::parse("name=tok").expect("a pair").value, None);
        assert_eq!(
            Pair::parse("name=x,value=Zg==")
                .expect("a pair")
                .decoded()
                .as_deref(),
            Ok("f")
        );
        for bad in ["", "x", "value=Zm9v", "name=a,name=b", "name=a,foo=b"] {
            assert!(Pair::parse(bad).is_err(), "{bad:?}");
        }
        for (value, reason) in [
            ("hunter2!", "the value is not base64"),
            ("/w==", "the value is base64, but not of UTF-8 text"),
        ] {
            let pair = format!("name=a,value={value}");
            let refused = Pair::parse(&pair).expect("a pair").decoded();
            assert_eq!(refused.expect_err("not text").reason(), reason);
        }
    }

    #[test]
    fn a_plain_text_is_encoded_for_the_file() {
        let check = |plain: &str, expected: Option<(&str, &str)>| {
            let value = Kind::Pair.encoded(plain).expect("pairs are base64").ok();
            let pair = value
                .as_deref()
                .map(|value| Pair::parse(value).expect("a pair"));
            let text = pair.map(|pair| (pair.name, pair.decoded().expect("text")));
            assert_eq!(
                text.as_ref().map(|(name, text)| (*name, text.as_str())),
                expected,
                "{plain}"
            );
        };
        check("X-A=b=c, \u{e4}\n", Some(("X-A", "b=c, \u{e4}\n")));
        check("X-A=", Some(("X-A", "")));
        for bad in ["X-A", "=x", "a,b=c", "a\n=b"] {
            check(bad, None);
        }
    }
}
