//! The authorities that are trusted: the system's, or those of a file.

use std::path::Path;
use std::sync::OnceLock;

use notify_schema::one_line;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::{TlsError, TlsOptions};

/// The trust roots of the system, each of them usable.
///
/// Read when first asked for and kept for the life of the process, so that a
/// program without a TLS target never reads them. `SSL_CERT_FILE` and
/// `SSL_CERT_DIR` are honoured. What of them cannot be read or used,
/// [`prepare`](crate::prepare) tells. Empty when the system has none.
pub fn system_roots() -> &'static [CertificateDer<'static>] {
    &system().certificates
}

/// What a person should know of the system's trust roots, each in one line.
pub(crate) fn system_warnings() -> &'static [String] {
    &system().warnings
}

/// The roots that these options trust, in DER form, each of them usable.
///
/// Empty when a fingerprint decides alone.
///
/// # Errors
/// [`TlsError`] when the CA file cannot be read or holds no certificate, or the system has no roots.
pub fn trusted_roots(options: &TlsOptions) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    match (&options.fingerprint, &options.ca_file) {
        (Some(_), _) => Ok(Vec::new()),
        (None, Some(path)) => read(path).map(|read| read.certificates),
        (None, None) if system_roots().is_empty() => Err(TlsError::no_system_roots()),
        (None, None) => Ok(system_roots().to_vec()),
    }
}

/// What a CA file holds, or all those of the system.
#[derive(Debug)]
pub(crate) struct Found {
    /// Each of them usable; at least one in a CA file.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// What cannot be used.
    pub(crate) warnings: Vec<String>,
}

fn system() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        let (certificates, unusable) = sorted_out(found.certs);
        Found {
            certificates,
            warnings: warnings(&found.errors, unusable.len()),
        }
    })
}

/// At most one of a kind: a folder may hold hundreds.
fn warnings(unread: &[rustls_native_certs::Error], unusable: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(first) = unread.first() {
        let first = one_line(&first.to_string(), 300);
        let more = match unread.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more such"),
        };
        warnings.push(format!("trust roots of the system: {first}{more}"));
    }
    if unusable > 0 {
        warnings.push(format!(
            "trust roots of the system: certificates that cannot be used: {unusable}"
        ));
    }
    warnings
}

/// Reads a CA file.
pub(crate) fn read(path: &Path) -> Result<Found, TlsError> {
    let text = std::fs::read(path).map_err(|error| TlsError::unreadable(path, error))?;
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let number = found.len() + 1;
        found.push(certificate.map_err(|error| TlsError::broken(path, number, &error))?);
    }
    let (certificates, warnings) = sorted_out(found);
    match (certificates.is_empty(), warnings.first()) {
        (true, None) => Err(TlsError::no_certificate(path)),
        (true, Some(reason)) => Err(TlsError::unusable(path, reason)),
        (false, _) => Ok(Found {
            certificates,
            warnings,
        }),
    }
}

/// Those that can be a trust root, and why the others cannot.
fn sorted_out(found: Vec<CertificateDer<'static>>) -> (Vec<CertificateDer<'static>>, Vec<String>) {
    let mut store = RootCertStore::empty();
    let mut unusable = Vec::new();
    let mut usable = Vec::with_capacity(found.len());
    for (index, certificate) in found.into_iter().enumerate() {
        match store.add(certificate.clone()) {
            Ok(()) => usable.push(certificate),
            Err(error) => {
                unusable.push(format!("certificate {} cannot be used: {error}", index + 1));
            }
        }
    }
    (usable, unusable)
}
