//! Laws of outcomes: what arrived, how often, and what the target said of it.

use std::time::{Duration, Instant};

use notify_core::{Failure, FailureKind, Receipt};

use super::peer::{Arrival, Situation};
use super::trial::{Findings, Trial, said};
use crate::Delivery;

const SUBJECT: &str = "Backup of „Büro\" failed: 100 % of 3 guests";
const TEXT: &str = "First line.\n\nÄ second one, <b>not bold</b> & plain.\n.\n..dots\nLast line.";

/// A deadline that a silent peer makes a target reach.
const SHORT: Duration = Duration::from_millis(300);
/// How much later than its deadline an attempt may end on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

pub(super) async fn laws(findings: &mut Findings<'_>) {
    delivered_once(findings).await;
    at_the_same_time(findings).await;
    to_some_recipients(findings).await;
    one_recipient_refused(findings).await;
    use FailureKind::{Misconfigured, Rejected, Unavailable, Uncertain};
    refused(findings, Situation::RefusesForGood, &[Rejected]).await;
    refused(findings, Situation::BadCredentials, &[Misconfigured]).await;
    refused(findings, Situation::TryLater, &[Unavailable]).await;
    refused(findings, Situation::NotReached, &[Unavailable]).await;
    refused(findings, Situation::DroppedBeforeSending, &[Unavailable]).await;
    refused(findings, Situation::DroppedAfterSending, &[Uncertain]).await;
    refused(
        findings,
        Situation::Untrusted,
        &[Misconfigured, Unavailable],
    )
    .await;
    refused(
        findings,
        Situation::Garbage,
        &[Misconfigured, Rejected, Unavailable, Uncertain],
    )
    .await;
    delay_is_passed_on(findings).await;
    silent_before_sending(findings).await;
    silent_after_sending(findings).await;
    endless(findings).await;
    deadline_has_passed(findings).await;
    behind_proxy(findings).await;
}

async fn delivered_once(findings: &mut Findings<'_>) {
    let Some(trial) = findings.arrange(Situation::Accepts).await else {
        return findings.broken("a transport can deliver", "Accepts was not arranged");
    };
    secrets_are_staged(findings, &trial);
    let contacts = trial.stage.probe.contacts().unwrap_or(0);
    findings.law("build opens nothing", contacts == 0, || {
        format!("{contacts} connections")
    });
    prepared(findings, &trial);
    let delivery = findings
        .delivery(SUBJECT, TEXT)
        .host(trial.stage.host.clone());
    let Some(result) = findings.attempt(&trial, &delivery).await else {
        return;
    };
    let whole = matches!(&result, Ok(receipt) if receipt.refused.is_empty());
    findings.law("what is taken is delivered", whole, || said(&result));
    let arrivals = trial.arrivals(1).await;
    findings.law(
        "delivered means that it arrived once",
        arrivals.len() == 1,
        || format!("{} arrived, {}", arrivals.len(), said(&result)),
    );
    if let [arrival] = &arrivals[..] {
        reads_the_same(findings, arrival);
        repeated(findings, &trial, &delivery, arrival).await;
    }
}

/// Without a secret in play, the laws about secrets say nothing.
fn secrets_are_staged(findings: &mut Findings<'_>, trial: &Trial) {
    let section = &trial.stage.section;
    for property in findings
        .kind
        .properties
        .iter()
        .filter(|known| known.is_secret())
    {
        findings.law(
            "a test stages every secret",
            section.has(property.name),
            || format!("Accepts has no `{}`", property.name),
        );
    }
}

fn prepared(findings: &mut Findings<'_>, trial: &Trial) {
    let faults = trial.target.prepare(&trial.stage.host);
    findings.is_discreet(trial, "a fault of prepare", &faults);
    findings.law(
        "prepare finds no fault where delivery works",
        faults.is_empty(),
        || format!("{faults:?}"),
    );
}

fn reads_the_same(findings: &mut Findings<'_>, arrival: &Arrival) {
    findings.law("the subject arrives", arrival.subject == SUBJECT, || {
        format!("{:?}", arrival.subject)
    });
    let text = arrival.text.replace("\r\n", "\n");
    findings.law("the text arrives", text.contains(TEXT), || {
        format!("{text:?}")
    });
}

