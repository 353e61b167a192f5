//! Why a proxy refuses a tunnel.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::Proxy;

/// Whether a proxy answered CONNECT with anything but 200.
///
/// The error's type is private to hyper-util, which does not tell the status
/// either; the tests with a proxy hold its text.
pub(crate) fn is_refused(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.any(|cause| {
        matches!(
            cause.to_string().as_str(),
            "tunnel error: unsuccessful" | "tunnel error: proxy authorization required"
        )
    })
}

/// Asks a proxy again for a tunnel to `url`, only for the status of its answer.
///
/// None when it does not answer as a proxy. It has no deadline of its own.
pub(crate) async fn status(proxy: &Proxy, url: &Url) -> Option<StatusCode> {
    let mut stream = TcpStream::connect(proxy.place()).await.ok()?;
    stream
        .write_all(question(proxy, url)?.as_bytes())
        .await
        .ok()?;
    let mut start = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut start).await.ok()?;
    let start = std::str::from_utf8(&start).ok()?;
    let (version, status) = start.split_once(' ')?;
    version.strip_prefix("HTTP/1.")?;
    StatusCode::from_bytes(status.as_bytes()).ok()
}

fn question(proxy: &Proxy, url: &Url) -> Option<String> {
    let place = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
    let mut question = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
    if let Some(known) = proxy.credentials() {
        let pair = format!("{}:{}", known.user, known.password.expose());
        let basic = STANDARD.encode(pair);
        question.push_str(&format!("Proxy-Authorization: Basic {basic}\r\n"));
    }
    question.push_str("\r\n");
    Some(question)
}
