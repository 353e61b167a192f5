//! The judgement of a server's certificate, and its reasons in words.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::Fingerprint;

/// A certificate that is not accepted: why, and its fingerprint.
#[derive(Debug, thiserror::Error)]
#[error("{reason}; its SHA-256 fingerprint is {fingerprint}")]
pub(crate) struct CertificateRefused {
    reason: String,
    fingerprint: Fingerprint,
}

impl CertificateRefused {
    fn error(reason: String, certificate: &CertificateDer<'_>) -> Error {
        let refused = CertificateRefused {
            reason,
            fingerprint: Fingerprint::of(certificate),
        };
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused))))
    }
}

/// Accepts a certificate by its chain and name, or by its fingerprint alone.
#[derive(Debug)]
pub(crate) struct Verifier {
    rule: Rule,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Rule {
    Chain(Arc<WebPkiServerVerifier>),
    Pinned(Fingerprint),
}

impl Verifier {
    /// Trusts what these roots signed, for the name it is signed for. There is at least one root.
    pub(crate) fn of_roots(roots: RootCertStore, provider: Arc<CryptoProvider>) -> Self {
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .expect("there is a root, and no revocation list that could be wrong");
        Verifier {
            rule: Rule::Chain(chain),
            provider,
        }
    }

    /// Trusts one certificate, whatever stands in it.
    pub(crate) fn of_fingerprint(pinned: Fingerprint, provider: Arc<CryptoProvider>) -> Self {
        Verifier {
            rule: Rule::Pinned(pinned),
            provider,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.rule {
            Rule::Pinned(pinned) if pinned.matches(certificate) => {
                Ok(ServerCertVerified::assertion())
            }
            Rule::Pinned(pinned) => Err(CertificateRefused::error(
                format!("the certificate is not the one that `tls-fingerprint` names, {pinned}"),
                certificate,
            )),
            Rule::Chain(chain) => chain
                .verify_server_cert(certificate, intermediates, name, ocsp_response, now)
                .map_err(|error| match error {
                    Error::InvalidCertificate(error) => {
                        CertificateRefused::error(reason(&error, name), certificate)
                    }
                    other => other,
                }),
        }
    }

    // A certificate is public: that the server holds its key is proved by these
    // signatures, so they are checked for a pinned certificate as well.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Why a chain is not accepted, for the person who can change it.
fn reason(error: &CertificateError, name: &ServerName<'_>) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "the certificate is signed by an authority that is not trusted".to_owned()
        }
        CertificateError::BadSignature => {
            "the certificate is signed by an authority that has the name of a trusted one, but another key"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let presented: Vec<_> = presented.iter().map(|name| bare(name)).collect();
            let presented = match presented.as_slice() {
                [] => "no name".to_owned(),
                names => names.join(", "),
            };
            format!(
                "the certificate is not for {}, it is for {presented}",
                name.to_str()
            )
        }
        CertificateError::ExpiredContext { time, not_after } => {
            format!("the certificate expired {}", days(*not_after, *time, "ago"))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            format!(
                "the certificate becomes valid {}, is the clock right?",
                days(*time, *not_before, "from now")
            )
        }
        // rustls says so of a first day after the last, as `openssl req -days -1` writes.
        CertificateError::Expired => {
            "the certificate is never valid: its last day is before its first".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the certificate is not for servers".to_owned()
        }
        CertificateError::BadEncoding => "the certificate is damaged".to_owned(),
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "the certificate is its own authority, which only `tls-fingerprint` can accept"
                .to_owned()
        }
        other => format!("the certificate is not accepted: {other}"),
    }
}

/// `localhost` of `DnsName("localhost")`, as webpki writes a name.
fn bare(name: &str) -> &str {
    name.split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .unwrap_or(name)
        .trim_matches('"')
}

/// `3 days ago`; under a day `today`.
fn days(early: UnixTime, late: UnixTime, direction: &str) -> String {
    match late.as_secs().saturating_sub(early.as_secs()) / 86_400 {
        0 => "today".to_owned(),
        1 => format!("1 day {direction}"),
        days => format!("{days} days {direction}"),
    }
}
