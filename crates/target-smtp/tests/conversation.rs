//! What is peculiar to this target: the conversation, step by step.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify_core::{Failure, FailureKind, PlainHost, Receipt, Target};
use notify_testkit::misbehaving::{self, Act};
use notify_testkit::smtp::{Line, Mechanism, Options, Server, Step};
use notify_testkit::tls::{Authority, Identity};
use notify_testkit::{Delivery, Gate, Section, Upgrade as _};
use target_smtp::{Config, SMTP, Smtp};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// What is never waited for, unless something is wrong.
const FAR: Duration = Duration::from_secs(60);

fn section(addr: SocketAddr, mode: &str) -> Section {
    Section::new("relay")
        .public("server", addr.ip().to_string())
        .public("port", addr.port().to_string())
        .public("mode", mode)
        .public("from-address", "pve1@example.com")
        .public("mailto", "a@example.com")
        .public("mailto", "b@example.com")
}

fn with_login(section: Section) -> Section {
    section
        .public("username", "pve1")
        .secret("password", "hunter2")
}

fn target(section: &Section) -> Arc<dyn Target> {
    section.build(&SMTP).expect("a usable section")
}

fn mail() -> Delivery {
    Delivery::new("Subject of the mail", "All is well.\n.\n..\n").target("relay")
}

/// One delivery to a server of these options.
async fn deliver(options: Options, mode: &str) -> (Result<Receipt, Failure>, Server) {
    let server = Server::start(options);
    let target = target(&section(server.addr(), mode));
    let result = mail().to(&*target).await;
    assert_eq!(server.violations(), [""; 0]);
    (result, server)
}

fn shown(failure: &Failure) -> (FailureKind, String) {
    (failure.kind(), failure.report())
}

async fn check_failure(options: Options, kind: FailureKind, report: &str) {
    let (result, _server) = deliver(options, "insecure").await;
    let failure = result.expect_err("it fails");
    assert_eq!(shown(&failure), (kind, report.to_owned()));
}

#[tokio::test]
async fn a_mail_goes_in_one_transaction_and_the_queue_id_comes_back() {
    let (result, server) = deliver(Options::plain(), "insecure").await;
    let receipt = result.expect("taken");
    assert_eq!(
        receipt.reference.as_deref(),
        Some("2.0.0 Ok: queued as FAKE0001")
    );
    let [message] = &server.messages()[..] else {
        panic!("one mail")
    };
    assert_eq!(message.ehlo, "pve1.example.com");
    assert_eq!(message.sender, "pve1@example.com");
    assert_eq!(message.parameters, [""; 0]);
    assert_eq!(message.recipients, ["a@example.com", "b@example.com"]);
    insta::assert_snapshot!(message.text().replace("\r\n", "\n"));
}

#[tokio::test]
async fn each_mode_encrypts_when_it_says() {
    let authority = Authority::new();
    for (options, mode) in [
        (Options::starttls(authority.localhost()), "starttls"),
        (Options::implicit_tls(authority.localhost()), "tls"),
    ] {
        let options = options.auth(&[Mechanism::Plain], "pve1", "hunter2");
        let server = Server::start(options.auth_only_over_tls());
        let ca = authority.pem_file().display().to_string();
        let section = with_login(section(server.addr(), mode)).public("ca-file", ca);
        mail().to(&*target(&section)).await.expect("taken");
        assert_eq!(server.violations(), [""; 0]);
        let messages = server.messages();
        assert!(messages[0].tls, "{mode}");
        let login = messages[0].login.as_ref().expect("logged in");
        assert_eq!(login.mechanism, Mechanism::Plain);
    }
}

#[tokio::test]
async fn a_login_uses_plain_and_login_where_there_is_no_plain() {
    for (offered, used) in [
        (&[Mechanism::Login, Mechanism::Plain][..], Mechanism::Plain),
        (&[Mechanism::Login], Mechanism::Login),
    ] {
        let server = Server::start(Options::plain().auth(offered, "pve1", "hunter2"));
        let section = with_login(section(server.addr(), "insecure"));
        mail().to(&*target(&section)).await.expect("taken");
        assert_eq!(server.violations(), [""; 0]);
        let login = server.messages()[0].login.clone().expect("logged in");
        assert_eq!((login.mechanism, login.user.as_str()), (used, "pve1"));
    }
}

