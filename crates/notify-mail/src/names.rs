//! The names under which a host appears in mail.

use notify_core::Host;

/// A domain that this host may call itself in mail: its FQDN, else its short name.
///
/// None when neither is a domain that RFC 5321 4.1.2 allows, as `my_host`. A
/// final dot is dropped, letters that are not ASCII become A-labels.
///
/// ```
/// use notify_core::PlainHost;
/// use notify_mail::mail_domain;
/// let host = PlainHost { fqdn: "pve 1".into(), ..PlainHost::named("pve1") };
/// assert_eq!(mail_domain(&host).as_deref(), Some("pve1"));
/// assert_eq!(mail_domain(&PlainHost::named("my_host")), None);
/// ```
pub fn mail_domain(host: &dyn Host) -> Option<String> {
    [host.fqdn(), host.name()]
        .into_iter()
        .find_map(|name| strict_domain(name.strip_suffix('.').unwrap_or(name)))
}

fn strict_domain(name: &str) -> Option<String> {
    let ascii = if name.is_ascii() {
        name.to_owned()
    } else {
        idna::domain_to_ascii(name).ok()?
    };
    let good = ascii.len() <= 255 && ascii.split('.').all(is_label);
    good.then_some(ascii)
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The Message-ID of a delivery, without its angle brackets: `KEY@DOMAIN`.
///
/// The same key gives the same id, another key another one. What a key may hold
/// and a Message-ID may not (RFC 5322 3.6.4), as two dots in a row, is written
/// as `=` and two hex digits.
///
/// ```
/// use notify_core::PlainHost;
/// use notify_mail::message_id;
/// let host = PlainHost::named("pve1");
/// assert_eq!(message_id("0190.ops", &host), "0190.ops@pve1");
/// assert_eq!(message_id("0190.a..b.", &host), "0190.a=2E=2Eb=2E@pve1");
/// ```
pub fn message_id(key: &str, host: &dyn Host) -> String {
    let bytes = key.as_bytes();
    let mut id = String::with_capacity(key.len() + 32);
    for (index, byte) in bytes.iter().copied().enumerate() {
        let neighbour = |at: Option<usize>| at.and_then(|at| bytes.get(at)).copied();
        let between = |near: Option<u8>| near.is_some_and(|near| near != b'.');
        let lone_dot = byte == b'.'
            && between(neighbour(index.checked_sub(1)))
            && between(neighbour(Some(index + 1)));
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || lone_dot {
            id.push(char::from(byte));
        } else {
            id.push_str(&format!("={byte:02X}"));
        }
    }
    let domain = mail_domain(host);
    format!("{id}@{}", domain.as_deref().unwrap_or("localhost"))
}

#[cfg(test)]
mod tests {
    use super::{mail_domain, message_id};
    use notify_core::PlainHost;

    fn check(fqdn: &str, name: &str, expected: Option<&str>) {
        let host = PlainHost {
            fqdn: fqdn.to_owned(),
            ..PlainHost::named(name)
        };
        assert_eq!(mail_domain(&host).as_deref(), expected, "{fqdn:?} {name:?}");
    }

    #[test]
    fn a_host_calls_itself_by_a_legal_domain() {
        check("pve1.example.com", "pve1", Some("pve1.example.com"));
        check("pve1.example.com.", "pve1", Some("pve1.example.com"));
        check("büro.example.com", "pve1", Some("xn--bro-hoa.example.com"));
        check("a..b", "pve1", Some("pve1"));
        check("-a.b", "pve1", Some("pve1"));
        check("pve1\r\nMAIL FROM:<x>", "pve1", Some("pve1"));
        check("", "", None);
        check("a_b.lan", "a_b", None);
    }

    #[test]
    fn no_key_makes_an_illegal_id() {
        let host = PlainHost::named("my host");
        assert_eq!(message_id("1.ops", &host), "1.ops@localhost");
        assert_eq!(
            message_id(".a>\r\nX: =", &host),
            "=2Ea=3E=0D=0AX=3A=20=3D@localhost"
        );
    }
}
