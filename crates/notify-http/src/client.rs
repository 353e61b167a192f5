//! The client, and the connections that clients of equal options share.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, FixedOffset};
use notify_core::Failure;
use notify_schema::Secret;
use notify_tls::TlsOptions;
use rustls::{ClientConfig, RootCertStore};

use crate::address::way;
use crate::answer::Answer;
use crate::exchange::Exchange;
use crate::{Proxy, Request};

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
    /// Of the answer at most [`MOST_BYTES`](crate::MOST_BYTES) are read. Needs a tokio runtime with
    /// I/O and time.
    ///
    /// # Errors
    /// A [`Failure`] without any secret of the request:
    /// - by status, as [`kind_of_status`](crate::kind_of_status) has it, with `Retry-After` where there is one;
    /// - misconfigured: the certificate is not accepted, the CA file cannot be
    ///   used, the proxy refuses a tunnel for good, a redirect leads elsewhere;
    /// - unavailable: no connection, be it for the name, the host or the proxy;
    /// - uncertain: sent, and no answer came.
    pub async fn send(
        &self,
        request: &Request,
        deadline: Instant,
        now: DateTime<FixedOffset>,
    ) -> Result<Answer, Failure> {
        let way = way(request.url(), self.proxy.as_ref());
        let exchange = Exchange {
            pool: self.pool(request.url().scheme())?,
            proxy: self.proxy.as_ref(),
            request: self.masked(request),
            way,
            deadline,
        };
        exchange.run(now).await
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
