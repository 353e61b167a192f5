//! Links of Markdown files lead somewhere.

use super::Violation;
use super::tree::Tree;

/// Each relative link names a file or folder of the repository, and each anchor a heading.
pub(super) fn links(tree: &Tree) -> Vec<Violation> {
    tree.texts()
        .filter(|(path, _)| path.ends_with(".md"))
        .flat_map(|(path, text)| {
            targets(text).filter_map(move |(line, target)| {
                let reason = broken(tree, path, target)?;
                Some(Violation::new(path, line, format!("`{target}` {reason}")))
            })
        })
        .collect()
}

fn broken(tree: &Tree, from: &str, target: &str) -> Option<&'static str> {
    let (file, anchor) = match target.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor)),
        None => (target, None),
    };
    let path = match file {
        "" => Some(from.to_owned()),
        _ => resolved(from, file),
    };
    let Some(path) = path.filter(|path| tree.has(path)) else {
        return Some("leads nowhere");
    };
    let text = tree.text(&path).filter(|_| path.ends_with(".md"));
    match (anchor, text) {
        (Some(anchor), Some(text)) if !headings(text).any(|slug| slug == anchor) => {
            Some("names no heading")
        }
        _ => None,
    }
}

/// The path that a relative link means; none when it leaves the repository.
fn resolved(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The relative targets of `[text](target)` and `[name]: target`, with their lines.
fn targets(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(number, line)| {
        let definition = line
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]: "));
        let inline = line.match_indices("](").filter_map(move |(at, _)| {
            let outside_code = line[..at].matches('`').count() % 2 == 0;
            let rest = &line[at + 2..];
            outside_code.then(|| &rest[..rest.find(')').unwrap_or(rest.len())])
        });
        definition
            .map(|(_, target)| target)
            .into_iter()
            .chain(inline)
            .map(|target| target.split_whitespace().next().unwrap_or_default())
            .filter(|target| !target.contains(':') && !target.is_empty())
            .map(move |target| (number, target))
    })
}

/// The lines outside of fenced blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<usize> = None;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let ticks = line.trim_start().chars().take_while(|c| *c == '`').count();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            None => return Some((index + 1, line)),
            Some(open) if ticks >= open => fence = None,
            Some(_) => {}
        }
        None
    })
}

/// The anchors that a Markdown viewer gives to headings: lower case, blanks to dashes, marks gone.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        let is_heading = title.len() < line.len() && title.starts_with(' ');
        is_heading.then(|| slug(title.trim()))
    })
}

fn slug(title: &str) -> String {
    title
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Tree, links, slug};
    use crate::tidy::said;

    fn check(markdown: &str, expected: &[&str]) {
        let tree = Tree::of(&[
            ("docs/guide/a.md", markdown),
            ("docs/b.md", "# The Title, `x`!\n```\n# no heading\n```\n"),
            ("docs/picture.png", ""),
        ]);
        assert_eq!(said(links, &tree), expected, "{markdown}");
    }

    #[test]
    fn links_that_lead_somewhere() {
        check(
            "[b](../b.md) [up](..) [root](../../docs/) ![p](../picture.png \"title\")",
            &[],
        );
        check(
            "[b](../b.md#the-title-x) [w](https://example.com/x) [m](mailto:a@example.com)",
            &[],
        );
        check("# Here\n[h](#here)", &[]);
        check("`[x](nowhere)`\n```\n[x](nowhere)\n```\n", &[]);
        check("[b]: ../b.md\n", &[]);
    }

    #[test]
    fn links_that_lead_nowhere() {
        check("\n[x](c.md)", &["docs/guide/a.md:2: `c.md` leads nowhere"]);
        check(
            "[x](../../../b.md)",
            &["docs/guide/a.md:1: `../../../b.md` leads nowhere"],
        );
        check(
            "[x]: gone.md \"t\"",
            &["docs/guide/a.md:1: `gone.md` leads nowhere"],
        );
        check(
            "[x](../b.md#no-heading)",
            &["docs/guide/a.md:1: `../b.md#no-heading` names no heading"],
        );
        check(
            "[x](#there)",
            &["docs/guide/a.md:1: `#there` names no heading"],
        );
        check(
            "`a` [x](c.md) `b`",
            &["docs/guide/a.md:1: `c.md` leads nowhere"],
        );
    }

    #[test]
    fn headings_become_anchors_as_viewers_make_them() {
        assert_eq!(slug("The `x`: 1. why-not?"), "the-x-1-why-not");
    }
}
