//! `notify watch`: what happens, as it happens.

use std::time::Duration;

use notify_core::{OpenFor, Opened, Watched};
use serde_json::{Value, json};

use crate::args::Global;
use crate::console::Console;
use crate::event::block_on;
use crate::exit::{Answer, Exit, Stop};
use crate::seeing::history::deliveries;
use crate::seeing::view::{View, excerpt};
use crate::seeing::{args, shapes, store};
use crate::shapes::printable;

/// How often to look.
const PAUSE: Duration = Duration::from_millis(500);
/// How much to take in one look, of each kind.
const MOST: usize = 1000;
/// The most characters of a title.
const TITLE: usize = 60;

/// `notify watch`.
pub(crate) fn watch(global: &Global, args: &args::Watch, console: &Console) -> Answer {
    let opened = store::open(global, OpenFor::Read)?;
    block_on(async {
        tokio::select! {
            ended = follow(&opened, global, args, console) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })??;
    Ok(Exit::Done)
}

async fn follow(
    opened: &Opened,
    global: &Global,
    args: &args::Watch,
    console: &Console,
) -> Result<(), Stop> {
    let failed = |error| store::stop(&error);
    let mut seen = opened.history.seen_all().await.map_err(failed)?;
    console.remark("what happens from now on; Ctrl-C ends it");
    let view = args.form.view(global, console);
    let mut left = args.count.unwrap_or(u64::MAX);
    loop {
        // Counted before the look: what came in between is shown before the end.
        let is_idle = args.until_idle && opened.spool.counts().await.map_err(failed)?.pending == 0;
        let (new, next) = opened.history.watch(seen, MOST).await.map_err(failed)?;
        let is_over = is_idle && next == seen;
        seen = next;
        for watched in &new {
            if args.form.json {
                console.json(&shape(watched));
            } else {
                console.line(line(watched, &view));
            }
            left -= 1;
            if left == 0 || console.is_closed() {
                return Ok(());
            }
        }
        if is_over {
            return Ok(());
        }
        if new.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
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
    }
}

#[cfg(test)]
mod tests {
    use super::{line, shape};
    use crate::seeing::fixtures::{self, Fixed};
    use notify_core::{JobState, Watched};

    fn watched() -> [Watched; 2] {
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
        ]
    }

    #[test]
    fn what_happens_is_a_line() {
        let fixed = Fixed::new();
        let lines = watched().map(|watched| line(&watched, &fixed.view()));
        insta::assert_snapshot!(lines.join("\n"), @r"
        2024-01-08 08:00:00 018ce800-3680-7000-8000-000000000001 error Backup failed: pending push
        2024-01-08 08:00:00 018ce800-3680-7000-8000-000000000001.push attempt 1: rejected: 401 no such token (dead)
        ");
    }

    #[test]
    fn scripts_see_what_happened() {
        let [accepted, attempted] = watched().map(|watched| shape(&watched));
        assert_eq!(accepted["accepted"]["targets"][0]["state"], "pending");
        assert_eq!(attempted["attempted"]["attempt"]["outcome"], "rejected");
        assert_eq!(attempted["attempted"]["state"], "dead");
    }
}
