//! Health and metrics over HTTP, for Prometheus and for whoever restarts what is ill.
//!
//! `/healthz` answers while the daemon lives, `/readyz` tells whether it takes
//! and delivers events, `/metrics` counts. Nobody is asked who they are: the
//! listener must be one of the loopback.

mod guard;
mod metrics;

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use notify_core::{SpoolError, async_trait, report};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Status;
use guard::Guarded;

/// Who knows how the daemon fares.
#[async_trait]
pub trait Health: Debug + Send + Sync {
    /// How it fares now.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn status(&self) -> Result<Status, SpoolError>;
}

/// `/metrics`, `/healthz` and `/readyz`.
pub fn router(health: Arc<dyn Health>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

/// Serves until `stop`, then answers what was asked before and returns.
///
/// Few connections at once, and none that is quiet for long: whoever can reach
/// the listener cannot take all open files of the daemon.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let served = axum::serve(Guarded::new(listener), router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!("health and metrics are not served any more: {error}");
    }
}

async fn ready(State(health): State<Arc<dyn Health>>) -> Response {
    let problems = match health.status().await {
        Ok(status) => status.problems,
        Err(error) => vec![report(&error)],
    };
    if problems.is_empty() {
        return "ready\n".into_response();
    }
    let text = format!("{}\n", problems.join("\n"));
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn metrics(State(health): State<Arc<dyn Health>>) -> Response {
    match health.status().await {
        Ok(status) => {
            let kind = [(header::CONTENT_TYPE, metrics::CONTENT_TYPE)];
            (kind, metrics::text(status)).into_response()
        }
        Err(error) => {
            let text = format!("{}\n", report(&error));
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}
