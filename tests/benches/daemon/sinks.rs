//! Receivers that cost little: they read what the protocol asks for, count, and say yes.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// What a target's title has before the number of its event.
pub(crate) const NUMBER: &str = "event-";

fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
    let addr = listener.local_addr().expect("it is bound");
    // Ends with the bench.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    addr
}

/// Takes mails.
#[derive(Debug)]
pub(crate) struct SmtpSink(SocketAddr);

impl SmtpSink {
    pub(crate) fn start(arrived: &Arc<AtomicU64>) -> Self {
        let arrived = arrived.clone();
        SmtpSink(listen(move |stream| {
            let _ = mails(&stream, &arrived);
        }))
    }

    pub(crate) fn section(&self, name: &str) -> String {
        format!(
            "smtp: {name}\n\tserver 127.0.0.1\n\tport {}\n\tmode insecure\n\
             \tfrom-address pve1@example.com\n\tmailto admin@example.com\n\n",
            self.0.port()
        )
    }
}

fn mails(stream: &TcpStream, arrived: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut line = Vec::new();
    writer.write_all(b"220 sink ESMTP\r\n")?;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match &verb[..] {
            b"EHLO" => writer
                .write_all(b"250-sink\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n")?,
            b"DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                loop {
                    line.clear();
                    if reader.read_until(b'\n', &mut line)? == 0 {
                        return Ok(());
                    }
                    if line == b".\r\n" {
                        break;
                    }
                }
                arrived.fetch_add(1, Ordering::Relaxed);
                writer.write_all(b"250 taken\r\n")?;
            }
            b"QUIT" => return writer.write_all(b"221 bye\r\n"),
            _ => writer.write_all(b"250 ok\r\n")?,
        }
    }
}

/// Takes requests, as Gotify and webhooks send them, and knows when each event came.
#[derive(Debug)]
pub(crate) struct HttpSink {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<(u64, Instant)>>>,
}

impl HttpSink {
    pub(crate) fn start(arrived: &Arc<AtomicU64>) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (arrived, list) = (arrived.clone(), seen.clone());
        let addr = listen(move |stream| {
            let _ = requests(&stream, |body| {
                let now = Instant::now();
                if let Some(number) = number_in(body) {
                    list.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((number, now));
                }
                arrived.fetch_add(1, Ordering::Relaxed);
            });
        });
        HttpSink { addr, seen }
    }

    /// The numbers of the events that came, and when.
    pub(crate) fn arrivals(&self) -> Vec<(u64, Instant)> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn gotify(&self, name: &str) -> String {
        gotify(self.addr, name)
    }

    pub(crate) fn webhook(&self, name: &str) -> String {
        // {"title":"{{ escape title }}","text":"{{ escape message }}"}
        let body =
            "eyJ0aXRsZSI6Int7IGVzY2FwZSB0aXRsZSB9fSIsInRleHQiOiJ7eyBlc2NhcGUgbWVzc2FnZSB9fSJ9";
        format!(
            "webhook: {name}\n\turl http://{}/hook\n\tmethod post\n\tbody {body}\n\n",
            self.addr
        )
    }
}

fn gotify(addr: SocketAddr, name: &str) -> String {
    format!("gotify: {name}\n\tserver http://{addr}\n\n")
}

fn number_in(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let rest = &text[text.find(NUMBER)? + NUMBER.len()..];
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}

fn requests(stream: &TcpStream, mut taken: impl FnMut(&[u8])) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        taken(&body);
        writer.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"id\":1}",
        )?;
    }
}

/// Takes connections and never says a word.
#[derive(Debug)]
pub(crate) struct Silence(SocketAddr);

impl Silence {
    pub(crate) fn start() -> Self {
        Silence(listen(|mut stream| {
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }))
    }

    pub(crate) fn gotify(&self, name: &str) -> String {
        gotify(self.0, name)
    }
}
