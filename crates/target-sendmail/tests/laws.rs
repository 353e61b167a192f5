//! The laws of every target, against a sendmail program that does as it is told.

#[expect(dead_code, reason = "the other tests use the rest of it")]
mod support;

use std::time::Instant;

use mail_parser::{MessageParser, MimeHeaders as _};
use notify_core::async_trait;
use notify_testkit::Section;
use notify_testkit::laws::{self, Arrival, Peer as FarSide, Probe, Situation, Stage, Staged};
use support::Peer;
use target_sendmail::SENDMAIL;

const NO_TALK: &str = "a program answers with its exit status alone";
const NO_SECRET: &str = "nothing in a section is secret";
const NO_NETWORK: &str = "nothing goes over a network";

#[tokio::test]
async fn sendmail_obeys_the_laws() {
    let report = laws::check(&SENDMAIL, &Programs).await;
    let reasons: Vec<&str> = report
        .declared
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(situation, _)| situation)
        .collect();
    assert_eq!(
        reasons,
        [
            "RefusesOneRecipient",
            "BadCredentials",
            "NotReached",
            "Untrusted",
            "Garbage",
            "TryLaterAfter(77s)",
            "BehindProxy",
            "QuotesSecrets",
        ]
    );
}

struct Programs;

#[async_trait]
impl FarSide for Programs {
    async fn stage(&self, situation: Situation) -> Staged {
        match situation {
            Situation::Accepts => program("exit 0"),
            Situation::RefusesForGood => program("echo 'never. Ever.' >&2; exit 67"),
            Situation::TryLater => program("echo 'queue is full' >&2; exit 75"),
            Situation::SilentAfterSending => program("exec sleep 1000"),
            Situation::DroppedAfterSending => program("kill -KILL $$"),
            Situation::SilentBeforeSending => unwilling("exec sleep 1000"),
            Situation::DroppedBeforeSending => unwilling("kill -KILL $$"),
            Situation::Endless => program("exec yes >&2"),
            Situation::RefusesOneRecipient | Situation::Garbage | Situation::TryLaterAfter(_) => {
                Staged::Declared(NO_TALK)
            }
            Situation::BadCredentials | Situation::QuotesSecrets => Staged::Declared(NO_SECRET),
            _ => Staged::Declared(NO_NETWORK),
        }
    }
}

/// A program that keeps what it gets, each mail in a folder of its own, and then does this.
fn program(then: &str) -> Staged {
    // The name is given last, so that a mail is there as a whole or not at all.
    stage(&format!(
        "new=$(mktemp -d \"$here/new.XXXXXX\")\n\
         while [ \"$1\" != -- ]; do shift; done; shift\n\
         printf '%s\\n' \"$@\" > \"$new/recipients\"\n\
         cat > \"$new/message\"\n\
         mkdir -p \"$here/mails\"\n\
         number=1\n\
         until mkdir \"$here/mails/$number\" 2>/dev/null; do number=$((number + 1)); done\n\
         mv \"$new/recipients\" \"$new/message\" \"$here/mails/$number\"\n\
         {then}\n"
    ))
}

/// A program that does not read its input.
fn unwilling(act: &str) -> Staged {
    stage(act)
}

fn stage(act: &str) -> Staged {
    let peer = Peer::that(act);
    let section = Section::new("ops")
        .public("mailto", "a@example.com")
        .public("mailto", "b@example.com");
    let host = peer.host.clone();
    Stage::new(section, Mails(peer)).on(host).into()
}

/// The mails that a program kept.
struct Mails(Peer);

#[async_trait]
impl Probe for Mails {
    /// The program has ended, or has been killed, when an attempt is over: all that came is there.
    async fn arrivals(&self, _: usize, _: Instant) -> Vec<Arrival> {
        (1..)
            .map(|number| format!("mails/{number}"))
            .take_while(|folder| self.0.path(folder).join("message").exists())
            .map(|folder| {
                let message = self.0.read_bytes(&format!("{folder}/message"));
                arrival(&self.0.read(&format!("{folder}/recipients")), &message)
            })
            .collect()
    }

    async fn attachments(&self) -> Vec<(String, Vec<u8>)> {
        let last = (1..).map(|number| format!("mails/{number}/message"));
        let last = last.take_while(|path| self.0.path(path).exists()).last();
        let message = self.0.read_bytes(&last.expect("something arrived"));
        let mail = MessageParser::new().parse(&message).expect("it is a mail");
        let file = |part: &mail_parser::MessagePart<'_>| {
            let name = part.attachment_name().unwrap_or_default();
            (name.to_owned(), part.contents().to_vec())
        };
        mail.attachments().map(file).collect()
    }
}

fn arrival(recipients: &str, message: &[u8]) -> Arrival {
    let mail = MessageParser::new().parse(message).expect("it is a mail");
    Arrival {
        subject: mail.subject().unwrap_or_default().to_owned(),
        text: mail.body_text(0).unwrap_or_default().into_owned(),
        headers: mail
            .headers_raw()
            .map(|(name, _)| name.to_owned())
            .collect(),
        recipients: recipients.lines().map(str::to_owned).collect(),
        key: mail.message_id().map(str::to_owned),
    }
}
