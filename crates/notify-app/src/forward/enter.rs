//! Mails of the queue become events of the spool.
//!
//! The spool then does what the queue did until now: try again, and give up. A
//! mail leaves the queue only when its event is durable. Its id is that of the
//! event, so a mail that was accepted and not removed is not accepted twice.

use std::path::Path;

use notify_bus::Engine;
use notify_core::{Entry, EventId, Millis, Put, SpoolError};
use notify_drop::{DropError, Progress, Queue, Queued};

use super::loops;
use super::outcome::{Standing, undecided};
use super::post::{Post, undecided_text};
use crate::setup::Ready;

/// What became of a mail of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// It is in the spool.
    Accepted,
    /// Every target is done with it.
    Done,
    /// It came back to where it was sent from, and goes no further.
    Loop,
    /// It stays, for this reason.
    Stays(String),
    /// It was set aside, for this reason.
    Failed(String),
}

/// Why no other mail will fare better.
#[derive(Debug)]
pub(crate) enum Halt {
    Queue(DropError),
    Spool(SpoolError),
}

impl From<DropError> for Halt {
    fn from(error: DropError) -> Self {
        Halt::Queue(error)
    }
}

impl From<SpoolError> for Halt {
    fn from(error: SpoolError) -> Self {
        Halt::Spool(error)
    }
}

impl std::fmt::Display for Halt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&match self {
            Halt::Queue(error) => notify_core::report(error),
            Halt::Spool(error) => notify_core::report(error),
        })
    }
}

/// A mail that was looked at: its subject, who left it, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entrant {
    pub(crate) id: EventId,
    pub(crate) title: String,
    pub(crate) uid: u32,
    pub(crate) entered: Entered,
    /// What a person must hear of besides.
    pub(crate) warning: Option<String>,
}

/// Where mails enter, and what is needed for it. The caller holds the lock of the queue.
#[derive(Debug)]
pub(crate) struct Entrance<'a> {
    pub(crate) queue: &'a Queue,
    pub(crate) ready: &'a Ready,
    pub(crate) state: &'a Path,
    /// By the clock of the spool.
    pub(crate) now: Millis,
}

impl Entrance<'_> {
    /// One mail, which `put` makes durable.
    ///
    /// # Errors
    /// The mail is where it was, and `put` may have made it durable.
    pub(crate) async fn one(
        &self,
        mail: Queued,
        put: impl AsyncFnOnce(Entry) -> Result<Put, SpoolError>,
    ) -> Result<Entrant, Halt> {
        let Queued { id, mut progress } = mail;
        let mut entrant = Entrant {
            id,
            title: String::new(),
            uid: progress.arrival.uid,
            entered: Entered::Accepted,
            warning: None,
        };
        let raw = match self.queue.read(id) {
            Ok(raw) => raw,
            Err(error) => {
                entrant.entered = Entered::Stays(notify_core::report(&error));
                return Ok(entrant);
            }
        };
        let post = Post::read(self.ready, raw, id, progress.arrival);
        post.title().clone_into(&mut entrant.title);
        if post.is_loop {
            entrant.warning = loops::record(self.state, &post, self.now.seconds());
            self.queue.remove(id)?;
            entrant.entered = Entered::Loop;
            return Ok(entrant);
        }
        if let Some(matcher) = post
            .undecided(self.ready)
            .filter(|_| progress.taken.is_empty())
        {
            let reason = undecided_text(&post, matcher);
            entrant.entered = match undecided(matcher, &mut progress, self.now.seconds()) {
                Standing::Failed => {
                    self.queue.record(id, &progress)?;
                    self.queue.give_up(id)?;
                    Entered::Failed(reason)
                }
                _ => Entered::Stays(reason),
            };
            return Ok(entrant);
        }
        match rest(&self.ready.engine, post, &progress, self.now) {
            Some(entry) => drop(put(entry).await?),
            None => entrant.entered = Entered::Done,
        }
        self.queue.remove(id)?;
        Ok(entrant)
    }
}

/// What is left to do for a mail of which the notes say what was done; none when nothing is.
fn rest(engine: &Engine, post: Post, progress: &Progress, now: Millis) -> Option<Entry> {
    let mut entry = notify_bus::entry(engine, post.event, now);
    let chosen = entry.jobs.len();
    entry.jobs.retain(|job| !progress.is_settled(&job.target));
    if entry.jobs.is_empty() && chosen > 0 {
        return None;
    }
    for job in &mut entry.jobs {
        job.recipients = progress.recipients.get(&job.target).cloned();
        job.attempts = progress.attempts;
        if let Some(wait) = progress.waits.get(&job.target).filter(|wait| wait.asked) {
            job.due = job.due.max(Millis(wait.not_before.saturating_mul(1000)));
        }
    }
    Some(entry)
}
