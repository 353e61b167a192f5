//! What accepting costs, beside what the disk and SQLite cost by themselves, and what a queue of a
//! million costs.
//!
//! Prints one line of JSON a figure. The floors are measured in the same run, in turns with what
//! stands on them, so that a busy machine slows both.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use notify_core::{
    Content, Entry, EventId, Millis, NewJob, Notification, OpenFor, Opened, Severity, SpoolPlace,
};
use notify_testkit::spool::{figures, fill};
use rusqlite::Connection;
use spool_sqlite::SQLITE;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Clients at once, and calls in a batch of the floor.
const CLIENTS: usize = 64;
/// Events that each round of many clients puts.
const EVENTS: usize = 12_800;
const ROUNDS: usize = 5;
/// Calls of one client: more than one journal holds.
const CALLS: usize = 1500;
/// Rows of an event with one delivery: `event`, `body` and `job`.
const ROWS: usize = 3;
/// Pending deliveries of a long queue.
const MILLION: u64 = 1_000_000;
/// A second process of this bench opens the spool in this folder.
const LONG_QUEUE: &str = "NOTIFY_BENCH_LONG_QUEUE";

/// Measures and reports.
type Measure = fn(&Runtime);

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    if let Some(folder) = std::env::var_os(LONG_QUEUE) {
        return runtime.block_on(long_queue(Path::new(&folder)));
    }
    let wanted = std::env::args()
        .nth(1)
        .filter(|word| !word.starts_with("--"))
        .unwrap_or_default();
    let measures: [(&str, Measure); 3] = [
        ("spool/one-client", one_client),
        ("spool/many-clients", many_clients),
        ("spool/million", million),
    ];
    for (name, measure) in measures {
        if name.contains(&wanted) {
            measure(&runtime);
        }
    }
}

fn report(name: &str, value: f64, unit: &str) {
    println!(r#"{{"name": "{name}", "value": {value}, "unit": "{unit}"}}"#);
}

/// A folder on the disk that has the build.
fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

fn spool(folder: &Path) -> Opened {
    let place = SpoolPlace {
        folder: folder.join("spool"),
        purpose: OpenFor::Work,
    };
    (SQLITE.open)(&place).expect("a spool")
}

/// One that a script sends: a title, a text and a few fields.
fn event(number: usize, targets: &[&str]) -> Entry {
    let mut id = [0; 16];
    // Sorted by time, as real ones, and different in all other bits.
    id[..8].copy_from_slice(&number.to_be_bytes());
    id[8..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let data = serde_json::json!({
        "title": format!("Backup of guest {number} failed"),
        "message": "INFO: starting new backup job\nERROR: no space left on device\n".repeat(4),
    });
    let now = Millis(1_700_000_000_000);
    Entry {
        event: Notification {
            id: EventId::from_bytes(id),
            severity: Severity::Error,
            timestamp: now.seconds(),
            fields: BTreeMap::from([
                field("type", "vzdump"),
                field("hostname", "pve-1.example"),
                field("job-id", "backup-7d3f2c"),
            ]),
            content: Content::Template {
                name: "message".to_owned(),
                data,
            },
        },
        trace: r#"{"matchers":[{"name":"all","matched":true,"targets":["mail"]}]}"#.repeat(4),
        jobs: targets
            .iter()
            .map(|name| NewJob::first(*name, now))
            .collect(),
        accepted: now,
        legacy: None,
    }
}

/// About as many bytes as an event writes.
fn bytes() -> usize {
    let event = event(7, &[]);
    let Content::Template { data, .. } = event.event.content else {
        return 0;
    };
    data.to_string().len() + event.trace.len() + 200
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Appending to a file and syncing it, and accepting, in turns.
fn one_client(runtime: &Runtime) {
    let folder = folder();
    let spool = spool(folder.path());
    let mut log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(folder.path().join("log"))
        .expect("a file");
    let record = vec![b'x'; bytes()];
    let (mut floor, mut accepts) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        for number in 0..CALLS {
            let start = Instant::now();
            log.write_all(&record).expect("written");
            log.sync_data().expect("synced");
            floor.push(start.elapsed());

            let event = event(number, &["mail"]);
            let start = Instant::now();
            spool.spool.put(event).await.expect("put");
            accepts.push(start.elapsed());
        }
    });
    report("spool/floor/append-fdatasync", median(floor), "us");
    report("spool/accept/one-client", median(accepts), "us");
}

/// Inserting in batches, and accepting from many clients, in turns.
fn many_clients(runtime: &Runtime) {
    let folder = folder();
    let spool = spool(folder.path());
    let plain = plain_table(&folder.path().join("plain.db"));
    let (mut floor, mut one, mut three) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        floor.push(inserted(&plain));
        let first = 2 * round * EVENTS;
        one.push(runtime.block_on(put_by_many(&spool, first, &["mail"])));
        let all = &["mail", "push", "hook"];
        three.push(runtime.block_on(put_by_many(&spool, first + EVENTS, all)));
    }
    // Rows, and events that this many rows would be.
    let rows = (EVENTS * ROWS) as f64 / median(floor) * 1e6;
    report("spool/floor/insert-rows", rows, "/s");
    report("spool/floor/insert-events", rows / ROWS as f64, "/s");
    let rate = |times| EVENTS as f64 / median(times) * 1e6;
    report("spool/accept/64-clients", rate(one), "/s");
    report("spool/accept/64-clients-three-targets", rate(three), "/s");
}

