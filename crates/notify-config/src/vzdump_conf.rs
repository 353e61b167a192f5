//! `vzdump.conf`: what the backups of a host do unless a job says otherwise.

use notify_schema::{Fault, Level};

use crate::backup_options::BackupOptions;
use crate::line::{column_of, without_mark};

/// The options of a `vzdump.conf` that concern reports, `KEY: VALUE` each.
///
/// Blank and `#` lines, and options that do not concern reports, are passed
/// over. Of several lines with one key the last counts. An empty value is unset.
///
/// ```
/// use notify_config::VzdumpConf;
///
/// let conf = VzdumpConf::parse("/etc/vzdump.conf", b"# nightly\nmailto: root,admin@x.org\n");
/// let mailto = conf.options().mailto.as_ref().expect("it is set");
/// assert_eq!((mailto.value.as_slice(), mailto.line), (&["root".into(), "admin@x.org".into()][..], 2));
/// ```
#[derive(Clone, Debug, Default)]
pub struct VzdumpConf {
    options: BackupOptions,
    faults: Vec<Fault>,
}

impl VzdumpConf {
    /// Reads what can be read. Never fails; `file` is its name in faults.
    pub fn parse(file: &str, bytes: &[u8]) -> VzdumpConf {
        let mut parsed = VzdumpConf::default();
        for (line, number) in without_mark(bytes).split(|byte| *byte == b'\n').zip(1..) {
            let fault = match std::str::from_utf8(line) {
                Ok(text) => parsed.line(text, number),
                Err(_) => Some((1, "not UTF-8, so the line is not used".to_owned())),
            };
            parsed.faults.extend(fault.map(|(column, message)| {
                Fault::in_file(file.to_owned(), Level::Warning, message).on_line(number, column)
            }));
        }
        parsed
    }

    /// What it says.
    pub fn options(&self) -> &BackupOptions {
        &self.options
    }

    /// Everything that is wrong, in the order of the lines.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The column and the text of what is wrong with a line.
    fn line(&mut self, text: &str, number: u32) -> Option<(u32, String)> {
        let start = text.trim_start();
        let indent = text.len() - start.len();
        if start.is_empty() || start.starts_with('#') {
            return None;
        }
        let known = start
            .split_once(':')
            .filter(|(key, _)| !key.is_empty() && !key.contains(char::is_whitespace));
        let Some((key, value)) = known else {
            let expected = "expected `KEY: VALUE`, so the line is not used";
            return Some((column_of(text, indent), expected.to_owned()));
        };
        let at = text.len() - value.trim_start().len();
        let value = value.trim();
        if value.is_empty() {
            return None;
        }
        let earlier = self.options.line_of(key);
        match (self.options.set(key, value, number), earlier) {
            (Err(error), _) => Some((
                column_of(text, at),
                format!("`{key}`: {error}, so the line is not used"),
            )),
            (Ok(()), Some(earlier)) => Some((
                column_of(text, indent),
                format!("`{key}` is also on line {earlier}, which does not count"),
            )),
            (Ok(()), None) => None,
        }
    }
}
