//! The SMTP fake, spoken to line by line.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot talk to its server has failed"
)]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use notify_testkit::misbehaving::Act;
use notify_testkit::smtp::{Line, Mechanism, Options, Server, Step};
use notify_testkit::{Gate, tls};

/// A client that says lines and reads replies.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(server: &Server) -> Self {
        Client(BufReader::new(TcpStream::connect(server.addr()).unwrap()))
    }

    /// One reply, its lines joined by `|`; empty when the server closed.
    fn reply(&mut self) -> String {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let more = line.as_bytes().get(3) == Some(&b'-');
            lines.push(line.trim_end().to_owned());
            if !more {
                return lines.join("|");
            }
        }
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
    }
}

/// Says each line (CRLF added) and compares the code of each reply, the greeting's first.
fn check(options: Options, lines: &[(&str, u16)]) -> Server {
    let server = Server::start(options);
    let mut client = Client::connect(&server);
    assert!(client.reply().starts_with("220 "));
    converse(&mut client, lines);
    server
}

fn converse(client: &mut Client, lines: &[(&str, u16)]) {
    for (line, code) in lines {
        client.say(&format!("{line}\r\n"));
        let reply = client.reply();
        assert!(
            reply.starts_with(&code.to_string()),
            "{line:?} got {reply:?}, not {code}"
        );
    }
}

const ENVELOPE: [(&str, u16); 4] = [
    ("EHLO client.example.com", 250),
    ("MAIL FROM:<a@example.com> BODY=8BITMIME", 250),
    ("RCPT TO:<b@example.com>", 250),
    ("DATA", 354),
];

#[test]
fn a_mail_is_recorded_with_its_envelope() {
    let server = check(Options::plain(), &ENVELOPE[..3]);
    assert!(server.messages().is_empty());

    let server = check(
        Options::plain(),
        &[
            &ENVELOPE[..],
            &[("Subject: x\r\n\r\n..dot\r\nä\r\n.", 250), ("QUIT", 221)],
        ]
        .concat(),
    );
    let [message] = &server.messages()[..] else {
        panic!("one mail")
    };
    assert_eq!(message.data, "Subject: x\r\n\r\n.dot\r\nä\r\n".as_bytes());
    assert_eq!(
        (message.connection, message.ehlo.as_str(), message.tls),
        (1, "client.example.com", false)
    );
    assert_eq!(message.sender, "a@example.com");
    assert_eq!(message.parameters, ["BODY=8BITMIME"]);
    assert_eq!(message.recipients, ["b@example.com"]);
    assert!(message.accepted && message.login.is_none());
    assert_eq!(server.violations(), [""; 0]);
    assert_eq!(server.verbs(1), "EHLO MAIL RCPT DATA QUIT");
    assert_eq!(server.connections(), 1);
}

fn mail(content: &str, code: u16) -> Vec<(&str, u16)> {
    [&ENVELOPE[..], &[(content, code)]].concat()
}

