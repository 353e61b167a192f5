//! What is peculiar to this target: the command line, the input, the ending of a program.

mod support;

use std::sync::mpsc;
use std::time::Duration;

use notify_core::{FailureKind, LegacyMail, PlainHost};
use notify_testkit::Delivery;
use support::{Peer, target};
use target_sendmail::SENDMAIL;

const TO_ADMIN: &[(&str, &str)] = &[("mailto", "admin@example.com")];

/// More than a pipe holds, so that a program that does not read it does not get it.
fn large() -> String {
    "All is well.\n".repeat(20_000)
}

async fn check_failure(act: &str, text: &str, kind: FailureKind, detail: &str) {
    let peer = Peer::that(act);
    let failure = peer.deliver(TO_ADMIN, text).await.expect_err("it fails");
    let program = peer.path("sendmail").display().to_string();
    let shown = failure.report().replace(&program, "PROGRAM");
    assert_eq!((failure.kind(), shown.as_str()), (kind, detail), "{act}");
}

#[tokio::test]
async fn the_program_gets_what_proxmox_ve_gives_it() {
    let peer = Peer::that_takes_mail();
    let section = [
        ("mailto", "b@example.com"),
        ("mailto", "Max <max@müller.example>"),
        ("mailto", "-rf@example.com"),
        ("mailto", "root"),
        ("mailto-user", "root@pam"),
        ("mailto-user", "guest@pve"),
        ("author", "Backup, \"watch\""),
        ("from-address", "pve1@example.com"),
    ];
    let receipt = peer
        .deliver(&section, "All is well.\n")
        .await
        .expect("taken");
    assert_eq!(receipt.reference, None);
    assert!(receipt.refused.is_empty());
    assert_eq!(receipt.warnings, ["user has no address: guest@pve"]);
    insta::assert_snapshot!("arguments", peer.read("arguments"));
    insta::assert_snapshot!("message", peer.read("message"));
}

#[tokio::test]
async fn the_sender_is_the_sections_the_clusters_or_root() {
    let from = async |section: &[(&str, &str)], email_from: Option<&str>| {
        let mut peer = Peer::that_takes_mail();
        peer.host.email_from = email_from.map(str::to_owned);
        let receipt = peer.deliver(section, "text").await.expect("taken");
        let arguments = peer.read("arguments");
        let sender = arguments.lines().nth(3).expect("after -f").to_owned();
        let header = peer.read("message");
        assert!(header.contains(&format!("\nFrom: \"Proxmox VE\" <{sender}>\n")));
        (sender, receipt.warnings)
    };
    let own = [TO_ADMIN[0], ("from-address", "own@example.com")];
    let cluster = Some("cluster@example.com");
    assert_eq!(from(&own, cluster).await.0, "own@example.com");
    assert_eq!(from(TO_ADMIN, cluster).await.0, "cluster@example.com");
    assert_eq!(from(TO_ADMIN, None).await, ("root".to_owned(), vec![]));
    // A bad value has been a warning when the file was read, and is not there any more.
    let bad = [TO_ADMIN[0], ("from-address", "-t")];
    assert_eq!(from(&bad, cluster).await.0, "cluster@example.com");
    for option in ["-t", "a b", "a\r\nBcc: b@c"] {
        let (sender, warnings) = from(TO_ADMIN, Some(option)).await;
        assert_eq!(sender, "root");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }
}

#[tokio::test]
async fn a_legacy_mail_goes_to_the_addresses_as_they_are() {
    let legacy = SENDMAIL.legacy.expect("it can send legacy mail");
    let recipients = ["b@example.com", "root", "root@pam", "a@example.com"];
    let target = legacy(LegacyMail {
        recipients: recipients.map(str::to_owned).into(),
        author: "vzdump backup tool".to_owned(),
    });
    let mut peer = Peer::that_takes_mail();
    for (email_from, sender) in [(None, "root"), (Some("pve@example.com"), "pve@example.com")] {
        peer.host.email_from = email_from.map(str::to_owned);
        let receipt = peer.mail("text").to(&*target).await.expect("taken");
        assert!(receipt.refused.is_empty() && receipt.warnings.is_empty());
        assert_eq!(
            peer.read("arguments"),
            format!(
                "-B\n8BITMIME\n-f\n{sender}\n--\n{}\n",
                recipients.join("\n")
            )
        );
        let message = peer.read("message");
        let from = format!("\nFrom: \"vzdump backup tool\" <{sender}>\n");
        assert!(message.contains(&from), "{message}");
        let to = format!("\nTo: {}\n", recipients.join(", "));
        assert!(message.contains(&to), "{message}");
    }
}

