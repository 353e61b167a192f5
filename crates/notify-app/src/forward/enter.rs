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

#[cfg(test)]
mod tests {
    use super::{Entered, Entrance, Halt};
    use crate::event::block_on;
    use crate::setup::{Ready, Setup};
    use notify_core::{Entry, EventId, Millis, Put, SpoolError, SpoolErrorKind, Zone};
    use notify_drop::{Arrival, Bounds, Progress, Queue, Wait};
    use std::fs;
    use std::path::Path;

    const MAIL: &[u8] = b"From: root\nTo: root\nSubject: from cron\n\nthe text\n";
    const NOW: Millis = Millis(2_000_000);

    fn id() -> EventId {
        EventId::from_bytes([7; 16])
    }

    /// No target type is linked here, so the targets are missing: they get a job each.
    fn ready(folder: &Path, matcher: &str) -> Ready {
        let etc = folder.join("etc");
        fs::create_dir_all(&etc).expect("a folder");
        let text = format!("matcher: default-matcher\n\tdisable true\n\n{matcher}");
        fs::write(etc.join("notifications.cfg"), text).expect("a file");
        let setup = Setup::at(etc, folder.join("state")).expect("folders");
        setup.ready(Zone::Local).expect("a configuration")
    }

    const ALL: &str = "matcher: all\n\ttarget aa\n\ttarget bb\n\ttarget cc\n";

    fn arrived() -> Progress {
        Progress::begin(Arrival {
            timestamp: NOW.seconds(),
            ..Arrival::default()
        })
    }

    /// Brings the only mail of a queue in; what was put, what became of it, and whether it stays.
    fn enter(
        matcher: &str,
        progress: &Progress,
        answer: Result<Put, SpoolErrorKind>,
    ) -> (Vec<Entry>, Result<Entered, String>, bool) {
        let folder = tempfile::tempdir().expect("a folder");
        let ready = ready(folder.path(), matcher);
        let state = folder.path().join("state");
        let queue = Queue::open(&state).expect("a queue");
        let bounds = Bounds::default();
        queue
            .put(id(), &mut &MAIL[..], progress, bounds)
            .expect("room");
        let mail = queue.list().expect("a list").remove(0);
        let entrance = Entrance {
            queue: &queue,
            ready: &ready,
            state: &state,
            now: NOW,
        };
        let mut seen = Vec::new();
        let put = async |entry| {
            seen.push(entry);
            answer.map_err(|kind| SpoolError::new(kind, "no"))
        };
        let entrant = block_on(entrance.one(mail, put)).expect("a runtime");
        let entered = entrant.map(|entrant| entrant.entered);
        let stays = !queue.list().expect("a list").is_empty();
        (seen, entered.map_err(|halt: Halt| halt.to_string()), stays)
    }

    #[test]
    fn a_mail_leaves_the_queue_when_its_event_is_durable_and_not_before() {
        for put in [Put::Stored, Put::Known] {
            let (seen, entered, stays) = enter(ALL, &arrived(), Ok(put));
            assert_eq!((entered, stays), (Ok(Entered::Accepted), false));
            assert_eq!((seen.len(), seen[0].event.id), (1, id()));
            assert_eq!(seen[0].event.timestamp, NOW.seconds());
        }
        let (_, entered, stays) = enter(ALL, &arrived(), Err(SpoolErrorKind::Full));
        assert_eq!((entered, stays), (Err("no".to_owned()), true));
    }

    #[test]
    fn what_was_done_already_is_not_done_again() {
        let mut progress = arrived();
        progress.attempts = 4;
        progress.taken.insert("aa".to_owned());
        let left = vec!["x@example.com".to_owned()];
        progress.recipients.insert("bb".to_owned(), left.clone());
        let wait = Wait {
            not_before: NOW.seconds() + 60,
            failures: 1,
            asked: true,
        };
        progress.waits.insert("cc".to_owned(), wait);
        let (seen, _, _) = enter(ALL, &progress, Ok(Put::Stored));
        let jobs = seen[0].jobs.iter();
        let jobs: Vec<_> = jobs
            .map(|job| {
                (
                    job.target.as_str(),
                    job.attempts,
                    job.recipients.clone(),
                    job.due,
                )
            })
            .collect();
        let later = Millis((NOW.seconds() + 60) * 1000);
        assert_eq!(jobs, [("bb", 4, Some(left), NOW), ("cc", 4, None, later)]);
    }

    #[test]
    fn what_everybody_is_done_with_needs_no_event() {
        let mut progress = arrived();
        progress.taken.extend(["aa", "bb"].map(str::to_owned));
        progress.given_up.insert("cc".to_owned(), "no".to_owned());
        let (seen, entered, stays) = enter(ALL, &progress, Ok(Put::Stored));
        assert_eq!((seen.len(), entered, stays), (0, Ok(Entered::Done), false));
    }

    #[test]
    fn a_mail_stays_while_the_matcher_that_may_choose_is_faulty() {
        let faulty = "matcher: all\n\tmatch-field bogus\n\ttarget aa\n";
        let (seen, entered, stays) = enter(faulty, &arrived(), Ok(Put::Stored));
        assert!(matches!(entered, Ok(Entered::Stays(_))), "{entered:?}");
        assert_eq!((seen.len(), stays), (0, true));
        let old = Progress::begin(Arrival {
            timestamp: NOW.seconds() - 6 * 24 * 3600,
            ..Arrival::default()
        });
        let (_, entered, stays) = enter(faulty, &old, Ok(Put::Stored));
        assert!(matches!(entered, Ok(Entered::Failed(_))), "{entered:?}");
        assert!(!stays);
    }
}
