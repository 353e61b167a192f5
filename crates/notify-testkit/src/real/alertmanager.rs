//! Prometheus Alertmanager: a real receiver of alerts.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::daemon::Daemon;
use super::{PATIENCE, ask_until, folder, free_port, loopback, program, write};

/// Keeps every alert and tells nobody.
const CONFIG: &str = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n";

/// A running Alertmanager that keeps alerts to itself.
#[derive(Debug)]
pub struct Alertmanager {
    // Before the folder: the process ends first.
    _daemon: Daemon,
    addr: SocketAddr,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts it, alone and without a cluster.
    ///
    /// # Panics
    /// When it is not installed or does not come up within a minute.
    pub fn start() -> Self {
        let alertmanager = program("prometheus-alertmanager");
        let folder = folder("notify-alertmanager-");
        let path = folder.path();
        write(&path.join("config.yml"), CONFIG);
        // Someone else may take the free port before it does.
        for _ in 0..5 {
            let addr = loopback(free_port());
            let mut command = Command::new(&alertmanager);
            command
                .arg(format!(
                    "--config.file={}",
                    path.join("config.yml").display()
                ))
                .arg(format!("--storage.path={}", path.join("data").display()))
                .arg(format!("--web.listen-address={addr}"))
                .arg("--cluster.listen-address=");
            let mut daemon = Daemon::spawn(&mut command, path);
            let ready = ask_until(Instant::now() + PATIENCE, || {
                let ready = get(addr, "/-/ready").is_some();
                (ready || !daemon.is_alive()).then_some(ready)
            });
            if ready == Some(true) {
                return Alertmanager {
                    _daemon: daemon,
                    addr,
                    _folder: folder,
                };
            }
        }
        panic!("prometheus-alertmanager does not come up");
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The alerts that it holds, as `GET /api/v2/alerts` shows them.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn alerts(&self) -> Vec<Value> {
        let answer = get(self.addr, "/api/v2/alerts").expect("Alertmanager answers");
        let answer: Value = serde_json::from_str(&answer).expect("its answers are JSON");
        answer.as_array().expect("a list of alerts").clone()
    }
}

/// The body of an answer of 200.
fn get(addr: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(addr).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    // HTTP/1.0: the body comes as it is and ends with the connection.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {addr}\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1);
    (status == Some("200")).then(|| body.to_owned())
}
