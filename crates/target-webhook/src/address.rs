//! The form of a URL before its templates are filled, as Proxmox VE's file layer wants it.

use std::net::Ipv6Addr;

use notify_http::Url;
use notify_schema::excerpt;

/// Whether a URL has the form that Proxmox VE accepts: `http://` or `https://`, a
/// host (a name, an address, an IPv6 address in brackets) with an optional
/// port or an IPv6 address without brackets and port, and nothing else before
/// the first `/`.
///
/// What follows that may hold anything. So neither credentials nor a template
/// can stand where the host does, and no query without a path.
///
/// # Errors
/// What is wrong with it, with its begin.
pub(crate) fn check(url: &str) -> Result<(), String> {
    let refused = |reason: String| format!("{reason}, in `{}`", excerpt(url));
    let Some((_, rest)) = scheme(url) else {
        let shown = excerpt(url);
        return Err(format!(
            "expected a URL that begins with http:// or https://, not `{shown}`"
        ));
    };
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        // What stands before an `@` may be a password.
        return Err("a URL must not hold credentials, everyone can read this file".to_owned());
    }
    if authority.contains("{{") {
        return Err(refused(
            "a template may not stand before the path".to_owned(),
        ));
    }
    if authority.contains(['?', '#']) {
        return Err(refused("a `/` must follow the host".to_owned()));
    }
    if is_authority(authority) {
        Ok(())
    } else {
        Err(refused("not a host with an optional port".to_owned()))
    }
}

/// The URL in a form that every parser of URLs reads: an IPv6 address has brackets.
pub(crate) fn bracketed(url: &str) -> String {
    let Some((scheme, rest)) = scheme(url) else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.parse::<Ipv6Addr>() {
        Ok(_) => format!("{scheme}[{authority}]{path}"),
        Err(_) => url.to_owned(),
    }
}

/// The part of a URL that holds no template: scheme, host and port.
///
/// # Errors
/// Why it can be no URL although it has the form, as port 99999.
pub(crate) fn origin(url: &str) -> Result<Url, String> {
    let url = bracketed(url);
    let (scheme, rest) = scheme(&url).unwrap_or(("", &url));
    let authority = rest.split('/').next().unwrap_or_default();
    Url::parse(&format!("{scheme}{authority}/"))
        .map_err(|error| format!("not a usable URL: {error}"))
}

fn scheme(url: &str) -> Option<(&str, &str)> {
    let after = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    Some((&url[..url.len() - after.len()], after))
}

fn is_authority(authority: &str) -> bool {
    if let Some(bracketed) = authority.strip_prefix('[') {
        return bracketed.split_once(']').is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok()
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    if authority.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    match authority.split_once(':') {
        Some((host, port)) => is_host(host) && is_port(port),
        None => is_host(authority),
    }
}

/// A DNS name; an IPv4 address looks like one.
fn is_host(host: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric();
    let is_label = |label: &str| match label.as_bytes() {
        [] => false,
        [first, .., last] if !is_word(*first) || !is_word(*last) => false,
        bytes => bytes.iter().all(|byte| is_word(*byte) || *byte == b'-') && bytes != b"-",
    };
    host.split('.').all(is_label)
}

fn is_port(port: &str) -> bool {
    (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{bracketed, check, origin};
    use proptest::prelude::{prop_assert, proptest};

    #[test]
    fn what_proxmox_ve_accepts_is_accepted() {
        for url in [
            "http://h",
            "https://h/",
            "http://chat.example.com:8443/hooks/{{ secrets.token }}?a=b#c",
            "http://192.0.2.1/x",
            "http://192.0.2.1:80",
            "http://[2001:db8::1]:8080/x",
            "http://[::1]",
            "http://::1/x",
            "http://a-b.c/with blanks/{{#if title}}a{{/if}}/ä",
            "http://h:99999/",
            "http://H.Example/@/user:pass@",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_proxmox_ve_refuses_is_refused_with_its_reason() {
        for (url, reason) in [
            (
                "",
                "expected a URL that begins with http:// or https://, not ``",
            ),
            (
                "{{ secrets.url }}",
                "expected a URL that begins with http:// or https://, not `{{ secrets.url }}`",
            ),
            (
                "ftp://h/",
                "expected a URL that begins with http:// or https://, not `ftp://h/`",
            ),
            (
                "HTTP://h/",
                "expected a URL that begins with http:// or https://, not `HTTP://h/`",
            ),
            (
                "http://{{ fields.hostname }}/x",
                "a template may not stand before the path, in `http://{{ fields.hostname }}/x`",
            ),
            (
                "http://h{{ x }}",
                "a template may not stand before the path, in `http://h{{ x }}`",
            ),
            (
                "http://x?q=1",
                "a `/` must follow the host, in `http://x?q=1`",
            ),
            ("http://x#q", "a `/` must follow the host, in `http://x#q`"),
            (
                "http://user:hunter2@host/",
                "a URL must not hold credentials, everyone can read this file",
            ),
        ] {
            assert_eq!(check(url), Err(reason.to_owned()));
        }
        for host in [
            "", "a_b", "-a", "a-", "a..b", "a.", "h:", "h:123456", "h:x", "ä", "h h", "[::1",
            "[::g]", "[::1]x", "::1:80x", "-",
        ] {
            let url = format!("http://{host}/x");
            let reason = format!("not a host with an optional port, in `{url}`");
            assert_eq!(check(&url), Err(reason));
        }
    }

    #[test]
    fn an_origin_ends_before_the_path() {
        let shown = |url: &str| origin(url).map(|origin| origin.to_string());
        assert_eq!(
            shown("https://H:443/a/{{ b }}"),
            Ok("https://h/".to_owned())
        );
        assert_eq!(shown("http://::1/a"), Ok("http://[::1]/".to_owned()));
        assert_eq!(
            shown("http://h:99999/"),
            Err("not a usable URL: invalid port number".to_owned())
        );
        assert_eq!(
            shown("http://999.1.1.1/"),
            Err("not a usable URL: invalid IPv4 address".to_owned())
        );
        assert_eq!(bracketed("http://::1/::2"), "http://[::1]/::2");
        assert_eq!(bracketed("http://h/::1"), "http://h/::1");
    }

    proptest! {
        #[test]
        fn a_path_never_changes_the_host(path in "\\PC{0,40}") {
            let url = format!("https://chat.example.com:8443/{path}");
            prop_assert!(check(&url).is_ok());
            let parsed = notify_http::Url::parse(&bracketed(&url)).expect("any path can be escaped");
            prop_assert!(parsed.origin() == origin(&url).expect("a host").origin(), "{}", parsed);
        }

        #[test]
        fn any_text_is_judged(text in "(https?://)?\\PC{0,40}") {
            if check(&text).is_ok() {
                let _ = origin(&text);
            }
        }
    }
}
