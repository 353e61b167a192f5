//! Which calls share a transaction.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use crate::call::Call;

/// Calls in one transaction.
const TOGETHER: usize = 256;

/// Bytes in one transaction, after which no further call joins it.
const TOGETHER_BYTES: usize = 8 << 20;

/// How long the writer waits for callers that it answered together.
const GATHER: Duration = Duration::from_millis(1);

/// How calls come, learnt from the last transaction.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Calls in the last transaction.
    calls: usize,
    /// How long it took.
    took: Duration,
    began: Instant,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            calls: 1,
            took: Duration::ZERO,
            began: Instant::now(),
        }
    }
}

impl Pace {
    pub(crate) fn began(&mut self, calls: usize) {
        self.calls = calls;
        self.began = Instant::now();
    }

    pub(crate) fn ended(&mut self) {
        self.took = self.began.elapsed();
    }

    /// The first call and those that join it.
    ///
    /// Callers that were answered together call again together. Whoever took the first of them
    /// alone would make all others wait for two commits.
    pub(crate) fn gathered(
        &self,
        first: Box<dyn Call>,
        queue: &Receiver<Box<dyn Call>>,
    ) -> Vec<Box<dyn Call>> {
        let until = Instant::now() + GATHER.min(self.took / 2);
        let mut bytes = first.bytes();
        let mut calls = vec![first];
        while calls.len() < TOGETHER && bytes < TOGETHER_BYTES {
            let next = match queue.try_recv() {
                Ok(call) => call,
                Err(TryRecvError::Empty) if calls.len() < self.calls => {
                    match queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
                        Ok(call) => call,
                        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
                    }
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            };
            bytes += next.bytes();
            calls.push(next);
        }
        calls
    }
}
