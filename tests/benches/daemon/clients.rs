//! Clients of the daemon's socket.

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use notify_core::Content;
use notify_events::{Circumstances, EventData as _, Guest, GuestStatus, Vzdump};
use serde_json::json;

use crate::sinks::NUMBER;

/// So many, each with a connection of its own and one request at a time.
pub(crate) struct Clients {
    socket: PathBuf,
    count: usize,
}

impl Clients {
    pub(crate) fn new(socket: &Path, count: usize) -> Self {
        Clients {
            socket: socket.to_owned(),
            count,
        }
    }

    /// Sends so many requests, shared among the clients, and answers how many were accepted.
    pub(crate) fn send(&self, events: u64, request: impl Fn(u64) -> String + Sync) -> u64 {
        let (next, accepted) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..self.count {
                scope.spawn(|| {
                    let mut client = Client::connect(&self.socket);
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= events {
                            break;
                        }
                        client.ask(&request(number));
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        accepted.into_inner()
    }

    /// One client that sends a small event at each step of `pace`; answers when each was sent.
    pub(crate) fn send_paced(&self, events: u64, pace: Duration) -> Vec<Instant> {
        let mut client = Client::connect(&self.socket);
        let begin = Instant::now();
        let steps = (0..u32::try_from(events).expect("few events")).map(|step| begin + pace * step);
        steps
            .enumerate()
            .map(|(number, due)| {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let sent = Instant::now();
                let title = format!("{NUMBER}{number}.");
                client.ask(&json!({"send": {"title": title, "message": "text"}}).to_string());
                sent
            })
            .collect()
    }
}

struct Client {
    reader: BufReader<UnixStream>,
    answer: String,
}

impl Client {
    fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("the daemon listens");
        Client {
            reader: BufReader::new(stream),
            answer: String::new(),
        }
    }

    fn ask(&mut self, request: &str) {
        let line = format!("{request}\n");
        self.reader
            .get_mut()
            .write_all(line.as_bytes())
            .expect("the daemon reads");
        self.answer.clear();
        self.reader
            .read_line(&mut self.answer)
            .expect("the daemon answers");
        assert!(self.answer.starts_with(r#"{"accepted""#), "{}", self.answer);
    }
}

/// A request with the report of a backup of ten guests, one of which failed.
pub(crate) fn report_of_ten_guests() -> String {
    let guests = (0..10).map(|at| {
        let status = if at == 9 {
            GuestStatus::Err
        } else {
            GuestStatus::Ok
        };
        let mut guest = Guest::new(100 + at, status);
        guest.name = Some(format!("guest-{at}"));
        guest.time = Some(11 + at * 7);
        guest.size = Some(1_048_576 * (at + 1));
        guest.filename = Some(format!(
            "/var/lib/vz/dump/vzdump-qemu-{}-2024_01_08-01_00_00.vma.zst",
            100 + at
        ));
        guest
    });
    let line = |at| format!("{at}: 2024-01-08 01:00:00 INFO: Finished Backup of VM (00:00:11)\n");
    let mut report = Vzdump::finished(guests);
    report.total_time = Some(3661);
    report.logs = Some((100..110).map(line).collect());
    let event = report.event(&Circumstances::new("pve1", 0));
    let Content::Template { name, data } = event.content else {
        unreachable!("a report has a template");
    };
    json!({"send": {
        "severity": event.severity, "fields": event.fields, "template": name, "data": data
    }})
    .to_string()
}
