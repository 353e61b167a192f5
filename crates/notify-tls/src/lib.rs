//! TLS for every target: who is trusted, and how a failed handshake reads.
//!
//! A section of any target type may say `ca-file` ([`CA_FILE`]) and
//! `tls-fingerprint` ([`TLS_FINGERPRINT`]). [`TlsOptions`] is what it said, and
//! [`client_config`] the rustls configuration that follows from it, one for
//! equal options. [`connect`] does the handshake on a stream that is already
//! open. The trust roots of the system are read once, when first needed.
//!
//! This crate opens no connection and knows no protocol above TLS. It installs
//! no process-wide crypto provider.
//!
//! ```
//! use notify_tls::{TlsOptions, client_config};
//!
//! let pinned = TlsOptions {
//!     fingerprint: Some("ab".repeat(32).parse().expect("64 hex digits")),
//!     ..TlsOptions::default()
//! };
//! let config = client_config(&pinned).expect("no file is read for a pinned certificate");
//! assert!(std::sync::Arc::ptr_eq(&config, &client_config(&pinned).expect("made already")));
//!
//! let missing = TlsOptions { ca_file: Some("/nowhere/ca.pem".into()), ..TlsOptions::default() };
//! let error = client_config(&missing).expect_err("no such file");
//! assert_eq!(error.to_string(), "cannot read `/nowhere/ca.pem`");
//! ```

mod config;
mod connect;
mod error;
mod fingerprint;
mod options;
mod roots;
mod verifier;

pub use config::client_config;
pub use connect::connect;
pub use error::{
    TlsError, TlsErrorKind, handshake_reason, is_certificate_error, is_protocol_error,
};
pub use fingerprint::{BadFingerprint, Fingerprint};
pub use options::{CA_FILE, Place, TLS_FINGERPRINT, TlsOptions, prepare};
pub use roots::{system_roots, trusted_roots};
