//! One exchange: send, follow, read.

use std::time::Instant;

use chrono::{DateTime, FixedOffset};
use notify_core::{Failure, FailureKind};
use reqwest::header::{CONTENT_LENGTH, HeaderName, LOCATION, RETRY_AFTER};
use tokio::time::timeout_at;
use url::Url;

use crate::answer::{self, Answer, MOST_BYTES, kind_of_status};
use crate::phase::{Phase, Traced};
use crate::redirect::{MOST_REDIRECTS, Redirect, redirect};
use crate::retry_after::retry_after;
use crate::{Method, Proxy, Request, broken, tunnel};

/// A request on its way.
pub(crate) struct Exchange<'a> {
    pub(crate) pool: reqwest::Client,
    pub(crate) proxy: Option<&'a Proxy>,
    pub(crate) request: Request,
    /// Where it goes, for people.
    pub(crate) way: String,
    pub(crate) deadline: Instant,
}

impl Exchange<'_> {
    /// Sends, follows what may be followed, and judges the answer.
    pub(crate) async fn run(&self, now: DateTime<FixedOffset>) -> Result<Answer, Failure> {
        let mut url = self.request.url().clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.sent(&url).await?;
            if !response.status().is_redirection() {
                return self.finished(response, now).await;
            }
            url = self.next_place(&response, &url)?;
        }
        let way = &self.way;
        Err(Failure::misconfigured(format!(
            "{way} answered with more than {MOST_REDIRECTS} redirects"
        )))
    }

    /// The head of the answer to one request.
    async fn sent(&self, url: &Url) -> Result<reqwest::Response, Failure> {
        if self.deadline <= Instant::now() {
            let way = &self.way;
            return Err(Failure::unavailable(format!("no time left to ask {way}")));
        }
        let phase = Phase::of(self.request.bytes());
        let sending = self.built(url, &phase).send();
        match timeout_at(self.deadline.into(), sending).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.broken(url, &phase, error).await),
            Err(_) => Err(broken::silence(&self.way, &phase)),
        }
    }

    fn built(&self, url: &Url, phase: &Phase) -> reqwest::RequestBuilder {
        let built = self
            .pool
            .request(method(self.request.method()), url.clone())
            .headers(self.request.header_map().clone());
        let bytes = self.request.bytes();
        if !bytes.is_empty() {
            let body = Traced::new(bytes.clone(), phase.clone());
            built.body(reqwest::Body::wrap(body))
        } else if self.request.method() == Method::Get {
            built
        } else {
            // RFC 9110 8.6: a method that usually has a body says that it has none.
            built.header(CONTENT_LENGTH, 0)
        }
    }

    async fn broken(&self, url: &Url, phase: &Phase, error: reqwest::Error) -> Failure {
        match self.proxy {
            Some(proxy) if tunnel::is_refused(&error) => {
                let asked = timeout_at(self.deadline.into(), tunnel::status(proxy, url));
                broken::no_tunnel(&self.way, asked.await.ok().flatten())
            }
            _ => broken::failure(&self.request, &self.way, phase, error),
        }
    }

    /// Where a redirect leads, when it may be followed.
    fn next_place(&self, response: &reqwest::Response, from: &Url) -> Result<Url, Failure> {
        let location = header(response, LOCATION);
        match redirect(response.status(), location, from) {
            Redirect::Follow(to) => Ok(to),
            Redirect::Refuse(why) => {
                let status = answer::in_words(response.status());
                let detail = format!("{} answered {status}, {why}", self.way);
                Err(Failure::misconfigured(self.request.redacted(&detail)))
            }
        }
    }

    /// The answer, read as far as the cap and the deadline allow: its status decides, not its body.
    async fn finished(
        &self,
        mut response: reqwest::Response,
        now: DateTime<FixedOffset>,
    ) -> Result<Answer, Failure> {
        let status = response.status();
        let delay = header(&response, RETRY_AFTER).and_then(|value| retry_after(value, now));
        let mut body = Vec::new();
        // Too late, broken off or oversized: what is there is enough.
        let _ = timeout_at(self.deadline.into(), read(&mut response, &mut body)).await;
        let Some(kind) = kind_of_status(status.as_u16()) else {
            let status = status.as_u16();
            return Ok(Answer { status, body });
        };
        let failure = answer::failure(&self.request, &self.way, kind, status, &body);
        Err(match delay.filter(|_| kind == FailureKind::Unavailable) {
            Some(delay) => failure.retry_after(delay),
            None => failure,
        })
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    }
}

async fn read(response: &mut reqwest::Response, body: &mut Vec<u8>) -> reqwest::Result<()> {
    while let Some(chunk) = response.chunk().await? {
        let room = MOST_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == MOST_BYTES {
            break;
        }
    }
    Ok(())
}

fn header(response: &reqwest::Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}
