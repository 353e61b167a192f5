//! The bytes of a configuration's files, and what could not be read of them.

use std::fmt;

use notify_schema::Source;
use sha2::{Digest as _, Sha256};

/// What was found where a file is expected.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Content {
    /// No such file: the same as an empty one.
    #[default]
    Missing,
    /// Its bytes.
    Read(Vec<u8>),
    /// It is there, but could not be read; the reason in words, as `permission denied`.
    Unreadable(String),
}

impl Content {
    /// The bytes; empty unless it was read.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Content::Read(bytes) => bytes,
            Content::Missing | Content::Unreadable(_) => &[],
        }
    }

    /// Why it could not be read.
    pub fn unreadable(&self) -> Option<&str> {
        match self {
            Content::Unreadable(reason) => Some(reason),
            Content::Missing | Content::Read(_) => None,
        }
    }
}

impl fmt::Debug for Content {
    /// Says only how much there is: the private file is secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Missing => f.write_str("Missing"),
            Content::Read(bytes) => write!(f, "Read({} bytes)", bytes.len()),
            Content::Unreadable(reason) => write!(f, "Unreadable({reason})"),
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Content::Read(text.into())
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Content::Read(bytes)
    }
}

/// The three files of a configuration, as read at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// `notifications.cfg`.
    pub public: Content,
    /// `priv/notifications.cfg`.
    pub private: Content,
    /// `notify.cfg`.
    pub overlay: Content,
    /// Whether every user of the system can read the private file.
    pub private_is_exposed: bool,
}

impl Files {
    /// The three texts, for tests and for programs that keep no folder.
    pub fn of(public: &str, private: &str, overlay: &str) -> Self {
        let content = |text: &str| match text {
            "" => Content::Missing,
            text => Content::from(text),
        };
        Files {
            public: content(public),
            private: content(private),
            overlay: content(overlay),
            private_is_exposed: false,
        }
    }

    /// One of the three; the public file for [`Source::Nowhere`].
    pub fn content(&self, source: Source) -> &Content {
        match source {
            Source::Private => &self.private,
            Source::Overlay => &self.overlay,
            _ => &self.public,
        }
    }

    pub(crate) fn content_mut(&mut self, source: Source) -> &mut Content {
        match source {
            Source::Private => &mut self.private,
            Source::Overlay => &mut self.overlay,
            _ => &mut self.public,
        }
    }

    /// SHA-256 of the public file's bytes in lower-case hex, as Proxmox VE computes it.
    ///
    /// A missing file counts as empty.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.public.bytes()))
    }

    /// The same over all three files, so that a changed secret shows too.
    pub fn revision(&self) -> String {
        let mut hash = Sha256::new();
        for content in [&self.public, &self.private, &self.overlay] {
            // The length goes first: no byte can move from one file to the next unseen.
            let length = content.bytes().len() as u64;
            hash.update([u8::from(content.unreadable().is_some())]);
            hash.update(length.to_be_bytes());
            hash.update(content.bytes());
        }
        hex(&hash.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes all text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Content, Files};

    #[test]
    fn a_missing_file_has_the_digest_of_nothing() {
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Files::default().digest(), nothing);
        assert_eq!(Files::of("", "gotify: a\n", "").digest(), nothing);
        assert_ne!(Files::of("x", "", "").digest(), nothing);
    }

    #[test]
    fn the_revision_covers_every_file_and_where_a_byte_stands() {
        let revisions = [
            Files::of("", "", ""),
            Files::of("ab", "", ""),
            Files::of("a", "b", ""),
            Files::of("", "ab", ""),
            Files::of("a", "", "b"),
            Files::of("a\0", "", ""),
            Files::of("a", "\0", ""),
            Files {
                private: Content::Unreadable("permission denied".into()),
                ..Files::default()
            },
        ]
        .map(|files| files.revision());
        for (index, revision) in revisions.iter().enumerate() {
            assert_eq!(revision.len(), 64);
            assert!(!revisions[..index].contains(revision), "{index}");
        }
    }

    #[test]
    fn debug_shows_no_byte() {
        let files = Files::of("", "gotify: a\n\ttoken hunter2\n", "");
        assert!(!format!("{files:?}").contains("hunter2"));
    }
}