#[test]
fn a_violation_is_refused_and_recorded() {
    let long = format!("{}\r\n.", "x".repeat(999));
    let long_enough = format!("{}\r\n.", "x".repeat(998));
    let cases: Vec<(Vec<(&str, u16)>, &str)> = vec![
        (vec![("MAIL FROM:<a@b.c>", 503)], "MAIL out of order"),
        (
            vec![("EHLO x", 250), ("RCPT TO:<a@b.c>", 503)],
            "RCPT out of order",
        ),
        (vec![("EHLO x", 250), ("DATA", 503)], "DATA out of order"),
        (
            vec![("EHLO x", 250), ("AUTH PLAIN AAA=", 502)],
            "AUTH that was not offered",
        ),
        (
            vec![("EHLO x", 250), ("STARTTLS", 502)],
            "STARTTLS that was not offered",
        ),
        (
            vec![("EHLO x", 250), ("MAIL FROM:<a@b.c> FOO=1", 555)],
            "MAIL with `FOO=1`, which was not offered",
        ),
        (
            vec![("EHLO x", 250), ("MAIL FROM:<ä@b.c>", 555)],
            "a non-ASCII sender without SMTPUTF8",
        ),
        (
            vec![("EHLO a b", 501)],
            "EHLO with the name `a b`: not a domain",
        ),
        (vec![("FOO", 500)], "unknown command `FOO`"),
        (vec![("NOOP\r", 500)], "a bare CR or a NUL in a command"),
        (mail("a\nb\r\n.", 554), "a bare LF in the mail"),
        (mail("a\rb\r\n.", 554), "a bare CR in the mail"),
        (mail("a\0b\r\n.", 554), "a NUL in the mail"),
        (mail(&long, 554), "a line of the mail over 1000 octets"),
        (
            mail("Subject: ä\r\n\r\n.", 554),
            "8-bit header without SMTPUTF8",
        ),
    ];
    for (lines, expected) in cases {
        let server = check(Options::plain(), &lines);
        assert_eq!(server.violations(), [format!("connection 1: {expected}")]);
        assert!(server.messages().is_empty(), "{expected}");
    }
    assert_eq!(
        check(Options::plain(), &mail(&long_enough, 250)).violations(),
        [""; 0]
    );
}

#[test]
fn eight_bit_content_needs_its_parameter() {
    let lines = [
        ("EHLO x", 250),
        ("MAIL FROM:<a@b.c>", 250),
        ("RCPT TO:<b@b.c>", 250),
        ("DATA", 354),
        ("\r\nä\r\n.", 554),
    ];
    let server = check(Options::plain(), &lines);
    assert_eq!(
        server.violations(),
        ["connection 1: 8-bit content without BODY=8BITMIME"]
    );
    let server = check(
        Options::plain().without_8bitmime(),
        &[("EHLO x", 250), ("MAIL FROM:<a@b.c> BODY=8BITMIME", 555)],
    );
    assert_eq!(server.violations().len(), 1);
}

#[test]
fn commands_do_not_run_ahead() {
    let server = Server::start(Options::plain());
    let mut client = Client::connect(&server);
    client.reply();
    client.say("EHLO x\r\nNOOP\r\n");
    assert!(client.reply().starts_with("503 "));
    assert_eq!(
        server.violations(),
        ["connection 1: a command before the answer to the one before"]
    );
}

#[test]
fn the_extensions_are_those_of_the_options() {
    let ehlo = |options: Options| {
        let server = Server::start(options);
        let mut client = Client::connect(&server);
        client.reply();
        client.say("EHLO x\r\n");
        client.reply()
    };
    assert_eq!(
        ehlo(
            Options::plain()
                .size(Some(77))
                .auth(&[Mechanism::Plain, Mechanism::Login], "u", "p")
        ),
        "250-fake.example.com|250-SIZE 77|250-AUTH PLAIN LOGIN|250-8BITMIME|250-SMTPUTF8|250 ENHANCEDSTATUSCODES"
    );
    assert_eq!(
        ehlo(
            Options::starttls(tls::Authority::new().localhost())
                .size(None)
                .without_8bitmime()
                .auth(&[Mechanism::Login], "u", "p")
                .auth_only_over_tls()
        ),
        "250-fake.example.com|250-STARTTLS|250 ENHANCEDSTATUSCODES"
    );
}

