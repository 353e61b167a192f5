//! TLS configurations, one for each set of options.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

use crate::verifier::Verifier;
use crate::{TlsError, TlsOptions, roots};

/// More sets of options than any installation has; it bounds what edited configurations leave behind.
const MOST_CONFIGS: usize = 256;

/// The TLS configuration for these options. The same `Arc` for equal options.
///
/// Made when first asked for, and again when the CA file has changed since.
/// Uses the ring provider, TLS 1.2 and 1.3, no ALPN and no client certificate;
/// a process-wide default provider is neither used nor installed.
///
/// # Errors
/// [`TlsError`] of kind [`Options`](crate::TlsErrorKind::Options): the CA file
/// cannot be read or holds no certificate, or the system has no trust roots.
pub fn client_config(options: &TlsOptions) -> Result<Arc<ClientConfig>, TlsError> {
    static CONFIGS: LazyLock<Mutex<HashMap<TlsOptions, Known>>> = LazyLock::new(Mutex::default);
    let stamp = Stamp::of(options);
    // A panic elsewhere cannot leave the map half changed.
    let mut configs = CONFIGS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = configs.get(options)
        && known.stamp == stamp
    {
        return Ok(Arc::clone(&known.config));
    }
    let config = Arc::new(new_config(options)?);
    if configs.len() >= MOST_CONFIGS {
        configs.clear();
    }
    let known = Known {
        stamp,
        config: Arc::clone(&config),
    };
    configs.insert(options.clone(), known);
    Ok(config)
}

struct Known {
    stamp: Option<Stamp>,
    config: Arc<ClientConfig>,
}

/// What changes when a CA file is written or replaced.
#[derive(PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// None without a CA file, or with one that cannot be looked at: reading it says why.
    fn of(options: &TlsOptions) -> Option<Self> {
        match (&options.ca_file, &options.fingerprint) {
            (Some(path), None) => Stamp::of_file(path),
            _ => None,
        }
    }

    fn of_file(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

fn new_config(options: &TlsOptions) -> Result<ClientConfig, TlsError> {
    let provider = provider();
    let verifier = match options.fingerprint {
        Some(pinned) => Verifier::of_fingerprint(pinned, Arc::clone(&provider)),
        None => {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(roots::trusted_roots(options)?);
            Verifier::of_roots(store, Arc::clone(&provider))
        }
    };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn provider() -> Arc<CryptoProvider> {
    static RING: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(ring::default_provider()));
    Arc::clone(&RING)
}