#[tokio::test]
async fn an_attempt_for_some_recipients_shows_all() {
    let peer = Peer::that_takes_mail();
    let section = [("mailto", "a@example.com"), ("mailto", "b@example.com")];
    let mail = peer.mail("text").only_to(&["b@example.com"]);
    mail.to(&*target(&section)).await.expect("taken");
    assert!(peer.read("arguments").ends_with("--\nb@example.com\n"));
    let message = peer.read("message");
    assert!(message.contains("\nTo: a@example.com, b@example.com\n"));
}

#[tokio::test]
async fn what_is_no_address_is_left_to_the_program() {
    let peer = Peer::that_takes_mail();
    let section = [
        ("mailto", "a@example.com, b@example.com"),
        ("mailto", "c@example.com"),
    ];
    let receipt = peer.deliver(&section, "text").await.expect("taken");
    assert_eq!(
        receipt.warnings,
        ["not a mail address: `a@example.com, b@example.com`, handed over as it is written"]
    );
    assert!(
        peer.read("arguments")
            .ends_with("--\na@example.com, b@example.com\nc@example.com\n")
    );
    assert!(peer.read("message").contains("\nTo: c@example.com\n"));
}

#[tokio::test]
async fn an_address_that_no_command_line_can_carry_is_refused_alone() {
    let mut peer = Peer::that_takes_mail();
    let bad = "a@b\0-oQ/tmp";
    peer.host = peer.host.clone().with_user("bad@pve", bad);
    let section = [("mailto-user", "bad@pve"), TO_ADMIN[0]];
    let receipt = peer.deliver(&section, "text").await.expect("taken by one");
    assert_eq!(receipt.refused.len(), 1);
    assert_eq!(receipt.refused[0].0, bad);
    assert_eq!(receipt.refused[0].1.kind(), FailureKind::Misconfigured);
    let failure = peer
        .deliver(&section[..1], "text")
        .await
        .expect_err("nobody");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
}

#[tokio::test]
async fn without_a_recipient_nothing_is_run() {
    let peer = Peer::that("touch \"$here/ran\"");
    let failure = peer.deliver(&[("mailto-user", "guest@pve")], "text").await;
    let failure = failure.expect_err("nobody has an address");
    assert_eq!(failure.kind(), FailureKind::Misconfigured);
    assert_eq!(failure.report(), "no recipient has an address: guest@pve");
    assert!(!peer.path("ran").exists());
}

#[tokio::test]
async fn the_exit_status_counts() {
    use FailureKind::{Misconfigured, Rejected, Unavailable};
    let read_and = |rest: &str| format!("cat > /dev/null\n{rest}");
    check_failure(
        &read_and("printf 'sendmail: fatal:\\n\\tqueue  full\\n' >&2; exit 75"),
        "text",
        Unavailable,
        "`PROGRAM` exited with 75, temporary failure: sendmail: fatal: queue full",
    )
    .await;
    check_failure(
        &read_and("exit 67"),
        "text",
        Rejected,
        "`PROGRAM` exited with 67, user unknown",
    )
    .await;
    check_failure(
        &read_and("exit 1"),
        "text",
        Unavailable,
        "`PROGRAM` exited with 1",
    )
    .await;
    check_failure(
        "exit 64",
        &large(),
        Misconfigured,
        "`PROGRAM` exited with 64, command line not understood",
    )
    .await;
}

#[tokio::test]
async fn a_signal_after_the_whole_mail_is_uncertain() {
    check_failure(
        "cat > /dev/null; kill -TERM $$",
        "text",
        FailureKind::Uncertain,
        "`PROGRAM` was ended by signal: 15 (SIGTERM)",
    )
    .await;
}

