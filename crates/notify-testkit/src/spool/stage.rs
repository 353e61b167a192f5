//! A fresh spool for each law, and the list of what was broken.

use std::error::Error;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use notify_core::{
    Claim, Counts, Entry, History, Job, JobRecord, JobState, Lease, Millis, OpenFor, Opened, Put,
    Settlement, Spool, SpoolError, SpoolErrorKind, SpoolPlace, Upkeep,
};
use tempfile::TempDir;

use super::sample::{LEASE, entry};
use super::{Report, Subject};

/// The suite at work.
pub(super) struct Findings<'s> {
    subject: Subject<'s>,
    pub(super) report: Report,
}

impl<'s> Findings<'s> {
    pub(super) fn new(subject: Subject<'s>) -> Self {
        Findings {
            subject,
            report: Report::default(),
        }
    }

    /// Checks one law on a spool of its own.
    pub(super) async fn law(
        &mut self,
        name: &'static str,
        law: impl AsyncFnOnce(&Stage<'s>) -> Result<(), Broken>,
    ) {
        self.report.checked.push(name);
        let kept = match Stage::new(self.subject) {
            Ok(stage) => law(&stage).await,
            Err(broken) => Err(broken),
        };
        if let Err(Broken(seen)) = kept {
            self.report.violations.push((name, seen));
        }
    }

    /// Whether the spool says that it is ordered. One that cannot be opened has broken all laws.
    pub(super) fn is_ordered(&self) -> bool {
        Stage::new(self.subject).is_ok_and(|stage| stage.spool().is_ordered())
    }
}

/// What was seen where a law did not hold.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

impl From<SpoolError> for Broken {
    fn from(error: SpoolError) -> Self {
        let mut text = format!("a call failed as {:?}: {error}", error.kind());
        let mut cause = error.source();
        while let Some(next) = cause {
            text = format!("{text}: {next}");
            cause = next.source();
        }
        Broken(text)
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Broken(format!("the test could not be arranged: {error}"))
    }
}

impl From<tokio::task::JoinError> for Broken {
    fn from(error: tokio::task::JoinError) -> Self {
        Broken(format!("a call panicked: {error}"))
    }
}

/// A law holds, or this was seen.
pub(super) fn holds(law: bool, seen: impl FnOnce() -> String) -> Result<(), Broken> {
    if law { Ok(()) } else { Err(Broken(seen())) }
}

/// Two things are the same, or both are shown.
#[expect(
    clippy::needless_pass_by_value,
    reason = "what is compared is made for it"
)]
pub(super) fn same<T: PartialEq + Debug>(what: &str, seen: T, wanted: T) -> Result<(), Broken> {
    holds(seen == wanted, || {
        format!("{what}: {seen:?}, expected {wanted:?}")
    })
}

/// A call was refused as it should, or this was seen.
pub(super) fn refused<T: Debug>(
    what: &str,
    answer: Result<T, SpoolError>,
    kind: SpoolErrorKind,
) -> Result<(), Broken> {
    match answer {
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(Broken(format!(
            "{what} failed as {:?}, expected {kind:?}: {error}",
            error.kind()
        ))),
        Ok(answer) => Err(Broken(format!(
            "{what} succeeded with {answer:?}, expected {kind:?}"
        ))),
    }
}

/// An empty spool in a folder of its own.
pub(super) struct Stage<'s> {
    subject: Subject<'s>,
    folder: TempDir,
    opened: Opened,
}

impl<'s> Stage<'s> {
    pub(super) fn new(subject: Subject<'s>) -> Result<Self, Broken> {
        let folder = tempfile::tempdir()?;
        let place = SpoolPlace {
            folder: folder.path().join("spool"),
            purpose: OpenFor::Work,
        };
        let opened = (subject.open)(&place)?;
        let alarms = opened.alarms.len();
        holds(alarms == 0, || format!("a new one raises {alarms} alarms"))?;
        Ok(Stage {
            subject,
            folder,
            opened,
        })
    }

    pub(super) fn spool(&self) -> &dyn Spool {
        self.opened.spool.as_ref()
    }

    pub(super) fn history(&self) -> &dyn History {
        self.opened.history.as_ref()
    }

    pub(super) fn upkeep(&self) -> &dyn Upkeep {
        self.opened.upkeep.as_ref()
    }

