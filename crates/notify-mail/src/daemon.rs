//! Which program wrote a mail, where its form leaves no doubt.
//!
//! Each program has a rule, and each rule asks for two signs or for one that no
//! person would write. What only looks like one of them stays without a name.

use crate::mime::Entity;
use crate::{decode, reading};

/// How much of the text is looked at.
const LOOKED_AT: usize = 4096;

/// What the rules see of a mail.
struct Signs<'m> {
    mail: &'m Entity,
    raw: &'m [u8],
    subject: &'m str,
    text: &'m str,
    from: String,
}

/// A program and the rule by which its mails are known.
type Rule = (&'static str, fn(&Signs<'_>) -> bool);

/// In the order in which they are asked.
const RULES: [Rule; 10] = [
    ("cron", cron),
    ("anacron", anacron),
    ("smartd", smartd),
    ("mdadm", mdadm),
    ("zed", zed),
    ("apt", apt),
    ("logwatch", logwatch),
    ("fail2ban", fail2ban),
    ("sudo", sudo),
    ("mailer-daemon", mailer_daemon),
];

/// The program that wrote a mail of this subject and text.
pub(crate) fn of(mail: &Entity, raw: &[u8], subject: &str, text: &str) -> Option<&'static str> {
    let signs = Signs {
        mail,
        raw,
        subject,
        text: reading::beginning(text, LOOKED_AT),
        from: mail
            .field(raw, "From")
            .map(decode::line)
            .unwrap_or_default(),
    };
    let known = RULES.iter().find(|(_, rule)| rule(&signs));
    known.map(|(name, _)| *name)
}

impl Signs<'_> {
    fn has(&self, field: &str) -> bool {
        self.mail.field(self.raw, field).is_some()
    }

    /// Whether a line of the text begins so.
    fn line_begins(&self, words: &str) -> bool {
        self.text
            .lines()
            .any(|line| line.trim_start().starts_with(words))
    }
}

/// `Cron <user@host> command` by the daemon of Debian, cronie and systemd-cron.
fn cron(signs: &Signs<'_>) -> bool {
    let job = signs.subject.strip_prefix("Cron <");
    let named = job.is_some_and(|rest| {
        rest.split_once('>')
            .is_some_and(|(who, _)| who.contains('@') && !who.contains(' '))
    });
    named || signs.has("X-Cron-Env")
}

/// `Anacron job 'cron.daily' on host`.
fn anacron(signs: &Signs<'_>) -> bool {
    signs.subject.starts_with("Anacron job '") && signs.from.contains("Anacron")
}

/// `SMART error (FailedHealthCheck) detected on host: pve1`, of `smartd_warning.sh`.
fn smartd(signs: &Signs<'_>) -> bool {
    signs.subject.starts_with("SMART error (") && signs.subject.contains(") detected on host")
}

/// `Fail event on /dev/md0:pve1`, from `mdadm monitoring`.
fn mdadm(signs: &Signs<'_>) -> bool {
    signs.from.contains("mdadm monitoring") && signs.subject.contains(" event on ")
}

/// `ZFS scrub_finish event for rpool on pve1`, with the lines of zed's scripts.
fn zed(signs: &Signs<'_>) -> bool {
    signs.subject.starts_with("ZFS ") && signs.line_begins("eid:") && signs.line_begins("class:")
}

/// unattended-upgrades, apticron, apt-listchanges, cron-apt.
fn apt(signs: &Signs<'_>) -> bool {
    let subject = signs.subject;
    let upgrades = subject.contains("unattended-upgrades result for ")
        && (signs.text.contains("nattended") || signs.text.contains("upgrade"));
    let apticron = subject.contains(" package update(s) for ") && signs.text.contains("apticron");
    let listchanges = subject.starts_with("apt-listchanges: ");
    let cron_apt = subject.starts_with("CRON-APT ");
    upgrades || apticron || listchanges || cron_apt
}

/// `Logwatch for pve1 (Linux)`, with its headline.
fn logwatch(signs: &Signs<'_>) -> bool {
    signs.subject.starts_with("Logwatch for ") && signs.text.contains("Logwatch ")
}

/// `[Fail2Ban] sshd: banned 192.0.2.1 from pve1`.
fn fail2ban(signs: &Signs<'_>) -> bool {
    signs.subject.starts_with("[Fail2Ban] ") && signs.from.to_ascii_lowercase().contains("fail2ban")
}

/// `*** SECURITY information for pve1 ***`.
fn sudo(signs: &Signs<'_>) -> bool {
    let subject = signs.subject;
    subject.starts_with("*** SECURITY information for ") && subject.ends_with(" ***")
}

/// A report that a mail could not be delivered (RFC 3464).
fn mailer_daemon(signs: &Signs<'_>) -> bool {
    let report = signs.mail.media.is("multipart", "report")
        && signs.mail.media.parameter("report-type") == Some("delivery-status");
    report && signs.from.to_ascii_lowercase().contains("mailer-daemon")
}

#[cfg(test)]
mod tests {
    use crate::read;

    /// From, Subject and the first lines of the text.
    fn check(from: &str, subject: &str, text: &str, expected: Option<&str>) {
        let mail = format!("From: {from}\nSubject: {subject}\n\n{text}\n");
        assert_eq!(read(mail.as_bytes()).daemon, expected, "{mail}");
    }

    #[test]
    fn what_only_looks_like_one_has_no_name() {
        for (from, subject, text) in [
            (
                "ann@example.com",
                "Re: Cron <root@pve1> backup",
                "It works again.",
            ),
            ("ann@example.com", "Cron <broken>", "Have a look."),
            ("ann@example.com", "Cron <root @ pve1> x", "Have a look."),
            ("ann@example.com", "SMART error?", "Which disk?"),
            (
                "ann@example.com",
                "Fail event on /dev/md0:pve1",
                "Forwarded by hand.",
            ),
            ("ann@example.com", "ZFS question", "How many disks?"),
            (
                "ann@example.com",
                "ZFS scrub_finish event for rpool on pve1",
                "eid: I saw this.",
            ),
            (
                "ann@example.com",
                "Logwatch for pve1 (Linux)",
                "Shall we install it?",
            ),
            (
                "ann@example.com",
                "[Fail2Ban] sshd: banned 192.0.2.1",
                "Was that you?",
            ),
            (
                "ann@example.com",
                "Anacron job 'cron.daily' on pve1",
                "What is this?",
            ),
            (
                "ann@example.com",
                "3 Debian package update(s) for pve1",
                "Shall I?",
            ),
            ("MAILER-DAEMON@example.com", "Undelivered", "no report"),
        ] {
            check(from, subject, text, None);
        }
    }

    #[test]
    fn one_sign_is_enough_where_nobody_else_writes_it() {
        check(
            "root",
            "Cron <backup@pve1.example.com> /bin/x",
            "",
            Some("cron"),
        );
        check("root", "apt-listchanges: news for pve1", "", Some("apt"));
        check(
            "root",
            "CRON-APT completed on pve1 [/etc/cron-apt/config]",
            "",
            Some("apt"),
        );
        check("x\nX-Cron-Env: <SHELL=/bin/sh>", "output", "", Some("cron"));
    }
}
