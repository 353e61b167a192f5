//! Text made safe to stand in HTML.

/// `text` as it may stand in an element or in a quoted attribute.
///
/// The set is that of Handlebars: `& < > " ' ` =`.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    escape_into(text, &mut out);
    out
}

/// Appends `text`, escaped as [`escaped`] does it.
pub(crate) fn escape_into(text: &str, out: &mut String) {
    replace_into(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#x27;"),
        b'`' => Some("&#x60;"),
        b'=' => Some("&#x3D;"),
        _ => None,
    });
}

/// Appends `text` as it may stand in an element, where quotes mean nothing.
pub(crate) fn escape_content_into(text: &str, out: &mut String) {
    replace_into(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        _ => None,
    });
}

/// Copies whole stretches between the bytes to replace, which are all ASCII.
fn replace_into(text: &str, out: &mut String, replacement: impl Fn(u8) -> Option<&'static str>) {
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(entity) = replacement(byte) {
            out.push_str(&text[copied..at]);
            out.push_str(entity);
            copied = at + 1;
        }
    }
    out.push_str(&text[copied..]);
}

#[cfg(test)]
mod tests {
    use super::{escape_content_into, escaped};

    #[test]
    fn seven_characters_are_escaped() {
        assert_eq!(
            escaped("a & <b> \"c\" 'd' `e` f=g ö"),
            "a &amp; &lt;b&gt; &quot;c&quot; &#x27;d&#x27; &#x60;e&#x60; f&#x3D;g ö"
        );
    }

    #[test]
    fn content_keeps_its_quotes() {
        let mut out = String::new();
        escape_content_into("{\"a\": \"<&>\"}", &mut out);
        assert_eq!(out, "{\"a\": \"&lt;&amp;&gt;\"}");
    }
}