/// A table without any index, in a database with the same promises.
fn plain_table(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a database");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;
             PRAGMA wal_autocheckpoint = 2000;
             CREATE TABLE plain (id INTEGER PRIMARY KEY, text TEXT NOT NULL);",
        )
        .expect("a table");
    connection
}

/// As many rows as events take, in batches of 64 in one transaction, as large as theirs are.
fn inserted(plain: &Connection) -> Duration {
    let text = "x".repeat(bytes() / ROWS);
    let start = Instant::now();
    for _ in 0..EVENTS * ROWS / CLIENTS {
        plain.execute_batch("BEGIN IMMEDIATE").expect("begun");
        for _ in 0..CLIENTS {
            plain
                .prepare_cached("INSERT INTO plain (text) VALUES (?1)")
                .and_then(|mut insert| insert.execute([&text]))
                .expect("inserted");
        }
        plain.execute_batch("COMMIT").expect("committed");
    }
    start.elapsed()
}

/// Clients that each wait for their answer before they put the next.
async fn put_by_many(spool: &Opened, first: usize, targets: &'static [&'static str]) -> Duration {
    let start = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let spool = spool.spool.clone();
        clients.spawn(async move {
            for step in 0..EVENTS / CLIENTS {
                let number = first + step * CLIENTS + client;
                spool.put(event(number, targets)).await.expect("put");
            }
        });
    }
    clients.join_all().await;
    start.elapsed()
}

/// What a million pending cost: a turn beside one of an empty spool, in turns; and to open it, in a
/// process of its own.
fn million(runtime: &Runtime) {
    let (empty, full) = (folder(), folder());
    runtime.block_on(async {
        let empty = spool(empty.path());
        let full = spool(full.path());
        fill(&full, 0, MILLION).await.expect("filled");
        let (mut of_empty, mut of_full) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            of_empty.push(figures(&empty).await.expect("figures").turn);
            of_full.push(figures(&full).await.expect("figures").turn);
        }
        report("spool/turn/empty", median(of_empty), "us");
        report("spool/turn/million", median(of_full), "us");
    });
    let status = Command::new(std::env::current_exe().expect("this program"))
        .env(LONG_QUEUE, full.path())
        .stdin(Stdio::null())
        .status();
    assert!(status.expect("it runs").success());
}

async fn long_queue(folder: &Path) {
    let start = Instant::now();
    let opened = spool(folder);
    opened.spool.recover(Millis(0)).await.expect("recovered");
    opened.spool.targets().await.expect("queues");
    report(
        "spool/open/million",
        start.elapsed().as_secs_f64() * 1e3,
        "ms",
    );
    let found = figures(&opened).await.expect("figures");
    assert!(found.pending >= MILLION, "{found:?}");
    if let Some(bytes) = found.resident {
        report("spool/memory/million", bytes as f64 / 1e6, "MB");
    }
}
