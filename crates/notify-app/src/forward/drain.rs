//! `notify forward-mail --drain`: sends what lies in the mail drop and what is still on its way.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, Write as _};

use notify_bus::{Clock as _, Errand, Report, TargetReport};
use notify_core::{OpenFor, Zone};
use notify_drop::{Collected, DropError, DropErrorKind, MailDrop, Queue, Queued};
use serde_json::{Value, json};

use super::enter::{Entered, Entrance, Entrant};
use super::outcome::{Standing, patience, settle, undecided as undecided_standing};
use super::post::{Post, undecided_text};
use super::{bounds, loops, mail_drop};
use crate::args::{self, Global};
use crate::console::Console;
use crate::daemon::clock;
use crate::event::{block_on, now};
use crate::exit::{Answer, Exit, Stop};
use crate::folders::{Meeting, Surroundings};
use crate::send::tell_target;
use crate::setup::{Ready, Setup};
use crate::shapes::printable;
use crate::{handover, spools};

/// After so many attempts a mail goes behind the others: it may be what ails a target.
const OFTEN: u32 = 3;
/// The most oddities that are told one by one.
const TOLD: usize = 10;

/// `--drain`.
pub(super) fn drain(global: &Global, args: &args::ForwardMail, console: &Console) -> Answer {
    let setup = Setup::new(global)?;
    let queue = Queue::open(&setup.state).map_err(|error| stop(&error))?;
    let _lock = queue.lock().map_err(|error| stop(&error))?;
    let ready = setup.ready(Zone::Local)?;
    ready.tell_faults(console);
    let surroundings = Surroundings::of_process(global.config_dir.clone());
    let place = handover::spool_of(&surroundings, &setup.folder).filter(|_| !args.direct);
    // A drop that cannot be used keeps no mail from being sent that is in the queue.
    let (collected, drop_exit) = match collect(args, &queue, console) {
        Ok(collected) => (collected, None),
        Err(stop) => {
            console.stop(&stop);
            (Collected::default(), Some(stop.exit))
        }
    };
    let mut mails = queue.list().map_err(|error| stop(&error))?;
    by_hardness(&mut mails);
    if let Some(place) = place {
        let sum = bring(&setup, &ready, &queue, &place, mails, args.json, console)?;
        return Ok(finish(&sum, &collected, drop_exit, args.json, console));
    }
    let mut drain = Drain {
        setup: &setup,
        ready: &ready,
        queue: &queue,
        json: args.json,
        console,
        failures: BTreeMap::new(),
        resting: asked_to_wait(&mails, now()),
        sum: Sum::default(),
    };
    let count = mails.len();
    let shows = std::io::stderr().is_terminal() && !global.quiet && count > 1;
    block_on(async {
        for (index, mail) in mails.into_iter().enumerate() {
            if shows {
                show(&format!("{} of {count} mails", index + 1));
            }
            if let Err(error) = drain.one(mail).await {
                console.problem(notify_core::report(&error));
                drain.sum.pending += count - index;
                break;
            }
        }
    })?;
    if shows {
        show("");
    }
    Ok(finish(
        &drain.sum, &collected, drop_exit, args.json, console,
    ))
}

/// The answer, and the exit code.
fn finish(
    sum: &Sum,
    collected: &Collected,
    drop_exit: Option<Exit>,
    as_json: bool,
    console: &Console,
) -> Exit {
    if as_json {
        console.json(&sum.json(collected));
    } else {
        console.note(sum.text(collected));
    }
    if let Some(exit) = drop_exit {
        exit
    } else if sum.pending + collected.left > 0 {
        Exit::TryAgain
    } else if sum.failed > 0 {
        Exit::SetAside
    } else {
        Exit::Done
    }
}

/// Brings the mails into the spool of a daemon, which does the rest.
fn bring(
    setup: &Setup,
    ready: &Ready,
    queue: &Queue,
    place: &Meeting,
    mails: Vec<Queued>,
    as_json: bool,
    console: &Console,
) -> Result<Sum, Stop> {
    let kind = spools::linked()?;
    let opened =
        spools::open(kind, &place.spool(), OpenFor::Write).map_err(|error| spools::stop(&error))?;
    let clock = clock::open(&place.state);
    let mut sum = Sum::default();
    let count = mails.len();
    block_on(async {
        for (index, mail) in mails.into_iter().enumerate() {
            let entrance = Entrance {
                queue,
                ready,
                state: &setup.state,
                now: clock.now(),
            };
            match entrance
                .one(mail, async |entry| opened.spool.put(entry).await)
                .await
            {
                Ok(entrant) => sum.enter(&entrant, as_json, console),
                Err(halt) => {
                    console.problem(halt);
                    sum.pending += count - index;
                    break;
                }
            }
        }
    })?;
    handover::wake(place);
    Ok(sum)
}

