//! HTTP for targets: one request, one answer, and what it means for a delivery.
//!
//! A [`Request`] is made of checked parts and knows its secrets. A [`Client`]
//! sends it, through the host's [`Proxy`] where there is one, before a deadline,
//! and answers with an [`Answer`] or with a [`Failure`](notify_core::Failure)
//! whose kind says whether it arrived. Trying again is not its business, and it
//! knows no service: what to send is the target's.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use notify_core::{FailureKind, PlainHost, Zone};
//! use notify_http::{Client, Proxy, Request, base_url, join};
//! use notify_tls::TlsOptions;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
//! // A port that nobody listens on.
//! let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
//! let base = base_url(&format!("http://{free}/base")).expect("a URL");
//! let request = Request::post(join(&base, "message")).body("hello");
//!
//! let proxy = Proxy::of_host(&PlainHost::named("pve1")).expect("none is well formed");
//! let client = Client::shared(proxy.as_ref(), &TlsOptions::default());
//! let failure = client
//!     .send(&request, Instant::now() + Duration::from_secs(10), Zone::Local.at(0))
//!     .await
//!     .expect_err("nobody answers");
//! assert_eq!(failure.kind(), FailureKind::Unavailable);
//! # });
//! ```

mod address;
mod answer;
mod broken;
mod client;
mod excerpt;
mod exchange;
mod phase;
mod proxy;
mod redirect;
mod request;
mod retry_after;
mod tunnel;

pub use address::{base_url, join};
pub use answer::{Answer, MOST_BYTES, kind_of_status};
pub use client::Client;
pub use proxy::Proxy;
pub use request::{BadHeader, Explain, Method, Request, printable};
pub use url::Url;
