//! The law that only a second process can test: what was acknowledged survives SIGKILL.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use notify_core::{
    EventId, HistoryQuery, JobState, OpenFor, Opened, Outcome, Spool, SpoolError, SpoolPlace,
};

use super::put::differs;
use super::random::Random;
use super::sample::{NOW, arrived, entry};
use super::stage::{Broken, claim, holds, same};
use super::{Subject, number_of};

const FOLDER: &str = "NOTIFY_LAWS_FOLDER";
const FIRST: &str = "NOTIFY_LAWS_FIRST";

/// The deliveries of each event.
const TARGETS: [&str; 2] = ["a", "b"];
/// How many tasks put.
const PUTTERS: u64 = 4;
/// How many tasks claim and settle.
const WORKERS: u64 = 2;
/// A process that nobody kills ends after so many events for each task.
const END: u64 = 100_000;
/// At most so many acknowledged lines are read before a kill.
const MOST_LINES: u64 = 400;

/// What a process that is to be killed was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The folder of the spool.
    pub folder: PathBuf,
    first: u64,
}

impl Work {
    /// What this process was asked for, if [`survives_kill`] started it.
    pub fn given() -> Option<Work> {
        let folder = std::env::var_os(FOLDER)?;
        let first = std::env::var(FIRST).ok()?.parse().ok()?;
        Some(Work {
            folder: folder.into(),
            first,
        })
    }

    fn variables(&self) -> [(&'static str, OsString); 2] {
        let first = self.first.to_string();
        [(FOLDER, self.folder.clone().into()), (FIRST, first.into())]
    }
}

/// Puts, claims and settles without end from several tasks, and says on standard output what was
/// acknowledged. Ends when nobody reads it.
///
/// Wants a runtime of several threads.
///
/// # Errors
/// When the spool fails.
///
/// # Panics
/// When the spool does.
pub async fn work_until_killed(opened: Opened, work: &Work) -> Result<(), SpoolError> {
    // A test runner leaves the name of the test on the line that it has begun.
    if !says("") {
        return Ok(());
    }
    opened.spool.recover(NOW).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..PUTTERS {
        let (spool, first) = (opened.spool.clone(), work.first + task);
        tasks.spawn(async move { put_without_end(spool.as_ref(), first).await });
    }
    for _ in 0..WORKERS {
        let spool = opened.spool.clone();
        tasks.spawn(async move { settle_without_end(spool.as_ref()).await });
    }
    let ended = tasks.join_next().await;
    ended.map_or(Ok(()), |ended| ended.expect("a task does not panic"))
}

async fn put_without_end(spool: &dyn Spool, first: u64) -> Result<(), SpoolError> {
    for step in 0..END {
        let number = first + step * PUTTERS;
        spool.put(entry(number, &TARGETS, NOW)).await?;
        if !says(&format!("put {number}")) {
            break;
        }
    }
    Ok(())
}

async fn settle_without_end(spool: &dyn Spool) -> Result<(), SpoolError> {
    loop {
        for job in claim(spool, Some("a"), 3, NOW).await? {
            spool.settle(&job.lease, arrived(NOW), NOW).await?;
            if !says(&format!("settled {}", number_of(job.event.id))) {
                return Ok(());
            }
        }
        tokio::task::yield_now().await;
    }
}

/// Whether somebody reads it.
fn says(line: &str) -> bool {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}

/// Starts the program, kills it with SIGKILL, looks at what it left; so many times on one spool.
///
/// The program opens the folder of [`Work::given`] and calls [`work_until_killed`].
/// It is killed after a number of acknowledged lines that follows from the seed.
///
/// # Panics
/// When something acknowledged is lost, half there or there twice, or when the
/// program ends by itself.
pub async fn survives_kill(
    subject: &Subject<'_>,
    program: &dyn Fn() -> Command,
    kills: u32,
    seed: u64,
) {
    let folder = tempfile::tempdir().expect("a folder for the spool");
    let place = SpoolPlace {
        folder: folder.path().join("spool"),
        purpose: OpenFor::Work,
    };
    let mut run = Run {
        subject,
        place,
        acknowledged: Acknowledged::default(),
        whole: BTreeMap::new(),
        next: 0,
        random: Random(seed),
    };
    for kill in 0..kills {
        let is_last = kill + 1 == kills;
        if let Err(Broken(seen)) = run.once(program(), is_last).await {
            let name = subject.name;
            panic!(
                "spool `{name}`: what was acknowledged survives a kill: kill {kill} of seed {seed}: {seen}"
            );
        }
    }
}

struct Run<'s> {
    subject: &'s Subject<'s>,
    place: SpoolPlace,
    acknowledged: Acknowledged,
    /// The events that were found whole, with the state of their first delivery then.
    whole: BTreeMap<u64, Option<JobState>>,
    /// The first number that the next process puts.
    next: u64,
    random: Random,
}

