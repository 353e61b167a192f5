//! Through a real proxy: `http` in absolute form, `https` with CONNECT, with and without credentials.

use notify_core::{Failure, FailureKind, PlainHost, Receipt};
use notify_testkit::real::{Tinyproxy, TinyproxyOptions};
use notify_testkit::tls::Authority;
use notify_testkit::{Delivery, Section, canary, gotify};
use target_gotify::GOTIFY;

const TOKEN: &str = "A.Rv4JbNy2Hd8P";
const PASSWORD: &str = "Zq5XkVw9Tm3B";

fn section(server: &str) -> Section {
    Section::new("push")
        .public("server", server)
        .secret("token", TOKEN)
}

/// One delivery from a host with this `http_proxy`; `CREDENTIALS@` is put before the address.
async fn through(
    proxy: &Tinyproxy,
    credentials: &str,
    section: &Section,
) -> Result<Receipt, Failure> {
    let host = PlainHost {
        http_proxy: Some(format!("http://{credentials}{}", proxy.addr())),
        ..PlainHost::named("pve1")
    };
    let target = section.build(&GOTIFY).expect("a good section");
    let result = Delivery::new("t", "m").host(host).to(target.as_ref()).await;
    canary::assert_no_canary(format!("{target:?} {result:?}"));
    result
}

fn good() -> String {
    format!("me:{PASSWORD}@")
}

#[tokio::test]
async fn http_needs_no_connect() {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let locked = TinyproxyOptions::open().connect_ports(&[]);
    let secured = locked.clone().basic_auth("me", PASSWORD);
    for (options, credentials) in [(locked, String::new()), (secured, good())] {
        let proxy = Tinyproxy::start(&options);
        let receipt = through(&proxy, &credentials, &section(&server.url())).await;
        assert!(receipt.expect("taken").reference.is_some());
        let line = format!("POST {}/message HTTP/1.1", server.url());
        assert_eq!(proxy.requests(), [line]);
    }
    let messages = server.messages();
    assert_eq!(messages.len(), 2);
    for message in messages {
        assert_eq!(message.request.header("proxy-authorization"), None);
        assert!(
            message
                .request
                .header("via")
                .is_some_and(|via| via.contains("tinyproxy"))
        );
    }
}

#[tokio::test]
async fn https_is_tunnelled_and_only_the_server_sees_the_token() {
    let authority = Authority::new();
    let server = gotify::Server::start(gotify::Options::token(TOKEN).tls(authority.localhost()));
    let file = authority.pem_file().to_str().expect("UTF-8").to_owned();
    let section = section(&server.url()).public("ca-file", file);
    let port = server.addr().port();
    for (options, credentials) in [
        (TinyproxyOptions::open(), String::new()),
        (
            TinyproxyOptions::open()
                .connect_ports(&[port])
                .basic_auth("me", PASSWORD),
            good(),
        ),
    ] {
        let proxy = Tinyproxy::start(&options);
        through(&proxy, &credentials, &section)
            .await
            .expect("taken");
        assert_eq!(
            proxy.requests(),
            [format!("CONNECT 127.0.0.1:{port} HTTP/1.1")]
        );
    }
    assert_eq!(server.messages().len(), 2);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    async fn check(
        proxy: &Tinyproxy,
        credentials: &str,
        section: &Section,
        kind: FailureKind,
        expected: &str,
    ) {
        let failure = through(proxy, credentials, section)
            .await
            .expect_err(expected);
        let report = failure.report().replace(&proxy.addr().to_string(), "PROXY");
        assert_eq!(failure.kind(), kind, "{report}");
        assert!(report.starts_with(expected), "{report}");
    }
    use FailureKind::{Misconfigured, Unavailable};
    let secured = Tinyproxy::start(&TinyproxyOptions::open().basic_auth("me", PASSWORD));
    let (plain, tls) = (
        section("http://gotify.invalid"),
        section("https://gotify.invalid").public("tls-fingerprint", "ab".repeat(32)),
    );
    let asked = "http://gotify.invalid through the proxy http://PROXY answered";
    let refused =
        "cannot connect to https://gotify.invalid through the proxy http://PROXY: it answered";
    // Tinyproxy answers 407 to none and 401 to wrong credentials.
    for (credentials, status) in [
        ("", "407"),
        ("me:another@", "401"),
        ("you:Zq5XkVw9Tm3B@", "401"),
    ] {
        let text = format!("{asked} {status} ");
        check(&secured, credentials, &plain, Misconfigured, &text).await;
        let text = format!("{refused} {status} ");
        check(&secured, credentials, &tls, Misconfigured, &text).await;
    }
    let locked = Tinyproxy::start(&TinyproxyOptions::open().connect_ports(&[]));
    let text = format!("{refused} 403 Forbidden to CONNECT");
    check(&locked, "", &tls, Misconfigured, &text).await;
    // What the proxy cannot reach it may reach later.
    check(&locked, "", &plain, Unavailable, &format!("{asked} 500 ")).await;
    let open = Tinyproxy::start(&TinyproxyOptions::open());
    check(&open, "", &tls, Unavailable, &format!("{refused} 500 ")).await;
}