#[tokio::test]
async fn a_program_that_reads_nothing_has_taken_nothing() {
    check_failure(
        "exit 0",
        "text",
        FailureKind::Misconfigured,
        "`PROGRAM` exited with 0 and had not read the mail",
    )
    .await;
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_at_the_deadline() {
    for (act, kind) in [
        ("exec sleep 1000", FailureKind::Unavailable),
        ("cat > /dev/null; exec sleep 1000", FailureKind::Uncertain),
    ] {
        let peer = Peer::that(act);
        let mail = peer.mail("text").within(Duration::from_secs(2));
        let failure = mail.to(&*target(TO_ADMIN)).await;
        let failure = failure.expect_err("the deadline has passed");
        assert_eq!(failure.kind(), kind, "{act}");
        assert!(
            failure
                .detail()
                .ends_with("was still running at the deadline and was killed")
        );
    }
}

/// A program that goes on in a child, which holds a pipe open; its end comes
/// when the last of them is gone.
struct Watched {
    peer: Peer,
    opened: tokio::sync::oneshot::Receiver<()>,
    gone: mpsc::Receiver<()>,
}

fn watched() -> Watched {
    let peer = Peer::that("sleep 1000 > \"$here/alive\" &\nwait");
    let alive = peer.pipe("alive");
    let (has_opened, opened) = tokio::sync::oneshot::channel();
    let (has_gone, gone) = mpsc::channel();
    std::thread::spawn(move || {
        let pipe = std::fs::File::open(alive).expect("the pipe is there");
        let _ = has_opened.send(());
        let said = std::io::read_to_string(pipe).expect("it ends");
        assert_eq!(said, "");
        let _ = has_gone.send(());
    });
    Watched { peer, opened, gone }
}

impl Watched {
    fn check_gone(&self) {
        let gone = self.gone.recv_timeout(Duration::from_secs(60));
        gone.expect("the child is killed, too");
    }
}

#[tokio::test]
async fn its_children_are_killed_with_it() {
    let watched = watched();
    let mail = watched.peer.mail("text").within(Duration::from_secs(2));
    let failure = mail.to(&*target(TO_ADMIN)).await;
    failure.expect_err("the deadline has passed");
    watched.check_gone();
}

#[tokio::test]
async fn they_are_killed_too_when_nobody_waits_any_more() {
    let mut watched = watched();
    {
        let delivery = watched.peer.deliver(TO_ADMIN, "text");
        tokio::select! {
            _ = delivery => panic!("it hangs"),
            _ = &mut watched.opened => {}
        }
    }
    watched.check_gone();
}

#[tokio::test]
async fn a_long_complaint_is_cut() {
    let peer = Peer::that("cat > /dev/null; yes complaint | head -c 1000000 >&2; exit 70");
    let failure = peer.deliver(TO_ADMIN, "text").await.expect_err("it fails");
    assert!(
        failure
            .detail()
            .contains("internal software error: complaint complaint")
    );
    assert!(failure.detail().len() < 3000, "{}", failure.detail().len());
}

#[tokio::test]
async fn a_complaint_is_one_printable_line() {
    let peer = Peer::that(r"cat > /dev/null; printf 'a\033[2J\n\342\200\256b.\n' >&2; exit 70");
    let failure = peer.deliver(TO_ADMIN, "text").await.expect_err("it fails");
    assert!(failure.detail().ends_with(": a [2J b"), "{failure:?}");
}

/// As when a mail server that the program started goes on in the background.
#[tokio::test]
async fn a_child_that_stays_is_not_waited_for() {
    let peer = Peer::that(
        "cat > /dev/null; cat \"$here/hold\" > /dev/null & exit $(cat \"$here/status\")",
    );
    let hold = peer.pipe("hold");
    peer.write("status", "0");
    peer.deliver(TO_ADMIN, "text").await.expect("taken");
    peer.write("status", "69");
    let failure = peer.deliver(TO_ADMIN, "text").await.expect_err("it fails");
    assert!(
        failure
            .detail()
            .ends_with("exited with 69, service unavailable")
    );
    // Opened and closed, the pipe lets both go.
    drop(std::fs::OpenOptions::new().write(true).open(hold).unwrap());
}

#[tokio::test]
async fn a_program_that_cannot_be_run_is_misconfigured() {
    let mut peer = Peer::that_takes_mail();
    for (program, reason) in [
        ("nothing", "No such file or directory (os error 2)"),
        ("act", "Permission denied (os error 13)"),
    ] {
        peer.host.sendmail = peer.path(program);
        let failure = peer
            .deliver(TO_ADMIN, "text")
            .await
            .expect_err("no program");
        assert_eq!(failure.kind(), FailureKind::Misconfigured);
        assert!(failure.detail().ends_with(reason), "{}", failure.detail());
    }
}

#[tokio::test]
async fn the_program_has_our_environment() {
    let peer =
        Peer::that("cat > /dev/null; printf %s \"$CARGO_MANIFEST_DIR\" > \"$here/environment\"");
    peer.deliver(TO_ADMIN, "text").await.expect("taken");
    assert_eq!(peer.read("environment"), env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn a_check_names_what_is_missing_on_this_host() {
    let host = PlainHost {
        sendmail: "/nowhere/sendmail".into(),
        ..PlainHost::named("pve1")
    };
    let section = [("mailto", "a@x, b@y"), ("mailto-user", "root@pam")];
    let faults = target(&section).prepare(&host);
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "notifications.cfg:2:2: warning: sendmail `ops`: not a mail address: `a@x, b@y`",
            "notifications.cfg:3:2: warning: sendmail `ops`: user has no address: root@pam",
            "notifications.cfg:1:1: error: sendmail `ops`: cannot run `/nowhere/sendmail`: No such file or directory (os error 2)",
        ]
    );
}

/// Bytes that a program or a careless copy would change.
fn odd_mail() -> Vec<u8> {
    let mut raw = b"From root Mon Jan  8 08:00:01 2024\nFrom: a@b\r\nSubject: s\n\nFrom me\n\0\r\n\xff\rlone\n"
        .to_vec();
    raw.extend(std::iter::repeat_n(b'x', 5000));
    raw.extend(b"\n.\n..\nno line end");
    raw
}

#[tokio::test]
async fn the_mail_of_another_program_is_handed_over_byte_for_byte() {
    let peer = Peer::that_takes_mail();
    let section = [
        ("mailto", "a@example.com"),
        ("mailto", "-rf@example.com"),
        ("from-address", "pve1@example.com"),
    ];
    let large = [b"Subject: s\n\n".as_slice(), large().as_bytes()].concat();
    for (raw, options) in [
        (b"Subject: s\n\ntext\n".to_vec(), "-N\nnever\n"),
        (odd_mail(), "-N\nnever\n-i\n"),
        (b"no mail at all".to_vec(), "-N\nnever\n"),
        (large, "-N\nnever\n"),
        (Vec::new(), "-N\nnever\n"),
    ] {
        let delivery = Delivery::mail(&raw, "s", "text").host(peer.host.clone());
        let receipt = delivery.to(&*target(&section)).await.expect("taken");
        assert_eq!(receipt.warnings, [""; 0]);
        assert_eq!(peer.read_bytes("message"), raw);
        assert_eq!(
            peer.read("arguments"),
            format!("{options}-f\npve1@example.com\n--\na@example.com\n-rf@example.com\n")
        );
    }
}

#[tokio::test]
async fn a_mail_over_the_limit_loses_its_largest_file() {
    let peer = Peer::that_takes_mail();
    let section = [TO_ADMIN[0], ("max-mail-size", "64K")];
    let line = format!("{}\n", "QUJD".repeat(19));
    let raw = format!(
        "Delivered-To: root@pve1\nSubject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nThe text.\n--b\nContent-Type: application/gzip; name=log.gz\nContent-Transfer-Encoding: base64\n\n{}--b--\n",
        line.repeat(1000)
    );
    let delivery = Delivery::mail(raw.as_bytes(), "s", "The text.").host(peer.host.clone());
    let receipt = delivery.to(&*target(&section)).await.expect("taken");
    assert_eq!(
        receipt.warnings,
        ["left out, because the mail is larger than 64 KiB: log.gz (application/gzip, 56 KiB)"]
    );
    insta::assert_snapshot!("shorter", peer.read("message"));
}
