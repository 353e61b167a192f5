//! `notify watch`: what happens, as it happens.

use std::time::{Duration, Instant};

use notify_core::{Millis, OpenFor, Opened, Selection, Watched};
use serde_json::{Value, json};

use crate::args::Global;
use crate::console::Console;
use crate::event::block_on;
use crate::exit::{Answer, Exit, Stop};
use crate::folders::Meeting;
use crate::seeing::history::deliveries;
use crate::seeing::observer::{Change, Observer};
use crate::seeing::running::{self, Daemon};
use crate::seeing::view::{View, count, excerpt};
use crate::seeing::{args, shapes, store};
use crate::shapes::printable;

/// How often to look.
const PAUSE: Duration = Duration::from_millis(500);
/// How often to ask the daemon.
const ASK: Duration = Duration::from_secs(1);
/// How much to take in one look, of each kind.
const MOST: usize = 1000;
/// The most characters of a title.
const TITLE: usize = 60;

/// `notify watch`.
pub(crate) fn watch(global: &Global, args: &args::Watch, console: &Console) -> Answer {
    let opened = store::open(global, OpenFor::Read)?;
    let mut teller = Teller {
        view: args.form.view(global, console),
        as_json: args.form.json,
        left: args.count.unwrap_or(u64::MAX),
    };
    block_on(async {
        tokio::select! {
            ended = follow(&opened, global, args.until_idle, &mut teller) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })??;
    Ok(Exit::Done)
}

/// Tells it, and counts.
struct Teller<'a> {
    view: View<'a>,
    as_json: bool,
    /// So many lines more.
    left: u64,
}

impl Teller<'_> {
    /// A line. Says whether it was the last.
    fn tell(
        &mut self,
        shape: impl FnOnce() -> Value,
        line: impl FnOnce(&View<'_>) -> String,
    ) -> bool {
        let console = self.view.console;
        if self.as_json {
            console.json(&shape());
        } else {
            console.line(line(&self.view));
        }
        self.left -= 1;
        self.left == 0 || console.is_closed()
    }

    fn changed(&mut self, change: &Change, at: Millis) -> bool {
        self.tell(
            || change.json(at),
            |view| format!("{} {}", view.moment(at), change.text(view)),
        )
    }

    /// What is not as usual at the beginning, and what is to come.
    fn begin(&self, observer: &Observer) {
        let console = self.view.console;
        for change in observer.unusual() {
            console.remark(change.text(&self.view));
        }
        console.remark(
            "what happens from now on, as the spool and the daemon tell it; Ctrl-C ends it",
        );
    }
}

