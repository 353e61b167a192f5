//! What Outlook puts into `winmail.dat` (MS-OXTNEF), as far as it is text.

use crate::decode;

const SIGNATURE: [u8; 4] = 0x223e_9f78_u32.to_le_bytes();
/// The attributes `attBody` and `attAttachTitle`.
const BODY: u32 = 0x0002_800c;
const FILE_NAME: u32 = 0x0001_8010;

/// Most names of files that are told.
const NAMES_MAX: usize = 20;

/// What can be read of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// The text, if it is there in plain form.
    pub(crate) text: Option<String>,
    /// The names of the files in it.
    pub(crate) files: Vec<String>,
}

/// Reads a `winmail.dat`; none when it is not one.
pub(crate) fn contents(bytes: &[u8]) -> Option<Contents> {
    let mut rest = bytes.strip_prefix(&SIGNATURE)?.get(2..)?;
    let mut contents = Contents::default();
    while let Some((id, data, after)) = attribute(rest) {
        match id {
            BODY => contents.text = Some(text(data)),
            FILE_NAME if contents.files.len() < NAMES_MAX => {
                contents.files.push(decode::line(data.trim_ascii_end()));
            }
            _ => {}
        }
        rest = after;
    }
    Some(contents)
}

/// Level, id, length, data, checksum.
fn attribute(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (_level, rest) = bytes.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (data, rest) = rest.split_at_checked(length)?;
    Some((u32::from_le_bytes(*id), data, rest.get(2..)?))
}

/// It ends with a NUL.
fn text(data: &[u8]) -> String {
    let end = data
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(data.len());
    decode::text_of_unknown_charset(&data[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{BODY, Contents, FILE_NAME, SIGNATURE, contents};

    fn file(attributes: &[(u32, &[u8])]) -> Vec<u8> {
        let mut bytes = [&SIGNATURE[..], &[1, 0]].concat();
        for (id, data) in attributes {
            bytes.push(1);
            bytes.extend(id.to_le_bytes());
            bytes.extend(
                u32::try_from(data.len())
                    .expect("a short test")
                    .to_le_bytes(),
            );
            bytes.extend_from_slice(data);
            bytes.extend([0, 0]);
        }
        bytes
    }

    #[test]
    fn text_and_names_are_found() {
        let bytes = file(&[(1, b"x"), (BODY, b"hello\r\n\0"), (FILE_NAME, b"a.doc\0")]);
        let expected = Contents {
            text: Some("hello\r\n".to_owned()),
            files: vec!["a.doc".to_owned()],
        };
        assert_eq!(contents(&bytes), Some(expected));
        assert_eq!(contents(b"x"), None);
    }

    #[test]
    fn what_is_cut_short_ends_it() {
        let bytes = file(&[(BODY, b"hello"), (FILE_NAME, b"a.doc")]);
        for end in 6..bytes.len() {
            let files = contents(&bytes[..end]).expect("it has the signature").files;
            assert!(files.is_empty(), "{end}");
        }
    }
}
