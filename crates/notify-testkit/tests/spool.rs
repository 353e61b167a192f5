//! The laws of a spool against spools whose behaviour is known: the one in memory breaks none,
//! each lying one breaks the laws that it should and no other.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use notify_core::{
    Claim, Content, Counts, Entry, Job, JobState, Lease, Millis, Next, Opened, Outcome, Put,
    Selection, Settlement, Spool, SpoolError, SpoolErrorKind, SpoolPlace, TargetQueue, async_trait,
};
use notify_testkit::spool::{
    MEMORY_FILE, MemorySpool, MemoryStores, Report, Subject, Work, agrees_with_model, check,
    examine, figures, fill, survives_kill, work_until_killed,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spool_in_memory_obeys_the_laws() {
    let stores = MemoryStores::new();
    let report = check(&subject(&|place| stores.open(place))).await;
    assert_eq!(report.checked.len(), 47, "{:#?}", report.checked);
}

#[test]
fn the_model_agrees_with_itself() {
    let stores = MemoryStores::new();
    agrees_with_model(&subject(&|place| stores.open(place)), 256);
}

fn subject<'s>(
    open: &'s (dyn Fn(&SpoolPlace) -> Result<Opened, SpoolError> + Send + Sync),
) -> Subject<'s> {
    Subject {
        name: "memory",
        open,
        file: MEMORY_FILE,
    }
}

/// How a spool departs from what is right.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    /// Says that a mail is stored when it is not.
    ForgetsMails,
    /// Stores what is fit of an entry that is not.
    PutsHalf,
    /// Gives the sixth of seven to somebody else, too.
    ClaimsTwice,
    /// Claims a millisecond too soon.
    ClaimsEarly,
    /// Claims the youngest first.
    ClaimsBackwards,
    /// Has leases that end a millisecond too soon.
    LeasesShort,
    /// Takes a stale lease for a good one.
    SettlesStale,
    /// Says that a lease is stale as soon as it has ended.
    SettlesNoLate,
    /// Counts a job that was given back as tried.
    ReleasesAsFailed,
    /// Tries again at all recipients.
    ForgetsRecipients,
    /// Leaves leases as they are.
    RecoversNothing,
    /// Makes young what is hurried.
    HurriesByRevival,
    /// Leaves out what was cancelled when it counts.
    CountsNoCancelled,
    /// Says that the attempt of what was dropped meanwhile is of no interest.
    RefusesDropped,
}

#[derive(Debug)]
struct Liar {
    inner: Arc<dyn Spool>,
    lie: Lie,
}

impl Liar {
    fn has(&self, lie: Lie) -> bool {
        self.lie == lie
    }
}

#[async_trait]
impl Spool for Liar {
    fn is_ordered(&self) -> bool {
        true
    }

    async fn put(&self, mut entry: Entry) -> Result<Put, SpoolError> {
        if self.has(Lie::ForgetsMails) && matches!(entry.event.content, Content::Mail(_)) {
            return Ok(Put::Stored);
        }
        if self.has(Lie::PutsHalf) && entry.jobs.len() == 3 && entry.jobs[0] == entry.jobs[2] {
            entry.jobs.truncate(2);
            self.inner.put(entry).await?;
            return Err(SpoolError::new(SpoolErrorKind::Unfit, "half of it"));
        }
        self.inner.put(entry).await
    }

    async fn claim(&self, claim: Claim<'_>, now: Millis) -> Result<Vec<Job>, SpoolError> {
        let milli = Duration::from_millis(1);
        let (mut claim, mut now) = (claim, now);
        if self.has(Lie::LeasesShort) {
            claim.lease = claim.lease.saturating_sub(milli);
        }
        if self.has(Lie::ClaimsEarly) {
            now = now.plus(milli);
            claim.lease = claim.lease.saturating_sub(milli);
        }
        let mut jobs = self.inner.claim(claim, now).await?;
        if self.has(Lie::ClaimsTwice) && claim.most == 7 && jobs.len() == 7 {
            self.inner.release(&jobs[5].lease, now).await?;
        }
        if self.has(Lie::ClaimsBackwards) {
            jobs.reverse();
        }
        Ok(jobs)
    }

