//! Laws of what is put.

use notify_core::{
    Content, Counts, Entry, EventRecord, ForwardedMail, JobState, LegacyMail, Millis, NewJob,
    OpenFor, Put, SpoolErrorKind,
};
use tokio::task::JoinSet;

use super::sample::{NOW, arrived, dead, entry, failed, id};
use super::stage::{Broken, Findings, Stage, holds, refused, same};

pub(super) async fn laws(findings: &mut Findings<'_>) {
    findings.law("what is put is there, whole", whole).await;
    findings
        .law("an event without deliveries is kept", no_deliveries)
        .await;
    findings
        .law("a put is all or nothing", all_or_nothing)
        .await;
    findings.law("a key is put once, however often", once).await;
    findings
        .law("a key is put once, from many tasks at once", once_of_many)
        .await;
    findings
        .law("what was put is there when it is opened anew", anew)
        .await;
}

/// Entries with everything that an entry can have.
fn rich() -> [Entry; 2] {
    let mut template = entry(1, &[], NOW);
    template.event.fields.insert(
        "hostname".to_owned(),
        "„Büro\" \u{0}\u{1b}[0m \u{1F600}".to_owned(),
    );
    template.event.timestamp = -1;
    template.event.content = Content::Template {
        name: "vzdump".to_owned(),
        data: serde_json::json!({ "deep": [{ "": null, "n": 1.5, "big": u64::MAX, "low": i64::MIN }] }),
    };
    template.trace = "not \"read\" by the spool\n\u{0}".to_owned();
    template.jobs = vec![
        NewJob::first("ops", NOW),
        NewJob {
            target: "tëst'; --".to_owned(),
            due: Millis(0),
            recipients: Some(vec!["a@example.com".to_owned(), String::new()]),
            attempts: 7,
        },
    ];
    let mut mail = entry(2, &["root"], NOW);
    mail.event.content = Content::Mail(ForwardedMail {
        raw: (0..=255).cycle().take(100_000).collect::<Vec<u8>>().into(),
        title: "Cron <root@pve1> ·".to_owned(),
        text: "text\r\n".repeat(1000),
    });
    mail.legacy = Some(LegacyMail {
        recipients: vec!["root@pam".to_owned()],
        author: "Proxmox VE".to_owned(),
    });
    [template, mail]
}

async fn whole(stage: &Stage<'_>) -> Result<(), Broken> {
    for entry in rich() {
        stage.put_entry(entry).await?;
    }
    for entry in rich() {
        is_whole(stage, &entry).await?;
    }
    let counts = Counts {
        accepted: 3,
        pending: 3,
        ..Counts::default()
    };
    same("counts", stage.counts().await?, counts)?;
    let mut claimed = stage.claim(NOW).await?;
    claimed.sort_by_key(|job| job.lease.key.clone());
    let [ops, other, root] = &claimed[..] else {
        return Err(Broken(format!(
            "{} jobs were claimed, not 3",
            claimed.len()
        )));
    };
    let [template, mail] = rich();
    same("event of a job", ops.event.as_ref(), &template.event)?;
    same("event of a job", root.event.as_ref(), &mail.event)?;
    same("recipients of old", &root.legacy, &mail.legacy)?;
    same(
        "recipients",
        &other.recipients,
        &template.jobs[1].recipients,
    )?;
    let told = [ops, other, root].map(|job| (job.target.as_str(), job.attempt, job.since));
    let wanted = [("ops", 1, NOW), ("tëst'; --", 8, NOW), ("root", 1, NOW)];
    same("target, attempt and age", told, wanted)
}

/// What the record tells is what was put.
pub(super) async fn is_whole(stage: &Stage<'_>, entry: &Entry) -> Result<(), Broken> {
    let record = stage.history().event(entry.event.id).await?;
    let record = record.ok_or_else(|| Broken(format!("{} is not there", entry.event.id)))?;
    differs(&record, entry).map_or(Ok(()), |seen| Err(Broken(seen)))
}

/// What a record tells that was not put.
pub(super) fn differs(record: &EventRecord, entry: &Entry) -> Option<String> {
    let id = entry.event.id;
    if record.event != entry.event {
        return Some(format!("{id}: the event is {:?}", record.event));
    }
    if (record.accepted, &record.trace) != (entry.accepted, &entry.trace) {
        let (accepted, trace) = (record.accepted, &record.trace);
        return Some(format!(
            "{id}: accepted at {accepted:?} with trace {trace:?}"
        ));
    }
    let mut wanted: Vec<_> = entry.jobs.iter().map(|job| &job.target).collect();
    wanted.sort_unstable();
    let targets: Vec<_> = record.jobs.iter().map(|job| &job.target).collect();
    if targets != wanted {
        return Some(format!(
            "{id}: its deliveries are {targets:?}, not {wanted:?}"
        ));
    }
    let mut jobs = record.jobs.iter();
    jobs.find(|job| job.key != entry.event.key(&job.target) || job.event != id)
        .map(|job| format!("{id}: a delivery to {} is called {}", job.target, job.key))
}

