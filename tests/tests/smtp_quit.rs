//! The program takes leave of a mail server before it ends (RFC 5321 4.1.1.10).

use std::time::{Duration, Instant};

use notify_testkit::smtp::{Options, Server};
use notify_testkit::tls::Authority;
use notify_tests::Notify;
use notify_tests::sections::all_to;

/// Sends one mail in this mode, and looks at what the server heard.
fn check(options: Options, mode: &str, lines: &str, expected: &str) {
    let server = Server::start(options);
    let section = format!(
        "smtp: relay\n\tserver localhost\n\tport {}\n\tmode {mode}\n\
         \tfrom-address a@example.com\n\tmailto b@example.com\n{lines}\n",
        server.port()
    );
    let notify = Notify::new().routing(&(section + &all_to(&["relay"])));
    let run = notify.run(&["send", "--title", "t"]).expect_code(0);
    let far = Instant::now() + Duration::from_secs(60);
    while !server.verbs(1).ends_with("QUIT") && Instant::now() < far {
        let heard = server.lines().len();
        server.lines().wait_for_blocking(heard + 1, far);
    }
    assert_eq!(server.verbs(1), expected, "{mode}: {}", run.stderr);
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn the_program_says_quit_before_it_ends() {
    let authority = Authority::new();
    let ca = format!("\tca-file {}\n", authority.pem_file().display());
    let plain = "EHLO MAIL RCPT DATA QUIT";
    check(Options::plain(), "insecure", "", plain);
    check(
        Options::implicit_tls(authority.localhost()),
        "tls",
        &ca,
        plain,
    );
    check(
        Options::starttls(authority.localhost()),
        "starttls",
        &ca,
        "EHLO STARTTLS EHLO MAIL RCPT DATA QUIT",
    );
}