    async fn settle(
        &self,
        lease: &Lease,
        mut settlement: Settlement,
        now: Millis,
    ) -> Result<JobState, SpoolError> {
        if self.has(Lie::ForgetsRecipients)
            && let Next::Retry { recipients, .. } = &mut settlement.next
        {
            *recipients = None;
        }
        if self.has(Lie::SettlesNoLate) && now.since(settlement.started) == Duration::from_secs(120)
        {
            return Err(SpoolError::new(SpoolErrorKind::Stale, "it has ended"));
        }
        let settled = self.inner.settle(lease, settlement, now).await;
        if self.has(Lie::RefusesDropped) && matches!(settled, Ok(JobState::Cancelled)) {
            return Err(SpoolError::new(SpoolErrorKind::Stale, "it was dropped"));
        }
        if self.has(Lie::SettlesStale) {
            return settled.or(Ok(JobState::Pending));
        }
        settled
    }

    async fn release(&self, lease: &Lease, due: Millis) -> Result<(), SpoolError> {
        if !self.has(Lie::ReleasesAsFailed) {
            return self.inner.release(lease, due).await;
        }
        let failed = Settlement {
            started: due,
            outcome: Outcome::CutOff,
            detail: None,
            reference: None,
            refused: Vec::new(),
            next: Next::Retry {
                due,
                recipients: None,
            },
        };
        self.inner.settle(lease, failed, due).await.map(drop)
    }

    async fn recover(&self, now: Millis) -> Result<u64, SpoolError> {
        if self.has(Lie::RecoversNothing) {
            let queues = self.inner.targets().await?;
            return Ok(queues.iter().map(|queue| queue.leased).sum());
        }
        self.inner.recover(now).await
    }

    async fn revive(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        self.inner.revive(which, now).await
    }

    async fn hurry(&self, target: &str, now: Millis) -> Result<u64, SpoolError> {
        if self.has(Lie::HurriesByRevival) {
            let hurried = self.inner.hurry(target, now).await?;
            let which = Selection::Target(target.to_owned());
            self.inner.revive(&which, now).await?;
            return Ok(hurried);
        }
        self.inner.hurry(target, now).await
    }

    async fn cancel(&self, which: &Selection, now: Millis) -> Result<u64, SpoolError> {
        self.inner.cancel(which, now).await
    }

    async fn counts(&self) -> Result<Counts, SpoolError> {
        let counts = self.inner.counts().await?;
        Ok(match self.lie {
            Lie::CountsNoCancelled => Counts {
                cancelled: 0,
                ..counts
            },
            _ => counts,
        })
    }

    async fn targets(&self) -> Result<Vec<TargetQueue>, SpoolError> {
        self.inner.targets().await
    }
}

fn lying(opened: Opened, lie: Lie) -> Opened {
    let inner = opened.spool.clone();
    Opened {
        spool: Arc::new(Liar { inner, lie }),
        ..opened
    }
}

/// The laws that a liar breaks.
async fn broken_by(lie: Lie) -> Vec<&'static str> {
    let stores = MemoryStores::new();
    let open = |place: &SpoolPlace| Ok(lying(stores.open(place)?, lie));
    laws_of(&examine(&subject(&open)).await)
}

fn laws_of(report: &Report) -> Vec<&'static str> {
    report.violations.iter().map(|(law, _)| *law).collect()
}

