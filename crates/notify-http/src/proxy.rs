//! The proxy that a host sends its HTTP requests through.

use std::fmt;
use std::hash::{Hash, Hasher};

use notify_core::Host;
use notify_schema::{Secret, excerpt};
use percent_encoding::percent_decode_str;

/// The port where none is named, as libcurl has it, which Proxmox VE's `http_proxy` follows.
const DEFAULT_PORT: u16 = 1080;

const SHAPE: &str = "expected [http://][user:password@]host[:port]";

/// An HTTP proxy, as `http_proxy` of datacenter.cfg names it.
///
/// `http://` URLs are asked of it in absolute form, `https://` ones are tunnelled
/// with CONNECT. Its `Debug` and `Display` do not show the credentials.
///
/// ```
/// use notify_http::Proxy;
/// let proxy = Proxy::parse("http://me:hunter2@proxy.example.com").expect("a proxy");
/// assert_eq!(proxy.to_string(), "http://proxy.example.com:1080");
/// assert_eq!(
///     Proxy::parse("socks5://proxy.example.com").expect_err("no HTTP"),
///     "unsupported proxy scheme `socks5`, expected [http://][user:password@]host[:port]"
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: url::Host,
    port: u16,
    credentials: Option<Credentials>,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Secret,
}

impl Proxy {
    /// Reads `[http://][user:password@]host[:port]`; user and password are percent-decoded.
    ///
    /// # Errors
    /// The reason: lower case, without full stop, and without the credentials.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = without_scheme(text)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, place) = match rest.rsplit_once('@') {
            Some((credentials, place)) => (Some(Credentials::parse(credentials)?), place),
            None => (None, rest),
        };
        let (host, port) = host_and_port(place)?;
        Ok(Proxy {
            host,
            port,
            credentials,
        })
    }

    /// The proxy that a host names in datacenter.cfg; none when it names none.
    ///
    /// # Errors
    /// The reason, as of [`Proxy::parse`].
    pub fn of_host(host: &dyn Host) -> Result<Option<Self>, String> {
        match host.http_proxy().map(str::trim) {
            None | Some("") => Ok(None),
            Some(text) => Proxy::parse(text).map(Some),
        }
    }

    /// `host:port`, an IPv6 address in brackets.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

fn without_scheme(text: &str) -> Result<&str, String> {
    match text.split_once("://") {
        None => Ok(text),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => Ok(rest),
        // Without scheme, a password may hold `://` itself.
        Some((scheme, _)) if scheme.contains(['@', ':']) => Err(SHAPE.to_owned()),
        Some((scheme, _)) => Err(format!(
            "unsupported proxy scheme `{}`, {SHAPE}",
            excerpt(scheme)
        )),
    }
}

impl Credentials {
    fn parse(text: &str) -> Result<Self, String> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let user = decoded(user)?;
        if user.contains(':') {
            // RFC 7617 2: the first colon ends the user name.
            return Err("the proxy's user name must not contain a colon".to_owned());
        }
        let password = Secret::new(decoded(password)?);
        Ok(Credentials { user, password })
    }
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| "the proxy's credentials are not UTF-8 when percent-decoded".to_owned())
}

fn host_and_port(place: &str) -> Result<(url::Host, u16), String> {
    // The colons of an IPv6 address stand in brackets.
    let end_of_host = place.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match place[end_of_host..].find(':') {
        Some(colon) => {
            let (host, port) = place.split_at(end_of_host + colon);
            (host, Some(&port[1..]))
        }
        None => (place, None),
    };
    if host.is_empty() {
        return Err(format!("the proxy has no host, {SHAPE}"));
    }
    let port = port.map_or(Ok(DEFAULT_PORT), port_of)?;
    match url::Host::parse(host) {
        Ok(host) => Ok((host, port)),
        Err(_) => Err(format!("not a host name: `{}`, {SHAPE}", excerpt(host))),
    }
}

fn port_of(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port != 0 => Ok(port),
        _ => Err(format!(
            "expected a port from 1 to 65535, not `{}`",
            excerpt(text)
        )),
    }
}

impl Hash for Proxy {
    /// By place and user. Two that differ in the password only may collide, and differ by `Eq`.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.host.hash(state);
        self.port.hash(state);
        self.credentials
            .as_ref()
            .map(|known| &known.user)
            .hash(state);
    }
}

impl fmt::Display for Proxy {
    /// `http://host:port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.place())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Proxy;
    use notify_core::PlainHost;
    use proptest::prelude::{prop_assert, proptest};

