//! `notify demo`: events travel to receivers on this machine; nothing leaves it.

mod arrivals;
mod daemon;
mod script;
mod stage;

use std::time::Duration;

use notify_api::protocol::EventState;
use notify_bus::Report;
use notify_core::{JobState, Notification, Zone};

use self::arrivals::Arrival;
use self::daemon::Daemon;
use self::script::Scene;
use self::stage::Stage;
use crate::args;
use crate::console::Console;
use crate::event::{block_on, notification};
use crate::exit::{Answer, Exit, Stop};

/// How often the demonstration looks for what else has arrived.
const LOOK: Duration = Duration::from_millis(200);

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
    stage.check()?;
    let daemon = Daemon::start(&stage)?;
    let (mut wrong, mut expected) = (0, 0);
    for scene in script::scenes() {
        let event = event(&scene)?;
        console.note(format!("{}\n  {}", scene.story, headline(&event)));
        if scene.relay_is_down {
            stage.relay_goes_down();
        }
        let report = daemon.deliver(&event, |state| {
            if scene.relay_is_down && tell_retries(state, console) {
                stage.relay_comes_up();
            }
        })?;
        console.note(format!("  matchers: {}", report.matchers.join(", ")));
        wrong += show(&scene, &report, &stage, console);
        expected += scene.expected.len();
        console.note("");
    }
    let arrived: usize = stage.arrivals().iter().map(Vec::len).sum();
    if wrong > 0 || arrived != expected {
        return Err(Stop::failed(format!(
            "{expected} messages were expected, {arrived} arrived, {wrong} times not as expected"
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

/// Shows the deliveries that failed and are made again; whether there are any.
fn tell_retries(state: &EventState, console: &Console) -> bool {
    let mut any = false;
    for target in &state.targets {
        let Some(last) = target
            .last
            .as_ref()
            .filter(|_| target.state == JobState::Pending)
        else {
            continue;
        };
        any = true;
        console.note(format!(
            "  {}  {}: {} ({}), attempt {} comes by itself",
            console.doubtful("is down"),
            target.name,
            last.detail.as_deref().unwrap_or_default(),
            last.outcome,
            target.attempts + 1
        ));
    }
    any
}

fn event(scene: &Scene) -> Result<Notification, Stop> {
    let event = scene.event();
    notification(event.severity, scene.timestamp, event.fields, event.content)
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

/// Shows what arrived of one event; how often it was not as expected.
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
        let arrivals = stage.arrivals();
        let of_key: Vec<&Arrival> = arrivals
            .iter()
            .flatten()
            .filter(|one| one.key == key)
            .collect();
        match &of_key[..] {
            [arrival] => console.note(format!(
                "  {}  {}",
                console.good("arrived"),
                format_args!("{} <- {}", target.name, said(arrival))
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
        let mut seen = stage.arrivals().map(|arrivals| arrivals.len());
        let stop = tokio::signal::ctrl_c();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                _ = &mut stop => break,
                () = tokio::time::sleep(LOOK) => {}
            }
            for (arrivals, seen) in stage.arrivals().iter().zip(&mut seen) {
                for arrival in arrivals.iter().skip(*seen) {
                    console.line(format!("arrived  {}", said(arrival)));
                }
                *seen = arrivals.len();
            }
        }
    })
}

fn said(arrival: &Arrival) -> String {
    format!(
        "{}: {} [{}]",
        arrival.receiver, arrival.subject, arrival.detail
    )
}