#[test]
fn credentials_are_asked_for_and_compared() {
    let both = || Options::plain().auth(&[Mechanism::Plain, Mechanism::Login], "user", "geheim");
    let envelope = &ENVELOPE[1..];
    // \0user\0geheim
    let plain = [("EHLO x", 250), ("AUTH PLAIN AHVzZXIAZ2VoZWlt", 235)];
    let asked = [
        ("EHLO x", 250),
        ("AUTH PLAIN", 334),
        ("AHVzZXIAZ2VoZWlt", 235),
    ];
    let login = [
        ("EHLO x", 250),
        ("AUTH LOGIN", 334),
        ("dXNlcg==", 334),
        ("Z2VoZWlt", 235),
    ];
    let initial = [
        ("EHLO x", 250),
        ("AUTH LOGIN dXNlcg==", 334),
        ("Z2VoZWlt", 235),
    ];
    for (way, mechanism) in [
        (&plain[..], Mechanism::Plain),
        (&asked, Mechanism::Plain),
        (&login, Mechanism::Login),
        (&initial, Mechanism::Login),
    ] {
        let server = check(both(), &[way, envelope, &[("\r\n.", 250)]].concat());
        let login = server.messages()[0].login.clone().unwrap();
        assert_eq!((login.mechanism, login.user.as_str()), (mechanism, "user"));
        let text = format!("{:?} {server:?}", server.transcript());
        assert!(
            !text.contains("Z2VoZWlt") && !text.contains("geheim"),
            "{text}"
        );
    }
    let wrong = [
        ("EHLO x", 250),
        ("AUTH PLAIN AHVzZXIAZmFsc2No", 535),
        ("MAIL FROM:<a@b.c>", 530),
    ];
    let server = check(both(), &wrong);
    assert_eq!(server.violations(), [""; 0]);
    check(both(), &[("EHLO x", 250), ("AUTH PLAIN !!", 501)]);
    check(both(), &[("EHLO x", 250), ("AUTH LOGIN", 334), ("*", 501)]);
    check(both(), &[("EHLO x", 250), ("AUTH CRAM-MD5", 504)]);
}

#[test]
fn answers_are_given_as_told() {
    let options = Options::plain()
        .to_recipient("no@example.com", (550, "5.1.1 no such user\n5.1.1 really"))
        .at_first(1, Step::EndOfData, (451, "4.3.0 later"));
    let server = Server::start(options);
    let mut client = Client::connect(&server);
    client.reply();
    converse(&mut client, &ENVELOPE[..3]);
    client.say("RCPT TO:<no@example.com>\r\n");
    assert_eq!(client.reply(), "550-5.1.1 no such user|550 5.1.1 really");
    converse(&mut client, &[("DATA", 354), ("\r\n.", 451)]);
    converse(&mut client, &ENVELOPE[1..]);
    converse(&mut client, &[("\r\nagain\r\n.", 250)]);
    assert_eq!(server.messages().len(), 1);
    assert_eq!(server.received().len(), 2);
    assert_eq!(server.messages()[0].recipients, ["b@example.com"]);

    server.answer(Step::Noop, (421, "4.3.2 closing"));
    client.say("NOOP\r\n");
    assert_eq!(client.reply(), "421 4.3.2 closing");
    assert_eq!(client.reply(), "", "closed after 421");
}

