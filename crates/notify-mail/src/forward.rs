//! A mail of another program, sent on to other people.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, FixedOffset, Utc};
use notify_core::{Attempt, ForwardedMail};

use crate::header::{addresses, name_and_address, plain, unstructured};
use crate::legal::{Rules, Writer};
use crate::letter::{DATE, marks};
use crate::mime::Entity;
use crate::{Address, body, decode, message_id, reading};

/// Most ids of other installations that are carried on.
const INSTANCES_MAX: usize = 10;
/// How many parts are named that were left out.
const NAMED_MAX: usize = 10;
/// Most characters of a field that says what stood there before.
const ORIGINAL_MAX: usize = 300;
/// What one more part or line may cost beyond its text.
const MARGIN: usize = 512;

/// A mail of another program in an envelope of ours.
///
/// Sender, recipients, date and Message-ID are ours, the subject and all that
/// is in the mail are the author's. No mail can bring a header, a recipient or
/// an end of its own.
#[derive(Clone, Debug)]
pub struct Forward<'a> {
    /// Name of the sender.
    pub author: &'a str,
    /// Address of the sender.
    pub from: &'a Address,
    /// All recipients, who are shown to each other.
    pub to: &'a [Address],
    /// When it is sent on, in the zone of the host.
    pub date: DateTime<FixedOffset>,
    /// Without angle brackets, as [`message_id`] makes it.
    pub message_id: String,
    /// The installation that sends, for the detection of loops.
    pub instance: String,
    /// The mail.
    pub mail: &'a ForwardedMail,
}

/// What the far side can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// 8-bit text (RFC 6152).
    pub eight_bit: bool,
    /// The largest mail in octets (RFC 1870); none when there is no limit.
    pub max_size: Option<usize>,
}

/// A mail as it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What a person should know: what was left out, a signature that does not hold any more.
    pub warnings: Vec<String>,
}

/// Mails are private: sizes only.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("bytes", &self.bytes.len())
            .field("warnings", &self.warnings)
            .finish()
    }
}

impl<'a> Forward<'a> {
    /// The mail of one attempt: the same, but for its date, for each attempt at a delivery.
    pub fn of(
        attempt: &Attempt<'a>,
        author: &'a str,
        from: &'a Address,
        to: &'a [Address],
        mail: &'a ForwardedMail,
    ) -> Self {
        Forward {
            author,
            from,
            to,
            date: attempt.now,
            message_id: message_id(attempt.key, attempt.host),
            instance: attempt.host.instance().to_owned(),
            mail,
        }
    }

    /// For the DATA of SMTP: CRLF line ends, UTC. It ends with CRLF; dots are not doubled.
    ///
    /// Parts that any server takes are kept byte for byte. In a mail over the
    /// limit the largest attachments are replaced by a line that names them; when
    /// that is not enough, the beginning of its text is what is left.
    pub fn for_smtp(&self, capacity: Capacity) -> Message {
        let raw = &*self.mail.raw;
        let entity = Entity::of_mail(raw).unwrap_or_else(|| Entity::of_text(raw));
        sent(&entity, self.mail, &self.header(&entity), capacity)
    }

    /// In the order of Proxmox VE's SMTP mails, ours after them, and what stood there before.
    fn header(&self, original: &Entity) -> String {
        let raw = &*self.mail.raw;
        let to: Vec<String> = self.to.iter().map(ToString::to_string).collect();
        let date = self.date.with_timezone(&Utc).format(DATE).to_string();
        let mut header = [
            name_and_address("From", self.author, &self.from.to_string()),
            addresses("To", &to),
            unstructured("Subject", &self.mail.title),
            plain("MIME-Version", "1.0"),
            plain("Date", &date),
        ]
        .concat();
        let passed_on = reading::instances(original, raw);
        let others = passed_on.iter().filter(|id| **id != self.instance);
        let others = others.take(INSTANCES_MAX).map(String::as_str);
        let own = std::iter::once(self.instance.as_str());
        header.push_str(&marks(&self.message_id, own.chain(others)));
        for name in ["From", "Date", "Message-ID"] {
            if let Some(value) = original.field(raw, name) {
                let name = format!("X-Original-{name}");
                let value = reading::shortened(&decode::line(value), ORIGINAL_MAX);
                header.push_str(&unstructured(&name, &value));
            }
        }
        header
    }
}

/// The same mail for a `sendmail` program: byte for byte, unless it is over the limit.
///
/// Over the limit it keeps its header and is shortened as [`Forward::for_smtp`] does.
/// None means that the bytes stay what they are.
pub fn within(mail: &ForwardedMail, max_size: Option<usize>) -> Option<Message> {
    let raw = &*mail.raw;
    if max_size.is_none_or(|max| raw.len() <= max) {
        return None;
    }
    let capacity = Capacity {
        eight_bit: true,
        max_size,
    };
    let entity = Entity::of_mail(raw).unwrap_or_else(|| Entity::of_text(raw));
    let header = Writer::new(raw, Rules::whole(true), "").other_fields(&entity);
    let message = sent(&entity, mail, &header, capacity);
    Some(Message {
        bytes: without_cr(&message.bytes),
        ..message
    })
}

