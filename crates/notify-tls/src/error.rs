//! Why there is no TLS connection.

use std::error::Error;
use std::io;
use std::path::Path;

use notify_core::Failure;
use rustls_pki_types::pem;

use crate::verifier::CertificateRefused;

/// What can be done about a [`TlsError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// The options cannot be used on this host: a CA file that is not there, no trust roots.
    Options,
    /// The server showed a certificate that is not accepted.
    Certificate,
    /// Something answers there, and it is not TLS, or no TLS that this program speaks.
    Protocol,
    /// The connection broke during the handshake.
    Connection,
}

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TlsError {
    kind: TlsErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TlsError {
    fn new(kind: TlsErrorKind, message: impl Into<String>) -> Self {
        TlsError {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn options(message: impl Into<String>) -> Self {
        TlsError::new(TlsErrorKind::Options, message)
    }

    pub(crate) fn unreadable(path: &Path, error: io::Error) -> Self {
        TlsError {
            source: Some(Box::new(error)),
            ..TlsError::options(format!("cannot read `{}`", path.display()))
        }
    }

    pub(crate) fn broken(path: &Path, number: usize, error: &pem::Error) -> Self {
        let why = match error {
            pem::Error::MissingSectionEnd { .. } => "its last line is missing".to_owned(),
            pem::Error::IllegalSectionStart { .. } => "its first line is malformed".to_owned(),
            pem::Error::Base64Decode(_) => "its text is not base64".to_owned(),
            other => other.to_string(),
        };
        TlsError::options(format!(
            "certificate {number} in `{}` is damaged: {why}",
            path.display()
        ))
    }

    pub(crate) fn no_certificate(path: &Path) -> Self {
        TlsError::options(format!("no PEM certificate in `{}`", path.display()))
    }

    pub(crate) fn unusable(path: &Path, reason: &str) -> Self {
        TlsError::options(format!("`{}`: {reason}", path.display()))
    }

    pub(crate) fn no_system_roots() -> Self {
        TlsError::options(
            "this system has no trusted certificates: install the package ca-certificates, or set `ca-file` or `tls-fingerprint`",
        )
    }

    /// A handshake with `host` that failed.
    pub(crate) fn handshake(host: &str, error: io::Error) -> Self {
        let kind = match () {
            () if is_certificate_error(&error) => TlsErrorKind::Certificate,
            () if is_protocol_error(&error) => TlsErrorKind::Protocol,
            () => TlsErrorKind::Connection,
        };
        TlsError {
            source: Some(Box::new(error)),
            ..TlsError::new(kind, format!("TLS with {host}"))
        }
    }

    /// What can be done about it.
    pub fn kind(&self) -> TlsErrorKind {
        self.kind
    }

    /// The text with all its causes, joined by colons; of a failed handshake, what a person should read of it.
    pub fn report(&self) -> String {
        match self
            .source
            .as_deref()
            .and_then(|cause| handshake_reason(cause))
        {
            Some(reason) => format!("{}: {reason}", self.message),
            None => notify_core::report(self),
        }
    }
}

impl From<TlsError> for Failure {
    /// Misconfigured, except for a connection that broke: that is unavailable.
    fn from(error: TlsError) -> Self {
        match error.kind {
            TlsErrorKind::Connection => Failure::unavailable(error.report()),
            _ => Failure::misconfigured(error.report()),
        }
    }
}

/// Whether an error comes from a server's certificate that is not accepted.
///
/// Walks the sources, those that an [`io::Error`] wraps included.
pub fn is_certificate_error(error: &(dyn Error + 'static)) -> bool {
    matches!(
        rustls_error(error),
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}

/// Whether an error says that the far side does not speak TLS at all, or none that this program speaks.
pub fn is_protocol_error(error: &(dyn Error + 'static)) -> bool {
    use rustls::AlertDescription::{HandshakeFailure, ProtocolVersion};
    matches!(
        rustls_error(error),
        Some(
            rustls::Error::InvalidMessage(_)
                | rustls::Error::PeerIncompatible(_)
                | rustls::Error::AlertReceived(HandshakeFailure | ProtocolVersion)
        )
    )
}

/// What a person should read of a failed handshake; none when the error is not from one.
pub fn handshake_reason(error: &(dyn Error + 'static)) -> Option<String> {
    use rustls::{CertificateError, Error as Tls};
    Some(match rustls_error(error)? {
        Tls::InvalidCertificate(CertificateError::Other(other)) => {
            match other.0.downcast_ref::<CertificateRefused>() {
                Some(refused) => refused.to_string(),
                None => other.to_string(),
            }
        }
        Tls::InvalidMessage(_) => "the far side does not speak TLS".to_owned(),
        Tls::PeerIncompatible(_) | Tls::AlertReceived(_) => {
            format!("no common kind of TLS: {}", rustls_error(error)?)
        }
        other => other.to_string(),
    })
}

/// The innermost cause, where it comes from rustls.
fn rustls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    // The source of an `io::Error` is the source of what it wraps, not the wrapped error.
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .map(|inner| inner as &(dyn Error + 'static));
    wrapped.or_else(|| error.source()).and_then(rustls_error)
}
