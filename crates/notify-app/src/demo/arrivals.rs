//! What the receivers of the demonstration saw.

use std::path::Path;

use notify_testkit::gotify;

/// A message at a receiver.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// Which receiver.
    pub(super) receiver: &'static str,
    /// Its subject, as a reader sees it.
    pub(super) subject: String,
    /// Recipients, or a priority.
    pub(super) detail: String,
    /// The delivery key.
    pub(super) key: String,
}

impl Arrival {
    /// A mail, from its raw bytes.
    pub(super) fn mail(receiver: &'static str, raw: &str) -> Self {
        let message_id = header(raw, "Message-ID").unwrap_or_default();
        let key = message_id
            .trim_start_matches('<')
            .split('@')
            .next()
            .unwrap_or_default()
            .to_owned();
        Arrival {
            receiver,
            subject: header(raw, "Subject").unwrap_or_default(),
            detail: format!("to {}", header(raw, "To").unwrap_or_default()),
            key,
        }
    }
}

impl Arrival {
    /// A message at the Gotify server.
    pub(super) fn push(message: &gotify::Message) -> Self {
        let key = message
            .request
            .header("Idempotency-Key")
            .unwrap_or_default();
        Arrival {
            receiver: "gotify",
            subject: message.title.clone(),
            detail: format!("priority {}", message.priority),
            key: key.trim_matches('"').to_owned(),
        }
    }
}

/// The mails that the recorder wrote, oldest first.
pub(super) fn recorded(folder: &Path) -> Vec<Arrival> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .collect();
    files.sort();
    let mails = files
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok());
    mails.map(|raw| Arrival::mail("sendmail", &raw)).collect()
}

/// A header's value, unfolded. Enough for the mails of the demonstration.
fn header(raw: &str, name: &str) -> Option<String> {
    let head = raw.split("\r\n\r\n").next()?.split("\n\n").next()?;
    let unfolded = head
        .replace("\r\n", "\n")
        .replace("\n ", " ")
        .replace("\n\t", " ");
    unfolded.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::Arrival;

    #[test]
    fn a_mail_is_known_by_its_key() {
        let arrival = Arrival::mail(
            "x",
            "Message-ID: <1-2.ops@pve1>\r\nSubject: a\r\n b\r\nTo: c@d\r\n\r\nSubject: no",
        );
        assert_eq!(
            (
                arrival.key.as_str(),
                arrival.subject.as_str(),
                arrival.detail.as_str()
            ),
            ("1-2.ops", "a b", "to c@d")
        );
    }
}