#[tokio::test]
async fn without_a_user_there_is_no_login() {
    let offered = Options::plain().auth(&[Mechanism::Plain], "pve1", "hunter2");
    check_failure(
        offered,
        FailureKind::Misconfigured,
        "127.0.0.1 answered 530 to the sender pve1@example.com: 5.7.0 Authentication required",
    )
    .await;
}

async fn check_login(options: Options, kind: FailureKind, report: &str) {
    let server = Server::start(options);
    let section = with_login(section(server.addr(), "insecure"));
    let failure = mail().to(&*target(&section)).await.expect_err("no login");
    assert_eq!(shown(&failure), (kind, report.to_owned()));
    assert!(server.messages().is_empty());
}

#[tokio::test]
async fn a_login_that_fails_is_a_matter_of_configuration_unless_it_may_work_later() {
    use FailureKind::{Misconfigured, Unavailable};
    let offered = || Options::plain().auth(&[Mechanism::Plain], "pve1", "hunter2");
    check_login(
        Options::plain().auth(&[Mechanism::Login], "pve1", "other"),
        Misconfigured,
        "127.0.0.1 answered 535 to the login: 5.7.8 Error: authentication failed",
    )
    .await;
    check_login(
        offered().at(Step::Auth, (454, "4.7.0 Temporary authentication failure")),
        Unavailable,
        "127.0.0.1 answered 454 to the login: 4.7.0 Temporary authentication failure",
    )
    .await;
    check_login(
        Options::plain(),
        Misconfigured,
        "127.0.0.1 offers no login with PLAIN or LOGIN without encryption",
    )
    .await;
}

#[tokio::test]
async fn starttls_is_required() {
    let (result, server) = deliver(Options::plain(), "starttls").await;
    assert_eq!(
        shown(&result.expect_err("no encryption")),
        (
            FailureKind::Misconfigured,
            "127.0.0.1 does not offer STARTTLS".to_owned()
        )
    );
    check_verbs(&server, "EHLO QUIT").await;
    let refused = Options::starttls(Authority::new().localhost());
    let refused = refused.at(Step::StartTls, (454, "4.7.0 TLS not available"));
    let (result, _server) = deliver(refused, "starttls").await;
    assert_eq!(
        shown(&result.expect_err("no encryption")),
        (
            FailureKind::Unavailable,
            "127.0.0.1 answered 454 to STARTTLS: 4.7.0 TLS not available".to_owned()
        )
    );
}

/// Someone on the way adds an answer after the one to STARTTLS, in plain text.
#[tokio::test]
async fn what_was_said_before_encryption_is_forgotten() {
    let identity = Authority::new().localhost();
    let pin = identity.fingerprint().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (plain, _) = listener.accept().await?;
        let mut plain = BufReader::new(plain);
        say(&mut plain, "220 mail.example.com\r\n").await?;
        hear(&mut plain).await?;
        say(&mut plain, "250-mail.example.com\r\n250 STARTTLS\r\n").await?;
        hear(&mut plain).await?;
        say(&mut plain, "220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n").await?;
        let mut encrypted = BufReader::new(identity.accept(Box::new(plain.into_inner())).await?);
        hear(&mut encrypted).await?;
        say(&mut encrypted, "250 mail.example.com\r\n").await?;
        hear(&mut encrypted).await
    });
    let section = with_login(section(addr, "starttls")).public("tls-fingerprint", pin);
    let failure = mail().to(&*target(&section)).await.expect_err("no login");
    assert_eq!(
        shown(&failure),
        (
            FailureKind::Misconfigured,
            "127.0.0.1 offers no login with PLAIN or LOGIN".to_owned()
        )
    );
    assert_eq!(server.await.unwrap().unwrap(), "QUIT\r\n");
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}

