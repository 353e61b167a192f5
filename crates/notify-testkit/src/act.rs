//! What a server can do to a connection besides answering properly.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::wire::{Gate, Stream};

/// One thing that a misbehaving server does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes one by one, with this pause after each.
    SendSlowly(Vec<u8>, Duration),
    /// Sends these bytes again and again until this many have gone.
    Flood(Vec<u8>, usize),
    /// Reads until these bytes have come.
    Await(Vec<u8>),
    /// Waits until the gate is open.
    HoldUntil(Gate),
    /// Says nothing more; ends when the client closes or the server is dropped.
    Hang,
    /// Resets the connection.
    Reset,
    /// Closes our half of the connection in order; the other half when the client has closed.
    Close,
}

impl Act {
    /// Sends this text.
    pub fn send(text: &str) -> Self {
        Act::Send(text.as_bytes().to_vec())
    }
}

/// Whether a connection goes on after acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    Over,
}

/// Performs acts in order until one of them ends the connection.
///
/// # Errors
/// When the client has gone.
pub(crate) async fn perform(acts: &[Act], stream: &mut BufReader<Stream>) -> io::Result<Flow> {
    for act in acts {
        match act {
            Act::Send(bytes) => write(stream, bytes).await?,
            Act::SendSlowly(bytes, pause) => {
                for byte in bytes {
                    write(stream, std::slice::from_ref(byte)).await?;
                    tokio::time::sleep(*pause).await;
                }
            }
            Act::Flood(bytes, limit) => flood(stream, bytes, *limit).await?,
            Act::Await(marker) => await_marker(stream, marker).await?,
            Act::HoldUntil(gate) => gate.passed().await,
            Act::Hang => {
                hang(stream).await;
                return Ok(Flow::Over);
            }
            Act::Reset => {
                stream.get_ref().reset_on_close()?;
                return Ok(Flow::Over);
            }
            Act::Close => {
                close(stream).await;
                return Ok(Flow::Over);
            }
        }
    }
    Ok(Flow::Continue)
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

async fn flood(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    limit: usize,
) -> io::Result<()> {
    let mut left = limit;
    while left > 0 {
        let now = left.min(bytes.len());
        stream.write_all(&bytes[..now]).await?;
        left -= now;
    }
    stream.flush().await
}

async fn await_marker(stream: &mut (impl AsyncRead + Unpin), marker: &[u8]) -> io::Result<()> {
    let mut seen = Vec::new();
    while !seen.ends_with(marker) {
        seen.push(stream.read_u8().await?);
        // Only the tail matters.
        if seen.len() > 2 * marker.len() + 4096 {
            seen.drain(..4096);
        }
    }
    Ok(())
}

/// Ends the connection so that the client surely gets what was said.
///
/// A socket that is closed with unread bytes in it sends a reset, which
/// overtakes the answer (RFC 9112 9.6). So the rest is read first.
pub(crate) async fn close(stream: &mut BufReader<Stream>) {
    if stream.shutdown().await.is_ok() {
        hang(stream).await;
    }
}

/// Reads and forgets until the client closes.
async fn hang(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {}
}