/// Those that were tried often behind the others, else the oldest first.
pub(crate) fn by_hardness(mails: &mut [Queued]) {
    mails.sort_by_key(|mail| (mail.progress.attempts >= OFTEN, mail.id));
}

/// The targets that have asked, with some mail, to be left alone until later than `now`.
fn asked_to_wait(mails: &[Queued], now: i64) -> BTreeSet<String> {
    let waits = mails.iter().flat_map(|mail| &mail.progress.waits);
    let asked = waits.filter(|(_, wait)| wait.asked && now < wait.not_before);
    asked.map(|(target, _)| target.clone()).collect()
}

/// A line that the next one overwrites.
fn show(text: &str) {
    let mut err = std::io::stderr().lock();
    // Nobody is left to tell.
    let _ = write!(err, "\r\u{1b}[K{text}").and_then(|()| err.flush());
}

/// What lies in the drop goes into the queue. Without a drop there is only the queue.
fn collect(args: &args::ForwardMail, queue: &Queue, console: &Console) -> Result<Collected, Stop> {
    let drop = match MailDrop::open(&mail_drop(args)) {
        Ok(drop) => drop,
        Err(error) if error.kind() == DropErrorKind::Missing => {
            console.remark(format!("{error}; `notify forward-mail --install` makes it"));
            return Ok(Collected::default());
        }
        Err(error) => return Err(stop(&error)),
    };
    let collected = drop
        .collect(queue, bounds(args), now())
        .map_err(|error| stop(&error))?;
    for odd in collected.oddities.iter().take(TOLD) {
        console.problem(format!(
            "{}: {} (user {}): {}",
            drop.path().display(),
            odd.name,
            odd.uid,
            odd.what
        ));
    }
    let all = collected.oddities.len() + collected.more_oddities;
    if let Some(more @ 1..) = all.checked_sub(TOLD) {
        console.problem(format!("{}: {more} more like these", drop.path().display()));
    }
    Ok(collected)
}

fn stop(error: &DropError) -> Stop {
    let denied = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|source| source.kind() == std::io::ErrorKind::PermissionDenied);
    let exit = match error.kind() {
        _ if denied => Exit::NotPermitted,
        DropErrorKind::Busy | DropErrorKind::Full | DropErrorKind::NoSpace => Exit::TryAgain,
        _ => Exit::CannotCreate,
    };
    Stop::failed(notify_core::report(error)).with_exit(exit)
}

/// One run over the queue.
struct Drain<'a> {
    setup: &'a Setup,
    ready: &'a Ready,
    queue: &'a Queue,
    /// Whether the answer is one object at the end.
    json: bool,
    console: &'a Console,
    /// How often in a row a target did not take a mail for a reason of its own.
    failures: BTreeMap<String, u32>,
    /// The targets that are left alone until the next drain.
    resting: BTreeSet<String>,
    sum: Sum,
}