/// A mail after a header, within the limit.
fn sent(entity: &Entity, mail: &ForwardedMail, header: &str, capacity: Capacity) -> Message {
    let whole = written(entity, mail, header, capacity, &BTreeSet::new(), "");
    let Some(max) = capacity.max_size.filter(|max| whole.bytes.len() > *max) else {
        return whole;
    };
    let excess = whole.bytes.len() - max;
    drop(whole);
    let reason = format!("the mail is larger than {}", reading::size(max));
    let parts = too_much(entity, &mail.raw, excess);
    if !parts.is_empty() {
        let ids: BTreeSet<usize> = parts.iter().map(|part| part.range.start).collect();
        let mut shorter = written(entity, mail, header, capacity, &ids, &reason);
        if shorter.bytes.len() <= max {
            let names = named(&parts, &mail.raw);
            shorter.warnings.insert(
                0,
                format!("left out, because {reason}: {}", names.join(", ")),
            );
            return shorter;
        }
    }
    text_alone(entity, mail, header, max, &reason)
}

fn written(
    entity: &Entity,
    mail: &ForwardedMail,
    header: &str,
    capacity: Capacity,
    left_out: &BTreeSet<usize>,
    reason: &str,
) -> Message {
    let rules = Rules {
        eight_bit: capacity.eight_bit,
        left_out,
        reason,
    };
    let mut writer = Writer::new(&mail.raw, rules, header);
    writer.content(entity);
    let warnings = match writer.broke_a_signature {
        true => vec![SIGNATURE.to_owned()],
        false => Vec::new(),
    };
    Message {
        bytes: writer.end(),
        warnings,
    }
}

const SIGNATURE: &str = "the mail is signed, and the signature does not hold any more: it could not be passed on as it was";

/// The parts that go first: attachments, the largest of them, until the excess is gone.
/// After them other forms of the text.
fn too_much<'e>(mail: &'e Entity, raw: &[u8], excess: usize) -> Vec<&'e Entity> {
    let mut leaves = Vec::new();
    reading::collect_leaves(mail, &mut leaves);
    let is_text = |leaf: &Entity| leaf.media.kind == "text" && !leaf.is_attachment(raw);
    let main = leaves
        .iter()
        .position(|leaf| is_text(leaf))
        .unwrap_or(usize::MAX);
    let mut candidates: Vec<&Entity> = leaves
        .into_iter()
        .enumerate()
        .filter(|(index, leaf)| *index != main && leaf.range != mail.range)
        .map(|(_, leaf)| leaf)
        .collect();
    candidates.sort_by_key(|leaf| (is_text(leaf), std::cmp::Reverse(leaf.range.len())));
    let mut saved = 0;
    let enough = candidates.iter().position(|leaf| {
        saved += leaf.range.len().saturating_sub(MARGIN);
        saved >= excess
    });
    candidates.truncate(enough.map_or(usize::MAX, |last| last + 1));
    candidates
}

fn named(parts: &[&Entity], raw: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = parts
        .iter()
        .take(NAMED_MAX)
        .map(|part| reading::described(part, raw))
        .collect();
    if parts.len() > NAMED_MAX {
        names.push(format!("and {} more", parts.len() - NAMED_MAX));
    }
    names
}

/// The header, and as much of the text as there is room for.
fn text_alone(
    entity: &Entity,
    mail: &ForwardedMail,
    header: &str,
    max: usize,
    reason: &str,
) -> Message {
    let mut leaves = Vec::new();
    reading::collect_leaves(entity, &mut leaves);
    let names = named(&leaves, &mail.raw);
    let note = format!(
        "[Only the beginning of the text is left, because {reason}. The mail holds: {}]\n",
        names.join(", ")
    );
    Message {
        bytes: plain_text(header, &mail.text, &note, Some(max)),
        warnings: vec![format!("only the text was sent, because {reason}")],
    }
}

/// A mail of plain text: the beginning of `text` that fits, and the note.
fn plain_text(header: &str, text: &str, note: &str, max: Option<usize>) -> Vec<u8> {
    let mut room = text.len();
    loop {
        let begin = reading::beginning(text, room);
        let gap = if note.is_empty() { "" } else { "\n\n" };
        let encoded = body::encode(&format!("{begin}{gap}{note}"));
        let message = [
            header,
            &plain("Content-Type", "text/plain; charset=utf-8"),
            &plain("Content-Transfer-Encoding", encoded.name),
            "\n",
            &encoded.text,
            "\n",
        ]
        .concat();
        let message = message.replace('\n', "\r\n");
        if max.is_none_or(|max| message.len() <= max) || room == 0 {
            return message.into_bytes();
        }
        // No encoding makes four octets of one.
        let excess = message.len() - max.unwrap_or(usize::MAX);
        room = room.saturating_sub((excess / 4).max(room / 8).max(1));
    }
}

/// With LF line ends.
fn without_cr(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                lines.extend_from_slice(line);
                lines.push(b'\n');
            }
            None => lines.extend_from_slice(line),
        }
    }
    lines
}

/// Whether a `sendmail` program would take a line of the mail for its end.
///
/// Postfix's does, unless it is told `-i`: what follows a line of one dot is lost.
pub fn has_lone_dot(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\n')
        .any(|line| matches!(line, b"." | b".\r"))
}
