//! What is peculiar to a webhook: what goes over the wire, secrets in every part, answers, redirects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::{Failure, FailureKind, Receipt, Severity};
use notify_testkit::canary::{self, PASSWORD, TOKEN};
use notify_testkit::http::{self, Request, Response};
use notify_testkit::{Delivery, Section};
use target_webhook::WEBHOOK;

fn pair(name: &str, text: &str) -> String {
    format!("name={name},value={}", STANDARD.encode(text))
}

fn section(method: &str, url: &str) -> Section {
    Section::new("chat")
        .public("method", method)
        .public("url", url)
}

async fn deliver(section: &Section, delivery: &Delivery) -> Result<Receipt, Failure> {
    let target = section.build(&WEBHOOK).expect("a good section");
    let result = delivery.to(target.as_ref()).await;
    canary::assert_no_canary(format!("{target:?} {result:?}"));
    if let Err(failure) = &result {
        canary::assert_no_canary(failure.report());
    }
    result
}

/// The one request that a delivery makes.
async fn sent(build: impl FnOnce(&str) -> Section, delivery: &Delivery) -> Request {
    let server = http::Server::start(|_| Response::new(204).into());
    let receipt = deliver(&build(&server.url()), delivery).await;
    let receipt = receipt.expect("taken");
    assert_eq!(receipt.reference.as_deref(), Some("status 204"));
    assert_eq!(server.violations(), [""; 0]);
    let mut requests = server.requests();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

#[tokio::test]
async fn url_headers_and_body_are_filled_in() {
    let delivery = Delivery::new("Backup \"failed\" ✗", "a\nb")
        .severity(Severity::Error)
        .target("chat");
    let build = |url: &str| {
        let url = format!("{url}/{{{{ secrets.path }}}}/x?h={{{{ url-encode fields.hostname }}}}");
        section("post", &url)
            .public("header", pair("Content-Type", "text/x-own"))
            .public("header", pair("X-Title", "{{ title }}"))
            .public("header", pair("X-Key", "{{ secrets.token }}"))
            .public(
                "body",
                STANDARD.encode("{{ severity }} {{ message }} {{ secrets.token }}"),
            )
            .secret("secret", pair("path", "a b"))
            .secret("secret", pair("token", "s3"))
    };
    let request = sent(build, &delivery).await;
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/a%20b/x?h=pve1");
    assert_eq!(request.text(), "error a\nb s3");
    for (name, value) in [
        ("content-type", "text/x-own"),
        ("x-title", "Backup \"failed\" ✗"),
        ("x-key", "s3"),
        ("content-length", "12"),
        (
            "idempotency-key",
            "\"018ce815-ec00-7000-8000-000000000000.chat\"",
        ),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn nothing_is_added_that_the_section_does_not_say() {
    for (method, length) in [("post", Some("0")), ("put", Some("0")), ("get", None)] {
        let build = |url: &str| section(method, url);
        let request = sent(build, &Delivery::new("t", "m")).await;
        assert_eq!(request.method, method.to_uppercase());
        assert_eq!(request.header("content-length"), length, "{method}");
        let mut names: Vec<_> = request
            .headers
            .iter()
            .map(|(name, _)| name.to_lowercase())
            .collect();
        names.retain(|name| name != "content-length");
        names.sort();
        assert_eq!(
            names,
            ["accept", "host", "idempotency-key", "user-agent"],
            "{method}"
        );
    }
    let build = |url: &str| section("get", url).public("body", STANDARD.encode("{{ title }}"));
    let request = sent(build, &Delivery::new("title", "m")).await;
    assert_eq!(
        (request.header("content-length"), &*request.text()),
        (Some("5"), "title")
    );
}

#[tokio::test]
async fn a_header_of_the_section_wins_and_framing_stays_ours() {
    let build = |url: &str| {
        section("post", url)
            .public("header", pair("user-agent", "mine"))
            .public("header", pair("Idempotency-Key", "{{ timestamp }}"))
            .public("header", pair("Content-Length", "1"))
            .public("header", pair("Transfer-Encoding", "chunked"))
            .public("header", pair("X-Twice", "1"))
            .public("header", pair("x-twice", "2"))
            .public("body", STANDARD.encode("12345"))
    };
    let request = sent(build, &Delivery::new("t", "m")).await;
    let all = |name: &str| {
        let headers = request.headers.iter();
        let named = headers.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(all("user-agent"), ["mine"]);
    assert_eq!(all("idempotency-key"), ["1704700800"]);
    assert_eq!(all("content-length"), ["5"]);
    assert_eq!(all("transfer-encoding"), [""; 0]);
    assert_eq!(all("x-twice"), ["1", "2"]);
    assert_eq!(request.text(), "12345");
}

#[tokio::test]
async fn a_title_that_would_end_a_header_is_not_sent() {
    let server = http::Server::start(|_| Response::new(200).into());
    let section = section("post", &server.url()).public("header", pair("X-Title", "{{ title }}"));
    let delivery = Delivery::new("first\r\nX-Injected: yes", "m");
    let failure = deliver(&section, &delivery).await.expect_err("no header");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    let expected = "header `X-Title`: contains the control character U+000D";
    assert_eq!(failure.report(), expected);
    assert_eq!(server.requests().len(), 0);
}

/// A section with a canary in each place that a template can put it.
fn places(url: &str) -> Vec<Section> {
    let with = |method, url: String| {
        section(method, &url)
            .secret("secret", pair("token", TOKEN))
            .secret("secret", pair("password", PASSWORD))
            .secret("secret", "name=empty")
    };
    let plain = || with("post", url.to_owned());
    vec![
        with(
            "get",
            format!("{url}/{{{{ secrets.token }}}}/{{{{ secrets.password }}}}"),
        ),
        with("get", format!("{url}/{{{{ url-encode secrets.token }}}}")),
        with(
            "get",
            format!("{url}/?a={{{{ secrets.token }}}}&b={{{{ url-encode secrets.password }}}}"),
        ),
        with("get", format!("{url}/#{{{{ secrets.token }}}}")),
        plain().public("header", pair("X-Key", "{{ url-encode secrets.token }}")),
        plain().public(
            "body",
            STANDARD.encode("{{ secrets.token }} {{ secrets.password }}"),
        ),
        plain().public(
            "body",
            STANDARD.encode("{\"a\":\"{{ escape secrets.token }}\"}"),
        ),
    ]
}

#[tokio::test]
async fn no_failure_shows_a_secret_wherever_it_stands() {
    type Answer = fn(&Request) -> Response;
    let answers: [Answer; 5] = [
        |request| Response::new(400).body(format!("at {}", request.target)),
        |request| Response::new(500).body(request.text()),
        |request| {
            Response::new(403).body(format!(
                "{:?}",
                request.headers.iter().find(|(name, _)| name == "x-key")
            ))
        },
        |request| Response::redirect(302, &format!("http://elsewhere.example{}", request.target)),
        |request| Response::redirect(301, &format!("{}{}", request.target, request.text())),
    ];
    for answer in answers {
        let server = http::Server::start(move |request| answer(request).into());
        for section in places(&server.url()) {
            let failure = deliver(&section, &Delivery::new("t", "m")).await;
            assert!(!failure.expect_err("refused").report().is_empty());
        }
    }
    // Nobody listens: the failure names the place.
    let nowhere = format!("http://{}", notify_testkit::misbehaving::refusing());
    for section in places(&nowhere) {
        let failure = deliver(&section, &Delivery::new("t", "m")).await;
        let report = failure.expect_err("not there").report();
        assert!(
            report.starts_with(&format!("cannot connect to {nowhere}: ")),
            "{report}"
        );
    }
}

#[tokio::test]
async fn an_empty_secret_masks_nothing() {
    let server = http::Server::start(|_| Response::new(400).body("no such room").into());
    let section = section("post", &server.url()).secret("secret", "name=empty");
    let failure = deliver(&section, &Delivery::new("t", "m")).await;
    let report = failure.expect_err("refused").report();
    assert_eq!(
        report,
        format!("{} answered 400 Bad Request: no such room", server.url())
    );
}

#[tokio::test]
async fn a_redirect_is_followed_only_to_the_same_place() {
    let server = http::Server::start(|request| match request.path() {
        "/old" => Response::redirect(308, "/new?a=b").into(),
        "/new" => Response::new(200).into(),
        _ => Response::redirect(302, "https://other.example/hook?token=x").into(),
    });
    let body = STANDARD.encode("{{ title }}");
    let old = section("post", &format!("{}/old", server.url())).public("body", &*body);
    deliver(&old, &Delivery::new("t", "m"))
        .await
        .expect("followed");
    let requests = server.requests();
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (&*request.method, &*request.target, request.text()))
        .collect();
    let text = || "t".to_owned();
    assert_eq!(
        seen,
        [("POST", "/old", text()), ("POST", "/new?a=b", text())]
    );
    let moved = section("post", &format!("{}/moved", server.url()));
    let failure = deliver(&moved, &Delivery::new("t", "m"))
        .await
        .expect_err("not followed");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    let expected = format!(
        "{} answered 302 Found, it points to https://other.example/hook",
        server.url()
    );
    assert_eq!(failure.report(), expected);
}

#[tokio::test]
async fn a_field_that_an_event_lacks_fails_before_anything_is_sent() {
    let server = http::Server::start(|_| Response::new(200).into());
    let section = section(
        "post",
        &format!("{}/{{{{ url-encode fields.vmid }}}}", server.url()),
    );
    let failure = deliver(&section, &Delivery::new("t", "m"))
        .await
        .expect_err("no such field");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    assert_eq!(server.connections(), 0);
}
