//! What waits in the queue of the writer.

use notify_core::SpoolError;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::batch::Batch;
use crate::fault::Failed;

/// A call in the queue.
pub(crate) trait Call: Send {
    fn bytes(&self) -> usize;
    /// Does it in the open transaction.
    fn attempt(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()>;
    /// The transaction is on disk.
    fn answer(self: Box<Self>);
    /// The transaction is not.
    fn fail(self: Box<Self>, error: SpoolError);
}

/// A call that somebody waits for.
pub(crate) struct Pending<T, F> {
    call: F,
    bytes: usize,
    done: Option<Result<T, SpoolError>>,
    reply: oneshot::Sender<Result<T, SpoolError>>,
    /// Its place in the queue, until it is answered.
    _permit: OwnedSemaphorePermit,
}

impl<T, F> Pending<T, F> {
    /// The call, and where its answer comes.
    pub(crate) fn new(
        bytes: usize,
        call: F,
        permit: OwnedSemaphorePermit,
    ) -> (Self, oneshot::Receiver<Result<T, SpoolError>>) {
        let (reply, answer) = oneshot::channel();
        let pending = Pending {
            call,
            bytes,
            done: None,
            reply,
            _permit: permit,
        };
        (pending, answer)
    }
}

impl<T, F> Call for Pending<T, F>
where
    T: Send,
    F: FnMut(&mut Batch<'_>) -> Result<T, Failed> + Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn attempt(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        self.done = Some(match (self.call)(batch) {
            Ok(done) => Ok(done),
            Err(Failed::Refused(error)) => Err(error),
            Err(Failed::Database(error)) => return Err(error),
        });
        Ok(())
    }

    fn answer(self: Box<Self>) {
        if let Some(done) = self.done {
            // A caller that is gone needs no answer.
            let _ = self.reply.send(done);
        }
    }

    fn fail(self: Box<Self>, error: SpoolError) {
        let _ = self.reply.send(Err(error));
    }
}
