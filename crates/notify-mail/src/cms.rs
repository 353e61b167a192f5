//! The mail inside of an opaque S/MIME signature (RFC 5652, RFC 8551 3.5.2).
//!
//! Only the way to the content is known here; no signature is checked.

use std::borrow::Cow;

/// The object identifier of signed data, 1.2.840.113549.1.7.2.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

const OBJECT_ID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const OCTETS_IN_PIECES: u8 = 0x24;
const SEQUENCE: u8 = 0x30;
const EXPLICIT: u8 = 0xa0;

/// The content that is signed; none when it is encrypted, or nothing that we know.
pub(crate) fn signed_content(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut outer = inside(bytes, SEQUENCE)?;
    let kind = element(&mut outer)?;
    if (kind.tag, kind.content) != (OBJECT_ID, SIGNED_DATA) {
        return None;
    }
    let mut signed = inside(inside(outer, EXPLICIT)?, SEQUENCE)?;
    // Version and digest algorithms.
    element(&mut signed)?;
    element(&mut signed)?;
    let mut content = inside(signed, SEQUENCE)?;
    // What kind of content it is.
    element(&mut content)?;
    let octets = element(&mut inside(content, EXPLICIT)?)?;
    match octets.tag {
        OCTETS => Some(Cow::Borrowed(octets.content)),
        OCTETS_IN_PIECES => Some(Cow::Owned(joined(octets.content))),
        _ => None,
    }
}

/// An element of BER. Where the length is not stated, the content is all that follows.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

/// The next element, which is taken off.
fn element<'a>(rest: &mut &'a [u8]) -> Option<Element<'a>> {
    let (&tag, after) = rest.split_first()?;
    let (&length, after) = after.split_first()?;
    let (length, after) = match length {
        0x80 => (after.len(), after),
        0..0x80 => (usize::from(length), after),
        _ => {
            let (digits, after) = after.split_at_checked(usize::from(length & 0x7f))?;
            // More than an address can hold is more than there is.
            let add = |sum: usize, digit: &u8| sum.checked_mul(256)?.checked_add((*digit).into());
            (digits.iter().try_fold(0, add)?, after)
        }
    };
    let (content, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(Element { tag, content })
}

/// The content of the first element, if it has this tag.
fn inside(mut bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let first = element(&mut bytes)?;
    (first.tag == tag).then_some(first.content)
}

/// The pieces up to the end of the contents.
fn joined(mut pieces: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(piece) = element(&mut pieces).filter(|piece| piece.tag == OCTETS) {
        whole.extend_from_slice(piece.content);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::{SIGNED_DATA, signed_content};

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("a short test");
        [&[tag, length], content].concat()
    }

    fn signed(octets: &[u8]) -> Vec<u8> {
        let content = tlv(0x30, &[tlv(6, b"\x2a"), tlv(0xa0, octets)].concat());
        let signed = tlv(0x30, &[tlv(2, b"\x01"), tlv(0x31, b""), content].concat());
        tlv(0x30, &[tlv(6, SIGNED_DATA), tlv(0xa0, &signed)].concat())
    }

    #[test]
    fn the_content_is_found_whole_or_in_pieces() {
        assert_eq!(
            signed_content(&signed(&tlv(4, b"text"))).as_deref(),
            Some(&b"text"[..])
        );
        let pieces = [tlv(4, b"te"), tlv(4, b"xt"), vec![0, 0]].concat();
        let octets = tlv(0x24, &pieces);
        assert_eq!(
            signed_content(&signed(&octets)).as_deref(),
            Some(&b"text"[..])
        );
    }

    #[test]
    fn what_is_cut_short_or_something_else_has_no_content() {
        let whole = signed(&tlv(4, b"text"));
        for end in 0..whole.len() {
            assert_eq!(signed_content(&whole[..end]), None, "{end}");
        }
        assert_eq!(signed_content(&[0x30, 0xff, 0, 0]), None);
        let mut other = whole;
        other[4] ^= 1;
        assert_eq!(signed_content(&other), None);
    }
}
