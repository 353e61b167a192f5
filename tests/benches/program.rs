//! The program from start to exit, sending to receivers on loopback.
//!
//! Prints one line of JSON a figure. The program is the one that `NOTIFY_BIN`
//! names; `cargo xtask bench` builds it for release and sets it.

use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Instant;

use notify_testkit::http::{self, Answer, Response};
use notify_testkit::{Gate, gotify, smtp, tls};
use notify_tests::Notify;

/// Runs a figure is the median of, after the first few.
const RUNS: usize = 60;
const WARM_UP: usize = 5;

const TOKEN: &str = "A.bench-token";
const EVENT: [&str; 7] = [
    "send",
    "--severity",
    "error",
    "--title",
    "Backup failed",
    "--message",
    "disk full",
];

/// Measures and reports under the name it is given.
type Measure = fn(&str);

fn main() {
    let wanted = std::env::args()
        .nth(1)
        .filter(|word| !word.starts_with("--"))
        .unwrap_or_default();
    let measures: [(&str, Measure); 8] = [
        ("program/spawn-true", spawn_true),
        ("program/send-http", send_http),
        ("program/send-https", send_https),
        ("program/send-starttls", send_starttls),
        ("program/send-memory", send_memory),
        ("program/forward-dry-run", forward_dry_run),
        ("program/forward-http", forward_http),
        ("program/forward-drop", forward_drop),
    ];
    for (name, measure) in measures {
        if name.contains(&wanted) {
            measure(name);
        }
    }
}

/// The machine's own floor: starting and waiting for a program that does nothing.
fn spawn_true(name: &str) {
    report_median(name, || {
        std::process::Command::new("/bin/true")
            .status()
            .expect("/bin/true runs");
    });
}

fn send_http(name: &str) {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let notify = with_gotify(&server.url(), "");
    report_median(name, || sent(&notify));
    assert_eq!(
        server.messages().len(),
        RUNS + WARM_UP,
        "every run delivers"
    );
}

fn send_https(name: &str) {
    let authority = tls::Authority::new();
    let server = gotify::Server::start(gotify::Options::token(TOKEN).tls(authority.localhost()));
    let notify = with_gotify(&server.url(), &ca_file(authority.pem_file()));
    report_median(name, || sent(&notify));
    assert_eq!(
        server.messages().len(),
        RUNS + WARM_UP,
        "every run delivers"
    );
}

fn send_starttls(name: &str) {
    let authority = tls::Authority::new();
    let options = smtp::Options::starttls(authority.localhost());
    let server =
        smtp::Server::start(options.auth(&[smtp::Mechanism::Plain], "pve1", "somepassword"));
    let public = format!(
        "smtp: relay\n\tserver localhost\n\tport {}\n\tmode starttls\n\tusername pve1\n\tfrom-address a@localhost\n\
         \tmailto b@localhost\n{}\n{}",
        server.port(),
        ca_file(authority.pem_file()),
        matcher("relay")
    );
    let notify = Notify::new().file("notifications.cfg", public).file(
        "priv/notifications.cfg",
        "smtp: relay\n\tpassword somepassword\n",
    );
    report_median(name, || sent(&notify));
    assert_eq!(
        server.messages().len(),
        RUNS + WARM_UP,
        "every run delivers"
    );
}

/// Peak resident memory of one `send`, as the kernel counts it while the answer is held back.
fn send_memory(name: &str) {
    let (asked, arrived) = mpsc::channel();
    let gate = Gate::closed();
    let held = gate.clone();
    let server = http::Server::start(move |_| {
        // The bench waits for it as long as the server lives.
        let _ = asked.send(());
        let body = serde_json::json!({"id": 1, "appid": 1, "message": "m", "title": "t"});
        Answer::RespondAfter(held.clone(), Response::json(200, &body))
    });
    let notify = with_gotify(&server.url(), "");
    let mut child = notify
        .command(&EVENT)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    arrived.recv().expect("the program sends");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    gate.open();
    assert!(
        child.wait().expect("the program ends").success(),
        "it delivers"
    );
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a kernel with VmHWM");
    let kibibytes: f64 = peak
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number of KiB");
    report(name, kibibytes * 1024.0 / 1e6, "MB");
}

/// A mail of 10 kB, as cron writes them.
fn mail() -> Vec<u8> {
    let head = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@pve1> backup\n\
                MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\n";
    let line = "INFO: 42% (13.4 GiB of 32.0 GiB) in 12s, read: 301.4 MiB/s\n";
    let mut mail = head.to_owned();
    while mail.len() < 10_000 {
        mail.push_str(line);
    }
    mail.into_bytes()
}

/// Reading a mail and deciding where it would go.
fn forward_dry_run(name: &str) {
    let notify = with_gotify("http://127.0.0.1:9", "");
    let mail = mail();
    report_median(name, || {
        let run = notify.run_with(&["forward-mail", "--dry-run", "--json"], &mail);
        let _ = run.expect_code(0);
    });
}

fn forward_http(name: &str) {
    let server = gotify::Server::start(gotify::Options::token(TOKEN));
    let notify = with_gotify(&server.url(), "");
    let mail = mail();
    report_median(name, || {
        let _ = notify.run_with(&["forward-mail"], &mail).expect_code(0);
    });
    assert_eq!(
        server.messages().len(),
        RUNS + WARM_UP,
        "every run delivers"
    );
}

/// Leaving it in the drop, synced.
fn forward_drop(name: &str) {
    let notify = Notify::new();
    let home = notify.scratch().to_str().expect("UTF-8").to_owned();
    let install = ["forward-mail", "--install", "--home", &home];
    let _ = notify.run(&install).expect_code(0);
    let drop = notify.scratch().join("state/incoming");
    let words = ["forward-mail", "--drop", drop.to_str().expect("UTF-8")];
    let mail = mail();
    report_median(name, || {
        let _ = notify.run_with(&words, &mail).expect_code(0);
    });
    let left = std::fs::read_dir(drop).expect("the drop").count();
    assert_eq!(left, 2 * (RUNS + WARM_UP), "each mail and its place");
}

fn with_gotify(url: &str, more: &str) -> Notify {
    Notify::new()
        .file(
            "notifications.cfg",
            format!("gotify: push\n\tserver {url}\n{more}\n{}", matcher("push")),
        )
        .file(
            "priv/notifications.cfg",
            format!("gotify: push\n\ttoken {TOKEN}\n"),
        )
}

fn matcher(target: &str) -> String {
    format!("matcher: default-matcher\n\ttarget {target}\n")
}

fn ca_file(path: &Path) -> String {
    format!("\tca-file {}\n", path.display())
}

fn sent(notify: &Notify) {
    let _ = notify.run(&EVENT).expect_code(0);
}

fn report_median(name: &str, mut once: impl FnMut()) {
    let mut times: Vec<f64> = (0..RUNS + WARM_UP)
        .map(|_| {
            let start = Instant::now();
            once();
            start.elapsed().as_secs_f64() * 1e3
        })
        .skip(WARM_UP)
        .collect();
    times.sort_by(f64::total_cmp);
    report(name, times[RUNS / 2], "ms");
}

fn report(name: &str, value: f64, unit: &str) {
    println!(r#"{{"name": "{name}", "value": {value:.3}, "unit": "{unit}"}}"#);
}
