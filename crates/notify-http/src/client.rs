//! One exchange: connect, send, follow, read.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, FixedOffset};
use notify_core::{Failure, FailureKind};
use notify_schema::Secret;
use notify_tls::TlsOptions;
use reqwest::header::{CONTENT_LENGTH, LOCATION, RETRY_AFTER};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout_at;
use url::Url;

use crate::address::origin;
use crate::answer::{self, Answer, MOST_BYTES, kind_of_status};
use crate::phase::{Phase, Traced};
use crate::redirect::{MOST_REDIRECTS, Redirect, redirect};
use crate::retry_after::retry_after;
use crate::{Method, Proxy, Request, broken};

/// `notify/VERSION`.
const USER_AGENT: &str = concat!("notify/", env!("CARGO_PKG_VERSION"));

/// A name that is not resolved and a host that is not reached in this time is given up,
/// so that a request without a body is not called uncertain when it was never sent.
const CONNECT_WITHIN: Duration = Duration::from_secs(7);

/// How long a connection is kept for the next delivery.
const IDLE: Duration = Duration::from_secs(30);

/// More pools than any installation has; it bounds what edited configurations leave behind.
const MOST_POOLS: usize = 256;

/// An HTTP client. Clients of equal options share their connections.
///
/// Making one costs nothing: TLS is set up when the first `https` request is
/// sent, and trust roots are not read for `http`. Proxies that the environment
/// names are never used.
#[derive(Clone, Debug)]
pub struct Client {
    proxy: Option<Proxy>,
    tls: TlsOptions,
}

impl Client {
    /// The client of this proxy and these TLS options.
    pub fn shared(proxy: Option<&Proxy>, tls: &TlsOptions) -> Self {
        Client {
            proxy: proxy.cloned(),
            tls: tls.clone(),
        }
    }

    /// Sends a request and reads the answer, all before `deadline`. `now` is what
    /// a date in `Retry-After` is compared with.
    ///
    /// 307 and 308 to the same scheme, host and port are followed, three at most.
    /// Of the answer at most [`MOST_BYTES`] are read. Needs a tokio runtime with
    /// I/O and time.
    ///
    /// # Errors
    /// A [`Failure`] without any secret of the request:
    /// - by status, as [`kind_of_status`] has it, with `Retry-After` where there is one;
    /// - misconfigured: the certificate is not accepted, the CA file cannot be
    ///   used, the proxy wants other credentials, a redirect leads elsewhere;
    /// - unavailable: no connection, be it for the name, the host or the proxy;
    /// - uncertain: sent, and no answer came.
    pub async fn send(
        &self,
        request: &Request,
        deadline: Instant,
        now: DateTime<FixedOffset>,
    ) -> Result<Answer, Failure> {
        let pool = self.pool(request.url().scheme())?;
        let request = &self.masked(request);
        let mut url = request.url().clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.exchange(&pool, request, &url, deadline).await?;
            if !response.status().is_redirection() {
                return finished(request, response, deadline, now).await;
            }
            url = next_place(request, &response, &url)?;
        }
        Err(Failure::misconfigured(format!(
            "{} answered with more than {MOST_REDIRECTS} redirects",
            origin(request.url())
        )))
    }

    /// The request with the proxy's credentials among what it masks: a proxy may echo them.
    fn masked(&self, request: &Request) -> Request {
        let mut request = request.clone();
        if let Some(known) = self.proxy.as_ref().and_then(Proxy::credentials) {
            let pair = format!("{}:{}", known.user, known.password.expose());
            for secret in [Secret::new(pair), known.password.clone()] {
                request = request.masking(secret);
            }
        }
        request
    }

    async fn exchange(
        &self,
        pool: &reqwest::Client,
        request: &Request,
        url: &Url,
        deadline: Instant,
    ) -> Result<reqwest::Response, Failure> {
        if deadline <= Instant::now() {
            let place = origin(url);
            return Err(Failure::unavailable(format!("no time left to ask {place}")));
        }
        let phase = Phase::of(request.bytes());
        let mut sending = pool
            .request(method(request.method()), url.clone())
            .headers(request.header_map().clone());
        if !request.bytes().is_empty() {
            let body = Traced::new(request.bytes().clone(), phase.clone());
            sending = sending.body(reqwest::Body::wrap(body));
        } else if request.method() != Method::Get {
            // RFC 9110 8.6: a method that usually has a body says that it has none.
            sending = sending.header(CONTENT_LENGTH, 0);
        }
        match timeout_at(deadline.into(), sending.send()).await {
            Err(_) => Err(broken::silence(request, self.proxy.as_ref(), &phase)),
            Ok(Err(error)) => Err(broken::failure(request, self.proxy.as_ref(), &phase, error)),
            Ok(Ok(response)) => Ok(response),
        }
    }

    /// The connections for a scheme. `http` has a pool of its own that can do no TLS.
    fn pool(&self, scheme: &str) -> Result<reqwest::Client, Failure> {
        static POOLS: LazyLock<Mutex<HashMap<Key, Pool>>> = LazyLock::new(Mutex::default);
        let tls = (scheme == "https").then(|| self.tls.clone());
        let config = match &tls {
            Some(options) => notify_tls::client_config(options)?,
            None => no_tls(),
        };
        let key = (self.proxy.clone(), tls);
        // A panic elsewhere cannot leave the map half changed.
        let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&key)
            && Arc::ptr_eq(&pool.config, &config)
        {
            return Ok(pool.client.clone());
        }
        let client = new_pool(self.proxy.as_ref(), &config)?;
        if pools.len() >= MOST_POOLS {
            pools.clear();
        }
        let pool = Pool {
            config,
            client: client.clone(),
        };
        pools.insert(key, pool);
        Ok(client)
    }
}

