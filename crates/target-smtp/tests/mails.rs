//! Mails of other programs: what the server gets of them, by what it can.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use mail_parser::MessageParser;
use notify_core::{Receipt, Target};
use notify_testkit::smtp::{Message, Options, Server};
use notify_testkit::{Delivery, Section};
use target_smtp::SMTP;

fn section(addr: SocketAddr) -> Section {
    Section::new("relay")
        .public("server", addr.ip().to_string())
        .public("port", addr.port().to_string())
        .public("mode", "insecure")
        .public("from-address", "pve1@example.com")
        .public("mailto", "a@example.com")
}

fn target(section: &Section) -> Arc<dyn Target> {
    section.build(&SMTP).expect("a usable section")
}

/// One mail to a server of these options: what it got, and what the target said.
async fn forward(options: Options, raw: &[u8]) -> (Message, Receipt) {
    let server = Server::start(options);
    let mail = Delivery::mail(raw, "subject", "text");
    let receipt = mail.to(&*target(&section(server.addr()))).await;
    let receipt = receipt.expect("taken");
    assert_eq!(server.violations(), [""; 0]);
    (server.messages().remove(0), receipt)
}

fn case(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/mail");
    std::fs::read(folder.join(name)).expect("there is such a case")
}

const EIGHT_BIT: &str = "Subject: s\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGröße\n.\nafter\n";

#[tokio::test]
async fn eight_bit_text_goes_as_it_is_where_the_server_takes_it() {
    let (message, _) = forward(Options::plain(), EIGHT_BIT.as_bytes()).await;
    let size = format!("SIZE={}", message.data.len());
    assert_eq!(message.parameters, ["BODY=8BITMIME".to_owned(), size]);
    assert!(
        message
            .text()
            .ends_with("Content-Transfer-Encoding: 8bit\r\n\r\nGröße\r\n.\r\nafter\r\n")
    );
}

#[tokio::test]
async fn eight_bit_text_is_encoded_where_the_server_does_not() {
    let options = Options::plain().without_8bitmime().size(None);
    let (message, _) = forward(options, EIGHT_BIT.as_bytes()).await;
    assert_eq!(message.parameters, [""; 0]);
    assert!(message.data.is_ascii());
    let mail = MessageParser::new()
        .parse(&message.data)
        .expect("it is a mail");
    assert_eq!(
        mail.body_text(0).as_deref(),
        Some("Größe\r\n.\r\nafter\r\n")
    );
}

#[tokio::test]
async fn nobody_is_told_that_the_mail_of_another_program_did_not_arrive() {
    let mail = b"Subject: s\n\ntext\n";
    let (message, _) = forward(Options::plain().dsn(), mail).await;
    assert_eq!(message.rcpt_parameters, [["NOTIFY=NEVER"]]);
    let (message, _) = forward(Options::plain(), mail).await;
    assert_eq!(message.rcpt_parameters, [[""; 0]]);
    // A report about a notification of ours is worth a mail.
    let server = Server::start(Options::plain().dsn());
    let receipt = Delivery::new("subject", "text")
        .to(&*target(&section(server.addr())))
        .await;
    receipt.expect("taken");
    assert_eq!(server.violations(), [""; 0]);
    assert_eq!(server.messages()[0].rcpt_parameters, [[""; 0]]);
}

fn with_file(octets: usize) -> Vec<u8> {
    let line = format!("{}\n", "QUJD".repeat(19));
    let lines = line.repeat(octets / line.len());
    format!("Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nThe text.\n--b\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n{lines}--b--\n").into_bytes()
}

#[tokio::test]
async fn a_large_mail_arrives_whole_where_there_is_room() {
    let raw = with_file(12 << 20);
    let (message, receipt) = forward(Options::plain().size(Some(50 << 20)), &raw).await;
    assert_eq!(receipt.warnings, [""; 0]);
    let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    assert!(lines(&message.data) > lines(&raw));
    assert!(message.text().ends_with("QUJD\r\n--b--\r\n"));
}

