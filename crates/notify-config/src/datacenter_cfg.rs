//! `datacenter.cfg`: the options of a cluster that notifications need.

use notify_schema::{Fault, Level, excerpt};

const FILE: &str = "datacenter.cfg";

/// The lines of a `datacenter.cfg`, `KEY: VALUE` each.
///
/// As Proxmox VE reads it: the first line that begins with `KEY:`, without
/// blanks before it, counts; the value is trimmed, and an empty one is unset.
///
/// ```
/// use notify_config::DatacenterCfg;
///
/// let options = DatacenterCfg::parse(b"keyboard: de\nemail_from: pve@example.com\n");
/// assert_eq!(options.email_from(), Some("pve@example.com"));
/// assert_eq!(options.http_proxy(), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct DatacenterCfg {
    options: Vec<(String, String)>,
    faults: Vec<Fault>,
}

/// When to tell of package updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PackageUpdates {
    /// Where there is a subscription; without a subscription system, always.
    #[default]
    Auto,
    /// Whenever there are new ones.
    Always,
    /// Not at all.
    Never,
}

impl DatacenterCfg {
    /// Reads what can be read. Never fails; lines without a key are passed over.
    pub fn parse(bytes: &[u8]) -> DatacenterCfg {
        let mut parsed = DatacenterCfg::default();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            match std::str::from_utf8(line) {
                Ok(text) => parsed.line(text, number),
                Err(_) => parsed.fault(number, "not UTF-8, so the line is not used"),
            }
        }
        parsed
    }

    /// The sender of mails, where a target names none.
    pub fn email_from(&self) -> Option<&str> {
        self.option("email_from")
    }

    /// The proxy for HTTP targets, as written.
    pub fn http_proxy(&self) -> Option<&str> {
        self.option("http_proxy")
    }

    /// `package-updates` of the option `notify`; [`PackageUpdates::Auto`] when it is not
    /// there or, which is a fault, another word.
    pub fn package_updates(&self) -> PackageUpdates {
        let word = word_of_package_updates(self.option("notify").unwrap_or_default());
        word.and_then(PackageUpdates::named).unwrap_or_default()
    }

    /// Any option; none when it is not there or empty.
    pub fn option(&self, key: &str) -> Option<&str> {
        let (_, value) = self.options.iter().find(|(known, _)| known == key)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Everything that is wrong, in the order of the lines.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn line(&mut self, text: &str, number: u32) {
        let Some((key, value)) = text.split_once(':') else {
            return;
        };
        if key.is_empty() || key.contains(char::is_whitespace) || key.starts_with('#') {
            return;
        }
        let value = value.trim();
        if value.chars().any(char::is_control) {
            return self.fault(number, "holds control characters, so the line is not used");
        }
        if key == "notify"
            && let Some(word) = word_of_package_updates(value)
            && PackageUpdates::named(word).is_none()
        {
            let word = excerpt(word);
            let message = format!(
                "`notify`: expected package-updates to be auto, always or never, not `{word}`; \
                 auto is used"
            );
            self.fault(number, &message);
        }
        self.options.push((key.to_owned(), value.to_owned()));
    }

    fn fault(&mut self, number: u32, message: &str) {
        self.faults
            .push(Fault::in_file(FILE, Level::Warning, message).on_line(number, 1));
    }
}

impl PackageUpdates {
    /// Of the word in the file.
    fn named(word: &str) -> Option<PackageUpdates> {
        match word {
            "auto" => Some(PackageUpdates::Auto),
            "always" => Some(PackageUpdates::Always),
            "never" => Some(PackageUpdates::Never),
            _ => None,
        }
    }
}

/// The word after `package-updates=` in the option `notify`.
fn word_of_package_updates(notify: &str) -> Option<&str> {
    let mut parts = notify.split(',').filter_map(|part| part.split_once('='));
    let (_, word) = parts.find(|(key, _)| key.trim() == "package-updates")?;
    Some(word.trim())
}
