//! A handshake on a connection that someone else made.

use notify_schema::excerpt;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{TlsError, TlsOptions, client_config};

/// Speaks TLS over `stream` with the server `host`, a DNS name or an IP address.
///
/// For protocols that begin in plain text, as SMTP with STARTTLS. When it
/// returns, the certificate has been accepted and nothing else has been sent.
/// It has no deadline of its own.
///
/// # Errors
/// [`TlsError`], which turns into a [`Failure`](notify_core::Failure).
pub async fn connect<S>(
    options: &TlsOptions,
    host: &str,
    stream: S,
) -> Result<TlsStream<S>, TlsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
        TlsError::options(format!(
            "not a host name that a certificate can have: `{}`",
            excerpt(host)
        ))
    })?;
    let connector = TlsConnector::from(client_config(options)?);
    connector
        .connect(name, stream)
        .await
        .map_err(|error| TlsError::handshake(host, error))
}
