//! The SHA-256 of a certificate, as people write it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a certificate in its DER form.
///
/// Written as 64 hex digits in either case, with or without colons, as
/// `openssl x509 -noout -fingerprint -sha256 -in FILE` prints it after the `=`.
///
/// ```
/// use notify_tls::Fingerprint;
/// let pinned: Fingerprint = "e3:b0:c4:42:98:fc:1c:14:9a:fb:f4:c8:99:6f:b9:24:27:ae:41:e4:64:9b:93:4c:a4:95:99:1b:78:52:b8:55".parse().expect("64 digits");
/// assert!(pinned.matches(b""));
/// assert!(pinned.to_string().starts_with("E3:B0:C4:42:"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// Why a text is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadFingerprint(String);

impl Fingerprint {
    /// The fingerprint of a certificate in DER form.
    pub fn of(certificate: &[u8]) -> Self {
        Fingerprint(Sha256::digest(certificate).into())
    }

    /// Whether a certificate in DER form is the one that is meant.
    pub fn matches(&self, certificate: &[u8]) -> bool {
        *self == Fingerprint::of(certificate)
    }
}

impl FromStr for Fingerprint {
    type Err = BadFingerprint;

    fn from_str(text: &str) -> Result<Self, BadFingerprint> {
        let digits = digits(text)?;
        if digits.len() != 64 {
            return Err(wrong_length(digits.len()));
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Fingerprint(bytes))
    }
}

/// The values of the hex digits, colons left out.
fn digits(text: &str) -> Result<Vec<u8>, BadFingerprint> {
    text.chars()
        .filter(|character| *character != ':')
        .map(|character| {
            let digit = character
                .to_digit(16)
                .and_then(|digit| digit.try_into().ok());
            digit.ok_or_else(|| {
                BadFingerprint(format!(
                    "expected hex digits and colons, not `{}`",
                    character.escape_debug()
                ))
            })
        })
        .collect()
}

fn wrong_length(digits: usize) -> BadFingerprint {
    let known = match digits {
        32 => ", which is the length of an MD5 fingerprint",
        40 => ", which is the length of a SHA-1 fingerprint",
        _ => "",
    };
    BadFingerprint(format!(
        "expected the 64 hex digits of a SHA-256 fingerprint, not {digits}{known}"
    ))
}

impl fmt::Display for Fingerprint {
    /// `AB:CD:…`, upper case with colons, as OpenSSL prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    fn check(text: &str, expected: Result<&str, &str>) {
        let parsed = text.parse::<Fingerprint>();
        let shown = parsed.map(|print| print.to_string());
        let shown = shown.as_deref().map_err(std::string::ToString::to_string);
        assert_eq!(shown, expected.map_err(str::to_owned), "{text:?}");
    }

    #[test]
    fn colons_and_case_do_not_matter() {
        let shown = vec!["AB"; 32].join(":");
        check(&"ab".repeat(32), Ok(&shown));
        check(&"AB".repeat(32), Ok(&shown));
        check(&shown, Ok(&shown));
        check(&shown.to_lowercase(), Ok(&shown));
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        check(
            "",
            Err("expected the 64 hex digits of a SHA-256 fingerprint, not 0"),
        );
        check(
            &"ab".repeat(20),
            Err(
                "expected the 64 hex digits of a SHA-256 fingerprint, not 40, which is the length of a SHA-1 fingerprint",
            ),
        );
        check(
            &"ab".repeat(33),
            Err("expected the 64 hex digits of a SHA-256 fingerprint, not 66"),
        );
        check(
            "sha256 Fingerprint=AB",
            Err("expected hex digits and colons, not `s`"),
        );
    }
}