/// A second attempt at the same delivery: the far side can tell that it is the same.
async fn repeated(
    findings: &mut Findings<'_>,
    trial: &Trial,
    delivery: &Delivery,
    first: &Arrival,
) {
    let again = delivery.clone().within(Duration::from_secs(30)).number(2);
    let Some(result) = findings.attempt(trial, &again).await else {
        return;
    };
    let arrivals = trial.arrivals(2).await;
    let [_, second] = &arrivals[..] else {
        return findings.broken("a second attempt is one more", said(&result));
    };
    let Some(key) = &first.key else { return };
    findings.law(
        "all attempts share one key",
        second.key.as_ref() == Some(key),
        || format!("{key:?}, then {:?}", second.key),
    );
    let own = delivery.attempt().key;
    findings.law("the key is that of the attempt", key.contains(own), || {
        format!("{key:?}, not {own:?}")
    });
}

async fn at_the_same_time(findings: &mut Findings<'_>) {
    let Some(trial) = findings.arrange(Situation::Accepts).await else {
        return;
    };
    let host = &trial.stage.host;
    let deliveries = ["one", "two", "three", "four"]
        .map(|word| findings.delivery(word, word).host(host.clone()));
    let target = trial.target.as_ref();
    let [a, b, c, d] = &deliveries;
    let (a, b, c, d) = tokio::join!(a.to(target), b.to(target), c.to(target), d.to(target));
    let results = [a, b, c, d];
    for failed in results.iter().filter(|result| result.is_err()) {
        findings.broken("deliveries at the same time all succeed", said(failed));
    }
    let mut subjects: Vec<String> = trial
        .arrivals(4)
        .await
        .into_iter()
        .map(|arrival| arrival.subject)
        .collect();
    subjects.sort();
    findings.law(
        "deliveries at the same time all arrive",
        subjects == ["four", "one", "three", "two"],
        || format!("{subjects:?}"),
    );
}

async fn to_some_recipients(findings: &mut Findings<'_>) {
    let law = "an attempt reaches only its recipients";
    let Some(trial) = findings.arrange(Situation::Accepts).await else {
        return;
    };
    let all = findings
        .delivery(SUBJECT, TEXT)
        .host(trial.stage.host.clone());
    findings.attempt(&trial, &all).await;
    let Some(first) = trial.arrivals(1).await.into_iter().next() else {
        return;
    };
    let second = match &first.recipients[..] {
        [] => return,
        [_, second] => second,
        other => {
            return findings.broken(
                law,
                format!("Accepts has {} recipients, not two", other.len()),
            );
        }
    };
    let some = findings
        .delivery(SUBJECT, TEXT)
        .host(trial.stage.host.clone())
        .only_to(&[second]);
    let Some(result) = findings.attempt(&trial, &some).await else {
        return;
    };
    let got = trial.arrivals(2).await.pop().unwrap_or_default().recipients;
    findings.law(law, result.is_ok() && got == [second.as_str()], || {
        format!("{got:?}, {}", said(&result))
    });
}

async fn one_recipient_refused(findings: &mut Findings<'_>) {
    let Some(trial) = findings.arrange(Situation::RefusesOneRecipient).await else {
        return;
    };
    let delivery = findings
        .delivery(SUBJECT, TEXT)
        .host(trial.stage.host.clone());
    let Some(result) = findings.attempt(&trial, &delivery).await else {
        return;
    };
    let law = "a refused recipient fails alone";
    let Ok(receipt) = &result else {
        return findings.broken(law, said(&result));
    };
    let kinds: Vec<_> = receipt
        .refused
        .iter()
        .map(|(_, failure)| failure.kind())
        .collect();
    findings.law(law, kinds == [FailureKind::Rejected], || {
        format!("refused: {:?}", receipt.refused)
    });
    let got: Vec<_> = trial
        .arrivals(1)
        .await
        .into_iter()
        .map(|arrival| arrival.recipients)
        .collect();
    findings.law(law, matches!(&got[..], [one] if one.len() == 1), || {
        format!("it went to {got:?}")
    });
}

