//! Which certificates are accepted, and what is said of the others.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use notify_core::{Failure, FailureKind};
use notify_testkit::tls::{Authority, Identity};
use notify_testkit::{http, misbehaving};
use notify_tls::{
    Fingerprint, TlsError, TlsErrorKind, TlsOptions, client_config, connect, handshake_reason,
    is_certificate_error,
};
use tokio::net::TcpStream;

fn trusting(authority: &Authority) -> TlsOptions {
    TlsOptions {
        ca_file: Some(authority.pem_file().to_owned()),
        fingerprint: None,
    }
}

fn pinned(fingerprint: &str) -> TlsOptions {
    TlsOptions {
        ca_file: None,
        fingerprint: Some(fingerprint.parse().expect("64 digits")),
    }
}

async fn handshake(
    address: std::net::SocketAddr,
    options: &TlsOptions,
    host: &str,
) -> Result<(), TlsError> {
    let stream = TcpStream::connect(address).await.expect("it listens");
    connect(options, host, stream).await.map(drop)
}

/// The outcome of a handshake with a server of this identity: accepted, or why not.
async fn check(identity: &Identity, options: &TlsOptions, host: &str, expected: Result<(), &str>) {
    let server = http::Server::start_tls(identity.clone(), |_| http::Response::new(200).into());
    let shown = Fingerprint::to_string(&identity.fingerprint().parse().expect("64 digits"));
    match (handshake(server.addr(), options, host).await, expected) {
        (Ok(()), Ok(())) => {}
        (Err(error), Err(reason)) => {
            assert_eq!(error.kind(), TlsErrorKind::Certificate, "{reason}");
            let report = error.report().replace(&shown, "SHOWN");
            let expected = format!("TLS with {host}: {reason}; its SHA-256 fingerprint is SHOWN");
            assert_eq!(report, expected);
            assert_eq!(Failure::from(error).kind(), FailureKind::Misconfigured);
        }
        (outcome, expected) => panic!("{outcome:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn a_chain_counts_with_its_name() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = ours.localhost();
    check(&server, &trusting(&ours), "localhost", Ok(())).await;
    check(&server, &trusting(&ours), "127.0.0.1", Ok(())).await;
    check(&server, &trusting(&other), "localhost", Err(UNTRUSTED)).await;
    check(
        &server,
        &trusting(&ours),
        "gotify.example.com",
        Err("the certificate is not for gotify.example.com, it is for localhost, 127.0.0.1"),
    )
    .await;
}

const UNTRUSTED: &str = "the certificate is signed by an authority that is not trusted";

#[tokio::test]
async fn an_expired_certificate_is_named_so() {
    let ours = Authority::new();
    let server = http::Server::start_tls(ours.expired(), |_| http::Response::new(200).into());
    let error = handshake(server.addr(), &trusting(&ours), "localhost")
        .await
        .expect_err("expired in 2001");
    let report = error.report();
    assert!(
        report.starts_with("TLS with localhost: the certificate expired "),
        "{report}"
    );
    assert!(
        report.contains(" days ago; its SHA-256 fingerprint is "),
        "{report}"
    );
}

#[tokio::test]
async fn a_pinned_certificate_needs_nothing_else() {
    let ours = Authority::new();
    for server in [
        ours.localhost(),
        ours.expired(),
        ours.for_name("other.example.com"),
    ] {
        let options = pinned(server.fingerprint());
        check(&server, &options, "localhost", Ok(())).await;
        check(&server, &options, "gotify.example.com", Ok(())).await;
    }
    let nowhere = TlsOptions {
        ca_file: Some(PathBuf::from("/nowhere/ca.pem")),
        ..pinned(ours.expired().fingerprint())
    };
    client_config(&nowhere).expect("a fingerprint decides alone, the file is not read");
}

#[tokio::test]
async fn another_than_the_pinned_one_is_refused_whoever_signed_it() {
    let ours = Authority::new();
    let renewed = TlsOptions {
        ca_file: Some(ours.pem_file().to_owned()),
        ..pinned(&"ab".repeat(32))
    };
    let reason = format!(
        "the certificate is not the one that `tls-fingerprint` names, {}",
        vec!["AB"; 32].join(":")
    );
    check(&ours.localhost(), &renewed, "localhost", Err(&reason)).await;
}

#[tokio::test]
async fn who_breaks_off_and_who_speaks_no_tls_is_told_apart() {
    async fn check(acts: Vec<misbehaving::Act>, kind: TlsErrorKind, failure: FailureKind) {
        let server = misbehaving::Server::start(acts);
        let options = pinned(&"ab".repeat(32));
        let error = handshake(server.addr(), &options, "localhost")
            .await
            .expect_err("no TLS there");
        assert_eq!(error.kind(), kind, "{}", error.report());
        assert_eq!(Failure::from(error).kind(), failure);
    }
    use TlsErrorKind::{Connection, Protocol};
    let greeting = misbehaving::greets("220 mail.example.com ESMTP");
    check(greeting, Protocol, FailureKind::Misconfigured).await;
    check(misbehaving::garbage(), Protocol, FailureKind::Misconfigured).await;
    check(misbehaving::closes(), Connection, FailureKind::Unavailable).await;
    check(misbehaving::resets(), Connection, FailureKind::Unavailable).await;
}

#[tokio::test]
async fn a_host_that_no_certificate_can_name_is_a_fault_of_the_options() {
    let (near, _far) = tokio::io::duplex(1024);
    let error = connect(&pinned(&"ab".repeat(32)), "a b", near)
        .await
        .expect_err("a blank");
    assert_eq!(error.kind(), TlsErrorKind::Options);
    assert_eq!(
        error.to_string(),
        "not a host name that a certificate can have: `a b`"
    );
}

/// `openssl req -x509` makes certificates that are authority and server in one.
#[tokio::test]
async fn a_certificate_that_is_its_own_authority_needs_a_fingerprint() {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a valid name");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("randomness");
    let certificate = params.self_signed(&key).expect("signed");
    let file = tempfile::NamedTempFile::new().expect("a folder for it");
    std::fs::write(file.path(), certificate.pem()).expect("writable");

    let own_authority = TlsOptions {
        ca_file: Some(file.path().to_owned()),
        fingerprint: None,
    };
    let print = Fingerprint::of(certificate.der());
    let error = offered(&certificate, &key, &own_authority)
        .await
        .expect_err("an authority is no server");
    assert_eq!(
        error.report(),
        format!(
            "TLS with localhost: the certificate is its own authority, which only `tls-fingerprint` can accept; its SHA-256 fingerprint is {print}"
        )
    );
    offered(&certificate, &key, &pinned(&print.to_string()))
        .await
        .expect("pinned");
}

/// An authority that was made anew under its old name.
#[tokio::test]
async fn an_authority_of_the_same_name_is_told_from_an_unknown_one() {
    let twin = || {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("randomness");
        rcgen::CertifiedIssuer::self_signed(params, key).expect("signed")
    };
    let (old, new) = (twin(), twin());
    let key = rcgen::KeyPair::generate().expect("randomness");
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()])
        .and_then(|params| params.signed_by(&key, &new))
        .expect("a valid name");
    let file = tempfile::NamedTempFile::new().expect("a folder for it");
    let options = TlsOptions {
        ca_file: Some(file.path().to_owned()),
        fingerprint: None,
    };
    std::fs::write(file.path(), old.pem()).expect("writable");
    let error = offered(&certificate, &key, &options)
        .await
        .expect_err("signed by the new one");
    let expected = "TLS with localhost: the certificate is signed by an authority that has the name of a trusted one, but another key; ";
    assert!(error.report().starts_with(expected), "{}", error.report());
    // With both in the file, one after the other is tried.
    std::fs::write(file.path(), old.pem() + &new.pem()).expect("writable");
    offered(&certificate, &key, &options)
        .await
        .expect("signed by the second one");
}