async fn hear(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line)
}

/// Delivers with login over TLS under an extra line of the section; nothing must arrive unless it is right.
async fn over_tls(identity: Identity, key: &str, value: &str) -> Result<(), (FailureKind, bool)> {
    let options = Options::implicit_tls(identity);
    let server = Server::start(options.auth(&[Mechanism::Plain], "pve1", "hunter2"));
    let section = with_login(section(server.addr(), "tls")).public(key, value);
    let result = mail().to(&*target(&section)).await;
    let said_something = !server.transcript().is_empty();
    result
        .map(drop)
        .map_err(|failure| (failure.kind(), said_something))
}

#[tokio::test]
async fn a_certificate_is_judged_before_anything_is_said() {
    let authority = Authority::new();
    let ca = authority.pem_file().display().to_string();
    let refused = Err((FailureKind::Misconfigured, false));
    assert_eq!(
        over_tls(authority.localhost(), "ca-file", &ca).await,
        Ok(())
    );
    assert_eq!(over_tls(authority.expired(), "ca-file", &ca).await, refused);
    let other_name = authority.for_name("other.example.com");
    assert_eq!(over_tls(other_name, "ca-file", &ca).await, refused);
    let stranger = Authority::new().localhost();
    assert_eq!(over_tls(stranger, "ca-file", &ca).await, refused);
}

#[tokio::test]
async fn a_pinned_certificate_is_the_only_one_accepted() {
    let pinned = Authority::new().expired();
    let pin = pinned.fingerprint().to_owned();
    assert_eq!(over_tls(pinned, "tls-fingerprint", &pin).await, Ok(()));
    let other = Authority::new().localhost();
    let refused = Err((FailureKind::Misconfigured, false));
    assert_eq!(over_tls(other, "tls-fingerprint", &pin).await, refused);
}

#[tokio::test]
async fn each_recipient_is_judged_alone() {
    let options = Options::plain().to_recipient("a@example.com", (450, "4.7.1 greylisted"));
    let (result, server) = deliver(options, "insecure").await;
    let receipt = result.expect("taken for one");
    let [(name, failure)] = &receipt.refused[..] else {
        panic!("one refused")
    };
    assert_eq!(name, "a@example.com");
    assert_eq!(
        shown(failure),
        (
            FailureKind::Unavailable,
            "127.0.0.1 answered 450 to the recipient a@example.com: 4.7.1 greylisted".to_owned()
        )
    );
    let messages = server.messages();
    assert_eq!(messages[0].recipients, ["b@example.com"]);
    assert!(
        messages[0]
            .text()
            .contains("\r\nTo: a@example.com, b@example.com\r\n")
    );
}

async fn check_all_refused(options: Options, kind: FailureKind, report: &str) {
    let (result, _server) = deliver(options, "insecure").await;
    let failure = result.expect_err("nobody is left");
    assert_eq!(shown(&failure), (kind, report.to_owned()));
    let names = failure.refused().iter().map(|(name, _)| name.as_str());
    assert!(names.eq(["a@example.com", "b@example.com"]));
    let reasons = failure.refused().iter().map(|(_, reason)| reason.report());
    assert!(
        reasons
            .zip(["a@example.com", "b@example.com"])
            .all(|(reason, name)| reason.contains(&format!(" to the recipient {name}: ")))
    );
}

#[tokio::test]
async fn when_all_recipients_are_refused_the_kindest_reason_counts() {
    let options = Options::plain()
        .to_recipient("a@example.com", (550, "5.1.1 unknown"))
        .to_recipient("b@example.com", (450, "4.7.1 greylisted"));
    check_all_refused(
        options,
        FailureKind::Unavailable,
        "no recipient was accepted: \
         127.0.0.1 answered 450 to the recipient b@example.com: 4.7.1 greylisted",
    )
    .await;
    check_all_refused(
        Options::plain().at(Step::Rcpt, (550, "5.1.1 unknown")),
        FailureKind::Rejected,
        "no recipient was accepted: \
         127.0.0.1 answered 550 to the recipient a@example.com: 5.1.1 unknown",
    )
    .await;
}

