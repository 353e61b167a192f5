//! `https`: who is trusted, and that nobody else gets the request.

mod support;

use notify_core::FailureKind;
use notify_http::Client;
use notify_testkit::http::{Response, Server};
use notify_testkit::misbehaving;
use notify_testkit::tls::{Authority, Identity};
use notify_tls::TlsOptions;
use std::time::Duration;
use support::{post, send, send_within, told};

fn server(identity: &Identity) -> Server {
    Server::start_tls(identity.clone(), |_| Response::new(200).into())
}

fn trusting(authority: &Authority) -> TlsOptions {
    TlsOptions {
        ca_file: Some(authority.pem_file().to_owned()),
        fingerprint: None,
    }
}

fn pinned(identity: &Identity) -> TlsOptions {
    TlsOptions {
        ca_file: None,
        fingerprint: Some(identity.fingerprint().parse().expect("64 digits")),
    }
}

#[tokio::test]
async fn a_trusted_and_a_pinned_server_get_the_request() {
    let authority = Authority::new();
    let identity = authority.localhost();
    for options in [trusting(&authority), pinned(&identity)] {
        let server = server(&identity);
        let by_name = server.url().replace("127.0.0.1", "localhost");
        for url in [server.url(), by_name] {
            let answer = send(&Client::shared(None, &options), &post(&url)).await;
            assert_eq!(answer.expect("accepted").status, 200);
        }
        assert!(
            server
                .requests()
                .iter()
                .all(|seen| seen.tls && seen.text() == "hello")
        );
    }
    let expired = authority.expired();
    let server = server(&expired);
    let client = Client::shared(None, &pinned(&expired));
    send(&client, &post(&server.url()))
        .await
        .expect("pinned, whatever its dates");
}

#[tokio::test]
async fn any_other_server_is_a_fault_of_the_configuration_and_gets_nothing() {
    async fn check(identity: &Identity, options: &TlsOptions, reason: &str) {
        let server = server(identity);
        let client = Client::shared(None, options);
        let failure = send(&client, &post(&server.url())).await.expect_err(reason);
        let text = told(&failure, server.addr());
        assert_eq!(failure.kind(), FailureKind::Misconfigured, "{text}");
        assert!(
            text.starts_with(&format!("cannot connect to https://HERE: {reason}")),
            "{text}"
        );
        assert!(server.requests().is_empty());
    }
    let (ours, other) = (Authority::new(), Authority::new());
    let good = ours.localhost();
    check(
        &good,
        &trusting(&other),
        "the certificate is signed by an authority that",
    )
    .await;
    check(&ours.expired(), &trusting(&ours), "the certificate expired").await;
    let elsewhere = ours.for_name("gotify.example.com");
    let reason = "the certificate is not for 127.0.0.1, it is for gotify.example.com";
    check(&elsewhere, &trusting(&ours), reason).await;
    let both = TlsOptions {
        ca_file: Some(ours.pem_file().to_owned()),
        ..pinned(&ours.expired())
    };
    check(
        &good,
        &both,
        "the certificate is not the one that `tls-fingerprint` names",
    )
    .await;
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_used_is_named() {
    let options = TlsOptions {
        ca_file: Some("/nowhere/ca.pem".into()),
        fingerprint: None,
    };
    let client = Client::shared(None, &options);
    let failure = send(&client, &post("https://127.0.0.1:1"))
        .await
        .expect_err("no file");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    assert_eq!(
        failure.report(),
        "cannot read `/nowhere/ca.pem`: No such file or directory (os error 2)"
    );
    // Without TLS nobody asks for it.
    let server = Server::start(|_| Response::new(200).into());
    send(&client, &post(&server.url()))
        .await
        .expect("plain http");
}

#[tokio::test]
async fn a_port_without_tls_is_named_so() {
    let authority = Authority::new();
    let client = Client::shared(None, &trusting(&authority));
    let plain = misbehaving::Server::start(misbehaving::greets("220 mail.example.com ESMTP"));
    let request = post(&format!("https://{}", plain.addr()));
    let failure = send(&client, &request).await.expect_err("no TLS");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    let expected = "cannot connect to https://HERE: the far side does not speak TLS";
    assert_eq!(told(&failure, plain.addr()), expected);
}

#[tokio::test]
async fn a_handshake_that_hangs_has_sent_nothing() {
    let authority = Authority::new();
    let client = Client::shared(None, &trusting(&authority));
    let silent = misbehaving::Server::start(misbehaving::silent());
    let request = post(&format!("https://{}", silent.addr()));
    let failure = send_within(&client, &request, Duration::from_millis(300))
        .await
        .expect_err("no answer");
    assert_eq!(failure.kind(), FailureKind::Unavailable);
    assert_eq!(
        told(&failure, silent.addr()),
        "no connection in time to https://HERE"
    );
}

#[tokio::test]
async fn a_replaced_ca_file_counts_for_the_next_delivery() {
    let (old, new) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    std::fs::copy(old.pem_file(), &path).expect("writable");
    let options = TlsOptions {
        ca_file: Some(path.clone()),
        fingerprint: None,
    };
    let client = Client::shared(None, &options);
    let (before, after) = (server(&old.localhost()), server(&new.localhost()));
    send(&client, &post(&before.url())).await.expect("trusted");
    send(&client, &post(&after.url()))
        .await
        .expect_err("not yet trusted");
    std::fs::copy(new.pem_file(), folder.path().join("new")).expect("writable");
    std::fs::rename(folder.path().join("new"), &path).expect("one folder");
    send(&client, &post(&after.url()))
        .await
        .expect("trusted now");
    send(&client, &post(&before.url()))
        .await
        .expect_err("no longer trusted, nor is its kept connection used");
}
