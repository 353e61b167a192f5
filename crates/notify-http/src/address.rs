//! Base URLs and what is put behind them.

use notify_schema::excerpt;
use url::Url;

use crate::Proxy;

/// Reads the base URL of a service: `http` or `https`, a host, perhaps a port and a path.
///
/// ```
/// use notify_http::base_url;
/// assert!(base_url("https://gotify.example.com/base/").is_ok());
/// assert_eq!(
///     base_url("gotify.example.com"),
///     Err("expected a URL that begins with http:// or https://, not `gotify.example.com`".to_owned())
/// );
/// ```
///
/// # Errors
/// The reason: lower case, without full stop. Credentials in the URL are not
/// repeated in it.
pub fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| not_a_url(text, error))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(not_http(text));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL must not hold credentials, everyone can read this file".to_owned());
    }
    for (part, sign) in [(url.query(), '?'), (url.fragment(), '#')] {
        if part.is_some() {
            return Err(format!("a base URL ends before `{sign}`"));
        }
    }
    Ok(url)
}

/// `base` with one more segment in its path, whether or not it ends with a slash.
///
/// ```
/// use notify_http::{base_url, join};
/// for base in ["https://gotify.example.com/base", "https://gotify.example.com/base//"] {
///     let base = base_url(base).expect("a base URL");
///     assert_eq!(join(&base, "message").as_str(), "https://gotify.example.com/base/message");
/// }
/// ```
pub fn join(base: &Url, segment: &str) -> Url {
    let mut joined = base.clone();
    joined.set_path(base.path().trim_end_matches('/'));
    if let Ok(mut segments) = joined.path_segments_mut() {
        segments.pop_if_empty().push(segment);
    }
    joined
}

/// `https://gotify.example.com:8443`: where a URL points to, without path, query and credentials.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Where a request goes: the origin, and the proxy on the way there.
pub(crate) fn way(url: &Url, proxy: Option<&Proxy>) -> String {
    let place = origin(url);
    match proxy {
        Some(proxy) => format!("{place} through the proxy {proxy}"),
        None => place,
    }
}

fn not_a_url(text: &str, error: url::ParseError) -> String {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let is_http = scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    if is_http {
        format!("not a usable URL: {error}")
    } else {
        not_http(text)
    }
}

fn not_http(text: &str) -> String {
    // What stands before an `@` may be a password.
    let shown = if text.contains('@') {
        "that".to_owned()
    } else {
        excerpt(text)
    };
    format!("expected a URL that begins with http:// or https://, not `{shown}`")
}

#[cfg(test)]
mod tests {
    use super::{base_url, join, origin};
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn check(base: &str, expected: Result<&str, &str>) {
        let joined = base_url(base).map(|base| join(&base, "message").to_string());
        let joined = joined.as_deref().map_err(String::as_str);
        assert_eq!(joined, expected, "{base:?}");
    }

    #[test]
    fn a_segment_is_joined_with_one_slash() {
        check("http://h", Ok("http://h/message"));
        check("http://h/", Ok("http://h/message"));
        check("http://h//", Ok("http://h/message"));
        check("http://h:8080/a/b", Ok("http://h:8080/a/b/message"));
        check("http://h/a//b/", Ok("http://h/a//b/message"));
        check("HTTPS://H:443/", Ok("https://h/message"));
        check("http://[::1]:80/x", Ok("http://[::1]/x/message"));
        check(
            "http://bücher.example",
            Ok("http://xn--bcher-kva.example/message"),
        );
        check("http://h/a%2Fb c", Ok("http://h/a%2Fb%20c/message"));
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_its_reason() {
        check(
            "",
            Err("expected a URL that begins with http:// or https://, not ``"),
        );
        check(
            "localhost:8080",
            Err("expected a URL that begins with http:// or https://, not `localhost:8080`"),
        );
        check(
            "ftp://h/",
            Err("expected a URL that begins with http:// or https://, not `ftp://h/`"),
        );
        check(
            "ftp://me:hunter2@h/",
            Err("expected a URL that begins with http:// or https://, not `that`"),
        );
        check(
            &"h".repeat(200_000),
            Err(&format!(
                "expected a URL that begins with http:// or https://, not `{}…`",
                "h".repeat(60)
            )),
        );
        check("http://", Err("not a usable URL: empty host"));
        check(
            "http://h:99999",
            Err("not a usable URL: invalid port number"),
        );
        check("http://h/?token=x", Err("a base URL ends before `?`"));
        check("http://h/#x", Err("a base URL ends before `#`"));
        check(
            "https://me:hunter2@h/",
            Err("a URL must not hold credentials, everyone can read this file"),
        );
    }

    #[test]
    fn an_origin_names_neither_path_nor_credentials() {
        let url = url::Url::parse("https://me:hunter2@h:8443/a?b#c").expect("a URL");
        assert_eq!(origin(&url), "https://h:8443");
    }

    proptest! {
        #[test]
        fn no_reason_holds_credentials(before in "\\PC{0,70}", after in "\\PC{0,20}") {
            let text = format!("{before}:hunter2@{after}");
            let shown = base_url(&text).err().unwrap_or_default();
            prop_assert!(!shown.contains("hunter2"), "{}", shown);
        }

        #[test]
        fn a_joined_path_is_the_base_and_one_segment(path in "[/a-z%. ]{0,12}", segment in "[a-z]{1,6}") {
            if let Ok(base) = base_url(&format!("http://h/{path}")) {
                let joined = join(&base, &segment);
                let expected = format!("{}/{segment}", base.path().trim_end_matches('/'));
                prop_assert_eq!(joined.path(), expected);
                prop_assert_eq!(joined.origin(), base.origin());
            }
        }
    }
}
