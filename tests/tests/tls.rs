//! Which certificates a target believes: the system's roots, a file of its own, or one fingerprint.

use notify_testkit::gotify;
use notify_testkit::smtp::{self, Mechanism};
use notify_testkit::tls::{Authority, Identity};
use notify_tests::Notify;
use notify_tests::sections::{all_to, gotify as gotify_section, token};

const PASSWORD: &str = "somepassword";
const TOKEN: &str = "A.test-token";

/// What became of a mail to a server with this certificate, and whether the password went out.
fn mailed(mode: &str, identity: Identity, server: &str, lines: &str) -> (bool, bool) {
    let options = match mode {
        "tls" => smtp::Options::implicit_tls(identity),
        _ => smtp::Options::starttls(identity),
    };
    let relay = smtp::Server::start(options.auth(&[Mechanism::Plain], "max", PASSWORD));
    let section = format!(
        "smtp: relay\n\tserver {server}\n\tport {}\n\tmode {mode}\n\tusername max\n\
         \tfrom-address a@example.com\n\tmailto b@example.com\n{lines}\n",
        relay.port()
    );
    let notify = Notify::new()
        .routing(&(section + &all_to(&["relay"])))
        .file(
            "priv/notifications.cfg",
            format!("smtp: relay\n\tpassword {PASSWORD}\n"),
        );
    let run = notify.run(&["send", "--title", "t", "--json"]);
    let delivered = run.json()["targets"][0]["state"] == "delivered";
    assert_eq!(delivered, run.code == 0, "{}", run.stdout);
    assert_eq!(relay.messages().len(), usize::from(delivered));
    let asked = relay
        .transcript()
        .iter()
        .any(|line| line.from_client && line.text.starts_with("AUTH"));
    (delivered, asked)
}

#[test]
fn a_mail_server_is_believed_by_its_authority_or_its_fingerprint() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (good, expired, named) = (
        authority.localhost(),
        authority.expired(),
        authority.for_name("mail.example.com"),
    );
    let ca = |authority: &Authority| format!("\tca-file {}\n", authority.pem_file().display());
    let pin = |identity: &Identity| format!("\ttls-fingerprint {}\n", identity.fingerprint());
    for mode in ["tls", "starttls"] {
        for (identity, server, lines, expected) in [
            (&good, "localhost", String::new(), false),
            (&good, "localhost", ca(&authority), true),
            (&good, "127.0.0.1", ca(&authority), true),
            (&good, "localhost", ca(&other), false),
            (&expired, "localhost", ca(&authority), false),
            (&named, "localhost", ca(&authority), false),
            // The one thing that turns verification off.
            (&good, "localhost", pin(&good), true),
            (&expired, "localhost", pin(&expired), true),
            (&named, "127.0.0.1", pin(&named), true),
            (&good, "localhost", pin(&named), false),
            (&good, "localhost", ca(&authority) + &pin(&named), false),
        ] {
            let (delivered, asked) = mailed(mode, identity.clone(), server, &lines);
            assert_eq!(delivered, expected, "{mode} {server} {lines}");
            assert_eq!(
                asked, expected,
                "no password to a stranger: {mode} {server} {lines}"
            );
        }
    }
}

#[test]
fn a_server_without_starttls_gets_nothing() {
    let relay =
        smtp::Server::start(smtp::Options::plain().auth(&[Mechanism::Plain], "max", PASSWORD));
    let section = format!(
        "smtp: relay\n\tserver localhost\n\tport {}\n\tmode starttls\n\tusername max\n\
         \tfrom-address a@example.com\n\tmailto b@example.com\n\n",
        relay.port()
    );
    let notify = Notify::new()
        .routing(&(section + &all_to(&["relay"])))
        .file(
            "priv/notifications.cfg",
            format!("smtp: relay\n\tpassword {PASSWORD}\n"),
        );
    let run = notify.run(&["send", "--title", "t"]);
    assert_ne!(run.code, 0);
    assert!(
        !relay.verbs(1).contains("AUTH") && !relay.verbs(1).contains("MAIL"),
        "{}",
        relay.verbs(1)
    );
}

#[test]
fn a_gotify_server_is_believed_likewise() {
    let authority = Authority::new();
    let identity = authority.localhost();
    let server = gotify::Server::start(gotify::Options::token(TOKEN).tls(identity.clone()));
    for (lines, expected) in [
        (String::new(), false),
        (
            format!("\tca-file {}\n", authority.pem_file().display()),
            true,
        ),
        (
            format!("\ttls-fingerprint {}\n", identity.fingerprint()),
            true,
        ),
        (
            format!(
                "\ttls-fingerprint {}\n",
                authority.localhost().fingerprint()
            ),
            false,
        ),
    ] {
        let before = server.messages().len();
        let section = gotify_section("push", &server.url());
        let section = section.replace("\n\n", &format!("\n{lines}\n"));
        let notify = Notify::new()
            .routing(&(section + &all_to(&["push"])))
            .file("priv/notifications.cfg", token("push", TOKEN));
        let run = notify.run(&["send", "--title", "t"]);
        assert_eq!(run.code == 0, expected, "{lines}: {}", run.stdout);
        assert_eq!(
            server.messages().len() - before,
            usize::from(expected),
            "{lines}"
        );
    }
}

#[test]
fn a_file_or_a_fingerprint_that_cannot_be_used_is_told() {
    let section =
        "smtp: relay\n\tserver localhost\n\tfrom-address a@example.com\n\tmailto b@example.com\n";
    for line in [
        "ca-file /nonexistent/ca.pem",
        "ca-file relative.pem",
        "tls-fingerprint abc",
        "tls-fingerprint zz",
    ] {
        let text = format!("{section}\t{line}\n\n{}", all_to(&["relay"]));
        let notify = Notify::new().routing(&text);
        let run = notify.run(&["check", "--json"]).expect_code(1);
        let found = run.json();
        let key = line.split(' ').next().unwrap_or_default();
        let told = found
            .as_array()
            .is_some_and(|found| found.iter().any(|fault| fault.to_string().contains(key)));
        assert!(told, "{line}: {found:#}");
    }
}
