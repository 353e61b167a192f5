//! `notify status`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use notify_bus::OwnLane;
use notify_config::Section;
use notify_core::{
    AttemptRecord, Counts, Millis, OpenFor, Opened, Registry, SpoolError, TargetQueue, Zone,
};
use serde_json::{Value, json};

use crate::args::Global;
use crate::console::{Console, table};
use crate::event::block_on;
use crate::exit::{Answer, Exit, Stop};
use crate::seeing::running::{Breaker, Daemon};
use crate::seeing::view::{View, excerpt, size};
use crate::seeing::{args, audit, running, shapes, store};
use crate::setup::Setup;
use crate::shapes::printable;

/// The most characters of an error in the table.
const ERROR: usize = 80;

/// `notify status`.
pub(crate) fn status(global: &Global, args: &args::Status, console: &Console) -> Answer {
    let opened = store::open(global, OpenFor::Read)?;
    let mut targets = match configured(global) {
        Ok(targets) => targets,
        Err(stop) => {
            console.remark(format!("the targets of today are not known: {stop}"));
            BTreeMap::new()
        }
    };
    let daemon = running::ask(&store::place(global));
    let counts = block_on(gather(&opened, &mut targets))?.map_err(|error| store::stop(&error))?;
    name_own_lanes(&mut targets)?;
    for (name, breaker) in daemon.breakers() {
        // A target that only the daemon knows is as good as gone; one of our own may have nothing.
        if let Some(at) = targets.get_mut(&name) {
            at.breaker = Some(breaker);
        }
    }
    let folder = store::folder(global);
    let status = Status {
        daemon,
        bytes: store::bytes(&folder),
        folder: folder.display().to_string(),
        kind: store::kind()?.name,
        counts,
        targets,
    };
    if args.form.json {
        console.json(&status.json());
    } else {
        console.raw(status.text(&args.form.view(global, console)).as_bytes());
    }
    Ok(Exit::Done)
}

/// How all stands.
#[derive(Debug)]
struct Status {
    daemon: Daemon,
    kind: &'static str,
    folder: String,
    bytes: u64,
    counts: Counts,
    targets: BTreeMap<String, AtTarget>,
}

/// How one target stands.
#[derive(Debug, Default)]
struct AtTarget {
    /// Its type; none when the configuration has no such target.
    kind: Option<String>,
    /// What it is when it is no target.
    own: Option<OwnLane>,
    disabled: bool,
    unusable: Option<String>,
    breaker: Option<Breaker>,
    queue: Option<TargetQueue>,
    success: Option<AttemptRecord>,
    failure: Option<AttemptRecord>,
}

/// The targets of the configuration as it is now.
fn configured(global: &Global) -> Result<BTreeMap<String, AtTarget>, Stop> {
    let ready = Setup::new(global)?.ready(Zone::Local)?;
    let at = |section: &Section| AtTarget {
        unusable: ready.unusable(section).map(str::to_owned),
        kind: Some(section.kind.clone()),
        disabled: section.disabled,
        ..AtTarget::default()
    };
    Ok(ready
        .targets()
        .map(|section| (section.name.clone(), at(section)))
        .collect())
}

/// Tells what is no target, and has deliveries, from targets that are missing.
fn name_own_lanes(targets: &mut BTreeMap<String, AtTarget>) -> Result<(), Stop> {
    let registry = Registry::linked().map_err(|error| Stop::usage(error.to_string()))?;
    for own in OwnLane::ALL {
        if let Some(at) = targets.get_mut(own.name())
            && at.kind.is_none()
        {
            at.own = Some(own);
            at.kind = Some(own.kind(&registry).to_owned());
        }
    }
    Ok(())
}

/// What the spool knows of each target, and the counts.
async fn gather(
    opened: &Opened,
    targets: &mut BTreeMap<String, AtTarget>,
) -> Result<Counts, SpoolError> {
    for queue in opened.spool.targets().await? {
        let name = queue.target.clone();
        targets.entry(name).or_default().queue = Some(queue);
    }
    for (name, success, failure) in opened.history.last_attempts().await? {
        let at = targets.entry(name).or_default();
        (at.success, at.failure) = (success, failure);
    }
    opened.spool.counts().await
}

impl Status {
    fn json(&self) -> Value {
        let target = |(name, at): (&String, &AtTarget)| at.json(name);
        json!({
            "daemon": self.daemon.json(),
            "spool": {
                "type": self.kind,
                "folder": self.folder,
                "bytes": self.bytes,
                "trouble": self.daemon.spool_trouble(),
            },
            "counts": audit::shape(&self.counts),
            "targets": self.targets.iter().map(target).collect::<Vec<_>>(),
        })
    }

