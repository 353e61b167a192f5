//! An exchange without an answer, and what that means.

use std::error::Error;

use notify_core::{Failure, FailureKind};
use notify_tls::{handshake_reason, is_certificate_error, is_protocol_error};
use reqwest::StatusCode;

use crate::Request;
use crate::answer::{in_words, kind_of_status};
use crate::phase::Phase;

/// The failure that a transport error on the way to `way` is.
///
/// A certificate that is not accepted, a far side that speaks no TLS:
/// misconfigured. Before the request was sent: unavailable. After that it may
/// have arrived: uncertain.
pub(crate) fn failure(
    request: &Request,
    way: &str,
    phase: &Phase,
    error: reqwest::Error,
) -> Failure {
    let error = error.without_url();
    let connecting = error.is_connect() || !phase.may_be_sent();
    let hopeless = is_certificate_error(&error) || is_protocol_error(&error);
    let (kind, step) = match connecting {
        true if hopeless || error.is_builder() => (FailureKind::Misconfigured, "cannot connect to"),
        true => (FailureKind::Unavailable, "cannot connect to"),
        false => (FailureKind::Uncertain, "no answer from"),
    };
    let detail = format!("{step} {way}: {}", reason(&error));
    Failure::new(kind, request.redacted(&detail))
}

/// The failure of a deadline that passed before an answer came.
pub(crate) fn silence(way: &str, phase: &Phase) -> Failure {
    if phase.may_be_sent() {
        Failure::uncertain(format!("no answer in time from {way}"))
    } else {
        Failure::unavailable(format!("no connection in time to {way}"))
    }
}

/// The failure of a tunnel that the proxy did not make, with its status where that is known.
///
/// A status that will be the same next time, as 403 for a port that the proxy
/// does not allow: misconfigured. Any other: unavailable.
pub(crate) fn no_tunnel(way: &str, status: Option<StatusCode>) -> Failure {
    let Some(status) = status else {
        return Failure::unavailable(format!("cannot connect to {way}: it makes no tunnel"));
    };
    let kind = match kind_of_status(status.as_u16()) {
        // Uncertain is only what a tunnel would have carried: nothing went through one.
        None | Some(FailureKind::Unavailable | FailureKind::Uncertain) => FailureKind::Unavailable,
        Some(FailureKind::Misconfigured | FailureKind::Rejected) => FailureKind::Misconfigured,
    };
    let status = in_words(status);
    let detail = format!("cannot connect to {way}: it answered {status} to CONNECT");
    Failure::new(kind, detail)
}

/// What went wrong, from the innermost cause, which is the one that says it.
fn reason(error: &(dyn Error + 'static)) -> String {
    handshake_reason(error).unwrap_or_else(|| {
        let causes = std::iter::successors(Some(error), |error| (*error).source());
        causes.last().map_or_else(String::new, ToString::to_string)
    })
}
