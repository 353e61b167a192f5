//! An exchange without an answer, and what that means.

use std::error::Error;

use notify_core::{Failure, FailureKind};
use notify_tls::{handshake_reason, is_certificate_error, is_protocol_error};

use crate::address::origin;
use crate::phase::Phase;
use crate::{Proxy, Request};

/// The failure that a transport error is.
///
/// A certificate that is not accepted, a far side that speaks no TLS, a proxy
/// that wants other credentials: misconfigured. Before the request was sent:
/// unavailable. After that it may have arrived: uncertain.
pub(crate) fn failure(
    request: &Request,
    proxy: Option<&Proxy>,
    phase: &Phase,
    error: reqwest::Error,
) -> Failure {
    let error = error.without_url();
    let (kind, step) = judged(&error, phase);
    let reason = reason(&error);
    Failure::new(
        kind,
        request.redacted(&format!("{step} {}: {reason}", way(request, proxy))),
    )
}

/// The failure of a deadline that passed before an answer came.
pub(crate) fn silence(request: &Request, proxy: Option<&Proxy>, phase: &Phase) -> Failure {
    let way = way(request, proxy);
    if phase.may_be_sent() {
        Failure::uncertain(format!("no answer in time from {way}"))
    } else {
        Failure::unavailable(format!("no connection in time to {way}"))
    }
}

fn judged(error: &reqwest::Error, phase: &Phase) -> (FailureKind, &'static str) {
    let connecting = error.is_connect() || !phase.may_be_sent();
    let step = if connecting {
        "cannot connect to"
    } else {
        "no answer from"
    };
    let hopeless = error.is_builder()
        || (connecting
            && (is_certificate_error(error)
                || is_protocol_error(error)
                || proxy_wants_credentials(error)));
    match (hopeless, connecting) {
        (true, _) => (FailureKind::Misconfigured, step),
        (false, true) => (FailureKind::Unavailable, step),
        (false, false) => (FailureKind::Uncertain, step),
    }
}

/// A 407 to CONNECT. The error's type is private to hyper-util; a test with a real proxy holds its text.
fn proxy_wants_credentials(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.to_string() == "tunnel error: proxy authorization required")
}

/// `https://h`, `https://h through the proxy http://p:1080`.
fn way(request: &Request, proxy: Option<&Proxy>) -> String {
    let place = origin(request.url());
    match proxy {
        Some(proxy) => format!("{place} through the proxy {proxy}"),
        None => place,
    }
}

/// What went wrong, from the innermost cause, which is the one that says it.
fn reason(error: &(dyn Error + 'static)) -> String {
    handshake_reason(error).unwrap_or_else(|| {
        let innermost = causes(error).last();
        innermost.map_or_else(String::new, ToString::to_string)
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