    fn text(&self, view: &View<'_>) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "daemon      {}", self.daemon.text(view));
        for problem in self.daemon.problems() {
            let _ = writeln!(text, "            {}", view.console.bad(&problem));
        }
        let _ = writeln!(text, "spool       {}, {}", self.folder, size(self.bytes));
        let law = audit::law(&self.counts, view.console);
        let _ = writeln!(text, "deliveries  {law}\n");
        let header = [
            "target",
            "type",
            "state",
            "waiting",
            "dead",
            "oldest",
            "last success",
            "last error",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(self.targets.iter().map(|(name, at)| at.row(name, view)));
        text.push_str(&table(&rows));
        let next = |(name, at): (&String, &AtTarget)| at.next(&printable(name));
        let next: Vec<String> = self.targets.iter().flat_map(next).collect();
        if !next.is_empty() {
            text.push_str("\nnext\n");
        }
        for step in next {
            let _ = writeln!(text, "  {step}");
        }
        text
    }
}

impl AtTarget {
    /// What to do, so that everything goes out.
    fn next(&self, name: &str) -> Vec<String> {
        let (pending, dead) = self
            .queue
            .as_ref()
            .map_or((0, 0), |queue| (queue.pending, queue.dead));
        let mut steps = Vec::new();
        match (&self.kind, &self.unusable, self.own) {
            (None, ..) if pending > 0 => steps.push(format!(
                "{name}: `notify target add TYPE {name}` makes it, or `notify drop --target {name}`"
            )),
            (_, Some(reason), _) => steps.push(format!("{name}: {}", printable(reason))),
            (_, _, Some(OwnLane::Undecided)) if pending > 0 => steps.push(format!(
                "{name}: `notify check` shows the matcher that must be mended before these are routed"
            )),
            _ => {}
        }
        if let Some(Breaker::Open(_)) = self.breaker {
            steps.push(format!(
                "{name}: mend what the last error says; `notify retry --target {name}` does not wait"
            ));
        }
        if dead > 0 {
            steps.push(format!(
                "{name}: `notify queue --state dead --target {name}` lists what was given up, \
                 `notify retry --target {name}` tries it again"
            ));
        }
        steps
    }

    fn json(&self, name: &str) -> Value {
        let queue = self.queue.as_ref();
        let moment = |of: fn(&TargetQueue) -> Option<Millis>| queue.and_then(of).map(|at| at.0);
        json!({
            "name": name,
            "type": self.kind,
            "disabled": self.disabled,
            "unusable": self.unusable,
            "breaker": self.breaker.map(Breaker::json),
            "pending": queue.map_or(0, |queue| queue.pending),
            "under-way": queue.map_or(0, |queue| queue.leased),
            "dead": queue.map_or(0, |queue| queue.dead),
            "oldest-ms": moment(|queue| queue.oldest),
            "next-ms": moment(|queue| queue.next),
            "last-success": self.success.as_ref().map(shapes::attempt),
            "last-error": self.failure.as_ref().map(shapes::attempt),
        })
    }

    fn row(&self, name: &str, view: &View<'_>) -> Vec<String> {
        let dash = || "-".to_owned();
        let queue = self.queue.as_ref();
        let oldest = queue.and_then(|queue| queue.oldest);
        vec![
            printable(name),
            self.kind.as_deref().map_or_else(dash, printable),
            self.state(view),
            queue.map_or(0, |queue| queue.pending).to_string(),
            queue.map_or(0, |queue| queue.dead).to_string(),
            oldest.map_or_else(dash, |oldest| view.age(oldest)),
            self.success
                .as_ref()
                .map_or_else(dash, |attempt| view.moment(attempt.ended)),
            self.failure
                .as_ref()
                .map_or_else(dash, |attempt| failure(attempt, view)),
        ]
    }

    /// What keeps it from getting anything; `ready` when nothing does.
    fn state(&self, view: &View<'_>) -> String {
        let waits = self.queue.as_ref().is_some_and(|queue| queue.pending > 0);
        match (&self.kind, &self.unusable, self.breaker) {
            (None, ..) => "missing".to_owned(),
            _ if waits && self.own == Some(OwnLane::Undecided) => {
                "waits for a matcher to be mended".to_owned()
            }
            _ if self.disabled => "disabled".to_owned(),
            (_, Some(_), _) => "unusable".to_owned(),
            (_, _, Some(breaker)) => breaker.text(view),
            _ => "ready".to_owned(),
        }
    }
}

fn failure(attempt: &AttemptRecord, view: &View<'_>) -> String {
    let detail = attempt.detail.as_deref().unwrap_or_default();
    let text = format!("{}: {detail}", attempt.outcome.name());
    format!(
        "{} {}",
        view.moment(attempt.ended),
        excerpt(text.trim_end_matches(": "), ERROR)
    )
}

#[cfg(test)]
mod tests {
    use super::{AtTarget, Status};
    use crate::seeing::fixtures::{self, Fixed, later};
    use crate::seeing::running::{Breaker, Daemon};
    use notify_bus::OwnLane;
    use notify_core::{Counts, TargetQueue};
    use std::collections::BTreeMap;