async fn no_deliveries(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &[], NOW).await?;
    is_whole(stage, &entry(1, &[], NOW)).await?;
    same("counts", stage.counts().await?, Counts::default())?;
    same("claimed", stage.claimed(NOW).await?.len(), 0)
}

async fn all_or_nothing(stage: &Stage<'_>) -> Result<(), Broken> {
    let unfit = stage.spool().put(entry(1, &["a", "b", "a"], NOW)).await;
    refused("two jobs of one target", unfit, SpoolErrorKind::Unfit)?;
    let stored = stage.history().event(id(1)).await?;
    holds(stored.is_none(), || {
        "the event of a put that failed is there".to_owned()
    })?;
    same(
        "counts after a failure",
        stage.counts().await?,
        Counts::default(),
    )?;
    same("jobs after a failure", stage.claimed(NOW).await?.len(), 0)?;
    stage.put(1, &["a", "b"], NOW).await?;
    is_whole(stage, &entry(1, &["a", "b"], NOW)).await
}

async fn once(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.put(1, &["a"], NOW).await?;
    known(stage, 1, "pending").await?;
    let job = stage.claim_one(NOW).await?;
    known(stage, 1, "leased").await?;
    stage.settle(&job.lease, arrived(NOW), NOW).await?;
    known(stage, 1, "delivered").await?;
    stage.put(2, &["a"], NOW).await?;
    stage.attempt(failed(NOW, dead("no")), NOW).await?;
    known(stage, 2, "dead").await?;
    same("jobs after all", stage.claimed(NOW).await?.len(), 0)
}

/// Puts an event again, with another delivery. Nothing changes.
async fn known(stage: &Stage<'_>, number: u64, when: &str) -> Result<(), Broken> {
    let before = (stage.counts().await?, stage.jobs(number).await?);
    let mut again = entry(number, &["a", "b"], Millis(NOW.0 + 1));
    again.trace = "another".to_owned();
    let put = stage.spool().put(again).await?;
    same(&format!("put again when {when}"), put, Put::Known)?;
    let after = (stage.counts().await?, stage.jobs(number).await?);
    same(&format!("put again when {when}"), after, before)?;
    is_whole(stage, &entry(number, &["a"], NOW)).await
}

async fn once_of_many(stage: &Stage<'_>) -> Result<(), Broken> {
    let other = stage.again(OpenFor::Write)?;
    for number in 0..20 {
        let mut tasks = JoinSet::new();
        for task in 0..8 {
            let opened = if task % 2 == 0 {
                stage.opened()
            } else {
                &other
            };
            let spool = opened.spool.clone();
            tasks.spawn(async move { spool.put(entry(number, &["a", "b"], NOW)).await });
        }
        let mut stored = 0;
        while let Some(answer) = tasks.join_next().await {
            stored += usize::from(answer?? == Put::Stored);
        }
        same("how many of 8 tasks stored one event", stored, 1)?;
    }
    let counts = Counts {
        accepted: 40,
        pending: 40,
        ..Counts::default()
    };
    same("counts", stage.counts().await?, counts)?;
    let claimed = stage.claimed(NOW).await?;
    same("how many of 40 were claimed", claimed.len(), 40)
}

async fn anew(stage: &Stage<'_>) -> Result<(), Broken> {
    for number in 0..10 {
        stage.put(number, &["a", "b"], NOW).await?;
    }
    let jobs = stage.claim(NOW).await?;
    for job in jobs.iter().filter(|job| job.target == "a") {
        stage.settle(&job.lease, arrived(NOW), NOW).await?;
    }
    let counts = stage.counts().await?;
    let again = stage.again(OpenFor::Work)?;
    same("alarms", again.alarms.len(), 0)?;
    same("counts", again.spool.counts().await?, counts)?;
    for number in 0..10 {
        let record = again.history.event(id(number)).await?;
        let record = record.ok_or_else(|| Broken(format!("event {number} is not there")))?;
        let wanted = entry(number, &["a", "b"], NOW);
        if let Some(seen) = differs(&record, &wanted) {
            return Err(Broken(seen));
        }
        let states: Vec<_> = record.jobs.iter().map(|job| job.state).collect();
        same(
            "states",
            states,
            vec![JobState::Delivered, JobState::Pending],
        )?;
    }
    Ok(())
}