/// On one thread, so that the tasks of a law come to their turn in the same order every time.
#[tokio::test]
async fn each_lie_breaks_its_laws_and_no_other() {
    let cases: [(Lie, &[&str]); 14] = [
        (
            Lie::ForgetsMails,
            &[
                "what is put is there, whole",
                "a list shows what a person looks for",
            ],
        ),
        (Lie::PutsHalf, &["a put is all or nothing"]),
        (
            Lie::ClaimsTwice,
            &[
                "two tasks never hold one job",
                "two handles never hold one job",
            ],
        ),
        (
            Lie::ClaimsEarly,
            &[
                "nothing is claimed before it is due",
                "a lease returns after its end, not before",
                "a lost lease is an attempt that was cut off",
                "recovery ends all leases",
                "what was dropped under way keeps its attempt",
            ],
        ),
        (
            Lie::ClaimsBackwards,
            &[
                "the oldest due is claimed first",
                "of one moment, the first put is claimed first",
            ],
        ),
        (
            Lie::LeasesShort,
            &[
                "a lease returns after its end, not before",
                "the queue of each target is counted",
            ],
        ),
        (
            Lie::SettlesStale,
            &[
                "a stale lease cannot settle and changes nothing",
                "recovery ends all leases",
                "what was dropped under way keeps its attempt",
                "the counts are conserved after each step",
                "nothing is lost when all is done at once",
            ],
        ),
        (
            Lie::SettlesNoLate,
            &[
                "a lease that ended is good until somebody claims",
                "what was dropped under way keeps its attempt",
            ],
        ),
        (
            Lie::ReleasesAsFailed,
            &[
                "a job that was given back has lost no attempt",
                "what was dropped under way keeps its attempt",
            ],
        ),
        (
            Lie::ForgetsRecipients,
            &["a retry goes to the recipients that are left"],
        ),
        (
            Lie::RecoversNothing,
            &[
                "recovery ends all leases",
                "what was dropped under way keeps its attempt",
                "the counts are conserved after each step",
                "who may only look changes nothing",
            ],
        ),
        (
            Lie::HurriesByRevival,
            &[
                "a dead delivery says why and stays away",
                "a hurried delivery is due and as old as it was",
            ],
        ),
        (
            Lie::CountsNoCancelled,
            &[
                "what was dropped under way keeps its attempt",
                "the counts are conserved after each step",
                "who may write can put, revive and cancel",
                "nothing is lost when all is done at once",
            ],
        ),
        (
            Lie::RefusesDropped,
            &[
                "what was dropped under way keeps its attempt",
                "the counts are conserved after each step",
            ],
        ),
    ];
    for (lie, laws) in cases {
        assert_eq!(broken_by(lie).await, laws, "{lie:?}");
    }
}

#[tokio::test]
async fn a_spool_that_forgets_all_when_it_is_opened_anew_is_caught() {
    let open = |place: &SpoolPlace| MemoryStores::new().open(place);
    let report = examine(&subject(&open)).await;
    let law = "what was put is there when it is opened anew";
    assert!(laws_of(&report).contains(&law), "{:#?}", report.violations);
}

#[tokio::test]
#[should_panic(expected = "spool `memory` breaks 1 laws:\n- a put is all or nothing: ")]
async fn a_broken_law_fails_the_test() {
    let stores = MemoryStores::new();
    let open = |place: &SpoolPlace| Ok(lying(stores.open(place)?, Lie::PutsHalf));
    check(&subject(&open)).await;
}

#[test]
#[should_panic(expected = "spool `memory` does as the model does: ")]
fn a_difference_from_the_model_is_found() {
    let stores = MemoryStores::new();
    let open = |place: &SpoolPlace| Ok(lying(stores.open(place)?, Lie::ReleasesAsFailed));
    agrees_with_model(&subject(&open), 256);
}

#[tokio::test]
async fn a_long_queue_is_measured() {
    let opened = MemorySpool::new().opened();
    let empty = figures(&opened).await.expect("a spool in memory");
    fill(&opened, 0, 1000).await.expect("a spool in memory");
    let long = figures(&opened).await.expect("a spool in memory");
    assert_eq!((empty.pending, long.pending), (0, 1000));
    assert!(long.ratio(&empty) > 0.0);
    let counts = opened.spool.counts().await.expect("a spool in memory");
    assert_eq!((counts.pending, counts.accepted), (1000, 2920));
}

const PROGRAM: &str = "program_that_is_killed";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn program_that_is_killed() {
    if let Some(work) = Work::given() {
        let opened = MemorySpool::new().opened();
        work_until_killed(opened, &work)
            .await
            .expect("a spool in memory");
    }
}

#[tokio::test]
#[should_panic(expected = "is lost")]
async fn a_spool_in_memory_does_not_survive_a_kill() {
    let stores = MemoryStores::new();
    let program = || {
        let mut program = Command::new(std::env::current_exe().expect("this program"));
        program.args(["--exact", PROGRAM, "--nocapture"]);
        program
    };
    survives_kill(&subject(&|place| stores.open(place)), &program, 1, 0).await;
}