/// What the processes said.
#[derive(Debug, Default)]
struct Acknowledged {
    put: BTreeSet<u64>,
    settled: BTreeSet<u64>,
}

impl Run<'_> {
    async fn once(&mut self, mut program: Command, is_last: bool) -> Result<(), Broken> {
        let work = Work {
            folder: self.place.folder.clone(),
            first: self.next,
        };
        program.envs(work.variables());
        let lines = 1 + self.random.below(MOST_LINES);
        let told = run_and_kill(program, lines)?;
        let enough = told.len() as u64 >= lines;
        holds(enough, || {
            format!("the program ended after {} of {lines} lines", told.len())
        })?;
        for line in &told {
            self.acknowledged.note(line);
        }
        let opened = (self.subject.open)(&self.place)?;
        holds(opened.alarms.is_empty(), || {
            format!("it was opened with alarms: {}", opened.alarms.join("; "))
        })?;
        self.look(&opened, is_last).await
    }

    /// Everything acknowledged is there, and all that is there is whole and there once.
    async fn look(&mut self, opened: &Opened, is_last: bool) -> Result<(), Broken> {
        let events = opened.history.events(&HistoryQuery::default()).await?;
        let mut stored = BTreeSet::new();
        for event in &events {
            let number = number_of(event.id);
            holds(stored.insert(number), || {
                format!("event {number} is there twice")
            })?;
            let state = event.jobs.first().map(|(_, state)| *state);
            let was_settled = self.acknowledged.settled.contains(&number);
            holds(!was_settled || state == Some(JobState::Delivered), || {
                format!("event {number} was settled, and is {state:?}")
            })?;
            // What was whole once and has not changed is looked at again only at the end, so that
            // many kills cost as many times one.
            if is_last || self.whole.insert(number, state) != Some(state) {
                self.is_whole(opened, event.id).await?;
            }
        }
        let lost = self.acknowledged.put.difference(&stored).next();
        holds(lost.is_none(), || format!("event {lost:?} is lost"))?;
        self.next = stored.last().map_or(0, |last| last + PUTTERS);
        let counts = opened.spool.counts().await?;
        let accepted = (stored.len() * TARGETS.len()) as u64;
        same("accepted", counts.accepted, accepted)?;
        holds(counts.are_conserved(), || {
            format!("not conserved: {counts:?}")
        })?;
        let found = opened.upkeep.verify(&|_| ()).await?;
        same("what a check finds", found, vec![])
    }

    /// An event is as it was put, and its attempts are as they were told.
    async fn is_whole(&self, opened: &Opened, id: EventId) -> Result<(), Broken> {
        let number = number_of(id);
        let record = opened.history.event(id).await?;
        let record = record.ok_or_else(|| Broken(format!("event {number} is only listed")))?;
        if let Some(seen) = differs(&record, &entry(number, &TARGETS, NOW)) {
            return Err(Broken(seen));
        }
        let arrivals = record.jobs[0].attempts.iter();
        let arrivals = arrivals.filter(|attempt| attempt.outcome == Outcome::Delivered);
        let is_delivered = record.jobs[0].state == JobState::Delivered;
        same("arrivals", arrivals.count(), usize::from(is_delivered))
    }
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        if let Some(number) = number_after("put ", line) {
            self.put.insert(number);
        } else if let Some(number) = number_after("settled ", line) {
            self.settled.insert(number);
        }
    }
}

fn number_after(word: &str, line: &str) -> Option<u64> {
    line.strip_prefix(word)?.parse().ok()
}

/// The whole acknowledged lines of a process that is killed after so many.
///
/// What it said until it died counts too, so the pipe is read to its end.
fn run_and_kill(mut program: Command, lines: u64) -> Result<Vec<String>, Broken> {
    let mut child = program
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()?;
    let out = child.stdout.take().expect("standard output is a pipe");
    let mut told = Vec::new();
    for line in BufReader::new(out).lines() {
        let line = line?;
        if !line.starts_with("put ") && !line.starts_with("settled ") {
            continue;
        }
        told.push(line);
        if told.len() as u64 == lines {
            child.kill()?;
        }
    }
    child.wait()?;
    Ok(told)
}
