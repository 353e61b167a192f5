//! Exchanges with servers on loopback: what arrives there, and what a failure says.

mod support;

use std::time::Duration;

use notify_core::FailureKind::{self, Misconfigured, Rejected, Unavailable, Uncertain};
use notify_http::{MOST_BYTES, Method, Request};
use notify_schema::Secret;
use notify_testkit::http::{Answer, Response, Server};
use notify_testkit::misbehaving::{self, Act};
use support::{client, post, send, send_within, told};

/// What one scripted answer becomes: kind, text with `HERE` for the server, seconds to wait.
async fn check(response: Response, kind: FailureKind, text: &str, delay: Option<u64>) {
    let server = Server::scripted([Answer::from(response)]);
    let failure = send(&client(), &post(&server.url())).await.expect_err(text);
    assert_eq!(told(&failure, server.addr()), text);
    assert_eq!(failure.kind(), kind, "{text}");
    assert_eq!(
        failure.asked_delay().map(|delay| delay.as_secs()),
        delay,
        "{text}"
    );
    assert_eq!(
        server.requests().len(),
        1,
        "trying again is not the client's business"
    );
}

#[tokio::test]
async fn a_request_arrives_whole_and_as_built() {
    let server = Server::start(|_| Response::new(201).body("thanks").into());
    let request = post(&server.url())
        .header("Content-Type", "text/plain")
        .expect("plain")
        .secret_header("X-Key", &Secret::new("hunter2"))
        .expect("plain");
    let answer = send(&client(), &request).await.expect("taken");
    assert_eq!((answer.status, &*answer.body), (201, &b"thanks"[..]));

    let seen = &server.requests()[0];
    assert_eq!(
        (&*seen.method, &*seen.target, &*seen.text()),
        ("POST", "/message", "hello")
    );
    let version = concat!("notify/", env!("CARGO_PKG_VERSION"));
    for (name, value) in [
        ("user-agent", version),
        ("content-type", "text/plain"),
        ("content-length", "5"),
        ("x-key", "hunter2"),
        ("accept", "*/*"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    for absent in ["transfer-encoding", "referer", "expect", "accept-encoding"] {
        assert_eq!(seen.header(absent), None, "{absent}");
    }
    assert_eq!(server.violations(), [""; 0]);
}

#[tokio::test]
async fn a_get_without_body_says_nothing_of_a_body() {
    let server = Server::start(|_| Response::new(204).into());
    let url = post(&server.url()).url().clone();
    for method in [Method::Get, Method::Put, Method::Post] {
        let request = Request::new(method, url.clone());
        assert_eq!(send(&client(), &request).await.expect("taken").status, 204);
    }
    let lengths: Vec<_> = server
        .requests()
        .iter()
        .map(|seen| {
            (
                seen.method.clone(),
                seen.header("content-length").map(str::to_owned),
            )
        })
        .collect();
    let zero = Some("0".to_owned());
    let expected = [("GET", None), ("PUT", zero.clone()), ("POST", zero)];
    assert_eq!(
        lengths,
        expected.map(|(method, length)| (method.to_owned(), length))
    );
    assert_eq!(server.violations(), [""; 0]);
}

#[tokio::test]
async fn connections_are_kept_for_the_next_delivery() {
    let server = Server::start(|_| Response::new(200).into());
    for _ in 0..3 {
        send(&client(), &post(&server.url())).await.expect("taken");
    }
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn a_status_becomes_a_failure_that_quotes_the_answer() {
    let answer = |status: u16, body: &str| Response::new(status).body(body);
    check(
        answer(401, r#"{"error":"Unauthorized"}"#),
        Misconfigured,
        r#"http://HERE answered 401 Unauthorized: {"error":"Unauthorized"}"#,
        None,
    )
    .await;
    check(
        answer(403, ""),
        Misconfigured,
        "http://HERE answered 403 Forbidden",
        None,
    )
    .await;
    check(
        answer(404, "no\n\u{7}page"),
        Misconfigured,
        "http://HERE answered 404 Not Found: no page",
        None,
    )
    .await;
    check(
        answer(400, "bad"),
        Rejected,
        "http://HERE answered 400 Bad Request: bad",
        None,
    )
    .await;
    check(
        answer(502, "<html><title>502 Bad Gateway</title></html>"),
        Uncertain,
        "http://HERE answered 502 Bad Gateway: 502 Bad Gateway",
        None,
    )
    .await;
    check(
        answer(599, ""),
        Unavailable,
        "http://HERE answered 599",
        None,
    )
    .await;
}

#[tokio::test]
async fn retry_after_is_told_where_it_can_be_tried_again() {
    let after = |status: u16, value: &str| Response::new(status).header("Retry-After", value);
    check(
        after(429, "120"),
        Unavailable,
        "http://HERE answered 429 Too Many Requests",
        Some(120),
    )
    .await;
    // Two minutes after the time that the attempt names.
    check(
        after(503, "Sun, 22 Nov 2026 09:02:00 GMT"),
        Unavailable,
        "http://HERE answered 503 Service Unavailable",
        Some(120),
    )
    .await;
    check(
        after(503, "soon"),
        Unavailable,
        "http://HERE answered 503 Service Unavailable",
        None,
    )
    .await;
    check(
        after(401, "120"),
        Misconfigured,
        "http://HERE answered 401 Unauthorized",
        None,
    )
    .await;
}

#[tokio::test]
async fn an_answer_that_echoes_a_secret_is_masked() {
    let server = Server::start(|request| {
        let key = request.header("x-key").unwrap_or_default();
        Response::new(400)
            .body(format!("{key} / aHVudGVyMg== / hunter%32"))
            .into()
    });
    let request = post(&server.url())
        .secret_header("X-Key", &Secret::new("hunter2"))
        .expect("plain");
    let failure = send(&client(), &request).await.expect_err("refused");
    assert_eq!(
        told(&failure, server.addr()),
        "http://HERE answered 400 Bad Request: <masked> / <masked> / <masked>"
    );
}

#[tokio::test]
async fn a_target_can_say_how_its_errors_are_read() {
    let server = Server::start(|_| Response::new(400).body("code=7;text=no such topic").into());
    let request = post(&server.url()).explained_by(|body| {
        let text = std::str::from_utf8(body).ok()?;
        text.split_once("text=").map(|(_, text)| text.to_owned())
    });
    let failure = send(&client(), &request).await.expect_err("refused");
    assert_eq!(
        told(&failure, server.addr()),
        "http://HERE answered 400 Bad Request: no such topic"
    );
}

#[tokio::test]
async fn a_repeat_at_the_same_place_is_sent_again_with_all_it_has() {
    let server = Server::start(|request| match request.path() {
        "/message" => Response::redirect(307, "/b?c").into(),
        "/b" => Response::redirect(308, "message2").into(),
        _ => Response::new(200).into(),
    });
    let request = post(&server.url())
        .secret_header("X-Key", &Secret::new("hunter2"))
        .expect("plain");
    send(&client(), &request).await.expect("taken at last");
    let seen: Vec<_> = server
        .requests()
        .iter()
        .map(|seen| {
            (
                seen.target.clone(),
                seen.text(),
                seen.header("x-key").map(str::to_owned),
            )
        })
        .collect();
    let at = |target: &str| {
        (
            target.to_owned(),
            "hello".to_owned(),
            Some("hunter2".to_owned()),
        )
    };
    assert_eq!(seen, [at("/message"), at("/b?c"), at("/message2")]);
}

#[tokio::test]
async fn a_fourth_redirect_is_not_followed() {
    let server = Server::start(|_| Response::redirect(307, "/message").into());
    let failure = send(&client(), &post(&server.url()))
        .await
        .expect_err("it turns in circles");
    assert_eq!(failure.kind(), Misconfigured);
    assert_eq!(
        told(&failure, server.addr()),
        "http://HERE answered with more than 3 redirects"
    );
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn no_other_place_gets_the_request() {
    let other = Server::start(|_| Response::new(200).into());
    let plain = format!("http://{}/m", other.addr());
    let secretive = format!("http://u:hunter2@{}/m?token=hunter2#x", other.addr());
    let places = [plain.clone(), secretive];
    for (status, location) in [301, 302, 303, 307, 308]
        .into_iter()
        .flat_map(|status| places.clone().map(|place| (status, place)))
    {
        let server = Server::start(move |_| Response::redirect(status, &location).into());
        let failure = send(&client(), &post(&server.url()))
            .await
            .expect_err("elsewhere");
        assert_eq!(failure.kind(), Misconfigured, "{status}");
        let expected = format!("it points to {plain}");
        let text = told(&failure, server.addr());
        assert!(
            text.ends_with(&expected)
                && text.starts_with(&format!("http://HERE answered {status} ")),
            "{text}"
        );
    }
    assert_eq!(other.connections(), 0);
    check(
        Response::new(304),
        Misconfigured,
        "http://HERE answered 304 Not Modified, it names no new place",
        None,
    )
    .await;
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let nobody = misbehaving::refusing();
    let failure = send(&client(), &post(&format!("http://{nobody}")))
        .await
        .expect_err("nobody listens");
    assert_eq!(failure.kind(), Unavailable);
    assert_eq!(
        told(&failure, nobody),
        "cannot connect to http://HERE: Connection refused (os error 111)"
    );
    // RFC 6761 6.4: this name never exists.
    let failure = send(&client(), &post("http://gotify.invalid"))
        .await
        .expect_err("no such name");
    assert_eq!(failure.kind(), Unavailable, "{}", failure.report());
    assert!(
        failure
            .report()
            .starts_with("cannot connect to http://gotify.invalid: ")
    );
}

/// What a server that performs these acts after the head of a request makes of a delivery.
async fn after_the_request(acts: Vec<Act>, expected: &str) {
    let acts = [vec![Act::Await(b"\r\n\r\nhello".to_vec())], acts].concat();
    let server = misbehaving::Server::start(acts);
    let request = post(&format!("http://{}", server.addr()));
    let failure = send_within(&client(), &request, Duration::from_millis(700))
        .await
        .expect_err(expected);
    assert_eq!(failure.kind(), Uncertain, "{}", failure.report());
    let text = told(&failure, server.addr());
    assert!(text.starts_with(expected), "{text}");
}

#[tokio::test]
async fn what_was_sent_and_not_answered_may_have_arrived() {
    let no_answer = "no answer from http://HERE: ";
    after_the_request(vec![Act::Hang], "no answer in time from http://HERE").await;
    let half = vec![Act::send("HTTP/1.1 20"), Act::Hang];
    after_the_request(half, "no answer in time from http://HERE").await;
    after_the_request(vec![Act::Close], no_answer).await;
    after_the_request(vec![Act::Reset], no_answer).await;
    after_the_request(vec![Act::send("HTTP/1.1 20"), Act::Close], no_answer).await;
    after_the_request(misbehaving::garbage(), no_answer).await;
    after_the_request(vec![Act::send("220 mail.example.com ESMTP\r\n")], no_answer).await;
}

#[tokio::test]
async fn after_the_deadline_nothing_is_sent() {
    let server = Server::start(|_| Response::new(200).into());
    send(&client(), &post(&server.url()))
        .await
        .expect("a connection is kept now");
    let get = Request::new(Method::Get, post(&server.url()).url().clone());
    for request in [post(&server.url()), get] {
        let failure = send_within(&client(), &request, Duration::ZERO)
            .await
            .expect_err("too late");
        assert_eq!(failure.kind(), Unavailable);
        assert_eq!(
            told(&failure, server.addr()),
            "no time left to ask http://HERE"
        );
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_oversized_answer_is_cut_and_its_status_counts() {
    let endless =
        |status: &str| misbehaving::Server::start(misbehaving::oversized_http(status, 1 << 40));
    let server = endless("200 OK");
    let request = post(&format!("http://{}", server.addr()));
    let answer = send(&client(), &request).await.expect("taken");
    assert_eq!((answer.status, answer.body.len()), (200, MOST_BYTES));

    let server = endless("503 Service Unavailable");
    let request = post(&format!("http://{}", server.addr()));
    let failure = send(&client(), &request).await.expect_err("unavailable");
    assert_eq!(failure.kind(), Unavailable);
    let expected = format!(
        "http://HERE answered 503 Service Unavailable: {}…",
        "x".repeat(200)
    );
    assert_eq!(told(&failure, server.addr()), expected);
}

#[tokio::test]
async fn a_taken_message_whose_answer_breaks_off_is_taken() {
    for last in [Act::Hang, Act::Close, Act::Reset] {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":1";
        let server = Server::scripted([Answer::Acts(vec![Act::send(head), last])]);
        let answer = send_within(&client(), &post(&server.url()), Duration::from_millis(700))
            .await
            .expect("the status came");
        assert_eq!(answer.status, 200);
    }
}
