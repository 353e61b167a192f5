//! Where an answer sends us, and whether we go.

use reqwest::StatusCode;
use url::Url;

use crate::address::origin;

/// Redirects that are followed for one delivery.
pub(crate) const MOST_REDIRECTS: u32 = 3;

/// What to do about a 3xx.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// Send the same again to this place.
    Follow(Url),
    /// Do not go there; why, and where it is, fit for people.
    Refuse(String),
}

/// Judges a 3xx answer to a request to `from`.
///
/// Followed are only 307 and 308 to the same scheme, host and port: the others
/// turn a POST into a GET, and another host would get the credentials.
pub(crate) fn redirect(status: StatusCode, location: Option<&str>, from: &Url) -> Redirect {
    let Some(to) = location.and_then(|location| from.join(location).ok()) else {
        return Redirect::Refuse("it names no new place".to_owned());
    };
    let same_place = to.origin() == from.origin() && to.origin().is_tuple();
    let repeats = matches!(
        status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    );
    if repeats && same_place && to.username().is_empty() && to.password().is_none() {
        Redirect::Follow(to)
    } else {
        Redirect::Refuse(format!("it points to {}", shown(&to)))
    }
}

/// A URL without credentials, query and fragment.
fn shown(url: &Url) -> String {
    if url.origin().is_tuple() {
        format!("{}{}", origin(url), url.path())
    } else {
        format!("a place of the kind {}:", url.scheme())
    }
}

#[cfg(test)]
mod tests {
    use super::{Redirect, redirect};
    use reqwest::StatusCode;

    fn check(status: u16, location: &str, expected: Result<&str, &str>) {
        let from = url::Url::parse("https://h:8443/a/message").expect("a URL");
        let status = StatusCode::from_u16(status).expect("a status");
        let judged = match redirect(status, Some(location), &from) {
            Redirect::Follow(to) => Ok(to.to_string()),
            Redirect::Refuse(reason) => Err(reason),
        };
        let judged = judged.as_deref().map_err(String::as_str);
        assert_eq!(judged, expected, "{status} {location:?}");
    }

    #[test]
    fn only_a_repeat_at_the_same_place_is_followed() {
        check(307, "/b/message", Ok("https://h:8443/b/message"));
        check(308, "https://h:8443/b?c=d", Ok("https://h:8443/b?c=d"));
        check(308, "//H:8443/b", Ok("https://h:8443/b"));
        check(301, "/b", Err("it points to https://h:8443/b"));
        check(302, "/b", Err("it points to https://h:8443/b"));
        check(303, "/b", Err("it points to https://h:8443/b"));
        check(307, "http://h:8443/b", Err("it points to http://h:8443/b"));
        check(307, "https://h/b", Err("it points to https://h/b"));
        check(
            307,
            "https://other:8443/b",
            Err("it points to https://other:8443/b"),
        );
    }

    #[test]
    fn a_new_place_is_named_without_query_and_credentials() {
        check(
            301,
            "https://u:hunter2@o/b?token=x#y",
            Err("it points to https://o/b"),
        );
        check(
            307,
            "https://u:hunter2@h:8443/b",
            Err("it points to https://h:8443/b"),
        );
        check(
            301,
            "data:text/plain,hunter2",
            Err("it points to a place of the kind data:"),
        );
        check(301, "https://[", Err("it names no new place"));
    }
}
