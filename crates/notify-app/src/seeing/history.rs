//! `notify history`.

use notify_core::{EventSummary, HistoryQuery, JobState, Millis, OpenFor, Zone};
use serde_json::Value;

use crate::args::Global;
use crate::console::{Console, table};
use crate::event::block_on;
use crate::exit::{Answer, Exit, Stop};
use crate::seeing::view::{View, excerpt};
use crate::seeing::{args, known, shapes, store};
use crate::shapes::printable;
use crate::time;

/// The most characters of a title in the list.
const TITLE: usize = 48;

/// `notify history`.
pub(crate) fn history(global: &Global, args: &args::History, console: &Console) -> Answer {
    let query = query(args)?;
    let opened = store::open(global, OpenFor::Read)?;
    let events = block_on(async {
        known::require(global, &opened, args.target.as_deref()).await?;
        let events = opened.history.events(&query).await;
        events.map_err(|error| store::stop(&error))
    })??;
    if args.form.json {
        let events: Vec<Value> = events.iter().map(shapes::summary).collect();
        console.json(&events);
        return Ok(Exit::Done);
    }
    let view = args.form.view(global, console);
    if events.is_empty() {
        console.note("no event");
    } else {
        console.raw(text(&events, &view).as_bytes());
        console.remark("`notify explain ID` says why an event reached a target, or did not");
    }
    if args.limit > 0 && events.len() == args.limit {
        console.remark(format!(
            "these are the newest {}: --limit shows more",
            events.len()
        ));
    }
    Ok(Exit::Done)
}

fn query(args: &args::History) -> Result<HistoryQuery, Stop> {
    let zone = args.form.tz.unwrap_or_default();
    Ok(HistoryQuery {
        since: moment("--since", args.since.as_deref(), zone)?,
        until: moment("--until", args.until.as_deref(), zone)?,
        kind: args.kind.clone(),
        severity: args.severity,
        target: args.target.clone(),
        state: args.state,
        before: None,
        most: args.limit,
    })
}

fn moment(flag: &str, text: Option<&str>, zone: Zone) -> Result<Option<Millis>, Stop> {
    let Some(text) = text else { return Ok(None) };
    let seconds =
        time::parse(text, zone).map_err(|error| Stop::usage(format!("{flag}: {error}")))?;
    Ok(Some(Millis(seconds.saturating_mul(1000))))
}

/// A line for each event.
fn text(events: &[EventSummary], view: &View<'_>) -> String {
    let header = ["id", "accepted", "severity", "type", "title", "deliveries"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(events.iter().map(|event| {
        vec![
            event.id.to_string(),
            view.moment(event.accepted),
            event.severity.to_string(),
            event
                .kind
                .as_deref()
                .map_or_else(|| "-".to_owned(), printable),
            excerpt(&event.title, TITLE),
            deliveries(&event.jobs, view),
        ]
    }));
    table(&rows)
}

/// `dead push; delivered mail, relay`: what needs a look first.
pub(crate) fn deliveries(jobs: &[(String, JobState)], view: &View<'_>) -> String {
    const ORDER: [JobState; 4] = [
        JobState::Dead,
        JobState::Pending,
        JobState::Cancelled,
        JobState::Delivered,
    ];
    let of_state = |state: JobState| {
        let targets = jobs.iter().filter(|(_, is)| *is == state);
        let targets: Vec<String> = targets.map(|(target, _)| printable(target)).collect();
        (!targets.is_empty()).then(|| format!("{} {}", view.state(state), targets.join(", ")))
    };
    let parts: Vec<String> = ORDER.into_iter().filter_map(of_state).collect();
    if parts.is_empty() {
        return "no target".to_owned();
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::{query, text};
    use crate::seeing::args;
    use crate::seeing::fixtures::{self, Fixed};
    use notify_core::{JobState, Millis};

    fn args() -> args::History {
        args::History {
            since: None,
            until: None,
            kind: None,
            severity: None,
            target: None,
            state: None,
            limit: 50,
            form: fixtures::form(),
        }
    }

    #[test]
    fn times_are_read_in_the_zone_that_is_named() {
        let query = query(&args::History {
            since: Some("2024-01-08 08:00".to_owned()),
            until: Some("1704697201".to_owned()),
            ..args()
        });
        let query = query.expect("two times");
        assert_eq!(query.since, Some(Millis(1_704_697_200_000)));
        assert_eq!(query.until, Some(Millis(1_704_697_201_000)));
        assert_eq!(query.most, 50);
    }

    #[test]
    fn a_bad_time_is_told_with_its_flag() {
        let stop = super::query(&args::History {
            until: Some("tomorrow".to_owned()),
            ..args()
        })
        .expect_err("no time");
        assert!(stop.message.starts_with("--until: expected"), "{stop}");
    }

    #[test]
    fn what_needs_a_look_stands_first() {
        let fixed = Fixed::new();
        let mut jobs = vec![
            ("mail".to_owned(), JobState::Delivered),
            ("push".to_owned(), JobState::Dead),
            ("relay".to_owned(), JobState::Delivered),
        ];
        let mut event = fixtures::summary(&jobs);
        let mut other = fixtures::summary(&[]);
        other.kind = None;
        other.title = "two\nlines".to_owned();
        insta::assert_snapshot!(text(&[event.clone(), other], &fixed.view()), @r"
        id                                    accepted             severity  type    title          deliveries
        018ce800-3680-7000-8000-000000000001  2024-01-08 08:00:00  error     vzdump  Backup failed  dead push; delivered mail, relay
        018ce800-3680-7000-8000-000000000001  2024-01-08 08:00:00  error     -       two\nlines     no target
        ");
        jobs.truncate(1);
        event.jobs = jobs;
        assert!(text(&[event], &fixed.view()).ends_with("  delivered mail\n"));
    }
}
