//! Certificates for tests: an authority, servers that it vouches for, and some that no one should trust.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use async_trait::async_trait;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use crate::wire::{Duplex, Stream, Upgrade};

/// Tells authorities apart.
static NUMBER: AtomicUsize = AtomicUsize::new(1);

/// A certificate authority that exists only for one test.
///
/// ```
/// let authority = notify_testkit::tls::Authority::new();
/// let server = authority.localhost();
/// assert_eq!(server.fingerprint().len(), 64);
/// assert!(std::fs::read_to_string(authority.pem_file())?.starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Default for Authority {
    fn default() -> Self {
        Authority::new()
    }
}

impl Authority {
    /// A new one. Each call makes another, that the others do not vouch for.
    ///
    /// # Panics
    /// When there is no randomness or no folder for temporary files.
    pub fn new() -> Self {
        // With one name for all, a client would try the key of the wrong one.
        let name = format!("notify test authority {}", NUMBER.fetch_add(1, Relaxed));
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer =
            CertifiedIssuer::self_signed(params, key()).expect("the parameters are those of a CA");
        let file = NamedTempFile::with_suffix(".pem").expect("there is a folder for it");
        std::fs::write(file.path(), issuer.pem()).expect("a new temporary file can be written");
        Authority { issuer, file }
    }

    /// Its certificate, in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A file with its certificate, for `ca-file`. It goes with the authority.
    pub fn pem_file(&self) -> &Path {
        self.file.path()
    }

    /// A server at `localhost` and `127.0.0.1`, valid now.
    pub fn localhost(&self) -> Identity {
        self.issue(&["localhost", "127.0.0.1"], (2020, 2100))
    }

    /// The same, valid only until 2001.
    pub fn expired(&self) -> Identity {
        self.issue(&["localhost", "127.0.0.1"], (2000, 2001))
    }

    /// A server of another name, valid now.
    pub fn for_name(&self, name: &str) -> Identity {
        self.issue(&[name], (2020, 2100))
    }

    fn issue(&self, names: &[&str], years: (i32, i32)) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("the names are valid");
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params
            .distinguished_name
            .push(DnType::CommonName, "notify test server");
        let key = key();
        let leaf = params
            .signed_by(&key, &self.issuer)
            .expect("the authority can sign");
        Identity::new(&leaf, &key)
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the system has randomness")
}

/// A server's certificate and key.
#[derive(Clone)]
pub struct Identity {
    config: Arc<rustls::ServerConfig>,
    fingerprint: String,
    pem: String,
    key_pem: String,
}

impl Identity {
    fn new(leaf: &rcgen::Certificate, key: &KeyPair) -> Self {
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], der)
            .expect("the key belongs to the certificate");
        let digest = Sha256::digest(leaf.der());
        Identity {
            config: Arc::new(config),
            fingerprint: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            pem: leaf.pem(),
            key_pem: key.serialize_pem(),
        }
    }

    /// SHA-256 of the certificate in DER: 64 hexadecimal digits, lower case.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The certificate, in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The private key, in PEM.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Upgrade for Identity {
    async fn accept(&self, plain: Stream) -> io::Result<Stream> {
        let encrypted = TlsAcceptor::from(Arc::clone(&self.config))
            .accept(plain)
            .await?;
        Ok(Box::new(encrypted))
    }
}

impl Duplex for tokio_rustls::server::TlsStream<Stream> {
    fn reset_on_close(&self) -> io::Result<()> {
        self.get_ref().0.reset_on_close()
    }
}
