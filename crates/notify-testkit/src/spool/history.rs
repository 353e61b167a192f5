//! Laws of the record.

use std::time::Duration;

use notify_core::{
    AttemptRecord, Content, EventSummary, ForwardedMail, Handling, HistoryQuery, JobState, Millis,
    Outcome, Seen, Selection, Severity, Watched,
};

use super::number_of;
use super::sample::{NOW, arrived, dead, entry, failed, id, retry};
use super::stage::{Broken, Findings, Stage, holds, same};

pub(super) async fn laws(findings: &mut Findings<'_>) {
    findings
        .law("a list shows what a person looks for", summaries)
        .await;
    findings.law("each filter restricts a list", filters).await;
    findings
        .law("pages join without gap or repetition", pages)
        .await;
    findings
        .law("events are found by a range of ids", ranges)
        .await;
    findings
        .law("deliveries are listed, the oldest first", deliveries)
        .await;
    findings
        .law("the last attempts of each target are known", last)
        .await;
    findings
        .law("a watcher sees everything once", watching)
        .await;
    findings
        .law("what is told of people's deeds is true", handled)
        .await;
}

async fn summaries(stage: &Stage<'_>) -> Result<(), Broken> {
    let mut mail = entry(2, &[], NOW);
    mail.event.fields.remove("type");
    mail.event.content = Content::Mail(ForwardedMail {
        raw: b"\xff".as_slice().into(),
        title: "Cron".to_owned(),
        text: String::new(),
    });
    stage.put(1, &["b", "a"], NOW).await?;
    stage.put_entry(mail).await?;
    let job = stage.claim_of("b", NOW).await?;
    stage.settle(&job.lease, arrived(NOW), NOW).await?;
    let wanted = vec![
        EventSummary {
            id: id(2),
            accepted: NOW,
            timestamp: NOW.seconds(),
            severity: Severity::ALL[2],
            kind: None,
            title: "Cron".to_owned(),
            jobs: Vec::new(),
        },
        EventSummary {
            id: id(1),
            accepted: NOW,
            timestamp: NOW.seconds(),
            severity: Severity::ALL[1],
            kind: Some("test".to_owned()),
            title: "Event 1".to_owned(),
            jobs: vec![
                ("a".to_owned(), JobState::Pending),
                ("b".to_owned(), JobState::Delivered),
            ],
        },
    ];
    let list = stage.history().events(&HistoryQuery::default()).await?;
    same("the list", list, wanted)?;
    let unknown = stage.history().event(id(3)).await?;
    holds(unknown.is_none(), || "an unknown event is known".to_owned())
}

fn seconds(count: u64) -> Millis {
    NOW.plus(Duration::from_secs(count))
}

/// Events 0 to 9, a second apart. Even ones go to `a` and arrive, those of 3 to `b` and die.
async fn ten(stage: &Stage<'_>) -> Result<(), Broken> {
    for number in 0..10 {
        let targets: &[&str] = match (number % 2, number % 3) {
            (0, 0) => &["a", "b"],
            (0, _) => &["a"],
            (_, 0) => &["b"],
            _ => &[],
        };
        let mut entry = entry(number, targets, seconds(number));
        if number == 9 {
            entry.event.fields.remove("type");
        } else if number >= 5 {
            let kind = "vzdump".to_owned();
            entry.event.fields.insert("type".to_owned(), kind);
        }
        stage.put_entry(entry).await?;
    }
    for job in stage.claim(seconds(9)).await? {
        let settlement = match (job.target.as_str(), number_of(job.event.id)) {
            ("a", _) => arrived(seconds(9)),
            (_, 6) => failed(seconds(9), retry(seconds(99))),
            _ => failed(seconds(9), dead("no")),
        };
        stage.settle(&job.lease, settlement, seconds(9)).await?;
    }
    Ok(())
}

/// What is asked, how, and the numbers of those of the [`ten`] events that are meant.
type Case = (&'static str, fn(&mut HistoryQuery), &'static [u64]);

