//! What is peculiar to Gotify: what the server shows, certificates, redirects, proxies that are none.

use notify_core::{Failure, FailureKind, PlainHost, Receipt, Severity};
use notify_testkit::http::{self, Response};
use notify_testkit::tls::Authority;
use notify_testkit::{Delivery, Section, gotify};
use target_gotify::GOTIFY;

const TOKEN: &str = "A.Rv4JbNy2Hd8P";

fn section(server: &str) -> Section {
    Section::new("push")
        .public("server", server)
        .secret("token", TOKEN)
}

async fn deliver(section: &Section, delivery: &Delivery) -> Result<Receipt, Failure> {
    let target = section.build(&GOTIFY).expect("a good section");
    delivery.to(target.as_ref()).await
}

#[tokio::test]
async fn a_message_is_shown_as_sent() {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let delivery = Delivery::new("Backup failed", "a `b` ```c```")
        .severity(Severity::Error)
        .target("push");
    let receipt = deliver(&section(&format!("{}/", server.url())), &delivery)
        .await
        .expect("taken");
    assert_eq!(receipt.reference.as_deref(), Some("message 1"));
    assert_eq!(receipt.warnings, [""; 0]);
    let message = &server.messages()[0];
    assert_eq!((&*message.title, message.priority), ("Backup failed", 9));
    assert_eq!(message.message, "````\na `b` ```c```\n````");
    let extras = message.extras.as_ref().expect("how to show it");
    assert_eq!(extras["client::display"]["contentType"], "text/markdown");
    let request = &message.request;
    let bearer = format!("Bearer {TOKEN}");
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("x-gotify-key", TOKEN),
        ("content-type", "application/json"),
        (
            "idempotency-key",
            "\"018ce815-ec00-7000-8000-000000000000.push\"",
        ),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_eq!(request.target, "/message");
}

#[tokio::test]
async fn the_path_of_the_server_is_kept() {
    let server = http::Server::start(|_| Response::new(200).body(r#"{"id":5}"#).into());
    for (base, target) in [
        ("", "/message"),
        ("/", "/message"),
        ("/a/b", "/a/b/message"),
        ("/a/b/", "/a/b/message"),
    ] {
        let url = format!("{}{base}", server.url());
        deliver(&section(&url), &Delivery::new("t", "m"))
            .await
            .expect("taken");
        assert_eq!(server.requests().last().expect("one").target, target);
    }
}

#[tokio::test]
async fn a_certificate_of_our_own_is_trusted_by_file_or_fingerprint() {
    let authority = Authority::new();
    let (good, expired) = (authority.localhost(), authority.expired());
    let file = authority.pem_file().to_str().expect("UTF-8").to_owned();
    let server = gotify::Server::start(gotify::Options::token(TOKEN).tls(good.clone()));
    let old = gotify::Server::start(gotify::Options::token(TOKEN).tls(expired.clone()));
    let delivery = Delivery::new("t", "m");
    for section in [
        section(&server.url()).public("ca-file", &file),
        section(&server.url()).public("tls-fingerprint", good.fingerprint()),
        section(&old.url()).public("tls-fingerprint", expired.fingerprint().to_uppercase()),
    ] {
        deliver(&section, &delivery).await.expect("trusted");
    }
    for section in [
        section(&old.url()).public("ca-file", &file),
        section(&server.url()).public("tls-fingerprint", expired.fingerprint()),
    ] {
        let failure = deliver(&section, &delivery)
            .await
            .expect_err("not this one");
        assert_eq!(failure.kind(), FailureKind::Misconfigured);
        assert!(
            failure.report().contains("its SHA-256 fingerprint is "),
            "{}",
            failure.report()
        );
    }
    assert_eq!((server.messages().len(), old.messages().len()), (2, 1));
}

/// What the server answers and what a person reads of it, with `HERE` for the server.
async fn check(answer: Response, kind: FailureKind, expected: &str) {
    let server = http::Server::start(move |_| answer.clone().into());
    let failure = deliver(&section(&server.url()), &Delivery::new("t", "m"))
        .await
        .expect_err(expected);
    assert_eq!(failure.report().replace(&server.url(), "HERE"), expected);
    assert_eq!(failure.kind(), kind, "{expected}");
}

#[tokio::test]
async fn what_gotify_says_is_passed_on() {
    let real = gotify::Server::start(gotify::Options::token("another"));
    let failure = deliver(&section(&real.url()), &Delivery::new("t", "m"))
        .await
        .expect_err("another token");
    assert_eq!(
        failure.report().replace(&real.url(), "HERE"),
        "HERE answered 401 Unauthorized: you need to provide a valid access token or user credentials to access this api"
    );
    let real = gotify::Server::start(gotify::Options::token(TOKEN));
    let failure = deliver(
        &section(&format!("{}/nowhere", real.url())),
        &Delivery::new("t", "m"),
    )
    .await
    .expect_err("no such path");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    assert_eq!(
        failure.report().replace(&real.url(), "HERE"),
        "HERE answered 404 Not Found: page not found"
    );
    check(
        Response::redirect(301, "https://gotify.example.com/message?token=x"),
        FailureKind::Misconfigured,
        "HERE answered 301 Moved Permanently, it points to https://gotify.example.com/message",
    )
    .await;
}

#[tokio::test]
async fn an_answer_that_is_not_gotifys_is_told() {
    let server = http::Server::start(|_| Response::new(200).body("<html>log in</html>").into());
    let receipt = deliver(&section(&server.url()), &Delivery::new("t", "m"))
        .await
        .expect("200");
    assert_eq!(receipt.reference.as_deref(), Some("status 200"));
    let warning = "the answer is not one of Gotify; is `server` the right URL?";
    assert_eq!(receipt.warnings, [warning]);
}

#[tokio::test]
async fn a_proxy_that_is_none_is_a_fault_of_the_host() {
    let host = PlainHost {
        http_proxy: Some("https://me:hunter2@proxy.example.com".to_owned()),
        ..PlainHost::named("pve1")
    };
    let reason = "unsupported proxy scheme `https`, expected [http://][user:password@]host[:port]";
    let target = section("http://127.0.0.1:1")
        .build(&GOTIFY)
        .expect("a good section");
    let faults: Vec<_> = target
        .prepare(&host)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        faults,
        [format!(
            "datacenter.cfg: error: property `http_proxy`: {reason}"
        )]
    );
    let delivery = Delivery::new("t", "m").host(host);
    let failure = delivery
        .to(target.as_ref())
        .await
        .expect_err("no way there");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    assert_eq!(
        failure.report(),
        format!("http_proxy of datacenter.cfg: {reason}")
    );
}

#[test]
fn a_ca_file_that_is_not_there_is_found_before_it_is_needed() {
    let section = section("https://gotify.example.com").public("ca-file", "/nowhere/ca.pem");
    let target = section.build(&GOTIFY).expect("the file is not read yet");
    let faults: Vec<_> = target
        .prepare(&PlainHost::named("pve1"))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        faults,
        [
            "notifications.cfg:3:2: error: gotify `push`: property `ca-file`: cannot read `/nowhere/ca.pem`: No such file or directory (os error 2)"
        ]
    );
}
