//! The daemon under load: from a client's request to the arrival at receivers on loopback.
//!
//! Prints one line of JSON a figure. The program is the one that `NOTIFY_BIN`
//! names; `cargo xtask bench` builds it for release and sets it. The receivers
//! and the clients run on the same machine and take their share of it.

mod clients;
mod machine;
mod sinks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clients::{Clients, report_of_ten_guests};
use machine::Daemon;
use sinks::{HttpSink, Silence, SmtpSink};

/// Events of one throughput figure.
const EVENTS: u64 = 6_000;
/// Clients that send at the same time, each waiting for each answer.
const CLIENTS: usize = 64;

/// Measures and reports.
type Measure = fn();

fn main() {
    let wanted = std::env::args()
        .nth(1)
        .filter(|word| !word.starts_with("--"))
        .unwrap_or_default();
    let measures: [(&str, Measure); 4] = [
        ("program/daemon/three-targets", three_targets),
        ("program/daemon/smtp", smtp_alone),
        ("program/daemon/beside-silence", beside_silence),
        ("program/daemon/idle", idle),
    ];
    for (name, measure) in measures {
        if name.contains(&wanted) {
            measure();
        }
    }
}

/// A backup report to three targets: accepted, rendered, delivered.
fn three_targets() {
    let arrived = Arc::new(AtomicU64::new(0));
    let (smtp, push, hook) = (
        SmtpSink::start(&arrived),
        HttpSink::start(&arrived),
        HttpSink::start(&arrived),
    );
    let targets = smtp.section("mail") + &push.gotify("push") + &hook.webhook("hook");
    let daemon = Daemon::start(&targets, &["mail", "push", "hook"]);
    let rate = sustained(&daemon, &arrived, 3);
    report("program/daemon/three-targets", rate, "/s");
    report(
        "program/daemon/memory-under-load",
        daemon.peak_megabytes(),
        "MB",
    );
}

fn smtp_alone() {
    let arrived = Arc::new(AtomicU64::new(0));
    let smtp = SmtpSink::start(&arrived);
    let daemon = Daemon::start(&smtp.section("mail"), &["mail"]);
    report("program/daemon/smtp", sustained(&daemon, &arrived, 1), "/s");
}

/// Events a second, from the first request to the last arrival at the last target.
fn sustained(daemon: &Daemon, arrived: &AtomicU64, targets: u64) -> f64 {
    let request = report_of_ten_guests();
    let start = Instant::now();
    let accepted = Clients::new(daemon.socket(), CLIENTS).send(EVENTS, |_| request.clone());
    let accepting = start.elapsed();
    assert_eq!(accepted, EVENTS, "each is accepted");
    wait_for(|| arrived.load(Ordering::Relaxed) >= EVENTS * targets);
    let all = start.elapsed();
    eprintln!(
        "# {EVENTS} events to {targets} targets: accepted in {accepting:.2?}, arrived in {all:.2?}"
    );
    assert_eq!(
        arrived.load(Ordering::Relaxed),
        EVENTS * targets,
        "each arrives once"
    );
    EVENTS as f64 / all.as_secs_f64()
}

/// Two targets that work beside one that takes the connection and says nothing.
fn beside_silence() {
    let arrived = Arc::new(AtomicU64::new(0));
    let (push, hook, silence) = (
        HttpSink::start(&arrived),
        HttpSink::start(&arrived),
        Silence::start(),
    );
    let targets = push.gotify("push") + &hook.webhook("hook") + &silence.gotify("silent");
    let daemon = Daemon::start(&targets, &["push", "hook", "silent"]);
    const COUNT: u64 = 1_000;
    const PACE: Duration = Duration::from_millis(10);
    let clients = Clients::new(daemon.socket(), 1);
    let sent = clients.send_paced(COUNT, PACE);
    wait_for(|| arrived.load(Ordering::Relaxed) >= COUNT * 2);
    let mut delays: Vec<f64> = [push, hook]
        .iter()
        .flat_map(HttpSink::arrivals)
        .filter_map(|(number, at)| {
            let begun = sent.get(usize::try_from(number).ok()?)?;
            Some(at.saturating_duration_since(*begun).as_secs_f64() * 1e3)
        })
        .collect();
    assert_eq!(delays.len() as u64, COUNT * 2, "each arrival is known");
    delays.sort_by(f64::total_cmp);
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    report("program/daemon/beside-silence-p50", at(0.5), "ms");
    report("program/daemon/beside-silence-p99", at(0.99), "ms");
}

/// What a daemon costs that has nothing to do.
fn idle() {
    let sink = HttpSink::start(&Arc::new(AtomicU64::new(0)));
    let daemon = Daemon::start(&sink.gotify("push"), &["push"]);
    // What the start leaves to do is done by then.
    std::thread::sleep(Duration::from_secs(2));
    let before = daemon.wake_ups();
    const WATCHED: Duration = Duration::from_secs(20);
    std::thread::sleep(WATCHED);
    // A thread that has ended since is not counted; one that began has woken up.
    let woken: u64 = daemon
        .wake_ups()
        .iter()
        .map(|(thread, count)| count - before.get(thread).unwrap_or(&0))
        .sum();
    report("program/daemon/idle-memory", daemon.megabytes(), "MB");
    report(
        "program/daemon/idle-wake-ups-per-minute",
        woken as f64 * 60.0 / WATCHED.as_secs_f64(),
        "x",
    );
}

/// Looks until it holds.
fn wait_for(holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "it takes over two minutes");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn report(name: &str, value: f64, unit: &str) {
    println!(r#"{{"name": "{name}", "value": {value:.3}, "unit": "{unit}"}}"#);
}
