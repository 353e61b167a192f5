//! The contracts of a spool, each call handed to the writer or to a reader.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use notify_core::{
    Claim, Counts, Entry, EventId, EventRecord, EventSummary, History, HistoryQuery, Job,
    JobRecord, JobState, Lease, Millis, Next, Outcome, Put, Seen, Selection, Settlement, Spool,
    SpoolError, SpoolErrorKind, TargetQueue, Unreadable, Watched,
};

use crate::attempts::{self, Last};
use crate::claim::{self, Wanted};
use crate::codec::packed;
use crate::decode::Undecoded;
use crate::fault::{disk_is_full, fault};
use crate::folder::Hold;
use crate::history;
use crate::readers::Readers;
use crate::steer::{self, Deed, Place};
use crate::sweep::Walk;
use crate::writer::Writer;
use crate::{counts, lookup, put, settle, try_out, watch};

/// An open spool.
#[derive(Debug)]
pub(crate) struct SqliteSpool {
    pub(crate) path: PathBuf,
    /// Given up before the writer: the last to close the file writes its journal back.
    pub(crate) readers: Readers,
    /// None when it was opened to be read.
    writer: Option<Writer>,
    /// Where a sweep goes on.
    walk: Mutex<Walk>,
    /// What was given up, until somebody asks.
    unreadable: Mutex<Vec<Unreadable>>,
    /// Given up last: until then nobody sets the database aside.
    _hold: Option<Hold>,
}

impl SqliteSpool {
    pub(crate) fn new(
        path: PathBuf,
        writer: Option<Writer>,
        readers: Readers,
        hold: Option<Hold>,
    ) -> Self {
        SqliteSpool {
            path,
            writer,
            readers,
            walk: Mutex::default(),
            unreadable: Mutex::default(),
            _hold: hold,
        }
    }

    pub(crate) fn writer(&self) -> Result<&Writer, SpoolError> {
        let read_only = || {
            fault(
                SpoolErrorKind::Denied,
                &self.path,
                "it was opened to be read",
            )
        };
        self.writer.as_ref().ok_or_else(read_only)
    }

    /// Where a sweep goes on.
    pub(crate) fn walk(&self) -> MutexGuard<'_, Walk> {
        self.walk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes through a selection step by step, and answers how many were changed.
    async fn steer(&self, deed: Deed, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        let writer = self.writer()?;
        let Some(wanted) = lookup::Wanted::of(which) else {
            return Ok(0);
        };
        let mut changed = 0;
        let mut place = Some(Place::default());
        while let Some(from) = place {
            let wanted = wanted.clone();
            let step = writer.call(0, move |batch| steer::step(batch, deed, &wanted, from, now));
            let (more, next) = step.await?;
            changed += more;
            place = next;
        }
        Ok(changed)
    }

    /// A delivery that cannot be read is given up, or it would be claimed for ever.
    ///
    /// When even that fails, its lease ends, and the next claim comes here again.
    async fn give_up(&self, undecoded: Undecoded, now: Millis) {
        let settlement = Settlement {
            started: now,
            outcome: Outcome::Failed(notify_core::FailureKind::Rejected),
            detail: Some(undecoded.told.detail.clone()),
            reference: None,
            refused: Vec::new(),
            next: Next::Dead {
                reason: undecoded.reason,
            },
        };
        if self.settle(&undecoded.lease, settlement, now).await.is_ok() {
            self.unreadable().push(undecoded.told);
        }
    }

