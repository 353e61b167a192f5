//! Tinyproxy: a real HTTP proxy, with and without credentials and CONNECT.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::daemon::Daemon;
use super::{PATIENCE, ask_until, folder, free_port, loopback, program, write};

/// How a Tinyproxy behaves.
#[derive(Clone, Default)]
pub struct TinyproxyOptions {
    credentials: Option<(String, String)>,
    connect_ports: Option<Vec<u16>>,
}

impl TinyproxyOptions {
    /// For everyone on loopback, CONNECT to every port.
    pub fn open() -> Self {
        TinyproxyOptions::default()
    }

    /// Only with these Basic credentials, which have no blank; without them it answers 407.
    #[must_use]
    pub fn basic_auth(mut self, user: &str, password: &str) -> Self {
        self.credentials = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// CONNECT only to these ports; to none when the list is empty.
    #[must_use]
    pub fn connect_ports(mut self, ports: &[u16]) -> Self {
        self.connect_ports = Some(ports.to_vec());
        self
    }

    fn config(&self, port: u16, log: &Path) -> String {
        let mut config = format!(
            "Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 100\n\
             LogFile \"{}\"\nLogLevel Connect\n",
            log.display()
        );
        if let Some((user, password)) = &self.credentials {
            config.push_str(&format!("BasicAuth {user} {password}\n"));
        }
        match self.connect_ports.as_deref() {
            None => {}
            // Any list forbids all other ports, and nothing listens at port 0.
            Some([]) => config.push_str("ConnectPort 0\n"),
            Some(ports) => {
                for port in ports {
                    config.push_str(&format!("ConnectPort {port}\n"));
                }
            }
        }
        config
    }
}

impl std::fmt::Debug for TinyproxyOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TinyproxyOptions")
            .field("credentials", &self.credentials.is_some())
            .field("connect_ports", &self.connect_ports)
            .finish()
    }
}

/// A running Tinyproxy.
#[derive(Debug)]
pub struct Tinyproxy {
    // Before the folder: the process ends first.
    _daemon: Daemon,
    addr: SocketAddr,
    folder: TempDir,
}

impl Tinyproxy {
    /// Starts it.
    ///
    /// # Panics
    /// When it is not installed or does not come up within a minute.
    pub fn start(options: &TinyproxyOptions) -> Self {
        let tinyproxy = program("tinyproxy");
        let folder = folder("notify-tinyproxy-");
        let (config, log) = (folder.path().join("conf"), folder.path().join("log"));
        // Someone else may take the free port before it does.
        for _ in 0..5 {
            let port = free_port();
            write(&config, &options.config(port, &log));
            let mut command = Command::new(&tinyproxy);
            command.arg("-d").arg("-c").arg(&config);
            let mut daemon = Daemon::spawn(&mut command, folder.path());
            let ready = ask_until(Instant::now() + PATIENCE, || {
                (is_ready(loopback(port)) || !daemon.is_alive()).then_some(())
            });
            if ready.is_some() && daemon.is_alive() {
                return Tinyproxy {
                    _daemon: daemon,
                    addr: loopback(port),
                    folder,
                };
            }
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        panic!("tinyproxy does not come up; its log:\n{log}");
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The first lines of the requests that it has seen, as `CONNECT 127.0.0.1:443 HTTP/1.1`.
    ///
    /// It writes a line before it passes the request on.
    pub fn requests(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines()
            .filter(|line| line.contains("Request (file descriptor"))
            .filter_map(|line| line.split_once("): "))
            .map(|(_, request)| request.to_owned())
            .filter(|request| !request.contains(PROBE))
            .collect()
    }
}

/// The request by which readiness is asked for.
const PROBE: &str = "http://are-you-there.invalid/";

/// Whether it answers a request, whatever the answer is.
fn is_ready(addr: SocketAddr) -> bool {
    let answer = TcpStream::connect(addr).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(format!("OPTIONS {PROBE} HTTP/1.0\r\n\r\n").as_bytes())?;
        let mut start = [0; 5];
        stream.read_exact(&mut start).map(|()| start)
    });
    answer.is_ok_and(|start| start == *b"HTTP/")
}
