//! How far a request got.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Whether the far side may have got the request.
///
/// Set when the connection takes the body: it is established then, and the
/// request is about to be written. A request without a body leaves no trace, so
/// it counts as sent from the start.
#[derive(Clone, Debug)]
pub(crate) struct Phase(Arc<AtomicBool>);

impl Phase {
    /// Of a request with this body.
    pub(crate) fn of(body: &Bytes) -> Self {
        Phase(Arc::new(AtomicBool::new(body.is_empty())))
    }

    /// Whether it may have been sent.
    pub(crate) fn may_be_sent(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn sent(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A body that notes when it is taken.
#[derive(Debug)]
pub(crate) struct Traced {
    bytes: Option<Bytes>,
    phase: Phase,
}

impl Traced {
    /// This body, which reports to this phase.
    pub(crate) fn new(bytes: Bytes, phase: Phase) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Traced { bytes, phase }
    }
}

impl Body for Traced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.phase.sent();
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