    fn unreadable(&self) -> MutexGuard<'_, Vec<Unreadable>> {
        self.unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Spool for SqliteSpool {
    fn is_ordered(&self) -> bool {
        true
    }

    async fn put(&self, entry: Entry) -> Result<Put, SpoolError> {
        let writer = self.writer()?;
        let packed = packed(entry)?;
        let size = packed.size();
        writer
            .call(size, move |batch| put::put(batch, &packed))
            .await
    }

    async fn claim(&self, claim: Claim<'_>, now: Millis) -> Result<Vec<Job>, SpoolError> {
        let wanted = Wanted {
            target: claim.target.map(str::to_owned),
            most: claim.most,
            lease: claim.lease,
            now,
        };
        let claimed = self
            .writer()?
            .call(0, move |batch| claim::claim(batch, &wanted))
            .await?;
        let mut jobs = Vec::new();
        for decoded in claimed.decoded(&self.path) {
            match decoded {
                Ok(job) => jobs.push(job),
                Err(undecoded) => self.give_up(*undecoded, now).await,
            }
        }
        Ok(jobs)
    }

    fn take_unreadable(&self) -> Vec<Unreadable> {
        std::mem::take(&mut *self.unreadable())
    }

    async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        now: Millis,
    ) -> Result<JobState, SpoolError> {
        let lease = lease.clone();
        self.writer()?
            .call(0, move |batch| {
                settle::settle(batch, &lease, &settlement, now)
            })
            .await
    }

    async fn release(&self, lease: &Lease, due: Millis) -> Result<(), SpoolError> {
        let lease = lease.clone();
        self.writer()?
            .call(0, move |batch| settle::release(batch, &lease, due))
            .await
    }

    async fn recover(&self, now: Millis) -> Result<u64, SpoolError> {
        let writer = self.writer()?;
        let mut ended = 0;
        loop {
            let step = writer.call(0, move |batch| settle::recover(batch, now));
            match step.await? {
                0 => return Ok(ended),
                more => ended += more as u64,
            }
        }
    }

    async fn revive(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        self.steer(Deed::Revive, which, now).await
    }

    async fn hurry(&self, target: &str, now: Millis) -> Result<u64, SpoolError> {
        let which = Selection::Target(target.to_owned());
        self.steer(Deed::Hurry, &which, now).await
    }

    async fn cancel(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        self.steer(Deed::Cancel, which, now).await
    }

    async fn try_out(&self) -> Result<(), SpoolError> {
        let writer = self.writer()?;
        // The journal may have room for this and for no event.
        if disk_is_full(&self.path) {
            return Err(fault(SpoolErrorKind::Full, &self.path, "the disk is full"));
        }
        writer.call(0, try_out::try_out).await
    }

    async fn counts(&self) -> Result<Counts, SpoolError> {
        self.readers.read(|now| counts::counts(now)).await
    }

    async fn targets(&self) -> Result<Vec<TargetQueue>, SpoolError> {
        self.readers.read(|now| counts::targets(now)).await
    }
}

#[async_trait]
impl History for SqliteSpool {
    async fn events(&self, query: &HistoryQuery) -> Result<Vec<EventSummary>, SpoolError> {
        let query = query.clone();
        self.readers
            .read(move |now| history::events(now, &query))
            .await
    }

    async fn event(&self, id: EventId) -> Result<Option<EventRecord>, SpoolError> {
        self.readers.read(move |now| history::event(now, id)).await
    }

    async fn ids(
        &self,
        first: EventId,
        last: EventId,
        most: usize,
    ) -> Result<Vec<EventId>, SpoolError> {
        self.readers
            .read(move |now| history::ids(now, first, last, most))
            .await
    }

    async fn jobs(
        &self,
        states: &[JobState],
        target: Option<&str>,
        most: usize,
    ) -> Result<Vec<JobRecord>, SpoolError> {
        let states = states.to_vec();
        let target = target.map(str::to_owned);
        self.readers
            .read(move |now| history::jobs(now, &states, target.as_deref(), most))
            .await
    }

    async fn last_attempts(&self) -> Result<Vec<Last>, SpoolError> {
        self.readers.read(|now| attempts::last_attempts(now)).await
    }

    async fn watch(&self, seen: Seen, most: usize) -> Result<(Vec<Watched>, Seen), SpoolError> {
        self.readers
            .read(move |now| watch::watch(now, seen, most))
            .await
    }

    async fn seen_all(&self) -> Result<Seen, SpoolError> {
        self.readers.read(|now| watch::seen_all(now)).await
    }
}
