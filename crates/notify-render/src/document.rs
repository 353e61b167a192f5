//! The `html-document` helper: HTML that someone sent, made a whole document.

/// `html` as it is when it is a document, else framed as one.
///
/// A document begins, after blanks, comments apart, with a doctype or an `html`
/// element; anything else is taken for a fragment of a body.
pub(crate) fn document(html: &str) -> String {
    if is_document(html) {
        return html.to_owned();
    }
    format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n</head>\n<body>\n{html}\n</body>\n</html>\n"
    )
}

fn is_document(html: &str) -> bool {
    let mut rest = html.trim_start_matches('\u{feff}').trim_start();
    while let Some((_, after)) = rest
        .strip_prefix("<!--")
        .and_then(|comment| comment.split_once("-->"))
    {
        rest = after.trim_start();
    }
    ["<!doctype", "<html"].iter().any(|start| {
        rest.get(..start.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    })
}

#[cfg(test)]
mod tests {
    use super::{document, is_document};

    #[test]
    fn a_document_stays_and_a_fragment_is_framed() {
        for whole in [
            "<html></html>",
            "\n<!DOCTYPE html><p>x",
            "<!-- a --> <!-- b --><HTML>",
        ] {
            assert_eq!(document(whole), whole);
        }
        for fragment in ["<p>x</p>", "", "<!-- <html> -->", "ä<html>", "<htm"] {
            assert!(!is_document(fragment), "{fragment}");
        }
        assert!(document("<p>x</p>").contains("<body>\n<p>x</p>\n</body>"));
    }
}