#[tokio::test]
async fn the_smaller_of_both_limits_holds() {
    let raw = with_file(200_000);
    for (server_takes, section_wants, left_out) in [
        (None, None, false),
        (Some(300_000), None, false),
        (Some(100_000), None, true),
        (Some(100_000), Some("1M"), true),
        (Some(300_000), Some("100K"), true),
        (None, Some("100K"), true),
    ] {
        let server = Server::start(Options::plain().size(server_takes));
        let mut section = section(server.addr());
        if let Some(wanted) = section_wants {
            section = section.public("max-mail-size", wanted);
        }
        let target = target(&section);
        // The second goes over the kept connection.
        for event in [1, 2] {
            let mail = Delivery::mail(&raw, "s", "The text.").event(event);
            let receipt = mail.to(&*target).await.expect("taken");
            assert_eq!(
                receipt.warnings.len(),
                usize::from(left_out),
                "{server_takes:?} {section_wants:?}"
            );
        }
        for message in server.messages() {
            assert_eq!(message.data.len() < 10_000, left_out);
            assert!(message.text().contains("\r\nThe text.\r\n"));
        }
        assert_eq!(server.connections(), 1);
    }
}

/// Runs a program in this folder; its standard error is shown when it fails.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("GNUPGHOME", folder)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {complaint}"
    );
    output.stdout
}

/// Signed by openssl, read by us, sent on, checked by openssl.
#[tokio::test]
async fn s_mime_signatures_hold_after_it() {
    let signer =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/mail/smime-signer.pem");
    let signer = signer.display().to_string();
    for name in [
        "smime-signed.eml",
        "smime-opaque.eml",
        "smime-opaque-der.eml",
    ] {
        for options in [Options::plain(), Options::plain().without_8bitmime()] {
            let (message, receipt) = forward(options, &case(name)).await;
            assert_eq!(receipt.warnings, [""; 0]);
            let folder = tempfile::tempdir().expect("there is a folder for temporary files");
            std::fs::write(folder.path().join("mail"), &message.data).expect("it is ours");
            let text = run(
                folder.path(),
                "openssl",
                &[
                    "cms", "-verify", "-in", "mail", "-CAfile", &signer, "-purpose", "any", "-text",
                ],
            );
            let text = String::from_utf8_lossy(&text);
            assert!(text.contains("3 guests, no errors"), "{name}: {text}");
        }
    }
}

/// The same with a signature of GnuPG's over 8-bit text, for a server that takes it.
#[tokio::test]
async fn pgp_signatures_hold_after_it() {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let gpg = |arguments: &[&str]| {
        let common = [
            "--batch",
            "--quiet",
            "--trust-model",
            "always",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ];
        run(folder.path(), "gpg", &[&common, arguments].concat())
    };
    gpg(&[
        "--quick-generate-key",
        "audit@example.com",
        "ed25519",
        "sign",
        "never",
    ]);
    let part = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGröße geprüft.\r\n";
    std::fs::write(folder.path().join("part"), part).expect("it is ours");
    gpg(&["--armor", "--detach-sign", "part"]);
    let signature = std::fs::read_to_string(folder.path().join("part.asc")).expect("gpg wrote it");
    let raw = format!(
        "Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/signed; micalg=pgp-sha512; protocol=\"application/pgp-signature\"; boundary=s\n\n--s\n{}\n--s\nContent-Type: application/pgp-signature\n\n{signature}\n--s--\n",
        part.replace("\r\n", "\n")
    );
    let (message, receipt) = forward(Options::plain(), raw.as_bytes()).await;
    assert_eq!(receipt.warnings, [""; 0]);
    let text = message.text();
    let (_, rest) = text.split_once("\r\n--s\r\n").expect("the signed part");
    let (signed, rest) = rest.split_once("\r\n--s\r\n").expect("the signature");
    let (_, armor) = rest.split_once("\r\n\r\n").expect("the armor");
    let (armor, _) = armor.split_once("\r\n--s--").expect("the end");
    std::fs::write(folder.path().join("arrived"), signed).expect("it is ours");
    std::fs::write(folder.path().join("arrived.asc"), armor).expect("it is ours");
    gpg(&["--verify", "arrived.asc", "arrived"]);
    // Where 8-bit text cannot go, the signature cannot hold, and the receipt says so.
    let (message, receipt) = forward(Options::plain().without_8bitmime(), raw.as_bytes()).await;
    assert!(message.data.is_ascii());
    assert_eq!(receipt.warnings.len(), 1);
    assert!(
        receipt.warnings[0].contains("signature"),
        "{:?}",
        receipt.warnings
    );
}
