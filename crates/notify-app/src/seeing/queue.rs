//! `notify queue`.

use notify_bus::OwnLane;
use notify_core::{JobRecord, JobState, OpenFor};
use serde_json::Value;

use crate::args::Global;
use crate::console::{Console, table};
use crate::event::block_on;
use crate::exit::{Answer, Exit};
use crate::seeing::view::{View, excerpt};
use crate::seeing::{args, known, shapes, store};
use crate::shapes::printable;

/// What to do with a delivery of the list.
const NEXT: &str = "`notify explain EVENT` says why, `notify retry EVENT.TARGET` does not wait, `notify drop` takes it out";

/// The most characters of a reason in the list.
const REASON: usize = 100;

/// `notify queue`.
pub(crate) fn queue(global: &Global, args: &args::Queue, console: &Console) -> Answer {
    let opened = store::open(global, OpenFor::Read)?;
    let states = match args.state {
        Some(state) => vec![state],
        None => vec![JobState::Pending, JobState::Dead],
    };
    let most = match args.limit {
        0 => usize::MAX,
        limit => limit,
    };
    let target = args.target.as_deref();
    let jobs = block_on(async {
        known::require(global, &opened, target).await?;
        let jobs = opened.history.jobs(&states, target, most).await;
        jobs.map_err(|error| store::stop(&error))
    })??;
    if args.form.json {
        let jobs: Vec<Value> = jobs.iter().map(shapes::job).collect();
        console.json(&jobs);
        return Ok(Exit::Done);
    }
    if jobs.is_empty() {
        console.note("nothing waits");
    } else {
        console.raw(text(&jobs, &args.form.view(global, console)).as_bytes());
        console.remark(NEXT);
    }
    if jobs.len() == most {
        console.remark(format!(
            "these are the oldest {most}: --limit shows more, `notify status` counts all"
        ));
    }
    Ok(Exit::Done)
}

/// A line for each delivery.
fn text(jobs: &[JobRecord], view: &View<'_>) -> String {
    let header = ["delivery", "age", "attempts", "state", "last error"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(jobs.iter().map(|job| {
        let state = match job.state {
            JobState::Pending if OwnLane::of(&job.target) == Some(OwnLane::Undecided) => {
                "waits for a matcher to be mended".to_owned()
            }
            JobState::Pending => view.next(job),
            state => state.name().to_owned(),
        };
        vec![
            printable(&job.key),
            view.age(job.since),
            job.attempts.len().to_string(),
            state,
            why(job),
        ]
    }));
    table(&rows)
}

/// Why it is dead, else why the last attempt failed.
fn why(job: &JobRecord) -> String {
    let last = job.attempts.last().map(|attempt| {
        let detail = attempt.detail.as_deref().unwrap_or_default();
        let colon = if detail.is_empty() { "" } else { ": " };
        format!("{}{colon}{detail}", attempt.outcome.name())
    });
    let parts: Vec<String> = job.reason.clone().into_iter().chain(last).collect();
    match parts.is_empty() {
        true => "-".to_owned(),
        false => excerpt(&parts.join("; "), REASON),
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::seeing::fixtures::{self, Fixed};

    #[test]
    fn what_waits_is_told_with_its_last_error() {
        let mut jobs = fixtures::record().jobs;
        jobs.extend(fixtures::undecided().jobs);
        insta::assert_snapshot!(text(&jobs, &Fixed::new().view()), @r"
        delivery                                         age  attempts  state                                last error
        018ce800-3680-7000-8000-000000000001.broken      10m  0         due now                              -
        018ce800-3680-7000-8000-000000000001.gone        10m  1         next attempt at 2024-01-08 09:00:00  misconfigured: there is no such target
        018ce800-3680-7000-8000-000000000001.mail        10m  2         delivered                            partial
        018ce800-3680-7000-8000-000000000001.nightly     10m  0         cancelled                            -
        018ce800-3680-7000-8000-000000000001.push        10m  1         dead                                 rejected; rejected: 401 no such token
        018ce800-3680-7000-8000-000000000001.relay       10m  1         an attempt is under way              cut-off
        018ce800-3680-7000-8000-000000000001.@undecided  10m  1         waits for a matcher to be mended     misconfigured: matcher `night` cannot be used: no rule
        ");
    }
}
