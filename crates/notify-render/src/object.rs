//! The `object` helper: any value as indented JSON.

use serde_json::Value;

use crate::escape::escape_content_into;

/// The value on lines of its own, two blanks an indent, keys sorted.
pub(crate) fn text(value: &Value) -> String {
    format!("\n{}\n", pretty(value))
}

/// As [`text`], in a `pre` element.
pub(crate) fn html(value: &Value) -> String {
    let mut out = String::from("\n<pre>");
    escape_content_into(&pretty(value), &mut out);
    out.push_str("\n</pre>\n");
    out
}

fn pretty(value: &Value) -> String {
    // Keys are sorted, because `serde_json`'s map is a tree.
    serde_json::to_string_pretty(value).expect("a value has only text as keys")
}

#[cfg(test)]
mod tests {
    use super::{html, text};
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_markup_is_escaped() {
        let value = json!({"b": [1, null], "a": "<x> & \"y\""});
        assert_eq!(
            text(&value),
            "\n{\n  \"a\": \"<x> & \\\"y\\\"\",\n  \"b\": [\n    1,\n    null\n  ]\n}\n"
        );
        assert_eq!(
            html(&json!({"a": "<x> &"})),
            "\n<pre>{\n  \"a\": \"&lt;x&gt; &amp;\"\n}\n</pre>\n"
        );
        assert_eq!(text(&json!(1.5)), "\n1.5\n");
    }
}
