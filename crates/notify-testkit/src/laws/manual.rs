//! Laws of the manual: it names every property, and says what the transport cannot do.

use super::trial::Findings;

/// The heading under which an administrator finds it.
const CANNOT: &str = "## What it cannot do";

/// Comes last: what is declared is known once all situations have been asked for.
pub(super) fn laws(findings: &mut Findings<'_>) {
    let kind = findings.kind;
    findings.law(
        "a manual begins with its title",
        kind.manual.starts_with("# "),
        || format!("{:?}", kind.manual.lines().next().unwrap_or_default()),
    );
    for property in kind.properties {
        let quoted = format!("`{}`", property.name);
        findings.law(
            "a manual names every property",
            kind.manual.contains(&quoted),
            || quoted.clone(),
        );
    }
    let cannot = plain(section(kind.manual, CANNOT).unwrap_or_default());
    for line in findings.declared().to_vec() {
        let reason = line.split_once(": ").map_or(&*line, |(_, reason)| reason);
        findings.law(
            "a manual says what the transport cannot do",
            cannot.contains(&plain(reason)),
            || format!("`{line}` does not stand under `{CANNOT}`"),
        );
    }
}

/// What stands under a heading, up to the next of its level.
fn section<'m>(manual: &'m str, heading: &str) -> Option<&'m str> {
    let (_, below) = manual.split_once(&format!("\n{heading}\n"))?;
    Some(below.split("\n## ").next().unwrap_or(below))
}

/// Without capitals, line breaks and code marks, so that a reason may begin a sentence.
fn plain(text: &str) -> String {
    let words: Vec<String> = text
        .replace('`', "")
        .split_whitespace()
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{CANNOT, plain, section};

    #[test]
    fn a_reason_is_found_in_its_sentence() {
        let manual =
            format!("# x\n\nIt rings.\n\n{CANNOT}\n\nIt has\nno `bell`.\n\n## More\n\nz\n");
        let found = plain(section(&manual, CANNOT).expect("the heading is there"));
        assert_eq!(found, "it has no bell.");
        assert_eq!(section("# x\n\nno heading\n", CANNOT), None);
    }
}
