//! A mail on standard input: sent at once, or left in the mail drop.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use notify_core::{EventId, Zone};
use notify_drop::{Arrival, Bounds, DropError, DropErrorKind, MailDrop, Progress, Queue};
use rustix::fs::{Access, AtFlags, CWD};
use serde_json::json;

use super::outcome::{Standing, settle};
use super::post::{Post, undecided_text};
use super::{bounds, loops, mail_drop};
use crate::args::{self, Global};
use crate::console::Console;
use crate::event::{block_on, new_id, now};
use crate::exit::{Answer, Exit, Stop};
use crate::folders::{ConfigFolder, Surroundings};
use crate::handover::{self, Parcel};
use crate::send::tell_target;
use crate::setup::Setup;
use crate::shapes::printable;

/// Takes the mail. It goes to the daemon, or into its spool; where there is none,
/// whoever may read the configuration and write the state sends it at once;
/// everybody else leaves it in the drop.
pub(super) fn intake(global: &Global, args: &args::ForwardMail, console: &Console) -> Answer {
    let surroundings = Surroundings::of_process(global.config_dir.clone());
    if args.mail_drop.is_some() {
        return leave(args, console);
    }
    let config = handover::config(&surroundings);
    let may_send = may_send(&surroundings, &config);
    if args.direct && may_send {
        return send(global, stdin(bounds(args))?, console);
    }
    let config = config.path;
    if !may_send && (args.direct || !handover::listens(&surroundings, &config)) {
        return leave(args, console);
    }
    let mail = stdin(bounds(args))?;
    match hand_over(global, &surroundings, &config, may_send, &mail, console) {
        Ok(Some(exit)) => Ok(exit),
        Ok(None) if may_send => send(global, mail, console),
        Err(stop) if may_send => {
            console.stop(&stop);
            wait_in_queue(&surroundings.state(), &mail, console)
        }
        // Whoever the daemon does not listen to has the drop, as when it does not run.
        Ok(None) | Err(_) => drop_off(args, &mail, console),
    }
}

/// A mail that was read to its end.
struct Incoming {
    id: EventId,
    raw: Vec<u8>,
    arrival: Arrival,
}

/// To the daemon, or into its spool; none where neither takes it.
///
/// The id is a new one at each call. An MTA calls again when it did not see exit
/// 0, so a mail comes twice when this is killed after it was accepted. An id made
/// of the mail's bytes would be no help: cron writes the same mail each minute,
/// and each is one to be told of.
fn hand_over(
    global: &Global,
    surroundings: &Surroundings,
    config: &Path,
    may_send: bool,
    mail: &Incoming,
    console: &Console,
) -> Result<Option<Exit>, Stop> {
    let parcel = Parcel::Mail {
        id: mail.id,
        raw: &mail.raw,
        arrival: mail.arrival,
    };
    let pack = |now| {
        if !may_send {
            return Ok(None);
        }
        let ready = Setup::new(global)?.ready(Zone::Local)?;
        let post = Post::read(&ready, mail.raw.clone(), mail.id, mail.arrival);
        // These two go another way: it is written down, and it stays in the queue.
        if post.is_loop || post.undecided(&ready).is_some() {
            return Ok(None);
        }
        let entry = notify_bus::entry(&ready.engine, post.event, now);
        Ok(Some((ready.engine, entry)))
    };
    let handed = handover::hand_over(surroundings, config, &parcel, pack)?;
    Ok(handed.map(|handed| {
        handed.note(console);
        Exit::Done
    }))
}

/// Leaves it to a later drain, of the daemon or of root.
fn wait_in_queue(state: &Path, mail: &Incoming, console: &Console) -> Answer {
    let progress = Progress::begin(mail.arrival);
    let whole = Bounds { bytes: u64::MAX };
    let put = Queue::open(state)
        .and_then(|queue| queue.put(mail.id, &mut &mail.raw[..], &progress, whole));
    put.map_err(|error| kept_by_mta(&error))?;
    console.remark(format!("{} is kept until the daemon takes it", mail.id));
    Ok(Exit::Done)
}

/// `--dry-run`: what would be sent, and where.
pub(super) fn dry_run(global: &Global, args: &args::ForwardMail, console: &Console) -> Answer {
    let ready = Setup::new(global)?.ready(Zone::Local)?;
    ready.tell_faults(console);
    let mail = stdin(bounds(args))?;
    let post = Post::read(&ready, mail.raw, mail.id, mail.arrival);
    let decision = ready.engine.decide(&post.event);
    if args.json {
        console.json(&json!({
            "title": post.title(),
            "text": post.text(),
            "fields": post.event.fields,
            "targets": decision.targets,
            "severity": post.event.severity,
        }));
        return Ok(Exit::Done);
    }
    console.line(format!("severity  {}", post.event.severity));
    for (name, value) in &post.event.fields {
        console.line(format!("field     {name}={}", printable(value)));
    }
    console.line(format!("targets   {}", decision.targets.join(" ")));
    console.line(format!("title     {}\n", printable(post.title())));
    for line in post.text().lines() {
        console.line(printable(line));
    }
    Ok(Exit::Done)
}

/// Root may. Others may where they have folders of their own; not as nobody,
/// who would have neither the secrets nor a place for what fails.
fn may_send(surroundings: &Surroundings, config: &ConfigFolder) -> bool {
    if surroundings.is_root {
        return true;
    }
    let readable = |folder: &Path| {
        let files = ["notifications.cfg", "priv/notifications.cfg"];
        files
            .iter()
            .all(|file| match File::open(folder.join(file)) {
                Ok(_) => true,
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            })
    };
    !config.is_away && readable(&config.path) && writable(&surroundings.state())
}

