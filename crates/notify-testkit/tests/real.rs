//! The real servers start, do their work and leave nothing behind.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot talk to its server has failed"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use notify_testkit::canary::PASSWORD;
use notify_testkit::http::{Response, Server};
use notify_testkit::real::{
    Alertmanager, Port, Postfix, PostfixOptions, Tinyproxy, TinyproxyOptions,
};
use notify_testkit::smtp::Mechanism;
use notify_testkit::tls::Authority;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Says these lines to an SMTP server and compares the codes of the replies.
fn converse(addr: SocketAddr, lines: &[(&str, &str)]) {
    let mut stream = BufReader::new(TcpStream::connect(addr).unwrap());
    for (line, code) in lines {
        stream.get_mut().write_all(line.as_bytes()).unwrap();
        let mut reply = String::from("   -");
        while reply.as_bytes().get(3) == Some(&b'-') {
            reply.clear();
            stream.read_line(&mut reply).unwrap();
        }
        assert!(
            reply.starts_with(code),
            "{line:?} got {reply:?}, not {code}"
        );
    }
}

#[test]
fn postfix_takes_mail_by_smtp_and_by_sendmail() {
    let postfix = Postfix::start(&PostfixOptions::plain().alias("root", "oncall@example.com"));
    converse(
        postfix.addr(Port::Plain),
        &[
            ("", "220"),
            ("EHLO pve1.example.com\r\n", "250"),
            ("MAIL FROM:<pve@example.com>\r\n", "250"),
            ("RCPT TO:<nosuch@example.com>\r\n", "550"),
            ("RCPT TO:<admin@example.com>\r\n", "250"),
            ("DATA\r\n", "354"),
            ("Subject: by\r\n SMTP\r\n\r\nhello\r\n.\r\n", "250"),
            ("QUIT\r\n", "221"),
        ],
    );
    let mails = postfix.wait_for("admin", 1, soon());
    assert_eq!(mails.len(), 1, "{}", postfix.log());
    assert_eq!(mails[0].header("subject").as_deref(), Some("by SMTP"));
    assert!(mails[0].text().ends_with("\n\nhello\n"));

    let mut sendmail = Command::new(postfix.sendmail())
        .args(["-f", "root", "--", "root"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    sendmail
        .stdin
        .take()
        .unwrap()
        .write_all(b"Subject: by sendmail\n\nhello\n")
        .unwrap();
    assert!(sendmail.wait().unwrap().success());
    let mails = postfix.wait_for("oncall", 1, soon());
    assert_eq!(mails.len(), 1, "{}", postfix.log());
    assert_eq!(mails[0].header("Subject").as_deref(), Some("by sendmail"));
    assert_eq!(
        mails[0].header("From").as_deref(),
        Some("root <root@mail.example.com>")
    );
}

#[test]
fn postfix_asks_for_tls_and_credentials_where_it_should() {
    let authority = Authority::new();
    let postfix = Postfix::start(&PostfixOptions::plain().tls(&authority.localhost()).auth(
        &[Mechanism::Plain, Mechanism::Login],
        "user",
        PASSWORD,
    ));
    let ehlo = ("EHLO pve1.example.com\r\n", "250");
    let mail = ("MAIL FROM:<pve@example.com>\r\n", "250");
    let rcpt = "RCPT TO:<admin@example.com>\r\n";
    converse(
        postfix.addr(Port::PlainAuth),
        &[("", "220"), ehlo, mail, (rcpt, "554")],
    );
    converse(
        postfix.addr(Port::StartTls),
        &[
            ("", "220"),
            ehlo,
            ("MAIL FROM:<pve@example.com>\r\n", "530"),
        ],
    );
    let plain = base64(&format!("\0user\0{PASSWORD}"));
    let (user, password) = (base64("user"), base64(PASSWORD));
    converse(
        postfix.addr(Port::PlainAuth),
        &[
            ("", "220"),
            ehlo,
            (&format!("AUTH PLAIN {plain}\r\n"), "235"),
            mail,
            (rcpt, "250"),
        ],
    );
    converse(
        postfix.addr(Port::PlainAuth),
        &[
            ("", "220"),
            ehlo,
            ("AUTH LOGIN\r\n", "334"),
            (&format!("{user}\r\n"), "334"),
            (&format!("{password}\r\n"), "235"),
        ],
    );
    let wrong = base64("\0user\0wrong");
    converse(
        postfix.addr(Port::PlainAuth),
        &[
            ("", "220"),
            ehlo,
            (&format!("AUTH PLAIN {wrong}\r\n"), "535"),
        ],
    );
    for port in [Port::Tls, Port::TlsAuth, Port::StartTlsAuth] {
        openssl(
            postfix.addr(port),
            authority.pem_file(),
            port == Port::StartTlsAuth,
        );
    }
}

/// OpenSSL's client trusts the server.
fn openssl(addr: SocketAddr, ca_file: &std::path::Path, starttls: bool) {
    let mut command = Command::new("openssl");
    command.args([
        "s_client",
        "-verify_return_error",
        "-verify_hostname",
        "localhost",
        "-CAfile",
    ]);
    command.arg(ca_file).arg("-connect").arg(addr.to_string());
    if starttls {
        command.args(["-starttls", "smtp"]);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The status that a proxy answers to this head.
fn ask(addr: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    String::from_utf8_lossy(&start[9..]).into_owned()
}

#[test]
fn tinyproxy_passes_on_what_it_may() {
    let server = Server::scripted([Response::new(204).into()]);
    let (host, url) = (server.addr(), server.url());
    let get = format!("GET {url}/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let connect = format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");

    let open = Tinyproxy::start(&TinyproxyOptions::open());
    assert_eq!(ask(open.addr(), &format!("{get}\r\n")), "204");
    assert_eq!(ask(open.addr(), &connect), "200");
    assert_eq!(
        open.requests(),
        [
            format!("GET {url}/x HTTP/1.1"),
            format!("CONNECT {host} HTTP/1.1")
        ]
    );
    assert_eq!(server.requests().len(), 1);

    let closed = Tinyproxy::start(
        &TinyproxyOptions::open()
            .basic_auth("u", "geheim")
            .connect_ports(&[]),
    );
    assert_eq!(ask(closed.addr(), &format!("{get}\r\n")), "407");
    let authorized = format!("Proxy-Authorization: Basic {}\r\n\r\n", base64("u:geheim"));
    assert_eq!(ask(closed.addr(), &format!("{get}{authorized}")), "204");
    assert_eq!(
        ask(
            closed.addr(),
            &connect.replace("\r\n\r\n", &format!("\r\n{authorized}"))
        ),
        "403"
    );
}

#[test]
fn alertmanager_keeps_what_it_is_told() {
    let alertmanager = Alertmanager::start();
    let addr: SocketAddr = alertmanager
        .url()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let body = r#"[{"labels":{"alertname":"a"}}]"#;
    let mut stream = TcpStream::connect(addr).unwrap();
    let head = format!(
        "POST /api/v2/alerts HTTP/1.0\r\nHost: {addr}\r\nContent-Type: application/json\r\n"
    );
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    let deadline = soon();
    while alertmanager.alerts().is_empty() {
        assert!(Instant::now() < deadline, "the alert is not filed");
        std::thread::yield_now();
    }
    assert_eq!(alertmanager.alerts()[0]["labels"]["alertname"], "a");
    drop(alertmanager);
    assert!(TcpStream::connect(addr).is_err());
}