#[test]
fn a_judge_sees_what_is_asked() {
    let options = Options::plain()
        .at(Step::Noop, (450, "told before"))
        .judged(|asked| match asked.step {
            Step::Rcpt if asked.recipient == Some("b@example.com") => Some((450, "busy").into()),
            Step::EndOfData => {
                let subject = asked.message?.text().contains("Subject: bad");
                subject.then(|| (554, "no").into())
            }
            _ => None,
        });
    let server = check(
        options,
        &[
            ("NOOP", 450),
            ("EHLO client", 250),
            ("MAIL FROM:<a@example.com>", 250),
            ("RCPT TO:<a@example.com>", 250),
            ("RCPT TO:<b@example.com>", 450),
            ("DATA", 354),
            ("Subject: bad\r\n\r\n.", 554),
            ("MAIL FROM:<a@example.com>", 250),
            ("RCPT TO:<a@example.com>", 250),
            ("DATA", 354),
            ("Subject: good\r\n\r\n.", 250),
        ],
    );
    assert_eq!(server.messages().len(), 1);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn a_large_mail_is_refused_by_what_it_says_and_by_what_it_is() {
    let small = || Options::plain().size(Some(10));
    check(
        small(),
        &[("EHLO x", 250), ("MAIL FROM:<a@b.c> SIZE=11", 552)],
    );
    let server = check(
        small(),
        &[&ENVELOPE[..], &[("\r\n0123456789\r\n.", 552)]].concat(),
    );
    assert!(server.messages().is_empty());
    assert!(!server.received().all()[0].accepted);
}

#[test]
fn silence_after_the_final_dot_still_records_the_mail() {
    let server = Server::start(Options::plain().at(Step::EndOfData, Act::Hang));
    let mut client = Client::connect(&server);
    client.reply();
    converse(&mut client, &ENVELOPE);
    client.say("\r\n.\r\n");
    let far = Instant::now() + Duration::from_secs(60);
    assert!(!server.received().wait_for_blocking(1, far)[0].accepted);
    assert!(server.messages().is_empty());
    drop(server);
    assert_eq!(client.reply(), "", "the server's end ends the silence");
}

#[test]
fn an_answer_is_held_until_its_gate_opens() {
    let gate = Gate::closed();
    let server = Server::start(Options::plain().at(Step::Rcpt, gate.clone()));
    let mut client = Client::connect(&server);
    client.reply();
    converse(&mut client, &ENVELOPE[..2]);
    client.say("RCPT TO:<b@example.com>\r\n");
    gate.open();
    assert!(client.reply().starts_with("250 "));
    let last = server.transcript().pop().unwrap();
    assert_eq!(
        last,
        Line {
            connection: 1,
            from_client: false,
            text: "250 2.1.5 Ok".into()
        }
    );
}

#[test]
fn starttls_is_required_where_it_is_offered() {
    let options = || Options::starttls(tls::Authority::new().localhost());
    let server = check(options(), &[("EHLO x", 250), ("MAIL FROM:<a@b.c>", 530)]);
    assert_eq!(server.violations(), ["connection 1: MAIL without STARTTLS"]);
    check(options(), &[("EHLO x", 250), ("STARTTLS", 220)]);
}

/// A whole mail, and the step at which each line is answered.
const STEPS: [(Step, &str); 9] = [
    (Step::Greeting, ""),
    (Step::Ehlo, "EHLO x\r\n"),
    (Step::Noop, "NOOP\r\n"),
    (Step::Mail, "MAIL FROM:<a@b.c>\r\n"),
    (Step::Rcpt, "RCPT TO:<d@e.f>\r\n"),
    (Step::Data, "DATA\r\n"),
    (Step::EndOfData, "\r\n.\r\n"),
    (Step::Rset, "RSET\r\n"),
    (Step::Quit, "QUIT\r\n"),
];

#[test]
fn acts_happen_at_every_step() {
    for (stage, (step, _)) in STEPS.iter().enumerate() {
        let last_words = |act: Vec<Act>| {
            let server = Server::start(Options::plain().at(*step, act));
            let mut client = Client::connect(&server);
            for (_, line) in &STEPS[..stage] {
                client.say(line);
                client.reply();
            }
            client.say(STEPS[stage].1);
            let mut rest = Vec::new();
            let end = client
                .0
                .read_to_end(&mut rest)
                .err()
                .map(|error| error.kind());
            (String::from_utf8(rest).unwrap(), end)
        };
        assert_eq!(
            last_words(vec![Act::Reset]).1,
            Some(ErrorKind::ConnectionReset),
            "{step:?}"
        );
        assert_eq!(
            last_words(vec![Act::Close]),
            (String::new(), None),
            "{step:?}"
        );
        let half = last_words(vec![Act::send("250 hal"), Act::Close]);
        assert_eq!(half, ("250 hal".to_owned(), None), "{step:?}");
    }
}

#[test]
fn a_slow_answer_is_an_answer() {
    let slow = Act::SendSlowly(b"250 2.0.0 Ok\r\n".to_vec(), Duration::ZERO);
    let server = Server::start(Options::plain().at(Step::Noop, slow));
    let mut client = Client::connect(&server);
    client.reply();
    for _ in 0..2 {
        client.say("NOOP\r\n");
        assert_eq!(client.reply(), "250 2.0.0 Ok");
    }
}
