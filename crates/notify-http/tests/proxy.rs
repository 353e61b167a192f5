//! The way through a proxy, with a fake one. A real one is asked in the tests of target-gotify.

mod support;

use std::process::Command;

use notify_core::FailureKind;
use notify_http::{Client, Proxy};
use notify_schema::Secret;
use notify_testkit::http::{Response, Server};
use notify_testkit::misbehaving;
use notify_tls::TlsOptions;
use support::{client, post, send, told};

fn through(proxy: &str) -> Client {
    let proxy = Proxy::parse(proxy).expect("a proxy");
    Client::shared(Some(&proxy), &TlsOptions::default())
}

fn pinned_through(proxy: &str) -> Client {
    let proxy = Proxy::parse(proxy).expect("a proxy");
    let options = TlsOptions {
        ca_file: None,
        fingerprint: Some("ab".repeat(32).parse().expect("64 digits")),
    };
    Client::shared(Some(&proxy), &options)
}

#[tokio::test]
async fn http_goes_in_absolute_form_with_the_credentials_of_the_proxy() {
    let proxy = Server::start(|_| Response::new(200).into());
    let client = through(&format!("http://me:p%40ss@{}", proxy.addr()));
    let request = post("http://gotify.invalid:8080/base")
        .secret_header("Authorization", &Secret::new("Bearer hunter2"))
        .expect("plain");
    send(&client, &request)
        .await
        .expect("the proxy answers in its place");
    let seen = &proxy.requests()[0];
    assert_eq!(seen.target, "http://gotify.invalid:8080/base/message");
    assert_eq!(seen.header("host"), Some("gotify.invalid:8080"));
    // `me:p@ss` in base64.
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic bWU6cEBzcw==")
    );
    assert_eq!(seen.header("authorization"), Some("Bearer hunter2"));
    assert_eq!(proxy.violations(), [""; 0]);
}

#[tokio::test]
async fn loopback_goes_through_the_proxy_too() {
    let proxy = Server::start(|_| Response::new(200).into());
    send(
        &through(&proxy.addr().to_string()),
        &post("http://127.0.0.1:1"),
    )
    .await
    .expect("the proxy answers in its place");
    let seen = &proxy.requests()[0];
    assert!(seen.is_absolute_form());
    assert_eq!(seen.header("proxy-authorization"), None);
}

#[tokio::test]
async fn https_asks_for_a_tunnel_and_shows_the_proxy_no_more() {
    let proxy = Server::start(|_| Response::new(502).into());
    let client = pinned_through(&format!("http://me:hunter2@{}", proxy.addr()));
    let request = post("https://gotify.invalid/base")
        .secret_header("X-Key", &Secret::new("token"))
        .expect("plain");
    let failure = send(&client, &request).await.expect_err("no tunnel");
    assert_eq!(failure.kind(), FailureKind::Unavailable);
    assert_eq!(
        told(&failure, proxy.addr()),
        "cannot connect to https://gotify.invalid through the proxy http://HERE: it answered 502 Bad Gateway to CONNECT"
    );
    let [seen, again] = &proxy.requests()[..] else {
        panic!("asked once, and once more for the status");
    };
    assert_eq!(
        (&seen.target, seen.header("proxy-authorization")),
        (&again.target, again.header("proxy-authorization"))
    );
    assert_eq!(proxy.violations(), [""; 0]);
    assert_eq!(
        (&*seen.method, &*seen.target),
        ("CONNECT", "gotify.invalid:443")
    );
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic bWU6aHVudGVyMg==")
    );
    assert_eq!((seen.header("x-key"), seen.text().as_str()), (None, ""));
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_a_fault_of_the_configuration() {
    for base in ["http://gotify.invalid", "https://gotify.invalid"] {
        let proxy = Server::start(|request| {
            let echo = request.header("proxy-authorization").unwrap_or_default();
            Response::new(407)
                .body(format!("not hunter2, not {echo}"))
                .into()
        });
        let client = pinned_through(&format!("me:hunter2@{}", proxy.addr()));
        let failure = send(&client, &post(base)).await.expect_err("407");
        let text = told(&failure, proxy.addr());
        assert_eq!(failure.kind(), FailureKind::Misconfigured, "{text}");
        assert!(text.contains("the proxy http://HERE"), "{text}");
        assert!(
            text.contains("answered 407 Proxy Authentication Required"),
            "{text}"
        );
        assert!(
            !text.contains("hunter2") && !text.contains("bWU6aHVudGVyMg"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_unavailable_and_named() {
    let nobody = misbehaving::refusing();
    let failure = send(
        &through(&nobody.to_string()),
        &post("http://gotify.invalid"),
    )
    .await
    .expect_err("nobody listens");
    assert_eq!(failure.kind(), FailureKind::Unavailable);
    assert_eq!(
        told(&failure, nobody),
        "cannot connect to http://gotify.invalid through the proxy http://HERE: Connection refused (os error 111)"
    );
}

/// Set in the child, whose environment names a proxy that nobody should ask.
const SERVER: &str = "NOTIFY_HTTP_SERVER";

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_asked() {
    if let Ok(url) = std::env::var(SERVER) {
        send(&client(), &post(&url))
            .await
            .expect("the server itself answers");
        return;
    }
    let server = Server::start(|_| Response::new(200).into());
    let proxy = Server::start(|_| Response::new(200).into());
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child
        .args(["--exact", "a_proxy_of_the_environment_is_not_asked"])
        .env(SERVER, server.url());
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        child
            .env(name, proxy.url())
            .env_remove("no_proxy")
            .env_remove("NO_PROXY");
    }
    let output = child.output().expect("it can run again");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!((server.requests().len(), proxy.connections()), (1, 0));
}