impl Drain<'_> {
    /// One mail: whatever becomes of it, the others follow, unless nothing can be noted.
    ///
    /// Sending without notes would be sending again and again: the attempt is
    /// noted before it is made, and the first note that fails ends the drain.
    ///
    /// # Errors
    /// The queue cannot be written. The mail is not counted then.
    async fn one(&mut self, mail: Queued) -> Result<(), DropError> {
        let Queued { id, mut progress } = mail;
        let arrival = progress.arrival;
        let raw = match self.queue.read(id) {
            Ok(raw) => raw,
            Err(error) => {
                self.console.problem(notify_core::report(&error));
                self.sum.pending += 1;
                return Ok(());
            }
        };
        let post = Post::read(self.ready, raw, id, arrival);
        if post.is_loop {
            if let Some(warning) = loops::record(&self.setup.state, &post, now()) {
                self.console.problem(warning);
            }
            self.queue.remove(id)?;
            self.sum.loops += 1;
            self.sum.add(&post, arrival.uid, "loop", None);
            return Ok(());
        }
        let mut errands = post.errands(self.ready, &progress);
        let all = errands.len();
        let start = now();
        errands.retain(|Errand { target, .. }| {
            !self.resting.contains(target) && !progress.is_waiting(target, start)
        });
        if !errands.is_empty() {
            progress.attempts = progress.attempts.saturating_add(1);
            self.queue.record(id, &progress)?;
        }
        let report = post.deliver(self.ready, &errands, self.console).await;
        self.note_failures(&report.targets);
        let undecided = post.undecided(self.ready);
        let standing = match undecided {
            Some(matcher) if progress.taken.is_empty() => {
                self.console.remark(undecided_text(&post, matcher));
                undecided_standing(matcher, &mut progress, now())
            }
            _ => settle(&report, errands.len() < all, &mut progress, now()),
        };
        self.tell(&post, standing, &report);
        let state = match standing {
            Standing::Done => "done",
            Standing::Pending => "pending",
            Standing::Failed => "failed",
        };
        self.sum.add(&post, arrival.uid, state, Some(&report));
        match standing {
            Standing::Done => {
                if let Err(error) = self.queue.remove(id) {
                    // One that stays must at least not be sent again.
                    self.queue.record(id, &progress)?;
                    return Err(error);
                }
                self.sum.done += 1;
            }
            Standing::Pending => {
                if !report.targets.is_empty() {
                    self.queue.record(id, &progress)?;
                }
                self.sum.pending += 1;
            }
            Standing::Failed => {
                self.queue.record(id, &progress)?;
                self.queue.give_up(id)?;
                self.sum.failed += 1;
            }
        }
        Ok(())
    }

    fn note_failures(&mut self, targets: &[TargetReport]) {
        for target in targets {
            let Some(patience) = patience(target) else {
                self.failures.remove(&target.name);
                continue;
            };
            let count = self.failures.entry(target.name.clone()).or_default();
            *count += 1;
            if *count >= patience {
                self.resting.insert(target.name.clone());
            }
        }
    }

    fn tell(&self, post: &Post, standing: Standing, report: &Report) {
        if self.json {
            return;
        }
        // Said by the exit code, and again at each drain: where cron runs it,
        // each line would become one more mail that stays.
        if standing == Standing::Pending && self.console.is_quiet() {
            return;
        }
        let (id, title) = (post.event.id, printable(post.title()));
        match standing {
            Standing::Done => self.console.note(format!("{id}: {title}")),
            Standing::Pending => self
                .console
                .note(format!("{id}: {title}: stays for the next time")),
            Standing::Failed => self.console.line(format!(
                "{id}: {title}: no target takes it; kept in {}",
                self.queue.failed().display()
            )),
        }
        for target in &report.targets {
            tell_target(target, self.console);
        }
    }
}

/// What a drain has done.
#[derive(Debug, Default)]
struct Sum {
    accepted: usize,
    done: usize,
    pending: usize,
    failed: usize,
    loops: usize,
    mails: Vec<Value>,
}

impl Sum {
    /// A mail that was brought into the spool, or was not.
    fn enter(&mut self, entrant: &Entrant, as_json: bool, console: &Console) {
        let (count, state) = match &entrant.entered {
            Entered::Accepted => (&mut self.accepted, "accepted"),
            Entered::Done => (&mut self.done, "done"),
            Entered::Loop => (&mut self.loops, "loop"),
            Entered::Stays(_) => (&mut self.pending, "pending"),
            Entered::Failed(_) => (&mut self.failed, "failed"),
        };
        *count += 1;
        if let Some(warning) = &entrant.warning {
            console.problem(warning);
        }
        if let Entered::Stays(why) | Entered::Failed(why) = &entrant.entered {
            console.remark(why);
        }
        if !as_json {
            console.note(format!(
                "{}: {}: {state}",
                entrant.id,
                printable(&entrant.title)
            ));
        }
        self.mails.push(json!({
            "id": entrant.id.to_string(),
            "title": entrant.title,
            "uid": entrant.uid,
            "state": state,
            "targets": [],
        }));
    }

    fn add(&mut self, post: &Post, uid: u32, state: &str, report: Option<&Report>) {
        let targets = report.map_or_else(|| json!([]), |report| json!(report.targets));
        self.mails.push(json!({
            "id": post.event.id.to_string(),
            "title": post.title(),
            "uid": uid,
            "state": state,
            "targets": targets,
        }));
    }

    fn json(&self, collected: &Collected) -> Value {
        let oddities = collected.oddities.iter();
        let oddities: Vec<_> = oddities
            .map(|odd| json!({"name": odd.name, "uid": odd.uid, "what": odd.what}))
            .collect();
        json!({
            "collected": collected.taken.len(),
            "left": collected.left,
            "accepted": self.accepted,
            "done": self.done,
            "pending": self.pending,
            "failed": self.failed,
            "loops": self.loops,
            "oddities": oddities,
            "more-oddities": collected.more_oddities,
            "mails": self.mails,
        })
    }

    fn text(&self, collected: &Collected) -> String {
        let mut text = format!("{} sent", self.done);
        let more = [
            (self.accepted, "handed to the daemon"),
            (
                self.pending,
                if self.pending == 1 {
                    "stays for the next time"
                } else {
                    "stay for the next time"
                },
            ),
            (self.failed, "set aside"),
            (self.loops, "came back and went no further"),
            (collected.left, "left in the mail drop"),
        ];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            text.push_str(&format!(", {count} {what}"));
        }
        text
    }
}