/// TLS options only where there is TLS.
type Key = (Option<Proxy>, Option<TlsOptions>);

struct Pool {
    /// A changed CA file gives another configuration, and that another pool.
    config: Arc<ClientConfig>,
    client: reqwest::Client,
}

fn new_pool(proxy: Option<&Proxy>, config: &ClientConfig) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(config.clone())
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .connect_timeout(CONNECT_WITHIN)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(2)
        .no_proxy();
    if let Some(proxy) = proxy {
        builder = builder.proxy(reqwest_proxy(proxy)?);
    }
    builder.build().map_err(unusable)
}

fn reqwest_proxy(proxy: &Proxy) -> Result<reqwest::Proxy, Failure> {
    let made = reqwest::Proxy::all(proxy.to_string()).map_err(unusable)?;
    Ok(match proxy.credentials() {
        Some(known) => made.basic_auth(&known.user, known.password.expose()),
        None => made,
    })
}

fn unusable(error: reqwest::Error) -> Failure {
    Failure::misconfigured("cannot set up an HTTP client").caused_by(error.without_url())
}

/// A configuration that trusts nobody, for connections that never do TLS.
/// Without one, reqwest would make its own and read the system's trust roots.
fn no_tls() -> Arc<ClientConfig> {
    static CONFIG: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports TLS 1.2 and 1.3")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Arc::new(config)
    });
    Arc::clone(&CONFIG)
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    }
}

/// Where a redirect leads, when it may be followed.
fn next_place(request: &Request, response: &reqwest::Response, from: &Url) -> Result<Url, Failure> {
    let location = header(response, LOCATION);
    match redirect(response.status(), location, from) {
        Redirect::Follow(to) => Ok(to),
        Redirect::Refuse(why) => Err(Failure::misconfigured(request.redacted(&format!(
            "{} answered {}, {why}",
            origin(from),
            answer::in_words(response.status()),
        )))),
    }
}

/// The answer, read as far as the cap and the deadline allow: its status decides, not its body.
async fn finished(
    request: &Request,
    mut response: reqwest::Response,
    deadline: Instant,
    now: DateTime<FixedOffset>,
) -> Result<Answer, Failure> {
    let status = response.status();
    let delay = header(&response, RETRY_AFTER).and_then(|value| retry_after(value, now));
    let mut body = Vec::new();
    // Too late, broken off or oversized: what is there is enough.
    let _ = timeout_at(deadline.into(), read(&mut response, &mut body)).await;
    match kind_of_status(status.as_u16()) {
        None => Ok(Answer {
            status: status.as_u16(),
            body,
        }),
        Some(kind) => {
            let delay = delay.filter(|_| kind == FailureKind::Unavailable);
            Err(answer::failure(request, kind, status, &body, delay))
        }
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

fn header(response: &reqwest::Response, name: reqwest::header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}
