//! `notify demo`: events travel to receivers on this machine; nothing leaves it.

mod arrivals;
mod script;
mod stage;

use std::time::{Duration, Instant};

use notify_bus::Report;
use notify_core::{Content, Notification, Zone};
use serde_json::json;

use self::arrivals::Arrival;
use self::script::Scene;
use self::stage::Stage;
use crate::args;
use crate::console::Console;
use crate::event::{block_on, moment, notification};
use crate::exit::{Answer, Exit, Stop};

/// How long the demonstration waits for what was sent to be seen at a receiver.
const PATIENCE: Duration = Duration::from_secs(20);

/// The zone of the demonstration, so that it is the same everywhere.
const ZONE: Zone = Zone::Named(chrono_tz::UTC);

/// `notify demo`.
pub(crate) fn demo(args: &args::Demo, console: &Console) -> Answer {
    let stage =
        Stage::set().map_err(|error| Stop::failed(format!("cannot set the stage: {error}")))?;
    console.note(format!(
        "A configuration of its own in {}:\n",
        stage.config().display()
    ));
    console.note(indented(&stage.public_text()));
    let engine = stage.engine()?;
    let mut missing = 0;
    for scene in script::scenes() {
        let event = event(&scene)?;
        console.note(format!("{}\n  {}", scene.story, headline(&event)));
        let (report, faults) = block_on(engine.send(&event, moment()))?;
        for fault in &faults {
            console.fault(fault);
        }
        console.note(format!("  matchers: {}", report.matchers.join(", ")));
        missing += show(&scene, &report, &stage, console);
        console.note("");
    }
    if missing > 0 {
        return Err(Stop::failed(format!(
            "{missing} expected arrivals were not seen"
        )));
    }
    console.note(format!(
        "{} every expected message arrived, and no other.",
        console.good("done:")
    ));
    if !args.once {
        stay(&stage, console)?;
    }
    Ok(Exit::Done)
}

fn event(scene: &Scene) -> Result<Notification, Stop> {
    let fields = scene
        .fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let data = json!({ "title": scene.title, "text": scene.text, "fields": scene.fields.iter().copied().collect::<std::collections::BTreeMap<_, _>>() });
    notification(
        scene.severity,
        scene.timestamp,
        fields,
        Content::Template {
            name: "message".to_owned(),
            data,
        },
    )
}

fn headline(event: &Notification) -> String {
    let fields: Vec<_> = event
        .fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let at = ZONE.at(event.timestamp).format("%a %Y-%m-%d %H:%M");
    format!("event: {} {} at {at}", event.severity, fields.join(" "))
}

/// Shows what arrived of one event; how many expected arrivals are missing or too many.
fn show(scene: &Scene, report: &Report, stage: &Stage, console: &Console) -> usize {
    let chosen: Vec<&str> = report
        .targets
        .iter()
        .map(|target| target.name.as_str())
        .collect();
    console.note(format!("  targets:  {}", chosen.join(", ")));
    let mut wrong = 0;
    if chosen != scene.expected {
        console.problem(format!(
            "  expected the targets {}",
            scene.expected.join(", ")
        ));
        wrong += 1;
    }
    for target in &report.targets {
        let key = format!("{}.{}", report.id, target.name);
        let arrivals = stage.arrivals(&target.name, &key, scene.title, Instant::now() + PATIENCE);
        match &arrivals[..] {
            [arrival] => console.note(format!(
                "  {}  {}",
                console.good("arrived"),
                line(&target.name, arrival)
            )),
            none_or_many => {
                wrong += 1;
                let error = target
                    .error
                    .as_ref()
                    .map(|error| error.message.as_str())
                    .unwrap_or_default();
                console.problem(format!(
                    "  {}: {} arrivals instead of 1 {error}",
                    target.name,
                    none_or_many.len()
                ));
            }
        }
    }
    wrong
}

fn line(target: &str, arrival: &Arrival) -> String {
    format!(
        "{target} <- {}: {} [{}]",
        arrival.receiver, arrival.subject, arrival.detail
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Keeps the receivers up, and shows what else arrives, until Ctrl-C.
fn stay(stage: &Stage, console: &Console) -> Result<(), Stop> {
    console.line("\nThe receivers stay up. Send to them from another terminal:\n");
    for word in [
        "notify check",
        "notify route --severity error --type vzdump --explain",
        "notify send --severity error --type vzdump --title 'Backup failed' --message 'disk full'",
    ] {
        console.line(format!("  {} {word}", stage.environment()));
    }
    console.line("\nStop with Ctrl-C.");
    block_on(async {
        let mut seen = stage.all_arrivals().len();
        let stop = tokio::signal::ctrl_c();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                _ = &mut stop => break,
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
            let all = stage.all_arrivals();
            for arrival in &all[seen.min(all.len())..] {
                console.line(format!(
                    "arrived  {}: {} [{}]",
                    arrival.receiver, arrival.subject, arrival.detail
                ));
            }
            seen = all.len();
        }
    })
}