const CASES: [Case; 12] = [
    ("all", |_| {}, &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
    ("since", |query| query.since = Some(seconds(7)), &[9, 8, 7]),
    ("until", |query| query.until = Some(seconds(2)), &[1, 0]),
    ("type", |query| query.kind = name("vzdump"), &[8, 7, 6, 5]),
    (
        "severity",
        |query| query.severity = Some(Severity::ALL[3]),
        &[8, 3],
    ),
    ("target", |query| query.target = name("b"), &[9, 6, 3, 0]),
    (
        "state",
        |query| query.state = Some(JobState::Delivered),
        &[8, 6, 4, 2, 0],
    ),
    ("state of the target", delivered_to_b, &[]),
    (
        "pending",
        |query| query.state = Some(JobState::Pending),
        &[6],
    ),
    ("before", |query| query.before = Some(id(3)), &[2, 1, 0]),
    ("most", |query| query.most = 2, &[9, 8]),
    ("everything at once", everything, &[3]),
];

fn delivered_to_b(query: &mut HistoryQuery) {
    query.target = name("b");
    query.state = Some(JobState::Delivered);
}

fn everything(query: &mut HistoryQuery) {
    *query = HistoryQuery {
        since: Some(seconds(1)),
        until: Some(seconds(9)),
        kind: name("test"),
        severity: Some(Severity::ALL[3]),
        target: name("b"),
        state: Some(JobState::Dead),
        before: Some(id(8)),
        most: 5,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a query holds")]
fn name(name: &str) -> Option<String> {
    Some(name.to_owned())
}

async fn filters(stage: &Stage<'_>) -> Result<(), Broken> {
    ten(stage).await?;
    for (name, ask, wanted) in CASES {
        let mut query = HistoryQuery::default();
        ask(&mut query);
        same(name, listed(stage, &query).await?, wanted.to_vec())?;
    }
    Ok(())
}

/// The numbers of the events in a list.
async fn listed(stage: &Stage<'_>, query: &HistoryQuery) -> Result<Vec<u64>, Broken> {
    let list = stage.history().events(query).await?;
    Ok(list.into_iter().map(|event| number_of(event.id)).collect())
}

async fn pages(stage: &Stage<'_>) -> Result<(), Broken> {
    // All accepted in one moment, so that the time alone cannot tell them apart.
    for number in 0..23 {
        stage.put(number, &["a"], NOW).await?;
    }
    let mut query = HistoryQuery {
        most: 5,
        ..HistoryQuery::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = listed(stage, &query).await?;
        let Some(last) = page.last() else { break };
        query.before = Some(id(*last));
        seen.extend(page);
        // So that a store that never ends a list does not hold the test.
        holds(seen.len() <= 23, || format!("the pages show {seen:?}"))?;
        // What is new comes before the first page.
        stage
            .put(1000 + *seen.last().unwrap_or(&0), &[], NOW)
            .await?;
    }
    same("the pages", seen, (0..23).rev().collect())
}

async fn ranges(stage: &Stage<'_>) -> Result<(), Broken> {
    for number in 0..10 {
        stage.put(number, &[], NOW).await?;
    }
    for (first, last, most, wanted) in [(3, 5, 9, 3), (7, 7, 9, 1), (0, 9, 4, 4), (20, 30, 9, 0)] {
        let ids = stage.history().ids(id(first), id(last), most).await?;
        let range = id(first)..=id(last);
        let foreign = ids.iter().find(|id| !range.contains(id));
        holds(foreign.is_none(), || format!("{foreign:?} is not in range"))?;
        same("how many", ids.len(), wanted)?;
    }
    Ok(())
}

async fn deliveries(stage: &Stage<'_>) -> Result<(), Broken> {
    ten(stage).await?;
    let numbers = async |states: &[JobState], target, most| {
        let jobs = stage.history().jobs(states, target, most).await?;
        let told = jobs
            .into_iter()
            .map(|job| (number_of(job.event), job.target));
        Ok::<_, Broken>(told.collect::<Vec<_>>())
    };
    let wanted = |target: &str, numbers: &[u64]| {
        let told = numbers.iter().map(|number| (*number, target.to_owned()));
        told.collect::<Vec<_>>()
    };
    let (dead, pending) = (JobState::Dead, JobState::Pending);
    same(
        "the dead",
        numbers(&[dead], None, 99).await?,
        wanted("b", &[0, 3, 9]),
    )?;
    same(
        "at most two",
        numbers(&[dead, pending], None, 2).await?,
        wanted("b", &[0, 3]),
    )?;
    same(
        "of a target",
        numbers(&JobState::ALL, Some("b"), 99).await?,
        wanted("b", &[0, 3, 6, 9]),
    )?;
    same(
        "of an unknown target",
        numbers(&JobState::ALL, Some("c"), 99).await?,
        vec![],
    )?;
    let jobs = stage.history().jobs(&[dead], None, 1).await?;
    let told = stage.jobs(0).await?.pop();
    same("a delivery in a list", jobs.first(), told.as_ref())
}

async fn last(stage: &Stage<'_>) -> Result<(), Broken> {
    let history = stage.history();
    same("at first", history.last_attempts().await?.len(), 0)?;
    stage.put(1, &["b", "a"], NOW).await?;
    stage.put(2, &["a", "c"], NOW).await?;
    for (step, target, settlement) in [
        (1, "a", arrived(NOW)),
        (2, "a", failed(NOW, retry(NOW))),
        (3, "b", failed(NOW, dead("no"))),
        (4, "a", failed(NOW, dead("no"))),
    ] {
        let now = seconds(step);
        let job = stage.claim_of(target, now).await?;
        stage.settle(&job.lease, settlement, now).await?;
    }
    let told: Vec<_> = history
        .last_attempts()
        .await?
        .into_iter()
        .map(|(target, success, failure)| (target, success.map(ended), failure.map(ended)))
        .collect();
    let wanted = vec![
        ("a".to_owned(), Some(seconds(1)), Some(seconds(4))),
        ("b".to_owned(), None, Some(seconds(3))),
    ];
    same("when the last ended", told, wanted)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is given to Option::map, which has the value"
)]
fn ended(attempt: AttemptRecord) -> Millis {
    attempt.ended
}

async fn watching(stage: &Stage<'_>) -> Result<(), Broken> {
    let history = stage.history();
    stage.put(1, &["a"], NOW).await?;
    stage.attempt(failed(NOW, retry(NOW)), NOW).await?;
    let now = history.seen_all().await?;
    let (none, seen) = history.watch(now, 10).await?;
    same("what is old", (none.len(), seen), (0, now))?;
    stage.put(2, &["a"], NOW).await?;
    stage.put(3, &[], NOW).await?;
    let mut jobs = stage.claim(NOW).await?;
    jobs.sort_by_key(|job| job.event.id);
    for (step, job) in (1..).zip(jobs) {
        let settlement = match number_of(job.event.id) {
            1 => arrived(NOW),
            _ => failed(NOW, dead("no")),
        };
        stage.settle(&job.lease, settlement, seconds(step)).await?;
    }
    let wanted = [
        "2 accepted",
        "3 accepted",
        "1 attempt 2 delivered, delivered",
        "2 attempt 1 unavailable, dead",
    ];
    for most in [1, 2, 100] {
        let told = watch(stage, now, most).await?;
        let what = format!("what is new, {most} at once");
        same(&what, told, wanted.map(str::to_owned).to_vec())?;
    }
    let from_the_first = watch(stage, Seen::default(), 100).await?;
    same("all", from_the_first.len(), 6)
}

/// What a watcher sees: first the events, then the attempts.
async fn watch(stage: &Stage<'_>, mut seen: Seen, most: usize) -> Result<Vec<String>, Broken> {
    let (mut events, mut attempts) = (Vec::new(), Vec::new());
    loop {
        let (new, next) = stage.history().watch(seen, most).await?;
        if new.is_empty() {
            events.append(&mut attempts);
            return Ok(events);
        }
        holds(next != seen, || "a watcher does not get on".to_owned())?;
        seen = next;
        for watched in new {
            match watched {
                Watched::Accepted(event) => {
                    events.push(format!("{} accepted", number_of(event.id)));
                }
                Watched::Attempted {
                    key,
                    state,
                    attempt,
                    ..
                } => attempts.push(attempted(&key, state, &attempt)),
                Watched::Handled { how, number, .. } => {
                    attempts.push(format!("{} {number}", how.name()));
                }
            }
        }
        holds(events.len().max(attempts.len()) <= 10, || {
            "a watcher sees the same again".to_owned()
        })?;
    }
}

/// A store may tell nothing of them.
async fn handled(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a", "b"], NOW).await?;
    stage.put(2, &["a"], NOW).await?;
    let spool = &stage.opened().spool;
    let seen = stage.history().seen_all().await?;
    let one = Selection::Key(format!("{}.b", id(1)));
    spool
        .revive(&Selection::Target("a".to_owned()), NOW)
        .await?;
    spool.cancel(&one, NOW).await?;
    spool.cancel(&one, NOW).await?;
    spool.cancel(&Selection::All, NOW).await?;
    let (told, next) = stage.history().watch(seen, 100).await?;
    let handled = |how, which, number| Watched::Handled {
        at: NOW,
        how,
        which,
        number,
    };
    let wanted = vec![
        handled(Handling::Retried, Selection::Target("a".to_owned()), 2),
        handled(Handling::Dropped, one, 1),
        handled(Handling::Dropped, Selection::All, 2),
    ];
    if !told.is_empty() {
        same("what people did", told, wanted)?;
    }
    let (again, _) = stage.history().watch(next, 100).await?;
    same("what is told again", again, vec![])
}

fn attempted(key: &str, state: JobState, attempt: &AttemptRecord) -> String {
    let event = key.split('.').next().unwrap_or_default();
    let number = event.parse().map(number_of).unwrap_or_default();
    let outcome: Outcome = attempt.outcome;
    let (count, state) = (attempt.number, state.name());
    format!("{number} attempt {count} {}, {state}", outcome.name())
}
