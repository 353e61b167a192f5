//! Whether `http_proxy` can be used, and where it is wrong.

use notify_schema::{Fault, Level};

const KEY: &str = "http_proxy:";

/// The fault of a proxy that no HTTP target can use; none when there is none or it is fine.
///
/// The form is `[http://][USER:PASSWORD@]HOST[:PORT]`. The fault shows nothing
/// that could be a password.
pub(crate) fn fault(datacenter_cfg: &str, proxy: Option<&str>) -> Option<Fault> {
    let reason = refused(proxy?)?;
    let message = format!("`http_proxy`: {reason}");
    let fault = Fault::in_file("datacenter.cfg", Level::Error, message)
        .with_hint("write http://USER:PASSWORD@HOST:PORT; USER, PASSWORD and PORT may be left out");
    Some(match place(datacenter_cfg) {
        Some((line, column)) => fault.on_line(line, column),
        None => fault,
    })
}

fn refused(proxy: &str) -> Option<String> {
    let (scheme, rest) = proxy.split_once("://").unwrap_or(("http", proxy));
    if !scheme
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        return Some("it has no scheme that can be read".to_owned());
    }
    if !scheme.eq_ignore_ascii_case("http") {
        let scheme: String = scheme.chars().take(20).collect();
        return Some(format!("expected the scheme http, not `{scheme}`"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority
        .rsplit_once('@')
        .map_or(authority, |(_, place)| place);
    let (host, port) = match place.rsplit_once(':') {
        // A colon inside of brackets belongs to an IPv6 address.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (place, None),
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Some("it names no host".to_owned());
    }
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    port.is_some_and(|port| !is_port(port))
        .then(|| "its port is not a number from 1 to 65535".to_owned())
}

/// Line and column of the value, both from 1.
fn place(datacenter_cfg: &str) -> Option<(u32, u32)> {
    let (at, line) = datacenter_cfg
        .lines()
        .enumerate()
        .find(|(_, line)| line.starts_with(KEY))?;
    let value = &line[KEY.len()..];
    let column = line.chars().count() - value.trim_start().chars().count() + 1;
    Some((u32::try_from(at + 1).ok()?, u32::try_from(column).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{fault, refused};

    #[test]
    fn proxies_of_the_known_form_are_fine() {
        for good in [
            "proxy",
            "proxy.example.com:3128",
            "http://proxy",
            "HTTP://proxy:1080/",
            "http://max:p%40ss@proxy:3128",
            "max:a@b:c@192.0.2.1",
            "http://[2001:db8::1]",
            "http://[2001:db8::1]:3128",
        ] {
            assert_eq!(refused(good), None, "{good}");
        }
    }

    #[test]
    fn others_are_refused_without_showing_a_password() {
        for (bad, reason) in [
            (
                "https://max:hunter2@proxy",
                "expected the scheme http, not `https`",
            ),
            ("socks5://proxy", "expected the scheme http, not `socks5`"),
            ("max:hunter2://x@proxy", "it has no scheme that can be read"),
            ("http://max:hunter2@", "it names no host"),
            ("http://", "it names no host"),
            (
                "http://max:hunter2@proxy:0",
                "its port is not a number from 1 to 65535",
            ),
            ("proxy:70000", "its port is not a number from 1 to 65535"),
            ("proxy:", "its port is not a number from 1 to 65535"),
        ] {
            assert_eq!(refused(bad).as_deref(), Some(reason), "{bad}");
        }
    }

    #[test]
    fn the_place_is_that_of_the_value() {
        let text = "keyboard: de\n http_proxy: a\nhttp_proxy:   ftp://x\n";
        let fault = fault(text, Some("ftp://x")).expect("no such scheme");
        assert_eq!(
            fault.to_string(),
            "datacenter.cfg:3:15: error: `http_proxy`: expected the scheme http, not `ftp`"
        );
    }
}