/// Faults of the certificate itself, whoever signed it.
#[tokio::test]
async fn a_certificate_that_nobody_could_accept_is_told_in_words() {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("randomness");
    let authority = rcgen::CertifiedIssuer::self_signed(params, key).expect("signed");
    let file = tempfile::NamedTempFile::new().expect("a folder for it");
    std::fs::write(file.path(), authority.pem()).expect("writable");
    let options = TlsOptions {
        ca_file: Some(file.path().to_owned()),
        fingerprint: None,
    };
    let check = async |change: fn(&mut rcgen::CertificateParams), expected: &str| {
        let mut params =
            rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a valid name");
        change(&mut params);
        let key = rcgen::KeyPair::generate().expect("randomness");
        let certificate = params.signed_by(&key, &authority).expect("signed");
        let error = offered(&certificate, &key, &options)
            .await
            .expect_err("it has a fault");
        let report = error.report();
        let reason = report.split("; its SHA-256").next();
        assert_eq!(reason, Some(&*format!("TLS with localhost: {expected}")));
    };
    let backwards = |params: &mut rcgen::CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2021, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    };
    check(
        backwards,
        "the certificate is never valid: its last day is before its first",
    )
    .await;
    let for_clients = |params: &mut rcgen::CertificateParams| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    };
    check(for_clients, "the certificate is not for servers").await;
}

/// A handshake in memory with a server that shows this certificate.
async fn offered(
    certificate: &rcgen::Certificate,
    key: &rcgen::KeyPair,
    options: &TlsOptions,
) -> Result<(), TlsError> {
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("they belong together");
    let (near, far) = tokio::io::duplex(64 * 1024);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let (client, _) = tokio::join!(connect(options, "localhost", near), acceptor.accept(far));
    client.map(drop)
}

#[tokio::test]
async fn a_ca_file_that_is_replaced_is_read_again() {
    let (old, new) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, old.pem()).expect("writable");
    let options = TlsOptions {
        ca_file: Some(path.clone()),
        fingerprint: None,
    };
    let first = client_config(&options).expect("one certificate");
    let second = client_config(&options).expect("one certificate");
    assert!(Arc::ptr_eq(&first, &second));
    check(&old.localhost(), &options, "localhost", Ok(())).await;

    std::fs::copy(new.pem_file(), folder.path().join("new.pem")).expect("writable");
    std::fs::rename(folder.path().join("new.pem"), &path).expect("the same folder");
    check(&new.localhost(), &options, "localhost", Ok(())).await;
    check(&old.localhost(), &options, "localhost", Err(UNTRUSTED)).await;

    std::fs::remove_file(&path).expect("it is there");
    client_config(&options).expect_err("a file that has gone is not trusted from memory");
}

#[test]
fn a_certificate_error_is_found_under_any_wrapping() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);
    let certificate = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    let check = |error: Box<dyn Error>, expected: bool| {
        assert_eq!(is_certificate_error(&*error), expected, "{error:?}");
        assert_eq!(handshake_reason(&*error).is_some(), expected, "{error:?}");
    };
    check(Box::new(certificate()), true);
    check(
        Box::new(io::Error::other(io::Error::other(certificate()))),
        true,
    );
    check(Box::new(Outer(io::Error::other(certificate()))), true);
    check(
        Box::new(Outer(io::ErrorKind::ConnectionReset.into())),
        false,
    );
    check(
        Box::new(io::Error::other("invalid peer certificate")),
        false,
    );
}
