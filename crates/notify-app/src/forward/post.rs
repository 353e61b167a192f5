//! A mail as an event, and its way to the targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use notify_bus::{Errand, Report, SystemMail};
use notify_core::{Content, EventId, Notification, check_field};
use notify_drop::{Arrival, Progress};
use notify_mail::Reading;
use notify_match::MATCHER;

use crate::console::Console;
use crate::event::moment;
use crate::send::remarks;
use crate::setup::Ready;

/// A mail that was read, with what is known of it.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) event: Notification,
    /// Whether this installation has passed it on before.
    pub(crate) is_loop: bool,
    /// How many bytes of the mail came; a note of ours may follow them.
    bytes: usize,
}

impl Post {
    /// Reads a mail.
    pub(crate) fn read(ready: &Ready, mut raw: Vec<u8>, id: EventId, arrival: Arrival) -> Self {
        let host = ready.engine.host();
        let reading = notify_mail::read(&raw);
        let note = arrival.cut.then(|| cut_note(raw.len()));
        let own = host.instance();
        let is_loop = reading
            .instances
            .iter()
            .any(|instance| instance.eq_ignore_ascii_case(own));
        let fields = fields(&reading, host.name());
        let severity = SystemMail::of(&ready.configuration).severity(&fields, &reading.title);
        let bytes = raw.len();
        if let Some(note) = &note {
            // Who gets the whole mail sees it where the rest would be.
            raw.extend_from_slice(note.as_bytes());
        }
        let mut mail = reading.into_mail(Arc::from(raw));
        if let Some(note) = &note {
            mail.text.push_str(note);
            // After the last part of a mail no mail program shows it.
            mail.title.insert_str(0, CUT_MARK);
        }
        Post {
            event: Notification {
                id,
                severity,
                timestamp: arrival.timestamp,
                fields,
                content: Content::Mail(mail),
            },
            is_loop,
            bytes,
        }
    }

    /// The subject.
    pub(super) fn title(&self) -> &str {
        match &self.event.content {
            Content::Mail(mail) => &mail.title,
            _ => "",
        }
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        match &self.event.content {
            Content::Mail(mail) => &mail.text,
            _ => "",
        }
    }

    /// Its bytes, as they came.
    pub(super) fn raw(&self) -> &[u8] {
        match &self.event.content {
            Content::Mail(mail) => &mail.raw[..self.bytes],
            _ => &[],
        }
    }

    /// The deliveries that are to be made: what the matchers choose, without what is settled.
    pub(super) fn errands(&self, ready: &Ready, progress: &Progress) -> Vec<Errand> {
        let chosen = ready.engine.decide(&self.event).targets;
        let open = chosen
            .into_iter()
            .filter(|target| !progress.is_settled(target));
        open.map(|target| Errand {
            recipients: progress.recipients.get(&target).cloned(),
            number: progress.attempts.saturating_add(1),
            target,
        })
        .collect()
    }

    /// When no target is chosen: a matcher that is in force and cannot be used, and might choose one.
    pub(crate) fn undecided<'r>(&self, ready: &'r Ready) -> Option<&'r str> {
        let sections = ready.configuration.sections();
        let mut faulty = sections.iter().filter(|section| {
            section.kind == MATCHER
                && !section.disabled
                && ready.engine.unusable(&section.name).is_some()
        });
        let first = faulty.next().map(|section| section.name.as_str())?;
        let chosen = ready.engine.decide(&self.event).targets;
        chosen.is_empty().then_some(first)
    }

    /// Makes them.
    pub(super) async fn deliver(
        &self,
        ready: &Ready,
        errands: &[Errand],
        console: &Console,
    ) -> Report {
        let (report, faults) = ready.engine.run(&self.event, errands, moment()).await;
        remarks(&report, &faults, console);
        report
    }
}

/// Why a mail stays for which no target was chosen.
pub(crate) fn undecided_text(post: &Post, matcher: &str) -> String {
    let id = post.event.id;
    format!("no target was chosen for {id}, and matcher `{matcher}` cannot be used")
}

fn fields(reading: &Reading, host: &str) -> BTreeMap<String, String> {
    let known = [("type", "system-mail"), ("hostname", host)];
    let all = known.into_iter().chain(reading.fields());
    // A header may hold what no field may.
    all.filter(|(name, value)| check_field(name, value).is_ok())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What a subject begins with when its mail was cut.
const CUT_MARK: &str = "[cut] ";

fn cut_note(bytes: usize) -> String {
    format!("\n\n[This mail was longer than {bytes} bytes. What came after them was left out.]\n")
}