    /// `host:port`, and `user:password` where there are some.
    type Known<'a> = (&'a str, Option<(&'a str, &'a str)>);

    fn check(text: &str, expected: Result<Known<'_>, &str>) {
        let parsed = Proxy::parse(text);
        let parsed = parsed.as_ref().map(|proxy| {
            let credentials = proxy
                .credentials()
                .map(|known| (known.user.as_str(), known.password.expose()));
            (proxy.to_string(), credentials)
        });
        let expected =
            expected.map(|(place, credentials)| (format!("http://{place}"), credentials));
        assert_eq!(parsed.map_err(String::as_str), expected, "{text:?}");
    }

    #[test]
    fn scheme_credentials_and_port_may_be_left_out() {
        check("proxy", Ok(("proxy:1080", None)));
        check("proxy:3128", Ok(("proxy:3128", None)));
        check("http://proxy:80", Ok(("proxy:80", None)));
        check(
            "HTTP://Proxy.Example.com/",
            Ok(("proxy.example.com:1080", None)),
        );
        check("http://[::1]:8080", Ok(("[::1]:8080", None)));
        check("[::1]", Ok(("[::1]:1080", None)));
        check("10.0.0.1:08080", Ok(("10.0.0.1:8080", None)));
    }

    #[test]
    fn credentials_are_percent_decoded() {
        check("u:p@h", Ok(("h:1080", Some(("u", "p")))));
        check("http://u@h:1", Ok(("h:1", Some(("u", "")))));
        check(
            "http://u%40d:a%3Ab%25@h",
            Ok(("h:1080", Some(("u@d", "a:b%")))),
        );
        check(
            "http://u:p@ss:word@h:1",
            Ok(("h:1", Some(("u", "p@ss:word")))),
        );
        check("http://:@h", Ok(("h:1080", Some(("", "")))));
    }

    #[test]
    fn a_refusal_has_a_reason_and_no_credentials() {
        let shape = "expected [http://][user:password@]host[:port]";
        let scheme = |name: &str| format!("unsupported proxy scheme `{name}`, {shape}");
        check("https://h", Err(&scheme("https")));
        check("socks5h://u:hunter2@h", Err(&scheme("socks5h")));
        check("u:hunter2://@h", Err(shape));
        check("", Err(&format!("the proxy has no host, {shape}")));
        check(
            "http://u:hunter2@",
            Err(&format!("the proxy has no host, {shape}")),
        );
        check("http://h:", Err("expected a port from 1 to 65535, not ``"));
        check(
            "http://h:0",
            Err("expected a port from 1 to 65535, not `0`"),
        );
        check(
            "http://h:+80",
            Err("expected a port from 1 to 65535, not `+80`"),
        );
        check(
            "http://h:70000",
            Err("expected a port from 1 to 65535, not `70000`"),
        );
        check(
            "http://h:3128/path",
            Err("expected a port from 1 to 65535, not `3128/path`"),
        );
        check(
            "http://h/path",
            Err(&format!("not a host name: `h/path`, {shape}")),
        );
        check("a b", Err(&format!("not a host name: `a b`, {shape}")));
        check(
            "http://u%3Ax:hunter2@h",
            Err("the proxy's user name must not contain a colon"),
        );
        check(
            "http://u:%ff@h",
            Err("the proxy's credentials are not UTF-8 when percent-decoded"),
        );
    }

    #[test]
    fn nothing_that_prints_shows_the_credentials() {
        let proxy = Proxy::parse("http://me:hunter2@h").expect("a proxy");
        assert_eq!(
            format!("{proxy} {proxy:?}"),
            "http://h:1080 Proxy(http://h:1080)"
        );
    }

    #[test]
    fn a_host_without_a_proxy_has_none() {
        let mut host = PlainHost::named("pve1");
        assert_eq!(Proxy::of_host(&host), Ok(None));
        host.http_proxy = Some(String::new());
        assert_eq!(Proxy::of_host(&host), Ok(None));
        host.http_proxy = Some("http://proxy:3128".to_owned());
        let proxy = Proxy::of_host(&host).expect("well formed").expect("named");
        assert_eq!(proxy.to_string(), "http://proxy:3128");
    }

    proptest! {
        #[test]
        fn any_text_is_a_proxy_or_a_reason_without_credentials(
            scheme in "(http://|https://|HTTP://|a b://|)",
            user in "[^@]{0,10}",
            place in "[^@]{0,20}",
        ) {
            let parsed = Proxy::parse(&format!("{scheme}{user}:hunter2@{place}"));
            let shown = format!("{parsed:?}");
            prop_assert!(!shown.contains("hunter2"), "{}", shown);
        }
    }
}
