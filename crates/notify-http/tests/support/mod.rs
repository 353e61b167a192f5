//! What the tests of this crate share.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use notify_core::Failure;
use notify_http::{Answer, Client, Request, base_url, join};
use notify_tls::TlsOptions;

/// Far longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// A client without proxy and TLS options.
pub(crate) fn client() -> Client {
    Client::shared(None, &TlsOptions::default())
}

/// `POST BASE/message` with the body `hello`.
pub(crate) fn post(base: &str) -> Request {
    Request::post(join(&base_url(base).expect("a URL"), "message")).body("hello")
}

/// Sends, with time enough, at 10:00 on 22 November 2026 in Vienna.
pub(crate) async fn send(client: &Client, request: &Request) -> Result<Answer, Failure> {
    send_within(client, request, LONG).await
}

/// Sends, and gives up after `time`.
pub(crate) async fn send_within(
    client: &Client,
    request: &Request,
    time: Duration,
) -> Result<Answer, Failure> {
    let now = "2026-11-22T10:00:00+01:00".parse().expect("a time");
    client.send(request, Instant::now() + time, now).await
}

/// What a person reads, with `HERE` for the address of the server.
pub(crate) fn told(failure: &Failure, server: SocketAddr) -> String {
    failure.report().replace(&server.to_string(), "HERE")
}