/// A conversation with a server that gives these answers to RCPT and to the mail, and else says codes alone.
async fn terse(to_recipient: &str, to_mail: &str) -> Result<Receipt, Failure> {
    // In single octets, so that each answer comes in parts.
    let say = |text: &str| Act::SendSlowly(text.as_bytes().to_vec(), Duration::ZERO);
    let hear = || Act::Await(b"\r\n".to_vec());
    let server = misbehaving::Server::start(vec![
        say("220\r\n"),
        hear(),
        say("250-mail.example.com\r\n250-\r\n250 AUTH PLAIN\r\n"),
        hear(),
        say("235\r\n"),
        hear(),
        say("250\r\n"),
        hear(),
        say(to_recipient),
        hear(),
        say(to_recipient),
        hear(),
        say("354\r\n"),
        Act::Await(b"\r\n.\r\n".to_vec()),
        say(to_mail),
        Act::Hang,
    ]);
    let section = with_login(section(server.addr(), "insecure"));
    mail().to(&*target(&section)).await
}

/// The text after a code is optional (RFC 5321 4.2).
#[tokio::test]
async fn an_answer_may_be_a_code_alone() {
    for (answer, reference) in [
        ("250\r\n", None),
        ("250 \r\n", None),
        ("250-\r\n250\r\n", None),
        ("250-2.0.0 Ok 250\r\n250-\r\n250\r\n", Some("2.0.0 Ok 250")),
    ] {
        let receipt = terse("251\r\n", answer).await.expect("taken");
        assert_eq!(receipt.reference.as_deref(), reference, "{answer:?}");
    }
    let failure = terse("250\r\n", "554\r\n").await.expect_err("a no");
    let told = "127.0.0.1 answered 554 to the mail".to_owned();
    assert_eq!(shown(&failure), (FailureKind::Rejected, told));
    let failure = terse("450\r\n", "").await.expect_err("nobody");
    assert_eq!(
        shown(&failure),
        (
            FailureKind::Unavailable,
            "no recipient was accepted: 127.0.0.1 answered 450 to the recipient a@example.com"
                .to_owned()
        )
    );
    for neither in ["25\r\n", "2500\r\n", "250\n\r\n"] {
        let failure = terse("250\r\n", neither).await.expect_err("no code");
        assert_eq!(failure.kind(), FailureKind::Uncertain, "{neither:?}");
    }
}

#[tokio::test]
async fn an_answer_is_judged_by_its_first_digit_at_every_step() {
    use FailureKind::{Rejected, Unavailable};
    let plain = Options::plain;
    for (step, name) in [
        (Step::Greeting, "the connection and EHLO"),
        (Step::Ehlo, "the connection and EHLO"),
        (Step::Mail, "the sender pve1@example.com"),
        (Step::Data, "DATA"),
        (Step::EndOfData, "the mail"),
    ] {
        check_failure(
            plain().at(step, (421, "4.3.2 closing")),
            Unavailable,
            &format!("127.0.0.1 answered 421 to {name}: 4.3.2 closing"),
        )
        .await;
        check_failure(
            plain().at(step, (554, "5.7.1 first line.\nsecond line.")),
            Rejected,
            &format!("127.0.0.1 answered 554 to {name}: 5.7.1 first line. second line"),
        )
        .await;
    }
}

#[tokio::test]
async fn a_connection_that_ends_is_unavailable_before_the_final_dot_and_uncertain_after_it() {
    use FailureKind::{Unavailable, Uncertain};
    for (step, kind, report) in [
        (
            Step::Greeting,
            Unavailable,
            "127.0.0.1 did not answer to the connection and EHLO: the connection was closed",
        ),
        (
            Step::Rcpt,
            Unavailable,
            "127.0.0.1 did not answer to the recipient a@example.com: the connection was closed",
        ),
        (
            Step::EndOfData,
            Uncertain,
            "127.0.0.1 did not answer to the mail: the connection was closed",
        ),
    ] {
        check_failure(Options::plain().at(step, Act::Close), kind, report).await;
    }
    let reset = Options::plain().at(Step::EndOfData, Act::Reset);
    let (result, _server) = deliver(reset, "insecure").await;
    assert_eq!(result.expect_err("reset").kind(), Uncertain);
    let half = Options::plain().at(Step::EndOfData, vec![Act::send("250 2.0.0 O"), Act::Close]);
    let (result, _server) = deliver(half, "insecure").await;
    assert_eq!(result.expect_err("half an answer").kind(), Uncertain);
}