    fn queue(target: &str, dead: u64) -> TargetQueue {
        TargetQueue {
            target: target.to_owned(),
            pending: 2,
            leased: 1,
            dead,
            oldest: Some(fixtures::ACCEPTED),
            next: Some(later(660)),
        }
    }

    /// A target of a type, as it is at its beginning.
    fn of(kind: &str) -> AtTarget {
        AtTarget {
            kind: Some(kind.to_owned()),
            ..AtTarget::default()
        }
    }

    fn targets() -> [(&'static str, AtTarget); 6] {
        let record = fixtures::record();
        let attempts = |target: &str| {
            let job = record.jobs.iter().find(|job| job.target == target);
            job.map(|job| job.attempts.clone()).unwrap_or_default()
        };
        let mail = AtTarget {
            success: attempts("mail").pop(),
            failure: attempts("mail").into_iter().next(),
            ..of("smtp")
        };
        let push = AtTarget {
            queue: Some(queue("push", 3)),
            breaker: Some(Breaker::Open(later(900))),
            failure: attempts("push").pop(),
            ..of("gotify")
        };
        let gone = AtTarget {
            queue: Some(queue("gone", 0)),
            failure: attempts("relay").pop(),
            ..AtTarget::default()
        };
        let off = AtTarget {
            disabled: true,
            ..of("smtp")
        };
        let broken = AtTarget {
            unusable: Some("`server` is missing".to_owned()),
            ..of("smtp")
        };
        let undecided = AtTarget {
            own: Some(OwnLane::Undecided),
            queue: Some(queue("@undecided", 0)),
            ..of("undecided")
        };
        [
            ("@undecided", undecided),
            ("mail", mail),
            ("push", push),
            ("gone", gone),
            ("off", off),
            ("broken", broken),
        ]
    }

    fn status(daemon: Daemon) -> Status {
        Status {
            daemon,
            kind: "sqlite",
            folder: "/var/lib/notify/spool".to_owned(),
            bytes: 1_300_000,
            counts: Counts {
                accepted: 12,
                pending: 4,
                delivered: 5,
                dead: 3,
                cancelled: 0,
            },
            targets: targets()
                .into_iter()
                .map(|(name, at)| (name.to_owned(), at))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    #[test]
    fn people_get_a_table() {
        let text = status(Daemon::Absent).text(&Fixed::new().view());
        insta::assert_snapshot!(text, @r"
        daemon      does not run: what waits goes out when `notify daemon` runs
        spool       /var/lib/notify/spool, 1.2 MiB
        deliveries  accepted 12 = delivered 5 + pending 4 + dead 3 + cancelled 0

        target      type       state                                   waiting  dead  oldest  last success         last error
        @undecided  undecided  waits for a matcher to be mended        2        0     10m     -                    -
        broken      smtp       unusable                                0        0     -       -                    -
        gone        -          missing                                 2        0     10m     -                    2024-01-08 08:00:00 cut-off
        mail        smtp       ready                                   0        0     -       2024-01-08 08:00:12  2024-01-08 08:00:00 unavailable: connection refused
        off         smtp       disabled                                0        0     -       -                    -
        push        gotify     breaker open until 2024-01-08 08:15:00  2        3     10m     -                    2024-01-08 08:00:00 rejected: 401 no such token

        next
          @undecided: `notify check` shows the matcher that must be mended before these are routed
          broken: `server` is missing
          gone: `notify target add TYPE gone` makes it, or `notify drop --target gone`
          push: mend what the last error says; `notify retry --target push` does not wait
          push: `notify queue --state dead --target push` lists what was given up, `notify retry --target push` tries it again
        ");
    }

    #[test]
    fn scripts_get_all_of_it() {
        let answer = status(Daemon::Absent).json();
        assert_eq!(answer["daemon"]["running"], false);
        assert_eq!(answer["counts"]["conserved"], true);
        assert_eq!(answer["targets"][0]["type"], "undecided");
        let push = &answer["targets"][5];
        assert_eq!(push["name"], "push");
        assert_eq!(push["breaker"]["state"], "open");
        assert_eq!(push["breaker"]["until-ms"], later(900).0);
        assert_eq!(push["under-way"], 1);
        assert_eq!(push["last-error"]["outcome"], "rejected");
        assert_eq!(push["last-success"], serde_json::Value::Null);
    }
}