/// The attempt fails with one of these kinds; certain failures leave nothing behind.
async fn refused(findings: &mut Findings<'_>, situation: Situation, kinds: &[FailureKind]) {
    let Some((trial, result)) = deliver(findings, situation, Duration::from_secs(30)).await else {
        return;
    };
    let kind = result.as_ref().err().map(Failure::kind);
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    findings.law(
        "a failure is of its kind",
        kind.is_some_and(|kind| kinds.contains(&kind)),
        || {
            format!(
                "{situation}: expected {}, but {}",
                names.join(" or "),
                said(&result)
            )
        },
    );
    if matches!(situation, Situation::BadCredentials | Situation::Untrusted) {
        let count = trial.arrived().await.len();
        findings.law("who is not trusted gets nothing", count == 0, || {
            format!("{situation}: {count} arrived")
        });
    }
}

/// Arranges, delivers once within `time`; none when that is not possible.
async fn deliver(
    findings: &mut Findings<'_>,
    situation: Situation,
    time: Duration,
) -> Option<(Trial, Result<Receipt, Failure>)> {
    let trial = findings.arrange(situation).await?;
    let delivery = findings
        .delivery(SUBJECT, TEXT)
        .host(trial.stage.host.clone());
    let (begun, delivery) = (Instant::now(), delivery.within(time));
    let result = findings.attempt(&trial, &delivery).await?;
    let late = begun.elapsed().saturating_sub(time);
    findings.law("an attempt ends before its deadline", late < SLACK, || {
        format!("{situation}: {late:?} after a deadline of {time:?}")
    });
    Some((trial, result))
}

async fn delay_is_passed_on(findings: &mut Findings<'_>) {
    let delay = Duration::from_secs(77);
    let Some((_, result)) = deliver(
        findings,
        Situation::TryLaterAfter(delay),
        Duration::from_secs(30),
    )
    .await
    else {
        return;
    };
    let right = matches!(&result, Err(failure)
        if failure.kind() == FailureKind::Unavailable && failure.asked_delay() == Some(delay));
    findings.law("the delay that was asked for is passed on", right, || {
        let asked = result.as_ref().err().and_then(Failure::asked_delay);
        format!("{asked:?}, not {delay:?}; {}", said(&result))
    });
}

async fn silent_before_sending(findings: &mut Findings<'_>) {
    let situation = Situation::SilentBeforeSending;
    let Some((_, result)) = deliver(findings, situation, SHORT).await else {
        return;
    };
    let kind = result.as_ref().err().map(Failure::kind);
    findings.law(
        "silence before the message is unavailable",
        kind == Some(FailureKind::Unavailable),
        || said(&result),
    );
}

async fn silent_after_sending(findings: &mut Findings<'_>) {
    // On a busy machine the deadline may pass before the message is out. That
    // attempt says nothing about this law, and is made again with more time.
    for time in [SHORT, SHORT * 4, SHORT * 16, SHORT * 64] {
        let situation = Situation::SilentAfterSending;
        let Some((trial, result)) = deliver(findings, situation, time).await else {
            return;
        };
        let kind = result.as_ref().err().map(Failure::kind);
        if trial.arrived().await.is_empty() && kind == Some(FailureKind::Unavailable) {
            continue;
        }
        return findings.law(
            "silence after the message is uncertain",
            kind == Some(FailureKind::Uncertain),
            || said(&result),
        );
    }
    findings.broken(
        "silence after the message is uncertain",
        "the message never got out",
    );
}

/// Only its end is prescribed: the status may have come before the flood.
async fn endless(findings: &mut Findings<'_>) {
    deliver(findings, Situation::Endless, Duration::from_secs(2)).await;
}

async fn deadline_has_passed(findings: &mut Findings<'_>) {
    let Some((trial, result)) = deliver(findings, Situation::Accepts, Duration::ZERO).await else {
        return;
    };
    let kind = result.as_ref().err().map(Failure::kind);
    let count = trial.arrived().await.len();
    let right = kind == Some(FailureKind::Unavailable) && count == 0;
    findings.law("nothing is sent after the deadline", right, || {
        format!("{count} arrived, {}", said(&result))
    });
}

async fn behind_proxy(findings: &mut Findings<'_>) {
    let Some((trial, result)) =
        deliver(findings, Situation::BehindProxy, Duration::from_secs(30)).await
    else {
        return;
    };
    let arrived = trial.arrivals(1).await.len();
    let through = trial.stage.probe.through_proxy();
    let right = result.is_ok() && arrived == 1 && through > 0;
    findings.law("the proxy of the host is used", right, || {
        format!(
            "{arrived} arrived, {through} through the proxy, {}",
            said(&result)
        )
    });
}