    /// The handle itself, to be shared with tasks.
    pub(super) fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Another handle on the same spool.
    pub(super) fn again(&self, purpose: OpenFor) -> Result<Opened, SpoolError> {
        self.open_in("spool", purpose)
    }

    /// A handle on the spool of another folder.
    pub(super) fn open_in(&self, name: &str, purpose: OpenFor) -> Result<Opened, SpoolError> {
        let folder = self.folder.path().join(name);
        (self.subject.open)(&SpoolPlace { folder, purpose })
    }

    /// Where a backup must lie to be opened with [`Stage::open_in`]; its folder is made.
    pub(super) fn file_in(&self, name: &str) -> Result<PathBuf, Broken> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder)?;
        Ok(folder.join(self.subject.file))
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the entry of this number.
    pub(super) async fn put(
        &self,
        number: u64,
        targets: &[&str],
        accepted: Millis,
    ) -> Result<(), Broken> {
        self.put_entry(entry(number, targets, accepted)).await
    }

    pub(super) async fn put_entry(&self, entry: Entry) -> Result<(), Broken> {
        let put = self.spool().put(entry).await?;
        same("the answer to a new event", put, Put::Stored)
    }

    /// What is due, of any target.
    pub(super) async fn claim(&self, now: Millis) -> Result<Vec<Job>, Broken> {
        Ok(claim(self.spool(), None, 1000, now).await?)
    }

    /// The keys of what is due, of any target, sorted. They are leased now.
    pub(super) async fn claimed(&self, now: Millis) -> Result<Vec<String>, Broken> {
        let jobs = self.claim(now).await?;
        let mut keys: Vec<_> = jobs.into_iter().map(|job| job.lease.key).collect();
        keys.sort_unstable();
        Ok(keys)
    }

    /// The next job of a target.
    pub(super) async fn claim_of(&self, target: &str, now: Millis) -> Result<Job, Broken> {
        let job = claim(self.spool(), Some(target), 1, now).await?.pop();
        job.ok_or_else(|| Broken(format!("nothing was claimed for {target}, expected a job")))
    }

    /// The only job that is due.
    pub(super) async fn claim_one(&self, now: Millis) -> Result<Job, Broken> {
        let mut jobs = self.claim(now).await?;
        match (jobs.pop(), jobs.len()) {
            (Some(job), 0) => Ok(job),
            (None, _) => Err(Broken("nothing was claimed, expected one job".to_owned())),
            (Some(_), more) => Err(Broken(format!(
                "{} jobs were claimed, expected one",
                more + 1
            ))),
        }
    }

    /// Claims the only job that is due and settles it.
    pub(super) async fn attempt(
        &self,
        settlement: Settlement,
        now: Millis,
    ) -> Result<JobState, Broken> {
        let job = self.claim_one(now).await?;
        self.settle(&job.lease, settlement, now).await
    }

    pub(super) async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        now: Millis,
    ) -> Result<JobState, Broken> {
        Ok(self.spool().settle(lease, settlement, now).await?)
    }

    /// All that is known of the only delivery of an event.
    pub(super) async fn job(&self, number: u64) -> Result<JobRecord, Broken> {
        let mut jobs = self.jobs(number).await?;
        match (jobs.pop(), jobs.len()) {
            (Some(job), 0) => Ok(job),
            (_, more) => Err(Broken(format!(
                "event {number} has not one delivery but {}",
                more + 1
            ))),
        }
    }

    /// All that is known of the deliveries of an event.
    pub(super) async fn jobs(&self, number: u64) -> Result<Vec<JobRecord>, Broken> {
        let id = super::sample::id(number);
        let record = self.history().event(id).await?;
        let record = record.ok_or_else(|| Broken(format!("event {number} is not there")))?;
        Ok(record.jobs)
    }

    /// The counts, which are conserved.
    pub(super) async fn counts(&self) -> Result<Counts, Broken> {
        Ok(self.spool().counts().await?)
    }
}

/// What is due of a target or of any.
pub(super) async fn claim(
    spool: &dyn Spool,
    target: Option<&str>,
    most: usize,
    now: Millis,
) -> Result<Vec<Job>, SpoolError> {
    let claim = Claim {
        target,
        most,
        lease: LEASE,
    };
    spool.claim(claim, now).await
}
