//! `notify show`.

use std::fmt::Write as _;

use notify_core::{Content, EventRecord, JobRecord, JobState, OpenFor, Opened};

use crate::args::Global;
use crate::console::Console;
use crate::event::block_on;
use crate::exit::{Answer, Exit, Stop};
use crate::seeing::name::Name;
use crate::seeing::trace::{StoredDecision, matcher_text};
use crate::seeing::view::View;
use crate::seeing::{args, shapes, store};
use crate::shapes::printable;

/// `notify show`.
pub(crate) fn show(global: &Global, args: &args::Show, console: &Console) -> Answer {
    let name = Name::of_event(&args.event)?;
    let opened = store::open(global, OpenFor::Read)?;
    let record = block_on(record(&opened, &name))??;
    if args.form.json {
        console.json(&shapes::event(&record));
    } else {
        console.raw(text(&record, &args.form.view(global, console)).as_bytes());
        let id = record.event.id;
        console.remark(format!(
            "`notify explain {id}` says what it means and what to do"
        ));
    }
    Ok(Exit::Done)
}

/// The event that a person names, with all that is known of it.
pub(crate) async fn record(opened: &Opened, name: &Name) -> Result<EventRecord, Stop> {
    let id = name.event(&*opened.history).await?;
    let found = opened.history.event(id).await;
    let found = found.map_err(|error| store::stop(&error))?;
    // A sweep may have come in between.
    found.ok_or_else(|| name.unknown())
}

fn text(record: &EventRecord, view: &View<'_>) -> String {
    let mut text = head(record, view);
    text.push_str(&decision(record, view));
    text.push_str("\ndeliveries\n");
    if record.jobs.is_empty() {
        text.push_str("  none\n");
    }
    for job in &record.jobs {
        for line in delivery(job, view) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// What happened, a line each.
pub(crate) fn head(record: &EventRecord, view: &View<'_>) -> String {
    let event = &record.event;
    let content = match &event.content {
        Content::Template { name, .. } => format!("template `{}`", printable(name)),
        Content::Mail(mail) => format!("a mail of {} bytes", mail.raw.len()),
        _ => "of a kind that this version does not know".to_owned(),
    };
    let mut lines = vec![
        ("event", event.id.to_string()),
        ("title", printable(event.content.title())),
        ("severity", event.severity.to_string()),
        ("happened", view.second(event.timestamp)),
        ("accepted", view.moment(record.accepted)),
        ("content", content),
    ];
    let fields = event.fields.iter();
    lines.extend(fields.map(|(name, value)| {
        let (name, value) = (printable(name), printable(value));
        ("field", format!("{name}={value}"))
    }));
    lines
        .iter()
        .map(|(name, value)| format!("{name:<8}  {value}\n"))
        .collect()
}

/// What was decided, matcher by matcher.
fn decision(record: &EventRecord, view: &View<'_>) -> String {
    let mut text = "\ndecision\n".to_owned();
    let Some(decision) = StoredDecision::read(&record.trace) else {
        text.push_str("  in a form that this version does not know\n");
        return text;
    };
    for matcher in &decision.matchers {
        for line in matcher_text(matcher, view.console).lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    for (word, names) in [
        ("targets:", &decision.targets),
        ("missing:", &decision.missing),
        ("disabled:", &decision.disabled),
        ("unusable:", &decision.unusable),
    ] {
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(|name| printable(name)).collect();
            let _ = writeln!(text, "  {word:<9} {}", names.join(", "));
        }
    }
    if decision.targets.is_empty() {
        text.push_str("  targets:  -\n");
    }
    text
}

/// Where a delivery stands, and its attempts.
fn delivery(job: &JobRecord, view: &View<'_>) -> Vec<String> {
    let state = view.state(job.state);
    let rest = match job.state {
        JobState::Pending => format!("since {}, {}", view.moment(job.since), view.next(job)),
        JobState::Dead => {
            let reason = job.reason.as_deref().map(printable);
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            format!("since {}{reason}", view.moment(job.changed))
        }
        JobState::Delivered | JobState::Cancelled => format!("at {}", view.moment(job.changed)),
    };
    let mut lines = vec![format!("{} {state} {rest}", printable(&job.target))];
    if let Some(recipients) = &job.recipients {
        let recipients: Vec<_> = recipients.iter().map(|it| printable(it)).collect();
        lines.push(format!("  only for {}", recipients.join(", ")));
    }
    let attempts = job.attempts.iter().flat_map(|it| view.attempt(it));
    lines.extend(attempts.map(|line| format!("  {line}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::seeing::fixtures::{self, Fixed};

    #[test]
    fn all_that_is_known_is_shown() {
        let text = text(&fixtures::record(), &Fixed::new().view());
        insta::assert_snapshot!(text, @r"
        event     018ce800-3680-7000-8000-000000000001
        title     Backup failed
        severity  error
        happened  2024-01-08 07:59:58
        accepted  2024-01-08 08:00:00
        content   template `message`
        field     hostname=pve1
        field     type=vzdump

        decision
          backups matches (mode all)
            yes: match-field exact:type=vzdump, saw `vzdump`
            yes: match-severity error, saw `error`
          fencing does not match (mode any)
            no: match-field exact:type=fencing, saw `vzdump`
          targets:  broken, gone, mail, nightly, off, push, relay
          missing:  gone
          disabled: off
          unusable: broken

        deliveries
          broken pending since 2024-01-08 08:00:00, due now
          gone pending since 2024-01-08 08:00:00, next attempt at 2024-01-08 09:00:00
            attempt 1 at 2024-01-08 08:00:00, 400ms: misconfigured: there is no such target
          mail delivered at 2024-01-08 08:00:12
            attempt 1 at 2024-01-08 08:00:00, 400ms: unavailable: connection refused
            attempt 2 at 2024-01-08 08:00:12, 400ms: partial: queued as 7
              refused b@example.com: 550 unknown (rejected)
          nightly cancelled at 2024-01-08 08:00:30
          push dead since 2024-01-08 08:00:01: rejected
            attempt 1 at 2024-01-08 08:00:00, 400ms: rejected: 401 no such token
          relay pending since 2024-01-08 08:00:00, an attempt is under way
            only for a@example.com
            attempt 1 at 2024-01-08 08:00:00, 400ms: cut-off
        ");
    }

    #[test]
    fn an_event_without_target_and_trace_is_shown() {
        let mut record = fixtures::record();
        record.jobs.clear();
        record.trace = "?".to_owned();
        let text = text(&record, &Fixed::new().view());
        let (_, rest) = text.split_once("\n\n").expect("a blank line");
        insta::assert_snapshot!(rest, @r"
        decision
          in a form that this version does not know

        deliveries
          none
        ");
    }
}