/// Whether this user may make files in a folder, or make the folder.
fn writable(folder: &Path) -> bool {
    let allowed = |path: &Path| {
        let write = Access::WRITE_OK | Access::EXEC_OK;
        rustix::fs::accessat(CWD, path, write, AtFlags::EACCESS)
    };
    let known = folder.ancestors().map(allowed);
    let first = known
        .into_iter()
        .find(|found| *found != Err(rustix::io::Errno::NOENT));
    first == Some(Ok(()))
}

fn leave(args: &args::ForwardMail, console: &Console) -> Answer {
    let mut input = io::stdin().lock();
    leave_from(&mut input, new_id()?, args, console)
}

/// What was read from standard input goes into the drop, under its id.
fn drop_off(args: &args::ForwardMail, mail: &Incoming, console: &Console) -> Answer {
    // One byte more says that there was more.
    let more: &[u8] = if mail.arrival.cut { b"." } else { b"" };
    leave_from(&mut mail.raw.chain(more), mail.id, args, console)
}

fn leave_from(
    mail: &mut dyn Read,
    id: EventId,
    args: &args::ForwardMail,
    console: &Console,
) -> Answer {
    let left = MailDrop::open(&mail_drop(args)).and_then(|drop| drop.leave(mail, id, bounds(args)));
    let left = left.map_err(|error| kept_by_mta(&error))?;
    if left.cut {
        console.remark(format!(
            "the mail is longer than {} bytes and was cut",
            left.bytes
        ));
    }
    Ok(Exit::Done)
}

/// Why a mail was not taken, with advice.
fn kept_by_mta(error: &DropError) -> Stop {
    let stop = Stop::failed(notify_core::report(error)).with_exit(Exit::TryAgain);
    match error.kind() {
        DropErrorKind::Missing | DropErrorKind::Unsafe => {
            stop.with_hint("as root: notify forward-mail --install")
        }
        DropErrorKind::Full => stop.with_hint("as root: notify forward-mail --drain"),
        DropErrorKind::NoSpace => stop.with_hint("make room on its file system"),
        _ => stop,
    }
}

fn send(global: &Global, mail: Incoming, console: &Console) -> Answer {
    let setup = Setup::new(global)?;
    let ready = setup.ready(Zone::Local)?;
    ready.tell_faults(console);
    let arrival = mail.arrival;
    let post = Post::read(&ready, mail.raw, mail.id, arrival);
    if post.is_loop {
        if let Some(warning) = loops::record(&setup.state, &post, now()) {
            console.problem(warning);
        }
        return Ok(Exit::Done);
    }
    let mut progress = Progress::begin(arrival);
    let errands = post.errands(&ready, &progress);
    if errands.is_empty() {
        if let Some(matcher) = post.undecided(&ready) {
            console.remark(undecided_text(&post, matcher));
            return keep(&setup.state, &post, &progress, Standing::Pending, console);
        }
        console.note(format!("no target was chosen for {}", post.event.id));
        return Ok(Exit::Done);
    }
    progress.attempts = 1;
    let report = block_on(post.deliver(&ready, &errands, console))?;
    for target in &report.targets {
        tell_target(target, console);
    }
    match settle(&report, false, &mut progress, now()) {
        Standing::Done => Ok(Exit::Done),
        standing => keep(&setup.state, &post, &progress, standing, console),
    }
}

/// Keeps what has not arrived everywhere. Where that cannot be done, the MTA
/// keeps it, unless it would come twice to who has it.
fn keep(
    state: &Path,
    post: &Post,
    progress: &Progress,
    standing: Standing,
    console: &Console,
) -> Answer {
    let id = post.event.id;
    let kept = Queue::open(state).and_then(|queue| {
        let whole = Bounds { bytes: u64::MAX };
        let mut raw = post.raw();
        queue.put(id, &mut raw, progress, whole)?;
        if standing == Standing::Failed {
            queue.give_up(id)?;
        }
        Ok(queue)
    });
    match (kept, standing) {
        (Ok(queue), Standing::Failed) => {
            let place = queue.failed();
            console.problem(format!(
                "no target takes {id}; it is kept in {}",
                place.display()
            ));
            Ok(Exit::Done)
        }
        (Ok(_), _) => {
            console.remark(format!(
                "{id} is kept: `notify forward-mail --drain` tries again"
            ));
            Ok(Exit::Done)
        }
        (Err(error), _) if progress.taken.is_empty() && progress.recipients.is_empty() => {
            Err(kept_by_mta(&error))
        }
        (Err(error), _) => {
            let why = notify_core::report(&error);
            console.problem(format!(
                "{id} arrived at some targets and is lost to others: {why}"
            ));
            Ok(Exit::Done)
        }
    }
}

/// The mail, up to the bound.
fn stdin(bounds: Bounds) -> Result<Incoming, Stop> {
    let cannot = |error: io::Error| Stop::failed(format!("cannot read standard input: {error}"));
    let mut raw = Vec::new();
    let mut input = io::stdin().lock();
    (&mut input)
        .take(bounds.bytes)
        .read_to_end(&mut raw)
        .map_err(cannot)?;
    // To its end, or the sender would see a broken pipe.
    let rest = io::copy(&mut input, &mut io::sink()).map_err(cannot)?;
    let arrival = Arrival {
        timestamp: now(),
        uid: rustix::process::getuid().as_raw(),
        cut: rest > 0,
    };
    Ok(Incoming {
        id: new_id()?,
        raw,
        arrival,
    })
}
