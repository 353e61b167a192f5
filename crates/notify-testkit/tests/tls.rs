//! The certificates, as a client of rustls judges them, and the fakes over TLS.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot talk to its server has failed"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify_testkit::http::{self, Response};
use notify_testkit::misbehaving::Act;
use notify_testkit::smtp::{self, Step};
use notify_testkit::tls::{Authority, Identity};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A client that trusts only this authority.
async fn handshake(
    stream: TcpStream,
    authority: &Authority,
    name: &str,
) -> Result<TlsStream<TcpStream>, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority.pem_file()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connected = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    connected.map_err(|error| error.to_string())
}

async fn connect(
    addr: SocketAddr,
    authority: &Authority,
    name: &str,
) -> Result<TlsStream<TcpStream>, String> {
    handshake(TcpStream::connect(addr).await.unwrap(), authority, name).await
}

async fn check(identity: &Identity, authority: &Authority, name: &str, expected: Result<(), &str>) {
    let server = http::Server::start_tls(identity.clone(), |_| Response::new(204).into());
    let result = connect(server.addr(), authority, name).await;
    match (result, expected) {
        (Ok(stream), Ok(())) => {
            let leaf = &stream.get_ref().1.peer_certificates().unwrap()[0];
            let digest: String = Sha256::digest(leaf)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(digest, identity.fingerprint());
        }
        (Err(said), Err(part)) => assert!(said.contains(part), "{said} does not say {part}"),
        (result, expected) => panic!("{name}: {result:?}, not {expected:?}"),
    }
}

#[tokio::test]
async fn each_certificate_is_judged_as_it_should_be() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let good = authority.localhost();
    check(&good, &authority, "localhost", Ok(())).await;
    check(&good, &authority, "127.0.0.1", Ok(())).await;
    check(&good, &stranger, "localhost", Err("UnknownIssuer")).await;
    check(
        &authority.expired(),
        &authority,
        "localhost",
        Err("expired"),
    )
    .await;
    check(
        &authority.for_name("mail.example.com"),
        &authority,
        "localhost",
        Err("not valid for name"),
    )
    .await;
}

#[tokio::test]
async fn http_over_tls_is_recorded_as_such() {
    let authority = Authority::new();
    let server = http::Server::start_tls(authority.localhost(), |_| {
        Response::new(200).body("yes").into()
    });
    assert!(server.url().starts_with("https://"));
    let mut stream = connect(server.addr(), &authority, "localhost")
        .await
        .unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nyes"));
    assert!(server.requests()[0].tls);
}

/// Says each line and reads one reply of one line.
async fn converse(
    stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin),
    lines: &[&str],
) -> String {
    let mut reply = String::new();
    for line in lines {
        stream.write_all(line.as_bytes()).await.unwrap();
        reply.clear();
        let mut previous = [b'-'; 4];
        while !(reply.ends_with('\n') && previous[3] == b' ') {
            if reply.ends_with('\n') {
                reply.clear();
            }
            reply.push(char::from(stream.read_u8().await.unwrap()));
            if reply.len() == 4 {
                previous.copy_from_slice(reply.as_bytes());
            }
        }
    }
    reply
}

const MAIL: [&str; 5] = [
    "EHLO x\r\n",
    "MAIL FROM:<a@b.c>\r\n",
    "RCPT TO:<d@e.f>\r\n",
    "DATA\r\n",
    "Subject: x\r\n\r\n.\r\n",
];

#[tokio::test]
async fn smtp_takes_mail_over_both_kinds_of_tls() {
    let authority = Authority::new();
    let server = smtp::Server::start(smtp::Options::implicit_tls(authority.localhost()));
    let mut stream = connect(server.addr(), &authority, "localhost")
        .await
        .unwrap();
    assert!(converse(&mut stream, &[""]).await.starts_with("220 "));
    assert!(converse(&mut stream, &MAIL).await.starts_with("250 "));
    assert!(server.messages()[0].tls);

    let server = smtp::Server::start(smtp::Options::starttls(authority.localhost()));
    let mut plain = TcpStream::connect(server.addr()).await.unwrap();
    converse(&mut plain, &["", "EHLO x\r\n", "STARTTLS\r\n"]).await;
    let mut stream = handshake(plain, &authority, "localhost").await.unwrap();
    assert!(converse(&mut stream, &MAIL).await.starts_with("250 "));
    let far = Instant::now() + Duration::from_secs(60);
    assert!(server.wait_for(1, far).await[0].tls);
    assert_eq!(server.violations(), [""; 0]);
    assert_eq!(server.verbs(1), "EHLO STARTTLS EHLO MAIL RCPT DATA");
}

#[tokio::test]
async fn a_reset_comes_through_tls() {
    let authority = Authority::new();
    let options = smtp::Options::implicit_tls(authority.localhost()).at(Step::Mail, Act::Reset);
    let server = smtp::Server::start(options);
    let mut stream = connect(server.addr(), &authority, "localhost")
        .await
        .unwrap();
    converse(&mut stream, &["", "EHLO x\r\n"]).await;
    stream.write_all(b"MAIL FROM:<a@b.c>\r\n").await.unwrap();
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
