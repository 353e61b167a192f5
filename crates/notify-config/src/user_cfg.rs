//! `user.cfg`: who there is, and where their mail goes.

use std::fmt;

use notify_schema::{Fault, Level};

const FILE: &str = "user.cfg";

/// The users of a `user.cfg`.
///
/// One record a line, its fields parted by colons and trimmed; text fields are
/// percent-encoded (pve-access-control, AccessControl.pm). A line that cannot be
/// used costs nothing but itself.
///
/// ```
/// use notify_config::UserCfg;
///
/// let users = UserCfg::parse(b"user:max@pve:1:0:Max:M%C3%BCller:max@example.com::\n");
/// assert_eq!(users.address_of("max@pve"), Some("max@example.com"));
/// assert_eq!(users.user("max@pve").map(|max| max.last_name.as_str()), Some("Müller"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct UserCfg {
    users: Vec<User>,
    faults: Vec<Fault>,
}

/// One `user` record. What a record leaves out is empty, none or 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// `NAME@REALM`, as written.
    pub id: String,
    /// Whether the user may log in. It does not matter for mail.
    pub enabled: bool,
    /// When the account ends, in epoch seconds; 0 for never. It does not matter for mail.
    pub expires: u64,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Mail address; none when the field is empty or holds control characters.
    pub email: Option<String>,
    /// A remark.
    pub comment: String,
    /// The line of the record, from 1.
    pub line: u32,
}

/// The kinds of records, by their first field.
const RECORDS: [&str; 6] = ["user", "token", "group", "role", "acl", "pool"];

impl UserCfg {
    /// Reads what can be read. Never fails; empty and `#` lines are passed over.
    pub fn parse(bytes: &[u8]) -> UserCfg {
        let mut parsed = UserCfg::default();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            match std::str::from_utf8(line) {
                Ok(text) => parsed.line(text, number),
                Err(error) => {
                    let good = String::from_utf8_lossy(&line[..error.valid_up_to()]);
                    let fault =
                        Fault::in_file(FILE, Level::Error, "not UTF-8, so the line is not used");
                    parsed
                        .faults
                        .push(fault.on_line(number, characters(&good) + 1));
                }
            }
        }
        parsed
    }

    /// All users in file order; of several with one id the first counts.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The first user of this id.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The mail address of a user, enabled or not, as Proxmox VE looks it up.
    pub fn address_of(&self, id: &str) -> Option<&str> {
        self.user(id).and_then(|user| user.email.as_deref())
    }

    /// Everything that is wrong, in the order of the lines.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn line(&mut self, text: &str, number: u32) {
        if text.trim().is_empty() || text.trim_start().starts_with('#') {
            return;
        }
        let record = Record { text, number };
        match record.field(0) {
            "user" => self.add_user(&record),
            kind if RECORDS.contains(&kind) => {}
            kind => {
                let message = format!("unknown record {}", crate::quote::quoted(kind));
                self.faults.push(record.fault(0, message));
            }
        }
    }

    fn add_user(&mut self, record: &Record<'_>) {
        let id = record.field(1);
        if !is_user_id(id) {
            let message = format!("{} is not a user id `NAME@REALM`", crate::quote::quoted(id));
            self.faults.push(record.fault(1, message));
        }
        let expires = self.number(record, 3);
        let enabled = self.number(record, 2) == 1;
        let email = self.text(record, 6);
        let user = User {
            id: id.to_owned(),
            enabled,
            expires,
            first_name: self.text(record, 4),
            last_name: self.text(record, 5),
            email: Some(email).filter(|email| !email.is_empty()),
            comment: self.text(record, 7),
            line: record.number,
        };
        self.users.push(user);
    }

    fn number(&mut self, record: &Record<'_>, index: usize) -> u64 {
        match record.field(index) {
            "" => 0,
            text => text.parse().unwrap_or_else(|_| {
                let message = format!("expected a number, not {}", crate::quote::quoted(text));
                self.faults.push(record.fault(index, message));
                0
            }),
        }
    }

    /// A decoded text field. One with control characters could break a header,
    /// so it counts as empty.
    fn text(&mut self, record: &Record<'_>, index: usize) -> String {
        match decoded(record.field(index)) {
            Ok(text) => text,
            Err(why) => {
                self.faults
                    .push(record.fault(index, format!("{why}, so the field is not used")));
                String::new()
            }
        }
    }
}

/// One line, split when asked for.
struct Record<'a> {
    text: &'a str,
    number: u32,
}

impl<'a> Record<'a> {
    /// The field of an index, trimmed; empty when the line is shorter.
    fn field(&self, index: usize) -> &'a str {
        self.text.split(':').nth(index).unwrap_or_default().trim()
    }

    fn fault(&self, index: usize, message: impl fmt::Display) -> Fault {
        let before: u32 = self
            .text
            .split(':')
            .take(index)
            .map(|field| characters(field) + 1)
            .sum();
        let field = self.text.split(':').nth(index).unwrap_or_default();
        let indent = characters(field) - characters(field.trim_start());
        Fault::in_file(FILE, Level::Warning, message.to_string()).on_line(
            self.number,
            (before + indent).min(characters(self.text)) + 1,
        )
    }
}

fn characters(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX / 2)
}

/// `%C3%BC` as `ü`. A `%` that begins no escape stands for itself.
fn decoded(field: &str) -> Result<String, &'static str> {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(field).collect();
    let text = String::from_utf8(bytes).map_err(|_| "its escapes are not UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("holds control characters");
    }
    Ok(text.trim().to_owned())
}

/// `NAME@REALM` of 3 to 64 characters, as pve-access-control verifies it.
fn is_user_id(id: &str) -> bool {
    let Some((name, realm)) = id.rsplit_once('@') else {
        return false;
    };
    let plain = |character: char| !character.is_whitespace() && !":/".contains(character);
    let in_realm = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    (3..=64).contains(&id.chars().count())
        && !name.is_empty()
        && name.chars().all(plain)
        && realm.len() >= 2
        && realm.starts_with(|character: char| character.is_ascii_alphabetic())
        && realm.chars().all(in_realm)
}