#[tokio::test]
async fn an_answer_is_shown_in_one_printable_line() {
    check_failure(
        Options::plain().at(Step::Mail, (554, "5.7.1 a\u{1b}[2J\u{202e}b. ")),
        FailureKind::Rejected,
        "127.0.0.1 answered 554 to the sender pve1@example.com: 5.7.1 a [2J b",
    )
    .await;
}

/// A server may refuse a mail while it is still being sent.
#[tokio::test]
async fn a_mail_that_is_refused_half_way_is_refused() {
    let answer = vec![Act::send("354 go\r\n552 5.3.4 too big\r\n"), Act::Close];
    let server = Server::start(Options::plain().at(Step::Data, answer));
    let target = target(&section(server.addr(), "insecure"));
    let large = Delivery::new("Large", &"All is well.\n".repeat(600_000)).target("relay");
    let failure = large.to(&*target).await.expect_err("too big");
    assert_eq!(
        failure.kind(),
        FailureKind::Rejected,
        "{}",
        failure.report()
    );
    assert!(failure.report().ends_with("5.3.4 too big"));
}

#[tokio::test]
async fn what_is_not_smtp_is_named_as_that() {
    for (acts, report) in [
        (
            vec![Act::send("HTTP/1.1 400 Bad Request\r\n\r\n")],
            "127.0.0.1 does not speak SMTP, at the connection and EHLO: its answer is not SMTP",
        ),
        (
            misbehaving::garbage(),
            "127.0.0.1 does not speak SMTP, at the connection and EHLO: its answer is not SMTP",
        ),
        (
            vec![Act::Flood(b"220 hello".to_vec(), 1 << 40)],
            "127.0.0.1 does not speak SMTP, at the connection and EHLO: its answer does not end",
        ),
        (
            misbehaving::endless_greeting(1 << 40),
            "127.0.0.1 does not speak SMTP, at the connection and EHLO: its answer does not end",
        ),
    ] {
        let server = misbehaving::Server::start(acts);
        let target = target(&section(server.addr(), "insecure"));
        let failure = mail().to(&*target).await.expect_err("no mail server");
        assert_eq!(
            shown(&failure),
            (FailureKind::Misconfigured, report.to_owned())
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let nobody = misbehaving::refusing();
    let failure = mail().to(&*target(&section(nobody, "insecure"))).await;
    assert_eq!(
        shown(&failure.expect_err("refused")),
        (
            FailureKind::Unavailable,
            format!("cannot connect to {nobody}: Connection refused (os error 111)")
        )
    );
    let unknown = section(nobody, "insecure")
        .without("server")
        .public("server", "nowhere.invalid");
    let failure = mail().to(&*target(&unknown)).await.expect_err("no address");
    assert_eq!(failure.kind(), FailureKind::Unavailable);
    assert_eq!(
        failure.detail(),
        "cannot find the address of nowhere.invalid"
    );
}

#[tokio::test]
async fn a_silent_server_is_left_at_the_deadline() {
    let server = misbehaving::Server::start(misbehaving::silent());
    let target = target(&section(server.addr(), "insecure"));
    let mail = mail().within(Duration::from_millis(300));
    let failure = mail.to(&*target).await.expect_err("silence");
    assert_eq!(
        shown(&failure),
        (
            FailureKind::Unavailable,
            "127.0.0.1 did not answer to the connection and EHLO in time".to_owned()
        )
    );
}

#[tokio::test]
async fn a_step_has_its_own_limit() {
    let server = misbehaving::Server::start(misbehaving::silent());
    let fields = section(server.addr(), "tls").checked(&SMTP).fields;
    let mut config = Config::from_fields(&fields.expect("a usable section")).expect("no fault");
    config.step_limit = Duration::from_millis(100);
    let mail = mail().within(FAR);
    let begun = Instant::now();
    let failure = mail.to(&Smtp::new(config)).await.expect_err("silence");
    assert_eq!(
        shown(&failure),
        (
            FailureKind::Unavailable,
            "127.0.0.1 did not answer to the TLS handshake in time".to_owned()
        )
    );
    assert!(begun.elapsed() < FAR, "not the deadline");
}

/// Mails over one target, and on how many connections.
async fn two_mails(options: Options, between: impl FnOnce(&Server)) -> (Server, Vec<usize>) {
    let server = Server::start(options);
    let target = target(&section(server.addr(), "insecure"));
    mail().to(&*target).await.expect("taken");
    between(&server);
    mail().event(2).to(&*target).await.expect("taken");
    assert_eq!(server.violations(), [""; 0]);
    let messages = server.messages();
    let connections = messages.iter().map(|mail| mail.connection).collect();
    (server, connections)
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_mail() {
    let (server, connections) = two_mails(Options::plain(), |_| ()).await;
    assert_eq!(connections, [1, 1]);
    check_verbs(
        &server,
        "EHLO MAIL RCPT RCPT DATA NOOP MAIL RCPT RCPT DATA QUIT",
    )
    .await;
}

#[tokio::test]
async fn a_kept_connection_that_has_ended_costs_nothing() {
    let ends = |server: &Server| server.answer(Step::Noop, (421, "4.4.2 idle too long"));
    let (_server, connections) = two_mails(Options::plain(), ends).await;
    assert_eq!(connections, [1, 2]);
    let ends = |server: &Server| server.answer(Step::Noop, Act::Close);
    let (_server, connections) = two_mails(Options::plain(), ends).await;
    assert_eq!(connections, [1, 2]);
}

#[tokio::test]
async fn a_kept_connection_that_ends_before_the_mail_is_replaced() {
    // The first mail passes each step once; then the connection ends at that step, once.
    for step in [Step::Mail, Step::Rcpt, Step::Data] {
        let passes = if step == Step::Rcpt { 2 } else { 1 };
        let options = Options::plain()
            .at_first(passes, step, open())
            .at_first(1, step, Act::Close);
        let (_server, connections) = two_mails(options, |_| ()).await;
        assert_eq!(connections, [1, 2], "{step:?}");
    }
}

/// A gate that holds nobody: the usual answer.
fn open() -> Gate {
    let gate = Gate::closed();
    gate.open();
    gate
}

#[tokio::test]
async fn a_fresh_connection_that_ends_is_not_replaced() {
    let server = Server::start(Options::plain().at_first(1, Step::Mail, Act::Close));
    let target = target(&section(server.addr(), "insecure"));
    let failure = mail().to(&*target).await.expect_err("closed");
    assert_eq!(failure.kind(), FailureKind::Unavailable);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_mail_that_may_have_been_taken_is_not_sent_again() {
    let server = Server::start(Options::plain());
    let target = target(&section(server.addr(), "insecure"));
    mail().to(&*target).await.expect("taken");
    server.answer(Step::EndOfData, Act::Close);
    let failure = mail().event(2).to(&*target).await.expect_err("no answer");
    assert_eq!(failure.kind(), FailureKind::Uncertain);
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_connection_is_kept_for_thirty_seconds() {
    let server = Server::start(Options::plain());
    let target = target(&section(server.addr(), "insecure"));
    mail().to(&*target).await.expect("taken");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(29)).await;
    tokio::task::yield_now().await;
    assert_eq!(server.verbs(1), "EHLO MAIL RCPT RCPT DATA");
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    check_verbs(&server, "EHLO MAIL RCPT RCPT DATA QUIT").await;
    drop(target);
}

#[tokio::test]
async fn a_kept_connection_is_closed_politely_with_its_target() {
    let server = Server::start(Options::plain());
    let target = target(&section(server.addr(), "insecure"));
    mail().to(&*target).await.expect("taken");
    drop(target);
    check_verbs(&server, "EHLO MAIL RCPT RCPT DATA QUIT").await;
}

/// As in a program that is done with its deliveries, and ends.
#[test]
fn a_kept_connection_is_closed_politely_after_the_end_of_its_runtime() {
    let authority = Authority::new();
    let ca = authority.pem_file().display().to_string();
    for (options, mode) in [
        (Options::plain(), "insecure"),
        (Options::starttls(authority.localhost()), "starttls"),
        (Options::implicit_tls(authority.localhost()), "tls"),
    ] {
        let server = Server::start(options);
        let target = target(&section(server.addr(), mode).public("ca-file", ca.clone()));
        let running = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
        };
        let delivered = running().block_on(mail().to(&*target));
        delivered.expect("taken");
        drop(target);
        running().block_on(wait_for_quit(&server));
        assert!(server.verbs(1).ends_with("DATA QUIT"), "{mode}");
    }
}

/// What was said on the first connection, which ends with QUIT.
async fn check_verbs(server: &Server, expected: &str) {
    wait_for_quit(server).await;
    assert_eq!(server.verbs(1), expected);
}

async fn wait_for_quit(server: &Server) {
    let quit = |lines: &[Line]| {
        lines
            .iter()
            .any(|line| line.from_client && line.connection == 1 && line.text == "QUIT")
    };
    server.lines().wait_until(Instant::now() + FAR, quit).await;
}

#[tokio::test]
async fn smtputf8_is_used_where_it_is_needed_and_offered() {
    let run = async |options: Options| {
        let server = Server::start(options);
        let section = section(server.addr(), "insecure").public("mailto", "jörg@example.com");
        let receipt = mail().to(&*target(&section)).await.expect("taken");
        assert_eq!(server.violations(), [""; 0]);
        (server.messages().remove(0), receipt)
    };
    let (message, receipt) = run(Options::plain()).await;
    assert_eq!(message.parameters, ["SMTPUTF8", "BODY=8BITMIME"]);
    assert_eq!(
        message.recipients.last().map(String::as_str),
        Some("jörg@example.com")
    );
    assert!(receipt.refused.is_empty());
    let (message, receipt) = run(Options::plain().without_smtputf8()).await;
    assert_eq!(message.parameters, [""; 0]);
    assert_eq!(message.recipients, ["a@example.com", "b@example.com"]);
    assert!(!message.text().contains("jörg"));
    assert_eq!(receipt.refused[0].0, "jörg@example.com");
    assert_eq!(receipt.refused[0].1.kind(), FailureKind::Rejected);
}

#[tokio::test]
async fn a_text_that_is_not_ascii_needs_no_extension() {
    let server = Server::start(Options::plain().without_8bitmime());
    let target = target(&section(server.addr(), "insecure"));
    let mail = Delivery::new("Größe", "Größe überschritten: 日本語\n").target("relay");
    mail.to(&*target).await.expect("taken");
    assert_eq!(server.violations(), [""; 0]);
    assert!(server.messages()[0].data.is_ascii());
}

#[tokio::test]
async fn a_host_without_a_legal_name_says_its_address() {
    let server = Server::start(Options::plain());
    let target = target(&section(server.addr(), "insecure"));
    let host = PlainHost::named("my_host");
    mail().host(host).to(&*target).await.expect("taken");
    assert_eq!(
        server.messages()[0].ehlo,
        format!("[{}]", IpAddr::from([127, 0, 0, 1]))
    );
    assert!(server.messages()[0].text().contains("@localhost>\r\n"));
}

#[tokio::test]
async fn only_the_wanted_recipients_are_asked_for() {
    let server = Server::start(Options::plain());
    let target = target(&section(server.addr(), "insecure"));
    let mail = mail().only_to(&["b@example.com"]);
    mail.to(&*target).await.expect("taken");
    assert_eq!(server.messages()[0].recipients, ["b@example.com"]);
}
