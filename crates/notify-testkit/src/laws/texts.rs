//! Laws of hostile texts: what is sent cannot change the envelope, and what is answered cannot leak.

use notify_core::{Failure, FailureKind};

use super::limits::within;
use super::peer::{Arrival, Situation};
use super::trial::{Findings, Trial, said};
use crate::{Delivery, Section};

/// Subjects that would add a header, end a header or break a command.
const SUBJECTS: [&str; 6] = [
    "first\r\nX-Injected: yes",
    "first\nX-Injected: yes",
    "first\rX-Injected: yes",
    "first\r\n\r\n<b>body</b>",
    "nul \0 byte, bell \x07, tab\there",
    "„quotes\" \\ =?utf-8?q?encoded?= 日本語 \u{202e}desrever 🔥",
];

/// Lines of a text that mean something to a protocol.
const TEXTS: [&str; 4] = [
    "before\r\n.\r\nMAIL FROM:<evil@example.com>\r\nafter",
    "before\n.\nQUIT\nafter",
    "before\n```\n--=_boundary\nContent-Type: text/html\n\nafter",
    "before \0 nul\nafter",
];

/// A sender's name that would end its header or bring another address.
const AUTHOR: &str = "Büro, \"Ops\" <evil@example.com> (x); y\\";

pub(super) async fn laws(findings: &mut Findings<'_>) {
    let Some(plain) = arrival_of(findings, "plain", "plain").await else {
        return;
    };
    for subject in SUBJECTS {
        changes_nothing_else(findings, &plain, subject, "before\nafter").await;
    }
    for text in TEXTS {
        changes_nothing_else(findings, &plain, "plain", text).await;
    }
    let long = "x".repeat(5000);
    changes_nothing_else(
        findings,
        &plain,
        &long[..900],
        &format!("before\n{long}\nafter"),
    )
    .await;
    hostile_fields(findings, &plain).await;
    hostile_author(findings, &plain).await;
    secrets_quoted(findings).await;
}

/// What arrives of these texts; none when they are refused.
async fn arrival_of(findings: &mut Findings<'_>, subject: &str, text: &str) -> Option<Arrival> {
    let trial = findings.arrange(Situation::Accepts).await?;
    arrival_at(findings, &trial, subject, text).await
}

async fn arrival_at(
    findings: &mut Findings<'_>,
    trial: &Trial,
    subject: &str,
    text: &str,
) -> Option<Arrival> {
    let limits = trial.target.limits();
    let subject = &within(subject, limits.title);
    let text = &within(text, limits.body);
    let delivery = findings
        .delivery(subject, text)
        .host(trial.stage.host.clone());
    arrival_by(findings, trial, &delivery, &shown(subject, text)).await
}

async fn arrival_by(
    findings: &mut Findings<'_>,
    trial: &Trial,
    delivery: &Delivery,
    what: &str,
) -> Option<Arrival> {
    match findings.attempt(trial, delivery).await? {
        Ok(_) => {
            let mut arrivals = trial.arrivals(1).await;
            let count = arrivals.len();
            findings.law("hostile texts arrive as one message", count == 1, || {
                format!("{count} arrived of {what}")
            });
            arrivals.pop()
        }
        refused @ Err(_) => {
            findings.broken(
                "hostile texts are delivered",
                format!("{what}: {}", said(&refused)),
            );
            None
        }
    }
}

fn shown(subject: &str, text: &str) -> String {
    let cut = |text: &str| text.chars().take(60).collect::<String>();
    format!("subject {:?}, text {:?}", cut(subject), cut(text))
}

async fn changes_nothing_else(
    findings: &mut Findings<'_>,
    plain: &Arrival,
    subject: &str,
    text: &str,
) {
    let Some(arrival) = arrival_of(findings, subject, text).await else {
        return;
    };
    let what = shown(subject, text);
    same_envelope(findings, plain, &arrival, &what);
    let whole = arrival.text.contains("before") && arrival.text.contains("after");
    findings.law(
        "a text arrives to its end",
        whole || text == "plain",
        || {
            format!(
                "{what}: {:?}",
                arrival.text.chars().take(200).collect::<String>()
            )
        },
    );
}

fn same_envelope(findings: &mut Findings<'_>, plain: &Arrival, arrival: &Arrival, what: &str) {
    findings.law(
        "a text adds no header",
        names(arrival) == names(plain),
        || format!("{what}: {:?}, not {:?}", names(arrival), names(plain)),
    );
    findings.law(
        "a text adds no recipient",
        arrival.recipients == plain.recipients,
        || format!("{what}: {:?}", arrival.recipients),
    );
}

/// The headers' names, in lower case and sorted.
fn names(arrival: &Arrival) -> Vec<String> {
    let mut names: Vec<_> = arrival
        .headers
        .iter()
        .map(|name| name.to_ascii_lowercase())
        .collect();
    names.sort();
    names
}

/// The same with fields of which each value would end a header, a line or a string.
async fn hostile_fields(findings: &mut Findings<'_>, plain: &Arrival) {
    let Some(trial) = findings.arrange(Situation::Accepts).await else {
        return;
    };
    let fields = [
        ("type", SUBJECTS[0]),
        ("hostname", "pve1\"}, \\ \r\n.\r\nQUIT"),
    ];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let delivery = findings
        .delivery("plain", "before\nafter")
        .fields(fields.into())
        .host(trial.stage.host.clone());
    let what = "hostile fields";
    if let Some(arrival) = arrival_by(findings, &trial, &delivery, what).await {
        same_envelope(findings, plain, &arrival, what);
    }
}

/// The same with a sender's name in the section, for types that have one.
async fn hostile_author(findings: &mut Findings<'_>, plain: &Arrival) {
    if findings.kind.schema().property("author").is_none() {
        return;
    }
    let amend = |section: Section| section.without("author").public("author", AUTHOR);
    let Some(trial) = findings.arrange_with(Situation::Accepts, amend).await else {
        return;
    };
    if let Some(arrival) = arrival_at(findings, &trial, "plain", "before\nafter").await {
        same_envelope(findings, plain, &arrival, "a hostile author");
    }
}

async fn secrets_quoted(findings: &mut Findings<'_>) {
    let Some(trial) = findings.arrange(Situation::QuotesSecrets).await else {
        return;
    };
    let delivery = findings
        .delivery("plain", "plain")
        .host(trial.stage.host.clone());
    // What it says is searched by the attempt itself.
    let Some(result) = findings.attempt(&trial, &delivery).await else {
        return;
    };
    let kind = result.as_ref().err().map(Failure::kind);
    let said_no = matches!(
        kind,
        Some(FailureKind::Rejected | FailureKind::Misconfigured)
    );
    findings.law(
        "a refusal that quotes secrets is a refusal",
        said_no,
        || said(&result),
    );
}