async fn follow(
    opened: &Opened,
    global: &Global,
    until_idle: bool,
    teller: &mut Teller<'_>,
) -> Result<(), Stop> {
    let failed = |error| store::stop(&error);
    let place = store::place(global);
    let mut seen = opened.history.seen_all().await.map_err(failed)?;
    let mut observer = Observer::of(&asked(&place).await);
    let mut last_asked = Instant::now();
    teller.begin(&observer);
    loop {
        // Counted before the look: what came in between is shown before the end.
        let is_idle = until_idle && opened.spool.counts().await.map_err(failed)?.pending == 0;
        let (new, next) = opened.history.watch(seen, MOST).await.map_err(failed)?;
        let is_over = is_idle && next == seen;
        seen = next;
        for watched in &new {
            if teller.tell(|| shape(watched), |view| line(watched, view)) {
                return Ok(());
            }
        }
        if last_asked.elapsed() >= ASK {
            for change in observer.changes(&asked(&place).await) {
                if teller.changed(&change, store::now(global)) {
                    return Ok(());
                }
            }
            last_asked = Instant::now();
        }
        if is_over {
            return Ok(());
        }
        if new.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The daemon as it answers, without holding up who waits for something else.
async fn asked(place: &Meeting) -> Daemon {
    let place = place.clone();
    let asked = tokio::task::spawn_blocking(move || running::ask(&place)).await;
    asked.unwrap_or_else(|error| Daemon::Unknown(error.to_string()))
}

fn shape(watched: &Watched) -> Value {
    match watched {
        Watched::Accepted(event) => json!({"accepted": shapes::summary(event)}),
        Watched::Attempted {
            key,
            target,
            state,
            attempt,
        } => json!({
            "attempted": {
                "key": key,
                "target": target,
                "state": state.name(),
                "attempt": shapes::attempt(attempt),
            }
        }),
        Watched::Handled {
            at,
            how,
            which,
            number,
        } => {
            let (event, target) = named(which);
            json!({
                "handled": {
                    "at-ms": at.0,
                    "how": how.name(),
                    "event": event,
                    "target": target,
                    "number": number,
                }
            })
        }
    }
}

fn line(watched: &Watched, view: &View<'_>) -> String {
    match watched {
        Watched::Accepted(event) => format!(
            "{} {} {} {}: {}",
            view.moment(event.accepted),
            event.id,
            event.severity,
            excerpt(&event.title, TITLE),
            deliveries(&event.jobs, view)
        ),
        Watched::Attempted {
            key,
            state,
            attempt,
            ..
        } => format!(
            "{} {} attempt {}: {} ({})",
            view.moment(attempt.ended),
            printable(key),
            attempt.number,
            view.ending(attempt),
            state.name()
        ),
        Watched::Handled {
            at,
            how,
            which,
            number,
        } => {
            let number = usize::try_from(*number).unwrap_or(usize::MAX);
            let which = match which {
                Selection::Event(event) => format!("of {event}"),
                Selection::Key(key) => printable(key),
                Selection::Target(target) => format!("to {}", printable(target)),
                Selection::All => "all that there were".to_owned(),
            };
            let what = count(number, "delivery");
            format!(
                "{} {} by a person: {what}, {which}",
                view.moment(*at),
                how.name()
            )
        }
    }
}

/// The event and the target of a selection; without both it means all.
fn named(which: &Selection) -> (Option<String>, Option<&str>) {
    match which {
        Selection::Event(event) => (Some(event.to_string()), None),
        Selection::Key(key) => match key.split_once('.') {
            Some((event, target)) => (Some(event.to_owned()), Some(target)),
            None => (Some(key.clone()), None),
        },
        Selection::Target(target) => (None, Some(target)),
        Selection::All => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::{line, shape};
    use crate::seeing::fixtures::{self, Fixed};
    use notify_core::{Handling, JobState, Selection, Watched};

    fn watched() -> [Watched; 4] {
        let record = fixtures::record();
        let push = record.jobs.iter().find(|job| job.target == "push");
        let push = push.expect("a delivery").clone();
        [
            Watched::Accepted(fixtures::summary(&[("push".to_owned(), JobState::Pending)])),
            Watched::Attempted {
                key: push.key,
                target: push.target,
                state: push.state,
                attempt: push.attempts[0].clone(),
            },
            Watched::Handled {
                at: fixtures::later(60),
                how: Handling::Retried,
                which: Selection::Key(format!("{}.push", fixtures::id())),
                number: 1,
            },
            Watched::Handled {
                at: fixtures::later(61),
                how: Handling::Dropped,
                which: Selection::Target("push".to_owned()),
                number: 3,
            },
        ]
    }

    #[test]
    fn what_happens_is_a_line() {
        let fixed = Fixed::new();
        let lines = watched().map(|watched| line(&watched, &fixed.view()));
        insta::assert_snapshot!(lines.join("\n"), @r"
        2024-01-08 08:00:00 018ce800-3680-7000-8000-000000000001 error Backup failed: pending push
        2024-01-08 08:00:00 018ce800-3680-7000-8000-000000000001.push attempt 1: rejected: 401 no such token (dead)
        2024-01-08 08:01:00 retried by a person: 1 delivery, 018ce800-3680-7000-8000-000000000001.push
        2024-01-08 08:01:01 dropped by a person: 3 deliveries, to push
        ");
    }

    #[test]
    fn scripts_see_what_happened() {
        let [accepted, attempted, retried, dropped] = watched().map(|watched| shape(&watched));
        assert_eq!(accepted["accepted"]["targets"][0]["state"], "pending");
        assert_eq!(attempted["attempted"]["attempt"]["outcome"], "rejected");
        assert_eq!(attempted["attempted"]["state"], "dead");
        assert_eq!(retried["handled"]["event"], fixtures::id().to_string());
        assert_eq!(retried["handled"]["target"], "push");
        let all_of_it = serde_json::json!({
            "at-ms": fixtures::later(61).0, "how": "dropped", "event": null, "target": "push",
            "number": 3,
        });
        assert_eq!(dropped["handled"], all_of_it);
    }
}
