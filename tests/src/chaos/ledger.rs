//! What the oracle knows: which events were sent, and what was said of each.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify_core::EventId;

/// One numbered event and what its sender was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its number. No two have the same.
    pub(super) number: u64,
    /// What was said.
    pub(super) answer: Answer,
    /// Whether the configuration was rubbish at any time from its beginning to its answer.
    pub(super) in_rubbish: bool,
}

/// What a sender was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is accepted, under this id.
    Accepted(EventId),
    /// The same, by a program that found no daemon and put it into the spool itself.
    Stored(EventId),
    /// A mail that is in the queue of mails, where the daemon takes it.
    Kept(EventId),
    /// A mail that is in the mail drop. Nobody says its id.
    Dropped,
    /// It is not accepted, and a repeat doubles nothing.
    Refused(String),
    /// Nobody said: the sender was cut off, or ended in another way.
    Open(String),
    /// What must not be said, or nothing for far too long.
    Wrong(String),
}

/// The events of a run, shared by those who send and who watch.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    book: Mutex<Book>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Book {
    /// How many may be sent by now.
    issued: u64,
    /// How many were begun.
    begun: u64,
    /// Begun and not answered.
    open: BTreeSet<u64>,
    /// Whether the configuration is rubbish now.
    rubbish: bool,
    /// The events that were open while it was.
    in_rubbish: BTreeSet<u64>,
    sent: Vec<Sent>,
    /// Messages that came whole to a receiver.
    arrivals: u64,
    /// Rounds that are over.
    rounds: u64,
    closed: bool,
}

impl Ledger {
    /// Lets so many more events be sent.
    pub(super) fn issue(&self, events: u64) {
        self.change(|book| book.issued += events);
    }

    /// The number of an event that is to be sent now; none when it is over.
    pub(super) fn take(&self) -> Option<u64> {
        let mut book = self.lock();
        while !book.closed && book.begun == book.issued {
            book = self
                .changed
                .wait(book)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if book.closed {
            return None;
        }
        book.begun += 1;
        let number = book.begun;
        book.open.insert(number);
        if book.rubbish {
            book.in_rubbish.insert(number);
        }
        Some(number)
    }

    /// What was said of an event.
    pub(super) fn answered(&self, number: u64, answer: Answer) {
        self.change(|book| {
            book.open.remove(&number);
            let in_rubbish = book.in_rubbish.remove(&number);
            book.sent.push(Sent {
                number,
                answer,
                in_rubbish,
            });
        });
    }

    /// From now on the configuration is rubbish, or is not any more.
    pub(super) fn set_rubbish(&self, rubbish: bool) {
        self.change(|book| {
            book.rubbish = rubbish;
            if rubbish {
                book.in_rubbish.extend(&book.open);
            }
        });
    }

    /// Something came whole to a receiver.
    pub(super) fn arrived(&self) {
        self.change(|book| book.arrivals += 1);
    }

    /// A round is over.
    pub(super) fn turn(&self) {
        self.change(|book| book.rounds += 1);
    }

    /// No more is sent.
    pub(super) fn close(&self) {
        self.change(|book| book.closed = true);
    }

    /// Whether no more is sent.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How many rounds are over.
    pub(super) fn rounds(&self) -> u64 {
        self.lock().rounds
    }

    /// How many answers there are.
    pub(super) fn answers(&self) -> u64 {
        self.lock().sent.len() as u64
    }

    /// How many messages came to receivers.
    pub(super) fn arrivals(&self) -> u64 {
        self.lock().arrivals
    }

    /// Whether all that may be sent was answered.
    pub(super) fn is_idle(&self) -> bool {
        let book = self.lock();
        book.sent.len() as u64 == book.issued
    }

    /// Waits until this holds, or for so long. Whether it holds.
    pub(super) fn wait(&self, most: Duration, holds: impl Fn(&Ledger) -> bool) -> bool {
        let deadline = Instant::now() + most;
        loop {
            if holds(self) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // What changed between the look and the wait is seen a moment later.
            let moment = left.min(Duration::from_millis(5));
            let _ = self.changed.wait_timeout(self.lock(), moment);
        }
    }

    /// Waits for so long, unless all is over.
    pub(super) fn pause(&self, time: Duration) {
        self.wait(time, Ledger::is_closed);
    }

    /// All events that were sent.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.lock().sent.clone()
    }

    fn change(&self, change: impl FnOnce(&mut Book)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Ledger};
    use std::time::Duration;

    #[test]
    fn what_was_open_in_rubbish_is_marked() {
        let ledger = Ledger::default();
        ledger.issue(4);
        let refused = || Answer::Refused("full".to_owned());
        assert_eq!((ledger.take(), ledger.take()), (Some(1), Some(2)));
        ledger.answered(1, refused());
        ledger.set_rubbish(true);
        assert_eq!(ledger.take(), Some(3));
        ledger.set_rubbish(false);
        assert_eq!(ledger.take(), Some(4));
        for number in 2..5 {
            ledger.answered(number, refused());
        }
        let marked: Vec<bool> = ledger.sent().iter().map(|sent| sent.in_rubbish).collect();
        assert_eq!(marked, [false, true, true, false]);
    }

    #[test]
    fn events_are_sent_when_they_are_issued() {
        let ledger = Ledger::default();
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                while let Some(number) = ledger.take() {
                    ledger.answered(number, Answer::Refused("full".to_owned()));
                }
            });
            ledger.issue(3);
            assert!(ledger.wait(Duration::from_secs(60), |ledger| ledger.answers() == 3));
            assert!(ledger.is_idle());
            ledger.close();
            sender.join().expect("it ends");
        });
        let numbers: Vec<u64> = ledger.sent().iter().map(|sent| sent.number).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert!(!ledger.wait(Duration::ZERO, |ledger| ledger.arrivals() > 0));
    }
}
